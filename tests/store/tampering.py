"""Changes a database as somebody with its password could: past the guard, and past its triggers where asked."""

import sqlite3
from contextlib import closing

import psycopg

from tests.databases import require_postgres, to_name


def is_sqlite(url: str) -> bool:
    """Which of the two a URL names."""
    return url.startswith("sqlite")


def run_raw(url: str, *orders: str) -> None:
    """Statements in one transaction, over a connection that is not the guard's. Raises the driver's own errors."""
    if is_sqlite(url):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            for order in ("BEGIN", *orders, "COMMIT"):
                connection.execute(order)
        return
    with psycopg.connect(require_postgres().to_address(to_name(url))) as connection:
        for order in orders:
            connection.execute(order.encode())


def read_raw(url: str, order: str) -> list[tuple[object, ...]]:
    """Rows, over a connection that is not the guard's."""
    if is_sqlite(url):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(order).fetchall()
    with psycopg.connect(require_postgres().to_address(to_name(url))) as connection:
        return connection.execute(order.encode()).fetchall()


def tamper(url: str, *orders: str) -> None:
    """The same with every trigger out of the way."""
    if not is_sqlite(url):
        run_raw(url, "SET LOCAL session_replication_role = replica", *orders)
        return
    triggers = read_raw(url, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    run_raw(url, *(f"DROP TRIGGER {name}" for name, _ in triggers), *orders, *(str(sql) for _, sql in triggers))
