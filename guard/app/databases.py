"""The database of the settings, opened. Its password comes from a file and stands in no setting, message or line of the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from guard.cli.settings import Settings
from guard.cli.storing import load_file
from guard.errors import GuardError
from guard.store.database import Database
from guard.store.schema import require_revision
from guard.store.store import Store

MAX_BYTES = 4096


def to_database_url(settings: Settings) -> str:
    """The URL with its password, for the store alone."""
    url, file = settings.require_text("database"), settings.path("database_password_file")
    if file is None:
        return url
    return make_url(url).set(password=load_database_password(file)).render_as_string(hide_password=False)


def load_database_password(path: Path) -> str:
    """The first line. Who may read the file is not looked at: the database server reads the same one, as somebody else."""
    try:
        line = load_file(path, max_bytes=MAX_BYTES).decode("utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        line = ""
    if not line:
        raise GuardError("cli.setting-value", f"{path.name} holds no password in its first line")
    return line


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The store over a database that has this version's tables. Raises `store.schema` where it has not, and `store.unavailable`."""
    store = Store(Database(to_database_url(settings)))
    try:
        require_schema(store)
        yield store
    finally:
        store.close()


def require_schema(store: Store) -> None:
    """Refuse a database that was not brought to this version. Raises `store.schema`, which says how that is done."""
    with store.database.begin() as connection:
        require_revision(connection)
