"""Colour is for terminals that want it, and says nothing that the word does not."""

import pytest

from guard.cli.painting import has_colour, paint
from guard.core.lifecycle import State


@pytest.mark.parametrize(
    ("environment", "is_terminal", "wanted"),
    [
        ({}, True, True),
        ({"NO_COLOR": ""}, True, True),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "0"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({}, False, False),
    ],
)
def test_colour_is_wanted_by_a_terminal_without_no_color(
    environment: dict[str, str], is_terminal: bool, wanted: bool
) -> None:
    assert has_colour(environment, is_terminal=is_terminal) is wanted


@pytest.mark.parametrize("state", State)
def test_the_word_is_the_same_with_and_without_colour(state: State) -> None:
    assert paint(state, in_colour=False) == state.value
    assert state.value in paint(state, in_colour=True)
