"""The databases of these tests, and a door to log in at on each of them."""

from pathlib import Path

import pytest

from guard.store.store import Store
from tests.databases import database_url, postgres_url, sqlite_url, store
from tests.login.doors import Door, open_door

__all__ = ["database_url", "postgres_url", "sqlite_url", "store"]


@pytest.fixture
def door(store: Store, tmp_path: Path) -> Door:
    """Somebody's way in, on SQLite and on Postgres in turn."""
    return open_door(store, tmp_path)
