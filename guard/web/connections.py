"""One connection of uvicorn's, bounded: so many of one source at once, a request's head within so much time, problems where it is no HTTP.

Without this a single machine that opens connections and says nothing keeps everybody else out, people who want to stop something among
them. What a whole request may do is the business of the parts behind it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from guard.clients.tracing import draw_request_id
from guard.errors import GuardError
from guard.formats.request_ids import HEADER
from guard.web.gate import SECURITY_HEADERS
from guard.web.problems import to_problem

MOST_OF_A_SOURCE = 128
"""Connections of one peer at once. A proxy of our own in front of the API must do with as many, which it uses again and again."""
HEAD_SECONDS = 10.0


class BoundedConnection(H11Protocol):
    """A connection that is closed where its source has too many, and where it is silent in the middle of a request's head."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the peer's connections, and begin to wait for a request."""
        super().connection_made(transport)
        if self.client is not None and self._count_own() > MOST_OF_A_SOURCE:
            transport.close()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in. A request whose head is whole has begun; one whose head is not may not take for ever."""
        super().data_received(data)
        if self._is_serving():
            self._stop_waiting()
        elif self._head_timer is None and not self.transport.is_closing():
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Tell that this is no HTTP, as every other refusal is told."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            refused = GuardError("request.malformed", "the request is not HTTP of the kind that is taken here")
            request_id = draw_request_id()
            reply = to_problem(refused, request_id)
            headers: list[tuple[Any, Any]] = [
                ("content-type", reply.media_type),
                ("content-length", str(len(reply.body))),
                ("connection", "close"),
                (HEADER, request_id),
                *SECURITY_HEADERS,
            ]
            self._send(h11.Response(status_code=reply.status, headers=headers, reason=b"Bad Request"))
            self._send(h11.Data(data=reply.body))
            self._send(h11.EndOfMessage())
        self.transport.close()

    def _send(self, event: h11.Event) -> None:
        self.transport.write(self.conn.send(event) or b"")

    def _count_own(self) -> int:
        peer = self.client[0] if self.client else ""
        others = (getattr(each, "client", None) for each in self.connections)
        return sum(other is not None and other[0] == peer for other in others)

    def _is_serving(self) -> bool:
        cycle: Any = self.cycle  # It is None before the first request, though its type does not say so.
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self._is_serving():
            self.transport.close()
