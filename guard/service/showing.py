"""What people who logged in are shown, each answer out of one consistent look at the books. Reads only.

Whoever shows it further says of every prediction that the signers decide; a client that signs computes everything anew from its own bundle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from guard.core.ids import Digest, PersonId
from guard.errors import GuardError
from guard.ports import Clock
from guard.ports.books import Books, LogRow, TransferQuery
from guard.service.editions import Editions, Known
from guard.service.freezes import FreezeStanding
from guard.service.inbox import find_waiting
from guard.service.messages import find_summary
from guard.service.outlook import Look, Outlook, to_prediction
from guard.service.statement_reader import StatementReader
from guard.service.stored_transfers import parse_stored, require_transfer, to_row, to_transfer
from guard.statements.digests import to_message
from guard.statements.signed import transfer_to_json


class Showing:
    """Answers about the treasury's state. Threads may share it."""

    def __init__(self, books: Books, clock: Clock):
        self._books = books
        self._clock = clock
        self._editions = Editions()
        self._reader = StatementReader()

    def show_treasury(self) -> dict[str, Any]:
        """Which treasury this is, its active policy, and where the log stands."""
        with self._looking() as look:
            active, head = look.known.active, look.reading.load_head()
        policy = {
            "digest": active.digest,
            "version": active.version,
            "expires_at": active.expires_at,
            "roster": active.roster_digest,
        }
        return {
            "treasury": active.policy.treasury,
            "policy": policy,
            "log": {"size": head.size, "head": head.head},
        }

    def show_bundle(self, digest: Digest) -> bytes:
        """A bundle, byte for byte. Raises `request.bundle-unknown`."""
        with self._books.reading() as reading:
            found = next((row.raw for row in reading.load_bundles() if row.digest == digest), None)
        if found is None:
            raise GuardError("request.bundle-unknown", f"no bundle {digest} is known here")
        return found

    def load_known(self) -> Known:
        """The policies of the books now: who is a member is asked of the active one at each request."""
        with self._books.reading() as reading:
            return self._editions.load(reading)

    def list_transfers(self, query: TransferQuery) -> list[dict[str, Any]]:
        """Transfers by query, a row each, the newest first."""
        with self._books.reading() as reading:
            return [to_row(row) for row in reading.list_transfers(query)]

    def show_transfer(self, name: str) -> dict[str, Any]:
        """One transfer by its id or the beginning of it: everything that was said about it, and the prediction.

        Raises `request.transfer-id`, `request.ambiguous` and `transfer.unknown`.
        """
        with self._looking() as look:
            row = require_transfer(look.reading, name)
            statements = look.reading.load_statements(row.id)
            transfer = to_transfer(row)
            decision = Outlook(look).predict(row.id, transfer, statements)
        return {
            "id": row.id,
            "state": row.state.value,
            "reason": row.reason,
            "version": row.version,
            "received_at": row.received_at,
            "moved_at": row.moved_at,
            "transfer": transfer_to_json(transfer),
            "summary": find_summary(transfer, look.known.edition_of(transfer)),
            "statements": [parse_stored(each.body) for each in statements],
            "prediction": to_prediction(decision),
        }

    def show_release_request(self, name: str) -> dict[str, Any]:
        """What a signer is given: the transfer and its statements. Raises like `show_transfer`."""
        with self._books.reading() as reading:
            row = require_transfer(reading, name)
            statements = reading.load_statements(row.id)
        return {"transfer": parse_stored(row.body), "statements": [parse_stored(each.body) for each in statements]}

    def show_inbox(self, person: PersonId) -> list[dict[str, Any]]:
        """Open transfers in which this person's approval could still fill a seat that is missing."""
        with self._looking() as look:
            return [to_row(row) for row in find_waiting(look, person)]

    def show_freezes(self) -> list[dict[str, Any]]:
        """Every freeze in the order of arrival, and whether it holds by the server's books."""
        with self._looking() as look:
            return [_freeze_to_json(standing) for standing in Outlook(look).standings]

    def show_log(self, *, start: int, limit: int) -> list[dict[str, Any]]:
        """Entries from an index on, each with the chain head after it."""
        with self._books.reading() as reading:
            return [_entry_to_json(row) for row in reading.load_entries(start=start, limit=limit)]

    def show_head(self) -> dict[str, Any]:
        """Where the log stands."""
        with self._books.reading() as reading:
            head = reading.load_head()
        return {"size": head.size, "head": head.head}

    @contextmanager
    def _looking(self) -> Iterator[Look]:
        with self._books.reading() as reading:
            yield Look(reading, self._editions.load(reading), self._reader, self._clock.read().wall)


def _entry_to_json(row: LogRow) -> dict[str, Any]:
    return {"entry": parse_stored(row.body), "head": row.head}


def _freeze_to_json(standing: FreezeStanding) -> dict[str, Any]:
    said = standing.said
    return {
        **to_message(said.statement.STRUCT, said.statement),
        "person": said.person,
        "received_at": said.received_at,
        "is_in_force": standing.is_in_force,
        "prediction": True,
    }
