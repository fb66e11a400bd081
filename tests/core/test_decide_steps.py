"""Every step of the decision: what it refuses, with which code, and that no other step would have (the ablation)."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from guard.core.decide import DECISION_STEPS, DecisionRules, compute_decision, decide
from guard.core.decision import Decision, Status
from guard.core.facts import Facts, ScopeKind
from guard.core.ids import NATIVE, AssetId, PersonId, TransferId
from guard.core.policy import Policies
from guard.core.rules import Match
from guard.core.transfer import Action, Transfer
from tests.factories import (
    CHAIN_ID,
    DAY,
    EXPIRES_AT,
    HOUR,
    MINUTE,
    NOW,
    PROPOSED_AT,
    USDC_ADDRESS,
    VAULT_ADDRESS,
    address_of,
    digest_of,
    make_approval,
    make_edition,
    make_facts,
    make_freeze,
    make_limit,
    make_movement,
    make_outage,
    make_policies,
    make_proposal,
    make_rule,
    make_scope,
    make_tier,
    make_transfer,
    to_approvals,
    usdc,
)

STEP_OF = {step.__name__.partition("_")[0].upper(): step for step in DECISION_STEPS}
ONE_ELSEWHERE = address_of("somewhere else")
OTHER_TREASURY = digest_of("another treasury")


@dataclass(frozen=True)
class Breach:
    """Something that one step alone holds back."""

    step: str
    code: str
    status: Status
    transfer: Transfer
    policies: Policies
    facts: Facts


def breach(step: str, code: str, status: Status = Status.DENIED, **changed: Any) -> Any:
    parts: dict[str, Any] = {"transfer": make_transfer(), "policies": make_policies(), "facts": make_facts()} | changed
    return pytest.param(Breach(step, code, status, **parts), id=f"{step} {code}")


def two_editions(**changes: Any) -> Policies:
    """The transfer names bundle 1 while bundle 2 is active."""
    named = make_edition()
    return Policies(named=named, active=replace(named, digest=digest_of("policy 2"), version=2, **changes))


HELD = Status.HELD
DENYING = make_rule("sanctioned", allow=False, deny=True, approvals=())
ETHER_ONLY = make_rule("ether", match=Match(assets=(AssetId("ETH"),)))
TIERED = make_rule("tiered", approvals=(), tiers=(make_tier(usdc(4999)),))
CAPPED = make_rule("caps", allow=False, approvals=(), limits=(make_limit(usdc(5000)),))

BREACHES = [
    breach("D1", "decision.treasury", transfer=make_transfer(treasury=OTHER_TREASURY)),
    breach("D1", "decision.vault-unknown", transfer=make_transfer(vault=ONE_ELSEWHERE)),
    breach("D1", "decision.asset-unknown", transfer=make_transfer(asset=ONE_ELSEWHERE)),
    breach("D1", "decision.vault-unknown", transfer=make_transfer(chain_id=CHAIN_ID + 1)),
    breach("D1", "decision.action-unsupported", transfer=make_transfer(action=Action.CALL)),
    breach("D1", "decision.action-unsupported", transfer=make_transfer(call_data_hash=digest_of("call data"))),
    breach("D2", "decision.amount-zero", transfer=make_transfer(amount_units=0)),
    breach("D2", "decision.destination", transfer=make_transfer(destination=VAULT_ADDRESS)),
    breach("D2", "decision.destination", transfer=make_transfer(destination=USDC_ADDRESS)),
    breach("D2", "decision.destination", transfer=make_transfer(destination=NATIVE)),
    breach("D3", "decision.policy-unknown", policies=Policies(named=None, active=make_edition())),
    breach("D3", "decision.policy-unknown", transfer=make_transfer(policy=digest_of("policy 9"))),
    breach(
        "D3",
        "decision.roster-changed",
        policies=two_editions(roster_digest=digest_of("roster 2")),
        facts=make_facts(make_approval("bob", roster=digest_of("roster 2"))),
    ),
    breach("D3", "decision.policy-expired", HELD, policies=make_policies(active=make_edition(expires_at=NOW))),
    breach(
        "D4",
        "decision.lifetime",
        transfer=make_transfer(proposed_at=NOW + 2, expires_at=NOW + 1),
        facts=make_facts(make_approval("bob", signed_at=NOW + 2, first_seen_at=NOW)),
    ),
    breach("D4", "decision.expired", transfer=make_transfer(expires_at=NOW)),
    breach("D4", "decision.too-old", transfer=make_transfer(proposed_at=NOW - 8 * DAY)),
    breach("D4", "decision.supersedes", transfer=make_transfer(supersedes=TransferId(digest_of("another transfer")))),
    breach(
        "D4",
        "decision.proposed-ahead",
        HELD,
        transfer=make_transfer(proposed_at=NOW + 301),
        facts=make_facts(make_approval("bob", signed_at=NOW + 301, first_seen_at=NOW + 1), now=NOW),
    ),
    breach("D5", "decision.proposal-missing", HELD, facts=make_facts(proposal=None)),
    breach("D5", "decision.proposal-missing", HELD, facts=make_facts(proposal=make_proposal("carol"))),
    breach(
        "D5",
        "decision.proposal-missing",
        HELD,
        facts=make_facts(proposal=make_proposal("carol", key=address_of("alice"))),
    ),
    breach("D5", "decision.proposal-missing", HELD, facts=make_facts(proposal=make_proposal(key=address_of("carol")))),
    breach("D5", "decision.proposal-missing", HELD, facts=make_facts(proposal=make_proposal(key=address_of("nobody")))),
    breach(
        "D5",
        "decision.initiator-unknown",
        transfer=make_transfer(initiator="mallory"),
        facts=make_facts(proposal=make_proposal("mallory")),
    ),
    breach("D6", "decision.vetoed", facts=make_facts(vetoed_by=frozenset([PersonId("erin")]))),
    breach("D6", "decision.withdrawn", facts=make_facts(rejected_by=frozenset([PersonId("alice")]))),
    *(
        breach("D6", "decision.frozen", HELD, facts=make_facts(freezes=(make_freeze(scope=make_scope(kind)),)))
        for kind in ScopeKind
    ),
    breach("D7", "decision.rule-denies", policies=make_policies(make_rule(), DENYING)),
    breach("D8", "decision.not-allowed", policies=make_policies(make_rule(allow=False))),
    breach("D8", "decision.not-allowed", policies=make_policies(ETHER_ONLY, make_rule(allow=False))),
    breach("D8", "decision.above-tiers", policies=make_policies(make_rule(), TIERED)),
    breach(
        "D9",
        "decision.limit",
        policies=make_policies(make_rule(), CAPPED),
        transfer=make_transfer(amount_units=usdc(5000) + 1),
    ),
    breach(
        "D9",
        "decision.limit",
        HELD,
        policies=make_policies(make_rule(), CAPPED),
        facts=make_facts(movements=(make_movement(amount_units=1),)),
    ),
    breach("D10", "decision.no-approvals-asked", policies=make_policies(make_rule(approvals=()))),
    breach("D10", "decision.quorum-missing", HELD, facts=make_facts(approvals=())),
    breach(
        "D10",
        "decision.rejected",
        facts=make_facts(rejected_by=frozenset(PersonId(name) for name in ("bob", "carol", "dave"))),
    ),
    breach("D11", "decision.delay", HELD, policies=make_policies(make_rule(delay=HOUR))),
]


def decide_without(step: str, attack: Breach) -> Decision:
    rules = DecisionRules(steps=tuple(other for other in DECISION_STEPS if other is not STEP_OF[step]))
    return compute_decision(rules, attack.transfer, attack.policies, attack.facts)


def to_reasons(decision: Decision) -> list[tuple[str, str]]:
    return [(reason.step, reason.code) for reason in decision.reasons]


def test_what_the_factories_make_is_releasable() -> None:
    decision = decide(make_transfer(), make_policies(), make_facts())
    assert (decision.status, decision.reasons, decision.uncounted) == (Status.RELEASABLE, (), ())
    assert decision.seated == (("bob", "finance"),)


@pytest.mark.parametrize("attack", BREACHES)
def test_a_step_refuses_with_its_own_code(attack: Breach) -> None:
    decision = decide(attack.transfer, attack.policies, attack.facts)
    assert decision.status is attack.status
    assert (attack.step, attack.code) in to_reasons(decision)


# A second line, with the step that it backs: approvals may not be dated before the proposal nor much ahead of their first
# sight, so the quorum of a transfer from the future lies in the future too.
NOT_ALONE = {"decision.proposed-ahead": "D11"}


@pytest.mark.parametrize("attack", BREACHES)
def test_without_its_step_the_money_would_leave(attack: Breach) -> None:
    decision = decide_without(attack.step, attack)
    assert {step for step, _ in to_reasons(decision)} == set(NOT_ALONE.get(attack.code, "").split())


def test_every_step_is_shown_to_be_needed() -> None:
    assert {parameter.values[0].step for parameter in BREACHES} == set(STEP_OF)
    assert list(STEP_OF) == [f"D{number}" for number in range(1, len(STEP_OF) + 1)]


# --- Boundaries in threes: just below, at, just above ---


@pytest.mark.parametrize(("late", "status"), [(-1, Status.RELEASABLE), (0, Status.HELD), (1, Status.HELD)])
def test_d3_an_expired_policy_holds_from_its_last_second_on(late: int, status: Status) -> None:
    policies = make_policies(active=make_edition(expires_at=NOW))
    assert decide(make_transfer(), policies, make_facts(now=NOW + late)).status is status


def test_d3_expiry_of_the_named_policy_alone_does_not_matter() -> None:
    policies = replace(two_editions(), named=make_edition(expires_at=PROPOSED_AT))
    assert decide(make_transfer(), policies, make_facts()).status is Status.RELEASABLE


@pytest.mark.parametrize(("late", "status"), [(-1, Status.RELEASABLE), (0, Status.DENIED), (1, Status.DENIED)])
def test_d4_a_transfer_expires_in_its_last_second(late: int, status: Status) -> None:
    facts = make_facts(make_approval("bob", expires_at=EXPIRES_AT + DAY), now=EXPIRES_AT + late)
    assert decide(make_transfer(), make_policies(), facts).status is status


@pytest.mark.parametrize(("late", "status"), [(-1, Status.RELEASABLE), (0, Status.RELEASABLE), (1, Status.DENIED)])
def test_d4_a_transfer_of_exactly_max_transfer_age_is_not_too_old(late: int, status: Status) -> None:
    transfer = make_transfer(expires_at=PROPOSED_AT + 30 * DAY)
    facts = make_facts(make_approval("bob", expires_at=PROPOSED_AT + 30 * DAY), now=PROPOSED_AT + 7 * DAY + late)
    assert decide(transfer, make_policies(), facts).status is status


@pytest.mark.parametrize(("ahead", "status"), [(299, Status.RELEASABLE), (300, Status.RELEASABLE), (301, Status.HELD)])
def test_d4_a_proposal_may_be_dated_five_minutes_ahead(ahead: int, status: Status) -> None:
    transfer = make_transfer(proposed_at=NOW + ahead)
    seen_at = max(NOW, NOW + ahead - 300)
    facts = make_facts(make_approval("bob", signed_at=NOW + ahead, first_seen_at=seen_at))
    assert decide(transfer, make_policies(), facts).status is status


@pytest.mark.parametrize(("lasts", "status"), [(-1, Status.DENIED), (0, Status.DENIED), (1, Status.RELEASABLE)])
def test_d4_a_transfer_lasts_for_at_least_a_second(lasts: int, status: Status) -> None:
    transfer = make_transfer(proposed_at=NOW + 2, expires_at=NOW + 2 + lasts)
    facts = make_facts(make_approval("bob", signed_at=NOW + 2, first_seen_at=NOW))
    assert decide(transfer, make_policies(), facts).status is status


def test_d4_a_transfer_that_is_dated_ahead_says_when_it_begins() -> None:
    decision = decide(make_transfer(proposed_at=NOW + 1000), make_policies(), make_facts())
    reason = next(reason for reason in decision.reasons if reason.code == "decision.proposed-ahead")
    assert reason.until == NOW + 700
    latest = decide(make_transfer(proposed_at=2**64 - 1, expires_at=2**64 - 1), make_policies(), make_facts())
    assert next(reason.until for reason in latest.reasons if reason.code == "decision.proposed-ahead") == 2**53 - 1


def test_d5_a_machine_may_initiate() -> None:
    transfer = make_transfer(initiator="payroll")
    assert decide(transfer, make_policies(), make_facts(proposal=make_proposal("payroll"))).status is Status.RELEASABLE


def test_d6_one_veto_is_enough_and_each_is_named() -> None:
    vetoed = decide(make_transfer(), make_policies(), make_facts(vetoed_by=frozenset(map(PersonId, ("grace", "erin")))))
    assert [reason.message for reason in vetoed.reasons] == ["vetoed by erin", "vetoed by grace"]


def test_d7_a_denying_rule_of_the_policy_that_the_transfer_names_wins_though_the_active_one_has_none() -> None:
    named = make_edition(rules=(make_rule(), DENYING))
    decision = decide(make_transfer(), replace(two_editions(), named=named), make_facts())
    assert to_reasons(decision) == [("D7", "decision.rule-denies")]


def test_d8_both_policies_must_allow() -> None:
    named = make_edition(rules=(make_rule(allow=False),))
    decision = decide(make_transfer(), replace(two_editions(), named=named), make_facts())
    assert to_reasons(decision) == [("D8", "decision.not-allowed")]


@pytest.mark.parametrize(("units", "status"), [(-1, Status.RELEASABLE), (0, Status.RELEASABLE), (1, Status.DENIED)])
def test_d8_the_last_tier_includes_its_amount_and_nothing_above(units: int, status: Status) -> None:
    policies = make_policies(make_rule(approvals=(), tiers=(make_tier(usdc(100)), make_tier(usdc(5000)))))
    assert decide(make_transfer(amount_units=usdc(5000) + units), policies, make_facts()).status is status


def test_d8_tiers_in_one_asset_cover_no_other() -> None:
    policies = make_policies(make_rule(approvals=(), tiers=(make_tier(usdc(5000)),)))
    decision = decide(make_transfer(asset=NATIVE, amount_units=1), policies, make_facts())
    assert ("D8", "decision.above-tiers") in to_reasons(decision)


@pytest.mark.parametrize(("units", "status"), [(-1, Status.RELEASABLE), (0, Status.RELEASABLE), (1, Status.HELD)])
def test_d9_a_window_may_be_filled_to_its_cap(units: int, status: Status) -> None:
    policies = make_policies(make_rule(), make_rule("caps", approvals=(), limits=(make_limit(usdc(8000)),)))
    facts = make_facts(movements=(make_movement(amount_units=usdc(3000) + units),))
    assert decide(make_transfer(), policies, facts).status is status


@pytest.mark.parametrize(("counted", "left"), [(2999, 5001), (3001, 4999), (8000, 0), (8001, 0)])
def test_d9_what_a_window_leaves_is_told(counted: int, left: int) -> None:
    policies = make_policies(make_rule(), make_rule("caps", allow=False, approvals=(), limits=(make_limit(8000),)))
    facts = make_facts(movements=(make_movement(amount_units=counted),))
    decision = decide(make_transfer(amount_units=6000), policies, facts)
    assert decision.reasons[0].message == f"rule caps leaves {left} units of 8000 in its window of {DAY} s"


def test_d9_a_limit_of_either_policy_holds() -> None:
    facts = make_facts(movements=(make_movement(),))
    named, active = make_edition(rules=(make_rule(), CAPPED)), make_edition(digest=digest_of("policy 2"), version=2)
    assert to_reasons(decide(make_transfer(), Policies(named=named, active=active), facts)) == [
        ("D9", "decision.limit")
    ]
    swapped = Policies(named=replace(active, digest=named.digest), active=replace(named, digest=active.digest))
    assert to_reasons(decide(make_transfer(), swapped, facts)) == [("D9", "decision.limit")]


def test_d10_seats_of_both_policies_are_asked() -> None:
    named = make_edition(rules=(make_rule(approvals=to_approvals(security=1)),))
    policies = replace(two_editions(), named=named)
    assert decide(make_transfer(), policies, make_facts()).status is Status.HELD
    both = make_facts(make_approval("bob"), make_approval("erin"))
    assert decide(make_transfer(), policies, both).status is Status.RELEASABLE


def test_d10_what_is_missing_is_named_with_who_could_fill_it() -> None:
    policies = make_policies(make_rule(approvals=to_approvals(finance=2, security=1)))
    decision = decide(make_transfer(), policies, make_facts(rejected_by=frozenset([PersonId("carol")])))
    assert decision.reasons[0].message == "approvals are missing: 1 of finance, 1 of security"
    said = [(missing.group, missing.count, missing.candidates) for missing in decision.missing]
    assert said == [("finance", 1, ("dave",)), ("security", 1, ("dave", "erin"))]


def test_d10_a_group_that_lacks_nobody_is_not_told() -> None:
    policies = make_policies(make_rule(approvals=to_approvals(finance=1, security=1)))
    decision = decide(make_transfer(), policies, make_facts(make_approval("bob")))
    assert [missing.group for missing in decision.missing] == ["security"]


@pytest.mark.parametrize("counts", [(2, 3), (3, 2)])
def test_d10_of_several_rules_the_one_that_lacks_most_is_told(counts: tuple[int, int]) -> None:
    rules = [make_rule(f"rule-{place}", approvals=to_approvals(finance=count)) for place, count in enumerate(counts)]
    decision = decide(make_transfer(), make_policies(*rules), make_facts(make_approval("bob")))
    assert [(missing.group, missing.count) for missing in decision.missing] == [("finance", 2)]


@pytest.mark.parametrize(("early", "status"), [(1, Status.HELD), (0, Status.RELEASABLE), (-1, Status.RELEASABLE)])
def test_d11_a_delay_is_over_after_exactly_its_seconds(early: int, status: Status) -> None:
    quorum_since = PROPOSED_AT + 10 * MINUTE
    facts = make_facts(now=quorum_since + HOUR - early)
    decision = decide(make_transfer(), make_policies(make_rule(delay=HOUR)), facts)
    assert (decision.status, decision.earliest_at) == (status, quorum_since + HOUR)


def test_d11_the_longest_delay_of_all_rules_tiers_and_both_policies_counts() -> None:
    tiers = (make_tier(usdc(5000), delay=3 * MINUTE),)
    named = make_edition(rules=(make_rule(delay=2 * MINUTE),))
    active = make_edition(rules=(make_rule(delay=MINUTE, tiers=tiers),), digest=digest_of("policy 2"), version=2)
    decision = decide(make_transfer(), Policies(named=named, active=active), make_facts())
    assert decision.earliest_at == PROPOSED_AT + 13 * MINUTE


def test_d11_time_in_which_the_signer_did_not_run_counts_towards_no_delay() -> None:
    quorum_since = PROPOSED_AT + 10 * MINUTE
    facts = make_facts(now=quorum_since + HOUR, outages=(make_outage(quorum_since + 60, 30 * MINUTE),))
    decision = decide(make_transfer(), make_policies(make_rule(delay=HOUR)), facts)
    assert (decision.status, decision.earliest_at) == (Status.HELD, quorum_since + HOUR + 30 * MINUTE)


def test_d11_a_quorum_that_lies_ahead_of_the_clock_holds_even_without_a_delay() -> None:
    ahead = make_approval("bob", signed_at=NOW, first_seen_at=NOW + 1)
    assert to_reasons(decide(make_transfer(), make_policies(), make_facts(ahead))) == [("D11", "decision.delay")]
