"""Single values out of a section: texts, names, counts, amounts, durations, addresses, seats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guard.bundles.texts import require_text
from guard.core.ids import Address, AssetId, Digest, GroupId, is_name
from guard.core.rules import SEATS_END, Amount, Approvals
from guard.formats.amounts import parse_amount, parse_duration
from guard.formats.keccak import require_address, require_digest
from guard.policyfiles.problems import compute_suggestion
from guard.policyfiles.section import Section, to_placed

COUNT_END = 10**15


def take_string(section: Section, name: str) -> str:
    """The key as a text of any kind."""
    value = section.values[name]
    if not isinstance(value, str):
        raise section.wrong_type(name, "a text", "write it in quotes")
    return value


def take_text(section: Section, name: str, *, longest: int) -> str:
    """The key as a text that people read: one line, nothing hidden, not blank."""
    value = take_string(section, name)
    return to_placed(section, name, lambda: require_text(value, f"{name} of {section.what}", longest=longest))


def take_name(section: Section, name: str, is_right: Callable[[object], bool] = is_name) -> str:
    """The key as a name."""
    value = take_string(section, name)
    if not is_right(value):
        raise section.refusal(name, "policy.name", f"{value[:60]!r} is not a name", _suggest_name(value, is_right))
    return value


def _suggest_name(text: str, is_right: Callable[[object], bool]) -> str:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text[:100].lower()).split()
    joined = "-".join(words)
    return f'write "{joined}"' if is_right(joined) else ""


def take_names(section: Section, name: str, is_right: Callable[[object], bool] = is_name) -> tuple[str, ...]:
    """The key as a list of names, not empty, each once, in the order of the file."""
    values = require_filled_list(section, name)
    seen: set[str] = set()
    for place, value in enumerate(values):
        path = (*section.path, name, place)
        if not isinstance(value, str):
            raise section.source.refusal(path, "policy.type", f"an entry of {name} is not a text", "write it in quotes")
        if not is_right(value):
            suggestion = _suggest_name(value, is_right)
            raise section.source.refusal(path, "policy.name", f"{value[:60]!r} is not a name", suggestion)
        if value in seen:
            raise section.source.refusal(
                path, "policy.duplicate", f"{value} stands twice in {name}", "remove one of them"
            )
        seen.add(value)
    return tuple(values)


def require_filled_list(section: Section, name: str) -> list[Any]:
    """The key as a list with at least one entry. An empty one never means all."""
    values = section.values[name]
    if not isinstance(values, list):
        suggestion = f'write ["{values}"]' if is_name(values) else "write [ ... ]"
        raise section.wrong_type(name, "a list", suggestion)
    if not values:
        message = f"{name} of {section.what} is an empty list, and empty never means all"
        raise section.refusal(name, "policy.empty", message, "fill it, or leave the line out")
    return values


def take_entries(section: Section, name: str) -> list[Section]:
    """The key as a list of inline tables, not empty."""
    return [section.entry(name, place) for place in range(len(require_filled_list(section, name)))]


def take_table(section: Section, name: str) -> Section:
    """The key as a table, not empty."""
    value = section.values[name]
    if not isinstance(value, dict):
        raise section.wrong_type(name, "a table", f"write {name} = {{ ... }}")
    if not value:
        raise section.refusal(
            name, "policy.empty", f"{name} of {section.what} is empty", "fill it, or leave the line out"
        )
    return Section(section.source, (*section.path, name), value, f"{name} of {section.what}")


def take_bool(section: Section, name: str) -> bool:
    """The key as true or false."""
    value = section.values[name]
    if not isinstance(value, bool):
        raise section.wrong_type(name, "true or false", "write true or false without quotes")
    return value


def take_count(section: Section, name: str, *, least: int, end: int = COUNT_END) -> int:
    """The key as a whole number in [least, end). True is not a number."""
    value = section.values[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise section.refusal(
            name,
            "policy.count",
            f"{name} of {section.what} is not a number",
            f"write a whole number of at least {least}",
        )
    if not least <= value < end:
        message = f"{name} of {section.what} is not in {least} to {end - 1}"
        raise section.refusal(name, "policy.count", message, f"write a whole number of at least {least}")
    return value


def take_duration(section: Section, name: str) -> int:
    """The key as seconds, written as one number and one unit."""
    value = section.values[name]
    if not isinstance(value, str):
        raise section.refusal(
            name,
            "duration.malformed",
            f"{name} of {section.what} has no unit",
            'write for instance "30m", "24h" or "7d"',
        )
    return to_placed(section, name, lambda: parse_duration(value))


def take_address(section: Section, name: str) -> Address:
    """The key as an address with its checksum."""
    value = take_string(section, name)
    return to_placed(section, name, lambda: require_address(value))


def take_digest(section: Section, name: str) -> Digest:
    """The key as 32 bytes in hexadecimal."""
    value = take_string(section, name)
    return to_placed(section, name, lambda: require_digest(value))


def take_hex(section: Section, name: str, *, longest: int) -> bytes:
    """The key as bytes in 0x-prefixed lower-case hexadecimal."""
    text = take_string(section, name)
    body = text[2:]
    if not text.startswith("0x") or len(body) % 2 or len(body) > 2 * longest or set(body) - set("0123456789abcdef"):
        message = f"{name} of {section.what} is not lower-case hexadecimal of at most {longest} bytes"
        raise section.refusal(name, "hex.malformed", message, "copy the whole value")
    return bytes.fromhex(body)


def take_amount(section: Section, name: str, decimals_of: dict[str, int]) -> Amount:
    """The key as an amount with its unit, more than nothing."""
    value = section.values[name]
    if not isinstance(value, str):
        unit = min(decimals_of, default="USDC")
        number = value if isinstance(value, int) and not isinstance(value, bool) else 9000
        message = f"{name} of {section.what} is money without a unit"
        raise section.refusal(name, "amount.unit", message, f'write for instance "{number} {unit}"')
    _refuse_unknown_unit(section, name, value, decimals_of)
    asset, units = to_placed(section, name, lambda: parse_amount(value, decimals_of))
    if units == 0:
        raise section.refusal(name, "amount.range", f"{name} of {section.what} is nothing", "write more than zero")
    return Amount(AssetId(asset), units)


def _refuse_unknown_unit(section: Section, name: str, text: str, decimals_of: dict[str, int]) -> None:
    _, _, unit = text.partition(" ")
    close = compute_suggestion(unit, decimals_of)
    if unit not in decimals_of and close:
        message = f"unit {unit[:20]!r} is not a known asset"
        raise section.refusal(name, "amount.unit", message, close)


def take_approvals(section: Section, name: str) -> Approvals:
    """The key as seats: a table of counts by group, not empty, no count below one."""
    table = take_table(section, name)
    for group in table.values:
        if not is_name(group):
            suggestion = _suggest_name(group, is_name)
            raise table.refusal(group, "policy.name", f"{group[:60]!r} is not a group's name", suggestion)
    return tuple((GroupId(group), take_count(table, group, least=1, end=SEATS_END)) for group in sorted(table.values))
