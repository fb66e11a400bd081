"""The connection to SQLite or Postgres: transactions, durability, and trouble told as trouble.

Nothing of SQLAlchemy's errors leaves this room as an answer: what the database cannot do now is `store.unavailable`, and the
transaction is rolled back whole. A broken constraint stays what it is: our bug.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from guard.errors import AdapterError, GuardError
from guard.store import postgres, sqlite


class Database:
    """One database. Threads and processes may share it: each transaction has a connection of its own."""

    def __init__(self, url: str, *, create: bool = False) -> None:
        """Connects to nothing yet. Raises `store.url`, and `store.schema` for an SQLite file that is not there, unless `create`."""
        self.url = to_database_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            sqlite.require_file(Path(str(self.url.database)), create=create)
        room = sqlite if self.is_sqlite else postgres
        # What a statement carries is nobody's business who reads an error.
        self.engine = create_engine(self.url, hide_parameters=True, **room.ENGINE)
        event.listen(self.engine, "connect", room.prepare_connection)
        if self.is_sqlite:
            event.listen(self.engine, "begin", sqlite.begin)
        self._queue = sqlite.Queue() if self.is_sqlite else nullcontext()
        self._reading: Engine = self.engine.execution_options(**room.READING)
        self._writing: Engine = self.engine.execution_options(**room.WRITING)

    @contextmanager
    def begin(self, *, write: bool = False) -> Iterator[Connection]:
        """A transaction: committed durably when the block ends, rolled back when it raises.

        Without `write` it is one consistent look. Raises `store.unavailable`; if that happens at the commit, nobody knows whether
        it took place, and whoever asks again must find out first. Raises `store.not-durable` when it has to connect.
        """
        try:
            with (
                self._queue if write else nullcontext(),
                (self._writing if write else self._reading).begin() as connection,
            ):
                yield connection
        except PoolTimeoutError as error:
            raise AdapterError("store.unavailable", "all connections to the database are in use") from error
        except DBAPIError as error:
            _tell(error)

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()


def to_database_url(text: str) -> URL:
    """The URL of a database that the guard works with. Its password never stands in an error. Raises `store.url`."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise GuardError("store.url", "the database's URL cannot be read") from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise GuardError("store.url", f"{url.drivername[:40]} is no database that the guard works with")
    if url.drivername == "sqlite" and (url.database in (None, "", ":memory:") or str(url.database).startswith("file:")):
        raise GuardError("store.url", "an SQLite database is a file, as in sqlite:////var/lib/guard/guard.db")
    return url


def is_misfit(error: DBAPIError) -> bool:
    """Whether the database speaks of a statement that does not fit its tables or rules, and not of itself."""
    misfits = isinstance(error, IntegrityError | ProgrammingError)
    # SQLite has one code for a wrong statement and a missing table, and its driver calls both trouble.
    return misfits or getattr(error.orig, "sqlite_errorname", None) == "SQLITE_ERROR"


def _tell(error: DBAPIError) -> NoReturn:
    """Raise trouble of the database as `store.unavailable`; a bug of ours goes on as it is."""
    if is_misfit(error):
        raise error
    cause = error.orig
    reason = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or type(cause).__name__
    raise AdapterError(
        "store.unavailable", "the database did not do what it was asked", details={"reason": str(reason)}
    ) from error
