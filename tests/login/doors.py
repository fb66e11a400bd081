"""A server's door with a clock that a test sets, people who come to it with real keys, and their authenticators.

Honest by default; a test states what an attacker changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pyotp
import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from guard.bundles.bundle import Bundle, compute_bundle_digest, to_bytes
from guard.core.ids import NO_DIGEST, Digest, PersonId
from guard.core.roster import Person, Roster
from guard.errors import AdapterError, GuardError
from guard.formats.siwe import SiweMessage, build_message
from guard.ports import ClockReading
from guard.ports.access import Factor
from guard.ports.books import BundleRow
from guard.service.login import GivenMessage, LoginRequest, LoginService
from guard.service.login_checks import LOGIN_CHECKS
from guard.service.login_factors import NO_CODE, Code, reset_factor
from guard.service.login_keys import KeyFile, create_master_key
from guard.service.login_sessions import LoggedIn, Presented, Session
from guard.statements.login_message import to_login_terms
from guard.statements.personal import sign_personal
from guard.store.store import Store
from tests.factories import DAY, ENROLLED_AT, GROUPS, TREASURY, address_of, make_policy, make_roster, private_key_of

ORIGIN = "https://guard.example.com"
BEGIN_AT = ENROLLED_AT + 30 * DAY
SOURCE = "192.0.2.7"


@dataclass
class Clock:
    """A clock that goes only when it is told to."""

    wall: int = BEGIN_AT

    def read(self) -> ClockReading:
        return ClockReading(self.wall, self.wall)


@dataclass
class Door:
    """Where people log in. `secrets` are those that their authenticators hold."""

    store: Store
    keys: KeyFile
    service: LoginService
    clock: Clock = field(default_factory=Clock)
    secrets: dict[str, str] = field(default_factory=dict)
    digest: Digest = NO_DIGEST
    version: int = 0

    @property
    def now(self) -> int:
        return self.clock.wall

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.wall += seconds

    def adopt(self, roster: Roster) -> None:
        """Make the next bundle, with these people, the active one."""
        self.version += 1
        bundle = Bundle(
            version=self.version,
            previous=self.digest,
            expires_at=BEGIN_AT + 365 * DAY,
            policy=make_policy(roster=roster),
        )
        self.digest = compute_bundle_digest(bundle)
        row = BundleRow(version=self.version, digest=self.digest, raw=to_bytes(bundle), activated_at=self.now)
        with self.store.writing() as books:
            books.add_bundle(row, TREASURY)

    def without(self, *names: str) -> Door:
        """The same door with checks left out."""
        left = tuple(check for check in LOGIN_CHECKS if check.name not in names)
        assert len(left) == len(LOGIN_CHECKS) - len(names)
        return replace(self, service=replace(self.service, checks=left))

    def ask(self, name: str, *, source: str = SOURCE) -> GivenMessage:
        """A message for somebody's key."""
        return self.service.challenge(address_of(name), source=source, now=self.now)

    def code(self, name: str) -> Code:
        """What somebody's authenticator shows."""
        return Code(totp=pyotp.TOTP(self.secrets[name]).at(self.now))

    def wrong_code(self, name: str) -> Code:
        """Something that it does not show."""
        right = pyotp.TOTP(self.secrets[name]).at(self.now)
        return Code(totp=f"{(int(right) + 1) % 10**6:06}")

    def come(self, name: str, message: SiweMessage | None = None, code: Code = NO_CODE, **more: Any) -> LoggedIn:
        """Log in with a message (a new one by default) that is signed by this person's key."""
        text = build_message(message or self.ask(name).message)
        asked = LoginRequest(message=text, signature=sign(name, text), code=code)
        return self.service.log_in(replace(asked, **more), now=self.now)

    def enrol(self, name: str, *, is_browser: bool = False) -> LoggedIn:
        """Log in for the first time, enrol an authenticator, and let its first code's time pass."""
        first = self.come(name, is_browser=is_browser)
        made = self.service.begin_enrolment(present(first), NO_CODE, now=self.now)
        self.secrets[name] = made.secret
        whole = self.service.confirm_enrolment(present(first), self.code(name), now=self.now)
        self.wait(30)
        return whole

    def come_whole(self, name: str, **more: Any) -> LoggedIn:
        """Log in with the code that is shown now."""
        return self.come(name, None, self.code(name), **more)

    def look(self, logged_in: LoggedIn) -> Session:
        """Ask something that needs a log-in."""
        return self.service.require_session(present(logged_in), now=self.now)

    def reset(self, name: str) -> None:
        """What the operator does."""
        reset_factor(self.store, PersonId(name), now=self.now)

    def factor(self, name: str) -> Factor:
        """Somebody's active factor as it is kept."""
        with self.store.reading() as books:
            found = books.load_factor(PersonId(name), is_active=True)
        assert found is not None
        return found

    def events(self) -> list[tuple[str, str]]:
        """What the log tells: event and actor."""
        with self.store.reading() as books:
            return [(row.event, row.actor) for row in books.load_entries(start=0, limit=100)]

    def dump(self) -> str:
        """Everything that the database holds, as text."""
        with self.store.database.begin() as connection:
            tables = SQLModel.metadata.sorted_tables
            return "\n".join(str(tuple(row)) for table in tables for row in connection.execute(select(table)))


def open_door(store: Store, folder: Path) -> Door:
    """A door under the default policy."""
    path = folder / "master-key.json"
    create_master_key(path)
    keys = KeyFile(path)
    door = Door(store, keys, LoginService(accounts=store, terms=to_login_terms(ORIGIN), keys=keys))
    door.adopt(make_roster())
    return door


def present(logged_in: LoggedIn) -> Presented:
    """The token as its owner brings it."""
    return Presented(logged_in.token, is_cookie=logged_in.session.is_browser)


def sign(name: str, text: str) -> bytes:
    """What somebody's wallet signs."""
    return sign_personal(private_key_of(name).secret, text)


def roster_without(name: str) -> Roster:
    """The default people less one."""
    return Roster(GROUPS, tuple(person for person in make_roster().people if person.id != name))


def roster_with(person: Person) -> Roster:
    """The default people, where one of them is changed."""
    return make_roster(person)


def refusal_of(action: Callable[[], object]) -> str:
    """The code with which something is refused."""
    with pytest.raises((GuardError, AdapterError)) as caught:
        action()
    return caught.value.code


def refused_answer(action: Callable[[], object]) -> dict[str, object]:
    """All that is told of a refusal."""
    with pytest.raises(GuardError) as caught:
        action()
    return caught.value.to_json()


def run_at_once(actions: Iterable[Callable[[], object]]) -> list[object]:
    """What came of actions that begin together: a result, or the code of the refusal."""
    ready = list(actions)
    barrier = Barrier(len(ready))
    came: list[object] = []

    def run(action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            came.append(action())
        except (GuardError, AdapterError) as error:
            came.append(error.code)

    threads = [Thread(target=run, args=(action,)) for action in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came
