"""The books over a connection (`guard.ports.books`): reads and writes rows, keeps the log's chain, decides nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from guard.core.ids import Address, Digest, PersonId, TransferId
from guard.core.lifecycle import State, require_move
from guard.errors import AdapterError, GuardError
from guard.log.chain import Entry, compute_head_of, compute_start, to_bytes
from guard.ports.books import BundleRow, LogHead, LogRow, Message, Replay, StatementRow, TransferQuery, TransferRow
from guard.store import books_sql as sql
from guard.store import rows

FOUND_AT_MOST = 10
WHOLE_END = 2**63
_PREFIX = re.compile(r"0x[0-9a-f]{0,64}\Z", re.ASCII)
_AFTER_EVERY_FIGURE = "g"


class BooksReader:
    """Reads the books as of the connection's transaction."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    def load_treasury(self) -> Digest | None:
        """The treasury that this database belongs to; None before the first bundle."""
        treasury: Digest | None = self.db.execute(sql.READ_HEAD).one().treasury
        return treasury

    def load_bundles(self) -> tuple[BundleRow, ...]:
        """Every bundle, oldest first; the last one is active."""
        return tuple(map(rows.to_bundle, self.db.execute(sql.READ_BUNDLES)))

    def load_transfer(self, transfer_id: TransferId) -> TransferRow | None:
        """One transfer."""
        found = self.db.execute(sql.READ_TRANSFER, {"wanted": transfer_id}).one_or_none()
        return None if found is None else rows.to_transfer(found)

    def list_transfers(self, query: TransferQuery) -> tuple[TransferRow, ...]:
        """Transfers by query, the newest arrival first; none after an id that is not known."""
        last = None if query.before is None else self.load_transfer(query.before)
        if query.before is not None and last is None:
            return ()
        states = tuple(state.value for state in query.states)
        before = None if last is None else (last.received_at, last.id)
        wanted = sql.list_transfers(states, query.vault, query.initiator, before)
        return tuple(map(rows.to_transfer, self.db.execute(wanted.limit(query.limit))))

    def find_transfers(self, prefix: str) -> tuple[TransferId, ...]:
        """Ids that begin so, at most ten."""
        if _PREFIX.match(prefix) is None:
            return ()
        span = {"first": prefix, "end": prefix + _AFTER_EVERY_FIGURE, "most": FOUND_AT_MOST}
        return tuple(self.db.execute(sql.FIND_TRANSFERS, span).scalars())

    def load_statements(self, transfer_id: TransferId) -> tuple[StatementRow, ...]:
        """What was said about a transfer, in the order of arrival."""
        return tuple(map(rows.to_statement, self.db.execute(sql.READ_STATEMENTS, {"wanted": transfer_id})))

    def load_statements_of_kind(self, kind: str) -> tuple[StatementRow, ...]:
        """Statements of a kind, in the order of arrival."""
        return tuple(map(rows.to_statement, self.db.execute(sql.READ_STATEMENTS_OF_KIND, {"wanted": kind})))

    def find_statement(self, person: PersonId, digest: Digest) -> StatementRow | None:
        """The same statement by the same person, if it was accepted before."""
        wanted = {"wanted_person": person, "wanted_digest": digest}
        found = self.db.execute(sql.FIND_STATEMENT, wanted).one_or_none()
        return None if found is None else rows.to_statement(found)

    def load_counted(self, chain_id: int, vault: Address, *, since: int) -> tuple[TransferRow, ...]:
        """Transfers of a vault in a counted state, oldest first; those that are final only if they became so at `since` or later."""
        wanted = {"wanted_chain": chain_id, "wanted_vault": vault, "since": since}
        return tuple(map(rows.to_transfer, self.db.execute(sql.READ_COUNTED, wanted)))

    def load_head(self) -> LogHead:
        """Where the log stands."""
        found = self.db.execute(sql.READ_HEAD).one()
        return LogHead(size=found.size, head=found.head)

    def load_entries(self, *, start: int, limit: int) -> tuple[LogRow, ...]:
        """Entries from an index on."""
        return tuple(map(rows.to_entry, self.db.execute(sql.READ_ENTRIES, {"start": start, "most": limit})))

    def find_replay(self, principal: str, key: str) -> Replay | None:
        """The answer that was given under an Idempotency-Key."""
        wanted = {"wanted_principal": principal, "wanted_key": key}
        found = self.db.execute(sql.FIND_REPLAY, wanted).one_or_none()
        return None if found is None else rows.to_replay(found)


class BooksWriter(BooksReader):
    """Writes the books. It holds the lock of the log's head, so that what it reads stays true until it commits."""

    def __init__(self, db: Connection) -> None:
        super().__init__(db)
        found = db.execute(sql.LOCK_HEAD).one()
        self._treasury: Digest | None = found.treasury
        self._head = LogHead(size=found.size, head=found.head)

    def load_treasury(self) -> Digest | None:
        """The treasury that this database belongs to; None before the first bundle."""
        return self._treasury

    def load_head(self) -> LogHead:
        """Where the log stands, with what this transaction appended."""
        return self._head

    def add_bundle(self, row: BundleRow, treasury: Digest) -> None:
        """A new active bundle; the first one names the treasury and starts its log. Raises `store.other-treasury`."""
        if self._treasury not in (None, treasury):
            raise AdapterError("store.other-treasury", "the database belongs to another treasury than the bundle")
        if self._treasury is None:
            start = compute_start(treasury)
            self.db.execute(sql.START_LOG, {"owner": treasury, "start": start})
            self._treasury, self._head = treasury, LogHead(size=0, head=start)
        self.db.execute(sql.ADD_BUNDLE, rows.to_values(row))

    def add_transfer(self, row: TransferRow) -> None:
        """A transfer that is new here. Raises `store.too-large` for numbers beyond 64 bits, which a statement may bear."""
        if max(row.chain_id, row.proposed_at, row.expires_at) >= WHOLE_END:
            raise GuardError(
                "store.too-large", "a time or the chain id of the transfer is larger than any that is kept"
            )
        self.db.execute(sql.ADD_TRANSFER, rows.to_values(row))

    def add_statement(self, row: StatementRow) -> None:
        """A statement that is new here. Its place in the log must be filled by the same transaction, before it or after it."""
        self.db.execute(sql.ADD_STATEMENT, rows.to_values(row))

    def move_transfer(self, transfer_id: TransferId, to: State, *, reason: str, at: int) -> TransferRow:
        """Move a transfer by the table of moves; raises `lifecycle.move`. Its version grows."""
        old = self.load_transfer(transfer_id)
        if old is None:
            raise LookupError(f"no transfer {transfer_id} to move")
        require_move(old.state, to)
        moved = {"wanted": transfer_id, "new_state": to.value, "new_reason": reason, "new_moved_at": at}
        return rows.to_transfer(self.db.execute(sql.MOVE_TRANSFER, moved).one())

    def touch_transfer(self, transfer_id: TransferId) -> TransferRow:
        """Let a transfer's version grow, since something was said that approvers must see first."""
        return rows.to_transfer(self.db.execute(sql.TOUCH_TRANSFER, {"wanted": transfer_id}).one())

    def append(
        self, event: str, *, actor: str, at: int, transfer_id: TransferId | None = None, body: dict[str, Any]
    ) -> LogRow:
        """Append an entry to the log. Raises `store.no-treasury` before the first bundle."""
        if self._treasury is None:
            raise AdapterError("store.no-treasury", "the log begins with the treasury's first bundle")
        size, previous = self._head.size, self._head.head
        entry = Entry(index=size, at=at, event=event, actor=actor, transfer=transfer_id, body=body, previous=previous)
        canonical = to_bytes(entry)
        row = LogRow(
            index=size,
            at=at,
            event=event,
            actor=actor,
            transfer_id=transfer_id,
            body=canonical.decode(),
            head=compute_head_of(canonical),
        )
        self.db.execute(sql.ADD_ENTRY, rows.to_entry_values(row))
        self._head = LogHead(size=size + 1, head=row.head)
        return row

    def post(self, messages: Iterable[Message]) -> None:
        """Put messages into the outbox, due at once."""
        for message in messages:
            self.db.execute(sql.POST, {**rows.to_values(message), "due_at": message.created_at})

    def make_due(self, transfer_id: TransferId, *, at: int) -> None:
        """Ask the worker to carry a transfer at that time, or earlier if it is due earlier already."""
        self.db.execute(sql.MAKE_DUE[self.db.dialect.name], {"transfer_id": transfer_id, "due_at": at})

    def keep_replay(self, replay: Replay) -> None:
        """Remember an answer under its Idempotency-Key."""
        self.db.execute(sql.ADD_REPLAY, rows.to_values(replay))
