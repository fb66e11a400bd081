"""Admission checks of when it was signed. What a statement says of its own time may only invalidate it (TRUST §1).

Stops bear no date that is asked about. Where the reader has no good clock, `now` is None and only dates are compared
with dates.
"""

from __future__ import annotations

from guard.errors import Refusal
from guard.statements.submission import Submission
from guard.statements.values import Approval, Unfreeze

AHEAD_ALLOWED = 300
"""Seconds by which a signer's own computer may be ahead of the reader's clock."""


def _dated(submission: Submission) -> Approval | Unfreeze | None:
    statement = submission.signed.statement
    return statement if isinstance(statement, Approval | Unfreeze) else None


def check_pre_dated(submission: Submission) -> Refusal | None:
    """Nobody can have agreed to a transfer before it was proposed (P12)."""
    statement = submission.signed.statement
    if isinstance(statement, Approval) and statement.signed_at < statement.transfer.proposed_at:
        return Refusal("approval.pre-dated", "the approval is dated before the transfer was proposed")
    return None


def check_enrolment(submission: Submission) -> Refusal | None:
    """A key counts only from the activation of the bundle that enrolled it (TRUST §3); one without that date never."""
    statement = _dated(submission)
    if statement is None:
        return None
    enrolled_at = submission.context.active.enrolled_at.get(submission.signed.signature.key)
    if enrolled_at is None or statement.signed_at < enrolled_at:
        return Refusal("statement.before-enrolment", "the statement is dated before its key was enrolled; sign again")
    return None


def check_ahead(submission: Submission) -> Refusal | None:
    """A statement from the future would outlive the lifetime that the policy gives it. Waiting cures it."""
    statement, now = _dated(submission), submission.context.now
    if statement is not None and now is not None and statement.signed_at > now + AHEAD_ALLOWED:
        return Refusal(
            "statement.ahead", f"the statement is dated {statement.signed_at - now} s ahead of this clock", held=True
        )
    return None


def check_lifetime(submission: Submission) -> Refusal | None:
    """A statement that ends before it begins was never meant."""
    statement = _dated(submission)
    if statement is not None and statement.expires_at <= statement.signed_at:
        return Refusal("statement.lifetime", "the statement expires before it was signed")
    return None


def check_expired(submission: Submission) -> Refusal | None:
    """A statement counts while now is below its expiry, and not at it (P12)."""
    statement, now = _dated(submission), submission.context.now
    if statement is not None and now is not None and now >= statement.expires_at:
        return Refusal("statement.expired", f"the statement expired {now - statement.expires_at} s ago")
    return None
