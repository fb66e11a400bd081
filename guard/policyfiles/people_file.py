"""`people.toml`: the groups, and the people with their keys. Proofs of control never enter a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from guard.bundles.order import by_address, by_id, by_text, to_ordered
from guard.bundles.texts import PERSON_NAME_LENGTH
from guard.core.ids import Address, GroupId, PersonId
from guard.core.roster import Key, KeyKind, Person
from guard.policyfiles.problems import Collector, compute_suggestion
from guard.policyfiles.scan import Path
from guard.policyfiles.section import (
    Section,
    read_each,
    refuse_twins,
    require_keys,
    require_top,
    to_placed,
    to_sections,
)
from guard.policyfiles.source import Source
from guard.policyfiles.taking import (
    take_address,
    take_bool,
    take_entries,
    take_hex,
    take_name,
    take_names,
    take_string,
    take_text,
)

PROOF_LENGTH = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFile:
    """What `people.toml` says, in canonical order. A proof is an enrolment signature that nobody has checked here."""

    groups: tuple[GroupId, ...]
    people: tuple[Person, ...]
    proofs: tuple[tuple[Address, bytes], ...]


def read_people(source: Source, collector: Collector) -> PeopleFile | None:
    """What the file says, or None after everything that is wrong with it has been collected."""
    for refusal in require_top(source, ("format", "groups", "person")):
        collector.add(refusal)
    groups = collector.attempt(lambda: read_groups(source))
    if groups is None:
        return None
    read = list(read_each(source, collector, "person", lambda section: read_person(section, groups)))
    collector.attempt(lambda: refuse_twins(source, "person", ("id",)))
    collector.attempt(lambda: _refuse_shared_keys(source))
    return PeopleFile(
        groups=to_ordered(groups, by_text),
        people=to_ordered((person for person, _ in read), by_id),
        proofs=tuple(proof for _, proofs in read for proof in proofs),
    )


def read_groups(source: Source) -> tuple[GroupId, ...]:
    """The groups that the file declares."""
    top = Section(source, (), {name: source.values[name] for name in ("groups",) if name in source.values}, source.file)
    require_keys(top, ("groups",))
    return tuple(GroupId(name) for name in take_names(top, "groups"))


def read_person(section: Section, groups: tuple[GroupId, ...]) -> tuple[Person, list[tuple[Address, bytes]]]:
    """A person as `guard people add` writes them, with the proofs of their keys."""
    require_keys(section, ("id", "name", "organisation", "keys"), ("groups", "machine"))
    member_of = take_names(section, "groups") if section.has("groups") else ()
    for group in member_of:
        if group not in groups:
            message = f"group {group} is not declared in groups"
            raise section.refusal("groups", "policy.group-unknown", message, compute_suggestion(group, groups))
    keys = take_entries(section, "keys")
    read = [to_placed(key, None, partial(_read_key, key)) for key in keys]
    person = Person(
        id=PersonId(take_name(section, "id")),
        name=take_text(section, "name", longest=PERSON_NAME_LENGTH),
        organisation=take_name(section, "organisation"),
        groups=to_ordered((GroupId(group) for group in member_of), by_text),
        keys=to_ordered(read, by_address),
        machine=take_bool(section, "machine") if section.has("machine") else False,
    )
    return person, [(take_address(key, "address"), _take_proof(key)) for key in keys if key.has("proof")]


def _take_proof(key: Section) -> bytes:
    return take_hex(key, "proof", longest=PROOF_LENGTH)


def _read_key(section: Section) -> Key:
    require_keys(section, ("address", "kind", "device"), ("display", "proof"))
    kinds = {kind.value: kind for kind in KeyKind}
    kind = take_string(section, "kind")
    if kind not in kinds:
        suggestion = compute_suggestion(kind, kinds) or f"write one of: {', '.join(kinds)}"
        raise section.refusal("kind", "policy.name", f"{kind[:60]!r} is not a kind of key", suggestion)
    # Left out, it is what the kind says: only a passkey has no display of its own. The bundle always states it.
    display = take_bool(section, "display") if section.has("display") else kinds[kind] is not KeyKind.PASSKEY
    return Key(
        address=take_address(section, "address"), kind=kinds[kind], device=take_name(section, "device"), display=display
    )


def _refuse_shared_keys(source: Source) -> None:
    """Refuse a key address that stands twice: one signature must never count for two people (P11)."""
    first: dict[str, Path] = {}
    for address, path in _key_addresses(source):
        before = first.setdefault(address, path)
        if before != path:
            message = f"key {address[:60]} is there twice"
            line = source.line(before)
            raise source.refusal(path, "policy.duplicate", message, f"it stands first on line {line}")


def _key_addresses(source: Source) -> Iterator[tuple[str, Path]]:
    for section in to_sections(source, "person"):
        keys = section.values.get("keys")
        for place, key in enumerate(keys if isinstance(keys, list) else []):
            if isinstance(key, dict) and isinstance(key.get("address"), str):
                yield key["address"], (*section.path, "keys", place, "address")
