"""Admission checks of what was signed: which transfer, under which policy and roster, read as which summary."""

from __future__ import annotations

from guard.effects.summary import RENDERERS, render_summary_as
from guard.errors import GuardError, Refusal
from guard.statements.submission import Submission
from guard.statements.values import Approval, Proposal, Unfreeze


def check_transfer_asked(submission: Submission) -> Refusal | None:
    """An approval of one transfer never carries over to another, not even to one that differs in a word (P12)."""
    asked = submission.context.transfer_id
    if asked is not None and submission.transfer_id != asked:
        return Refusal("statement.transfer", f"the statement is not about transfer {asked}")
    return None


def check_transfer_policy(submission: Submission) -> Refusal | None:
    """What moves money was proposed under a bundle of our own chain. A stop need not name one that we know."""
    statement = submission.signed.statement
    if isinstance(statement, Proposal | Approval) and statement.transfer.policy not in submission.context.editions:
        return Refusal(
            "statement.policy-unknown", f"the transfer names policy {statement.transfer.policy}, which is not known"
        )
    return None


def check_transfer_vault(submission: Submission) -> Refusal | None:
    """The vault is one of the active policy's, on that very chain: elsewhere the same address is another (P12)."""
    statement = submission.signed.statement
    if not isinstance(statement, Proposal | Approval):
        return None
    policy, transfer = submission.context.active.policy, statement.transfer
    if policy.vault_at(transfer.chain_id, transfer.vault) is not None:
        return None
    if all(vault.address != transfer.vault for vault in policy.vaults):
        return Refusal("statement.vault", f"{transfer.vault} is no vault of the active policy")
    return Refusal("statement.chain", f"vault {transfer.vault} is not on chain {transfer.chain_id}")


def check_roster(submission: Submission) -> Refusal | None:
    """Agreement was given as one of the people who are asked now; another roster voids it (P12)."""
    statement, active = submission.signed.statement, submission.context.active
    if isinstance(statement, Approval | Unfreeze) and statement.roster != active.roster_digest:
        return Refusal("statement.roster", f"roster {statement.roster} is not the active one, {active.roster_digest}")
    return None


def check_approval_policy(submission: Submission) -> Refusal | None:
    """The summary was read under a bundle of our own chain."""
    statement = submission.signed.statement
    if isinstance(statement, Approval) and statement.policy not in submission.context.editions:
        return Refusal("approval.policy-unknown", f"the approval names policy {statement.policy}, which is not known")
    return None


def check_approval_policy_age(submission: Submission) -> Refusal | None:
    """Labels were not taken from a bundle older than the one under which the transfer was proposed."""
    statement, editions = submission.signed.statement, submission.context.editions
    if not isinstance(statement, Approval):
        return None
    read, proposed = editions.get(statement.policy), editions.get(statement.transfer.policy)
    if read is not None and proposed is not None and read.version < proposed.version:
        return Refusal(
            "approval.policy-older",
            f"the approval names version {read.version}, the transfer version {proposed.version}",
        )
    return None


def check_summary(submission: Submission) -> Refusal | None:
    """What the approver read is what we render ourselves (P3).

    Where the bundle that the approval names is not known, which is refused before, the active one is rendered:
    nothing passes unread.
    """
    statement, context = submission.signed.statement, submission.context
    if not isinstance(statement, Approval):
        return None
    if statement.summary_version not in RENDERERS:
        return Refusal("approval.summary-version", f"summaries of version {statement.summary_version} are not known")
    edition = context.editions.get(statement.policy, context.active)
    try:
        rendered = render_summary_as(statement.summary_version, statement.transfer, edition.policy)
    except GuardError as error:
        return Refusal("approval.summary", f"the transfer cannot be summarised: {error.message}")
    if statement.summary != rendered:
        return Refusal("approval.summary", "the summary that was signed is not what the transfer says")
    return None
