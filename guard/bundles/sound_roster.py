"""Problems of the people: guardians, keys, and groups that are too small for what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator

from guard.bundles.problem import Location, Problem, unknown_problem
from guard.core.ids import NATIVE, Address, GroupId
from guard.core.policy import Policy, SlowPath
from guard.core.roster import GUARDIANS, Person, Roster
from guard.core.rules import Approvals

GUARDIANS_LEAST = 3


def compute_group_sizes(roster: Roster) -> dict[GroupId, int]:
    """How many people each declared group has."""
    sizes = dict.fromkeys(roster.groups, 0)
    for person in roster.people:
        for group in person.groups:
            sizes[group] += 1
    return sizes


def roster_problems(policy: Policy) -> Iterator[Problem]:
    """Problems of people and their keys."""
    owners = {signer.owner for signer in policy.signers}
    for person in policy.roster.people:
        if not person.keys:
            message = f"{person.id} has no key"
            yield Problem(code="policy.person-without-keys", message=message, location=("people", person.id))
        yield from _key_problems(person, owners)
    guardians = compute_group_sizes(policy.roster).get(GUARDIANS, 0)
    if guardians < GUARDIANS_LEAST:
        message = f"{guardians} guardians are fewer than {GUARDIANS_LEAST}"
        yield Problem(code="policy.guardians-too-few", message=message, location=("groups",))


def _key_problems(person: Person, owners: set[Address]) -> Iterator[Problem]:
    for key in person.keys:
        location = ("people", person.id, "keys", key.address)
        if not key.display:
            message = f"key {key.address} of {person.id} has no display of its own"
            yield Problem(code="policy.key-without-display", message=message, location=location)
        if key.address == NATIVE:
            yield Problem(
                code="policy.address-zero", message=f"a key of {person.id} is the zero address", location=location
            )
        if key.address in owners:
            message = f"key {key.address} of {person.id} is the owner key of a signer"
            yield Problem(code="policy.key-is-owner", message=message, location=location)


def seat_problems(approvals: Approvals, sizes: dict[GroupId, int], location: Location) -> Iterator[Problem]:
    """Problems of seats that are asked of groups: the group is not declared, or has fewer people than seats."""
    for group, count in approvals:
        if group not in sizes:
            yield unknown_problem("group", group, sizes, (*location, group))
        elif sizes[group] < count:
            message = f"group {group} has {sizes[group]} people and {count} are asked of it"
            yield Problem(code="policy.group-too-small", message=message, location=(*location, group))


def slow_path_problems(path: SlowPath, sizes: dict[GroupId, int], location: Location) -> Iterator[Problem]:
    """Problems of the seats that unfreeze or change. To ask all of a group is too much (N-of-N, TRUST §9)."""
    yield from seat_problems(path.approvals, sizes, location)
    for group, count in path.approvals:
        if sizes.get(group) == count:
            message = f"all {count} of group {group} are needed"
            yield Problem(code="policy.every-member-needed", message=message, location=(*location, group))
