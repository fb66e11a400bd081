"""Certificates: enough owner signatures on one SafeTx, with what a signer needs to believe them (TRUST §5).

A certificate is rebuilt before it is believed: the SafeTx follows from the transfer, or from vault and nonce for a cancel, and every
signature in it must recover to the owner under whose name it stands. Whether they are enough is the release chain's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard.core.ids import Address, Digest
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.canonical import compute_sha256
from guard.formats.fields import (
    require_fields,
    take_address,
    take_bytes,
    take_count,
    take_decimal,
    take_list,
    take_text,
)
from guard.statements.signed import SignedStatement, from_json, to_json, transfer_from_json, transfer_to_json
from guard.statements.testimony import Testimony, testimony_from_json
from guard.statements.values import Proposal
from guard.transactions.safe_tx import SafeTx, build_cancel, build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import recover_owner

FORMAT = 1
MOST_SIGNATURES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCertificate:
    """Owner signatures on the SafeTx that carries a transfer at a nonce."""

    transfer: Transfer
    nonce: int
    signatures: Mapping[Address, bytes]

    @property
    def chain_id(self) -> int:
        """The chain of the vault."""
        return self.transfer.chain_id

    @property
    def vault(self) -> Address:
        """The vault's address."""
        return self.transfer.vault

    def build(self) -> SafeTx:
        """The SafeTx that is signed."""
        return build_safe_tx(self.transfer, self.nonce)

    def to_json(self) -> dict[str, Any]:
        """The form on the wire, in the journal and in evidence."""
        return {
            "format": FORMAT,
            "kind": "transfer",
            "nonce": self.nonce,
            "transfer": transfer_to_json(self.transfer),
            "signatures": _signatures_to_json(self.signatures),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCertificate:
    """Owner signatures on the cancel of a nonce, each with its signer's statement of what it has signed there.

    `proposals` are those of the transfers that the statements name, as their initiators signed them; without them the certificate is not
    booked, or a stolen signer could name, and so use up limits with, what nobody ever proposed.
    """

    chain_id: int
    vault: Address
    nonce: int
    signatures: Mapping[Address, bytes]
    statements: tuple[Testimony, ...]
    proposals: tuple[SignedStatement, ...]

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """The transfers that were proposed."""
        return tuple(each.statement.transfer for each in self.proposals if isinstance(each.statement, Proposal))

    def build(self) -> SafeTx:
        """The SafeTx that is signed: the vault to itself, nothing, no data."""
        return build_cancel(self.chain_id, self.vault, self.nonce)

    def to_json(self) -> dict[str, Any]:
        """The form on the wire, in the journal and in evidence."""
        return {
            "format": FORMAT,
            "kind": "cancel",
            "chain_id": str(self.chain_id),
            "vault": self.vault,
            "nonce": self.nonce,
            "signatures": _signatures_to_json(self.signatures),
            "statements": [statement.to_json() for statement in self.statements],
            "proposals": [to_json(each) for each in self.proposals],
        }


Certificate = TransferCertificate | CancelCertificate


def certificate_from_json(value: Any) -> Certificate:
    """Read a certificate strictly. No signature is checked yet: `require_signers` does that."""
    if isinstance(value, dict) and value.get("kind") == "cancel":
        return _cancel_from_json(value)
    said = require_fields(value, ("format", "kind", "nonce", "transfer", "signatures"), what="certificate")
    _require_form(said, "transfer")
    return TransferCertificate(
        transfer=transfer_from_json(said["transfer"]),
        nonce=take_count(said, "nonce"),
        signatures=_signatures_from_json(take_list(said, "signatures")),
    )


def _cancel_from_json(value: Any) -> CancelCertificate:
    names = ("format", "kind", "chain_id", "vault", "nonce", "signatures", "statements", "proposals")
    said = require_fields(value, names, what="certificate")
    _require_form(said, "cancel")
    statements, proposals = take_list(said, "statements"), take_list(said, "proposals")
    if max(len(statements), len(proposals)) > MOST_SIGNATURES:
        raise GuardError("certificate.malformed", "a certificate holds too many statements")
    return CancelCertificate(
        chain_id=take_decimal(said, "chain_id"),
        vault=take_address(said, "vault"),
        nonce=take_count(said, "nonce"),
        signatures=_signatures_from_json(take_list(said, "signatures")),
        statements=tuple(testimony_from_json(statement) for statement in statements),
        proposals=tuple(from_json(each) for each in proposals),
    )


def _require_form(said: Mapping[str, Any], kind: str) -> None:
    if take_count(said, "format") != FORMAT or take_text(said, "kind") != kind:
        raise GuardError("certificate.malformed", "the certificate is of a format or kind that is not known")


def _signatures_to_json(signatures: Mapping[Address, bytes]) -> list[dict[str, str]]:
    return [{"owner": owner, "signature": "0x" + signatures[owner].hex()} for owner in sorted(signatures)]


def _signatures_from_json(entries: list[Any]) -> dict[Address, bytes]:
    if not 0 < len(entries) <= MOST_SIGNATURES:
        raise GuardError("certificate.malformed", "a certificate holds no signatures, or too many")
    found: dict[Address, bytes] = {}
    for entry in entries:
        said = require_fields(entry, ("owner", "signature"), what="signature")
        owner = take_address(said, "owner")
        if owner in found:
            raise GuardError("certificate.malformed", f"owner {owner} stands twice in a certificate")
        found[owner] = take_bytes(said, "signature", length=65)
    return found


def require_signers(certificate: Certificate) -> frozenset[Address]:
    """The owners whose signatures these are, refused if any one is not what it is said to be."""
    digest = compute_safe_tx_hash(certificate.build()).digest
    for owner, signature in certificate.signatures.items():
        if recover_owner(digest, signature) != owner:
            raise GuardError(
                "certificate.signature", f"the signature under {owner} is not that owner's on this transaction"
            )
    return frozenset(certificate.signatures)


def compute_certificate_digest(certificate: Certificate) -> Digest:
    """What a certificate is known by: SHA-256 of its canonical form."""
    return compute_sha256(certificate.to_json())
