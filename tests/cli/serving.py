"""The real API as a process on loopback, over an SQLite file, beside a treasury whose signers run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyotp

from guard.app.main import build_whole_app
from guard.cli.root import run
from tests.cli.road import READY_WITHIN, Told, Treasury, find_free_port, told_by


@dataclass(slots=True)
class Serving:
    """A server, and the secrets of the second factors that were enrolled there. `home` is bob's, who is logged in."""

    treasury: Treasury
    folder: Path
    home: Path
    port: int
    process: subprocess.Popen[str] | None = None
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> tuple[str, ...]:
        """How it is configured."""
        return (
            *("--config", str(self.treasury.config), "--database", f"sqlite:///{self.folder / 'guard.sqlite'}"),
            *("--master-key", str(self.folder / "master.key"), "--listen", f"127.0.0.1:{self.port}"),
        )

    def begin(self) -> None:
        """Start it and wait until it takes connections."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GUARD_")}
        command = [sys.executable, "-m", "guard", *self.settings, "serve", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert json.loads(line or "{}").get("ready") is True, line

    def end(self) -> None:
        """End it, by its own id."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=READY_WITHIN)
            if self.process.stdout is not None:
                self.process.stdout.close()
            self.process = None

    def run(self, *words: str | Path) -> Told:
        """A command at this server."""
        where = ("--config", self.treasury.config, "--server", self.url)
        return told_by(lambda: run(build_whole_app(), [str(each) for each in (*where, *words, "--json")]))

    def sign_as(self, person: str, verb: str, *words: str | Path) -> Told:
        """A command that signs, without questions."""
        signing = ("--key", self.treasury.key(person), "--password-file", self.treasury.password_file, "--yes")
        return self.run(verb, *words, *signing)

    def propose(self, amount: str = "9000 USDC", *more: str | Path) -> str:
        """A transfer's id."""
        self.treasury.count += 1
        wish = (
            "--vault",
            "operations",
            "--amount",
            amount,
            "--to",
            "supplier",
            "--purpose",
            f"at {self.treasury.count}",
        )
        signing = ("--as", self.treasury.key("alice"), "--password-file", self.treasury.password_file, "--yes")
        told = self.run("propose", *wish, *signing, *more)
        assert told.status == 0, told
        return str(told.json["transfer"])

    def code_of(self, person: str) -> str:
        """The code that somebody's authenticator shows, with enough of its half minute left to be sent."""
        left = 30 - time.time() % 30
        if left < 5:
            time.sleep(left)
        return pyotp.TOTP(self.secrets[person]).now()

    def log_in(self, person: str) -> None:
        """Log somebody in for the first time, and enrol their second factor."""
        signing = ("--key", self.treasury.key(person), "--password-file", self.treasury.password_file)
        told = self.run("login", *signing)
        assert (told.status, told.json["second_factor"]) == (0, "enrol"), told
        self.secrets[person] = self.run("totp", "enrol").json["secret"]
        confirmed = self.run("totp", "confirm", self.code_of(person))
        assert confirmed.status == 0, confirmed


@contextmanager
def serving(treasury: Treasury, folder: Path) -> Iterator[Serving]:
    """A server with an empty database."""
    made = Serving(treasury, folder, folder / "home", find_free_port())
    for words in (("db", "upgrade"), ("server", "create-master-key")):
        told = told_by(lambda words=words: run(build_whole_app(), [*made.settings, *words, "--json"]))  # type: ignore[misc]
        assert told.status == 0, told
    made.begin()
    try:
        yield made
    finally:
        made.end()
