"""Heads of the server's log that this machine has seen: whoever keeps them notices a log that was rolled back or rewritten (P9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from guard.cli.private import holding, keep_private, load_private, refuse_content
from guard.core.ids import Digest, is_count, is_digest
from guard.core.refusing import require
from guard.errors import GuardError
from guard.formats.fields import require_fields

MOST = 1000
"""Acknowledged heads that are kept until the whole log is verified; the oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """By index, the chain head after that entry. `verified` is how many entries from the first on were computed here."""

    by_index: Mapping[int, Digest]
    verified: int = 0

    @property
    def size(self) -> int:
        """How many entries the log had at least."""
        return max(self.by_index, default=-1) + 1

    def with_head(self, index: int, head: Digest) -> Heads:
        """The same with one head more. Raises `log.rolled-back` where another one was seen there."""
        if self.by_index.get(index, head) != head:
            raise GuardError("log.rolled-back", f"entry {index} of the log is another one than this machine saw before")
        kept = sorted({**self.by_index, index: head}.items())[-MOST:]
        return replace(self, by_index=dict(kept))

    def require_size(self, size: int) -> None:
        """Refuse a log that is shorter than what was seen of it."""
        if size < self.size:
            raise GuardError(
                "log.rolled-back", f"the log has {size} entries, and this machine has seen {self.size} of them"
            )


def load_heads(home: Path, treasury: Digest) -> Heads:
    """What was seen of a treasury's log, through whichever server."""
    path = _path_of(home, treasury)
    content = load_private(path)
    if content is None:
        return Heads(by_index={})
    try:
        fields = require_fields(content, ("format", "treasury", "verified", "heads"), what="the file")
        require(fields["treasury"] == treasury, "it is of another treasury")
        require(is_count(fields["verified"]) and isinstance(fields["heads"], dict), "a field has a wrong type")
        pairs = [(index, head) for index, head in fields["heads"].items() if index.isdecimal() and is_digest(head)]
        require(len(pairs) == len(fields["heads"]), "a head is not 32 bytes in hexadecimal")
    except GuardError as trouble:
        raise refuse_content(path, trouble.message) from trouble
    return Heads(by_index={int(index): head for index, head in pairs}, verified=fields["verified"])


def remember_head(home: Path, treasury: Digest, index: int, head: Digest) -> None:
    """Keep the head of an acknowledgement. Raises `log.rolled-back` where another head was seen at that index."""
    with holding(home):
        _keep(home, treasury, load_heads(home, treasury).with_head(index, head))


def remember_verified(home: Path, treasury: Digest, size: int, head: Digest) -> None:
    """Keep the head after the last entry that was verified; those before it follow from it."""
    with holding(home):
        known = load_heads(home, treasury)
        known.require_size(size)
        later = {index: each for index, each in known.by_index.items() if index >= size}
        by_index = {**later, size - 1: head} if size else later
        _keep(home, treasury, Heads(by_index=by_index, verified=size))


def _path_of(home: Path, treasury: Digest) -> Path:
    return home / "heads" / f"{treasury[2:26]}.json"


def _keep(home: Path, treasury: Digest, heads: Heads) -> None:
    by_index = {str(index): head for index, head in heads.by_index.items()}
    keep_private(_path_of(home, treasury), {"treasury": treasury, "verified": heads.verified, "heads": by_index})
