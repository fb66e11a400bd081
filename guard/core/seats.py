"""Joint assignment of people to seats (TRUST §3).

Every person is assigned to at most one group for the whole transfer, across all rules and both policies. Two rules that ask two finance
people ask the same two; one person in finance and in security never fills a seat of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guard.core.ids import GroupId, PersonId, RuleId
from guard.core.refusing import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one rule asks of one group: that at least `count` of the people assigned to it are among the eligible ones."""

    rule: RuleId
    group: GroupId
    count: int
    eligible: frozenset[PersonId]

    def __post_init__(self) -> None:
        require(self.count >= 1, "a demand asks for nobody")


Assignment = Mapping[PersonId, GroupId]
_Needs = tuple[int, ...]


def find_assignment(demands: Iterable[Demand]) -> Assignment | None:
    """One assignment of people to groups that meets every demand, or None where there is none.

    Goes through the people in order of their ids and keeps, for each vector of counts still needed, one way to get there; a person may
    stay unassigned. The vectors are few since counts are small, so this is exact and not exponential in the number of people.
    """
    asked = tuple(demands)
    people = sorted(frozenset[PersonId]().union(*(demand.eligible for demand in asked)))
    groups = sorted({demand.group for demand in asked})
    ways: dict[_Needs, tuple[tuple[PersonId, GroupId], ...]] = {tuple(demand.count for demand in asked): ()}
    for person in people:
        reached = dict(ways)
        for needs, way in ways.items():
            for group in groups:
                rest = _compute_rest(asked, needs, person, group)
                if rest != needs and rest not in reached:
                    reached[rest] = (*way, (person, group))
        ways = reached
    met = ways.get((0,) * len(asked))
    return None if met is None else dict(met)


def _compute_rest(asked: tuple[Demand, ...], needs: _Needs, person: PersonId, group: GroupId) -> _Needs:
    return tuple(
        need - 1 if need and demand.group == group and person in demand.eligible else need
        for demand, need in zip(asked, needs, strict=True)
    )


def is_fillable(demands: Iterable[Demand]) -> bool:
    """Whether one assignment meets every demand."""
    return find_assignment(demands) is not None
