"""One connection of uvicorn's, bounded: so many of one source, a head within so much time and so many lines, a body in so many pieces.

Without this a single machine that opens connections and says nothing, takes no answer, or sends what costs much to parse keeps everybody
else out, people who want to stop something among them. What a whole request may do is the business of the parts behind it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from guard.clients.tracing import draw_request_id
from guard.errors import GuardError
from guard.formats.request_ids import HEADER
from guard.web.gate import SECURITY_HEADERS
from guard.web.problems import to_problem
from guard.web.sources import find_source

MOST_OF_A_SOURCE = 128
"""Connections of one source at once. A proxy of our own in front of the API must do with as many, which it uses again and again."""
MOST_AT_ONCE = 384
"""Connections of all sources, above which one that asks nothing makes room for one that comes."""
HEAD_SECONDS = 10.0
HEAD_BYTES = 32 * 1024
MOST_LINES = 100
"""Lines of a request's head. Each costs the event loop as much as kilobytes of a body, whether or not the request is refused then."""
MOST_PIECES = 512
"""Parts in which a body may come. A body of chunks of one byte would hold the event loop for seconds."""
ANSWER_SECONDS = 20.0
ANSWER_BYTES = 16 * 1024
"""What a peer must take of its answers in `ANSWER_SECONDS`."""


class BoundedHttp(h11.Connection):
    """Reads HTTP as its parent does, and refuses a body that comes in too many pieces."""

    _pieces = 0

    def next_event(self) -> Any:
        """The next event. Raises `h11.RemoteProtocolError`."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._pieces = 0
        elif isinstance(event, h11.Data):
            self._pieces += 1
            if self._pieces > MOST_PIECES:
                raise h11.RemoteProtocolError("body in too many pieces")
        return event


class BoundedConnection(H11Protocol):
    """A connection that is closed where its source has too many, where a head does not end, and where nobody takes the answers."""

    source = ""
    answer_seconds = ANSWER_SECONDS
    _head_timer: asyncio.TimerHandle | None = None
    _answer_timer: asyncio.TimerHandle | None = None
    _lines = 0
    _untaken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the source's connections, and begin to wait for a request."""
        super().connection_made(transport)
        self.conn = BoundedHttp(h11.SERVER, HEAD_BYTES)
        self.source = find_source(self.client, (), behind_proxy=False)
        self._watch_answers()
        if self.client is not None and self._count_own() > MOST_OF_A_SOURCE:
            transport.close()
            return
        if len(self.connections) > MOST_AT_ONCE:
            self._make_room()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        if self._answer_timer is not None:
            self._answer_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in. A request whose head is whole has begun; one whose head is not may not take for ever."""
        if not self._is_serving():
            self._lines += data.partition(b"\r\n\r\n")[0].count(b"\n")
            if self._lines > MOST_LINES:
                self.send_400_response("")
                return
        super().data_received(data)
        if self._is_serving():
            self._lines = 0
            self._stop_waiting()
            # Who sends the next request before the answer sends it again on another connection: none is parsed that nobody counted.
            if not self.cycle.more_body and self.conn.trailing_data[0]:
                self.cycle.keep_alive = False
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
        return sum(each.source == self.source for each in self._list_all())

    def _list_all(self) -> list[BoundedConnection]:
        return [
            each for each in self.connections if isinstance(each, BoundedConnection) and not each.transport.is_closing()
        ]

    def _make_room(self) -> None:
        """Close a connection that waits for a request, of the source that has the most of them."""
        idle = [each for each in self._list_all() if each is not self and not each._is_serving()]
        held = Counter(each.source for each in idle)
        if idle:
            max(idle, key=lambda each: held[each.source]).transport.abort()

    def _watch_answers(self) -> None:
        """Look again and again whether the peer takes what it is sent; one that does not could hold the connection for ever."""
        untaken = self.transport.get_write_buffer_size()
        if untaken and self._untaken and untaken > self._untaken - ANSWER_BYTES:
            self.transport.abort()
            return
        self._untaken = untaken
        self._answer_timer = self.loop.call_later(self.answer_seconds, self._watch_answers)

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
