"""How a constructor refuses what cannot be."""

from __future__ import annotations

from guard.errors import GuardError


def require(holds: bool, message: str) -> None:
    """Raise `value.invalid` unless the condition holds."""
    if not holds:
        raise GuardError("value.invalid", message)
