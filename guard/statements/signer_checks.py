"""Admission checks of who signed: treasury, signature, key, person, group. Each refuses one thing."""

from __future__ import annotations

from guard.core.roster import GUARDIANS
from guard.errors import GuardError, Refusal
from guard.statements.signing import recover
from guard.statements.submission import Submission
from guard.statements.values import Approval, Enrolment, Freeze, Proposal, Revocation, Unfreeze, Veto, Watch, kind_of

_MOVING = Proposal | Approval | Unfreeze
"""Statements that help money to move. The others only stop it, and nothing that could be missing holds a stop back."""


def check_treasury(submission: Submission) -> Refusal | None:
    """Another treasury's statements are worth nothing here, though the same people sign in both (P12)."""
    ours = submission.context.active.policy.treasury
    if submission.signed.treasury != ours:
        return Refusal("statement.treasury", f"the statement was signed for treasury {submission.signed.treasury}")
    if submission.transfer is not None and submission.transfer.treasury != ours:
        return Refusal("statement.treasury", f"the transfer belongs to treasury {submission.transfer.treasury}")
    return None


def check_supported(submission: Submission) -> Refusal | None:
    """A statement whose meaning this version does not carry out is refused, so that nobody believes that it works."""
    if isinstance(submission.signed.statement, Revocation | Watch | Enrolment):
        return Refusal(
            "statement.unsupported", f"a {kind_of(submission.signed.statement)} is not supported by this version"
        )
    return None


def check_signature(submission: Submission) -> Refusal | None:
    """The named key signed exactly this (P1)."""
    try:
        recover(submission.signed)
    except GuardError as error:
        return Refusal(error.code, error.message)
    return None


def check_key_known(submission: Submission) -> Refusal | None:
    """The key belongs to somebody of the active roster; a removed key counts no more (P12)."""
    if submission.holder is None:
        return Refusal(
            "statement.key-unknown", f"key {submission.signed.signature.key} belongs to nobody of the active roster"
        )
    return None


def check_display(submission: Submission) -> Refusal | None:
    """What moves money is signed with a key that showed it. A stop may come from any key."""
    holder = submission.holder
    if isinstance(submission.signed.statement, _MOVING) and holder is not None and not holder[1].display:
        return Refusal("statement.display", f"key {holder[1].address} has no display of its own")
    return None


def check_guardian(submission: Submission) -> Refusal | None:
    """Vetoes and freezes are the guardians'; anybody's would let one key of anybody stop the treasury."""
    statement, person = submission.signed.statement, submission.person
    if isinstance(statement, Veto | Freeze) and GUARDIANS not in person.groups:
        return Refusal("statement.guardian", f"{person.id} is no guardian")
    return None


def check_machine(submission: Submission) -> Refusal | None:
    """A machine may initiate and fills no seat, ever (TRUST §3)."""
    if isinstance(submission.signed.statement, Approval | Unfreeze) and submission.person.machine:
        return Refusal("statement.machine", f"{submission.person.id} is a machine and fills no seat")
    return None


def check_initiator(submission: Submission) -> Refusal | None:
    """A proposal is by the person whom the transfer names, so that nobody is made an initiator by others."""
    statement = submission.signed.statement
    if isinstance(statement, Proposal) and submission.person.id != statement.transfer.initiator:
        return Refusal(
            "proposal.initiator",
            f"the transfer names {statement.transfer.initiator}, but {submission.person.id} signed",
        )
    return None


def check_not_initiator(submission: Submission) -> Refusal | None:
    """Whoever proposes does not approve, whatever key they use (P11)."""
    statement = submission.signed.statement
    if isinstance(statement, Approval) and submission.person.id == statement.transfer.initiator:
        return Refusal("approval.initiator", f"{submission.person.id} proposed this transfer and fills no seat of it")
    return None
