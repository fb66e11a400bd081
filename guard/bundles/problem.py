"""A problem of a policy as a value: which code, where, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from guard.errors import CATALOGUE

Location = tuple[str | int, ...]
"""Where in a policy, in the words of its files, as in ("rules", rule id, "tiers", 0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something for which a policy is refused. `named` is a name that is not known, `known` are those that are."""

    code: str
    message: str
    location: Location
    named: str = ""
    known: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in CATALOGUE:
            raise LookupError(f"error code {self.code!r} is not in the catalogue")


def unknown_problems(
    kind: str, named: Collection[str], known: Collection[str], location: Location
) -> Iterator[Problem]:
    """One problem for each name that is not known, located by the name: files keep another order of lists."""
    for name in named:
        if name not in known:
            yield unknown_problem(kind, name, known, (*location, name))


def unknown_problem(kind: str, name: str, known: Collection[str], location: Location) -> Problem:
    """The problem of a name that is not known."""
    return Problem(
        code=f"policy.{kind}-unknown",
        message=f"{kind} {name!r} is not known to the policy",
        location=location,
        named=name,
        known=tuple(sorted(known)),
    )
