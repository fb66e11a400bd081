"""Enrolling a second factor: its QR code on the terminal, the recovery codes once, and the first code, which puts it in force."""

from __future__ import annotations

import io
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

from guard.cli.login import Factor, ask_code, to_session
from guard.cli.reach import Reach
from guard.cli.sessions import keep_session, load_session
from guard.cli.voice import Voice, to_visible_line
from guard.clients.reported import refuse_answer
from guard.clients.server_client import ONCE, ServerClient
from guard.errors import GuardError
from guard.formats.fields import take_list, take_text

MOST_RECOVERY_CODES = 50


def enrol(voice: Voice, reach: Reach, factor: Factor) -> None:
    """Draw a factor at the server and show it once; on a terminal the first code is asked for at once.

    Who has a factor already shows a code of it (`factor`), or is asked for one.
    """
    client = reach.open_books()
    secret, uri, recovery_codes = read_factor(_begin(client, factor))
    has_terminal = sys.stdin.isatty()
    lines = [*draw_qr_code(uri), uri, "", "recovery codes, each good once; keep them apart from this machine:"]
    lines += [f"  {code}" for code in recovery_codes]
    if has_terminal:
        voice.note(*lines, "")
        _confirm(reach, client, ask_code("the code that your authenticator shows now: "))
        lines = []
    voice.tell(
        {"secret": secret, "uri": uri, "recovery_codes": recovery_codes, "confirmed": has_terminal},
        *lines,
        "your second factor is in force; next: guard inbox" if has_terminal else "next: guard totp confirm CODE",
    )


def _begin(client: ServerClient, factor: Factor) -> Any:
    shown = {"code": factor.code, "recovery_code": factor.recovery_code}
    try:
        return client.post("/v1/totp", shown, ONCE)
    except GuardError as refused:
        if refused.code != "login.code-needed" or factor != Factor():
            raise
    return client.post("/v1/totp", {**shown, "code": ask_code("code of your present authenticator: ")}, ONCE)


def confirm(voice: Voice, reach: Reach, code: str) -> None:
    """Put the factor in force with the first code that it shows."""
    _confirm(reach, reach.open_books(), code)
    voice.tell({"confirmed": True}, "your second factor is in force; next: guard inbox")


def _confirm(reach: Reach, client: ServerClient, code: str) -> None:
    """The server ends every log-in of the person and gives a new one, which is whole."""
    session = load_session(reach.home, client.origin)
    said = client.post("/v1/totp/confirm", {"code": code}, ONCE)
    if session is not None:
        keep_session(reach.home, to_session(said, client.origin, session.address))


def read_factor(said: Any) -> tuple[str, str, list[str]]:
    """Secret, URI and recovery codes of the answer, refused where the URI is not that secret's. Raises `client.mismatch`."""
    try:
        secret, uri = take_text(said, "secret"), take_text(said, "uri")
        codes = [code for code in take_list(said, "recovery_codes") if isinstance(code, str)]
        parts = urlsplit(uri)
    except (GuardError, KeyError, TypeError, ValueError) as trouble:
        raise refuse_answer("the server's second factor cannot be read") from trouble
    is_right = (parts.scheme, parts.netloc) == ("otpauth", "totp") and parse_qs(parts.query).get("secret") == [secret]
    is_plain = all(each.isascii() and each.isprintable() for each in (uri, *codes))
    if not is_right or not is_plain or not 0 < len(codes) <= MOST_RECOVERY_CODES:
        raise refuse_answer("the server's second factor is not one that an authenticator takes")
    return secret, uri, [to_visible_line(code) for code in codes]


def draw_qr_code(uri: str) -> list[str]:
    """The URI as a QR code of half blocks, for the camera of an authenticator."""
    import segno

    drawn = io.StringIO()
    segno.make(uri, micro=False).terminal(out=drawn, compact=True)
    return drawn.getvalue().rstrip("\n").split("\n")
