"""Amounts in columns, exact up to 2^256 - 1 on both databases, and in their right order.

SQLite turns whole numbers beyond 64 bits into floats, so there they are texts of 78 figures with leading zeros, which sort as numbers do.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Dialect, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from guard.core.ids import UINT256_END, is_count

FIGURES = 78
"""As many as 2^256 - 1 has."""


class Units(TypeDecorator[int]):
    """A whole number from 0 to 2^256 - 1. Never summed by the database: Python adds exactly."""

    impl = Numeric(FIGURES, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """NUMERIC(78) on Postgres, text on SQLite."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric(FIGURES, 0))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | Decimal | None:
        """The number as the database keeps it. Raises `ValueError` for what is no amount."""
        if value is None:
            return None
        if not is_count(value):
            raise ValueError(f"{value!r} is no amount of units")
        return f"{value:0{FIGURES}d}" if dialect.name == "sqlite" else Decimal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """The number as it was given."""
        return None if value is None else int(value)


def units_checks(name: str) -> tuple[CheckConstraint, CheckConstraint]:
    """That a column holds nothing but amounts: one CHECK for each database."""
    return (
        CheckConstraint(f"{name} >= 0 AND {name} < {UINT256_END}", name=name).ddl_if(dialect="postgresql"),
        CheckConstraint(f"length({name}) = {FIGURES} AND {name} NOT GLOB '*[^0-9]*'", name=name).ddl_if(
            dialect="sqlite"
        ),
    )
