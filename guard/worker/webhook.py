"""One message to one webhook, by Standard Webhooks 1.0: signed, sent over a connection whose address was looked at first, never redirected.

A message tells and proves nothing; whoever acts on one reads the log or asks the signers. What the receiver answers is not read
beyond its status.
"""

from __future__ import annotations

import binascii
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import SplitResult, urlsplit

from guard.core.refusing import require
from guard.errors import AdapterError, GuardError

TIMEOUT = 15.0
"""Seconds for everything after the name is resolved: connecting, the handshake, sending, the answer's head."""
SECRET_PREFIX = "whsec_"
GONE = 410
MOST_SECRETS = 2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A shared secret of 24 to 64 bytes. It is never shown."""

    raw: bytes

    def __post_init__(self) -> None:
        require(24 <= len(self.raw) <= 64, "a webhook secret is not 24 to 64 bytes")

    def __repr__(self) -> str:
        return "WebhookSecret(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where messages go. Two secrets while they are rotated: a receiver that knows one of them verifies.

    Raises `webhook.url` and `webhook.secret`. An address that says loopback may be reached there and nowhere else; every other one only
    over TLS and at public addresses.
    """

    url: str
    secrets: tuple[WebhookSecret, ...]
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        if not 1 <= len(self.secrets) <= MOST_SECRETS:
            raise GuardError("webhook.secret", "a webhook has one secret, or two while they are rotated")
        parts = _split(self.url)
        is_plain = parts.scheme == "http" and is_loopback_name(parts.hostname or "")
        has_more = parts.username is not None or parts.password is not None or parts.fragment
        if not parts.hostname or has_more or not (parts.scheme == "https" or is_plain):
            raise GuardError(
                "webhook.url", "a webhook's address is https, or http to a loopback address, and names no user"
            )

    def __repr__(self) -> str:
        # The path may hold a token.
        return f"Webhook({_split(self.url).hostname})"


def _split(url: str) -> SplitResult:
    if not url.isascii() or any(each <= " " or each == "\x7f" for each in url):
        raise GuardError("webhook.url", "a webhook's address is printable ASCII without spaces")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise GuardError("webhook.url", "a webhook's address cannot be read") from None
    return parts


def parse_secret(text: str) -> WebhookSecret:
    """A secret as it is written: whsec_ and base64. Raises `webhook.secret`."""
    if not text.startswith(SECRET_PREFIX):
        raise GuardError("webhook.secret", "a webhook secret begins with whsec_")
    try:
        raw = b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise GuardError("webhook.secret", "a webhook secret is whsec_ and base64") from None
    if not 24 <= len(raw) <= 64:
        raise GuardError("webhook.secret", "a webhook secret has 24 to 64 bytes")
    return WebhookSecret(raw)


def compute_signature(secrets: tuple[WebhookSecret, ...], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one v1 signature (HMAC-SHA256) for each secret, the newest first."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(secret.raw, signed, sha256).digest() for secret in secrets)
    return " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests)


def deliver(webhook: Webhook, message_id: str, body: bytes, *, now: int) -> None:
    """Deliver one message. Returns once the receiver answered 2xx.

    Raises `AdapterError`: `webhook.gone` for 410, `webhook.target` for an address that is not to be reached, `webhook.failed` otherwise.
    """
    parts = _split(webhook.url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    address = resolve(host, port, is_loopback=is_loopback_name(host))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "treasury-guard",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": compute_signature(webhook.secrets, message_id, now, body),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    status = _post(_Pinned(host, port, address, is_tls=is_tls, timeout=webhook.timeout), path, body, headers)
    if status == GONE:
        raise AdapterError("webhook.gone", "the receiver answered 410")
    if not 200 <= status < 300:
        raise AdapterError("webhook.failed", f"the receiver answered {status}")


def is_loopback_name(host: str) -> bool:
    """Whether an address says by itself that it is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def resolve(host: str, port: int, *, is_loopback: bool) -> Address:
    """The address that is connected to. Every address of the name is looked at, so that none that is refused hides behind another."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AdapterError("webhook.failed", "the webhook's host name cannot be resolved") from None
    addresses = [ipaddress.ip_address(each[4][0]) for each in found]
    if not addresses or not all(is_allowed(each, is_loopback=is_loopback) for each in addresses):
        raise AdapterError("webhook.target", "the webhook's host name leads to an address that is not public")
    return addresses[0]


def is_allowed(address: Address, *, is_loopback: bool) -> bool:
    """Whether messages may go to an address: loopback where the configuration says so, otherwise public ones alone."""
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if isinstance(address, ipaddress.IPv6Address) and address.teredo is not None:
        return False
    looked_at = mapped or address
    if is_loopback:
        return looked_at.is_loopback
    if isinstance(looked_at, ipaddress.IPv6Address) and looked_at.is_site_local:
        return False
    return looked_at.is_global and not (looked_at.is_multicast or looked_at.is_reserved or looked_at.is_loopback)


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was looked at, under the name for which it was: no second resolution may lead elsewhere."""

    def __init__(self, host: str, port: int, address: Address, *, is_tls: bool, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._address = str(address)
        self._is_tls = is_tls
        self.default_port = 443 if is_tls else 80
        self._name = host

    def connect(self) -> None:
        """Connect, and verify the receiver's certificate for the name."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._is_tls:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._name, do_handshake_on_connect=False)
            self.sock.do_handshake()


def _post(connection: _Pinned, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer. However slowly the receiver speaks, the whole of it ends in time."""
    is_cut = threading.Event()
    watch = threading.Timer(float(connection.timeout or TIMEOUT), _cut, (connection, is_cut))
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
        # Where it was cut off, half a head reads like a whole one.
        if is_cut.is_set():
            raise AdapterError("webhook.failed", "the receiver's answer was not there in time")
        return status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AdapterError("webhook.failed", f"no answer from the receiver ({type(error).__name__})") from error
    finally:
        watch.cancel()
        connection.close()


def _cut(connection: _Pinned, is_cut: threading.Event) -> None:
    """End a connection under the reader's hands. Called on the plain socket, which TLS does not mind."""
    is_cut.set()
    open_socket = connection.sock
    if open_socket is not None:
        try:
            socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
        except OSError:
            return
