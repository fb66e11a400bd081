"""How many statements one key may bring: asked only after its signature is known to be good, so that nobody spends another's budget."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from guard.core.ids import Address, is_count
from guard.core.refusing import require
from guard.errors import GuardError
from guard.ports import Clock

KEYS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and as many again spread over `window` seconds."""

    count: int
    window: int

    def __post_init__(self) -> None:
        require(is_count(self.count, least=1) and is_count(self.window, least=1), "a rate is not a positive number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The rates of one key: what helps money to move, what stops it, what lifts freezes, and refused attempts that are logged.

    Every unfreeze is read again for every prediction, under the lock that stops wait for, too: nobody needs many.
    """

    moving: Rate = Rate(600, 60)
    stops: Rate = Rate(120, 60)
    lifting: Rate = Rate(60, 24 * 3600)
    attempts: Rate = Rate(20, 3600)


class Budget:
    """What is left to each key. The keys that were quiet longest are forgotten first. Threads share it; processes do not."""

    def __init__(self, clock: Clock, rate: Rate):
        self._clock = clock
        self._rate = rate
        self._lock = threading.Lock()
        # Counted in shares of a `window`-th, so that no second's part of a slow rate is rounded away.
        self._left: OrderedDict[Address, tuple[int, int]] = OrderedDict()

    def take(self, key: Address) -> int:
        """Count one, and zero; or the seconds until there is one again, counting nothing."""
        now, count, window = self._clock.read().boot, self._rate.count, self._rate.window
        with self._lock:
            left, at = self._left.pop(key, (count * window, now))
            now = max(now, at)
            left = min(count * window, left + (now - at) * count)
            is_free = left >= window
            self._left[key] = (left - window if is_free else left, now)
            while len(self._left) > KEYS_KEPT:
                self._left.popitem(last=False)
        return 0 if is_free else -(-(window - left) // count)

    def require(self, key: Address) -> None:
        """Count one, or refuse it with `request.rate`."""
        wait = self.take(key)
        if wait:
            raise GuardError(
                "request.rate",
                f"too many statements by one key; the next one is taken in {wait} s",
                details={"retry_after": str(wait)},
            )
