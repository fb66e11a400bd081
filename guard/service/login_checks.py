"""What a log-in must satisfy before a second factor is asked: a tuple of named pure checks, each of which judges one thing.

Leaving a check out is for tests that show what it holds back; the product always asks the whole tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from guard.core.ids import Address
from guard.core.roster import Person
from guard.formats.siwe import SiweMessage
from guard.ports.access import Challenge
from guard.statements.login_message import MESSAGE_CHECKS, LoginTerms, MessageCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCase:
    """A signed message with all that it is judged by. `signer` is who signed, `holder` whose key the message names."""

    message: SiweMessage
    signer: Address
    holder: Person | None
    challenge: Challenge | None
    terms: LoginTerms
    now: int


@dataclass(frozen=True, slots=True)
class LoginCheck:
    """One named check."""

    name: str
    holds: Callable[[LoginCase], bool]


def _to_login_check(check: MessageCheck) -> LoginCheck:
    return LoginCheck(check.name, lambda case: check.holds(case.message, case.terms, case.now))


def _is_of_this_address(case: LoginCase) -> bool:
    return case.challenge is None or case.challenge.address == case.message.address


def _is_fresh(case: LoginCase) -> bool:
    """By what the server wrote down when it gave the nonce out, whatever the message says."""
    return case.challenge is None or case.challenge.issued_at <= case.now < case.challenge.expires_at


LOGIN_CHECKS: tuple[LoginCheck, ...] = (
    *(_to_login_check(check) for check in MESSAGE_CHECKS),
    LoginCheck("signature", lambda case: case.signer == case.message.address),
    LoginCheck("person", lambda case: case.holder is not None),
    LoginCheck("machine", lambda case: case.holder is None or not case.holder.machine),
    LoginCheck("nonce-known", lambda case: case.challenge is not None),
    LoginCheck("nonce-address", _is_of_this_address),
    LoginCheck("nonce-age", _is_fresh),
)
"""All checks, in the order in which the server counts its refusals. No answer tells which one it was."""


def find_fault(checks: Sequence[LoginCheck], case: LoginCase) -> str | None:
    """The name of the first check that does not hold."""
    return next((check.name for check in checks if not check.holds(case)), None)
