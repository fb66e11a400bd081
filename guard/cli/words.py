"""Small texts that several commands say: a close name, a digest in groups for reading aloud."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_GROUP = 4


def compute_close(name: str, known: Iterable[str]) -> str | None:
    """`did you mean finance?`, or the names that there are when they are few; None to leave the general advice."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), [each.lower() for each in names[:2000]], n=1, cutoff=0.6)
    if close:
        return f"did you mean {next(each for each in names if each.lower() == close[0])}?"
    return f"known are: {', '.join(names)}" if 0 < len(names) <= 12 else None


def to_groups(digest: str) -> str:
    """A digest in groups of four figures, for comparing by voice."""
    body = digest.removeprefix("0x")
    return " ".join(body[start : start + _GROUP] for start in range(0, len(body), _GROUP))
