"""Where people log in, and what somebody who is about to sign asks of a message."""

from dataclasses import replace

import pytest

from guard.errors import GuardError
from guard.formats.siwe import build_message, parse_message
from guard.statements.login_message import (
    MESSAGE_LIFETIME,
    STATEMENT,
    LoginTerms,
    find_message_fault,
    make_login_message,
    to_login_terms,
)
from tests.factories import address_of
from tests.login.doors import BEGIN_AT, ORIGIN, refusal_of

TERMS = to_login_terms(ORIGIN)
MESSAGE = make_login_message(TERMS, address_of("alice"), nonce="0" * 40, now=BEGIN_AT)


@pytest.mark.parametrize(
    ("public_url", "origin", "domain"),
    [
        ("https://guard.example.com", "https://guard.example.com", "guard.example.com"),
        ("https://guard.example.com/", "https://guard.example.com", "guard.example.com"),
        ("https://Guard.Example.com:443", "https://guard.example.com", "guard.example.com"),
        ("https://guard.example.com:8443", "https://guard.example.com:8443", "guard.example.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost:80", "http://localhost", "localhost"),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_origin_is_that_which_a_browser_names(public_url: str, origin: str, domain: str) -> None:
    terms = to_login_terms(public_url)
    assert (terms.origin, terms.domain) == (origin, domain)
    message = make_login_message(terms, address_of("alice"), nonce="0" * 40, now=BEGIN_AT)
    assert find_message_fault(message, terms, BEGIN_AT) is None


@pytest.mark.parametrize(
    "public_url",
    [
        "",
        "guard.example.com",
        "ftp://guard.example.com",
        "unix:/run/guard.sock",
        "https://",
        "https://guard.example.com/app",
        "https://guard.example.com?x=1",
        "https://guard.example.com#x",
        "https://me@guard.example.com",
        "https://guard.example.com:99999",
        "https://guard.example.com:port",
        "https://[::1",
        "https://guard example.com",
    ],
)
def test_what_is_no_origin_is_refused(public_url: str) -> None:
    assert refusal_of(lambda: to_login_terms(public_url)) == "value.invalid"


@pytest.mark.parametrize("chain_ids", [(), (0,), (-1,), (1, 2**53)])
def test_a_chain_id_that_cannot_be_is_refused(chain_ids: tuple[int, ...]) -> None:
    with pytest.raises(GuardError):
        LoginTerms(origin=ORIGIN, chain_ids=chain_ids)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"domain": "evil.example"}, "domain"),
        ({"uri": "https://evil.example"}, "uri"),
        ({"chain_id": 2}, "chain"),
        ({"statement": None}, "statement"),
        ({"expires_at": BEGIN_AT}, "dates"),
        ({"not_before": BEGIN_AT + 1}, "not-before"),
        ({"not_before": BEGIN_AT}, None),
        ({"request_id": "1"}, "nothing-else"),
    ],
)
def test_whoever_signs_learns_what_is_wrong_with_a_message(changes: dict[str, object], fault: str | None) -> None:
    assert find_message_fault(replace(MESSAGE, **changes), TERMS, BEGIN_AT) == fault  # type: ignore[arg-type]


def test_the_message_of_a_log_in_is_this_to_the_byte() -> None:
    text = build_message(MESSAGE)
    assert text == (
        "guard.example.com wants you to sign in with your Ethereum account:\n"
        f"{address_of('alice')}\n\n{STATEMENT}\n\nURI: https://guard.example.com\nVersion: 1\nChain ID: 1\n"
        f"Nonce: {'0' * 40}\nIssued At: 2023-12-14T22:13:20Z\nExpiration Time: 2023-12-14T22:18:20Z"
    )
    assert parse_message(text) == MESSAGE
    assert MESSAGE_LIFETIME == 300
