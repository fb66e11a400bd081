"""A refusal as a value: which check said no, with its permanent code and one line why."""

from __future__ import annotations

from dataclasses import dataclass

from guard.errors.catalogue import CATALOGUE


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a check of a verifier did not pass. `held` says that time or further statements may still cure it."""

    code: str
    message: str
    held: bool = False
    check: str = ""

    def __post_init__(self) -> None:
        if self.code not in CATALOGUE:
            raise LookupError(f"error code {self.code!r} is not in the catalogue")

    def to_json(self) -> dict[str, object]:
        """The refusal for machines and for the journal."""
        return {"check": self.check, "code": self.code, "held": self.held, "message": self.message}
