"""The tables of the books: bundles, transfers, statements, the log, replays. Shapes and constraints only.

The constraints repeat the core's rules, so that a fault above them stops here. That what was said and logged is never changed or
removed, and that the log has no gap, is held by triggers besides (the first migration makes them).
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Table
from sqlmodel import Field, SQLModel

from guard.core.lifecycle import State
from guard.log.chain import EVENT_LENGTH
from guard.store import columns
from guard.store.amounts import units_checks

NAME_LENGTH = 100
REASON_LENGTH = 4000


class BundleTable(SQLModel, table=True):
    """A bundle, byte for byte. The one with the highest version is active."""

    __tablename__ = "bundle"

    version: int = Field(sa_column=columns.count("version", primary_key=True, autoincrement=False))
    digest: str = Field(sa_column=columns.digest("digest", unique=True))
    raw: bytes = Field(sa_column=columns.octets("raw"))
    activated_at: int = Field(sa_column=columns.moment("activated_at"))


class TransferTable(SQLModel, table=True):
    """A transfer, with the parts of its body that are searched for, and where it stands."""

    __tablename__ = "transfer"
    __table_args__ = (
        *units_checks("amount_units"),
        Index("ix_transfer_arrival", "received_at", "id"),
        Index("ix_transfer_vault", "chain_id", "vault", "state"),
        Index("ix_transfer_state", "state"),
        Index("ix_transfer_initiator", "initiator"),
    )

    id: str = Field(sa_column=columns.digest("id", primary_key=True))
    body: str = Field(sa_column=columns.json("body"))
    chain_id: int = Field(sa_column=columns.count("chain_id", least=1))
    vault: str = Field(sa_column=columns.address("vault"))
    asset: str = Field(sa_column=columns.address("asset"))
    destination: str = Field(sa_column=columns.address("destination"))
    amount_units: int = Field(sa_column=columns.units("amount_units"))
    initiator: str = Field(sa_column=columns.words("initiator", least=1, longest=NAME_LENGTH))
    policy: str = Field(sa_column=columns.digest("policy"))
    proposed_at: int = Field(sa_column=columns.moment("proposed_at"))
    expires_at: int = Field(sa_column=columns.moment("expires_at"))
    state: str = Field(sa_column=columns.choice("state", State))
    reason: str = Field(sa_column=columns.words("reason", longest=REASON_LENGTH))
    version: int = Field(sa_column=columns.count("version", least=1))
    received_at: int = Field(sa_column=columns.moment("received_at"))
    moved_at: int = Field(sa_column=columns.moment("moved_at"))


class StatementTable(SQLModel, table=True):
    """A statement, verbatim. It stands in the log, too: `log_index` says where, and no two stand at the same place."""

    __tablename__ = "statement"
    __table_args__ = (
        Index("ix_statement_transfer", "transfer_id", "log_index"),
        Index("ix_statement_kind", "kind", "log_index"),
    )

    person: str = Field(sa_column=columns.words("person", least=1, longest=NAME_LENGTH, primary_key=True))
    digest: str = Field(sa_column=columns.digest("digest", primary_key=True))
    kind: str = Field(sa_column=columns.words("kind", least=1, longest=NAME_LENGTH))
    transfer_id: str | None = Field(sa_column=columns.digest("transfer_id", nullable=True, refers="transfer.id"))
    key: str = Field(sa_column=columns.address("key"))
    body: str = Field(sa_column=columns.json("body"))
    received_at: int = Field(sa_column=columns.moment("received_at"))
    log_index: int = Field(sa_column=columns.count("log_index", unique=True, refers="log_entry.log_index"))


class LogEntryTable(SQLModel, table=True):
    """An entry of the log: its canonical bytes as text, with the chain head after it.

    `transfer_id` refers to nothing, since a refused attempt may name a transfer that was never stored.
    """

    __tablename__ = "log_entry"
    __table_args__ = (Index("ix_log_entry_transfer", "transfer_id", "log_index"),)

    log_index: int = Field(sa_column=columns.count("log_index", primary_key=True, autoincrement=False))
    at: int = Field(sa_column=columns.moment("at"))
    event: str = Field(sa_column=columns.words("event", least=1, longest=EVENT_LENGTH))
    actor: str = Field(sa_column=columns.words("actor", longest=NAME_LENGTH))
    transfer_id: str | None = Field(sa_column=columns.digest("transfer_id", nullable=True))
    body: str = Field(sa_column=columns.json("body"))
    head: str = Field(sa_column=columns.digest("head", unique=True))


class LogHeadTable(SQLModel, table=True):
    """Where the log stands, and whose it is. One row, made with the table: whoever writes the books locks it first."""

    __tablename__ = "log_head"
    __table_args__ = (
        CheckConstraint("one = 1", name="single"),
        CheckConstraint("size = 0 OR treasury IS NOT NULL", name="owned"),
    )

    one: int = Field(sa_column=columns.count("one", primary_key=True, autoincrement=False))
    treasury: str | None = Field(sa_column=columns.digest("treasury", nullable=True))
    size: int = Field(sa_column=columns.count("size"))
    head: str = Field(sa_column=columns.digest("head"))


class ReplayTable(SQLModel, table=True):
    """An answer that was given under an Idempotency-Key."""

    __tablename__ = "replay"

    principal: str = Field(sa_column=columns.words("principal", least=1, longest=200, primary_key=True))
    key: str = Field(sa_column=columns.words("key", least=1, longest=200, primary_key=True))
    fingerprint: str = Field(sa_column=columns.words("fingerprint", least=1, longest=200))
    status: int = Field(sa_column=columns.count("status", least=100))
    body: str = Field(sa_column=columns.json("body"))
    at: int = Field(sa_column=columns.moment("at"))


def table_of(model: type[SQLModel]) -> Table:
    """The table of a model, for statements."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
