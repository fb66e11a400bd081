"""Several processes that do the same work, and the one that watches them: who dies is replaced, and nobody outlives the watcher.

Children are forked, so that what was read, opened and compiled is there once. Nothing may run in another thread before.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

LOOK_EVERY = 0.2
END_WITHIN = 15.0
"""Seconds that a child has to end by itself. Then it is killed, as it may be at any time."""
SHORT_LIFE = 5.0
MOST_SHORT_LIVES = 3


@dataclass(slots=True)
class Watch:
    """The children of one watcher. `work` gives the exit status of a child."""

    work: Callable[[], int]
    count: int
    end_within: float = END_WITHIN
    _born: dict[int, float] = field(default_factory=dict)
    _short_lives: int = 0

    def run(self, over: threading.Event) -> int:
        """Keep `count` children at work until `over` is set: 0. The status of the last child where they die at once."""
        # Nobody ever writes to it: when the watcher is gone, however it went, every child reads the end.
        alive, watcher = os.pipe()
        status = 0
        try:
            while not over.wait(LOOK_EVERY) and not status:
                while len(self._born) < self.count:
                    self._give_birth(alive, watcher)
                status = self._look_after()
            return status
        finally:
            self._end_all()
            os.close(alive)
            os.close(watcher)

    def _give_birth(self, alive: int, watcher: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(watcher)
            _live(self.work, alive)
        self._born[child] = time.monotonic()

    def _look_after(self) -> int:
        """Who has died is forgotten, so that another takes its place. Not zero once children die as soon as they are born."""
        last = 0
        # All of them: whoever was waited for is nobody's child any more, and its id may be another's soon.
        for child, last in self._collect():
            lived = time.monotonic() - self._born.pop(child)
            structlog.get_logger("guard.app").warning("process ended by itself", process=child, status=last)
            self._short_lives = self._short_lives + 1 if lived < SHORT_LIFE else 0
        return (last or 1) if self._short_lives >= MOST_SHORT_LIVES else 0

    def _collect(self) -> list[tuple[int, int]]:
        found = ((child, os.waitpid(child, os.WNOHANG)) for child in list(self._born))
        return [(child, os.waitstatus_to_exitcode(raw)) for child, (ended, raw) in found if ended]

    def _end_all(self) -> None:
        for number, within in ((signal.SIGTERM, self.end_within), (signal.SIGKILL, END_WITHIN)):
            for child in self._born:
                os.kill(child, number)
            ends_at = time.monotonic() + within
            while self._born and time.monotonic() < ends_at:
                for child, _ in self._collect():
                    del self._born[child]
                time.sleep(LOOK_EVERY / 10)


def _live(work: Callable[[], int], alive: int) -> None:
    """A child's whole life. It never returns into what the watcher was doing."""
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
        status = work()
    finally:
        # A bug ends this child with its traceback on standard error, and another begins.
        if sys.exc_info()[1] is not None:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with(alive: int) -> None:
    """Wait for the watcher's end, then ask this process to end."""
    while os.read(alive, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
