"""Log-ins on this machine, one file for each server. A log-in lets its holder see and submit; power comes from signatures alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from guard.cli.private import keep_private, load_private, refuse_content
from guard.core.ids import Address, is_address, is_count, is_name
from guard.core.refusing import require
from guard.errors import AdapterError, GuardError
from guard.formats.fields import require_fields

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}\Z", re.ASCII)
FACTORS = ("done", "enrol")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A log-in at one server. `second_factor` is `enrol` while nothing but enrolling one may be done with it."""

    origin: str
    person: str
    address: Address
    token: str
    expires_at: int
    second_factor: str

    def __post_init__(self) -> None:
        require(_is_text(self.token) and _TOKEN.match(self.token) is not None, "the token of a log-in is none")
        require(is_name(self.person) and is_address(self.address), "person or address of a log-in is none")
        require(is_count(self.expires_at), "the end of a log-in is not a time")
        require(self.second_factor in FACTORS, "the second factor of a log-in is neither done nor to be enrolled")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _path_of(home: Path, origin: str) -> Path:
    return home / "sessions" / f"{sha256(origin.encode()).hexdigest()[:24]}.json"


def load_session(home: Path, origin: str) -> Session | None:
    """The log-in at this server; none where the file was made for another one."""
    path = _path_of(home, origin)
    content = load_private(path)
    if content is None:
        return None
    names = ("origin", "person", "address", "token", "expires_at", "second_factor")
    try:
        fields = require_fields(content, ("format", *names), what="a log-in")
        session = Session(**{name: fields[name] for name in names})
    except GuardError as trouble:
        raise refuse_content(path, trouble.message) from trouble
    return session if session.origin == origin else None


def keep_session(home: Path, session: Session) -> Path:
    """Write a log-in down in place of the one before."""
    path = _path_of(home, session.origin)
    names = ("origin", "person", "address", "token", "expires_at", "second_factor")
    keep_private(path, {name: getattr(session, name) for name in names})
    return path


def drop_session(home: Path, origin: str) -> None:
    """Forget the log-in at a server."""
    try:
        _path_of(home, origin).unlink(missing_ok=True)
    except OSError as trouble:
        raise AdapterError("cli.file-unwritable", f"a log-in cannot be removed: {trouble.strerror}") from trouble
