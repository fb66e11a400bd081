"""Checks of the file itself: that it is about what it says, under the bundle that was compared, and about one thing only."""

from __future__ import annotations

from guard.core.ids import NO_DIGEST
from guard.errors import GuardError
from guard.evidence.case import EvidenceCase
from guard.evidence.check import Failure, Find
from guard.transactions.execution import decode_exec_transaction
from guard.transactions.proving import require_same_effects


def to_subject_check(name: str) -> Find:
    """The check that a subject's digest in the file is the one that follows from the release."""

    def find_wrong_subject(case: EvidenceCase) -> Failure | None:
        claimed, rebuilt = case.evidence.subjects[name], case.rebuilt[name]
        return None if claimed == rebuilt else Failure(f"the file says it is about {name} {claimed}, not {rebuilt}")

    return find_wrong_subject


def find_other_bundle(case: EvidenceCase) -> Failure | None:
    """The active bundle is the treasury's first one, with the digest that the reader compared by another way.

    Reading the file has found it canonical and sound, as a signer does before it pins.
    """
    bundle, digest = case.record.active, case.policies.active.digest
    if digest != case.pin:
        return Failure(f"the policy in the file has the digest {digest}, not {case.pin}", "bundle.digest")
    if bundle.version != 1 or bundle.previous != NO_DIGEST:
        return Failure(
            f"version {bundle.version} is not a treasury's first policy, and only that is pinned", "bundle.version"
        )
    return None


def find_foreign_policy(case: EvidenceCase) -> Failure | None:
    """The transfer names the active bundle. That another one led to it is for succession to prove, which is not known yet."""
    named, active = case.record.transfer.policy, case.policies.active.digest
    if named != active:
        return Failure(f"the transfer was proposed under bundle {named}, and nothing proves that it led to {active}")
    if case.record.named is not None:
        return Failure("a second bundle stands in the file, and the transfer does not name it")
    return None


def find_foreign_treasury(case: EvidenceCase) -> Failure | None:
    """File, bundle and transfer belong to one treasury."""
    ours = case.policies.active.policy.treasury
    for what, treasury in (("file", case.record.treasury), ("transfer", case.record.transfer.treasury)):
        if treasury != ours:
            return Failure(f"the {what} is of treasury {treasury}, the bundle of {ours}")
    return None


def find_other_transfer(case: EvidenceCase) -> Failure | None:
    """The certificate carries this very transfer, not one that merely pays the same."""
    if case.record.certificate.transfer == case.record.transfer:
        return None
    return Failure("the certificate carries another transfer than the one that the file is about")


def find_other_effects(case: EvidenceCase) -> Failure | None:
    """The call data, decoded again, make the transfer's payment and do nothing more (P3)."""
    transfer, nonce = case.record.transfer, case.record.certificate.nonce
    try:
        safe_tx, _ = decode_exec_transaction(transfer.chain_id, transfer.vault, nonce, case.call_data)
        require_same_effects(transfer, safe_tx)
    except GuardError as refused:
        return Failure(f"the call data are not the transfer's: {refused.message}", refused.code)
    return None


def find_other_chain(case: EvidenceCase) -> Failure | None:
    """What was broadcast was broadcast on the transfer's chain."""
    broadcast, chain_id = case.record.broadcast, case.record.transfer.chain_id
    if broadcast is None or broadcast.chain_id == chain_id:
        return None
    return Failure(f"the broadcast is on chain {broadcast.chain_id}, the transfer on chain {chain_id}")
