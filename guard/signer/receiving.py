"""Taking statements in: each is admitted by every check, recorded once, and stamped only by a good clock."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from guard.core.transfer import Transfer
from guard.errors import Refusal
from guard.formats.canonical import to_canonical
from guard.signer import records
from guard.signer.memory import Memory, to_body
from guard.signer.records import StatementRow
from guard.statements.admission import admit
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement, to_json
from guard.statements.submission import Admitted, Check, StatementContext
from guard.statements.values import Approval, Proposal, Rejection, Statement, Veto, kind_of

ABOUT_A_TRANSFER = (Proposal, Approval, Rejection, Veto)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """What taking in needs: the checks, what the signer knows, its time, and whether its clock may stamp."""

    checks: tuple[Check, ...]
    memory: Memory
    now: int
    clock_is_good: bool

    def context(self, transfer: Transfer | None) -> StatementContext:
        """What the checks know. A clock that is not good judges nothing."""
        return StatementContext(
            active=self.memory.active,
            editions=self.memory.editions,
            now=self.now if self.clock_is_good else None,
            transfer_id=None if transfer is None else compute_transfer_id(transfer),
        )


@dataclass(frozen=True, slots=True)
class Received:
    """Which statements were taken for somebody's word, and why the others were not."""

    accepted: tuple[Admitted, ...]
    refused: tuple[Refusal, ...]


def receive_statements(
    db: sqlite3.Connection, receiving: Receiving, transfer: Transfer, statements: tuple[SignedStatement, ...]
) -> Received:
    """Record the statements about one transfer. A bad one is refused alone: it neither helps nor hinders the others."""
    accepted: list[Admitted] = []
    refused: list[Refusal] = []
    for signed in statements:
        outcome = admit_about(receiving, transfer, signed)
        if isinstance(outcome, Admitted):
            store_statement(db, receiving, signed, outcome)
            accepted.append(outcome)
        else:
            refused.append(outcome)
    return Received(tuple(accepted), tuple(refused))


def admit_about(receiving: Receiving, transfer: Transfer, signed: SignedStatement) -> Admitted | Refusal:
    """One statement about the transfer, admitted or refused; the refusal names the statement's kind."""
    if not isinstance(signed.statement, ABOUT_A_TRANSFER):
        kind = kind_of(signed.statement)
        return Refusal("signer.statement-kind", f"a statement of kind {kind} is not about a transfer", check="kind")
    outcome = admit(receiving.checks, signed, receiving.context(transfer))
    if isinstance(outcome, Refusal):
        return replace(outcome, check=f"statement/{outcome.check}")
    return outcome


def store_statement(db: sqlite3.Connection, receiving: Receiving, signed: SignedStatement, admitted: Admitted) -> None:
    """Record an admitted statement and its transfer, both once."""
    about = _transfer_in(signed.statement)
    if about is not None and admitted.transfer_id is not None:
        records.add_transfer(db, admitted.transfer_id, to_body(about), receiving.now)
    records.add_statement(
        db,
        StatementRow(
            person=admitted.person,
            digest=admitted.digest,
            kind=kind_of(signed.statement),
            key=admitted.key,
            transfer_id=admitted.transfer_id,
            body=to_canonical(to_json(signed)),
            stored_at=receiving.now,
            first_seen_at=receiving.now if receiving.clock_is_good else None,
        ),
    )


def _transfer_in(statement: Statement) -> Transfer | None:
    return statement.transfer if isinstance(statement, ABOUT_A_TRANSFER) else None
