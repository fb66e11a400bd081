"""Checks of what the signers did: enough owners signed exactly this, and each says by its journal key when and why."""

from __future__ import annotations

from dataclasses import replace

from guard.core.ids import SignerId
from guard.errors import GuardError
from guard.evidence.case import EvidenceCase
from guard.evidence.check import Failure
from guard.evidence.record import ReleaseWord
from guard.statements.certificates import require_signers
from guard.statements.testimony import RELEASE, require_testimony


def find_bad_owner_signature(case: EvidenceCase) -> Failure | None:
    """Each signature is that owner's on the SafeTx that follows from the file's transfer and nonce."""
    rebuilt = replace(case.record.certificate, transfer=case.record.transfer)
    try:
        require_signers(rebuilt)
    except GuardError as refused:
        return Failure(refused.message, refused.code)
    return None


def find_foreign_owner(case: EvidenceCase) -> Failure | None:
    """Nobody else's signature stands among the owners' of that nonce."""
    foreign = sorted(case.record.certificate.signatures.keys() - case.owners.keys())
    if foreign:
        nonce = case.record.certificate.nonce
        return Failure(f"{foreign[0]} is no owner of the vault at nonce {nonce} by the bundle")
    return None


def find_too_few_owners(case: EvidenceCase) -> Failure | None:
    """At least as many owners signed as the policy's threshold at that nonce."""
    signed = case.record.certificate.signatures.keys() & case.owners.keys()
    return _find_too_few(case, len(signed), "owners signed")


def _find_too_few(case: EvidenceCase, count: int, what: str) -> Failure | None:
    if case.entry is None:
        return Failure(f"the bundle names no owners of the vault at nonce {case.record.certificate.nonce}")
    if count < case.entry.threshold:
        return Failure(f"{count} {what}, and the threshold is {case.entry.threshold}")
    return None


def find_foreign_word(case: EvidenceCase) -> Failure | None:
    """Each release statement is by a signer whose own signature stands in the certificate as an owner's."""
    entitled = compute_entitled(case)
    for word in case.record.words:
        if word.signer not in entitled:
            return Failure(f"{word.signer} testifies, and no signature of an owner in the certificate is its own")
    return None


def compute_entitled(case: EvidenceCase) -> frozenset[SignerId]:
    """The signers whose release statements count: owners at that nonce whose signatures stand in the certificate."""
    signatures = case.record.certificate.signatures
    return frozenset(signer.id for owner, signer in case.owners.items() if owner in signatures)


def find_forged_word(case: EvidenceCase) -> Failure | None:
    """Each release statement is signed by the journal key that the bundle lists for its signer."""
    policy = case.policies.active.policy
    for word in case.record.words:
        signer = policy.signer(word.signer)
        if signer is None:
            continue
        try:
            require_testimony(word.testimony, RELEASE, signer.journal_key, policy.treasury)
        except GuardError as refused:
            return Failure(f"release statement of {word.signer}: {refused.message}", refused.code)
    return None


def find_word_about_another(case: EvidenceCase) -> Failure | None:
    """Each release statement is about this transfer, vault, nonce, SafeTx and policy, in every field.

    The SafeTx does not tell one transfer from another that pays the same; only the signer's word does.
    """
    for word in case.record.words:
        wrong = [name for name, (said, expected) in _compare(case, word).items() if said != expected]
        if wrong:
            return Failure(f"{word.signer} testifies to another {wrong[0].replace('_', ' ')}")
    return None


def _compare(case: EvidenceCase, word: ReleaseWord) -> dict[str, tuple[object, object]]:
    transfer = case.record.transfer
    return {
        "transfer": (word.transfer_id, case.transfer_id),
        "chain": (word.chain_id, transfer.chain_id),
        "vault": (word.vault, transfer.vault),
        "nonce": (word.nonce, case.record.certificate.nonce),
        "safe_transaction": (word.safe_tx_hash, case.rebuilt["safe-transaction"]),
        "policy": (word.policy, case.policies.active.digest),
    }


def find_too_few_words(case: EvidenceCase) -> Failure | None:
    """At least as many owners that signed also testify as the policy's threshold at that nonce."""
    spoken = compute_entitled(case) & {word.signer for word in case.record.words}
    return _find_too_few(case, len(spoken), "of the signers testify")
