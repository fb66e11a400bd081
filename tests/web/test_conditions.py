"""The headers under which a request may be done, and the parameters of a query: one spelling, at most once."""

from __future__ import annotations

from typing import Any

import pytest

from guard.core.lifecycle import State
from guard.errors import GuardError
from guard.ports.books import TransferQuery
from guard.web.conditions import require_key, require_version, take_key
from guard.web.exchange import Call
from guard.web.queries import INDEX_END, take_page, take_transfer_query
from guard.web.submitting import require_transfer_id
from tests.factories import digest_of


def _call(*headers: tuple[str, str], query: str = "", **places: str) -> Call:
    return Call(
        method="POST",
        route="/v1/transfers",
        path="/v1/transfers",
        places=places,
        query=query,
        headers=headers,
        body=b"",
        source="local",
        request_id="r1",
    )


def _code_of(ask: Any, call: Call) -> str:
    with pytest.raises(GuardError) as refused:
        ask(call)
    return refused.value.code


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("a", "a"),
        ("x" * 128, "x" * 128),
        ("!~", "!~"),
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (r'"a\"b\\c"', r'a"b\c'),
        ('a"b', 'a"b'),
    ],
)
def test_an_idempotency_key_is_visible_ascii_plain_or_quoted(sent: str, key: str) -> None:
    assert take_key(_call(("idempotency-key", sent))) == key


@pytest.mark.parametrize(
    "sent", ["", '""', "x" * 129, '"' + "x" * 129 + '"', "a b", '"a b"', "é", '"a', '"a"b"', r'"a\n"', "a\x7f"]
)
def test_an_idempotency_key_that_is_none_is_refused(sent: str) -> None:
    assert _code_of(take_key, _call(("idempotency-key", sent))) == "request.idempotency-key"


def test_a_key_that_is_needed_is_asked_for_and_one_that_stands_twice_is_refused() -> None:
    assert take_key(_call()) is None
    assert _code_of(require_key, _call()) == "request.idempotency-key-missing"
    assert _code_of(require_key, _call(("idempotency-key", "a"), ("idempotency-key", "a"))) == "request.header"


@pytest.mark.parametrize(
    ("sent", "version"), [('"v0"', 0), ('"v1"', 1), (' "v12" ', 12), ('"v999999999"', 999_999_999)]
)
def test_a_version_is_the_etag_that_was_given(sent: str, version: int) -> None:
    assert require_version(_call(("if-match", sent))) == version


@pytest.mark.parametrize(
    "sent", ["*", "v1", '"1"', 'W/"v1"', '"v1", "v2"', '"v01"', '"v-1"', '"v"', "", '"v9999999999"', '"v\u0661"']
)
def test_an_if_match_that_is_no_version_is_refused(sent: str) -> None:
    assert _code_of(require_version, _call(("if-match", sent))) == "request.if-match"


def test_a_version_that_is_missing_or_stands_twice_is_refused() -> None:
    assert _code_of(require_version, _call()) == "request.version-missing"
    assert _code_of(require_version, _call(("if-match", '"v1"'), ("if-match", '"v1"'))) == "request.header"


WHOLE = digest_of("transfer")


@pytest.mark.parametrize(
    "text", ["", "0x", WHOLE[2:], WHOLE[:-1], WHOLE + "0", WHOLE.upper(), WHOLE + "\n", "..", "0x" + "g" * 64]
)
def test_a_statement_goes_to_a_whole_id_alone(text: str) -> None:
    assert _code_of(require_transfer_id, _call(transfer_id=text)) == "request.transfer-id"
    assert str(require_transfer_id(_call(transfer_id=WHOLE))) == WHOLE


def test_a_query_for_transfers_is_read() -> None:
    vault = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    query = f"state=open&vault={vault}&initiator=alice&before={WHOLE}&limit=200"
    assert take_transfer_query(_call(query=query)) == TransferQuery(
        states=(State.OPEN,),
        vault=vault,  # type: ignore[arg-type]
        initiator="alice",  # type: ignore[arg-type]
        before=WHOLE,  # type: ignore[arg-type]
        limit=200,
    )
    assert take_transfer_query(_call()) == TransferQuery()


@pytest.mark.parametrize(
    "query",
    [
        "state=held",
        "state=",
        "state=OPEN",
        "state=open&state=void",
        "vault=0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "vault=0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "initiator=Alice",
        "initiator=",
        f"before={WHOLE[:20]}",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1.0",
        "limit=01",
        "limit=%20",
        "limit=%D9%A1",
        "limit",
        "offset=3",
    ],
)
def test_a_query_for_transfers_that_cannot_be_is_refused(query: str) -> None:
    assert _code_of(take_transfer_query, _call(query=query)) == "request.query"


@pytest.mark.parametrize(("start", "is_good"), [(INDEX_END - 1, True), (INDEX_END, False), (INDEX_END + 1, False)])
def test_a_log_begins_at_an_index(start: int, is_good: bool) -> None:
    call = _call(query=f"start={start}&limit=1")
    if is_good:
        assert take_page(call) == (start, 1)
    else:
        assert _code_of(take_page, call) == "request.query"


def test_two_requests_are_the_same_by_method_path_and_body() -> None:
    assert _call().fingerprint == _call(("idempotency-key", "x")).fingerprint
    others: list[dict[str, Any]] = [{"method": "GET"}, {"path": "/v1/freezes"}, {"body": b"{}"}]
    plain = {name: getattr(_call(), name) for name in Call.__slots__}
    assert len({_call().fingerprint, *(Call(**{**plain, **other}).fingerprint for other in others)}) == 4
