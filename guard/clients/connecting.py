"""Connections to listeners: a Unix socket, plain HTTP, or HTTPS with a certificate that is pinned or the system's authorities vouch for.

An address is `unix:PATH`, `HOST:PORT`, `http://HOST:PORT` or `https://HOST:PORT`, the last with `#sha256=HEX` where the listener's
certificate is known beforehand: then that certificate alone is right, whoever signed it. Nothing is sent before it was compared.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from guard.errors import GuardError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
UNIX, HTTP, HTTPS = "unix", "http", "https"
_PORTS = {HTTP: 80, HTTPS: 443}
_PIN = re.compile(r"sha256=([0-9a-f]{64})\Z", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+\Z", re.ASCII)
# A name of labels, or an address of version 6. Anything else would fail inside the library that resolves it.
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:(?:[0-9A-Za-z_-]{1,63}\.)*[0-9A-Za-z_-]{1,63}|[0-9a-f:.]*:[0-9a-f:.]*)\Z", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address that was understood. `host` is a path where `kind` is `unix`; `pin` is the certificate's SHA-256 in hexadecimal."""

    kind: str
    host: str
    port: int = 0
    pin: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent never leaves this machine."""
        return self.kind == UNIX or self.host in LOOPBACK

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read what is sent."""
        return self.is_loopback or self.kind == HTTPS


def parse_target(address: str) -> Target:
    """The address, understood. Raises `client.address`."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        if not path:
            raise _refuse(address)
        return Target(kind=UNIX, host=path)
    parts, port = _split(address)
    pin = _PIN.match(parts.fragment)
    if (
        parts.scheme not in _PORTS
        or parts.path not in ("", "/")
        or parts.query
        or parts.username is not None
        # Somebody who began to name a certificate must not be served with any that an authority vouches for.
        or ("#" in address and (pin is None or parts.scheme != HTTPS))
        or _HOST.match(parts.hostname or "") is None
    ):
        raise _refuse(address)
    return Target(
        kind=parts.scheme,
        host=parts.hostname or "",
        port=_PORTS[parts.scheme] if port is None else port,
        pin=pin[1] if pin else None,
    )


def _split(address: str) -> tuple[SplitResult, int | None]:
    is_bare = "://" not in address
    # What cannot be seen would be taken away silently below.
    if _VISIBLE.match(address) is None:
        raise _refuse(address)
    try:
        parts = urlsplit(f"{HTTP}://{address}" if is_bare else address)
        port = parts.port
    except ValueError:
        raise _refuse(address) from None
    if port == 0 or (is_bare and port is None):
        raise _refuse(address)
    return parts, port


def _refuse(address: str) -> GuardError:
    forms = "unix:PATH, HOST:PORT, http://HOST:PORT or https://HOST:PORT[#sha256=HEX]"
    return GuardError("client.address", f"{address[:120]!r} is not {forms}")


def connect(address: str, timeout: float) -> http.client.HTTPConnection:
    """A connection that opens with its first request. `timeout` in seconds holds for connecting and for each answer."""
    target = parse_target(address)
    if target.kind == UNIX:
        return _UnixConnection(target.host, timeout)
    if target.kind == HTTP:
        return http.client.HTTPConnection(target.host, target.port, timeout=timeout)
    if target.pin is None:
        return http.client.HTTPSConnection(target.host, target.port, timeout=timeout, context=to_client_context())
    return _PinnedConnection(target, timeout)


def to_client_context() -> ssl.SSLContext:
    """TLS 1.3 towards a listener whose certificate the system's authorities vouch for."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _PinnedConnection(http.client.HTTPSConnection):
    """HTTPS to exactly one certificate. Its name, dates and issuer say nothing more than its digest does."""

    def __init__(self, target: Target, timeout: float):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        super().__init__(target.host, target.port, timeout=timeout, context=context)
        self._pin = target.pin or ""

    def connect(self) -> None:
        super().connect()
        shown = self.sock.getpeercert(binary_form=True) or b""
        if not hmac.compare_digest(hashlib.sha256(shown).hexdigest(), self._pin):
            self.close()
            raise ssl.SSLCertVerificationError("the certificate is not the pinned one")
