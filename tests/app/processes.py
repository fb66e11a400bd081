"""The product's own processes, started as an operator starts them, and ended by their id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

END_WITHIN = 30


@dataclass(slots=True)
class Process:
    """One running command, its standard error in a file."""

    popen: subprocess.Popen[str]
    log: Path

    @property
    def pid(self) -> int:
        """Its id."""
        return self.popen.pid

    def read_ready(self) -> dict[str, Any]:
        """The object that it says once it is ready."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line, self.log.read_text()
        said: dict[str, Any] = json.loads(line)
        return said

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal and wait; its exit status."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        return self.popen.wait(timeout=END_WITHIN)

    def lines(self) -> list[dict[str, Any]]:
        """What it logged as JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


def to_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This process's environment with these settings as the only ones."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GUARD_")}
    return {**own, **{f"GUARD_{name.upper()}": str(value) for name, value in settings.items()}}


@contextmanager
def running(arguments: Sequence[str], settings: Mapping[str, object], log: Path, cwd: Path) -> Iterator[Process]:
    """A command of `guard` for the length of the block."""
    with log.open("w") as errors:
        popen = subprocess.Popen(
            [sys.executable, "-m", "guard", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=to_environment(settings),
            cwd=cwd,
        )
    process = Process(popen, log)
    try:
        yield process
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait(timeout=END_WITHIN)
        if popen.stdout is not None:
            popen.stdout.close()


def run(*arguments: str, settings: Mapping[str, object], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    command = [sys.executable, "-m", "guard", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=to_environment(settings), cwd=cwd, check=False, timeout=60
    )
