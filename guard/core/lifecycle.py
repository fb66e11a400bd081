"""The states of a transfer that are stored, and the moves between them. Held and releasable are computed and never stored."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from guard.errors import GuardError


class State(Enum):
    """What has happened to a transfer. Each is an event, so the mere passing of time changes none of them."""

    OPEN = "open"
    SIGNING = "signing"
    BROADCAST = "broadcast"
    CONFIRMED = "confirmed"
    FINALISED = "finalised"
    REJECTED = "rejected"
    VETOED = "vetoed"
    EXPIRED = "expired"
    VOID = "void"
    FAILED = "failed"


_STOPS = frozenset({State.REJECTED, State.VETOED, State.EXPIRED, State.VOID})
# A signature cannot be called back: what the chain shows must be told even of a transfer that was stopped too late.
_TOO_LATE = frozenset({State.BROADCAST, State.CONFIRMED, State.FAILED})

MOVES: Mapping[State, frozenset[State]] = {
    State.OPEN: frozenset({State.SIGNING, State.BROADCAST}) | _STOPS,
    State.SIGNING: frozenset({State.OPEN, State.BROADCAST}) | _STOPS,
    State.BROADCAST: frozenset({State.CONFIRMED, State.FAILED, State.VOID}),
    # A block can be reorganised away until it is final.
    State.CONFIRMED: frozenset({State.FINALISED, State.BROADCAST}),
    State.FAILED: frozenset({State.BROADCAST}),
    State.FINALISED: frozenset(),
    **dict.fromkeys(_STOPS, _TOO_LATE),
}
"""Which state may follow which."""

COUNTED = frozenset({State.SIGNING, State.BROADCAST, State.CONFIRMED, State.FINALISED})
"""States in which something may have left or may leave: predictions of limits count them."""

ENDED = frozenset({State.FINALISED, State.FAILED}) | _STOPS
"""States after which nothing is expected to happen."""


def require_move(old: State, new: State) -> None:
    """Refuse a move that is not in the table. Raises `lifecycle.move`."""
    if new not in MOVES[old]:
        raise GuardError("lifecycle.move", f"a transfer that is {old.value} cannot become {new.value}")
