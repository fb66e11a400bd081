"""What one run reaches: its settings, the context that is in force, and the server, with the log-in that this person has there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from guard.cli.contexts import Context, load_contexts
from guard.cli.flags import Flags
from guard.cli.private import find_home
from guard.cli.sessions import load_session
from guard.cli.settings import Chosen, Settings, load_settings
from guard.clients.origin import parse_origin
from guard.clients.server_client import ServerClient, Token
from guard.clients.server_connection import Line
from guard.errors import GuardError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Settings of one run, and how its server is reached."""

    home: Path
    settings: Settings
    context: Context | None

    @property
    def has_server(self) -> bool:
        """Whether there is a server to go through."""
        return self.settings.text("server") is not None

    def require_line(self, *, timeout: float | None = None) -> Line:
        """How the server is reached. Raises `cli.setting-missing` where none is known."""
        address = self.settings.text("server")
        if address is None:
            raise GuardError("cli.setting-missing", "no server is known", hint="see guard context add --help")
        is_its_own = self.context is not None and self.context.server == address
        line = self.context.to_line() if self.context and is_its_own else Line(origin=parse_origin(address))
        return line if timeout is None else replace(line, timeout=timeout)

    def open_server(self, *, timeout: float | None = None) -> ServerClient:
        """The server without any log-in: what is posted there is signed, and needs none."""
        return ServerClient(self.require_line(timeout=timeout))

    def open_books(self, *, timeout: float | None = None) -> ServerClient:
        """The server for reading, with this person's log-in. Raises `cli.not-logged-in`."""
        line = self.require_line(timeout=timeout)
        session = load_session(self.home, line.origin.text)
        if session is None:
            raise GuardError("cli.not-logged-in", f"there is no log-in at {line.origin.text}")
        return ServerClient(line, Token(session.origin, session.token))

    @property
    def public_url(self) -> str:
        """What the server must call itself in a log-in: the setting, or the address by which it is reached."""
        named = self.settings.text("public_url")
        return self.require_line().origin.text if named is None else parse_origin(named).text

    @property
    def login_chain_id(self) -> int:
        """The chain that a log-in must name."""
        return self.settings.number("login_chain_id")


def load_reach(flags: Flags, environment: Mapping[str, str]) -> Reach:
    """Settings with the context that is in force."""
    home = find_home(environment)
    context = choose_context(home, flags, environment)
    chosen = None if context is None else Chosen(context.name, context.config, context.to_texts())
    return Reach(home=home, settings=load_settings(flags, environment, chosen), context=context)


def choose_context(home: Path, flags: Flags, environment: Mapping[str, str]) -> Context | None:
    """The context that is named, else the one in use. A configuration that is named stands alone: it may be of another treasury."""
    named = flags.context or environment.get("GUARD_CONTEXT")
    if named is not None:
        return load_contexts(home).require(named)
    if flags.config is not None or "GUARD_CONFIG" in environment:
        return None
    contexts = load_contexts(home)
    return None if contexts.current is None else contexts.by_name[contexts.current]
