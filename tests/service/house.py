"""The service over a real database, and people who sign with real keys. What a test does not say is honest and valid."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import SQLModel

from guard.bundles.bundle import to_bytes
from guard.core.facts import ScopeKind
from guard.core.lifecycle import State
from guard.core.policy import Policy
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.canonical import parse_json
from guard.log.chain import Entry, require_chain
from guard.ports.books import TransferRow
from guard.service.acknowledgement import Acknowledgement, Asked
from guard.service.adopting import adopt_bundle
from guard.service.budgets import Limits, Rate
from guard.service.service import Service
from guard.service.showing import Showing
from guard.statements.admission import STATEMENT_CHECKS
from guard.store.store import Store
from tests.factories import make_scope
from tests.team import PINNED_AT, HandClock, Team, make_team_policy, transfer_id_of

PLENTY = Rate(100_000, 60)
AMPLE = Limits(moving=PLENTY, stops=PLENTY, lifting=PLENTY, attempts=PLENTY)
_numbers = count()


def asked(*, key: str | None = "", version: int | None = 1, fingerprint: str = "") -> Asked:
    """A request with a key and a fingerprint of its own, about version 1, unless said otherwise."""
    number = next(_numbers)
    return Asked(
        source="192.0.2.1",
        idempotency_key=f"key-{number}" if key == "" else key,
        version=version,
        fingerprint=fingerprint or f"request-{number}",
    )


def found_people(folder: Path, policy: Policy | None = None) -> Team:
    """People who sign, and none of the signers."""
    return Team(folder / "people", policy=policy or make_team_policy(), running=("nobody",))


def open_service(store: Store, clock: HandClock, limits: Limits = AMPLE) -> Service:
    """The service with every check."""
    return Service(store, clock, checks=STATEMENT_CHECKS, limits=limits)


class House:
    """A treasury's server without its network, worker and signers. `people` sign; nobody here checks but the service."""

    def __init__(
        self, store: Store, folder: Path, *, policy: Policy | None = None, limits: Limits = AMPLE, **changes: Any
    ) -> None:
        self.store = store
        self.people = found_people(folder, policy or make_team_policy(**changes))
        self.clock = self.people.clock
        adopt_bundle(store, to_bytes(self.people.bundle), self.people.digest, PINNED_AT)
        self.service = self.open(limits)
        self.showing = Showing(store, self.clock)

    def open(self, limits: Limits = AMPLE) -> Service:
        """One more service on the same books, as another process has it."""
        return open_service(self.store, self.clock, limits)

    # People.

    def proposed(self, **changes: Any) -> Transfer:
        """A new transfer that its initiator has proposed."""
        transfer = self.people.transfer(**changes)
        self.service.propose(self.people.propose(transfer), asked())
        return transfer

    def approve(self, transfer: Transfer, name: str, *, version: int | None = None, **changes: Any) -> Acknowledgement:
        """Approve the transfer as it stands."""
        signed = self.people.approve(transfer, name, **changes)
        seen = self.row(transfer).version if version is None else version
        return self.service.approve(transfer_id_of(transfer), signed, asked(version=seen))

    def reject(self, transfer: Transfer, name: str) -> Acknowledgement:
        """Reject, or by the initiator withdraw."""
        return self.service.reject(transfer_id_of(transfer), self.people.reject(transfer, name), asked(key=None))

    def veto(self, transfer: Transfer, name: str = "erin") -> Acknowledgement:
        """Veto."""
        return self.service.veto(transfer_id_of(transfer), self.people.veto(transfer, name), asked(key=None))

    def freeze(
        self, name: str = "erin", *, kind: ScopeKind = ScopeKind.EVERYTHING, freeze: str = "freeze 1"
    ) -> Acknowledgement:
        """Freeze."""
        return self.service.freeze(self.people.freeze(make_scope(kind), name, freeze=freeze), asked(key=None))

    def unfreeze(self, name: str, *freezes: str, **changes: Any) -> Acknowledgement:
        """Agree to lift freezes."""
        return self.service.unfreeze(self.people.unfreeze(name, *(freezes or ("freeze 1",)), **changes), asked())

    def carry(self, transfer: Transfer, *states: State) -> TransferRow:
        """Move a transfer as the worker does."""
        with self.store.writing() as writing:
            moved = [
                writing.move_transfer(transfer_id_of(transfer), state, reason="", at=self.clock.wall)
                for state in states
            ]
        return moved[-1]

    # What the books hold.

    def row(self, transfer: Transfer) -> TransferRow:
        """The transfer's row."""
        with self.store.reading() as reading:
            row = reading.load_transfer(transfer_id_of(transfer))
        assert row is not None
        return row

    def entries(self) -> list[dict[str, Any]]:
        """The log, its chain verified from the treasury's beginning to the head that the books name."""
        with self.store.reading() as reading:
            rows, head = reading.load_entries(start=0, limit=10_000), reading.load_head()
        told = [parse_json(row.body.encode()) for row in rows]
        entries = [Entry(**{name: value for name, value in each.items() if name != "format"}) for each in told]
        chained = zip(entries, [row.head for row in rows], strict=True)
        assert require_chain(self.people.policy.treasury, chained) == head.head
        assert head.size == len(rows)
        return told

    def events(self) -> list[str]:
        """What happened, in order."""
        return [entry["event"] for entry in self.entries()]

    def messages(self) -> list[dict[str, Any]]:
        """What waits in the outbox, in no order."""
        table = SQLModel.metadata.tables["outbox"]
        with self.store.database.begin() as connection:
            return [json.loads(body) for body in connection.execute(select(table.c.body)).scalars()]

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.store.database.begin() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in SQLModel.metadata.tables.items()
            }


def refusal_of(ask: Callable[[], object]) -> GuardError:
    """What the service refuses with."""
    try:
        ask()
    except GuardError as refused:
        return refused
    raise AssertionError("it was not refused")


def code_of(ask: Callable[[], object]) -> str:
    """The code of a refusal."""
    return refusal_of(ask).code


def changes_between(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """The tables that grew, and by how many rows."""
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}
