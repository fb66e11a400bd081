"""Reads the whole log and holds it against its chain: whatever was changed by hand since it was written is noticed (P9).

What was cut off at the end together with the head is noticed only by whoever kept a later head.
"""

from __future__ import annotations

from collections.abc import Iterator

from guard.core.ids import Digest
from guard.errors import GuardError
from guard.formats.canonical import parse_canonical
from guard.log.chain import Entry, from_json, require_chain
from guard.ports.books import BooksReading, LogHead, LogRow

PAGE = 500


def require_whole_log(books: BooksReading) -> LogHead:
    """Where the log stands, once every entry of it was read and fits. Raises `log.broken` with the first that does not."""
    treasury, stands = books.load_treasury(), books.load_head()
    if treasury is None:
        return stands
    head = require_chain(treasury, _load_pairs(books, stands.size))
    if head != stands.head:
        raise GuardError("log.broken", "the recorded head of the log is not that of its last entry")
    return stands


def _load_pairs(books: BooksReading, size: int) -> Iterator[tuple[Entry, Digest]]:
    expected = 0
    while page := books.load_entries(start=expected, limit=PAGE):
        for row in page:
            yield to_entry(row), row.head
        expected = page[-1].index + 1
    if expected != size:
        raise GuardError("log.broken", f"the log has {expected} entries, and {size} were recorded")


def to_entry(row: LogRow) -> Entry:
    """The entry that a row holds, whose columns must say the same as its text. Raises `log.broken`."""
    try:
        entry = from_json(parse_canonical(row.body.encode()))
    except GuardError as error:
        raise GuardError("log.broken", f"entry {row.index} of the log cannot be read: {error.message}") from error
    said = (entry.index, entry.at, entry.event, entry.actor, entry.transfer)
    if said != (row.index, row.at, row.event, row.actor, row.transfer_id):
        raise GuardError("log.broken", f"entry {row.index} of the log says something else than its text")
    return entry
