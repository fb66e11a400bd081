"""JSON Schema of what people send, made from the tables of `statements.structs`, so that the document cannot drift from the reader.

The schemas describe; they check nothing. What is taken is decided by the strict readers of `statements` alone.
"""

from __future__ import annotations

from typing import Any

from guard.core.lifecycle import State
from guard.statements.encoder import UINT_ENDS
from guard.statements.signed import EIP712, FORMAT, SIGNATURE_BYTES, WEBAUTHN
from guard.statements.structs import Field, Struct
from guard.statements.values import STATEMENTS, UNFREEZE_IDS, Statement, kind_of

Schema = dict[str, Any]

DIGEST: Schema = {"type": "string", "pattern": "^0x[0-9a-f]{64}$"}
ADDRESS: Schema = {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$", "description": "with its EIP-55 checksum"}
DECIMAL: Schema = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,77})$"}
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {"type": "integer", "minimum": 0, "description": "Unix seconds"}
STATE: Schema = {"type": "string", "enum": [state.value for state in State]}


def refer(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def to_object(properties: dict[str, Schema], *, closed: bool = False, optional: tuple[str, ...] = ()) -> Schema:
    """An object with these fields; `closed` where a field that is not known is refused."""
    required = [name for name in properties if name not in optional]
    schema: Schema = {"type": "object", "properties": properties, "required": required}
    return {**schema, "additionalProperties": False} if closed else schema


def to_list(entry: Schema) -> Schema:
    """A list of such entries."""
    return {"type": "array", "items": entry}


def to_nullable(schema: Schema) -> Schema:
    """The same or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def name_of(cls: type[Statement]) -> str:
    """The component's name of a signed statement, such as `SignedProposal`."""
    return f"Signed{cls.STRUCT.name}"


def compute_statement_schemas() -> dict[str, Schema]:
    """Every statement's struct and its signed form, and what stands inside them, by component name."""
    structs = {cls.STRUCT.name: cls.STRUCT for cls in STATEMENTS}
    for cls in STATEMENTS:
        structs |= cls.STRUCT.inner
    schemas = {name: _to_schema(struct) for name, struct in structs.items()}
    return {**schemas, "Signature": _signature(), **{name_of(cls): _signed(cls) for cls in STATEMENTS}}


def _to_schema(struct: Struct) -> Schema:
    return to_object({field.name: _of_field(field) for field in struct.fields}, closed=True)


def _of_field(field: Field) -> Schema:
    if field.struct is not None:
        return refer(field.struct.name)
    if field.words is not None:
        return {"type": "string", "enum": [word.value for word in field.words]}
    if field.type_name == "uint32":
        return {"type": "integer", "minimum": 0, "maximum": UINT_ENDS["uint32"] - 1}
    return DECIMAL if field.type_name in UINT_ENDS else _PLAIN[field.type_name]


_PLAIN: dict[str, Schema] = {
    "bytes32": DIGEST,
    "address": ADDRESS,
    "string": TEXT,
    "bytes32[]": {"type": "array", "items": DIGEST, "minItems": 1, "maxItems": UNFREEZE_IDS},
}


def _signature() -> Schema:
    value = {"type": "string", "pattern": "^0x([0-9a-f]{2})*$", "maxLength": 2 + 2 * SIGNATURE_BYTES}
    kinds = {"type": "string", "enum": [EIP712, WEBAUTHN]}
    return to_object({"kind": kinds, "key": ADDRESS, "value": value}, closed=True)


def _signed(cls: type[Statement]) -> Schema:
    return to_object(
        {
            "format": {"type": "integer", "const": FORMAT},
            "kind": {"type": "string", "const": kind_of(cls)},
            "treasury": DIGEST,
            "statement": refer(cls.STRUCT.name),
            "signature": refer("Signature"),
        },
        closed=True,
    )
