"""Problems of the rules: names that lead nowhere, amounts in an asset that the rule does not match alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guard.bundles.problem import Location, Problem, unknown_problem, unknown_problems
from guard.bundles.sound_roster import compute_group_sizes, seat_problems
from guard.core.ids import AssetId, GroupId
from guard.core.policy import Policy
from guard.core.rules import Match, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """Every name that a rule may use, gathered once."""

    vaults: frozenset[str]
    assets: frozenset[str]
    labels: frozenset[str]
    people: frozenset[str]
    groups: dict[GroupId, int]


def rule_problems(policy: Policy) -> Iterator[Problem]:
    """Problems of every rule, in the order of the rules."""
    names = _Names(
        vaults=frozenset(vault.id for vault in policy.vaults),
        assets=frozenset(asset.id for asset in policy.assets),
        labels=frozenset(entry.label for entry in policy.book),
        people=frozenset(person.id for person in policy.roster.people),
        groups=compute_group_sizes(policy.roster),
    )
    for rule in policy.rules:
        location: Location = ("rules", rule.id)
        yield from _match_problems(rule.match, names, (*location, "match"))
        yield from seat_problems(rule.approvals, names.groups, (*location, "approvals"))
        yield from _tier_problems(rule, names, location)
        yield from _amount_problems(rule, names, location)


def _match_problems(match: Match, names: _Names, location: Location) -> Iterator[Problem]:
    yield from unknown_problems("vault", match.vaults or (), names.vaults, (*location, "vault"))
    yield from unknown_problems("asset", match.assets or (), names.assets, (*location, "asset"))
    yield from unknown_problems(
        "label", match.destination_labels or (), names.labels, (*location, "destination", "label")
    )
    yield from unknown_problems(
        "person", match.initiator_people or (), names.people, (*location, "initiator", "person")
    )
    yield from unknown_problems("group", match.initiator_groups or (), names.groups, (*location, "initiator", "group"))


def _tier_problems(rule: Rule, names: _Names, location: Location) -> Iterator[Problem]:
    for place, tier in enumerate(rule.tiers):
        here: Location = (*location, "tiers", place)
        yield from seat_problems(tier.approvals, names.groups, (*here, "approvals"))
    if rule.tiers:
        # All tiers of a rule are in one asset by construction, so what is said of the first is said of all.
        yield from _single_asset_problems(rule, rule.tiers[0].up_to.asset, (*location, "tiers", 0, "up_to"))


def _amount_problems(rule: Rule, names: _Names, location: Location) -> Iterator[Problem]:
    if rule.match.amount is not None:
        yield from _single_asset_problems(rule, rule.match.amount.asset, (*location, "match", "amount"))
    for place, limit in enumerate(rule.limits):
        here: Location = (*location, "limits", place)
        if limit.cap.asset not in names.assets:
            yield unknown_problem("asset", limit.cap.asset, names.assets, (*here, "amount"))


def _single_asset_problems(rule: Rule, asset: AssetId, location: Location) -> Iterator[Problem]:
    """An amount says nothing of another asset, so a rule that compares amounts must match exactly that one."""
    if rule.match.assets != (asset,):
        message = f"rule {rule.id} compares amounts of {asset} and does not match that asset alone"
        yield Problem(code="policy.asset-mismatch", message=message, location=location)
