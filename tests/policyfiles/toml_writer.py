"""Writes the values of policy files as TOML again, in any order that means the same."""

from random import Random
from typing import Any

# Lists whose order says something: tiers rise. Every other list is a set, or is matched by its entries' ids.
ORDERED = {"tiers"}


def to_toml(values: dict[str, Any], random: Random) -> str:
    """The file with tables, keys and sets in another order, and dotted keys for inline tables here and there."""
    plain = {name: value for name, value in values.items() if not _is_tables(value) and not isinstance(value, dict)}
    blocks = [f"[{name}]\n{_pairs(value, random)}" for name, value in values.items() if isinstance(value, dict)]
    for name, value in values.items():
        if _is_tables(value):
            blocks += [f"[[{name}]]\n{_pairs(entry, random)}" for entry in value]
    random.shuffle(blocks)
    return _pairs(plain, random) + "\n".join(blocks)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _pairs(entries: dict[str, Any], random: Random) -> str:
    lines = [line for name, value in entries.items() for line in _lines(name, value, random)]
    random.shuffle(lines)
    return "".join(line + random.choice(["\n", " # said\n", "\n\n"]) for line in lines)


def _lines(name: str, value: Any, random: Random) -> list[str]:
    if isinstance(value, dict) and random.random() < 0.5:
        return [line for inner, each in value.items() for line in _lines(f"{name}.{inner}", each, random)]
    return [f"{name} = {_value(name, value, random)}"]


def _value(name: str, value: Any, random: Random) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        inner = [f"{each} = {_value(each, value[each], random)}" for each in value]
        random.shuffle(inner)
        return "{ " + ", ".join(inner) + " }"
    if isinstance(value, list):
        entries = [_value("", each, random) for each in value]
        if name not in ORDERED:
            random.shuffle(entries)
        gap = random.choice(["", "\n"])
        return "[" + gap + f",{gap} ".join(entries) + random.choice(["", ","]) + gap + "]"
    return random.choice(['"{}"', "'{}'"]).format(value) if "'" not in value else f'"{value}"'
