"""People, keys and groups as canonical JSON. Its SHA-256 is the roster digest that approvals name (TRUST §2)."""

from __future__ import annotations

from typing import Any

from guard.bundles.order import by_address, by_id, by_text, require_ordered
from guard.bundles.texts import PERSON_NAME_LENGTH, require_text
from guard.core.ids import GroupId, PersonId, is_name
from guard.core.roster import Key, KeyKind, Person, Roster
from guard.errors import GuardError
from guard.formats.fields import require_fields, take_address, take_bool, take_list, take_text


def to_json(roster: Roster) -> dict[str, Any]:
    """The roster as the object whose digest approvals name."""
    return {
        "groups": list(require_ordered(roster.groups, by_text, "groups")),
        "people": [_from_person(person) for person in require_ordered(roster.people, by_id, "people")],
    }


def _from_person(person: Person) -> dict[str, Any]:
    return {
        "groups": list(require_ordered(person.groups, by_text, f"groups of {person.id}")),
        "id": person.id,
        "keys": [_from_key(key) for key in require_ordered(person.keys, by_address, f"keys of {person.id}")],
        "machine": person.machine,
        "name": person.name,
        "organisation": person.organisation,
    }


def _from_key(key: Key) -> dict[str, Any]:
    return {"address": key.address, "device": key.device, "display": key.display, "kind": key.kind.value}


def from_json(value: Any) -> Roster:
    """The roster of such an object; strict."""
    fields = require_fields(value, ("groups", "people"), what="roster")
    groups = _take_groups(fields, "groups of the roster")
    people = tuple(_to_person(person) for person in take_list(fields, "people"))
    require_ordered(people, by_id, "people")
    return Roster(groups, people)


def _take_groups(fields: dict[str, Any], what: str) -> tuple[GroupId, ...]:
    groups = take_list(fields, "groups")
    for group in groups:
        if not is_name(group):
            raise GuardError("json.field-type", f"one of the {what} is not a name")
    return tuple(GroupId(group) for group in require_ordered(groups, by_text, what))


def _to_person(value: Any) -> Person:
    fields = require_fields(value, ("groups", "id", "keys", "machine", "name", "organisation"), what="person")
    person_id = take_text(fields, "id")
    keys = tuple(_to_key(key) for key in take_list(fields, "keys"))
    return Person(
        id=PersonId(person_id),
        name=require_text(take_text(fields, "name"), "name of a person", longest=PERSON_NAME_LENGTH),
        organisation=take_text(fields, "organisation"),
        groups=_take_groups(fields, "groups of a person"),
        keys=tuple(require_ordered(keys, by_address, "keys of a person")),
        machine=take_bool(fields, "machine"),
    )


def _to_key(value: Any) -> Key:
    fields = require_fields(value, ("address", "device", "display", "kind"), what="key")
    kind = take_text(fields, "kind")
    if kind not in {known.value for known in KeyKind}:
        raise GuardError("json.field-type", f"kind {kind[:40]!r} of a key is not known")
    return Key(
        address=take_address(fields, "address"),
        kind=KeyKind(kind),
        device=take_text(fields, "device"),
        display=take_bool(fields, "display"),
    )
