"""Where something listens, as text: `unix:PATH` or `HOST:PORT`, an IPv6 host in brackets. Nothing is opened or looked up here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from guard.errors import GuardError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TCP = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:.]{2,45})\]|(?P<host>[0-9A-Za-z._-]{1,253})):(?P<port>[0-9]{1,5})\Z", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A Unix socket's `path`, or `host` and `port`. Port 0 lets the system choose."""

    path: str = ""
    host: str = ""
    port: int = 0

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return bool(self.path) or self.host in LOOPBACK

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """The address, understood. Raises `listen.address`."""
    if text.startswith("unix:") and len(text) > len("unix:") and text.isprintable():
        return ListenAddress(path=text.removeprefix("unix:"))
    found = _TCP.match(text)
    if found is None or int(found["port"]) > 65535:
        raise GuardError("listen.address", f"{text[:120]!r} is not unix:PATH or HOST:PORT")
    return ListenAddress(host=found["six"] or found["host"], port=int(found["port"]))
