"""What the owner of the server's database can do with a few lines of SQL: take the triggers off, change rows, put rows in.

In the story everything is put back afterwards, so that it can go on. It speaks SQLite, which the demonstration runs on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guard.log.chain import compute_head, from_json, to_bytes

BUSY_SECONDS = 10


@dataclass
class DatabaseOwner:
    """One hand on the database, and how to take back what it did."""

    db: sqlite3.Connection
    _undo: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def drop_triggers(self) -> int:
        """Take off everything that refuses a change, and say how many there were. The log's head still moves on."""
        refusing = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(ABORT%'"
        triggers = self.db.execute(refusing).fetchall()
        for name, sql in triggers:
            self.db.execute(f'DROP TRIGGER "{name}"')
            self._undo.append((sql, ()))
        return len(triggers)

    def read(self, table: str, key: tuple[str, Any]) -> dict[str, Any]:
        """A row."""
        found = self.db.execute(f"SELECT * FROM {table} WHERE {key[0]} = ?", (key[1],))  # noqa: S608 - names of ours
        row = found.fetchone()
        return {column[0]: value for column, value in zip(found.description, row, strict=True)}

    def change(self, table: str, key: tuple[str, Any], columns: Mapping[str, Any]) -> None:
        """Change a row."""
        before = self.read(table, key)
        sql = f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE {key[0]} = ?"  # noqa: S608
        self.db.execute(sql, (*columns.values(), key[1]))
        self._undo.append((sql, (*(before[name] for name in columns), key[1])))

    def insert(self, table: str, columns: Mapping[str, Any]) -> None:
        """Put a row in."""
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        made = self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))  # noqa: S608
        self._undo.append((f"DELETE FROM {table} WHERE rowid = ?", (made.lastrowid,)))  # noqa: S608

    def call_worker(self, transfer_id: str) -> None:
        """Make the worker look at a transfer at once."""
        self.db.execute("UPDATE errand SET due_at = 0 WHERE transfer_id = ?", (transfer_id,))

    def change_entry(self, index: int, old: str, new: str) -> None:
        """Let an entry of the log say something else, and nothing more."""
        body = self.read("log_entry", ("log_index", index))["body"]
        self.change("log_entry", ("log_index", index), {"body": body.replace(old, new)})

    def link_again(self, start: int) -> None:
        """Compute every head from an entry on anew, so that the chain is whole again."""
        rows = self.db.execute("SELECT log_index, body FROM log_entry WHERE log_index >= ? ORDER BY 1", (start,))
        previous: str | None = None
        for index, body in rows.fetchall():
            said = json.loads(body)
            entry = from_json({**said, "previous": previous or said["previous"]})
            previous = compute_head(entry)
            self.change("log_entry", ("log_index", index), {"body": to_bytes(entry).decode("utf-8"), "head": previous})
        self.change("log_head", ("one", 1), {"head": previous})

    def put_back(self) -> None:
        """Everything as it was, the last first."""
        with self.transaction():
            while self._undo:
                sql, values = self._undo.pop()
                self.db.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several changes at once."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")


@contextmanager
def owning(database: Path) -> Iterator[DatabaseOwner]:
    """Own a database for a while; afterwards it is as it was."""
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as db:
        owner = DatabaseOwner(db)
        try:
            yield owner
        finally:
            owner.put_back()
