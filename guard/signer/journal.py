"""A signer's own record: plain SQLite, synchronous=FULL, written before a signature leaves (TRUST §8).

Every change is one transaction that raises the journal's counter; after the commit, and before the answer leaves, the counter on another
volume is written. The rows are read and written by `records`; this module opens, guards and commits.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from guard.core.ids import Address, Digest, SignerId
from guard.errors import AdapterError, GuardError
from guard.signer.counter import FileCounter
from guard.signer.schema import FORMAT, TABLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose journal this is."""

    journal_id: str
    signer: SignerId
    owner: Address
    journal_key: Digest
    treasury: Digest


class Journal:
    """The open journal of one signer. One transaction at a time, whoever asks."""

    def __init__(self, connection: sqlite3.Connection, counter: FileCounter, identity: Identity):
        self._connection = connection
        self._counter = counter
        self._lock = threading.RLock()
        self._written: int | None = None
        self.identity = identity

    @staticmethod
    def create(
        path: Path, counter: FileCounter, *, signer: SignerId, owner: Address, journal_key: Digest, treasury: Digest
    ) -> None:
        """Make a new, empty journal and its counter. Refused where a journal already is."""
        if path.exists():
            raise GuardError("signer.journal-exists", f"{path.name} already exists; a journal is never written over")
        journal_id = secrets.token_hex(16)
        connection = _open(path)
        try:
            connection.executescript(f"BEGIN IMMEDIATE;{TABLES}")
            row = (1, FORMAT, journal_id, signer, owner, journal_key, treasury, 0, 0)
            connection.execute("INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("COMMIT")
        finally:
            connection.close()
        counter.create(journal_id)

    @classmethod
    def load(cls, path: Path, counter: FileCounter) -> Self:
        """Open a journal. Raises `signer.journal-missing`, `signer.journal-foreign`; `require_not_behind` tells the rest."""
        if not path.is_file():
            raise GuardError(
                "signer.journal-missing", f"there is no journal at {path.name}; a key without its journal never signs"
            )
        connection = _open(path)
        try:
            row = connection.execute(
                "SELECT format, journal_id, signer, owner, journal_key, treasury FROM identity"
            ).fetchone()
        except sqlite3.DatabaseError as trouble:
            raise AdapterError("signer.journal-broken", "the journal cannot be read") from trouble
        if row is None or row[0] != FORMAT:
            raise GuardError("signer.journal-foreign", "the journal is of another format")
        identity = Identity(journal_id=row[1], signer=row[2], owner=row[3], journal_key=row[4], treasury=row[5])
        return cls(connection, counter, identity)

    def require_not_behind(self) -> None:
        """Refuse a journal that is behind its counter: it was put back to an earlier state and has forgotten what it signed."""
        own = self.read_counter()
        self._written = self._counter.load(self.identity.journal_id)
        if own < self._written:
            raise GuardError(
                "signer.journal-behind", f"the journal is at {own} and its counter at {self._written}: it was put back"
            )

    def read_counter(self) -> int:
        """How many transactions the journal has committed."""
        with self._lock:
            return int(self._connection.execute("SELECT counter FROM identity").fetchone()[0])

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for reading alone."""
        with self._lock:
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything or nothing, durable together with the counter before this returns."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("UPDATE identity SET counter = counter + 1")
                value = int(self._connection.execute("SELECT counter FROM identity").fetchone()[0])
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._count(value)

    def _count(self, value: int) -> None:
        """Write the counter, refused for good where another process has written it since: a copy of this signer's folder runs beside it.

        The lock is on the key's file, which a copy has anew; the counter on another volume is what both share.
        """
        found = self._counter.load(self.identity.journal_id)
        if self._written not in (None, found):
            raise GuardError(
                "signer.running", "another process has written this journal's counter: one key lives in one signer"
            )
        self._written = None  # Whether the value is there is unknown until the write has returned.
        self._counter.store(self.identity.journal_id, value)
        self._written = value

    def close(self) -> None:
        """Close the journal."""
        with self._lock:
            self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if connection.execute("PRAGMA synchronous").fetchone()[0] != 2:
            raise AdapterError("signer.journal-broken", "the journal does not take synchronous=FULL")
    except sqlite3.DatabaseError as trouble:
        raise AdapterError("signer.journal-broken", "the journal cannot be opened") from trouble
    return connection
