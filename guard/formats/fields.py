"""Reading an object field by field: everything named, nothing unknown, each of its type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guard.core.ids import Address, Digest
from guard.errors import GuardError
from guard.formats.canonical import SAFE_INTEGER_END
from guard.formats.keccak import require_address, require_digest

DECIMAL_LENGTH = 78


def require_fields(
    value: Any, names: Iterable[str], *, optional: Iterable[str] = (), what: str = "object"
) -> dict[str, Any]:
    """The object, refused unless it has exactly the named fields (and at most the optional ones)."""
    if not isinstance(value, dict):
        raise GuardError("json.field-type", f"{what} is not an object")
    needed, allowed = set(names), set(optional)
    for name in sorted(needed - value.keys()):
        raise GuardError("json.field-missing", f"{what} has no field {name!r}")
    for name in sorted(value.keys() - needed - allowed):
        raise GuardError("json.field-unknown", f"{what} has a field {name[:60]!r} that is not known")
    return value


def take_text(fields: Mapping[str, Any], name: str) -> str:
    """The field as a text."""
    value = fields[name]
    if not isinstance(value, str):
        raise GuardError("json.field-type", f"{name} is not a text")
    return value


def take_list(fields: Mapping[str, Any], name: str) -> list[Any]:
    """The field as a list."""
    value = fields[name]
    if not isinstance(value, list):
        raise GuardError("json.field-type", f"{name} is not a list")
    return value


def take_bool(fields: Mapping[str, Any], name: str) -> bool:
    """The field as true or false."""
    value = fields[name]
    if not isinstance(value, bool):
        raise GuardError("json.field-type", f"{name} is not true or false")
    return value


def take_count(fields: Mapping[str, Any], name: str, *, least: int = 0, end: int = SAFE_INTEGER_END) -> int:
    """The field as a whole number of at least `least` and below `end`; true is not a number."""
    value = fields[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < end:
        raise GuardError("json.field-type", f"{name} is not a whole number from {least} on")
    return value


def take_decimal(fields: Mapping[str, Any], name: str, *, end: int = 2**256) -> int:
    """The field as a number written as a decimal string without sign, zeros in front or separators."""
    return to_number(take_text(fields, name), name, end=end)


def to_number(text: str, name: str, *, end: int = 2**256) -> int:
    """A decimal string as a number in [0, end)."""
    if not text.isascii() or not text.isdigit() or len(text) > DECIMAL_LENGTH or (text[0] == "0" and text != "0"):
        raise GuardError("json.number", f"{name} is not a plain decimal number")
    value = int(text)
    if value >= end:
        raise GuardError("json.number", f"{name} is too large")
    return value


def take_address(fields: Mapping[str, Any], name: str) -> Address:
    """The field as an address with its checksum."""
    return require_address(take_text(fields, name))


def take_digest(fields: Mapping[str, Any], name: str) -> Digest:
    """The field as 32 bytes in hexadecimal."""
    return require_digest(take_text(fields, name))


def take_bytes(fields: Mapping[str, Any], name: str, *, length: int | None = None) -> bytes:
    """The field as bytes in 0x-prefixed lower-case hexadecimal, of the given length if there is one."""
    text = take_text(fields, name)
    body = text[2:]
    plain = text.startswith("0x") and len(body) % 2 == 0 and all(c in "0123456789abcdef" for c in body)
    if not plain or (length is not None and len(body) != 2 * length):
        raise GuardError(
            "hex.malformed", f"{name} is not {'' if length is None else f'{length} bytes in '}lower-case hexadecimal"
        )
    return bytes.fromhex(body)
