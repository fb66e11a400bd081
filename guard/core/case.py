"""Everything that the steps of a decision look at, computed once: what matching rules ask, and which approvals count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guard.core.decision import MissingSeats, RuleOutcome, Uncounted
from guard.core.facts import Facts, SeenApproval
from guard.core.ids import GroupId, PersonId, RuleId
from guard.core.matching import compute_matching, find_tier
from guard.core.policy import Edition, Policies
from guard.core.quorum import Asked, Seat, compute_quorum_since, to_demands
from guard.core.roster import Roster
from guard.core.rules import Approvals, RollingLimit, Rule
from guard.core.seats import Demand, find_assignment, is_fillable
from guard.core.transfer import Transfer

CLOCK_TOLERANCE = 300
"""Seconds by which another machine's clock may run ahead (TRUST §7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A transfer with its policies and facts, and what follows from them. Computed by `compute_case` alone."""

    transfer: Transfer
    policies: Policies
    facts: Facts
    outcomes: tuple[RuleOutcome, ...]
    uncovered: tuple[RuleId, ...]
    limits: tuple[tuple[RuleId, RollingLimit], ...]
    delay: int
    asked: tuple[Asked, ...]
    uncounted: tuple[Uncounted, ...]
    missing: tuple[MissingSeats, ...]
    seated: tuple[tuple[PersonId, GroupId], ...]
    quorum_since: int | None
    is_still_fillable: bool


def compute_case(transfer: Transfer, policies: Policies, facts: Facts, objections: tuple[Objection, ...]) -> Case:
    """Evaluate every matching rule of both policies, and every approval."""
    matching = [(edition, rule) for edition in policies.both for rule in compute_matching(edition.policy, transfer)]
    outcomes = tuple(_compute_outcome(edition, rule, transfer) for edition, rule in matching)
    roster = policies.active.policy.roster
    valid_for = min((rule.approval_valid_for for _, rule in matching if rule.approval_valid_for), default=None)
    judged = [
        (
            approval,
            _find(objections, approval, transfer, policies.active, facts) or _find_age(approval, valid_for, facts),
        )
        for approval in facts.approvals
    ]
    seats = tuple(Seat(approval.person, approval.first_seen_at) for approval, code in judged if code is None)
    asked = tuple((group, count, seats) for outcome in outcomes for group, count in outcome.approvals)
    assignment = find_assignment(to_demands(asked, roster)) if asked else None
    return Case(
        transfer=transfer,
        policies=policies,
        facts=facts,
        outcomes=outcomes,
        uncovered=tuple(
            rule.id for edition, rule in matching if rule.tiers and not find_tier(rule, edition.policy, transfer)
        ),
        limits=tuple((rule.id, limit) for edition, rule in matching for limit in _limits_of(rule, edition, transfer)),
        delay=max((outcome.delay for outcome in outcomes), default=0),
        asked=asked,
        uncounted=tuple(Uncounted(approval.person, code) for approval, code in judged if code is not None),
        missing=_compute_missing(asked, roster, transfer, facts) if assignment is None else (),
        seated=tuple(sorted(assignment.items())) if assignment else (),
        quorum_since=_since(asked, roster, facts) if assignment is not None else None,
        is_still_fillable=is_fillable(_compute_open_demands(asked, roster, transfer, facts)),
    )


def _compute_outcome(edition: Edition, rule: Rule, transfer: Transfer) -> RuleOutcome:
    tier = find_tier(rule, edition.policy, transfer)
    return RuleOutcome(
        rule=rule.id,
        policy=edition.digest,
        allow=rule.allow,
        deny=rule.deny,
        approvals=merge_approvals(rule.approvals, tier.approvals if tier else ()),
        delay=max(rule.delay, tier.delay if tier else 0),
    )


def merge_approvals(one: Approvals, other: Approvals) -> Approvals:
    """The larger count of each group."""
    merged = dict(one)
    for group, count in other:
        merged[group] = max(count, merged.get(group, 0))
    return tuple(sorted(merged.items()))


def _limits_of(rule: Rule, edition: Edition, transfer: Transfer) -> tuple[RollingLimit, ...]:
    asset = edition.policy.asset_at(transfer.chain_id, transfer.asset)
    return tuple(limit for limit in rule.limits if asset is not None and limit.cap.asset == asset.id)


def _find_age(approval: SeenApproval, valid_for: int | None, facts: Facts) -> str | None:
    """The code of an approval that is older than the shortest `approval_valid_for` of all matching rules lets it be.

    It holds for every seat, as the longest delay does: a rule may ask for nothing but fresh approvals. The age runs from the earlier of
    signing and first sight, so that neither can stretch it.
    """
    begun_at = min(approval.signed_at, approval.first_seen_at)
    return "approval.too-old" if valid_for is not None and facts.now >= begun_at + valid_for else None


def _since(asked: tuple[Asked, ...], roster: Roster, facts: Facts) -> int | None:
    since = compute_quorum_since(asked, roster)
    # A proposal that was brought after the approvals moves the quorum back to it, or approvals could be aged before anybody can see them.
    return since if since is None or facts.proposal is None else max(since, facts.proposal.first_seen_at)


def _compute_open_demands(
    asked: tuple[Asked, ...], roster: Roster, transfer: Transfer, facts: Facts
) -> tuple[Demand, ...]:
    """The demands if everybody who still may were to approve."""
    return tuple(
        Demand(rule=RuleId(""), group=group, count=count, eligible=_remaining(group, roster, transfer, facts))
        for group, count, _ in asked
    )


def _remaining(group: GroupId, roster: Roster, transfer: Transfer, facts: Facts) -> frozenset[PersonId]:
    return roster.members(group) - facts.rejected_by - {transfer.initiator}


def _compute_missing(
    asked: tuple[Asked, ...], roster: Roster, transfer: Transfer, facts: Facts
) -> tuple[MissingSeats, ...]:
    """For people: how many more of each group at least, with who could be they. A person in two groups is taken for the first."""
    missing: dict[GroupId, MissingSeats] = {}
    for group, count, seats in asked:
        have = {seat.person for seat in seats if roster.is_member(seat.person, group)}
        candidates = tuple(sorted(_remaining(group, roster, transfer, facts) - have))
        short = count - len(have)
        if short > 0 and (group not in missing or missing[group].count < short):
            missing[group] = MissingSeats(group, short, candidates)
    return tuple(missing[group] for group in sorted(missing))


def _is_holder(approval: SeenApproval, active: Edition) -> bool:
    holder = active.policy.roster.holder(approval.key)
    return holder is not None and holder[0].id == approval.person and holder[1].display


def _is_machine(approval: SeenApproval, active: Edition) -> bool:
    person = active.policy.roster.person(approval.person)
    return person is None or person.machine


def _is_before_enrolment(approval: SeenApproval, active: Edition) -> bool:
    enrolled_at = active.enrolled_at.get(approval.key)
    return enrolled_at is None or min(approval.signed_at, approval.first_seen_at) < enrolled_at


@dataclass(frozen=True, slots=True)
class Objection:
    """One way in which an approval does not count, with its permanent code."""

    code: str
    objects: Callable[[SeenApproval, Transfer, Edition, Facts], bool]


# All of them are asked again at every decision: what counted when it was admitted may have expired, or its roster may have changed (P12).
OBJECTIONS: tuple[Objection, ...] = (
    Objection("approval.key-unknown", lambda a, t, e, f: not _is_holder(a, e)),
    Objection("approval.machine", lambda a, t, e, f: _is_machine(a, e)),
    Objection("approval.initiator", lambda a, t, e, f: a.person == t.initiator),
    Objection("approval.rejected", lambda a, t, e, f: a.person in f.rejected_by),
    Objection("approval.roster", lambda a, t, e, f: a.roster != e.roster_digest),
    Objection("approval.pre-dated", lambda a, t, e, f: a.signed_at < t.proposed_at),
    Objection("approval.before-enrolment", lambda a, t, e, f: _is_before_enrolment(a, e)),
    Objection("approval.dated-ahead", lambda a, t, e, f: a.signed_at > a.first_seen_at + CLOCK_TOLERANCE),
    Objection("approval.expired", lambda a, t, e, f: f.now >= a.expires_at or a.expires_at <= a.signed_at),
)


def _find(
    objections: tuple[Objection, ...], approval: SeenApproval, transfer: Transfer, active: Edition, facts: Facts
) -> str | None:
    return next((each.code for each in objections if each.objects(approval, transfer, active, facts)), None)
