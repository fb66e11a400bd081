"""What a signer says by its journal key (Ed25519): receipts, cancel statements, release statements, pending lists.

Every text that a journal key signs begins with its own name and version, so that none can be taken for another (TRUST §2). The signed
bytes are that name, a line break, and the canonical JSON of the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from guard.core.ids import Digest
from guard.errors import GuardError
from guard.formats.canonical import to_canonical
from guard.formats.fields import require_fields, take_bytes, take_text
from guard.formats.keccak import from_digest, to_digest

RECEIPT = "guard-receipt-v1"
CANCEL = "guard-cancel-v1"
RELEASE = "guard-release-v1"
PENDING = "guard-pending-v1"
ENROLMENT = "guard-signer-v1"

_FIELDS: dict[str, frozenset[str]] = {
    RECEIPT: frozenset({"treasury", "signer", "statement", "kind", "stored_at", "signed"}),
    CANCEL: frozenset({"treasury", "signer", "chain_id", "vault", "nonce", "transfer"}),
    RELEASE: frozenset(
        {
            "treasury",
            "signer",
            "transfer",
            "chain_id",
            "vault",
            "nonce",
            "safe_tx_hash",
            "policy",
            "quorum_since",
            "signed_at",
        }
    ),
    PENDING: frozenset({"treasury", "signer", "at", "policy", "transfers", "freezes", "challenge"}),
    ENROLMENT: frozenset({"treasury", "signer", "owner", "stop_address", "owner_proof"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """A signer's signed word: which text it is, its fields, and the signature over both."""

    text: str
    fields: Mapping[str, Any]
    signature: bytes

    def to_json(self) -> dict[str, Any]:
        """The form on the wire and in files."""
        return {"text": self.text, "fields": dict(self.fields), "signature": "0x" + self.signature.hex()}


def compute_signed_bytes(text: str, fields: Mapping[str, Any]) -> bytes:
    """The exact bytes under the signature."""
    return text.encode("ascii") + b"\n" + to_canonical(dict(fields))


def testify(key: Ed25519PrivateKey, text: str, fields: Mapping[str, Any]) -> Testimony:
    """Sign a text. Its fields must be exactly those of that text."""
    require_fields(dict(fields), _FIELDS[text], what=text)
    return Testimony(text=text, fields=dict(fields), signature=key.sign(compute_signed_bytes(text, fields)))


def testimony_from_json(value: Any) -> Testimony:
    """Read a testimony strictly. Nothing is verified yet."""
    said = require_fields(value, ("text", "fields", "signature"), what="testimony")
    text = take_text(said, "text")
    if text not in _FIELDS:
        raise GuardError("testimony.unknown", f"{text[:40]!r} is not a text that a journal key signs")
    fields = require_fields(said["fields"], _FIELDS[text], what=text)
    return Testimony(text=text, fields=fields, signature=take_bytes(said, "signature", length=64))


def require_testimony(testimony: Testimony, text: str, journal_key: Digest, treasury: Digest) -> Mapping[str, Any]:
    """The fields, once the text is the expected one, of our treasury, and signed by this journal key."""
    if testimony.text != text:
        raise GuardError("testimony.text", f"expected {text}, not {testimony.text}")
    if testimony.fields["treasury"] != treasury:
        raise GuardError("testimony.treasury", f"the {text} is of another treasury")
    try:
        key = Ed25519PublicKey.from_public_bytes(from_digest(journal_key))
        key.verify(testimony.signature, compute_signed_bytes(text, testimony.fields))
    except InvalidSignature:
        raise GuardError("testimony.signature", f"the {text} is not signed by that journal key") from None
    return testimony.fields


def journal_key_of(key: Ed25519PrivateKey) -> Digest:
    """The public journal key as the policy names it."""
    return to_digest(key.public_key().public_bytes_raw())
