"""The entry of one error code in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means to the person who meets it, and what to do next."""

    meaning: str
    remedy: str
