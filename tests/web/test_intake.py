"""A body is taken whole, small enough and in time, or it is a problem; what its headers say of it is not believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from guard.web.exchange import BODY_BYTES
from tests.web.asking import Asker, make_small_api, require_problem

FREEZES = "/v1/freezes"


@pytest.fixture
def asker() -> Iterator[Asker]:
    with Asker(make_small_api()) as asker:
        yield asker


def _text_of(length: int) -> bytes:
    return b'"' + b"x" * (length - 2) + b'"'


@pytest.mark.parametrize(("length", "status"), [(BODY_BYTES - 1, 200), (BODY_BYTES, 200), (BODY_BYTES + 1, 413)])
def test_a_body_may_have_so_many_bytes(asker: Asker, length: int, status: int) -> None:
    response = asker.post(FREEZES, _text_of(length))
    assert response.status_code == status
    if status == 413:
        require_problem(response, 413, "request.too-large")


class Conversation:
    """Hands an API a request piece by piece, as a server would that believes the client's headers."""

    def __init__(self, *messages: dict[str, Any], length: str | None, path: str = FREEZES) -> None:
        declared = [] if length is None else [(b"content-length", length.encode())]
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "client": ("192.0.2.1", 1),
            "headers": [(b"content-type", b"application/json"), *declared],
        }
        self.messages = list(messages)
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.read == len(self.messages):
            await asyncio.Event().wait()
        self.read += 1
        return self.messages[self.read - 1]

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def run(self, **settings: Any) -> tuple[int, Any]:
        """The status and the JSON of the answer; 0 where there is none."""
        api: Any = make_small_api(**settings)
        asyncio.run(api(self.scope, self.receive, self.send))
        if not self.sent:
            return 0, None
        body = b"".join(message.get("body", b"") for message in self.sent[1:])
        return self.sent[0]["status"], json.loads(body)


def _part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_read() -> None:
    talk = Conversation(_part(b"{}", more=False), length=str(BODY_BYTES + 1))
    status, told = talk.run()
    assert (status, told["code"], talk.read) == (413, "request.too-large", 0)
    assert (b"connection", b"close") in talk.sent[0]["headers"]


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "", " 2", "9" * 30, "0x10", "²"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    status, told = Conversation(_part(b"{}", more=False), length=length).run()
    assert (status, told["code"]) == (413, "request.too-large")


@pytest.mark.parametrize("length", ["2", None])
def test_a_body_that_is_longer_than_declared_or_not_declared_is_counted_as_it_comes(length: str | None) -> None:
    parts = [_part(b"x" * 65536, more=True) for _ in range(9)]
    talk = Conversation(*parts, length=length)
    status, told = talk.run()
    assert (status, told["code"], talk.read) == (413, "request.too-large", 5)


def test_a_body_in_many_parts_is_put_together() -> None:
    parts = [_part(bytes([sign]), more=True) for sign in b'{"a":1}']
    status, told = Conversation(*parts, _part(b"", more=False), length=None).run()
    assert (status, told) == (200, {"got": {"a": 1}, "length": 7})


def test_a_body_that_never_ends_is_given_up() -> None:
    status, told = Conversation(_part(b"{", more=True), length="2").run(body_seconds=0.05)
    assert (status, told["code"]) == (408, "request.slow")


def test_a_caller_who_goes_away_gets_no_answer() -> None:
    assert Conversation(_part(b"{", more=True), {"type": "http.disconnect"}, length="2").run() == (0, None)


@pytest.mark.parametrize(
    "said",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/json, text/plain",
        "application/jsonp",
        "",
    ],
)
def test_a_body_that_is_not_declared_as_json_is_refused(asker: Asker, said: str) -> None:
    response = asker.ask("POST", FREEZES, content=b"{}", headers={"content-type": said})
    require_problem(response, 415, "request.content-type")


@pytest.mark.parametrize("said", ["application/json", "APPLICATION/JSON", "application/json;charset=UTF-8"])
def test_json_may_be_declared_in_any_of_its_spellings(asker: Asker, said: str) -> None:
    assert asker.ask("POST", FREEZES, content=b"{}", headers={"content-type": said}).status_code == 200


def test_a_body_that_is_not_declared_at_all_is_refused(asker: Asker) -> None:
    require_problem(asker.ask("POST", FREEZES, content=b"{}"), 415, "request.content-type")


def test_two_declarations_are_refused(asker: Asker) -> None:
    headers = [("content-type", "application/json"), ("content-type", "application/json")]
    require_problem(asker.ask("POST", FREEZES, content=b"{}", headers=headers), 400, "request.header")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "json.malformed"),
        (b"{", 400, "json.malformed"),
        (b'{"a":1} x', 400, "json.malformed"),
        (b"\xff\xfe{}", 400, "json.malformed"),
        (b'{"a":"\xc3\x28"}', 400, "json.malformed"),
        (b'\xef\xbb\xbf{"a":1}', 400, "json.malformed"),
        (b'{"a":"\\ud800"}', 400, "json.malformed"),
        (b'{"a":1,"a":2}', 400, "json.duplicate-key"),
        (b'{"a":NaN}', 400, "json.number"),
        (b'{"a":Infinity}', 400, "json.number"),
        (b'{"a":1.5}', 400, "json.number"),
        (b'{"a":1e9}', 400, "json.number"),
        (b'{"a":' + b"9" * 50000 + b"}", 400, "json.number"),
        (b"[" * 41 + b"]" * 41, 413, "json.too-large"),
        (b"[" * 100_000 + b"]" * 100_000, 413, "json.too-large"),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, 413, "json.too-large"),
    ],
)
def test_a_body_that_two_readers_could_read_in_two_ways_is_refused(
    asker: Asker, raw: bytes, status: int, code: str
) -> None:
    require_problem(asker.post(FREEZES, raw), status, code)


def test_an_address_that_takes_no_body_refuses_one(asker: Asker) -> None:
    known = {"authorization": "Bearer alice"}
    assert asker.ask("POST", "/v1/logout", headers=known).status_code == 200
    require_problem(asker.post("/v1/logout", {}, **known), 400, "json.field-unknown")
    form = {**known, "content-type": "application/x-www-form-urlencoded"}
    require_problem(asker.ask("POST", "/v1/logout", headers=form), 415, "request.content-type")


def test_nobody_learns_what_is_wrong_with_a_request_before_they_are_logged_in(asker: Asker) -> None:
    require_problem(asker.post("/v1/logout", b"{", authorization="Bearer mallory"), 401, "login.session")
    require_problem(asker.get("/v1/session?x=1"), 401, "login.session")


@pytest.mark.parametrize(
    "query", ["x=1", "x", "=", "%zz=1", "a=%ff", "&", "a=1&a=2", "&".join("abcdefghijklmnopqrstuvwxyz")]
)
def test_a_query_that_nobody_asked_for_is_refused(asker: Asker, query: str) -> None:
    response = asker.get(f"/v1/session?{query}", headers={"authorization": "Bearer alice"})
    require_problem(response, 400, "request.query")
