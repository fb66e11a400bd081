"""Logging in and enrolling at a real terminal: what is asked, what is shown once, and what is never shown."""

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.road import PASSWORD
from tests.cli.serving import Serving

READY_WITHIN = 40
URI = re.compile(r"secret=([A-Z2-7]{32})")
RECOVERY = re.compile(r"([0-9A-Z]{5}-){3}[0-9A-Z]{5}")


class Terminal:
    """One command on a terminal of its own."""

    def __init__(self, server: Serving, home: Path, *words: str):
        self.here, there = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GUARD_")}
        command = ["--config", str(server.treasury.config), "--server", server.url, *words]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "guard", *command],
            stdin=there,
            stdout=there,
            stderr=there,
            env={**environment, "GUARD_HOME": str(home), "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(there)
        self.shown = ""

    def read_to(self, text: str) -> None:
        """Wait until this was shown."""
        ends_at = time.monotonic() + READY_WITHIN
        while text not in self.shown:
            assert time.monotonic() < ends_at, self.shown
            more = self._read()
            assert more, self.shown
            self.shown += more

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self.here, text.encode() + b"\n")

    def end(self) -> int:
        """Read on to the end; the exit status."""
        while more := self._read():
            self.shown += more
        os.close(self.here)
        return self.process.wait(timeout=READY_WITHIN)

    def _read(self) -> str:
        try:
            return os.read(self.here, 65536).decode(errors="replace")
        except OSError:
            # Linux says so when the other side of a terminal is closed.
            return ""


def read_secret(shown: str) -> str:
    found = URI.search(shown)
    assert found is not None, shown
    return found[1]


def test_a_person_logs_in_enrols_and_logs_in_again(
    running_server: Serving, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ("--key", str(running_server.treasury.key("carol")))
    first = Terminal(running_server, home, "login", *key)
    first.read_to("password of carol.json: ")
    first.type(PASSWORD)
    assert first.end() == 0, first.shown
    assert "It moves nothing and approves nothing." in first.shown
    assert "next: guard totp enrol" in first.shown
    assert PASSWORD not in first.shown

    enrolling = Terminal(running_server, home, "totp", "enrol")
    enrolling.read_to("the code that your authenticator shows now: ")
    running_server.secrets["carol"] = read_secret(enrolling.shown)
    assert "\u2588" in enrolling.shown
    enrolling.type(running_server.code_of("carol"))
    assert enrolling.end() == 0, enrolling.shown
    assert "your second factor is in force" in enrolling.shown

    monkeypatch.setenv("GUARD_HOME", str(home))
    assert running_server.run("session").json["person"] == "carol"
    assert running_server.run("logout").json["ended_at_server"] is True
    assert running_server.run("session").code == "cli.not-logged-in"

    again = Terminal(running_server, home, "login", *key, "--json")
    again.read_to("password of carol.json: ")
    again.type(PASSWORD)
    again.read_to("code of your authenticator: ")
    again.type("no code")
    assert again.end() == 1, again.shown
    assert not list((home / "sessions").iterdir())

    found = RECOVERY.search(enrolling.shown)
    assert found is not None, enrolling.shown
    signing = (*key, "--password-file", str(running_server.treasury.password_file))
    told = running_server.run("login", *signing, "--recovery-code", found[0])
    assert (told.json["person"], told.json["second_factor"]) == ("carol", "done"), told
    (file,) = (home / "sessions").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert running_server.run("login", *signing, "--recovery-code", found[0]).status == 1
