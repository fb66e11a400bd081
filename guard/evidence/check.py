"""One named check of evidence: what it says when it holds, and how it finds what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guard.evidence.case import EvidenceCase


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a check does not hold, in one line. `cause` is the code of the rule that says so, where another room's does."""

    said: str
    cause: str = ""


Find = Callable[[EvidenceCase], Failure | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCheck:
    """A check judges one thing alone, and passes what it has nothing to say about. Its error code is `evidence.` and its name.

    `holds` is what is true when it finds nothing. A second line names in `backs` the check that it backs: whatever it
    stops, that one stops as well.
    """

    name: str
    holds: str
    find: Find
    backs: str = ""

    @property
    def code(self) -> str:
        """The permanent code of a failure."""
        return f"evidence.{self.name}"
