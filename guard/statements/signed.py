"""A signed statement as a value and as the file that people carry. Whether its signature is good is asked elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from guard.core.facts import Scope
from guard.core.ids import Address, Digest, is_address, is_digest
from guard.core.refusing import require
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.canonical import parse_json
from guard.formats.fields import (
    require_fields,
    take_address,
    take_bytes,
    take_count,
    take_decimal,
    take_digest,
    take_list,
    take_text,
)
from guard.formats.keccak import require_digest
from guard.statements.digests import to_message
from guard.statements.encoder import UINT_ENDS
from guard.statements.structs import SCOPE, TRANSFER, Field, Struct
from guard.statements.values import STATEMENTS, Statement, kind_of, require_plain_transfer

FORMAT = 1
FILE_BYTES = 64 * 1024
"""The most that a statement file may have; the longest statement takes a quarter of it."""
SIGNATURE_BYTES = 8 * 1024
EIP712 = "eip712"
WEBAUTHN = "webauthn"
_CLASSES: Mapping[str, type[Statement]] = {kind_of(cls): cls for cls in STATEMENTS}
_INNER_CLASSES: Mapping[str, type] = {TRANSFER.name: Transfer, SCOPE.name: Scope}


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature with its kind, and the key that it says it is by, which `recover` compares with what it recovers."""

    kind: str
    key: Address
    value: bytes

    def __post_init__(self) -> None:
        require(self.kind in (EIP712, WEBAUTHN), f"signature kind {self.kind[:20]!r} is not known")
        require(is_address(self.key), "key of a signature is not an address")
        require(len(self.value) <= SIGNATURE_BYTES, "signature is too long")


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement, the treasury in whose domain it was signed, and the signature."""

    statement: Statement
    treasury: Digest
    signature: Signature

    def __post_init__(self) -> None:
        require(is_digest(self.treasury), "treasury id of a statement is not 32 bytes in hexadecimal")


def to_json(signed: SignedStatement) -> dict[str, Any]:
    """The content of the statement's file."""
    return {
        "format": FORMAT,
        "kind": kind_of(signed.statement),
        "treasury": signed.treasury,
        "statement": to_message(signed.statement.STRUCT, signed.statement),
        "signature": {
            "kind": signed.signature.kind,
            "key": signed.signature.key,
            "value": "0x" + signed.signature.value.hex(),
        },
    }


def from_json(content: Any) -> SignedStatement:
    """The signed statement of a file's content. Raises `statement.format`, `statement.kind`, and codes of `formats`."""
    fields = require_fields(content, ("format", "kind", "treasury", "statement", "signature"), what="statement file")
    if take_count(fields, "format") != FORMAT:
        raise GuardError("statement.format", f"format {fields['format']} of a statement file is not known")
    cls = _CLASSES.get(take_text(fields, "kind"))
    if cls is None:
        raise GuardError("statement.kind", f"statement kind {fields['kind'][:40]!r} is not known")
    statement = _from_message(cls.STRUCT, cls, fields["statement"])
    return SignedStatement(statement, take_digest(fields, "treasury"), _read_signature(fields["signature"]))


def parse_signed_statement(raw: bytes) -> SignedStatement:
    """The signed statement of a file's bytes. Raises like `from_json`, and `json.*` where they are no strict JSON."""
    return from_json(parse_json(raw, max_bytes=FILE_BYTES))


def transfer_from_json(content: Any) -> Transfer:
    """A transfer under its permanent field names, as it stands inside a statement file."""
    return require_plain_transfer(_from_message(TRANSFER, Transfer, content))


def transfer_to_json(transfer: Transfer) -> dict[str, Any]:
    """The transfer under its permanent field names."""
    return to_message(TRANSFER, transfer)


def _read_signature(content: Any) -> Signature:
    fields = require_fields(content, ("kind", "key", "value"), what="signature")
    return Signature(take_text(fields, "kind"), take_address(fields, "key"), take_bytes(fields, "value"))


def _from_message(struct: Struct, cls: type, content: Any) -> Any:
    fields = require_fields(content, (field.name for field in struct.fields), what=struct.name.lower())
    return cls(**{field.attribute: _read(field, fields) for field in struct.fields})


def _read(field: Field, fields: Mapping[str, Any]) -> Any:
    if field.struct is not None:
        return _from_message(field.struct, _INNER_CLASSES[field.struct.name], fields[field.name])
    if field.words is not None:
        return _read_word(field.name, field.words, take_text(fields, field.name))
    if field.type_name == "uint32":
        return take_count(fields, field.name, end=UINT_ENDS["uint32"])
    if field.type_name in UINT_ENDS:
        return take_decimal(fields, field.name, end=UINT_ENDS[field.type_name])
    return _READERS[field.type_name](fields, field.name)


def _read_word(name: str, words: type[Enum], text: str) -> Enum:
    for word in words:
        if word.value == text:
            return word
    raise GuardError("json.field-type", f"{name} {text[:40]!r} is not a known word")


def _read_digests(fields: Mapping[str, Any], name: str) -> tuple[Digest, ...]:
    entries = take_list(fields, name)
    if not all(isinstance(entry, str) for entry in entries):
        raise GuardError("json.field-type", f"{name} holds something else than texts")
    return tuple(require_digest(entry) for entry in entries)


_READERS = {
    "bytes32": take_digest,
    "address": take_address,
    "string": take_text,
    "bytes32[]": _read_digests,
}
