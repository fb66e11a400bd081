"""How often one source may ask, and how many of its questions may be open, before anything that it sent is looked at."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict

from guard.errors import GuardError
from guard.ports import Clock

SOURCES_KEPT = 4096
MOST_OPEN = 64
"""Connections of one source at once."""


class SourceLimit:
    """So many requests per second of the boot clock and source, with a burst. The sources that were quiet longest are forgotten first."""

    def __init__(self, clock: Clock, *, per_second: int, burst: int):
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._open: Counter[str] = Counter()

    def to_another(self) -> SourceLimit:
        """One with the same numbers, in which nothing was counted yet."""
        return SourceLimit(self._clock, per_second=self._per_second, burst=self._burst)

    def require(self, source: str) -> None:
        """Count one request, or refuse it with `signer.rate`."""
        now = self._clock.read().boot
        with self._lock:
            left, at = self._left.pop(source, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._per_second)
            self._left[source] = (max(0, left - 1), now)
            while len(self._left) > SOURCES_KEPT:
                self._left.popitem(last=False)
        if left < 1:
            raise GuardError("signer.rate", "too many requests from one source; wait a moment")

    def enter(self, source: str) -> bool:
        """Whether the source may open one more connection; counts it if so. `leave` gives the place back."""
        with self._lock:
            if self._open[source] >= MOST_OPEN:
                return False
            self._open[source] += 1
            return True

    def leave(self, source: str) -> None:
        """One connection of the source has ended."""
        with self._lock:
            self._open[source] -= 1
            if self._open[source] <= 0:
                del self._open[source]
