"""Second factors: spending a code once, locking after ten wrong ones, enrolling in two steps, and the operator's reset.

Everything runs inside a transaction of its caller, who commits failures, too: they are what locks a factor.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from guard.core.ids import PersonId
from guard.core.refusing import require
from guard.errors import GuardError
from guard.ports.access import Accounts, AccountsWriting, Factor
from guard.ports.books import BooksWriting
from guard.service import login_codes
from guard.service.editions import Editions
from guard.service.login_sealing import KeyRing
from guard.service.messages import make_message

MOST_FAILURES = 10
"""Wrong codes in a row that lock a factor until the operator resets it."""
CONFIRM_WITHIN = 15 * 60
"""Seconds in which a new factor's first code must come."""
OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code that somebody gives: one of the two kinds, or none."""

    totp: str | None = None
    recovery: str | None = None

    def __post_init__(self) -> None:
        require(self.totp is None or self.recovery is None, "a code and a recovery code are given together")

    @property
    def is_given(self) -> bool:
        """Whether there is one."""
        return self.totp is not None or self.recovery is not None

    def __repr__(self) -> str:
        return f"Code(is_given={self.is_given})"


NO_CODE = Code()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is shown once, when somebody begins to enrol: the secret, the same for an authenticator, and the recovery codes."""

    secret: str
    uri: str
    recovery_codes: tuple[str, ...]

    def __repr__(self) -> str:
        return "Enrolment()"


def spend(books: AccountsWriting, ring: KeyRing, factor: Factor, code: Code, *, now: int) -> bool:
    """Whether the code is good; then it never is again. A wrong one is counted, and the tenth in a row locks the factor."""
    if _is_spent(books, ring, factor, code, now):
        return True
    if books.count_failure(factor.id, most=MOST_FAILURES, at=now) and factor.is_active:
        tell(books, "login.locked", factor.person, actor=factor.person, at=now)
    return False


def _is_spent(books: AccountsWriting, ring: KeyRing, factor: Factor, code: Code, now: int) -> bool:
    # INVARIANT: who wins is decided by the database in one statement, never by what was read before.
    if code.recovery is not None:
        recovery_hash = login_codes.hash_recovery(factor.id, code.recovery)
        return recovery_hash is not None and books.spend_recovery(factor.id, recovery_hash, at=now)
    secret = ring.open(factor.secret, factor.person, factor.id)
    step = login_codes.find_step(secret, code.totp or "", now)
    return step is not None and books.spend_step(factor.id, step)


def begin(books: AccountsWriting, ring: KeyRing, person: PersonId, *, now: int) -> Enrolment:
    """Make a factor that waits for its first code; one that waited before is forgotten. The active one stays as it is."""
    factor_id, secret = secrets.token_hex(16), login_codes.draw_secret()
    recovery_codes = login_codes.draw_recovery_codes()
    hashes = tuple(filter(None, (login_codes.hash_recovery(factor_id, each) for each in recovery_codes)))
    factor = Factor(
        id=factor_id,
        person=person,
        is_active=False,
        secret=ring.seal(secret, person, factor_id),
        last_step=None,
        failures=0,
        locked_at=None,
        created_at=now,
    )
    books.add_factor(factor, hashes)
    return Enrolment(secret, login_codes.to_uri(secret, person), recovery_codes)


def confirm(books: AccountsWriting, ring: KeyRing, person: PersonId, code: Code, *, now: int) -> GuardError | None:
    """Make the waiting factor the person's only one by its first code, and end every session; or say why not."""
    factor = books.load_factor(person, is_active=False)
    if factor is None or now >= factor.created_at + CONFIRM_WITHIN:
        return GuardError("login.no-enrolment", "no second factor waits to be confirmed")
    # A recovery code would show that the codes were kept and nothing of the authenticator.
    if code.totp is None or not spend(books, ring, factor, code, now=now):
        return wrong_code()
    replaced = books.load_factor(person, is_active=True)
    books.activate_factor(factor)
    books.end_sessions(person)
    body = {"factor": factor.id, "replaces": None if replaced is None else replaced.id}
    tell(books, "login.enrolled", person, actor=person, at=now, **body)
    return None


def reset_factor(accounts: Accounts, person: PersonId, *, now: int) -> None:
    """Forget a person's second factor, recovery codes and sessions; the next log-in enrols anew. For the operator alone.

    Whoever asks for it must be known by voice or in person: it opens the door to whoever holds the person's key.
    Raises `login.person-unknown`.
    """
    with accounts.writing() as books:
        roster = Editions().load(books).active.policy.roster
        dropped = books.drop_factors(person)
        if not dropped and roster.person(person) is None:
            raise GuardError("login.person-unknown", f"there is nobody of the id {person[:64]!r}")
        books.end_sessions(person)
        tell(books, "login.reset", person, actor=OPERATOR, at=now)


def wrong_code() -> GuardError:
    """The one refusal for every reason why a code is not good."""
    return GuardError("login.code", "the code is not good")


def tell(books: BooksWriting, event: str, person: PersonId, *, actor: str, at: int, **body: Any) -> None:
    """Write an event into the log, and tell it outside, in the transaction of what it tells of."""
    row = books.append(event, actor=actor, at=at, body={"person": person, **body})
    books.post([make_message(event, at=at, data={"person": person, "actor": actor, "index": row.index, **body})])
