"""The API over HTTP: posts signed statements, asks for state. What comes back is a text to check; nothing of it is believed here.

A log-in is shown to the server that gave it and to no other. An intent has one Idempotency-Key, also when it is sent again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from guard.clients.server_connection import ANSWER_BYTES, Line, RawAnswer, Request
from guard.clients.tracing import to_trace
from guard.errors import CATALOGUE, AdapterError, GuardError
from guard.formats.canonical import parse_json, to_canonical

JSON = "application/json"
PROBLEM = "application/problem+json"
PAUSES = (0.3, 1.5)
"""Seconds before the second and the third attempt; there is no fourth."""
MESSAGE_LENGTH = 300
_LASTING = frozenset({"client.redirected", "client.certificate", "server.internal"})
"""Trouble that another attempt would meet again, or must not meet."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and the origin that gave it."""

    origin: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a request is bound to: the version that a person was shown, and whether it may be sent again by itself."""

    version: int | None = None
    is_repeatable: bool = True


ONCE = Conditions(is_repeatable=False)


class ServerRefusal(GuardError):
    """A refusal of the server: a code that this version knows, the server's words for it, and our own advice."""


class ServerClient:
    """One server. `pause` waits so many seconds between attempts."""

    def __init__(self, line: Line, token: Token | None = None, *, pause: Callable[[float], None] = time.sleep):
        if token is not None and token.origin != line.origin.text:
            raise GuardError("client.token", f"the log-in is one of {token.origin}, not of {line.origin.text}")
        self._line = line
        self._token = token
        self._pause = pause

    @property
    def origin(self) -> str:
        """The server's address in its one spelling."""
        return self._line.origin.text

    @property
    def is_logged_in(self) -> bool:
        """Whether a log-in is at hand; whether it still holds only the server knows."""
        return self._token is not None

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """The JSON of a resource. Raises a `ServerRefusal` or `AdapterError`."""
        return self._to_content(self._send(Request(method="GET", path=_to_path(path, query), headers=self._headers())))

    def get_bytes(self, path: str) -> bytes:
        """A resource as it is."""
        return self._send(Request(method="GET", path=_to_path(path, None), headers=self._headers())).body

    def post(self, path: str, body: Mapping[str, Any] | None, conditions: Conditions | None = None) -> Any:
        """Send something. The same Idempotency-Key goes with every attempt, so that it happens once. Raises like `get`."""
        bound = conditions or Conditions()
        headers = {**self._headers(), "Idempotency-Key": secrets.token_hex(16)}
        if body is not None:
            headers["Content-Type"] = JSON
        if bound.version is not None:
            headers["If-Match"] = f'"v{bound.version}"'
        raw = None if body is None else to_canonical(dict(body))
        request = Request(method="POST", path=_to_path(path, None), headers=headers, body=raw)
        return self._to_content(self._send(request, pauses=PAUSES if bound.is_repeatable else ()))

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": f"{JSON}, {PROBLEM}", "Connection": "close", **to_trace()}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.value}"
        return headers

    def _send(self, request: Request, *, pauses: tuple[float, ...] = PAUSES) -> RawAnswer:
        """The answer of the first attempt that has one. No attempt begins after as long as one exchange may take."""
        ends_at = time.monotonic() + self._line.timeout
        for pause in pauses:
            try:
                return self._try(request)
            except AdapterError as trouble:
                if trouble.code in _LASTING or time.monotonic() + pause > ends_at:
                    raise
            self._pause(pause)
        return self._try(request)

    def _try(self, request: Request) -> RawAnswer:
        answer = self._line.exchange(request)
        if not 200 <= answer.status < 300:
            raise self._to_error(answer)
        return answer

    def _to_content(self, answer: RawAnswer) -> Any:
        if answer.status == 204:
            return None
        try:
            return parse_json(answer.body, max_bytes=ANSWER_BYTES)
        except GuardError as trouble:
            message = f"the answer of {self.origin} cannot be read: {trouble.message}"
            raise AdapterError("client.no-answer", message, details={"cause": trouble.code}) from trouble

    def _to_error(self, answer: RawAnswer) -> GuardError | AdapterError:
        """Its code decides what a caller does; the advice is our own, since a stranger's might be bad."""
        try:
            said = parse_json(answer.body, max_bytes=ANSWER_BYTES) if answer.media_type == PROBLEM else None
        except GuardError:
            said = None
        code, detail = (said.get("code"), said.get("detail")) if isinstance(said, dict) else (None, None)
        if not isinstance(code, str) or code not in CATALOGUE:
            return AdapterError("client.no-answer", f"{self.origin} failed with HTTP status {answer.status}")
        message = detail[:MESSAGE_LENGTH] if isinstance(detail, str) and detail else CATALOGUE[code].meaning
        details = {"server": self.origin, "http_status": str(answer.status)}
        kind = AdapterError if answer.status >= 500 else ServerRefusal
        return kind(code, message, details=details)


def _to_path(path: str, query: Mapping[str, str | int] | None) -> str:
    escaped = quote(path, safe="/")
    return f"{escaped}?{urlencode(query)}" if query else escaped
