"""Processes that a demonstration starts, each known by its own handle: started, ended, killed, and none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from guard.demo.clock import pause, read_stopwatch
from guard.demo.grounds import Grounds

PATIENCE = 60
LOOK_EVERY = 0.1
ENOUGH_TO_END = 15
"""Seconds after which a process that was told to end is killed."""
LAST_WORDS = 1500


@dataclass
class Processes:
    """What runs, by name. Each is in a session of its own, so that Ctrl-C reaches the one that started it alone."""

    grounds: Grounds
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *words: str) -> None:
        """Start `guard` with these words; what it says goes into a file."""
        self.start_module(name, "guard", *words)

    def start_module(self, name: str, module: str, *words: str) -> None:
        """The same for another module of the product."""
        self.grounds.logs.mkdir(exist_ok=True)
        # A variable of whoever started this might name another treasury.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GUARD_")}
        with self.grounds.log_of(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def is_running(self, name: str) -> bool:
        """Whether it was started and has not ended."""
        process = self.running.get(name)
        return process is not None and process.poll() is None

    def wait_for_end(self, name: str) -> None:
        """Wait until it has done its work. Raises `RuntimeError` where it could not."""
        process = self.running[name]
        if process.wait(PATIENCE) != 0:
            self.require_running()
        del self.running[name]

    def end(self, *names: str) -> None:
        """Tell these to end, all at once, and wait until they have; one that does not is killed."""
        ending = [self.running.pop(name) for name in names if name in self.running]
        for process in ending:
            process.terminate()
        for process in ending:
            try:
                process.wait(ENOUGH_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self, *names: str) -> None:
        """Kill these at once, as a power cut would."""
        for process in [self.running.pop(name) for name in names]:
            process.send_signal(signal.SIGKILL)
            process.wait()

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Let a process stand still for a moment."""
        process = self.running[name]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def end_all(self) -> None:
        """End everything, those first that ask others."""
        self.end("worker", "api")
        self.end(*self.running)

    def require_running(self) -> None:
        """Raise `RuntimeError` with the last words of a process that has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}: {self.load_last_words(name)}")

    def load_last_words(self, name: str) -> str:
        """What a process wrote last."""
        log = self.grounds.log_of(name)
        return log.read_text(encoding="utf-8", errors="replace").strip()[-LAST_WORDS:] if log.exists() else ""

    def wait_until(self, is_so: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> None:
        """Look again and again until it is so. Raises `RuntimeError` where it does not come or a process ends meanwhile."""
        ends_at = read_stopwatch() + patience
        while not is_so():
            self.require_running()
            if read_stopwatch() > ends_at:
                raise RuntimeError(f"waited {patience:.0f} s in vain: {what}")
            pause(LOOK_EVERY)
