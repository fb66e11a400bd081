"""Logging in over HTTP: challenges, log-ins, second factors, and who is asking. What is right is decided in `service.login`.

A browser's token lives in a cookie that no script can read, and is never in a body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard.formats.fields import require_fields, take_address, take_bool, take_bytes, take_text
from guard.ports import Clock
from guard.service.login import LoginRequest, LoginService
from guard.service.login_factors import Code
from guard.service.login_sessions import LoggedIn, Presented, Session, no_session
from guard.web.cross_site import require_same_site
from guard.web.exchange import Call, Reply, to_reply
from guard.web.operation import Access, Operation

COOKIE = "__Host-guard"
_COOKIE_RULES = "Path=/; Secure; HttpOnly; SameSite=Strict"
_BEARER = "bearer"
SIGNATURE_LENGTH = 65


@dataclass(frozen=True, slots=True)
class LoginGate:
    """Finds out who is asking. A full log-in is needed wherever `require_session` is asked."""

    login: LoginService
    clock: Clock

    def require_session(self, call: Call) -> Session:
        """Who asks, by the active bundle. Raises `login.session`, `login.enrol-only`, `login.cross-site`."""
        return self.login.require_session(self.read_token(call), now=self.now())

    def read_token(self, call: Call) -> Presented:
        """The token that the request brings, if its sender may use it. Raises `login.session`, `login.cross-site`."""
        cookie, bearer = _read_cookie(call), _read_bearer(call)
        require_same_site(call, is_cookie=cookie is not None)
        return Presented(cookie, is_cookie=True) if bearer is None else Presented(bearer)

    def now(self) -> int:
        """Unix seconds by the server's clock."""
        return self.clock.read().wall


def _read_bearer(call: Call) -> str | None:
    said = call.header("authorization")
    if said is None:
        return None
    scheme, _, token = said.partition(" ")
    if scheme.lower() != _BEARER or not token or token != token.strip():
        raise no_session()
    return token


def _read_cookie(call: Call) -> str | None:
    """The token in our cookie; of two such cookies one was planted, so neither counts."""
    pairs = [pair.strip().partition("=") for pair in (call.header("cookie") or "").split(";")]
    found = [value for name, _, value in pairs if name == COOKIE]
    if len(found) > 1:
        raise no_session()
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class _Desk:
    """The handlers."""

    gate: LoginGate

    @property
    def login(self) -> LoginService:
        return self.gate.login

    def give_challenge(self, call: Call) -> Reply:
        require_same_site(call, is_cookie=False)
        fields = require_fields(call.content(), ("address",), what="request")
        given = self.login.challenge(take_address(fields, "address"), source=call.source, now=self.gate.now())
        content = {"message": given.text, "nonce": given.message.nonce, "expires_at": given.message.expires_at}
        return to_reply(content, status=201)

    def log_in(self, call: Call) -> Reply:
        previous = self.gate.read_token(call)
        asked = _take_login(call.content(), previous)
        # Whoever asks for a cookie is a browser, which says where it comes from: nobody is logged in by another site's page.
        require_same_site(call, is_cookie=asked.is_browser)
        return _to_logged_in(self.login.log_in(asked, now=self.gate.now()), status=201)

    def log_out(self, call: Call) -> Reply:
        presented = self.gate.read_token(call)
        self.login.log_out(presented)
        headers = (_to_cookie("", "; Max-Age=0"),) if presented.is_cookie else ()
        return Reply(status=204, headers=headers)

    def show_session(self, call: Call) -> Reply:
        # Whoever serves this has asked already; asking again is for whoever forgets to.
        session = call.viewer if isinstance(call.viewer, Session) else self.gate.require_session(call)
        viewer = session.viewer
        return to_reply(
            {
                "person": viewer.id,
                "name": viewer.name,
                "organisation": viewer.organisation,
                "groups": list(viewer.groups),
                "key": session.key,
                "chain_id": session.chain_id,
                "browser": session.is_browser,
                "expires_at": session.expires_at,
            }
        )

    def enrol(self, call: Call) -> Reply:
        presented = self.gate.read_token(call)
        fields = require_fields(call.content(), (), optional=("code", "recovery_code"), what="request")
        made = self.login.begin_enrolment(presented, _take_code(fields), now=self.gate.now())
        content = {"secret": made.secret, "uri": made.uri, "recovery_codes": list(made.recovery_codes)}
        return to_reply(content, status=201)

    def confirm(self, call: Call) -> Reply:
        presented = self.gate.read_token(call)
        fields = require_fields(call.content(), ("code",), what="request")
        code = Code(totp=take_text(fields, "code"))
        return _to_logged_in(self.login.confirm_enrolment(presented, code, now=self.gate.now()), status=200)


def _take_login(content: Any, previous: Presented) -> LoginRequest:
    optional = ("code", "recovery_code", "browser")
    fields = require_fields(content, ("message", "signature"), optional=optional, what="request")
    return LoginRequest(
        message=take_text(fields, "message"),
        signature=take_bytes(fields, "signature", length=SIGNATURE_LENGTH),
        code=_take_code(fields),
        is_browser=take_bool(fields, "browser") if "browser" in fields else False,
        previous=previous,
    )


def _take_code(fields: Mapping[str, Any]) -> Code:
    return Code(totp=_take_text_if(fields, "code"), recovery=_take_text_if(fields, "recovery_code"))


def _take_text_if(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) is None else take_text(fields, name)


def _to_logged_in(logged_in: LoggedIn, *, status: int) -> Reply:
    session = logged_in.session
    content = {
        "token": None if session.is_browser else logged_in.token,
        "person": session.person,
        "expires_at": session.expires_at,
        "second_factor": "done" if session.is_full else "enrol",
    }
    headers = (_to_cookie(logged_in.token),) if session.is_browser else ()
    return to_reply(content, status=status, headers=headers)


def _to_cookie(token: str, more: str = "") -> tuple[str, str]:
    return "set-cookie", f"{COOKIE}={token}; {_COOKIE_RULES}{more}"


def build_login_operations(login: LoginService, clock: Clock) -> tuple[Operation, ...]:
    """Everything about logging in, for the API."""
    desk = _Desk(LoginGate(login, clock))
    return (*_build_sessions(desk), *_build_factors(desk))


def _build_sessions(desk: _Desk) -> tuple[Operation, ...]:
    return (
        Operation(
            id="giveChallenge",
            method="POST",
            path="/v1/login/challenges",
            says="a message for an address to sign, good once and for five minutes",
            handle=desk.give_challenge,
            access=Access.OPEN,
            answers={201: "Challenge"},
            refusals=(403,),
            body="ChallengeRequest",
        ),
        Operation(
            id="logIn",
            method="POST",
            path="/v1/login",
            says="log in with a signed message and a code",
            handle=desk.log_in,
            access=Access.OPEN,
            answers={201: "LoggedIn"},
            refusals=(401, 403),
            body="LoginRequest",
        ),
        Operation(
            id="logOut",
            method="POST",
            path="/v1/logout",
            says="end this session",
            handle=desk.log_out,
            access=Access.ENROLLING,
            answers={204: None},
        ),
        Operation(
            id="showSession",
            method="GET",
            path="/v1/session",
            says="who is logged in",
            handle=desk.show_session,
            access=Access.SESSION,
            answers={200: "Session"},
        ),
    )


def _build_factors(desk: _Desk) -> tuple[Operation, ...]:
    return (
        Operation(
            id="enrol",
            method="POST",
            path="/v1/totp",
            says="a new second factor with its recovery codes, shown once; it counts from its first code on",
            handle=desk.enrol,
            access=Access.ENROLLING,
            answers={201: "Enrolment"},
            body="EnrolRequest",
        ),
        Operation(
            id="confirmEnrolment",
            method="POST",
            path="/v1/totp/confirm",
            says="make the new second factor count, end every session of the person and begin a new one",
            handle=desk.confirm,
            access=Access.ENROLLING,
            answers={200: "LoggedIn"},
            refusals=(409,),
            body="ConfirmRequest",
        ),
    )
