"""What strangers can do with connections to keep others out: cheap bytes that cost much, answers that nobody takes, many addresses."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from guard.web.api import UVICORN
from guard.web.connections import MOST_AT_ONCE, MOST_LINES, MOST_OF_A_SOURCE, MOST_PIECES, BoundedConnection
from guard.web.sources import ALIVE
from tests.web.asking import Asker, make_small_api, require_problem

CHUNKED = (
    b"POST /v1/freezes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


class Hasty(BoundedConnection):
    """Looks often whether its answers are taken."""

    answer_seconds = 0.2


def _serve(talk: Callable[[int], Awaitable[Any]], app: Any = None) -> Any:
    """What a client makes of the small API, or another one, under the real server in this process."""

    async def run() -> Any:
        config = uvicorn.Config(app or make_small_api(), **{**UVICORN, "http": Hasty})
        config.load()
        server, bound = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
        running = asyncio.get_running_loop().create_task(server.serve([bound]))
        try:
            return await asyncio.wait_for(talk(bound.getsockname()[1]), 30)
        finally:
            server.should_exit = True
            await running

    return asyncio.run(run())


def _ask(*parts: bytes) -> tuple[int, dict[str, Any], int]:
    """Status and document of the first answer, and how many answers there were until the server closed."""

    async def talk(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in parts:
            writer.write(part)
        got = await reader.read()
        writer.close()
        return got

    got: bytes = _serve(talk)
    head, _, rest = got.partition(b"\r\n\r\n")
    document = json.JSONDecoder().raw_decode(rest.decode())[0]
    return int(head.split()[1]), document, got.count(b"HTTP/1.1 ")


@pytest.mark.parametrize(("pieces", "status"), [(MOST_PIECES - 1, 200), (MOST_PIECES, 200), (MOST_PIECES + 1, 400)])
def test_a_body_comes_in_so_many_pieces_and_no_more(pieces: int, status: int) -> None:
    body = b"1\r\n[\r\n1\r\n]\r\n" + b"1\r\n \r\n" * (pieces - 2) + b"0\r\n\r\n"
    closing = CHUNKED.replace(b"Host: x", b"Host: x\r\nConnection: close")
    got, told, _ = _ask(closing, body)
    assert (got, told.get("code")) == (status, None if status == 200 else "request.malformed")


def test_a_quarter_of_a_megabyte_of_one_byte_chunks_holds_nobody_up() -> None:
    async def talk(port: int) -> float:
        spent_at = time.process_time()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHUNKED + b"1\r\nx\r\n" * 240_000)
        # What was still on its way when the server closed makes of the end a reset.
        with suppress(ConnectionResetError):
            await reader.read()
        writer.close()
        return time.process_time() - spent_at

    # Without the limit it is several seconds of the one thread that serves everybody.
    assert _serve(talk) < 1


@pytest.mark.parametrize(("lines", "status"), [(MOST_LINES, 200), (MOST_LINES + 1, 400)])
@pytest.mark.parametrize("is_dripped", [False, True])
def test_a_head_has_so_many_lines_and_no_more(lines: int, status: int, is_dripped: bool) -> None:
    # The line of the request, `Host`, `Connection`; the last line has no break before the empty one.
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"a: b\r\n" * (lines - 2) + b"\r\n"
    parts = [head[at : at + 64] for at in range(0, len(head), 64)] if is_dripped else [head]
    assert _ask(*parts)[0] == status


def test_who_sends_the_next_request_before_the_answer_gets_one_answer() -> None:
    status, told, answers = _ask(LIVEZ * 200)
    assert (status, told, answers) == (200, {"alive": True}, 1)


def test_requests_one_after_the_other_share_a_connection() -> None:
    async def talk(port: int) -> list[int]:
        return await asyncio.to_thread(_ask_thrice, port)

    assert _serve(talk) == [200, 200, 200]


def _ask_thrice(port: int) -> list[int]:
    connection, statuses = http.client.HTTPConnection("127.0.0.1", port, timeout=15), []
    for _ in range(3):
        connection.request("POST", "/v1/freezes", b"[]", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        statuses.append((answer.status, id(connection.sock)))
    connection.close()
    assert len({sock for _, sock in statuses}) == 1
    return [status for status, _ in statuses]


async def _tell_much(scope: Any, receive: Any, send: Any) -> None:
    body = b"x" * (32 * 1024 * 1024)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def test_an_answer_that_nobody_takes_is_given_up() -> None:
    async def talk(port: int) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(LIVEZ)
        # The reader stops taking at its limit; the server ends the connection long before all is sent.
        await asyncio.sleep(2)
        try:
            got = await reader.read(-1)
        except ConnectionResetError:
            return "reset"
        return "whole" if len(got) > 32 * 1024 * 1024 else "cut"

    assert _serve(talk, _tell_much) in ("reset", "cut")


def test_an_answer_that_is_taken_slowly_but_steadily_is_whole() -> None:
    async def talk(port: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LIVEZ.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        length = 0
        while got := await reader.read(512 * 1024):
            length += len(got)
            await asyncio.sleep(0.005)
        return length

    assert _serve(talk, _tell_much) > 32 * 1024 * 1024


class HandTransport(asyncio.Transport):
    """A connection of a peer, as far as the protocol looks at it."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 1234), "sockname": ("192.0.2.1", 443)})
        self.is_ended = False

    def is_closing(self) -> bool:
        return self.is_ended

    def close(self) -> None:
        self.is_ended = True

    def abort(self) -> None:
        self.is_ended = True

    def get_write_buffer_size(self) -> int:
        return 0


def _connect(peers: list[str]) -> list[str]:
    """These peers connect one after the other and say nothing; whose connections stay."""

    async def run() -> list[str]:
        config = uvicorn.Config(make_small_api(), **UVICORN)
        config.load()
        state, transports = ServerState(), [HandTransport(peer) for peer in peers]
        for transport in transports:
            BoundedConnection(config, state, {}).connection_made(transport)
        return [transport.get_extra_info("peername")[0] for transport in transports if not transport.is_ended]

    return asyncio.run(run())


def test_the_network_of_one_subscriber_is_one_source_of_connections() -> None:
    one = [f"2001:db8:1:2::{number:x}" for number in range(1, MOST_OF_A_SOURCE + 20)]
    stay = _connect([*one, "2001:db8:1:3::1"])
    assert len(stay) == MOST_OF_A_SOURCE + 1 and stay[-1] == "2001:db8:1:3::1"


def test_a_few_sources_that_say_nothing_make_room_for_whoever_comes() -> None:
    few = [f"198.51.100.{number % 3}" for number in range(MOST_AT_ONCE)]
    newcomers = [f"203.0.113.{number}" for number in range(100)]
    stay = _connect([*few, *newcomers])
    assert len(stay) == MOST_AT_ONCE and set(newcomers) <= set(stay)


def test_who_asks_whether_the_process_lives_is_limited_apart_from_everything_else() -> None:
    with Asker(make_small_api()) as asker:
        statuses = [asker.get("/livez").status_code for _ in range(ALIVE.burst + 60)]
        assert statuses[: ALIVE.burst] == [200] * ALIVE.burst and 429 in statuses
        require_problem(asker.get("/v1/session"), 401, "login.session")
