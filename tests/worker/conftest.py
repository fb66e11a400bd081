"""The databases of these tests, and a treasury at work on each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guard.store.store import Store
from tests.databases import database_url, postgres_url, sqlite_url, store
from tests.worker.yard import Yard

__all__ = ["database_url", "postgres_url", "sqlite_url", "store", "yard", "yard_of"]


@pytest.fixture
def yard_of(store: Store, tmp_path: Path) -> Iterator[Callable[..., Yard]]:
    """Makes a treasury with another policy."""
    made: list[Yard] = []

    def make(**changes: Any) -> Yard:
        made.append(Yard(store, tmp_path, **changes))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def yard(yard_of: Callable[..., Yard]) -> Yard:
    """A treasury at work, on each of the two databases."""
    return yard_of()
