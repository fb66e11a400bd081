"""Who said what of a transfer, with every signature checked here: somebody else's list of names is nobody's word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from guard.cli.desk import Desk
from guard.cli.voice import to_visible_line
from guard.core.ids import TransferId
from guard.effects.visible import to_utc
from guard.errors import GuardError, Refusal
from guard.statements.admission import STATEMENT_CHECKS, admit
from guard.statements.digests import compute_digest
from guard.statements.signed import SignedStatement
from guard.statements.signing import recover
from guard.statements.submission import StatementContext
from guard.statements.values import Approval, Rejection, Veto, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One statement: whose word it is, or why it is nobody's by this machine's bundle."""

    signed: SignedStatement
    person: str | None
    refusal: Refusal | None

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        refusal = self.refusal
        return {
            "kind": kind_of(self.signed.statement),
            "person": self.person,
            "key": self.signed.signature.key,
            "digest": compute_digest(self.signed.statement, self.signed.treasury),
            "counts": refusal is None,
            "refused": None if refusal is None else {"code": refusal.code, "message": refusal.message},
        }

    def to_line(self) -> str:
        """The same for people."""
        statement = self.signed.statement
        who = self.person or f"key {self.signed.signature.key}"
        parts = [f"{kind_of(statement)} by {who}"]
        if isinstance(statement, Approval):
            parts.append(f"until {to_utc(statement.expires_at)}")
        if isinstance(statement, Rejection | Veto) and statement.reason:
            parts.append(f'"{to_visible_line(statement.reason)}"')
        if self.refusal is not None:
            parts.append(f"does not count: {to_visible_line(self.refusal.message)} [{self.refusal.code}]")
        return ", ".join(parts)


def hear(desk: Desk, about: TransferId, statements: Iterable[SignedStatement], now: int) -> tuple[Heard, ...]:
    """Each statement judged by the checks that every signer asks."""
    context = StatementContext(
        active=desk.edition, editions={desk.edition.digest: desk.edition}, now=now, transfer_id=about
    )
    return tuple(_hear(desk, signed, context) for signed in statements)


def _hear(desk: Desk, signed: SignedStatement, context: StatementContext) -> Heard:
    admitted = admit(STATEMENT_CHECKS, signed, context)
    if not isinstance(admitted, Refusal):
        return Heard(signed=signed, person=admitted.person, refusal=None)
    return Heard(signed=signed, person=_find_signer(desk, signed), refusal=admitted)


def _find_signer(desk: Desk, signed: SignedStatement) -> str | None:
    """Whose signature it is. A name beside a bad signature would be read as that person's word."""
    try:
        holder = desk.policy.roster.holder(recover(signed))
    except GuardError:
        return None
    return None if holder is None else holder[0].id
