"""Where everything of a demonstration lies: one folder that holds what in earnest is spread over many machines."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from guard.core.ids import Address
from guard.formats.keccak import keccak256, to_address

SOCKET_PATH_LIMIT = 100
"""Bytes. Linux takes 107 for the path of a socket."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """The folder of a demonstration."""

    folder: Path

    @property
    def password_file(self) -> str:
        """Everybody's password, in a file; in earnest each has their own and types it."""
        return str(self.folder / "password")

    @property
    def treasury(self) -> Path:
        """What `guard init` made: configuration, policy files, and later the bundle."""
        return self.folder / "treasury"

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.treasury / "guard.toml"

    @property
    def policies(self) -> Path:
        """The policy files."""
        return self.treasury / "policies"

    @property
    def bundle(self) -> Path:
        """The compiled policy."""
        return self.treasury / "bundle.json"

    @property
    def executor(self) -> Path:
        """The keystore of the account that pays gas."""
        return self.folder / "executor.json"

    @property
    def master_key(self) -> Path:
        """The key under which second factors are sealed."""
        return self.folder / "master.key"

    @property
    def database(self) -> Path:
        """The server's database."""
        return self.folder / "guard.sqlite"

    @property
    def logs(self) -> Path:
        """What the processes wrote."""
        return self.folder / "logs"

    def home_of(self, person: str) -> Path:
        """A person's folder: their key, context and log-in."""
        return self.folder / person

    def key_of(self, person: str) -> str:
        """A person's keystore."""
        return str(self.home_of(person) / "key.json")

    def signer(self, name: str) -> Path:
        """A signer's folder."""
        return self.folder / name

    def log_of(self, process: str) -> Path:
        """What a process wrote."""
        return self.logs / f"{process}.log"

    def compute_command_address(self, signer: str) -> str:
        """Where a new signer's command listener shall be: a socket beside its folder, or a port where the path is too long for one."""
        path = f"{self.folder}/{signer}.sock"
        return f"unix:{path}" if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT else f"127.0.0.1:{find_port()}"


def find_port(wanted: int = 0) -> int:
    """A port of loopback that is free now: the wanted one, or any."""
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", wanted))
        except OSError:
            return find_port()
        return int(found.getsockname()[1])


def draw_address(name: str) -> Address:
    """An account that nobody has the key of, the same for the same name."""
    return to_address(keccak256(f"guard demo {name}".encode())[12:])
