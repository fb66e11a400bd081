"""One table of a policy file, read key by key: everything named, nothing unknown, every refusal with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from guard.core.ids import is_name
from guard.errors import GuardError
from guard.policyfiles.problems import Collector, PolicyFileError, compute_suggestion
from guard.policyfiles.scan import Path
from guard.policyfiles.source import Source

T = TypeVar("T")

# Words of the policy language that later versions know; naming them as such spares the search for a typing error.
LATER = frozenset(
    {
        "ceiling_price", "chain", "contract", "count", "currency", "displayless", "distinct", "function", "keys",
        "listed_for_less_than", "price_band", "require_any", "tag", "target", "tiers_over", "time",
        "transfer_valid_for", "value", "watched",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """A table at a path of a file. `what` is its name in messages, as in `rule "caps"`."""

    source: Source
    path: Path
    values: dict[str, Any]
    what: str

    def refusal(self, name: str | None, code: str, message: str, suggestion: str = "") -> PolicyFileError:
        """The refusal of one key, or of the table itself."""
        path = self.path if name is None else (*self.path, name)
        return self.source.refusal(path, code, message, suggestion)

    def has(self, name: str) -> bool:
        """Whether the key is there."""
        return name in self.values

    def wrong_type(self, name: str, wanted: str, suggestion: str = "") -> PolicyFileError:
        """The refusal of a value of another type than the one that is wanted."""
        return self.refusal(name, "policy.type", f"{name} of {self.what} is not {wanted}", suggestion)

    def entry(self, name: str, place: int) -> Section:
        """The inline table at a place of a list."""
        value = self.values[name][place]
        path = (*self.path, name, place)
        if not isinstance(value, dict):
            raise self.source.refusal(path, "policy.type", f"an entry of {name} is not a table", "write { ... }")
        return Section(self.source, path, value, f"{name} of {self.what}")


def require_keys(section: Section, needed: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Refuse a key that is not known, then one that is missing."""
    known = {*needed, *optional}
    for name in section.values:
        if name in known:
            continue
        if name in LATER:
            message = f"{name} of {section.what} is not known to this version"
            raise section.refusal(name, "policy.not-yet", message, "leave it out")
        raise section.refusal(
            name, "policy.key-unknown", f"{section.what} has no key {name!r}", compute_suggestion(name, known)
        )
    for name in needed:
        if name not in section.values:
            raise section.refusal(
                None, "policy.key-missing", f"{section.what} has no {name}", f"add the line {name} = ..."
            )


def to_placed(section: Section, name: str | None, read: Callable[[], T]) -> T:
    """What `read` returns; its refusal gets the file and line of the key."""
    try:
        return read()
    except PolicyFileError:
        raise
    except GuardError as error:
        raise section.refusal(name, error.code, error.message, _suggest(error)) from error


def _suggest(error: GuardError) -> str:
    """What to write instead, where the refusal itself knows it."""
    match error.code:
        case "address.checksum":
            return f"with its checksum it is {error.details['expected']}; compare it with its source"
        case "amount.unit" if "known" in error.details:
            return f"write a number, one space and one of: {error.details['known']}"
        case "amount.unit" | "amount.malformed":
            return 'write for instance "9000 USDC": plain figures, one space, a unit'
        case "duration.malformed":
            return 'write for instance "30m", "24h" or "7d"'
        case _:
            return ""


def to_section(source: Source, name: str) -> Section | None:
    """The table of that name at the top of a file, or None where the file has none."""
    if name not in source.values:
        return None
    value = source.values[name]
    if not isinstance(value, dict):
        raise source.refusal((name,), "policy.type", f"{name} is not a table", f"write the header [{name}]")
    return Section(source, (name,), value, f"[{name}]")


def to_sections(source: Source, name: str) -> list[Section]:
    """The tables under `[[name]]`, in the order of the file; none where there are none."""
    value = source.values.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise source.refusal((name,), "policy.type", f"{name} is not a list of tables", f"write the header [[{name}]]")
    if name in source.values and not value:
        raise source.refusal((name,), "policy.empty", f"{name} is an empty list", f"write the header [[{name}]]")
    return [Section(source, (name, place), entry, _to_title(name, entry)) for place, entry in enumerate(value)]


def _to_title(name: str, entry: dict[str, Any]) -> str:
    own = next((entry[key] for key in ("id", "label", "name") if is_name(entry.get(key))), None)
    return f"{name} {own}" if own else f"[[{name}]]"


def require_top(source: Source, known: Iterable[str]) -> list[PolicyFileError]:
    """The refusals of every key at the top of a file that is not known there."""
    top = Section(source, (), source.values, source.file)
    refusals = []
    for name in source.values:
        try:
            require_keys(Section(source, (), {name: None}, top.what), (), known)
        except PolicyFileError as error:
            refusals.append(error)
    return refusals


def require_section(source: Source, name: str) -> Section:
    """The table of that name at the top of a file."""
    section = to_section(source, name)
    if section is None:
        raise source.refusal((), "policy.key-missing", f"{source.file} has no [{name}]", f"add the table [{name}]")
    return section


def read_each(source: Source, collector: Collector, name: str, read: Callable[[Section], T]) -> Iterator[T]:
    """What `read` makes of every table under `[[name]]`; the refusals are collected, one for each table at the most."""
    for section in collector.attempt(lambda: to_sections(source, name)) or []:
        # What a constructor refuses has no key of its own; it is placed at the table's header.
        entry = collector.attempt(partial(to_placed, section, None, partial(read, section)))
        if entry is not None:
            yield entry


def refuse_twins(source: Source, name: str, fields: tuple[str, ...]) -> None:
    """Refuse two tables under `[[name]]` that agree in all of these fields."""
    entries = source.values.get(name, [])
    if not isinstance(entries, list):
        return
    keyed = [tuple(entry.get(field) for field in fields) if isinstance(entry, dict) else () for entry in entries]
    first: dict[str, int] = {}
    for place, key in enumerate(keyed):
        if not all(isinstance(part, str | int) for part in key) or not key:
            continue
        before = first.setdefault(repr(key), place)
        if before != place:
            message = f"{name} {' '.join(str(part)[:60] for part in key)} is there twice"
            line = source.line((name, before, fields[-1]))
            raise source.refusal(
                (name, place, fields[-1]), "policy.duplicate", message, f"it stands first on line {line}"
            )
