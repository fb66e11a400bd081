"""All tables of the database, and the revision at which they stand."""

from __future__ import annotations

from sqlalchemy import Connection, MetaData, inspect, text
from sqlmodel import SQLModel

from guard.errors import AdapterError
from guard.store import access_tables, carriage_tables, tables

REVISION = "0001"
"""The revision of `migrations/` that makes exactly these tables."""

PARTS = (tables, carriage_tables, access_tables)
METADATA: MetaData = SQLModel.metadata
"""Every table of `PARTS`, each of which adds its own when it is imported."""

for _table in METADATA.tables.values():
    # SQLite keeps a text in a column of numbers unless a table is strict.
    _table.dialect_options["sqlite"]["strict"] = True


def load_revision(connection: Connection) -> str | None:
    """The revision at which a database stands; None where it has no tables of the guard."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def require_revision(connection: Connection) -> None:
    """Refuse a database of an older or newer version. Raises `store.schema`."""
    found = load_revision(connection)
    if found == REVISION:
        return
    stands = "has no tables of the guard" if found is None else f"stands at revision {found}"
    raise AdapterError("store.schema", f"the database {stands}; this version needs revision {REVISION}")
