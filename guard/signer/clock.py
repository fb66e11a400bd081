"""The signer's clock: the one module that reads one, and the rules by which a reading is good (TRUST §7).

Only a good clock raises the high-water mark, stamps statements that move money, or signs a transfer. Stops, certificates and
cancels need none.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from guard.errors import Refusal
from guard.ports import ClockReading, VaultView

BOOT_TOLERANCE = 60
BLOCK_TOLERANCE = 300


class SystemClock:
    """The machine's clock."""

    def read(self) -> ClockReading:
        """The wall clock and the boot clock, which no one can set."""
        return ClockReading(int(time.time()), int(time.clock_gettime(time.CLOCK_BOOTTIME)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """All that is asked of one reading: the reading at start, this one, the journal's mark, and what the endpoints say.

    `silent` names the endpoints that did not answer; a missing answer is never agreement.
    """

    start: ClockReading
    reading: ClockReading
    high_water: int
    views: tuple[VaultView, ...]
    silent: tuple[str, ...]


def find_clock_refusal(state: ClockState) -> Refusal | None:
    """Why the clock is not good, or None."""
    wall = state.reading.wall
    if wall < state.high_water:
        return _hold("clock.behind-mark", f"the clock is {state.high_water - wall} s behind what this signer has seen")
    drift = (wall - state.start.wall) - (state.reading.boot - state.start.boot)
    if abs(drift) > BOOT_TOLERANCE:
        return _hold("clock.stepped", f"the clock has stepped by {drift} s since start")
    if state.silent or not state.views:
        return _hold("clock.endpoint-silent", f"no answer from {', '.join(state.silent) or 'any endpoint'}")
    return _find_far_block(state.views, wall)


def _find_far_block(views: Iterable[VaultView], wall: int) -> Refusal | None:
    for view in views:
        if abs(wall - view.block_at) > BLOCK_TOLERANCE:
            return _hold(
                "clock.block-time", f"latest block of {view.endpoint} is {wall - view.block_at} s away from the clock"
            )
    return None


def _hold(code: str, message: str) -> Refusal:
    return Refusal(code, message, held=True, check="the-clock-is-good")
