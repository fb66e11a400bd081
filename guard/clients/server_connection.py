"""One request to the API and its answer as values: bounded in time and size, over TLS where it leaves the machine, never redirected."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guard.clients.connecting import HTTPS, connect, to_client_context
from guard.clients.origin import Origin
from guard.clients.within import do_within
from guard.errors import AdapterError, GuardError

TIMEOUT = 30.0
"""Seconds for a whole exchange, from looking up the name to the last byte of the answer."""
ANSWER_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """What came back: nothing of it is believed yet."""

    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How a server is reached. `ca` is the one authority that is trusted for it; without it the system's are.

    Plain HTTP to another machine is refused unless it is said by name that the network between is private.
    """

    origin: Origin
    ca: Path | None = None
    is_private_network: bool = False
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        if not self.origin.target.is_private and not self.is_private_network:
            raise GuardError("client.plaintext", f"{self.origin.text} is plain http to another machine")

    def exchange(self, request: Request) -> RawAnswer:
        """One request, one answer. Raises `client.redirected`, `client.certificate` and `client.no-answer`."""
        what = self.origin.text
        try:
            answer = do_within(self.timeout, what, lambda: _exchange(self, request))
        except ssl.SSLCertVerificationError as trouble:
            raise AdapterError("client.certificate", f"the certificate of {what} is not trusted") from trouble
        except (OSError, http.client.HTTPException, ValueError) as trouble:
            raise AdapterError("client.no-answer", f"no usable answer from {what}") from trouble
        if 300 <= answer.status < 400:
            raise AdapterError("client.redirected", f"{what} points to another address for {request.path}")
        return answer


def _exchange(line: Line, request: Request) -> RawAnswer:
    connection = _open(line)
    try:
        connection.request(request.method, request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        body = response.read(ANSWER_BYTES + 1)
        if len(body) > ANSWER_BYTES:
            raise ValueError("the answer has more bytes than are read")
        if response.length:
            raise ValueError("the answer ends early")
        media_type = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        return RawAnswer(status=response.status, media_type=media_type, body=body)
    finally:
        connection.close()


def _open(line: Line) -> http.client.HTTPConnection:
    target = line.origin.target
    if target.kind != HTTPS or target.pin is not None or line.ca is None:
        return connect(line.origin.address, line.timeout)
    return http.client.HTTPSConnection(target.host, target.port, timeout=line.timeout, context=_to_context(line.ca))


def _to_context(ca: Path) -> ssl.SSLContext:
    """TLS that trusts this one authority and none of the system's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = to_client_context().minimum_version
    context.load_verify_locations(cafile=ca)
    return context
