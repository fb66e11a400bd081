"""A server that wants something else signed than its own log-in: refused before the signature, word by word."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.cli.sessions import load_session
from guard.core.ids import Address
from guard.formats.siwe import SiweMessage, build_message
from guard.statements.login_message import LoginTerms, make_login_message
from guard.statements.personal import recover_personal
from tests.chains import address_for
from tests.cli.offline import TOKEN, OfflineDesk
from tests.cli.road import Told, guard
from tests.clients.hostile import Asked, Hostile, hostile, to_http, to_problem


class Entrance:
    """A server's door: the message that it gives, and what it answers to a log-in."""

    def __init__(self) -> None:
        self.change: Any = lambda message: message
        self.text: str | None = None
        self.given: str = ""
        self.needs_code = False
        self.answer_with: dict[str, Any] = {
            "token": TOKEN,
            "person": "bob",
            "expires_at": int(time.time()) + 3600,
            "second_factor": "done",
        }
        self.server: Hostile | None = None

    def answer(self, asked: Asked) -> bytes:
        assert self.server is not None
        if asked.path == "/v1/login/challenges":
            terms = LoginTerms(origin=self.server.url)
            address = Address(asked.json["address"])
            message = make_login_message(terms, address, nonce="0123456789abcdef", now=int(time.time()))
            self.given = self.text or build_message(self.change(message))
            return to_http(
                {"message": self.given, "nonce": message.nonce, "expires_at": message.expires_at}, status=201
            )
        if self.needs_code and asked.json["code"] is None:
            return to_problem("login.code-needed", status=401)
        return to_http(self.answer_with, status=201)


@pytest.fixture
def entrance() -> Iterator[Entrance]:
    """Such a door."""
    made = Entrance()
    with hostile(made.answer) as server:
        made.server = server
        yield made


def log_in(paper: OfflineDesk, entrance: Entrance, *more: str) -> Told:
    assert entrance.server is not None
    signing = ("--key", paper.key("bob"), "--password-file", paper.password_file)
    return paper.run(entrance.server.url, "login", *signing, *more)


def posted(entrance: Entrance) -> list[Any]:
    assert entrance.server is not None
    return [asked.json for asked in entrance.server.asked if asked.path == "/v1/login"]


def test_an_honest_message_is_signed_byte_for_byte_and_the_token_kept_for_its_owner_alone(
    paper: OfflineDesk, entrance: Entrance, home: Path
) -> None:
    told = log_in(paper, entrance)
    assert told.status == 0, told
    assert TOKEN not in told.out + told.err
    (sent,) = posted(entrance)
    assert sent["message"] == entrance.given
    assert recover_personal(sent["message"], bytes.fromhex(sent["signature"][2:])) == told.json["address"]
    assert Path(told.json["file"]).stat().st_mode & 0o777 == 0o600
    assert entrance.server is not None
    session = load_session(home, entrance.server.url)
    assert session is not None and session.token == TOKEN
    assert load_session(home, "https://guard.example.com") is None


CHANGED: list[tuple[str, dict[str, Any], str]] = [
    ("another domain", {"domain": "guard.example.com"}, "domain"),
    ("a domain that begins the same", {"domain": "127.0.0.1"}, "domain"),
    ("another uri", {"uri": "https://guard.example.com"}, "uri"),
    ("a deeper uri", {"uri": "http://127.0.0.1:1/login"}, "uri"),
    ("another chain", {"chain_id": 5}, "chain"),
    ("another address", {"address": Address(address_for("somebody"))}, "address"),
    ("another statement", {"statement": "I agree to pay everything."}, "statement"),
    ("no statement", {"statement": None}, "statement"),
    ("no end", {"expires_at": None}, "dates"),
    ("an end next year", {"expires_at": int(time.time()) + 365 * 86400}, "dates"),
    ("a message of tomorrow", {"issued_at": int(time.time()) + 86400, "expires_at": int(time.time()) + 86600}, "dates"),
    (
        "a message of yesterday",
        {"issued_at": int(time.time()) - 86400, "expires_at": int(time.time()) - 86300},
        "dates",
    ),
    ("not yet", {"not_before": int(time.time()) + 86400}, "not-before"),
    ("resources", {"resources": ("https://guard.example.com/all",)}, "nothing-else"),
    ("a request id", {"request_id": "7"}, "nothing-else"),
    ("a scheme", {"scheme": "https"}, "nothing-else"),
]


@pytest.mark.parametrize(("fields", "fault"), [each[1:] for each in CHANGED], ids=[each[0] for each in CHANGED])
def test_a_message_that_says_anything_else_is_not_signed(
    paper: OfflineDesk, entrance: Entrance, home: Path, fields: dict[str, Any], fault: str
) -> None:
    def change(message: SiweMessage) -> SiweMessage:
        return replace(message, **fields)

    entrance.change = change
    told = log_in(paper, entrance)
    assert (told.status, told.code) == (1, "client.challenge")
    assert told.json["error"]["message"].endswith(fault)
    assert posted(entrance) == []
    assert not (home / "sessions").exists()


@pytest.mark.parametrize(
    "text", ["sign this", "", "0x" + "11" * 32, "x" * 5000, "a wants you to sign in with your Ethereum account:\n"]
)
def test_a_text_that_is_no_log_in_message_is_not_signed(
    paper: OfflineDesk, entrance: Entrance, home: Path, text: str
) -> None:
    entrance.text = text or " "
    told = log_in(paper, entrance)
    assert (told.status, told.code) == (1, "client.challenge")
    assert posted(entrance) == []


def test_a_relayed_message_of_the_real_server_is_not_signed_here(
    paper: OfflineDesk, entrance: Entrance, home: Path
) -> None:
    """The phishing server hands on a genuine challenge of the treasury's server; its domain gives it away."""
    terms = LoginTerms(origin="https://guard.example.com")
    entrance.text = build_message(
        make_login_message(terms, Address(address_for("bob")), nonce="0123456789abcdef", now=int(time.time()))
    )
    told = log_in(paper, entrance)
    assert (told.code, posted(entrance)) == ("client.challenge", [])


@pytest.mark.parametrize(
    "fields",
    [
        {"token": None},
        {"token": "x"},
        {"token": "a token with spaces in it"},
        {"token": "a-token\r\nX-Evil: 1-and-more"},
        {"person": "Bob!"},
        {"expires_at": "soon"},
        {"second_factor": "perhaps"},
    ],
)
def test_an_answer_that_is_no_log_in_leaves_none(
    paper: OfflineDesk, entrance: Entrance, home: Path, fields: dict[str, Any]
) -> None:
    entrance.answer_with |= fields
    told = log_in(paper, entrance)
    assert (told.status, told.code) == (3, "client.mismatch")
    assert not (home / "sessions").exists()


def test_a_code_is_sent_where_it_is_given_and_missed_where_there_is_no_terminal(
    paper: OfflineDesk, entrance: Entrance, home: Path
) -> None:
    entrance.needs_code = True
    assert log_in(paper, entrance).code == "cli.no-terminal"
    assert log_in(paper, entrance, "--code", "123456").status == 0
    assert [each["code"] for each in posted(entrance)] == [None, "123456"]


def test_a_log_in_over_a_socket_needs_the_servers_own_name(paper: OfflineDesk, home: Path, tmp_path: Path) -> None:
    signing = ("--key", paper.key("bob"), "--password-file", paper.password_file)
    told = paper.run(f"unix:{tmp_path / 'socket'}", "login", *signing)
    assert (told.status, told.code) == (1, "value.invalid")
    assert "--public-url" in told.json["error"]["next"]


FACTOR = {
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "uri": "otpauth://totp/Treasury%20Guard:bob?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Treasury%20Guard",
    "recovery_codes": ["aaaa-bbbb", "cccc-dddd"],
}


@pytest.mark.parametrize(
    "fields",
    [
        {"uri": "https://guard.example.com/totp?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"},
        {"uri": "otpauth://totp/x?secret=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"uri": "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"},
        {"uri": FACTOR["uri"] + "\x1b[2J"},  # type: ignore[operator]
        {"recovery_codes": []},
        {"recovery_codes": ["\x1b[2J"]},
        {"recovery_codes": ["a"] * 51},
        {"secret": 7},
    ],
)
def test_a_factor_that_no_authenticator_takes_is_not_shown(
    paper: OfflineDesk, home: Path, fields: dict[str, Any]
) -> None:
    with hostile(lambda _: to_http({**FACTOR, **fields}, status=201)) as server:
        paper.log_in(home, server.url)
        told = paper.run(server.url, "totp", "enrol")
        assert (told.status, told.code) == (3, "client.mismatch")


def test_a_factor_is_drawn_and_told_once(paper: OfflineDesk, home: Path) -> None:
    with hostile(lambda _: to_http(FACTOR, status=201)) as server:
        paper.log_in(home, server.url)
        assert paper.run(server.url, "totp", "enrol").json == {**FACTOR, "confirmed": False}
        plain = guard("--config", paper.config, "--server", server.url, "totp", "enrol")
    assert "\u2588" in plain.out
    assert "cccc-dddd" in plain.out


def test_a_log_out_forgets_the_token_whatever_the_server_says(paper: OfflineDesk, home: Path) -> None:
    with hostile(lambda _: b"") as server:
        paper.log_in(home, server.url)
        told = paper.run(server.url, "logout")
        assert (told.status, told.json["ended_at_server"]) == (0, False)
        assert load_session(home, server.url) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"format":1}', json.dumps({"format": 1, "origin": "x", "token": 5})])
def test_a_log_in_file_that_was_changed_is_refused(paper: OfflineDesk, home: Path, content: str) -> None:
    with hostile(lambda _: to_http({})) as server:
        paper.log_in(home, server.url)
        (file,) = (home / "sessions").iterdir()
        file.write_text(content)
        assert paper.run(server.url, "inbox").code == "cli.private-content"
        file.chmod(0o644)
        assert paper.run(server.url, "inbox").code == "cli.private-file"
    assert server.asked == []
