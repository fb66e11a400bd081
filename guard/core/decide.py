"""The decision, as numbered steps. Values in, a `Decision` out: pure, total, deterministic.

Each step looks at the whole case and gives its reasons against letting the transfer go now; a final reason denies, another holds.
No step opens anything: a transfer is releasable when no step has a reason. Only this module makes an `Authorization`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guard.core.case import CLOCK_TOLERANCE, OBJECTIONS, Case, Objection, compute_case
from guard.core.decision import Decision, Reason, Status
from guard.core.facts import Facts
from guard.core.ids import NATIVE, NO_DIGEST, NO_TRANSFER, TransferId
from guard.core.policy import Policies
from guard.core.quorum import compute_earliest_at
from guard.core.stops import compute_holding
from guard.core.transfer import Action, Transfer
from guard.core.windows import compute_window
from guard.errors import GuardError


def d1_the_transfer_belongs_here(case: Case) -> list[Reason]:
    """D1. Treasury, vault and asset are this policy's, and what is asked is an action that it knows."""
    transfer, active = case.transfer, case.policies.active.policy
    reasons = []
    if transfer.treasury != active.treasury:
        reasons.append(_deny("D1", "decision.treasury", "the transfer belongs to another treasury"))
    if active.vault_at(transfer.chain_id, transfer.vault) is None:
        reasons.append(_deny("D1", "decision.vault-unknown", f"no vault {transfer.vault} on chain {transfer.chain_id}"))
    if active.asset_at(transfer.chain_id, transfer.asset) is None:
        reasons.append(_deny("D1", "decision.asset-unknown", f"no asset {transfer.asset} on chain {transfer.chain_id}"))
    if transfer.action is not Action.TRANSFER or transfer.call_data_hash != NO_DIGEST:
        reasons.append(_deny("D1", "decision.action-unsupported", f"action {transfer.action.value} is not supported"))
    return reasons


def d2_amount_and_destination_make_sense(case: Case) -> list[Reason]:
    """D2. Something moves, to somewhere else: not to the vault itself, the asset's contract or the zero address."""
    transfer = case.transfer
    reasons = []
    if transfer.amount_units == 0:
        reasons.append(_deny("D2", "decision.amount-zero", "the amount is zero"))
    if transfer.destination in (transfer.vault, transfer.asset, NATIVE):
        reasons.append(_deny("D2", "decision.destination", f"{transfer.destination} cannot be a destination"))
    return reasons


def d3_the_policy_is_in_force(case: Case) -> list[Reason]:
    """D3. The named policy is in the chain of bundles, has the active roster, and the active one has not expired."""
    named, active = case.policies.named, case.policies.active
    reasons = []
    if named is None or named.digest != case.transfer.policy:
        reasons.append(
            _deny("D3", "decision.policy-unknown", f"policy {case.transfer.policy} is not in the chain of bundles")
        )
    elif named.roster_digest != active.roster_digest:
        reasons.append(_deny("D3", "decision.roster-changed", "people, keys or groups have changed since the proposal"))
    if case.facts.now >= active.expires_at:
        reasons.append(_hold("D3", "decision.policy-expired", "the active policy has expired"))
    return reasons


def d4_the_transfer_is_alive(case: Case) -> list[Reason]:
    """D4. It has begun, has not ended, is not older than `max_transfer_age`, and supersedes nothing."""
    transfer, now = case.transfer, case.facts.now
    reasons = []
    if transfer.expires_at <= transfer.proposed_at:
        reasons.append(_deny("D4", "decision.lifetime", "the transfer ends before it begins"))
    if now >= transfer.expires_at:
        reasons.append(_deny("D4", "decision.expired", "the transfer has expired"))
    if now - transfer.proposed_at > case.policies.active.policy.numbers.max_transfer_age:
        reasons.append(_deny("D4", "decision.too-old", "the transfer is older than max_transfer_age"))
    if transfer.proposed_at > now + CLOCK_TOLERANCE:
        ahead = min(transfer.proposed_at - CLOCK_TOLERANCE, FAR_FUTURE)
        reasons.append(_hold("D4", "decision.proposed-ahead", "the transfer is dated ahead of the clock", until=ahead))
    if transfer.supersedes != NO_TRANSFER:
        reasons.append(_deny("D4", "decision.supersedes", "a transfer may not supersede another one yet"))
    return reasons


def d5_the_initiator_proposed_it(case: Case) -> list[Reason]:
    """D5. A key of the person named as initiator signed the proposal, and that person is in the roster."""
    initiator, proposal = case.transfer.initiator, case.facts.proposal
    holder = None if proposal is None else case.policies.active.policy.roster.holder(proposal.key)
    if case.policies.active.policy.roster.person(initiator) is None:
        return [_deny("D5", "decision.initiator-unknown", f"{initiator} is not in the roster")]
    if proposal is None or proposal.person != initiator or holder is None or holder[0].id != initiator:
        return [_hold("D5", "decision.proposal-missing", f"no proposal signed by {initiator}")]
    return []


def d6_nobody_stopped_it(case: Case) -> list[Reason]:
    """D6. No guardian's veto and no withdrawal by the initiator, which are final; no freeze in whose scope it is, which holds."""
    reasons = [_deny("D6", "decision.vetoed", f"vetoed by {guardian}") for guardian in sorted(case.facts.vetoed_by)]
    if case.transfer.initiator in case.facts.rejected_by:
        reasons.append(_deny("D6", "decision.withdrawn", f"withdrawn by {case.transfer.initiator}"))
    approved_by = frozenset(approval.person for approval in case.facts.approvals)
    for freeze in compute_holding(case.facts.freezes, case.transfer, approved_by):
        said = f"frozen by {freeze.person} ({freeze.scope.kind.value}, {freeze.id[:10]})"
        reasons.append(_hold("D6", "decision.frozen", said))
    return reasons


def d7_no_rule_denies(case: Case) -> list[Reason]:
    """D7. A rule that denies wins over every rule that allows, in both policies."""
    return [
        _deny("D7", "decision.rule-denies", f"rule {outcome.rule} denies it", rule=outcome.rule)
        for outcome in case.outcomes
        if outcome.deny
    ]


def d8_a_rule_allows(case: Case) -> list[Reason]:
    """D8. In each policy at least one matching rule allows, and every tiered rule that matches has a tier that covers the amount."""
    reasons = [
        _deny("D8", "decision.not-allowed", f"no rule of policy {edition.digest[:10]} allows it")
        for edition in case.policies.both
        if not any(outcome.allow for outcome in case.outcomes if outcome.policy == edition.digest)
    ]
    reasons += [
        _deny("D8", "decision.above-tiers", f"rule {rule} has no tier for it", rule=rule) for rule in case.uncovered
    ]
    return reasons


def d9_limits_hold(case: Case) -> list[Reason]:
    """D9. With this transfer added, no window of any matching rule exceeds its cap, counting reserved and not yet final ones (P5)."""
    reasons = []
    for rule, limit in case.limits:
        window = compute_window(limit, case.transfer, case.facts.transfer_id, case.facts.movements, case.facts.now)
        if case.transfer.amount_units > limit.cap.units:
            reasons.append(_deny("D9", "decision.limit", f"more than the cap of rule {rule} alone", rule=rule))
        elif not window.fits:
            left = max(0, limit.cap.units - window.counted_units)
            said = f"rule {rule} leaves {left} units of {limit.cap.units} in its window of {limit.window} s"
            reasons.append(_hold("D9", "decision.limit", said, rule=rule, until=window.free_at))
    return reasons


def d10_the_seats_are_filled(case: Case) -> list[Reason]:
    """D10. One joint assignment of people whose approvals count now fills every seat that is asked; nothing asked is refused (P1, P11)."""
    if not case.asked:
        return [_deny("D10", "decision.no-approvals-asked", "no rule asks for anybody's approval")]
    if not case.is_still_fillable:
        return [_deny("D10", "decision.rejected", "the people who remain cannot fill the seats")]
    if case.quorum_since is None:
        wanted = (
            ", ".join(f"{missing.count} of {missing.group}" for missing in case.missing)
            or "another combination of people"
        )
        return [_hold("D10", "decision.quorum-missing", f"approvals are missing: {wanted}")]
    return []


def d11_the_delay_is_over(case: Case) -> list[Reason]:
    """D11. The longest delay of all matching rules has passed since the quorum stands, not counting time the signer did not run (P4)."""
    if case.quorum_since is None:
        return []
    earliest_at = compute_earliest_at(case.quorum_since, case.delay, case.facts.now, case.facts.outages)
    if case.facts.now < earliest_at:
        return [_hold("D11", "decision.delay", f"the delay of {case.delay} s is not over", until=earliest_at)]
    return []


FAR_FUTURE = 2**53 - 1
"""The latest time that is told; a transfer may claim a later one, and JSON could not say it exactly."""

Step = Callable[[Case], list[Reason]]

DECISION_STEPS: tuple[Step, ...] = (
    d1_the_transfer_belongs_here,
    d2_amount_and_destination_make_sense,
    d3_the_policy_is_in_force,
    d4_the_transfer_is_alive,
    d5_the_initiator_proposed_it,
    d6_nobody_stopped_it,
    d7_no_rule_denies,
    d8_a_rule_allows,
    d9_limits_hold,
    d10_the_seats_are_filled,
    d11_the_delay_is_over,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRules:
    """The steps of a decision and the objections to an approval. The product takes all; a test may leave one out."""

    steps: tuple[Step, ...] = DECISION_STEPS
    objections: tuple[Objection, ...] = OBJECTIONS


WHOLE_DECISION = DecisionRules()


def decide(transfer: Transfer, policies: Policies, facts: Facts) -> Decision:
    """What the policies say of the transfer, given the facts."""
    return compute_decision(WHOLE_DECISION, transfer, policies, facts)


def compute_decision(rules: DecisionRules, transfer: Transfer, policies: Policies, facts: Facts) -> Decision:
    """The decision by the given steps and objections; `decide` is the one with all of them."""
    case = compute_case(transfer, policies, facts, rules.objections)
    reasons = tuple(reason for step in rules.steps for reason in step(case))
    held = Status.HELD if reasons else Status.RELEASABLE
    status = Status.DENIED if any(reason.final for reason in reasons) else held
    earliest_at = None
    if case.quorum_since is not None:
        earliest_at = compute_earliest_at(case.quorum_since, case.delay, facts.now, facts.outages)
    return Decision(
        transfer_id=facts.transfer_id,
        transfer=transfer,
        status=status,
        reasons=reasons,
        outcomes=case.outcomes,
        missing=case.missing,
        uncounted=case.uncounted,
        seated=case.seated,
        quorum_since=case.quorum_since,
        earliest_at=earliest_at,
        decided_at=facts.now,
    )


@dataclass(frozen=True, slots=True)
class Authorization:
    """The proof that a transfer was releasable when it was decided. The release path takes nothing else."""

    transfer_id: TransferId
    transfer: Transfer
    decision: Decision


def require_releasable(decision: Decision, transfer: Transfer) -> Authorization:
    """The proof, or a `GuardError` with the first reason: a final one before one that only holds.

    Raises `ValueError` where the decision is about another transfer: that is our bug, and nothing is released.
    """
    if transfer != decision.transfer:
        raise ValueError("the decision is about another transfer")
    if decision.status is not Status.RELEASABLE:
        first = sorted(decision.reasons, key=lambda reason: not reason.final)[0]
        raise GuardError(first.code, first.message)
    return Authorization(decision.transfer_id, transfer, decision)


def _deny(step: str, code: str, message: str, *, rule: str | None = None) -> Reason:
    return Reason(step=step, code=code, message=message, final=True, rule=rule)  # type: ignore[arg-type]


def _hold(step: str, code: str, message: str, *, rule: str | None = None, until: int | None = None) -> Reason:
    return Reason(step=step, code=code, message=message, final=False, rule=rule, until=until)  # type: ignore[arg-type]
