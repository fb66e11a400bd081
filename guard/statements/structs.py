"""The EIP-712 structs of all statements as tables of fields. Permanent: whatever changes here is another statement.

Each table is read by the encoder, by the typed data for wallets and by the reader of files, so that these cannot
disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from guard.core.facts import ScopeKind
from guard.core.roster import KeyKind
from guard.core.transfer import Action
from guard.formats.keccak import keccak256


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its permanent name, its EIP-712 type, the attribute that holds it, and its struct or known words."""

    name: str
    type_name: str
    attribute: str
    struct: Struct | None = None
    words: type[Enum] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """One EIP-712 struct. Its type string names the structs inside it after itself, in alphabetical order."""

    name: str
    fields: tuple[Field, ...]

    @property
    def inner(self) -> dict[str, Struct]:
        """The structs inside this one, each once, in alphabetical order."""
        found: dict[str, Struct] = {}
        for field in self.fields:
            if field.struct is not None:
                found |= {field.struct.name: field.struct, **field.struct.inner}
        return dict(sorted(found.items()))

    @property
    def type_string(self) -> str:
        """EIP-712's encodeType."""
        return "".join(_to_own_type(struct) for struct in (self, *self.inner.values()))

    @property
    def type_hash(self) -> bytes:
        """EIP-712's typeHash."""
        return keccak256(self.type_string.encode("ascii"))


def _to_own_type(struct: Struct) -> str:
    return f"{struct.name}({','.join(f'{field.type_name} {field.name}' for field in struct.fields)})"


TRANSFER = Struct(
    "Transfer",
    (
        Field("treasury", "bytes32", "treasury"),
        Field("chainId", "uint256", "chain_id"),
        Field("vault", "address", "vault"),
        Field("action", "string", "action", words=Action),
        Field("asset", "address", "asset"),
        Field("destination", "address", "destination"),
        Field("amount", "uint256", "amount_units"),
        Field("callDataHash", "bytes32", "call_data_hash"),
        Field("purpose", "string", "purpose"),
        Field("initiator", "string", "initiator"),
        Field("policy", "bytes32", "policy"),
        Field("uniqueness", "bytes32", "uniqueness"),
        Field("proposedAt", "uint64", "proposed_at"),
        Field("expiresAt", "uint64", "expires_at"),
        Field("supersedes", "bytes32", "supersedes"),
        Field("again", "bytes32", "again"),
    ),
)
SCOPE = Struct(
    "Scope",
    (
        Field("kind", "string", "kind", words=ScopeKind),
        Field("chainId", "uint256", "chain_id"),
        Field("account", "address", "account"),
        Field("person", "string", "person"),
    ),
)
PROPOSAL = Struct("Proposal", (Field("transfer", "Transfer", "transfer", struct=TRANSFER),))
APPROVAL = Struct(
    "Approval",
    (
        Field("transfer", "Transfer", "transfer", struct=TRANSFER),
        Field("summary", "string", "summary"),
        Field("summaryVersion", "uint32", "summary_version"),
        Field("policy", "bytes32", "policy"),
        Field("roster", "bytes32", "roster"),
        Field("signedAt", "uint64", "signed_at"),
        Field("expiresAt", "uint64", "expires_at"),
    ),
)
REJECTION = Struct(
    "Rejection", (Field("transfer", "Transfer", "transfer", struct=TRANSFER), Field("reason", "string", "reason"))
)
VETO = Struct("Veto", (Field("transfer", "Transfer", "transfer", struct=TRANSFER), Field("reason", "string", "reason")))
FREEZE = Struct(
    "Freeze",
    (
        Field("id", "bytes32", "id"),
        Field("scope", "Scope", "scope", struct=SCOPE),
        Field("reason", "string", "reason"),
        Field("signedAt", "uint64", "signed_at"),
    ),
)
UNFREEZE = Struct(
    "Unfreeze",
    (
        Field("ids", "bytes32[]", "ids"),
        Field("roster", "bytes32", "roster"),
        Field("signedAt", "uint64", "signed_at"),
        Field("expiresAt", "uint64", "expires_at"),
    ),
)
REVOCATION = Struct(
    "Revocation",
    (
        Field("id", "bytes32", "id"),
        Field("person", "string", "person"),
        Field("key", "address", "key"),
        Field("enrolment", "uint64", "enrolment"),
        Field("reason", "string", "reason"),
    ),
)
WATCH = Struct("Watch", (Field("signer", "address", "signer"), Field("at", "uint64", "at")))
ENROLMENT = Struct(
    "Enrolment",
    (
        Field("person", "string", "person"),
        Field("device", "string", "device"),
        Field("kind", "string", "kind", words=KeyKind),
    ),
)

RESERVED_NAMES = frozenset({"PolicyApproval", "SignerReopen"})
"""Names of later statements. No struct here may take one, or an old signature could be read as a new statement."""
