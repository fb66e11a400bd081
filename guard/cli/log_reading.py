"""The server's log, read and recomputed here from the treasury's start, and compared with every head that this machine has seen (P9)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from guard.cli.desk import Desk
from guard.cli.heads import Heads, load_heads, remember_verified
from guard.cli.voice import Voice, to_table, to_visible_line
from guard.clients.reported import refuse_answer, to_entry
from guard.clients.server_client import ServerClient
from guard.core.ids import Digest
from guard.effects.visible import to_utc
from guard.errors import AdapterError, GuardError
from guard.formats.fields import take_count, take_digest
from guard.log.chain import Entry, compute_head, require_chain

PAGE = 200
Linked = tuple[Entry, Digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWish:
    """What of the log is wanted: the last `limit` entries or those from `start` on, and then more as they come."""

    start: int | None = None
    limit: int = 50
    is_verified: bool = False
    every: float | None = None


def show_log(voice: Voice, desk: Desk, wish: LogWish, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Tell entries of the log. Raises `log.rolled-back` and `log.broken`, after which nothing that the server says is worth anything."""
    client = desk.reach.open_books()
    size, head = load_head(client)
    heads = load_heads(desk.reach.home, desk.treasury)
    heads.require_size(size)
    if size:
        heads.with_head(size - 1, head)
    if wish.is_verified:
        verify_log(desk, client, size, head)
    start = max(0, size - wish.limit) if wish.start is None else wish.start
    linked = list(_compare(heads, _load_linked(client, start, min(size, start + wish.limit), None)))
    verified = {"verified": size} if wish.is_verified else {}
    lines = [f"{size} entries from the treasury's start on are whole; head {head}"] if wish.is_verified else []
    _tell(voice, {"size": size, "head": head, **verified}, linked, lines)
    if wish.every is not None:
        _follow(voice, client, linked, start=start + len(linked), wait=lambda: pause(wish.every or 0))


def _follow(
    voice: Voice, client: ServerClient, linked: Sequence[Linked], *, start: int, wait: Callable[[], None]
) -> None:
    """Tell further entries as they come, each linked to the one before it. Ends from the keyboard."""
    before = linked[-1][1] if linked else None
    while True:
        wait()
        try:
            more = _load_page(client, start, PAGE)
        except AdapterError as trouble:
            if trouble.code == "client.mismatch":
                raise
            voice.note(f"no answer now: {to_visible_line(trouble.message)} [{trouble.code}]")
            continue
        _require_linked(more, start, before)
        if more:
            _tell(voice, {}, more, [])
            start, before = start + len(more), more[-1][1]


def load_head(client: ServerClient) -> tuple[int, Digest]:
    """How long the server says that its log is, and the head after it."""
    said = client.get("/v1/log/head")
    try:
        return take_count(said, "size"), take_digest(said, "head")
    except (GuardError, KeyError, TypeError) as trouble:
        raise refuse_answer("the head of the server's log cannot be read") from trouble


def verify_log(desk: Desk, client: ServerClient, size: int, head: Digest) -> None:
    """Recompute the whole chain; then remember its head. Raises `log.broken`, `log.rolled-back` and `client.mismatch`."""
    heads = load_heads(desk.reach.home, desk.treasury)
    computed = require_chain(desk.treasury, _compare(heads, _iter_entries(client, size)))
    if computed != head:
        raise refuse_answer("the head that the server names is not that of its own log")
    remember_verified(desk.reach.home, desk.treasury, size, head)


def _compare(heads: Heads, linked: Iterable[Linked]) -> Iterator[Linked]:
    for entry, recorded in linked:
        heads.with_head(entry.index, recorded)
        yield entry, recorded


def _iter_entries(client: ServerClient, size: int) -> Iterator[Linked]:
    start = 0
    while start < size:
        page = _load_page(client, start, min(PAGE, size - start))
        if not page:
            raise GuardError("log.broken", f"entry {start} of the log is missing")
        yield from page
        start += len(page)


def _load_linked(client: ServerClient, start: int, end: int, before: Digest | None) -> list[Linked]:
    found: list[Linked] = []
    while start < end:
        page = _load_page(client, start, min(PAGE, end - start))
        _require_linked(page, start, before)
        if not page:
            break
        found += page
        start, before = start + len(page), page[-1][1]
    return found


def _load_page(client: ServerClient, start: int, limit: int) -> list[Linked]:
    said = client.get("/v1/log", {"start": start, "limit": limit})
    entries = said.get("entries") if isinstance(said, dict) else None
    if not isinstance(entries, list) or len(entries) > limit:
        raise refuse_answer("a page of the server's log cannot be read")
    return [to_entry(each) for each in entries]


def _require_linked(page: Sequence[Linked], start: int, before: Digest | None) -> None:
    """Refuse entries that do not follow from each other. Raises `log.broken`."""
    for place, (entry, recorded) in enumerate(page, start):
        is_next = entry.index == place and (before is None or entry.previous == before)
        if not is_next or compute_head(entry) != recorded:
            raise GuardError("log.broken", f"entry {place} of the log is missing, out of its place or changed")
        before = recorded


def _tell(voice: Voice, result: dict[str, Any], linked: Sequence[Linked], lines: Sequence[str]) -> None:
    entries = [{"entry": entry.to_json(), "head": recorded} for entry, recorded in linked]
    rows = [_to_row(entry) for entry, _ in linked]
    voice.tell({**result, "entries": entries}, *to_table(rows), *lines)


def _to_row(entry: Entry) -> tuple[str, ...]:
    about = "" if entry.transfer is None else to_visible_line(entry.transfer[:18])
    return (str(entry.index), to_utc(entry.at), to_visible_line(entry.event), to_visible_line(entry.actor), about)
