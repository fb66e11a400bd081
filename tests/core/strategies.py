"""Hypothesis strategies over `tests.core.situations`."""

from hypothesis import strategies as st

from tests.core.situations import Chooser, Situation, choose_situation


def choosers(length: int = 256) -> st.SearchStrategy[Chooser]:
    """A source of choices."""
    return st.binary(min_size=length, max_size=length).map(Chooser)


def situations() -> st.SearchStrategy[Situation]:
    """Any situation."""
    return choosers().map(choose_situation)
