"""The search is not measured for coverage: it would take three times as long, and asks each rule millions of times the same."""

from collections.abc import Iterator

import coverage
import pytest


@pytest.fixture
def unmeasured() -> Iterator[None]:
    """Pauses the measuring of coverage, if any is under way."""
    measuring = coverage.Coverage.current()
    if measuring is None:
        yield
        return
    measuring.stop()
    yield
    measuring.start()
