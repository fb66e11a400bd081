"""Takes in the body of a request: so many bytes, within so much time, whatever its headers say. It does not look inside."""

from __future__ import annotations

import asyncio

from guard.errors import GuardError
from guard.web.exchange import BODY_BYTES
from guard.web.gate import TRACE, App, Message, Receive, Scope, Send, send_reply
from guard.web.problems import to_problem

BODY_SECONDS = 10.0


class Gone(Exception):
    """The caller went away before the body was there: nobody is left to answer."""


class Intake:
    """Gives the API whole bodies and none that is too large. Other methods than POST bring no body that anybody reads."""

    def __init__(self, app: App, *, most_bytes: int = BODY_BYTES, seconds: float = BODY_SECONDS):
        self._app = app
        self._most_bytes = most_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body first, then serve the request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            self._require_declared(scope)
            body = await asyncio.wait_for(self._read(receive), self._seconds)
        except TimeoutError:
            refused = GuardError("request.slow", f"the body was not there within {self._seconds:g} seconds")
            await self._refuse(scope, send, refused)
        except GuardError as error:
            await self._refuse(scope, send, error)
        except Gone:
            return
        else:
            await self._app(scope, _replay(body, receive), send)

    async def _refuse(self, scope: Scope, send: Send, refused: GuardError) -> None:
        scope[TRACE].code = refused.code
        await send_reply(send, to_problem(refused, scope[TRACE].request_id), closes=True)

    def _require_declared(self, scope: Scope) -> None:
        """Refuse a body by its declared length before it is sent, and one whose end two servers could find in two places."""
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            raise GuardError("request.malformed", "the request says in two ways where its body ends")
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or len(value) > 9 or int(value) > self._most_bytes):
                self._refuse_length()

    def _refuse_length(self) -> None:
        raise GuardError("request.too-large", f"the body has more than {self._most_bytes} bytes")

    async def _read(self, receive: Receive) -> bytes:
        parts, length = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise Gone
            parts.append(message.get("body", b""))
            length += len(parts[-1])
            # The declared length is the caller's word; what counts is what came.
            if length > self._most_bytes:
                self._refuse_length()
            if not message.get("more_body", False):
                return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
