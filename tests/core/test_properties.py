"""The whole decision on random small treasuries: against the oracle, and that it is monotone and deterministic (P7)."""

import json
from dataclasses import replace
from typing import TypeVar

from hypothesis import assume, given, settings

from guard.core.decide import decide
from guard.core.decision import Decision, Status
from guard.core.ids import PersonId
from guard.core.policy import Edition, Policies
from guard.core.rules import Rule
from tests.core.oracle import expect
from tests.core.situations import (
    APPROVERS,
    Chooser,
    Situation,
    choose_approval,
    choose_outages,
    choose_rule,
    choose_situation,
    with_rules,
)
from tests.core.strategies import choosers, situations
from tests.factories import make_facts, make_policies, make_rule, make_transfer

T = TypeVar("T")

EXAMPLES = settings().max_examples
LOOSENESS = [Status.DENIED, Status.HELD, Status.RELEASABLE]


def decide_on(situation: Situation) -> Decision:
    return decide(situation.transfer, situation.policies, situation.facts)


def to_bytes(decision: Decision) -> bytes:
    return json.dumps(decision.to_json()).encode()


def is_as_strict(strict: Decision, loose: Decision) -> bool:
    """Whether the first lets nothing go that the second would not let go, and nothing earlier."""
    if LOOSENESS.index(strict.status) > LOOSENESS.index(loose.status):
        return False
    if strict.quorum_since is None:
        return True
    return (
        loose.quorum_since is not None
        and loose.earliest_at is not None
        and strict.earliest_at is not None
        and strict.quorum_since >= loose.quorum_since
        and strict.earliest_at >= loose.earliest_at
    )


@settings(max_examples=EXAMPLES * 2)
@given(situations())
def test_the_decision_is_what_the_oracle_expects(situation: Situation) -> None:
    decision = decide_on(situation)
    expected = expect(situation.transfer, situation.policies, situation.facts)
    assert (decision.status, decision.quorum_since) == (expected.status, expected.quorum_since)
    assert bool(decision.seated) == expected.is_quorum_complete
    assert not (decision.missing and expected.is_quorum_complete)


@given(choosers())
def test_p7_a_rule_that_does_not_allow_never_loosens(chooser: Chooser) -> None:
    added = choose_rule(chooser, "added", may_allow=False)
    where = chooser.one_of("both", "named", "active")
    situation = choose_situation(chooser)
    named, active = situation.policies.named, situation.policies.active
    if named == active:
        named = active = add_rule(active, added)
    else:
        named = add_rule(named, added) if named and where != "active" else named
        active = add_rule(active, added) if where != "named" else active
    before = decide_on(situation)
    # Rules that allow and ask nobody are closed; what opens them is told apart below.
    assume(all(reason.code != "decision.no-approvals-asked" for reason in before.reasons))
    stricter = replace(situation, policies=Policies(named=named, active=active))
    assert is_as_strict(decide_on(stricter), before)


def add_rule(edition: Edition, rule: Rule) -> Edition:
    return with_rules(edition, (*edition.policy.rules, rule))


def test_p7_what_allows_and_asks_nobody_is_closed_until_some_rule_asks_for_seats() -> None:
    """The one way in which a rule that does not allow opens something: it asks the first seat."""
    open_to_all = make_rule(approvals=())
    asking = make_rule("asking", allow=False)
    alone = decide(make_transfer(), make_policies(open_to_all), make_facts())
    assert [reason.code for reason in alone.reasons] == ["decision.no-approvals-asked"]
    assert decide(make_transfer(), make_policies(open_to_all, asking), make_facts()).status is Status.RELEASABLE


@given(choosers())
def test_p7_one_more_approval_never_makes_it_worse(chooser: Chooser) -> None:
    added = choose_approval(chooser)
    situation = choose_situation(chooser)
    # What a frozen person approved is held: that is a stop, and stops make it worse.
    freezes = tuple(freeze for freeze in situation.facts.freezes if freeze.scope.person != added.person)
    situation = replace(situation, facts=replace(situation.facts, freezes=freezes))
    more = replace(situation.facts, approvals=(*situation.facts.approvals, added))
    assert is_as_strict(decide_on(situation), decide_on(replace(situation, facts=more)))


@given(choosers())
def test_p6_a_stop_never_makes_it_better(chooser: Chooser) -> None:
    person = PersonId(chooser.one_of("alice", *APPROVERS))
    situation = choose_situation(chooser)
    rejected = replace(situation.facts, rejected_by=situation.facts.rejected_by | {person})
    vetoed = replace(situation.facts, vetoed_by=situation.facts.vetoed_by | {person})
    for facts in (rejected, vetoed):
        assert is_as_strict(decide_on(replace(situation, facts=facts)), decide_on(situation))


@given(choosers())
def test_p4_an_outage_never_brings_anything_forward(chooser: Chooser) -> None:
    more = choose_outages(chooser)
    situation = choose_situation(chooser)
    facts = replace(situation.facts, outages=(*situation.facts.outages, *more))
    without = replace(situation, facts=replace(situation.facts, outages=()))
    assert is_as_strict(decide_on(replace(situation, facts=facts)), decide_on(situation))
    assert decide_on(situation).quorum_since == decide_on(without).quorum_since


@given(choosers())
def test_p7_the_order_of_rules_people_and_assets_does_not_matter(chooser: Chooser) -> None:
    turned = chooser.one_of(1, 2, 3)
    situation = choose_situation(chooser)
    named, active = (each and turn(each, turned) for each in (situation.policies.named, situation.policies.active))
    assert active
    other = replace(situation, policies=Policies(named=named, active=active))
    assert to_bytes(decide_on(other)) == to_bytes(decide_on(situation))


def turn(edition: Edition, by: int) -> Edition:
    """The same edition with its lists turned round and back to front."""
    policy = edition.policy
    changed = replace(
        policy,
        rules=turn_list(policy.rules, by),
        assets=turn_list(policy.assets, by),
        book=turn_list(policy.book, by),
        roster=replace(policy.roster, people=turn_list(policy.roster.people, by)),
    )
    return replace(edition, policy=changed)


def turn_list(values: tuple[T, ...], by: int) -> tuple[T, ...]:
    by %= len(values)
    return (*values[by:], *values[:by])[::-1]


@given(situations())
def test_the_same_input_gives_the_same_bytes(situation: Situation) -> None:
    assert to_bytes(decide_on(situation)) == to_bytes(decide_on(situation))
