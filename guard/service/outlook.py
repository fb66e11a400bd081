"""What the policy would say now by the server's own facts. A prediction for people: the signers decide, each by its own journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from guard.core.decide import decide
from guard.core.decision import Decision
from guard.core.facts import Facts, FreezeInForce, Movement, SeenApproval, SeenProposal
from guard.core.ids import Address, PersonId, TransferId
from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.ports.books import BooksReading, StatementRow, TransferRow
from guard.service.editions import Known
from guard.service.freezes import FreezeStanding, SaidFreeze, SaidUnfreeze, compute_standings
from guard.service.statement_reader import StatementReader
from guard.statements.values import Approval, Freeze, Unfreeze

SIGNERS_DECIDE = "the signers decide"


@dataclass(frozen=True, slots=True)
class Look:
    """One consistent look at the books at one time, with what is needed to read them."""

    reading: BooksReading
    known: Known
    reader: StatementReader
    now: int


class Outlook:
    """Predictions within one look. What several transfers share is read once, and only if it is needed."""

    def __init__(self, look: Look):
        self._look = look
        self._movements: dict[tuple[int, Address, int], tuple[Movement, ...]] = {}

    def predict(self, transfer_id: TransferId, transfer: Transfer, statements: Iterable[StatementRow]) -> Decision:
        """The decision on a transfer with these statements about it. Raises `AdapterError` `service.books-broken`."""
        rows = tuple(statements)
        facts = Facts(
            now=self._look.now,
            transfer_id=transfer_id,
            proposal=next((_to_proposal(row) for row in rows if row.kind == "proposal"), None),
            approvals=tuple(self._to_approval(row) for row in rows if row.kind == "approval"),
            rejected_by=_people(rows, "rejection"),
            vetoed_by=_people(rows, "veto"),
            freezes=self._in_force,
            movements=self._load_movements(transfer),
        )
        return decide(transfer, self._look.known.policies(transfer), facts)

    @cached_property
    def standings(self) -> tuple[FreezeStanding, ...]:
        """Every freeze with whether it holds."""
        reading, read = self._look.reading, self._look.reader.read
        freezes = [
            SaidFreeze(read(row, Freeze), row.person, row.received_at)
            for row in reading.load_statements_of_kind("freeze")
        ]
        unfreezes = [
            SaidUnfreeze(read(row, Unfreeze), row.person, row.key, row.received_at)
            for row in (reading.load_statements_of_kind("unfreeze") if freezes else ())
        ]
        return compute_standings(freezes, unfreezes, self._look.known.active, self._look.now)

    @cached_property
    def _in_force(self) -> tuple[FreezeInForce, ...]:
        return tuple(each.to_fact() for each in self.standings if each.is_in_force)

    def _load_movements(self, transfer: Transfer) -> tuple[Movement, ...]:
        """What limits count: every limit is per vault. A policy without limits asks for none."""
        policies = self._look.known.policies(transfer).both
        rules = [rule for edition in policies for rule in edition.policy.rules]
        longest = max((limit.window for rule in rules for limit in rule.limits), default=0)
        if not longest:
            return ()
        # What has left the longest window counts nowhere: a vault's whole history is not read under the lock that stops wait for, too.
        since = max(0, self._look.now - longest)
        wanted = (transfer.chain_id, transfer.vault, since)
        if wanted not in self._movements:
            rows = self._look.reading.load_counted(transfer.chain_id, transfer.vault, since=since)
            self._movements[wanted] = tuple(_to_movement(row) for row in rows)
        return self._movements[wanted]

    def _to_approval(self, row: StatementRow) -> SeenApproval:
        said = self._look.reader.read(row, Approval)
        return SeenApproval(
            person=row.person,
            key=row.key,
            roster=said.roster,
            signed_at=said.signed_at,
            expires_at=said.expires_at,
            first_seen_at=row.received_at,
        )


def to_prediction(decision: Decision) -> dict[str, Any]:
    """A prediction for machines and people: nobody may take it for the signers' word."""
    return {**decision.to_json(), "prediction": True, "note": SIGNERS_DECIDE}


def _to_proposal(row: StatementRow) -> SeenProposal:
    return SeenProposal(person=row.person, key=row.key, first_seen_at=row.received_at)


def _people(rows: Iterable[StatementRow], kind: str) -> frozenset[PersonId]:
    return frozenset(row.person for row in rows if row.kind == kind)


def _to_movement(row: TransferRow) -> Movement:
    """What a transfer takes: as now until it is final, then from when the server learnt of that."""
    return Movement(
        transfer_id=row.id,
        chain_id=row.chain_id,
        vault=row.vault,
        asset=row.asset,
        destination=row.destination,
        initiator=row.initiator,
        amount_units=row.amount_units,
        at=row.moved_at if row.state is State.FINALISED else None,
    )
