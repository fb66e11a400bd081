"""Colour for the eyes of somebody at a terminal, and none anywhere else. Nothing is ever said by colour alone."""

from __future__ import annotations

from collections.abc import Mapping

from guard.core.lifecycle import State

_GREEN, _YELLOW, _RED = "32", "33", "31"
_COLOURS: Mapping[State, str] = {
    State.FINALISED: _GREEN,
    State.CONFIRMED: _GREEN,
    **dict.fromkeys((State.REJECTED, State.VETOED, State.EXPIRED, State.VOID, State.FAILED), _RED),
}


def has_colour(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether colour is wanted: a terminal that can, and no NO_COLOR (no-color.org: set and not empty)."""
    return is_terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def paint(state: State, *, in_colour: bool) -> str:
    """A state's word."""
    colour = _COLOURS.get(state, _YELLOW)
    return f"\x1b[{colour}m{state.value}\x1b[0m" if in_colour else state.value
