"""SQLite: write-ahead log, every commit flushed to the disk, one writer at a time across threads and processes."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from guard.errors import AdapterError

BUSY_MILLISECONDS = 10_000
FULL = 2
"""What `PRAGMA synchronous` answers when each commit is flushed."""

ENGINE: dict[str, Any] = {
    "pool_size": 8,
    "max_overflow": 24,
    "pool_timeout": 10,
    # The sqlite3 module begins no transaction by itself: `begin` does, and says which kind.
    "connect_args": {"isolation_level": None},
}
READING: dict[str, Any] = {"guard_writes": False}
WRITING: dict[str, Any] = {"guard_writes": True}


class Queue:
    """Lets the writers of one process wait for each other here. In SQLite they would ask again and again, and some never in time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=BUSY_MILLISECONDS / 1000):
            raise AdapterError("store.unavailable", "too many wait to write to the database")

    def __exit__(self, *_raised: object) -> None:
        self._lock.release()


def require_file(path: Path, *, create: bool) -> None:
    """Refuse a file that is not there; with `create`, make it, for its owner alone (SQLite's side files get the same mode)."""
    if path.is_file():
        return
    if not create:
        raise AdapterError("store.schema", f"there is no database at {path}")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise AdapterError("store.unavailable", f"the database {path} cannot be made: {error.strerror}") from error


def prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    """Set up a new connection and read back what durability rests on. Raises `store.not-durable`."""
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        mode = cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        cursor.execute("PRAGMA synchronous = FULL")
        # Only macOS knows the difference: without it a commit may end in the disk's cache there.
        cursor.execute("PRAGMA fullfsync = ON")
        cursor.execute("PRAGMA foreign_keys = ON")
        # A row that is replaced counts as deleted, for the triggers too.
        cursor.execute("PRAGMA recursive_triggers = ON")
        cursor.execute("PRAGMA trusted_schema = OFF")
        synchronous = cursor.execute("PRAGMA synchronous").fetchone()[0]
        foreign_keys = cursor.execute("PRAGMA foreign_keys").fetchone()[0]
    finally:
        cursor.close()
    if (mode, synchronous, foreign_keys) != ("wal", FULL, 1):
        connection.close()
        raise AdapterError(
            "store.not-durable", f"SQLite refused its settings: journal {mode}, synchronous {synchronous}"
        )


def begin(connection: Connection) -> None:
    """Begin the kind of transaction that was asked for.

    The lock for writing is taken at once: taken later it could fail after reading, and what was read could be stale by then.
    """
    writes = connection.get_execution_options().get("guard_writes", True)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
