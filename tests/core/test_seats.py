"""Joint assignment of people to seats, against every assignment that there is (TRUST §3, P11)."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.decide import decide
from guard.core.decision import Status
from guard.core.ids import GroupId, PersonId, RuleId
from guard.core.seats import Assignment, Demand, find_assignment, is_fillable
from guard.errors import GuardError
from tests.factories import make_approval, make_facts, make_policies, make_rule, make_transfer, to_approvals

PEOPLE = tuple(PersonId(name) for name in ("bob", "carol", "dave", "erin"))
GROUPS = tuple(GroupId(name) for name in ("finance", "guardians", "security"))


def demand(group: str, count: int, *people: str) -> Demand:
    return Demand(
        rule=RuleId("rule"), group=GroupId(group), count=count, eligible=frozenset(PersonId(name) for name in people)
    )


def meets(demands: list[Demand], assignment: Assignment) -> bool:
    return all(
        sum(1 for person in each.eligible if assignment.get(person) == each.group) >= each.count for each in demands
    )


def find_by_trying_all(demands: list[Demand]) -> Assignment | None:
    for chosen in product((None, *GROUPS), repeat=len(PEOPLE)):
        assignment = {person: group for person, group in zip(PEOPLE, chosen, strict=True) if group}
        if meets(demands, assignment):
            return assignment
    return None


demands_drawn = st.lists(
    st.builds(
        Demand,
        rule=st.just(RuleId("rule")),
        group=st.sampled_from(GROUPS),
        count=st.integers(1, 3),
        eligible=st.frozensets(st.sampled_from(PEOPLE)),
    ),
    max_size=4,
)


@given(demands_drawn)
def test_p11_seats_are_filled_exactly_when_some_assignment_fills_them(demands: list[Demand]) -> None:
    found, expected = find_assignment(demands), find_by_trying_all(demands)
    assert (found is None) == (expected is None)
    assert is_fillable(demands) == (expected is not None)
    assert found is None or meets(demands, found)


@given(demands_drawn.flatmap(lambda demands: st.tuples(st.just(demands), st.permutations(demands))))
def test_p7_the_order_of_demands_never_changes_the_assignment(orders: tuple[list[Demand], list[Demand]]) -> None:
    one, other = orders
    assert find_assignment(one) == find_assignment(other)


@given(demands_drawn)
def test_p11_everybody_who_is_seated_was_eligible_for_that_group(demands: list[Demand]) -> None:
    for person, group in (find_assignment(demands) or {}).items():
        assert any(person in each.eligible for each in demands if each.group == group)


def test_two_rules_that_ask_two_of_finance_ask_the_same_two() -> None:
    both = [demand("finance", 2, "bob", "carol"), demand("finance", 2, "bob", "carol")]
    assert find_assignment(both) == {"bob": "finance", "carol": "finance"}


def test_two_rules_that_accept_different_people_of_one_group_need_both() -> None:
    apart = [demand("finance", 1, "bob"), demand("finance", 1, "carol")]
    assert find_assignment(apart) == {"bob": "finance", "carol": "finance"}


def test_p11_one_person_in_two_groups_fills_one_seat() -> None:
    both = [demand("finance", 1, "dave"), demand("security", 1, "dave")]
    assert find_assignment(both) is None


def test_p11_the_person_in_two_groups_gives_way_where_somebody_else_can_fill_one() -> None:
    asked = [demand("finance", 1, "bob", "dave"), demand("security", 1, "dave")]
    assert find_assignment(asked) == {"bob": "finance", "dave": "security"}
    mirrored = [demand("finance", 1, "dave"), demand("security", 1, "dave", "erin")]
    assert find_assignment(mirrored) == {"dave": "finance", "erin": "security"}


def test_nobody_eligible_fills_nothing() -> None:
    assert find_assignment([demand("finance", 1)]) is None


def test_a_demand_for_nobody_cannot_be() -> None:
    with pytest.raises(GuardError, match="asks for nobody"):
        demand("finance", 0, "bob")


# --- The same through the whole decision ---

FINANCE_AND_SECURITY = make_policies(
    make_rule(approvals=to_approvals(finance=1)), make_rule("more", allow=False, approvals=to_approvals(security=1))
)


def test_p11_d10_dave_of_finance_and_security_does_not_approve_alone_even_when_two_rules_ask() -> None:
    decision = decide(make_transfer(), FINANCE_AND_SECURITY, make_facts(make_approval("dave")))
    assert (decision.status, decision.seated, decision.missing) == (Status.HELD, (), ())
    assert decision.reasons[0].message == "approvals are missing: another combination of people"


@pytest.mark.parametrize("other", ["bob", "erin"])
def test_p11_d10_dave_takes_the_seat_that_the_other_one_leaves(other: str) -> None:
    facts = make_facts(make_approval("dave"), make_approval(other))
    decision = decide(make_transfer(), FINANCE_AND_SECURITY, facts)
    assert (decision.status, len(decision.seated)) == (Status.RELEASABLE, 2)


def test_p11_d10_many_people_are_seated_in_reasonable_time() -> None:
    many = [PersonId(f"person-{number:03}") for number in range(100)]
    asked = [Demand(rule=RuleId("rule"), group=group, count=3, eligible=frozenset(many)) for group in GROUPS]
    assert len(find_assignment(asked) or {}) == 9
