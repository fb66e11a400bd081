"""People, their keys and their groups. People are counted, keys and signatures never (P11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from guard.core.ids import Address, GroupId, PersonId, is_address, is_name
from guard.core.refusing import require

GUARDIANS = GroupId("guardians")
POLICY_ADMINS = GroupId("policy-admins")


class KeyKind(Enum):
    """How a key is kept. A passkey has no display of its own."""

    SOFTWARE = "software"
    WALLET = "wallet"
    HARDWARE = "hardware"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a person: its address, how and on which device it is kept, and whether that device shows what it signs."""

    address: Address
    kind: KeyKind
    device: str
    display: bool = True

    def __post_init__(self) -> None:
        require(is_address(self.address), "address of a key is not an address")
        require(is_name(self.device), f"device {self.device!r} of a key is not a name")
        require(self.display or self.kind is KeyKind.PASSKEY, "only a passkey may be without a display")
        require(self.kind is not KeyKind.PASSKEY or not self.display, "a passkey has no display of its own")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who counts once, however many keys and groups they have. A machine may initiate and fills no seat."""

    id: PersonId
    name: str
    organisation: str
    groups: tuple[GroupId, ...]
    keys: tuple[Key, ...]
    machine: bool = False

    def __post_init__(self) -> None:
        require(is_name(self.id), f"person id {self.id!r} is not a name")
        require(is_name(self.organisation), f"organisation {self.organisation!r} of {self.id} is not a name")
        require(all(is_name(group) for group in self.groups), f"a group of {self.id} is not a name")
        require(len(set(self.groups)) == len(self.groups), f"{self.id} is twice in one group")
        require(not (self.machine and self.groups), f"machine {self.id} is in a group; a machine fills no seat")


@dataclass(frozen=True, slots=True)
class Roster:
    """The people of one bundle. Every key address belongs to one person, so a signature never counts for two."""

    groups: tuple[GroupId, ...]
    people: tuple[Person, ...]
    _by_id: Mapping[PersonId, Person] = field(init=False, repr=False, compare=False)
    _by_key: Mapping[Address, tuple[Person, Key]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(len(set(self.groups)) == len(self.groups), "a group is declared twice")
        by_id = {person.id: person for person in self.people}
        require(len(by_id) == len(self.people), "a person id is used twice")
        by_key: dict[Address, tuple[Person, Key]] = {}
        for person in self.people:
            require(set(person.groups) <= set(self.groups), f"{person.id} is in a group that is not declared")
            for key in person.keys:
                require(key.address not in by_key, f"key {key.address} belongs to two people or stands twice")
                by_key[key.address] = (person, key)
        object.__setattr__(self, "_by_id", by_id)
        object.__setattr__(self, "_by_key", by_key)

    def person(self, person_id: PersonId) -> Person | None:
        """The person of that id, if there is one."""
        return self._by_id.get(person_id)

    def holder(self, address: Address) -> tuple[Person, Key] | None:
        """Whose key signs as this address."""
        return self._by_key.get(address)

    def members(self, group: GroupId) -> frozenset[PersonId]:
        """The people of a group."""
        return frozenset(person.id for person in self.people if group in person.groups)

    def is_member(self, person_id: PersonId, group: GroupId) -> bool:
        """Whether the person is in the group."""
        person = self._by_id.get(person_id)
        return person is not None and group in person.groups
