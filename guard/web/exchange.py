"""A request and its answer as plain values, so that what an operation does can be read and tested without a web framework.

Everything here is strict: what could be read in two ways (a header or query parameter that stands twice) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import parse_qsl

from guard.core.ids import PersonId
from guard.errors import GuardError
from guard.formats.canonical import parse_json, to_canonical

JSON = "application/json"
PROBLEM = "application/problem+json"
BODY_BYTES = 256 * 1024
MOST_PARAMETERS = 20


class Viewer(Protocol):
    """Somebody who logged in, as the operations know them."""

    @property
    def person(self) -> PersonId:
        """Who it is by the active bundle."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `route` is the template of the path, `source` the client's address for limits alone, never shown.

    `headers` are pairs in the order in which they came, names in lower case.
    """

    method: str
    route: str
    path: str
    places: Mapping[str, str]
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source: str
    request_id: str
    viewer: Viewer | None = None

    def header(self, name: str) -> str | None:
        """A header's value. Raises `request.header` where it stands twice."""
        found = [value for each, value in self.headers if each == name]
        if len(found) > 1:
            raise GuardError("request.header", f"header {name} stands more than once")
        return found[0] if found else None

    def parameters(self, *names: str) -> dict[str, str]:
        """The query's parameters, each at most once and all of them known. Raises `request.query`."""
        found: dict[str, str] = {}
        for name, value in _split_query(self.query):
            if name not in names:
                raise GuardError("request.query", f"query parameter {name[:40]!r} is not known here")
            if name in found:
                raise GuardError("request.query", f"query parameter {name!r} stands more than once")
            found[name] = value
        return found

    def content(self) -> Any:
        """The body as strict JSON. Raises codes of `json`."""
        return parse_json(self.body, max_bytes=BODY_BYTES)

    @property
    def fingerprint(self) -> str:
        """The digest of method, path and body: by what two requests under one Idempotency-Key are the same."""
        return sha256(f"{self.method} {self.path}\n".encode() + self.body).hexdigest()

    @property
    def person(self) -> PersonId:
        """Who asks, where the operation needs a log-in."""
        if self.viewer is None:
            raise LookupError("an operation without a log-in asked who is logged in")
        return self.viewer.person


_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _split_query(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    if _PERCENT.search(query):
        raise GuardError("request.query", "the query holds a percent sign that begins no escape")
    try:
        return parse_qsl(
            query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        raise GuardError("request.query", "the query is not a list of name=value in UTF-8") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer, already bytes."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = JSON
    problem: str = field(default="")
    """The code of the problem that it tells, for the log."""


def to_reply(content: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """An answer in canonical JSON."""
    return Reply(status=status, body=to_canonical(content), headers=headers)
