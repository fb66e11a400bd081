"""EIP-712's encodeData and hashStruct over the field tables.

Small on purpose, and compared with two other implementations. It must not know which statement it encodes, and it never
fills in a value that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any

from guard.core.ids import is_count
from guard.errors import GuardError
from guard.formats.keccak import from_address, from_digest, keccak256
from guard.statements.structs import Field, Struct

UINT_ENDS = {"uint32": 2**32, "uint64": 2**64, "uint256": 2**256}


def hash_struct(struct: Struct, value: object) -> bytes:
    """EIP-712's hashStruct of a value with these attributes. Raises `value.invalid` for a number out of range."""
    type_hash, encoders = _compile(struct)
    return keccak256(type_hash + b"".join(encode(getattr(value, attribute)) for attribute, encode in encoders))


Encode = Callable[[Any], bytes]


@cache
def _compile(struct: Struct) -> tuple[bytes, tuple[tuple[str, Encode], ...]]:
    return struct.type_hash, tuple((field.attribute, _choose(field)) for field in struct.fields)


def _choose(field: Field) -> Encode:
    struct = field.struct
    if struct is not None:
        return lambda value: hash_struct(struct, value)
    if field.type_name in UINT_ENDS:
        return lambda value: _encode_number(field, value)
    return _ENCODERS[field.type_name]


def _encode_number(field: Field, value: int) -> bytes:
    if not is_count(value, end=UINT_ENDS[field.type_name]):
        raise GuardError("value.invalid", f"{field.name} is not a {field.type_name}")
    return value.to_bytes(32, "big")


def _encode_text(value: str | Enum) -> bytes:
    text = value.value if isinstance(value, Enum) else value
    try:
        return keccak256(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise GuardError("text.characters", "a text holds half of a surrogate pair") from None


def _encode_digests(value: tuple[str, ...]) -> bytes:
    return keccak256(b"".join(from_digest(digest) for digest in value))


_ENCODERS: dict[str, Encode] = {
    "bytes32": from_digest,
    "address": lambda value: from_address(value).rjust(32, b"\0"),
    "string": _encode_text,
    "bytes32[]": _encode_digests,
}
