"""A statement that somebody hands in, seen against what the reader itself knows: what admission checks judge.

Finding out whose word it would be is kept apart from judging it, so that a test can leave one check out and show what
that check holds back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from guard.core.ids import Address, Digest, PersonId, TransferId
from guard.core.policy import Edition
from guard.core.roster import Key, Person
from guard.core.transfer import Transfer
from guard.errors import Refusal
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.statements.values import Proposal, Statement, transfer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementContext:
    """What the reader knows: the active edition, all editions of its chain by digest, the time, what it asked about.

    `now` is None while the reader's clock is not good: then nothing is judged by it, and what is admitted bears no
    time of judgement and is admitted again before it is stamped. `transfer_id` is the transfer that the statement is
    handed in for, if it is for one.
    """

    active: Edition
    editions: Mapping[Digest, Edition]
    now: int | None
    transfer_id: TransferId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A statement that passed every check, and whose it is. Where `judged_at` is None no clock was good: no stamp."""

    statement: Statement
    person: PersonId
    key: Address
    digest: Digest
    transfer_id: TransferId | None
    judged_at: int | None

    @property
    def identity(self) -> tuple[PersonId, Digest]:
        """By what two copies of a statement are one: never by the bytes of a signature."""
        return self.person, self.digest


@dataclass(frozen=True, slots=True)
class Submission:
    """A signed statement with what follows from it and the context, computed once for all checks."""

    signed: SignedStatement
    context: StatementContext
    digest: Digest = field(init=False)
    transfer: Transfer | None = field(init=False)
    transfer_id: TransferId | None = field(init=False)

    def __post_init__(self) -> None:
        transfer = transfer_of(self.signed.statement)
        object.__setattr__(self, "digest", compute_digest(self.signed.statement, self.signed.treasury))
        object.__setattr__(self, "transfer", transfer)
        object.__setattr__(self, "transfer_id", None if transfer is None else compute_transfer_id(transfer))

    @property
    def holder(self) -> tuple[Person, Key] | None:
        """Whose key the signature names, by the active roster."""
        return self.context.active.policy.roster.holder(self.signed.signature.key)

    @property
    def person(self) -> Person:
        """The person that the statement would count for.

        A key that is in nobody's hands stands for whom the statement itself names or for a stranger; `key-known`
        refuses it.
        """
        if self.holder is not None:
            return self.holder[0]
        statement = self.signed.statement
        named = (
            self.context.active.policy.roster.person(statement.transfer.initiator)
            if isinstance(statement, Proposal)
            else None
        )
        return named or _to_stranger(self.signed.signature.key)


def _to_stranger(key: Address) -> Person:
    return Person(id=PersonId(f"key-{key[2:].lower()}"), name="stranger", organisation="unknown", groups=(), keys=())


@dataclass(frozen=True, slots=True)
class Check:
    """One named reason to refuse. It judges one thing alone, and passes what it has nothing to say about."""

    name: str
    function: Callable[[Submission], Refusal | None]
