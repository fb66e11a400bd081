"""One person's thousand statements cost the others little: what is computed under the lock that stops wait for stays small."""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from guard.core.facts import SeenUnfreeze
from guard.core.policy import Edition
from guard.core.stops import is_lifted
from guard.service import verbs
from guard.service.budgets import Limits, Rate
from guard.service.freezes import was_lifted
from tests.factories import HOUR, digest_of, make_edition, make_unfreeze
from tests.service.house import House, asked, code_of
from tests.team import transfer_id_of

DAY = 24 * HOUR
FREEZE = digest_of("freeze 1")
EDITION = make_edition()
BEGIN_AT = make_unfreeze("erin").first_seen_at


def _was_lifted_slowly(unfreezes: list[SeenUnfreeze], active: Edition, *, frozen_at: int, now: int) -> bool:
    """The same, as it is said: at some time until now the unfreezes that had arrived lifted it."""
    times = {max(each.first_seen_at, frozen_at) + active.policy.unfreeze.delay for each in unfreezes}
    return any(
        is_lifted(FREEZE, [each for each in unfreezes if each.first_seen_at <= at], active, at, (), frozen_at=frozen_at)
        for at in times
        if at <= now
    )


def _to_unfreeze(person: str, seen: int, lasting: int, ahead: int, is_old: bool) -> SeenUnfreeze:
    at = BEGIN_AT + seen * HOUR // 2
    roster = {"roster": digest_of("another roster")} if is_old else {}
    return make_unfreeze(
        person, "freeze 1", first_seen_at=at, signed_at=at - ahead * DAY, expires_at=at + lasting * HOUR // 2, **roster
    )


UNFREEZES = st.builds(
    _to_unfreeze,
    st.sampled_from(["erin", "frank", "grace", "alice"]),
    st.integers(0, 12),
    st.integers(1, 8),
    st.sampled_from([0, 0, 0, 1000]),
    st.sampled_from([False, False, False, True]),
)


@given(st.lists(UNFREEZES, max_size=8), st.integers(0, 6), st.integers(0, 16))
def test_whether_a_freeze_was_lifted_is_what_it_was_before_it_was_made_quick(
    unfreezes: list[SeenUnfreeze], frozen: int, later: int
) -> None:
    frozen_at, now = BEGIN_AT + frozen * HOUR // 2, BEGIN_AT + later * HOUR // 2
    quick = was_lifted(FREEZE, unfreezes, EDITION, frozen_at=frozen_at, now=now)
    assert quick == _was_lifted_slowly(unfreezes, EDITION, frozen_at=frozen_at, now=now)


def test_two_guardians_lift_a_freeze_among_a_thousand_unfreezes_of_one() -> None:
    many = [
        make_unfreeze("erin", "freeze 1", first_seen_at=BEGIN_AT + each, expires_at=BEGIN_AT + each + 9 * DAY)
        for each in range(2000)
    ]
    now = BEGIN_AT + 2 * DAY
    spent_at = time.process_time()
    assert not was_lifted(FREEZE, many, EDITION, frozen_at=BEGIN_AT, now=now)
    # When each was held against all others, twice as many took four times as long: 800 took two seconds.
    assert time.process_time() - spent_at < 2
    other = make_unfreeze("frank", "freeze 1", first_seen_at=BEGIN_AT + 5, expires_at=BEGIN_AT + 9 * DAY)
    assert was_lifted(FREEZE, [*many, other], EDITION, frozen_at=BEGIN_AT, now=now)


def test_unfreezes_have_a_budget_of_their_own_and_stops_do_not_share_it(house_of: Callable[..., House]) -> None:
    house = house_of(limits=Limits(lifting=Rate(2, DAY)))
    house.freeze()
    for _ in range(2):
        house.clock.advance(1)
        house.unfreeze("frank")
    house.clock.advance(1)
    assert code_of(lambda: house.unfreeze("frank")) == "request.rate"
    house.unfreeze("erin")
    house.freeze("frank", freeze="freeze 2")


def test_one_more_approval_of_somebody_who_brought_many_is_refused_and_stops_nobody_else(house: House) -> None:
    transfer = house.proposed()
    for _ in range(verbs.MOST_APPROVALS):
        house.clock.advance(1)
        house.approve(transfer, "bob")
    house.clock.advance(1)
    before = house.counts()["statement"]
    assert code_of(lambda: house.approve(transfer, "bob")) == "statement.too-many"
    assert house.counts()["statement"] == before
    house.approve(transfer, "carol")
    house.service.reject(transfer_id_of(transfer), house.people.reject(transfer, "bob"), asked(key=None))
