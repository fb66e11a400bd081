"""What a good clock lets a signer do besides: raise its mark, stamp what waited, mark that it runs, learn finality, lift freezes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from guard.core.ids import Address
from guard.core.stops import is_lifted
from guard.ports import ClockReading
from guard.signer import records
from guard.signer.memory import Memory, load_freezes, load_frozen_at, load_memory, load_unfreezes
from guard.signer.moment import Look


@dataclass(frozen=True, slots=True)
class Upkeep:
    """When this process started, and its stretch of running time in the journal once a good clock has opened one."""

    start: ClockReading
    run: int | None = None


def keep_up(db: sqlite3.Connection, upkeep: Upkeep, look: Look, now: int, owner: Address) -> Upkeep:
    """Do all of it, in the caller's transaction and only with a good clock."""
    memory = load_memory(db, owner)
    records.raise_high_water(db, now)
    records.stamp_statements(db, now)
    run = upkeep.run
    if run is None or not records.mark_run(db, run, now):
        run = records.open_run(db, now)
    _book_finals(db, memory, look, now)
    _lift_freezes(db, memory, now)
    return replace(upkeep, run=run)


def _book_finals(db: sqlite3.Connection, memory: Memory, look: Look, now: int) -> None:
    """A nonce is final when every configured endpoint says so: the one node answer that frees something (TRUST §1)."""
    for vault, book in memory.books.items():
        views = look.views.get(vault, ())
        if not views or look.silent.get(vault, ()):
            continue
        final_below = min(view.nonce_final for view in views)
        for nonce, page in book.entries():
            if page.has_certificate and page.seen_final_at is None and nonce < final_below:
                records.add_final(db, vault, nonce, now)


def _lift_freezes(db: sqlite3.Connection, memory: Memory, now: int) -> None:
    unfreezes, outages, frozen_at = load_unfreezes(db), records.load_outages(db), load_frozen_at(db)
    for freeze in load_freezes(db):
        seen_at = frozen_at.get(freeze.id)
        if seen_at is not None and is_lifted(freeze.id, unfreezes, memory.active, now, outages, frozen_at=seen_at):
            records.add_lifted(db, freeze.id, now)
