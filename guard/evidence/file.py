"""The evidence file: an in-toto Statement v1 with a predicate of our own, as canonical JSON (RFC 8785), byte for byte.

This is the payload in its final form. A DSSE envelope may come round it and changes no byte. One release has exactly
one file: nothing unknown, nothing extra, no line break at the end. Reading proves nothing; `verify` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from guard.bundles.bundle import Bundle, compute_bundle_digest, parse_bundle
from guard.bundles.bundle import to_json as bundle_to_json
from guard.core.ids import Digest
from guard.errors import GuardError
from guard.evidence.record import (
    MOST_STATEMENTS,
    MOST_WORDS,
    Broadcast,
    ReleaseRecord,
    ReleaseWord,
    order_of,
    to_release_word,
)
from guard.formats.canonical import compute_sha256, parse_canonical, to_canonical
from guard.formats.fields import (
    require_fields,
    take_address,
    take_count,
    take_decimal,
    take_digest,
    take_list,
    take_text,
)
from guard.formats.keccak import require_digest, to_digest
from guard.statements.certificates import TransferCertificate, certificate_from_json
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement, from_json, to_json, transfer_from_json, transfer_to_json
from guard.statements.testimony import Testimony, testimony_from_json
from guard.transactions.safe_tx import compute_safe_tx_hash

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:treasury-guard:release:v1"
FORMAT = 1

_TRANSFER, _SAFE_TRANSACTION, _CALL_DATA, _PREDICATE = SUBJECT_NAMES = (
    "transfer",
    "safe-transaction",
    "call-data",
    "predicate",
)
_ALGORITHMS = {_TRANSFER: "keccak256", _SAFE_TRANSACTION: "keccak256", _CALL_DATA: "sha256", _PREDICATE: "sha256"}
_FIELDS = (
    "format",
    "treasury",
    "bundles",
    "transfer",
    "statements",
    "release_statements",
    "certificate",
    "broadcast",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A release as the file tells it, and the digests of the four subjects that the file says it is about."""

    record: ReleaseRecord
    subjects: dict[str, Digest]


def compute_subjects(record: ReleaseRecord) -> dict[str, Digest]:
    """What evidence of this release is about: transfer id, SafeTx hash, call data, and its own predicate.

    The last one is there so that a changed byte is noticed without an envelope. It proves nothing against somebody who
    computes it anew; the signatures do.
    """
    return {
        _TRANSFER: Digest(compute_transfer_id(record.transfer)),
        _SAFE_TRANSACTION: compute_safe_tx_hash(record.safe_tx).digest,
        _CALL_DATA: to_digest(sha256(record.call_data).digest()),
        _PREDICATE: compute_sha256(to_predicate(record)),
    }


def compose_evidence(
    *,
    active: Bundle,
    named: Bundle,
    statements: Iterable[SignedStatement],
    testimonies: Iterable[Testimony],
    certificate: TransferCertificate,
    broadcast: Broadcast | None,
) -> bytes:
    """The file of a release. Copies of one statement or testimony are dropped, and everything is put in its order.

    `active` is the bundle under which the signers released, `named` the one that the transfer names; they may be the
    same. Give it only statements that the signers accepted and testimonies of those whose signatures the certificate
    holds, or it will not verify. Raises `value.invalid` and codes of `effects.*`, `signature.*`, `testimony.*` and `json.*`.
    """
    chosen = {order_of(signed): signed for signed in statements}
    words = {to_canonical(testimony.to_json()): to_release_word(testimony) for testimony in testimonies}
    record = ReleaseRecord(
        treasury=active.policy.treasury,
        active=active,
        named=None if compute_bundle_digest(named) == compute_bundle_digest(active) else named,
        transfer=certificate.transfer,
        statements=tuple(chosen[place] for place in sorted(chosen)),
        words=tuple(sorted(words.values(), key=lambda word: word.signer)),
        certificate=certificate,
        broadcast=broadcast,
    )
    return to_bytes(Evidence(record, compute_subjects(record)))


def to_bytes(evidence: Evidence) -> bytes:
    """The file's bytes. The longest record that can be stays below what `parse_canonical` takes (8 MiB)."""
    return to_canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": name, "digest": {_ALGORITHMS[name]: evidence.subjects[name][2:]}} for name in SUBJECT_NAMES
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": to_predicate(evidence.record),
        }
    )


def to_predicate(record: ReleaseRecord) -> dict[str, Any]:
    """The predicate as an object."""
    return {
        "format": FORMAT,
        "treasury": record.treasury,
        "bundles": {
            "active": bundle_to_json(record.active),
            "named": None if record.named is None else bundle_to_json(record.named),
        },
        "transfer": transfer_to_json(record.transfer),
        "statements": [to_json(signed) for signed in record.statements],
        "release_statements": [word.testimony.to_json() for word in record.words],
        "certificate": record.certificate.to_json(),
        "broadcast": None if record.broadcast is None else _from_broadcast(record.broadcast),
    }


def _from_broadcast(broadcast: Broadcast) -> dict[str, Any]:
    return {
        "chain_id": str(broadcast.chain_id),
        "transaction_hash": broadcast.transaction_hash,
        "block_number": broadcast.block_number,
        "block_hash": broadcast.block_hash,
        "block_at": broadcast.block_at,
        "gas_payer": broadcast.gas_payer,
    }


def parse_evidence(raw: bytes) -> Evidence:
    """Read the file strictly. Raises `evidence.malformed`, whose details name the code that says what is wrong."""
    try:
        evidence = _read_evidence(parse_canonical(raw))
    except GuardError as refused:
        cause = {"cause": refused.code}
        raise GuardError("evidence.malformed", f"not an evidence file: {refused.message}", details=cause) from None
    # Every part may be sound and yet be spelled in a second way, such as owners in another order: one release, one file.
    if to_bytes(evidence) != raw:
        raise GuardError("evidence.malformed", "the evidence is not in its one exact form")
    return evidence


def _read_evidence(content: Any) -> Evidence:
    said = require_fields(content, ("_type", "subject", "predicateType", "predicate"), what="evidence")
    for name, known in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        if take_text(said, name) != known:
            raise GuardError("json.field-type", f"{name} is not {known}")
    return Evidence(_read_record(said["predicate"]), _read_subjects(take_list(said, "subject")))


def _read_subjects(entries: list[Any]) -> dict[str, Digest]:
    if len(entries) != len(SUBJECT_NAMES):
        raise GuardError("json.field-type", f"evidence is about exactly {len(SUBJECT_NAMES)} subjects")
    return {name: _read_subject(entry, name) for name, entry in zip(SUBJECT_NAMES, entries, strict=True)}


def _read_subject(entry: Any, name: str) -> Digest:
    said = require_fields(entry, ("name", "digest"), what="subject")
    if take_text(said, "name") != name:
        raise GuardError("json.field-type", f"the subject in the place of {name} is another one")
    digest = require_fields(said["digest"], (_ALGORITHMS[name],), what=f"digest of {name}")
    return require_digest("0x" + take_text(digest, _ALGORITHMS[name]))


def _read_record(content: Any) -> ReleaseRecord:
    said = require_fields(content, _FIELDS, what="predicate")
    if take_count(said, "format") != FORMAT:
        raise GuardError("json.field-type", f"format {said['format']} of evidence is not known")
    both = require_fields(said["bundles"], ("active", "named"), what="bundles")
    certificate = certificate_from_json(said["certificate"])
    if not isinstance(certificate, TransferCertificate):
        raise GuardError("certificate.malformed", "a release is carried by a transfer certificate, not by a cancel")
    return ReleaseRecord(
        treasury=take_digest(said, "treasury"),
        active=parse_bundle(to_canonical(both["active"])),
        named=None if both["named"] is None else parse_bundle(to_canonical(both["named"])),
        transfer=transfer_from_json(said["transfer"]),
        statements=tuple(from_json(entry) for entry in _take_some(said, "statements", MOST_STATEMENTS)),
        words=_read_words(_take_some(said, "release_statements", MOST_WORDS)),
        certificate=certificate,
        broadcast=None if said["broadcast"] is None else _read_broadcast(said["broadcast"]),
    )


def _read_words(entries: list[Any]) -> tuple[ReleaseWord, ...]:
    return tuple(to_release_word(testimony_from_json(entry)) for entry in entries)


def _take_some(said: dict[str, Any], name: str, most: int) -> list[Any]:
    """The field as a list that is not longer than it may be, looked at before anything in it is read."""
    entries = take_list(said, name)
    if len(entries) > most:
        raise GuardError("json.too-large", f"{name} holds {len(entries)} entries, more than {most}")
    return entries


def _read_broadcast(content: Any) -> Broadcast:
    names = ("chain_id", "transaction_hash", "block_number", "block_hash", "block_at", "gas_payer")
    said = require_fields(content, names, what="broadcast")
    return Broadcast(
        chain_id=take_decimal(said, "chain_id"),
        transaction_hash=take_digest(said, "transaction_hash"),
        block_number=take_count(said, "block_number"),
        block_hash=take_digest(said, "block_hash"),
        block_at=take_count(said, "block_at"),
        gas_payer=take_address(said, "gas_payer"),
    )
