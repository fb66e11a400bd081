"""One rule of the policy: what it matches, and what it then asks for."""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.ids import AssetId, GroupId, Label, PersonId, RuleId, VaultId, is_count, is_name
from guard.core.refusing import require
from guard.core.transfer import Action

Approvals = tuple[tuple[GroupId, int], ...]
"""Seats asked, as (group, count), each group once, in the order of the groups' names."""
SEATS_END = 101


def require_approvals(approvals: Approvals) -> None:
    """Refuse a group that stands twice and a count that is not at least one."""
    groups = [group for group, _ in approvals]
    require(groups == sorted(set(groups)), "groups of approvals stand twice or out of order")
    require(
        all(is_count(count, least=1, end=SEATS_END) for _, count in approvals),
        "a count of approvals is not in 1 to 100",
    )


@dataclass(frozen=True, slots=True)
class Amount:
    """So many of the smallest unit of one asset."""

    asset: AssetId
    units: int

    def __post_init__(self) -> None:
        require(is_count(self.units, least=1), f"amount of {self.asset} is not in 1 to 2^256 - 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRange:
    """Amounts of one asset from `at_least` to `at_most`, both included; None leaves that side open."""

    asset: AssetId
    at_least: int | None = None
    at_most: int | None = None

    def __post_init__(self) -> None:
        require(self.at_least is not None or self.at_most is not None, "an amount range has neither side")
        for side in (self.at_least, self.at_most):
            require(side is None or is_count(side), "a side of an amount range is not an amount")
        if self.at_least is not None and self.at_most is not None:
            require(self.at_least <= self.at_most, "an amount range is empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Of which transfers a rule speaks. None means that the rule does not look at it; an empty list cannot be."""

    vaults: tuple[VaultId, ...] | None = None
    assets: tuple[AssetId, ...] | None = None
    actions: tuple[Action, ...] | None = None
    destination_labels: tuple[Label, ...] | None = None
    destination_listed: bool | None = None
    initiator_people: tuple[PersonId, ...] | None = None
    initiator_groups: tuple[GroupId, ...] | None = None
    amount: AmountRange | None = None

    def __post_init__(self) -> None:
        for chosen in (
            self.vaults,
            self.assets,
            self.actions,
            self.destination_labels,
            self.initiator_people,
            self.initiator_groups,
        ):
            require(chosen is None or len(chosen) > 0, "a match names an empty list; leave the line out to match all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What is asked of a transfer up to an amount, that amount included."""

    up_to: Amount
    approvals: Approvals
    delay: int = 0

    def __post_init__(self) -> None:
        require_approvals(self.approvals)
        require(len(self.approvals) > 0, "a tier asks nobody")
        require(is_count(self.delay), "delay of a tier is not a duration")


WINDOW_FIELDS = ("vault", "asset", "destination", "initiator")


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingLimit:
    """Caps what leaves within any window, counting what is reserved and not yet mined.

    The window slides: a cap per calendar day would let twice the cap leave around midnight. `per` says in which fields a movement must
    equal this transfer to be counted; a limit by amount always includes the asset, and until windows over several vaults exist, the vault.
    """

    cap: Amount
    window: int
    per: tuple[str, ...]

    def __post_init__(self) -> None:
        require(is_count(self.window, least=1), "window of a limit is not a duration")
        require(
            set(self.per) <= set(WINDOW_FIELDS) and len(set(self.per)) == len(self.per), "per of a limit is not known"
        )
        require("asset" in self.per and "vault" in self.per, "a limit by amount is per vault and asset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of the policy. Every rule that matches applies; the strictest of all demands wins (DESIGN §5)."""

    id: RuleId
    why: str
    owner: str
    review_by: str
    match: Match
    allow: bool = False
    deny: bool = False
    approvals: Approvals = ()
    delay: int = 0
    tiers: tuple[Tier, ...] = ()
    limits: tuple[RollingLimit, ...] = ()
    approval_valid_for: int | None = None

    def __post_init__(self) -> None:
        require(is_name(self.id), f"rule id {self.id!r} is not a name")
        require(not (self.allow and self.deny), f"rule {self.id} both allows and denies")
        require_approvals(self.approvals)
        require(is_count(self.delay), f"delay of rule {self.id} is not a duration")
        asks = self.approvals or self.delay or self.tiers or self.limits or self.approval_valid_for
        require(bool(self.allow or self.deny or asks), f"rule {self.id} asks for nothing")
        require(not (self.deny and asks), f"rule {self.id} denies and asks for something besides")
        valid_for = self.approval_valid_for
        require(
            valid_for is None or is_count(valid_for, least=1), f"approval_valid_for of rule {self.id} is not a duration"
        )
        _require_rising(self)


def _require_rising(rule: Rule) -> None:
    """Refuse tiers of two assets, tiers out of order, and a tier that asks less than the one before it."""
    for before, after in zip(rule.tiers, rule.tiers[1:], strict=False):
        require(before.up_to.asset == after.up_to.asset, f"tiers of rule {rule.id} are in two assets")
        require(before.up_to.units < after.up_to.units, f"tiers of rule {rule.id} do not rise")
        asked = dict(after.approvals)
        less = any(asked.get(group, 0) < count for group, count in before.approvals) or after.delay < before.delay
        require(not less, f"a tier of rule {rule.id} asks less than the one before it")
