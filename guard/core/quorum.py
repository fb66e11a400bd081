"""Since when a quorum stands, and when the delay from there is over (TRUST §4, P4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guard.core.facts import Outage
from guard.core.ids import GroupId, PersonId, RuleId
from guard.core.roster import Roster
from guard.core.seats import Demand, is_fillable


@dataclass(frozen=True, slots=True)
class Seat:
    """A person whose statement counts now, and when it was first seen."""

    person: PersonId
    first_seen_at: int


Asked = tuple[GroupId, int, tuple[Seat, ...]]
"""A group, how many of it are asked, and the seats whose statements meet that rule's own demands."""


def compute_quorum_since(asked: Iterable[Asked], roster: Roster) -> int | None:
    """The smallest time t such that the statements first seen by t, and that still count now, fill every seat asked now.

    Computed anew each time, so that a new seat, a lost one, and an expired or replaced approval restart the delay by themselves.
    Nothing asked is no quorum at all: None.
    """
    demands = tuple(asked)
    if not demands:
        return None
    times = sorted({time for _, _, seats in demands for time in _compute_first_times(seats)})
    return next((time for time in times if is_fillable(to_demands(demands, roster, until=time))), None)


def _compute_first_times(seats: Iterable[Seat]) -> Iterable[int]:
    """Each person's earliest time: no other can complete a quorum, and one approver's thousand statements cost as much as one."""
    first: dict[PersonId, int] = {}
    for seat in seats:
        first[seat.person] = min(seat.first_seen_at, first.get(seat.person, seat.first_seen_at))
    return first.values()


def to_demands(asked: Iterable[Asked], roster: Roster, *, until: int | None = None) -> tuple[Demand, ...]:
    """The demands as seat assignment takes them, with the statements first seen by `until`."""
    return tuple(
        Demand(
            rule=RuleId(""),
            group=group,
            count=count,
            eligible=frozenset(
                seat.person
                for seat in seats
                if (until is None or seat.first_seen_at <= until) and roster.is_member(seat.person, group)
            ),
        )
        for group, count, seats in asked
    )


def compute_earliest_at(since: int, delay: int, now: int, outages: Iterable[Outage]) -> int:
    """When the delay from `since` is over, as known now: time in which the signer did not run counts towards none."""
    lost = sum(max(0, min(outage.end_at, now) - max(outage.start_at, since)) for outage in outages)
    return since + delay + lost
