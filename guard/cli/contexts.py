"""Contexts: by name, the server of one treasury, this machine's configuration for it, and how the server is to be known.

A context chooses what is asked and shown. It changes nothing of what anybody may sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from guard.cli.private import holding, keep_private, load_private, refuse_content
from guard.cli.words import compute_close
from guard.clients.origin import parse_origin
from guard.clients.server_connection import Line
from guard.core.ids import is_count, is_name
from guard.core.refusing import require
from guard.errors import GuardError
from guard.formats.fields import require_fields

FILE = "contexts.json"
_FIELDS = ("name", "server", "config", "ca", "public_url", "chain_id", "private_network")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One context. `public_url` is what the server calls itself where that is not the address by which it is reached.

    `chain_id` is the chain that a log-in names. `is_private_network` lets plain http leave this machine.
    """

    name: str
    server: str
    config: Path | None = None
    ca: Path | None = None
    public_url: str | None = None
    chain_id: int | None = None
    is_private_network: bool = False

    def __post_init__(self) -> None:
        require(is_name(self.name), f"{self.name[:60]!r} is no name for a context: lower-case words joined by hyphens")
        is_chain = self.chain_id is None or is_count(self.chain_id, least=1)
        require(is_chain, "chain id of a context is not a whole number from 1 on")
        self.to_line()
        if self.public_url is not None:
            parse_origin(self.public_url)

    def to_line(self) -> Line:
        """How its server is reached. Raises `client.address` and `client.plaintext`."""
        return Line(origin=parse_origin(self.server), ca=self.ca, is_private_network=self.is_private_network)

    def to_texts(self) -> dict[str, str]:
        """What it says of settings, as texts."""
        texts = {"server": self.server, "public_url": self.public_url, "login_chain_id": self.chain_id}
        return {name: str(value) for name, value in texts.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """The form in the file and for machines."""
        return {
            "name": self.name,
            "server": self.server,
            "config": None if self.config is None else str(self.config),
            "ca": None if self.ca is None else str(self.ca),
            "public_url": self.public_url,
            "chain_id": self.chain_id,
            "private_network": self.is_private_network,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """All contexts of a person, and the one in use."""

    by_name: Mapping[str, Context]
    current: str | None

    def require(self, name: str) -> Context:
        """The context of that name. Raises `cli.context-unknown`."""
        if name not in self.by_name:
            hint = compute_close(name, self.by_name)
            raise GuardError("cli.context-unknown", f"there is no context {name[:60]!r}", hint=hint)
        return self.by_name[name]


def load_contexts(home: Path) -> Contexts:
    """What is written down; nothing yet is a fine answer."""
    path = home / FILE
    content = load_private(path)
    if content is None:
        return Contexts(by_name={}, current=None)
    try:
        fields = require_fields(content, ("format", "current", "contexts"), what="the file")
        require(fields["current"] is None or isinstance(fields["current"], str), "current is not a name")
        found = [_read_context(each) for each in fields["contexts"]]
        contexts = Contexts(by_name={each.name: each for each in found}, current=fields["current"])
        if contexts.current is not None:
            contexts.require(contexts.current)
        return contexts
    except (GuardError, TypeError) as trouble:
        raise refuse_content(path, trouble.message if isinstance(trouble, GuardError) else "wrong types") from trouble


def _read_context(said: Any) -> Context:
    fields = require_fields(said, _FIELDS, what="a context")
    texts = [fields[name] for name in ("config", "ca", "public_url")]
    require(isinstance(fields["name"], str) and isinstance(fields["server"], str), "a context has no name or server")
    require(all(text is None or isinstance(text, str) for text in texts), "a path of a context is not a text")
    require(isinstance(fields["private_network"], bool), "private_network of a context is not true or false")
    return Context(
        name=fields["name"],
        server=fields["server"],
        config=None if fields["config"] is None else Path(fields["config"]),
        ca=None if fields["ca"] is None else Path(fields["ca"]),
        public_url=fields["public_url"],
        chain_id=fields["chain_id"],
        is_private_network=fields["private_network"],
    )


def _keep(home: Path, contexts: Contexts) -> None:
    entries = [each.to_json() for _, each in sorted(contexts.by_name.items())]
    keep_private(home / FILE, {"current": contexts.current, "contexts": entries})


def add_context(home: Path, context: Context) -> Contexts:
    """Write a context down; the first one is in use at once. Raises `cli.context-exists` where the name means something else."""
    for path in (context.config, context.ca):
        if path is not None and not path.is_file():
            raise GuardError("cli.file-missing", f"there is no file {path}")
    with holding(home):
        known = load_contexts(home)
        if known.by_name.get(context.name, context) != context:
            raise GuardError("cli.context-exists", f"there is a context {context.name} that says something else")
        contexts = Contexts(by_name={**known.by_name, context.name: context}, current=known.current or context.name)
        _keep(home, contexts)
    return contexts


def use_context(home: Path, name: str) -> Context:
    """Let a context be the one in use."""
    with holding(home):
        contexts = load_contexts(home)
        chosen = contexts.require(name)
        _keep(home, replace(contexts, current=chosen.name))
    return chosen


def remove_context(home: Path, name: str) -> Context:
    """Forget a context."""
    with holding(home):
        contexts = load_contexts(home)
        gone = contexts.require(name)
        left = {each: context for each, context in contexts.by_name.items() if each != gone.name}
        _keep(home, Contexts(by_name=left, current=None if contexts.current == gone.name else contexts.current))
    return gone
