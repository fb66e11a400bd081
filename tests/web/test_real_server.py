"""The API under the real server, over real sockets: what a client can do to a connection that no in-process test shows."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from guard.statements.signed import to_json
from guard.web.api import UVICORN
from guard.web.connections import MOST_OF_A_SOURCE, BoundedConnection
from tests.databases import new_sqlite_database
from tests.team import Team

ROOT = Path(__file__).resolve().parents[2]
BODY_SECONDS = 1.0
HEAD = b"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A running server's port."""
    folder = tmp_path_factory.mktemp("server")
    command = [sys.executable, "-m", "tests.web.server_main", new_sqlite_database(folder), str(folder / "people")]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [*command, str(BODY_SECONDS)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    assert running.stdout is not None and running.stdin is not None
    yield int(running.stdout.readline())
    running.stdin.close()
    running.wait(timeout=20)
    running.stdout.close()
    lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    assert [line for line in lines if line["event"] == "request" and line["status"] >= 500] == []
    assert [line for line in lines if "127.0.0.1" in str(line) and line["event"] == "request"] == []
    assert [line for line in lines if line.get("logger") == "uvicorn.access"] == []


def _talk(port: int, *parts: bytes, seconds: float = 15) -> tuple[int, dict[str, Any], bytes]:
    """Send raw bytes, read until the server closes or has answered once: status, problem, and what came after it."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
        rest = b"" if answer.will_close is False else _read_rest(connection)
        return answer.status, json.loads(body), rest


def _read_rest(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1)
    except ConnectionResetError:
        return b""


def test_a_statement_is_taken_over_a_real_connection(port: int, tmp_path: Path) -> None:
    people = Team(tmp_path / "people", running=("none of them",))
    body = json.dumps(to_json(people.propose(people.transfer()))).encode()
    status, told, _ = _talk(port, HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert (status, told["kind"]) == (201, "proposal")


def test_a_declared_body_that_is_too_large_is_refused_before_it_is_sent(port: int) -> None:
    status, told, rest = _talk(port, HEAD + b"Content-Length: 1000000000\r\n\r\n")
    assert (status, told["code"], rest) == (413, "request.too-large", b"")


def test_a_chunked_body_that_never_says_how_long_it_is_is_cut_off(port: int) -> None:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    status, told, rest = _talk(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *([chunk] * 12))
    assert (status, told["code"], rest) == (413, "request.too-large", b"")


def test_a_chunked_body_within_the_limit_is_read(port: int) -> None:
    parts = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n", b"0\r\n\r\n"]
    status, told, _ = _talk(port, *parts)
    assert (status, told["code"]) == (400, "json.field-missing")


def test_a_body_that_comes_too_slowly_is_given_up_in_time(port: int) -> None:
    begun_at = time.monotonic()
    status, told, rest = _talk(port, HEAD + b"Content-Length: 100\r\n\r\n{")
    assert (status, told["code"], rest) == (408, "request.slow", b"")
    assert BODY_SECONDS * 0.9 <= time.monotonic() - begun_at < BODY_SECONDS + 10


def test_bytes_after_a_body_are_another_request_and_never_part_of_it(port: int) -> None:
    smuggled = b"GET /v1/session HTTP/1.1\r\nHost: x\r\n\r\n"
    status, told, _ = _talk(port, HEAD + b"Content-Length: 2\r\n\r\n{}" + smuggled)
    assert (status, told["code"]) == (400, "json.field-missing")


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Content-Length: +2\r\n\r\n{}",
        b"X-Long: " + b"x" * 200_000,
    ],
)
def test_a_request_that_two_servers_could_frame_in_two_ways_does_nothing(port: int, framing: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(HEAD + framing)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["code"]) == (400, "request.malformed")


def test_a_caller_who_goes_away_in_the_middle_disturbs_nobody(port: int) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    connection_ = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection_.request("GET", "/readyz", headers={"X-Request-Id": "still-here"})
    answer = connection_.getresponse()
    assert (answer.status, answer.headers["X-Request-Id"], answer.headers["Server"]) == (200, "still-here", None)
    connection_.close()


def test_one_source_cannot_take_every_connection(port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port), timeout=15) for _ in range(MOST_OF_A_SOURCE + 10)]
    try:
        held[-1].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _read_rest(held[-1]) == b""
        held[0].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert held[0].recv(12) == b"HTTP/1.1 200"
    finally:
        for connection in held:
            connection.close()


def test_a_head_that_never_ends_is_given_up_and_a_request_that_takes_long_is_not() -> None:
    async def talk() -> list[str]:
        loop, closed = asyncio.get_running_loop(), []
        config = uvicorn.Config(_answer_slowly, **{**UVICORN, "http": Impatient})
        server = uvicorn.Server(config)
        config.load()
        bound = socket.create_server(("127.0.0.1", 0))
        running = loop.create_task(server.serve([bound]))
        port = bound.getsockname()[1]
        for what, sent in (("silent", b""), ("head", b"GET / HT"), ("whole", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            got = await asyncio.wait_for(reader.read(12), 15)
            closed.append(f"{what}: {got.decode()}")
            writer.close()
        server.should_exit = True
        await running
        return closed

    assert asyncio.run(talk()) == ["silent: ", "head: ", "whole: HTTP/1.1 200"]


class Impatient(BoundedConnection):
    """Waits for a head no longer than the answer below takes."""

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(0.2, self._give_up)


async def _answer_slowly(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_the_server_takes_nobodys_word_for_who_forwarded_them() -> None:
    config = uvicorn.Config(_answer_slowly, **UVICORN)
    config.load()
    assert config.loaded_app is _answer_slowly
    assert config.http_protocol_class is BoundedConnection
    assert not config.server_header and not config.access_log
