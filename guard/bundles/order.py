"""The one order of every list in a bundle, so that equal policies have equal bytes and equal digests.

Reading and writing use the same keys; a list that is out of order or names something twice is refused, never sorted
silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from guard.core.ids import Address
from guard.core.policy import Asset, BookEntry, Chain, SignerIdentity, Vault
from guard.core.roster import Key, Person
from guard.core.rules import RollingLimit, Rule
from guard.core.transfer import Action
from guard.errors import GuardError

T = TypeVar("T")
Named = Asset | Person | Rule | SignerIdentity | Vault


def by_text(text: str) -> str:
    """Order of names: their own, character by character. All of them are ASCII."""
    return text


def by_id(named: Named) -> str:
    """Order of what has an id."""
    return named.id


def by_name(chain: Chain) -> str:
    """Order of chains."""
    return chain.name


def by_label(entry: BookEntry) -> str:
    """Order of the address book."""
    return entry.label


def by_address(key: Key) -> Address:
    """Order of a person's keys: by the bytes of the address, which the case of its checksum does not touch."""
    return Address(key.address.lower())


def by_value(action: Action) -> str:
    """Order of actions."""
    return action.value


def by_cap(limit: RollingLimit) -> tuple[str, int, int, tuple[str, ...]]:
    """Order of a rule's limits."""
    return (limit.cap.asset, limit.cap.units, limit.window, limit.per)


def to_ordered(values: Iterable[T], key: Callable[[T], Any]) -> tuple[T, ...]:
    """The values in canonical order."""
    return tuple(sorted(values, key=key))


def require_ordered(values: Sequence[T], key: Callable[[T], Any], what: str) -> Sequence[T]:
    """The values, refused unless they are in canonical order and each stands once."""
    keys = [key(value) for value in values]
    if any(not before < after for before, after in pairwise(keys)):
        raise GuardError("bundle.order", f"{what} are out of order or name something twice")
    return values
