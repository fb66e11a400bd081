"""Rows of the database as the values of `guard.ports.books`, and back. Columns and fields have the same names."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import Row

from guard.core.lifecycle import State
from guard.ports.books import BundleRow, LogRow, Replay, StatementRow, TransferRow


def to_transfer(row: Row[Any]) -> TransferRow:
    """A transfer."""
    return TransferRow(**{**row._mapping, "state": State(row.state)})


def to_statement(row: Row[Any]) -> StatementRow:
    """A statement."""
    return StatementRow(**row._mapping)


def to_bundle(row: Row[Any]) -> BundleRow:
    """A bundle. Postgres gives its bytes back as a view of them."""
    return BundleRow(**{**row._mapping, "raw": bytes(row.raw)})


def to_entry(row: Row[Any]) -> LogRow:
    """An entry of the log."""
    return LogRow(**row._mapping)


def to_entry_values(entry: LogRow) -> dict[str, Any]:
    """An entry of the log as its columns take it: `index` is a word of SQL."""
    values = to_values(entry)
    return {"log_index": values.pop("index"), **values}


def to_replay(row: Row[Any]) -> Replay:
    """An answer that is kept."""
    return Replay(**row._mapping)


def to_values(value: Any) -> dict[str, Any]:
    """The fields of a value of a dataclass by name, as columns take them."""
    return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
