"""The database as use cases see it: one look, one transaction of the books, or a short transaction without their lock.

Composes the parts of the store; each part reads and writes its own tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from guard.store.access import AccessReads, AccessWrites
from guard.store.books import BooksReader, BooksWriter
from guard.store.carriage import CarriageReads, CarriageWrites
from guard.store.database import Database
from guard.store.schema import require_revision


class Brief(AccessWrites, CarriageWrites):
    """A short transaction: what needs no entry in the log."""

    def __init__(self, db: Connection) -> None:
        self.db = db


class Reading(BooksReader, AccessReads, CarriageReads):
    """One consistent look at everything. The database refuses to write in it."""


class Writing(BooksWriter, AccessWrites, CarriageWrites):
    """One transaction over everything, under the lock of the log's head."""


class Store:
    """The store over one database; threads may share it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One consistent look. Raises `store.unavailable`."""
        with self.database.begin() as connection:
            yield Reading(connection)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """One transaction: committed durably when the block ends, rolled back when it raises.

        There is one writer at a time, over all processes. Raises `store.unavailable`, also where the lock is not to be had in time.
        """
        with self.database.begin(write=True) as connection:
            yield Writing(connection)

    @contextmanager
    def brief(self) -> Iterator[Brief]:
        """A short transaction without the lock of the log's head. It must write neither books nor log."""
        with self.database.begin(write=True) as connection:
            yield Brief(connection)

    def close(self) -> None:
        """Close every idle connection."""
        self.database.close()


def open_store(url: str) -> Store:
    """The store over a database that is durable and at this version's revision.

    Raises `store.url`, `store.unavailable`, `store.not-durable`, or `store.schema`, which `guard db upgrade` cures.
    """
    database = Database(url)
    try:
        with database.begin() as connection:
            require_revision(connection)
    except BaseException:
        database.close()
        raise
    return Store(database)
