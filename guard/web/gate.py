"""The outermost part of the API: request id, limits of a source, security headers, one log line a request, and no word of a bug.

Plain ASGI, since every request passes here. The log never gets bodies, tokens or anybody's address.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from guard.clients.tracing import draw_request_id
from guard.errors import GuardError
from guard.formats.request_ids import HEADER, is_request_id
from guard.web.exchange import Reply
from guard.web.problems import to_bug, to_problem
from guard.web.sources import ALIVE, SourceLimit, find_source

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TRACE = "guard.trace"
"""Where the trace of a request stands in its ASGI scope."""

_REQUEST_ID = HEADER.lower().encode("ascii")
_STOP_PATH = re.compile(r"/v1/(freezes|transfers/[^/]+/(vetoes|rejections))\Z")

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY.encode("ascii")),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"publickey-credentials-get=(self)"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Only said where browsers come in by TLS (RFC 6797, section 7.2)."""


@dataclass(slots=True)
class Trace:
    """What is known of a request while it is served: for its answer's headers and its log line."""

    request_id: str
    source: str
    route: str = "-"
    code: str = ""
    status: int = 0


async def send_reply(send: Send, reply: Reply, *, closes: bool = False) -> None:
    """Send an answer from outside the web framework; `closes` where the body of the request was not read."""
    headers = [
        (b"content-type", reply.media_type.encode("ascii")),
        (b"content-length", str(len(reply.body)).encode("ascii")),
        *((name.encode("ascii"), value.encode("latin-1")) for name, value in reply.headers),
        *([(b"connection", b"close")] if closes else []),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


class Gate:
    """Wraps the whole API. `ordinary` and `stops` are the budgets of a source; `is_https` says that browsers come in by TLS."""

    def __init__(
        self, app: App, *, ordinary: SourceLimit, stops: SourceLimit, behind_proxy: bool = False, is_https: bool = False
    ):
        self._app = app
        self._ordinary = ordinary
        self._stops = stops
        self._alive = SourceLimit(ALIVE)
        self._behind_proxy = behind_proxy
        self._headers = SECURITY_HEADERS + ((TRANSPORT_SECURITY,) if is_https else ())
        self._log = structlog.get_logger("guard.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything that is not HTTP goes by or is closed."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace = Trace(
            request_id=_find_request_id(scope),
            source=find_source(scope.get("client"), scope["headers"], behind_proxy=self._behind_proxy),
        )
        scope[TRACE] = trace
        started_at = time.monotonic()
        structlog.contextvars.bind_contextvars(request_id=trace.request_id)
        try:
            await self._answer(scope, receive, self._dress(trace, send))
        finally:
            spent = round((time.monotonic() - started_at) * 1000, 1)
            self._say(scope["method"], trace, spent)
            structlog.contextvars.unbind_contextvars("request_id")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace: Trace = scope[TRACE]
        if not self._may_ask(scope, trace.source):
            trace.code = "request.source-rate"
            refused = GuardError("request.source-rate", "too many requests from one source; wait a moment")
            await send_reply(send, to_problem(refused, trace.request_id), closes=True)
            return
        try:
            await self._app(scope, receive, send)
        except Exception:
            # The caller learns that it failed and nothing else; the server's log gets the whole error.
            if not trace.status:
                trace.code = "server.internal"
                await send_reply(send, to_bug(trace.request_id), closes=True)
            raise

    def _may_ask(self, scope: Scope, source: str) -> bool:
        if scope["path"] == "/livez":
            return self._alive.take(source)
        is_stop = scope["method"] == "POST" and _STOP_PATH.match(scope["path"])
        return (self._stops if is_stop else self._ordinary).take(source)

    def _dress(self, trace: Trace, send: Send) -> Send:
        request_id = (_REQUEST_ID, trace.request_id.encode("ascii"))

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                trace.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._headers, request_id]
            await send(message)

        return dressed

    def _say(self, method: str, trace: Trace, spent_ms: float) -> None:
        """One line. A caller who went away before the answer has status 0."""
        said: dict[str, Any] = {"method": method[:16], "route": trace.route, "status": trace.status, "ms": spent_ms}
        if trace.code:
            said["code"] = trace.code
        self._log.info("request", **said)


def _find_request_id(scope: Scope) -> str:
    """The caller's own id where it is a plain word, so that one id goes through all parts; otherwise a new one."""
    for name, value in scope["headers"]:
        if name == _REQUEST_ID and is_request_id(value.decode("latin-1")):
            return str(value, "ascii")
    return draw_request_id()
