"""A fuse: counts the points at which a process could die, writes their names down, and at the chosen one kills the process with SIGKILL."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Fuse:
    """Counts only once it is lit, so that what a process does before the release is no point of it."""

    def __init__(self, log: Path, target: int | None):
        self._log = log
        self._target = target
        self._count = 0
        self._lit = False
        self._lock = threading.Lock()

    def light(self) -> None:
        """The release begins."""
        self._lit = True

    def point(self, name: str) -> None:
        """One point at which the process could die."""
        with self._lock:
            if not self._lit:
                return
            with self._log.open("a", encoding="ascii") as file:
                file.write(f"{name}\n")
            if self._count == self._target:
                os.kill(os.getpid(), signal.SIGKILL)
            self._count += 1

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """A point before and one after."""
        self.point(f"before {name}")
        yield
        self.point(f"after {name}")

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function with a point before and one after it."""

        def fused(*given: Any, **named: Any) -> Any:
            with self.around(name):
                return function(*given, **named)

        return fused

    def wrap_verbs(self, verbs: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
        """A listener's verbs, each with points at its arrival and before its answer leaves; the first one lights the fuse."""

        def lit(name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
            fused = self.wrap(f"verb {name}", verb)

            def begin(*given: Any) -> Any:
                self.light()
                return fused(*given)

            return begin

        return {name: lit(name, verb) for name, verb in verbs.items()}
