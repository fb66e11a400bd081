"""Which signed statements count as somebody's word: a tuple of named pure checks, and `admit`, which asks them all.

Leaving a check out is for tests that show what it holds back; the product always asks the whole tuple.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guard.errors import Refusal
from guard.statements import content_checks, date_checks, signer_checks
from guard.statements.signed import SignedStatement
from guard.statements.submission import Admitted, Check, StatementContext, Submission

__all__ = ["STATEMENT_CHECKS", "Admitted", "Check", "StatementContext", "admit"]

STATEMENT_CHECKS: tuple[Check, ...] = (
    Check("treasury", signer_checks.check_treasury),
    Check("supported", signer_checks.check_supported),
    Check("signature", signer_checks.check_signature),
    Check("key-known", signer_checks.check_key_known),
    Check("display", signer_checks.check_display),
    Check("guardian", signer_checks.check_guardian),
    Check("machine", signer_checks.check_machine),
    Check("initiator", signer_checks.check_initiator),
    Check("not-initiator", signer_checks.check_not_initiator),
    Check("transfer-asked", content_checks.check_transfer_asked),
    Check("transfer-policy", content_checks.check_transfer_policy),
    Check("transfer-vault", content_checks.check_transfer_vault),
    Check("roster", content_checks.check_roster),
    Check("approval-policy", content_checks.check_approval_policy),
    Check("approval-policy-age", content_checks.check_approval_policy_age),
    Check("summary", content_checks.check_summary),
    Check("pre-dated", date_checks.check_pre_dated),
    Check("enrolment", date_checks.check_enrolment),
    Check("lifetime", date_checks.check_lifetime),
    Check("expired", date_checks.check_expired),
    Check("ahead", date_checks.check_ahead),
)
"""All checks, in the order in which they answer: who signed, what, when. The one that time cures comes last."""


def admit(checks: Sequence[Check], signed: SignedStatement, context: StatementContext) -> Admitted | Refusal:
    """The statement with the person whose word it is, or the first check's refusal; a bad one raises nothing.

    Admission says that somebody said this, not that it suffices: seats, delays and limits are the decision's.
    """
    submission = Submission(signed, context)
    for check in checks:
        refusal = check.function(submission)
        if refusal is not None:
            return replace(refusal, check=check.name)
    return Admitted(
        statement=signed.statement,
        person=submission.person.id,
        key=signed.signature.key,
        digest=submission.digest,
        transfer_id=submission.transfer_id,
        judged_at=context.now,
    )
