"""The message that a wallet shows and signs when its holder logs in (EIP-4361), written and read in one exact form.

Only a part of the EIP is taken: instants in UTC and whole seconds, no sign or zero in front of a number, no user name in
the domain, no empty list of resources. So a message has one spelling, and `parse_message` refuses every other. What
a message must say to be accepted is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from guard.core.ids import Address, is_address, is_count
from guard.errors import GuardError
from guard.formats.keccak import require_address

LONGEST = 4096
"""Characters of a whole message; each is one byte."""
VERSION = "1"
CHAIN_ID_END = 2**53
INSTANT_END = 253402300800
"""The first second of the year 10000, which RFC 3339 cannot write."""

_WANTS = " wants you to sign in with your Ethereum account:"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}\Z", re.ASCII)
# RFC 3986's authority without a user name, which could make one host look like another.
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z", re.ASCII)
_PLAIN = r"A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=\-"
_STATEMENT = re.compile(rf"[{_PLAIN} ]+\Z", re.ASCII)
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:(?:[{_PLAIN}]|%[0-9A-Fa-f]{{2}})+\Z", re.ASCII)
_REQUEST_ID = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+\Z", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9]{8,128}\Z", re.ASCII)
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z", re.ASCII)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z", re.ASCII)
_INSTANT_FORM = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiweMessage:
    """A message of EIP-4361. Times are Unix seconds. Raises `siwe.malformed` for what the form cannot hold."""

    domain: str
    address: Address
    uri: str
    chain_id: int
    nonce: str
    issued_at: int
    statement: str | None = None
    scheme: str | None = None
    expires_at: int | None = None
    not_before: int | None = None
    request_id: str | None = None
    resources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(_DOMAIN.match(self.domain) is not None, "domain")
        _require(self.scheme is None or _SCHEME.match(self.scheme) is not None, "scheme")
        _require(is_address(self.address), "address")
        _require(self.statement is None or _STATEMENT.match(self.statement) is not None, "statement")
        _require(_URI.match(self.uri) is not None, "URI")
        _require(is_count(self.chain_id, end=CHAIN_ID_END), "chain id")
        _require(_NONCE.match(self.nonce) is not None, "nonce")
        _require(_is_instant(self.issued_at), "Issued At")
        _require(self.expires_at is None or _is_instant(self.expires_at), "Expiration Time")
        _require(self.not_before is None or _is_instant(self.not_before), "Not Before")
        _require(self.request_id is None or _REQUEST_ID.match(self.request_id) is not None, "request id")
        _require(all(_URI.match(resource) is not None for resource in self.resources), "resources")


def build_message(message: SiweMessage) -> str:
    """The text to sign, without a line break at its end. Raises `siwe.malformed` where it is too long."""
    lines = [f"{'' if message.scheme is None else message.scheme + '://'}{message.domain}{_WANTS}", message.address, ""]
    # Without a statement there are two empty lines.
    lines += [""] if message.statement is None else [message.statement, ""]
    lines += [
        f"URI: {message.uri}",
        f"Version: {VERSION}",
        f"Chain ID: {message.chain_id}",
        f"Nonce: {message.nonce}",
        f"Issued At: {_to_text(message.issued_at)}",
    ]
    if message.expires_at is not None:
        lines.append(f"Expiration Time: {_to_text(message.expires_at)}")
    if message.not_before is not None:
        lines.append(f"Not Before: {_to_text(message.not_before)}")
    if message.request_id is not None:
        lines.append(f"Request ID: {message.request_id}")
    if message.resources:
        lines += ["Resources:", *(f"- {resource}" for resource in message.resources)]
    text = "\n".join(lines)
    _require(len(text) <= LONGEST, "length")
    return text


def parse_message(text: str) -> SiweMessage:
    """The message of a text, refused with `siwe.malformed` unless building it anew gives the same text to the byte."""
    _require(len(text) <= LONGEST and text.isascii(), "length or alphabet")
    lines = _Lines(text)
    message = _read(lines)
    lines.require_end()
    # The reader above takes nothing else; that is not believed but seen.
    _require(build_message(message) == text, "spelling")
    return message


class _Lines:
    """The lines of a text, taken one by one."""

    def __init__(self, text: str):
        self._left = text.split("\n")[::-1]

    def take(self, start: str, what: str) -> str:
        """The rest of the next line, which begins so."""
        line = self._left.pop() if self._left else None
        if line is None or not line.startswith(start):
            raise _refusal(what)
        return line[len(start) :]

    def take_if(self, start: str) -> str | None:
        """The rest of the next line if it begins so; if not, it stays."""
        return self.take(start, start) if self._left and self._left[-1].startswith(start) else None

    def require_end(self) -> None:
        _require(not self._left, "end")


def _read(lines: _Lines) -> SiweMessage:
    scheme, domain = _split_domain(lines.take("", "first line"))
    address = require_address(lines.take("", "address"))
    _require(lines.take("", "line after the address") == "", "line after the address")
    statement = lines.take("", "statement") or None
    if statement is not None:
        _require(lines.take("", "line after the statement") == "", "line after the statement")
    uri = lines.take("URI: ", "URI")
    _require(lines.take("Version: ", "version") == VERSION, "version")
    return SiweMessage(
        scheme=scheme,
        domain=domain,
        address=address,
        statement=statement,
        uri=uri,
        chain_id=_to_number(lines.take("Chain ID: ", "chain id")),
        nonce=lines.take("Nonce: ", "nonce"),
        issued_at=_to_instant(lines.take("Issued At: ", "Issued At")),
        expires_at=_to_instant_if(lines.take_if("Expiration Time: ")),
        not_before=_to_instant_if(lines.take_if("Not Before: ")),
        request_id=lines.take_if("Request ID: "),
        resources=_read_resources(lines),
    )


def _split_domain(line: str) -> tuple[str | None, str]:
    _require(line.endswith(_WANTS), "first line")
    before, found, after = line.removesuffix(_WANTS).partition("://")
    return (before, after) if found else (None, before)


def _read_resources(lines: _Lines) -> tuple[str, ...]:
    if (rest := lines.take_if("Resources:")) is None:
        return ()
    _require(rest == "", "resources")
    resources = [lines.take("- ", "resources")]
    while (resource := lines.take_if("- ")) is not None:
        resources.append(resource)
    return tuple(resources)


def _to_number(text: str) -> int:
    _require(_NUMBER.match(text) is not None, "chain id")
    return int(text)


def _to_text(instant: int) -> str:
    # Not strftime: it leaves out the zeros in front of a year on some platforms.
    return datetime.fromtimestamp(instant, UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _to_instant(text: str) -> int:
    _require(_INSTANT.match(text) is not None, "an instant")
    try:
        return int(datetime.strptime(text, _INSTANT_FORM).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise _refusal("an instant") from None


def _to_instant_if(text: str | None) -> int | None:
    return None if text is None else _to_instant(text)


def _is_instant(value: object) -> bool:
    return is_count(value, end=INSTANT_END)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise _refusal(what)


def _refusal(what: str) -> GuardError:
    return GuardError("siwe.malformed", f"the log-in message is not in its exact form: {what}")
