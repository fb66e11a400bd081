"""`rules.toml`: what a transfer must satisfy. Every rule that matches applies; their order never matters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from guard.bundles.order import by_cap, by_id, by_text, to_ordered
from guard.bundles.texts import OWNER_LENGTH, WHY_LENGTH, is_date
from guard.core.ids import AssetId, GroupId, Label, PersonId, RuleId, VaultId, is_name, is_symbol
from guard.core.rules import WINDOW_FIELDS, AmountRange, Match, RollingLimit, Rule, Tier
from guard.core.transfer import Action
from guard.policyfiles.problems import Collector, compute_suggestion
from guard.policyfiles.section import Section, read_each, refuse_twins, require_keys, require_top, to_placed
from guard.policyfiles.source import Source
from guard.policyfiles.taking import (
    take_amount,
    take_approvals,
    take_bool,
    take_duration,
    take_entries,
    take_name,
    take_names,
    take_string,
    take_table,
    take_text,
)

_OPTIONAL = (
    "owner",
    "review_by",
    "match",
    "allow",
    "deny",
    "approvals",
    "delay",
    "tiers",
    "limits",
    "approval_valid_for",
)


def read_rules(source: Source, collector: Collector, decimals_of: dict[str, int]) -> tuple[Rule, ...]:
    """The rules in canonical order. `decimals_of` are the assets in which amounts may be written."""
    for refusal in require_top(source, ("format", "rule")):
        collector.add(refusal)
    rules = tuple(read_each(source, collector, "rule", lambda section: _read_rule(section, decimals_of)))
    collector.attempt(lambda: refuse_twins(source, "rule", ("id",)))
    return to_ordered(rules, by_id)


def _read_rule(section: Section, decimals_of: dict[str, int]) -> Rule:
    require_keys(section, ("id", "why"), _OPTIONAL)
    return Rule(
        id=RuleId(take_name(section, "id")),
        why=take_text(section, "why", longest=WHY_LENGTH),
        owner=take_text(section, "owner", longest=OWNER_LENGTH) if section.has("owner") else "",
        review_by=_take_day(section, "review_by") if section.has("review_by") else "",
        match=_read_match(take_table(section, "match"), decimals_of) if section.has("match") else Match(),
        allow=section.has("allow") and take_bool(section, "allow"),
        deny=section.has("deny") and take_bool(section, "deny"),
        approvals=take_approvals(section, "approvals") if section.has("approvals") else (),
        delay=take_duration(section, "delay") if section.has("delay") else 0,
        tiers=_read_tiers(section, decimals_of) if section.has("tiers") else (),
        limits=_read_limits(section, decimals_of) if section.has("limits") else (),
        approval_valid_for=take_duration(section, "approval_valid_for") if section.has("approval_valid_for") else None,
    )


def _take_day(section: Section, name: str) -> str:
    text = take_string(section, name)
    if not is_date(text):
        raise section.refusal(name, "policy.time", f"{text[:40]!r} is not a day", 'write for instance "2027-11-30"')
    return text


def _read_match(match: Section, decimals_of: dict[str, int]) -> Match:
    require_keys(match, (), ("vault", "asset", "action", "destination", "initiator", "amount"))
    destination = _take_table_of(match, "destination", ("listed", "label"))
    initiator = _take_table_of(match, "initiator", ("person", "group"))
    vaults = _take_ordered(match, "vault", is_name)
    assets = _take_ordered(match, "asset", is_symbol)
    labels = _take_ordered(destination, "label", is_name)
    people = _take_ordered(initiator, "person", is_name)
    groups = _take_ordered(initiator, "group", is_name)
    return Match(
        vaults=None if vaults is None else tuple(VaultId(name) for name in vaults),
        assets=None if assets is None else tuple(AssetId(name) for name in assets),
        actions=_read_actions(match) if match.has("action") else None,
        destination_labels=None if labels is None else tuple(Label(name) for name in labels),
        destination_listed=take_bool(destination, "listed") if destination and destination.has("listed") else None,
        initiator_people=None if people is None else tuple(PersonId(name) for name in people),
        initiator_groups=None if groups is None else tuple(GroupId(name) for name in groups),
        amount=_read_range(take_table(match, "amount"), decimals_of) if match.has("amount") else None,
    )


def _take_table_of(section: Section, name: str, known: tuple[str, ...]) -> Section | None:
    if not section.has(name):
        return None
    table = take_table(section, name)
    require_keys(table, (), known)
    return table


def _take_ordered(section: Section | None, name: str, is_right: Callable[[object], bool]) -> tuple[str, ...] | None:
    if section is None or not section.has(name):
        return None
    return to_ordered(take_names(section, name, is_right), by_text)


def _read_actions(match: Section) -> tuple[Action, ...]:
    known = [action.value for action in Action]
    for name in take_names(match, "action"):
        if name not in known:
            message = f"{name!r} is not an action"
            raise match.refusal(
                "action", "policy.name", message, compute_suggestion(name, known) or 'write ["transfer"]'
            )
        if name != Action.TRANSFER.value:
            message = f"action {name} is not known to this version"
            raise match.refusal("action", "policy.not-yet", message, 'write ["transfer"]')
    return (Action.TRANSFER,)


def _read_range(section: Section, decimals_of: dict[str, int]) -> AmountRange:
    require_keys(section, (), ("at_least", "at_most"))
    sides = {name: take_amount(section, name, decimals_of) for name in section.values}
    assets = {side.asset for side in sides.values()}
    if len(assets) != 1:
        raise section.refusal(
            None, "policy.asset-mismatch", "at_least and at_most are in two assets", "write one asset"
        )
    units = {name: side.units for name, side in sides.items()}
    return to_placed(section, None, lambda: AmountRange(asset=assets.pop(), **units))


def _read_tiers(section: Section, decimals_of: dict[str, int]) -> tuple[Tier, ...]:
    entries = take_entries(section, "tiers")
    tiers = tuple(_read_tier(entry, decimals_of) for entry in entries)
    for place, entry in enumerate(entries):
        # The rule itself refuses tiers that do not rise; asked for each with the one before it, it shows which one.
        to_placed(entry, None, partial(_to_rule_of, tiers[max(place - 1, 0) : place + 1], section.values["id"]))
    return tiers


def _to_rule_of(tiers: tuple[Tier, ...], rule_id: str) -> Rule:
    return Rule(id=RuleId(rule_id), why="", owner="", review_by="", match=Match(), tiers=tiers)


def _read_tier(section: Section, decimals_of: dict[str, int]) -> Tier:
    require_keys(section, ("up_to", "approvals"), ("delay",))
    return Tier(
        up_to=take_amount(section, "up_to", decimals_of),
        approvals=take_approvals(section, "approvals"),
        delay=take_duration(section, "delay") if section.has("delay") else 0,
    )


def _read_limits(section: Section, decimals_of: dict[str, int]) -> tuple[RollingLimit, ...]:
    entries = take_entries(section, "limits")
    limits = [_read_limit(entry, decimals_of) for entry in entries]
    seen: set[RollingLimit] = set()
    for entry, limit in zip(entries, limits, strict=True):
        if limit in seen:
            message = f"a limit of {section.what} is there twice"
            raise entry.refusal(None, "policy.duplicate", message, "remove one of them")
        seen.add(limit)
    return to_ordered(limits, by_cap)


def _read_limit(section: Section, decimals_of: dict[str, int]) -> RollingLimit:
    require_keys(section, ("amount", "window"), ("per",))
    return RollingLimit(
        cap=take_amount(section, "amount", decimals_of),
        window=take_duration(section, "window"),
        per=_read_per(section),
    )


def _read_per(section: Section) -> tuple[str, ...]:
    """The fields that make up a window: by default the vault, and always the asset."""
    per = take_names(section, "per") if section.has("per") else ("vault",)
    for name in per:
        if name not in WINDOW_FIELDS:
            suggestion = compute_suggestion(name, WINDOW_FIELDS) or f"write some of: {', '.join(WINDOW_FIELDS)}"
            raise section.refusal("per", "policy.name", f"{name!r} is not a field of a window", suggestion)
    # Without the vault the window runs over all vaults together. Adding the vault here would turn one cap into one
    # for each vault.
    if "vault" not in per:
        message = "a limit over several vaults together is not known to this version"
        raise section.refusal("per", "policy.limit-over-vaults", message, 'add "vault" to per')
    return to_ordered({*per, "asset"}, by_text)
