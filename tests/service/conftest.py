"""The databases of these tests, and a house on each of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from guard.store.store import Store
from tests.databases import database_url, postgres_url, sqlite_url, store
from tests.service.house import House

__all__ = ["database_url", "house", "house_of", "postgres_url", "sqlite_url", "store"]


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    """The service over an empty treasury, on each of the two databases."""
    return House(store, tmp_path)


@pytest.fixture
def house_of(store: Store, tmp_path: Path) -> Callable[..., House]:
    """Makes the house with another policy or other limits."""
    return lambda **changes: House(store, tmp_path, **changes)
