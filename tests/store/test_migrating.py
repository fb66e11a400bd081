"""Migrations on both databases: they make exactly the tables that the code speaks of, and go down and up with rows in place."""

import re
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from guard.errors import AdapterError
from guard.store import migrating
from guard.store.auditing import require_whole_log
from guard.store.database import Database
from guard.store.schema import METADATA, REVISION
from guard.store.store import Store, open_store
from tests.databases import new_postgres_database, require_postgres, to_name
from tests.store.factories import found, new_transfer, say
from tests.store.tampering import is_sqlite, read_raw, run_raw
from tests.store.writer_main import write


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, on each of the two."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'guard.db'}"
        return
    url = new_postgres_database("template0")
    yield url
    require_postgres().run(f"DROP DATABASE {to_name(url)} WITH (FORCE)")


def fill(url: str) -> None:
    """Rows in the books."""
    store = open_store(url)
    with store.writing() as books:
        found(books)
        books.add_transfer(new_transfer())
        say(books)
    write(store, "more", 3)
    store.close()


def list_schema(url: str) -> set[tuple[object, ...]]:
    """Everything that was made in a database, by kind, name and definition."""
    if is_sqlite(url):
        made = read_raw(url, "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    else:
        made = read_raw(
            url,
            """
            SELECT 'column', table_name::text || '.' || column_name::text, data_type::text || is_nullable::text
                || coalesce(column_default::text, '') FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
                FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT 'trigger', tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'function', proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            """,
        )
    return {row for row in made if "alembic_version" not in str(row[1])}


def test_a_database_is_brought_up_and_checked(empty_url: str) -> None:
    assert migrating.upgrade(empty_url) == REVISION
    assert migrating.current(empty_url) == migrating.check(empty_url) == REVISION
    fill(empty_url)


def test_bringing_up_twice_changes_nothing(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    fill(empty_url)
    before = list_schema(empty_url)
    assert migrating.upgrade(empty_url) == REVISION
    assert list_schema(empty_url) == before
    with closing(Database(empty_url)) as database, Store(database).reading() as books:
        assert require_whole_log(books).size == 4


def test_with_rows_in_place_it_goes_down_to_nothing_and_up_again(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    before = list_schema(empty_url)
    fill(empty_url)
    migrating.downgrade(empty_url, "base")
    assert list_schema(empty_url) == set()
    assert migrating.current(empty_url) is None
    migrating.upgrade(empty_url)
    assert list_schema(empty_url) == before
    migrating.check(empty_url)
    fill(empty_url)


def test_a_database_without_tables_is_refused(empty_url: str) -> None:
    Database(empty_url, create=True).close()
    for refuse in (open_store, migrating.check):
        with pytest.raises(AdapterError, match="no tables") as refused:
            refuse(empty_url)
        assert refused.value.code == "store.schema"
        assert "guard db upgrade" in str(refused.value.to_json()["next"])


def test_a_database_of_another_version_is_refused(database_url: str) -> None:
    run_raw(database_url, "UPDATE alembic_version SET version_num = '9999'")
    try:
        for refuse in (open_store, migrating.check, migrating.upgrade):
            with pytest.raises(AdapterError) as refused:
                refuse(database_url)
            assert refused.value.code == "store.schema"
    finally:
        run_raw(database_url, f"UPDATE alembic_version SET version_num = '{REVISION}'")


def test_a_revision_that_is_not_known_is_refused(database_url: str) -> None:
    with pytest.raises(AdapterError) as refused:
        migrating.downgrade(database_url, "0000")
    assert refused.value.code == "store.schema"


def test_a_table_that_was_changed_by_hand_is_noticed(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    run_raw(empty_url, "ALTER TABLE replay ADD COLUMN more TEXT")
    with pytest.raises(AdapterError) as refused:
        migrating.check(empty_url)
    assert refused.value.code == "store.schema"


def test_what_fails_halfway_leaves_nothing_made(empty_url: str) -> None:
    Database(empty_url, create=True).close()
    run_raw(empty_url, "CREATE TABLE statement (a INTEGER)")
    before = list_schema(empty_url)
    with pytest.raises(AdapterError) as refused:
        migrating.upgrade(empty_url)
    assert refused.value.code == "store.schema"
    assert list_schema(empty_url) == before


def test_the_code_asks_for_the_newest_revision() -> None:
    scripts = ScriptDirectory(str(migrating.find_scripts()))
    assert scripts.get_heads() == [REVISION]


@pytest.mark.parametrize("name", ["postgresql", "sqlite"])
def test_the_first_revision_makes_the_tables_of_the_code(name: str) -> None:
    """Word for word, with every CHECK, which Alembic's own comparison leaves out."""
    dialect = make_url(f"{name}://").get_dialect()()
    tables = METADATA.sorted_tables
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in tables]
    made += [str(CreateIndex(index).compile(dialect=dialect)) for table in tables for index in table.indexes]
    file = migrating.find_scripts() / "versions" / REVISION / f"{name}_tables.sql"
    written = [each for each in file.read_text().split(";\n") if not each.strip().startswith("INSERT INTO log_head")]
    assert {_to_plain(each) for each in written} - {""} == {_to_plain(each) for each in made}


def _to_plain(order: str) -> str:
    return re.sub(r"\s+", " ", order).strip()


def test_migrating_needs_no_writing_outside_of_the_database(empty_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    migrating.upgrade(empty_url)
    migrating.check(empty_url)
    assert capsys.readouterr().out == ""
    assert "alembic" in sys.modules
