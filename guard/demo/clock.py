"""The demo's own look at the clock: for telling how long it took, and for dates that people would write."""

from __future__ import annotations

import time


def read_now() -> int:
    """Unix seconds."""
    return int(time.time())


def read_stopwatch() -> float:
    """Seconds since some moment; only differences mean anything."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Let real time pass, as in a story that takes place in it."""
    time.sleep(seconds)
