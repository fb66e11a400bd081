"""Transactions, durability, and trouble that is told as trouble."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from guard.errors import AdapterError, GuardError
from guard.store.database import Database, to_database_url
from guard.store.store import Store, open_store
from tests.databases import new_postgres_database, require_postgres, to_name
from tests.store.factories import NOW, found, new_replay, new_transfer
from tests.store.tampering import run_raw


def read_one(connection: Connection, order: str) -> Any:
    """The one value that an order gives."""
    return connection.execute(text(order)).scalar_one()


@pytest.mark.parametrize("write", [False, True])
def test_every_commit_to_sqlite_is_flushed(sqlite_url: str, write: bool) -> None:
    with closing(Database(sqlite_url)) as database:
        for _ in range(2):
            with database.begin(write=write) as connection:
                assert read_one(connection, "PRAGMA journal_mode") == "wal"
                assert read_one(connection, "PRAGMA synchronous") == 2
                assert read_one(connection, "PRAGMA fullfsync") == 1
                assert read_one(connection, "PRAGMA foreign_keys") == 1
                assert read_one(connection, "PRAGMA busy_timeout") == 10_000
                assert read_one(connection, "PRAGMA query_only") == int(not write)


@pytest.mark.parametrize("write", [False, True])
def test_every_commit_to_postgres_is_flushed(postgres_url: str, write: bool) -> None:
    with closing(Database(postgres_url)) as database:
        for _ in range(2):
            with database.begin(write=write) as connection:
                assert read_one(connection, "SHOW fsync") == "on"
                assert read_one(connection, "SHOW synchronous_commit") == "on"
                isolation = "read committed" if write else "repeatable read"
                assert read_one(connection, "SHOW transaction_isolation") == isolation
                assert read_one(connection, "SHOW transaction_read_only") == ("off" if write else "on")
                assert read_one(connection, "SHOW lock_timeout") == "10s"
                assert read_one(connection, "SHOW statement_timeout") == "30s"
                assert read_one(connection, "SHOW idle_in_transaction_session_timeout") == "30s"


@pytest.fixture
def own_url() -> Iterator[str]:
    """A Postgres database whose settings a test may change."""
    url = new_postgres_database()
    yield url
    require_postgres().run(f"DROP DATABASE {to_name(url)} WITH (FORCE)")


def require_not_durable(url: str, named: str) -> None:
    """Nothing can be done with the database, and the error names the setting."""
    with pytest.raises(AdapterError, match=named) as refused:
        open_store(url)
    assert refused.value.code == "store.not-durable"


@pytest.mark.parametrize("setting", ["off", "local", "remote_write"])
def test_a_postgres_that_answers_before_it_has_written_is_refused(own_url: str, setting: str) -> None:
    require_postgres().run(f"ALTER DATABASE {to_name(own_url)} SET synchronous_commit = {setting}")
    require_not_durable(own_url, f"synchronous_commit {setting}")


@pytest.mark.parametrize("setting", ["on", "remote_apply"])
def test_a_postgres_that_writes_first_is_accepted(own_url: str, setting: str) -> None:
    require_postgres().run(f"ALTER DATABASE {to_name(own_url)} SET synchronous_commit = {setting}")
    open_store(own_url).close()


def test_a_role_for_which_commits_are_not_flushed_is_refused(own_url: str) -> None:
    require_postgres().run("CREATE ROLE hasty LOGIN SUPERUSER")
    try:
        require_postgres().run("ALTER ROLE hasty SET synchronous_commit = off")
        require_not_durable(own_url.replace("guard@", "hasty@"), "synchronous_commit off")
    finally:
        require_postgres().run("DROP ROLE hasty")


def test_a_postgres_without_fsync_is_refused(own_url: str) -> None:
    with _server_setting("fsync", "off"):
        require_not_durable(own_url, "fsync off")
    open_store(own_url).close()


@contextmanager
def _server_setting(name: str, value: str) -> Iterator[None]:
    before = _show(name)
    require_postgres().run(f"ALTER SYSTEM SET {name} = {value}")
    try:
        _reload_until(name, value)
        yield
    finally:
        require_postgres().run(f"ALTER SYSTEM RESET {name}")
        _reload_until(name, before)


def _show(name: str) -> str:
    with psycopg.connect(require_postgres().to_address("postgres")) as connection:
        row = connection.execute(f"SHOW {name}".encode()).fetchone()
        assert row is not None
        return str(row[0])


def _reload_until(name: str, value: str) -> None:
    require_postgres().run("SELECT pg_reload_conf()")
    while _show(name) != value:
        pass


def test_the_setting_is_asked_for_again_by_every_new_connection(own_url: str) -> None:
    store = open_store(own_url)
    require_postgres().run(f"ALTER DATABASE {to_name(own_url)} SET synchronous_commit = off")
    store.close()
    with pytest.raises(AdapterError) as refused, store.writing():
        pass
    assert refused.value.code == "store.not-durable"
    store.close()


def test_a_look_cannot_write(store: Store) -> None:
    with pytest.raises(AdapterError) as refused, store.reading() as books:
        books.db.execute(text("UPDATE log_head SET size = 0"))
    assert refused.value.code == "store.unavailable"
    with store.writing() as books:
        found(books)


def test_a_broken_constraint_is_our_bug_and_no_trouble(store: Store) -> None:
    with pytest.raises(IntegrityError), store.writing() as books:
        books.db.execute(text("UPDATE log_head SET size = -1"))


def test_an_error_does_not_tell_what_a_statement_carried(store: Store) -> None:
    with pytest.raises(IntegrityError) as broken, store.writing() as books:
        books.keep_replay(new_replay(body="1"))
    assert "ck_replay_body" in str(broken.value)
    assert "key-1" not in str(broken.value).partition("DETAIL")[0]


def test_what_a_block_raises_goes_through_as_it_is(store: Store) -> None:
    refusal = GuardError("lifecycle.move", "no")
    with pytest.raises(GuardError) as refused, store.writing():
        raise refusal
    assert refused.value is refusal


@contextmanager
def _other_writer(store: Store) -> Iterator[None]:
    """Somebody else holds the lock of the log's head meanwhile."""
    with store.writing():
        yield


def _wait_shortly(store: Store) -> None:
    """Let the store's only idle connection give up soon."""
    is_sqlite = store.database.is_sqlite
    order = "PRAGMA busy_timeout = 20" if is_sqlite else "SET SESSION lock_timeout = '20ms'"
    with store.database.begin() as connection:
        connection.execute(text(order))


def test_a_writer_that_waits_too_long_for_its_turn_is_told_so_and_nothing_is_written(
    store: Store, database_url: str
) -> None:
    other = Store(Database(database_url))
    _wait_shortly(store)
    with _other_writer(other), pytest.raises(AdapterError) as refused, store.writing() as books:
        found(books)
    other.close()
    assert refused.value.code == "store.unavailable"
    assert refused.value.details["reason"] in ("SQLITE_BUSY", "55P03")
    with store.writing() as books:
        found(books)


def test_a_deadlock_costs_one_of_the_two_its_transaction_and_nothing_else(postgres_url: str) -> None:
    store = Store(Database(postgres_url))
    with store.writing() as books:
        found(books)
        for name in ("one", "two"):
            books.add_transfer(new_transfer(name))
            books.make_due(new_transfer(name).id, at=NOW)
    both_hold = threading.Barrier(2)
    ended: list[str] = []

    def lock_both(first: str, second: str) -> None:
        try:
            with store.brief() as brief:
                for name in (first, second):
                    order = text("UPDATE errand SET attempts = attempts + 1 WHERE transfer_id = :id")
                    brief.db.execute(order, {"id": new_transfer(name).id})
                    if name == first:
                        both_hold.wait(10)
            ended.append("committed")
        except AdapterError as error:
            ended.append(f"{error.code} {error.details['reason']}")

    threads = [threading.Thread(target=lock_both, args=names) for names in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["committed", "store.unavailable 40P01"]
    with store.reading() as look:
        assert look.db.execute(text("SELECT attempts FROM errand")).scalars().all() == [1, 1]
    store.close()


def test_a_connection_that_is_cut_costs_one_transaction_and_nothing_of_it_stays(postgres_url: str) -> None:
    store = Store(Database(postgres_url))
    with pytest.raises(AdapterError) as refused, store.writing() as books:
        found(books)
        pid = read_one(books.db, "SELECT pg_backend_pid()")
        run_raw(postgres_url, f"SELECT pg_terminate_backend({pid}, 5000)")
    assert refused.value.code == "store.unavailable"
    with store.writing() as books:
        assert books.load_treasury() is None
        found(books)
    store.close()


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(AdapterError) as refused:
        open_store(f"postgresql+psycopg://guard:secret@/guard?host={tmp_path}")
    assert refused.value.code == "store.unavailable"
    assert "secret" not in str(refused.value)


def test_threads_that_outnumber_the_connections_wait_for_their_turn(store: Store) -> None:
    with store.writing() as books:
        found(books)

    def log() -> None:
        with store.writing() as books:
            books.append("e", actor="a", at=NOW, body={})

    threads = [threading.Thread(target=log) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as look:
        assert look.load_head().size == 20


def test_a_file_that_is_not_there_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(AdapterError) as refused:
        open_store(f"sqlite:///{tmp_path / 'guard.db'}")
    assert refused.value.code == "store.schema"
    assert not (tmp_path / "guard.db").exists()


def test_a_file_in_a_folder_that_is_not_there_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(AdapterError) as refused:
        Database(f"sqlite:///{tmp_path / 'nowhere' / 'guard.db'}", create=True)
    assert refused.value.code == "store.unavailable"


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "guard.db"
    file.write_bytes(b"not a database, " * 100)
    with pytest.raises(AdapterError) as refused:
        open_store(f"sqlite:///{file}")
    assert refused.value.code == "store.unavailable"
    assert refused.value.details["reason"] == "SQLITE_NOTADB"


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'guard.db'}", create=True)
    with database.begin(write=True) as connection:
        connection.execute(text("CREATE TABLE t (a)"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    database.close()
    assert modes == {"guard.db": 0o600, "guard.db-wal": 0o600, "guard.db-shm": 0o600}


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_postgres_is_spoken_to_by_one_driver(url: str) -> None:
    assert to_database_url(url).drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "guard.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:guard.db?mode=memory&uri=true",
        "sqlite+aiosqlite:///guard.db",
        "postgresql+asyncpg://u:secret@h/d",
        "mysql://u:secret@h/d",
        "postgresql://u:secret@h:port/d",
    ],
)
def test_what_names_no_database_of_the_guards_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(GuardError) as refused:
        to_database_url(url)
    assert refused.value.code == "store.url"
    assert "secret" not in str(refused.value)
