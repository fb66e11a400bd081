"""Ids and EIP-712 digests of statements, and the typed data that wallets are given to make the same digest (TRUST
§2).

The domain is the treasury: a statement of one treasury is worth nothing in another. Chain and vault are inside the
transfer.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any

from guard.core.ids import Digest, TransferId
from guard.core.transfer import Transfer
from guard.formats.keccak import from_digest, keccak256, require_digest, to_digest
from guard.statements.encoder import hash_struct
from guard.statements.structs import TRANSFER, Field, Struct
from guard.statements.values import Statement

DOMAIN_NAME = "Treasury Guard"
DOMAIN_VERSION = "1"
DOMAIN_TYPE = "EIP712Domain(string name,string version,bytes32 salt)"
_DOMAIN_FIELDS = (("name", "string"), ("version", "string"), ("salt", "bytes32"))


def compute_transfer_id(transfer: Transfer) -> TransferId:
    """The transfer's id: its EIP-712 struct hash, which its treasury, chain and vault are part of."""
    return TransferId(to_digest(hash_struct(TRANSFER, transfer)))


def compute_digest(statement: Statement, treasury: Digest) -> Digest:
    """What a person's key signs: the EIP-712 digest of the statement in the treasury's domain."""
    return to_digest(keccak256(b"\x19\x01" + compute_domain(treasury) + hash_struct(statement.STRUCT, statement)))


@lru_cache(maxsize=64)
def compute_domain(treasury: Digest) -> bytes:
    """EIP-712's domain separator of a treasury. Raises `hex.malformed` where the id is not 32 bytes."""
    words = [DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION]
    hashes = [keccak256(word.encode("ascii")) for word in words]
    return keccak256(b"".join(hashes) + from_digest(require_digest(treasury)))


def to_typed_data(statement: Statement, treasury: Digest) -> dict[str, Any]:
    """The EIP-712 JSON for `eth_signTypedData_v4`, domain type included, since wallets differ in what they add."""
    struct = statement.STRUCT
    types: dict[str, Any] = {"EIP712Domain": [{"name": name, "type": type_name} for name, type_name in _DOMAIN_FIELDS]}
    for each in (struct, *struct.inner.values()):
        types[each.name] = [{"name": field.name, "type": field.type_name} for field in each.fields]
    return {
        "types": types,
        "primaryType": struct.name,
        "domain": {"name": DOMAIN_NAME, "version": DOMAIN_VERSION, "salt": require_digest(treasury)},
        "message": to_message(struct, statement),
    }


def to_message(struct: Struct, value: object) -> dict[str, Any]:
    """A struct's fields under their permanent names; numbers above 32 bits as text, since JSON readers round them."""
    return {field.name: _to_plain(field, getattr(value, field.attribute)) for field in struct.fields}


def _to_plain(field: Field, value: Any) -> Any:
    if field.struct is not None:
        return to_message(field.struct, value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    return str(value) if field.type_name in ("uint64", "uint256") else value
