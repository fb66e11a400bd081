"""What every answer carries and every log line leaves out, and how much one source may ask."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog

from guard.web.gate import SECURITY_HEADERS
from guard.web.logs import configure_log
from guard.web.sources import SOURCES_KEPT, SourceLimit, SourceRate, find_source
from tests.web.asking import Asker, make_small_api, require_problem

FEW = SourceRate(per_second=0, burst=3)


@pytest.fixture
def asker() -> Iterator[Asker]:
    with Asker(make_small_api()) as asker:
        yield asker


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    with _logging("json") as stream:
        yield stream


@contextmanager
def _logging(log_format: str) -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    configure_log(log_format, stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before[0]
    root.setLevel(before[1])


def _read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/livez"), ("GET", "/nothing"), ("PUT", "/livez"), ("GET", "/v1/fail")]
)
def test_every_answer_carries_the_security_headers_and_a_request_id(asker: Asker, method: str, path: str) -> None:
    headers = asker.ask(method, path).headers
    for name, value in SECURITY_HEADERS:
        assert headers[name.decode()] == value.decode()
    assert len(headers["x-request-id"]) >= 16
    assert "strict-transport-security" not in headers


def test_transport_security_is_said_where_browsers_come_in_by_tls() -> None:
    with Asker(make_small_api(is_https=True)) as asker:
        assert "max-age=31536000" in asker.get("/livez").headers["strict-transport-security"]


def test_a_request_id_that_is_a_plain_word_is_kept(asker: Asker) -> None:
    assert asker.get("/livez", headers={"x-request-id": "carry-7.of_9"}).headers["x-request-id"] == "carry-7.of_9"


@pytest.mark.parametrize("sent", ["", "a b", "a\tb", "x" * 65, 'a"b', "a\u00e9"])
def test_a_request_id_that_could_forge_a_log_line_is_replaced(asker: Asker, sent: str) -> None:
    got = asker.get("/livez", headers={"x-request-id": sent.encode("latin-1")}).headers["x-request-id"]
    assert got != sent and got.isalnum()


def test_the_handler_learns_the_request_id(asker: Asker) -> None:
    told = asker.get("/v1/session", headers={"x-request-id": "r-17", "authorization": "Bearer alice"}).json()
    assert told == {"who": "alice", "id": "r-17"}


def test_an_address_that_does_not_exist_is_a_problem(asker: Asker) -> None:
    require_problem(asker.get("/v1/nothing"), 404, "request.path")
    require_problem(asker.get("/docs"), 404, "request.path")
    require_problem(asker.get("/livez/"), 404, "request.path")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_the_address_does_not_know_is_a_problem_that_names_those_it_knows(
    asker: Asker, method: str
) -> None:
    response = asker.ask(method, "/livez")
    require_problem(response, 405, "request.method")
    assert response.headers["allow"] == "GET"


def test_a_bug_tells_the_caller_nothing_and_the_log_everything(asker: Asker, lines: io.StringIO) -> None:
    response = asker.get("/v1/fail")
    require_problem(response, 500, "server.internal")
    assert "secret" not in response.text and "ValueError" not in response.text
    (line,) = _read(lines)
    assert (line["status"], line["code"], line["route"]) == (500, "server.internal", "/v1/fail")


def test_one_line_is_logged_for_a_request_and_holds_no_more_than_it_may(asker: Asker, lines: io.StringIO) -> None:
    headers = {"authorization": "Bearer alice", "x-request-id": "r-1", "cookie": "__Host-guard=hush"}
    assert asker.get("/v1/session", headers=headers).status_code == 200
    (line,) = _read(lines)
    assert {*line} == {"event", "level", "at", "request_id", "method", "route", "status", "ms"}
    assert (line["event"], line["request_id"], line["route"], line["status"]) == ("request", "r-1", "/v1/session", 200)
    assert "alice" not in lines.getvalue() and "hush" not in lines.getvalue() and "192.0.2.1" not in lines.getvalue()


def test_a_path_that_has_no_operation_stands_in_no_log_line(asker: Asker, lines: io.StringIO) -> None:
    asker.get("/v1/nothing-0xsecret?token=hush")
    (line,) = _read(lines)
    assert line["route"] == "-" and "hush" not in lines.getvalue() and "0xsecret" not in lines.getvalue()


def test_a_log_line_as_text_is_one_line(asker: Asker) -> None:
    with _logging("text") as stream:
        asker.get("/livez")
    assert stream.getvalue().count("\n") == 1 and "route=/livez" in stream.getvalue()


def test_the_log_knows_two_formats() -> None:
    with pytest.raises(ValueError, match="json nor text"):
        configure_log("xml", io.StringIO())


def test_a_source_that_asks_too_often_is_told_to_wait_before_anything_is_read() -> None:
    with Asker(make_small_api(ordinary=FEW)) as asker:
        statuses = [asker.get("/v1/session").status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        response = asker.post("/v1/logout", b"not json")
        require_problem(response, 429, "request.source-rate")
        assert response.headers["retry-after"] == "1"


def test_stops_have_a_budget_of_their_own() -> None:
    with Asker(make_small_api(ordinary=FEW, stops=FEW)) as asker:
        for _ in range(10):
            asker.get("/v1/session")
        assert [asker.post("/v1/freezes", {}).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_whether_it_lives_may_be_asked_at_any_rate() -> None:
    with Asker(make_small_api(ordinary=FEW)) as asker:
        assert {asker.get("/livez").status_code for _ in range(9)} == {200}


def test_a_budget_comes_back_with_time_and_never_beyond_its_burst() -> None:
    now = [100.0]
    limit = SourceLimit(SourceRate(per_second=2, burst=2), lambda: now[0])
    assert [limit.take("a") for _ in range(3)] == [True, True, False]
    now[0] += 0.49
    assert not limit.take("a")
    now[0] += 0.01
    assert limit.take("a") and not limit.take("a")
    now[0] += 1000
    assert [limit.take("a") for _ in range(3)] == [True, True, False]
    assert limit.take("b")


def test_the_sources_that_are_remembered_are_bounded() -> None:
    limit = SourceLimit(SourceRate(per_second=0, burst=1))
    for number in range(SOURCES_KEPT + 10):
        limit.take(str(number))
    assert len(limit._left) == SOURCES_KEPT
    assert limit.take("0") and not limit.take(str(SOURCES_KEPT + 9))


FORWARDED = [(b"x-forwarded-for", b"198.51.100.9"), (b"x-forwarded-for", b"203.0.113.1, 203.0.113.7")]


@pytest.mark.parametrize(
    ("client", "headers", "behind_proxy", "source"),
    [
        (("192.0.2.1", 1), [], False, "192.0.2.1"),
        (("192.0.2.1", 1), FORWARDED, False, "192.0.2.1"),
        (("192.0.2.1", 1), FORWARDED, True, "203.0.113.7"),
        (("192.0.2.1", 1), [], True, "192.0.2.1"),
        (None, [], False, "local"),
        (("", 1), FORWARDED, False, ""),
        (("2001:db8:1:2:3:4:5:6", 1), [], False, "2001:db8:1:2::"),
        (("2001:db8:1:2:ffff::1", 1), [], False, "2001:db8:1:2::"),
        (("::ffff:192.0.2.1", 1), [], False, "192.0.2.1"),
        (("::not-an-address", 1), [], False, "::not-an-address"),
    ],
)
def test_a_source_is_the_peer_unless_a_proxy_of_our_own_names_another(
    client: Any, headers: Any, behind_proxy: bool, source: str
) -> None:
    assert find_source(client, headers, behind_proxy=behind_proxy) == source


def test_a_websocket_is_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    with Asker(make_small_api()) as asker:
        api: Any = make_small_api()
        asker._runner.run(api({"type": "websocket", "path": "/livez", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
