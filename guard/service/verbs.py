"""The verbs: what each statement does to the books, inside the transaction that takes it in. Each looks at the state, then changes it.

A stop is refused for no state: it is stored even where it comes too late, and says so. What a stop needs is taken from the statement,
which was signed, not from a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from guard.core.decision import Decision
from guard.core.ids import TransferId
from guard.core.lifecycle import State
from guard.core.stops import is_in_scope
from guard.core.transfer import Transfer
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import SAFE_INTEGER_END, parse_json, to_canonical
from guard.ports.books import BooksWriting, StatementRow, TransferQuery, TransferRow
from guard.service.acknowledgement import NotStopped
from guard.service.outlook import Look, Outlook
from guard.statements.signed import transfer_from_json, transfer_to_json
from guard.statements.submission import Admitted
from guard.statements.values import Approval, Freeze, Proposal, Rejection, Statement, Unfreeze, Veto

STOPPABLE = frozenset({State.OPEN, State.SIGNING})
"""States in which a stop ends a transfer, and in which an approval still counts."""
LEAVING = (State.SIGNING, State.BROADCAST, State.CONFIRMED)
"""States in which something may be signed that no stop calls back."""
MOST_TOLD = 100
MOST_APPROVALS = 100
"""Of one transfer by one person. One is enough until it expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One admitted statement and the open transaction. `row` is what will be stored, its place in the log apart.

    `version` is the transfer's version that whoever sent it has read.
    """

    writing: BooksWriting
    look: Look
    outlook: Outlook
    admitted: Admitted
    row: StatementRow
    version: int | None

    @property
    def transfer_id(self) -> TransferId:
        """The transfer that the statement is about."""
        if self.admitted.transfer_id is None:
            raise LookupError("the statement is about no transfer")
        return self.admitted.transfer_id

    def load(self) -> TransferRow:
        """The transfer's row. Raises `transfer.unknown`."""
        row = self.writing.load_transfer(self.transfer_id)
        if row is None:
            raise GuardError("transfer.unknown", f"the server does not know transfer {self.transfer_id}")
        return row

    def predict(self, transfer: Transfer) -> Decision:
        """The decision with this statement counted."""
        return self.outlook.predict(self.transfer_id, transfer, (*self.load_statements(), self.row))

    def load_statements(self) -> tuple[StatementRow, ...]:
        """What was said about the transfer before."""
        return self.writing.load_statements(self.transfer_id)

    def make_due(self) -> None:
        """Have the worker bring this to the signers now."""
        self.writing.make_due(self.transfer_id, at=self.look.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a statement did: the event that it is, the transfer as it stands now, and what is foreseen."""

    event: str
    transfer: TransferRow | None = None
    prediction: Decision | None = None
    not_stopped: tuple[NotStopped, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that people ask, with the kind of statement that asks it.

    What helps money to move must be safe to send twice; an approval besides names the version that was read. A stop needs neither.
    """

    statement: type[Statement]
    carry_out: Callable[[Turn, Any], Outcome]
    is_stop: bool = False
    names_version: bool = False


def _propose(turn: Turn, said: Proposal) -> Outcome:
    if turn.writing.load_transfer(turn.transfer_id) is not None:
        raise GuardError("transfer.exists", f"transfer {turn.transfer_id} is there already, without this proposal")
    _require_exact_times(said.transfer)
    row = _to_row(turn.transfer_id, said.transfer, turn.look.now)
    turn.writing.add_transfer(row)
    turn.make_due()
    prediction = turn.outlook.predict(turn.transfer_id, said.transfer, (turn.row,))
    return Outcome(event="transfer.proposed", transfer=row, prediction=prediction)


def _require_exact_times(transfer: Transfer) -> None:
    if max(transfer.proposed_at, transfer.expires_at) >= SAFE_INTEGER_END:
        raise GuardError("transfer.times", "the transfer names a time that the books cannot say exactly")


def _to_row(transfer_id: TransferId, transfer: Transfer, now: int) -> TransferRow:
    return TransferRow(
        id=transfer_id,
        body=to_canonical(transfer_to_json(transfer)).decode(),
        chain_id=transfer.chain_id,
        vault=transfer.vault,
        asset=transfer.asset,
        destination=transfer.destination,
        amount_units=transfer.amount_units,
        initiator=transfer.initiator,
        policy=transfer.policy,
        proposed_at=transfer.proposed_at,
        expires_at=transfer.expires_at,
        state=State.OPEN,
        reason="",
        version=1,
        received_at=now,
        moved_at=now,
    )


def _approve(turn: Turn, said: Approval) -> Outcome:
    row = turn.load()
    if row.state not in STOPPABLE:
        raise GuardError("transfer.ended", f"the transfer is {row.state.value}; an approval changes nothing any more")
    if turn.look.now >= said.transfer.expires_at:
        raise GuardError("transfer.ended", f"the transfer expired {turn.look.now - said.transfer.expires_at} s ago")
    if turn.version != row.version:
        raise GuardError(
            "transfer.stale",
            f"the transfer has version {row.version}, and the request names version {turn.version}",
            details={"version": str(row.version)},
        )
    _require_few(turn)
    turn.make_due()
    return Outcome(event="transfer.approved", transfer=row, prediction=turn.predict(said.transfer))


def _require_few(turn: Turn) -> None:
    """Refuse one more approval where the same person brought many: each is read again for every prediction about the transfer."""
    own = [each for each in turn.load_statements() if each.kind == turn.row.kind and each.person == turn.row.person]
    if len(own) >= MOST_APPROVALS:
        raise GuardError("statement.too-many", f"{turn.row.person} has approved this transfer {len(own)} times already")


def _reject(turn: Turn, said: Rejection) -> Outcome:
    person = turn.admitted.person
    row = turn.load()
    if person == said.transfer.initiator:
        return _stop(turn, "transfer.withdrawn", row, State.REJECTED, f"withdrawn by {person}: {said.reason}")
    decision = _predict_if_possible(turn, said.transfer) if row.state in STOPPABLE else None
    if decision is not None and any(reason.code == "decision.rejected" for reason in decision.reasons):
        ended = _stop(turn, "transfer.rejected", row, State.REJECTED, "the people who remain cannot fill the seats")
        return replace(ended, prediction=decision)
    turn.make_due()
    touched = turn.writing.touch_transfer(row.id)
    return Outcome(event="transfer.rejected", transfer=touched, prediction=decision)


def _predict_if_possible(turn: Turn, transfer: Transfer) -> Decision | None:
    """Books that cannot be read foresee nothing, and keep nobody from rejecting."""
    try:
        return turn.predict(transfer)
    except AdapterError as trouble:
        if trouble.code != "service.books-broken":
            raise
        return None


def _veto(turn: Turn, said: Veto) -> Outcome:
    person = turn.admitted.person
    return _stop(turn, "transfer.vetoed", turn.load(), State.VETOED, f"vetoed by {person}: {said.reason}")


def _stop(turn: Turn, event: str, row: TransferRow, end: State, reason: str) -> Outcome:
    """End the transfer if it can still be ended here; otherwise let its version grow, and say what the stop may not stop."""
    turn.make_due()
    if row.state in STOPPABLE:
        now_stands = turn.writing.move_transfer(row.id, end, reason=reason, at=turn.look.now)
    else:
        now_stands = turn.writing.touch_transfer(row.id)
    is_late = row.state is State.FINALISED or row.state in LEAVING
    return Outcome(event=event, transfer=now_stands, not_stopped=(NotStopped(row.id, row.state),) if is_late else ())


def _freeze(turn: Turn, said: Freeze) -> Outcome:
    leaving = turn.writing.list_transfers(TransferQuery(states=LEAVING, limit=MOST_TOLD))
    held = tuple(NotStopped(row.id, row.state) for row in leaving if _is_held(turn, said, row))
    return Outcome(event="freeze.stored", not_stopped=held)


def _is_held(turn: Turn, freeze: Freeze, row: TransferRow) -> bool:
    """Whether the transfer is in the freeze's scope. One that cannot be read is told of: it hinders no freeze."""
    try:
        transfer = transfer_from_json(parse_json(row.body.encode()))
    except GuardError:
        return True
    statements = turn.writing.load_statements(row.id) if freeze.scope.person else ()
    return is_in_scope(freeze.scope, transfer, frozenset(each.person for each in statements if each.kind == "approval"))


def _unfreeze(turn: Turn, said: Unfreeze) -> Outcome:
    unseen = sorted(set(said.ids) - {each.said.statement.id for each in turn.outlook.standings})
    if unseen:
        raise GuardError("stop.unseen", f"freeze {unseen[0][:10]} was never seen here, so it cannot be lifted")
    for row in turn.writing.list_transfers(TransferQuery(states=tuple(STOPPABLE), limit=MOST_TOLD)):
        turn.writing.make_due(row.id, at=turn.look.now)
    return Outcome(event="unfreeze.stored")


PROPOSE = Verb(statement=Proposal, carry_out=_propose)
APPROVE = Verb(statement=Approval, carry_out=_approve, names_version=True)
REJECT = Verb(statement=Rejection, carry_out=_reject, is_stop=True)
VETO = Verb(statement=Veto, carry_out=_veto, is_stop=True)
FREEZE = Verb(statement=Freeze, carry_out=_freeze, is_stop=True)
UNFREEZE = Verb(statement=Unfreeze, carry_out=_unfreeze)
