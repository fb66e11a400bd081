"""Rules as canonical JSON. Amounts are decimal strings of units, durations seconds, null is "not looked at"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guard.bundles.order import by_cap, by_text, by_value, require_ordered
from guard.bundles.texts import OWNER_LENGTH, WHY_LENGTH, require_date_or_nothing, require_text
from guard.core.ids import AssetId, GroupId, Label, PersonId, RuleId, VaultId, is_name, is_symbol
from guard.core.rules import Amount, AmountRange, Approvals, Match, RollingLimit, Rule, Tier
from guard.core.transfer import Action
from guard.errors import GuardError
from guard.formats.fields import require_fields, take_bool, take_count, take_decimal, take_list, take_text, to_number

_MATCH = (
    "actions",
    "amount",
    "assets",
    "destination_labels",
    "destination_listed",
    "initiator_groups",
    "initiator_people",
    "vaults",
)
_RULE = (
    "allow",
    "approval_valid_for",
    "approvals",
    "delay",
    "deny",
    "id",
    "limits",
    "match",
    "owner",
    "review_by",
    "tiers",
    "why",
)


def to_json(rule: Rule) -> dict[str, Any]:
    """The rule as an object that names every field."""
    return {
        "allow": rule.allow,
        "approval_valid_for": rule.approval_valid_for,
        "approvals": from_approvals(rule.approvals),
        "delay": rule.delay,
        "deny": rule.deny,
        "id": rule.id,
        "limits": [_from_limit(limit) for limit in require_ordered(rule.limits, by_cap, f"limits of rule {rule.id}")],
        "match": _from_match(rule.match),
        "owner": rule.owner,
        "review_by": rule.review_by,
        "tiers": [_from_tier(tier) for tier in rule.tiers],
        "why": rule.why,
    }


def from_approvals(approvals: Approvals) -> dict[str, int]:
    """Seats as an object of counts by group."""
    return dict(approvals)


def _from_amount(amount: Amount) -> dict[str, Any]:
    return {"asset": amount.asset, "units": str(amount.units)}


def _from_tier(tier: Tier) -> dict[str, Any]:
    return {"approvals": from_approvals(tier.approvals), "delay": tier.delay, "up_to": _from_amount(tier.up_to)}


def _from_limit(limit: RollingLimit) -> dict[str, Any]:
    per = list(require_ordered(limit.per, by_text, "per fields of a limit"))
    return {"cap": _from_amount(limit.cap), "per": per, "window": limit.window}


def _from_match(match: Match) -> dict[str, Any]:
    actions = None if match.actions is None else [a.value for a in require_ordered(match.actions, by_value, "actions")]
    return {
        "actions": actions,
        "amount": _from_range(match.amount),
        "assets": _from_names(match.assets),
        "destination_labels": _from_names(match.destination_labels),
        "destination_listed": match.destination_listed,
        "initiator_groups": _from_names(match.initiator_groups),
        "initiator_people": _from_names(match.initiator_people),
        "vaults": _from_names(match.vaults),
    }


def _from_names(names: tuple[Any, ...] | None) -> list[str] | None:
    return None if names is None else list(require_ordered(names, by_text, "names in a match"))


def _from_range(amount: AmountRange | None) -> dict[str, Any] | None:
    if amount is None:
        return None
    sides = {"at_least": amount.at_least, "at_most": amount.at_most}
    return {"asset": amount.asset, **{name: None if side is None else str(side) for name, side in sides.items()}}


def from_json(value: Any) -> Rule:
    """The rule of such an object; strict."""
    fields = require_fields(value, _RULE, what="rule")
    rule_id = RuleId(take_text(fields, "id"))
    limits = tuple(_to_limit(limit) for limit in take_list(fields, "limits"))
    owner = take_text(fields, "owner")
    return Rule(
        id=rule_id,
        why=require_text(take_text(fields, "why"), "why of a rule", longest=WHY_LENGTH),
        owner=owner and require_text(owner, "owner of a rule", longest=OWNER_LENGTH),
        review_by=require_date_or_nothing(take_text(fields, "review_by"), "review_by of a rule"),
        match=_to_match(fields["match"]),
        allow=take_bool(fields, "allow"),
        deny=take_bool(fields, "deny"),
        approvals=take_approvals(fields),
        delay=take_count(fields, "delay"),
        tiers=tuple(_to_tier(tier) for tier in take_list(fields, "tiers")),
        limits=tuple(require_ordered(limits, by_cap, "limits of a rule")),
        approval_valid_for=None
        if fields["approval_valid_for"] is None
        else take_count(fields, "approval_valid_for", least=1),
    )


def take_approvals(fields: dict[str, Any]) -> Approvals:
    """Seats as (group, count) in the order of the groups' names."""
    asked = fields["approvals"]
    if not isinstance(asked, dict):
        raise GuardError("json.field-type", "approvals is not an object")
    if not all(is_name(group) for group in asked):
        raise GuardError("json.field-type", "a group of approvals is not a name")
    return tuple((GroupId(group), take_count(asked, group, least=1)) for group in sorted(asked))


def _to_amount(value: Any) -> Amount:
    fields = require_fields(value, ("asset", "units"), what="amount")
    return Amount(AssetId(_take_symbol(fields)), take_decimal(fields, "units"))


def _take_symbol(fields: dict[str, Any]) -> str:
    if not is_symbol(fields["asset"]):
        raise GuardError("json.field-type", "asset of an amount is not a symbol")
    return take_text(fields, "asset")


def _to_tier(value: Any) -> Tier:
    fields = require_fields(value, ("approvals", "delay", "up_to"), what="tier")
    return Tier(up_to=_to_amount(fields["up_to"]), approvals=take_approvals(fields), delay=take_count(fields, "delay"))


def _to_limit(value: Any) -> RollingLimit:
    fields = require_fields(value, ("cap", "per", "window"), what="limit")
    per = take_list(fields, "per")
    if not all(isinstance(name, str) for name in per):
        raise GuardError("json.field-type", "per of a limit is not a list of texts")
    require_ordered(per, by_text, "per fields of a limit")
    return RollingLimit(cap=_to_amount(fields["cap"]), window=take_count(fields, "window", least=1), per=tuple(per))


def _to_match(value: Any) -> Match:
    fields = require_fields(value, _MATCH, what="match")
    vaults = _take_names(fields, "vaults", is_name)
    assets = _take_names(fields, "assets", is_symbol)
    labels = _take_names(fields, "destination_labels", is_name)
    people = _take_names(fields, "initiator_people", is_name)
    groups = _take_names(fields, "initiator_groups", is_name)
    return Match(
        vaults=None if vaults is None else tuple(VaultId(name) for name in vaults),
        assets=None if assets is None else tuple(AssetId(name) for name in assets),
        actions=_take_actions(fields),
        destination_labels=None if labels is None else tuple(Label(name) for name in labels),
        destination_listed=None if fields["destination_listed"] is None else take_bool(fields, "destination_listed"),
        initiator_people=None if people is None else tuple(PersonId(name) for name in people),
        initiator_groups=None if groups is None else tuple(GroupId(name) for name in groups),
        amount=None if fields["amount"] is None else _to_range(fields["amount"]),
    )


def _take_names(fields: dict[str, Any], field: str, is_right: Callable[[object], bool]) -> tuple[str, ...] | None:
    if fields[field] is None:
        return None
    names = take_list(fields, field)
    if not all(is_right(name) for name in names):
        raise GuardError("json.field-type", f"{field} of a match is not a list of names")
    return tuple(require_ordered(names, by_text, f"{field} of a match"))


def _take_actions(fields: dict[str, Any]) -> tuple[Action, ...] | None:
    if fields["actions"] is None:
        return None
    # Only plain transfers are decided on so far; a rule about anything else must not look as if it were enforced.
    if take_list(fields, "actions") != [Action.TRANSFER.value]:
        raise GuardError(
            "policy.not-yet", "a rule speaks of actions other than transfer, which this version does not know"
        )
    return (Action.TRANSFER,)


def _to_range(value: Any) -> AmountRange:
    fields = require_fields(value, ("asset", "at_least", "at_most"), what="amount range")
    sides = {
        name: None if fields[name] is None else to_number(take_text(fields, name), name)
        for name in ("at_least", "at_most")
    }
    return AmountRange(asset=AssetId(_take_symbol(fields)), **sides)
