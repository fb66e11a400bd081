"""From a problem's location in a policy to the line of a file where its author can mend it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guard.bundles.problem import Location, Problem
from guard.policyfiles.problems import PolicyFileError, compute_suggestion
from guard.policyfiles.scan import Path
from guard.policyfiles.source import Source

TREASURY, PEOPLE, ADDRESSES, RULES = "treasury.toml", "people.toml", "addresses.toml", "rules.toml"

_HOMES = {
    "addresses": (ADDRESSES, "address"),
    "assets": (TREASURY, "asset"),
    "chains": (TREASURY, "chain"),
    "change": (TREASURY, "change"),
    "groups": (PEOPLE, "groups"),
    "people": (PEOPLE, "person"),
    "rules": (RULES, "rule"),
    "signers": (TREASURY, "signer"),
    "unfreeze": (TREASURY, "unfreeze"),
    "vaults": (TREASURY, "vault"),
}
_OWN_NAMES = ("id", "name", "label", "address")


def to_refusal(problem: Problem, sources: Mapping[str, Source]) -> PolicyFileError:
    """The problem as a refusal with file, line and suggestion."""
    file, top = _HOMES[str(problem.location[0])]
    suggestion = compute_suggestion(problem.named, problem.known) if problem.named else ""
    if not suggestion and problem.known:
        suggestion = f"known are: {', '.join(problem.known[:10])}"
    source = sources[file]
    path = _find(source.values.get(top), (top,), problem.location[1:])
    return source.refusal(path, problem.code, problem.message, suggestion)


def _find(value: Any, path: Path, rest: Location) -> Path:
    """The path of the innermost thing that the location names. Lists are searched by name: bundles order them anew."""
    if not rest:
        return path
    step = _step(value, rest[0])
    if step is None:
        # A part that the file need not have, as `owners` of a vault in its short form, is passed over.
        return _find(value, path, rest[1:])
    return _find(value[step], (*path, step), rest[1:])


def _step(value: Any, part: str | int) -> str | int | None:
    if isinstance(value, dict):
        return part if part in value else None
    if isinstance(value, list):
        if isinstance(part, int):
            return part if part < len(value) else None
        return next((place for place, entry in enumerate(value) if _is_named(entry, part)), None)
    return None


def _is_named(entry: Any, name: str) -> bool:
    return any(entry.get(own) == name for own in _OWN_NAMES) if isinstance(entry, dict) else bool(entry == name)
