"""Opening a listener's socket: where it may be opened, with which certificate, and what to do with a socket that nobody serves any more.

Signer and API share it. Whatever other machines can reach has a certificate, unless the operator says by a flag that looks dangerous
that the network is private.
"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guard.errors import AdapterError, GuardError
from guard.formats.listen_addresses import ListenAddress

BACKLOG = 128
_PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """The certificate chain and its key, or none; `is_plaintext_allowed` where the operator calls the network private."""

    certificate: Path | None = None
    key: Path | None = None
    is_plaintext_allowed: bool = False

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise GuardError("listen.certificate", "a certificate and its key are given together or not at all")

    def is_for(self, address: ListenAddress) -> bool:
        """Whether a listener at the address speaks TLS: every one over TCP, once there is a certificate."""
        return self.certificate is not None and not address.path


UNPROTECTED = Protection()


def require_protected(address: ListenAddress, protection: Protection) -> None:
    """Refuse an address that other machines can reach and that has no certificate. Raises `listen.plaintext`."""
    if address.is_loopback or protection.is_for(address) or protection.is_plaintext_allowed:
        return
    raise GuardError("listen.plaintext", f"{address} can be reached by other machines and has no certificate")


def load_context(address: ListenAddress, protection: Protection) -> ssl.SSLContext | None:
    """TLS 1.3 with the certificate, or None where the address takes none. Both files are read now and never again.

    Raises `listen.certificate`.
    """
    if protection.certificate is None or not protection.is_for(address):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        # An empty password: a key that needs one is refused instead of asked for on a terminal that nobody watches.
        context.load_cert_chain(protection.certificate, protection.key, password="")
    except (OSError, ValueError) as trouble:
        name = protection.certificate.name
        raise GuardError("listen.certificate", f"{name} and its key cannot be used: {_to_reason(trouble)}") from None
    return context


def _to_reason(trouble: OSError | ValueError) -> str:
    if isinstance(trouble, ssl.SSLError):
        return "they are not PEM, do not belong together, or need a password"
    return (
        (trouble.strerror or "they cannot be read").lower()
        if isinstance(trouble, OSError)
        else "a password is too long"
    )


@dataclass(frozen=True, slots=True)
class Bound:
    """A socket that listens. `inode` is that of a Unix socket's name, zero for a port."""

    socket: socket.socket
    address: ListenAddress
    inode: int = 0

    def close(self) -> None:
        """End listening. A Unix socket's name goes first, unless it is another process's by now."""
        if self.inode:
            with suppress(OSError):
                if Path(self.address.path).stat().st_ino == self.inode:
                    Path(self.address.path).unlink()
        self.socket.close()


def bind_socket(address: ListenAddress) -> Bound:
    """Listen. A Unix socket is its user's alone, and one that nobody serves any more is replaced. Raises `listen.failed`."""
    try:
        if address.path:
            bound = _bind_path(Path(address.path))
            return Bound(bound, address, Path(address.path).stat().st_ino)
        return Bound(_bind_port(address), address)
    except OSError as trouble:
        reason = (trouble.strerror or str(trouble)).lower()
        raise AdapterError("listen.failed", f"cannot listen at {address}: {reason}") from trouble


def _bind_port(address: ListenAddress) -> socket.socket:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = min(found, key=lambda each: each[0] != socket.AF_INET)
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _bind_path(path: Path) -> socket.socket:
    if path.is_socket() and not _is_served(path):
        path.unlink()
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        bound.bind(str(path))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(mask)
    return bound


def _is_served(path: Path) -> bool:
    """Whether somebody accepts connections there. Only a refusal says no: a listener that is merely busy is not replaced."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True
