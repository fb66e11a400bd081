"""People with keys, editions, and statements that are valid as they stand; and random statements of every kind."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from guard.core.facts import Scope, ScopeKind
from guard.core.ids import NATIVE, Address, Digest, PersonId, TransferId
from guard.core.policy import Edition, Policy
from guard.core.roster import KeyKind, Roster
from guard.core.transfer import Action, Transfer
from guard.effects.summary import render_summary
from guard.formats.keccak import to_address, to_digest
from guard.statements.admission import STATEMENT_CHECKS, Admitted, StatementContext, admit
from guard.statements.signed import SignedStatement
from guard.statements.signing import sign
from guard.statements.values import (
    Approval,
    Enrolment,
    Freeze,
    Proposal,
    Rejection,
    Revocation,
    Statement,
    Unfreeze,
    Veto,
    Watch,
)
from guard.transactions.signatures import compute_owner
from tests.effects.factories import (
    EXPIRES_AT,
    MAINNET,
    POLICY,
    PROPOSED_AT,
    TREASURY,
    VAULT,
    a_key,
    a_person,
    a_policy,
    a_roster,
    a_transfer,
)

ALICE, BOB, CAROL, ROBOT, PAT, MALLORY = (bytes([number]) * 32 for number in range(1, 7))
"""Private keys: alice initiates, bob is in finance, carol a guardian, robot a machine, pat has a passkey."""
ROSTER_DIGEST = Digest("0x" + "55" * 32)
NOW = PROPOSED_AT + 3600
ENROLLED_AT = PROPOSED_AT - 86400
OTHER_DIGEST = Digest("0x" + "66" * 32)


def the_roster() -> Roster:
    """Everybody but mallory."""
    return a_roster(
        a_person("alice", a_key(compute_owner(ALICE))),
        a_person("bob", a_key(compute_owner(BOB))),
        a_person("carol", a_key(compute_owner(CAROL)), groups=("finance", "guardians")),
        a_person("robot", a_key(compute_owner(ROBOT)), machine=True),
        a_person("pat", a_key(compute_owner(PAT), kind=KeyKind.PASSKEY), groups=("finance", "guardians")),
    )


def an_edition(policy: Policy | None = None, **changes: Any) -> Edition:
    """The first edition, active for long, in which every key is enrolled."""
    policy = policy or a_policy(the_roster())
    plain = Edition(
        policy=policy,
        digest=POLICY,
        roster_digest=ROSTER_DIGEST,
        version=2,
        expires_at=EXPIRES_AT * 2,
        activated_at=ENROLLED_AT,
        enrolled_at={key.address: ENROLLED_AT for person in policy.roster.people for key in person.keys},
    )
    return replace(plain, **changes)


def a_context(active: Edition | None = None, *others: Edition, **changes: Any) -> StatementContext:
    """The active edition alone in its chain, an hour after the proposal."""
    active = active or an_edition()
    editions = {edition.digest: edition for edition in (active, *others)}
    return replace(StatementContext(active=active, editions=editions, now=NOW), **changes)


def an_approval(transfer: Transfer | None = None, **changes: Any) -> Approval:
    """An approval of the transfer, as bob would sign it now."""
    transfer = transfer or a_transfer()
    plain = Approval(
        transfer=transfer,
        summary=changes.pop("summary", None) or render_summary(transfer, a_policy()),
        summary_version=1,
        policy=POLICY,
        roster=ROSTER_DIGEST,
        signed_at=NOW,
        expires_at=NOW + 3600,
    )
    return replace(plain, **changes)


def an_unfreeze(**changes: Any) -> Unfreeze:
    """An unfreeze of one freeze, as bob would sign it now."""
    plain = Unfreeze(ids=(OTHER_DIGEST,), roster=ROSTER_DIGEST, signed_at=NOW, expires_at=NOW + 3600)
    return replace(plain, **changes)


def a_freeze(**changes: Any) -> Freeze:
    """A freeze of one vault."""
    scope = Scope(kind=ScopeKind.VAULT, chain_id=MAINNET, account=VAULT)
    return replace(Freeze(id=OTHER_DIGEST, scope=scope, reason="stop", signed_at=NOW), **changes)


def statements_of_every_kind() -> tuple[Statement, ...]:
    """One statement of each kind."""
    return (
        Proposal(a_transfer()),
        an_approval(),
        Rejection(a_transfer(), "no"),
        Veto(a_transfer(), "never"),
        a_freeze(),
        an_unfreeze(),
        Revocation(id=OTHER_DIGEST, person=PersonId("bob"), enrolment=1, reason="left"),
        Watch(signer=VAULT, at=NOW),
        Enrolment(person=PersonId("bob"), device="laptop", kind=KeyKind.WALLET),
    )


def decide_on(
    key: bytes, statement: Statement, context: StatementContext | None = None, *, without: tuple[str, ...] = ()
) -> str:
    """`admitted`, or the code of the refusal, with the named checks left out."""
    assert set(without) <= {check.name for check in STATEMENT_CHECKS}
    return answer(sign(key, statement, TREASURY), context, without=without)


def answer(signed: SignedStatement, context: StatementContext | None = None, *, without: tuple[str, ...] = ()) -> str:
    """The same of something that is signed already."""
    checks = [check for check in STATEMENT_CHECKS if check.name not in without]
    found = admit(checks, signed, context or a_context())
    return "admitted" if isinstance(found, Admitted) else found.code


class RandomStatements:
    """Statements of every kind with arbitrary contents, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._makers: tuple[Callable[[], Statement], ...] = (
            lambda: Proposal(self._transfer()),
            self._approval,
            lambda: Rejection(self._transfer(), self._text(200)),
            lambda: Veto(self._transfer(), self._text(200)),
            self._freeze,
            self._unfreeze,
            self._revocation,
            lambda: Watch(signer=self._address(), at=self._number(64)),
            lambda: Enrolment(person=self._name(), device=self._name(), kind=self._random.choice(list(KeyKind))),
        )

    def draw(self, place: int) -> tuple[Statement, Digest]:
        """A statement and a treasury; the kinds take turns."""
        return self._makers[place % len(self._makers)](), self._digest()

    def _digest(self) -> Digest:
        return to_digest(self._random.randbytes(32))

    def _address(self) -> Address:
        return self._random.choice([NATIVE, to_address(self._random.randbytes(20))])

    def _number(self, bits: int) -> int:
        drawn: int = self._random.getrandbits(self._random.randint(1, bits))
        return self._random.choice((drawn, drawn, 0, (1 << bits) - 1))

    def _name(self) -> PersonId:
        return PersonId(self._random.choice(["alice", "bob", "a-very-long-name-1", "c3"]))

    def _text(self, longest: int) -> str:
        alphabet = "abcXYZ 0189 .,:\"'\\{}[]éßØЖ漢字🙂"
        return "".join(self._random.choices(alphabet, k=self._random.randint(0, longest)))

    def _transfer(self) -> Transfer:
        return Transfer(
            treasury=self._digest(),
            chain_id=max(1, self._number(256)),
            vault=self._address(),
            action=self._random.choice(list(Action)),
            asset=self._address(),
            destination=self._address(),
            amount_units=self._number(256),
            call_data_hash=self._digest(),
            purpose=self._text(200),
            initiator=self._name(),
            policy=self._digest(),
            uniqueness=self._digest(),
            proposed_at=self._number(64),
            expires_at=self._number(64),
            supersedes=TransferId(self._digest()),
            again=TransferId(self._digest()),
        )

    def _approval(self) -> Approval:
        lines = [self._text(80).encode("ascii", "ignore").decode() for _ in range(self._random.randint(1, 12))]
        return Approval(
            transfer=self._transfer(),
            summary="\n".join(["summary", *lines]),
            summary_version=max(1, self._number(32)),
            policy=self._digest(),
            roster=self._digest(),
            signed_at=self._number(64),
            expires_at=self._number(64),
        )

    def _freeze(self) -> Freeze:
        kind = self._random.choice(list(ScopeKind))
        if kind in (ScopeKind.EVERYTHING, ScopeKind.PERSON):
            scope = Scope(kind=kind, person=self._name() if kind is ScopeKind.PERSON else "")
        else:
            scope = Scope(kind=kind, chain_id=max(1, self._number(256)), account=self._address())
        return Freeze(id=self._digest(), scope=scope, reason=self._text(200), signed_at=self._number(64))

    def _unfreeze(self) -> Unfreeze:
        ids = tuple(sorted(self._digest() for _ in range(self._random.randint(1, 8))))
        return Unfreeze(ids=ids, roster=self._digest(), signed_at=self._number(64), expires_at=self._number(64))

    def _revocation(self) -> Revocation:
        return Revocation(
            id=self._digest(),
            person=self._name(),
            key=self._address(),
            enrolment=self._number(64),
            reason=self._text(200),
        )
