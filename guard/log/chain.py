"""A log entry, its canonical bytes, and the chain head after it: whoever keeps a head notices any change before it (P9)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from guard.core.ids import Digest, is_count, is_digest
from guard.core.refusing import require
from guard.errors import GuardError
from guard.formats.canonical import to_canonical
from guard.formats.fields import require_fields, take_count, take_digest, take_text

FORMAT = 1
EVENT_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event. `index` counts from 0, `at` is the server's time in Unix seconds, `actor` a person's id or a part's name.

    `body` is what happened as JSON without floats; statements stand in it whole, so that the log alone proves what was accepted.
    """

    index: int
    at: int
    event: str
    actor: str
    transfer: str | None
    body: dict[str, Any]
    previous: Digest

    def __post_init__(self) -> None:
        require(is_count(self.index) and is_count(self.at), "index and time of a log entry are whole numbers")
        require(0 < len(self.event) <= EVENT_LENGTH, "event of a log entry is empty or too long")
        require(is_digest(self.previous), "previous head of a log entry is not 32 bytes in hexadecimal")

    def to_json(self) -> dict[str, Any]:
        """The entry as an object that names every field."""
        return {
            "format": FORMAT,
            "index": self.index,
            "at": self.at,
            "event": self.event,
            "actor": self.actor,
            "transfer": self.transfer,
            "body": self.body,
            "previous": self.previous,
        }


def compute_start(treasury: Digest) -> Digest:
    """The head of a treasury's empty log: no two treasuries share one."""
    return _to_digest(b"guard-log-v1\n" + bytes.fromhex(treasury[2:]))


def from_json(value: Any) -> Entry:
    """The entry that an object is, with every field and no other. Raises `json.*`, `value.invalid` or `log.broken` for its format."""
    names = ("format", "index", "at", "event", "actor", "transfer", "body", "previous")
    fields = require_fields(value, names, what="an entry of the log")
    if fields["format"] != FORMAT or not isinstance(fields["body"], dict):
        raise GuardError("log.broken", "an entry of the log has a format that is not known")
    return Entry(
        index=take_count(fields, "index"),
        at=take_count(fields, "at"),
        event=take_text(fields, "event"),
        actor=take_text(fields, "actor"),
        transfer=None if fields["transfer"] is None else take_digest(fields, "transfer"),
        body=fields["body"],
        previous=take_digest(fields, "previous"),
    )


def to_bytes(entry: Entry) -> bytes:
    """An entry's RFC 8785 form, which is what its head is made of."""
    return to_canonical(entry.to_json())


def compute_head(entry: Entry) -> Digest:
    """The chain head after an entry: SHA-256 of its RFC 8785 form, which names the head before it."""
    return compute_head_of(to_bytes(entry))


def compute_head_of(canonical: bytes) -> Digest:
    """The chain head after an entry that is in its RFC 8785 form already."""
    return _to_digest(canonical)


def require_chain(treasury: Digest, entries: Iterable[tuple[Entry, Digest]]) -> Digest:
    """The head after all entries from the first on, each with the head that was recorded. Raises `log.broken` with the index."""
    head, expected = compute_start(treasury), 0
    for entry, recorded in entries:
        if (entry.index, entry.previous) != (expected, head) or compute_head(entry) != recorded:
            raise GuardError("log.broken", f"entry {expected} of the log is missing, out of its place or changed")
        head, expected = recorded, expected + 1
    return head


def _to_digest(raw: bytes) -> Digest:
    return Digest("0x" + hashlib.sha256(raw).hexdigest())
