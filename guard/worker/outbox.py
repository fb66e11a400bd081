"""Delivers what stands in the outbox: at least once, each message by one worker at a time, again after growing pauses, then never more.

Under the same id, so that a receiver that saw it already can tell.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from guard.errors import AdapterError
from guard.ports.carriage import CarrierBooks, OutboxRow
from guard.worker.webhook import Webhook, deliver

PAUSES = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Seconds after each failure, with up to a tenth more; after one failure more than there are pauses the message is dead."""
LEASE = 90
"""Longer than a delivery can take, with the time to resolve a name."""

Draw = Callable[[], float]
"""A number from 0 to 1, for pauses that are not all the same."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one message in one attempt: `delivered`, `waiting` or `dead`."""

    message_id: str
    state: str


def deliver_due(
    store: CarrierBooks,
    webhook: Webhook,
    holder: str,
    *,
    now: Callable[[], int],
    limit: int = 50,
    draw: Draw = random.random,
) -> tuple[Delivered, ...]:
    """Deliver messages that are due, one after the other. A message that another worker took over meanwhile is not told of."""
    told: list[Delivered] = []
    with store.reading() as reading:
        limit = limit if reading.load_due(now()).has_message else 0
    for _ in range(limit):
        at = now()
        with store.brief() as brief:
            claimed = brief.claim_messages(holder, now=at, until=at + LEASE, limit=1)
        if not claimed:
            break
        if (one := _try(store, webhook, claimed[0], now=now(), draw=draw)) is not None:
            told.append(one)
    return tuple(told)


def _try(store: CarrierBooks, webhook: Webhook, row: OutboxRow, *, now: int, draw: Draw) -> Delivered | None:
    try:
        deliver(webhook, row.id, row.body.encode(), now=now)
    except AdapterError as trouble:
        attempts = row.attempts + 1
        is_dead = trouble.code == "webhook.gone" or attempts > len(PAUSES)
        state, due_at = ("dead", row.due_at) if is_dead else ("waiting", now + compute_pause(attempts, draw()))
        error = f"{trouble.message} [{trouble.code}]"
    else:
        state, due_at, attempts, error = "delivered", row.due_at, row.attempts, ""
    with store.brief() as brief:
        settled = brief.settle_message(row, state=state, due_at=due_at, attempts=attempts, last_error=error)  # type: ignore[arg-type]
    return Delivered(row.id, state) if settled else None


def compute_pause(attempts: int, drawn: float) -> int:
    """The pause after so many failed attempts, one or more; `drawn` is from 0 to 1."""
    pause = PAUSES[min(attempts, len(PAUSES)) - 1]
    return pause + int(pause * drawn / 10)
