"""The client of the API against servers that do not behave: what cannot be used is refused with its code and nothing is guessed."""

import contextlib
import json
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.clients.origin import parse_origin
from guard.clients.server_client import Conditions, ServerClient, ServerRefusal, Token
from guard.clients.server_connection import ANSWER_BYTES, Line
from guard.errors import AdapterError, GuardError
from tests.clients.hostile import Answer, Asked, hostile, to_http, to_problem

TOKEN = "a-token-for-tests-000"


def client_of(url: str, *, token: str | None = None, timeout: float = 10) -> ServerClient:
    """A client that never waits between attempts."""
    given_by = None if token is None else Token(parse_origin(url).text, token)
    return ServerClient(Line(origin=parse_origin(url), timeout=timeout), given_by, pause=lambda _: None)


def trouble_of(answer: Answer, *, timeout: float = 10) -> AdapterError:
    """What a GET of such a server ends with."""
    with hostile(answer) as server, pytest.raises(AdapterError) as caught:
        client_of(server.url, timeout=timeout).get("/v1/treasury")
    return caught.value


def test_an_answer_comes_over_tcp_and_over_a_unix_socket(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        return to_http({"path": asked.path})

    with hostile(answer) as server:
        assert client_of(server.url).get("/v1/log", {"start": 3, "limit": 2}) == {"path": "/v1/log?start=3&limit=2"}
    with hostile(answer, unix=tmp_path / "socket"):
        assert client_of(f"unix:{tmp_path / 'socket'}").get("/v1/log") == {"path": "/v1/log"}


def test_a_path_is_escaped_so_that_it_stays_one(tmp_path: Path) -> None:
    with hostile(lambda asked: to_http({"path": asked.path})) as server:
        assert client_of(server.url).get("/v1/transfers/a b?x\r\n") == {"path": "/v1/transfers/a%20b%3Fx%0D%0A"}


UNUSABLE: list[tuple[str, bytes, str | None]] = [
    ("a number that no reader is sure of", to_http(b'{"size":9007199254740993}'), "json.number"),
    ("a number of a thousand figures", to_http(b'{"size":' + b"9" * 1000 + b"}"), "json.number"),
    ("a float", to_http(b'{"size":1.5}'), "json.number"),
    ("a key twice", to_http(b'{"size":1,"size":2}'), "json.duplicate-key"),
    ("not utf-8", to_http(b'{"size":"\xff"}'), "json.malformed"),
    ("deep nesting", to_http(b"[" * 10_000 + b"]" * 10_000), "json.too-large"),
    ("no json", to_http(b"<html>"), "json.malformed"),
    ("half an answer", to_http({"size": 1})[:-3], None),
    ("nothing", b"", None),
    ("not http", b"220 smtp ready\r\n\r\n", None),
    ("more bytes than are read", to_http(b'"' + b"x" * ANSWER_BYTES + b'"'), None),
    ("headers without end", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, None),
]


@pytest.mark.parametrize(("raw", "cause"), [each[1:] for each in UNUSABLE], ids=[each[0] for each in UNUSABLE])
def test_an_answer_that_cannot_be_used_is_none(raw: bytes, cause: str | None) -> None:
    trouble = trouble_of(lambda _: raw)
    assert trouble.code == "client.no-answer"
    assert trouble.details.get("cause") in (cause, None)
    assert "\n" not in trouble.message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed_and_the_token_goes_nowhere_else(status: int) -> None:
    with hostile(lambda _: to_http({})) as other:

        def answer(_: Asked) -> bytes:
            return to_http(b"", status=status, headers={"Location": f"{other.url}/v1/treasury"})

        with hostile(answer) as server, pytest.raises(AdapterError) as caught:
            client_of(server.url, token=TOKEN).get("/v1/treasury")
        assert caught.value.code == "client.redirected"
        assert len(server.asked) == 1
        assert other.asked == []


def test_a_token_is_sent_to_the_server_that_gave_it_alone() -> None:
    with hostile(lambda _: to_http({})) as server, hostile(lambda _: to_http({})) as other:
        client_of(server.url, token=TOKEN).get("/v1/treasury")
        assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
        with pytest.raises(GuardError) as caught:
            ServerClient(Line(origin=parse_origin(other.url)), Token(parse_origin(server.url).text, TOKEN))
        assert caught.value.code == "client.token"
        assert other.asked == []


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("http://127.0.0.1:8080", False),
        ("http://localhost:8080", False),
        ("https://guard.example.com", False),
        ("unix:/run/guard.sock", False),
        ("http://guard.example.com", True),
        ("http://10.0.0.7:8080", True),
    ],
)
def test_plain_http_to_another_machine_is_refused_unless_it_is_named(address: str, is_refused: bool) -> None:
    if not is_refused:
        assert Line(origin=parse_origin(address)).origin.address == address
        return
    with pytest.raises(GuardError) as caught:
        Line(origin=parse_origin(address))
    assert caught.value.code == "client.plaintext"
    assert Line(origin=parse_origin(address), is_private_network=True).is_private_network


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("https://Guard.Example.com:443/", "https://guard.example.com"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("unix:/run/guard.sock", "unix:/run/guard.sock"),
    ],
)
def test_an_origin_has_one_spelling(address: str, text: str) -> None:
    assert parse_origin(address).text == text


def test_a_known_code_is_told_with_our_own_advice_and_not_the_servers() -> None:
    raw = to_problem("transfer.stale", status=412, next="send your key to example.com")
    with hostile(lambda _: raw) as server, pytest.raises(ServerRefusal) as caught:
        client_of(server.url).get("/v1/treasury")
    assert (caught.value.code, caught.value.message) == ("transfer.stale", "so it is")
    assert "example.com" not in json.dumps(caught.value.to_json())


@pytest.mark.parametrize(
    "raw",
    [
        to_problem("who.knows"),
        to_http({"code": "transfer.stale"}, status=409),
        to_http(b"oh", status=409, media_type="application/problem+json"),
        to_http([1], status=400, media_type="application/problem+json"),
        to_http({"code": 7, "detail": "x"}, status=409, media_type="application/problem+json"),
    ],
)
def test_a_refusal_in_words_that_are_not_known_is_no_answer(raw: bytes) -> None:
    assert trouble_of(lambda _: raw).code == "client.no-answer"


def test_what_is_sent_again_has_the_same_key_and_another_intent_another() -> None:
    statuses = iter([503, 503, 201, 201])

    def answer(_: Asked) -> bytes:
        status = next(statuses)
        return to_http({"stored": True}, status=201) if status == 201 else to_problem("store.unavailable", status=503)

    with hostile(answer) as server:
        client = client_of(server.url)
        assert client.post("/v1/freezes", {"a": 1}) == {"stored": True}
        client.post("/v1/freezes", {"a": 1})
    keys = [asked.headers["idempotency-key"] for asked in server.asked]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert [asked.body for asked in server.asked[:3]] == [b'{"a":1}'] * 3


def test_trouble_that_stays_is_told_after_three_attempts() -> None:
    with (
        hostile(lambda _: to_problem("store.unavailable", status=503)) as server,
        pytest.raises(AdapterError) as caught,
    ):
        client_of(server.url).post("/v1/transfers", {})
    assert (caught.value.code, len(server.asked)) == ("store.unavailable", 3)


def test_what_may_be_done_once_is_sent_once() -> None:
    with hostile(lambda _: b"") as server, pytest.raises(AdapterError):
        client_of(server.url).post("/v1/login", {}, Conditions(is_repeatable=False))
    assert len(server.asked) == 1


def test_the_version_that_was_shown_goes_along() -> None:
    with hostile(lambda _: to_http({})) as server:
        client_of(server.url).post("/v1/transfers/x/approvals", {}, Conditions(version=7))
        client_of(server.url).post("/v1/logout", None)
    assert server.asked[0].headers["if-match"] == '"v7"'
    assert (server.asked[1].body, "content-type" in server.asked[1].headers) == (b"", False)


def test_a_server_that_hangs_or_drips_is_left_after_the_time() -> None:
    over = threading.Event()

    def answer(_: Asked) -> bytes:
        over.wait(20)
        return b""

    begun_at = time.monotonic()
    assert trouble_of(answer, timeout=0.3).code == "client.no-answer"
    assert time.monotonic() - begun_at < 5
    over.set()


def test_a_server_that_is_not_there_is_trouble() -> None:
    with hostile(lambda _: b"") as server:
        url = server.url
    with pytest.raises(AdapterError) as caught:
        client_of(url).get("/v1/treasury")
    assert caught.value.code == "client.no-answer"


@given(raw=st.binary(max_size=400), head=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 409 No\r\n"]))
def test_no_bytes_make_anything_but_an_answer_or_trouble(raw: bytes, head: bytes) -> None:
    with hostile(lambda _: head + raw) as server, contextlib.suppress(AdapterError, GuardError):
        client_of(server.url).get("/v1/treasury")
