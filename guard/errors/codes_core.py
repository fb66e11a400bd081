"""Codes of the values and of the decision. Those of `decide` begin with `decision.` and name its steps in their text."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "value.invalid": Code("a value cannot be what it was asked to be", "correct the value that the message names"),
    "decision.treasury": Code("the transfer belongs to another treasury", "propose it in this treasury"),
    "decision.policy-unknown": Code(
        "the policy that the transfer names is not in this signer's chain of bundles",
        "propose it again under the active policy",
    ),
    "decision.roster-changed": Code(
        "people, keys or groups have changed since the transfer was proposed",
        "propose it again; every approval is asked anew",
    ),
    "decision.policy-expired": Code(
        "the active policy has expired", "have the policy admins sign the next bundle; stops still work"
    ),
    "decision.vault-unknown": Code(
        "the policy does not name this vault on this chain", "check the vault's address and chain"
    ),
    "decision.asset-unknown": Code(
        "the policy does not name this asset on this chain", "add the asset to the policy first"
    ),
    "decision.action-unsupported": Code(
        "the policy does not know this action", "only plain transfers are known so far"
    ),
    "decision.amount-zero": Code("a transfer of nothing is not a transfer", "check the amount"),
    "decision.destination": Code(
        "the destination is the vault itself, the asset's own contract or the zero address", "check the destination"
    ),
    "decision.too-old": Code("the transfer is older than the policy's max_transfer_age", "propose it again"),
    "decision.expired": Code("the transfer's own lifetime is over", "propose it again"),
    "decision.proposed-ahead": Code(
        "the transfer is dated after this signer's clock", "wait, or correct the clock of the machine that proposed it"
    ),
    "decision.lifetime": Code("the transfer ends before it begins", "propose it again"),
    "decision.supersedes": Code(
        "a transfer may not supersede another one yet", "veto or reject the other transfer and propose a new one"
    ),
    "decision.proposal-missing": Code(
        "there is no proposal signed by the initiator", "have the initiator propose the transfer"
    ),
    "decision.initiator-unknown": Code(
        "the initiator is not a person of the roster", "have somebody of the roster propose it"
    ),
    "decision.vetoed": Code("a guardian has vetoed the transfer; that is final", "propose another transfer"),
    "decision.withdrawn": Code("the initiator has withdrawn the transfer; that is final", "propose another transfer"),
    "decision.rejected": Code(
        "so many people have rejected the transfer that the rest cannot fill its seats", "propose another transfer"
    ),
    "decision.frozen": Code("a freeze holds the transfer", "find out why; a quorum can lift the freeze"),
    "decision.rule-denies": Code("a rule of the policy denies the transfer", "read the rule that the message names"),
    "decision.not-allowed": Code(
        "no rule of the policy allows the transfer", "read the policy; nothing is allowed unless a rule says so"
    ),
    "decision.above-tiers": Code(
        "the amount is above the last tier of a rule", "propose less, or have the policy changed"
    ),
    "decision.limit": Code(
        "a limit over a sliding window would be exceeded",
        "wait until earlier movements have left the window, or propose less",
    ),
    "decision.no-approvals-asked": Code(
        "the rules that allow the transfer ask for nobody's approval", "have a rule ask for approvals"
    ),
    "decision.quorum-missing": Code("approvals are missing", "ask the people that the message names"),
    "approval.key-unknown": Code(
        "the approval is by a key that is not this person's in the active roster, or that has no display of its own",
        "have the person approve with a key that the roster lists and that shows what it signs",
    ),
    "approval.machine": Code("the approval is a machine's, and a machine fills no seat", "have a person approve"),
    "approval.rejected": Code(
        "the person has rejected the transfer, which is final for that person", "have somebody else approve"
    ),
    "approval.roster": Code(
        "people, keys or groups have changed since the approval was signed", "have the person approve again"
    ),
    "approval.before-enrolment": Code(
        "the approval was signed or seen before its key was enrolled", "have the person approve again"
    ),
    "approval.dated-ahead": Code(
        "the approval is dated after the time at which it was first seen",
        "correct the clock of the machine that signed, and approve again",
    ),
    "approval.too-old": Code(
        "the approval is older than a matching rule's approval_valid_for", "have the person approve again"
    ),
    "approval.expired": Code("the approval's lifetime is over", "have the person approve again"),
    "decision.delay": Code("the delay that the policy asks has not passed", "wait; a guardian may still veto"),
    "lifecycle.move": Code(
        "a transfer cannot go from its state to the one that was asked for",
        "look at the transfer again: something else has happened to it meanwhile",
    ),
}
