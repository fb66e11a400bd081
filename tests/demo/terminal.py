"""A terminal for tests: lines of a shell with `guard` on its path, a process that is watched line by line, and who is still there."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 120
ROOT = Path(__file__).resolve().parents[2]


def make_path(folder: Path) -> Path:
    """A folder with `guard` in it, as an installation would put it on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "guard"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m guard "$@"\n')
    command.chmod(0o755)
    return folder


def to_environment(path: Path) -> dict[str, str]:
    """This environment with that folder on the PATH, and without any setting of the product."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GUARD_")}
    return {**plain, "PATH": f"{path}{os.pathsep}{plain['PATH']}", "PYTHONPATH": str(ROOT)}


def run_lines(lines: str, *, path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Lines of a shell, typed one after another; the first that fails ends them."""
    shell = ["bash", "-euo", "pipefail", "-c", lines]
    return subprocess.run(
        shell, cwd=cwd, env=to_environment(path), capture_output=True, text=True, check=False, timeout=PATIENCE
    )


class Watched:
    """A process whose output is read line by line while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def wait_for(self, text: str) -> str:
        """The line that holds the text, or begins the failure with everything that was said."""
        ends_at = time.monotonic() + PATIENCE
        while (left := ends_at - time.monotonic()) > 0:
            line = self._queue.get(timeout=left)
            assert line is not None, "\n".join(self.lines)
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError("\n".join(self.lines))

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status


@contextmanager
def watching(words: Sequence[str], *, path: Path, cwd: Path) -> Iterator[Watched]:
    """A command in a session of its own; afterwards it is ended in any case."""
    process = subprocess.Popen(
        list(words),
        cwd=cwd,
        env=to_environment(path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield Watched(process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)


def list_processes(naming: Path) -> list[str]:
    """The command lines of processes that name a folder, this one left out."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if str(naming) in words and each.parent.name != str(os.getpid()):
            found.append(words)
    return found
