"""Logging in over HTTP: tokens and cookies, other sites' pages, and what the answers tell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from guard.store.database import Database
from guard.store.store import Store
from guard.web.api import WebSettings, build_api
from guard.web.cross_site import require_same_site
from guard.web.exchange import Call, to_reply
from guard.web.login import COOKIE, LoginGate, build_login_operations
from guard.web.login_schemas import LOGIN_SCHEMAS
from guard.web.operation import Access, Operation
from guard.web.sources import SourceRate
from tests.factories import address_of
from tests.login.doors import Door, open_door, refusal_of, roster_without, sign

HOST = "guard.example.com"
OWN_PAGE = {"sec-fetch-site": "same-origin"}
TWO_LOGINS_APART = 30
MANY = SourceRate(per_second=0, burst=100_000)


@dataclass
class Browser:
    """Something that speaks HTTP and keeps what it is given; a program by default, a page with `page`."""

    runner: asyncio.Runner
    api: Any
    door: Door
    token: str | None = None
    cookie: str | None = None
    page: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, content: Any = None, **headers: str | None) -> Any:
        """One request with what was kept. A header of None is left out."""
        sent: dict[str, str | None] = {"host": HOST, **self.page}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        if self.cookie:
            sent["cookie"] = f"{COOKIE}={self.cookie}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in sent.items() if value is not None}
        return self.send(method, path, headers=kept, json=content)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request as it is; no cookie goes along by itself."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.api)
            async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
                return await client.request(method, path, **more)

        return self.runner.run(send())

    def take(self, answer: Any) -> Any:
        """Keep the token or the cookie of an answer."""
        assert answer.status_code in (200, 201), answer.text
        self.token = answer.json()["token"]
        said = answer.headers.get("set-cookie", "")
        self.cookie = said.partition(";")[0].removeprefix(f"{COOKIE}=") or None
        return answer.json()

    def sign_in(self, name: str, *, browser: bool = False, code: str | None = None, **headers: str | None) -> Any:
        """The two requests of a log-in."""
        given = self.ask("POST", "/v1/login/challenges", {"address": address_of(name)}).json()
        signature = "0x" + sign(name, given["message"]).hex()
        wanted = {"message": given["message"], "signature": signature, "code": code, "browser": browser}
        return self.ask("POST", "/v1/login", wanted, **headers)

    def enrol(self, name: str, *, browser: bool = False) -> None:
        """Everything from a first log-in to a full one."""
        self.take(self.sign_in(name, browser=browser))
        made = self.ask("POST", "/v1/totp", {}).json()
        self.door.secrets[name] = made["secret"]
        self.take(self.ask("POST", "/v1/totp/confirm", {"code": self.code(name)}))
        self.door.wait(TWO_LOGINS_APART)

    def code(self, name: str) -> str:
        """What somebody's authenticator shows."""
        return str(self.door.code(name).totp)


def change_something(call: Call) -> Any:
    return to_reply({"changed_by": call.person})


CHANGING = Operation(
    id="changeSomething",
    method="POST",
    path="/v1/something",
    says="stands for whatever a log-in may change",
    handle=change_something,
    access=Access.SESSION,
    answers={200: "Something"},
    body="Something",
)


@pytest.fixture
def browser(sqlite_url: str, tmp_path: Path) -> Iterator[Browser]:
    """The API with logging in and one operation that needs it."""
    store = Store(Database(sqlite_url))
    door = open_door(store, tmp_path)
    gate = LoginGate(door.service, door.clock)
    api = build_api(
        (*build_login_operations(door.service, door.clock), CHANGING),
        require_session=gate.require_session,
        settings=WebSettings(ordinary=MANY),
        schemas={**LOGIN_SCHEMAS, "Something": {"type": "object"}},
    )
    with asyncio.Runner() as runner:
        yield Browser(runner, api, door)
    store.close()


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_program_gets_a_token_and_no_cookie(browser: Browser) -> None:
    first = browser.take(browser.sign_in("alice"))
    assert (first["person"], first["second_factor"], browser.cookie) == ("alice", "enrol", None)
    assert code_of(browser.ask("GET", "/v1/session")) == (403, "login.enrol-only")
    browser.enrol("alice")
    shown = browser.ask("GET", "/v1/session").json()
    assert (shown["person"], shown["groups"], shown["key"], shown["chain_id"], shown["browser"]) == (
        "alice",
        ["operations"],
        address_of("alice"),
        1,
        False,
    )
    assert browser.ask("POST", "/v1/something", {}).json() == {"changed_by": "alice"}


def test_a_browser_gets_a_cookie_that_no_script_reads_and_no_token(browser: Browser) -> None:
    browser.page = OWN_PAGE
    answer = browser.sign_in("alice", browser=True)
    assert answer.json()["token"] is None
    said = answer.headers["set-cookie"]
    token, _, rules = said.removeprefix("__Host-guard=").partition(";")
    assert said.startswith("__Host-guard=")
    assert rules == " Path=/; Secure; HttpOnly; SameSite=Strict"
    assert token not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    browser.enrol("alice", browser=True)
    assert browser.ask("GET", "/v1/session").json()["browser"] is True


def test_logging_out_ends_the_session_and_the_cookie(browser: Browser) -> None:
    browser.page = OWN_PAGE
    browser.enrol("alice", browser=True)
    answer = browser.ask("POST", "/v1/logout")
    assert answer.status_code == 204
    assert answer.headers["set-cookie"] == "__Host-guard=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
    assert code_of(browser.ask("GET", "/v1/session")) == (401, "login.session")
    assert code_of(browser.ask("POST", "/v1/logout")) == (401, "login.session")


def test_a_session_that_may_only_enrol_can_be_ended(browser: Browser) -> None:
    browser.take(browser.sign_in("alice"))
    assert browser.ask("POST", "/v1/logout").status_code == 204
    assert code_of(browser.ask("POST", "/v1/totp", {})) == (401, "login.session")


CROSS_SITE = {
    "another site's page": {"sec-fetch-site": "cross-site"},
    "a page of a sibling's host": {"sec-fetch-site": "same-site"},
    "a page that says two things": {"sec-fetch-site": "same-origin, cross-site"},
    "a page that says it in capitals": {"sec-fetch-site": "Same-Origin"},
    "a page that says nothing": {"sec-fetch-site": ""},
    "another site's page with our origin": {"sec-fetch-site": "cross-site", "origin": f"https://{HOST}"},
    "an old browser on another site": {"origin": "https://evil.example"},
    "an old browser on a host that begins like ours": {"origin": f"https://{HOST}.evil.example"},
    "an old browser on a host that ends like ours": {"origin": f"https://evil-{HOST}"},
    "an old browser on another port": {"origin": f"https://{HOST}:8443"},
    "an old browser with our host as a user's name": {"origin": f"https://{HOST}@evil.example"},
    "an old browser with our host as a path": {"origin": f"https://evil.example/{HOST}"},
    "an old browser in a sandbox": {"origin": "null"},
    "an origin that is none": {"origin": "https://[::1"},
    "an empty origin": {"origin": ""},
    "no word of where it comes from": {},
}
SAME_SITE = {
    "a page of ours": OWN_PAGE,
    "what somebody opened themselves": {"sec-fetch-site": "none"},
    "an old browser on a page of ours": {"origin": f"https://{HOST}"},
    "an old browser that writes the host in capitals": {"origin": f"https://{HOST.upper()}"},
}


@pytest.mark.parametrize("name", CROSS_SITE)
def test_another_sites_page_changes_nothing_with_a_cookie(browser: Browser, name: str) -> None:
    browser.page = OWN_PAGE
    browser.enrol("alice", browser=True)
    browser.page = CROSS_SITE[name]
    for path in ("/v1/something", "/v1/totp"):
        assert code_of(browser.ask("POST", path, {})) == (403, "login.cross-site")
    assert code_of(browser.ask("POST", "/v1/logout")) == (403, "login.cross-site")
    browser.page = OWN_PAGE
    assert browser.ask("GET", "/v1/session").status_code == 200


@pytest.mark.parametrize("name", SAME_SITE)
def test_our_own_page_does(browser: Browser, name: str) -> None:
    browser.page = OWN_PAGE
    browser.enrol("alice", browser=True)
    browser.page = SAME_SITE[name]
    assert browser.ask("POST", "/v1/something", {}).json() == {"changed_by": "alice"}


@pytest.mark.parametrize("name", CROSS_SITE)
def test_another_sites_page_logs_nobody_in(browser: Browser, name: str) -> None:
    """Login forgery: alice's browser would go on under mallory's name without her noticing."""
    answer = browser.sign_in("bob", browser=True, **CROSS_SITE[name])
    assert code_of(answer) == (403, "login.cross-site")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", [(), (("host", ""),)])
def test_an_origin_without_a_host_is_not_that_of_a_request_without_one(host: tuple[tuple[str, str], ...]) -> None:
    call = Call(
        method="POST",
        route="/v1/something",
        path="/v1/something",
        places={},
        query="",
        headers=(("origin", "https://"), *host),
        body=b"",
        source="192.0.2.1",
        request_id="1",
    )
    assert refusal_of(lambda: require_same_site(call, is_cookie=True)) == "login.cross-site"


def test_a_program_says_nothing_of_where_it_comes_from(browser: Browser) -> None:
    browser.enrol("alice")
    assert browser.ask("POST", "/v1/something", {}).status_code == 200
    # With a token in a header, too, a browser on another site is refused.
    assert code_of(browser.ask("POST", "/v1/something", {}, sec_fetch_site="cross-site")) == (403, "login.cross-site")


def test_a_token_beside_a_cookie_does_not_make_the_cookie_good(browser: Browser) -> None:
    browser.page = OWN_PAGE
    browser.enrol("alice", browser=True)
    browser.page = {}
    answer = browser.ask("POST", "/v1/something", {}, authorization="Bearer made-up")
    assert code_of(answer) == (403, "login.cross-site")
    browser.page = OWN_PAGE
    answer = browser.ask("POST", "/v1/something", {}, authorization="Bearer made-up")
    assert code_of(answer) == (401, "login.session")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_only_json_is_taken(browser: Browser, kind: str | None) -> None:
    """A form can be sent from anywhere without asking; JSON cannot."""
    headers = {"host": HOST, **({"content-type": kind} if kind else {})}
    answer = browser.send("POST", "/v1/login/challenges", content=b'{"address":"0x"}', headers=headers)
    assert code_of(answer) == (415, "request.content-type")


def test_a_planted_cookie_is_not_adopted_by_a_log_in(browser: Browser) -> None:
    """Session fixation over HTTP: neither what was planted in the cookie nor what was sent in a header is the token afterwards."""
    browser.page = OWN_PAGE
    planted = "x" * 43
    answer = browser.sign_in("alice", browser=True, cookie=f"{COOKIE}={planted}")
    browser.take(answer)
    assert browser.cookie is not None
    assert browser.cookie != planted
    browser.cookie = planted
    assert code_of(browser.ask("POST", "/v1/totp", {})) == (401, "login.session")


def test_a_log_in_ends_the_session_that_the_browser_had(browser: Browser) -> None:
    browser.page = OWN_PAGE
    browser.enrol("alice", browser=True)
    old = browser.cookie
    browser.take(browser.sign_in("alice", browser=True, code=browser.code("alice")))
    new, browser.cookie = browser.cookie, old
    assert code_of(browser.ask("GET", "/v1/session")) == (401, "login.session")
    browser.cookie = new
    assert browser.ask("GET", "/v1/session").status_code == 200


def test_of_two_cookies_of_our_name_neither_counts(browser: Browser) -> None:
    browser.page = OWN_PAGE
    browser.enrol("alice", browser=True)
    both = f"{COOKIE}={browser.cookie}; {COOKIE}=other"
    assert code_of(browser.ask("GET", "/v1/session", cookie=both)) == (401, "login.session")
    beside = f"other=1; {COOKIE}={browser.cookie}; guard=2"
    assert browser.ask("GET", "/v1/session", cookie=beside).status_code == 200
    plain = f"guard={browser.cookie}; __host-guard={browser.cookie}"
    assert code_of(browser.ask("GET", "/v1/session", cookie=plain)) == (401, "login.session")


@pytest.mark.parametrize("said", ["Bearer", "Bearer ", "Basic YTpi", "bearer  x", "Token x", ""])
def test_a_header_that_is_no_bearer_token_is_no_log_in(browser: Browser, said: str) -> None:
    assert code_of(browser.ask("GET", "/v1/session", authorization=said)) == (401, "login.session")


def test_without_a_log_in_nothing_is_shown(browser: Browser) -> None:
    answer = browser.ask("GET", "/v1/session")
    assert code_of(answer) == (401, "login.session")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_code_is_asked_for_and_the_same_message_serves_again(browser: Browser) -> None:
    browser.enrol("alice")
    given = browser.ask("POST", "/v1/login/challenges", {"address": address_of("alice")}).json()
    signature = "0x" + sign("alice", given["message"]).hex()
    wanted = {"message": given["message"], "signature": signature}
    assert code_of(browser.ask("POST", "/v1/login", wanted)) == (401, "login.code-needed")
    assert browser.take(browser.ask("POST", "/v1/login", {**wanted, "code": browser.code("alice")}))["token"]
    assert code_of(browser.ask("POST", "/v1/login", {**wanted, "code": browser.code("alice")})) == (
        401,
        "login.refused",
    )


def test_a_person_who_is_taken_out_is_out_at_the_next_request(browser: Browser) -> None:
    browser.enrol("carol")
    browser.door.adopt(roster_without("carol"))
    assert code_of(browser.ask("GET", "/v1/session")) == (401, "login.session")
    assert code_of(browser.sign_in("carol", code=browser.code("carol"))) == (401, "login.refused")


def test_enrolment_is_shown_once_with_ten_recovery_codes(browser: Browser) -> None:
    browser.take(browser.sign_in("alice"))
    made = browser.ask("POST", "/v1/totp", {}).json()
    assert sorted(made) == ["recovery_codes", "secret", "uri"]
    assert len(made["recovery_codes"]) == 10
    assert browser.ask("POST", "/v1/totp", {}).json()["secret"] != made["secret"]
    assert code_of(browser.ask("POST", "/v1/totp/confirm", {"code": "000000x"})) == (403, "login.code")


def test_a_recovery_code_logs_in_over_http(browser: Browser) -> None:
    browser.take(browser.sign_in("alice"))
    made = browser.ask("POST", "/v1/totp", {}).json()
    browser.door.secrets["alice"] = made["secret"]
    browser.take(browser.ask("POST", "/v1/totp/confirm", {"code": browser.code("alice")}))
    given = browser.ask("POST", "/v1/login/challenges", {"address": address_of("alice")}).json()
    wanted = {"message": given["message"], "signature": "0x" + sign("alice", given["message"]).hex()}
    assert browser.take(browser.ask("POST", "/v1/login", {**wanted, "recovery_code": made["recovery_codes"][3]}))[
        "token"
    ]


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("/v1/login/challenges", {}, "json.field-missing"),
        ("/v1/login/challenges", {"address": "0x00"}, "address.malformed"),
        ("/v1/login/challenges", {"address": address_of("alice").lower()}, "address.checksum"),
        ("/v1/login/challenges", {"address": address_of("alice"), "person": "bob"}, "json.field-unknown"),
        ("/v1/login", {"message": "x", "signature": "0x00"}, "hex.malformed"),
        ("/v1/login", {"message": 1, "signature": "0x" + "00" * 65}, "json.field-type"),
        ("/v1/login", {"message": "x", "signature": "0x" + "00" * 65, "browser": 1}, "json.field-type"),
        ("/v1/login", {"message": "x", "signature": "0x" + "00" * 65, "token": "x"}, "json.field-unknown"),
        (
            "/v1/login",
            {"message": "x", "signature": "0x" + "00" * 65, "code": "1", "recovery_code": "2"},
            "value.invalid",
        ),
        ("/v1/login", [], "json.field-type"),
    ],
)
def test_what_cannot_be_read_is_told_apart_from_a_refused_log_in(
    browser: Browser, path: str, content: Any, code: str
) -> None:
    assert code_of(browser.ask("POST", path, content)) == (400, code)


def test_a_message_that_cannot_be_read_is_a_refused_log_in(browser: Browser) -> None:
    wanted = {"message": "x\U0001f600", "signature": "0x" + "00" * 65}
    assert code_of(browser.ask("POST", "/v1/login", wanted)) == (401, "login.refused")


def test_too_many_messages_are_refused_with_429(browser: Browser) -> None:
    wanted = {"address": address_of("alice")}
    for _ in range(20):
        assert browser.ask("POST", "/v1/login/challenges", wanted).status_code == 201
    assert code_of(browser.ask("POST", "/v1/login/challenges", wanted)) == (429, "login.challenges")
