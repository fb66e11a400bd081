"""What logging in needs of the database: challenges, second factors with their recovery codes, sessions.

Rows are plain values. Nothing here is a secret in the clear: a TOTP secret is sealed, tokens and recovery codes are hashed.
Where something may happen once, the method does it in one statement and says whether it was the one that did it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from guard.core.ids import Address, PersonId
from guard.ports.books import BooksReading, BooksWriting


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A message that was given out to be signed by an address. `source` is who asked, for limits alone."""

    nonce: str
    address: Address
    source: str
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret that only the named key of the key file opens: nonce, ciphertext and tag in hexadecimal."""

    key_id: str
    box: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A TOTP factor. `is_active` from the first good code on; a person has at most one active and one waiting factor.

    `last_step` is the last time step (Unix time / 30 s) whose code was used, `failures` the wrong codes since then.
    """

    id: str
    person: PersonId
    is_active: bool
    secret: Sealed
    last_step: int | None
    failures: int
    locked_at: int | None
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A log-in by its token's SHA-256. `is_full` says that a second factor was shown, `is_browser` that it lives in a cookie."""

    token_hash: str
    person: PersonId
    key: Address
    chain_id: int
    is_full: bool
    is_browser: bool
    created_at: int
    seen_at: int
    expires_at: int


class AccessReading(Protocol):
    """One look at challenges, factors and sessions."""

    def load_challenge(self, nonce: str) -> Challenge | None:
        """A challenge that was given out and not yet used."""
        ...

    def count_challenges(self, source: str, *, now: int) -> tuple[int, int]:
        """How many challenges of this source, and of all, were given out and are good still."""
        ...

    def load_factor(self, person: PersonId, *, is_active: bool) -> Factor | None:
        """A person's active factor, or the one that waits for its first code."""
        ...

    def list_factors(self) -> tuple[Factor, ...]:
        """Every factor, by id."""
        ...

    def load_session(self, token_hash: str) -> SessionRow | None:
        """A session, whether or not its time is over."""
        ...


class AccessWriting(AccessReading, Protocol):
    """The same, and changes."""

    def add_challenge(self, challenge: Challenge) -> None:
        """A challenge that is given out."""
        ...

    def take_challenge(self, nonce: str) -> bool:
        """Use a challenge up; of all who try only one is told True."""
        ...

    def purge_challenges(self, now: int) -> None:
        """Forget challenges whose time is over."""
        ...

    def purge_sessions(self, now: int) -> None:
        """Forget sessions whose time is over."""
        ...

    def add_factor(self, factor: Factor, recovery_hashes: tuple[str, ...]) -> None:
        """A factor that waits for its first code, in place of one of the same person that waited."""
        ...

    def spend_step(self, factor_id: str, step: int) -> bool:
        """Use a time step's code, and forget failures. False: it or a later one was used, or the factor is locked."""
        ...

    def spend_recovery(self, factor_id: str, recovery_hash: str, *, at: int) -> bool:
        """Use a recovery code, and forget failures. False: there is none such, it was used, or the factor is locked."""
        ...

    def count_failure(self, factor_id: str, *, most: int, at: int) -> bool:
        """Count a wrong code; True where this one was the one that locked the factor."""
        ...

    def activate_factor(self, factor: Factor) -> None:
        """Make a waiting factor the person's only one."""
        ...

    def drop_factors(self, person: PersonId) -> int:
        """Forget a person's factors and recovery codes; how many factors there were."""
        ...

    def reseal_factor(self, factor_id: str, secret: Sealed) -> None:
        """Put a secret's new box in the place of its old one."""
        ...

    def add_session(self, session: SessionRow, *, most: int) -> None:
        """A new session; of a person's sessions the newest `most` are kept."""
        ...

    def touch_session(self, token_hash: str, *, at: int) -> None:
        """Note that a session was used."""
        ...

    def end_session(self, token_hash: str) -> bool:
        """End a session; False where there was none."""
        ...

    def end_sessions(self, person: PersonId) -> int:
        """End all sessions of a person."""
        ...


class AccountsReading(BooksReading, AccessReading, Protocol):
    """One look at books and access together."""


class AccountsWriting(BooksWriting, AccessWriting, Protocol):
    """One transaction over books and access, under the lock of the log's head."""


class Accounts(Protocol):
    """The database as logging in sees it."""

    def reading(self) -> AbstractContextManager[AccountsReading]:
        """One consistent look."""
        ...

    def brief(self) -> AbstractContextManager[AccessWriting]:
        """One short transaction that writes nothing to the log."""
        ...

    def writing(self) -> AbstractContextManager[AccountsWriting]:
        """One transaction that may write to the log."""
        ...
