"""What the message of a log-in must say: written by the server, judged by the server and, before signing, by whoever signs.

A tuple of named pure checks. Which nonce is good and whose address it is, the server alone can say (`service.login_checks`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from guard.core.ids import Address, is_count
from guard.core.refusing import require
from guard.errors import GuardError
from guard.formats.siwe import CHAIN_ID_END, SiweMessage

STATEMENT = "Log in to Treasury Guard. This lets you see transfers. It moves nothing and approves nothing."
MESSAGE_LIFETIME = 300
"""Seconds in which a message may be used, counted from when it was written."""
MAINNET = 1
USUAL_PORTS = {"https": "443", "http": "80"}
PORTS_END = 65536
_HOST = r"[a-z0-9][a-z0-9.-]{0,253}|\[[0-9a-f:.]{2,45}\]"
_ORIGIN = re.compile(rf"(?:https?)://(?:{_HOST})(?::[1-9][0-9]{{0,4}})?\Z", re.ASCII)
_ADDRESS = re.compile(rf"(https?)://({_HOST})(?::([1-9][0-9]{{0,4}}))?/?\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTerms:
    """Where people log in: the server's public origin, such as `https://guard.example.com`, and the chain ids that a message may name.

    The first chain id stands in the messages that the server writes.
    """

    origin: str
    chain_ids: tuple[int, ...] = (MAINNET,)

    def __post_init__(self) -> None:
        require(_ORIGIN.match(self.origin) is not None, "public origin is not https://HOST[:PORT]")
        require(bool(self.chain_ids), "no chain id is named for log-ins")
        require(all(is_count(each, least=1, end=CHAIN_ID_END) for each in self.chain_ids), "a chain id is not a number")

    @property
    def domain(self) -> str:
        """Host and port, as a browser names them."""
        return self.origin.partition("://")[2]


def to_login_terms(public_url: str, chain_ids: tuple[int, ...] = (MAINNET,)) -> LoginTerms:
    """The terms of a server at this address. Raises `value.invalid` where it is more or less than scheme, host and port."""
    found = _ADDRESS.match(public_url.lower())
    if found is None:
        raise GuardError("value.invalid", "public address of the server is not https://HOST[:PORT]")
    scheme, host, port = found.groups("")
    # A browser leaves the usual port out of an origin.
    is_usual = port in ("", USUAL_PORTS[scheme])
    require(is_usual or 0 < int(port) < PORTS_END, "port of the server's public address cannot be")
    return LoginTerms(origin=f"{scheme}://{host}" + ("" if is_usual else f":{port}"), chain_ids=chain_ids)


def make_login_message(terms: LoginTerms, address: Address, *, nonce: str, now: int) -> SiweMessage:
    """The message that an address is asked to sign."""
    return SiweMessage(
        domain=terms.domain,
        address=address,
        statement=STATEMENT,
        uri=terms.origin,
        chain_id=terms.chain_ids[0],
        nonce=nonce,
        issued_at=now,
        expires_at=now + MESSAGE_LIFETIME,
    )


@dataclass(frozen=True, slots=True)
class MessageCheck:
    """One named thing that a message must satisfy. It judges that alone."""

    name: str
    holds: Callable[[SiweMessage, LoginTerms, int], bool]


def _is_dated(message: SiweMessage, now: int) -> bool:
    """Issued already, for no longer than is usual, and not over: at its end a message is over."""
    if message.expires_at is None:
        return False
    return message.issued_at <= now < message.expires_at <= message.issued_at + MESSAGE_LIFETIME


def _has_nothing_else(message: SiweMessage) -> bool:
    """The optional fields that the server never writes: a wallet would show them as if they meant something."""
    return message.scheme is None and message.request_id is None and not message.resources


MESSAGE_CHECKS: tuple[MessageCheck, ...] = (
    MessageCheck("domain", lambda message, terms, now: message.domain == terms.domain),
    MessageCheck("uri", lambda message, terms, now: message.uri == terms.origin),
    MessageCheck("chain", lambda message, terms, now: message.chain_id in terms.chain_ids),
    MessageCheck("statement", lambda message, terms, now: message.statement == STATEMENT),
    MessageCheck("dates", lambda message, terms, now: _is_dated(message, now)),
    MessageCheck("not-before", lambda message, terms, now: message.not_before is None or message.not_before <= now),
    MessageCheck("nothing-else", lambda message, terms, now: _has_nothing_else(message)),
)
"""All checks. Somebody who signs asks them, too, against the address that they mean to log in at."""


def find_message_fault(message: SiweMessage, terms: LoginTerms, now: int) -> str | None:
    """The name of the first check that the message does not pass, for whoever is about to sign it."""
    return next((check.name for check in MESSAGE_CHECKS if not check.holds(message, terms, now)), None)
