"""A treasury behind the API on each database, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.store.database import Database
from guard.store.store import Store
from tests.databases import database_url, postgres_url, sqlite_url, store
from tests.web.asking import Asker
from tests.web.treasury import ServedTreasury

__all__ = ["asker", "database_url", "light", "light_asker", "postgres_url", "served", "sqlite_url", "store"]


@pytest.fixture
def served(store: Store, tmp_path: Path) -> ServedTreasury:
    """The treasury on each of the two databases."""
    return ServedTreasury(store, tmp_path / "people")


@pytest.fixture
def asker(served: ServedTreasury) -> Iterator[Asker]:
    """A client of it."""
    with served.asker() as asker:
        yield asker


@pytest.fixture
def light(sqlite_url: str, tmp_path: Path) -> Iterator[ServedTreasury]:
    """The treasury on SQLite alone, where the database makes no difference."""
    opened = Store(Database(sqlite_url))
    yield ServedTreasury(opened, tmp_path / "people")
    opened.close()


@pytest.fixture
def light_asker(light: ServedTreasury) -> Iterator[Asker]:
    """A client of it."""
    with light.asker() as asker:
        yield asker
