"""Cancels and certificates at the signer: they need no clock, no endpoint and no reason (TRUST §5, §7)."""

from __future__ import annotations

import sqlite3
from typing import Any

from guard.core.decide import compute_decision
from guard.core.ids import Address, TransferId, is_digest
from guard.core.policy import Policy, Vault
from guard.errors import GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.signer import records
from guard.signer.memory import Memory, compute_policies, load_editions, load_facts, load_known, load_memory, to_body
from guard.signer.records import CertificateRow, VaultAt
from guard.signer.release_chain import compute_cancel_statement, find_cancel_refusal
from guard.signer.signer import Signer
from guard.statements.certificates import (
    CancelCertificate,
    Certificate,
    TransferCertificate,
    compute_certificate_digest,
    require_signers,
)
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.statements.signing import recover
from guard.statements.testimony import CANCEL, Testimony, require_testimony
from guard.statements.values import Proposal
from guard.transactions.safe_tx import build_cancel, compute_safe_tx_hash
from guard.transactions.signatures import sign_hash


def sign_cancel(signer: Signer, at: VaultAt, nonce: int) -> dict[str, Any]:
    """Sign the cancel of a nonce, and state by journal key which transfer was signed there, or none; that is final."""
    with signer.journal.writing() as db:
        memory = load_memory(db, signer.owner)
        book = memory.books.get(at)
        if book is None:
            raise GuardError("decision.vault-unknown", f"no vault {at.address} on chain {at.chain_id}")
        refusal = find_cancel_refusal(signer.verifier.chain, book, nonce)
        if refusal is not None:
            raise GuardError(refusal.code, refusal.message)
        named = compute_cancel_statement(book, nonce)
        if not book.page(nonce).is_cancelled:
            records.add_cancel(db, at, nonce, named, signer.clock.read().wall)
    digest = compute_safe_tx_hash(build_cancel(at.chain_id, at.address, nonce)).digest
    return {
        "nonce": nonce,
        "owner": signer.owner,
        "safe_tx_hash": digest,
        "signature": "0x" + sign_hash(signer.keys.vault, digest).hex(),
        "statement": signer.testify(CANCEL, chain_id=str(at.chain_id), vault=at.address, nonce=nonce, transfer=named),
    }


STOPPED = frozenset({"decision.vetoed", "decision.withdrawn", "decision.rejected"})
"""Why a transfer can never be released any more. One approver's rejection alone is none of these: it bars that person's seat."""


def cancel_stopped(signer: Signer, transfer_id: TransferId) -> dict[str, Any]:
    """The cancel that anybody may ask for once the transfer is stopped here for good: the stored stops are the authority.

    It may out-run the transfer's own certificate while that is not final (TRUST §10), and no other transfer's.
    """
    with signer.journal.reading() as db:
        memory = load_memory(db, signer.owner)
        if not _is_stopped(signer, db, memory, transfer_id):
            raise GuardError("signer.not-stopped", "that transfer is not known here or not stopped for good")
        for at, book in memory.books.items():
            for nonce in book.nonces_signing(transfer_id):
                page = book.page(nonce)
                if page.seen_final_at is None and not page.certified - {transfer_id}:
                    return sign_cancel(signer, at, nonce)
    raise GuardError(
        "signer.nothing-to-cancel", "this signer has signed nothing of that transfer that could be cancelled"
    )


def _is_stopped(signer: Signer, db: sqlite3.Connection, memory: Memory, transfer_id: TransferId) -> bool:
    transfer = load_known(db, [transfer_id]).get(transfer_id)
    if transfer is None:
        return False
    facts = load_facts(db, signer.verifier.chain, memory, transfer_id, signer.clock.read().wall)
    decision = compute_decision(signer.verifier.decision, transfer, compute_policies(memory, transfer), facts)
    return any(reason.code in STOPPED for reason in decision.reasons)


def book_certificate(signer: Signer, certificate: Certificate) -> bool:
    """Believe a certificate after rebuilding and checking all of it, and record it. Tells whether it was new."""
    signed_by = require_signers(certificate)
    at = VaultAt(certificate.chain_id, certificate.vault)
    with signer.journal.writing() as db:
        memory = load_memory(db, signer.owner)
        policy = memory.active.policy
        vault = policy.vault_at(at.chain_id, at.address)
        if vault is None:
            raise GuardError("decision.vault-unknown", f"no vault {at.address} on chain {at.chain_id}")
        if isinstance(certificate, TransferCertificate):
            names = _require_transfer(signer, policy, vault, certificate, signed_by)
        else:
            names = _require_cancel(signer, policy, vault, certificate, signed_by)
        now = signer.clock.read().wall
        for transfer_id, transfer in names.items():
            records.add_transfer(db, transfer_id, to_body(transfer), now)
        row = CertificateRow(
            nonce=certificate.nonce,
            digest=compute_certificate_digest(certificate),
            kind="transfer" if isinstance(certificate, TransferCertificate) else "cancel",
            transfer_ids=tuple(sorted(names)),
            body=to_canonical(certificate.to_json()),
            learnt_at=now,
        )
        return records.add_certificate(db, at, row)


def _owners_at(policy: Policy, vault: Vault, nonce: int) -> tuple[dict[Address, str], int]:
    entry = vault.owners_at(nonce)
    if entry is None:
        raise GuardError("chain.cancel-before-first", f"nonce {nonce} lies before the first one of the policy")
    signers = [policy.signer(each) for each in entry.signers]
    return {signer.owner: signer.id for signer in signers if signer is not None}, entry.threshold


def _require_transfer(
    signer: Signer, policy: Policy, vault: Vault, certificate: TransferCertificate, signed_by: frozenset[Address]
) -> dict[TransferId, Any]:
    owners, threshold = _owners_at(policy, vault, certificate.nonce)
    if certificate.transfer.treasury != policy.treasury:
        raise GuardError("certificate.treasury", "the certificate carries a transfer of another treasury")
    if not signer.verifier.chain.is_transfer_certificate(owners.keys(), threshold, signed_by):
        raise GuardError("certificate.too-few", f"not {threshold} owners at nonce {certificate.nonce} have signed")
    return {compute_transfer_id(certificate.transfer): certificate.transfer}


def _require_cancel(
    signer: Signer, policy: Policy, vault: Vault, certificate: CancelCertificate, signed_by: frozenset[Address]
) -> dict[TransferId, Any]:
    owners, threshold = _owners_at(policy, vault, certificate.nonce)
    said = dict(_read_statement(policy, certificate, each) for each in certificate.statements)
    named = signer.verifier.chain.compute_cancel_named(owners.keys(), threshold, signed_by, said)
    if named is None:
        raise GuardError(
            "certificate.too-few", f"not {threshold} owners at nonce {certificate.nonce} have signed and stated"
        )
    for proposal in certificate.proposals:
        _require_proposal(signer, proposal)
    carried = {compute_transfer_id(transfer): transfer for transfer in certificate.transfers}
    if carried.keys() != named:
        raise GuardError("certificate.transfers", "the transfers that come with the cancel are not those that it names")
    # A stolen signer may name what it likes; what it names counts against limits, so let that be at least of this vault.
    here = (policy.treasury, certificate.chain_id, certificate.vault)
    if any((each.treasury, each.chain_id, each.vault) != here for each in carried.values()):
        raise GuardError("certificate.transfers", "the cancel names a transfer of another vault")
    return carried


def _require_proposal(signer: Signer, signed: SignedStatement) -> None:
    """What is named was proposed by its initiator, whose key was in the roster of some bundle that was active here."""
    said = signed.statement
    if not isinstance(said, Proposal):
        raise GuardError("certificate.proposal", "a cancel comes with a statement that is no proposal")
    key = recover(signed)
    with signer.journal.reading() as db:
        holders = [edition.policy.roster.holder(key) for edition in load_editions(db).values()]
    if not any(holder is not None and holder[0].id == said.transfer.initiator for holder in holders):
        raise GuardError("certificate.proposal", "a cancel names a transfer that its initiator has not signed")


def _read_statement(
    policy: Policy, certificate: CancelCertificate, statement: Testimony
) -> tuple[Address, TransferId | None]:
    signer = policy.signer(statement.fields["signer"])
    if signer is None:
        raise GuardError("certificate.statement", "a cancel holds the statement of somebody who is no signer")
    fields = require_testimony(statement, CANCEL, signer.journal_key, policy.treasury)
    place = (str(certificate.chain_id), certificate.vault, certificate.nonce)
    if (fields["chain_id"], fields["vault"], fields["nonce"]) != place:
        raise GuardError("certificate.statement", f"the statement of {signer.id} is about another nonce")
    named = fields["transfer"]
    if named is not None and not is_digest(named):
        raise GuardError("certificate.statement", f"the statement of {signer.id} names no transfer and not none either")
    return signer.owner, named


def load_held(signer: Signer, at: VaultAt, from_nonce: int) -> list[Any]:
    """Every certificate that is held from a nonce on, for whoever asks."""
    with signer.journal.reading() as db:
        return [parse_json(row.body) for row in records.load_certificates(db, at, from_nonce)]
