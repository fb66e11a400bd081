"""Logging in: the server's text is checked word by word before it is signed: over another server's text it would be a log-in there.

A log-in lets its holder see. It moves nothing, approves nothing and stops nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.cli.asking import load_key
from guard.cli.clock import read_now
from guard.cli.reach import Reach
from guard.cli.sessions import Session, drop_session, keep_session
from guard.cli.voice import Voice, to_visible_line
from guard.clients.reported import refuse_answer
from guard.clients.server_client import ONCE, ServerClient
from guard.core.ids import Address
from guard.effects.visible import to_utc
from guard.errors import AdapterError, GuardError
from guard.formats.fields import take_count, take_text
from guard.formats.siwe import build_message, parse_message
from guard.statements.login_message import LoginTerms, find_message_fault, to_login_terms
from guard.statements.personal import sign_personal
from guard.transactions.signatures import compute_owner

SKEW = 120
"""Seconds by which this machine's clock and the server's may differ."""
CODE_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What is shown beside the signature. Without either the code is asked for, once the server says that it needs one."""

    code: str | None = None
    recovery_code: str | None = None


def log_in(voice: Voice, reach: Reach, key: Path, password_file: Path | None, factor: Factor) -> None:
    """Log in with a key, and keep the token for its owner alone."""
    terms = compute_terms(reach)
    client = reach.open_server()
    private_key = load_key(key, password_file)
    address = compute_owner(private_key)
    message = require_own_message(client.post("/v1/login/challenges", {"address": address}, ONCE), address, terms)
    voice.note(*message.split("\n"), "")
    signature = "0x" + sign_personal(private_key, message).hex()
    said = _submit(client, {"message": message, "signature": signature, "browser": False}, factor)
    session = to_session(said, client.origin, address)
    file = keep_session(reach.home, session)
    is_whole = session.second_factor == "done"
    voice.tell(
        {**_to_json(session), "file": str(file)},
        f"{session.person} is logged in at {session.origin} until {to_utc(session.expires_at)}",
        "next: guard inbox" if is_whole else "next: guard totp enrol; until then nothing is shown",
    )


def compute_terms(reach: Reach) -> LoginTerms:
    """What the server's message must say."""
    try:
        return to_login_terms(reach.public_url, (reach.login_chain_id,))
    except GuardError as refused:
        hint = "name what the server calls itself: guard context add --public-url URL"
        raise GuardError(refused.code, refused.message, hint=hint) from None


def require_own_message(said: Any, address: Address, terms: LoginTerms) -> str:
    """The text to sign, refused unless it is this server's log-in of this key and nothing else. Raises `client.challenge`."""
    if not isinstance(said, dict) or not isinstance(said.get("message"), str):
        raise refuse_answer("the server sent no text to sign")
    text: str = said["message"]
    try:
        message = parse_message(text)
    except GuardError as refused:
        raise GuardError("client.challenge", f"the server's text is no log-in message: {refused.message}") from None
    now = read_now()
    near = message.issued_at if abs(message.issued_at - now) <= SKEW else now
    fault = "address" if message.address != address else find_message_fault(message, terms, near)
    if fault is not None:
        raise GuardError("client.challenge", f"the server's log-in message is not what it must be: {fault}")
    return build_message(message)


def _submit(client: ServerClient, body: dict[str, Any], factor: Factor) -> Any:
    """The server's answer; where it needs a code that was not given, the code is typed and the same sent again."""
    shown = {"code": factor.code, "recovery_code": factor.recovery_code}
    try:
        return client.post("/v1/login", {**body, **shown}, ONCE)
    except GuardError as refused:
        if refused.code != "login.code-needed" or factor != Factor():
            raise
    return client.post("/v1/login", {**body, **shown, "code": ask_code("code of your authenticator: ")}, ONCE)


def ask_code(question: str) -> str:
    """A code typed on the terminal; it is worth nothing after one use, so it may be seen."""
    if not sys.stdin.isatty():
        raise GuardError("cli.no-terminal", "there is no terminal to ask for a code", hint="give it with --code")
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()[:CODE_LENGTH]


def to_session(said: Any, origin: str, address: Address) -> Session:
    """The log-in of the server's answer. Raises `client.mismatch`."""
    try:
        if not isinstance(said, dict):
            raise GuardError("json.field-type", "the answer is not an object")
        return Session(
            origin=origin,
            person=take_text(said, "person"),
            address=address,
            token=take_text(said, "token"),
            expires_at=take_count(said, "expires_at"),
            second_factor=take_text(said, "second_factor"),
        )
    except (GuardError, KeyError) as trouble:
        raise refuse_answer("the server's answer to the log-in cannot be used") from trouble


def _to_json(session: Session) -> dict[str, Any]:
    """Everything but the token."""
    return {
        "server": session.origin,
        "person": session.person,
        "address": session.address,
        "expires_at": session.expires_at,
        "second_factor": session.second_factor,
    }


def log_out(voice: Voice, reach: Reach) -> None:
    """End the log-in at the server, and forget it here whatever the server says."""
    client = reach.open_books()
    ended, why = True, ""
    try:
        client.post("/v1/logout", None)
    except (GuardError, AdapterError) as error:
        ended, why = error.code == "login.session", error.message
    drop_session(reach.home, client.origin)
    voice.tell(
        {"server": client.origin, "ended_at_server": ended},
        f"logged out at {client.origin}"
        if ended
        else f"forgotten here; at {client.origin} it runs until its end: {to_visible_line(why)}",
    )


def show_session(voice: Voice, reach: Reach) -> None:
    """Who one is at the server, as the server says."""
    client = reach.open_books()
    said = client.get("/v1/session")
    if not isinstance(said, dict):
        raise refuse_answer("the server's answer about the log-in cannot be read")
    shown = {str(name): value for name, value in said.items() if isinstance(value, str | int | bool | list)}
    expires_at = said.get("expires_at")
    until = f" until {to_utc(expires_at)}" if isinstance(expires_at, int) and expires_at >= 0 else ""
    voice.tell(
        {"server": client.origin, **shown},
        f"{to_visible_line(str(said.get('person')))} at {client.origin}{until}",
    )
