"""Sessions: what a log-in leaves behind. A session lets its person see, and moves nothing and stops nothing.

A token is drawn here and nowhere else, so none that a client brought along before logging in ever becomes one.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from guard.core.ids import Address, PersonId
from guard.core.roster import Person, Roster
from guard.errors import GuardError
from guard.ports.access import AccessReading, AccessWriting, SessionRow
from guard.service.login_people import find_viewer
from guard.statements.login_message import LoginTerms

LIFETIME = 12 * 3600
"""Seconds after which every session is over."""
IDLE = 15 * 60
"""Seconds without a request after which a browser's session is over."""
ENROL_LIFETIME = 15 * 60
"""Seconds in which somebody without a second factor may enrol one."""
TOUCH_EVERY = 30
"""Seconds for which a use is not noted anew. A session may so seem idle for this much longer than it was, never shorter."""
MOST_SESSIONS = 20
"""Sessions of one person; the oldest ends when there would be more."""
TOKEN_BYTES = 32
LONGEST_TOKEN = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A log-in that is good now: who it is by the active bundle, by which key and chain id it was made, and until when it lasts."""

    viewer: Person
    key: Address
    chain_id: int
    is_full: bool
    is_browser: bool
    expires_at: int

    @property
    def person(self) -> PersonId:
        """Who it is."""
        return self.viewer.id


@dataclass(frozen=True, slots=True)
class Presented:
    """The token that a request brought, and whether in a cookie: a browser's session is good in its cookie alone, any other never."""

    token: str | None = None
    is_cookie: bool = False

    def __repr__(self) -> str:
        return f"Presented(is_given={self.token is not None}, is_cookie={self.is_cookie})"


NOTHING = Presented()


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A new session with its token, which is shown this once."""

    token: str
    session: Session

    def __repr__(self) -> str:
        return f"LoggedIn({self.session!r})"


def hash_token(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def open_session(access: AccessWriting, session: Session, *, now: int) -> LoggedIn:
    """Begin a session under a new token. Its time counts from now."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = now + (LIFETIME if session.is_full else ENROL_LIFETIME)
    row = SessionRow(
        token_hash=hash_token(token),
        person=session.person,
        key=session.key,
        chain_id=session.chain_id,
        is_full=session.is_full,
        is_browser=session.is_browser,
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
    )
    access.add_session(row, most=MOST_SESSIONS)
    return LoggedIn(token, _to_session(row, session.viewer))


def find_session(row: SessionRow, roster: Roster, terms: LoginTerms, *, now: int) -> Session | None:
    """The session of a row, or None where its time is over, or its person, key or chain id is out."""
    if not is_lasting(row, now) or row.chain_id not in terms.chain_ids:
        return None
    viewer = find_viewer(roster, row.person, row.key)
    return None if viewer is None else _to_session(row, viewer)


def load_row(access: AccessReading, presented: Presented) -> SessionRow:
    """What is kept of the session of a token. Raises `login.session`."""
    token = presented.token
    row = access.load_session(hash_token(token)) if token and len(token) <= LONGEST_TOKEN else None
    if row is None or row.is_browser != presented.is_cookie:
        raise no_session()
    return row


def is_lasting(row: SessionRow, now: int) -> bool:
    """Whether a session's time is not over: at its end it is over, and a browser's after standing idle."""
    return now < row.expires_at and not (row.is_browser and now - row.seen_at >= IDLE)


def no_session() -> GuardError:
    """The one refusal for every reason why there is no session."""
    return GuardError("login.session", "there is no such log-in, or it has ended")


def _to_session(row: SessionRow, viewer: Person) -> Session:
    return Session(
        viewer=viewer,
        key=row.key,
        chain_id=row.chain_id,
        is_full=row.is_full,
        is_browser=row.is_browser,
        expires_at=row.expires_at,
    )
