"""What can go wrong, in four kinds that are never mixed.

An answer is a value (a `Decision`), not an error. A refused request is a `GuardError`, trouble in the world an `AdapterError`,
and any other exception is our bug, after which nothing is released. Codes are permanent: clients match on them, texts may change.
"""

from __future__ import annotations

from collections.abc import Mapping

from guard.errors.catalogue import CATALOGUE, Code

__all__ = ["CATALOGUE", "AdapterError", "Code", "GuardError", "Refusal"]

from guard.errors.refusal import Refusal


class _CodedError(Exception):
    """An error with a permanent code out of the catalogue; an unknown code is our bug."""

    def __init__(self, code: str, message: str, *, hint: str | None = None, details: Mapping[str, str] | None = None):
        if code not in CATALOGUE:
            raise LookupError(f"error code {code!r} is not in the catalogue")
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details: dict[str, str] = dict(details or {})

    def to_json(self) -> dict[str, object]:
        """The error for machines: code, message, and what to do next."""
        said: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "next": self.hint or CATALOGUE[self.code].remedy,
        }
        if self.details:
            said["details"] = self.details
        return said

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class GuardError(_CodedError):
    """A request that is refused: the fault is in what was asked, and nothing was done."""


class AdapterError(_CodedError):
    """Trouble in the world (disk, node, process). It is never read as approval and never as a bad signature."""
