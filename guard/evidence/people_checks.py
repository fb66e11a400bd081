"""Checks of what people said, and of what the policy makes of it by the signers' own times."""

from __future__ import annotations

from guard.core.decision import Status
from guard.errors import Refusal
from guard.evidence.case import EvidenceCase
from guard.evidence.check import Failure
from guard.statements.values import kind_of


def find_refused_statement(case: EvidenceCase) -> Failure | None:
    """Every statement is the word of a person of the roster about this transfer, by the checks that each signer makes, too."""
    for signed, admission in zip(case.record.statements, case.admissions, strict=True):
        if isinstance(admission, Refusal):
            what = f"the {kind_of(signed.statement)} by key {signed.signature.key}"
            return Failure(f"{what} is not accepted: {admission.message}", admission.code)
    return None


def find_repeated_statement(case: EvidenceCase) -> Failure | None:
    """No person says the same thing twice, not even with two keys: statements are one by (person, digest), as in a journal."""
    seen = set()
    for admitted in case.admitted:
        if admitted.identity in seen:
            return Failure(f"a {kind_of(admitted.statement)} by {admitted.person} stands twice in the file")
        seen.add(admitted.identity)
    return None


def find_short_delay(case: EvidenceCase) -> Failure | None:
    """Every signer that testifies signed no sooner than the policy's delay after it saw the quorum (P4)."""
    for ruling in case.rulings:
        waited = ruling.word.signed_at - ruling.word.quorum_since
        if waited < ruling.delay:
            return Failure(f"{ruling.word.signer} signed {waited} s after the quorum, not {ruling.delay} s")
    return None


def find_unreleasable(case: EvidenceCase) -> Failure | None:
    """By the times of every signer that testifies, the policy let the transfer go (P1). A final reason is named first."""
    for ruling in case.rulings:
        if ruling.decision.status is not Status.RELEASABLE:
            reason = sorted(ruling.decision.reasons, key=lambda each: not each.final)[0]
            return Failure(f"when {ruling.word.signer} signed, {reason.message} ({reason.step})", reason.code)
    return None
