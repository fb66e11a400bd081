"""Every objection to an approval: what does not count, with which code, and that it alone keeps it from counting (P11, P12)."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from guard.core.case import OBJECTIONS
from guard.core.decide import DecisionRules, compute_decision, decide
from guard.core.decision import Status
from guard.core.facts import Facts, SeenApproval
from guard.core.ids import AssetId, PersonId
from guard.core.policy import Policies
from guard.core.rules import Match
from guard.core.transfer import Transfer
from tests.factories import (
    DAY,
    ENROLLED_AT,
    FINANCE,
    MINUTE,
    NOW,
    PROPOSED_AT,
    address_of,
    digest_of,
    make_approval,
    make_edition,
    make_facts,
    make_key,
    make_passkey,
    make_person,
    make_policies,
    make_proposal,
    make_roster,
    make_rule,
    make_transfer,
    to_approvals,
)


@dataclass(frozen=True)
class Bad:
    """An approval that fills the only seat asked, if its objection is left out."""

    code: str
    approval: SeenApproval
    transfer: Transfer
    policies: Policies
    facts: Facts


def bad(code: str, why: str, approval: SeenApproval, **changed: Any) -> Any:
    parts: dict[str, Any] = {"transfer": make_transfer(), "policies": make_policies(), "facts": make_facts()} | changed
    return pytest.param(Bad(code, approval, **parts), id=f"{code.partition('.')[2]}: {why}")


def edition_with(*people: Any, **changes: Any) -> Policies:
    """A treasury in which the given people take the places of those with the same id."""
    return make_policies(active=make_edition(roster=make_roster(*people), **changes))


BOBS_KEYS = (make_key("bob"), make_key("bob-new"))
ENROLLED_LATER = {address_of(name): ENROLLED_AT for name in ("alice", "bob")} | {address_of("bob-new"): NOW}
PASSKEY_BOB = make_person("bob", keys=(make_passkey("bob"),))
ALICE_IN_FINANCE = make_person("alice", FINANCE)

BAD = [
    bad(
        "approval.key-unknown",
        "a key that has left the roster",
        make_approval("bob", key=address_of("bob-old")),
        policies=edition_with(enrolled_at={address_of("bob-old"): ENROLLED_AT}),
    ),
    bad("approval.key-unknown", "the key of another person", make_approval("bob", key=address_of("alice"))),
    bad("approval.key-unknown", "a key without a display", make_approval("bob"), policies=edition_with(PASSKEY_BOB)),
    bad("approval.initiator", "their own transfer", make_approval("alice"), policies=edition_with(ALICE_IN_FINANCE)),
    bad(
        "approval.rejected",
        "rejected before",
        make_approval("bob"),
        facts=make_facts(rejected_by=frozenset([PersonId("bob")])),
    ),
    bad("approval.roster", "people have changed", make_approval("bob", roster=digest_of("roster 0"))),
    bad("approval.pre-dated", "dated before the proposal", make_approval("bob", signed_at=PROPOSED_AT - 1)),
    bad(
        "approval.before-enrolment",
        "dated before its key counted",
        make_approval("bob", key=address_of("bob-new"), signed_at=NOW - 1, first_seen_at=NOW),
        policies=edition_with(make_person("bob", keys=BOBS_KEYS), enrolled_at=ENROLLED_LATER),
    ),
    bad(
        "approval.before-enrolment",
        "seen before its key counted",
        make_approval("bob", key=address_of("bob-new"), signed_at=NOW, first_seen_at=NOW - 1),
        policies=edition_with(make_person("bob", keys=BOBS_KEYS), enrolled_at=ENROLLED_LATER),
    ),
    bad(
        "approval.before-enrolment",
        "no date of enrolment is known",
        make_approval("bob"),
        policies=make_policies(active=make_edition(enrolled_at={})),
    ),
    bad(
        "approval.dated-ahead",
        "dated after it was seen",
        make_approval("bob", signed_at=NOW - 1000 + 301, first_seen_at=NOW - 1000),
    ),
    bad("approval.expired", "its lifetime is over", make_approval("bob", expires_at=NOW)),
    bad(
        "approval.expired",
        "ends before it begins",
        make_approval("bob", signed_at=NOW + 2, expires_at=NOW + 1, first_seen_at=NOW),
    ),
]


def with_approval(situation: Bad) -> Facts:
    return replace(situation.facts, approvals=(situation.approval,))


@pytest.mark.parametrize("situation", BAD)
def test_an_approval_that_does_not_count_says_why(situation: Bad) -> None:
    decision = decide(situation.transfer, situation.policies, with_approval(situation))
    assert [uncounted.code for uncounted in decision.uncounted] == [situation.code]
    assert (decision.status, decision.quorum_since, decision.seated) == (Status.HELD, None, ())


@pytest.mark.parametrize("situation", BAD)
def test_without_its_objection_the_money_would_leave(situation: Bad) -> None:
    rest = tuple(objection for objection in OBJECTIONS if objection.code != situation.code)
    decision = compute_decision(
        DecisionRules(objections=rest), situation.transfer, situation.policies, with_approval(situation)
    )
    assert decision.status is Status.RELEASABLE


def test_a_machine_fills_no_seat_and_groups_hold_that_too() -> None:
    facts = make_facts(make_approval("payroll"))
    decision = decide(make_transfer(), make_policies(), facts)
    assert [uncounted.code for uncounted in decision.uncounted] == ["approval.machine"]
    # A second line: a machine is in no group, so that it would find no seat without the objection either.
    rest = tuple(objection for objection in OBJECTIONS if objection.code != "approval.machine")
    assert compute_decision(DecisionRules(objections=rest), make_transfer(), make_policies(), facts).seated == ()


def test_every_objection_is_shown_to_be_needed() -> None:
    shown = {parameter.values[0].code for parameter in BAD} | {"approval.machine"}
    assert shown == {objection.code for objection in OBJECTIONS}


def test_p12_a_key_that_has_left_the_roster_counts_no_more() -> None:
    new_bob = make_person("bob", keys=(make_key("bob-new"),))
    decision = decide(make_transfer(), edition_with(new_bob), make_facts(make_approval("bob")))
    assert [uncounted.code for uncounted in decision.uncounted] == ["approval.key-unknown"]


def test_p12_an_approval_that_does_not_count_does_no_harm_to_one_that_does() -> None:
    facts = make_facts(make_approval("carol", expires_at=NOW), make_approval("bob"))
    decision = decide(make_transfer(), make_policies(), facts)
    assert (decision.status, len(decision.uncounted)) == (Status.RELEASABLE, 1)


def test_p12_a_second_approval_of_the_same_person_counts_when_the_first_has_expired() -> None:
    again = make_approval("bob", signed_at=NOW - MINUTE, first_seen_at=NOW - MINUTE)
    decision = decide(make_transfer(), make_policies(), make_facts(make_approval("bob", expires_at=NOW), again))
    assert (decision.status, decision.quorum_since) == (Status.RELEASABLE, NOW - MINUTE)


def test_p11_the_initiators_second_key_fills_no_seat_either() -> None:
    alice = make_person("alice", FINANCE, keys=(make_key("alice"), make_key("alice-second")))
    own = make_approval("alice", key=address_of("alice-second"))
    decision = decide(make_transfer(), edition_with(alice), make_facts(own))
    assert [uncounted.code for uncounted in decision.uncounted] == ["approval.initiator"]


def test_p11_two_keys_of_one_person_fill_one_seat() -> None:
    policies = edition_with(make_person("bob", keys=BOBS_KEYS), rules=(make_rule(approvals=to_approvals(finance=2)),))
    both = make_facts(make_approval("bob"), make_approval("bob", key=address_of("bob-new")))
    assert decide(make_transfer(), policies, both).status is Status.HELD
    assert decide(make_transfer(), policies, make_facts(make_approval("bob"), make_approval("carol"))).reasons == ()


def test_p11_a_rejection_bars_the_seat_and_leaves_the_others() -> None:
    facts = make_facts(make_approval("bob"), make_approval("carol"), rejected_by=frozenset([PersonId("bob")]))
    decision = decide(make_transfer(), make_policies(), facts)
    assert (decision.status, decision.seated) == (Status.RELEASABLE, (("carol", "finance"),))


def test_a_machines_transfer_needs_people_as_any_other() -> None:
    transfer, proposal = make_transfer(initiator="payroll"), make_proposal("payroll")
    nobody = make_facts(proposal=proposal, approvals=())
    assert decide(transfer, make_policies(), nobody).status is Status.HELD


# --- Boundaries in threes: just below, at, just above ---


def counts(approval: SeenApproval, policies: Policies | None = None, *, now: int = NOW) -> bool:
    facts = make_facts(approval, now=now)
    return decide(make_transfer(), policies or make_policies(), facts).status is Status.RELEASABLE


@pytest.mark.parametrize(("late", "expected"), [(-1, False), (0, True), (1, True)])
def test_p12_an_approval_may_be_dated_in_the_second_of_the_proposal(late: int, expected: bool) -> None:
    assert counts(make_approval("bob", signed_at=PROPOSED_AT + late)) is expected


@pytest.mark.parametrize(("ahead", "expected"), [(299, True), (300, True), (301, False)])
def test_p12_an_approval_may_be_dated_five_minutes_after_it_was_seen(ahead: int, expected: bool) -> None:
    assert counts(make_approval("bob", signed_at=NOW + ahead, first_seen_at=NOW)) is expected


@pytest.mark.parametrize(("late", "expected"), [(-1, True), (0, False), (1, False)])
def test_p12_an_approval_has_expired_in_its_last_second(late: int, expected: bool) -> None:
    assert counts(make_approval("bob", expires_at=NOW), now=NOW + late) is expected


@pytest.mark.parametrize(("lasts", "expected"), [(-1, False), (0, False), (1, True)])
def test_p12_an_approval_lasts_for_at_least_a_second(lasts: int, expected: bool) -> None:
    assert counts(make_approval("bob", signed_at=NOW + 9, first_seen_at=NOW, expires_at=NOW + 9 + lasts)) is expected


@pytest.mark.parametrize(("late", "expected"), [(-1, False), (0, True), (1, True)])
@pytest.mark.parametrize("field", ["signed_at", "first_seen_at"])
def test_p12_a_key_counts_from_the_second_of_its_enrolment(field: str, late: int, expected: bool) -> None:
    enrolled_at = NOW - MINUTE
    policies = make_policies(
        active=make_edition(enrolled_at=make_edition().enrolled_at | {address_of("bob"): enrolled_at})
    )
    dates = {"signed_at": NOW, "first_seen_at": NOW} | {field: enrolled_at + late}
    assert counts(make_approval("bob", **dates), policies) is expected


@pytest.mark.parametrize(("late", "expected"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize("field", ["signed_at", "first_seen_at"])
def test_a_rules_approval_lifetime_runs_from_the_earlier_of_signing_and_first_sight(
    field: str, late: int, expected: bool
) -> None:
    begun = {"signed_at": NOW, "first_seen_at": NOW} | {field: NOW - MINUTE - late}
    policies = make_policies(make_rule(approval_valid_for=MINUTE))
    assert counts(make_approval("bob", **begun), policies) is expected


def test_the_shortest_approval_lifetime_of_all_matching_rules_holds_for_every_seat() -> None:
    """A rule may ask for nothing but fresh approvals, and one that does not match asks nothing."""
    fresh = make_rule("fresh", allow=False, approvals=(), approval_valid_for=MINUTE)
    longer = make_rule("longer", allow=False, approvals=(), approval_valid_for=DAY)
    elsewhere = make_rule("elsewhere", match=Match(assets=(AssetId("ETH"),)), approval_valid_for=1)
    policies = make_policies(make_rule(), longer, fresh, elsewhere)
    assert counts(make_approval("bob", signed_at=NOW - 59, first_seen_at=NOW - 59), policies)
    late = make_facts(make_approval("bob", signed_at=NOW - 60, first_seen_at=NOW - 60))
    decision = decide(make_transfer(), policies, late)
    assert [(uncounted.person, uncounted.code) for uncounted in decision.uncounted] == [("bob", "approval.too-old")]
    assert [missing.group for missing in decision.missing] == ["finance"]


def test_an_approval_lifetime_of_either_policy_holds() -> None:
    fresh = make_edition(rules=(make_rule(approval_valid_for=MINUTE),))
    lasting = make_edition(digest=digest_of("policy 2"), version=2)
    assert not counts(make_approval("bob"), Policies(named=fresh, active=lasting))
    swapped = Policies(named=replace(lasting, digest=fresh.digest), active=replace(fresh, digest=lasting.digest))
    assert not counts(make_approval("bob"), swapped)


def test_p12_a_day_after_the_last_approval_expired_nothing_is_left_of_the_quorum() -> None:
    decision = decide(make_transfer(), make_policies(), make_facts(now=PROPOSED_AT + DAY))
    assert (decision.quorum_since, decision.earliest_at) == (None, None)
