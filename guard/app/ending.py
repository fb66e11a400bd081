"""How a process is told to end: the first SIGTERM or SIGINT asks, and whatever is under way comes to its next safe point."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


def end_on_signals(also: Callable[[], None] | None = None) -> threading.Event:
    """An event that a termination signal sets; `also` is called with it. Nothing is interrupted: who waits on it ends when that is safe."""
    over = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()
        if also is not None:
            also()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return over
