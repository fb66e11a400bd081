"""Logging in: a message signed by a person's key, then a code. It lets people see; power comes from signed statements alone.

Every refusal looks the same from outside, except that a code is asked for once the signature is good. Why is only counted.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from guard.core.ids import Address
from guard.core.roster import Person, Roster
from guard.errors import GuardError
from guard.formats.siwe import SiweMessage, build_message, parse_message
from guard.ports.access import AccessReading, Accounts, AccountsReading, AccountsWriting, Challenge, Factor
from guard.ports.books import BooksReading
from guard.service import login_factors
from guard.service.editions import Editions
from guard.service.login_checks import LOGIN_CHECKS, LoginCase, LoginCheck, find_fault
from guard.service.login_factors import NO_CODE, Code, Enrolment
from guard.service.login_keys import KeyFile
from guard.service.login_people import find_holder
from guard.service.login_sessions import (
    NOTHING,
    TOUCH_EVERY,
    LoggedIn,
    Presented,
    Session,
    find_session,
    hash_token,
    load_row,
    no_session,
    open_session,
)
from guard.statements.login_message import MESSAGE_LIFETIME, LoginTerms, make_login_message
from guard.statements.personal import recover_personal

NONCE_BYTES = 20
MOST_CHALLENGES_OF_A_SOURCE = 20
"""Unused messages of one source. They are not counted by address, or strangers could keep somebody out."""
MOST_CHALLENGES = 20_000
"""Unused messages of all sources, so that nobody fills the disk with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """What somebody sends to log in. `previous` is the token they had before: its session ends with the log-in and lends it nothing."""

    message: str
    signature: bytes
    code: Code = NO_CODE
    is_browser: bool = False
    previous: Presented = NOTHING


@dataclass(frozen=True, slots=True)
class GivenMessage:
    """A message to be signed, as text and as value."""

    text: str
    message: SiweMessage


@dataclass(slots=True)
class LoginService:
    """Challenges, log-ins, sessions and second factors over one database. Threads may share it."""

    accounts: Accounts
    terms: LoginTerms
    keys: KeyFile
    checks: Sequence[LoginCheck] = LOGIN_CHECKS
    _editions: Editions = field(default_factory=Editions)
    _refusals: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def challenge(self, address: Address, *, source: str, now: int) -> GivenMessage:
        """A message for an address to sign, whoever it belongs to. Raises `login.challenges`."""
        message = make_login_message(self.terms, address, nonce=secrets.token_hex(NONCE_BYTES), now=now)
        ends_at = now + MESSAGE_LIFETIME
        # Strangers ask this: who has asked enough already does not come near a lock that a stop may be waiting for.
        with self.accounts.reading() as books:
            _require_room(books, source, now)
        with self.accounts.brief() as access:
            access.purge_challenges(now)
            _require_room(access, source, now)
            access.add_challenge(
                Challenge(nonce=message.nonce, address=address, source=source, issued_at=now, expires_at=ends_at)
            )
        return GivenMessage(build_message(message), message)

    def log_in(self, asked: LoginRequest, *, now: int) -> LoggedIn:
        """A new session for a good message and a good code; without a second factor one that may only enrol.

        Raises `login.refused`, `login.code-needed`, and trouble of the database and the key file.
        """
        message, person = self._require_signer(asked, now)
        with self.accounts.writing() as books:
            factor = books.load_factor(person.id, is_active=True)
            # The nonce stays good where only the code is missing: a wallet need not be asked twice.
            if factor is not None and not asked.code.is_given:
                raise GuardError("login.code-needed", "a code of the second factor is needed")
            fault = self._find_second_fault(books, message, factor, asked.code, now=now)
            session = _to_session(message, person, is_full=factor is not None, is_browser=asked.is_browser)
            opened = None if fault else self._open(books, session, asked.previous.token, now=now)
        # What was counted is committed by now; only then it is refused.
        if opened is None:
            raise self._refuse(fault or "")
        return opened

    def require_session(self, presented: Presented, *, now: int, is_enrolling: bool = False) -> Session:
        """Who asks, by the active bundle. Raises `login.session`, and `login.enrol-only` unless that is enough."""
        with self.accounts.reading() as books:
            row = load_row(books, presented)
            session = find_session(row, self._load_roster(books), self.terms, now=now)
        if session is None:
            # It would come to life again if the person were taken in again.
            with self.accounts.brief() as access:
                access.end_session(row.token_hash)
            raise no_session()
        if not (session.is_full or is_enrolling):
            raise GuardError("login.enrol-only", "this log-in may only enrol a second factor")
        if session.is_browser and now - row.seen_at >= TOUCH_EVERY:
            with self.accounts.brief() as access:
                access.touch_session(row.token_hash, at=now)
        return session

    def log_out(self, presented: Presented) -> None:
        """End a session. Raises `login.session` where there is none."""
        with self.accounts.reading() as books:
            row = load_row(books, presented)
        with self.accounts.brief() as access:
            access.end_session(row.token_hash)

    def begin_enrolment(self, presented: Presented, code: Code, *, now: int) -> Enrolment:
        """A new second factor, shown once. Somebody who has one already gives a code of it, which is used up.

        Raises `login.session`, `login.code-needed`, `login.code`.
        """
        # The lock of the log is for people alone: a stop may be waiting for it.
        self.require_session(presented, now=now, is_enrolling=True)
        with self.accounts.writing() as books:
            session = self._require_inside(books, presented, now=now)
            active = books.load_factor(session.person, is_active=True)
            if active is not None:
                _require_replacing(session, code)
            ring = self.keys.load()
            is_good = active is None or login_factors.spend(books, ring, active, code, now=now)
            enrolment = login_factors.begin(books, ring, session.person, now=now) if is_good else None
        if enrolment is None:
            raise login_factors.wrong_code()
        return enrolment

    def confirm_enrolment(self, presented: Presented, code: Code, *, now: int) -> LoggedIn:
        """Make the new second factor the only one by its first code; every session of the person ends and a new one begins.

        Raises `login.session`, `login.no-enrolment`, `login.code`.
        """
        self.require_session(presented, now=now, is_enrolling=True)
        with self.accounts.writing() as books:
            session = self._require_inside(books, presented, now=now)
            if books.load_factor(session.person, is_active=True) is not None and not session.is_full:
                raise no_session()
            refusal = login_factors.confirm(books, self.keys.load(), session.person, code, now=now)
            opened = None if refusal else open_session(books, replace(session, is_full=True), now=now)
        if opened is None:
            raise refusal or login_factors.wrong_code()
        return opened

    def count_refusals(self) -> Mapping[str, int]:
        """How many log-ins were refused since this process began, by what was wrong. For the operator, never for who asks."""
        with self._lock:
            return dict(self._refusals)

    def _require_signer(self, asked: LoginRequest, now: int) -> tuple[SiweMessage, Person]:
        """The message and whose it is, if all that needs no second factor is good. Strangers get no further, and lock nothing."""
        try:
            message = parse_message(asked.message)
        except GuardError:
            raise self._refuse("form") from None
        try:
            signer = recover_personal(asked.message, asked.signature)
        except GuardError:
            raise self._refuse("signature-form") from None
        with self.accounts.reading() as books:
            holder = find_holder(self._load_roster(books), message.address)
            challenge = books.load_challenge(message.nonce)
        case = LoginCase(message=message, signer=signer, holder=holder, challenge=challenge, terms=self.terms, now=now)
        fault = find_fault(self.checks, case)
        if fault is not None or holder is None:
            raise self._refuse(fault or "person")
        return message, holder

    def _find_second_fault(
        self, books: AccountsWriting, message: SiweMessage, factor: Factor | None, code: Code, *, now: int
    ) -> str | None:
        """What is wrong with nonce and code. Both are used up in the asking."""
        # INVARIANT: of all who bring one nonce, one alone gets past here.
        if not books.take_challenge(message.nonce):
            return "nonce-used"
        if factor is not None and not login_factors.spend(books, self.keys.load(), factor, code, now=now):
            return "code"
        return None

    def _open(self, books: AccountsWriting, session: Session, previous: str | None, *, now: int) -> LoggedIn:
        books.purge_sessions(now)
        if previous:
            books.end_session(hash_token(previous))
        return open_session(books, session, now=now)

    def _require_inside(self, books: AccountsReading, presented: Presented, *, now: int) -> Session:
        """The session, read in the transaction that acts on it, so that none that has just ended is used."""
        session = find_session(load_row(books, presented), self._load_roster(books), self.terms, now=now)
        if session is None:
            raise no_session()
        return session

    def _load_roster(self, books: BooksReading) -> Roster:
        return self._editions.load(books).active.policy.roster

    def _refuse(self, fault: str) -> GuardError:
        with self._lock:
            self._refusals[fault] += 1
        return GuardError("login.refused", "the log-in is refused")


def _require_room(access: AccessReading, source: str, now: int) -> None:
    own, every = access.count_challenges(source, now=now)
    if own >= MOST_CHALLENGES_OF_A_SOURCE or every >= MOST_CHALLENGES:
        raise GuardError("login.challenges", "too many log-in messages were asked for and not used")


def _to_session(message: SiweMessage, person: Person, *, is_full: bool, is_browser: bool) -> Session:
    return Session(
        viewer=person,
        key=message.address,
        chain_id=message.chain_id,
        is_full=is_full,
        is_browser=is_browser,
        expires_at=0,
    )


def _require_replacing(session: Session, code: Code) -> None:
    """Who has a factor replaces it from a full session and with a code; a session from before it is none any more."""
    if not session.is_full:
        raise no_session()
    if not code.is_given:
        raise GuardError("login.code-needed", "a code of the second factor is needed")
