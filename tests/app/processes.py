"""The product's own processes, started as an operator starts them, and ended by their id."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from guard.app.main import build_whole_app
from guard.cli import root as cli

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


@dataclass(frozen=True, slots=True)
class Told:
    """What a command that ended by itself said."""

    status: int
    out: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        said: dict[str, Any] = json.loads(self.out)
        return said

    @property
    def error(self) -> tuple[int, str]:
        """Its exit status and its error's code."""
        return self.status, self.json["error"]["code"]


def run_here(*arguments: str, settings: Mapping[str, object]) -> Told:
    """A command that ends by itself, in this process, which keeps its own signals and log."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        for name, value in settings.items():
            patch.setenv(f"GUARD_{name.upper()}", str(value))
        try:
            status = cli.run(build_whole_app(), [*arguments, "--json"])
        finally:
            for number, handler in signals.items():
                signal.signal(number, handler)
            structlog.reset_defaults()
            root.handlers[:], root.level = handlers, level
    return Told(int(status), out.getvalue())


def children_of(pid: int) -> set[int]:
    """The ids of a process's children."""
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended. Somebody else's child that ended stays as a name without a body."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    ends_at = time.monotonic() + END_WITHIN
    while not is_so():
        assert time.monotonic() < ends_at, what
        time.sleep(0.02)
