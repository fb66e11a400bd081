"""The kinds of column that tables are made of, each with the CHECK that repeats what the core's values refuse.

Every table module makes its columns here, so that a digest is the same thing everywhere and on both databases.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Text
from sqlmodel import SQLModel

from guard.store.amounts import Units

# Every constraint has a name, since migrations and operators must be able to speak of it.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Whole = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit whole number. SQLite's own INTEGER has 64 bits and, as a primary key, is the row's own number."""

DIGEST_LENGTH = 66
ADDRESS_LENGTH = 42


def digest(name: str, **options: Any) -> Column[str]:
    """32 bytes as 0x and 64 figures."""
    return _text(name, f"length({name}) = {DIGEST_LENGTH}", options)


def address(name: str, **options: Any) -> Column[str]:
    """An account, as 0x and 40 figures."""
    return _text(name, f"length({name}) = {ADDRESS_LENGTH}", options)


def words(name: str, *, longest: int, least: int = 0, **options: Any) -> Column[str]:
    """A text of at least `least` and at most `longest` characters."""
    return _text(name, f"length({name}) BETWEEN {least} AND {longest}", options)


def json(name: str, **options: Any) -> Column[str]:
    """JSON as text in canonical form. Its size is limited where it comes in."""
    return _text(name, f"length({name}) >= 2", options)


def choice(name: str, of: type[Enum] | Iterable[str], **options: Any) -> Column[str]:
    """One of a few words: the values of an enumeration, or the words themselves."""
    values = sorted(str(each.value) if isinstance(each, Enum) else each for each in of)
    quoted = ", ".join(f"'{value}'" for value in values)
    return _text(name, f"{name} IN ({quoted})", options)


def count(name: str, *, least: int = 0, **options: Any) -> Column[int]:
    """A whole number of 64 bits, `least` or more."""
    return Column(name, Whole, *_parts(name, f"{name} >= {least}", options), **_finish(options))


def moment(name: str, **options: Any) -> Column[int]:
    """A time in Unix seconds."""
    return count(name, **options)


def units(name: str, **options: Any) -> Column[int]:
    """An amount in an asset's smallest unit, exact up to 2^256 - 1. Its CHECKs depend on the database (`amounts`)."""
    return Column(name, Units(), **_finish(options))


def octets(name: str, **options: Any) -> Column[bytes]:
    """Bytes."""
    return Column(name, LargeBinary, **_finish(options))


def _text(name: str, rule: str, options: dict[str, Any]) -> Column[str]:
    return Column(name, Text, *_parts(name, rule, options), **_finish(options))


def _parts(name: str, rule: str, options: dict[str, Any]) -> list[Any]:
    """The CHECK and, with `refers="table.column"`, the foreign key. A null passes every CHECK, as SQL has it."""
    parts: list[Any] = [CheckConstraint(rule, name=name)]
    if refers := options.pop("refers", None):
        parts.append(ForeignKey(refers, deferrable=True, initially="DEFERRED"))
    return parts


def _finish(options: dict[str, Any]) -> dict[str, Any]:
    """Nothing is null unless `nullable=True` says so."""
    return {"nullable": False, **options}
