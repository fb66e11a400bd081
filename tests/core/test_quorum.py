"""Since when a quorum stands, and when the delay from there is over, against looking at every second (TRUST §4, P4)."""

from itertools import pairwise
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.decide import decide
from guard.core.facts import Outage, SeenApproval
from guard.core.ids import GroupId, PersonId
from guard.core.policy import Policies
from guard.core.quorum import Asked, Seat, compute_earliest_at, compute_quorum_since, to_demands
from guard.core.roster import Roster
from guard.errors import GuardError
from tests.core.test_seats import find_by_trying_all
from tests.factories import (
    HOUR,
    MINUTE,
    NOW,
    PROPOSED_AT,
    make_approval,
    make_edition,
    make_facts,
    make_outage,
    make_person,
    make_policies,
    make_proposal,
    make_rule,
    make_transfer,
    to_approvals,
)

GROUPS = tuple(GroupId(name) for name in ("finance", "guardians", "security"))
MEMBERS = {"bob": GROUPS[:1], "carol": GROUPS[:1], "dave": GROUPS, "erin": GROUPS[1:]}
ROSTER = Roster(GROUPS, tuple(make_person(name, *groups) for name, groups in MEMBERS.items()))

seats = st.builds(Seat, st.sampled_from([PersonId(name) for name in MEMBERS]), st.integers(0, 6))
asked_drawn = st.lists(
    st.tuples(st.sampled_from(GROUPS), st.integers(1, 2), st.lists(seats, max_size=5).map(tuple)), max_size=3
)


@given(asked_drawn)
def test_p4_quorum_since_is_the_first_second_at_which_every_seat_was_filled(asked: list[Asked]) -> None:
    def is_filled_by(second: int) -> bool:
        return bool(asked) and find_by_trying_all(list(to_demands(asked, ROSTER, until=second))) is not None

    assert compute_quorum_since(asked, ROSTER) == next((second for second in range(8) if is_filled_by(second)), None)


@given(asked_drawn, seats)
def test_p4_one_more_statement_never_makes_a_quorum_younger(asked: list[Asked], more: Seat) -> None:
    before = compute_quorum_since(asked, ROSTER)
    after = compute_quorum_since([(group, count, (*seen, more)) for group, count, seen in asked], ROSTER)
    assert before is None or (after is not None and after <= before)


def test_nothing_asked_is_no_quorum() -> None:
    assert compute_quorum_since([], ROSTER) is None


def test_p4_somebody_outside_the_group_fills_none_of_its_seats() -> None:
    assert compute_quorum_since([(GROUPS[2], 1, (Seat(PersonId("bob"), 1),))], ROSTER) is None


outages_drawn = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15)), max_size=4).map(
    lambda pairs: tuple(make_outage(start, lasts) for start, lasts in pairs)
)


def count_lived(since: int, until: int, outages: tuple[Outage, ...]) -> int:
    return sum(1 for second in range(since, until) if not any(o.start_at <= second < o.end_at for o in outages))


def are_apart(outages: tuple[Outage, ...]) -> bool:
    ordered = sorted((outage.start_at, outage.end_at) for outage in outages)
    return all(before[1] <= after[0] for before, after in pairwise(ordered))


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 60), outages_drawn)
def test_p4_a_delay_is_over_when_the_signer_has_run_that_long(
    since: int, delay: int, now: int, outages: tuple[Outage, ...]
) -> None:
    is_over = compute_earliest_at(since, delay, now, outages) <= now
    has_run = now >= since and count_lived(since, now, outages) >= delay
    # Outages that overlap are counted twice: that only lengthens the delay.
    assert is_over == has_run if are_apart(outages) else is_over <= has_run


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 60), outages_drawn)
def test_p4_an_outage_never_shortens_a_delay_and_restarts_nothing(
    since: int, delay: int, now: int, outages: tuple[Outage, ...]
) -> None:
    earliest_at = compute_earliest_at(since, delay, now, outages)
    assert since + delay <= earliest_at <= since + delay + sum(o.end_at - o.start_at for o in outages)


@pytest.mark.parametrize(("start", "lost"), [(-2, 0), (-1, 0), (0, 1), (1, 1)])
def test_p4_an_outage_of_a_second_counts_from_the_second_of_the_quorum_on(start: int, lost: int) -> None:
    assert compute_earliest_at(100, 10, 200, (make_outage(100 + start, 1),)) == 110 + lost


def test_p4_an_outage_that_has_not_ended_counts_up_to_now() -> None:
    assert compute_earliest_at(100, 10, 105, (make_outage(103, 1000),)) == 112


def test_an_outage_does_not_end_before_it_begins() -> None:
    assert Outage(5, 5) == make_outage(5, 0)
    with pytest.raises(GuardError, match="ends before it begins"):
        Outage(5, 4)


# --- Through the whole decision: what moves the quorum ---

TWO_OF_FINANCE = make_policies(make_rule(approvals=to_approvals(finance=2), delay=HOUR))
FIRST, SECOND, THIRD = (PROPOSED_AT + minutes * MINUTE for minutes in (10, 20, 30))


def since(*approvals: SeenApproval, policies: Policies = TWO_OF_FINANCE, **changes: Any) -> int | None:
    return decide(make_transfer(), policies, make_facts(*approvals, **changes)).quorum_since


def seen(person: str, at: int, **changes: Any) -> SeenApproval:
    return make_approval(person, signed_at=at, first_seen_at=at, **changes)


def test_p4_the_delay_runs_from_the_statement_that_completed_the_quorum() -> None:
    assert since(seen("bob", FIRST), seen("carol", SECOND)) == SECOND


def test_p4_a_further_approval_moves_nothing() -> None:
    assert since(seen("bob", FIRST), seen("carol", SECOND), seen("dave", THIRD)) == SECOND


def test_p4_an_approval_that_expired_restarts_the_delay_from_the_one_that_took_its_place() -> None:
    assert since(seen("bob", FIRST), seen("carol", SECOND, expires_at=NOW), seen("dave", THIRD)) == THIRD


def test_p4_a_rejection_after_the_fact_restarts_the_delay_from_the_next_one() -> None:
    rejected = frozenset([PersonId("carol")])
    approvals = (seen("bob", FIRST), seen("carol", SECOND), seen("dave", THIRD))
    assert since(*approvals, rejected_by=rejected) == THIRD


def test_p4_a_seat_that_is_asked_newly_restarts_the_delay() -> None:
    stricter = make_policies(
        make_rule(approvals=to_approvals(finance=2)), make_rule("new", approvals=to_approvals(security=1))
    )
    approvals = (seen("bob", FIRST), seen("carol", SECOND), seen("erin", THIRD))
    assert (since(*approvals), since(*approvals, policies=stricter)) == (SECOND, THIRD)


def test_p4_a_proposal_that_was_brought_last_begins_the_delay() -> None:
    approvals = (seen("bob", FIRST), seen("carol", SECOND))
    assert since(*approvals, proposal=make_proposal(first_seen_at=THIRD)) == THIRD


def test_p4_what_was_signed_early_and_brought_late_is_as_young_as_its_first_sight() -> None:
    late = make_approval("carol", signed_at=FIRST, first_seen_at=THIRD)
    assert since(seen("bob", FIRST), late) == THIRD


def test_p4_a_quorum_that_is_lost_takes_its_time_with_it() -> None:
    decision = decide(make_transfer(), TWO_OF_FINANCE, make_facts(make_approval("bob")))
    assert (decision.quorum_since, decision.earliest_at) == (None, None)


def test_p12_a_changed_roster_voids_the_quorum_and_its_age() -> None:
    edition = make_edition(rules=(make_rule(approvals=to_approvals(finance=2)),), roster_digest=make_edition().digest)
    assert since(seen("bob", FIRST), seen("carol", SECOND), policies=make_policies(active=edition)) is None


def test_p4_a_thousand_approvals_of_one_person_cost_no_more_than_one_quorum() -> None:
    """One approver who floods a transfer with statements must not keep the signers from deciding on it."""
    flood = [seen("bob", PROPOSED_AT + second) for second in range(1000)]
    policies = make_policies(make_rule(approvals=to_approvals(finance=2, security=1)))
    started = process_time()
    assert since(*flood, seen("carol", FIRST), seen("erin", SECOND), policies=policies) == SECOND
    assert process_time() - started < 1
