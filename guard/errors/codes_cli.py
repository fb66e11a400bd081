"""Codes of the room `cli`."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {}
