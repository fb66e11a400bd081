"""The databases of these tests."""

from tests.databases import database_url, postgres_url, sqlite_url, store

__all__ = ["database_url", "postgres_url", "sqlite_url", "store"]
