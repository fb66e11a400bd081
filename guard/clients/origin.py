"""Where a server is, in one spelling: what a log-in is bound to, so that no other server is ever shown it."""

from __future__ import annotations

from dataclasses import dataclass

from guard.clients.connecting import HTTP, HTTPS, UNIX, Target, parse_target

_DEFAULT_PORTS = {HTTP: 80, HTTPS: 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """A server's address. `address` is as it was given, with the certificate's digest where one is named."""

    address: str
    target: Target

    @property
    def domain(self) -> str:
        """Host and port as they stand in a URL, without the port that goes without saying."""
        if self.target.kind == UNIX:
            return self.target.host
        host = f"[{self.target.host}]" if ":" in self.target.host else self.target.host
        return host if _DEFAULT_PORTS[self.target.kind] == self.target.port else f"{host}:{self.target.port}"

    @property
    def text(self) -> str:
        """The one spelling: scheme and domain."""
        return f"unix:{self.target.host}" if self.target.kind == UNIX else f"{self.target.kind}://{self.domain}"


def parse_origin(address: str) -> Origin:
    """The address of a server. Raises `client.address`."""
    return Origin(address, parse_target(address))
