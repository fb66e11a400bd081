"""What was said, logged and activated stays, even for somebody who writes SQL by hand."""

import sqlite3

import psycopg
import pytest

from guard.store.database import Database
from guard.store.store import Store
from tests.store.factories import digest_of, found, new_bundle, new_transfer, say
from tests.store.tampering import is_sqlite, read_raw, run_raw

REFUSED = (sqlite3.IntegrityError, psycopg.errors.IntegrityError)
TABLES = ("bundle", "transfer", "statement", "log_entry", "log_head")
OTHER = digest_of("other")


@pytest.fixture
def url(database_url: str) -> str:
    """A database with a bundle, a transfer and three statements in it."""
    store = Store(Database(database_url))
    with store.writing() as books:
        found(books)
        books.add_transfer(new_transfer())
        for _ in range(3):
            say(books)
    store.close()
    return database_url


def read_all(url: str) -> list[list[tuple[object, ...]]]:
    """Every row of the books."""
    return [read_raw(url, f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]


def require_refused(url: str, order: str) -> None:
    """The order fails at a constraint and changes nothing."""
    before = read_all(url)
    with pytest.raises(REFUSED):
        run_raw(url, order)
    assert read_all(url) == before


@pytest.mark.parametrize("table", TABLES)
def test_no_row_of_the_books_is_removed(url: str, table: str) -> None:
    require_refused(url, f"DELETE FROM {table}")


@pytest.mark.parametrize("table", TABLES)
def test_no_table_of_the_books_is_emptied_at_once(postgres_url: str, table: str) -> None:
    store = Store(Database(postgres_url))
    with store.writing() as books:
        found(books)
    store.close()
    before = read_all(postgres_url)
    with pytest.raises(psycopg.errors.IntegrityError):
        run_raw(postgres_url, f"TRUNCATE {table} CASCADE")
    assert read_all(postgres_url) == before


@pytest.mark.parametrize(
    "order",
    [
        "UPDATE statement SET body = '{}'",
        "UPDATE statement SET received_at = received_at + 1 WHERE log_index = 1",
        "UPDATE statement SET person = 'mallory' WHERE log_index = 1",
        "UPDATE log_entry SET body = '{}' WHERE log_index = 1",
        f"UPDATE log_entry SET head = '{OTHER}' WHERE log_index = 2",
        "UPDATE log_entry SET actor = actor",
        "UPDATE bundle SET activated_at = 0",
        f"UPDATE transfer SET id = '{OTHER}', version = version + 1",
        "UPDATE transfer SET body = '{}', version = version + 1",
        "UPDATE transfer SET vault = destination, version = version + 1",
        "UPDATE transfer SET destination = vault, version = version + 1",
        "UPDATE transfer SET initiator = 'mallory', version = version + 1",
        "UPDATE transfer SET chain_id = 2, version = version + 1",
        "UPDATE transfer SET expires_at = expires_at + 1, version = version + 1",
        "UPDATE transfer SET received_at = 0, version = version + 1",
        "UPDATE transfer SET state = 'vetoed'",
        "UPDATE transfer SET state = 'paid', version = version + 1",
        "UPDATE transfer SET version = version - 1",
        "UPDATE log_head SET size = 2",
        "UPDATE log_head SET size = 4",
        f"UPDATE log_head SET head = '{OTHER}'",
        f"UPDATE log_head SET treasury = '{OTHER}'",
        "UPDATE log_head SET treasury = NULL",
        "UPDATE log_head SET one = 2",
    ],
)
def test_no_row_of_the_books_is_changed(url: str, order: str) -> None:
    require_refused(url, order)


def test_another_amount_is_refused(url: str) -> None:
    figures = "printf('%078d', 1)" if is_sqlite(url) else "1"
    require_refused(url, f"UPDATE transfer SET amount_units = {figures}, version = version + 1")


def test_a_transfer_moves_where_its_version_grows(url: str) -> None:
    run_raw(url, "UPDATE transfer SET state = 'vetoed', version = version + 1")
    assert read_raw(url, "SELECT state, version FROM transfer") == [("vetoed", 2)]


@pytest.mark.parametrize("index", [0, 2, 4, 5])
def test_an_entry_anywhere_but_directly_after_the_last_one_is_refused(url: str, index: int) -> None:
    require_refused(url, f"INSERT INTO log_entry VALUES ({index}, 1, 'e', 'a', NULL, '{{}}', '{OTHER}')")


def test_an_entry_moves_the_head_with_it(url: str) -> None:
    run_raw(url, f"INSERT INTO log_entry VALUES (3, 1, 'e', 'a', NULL, '{{}}', '{OTHER}')")
    assert read_raw(url, "SELECT size, head FROM log_head") == [(4, OTHER)]


@pytest.mark.parametrize("one", [1, 2])
def test_there_is_one_head(url: str, one: int) -> None:
    require_refused(url, f"INSERT INTO log_head VALUES ({one}, NULL, 0, '{OTHER}')")


@pytest.mark.parametrize("table", TABLES)
def test_a_row_is_not_replaced(sqlite_url: str, table: str) -> None:
    store = Store(Database(sqlite_url))
    with store.writing() as books:
        found(books)
        books.add_transfer(new_transfer())
        say(books)
    store.close()
    require_refused(sqlite_url, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


@pytest.mark.parametrize(("version", "is_kept"), [(0, False), (1, False), (2, True)])
def test_a_bundle_comes_after_those_before_it(url: str, version: int, is_kept: bool) -> None:
    row = new_bundle(version)
    raw = "x'00'" if is_sqlite(url) else r"'\x00'"
    order = f"INSERT INTO bundle VALUES ({version}, '{digest_of('newer')}', {raw}, {row.activated_at})"
    if is_kept:
        run_raw(url, order)
    else:
        require_refused(url, order)
