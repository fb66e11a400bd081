"""The worker's process: the product's rounds over a real store, signers and chain, with a fuse at its commits and edges.

Its clock is the machine's, moved on by what a test says has passed, and by a moment after each round, so that nothing waits.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from guard.clients.signer_client import ask
from guard.core.ids import SignerId, TransferId
from guard.core.lifecycle import ENDED, State
from guard.errors import AdapterError
from guard.store.database import Database
from guard.worker.chain_desk import ExecutorDesk
from guard.worker.pace import Pace
from guard.worker.rounds import Worker
from guard.worker.shift import Edges
from guard.worker.webhook import Webhook, parse_secret
from guard.worker.world import SendingDesk
from tests.chains import CHAIN_ID, EXECUTOR_KEY
from tests.crash.chain_main import mine
from tests.crash.fuse import Fuse
from tests.crash.fused_store import FusedStore

PACE = Pace(final=2)
ROUND_TAKES = PACE.final
"""Seconds that pass, by the worker's clock, with each round."""
ROUNDS = 60
SECRET = "whsec_" + "A" * 44
UNDONE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker's process is told. `later` is how many seconds its clock is ahead at the start."""

    database: str
    node: str
    commands: Mapping[str, str]
    hook: str
    about: TransferId
    later: int


class FusedDesk:
    """The chain with a fuse before and after each thing that it is asked."""

    def __init__(self, desk: ExecutorDesk, fuse: Fuse) -> None:
        self._desk = desk
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._desk, name)
        return self._fuse.wrap(f"chain {name}", found) if callable(found) else found


class MovedClock:
    """The machine's clock, moved on."""

    def __init__(self, later: int) -> None:
        self.later = later

    def __call__(self) -> int:
        return int(time.time()) + self.later


def compose_worker(job: Job, fuse: Fuse, clock: Callable[[], int]) -> Worker:
    """The product's worker with fused edges."""
    desk = cast(SendingDesk, FusedDesk(ExecutorDesk(job.node, CHAIN_ID, EXECUTOR_KEY, patience=10), fuse))
    return Worker(
        store=FusedStore(Database(job.database), fuse),
        edges=Edges(
            ask=lambda address, verb, body: fuse.wrap(f"ask {verb}", ask)(address, verb, body, timeout=30),
            desk=lambda _chain: desk,
            commands={SignerId(name): address for name, address in job.commands.items()},
            now=clock,
        ),
        holder=f"worker-{os.getpid()}-{secrets.token_hex(4)}",
        pace=PACE,
        webhook=Webhook(url=job.hook, secrets=(parse_secret(SECRET),)),
        draw=lambda: 0.0,
    )


def run_fused_worker(job: Job, log: str, target: int | None) -> None:
    """Go round until the transfer has ended, is proved, and every message is delivered; or die at the fuse."""
    fuse, clock = Fuse(Path(log), target), MovedClock(job.later)
    worker = compose_worker(job, fuse, clock)
    fuse.light()
    for _ in range(ROUNDS):
        try:
            worker.run_round()
        except AdapterError as trouble:
            assert trouble.code == "store.unavailable", trouble
        if is_done(worker, job.about):
            return
        if is_on_chain(worker, job.about):
            mine(job.node)
        clock.later += ROUND_TAKES
    os._exit(UNDONE)


def is_on_chain(worker: Worker, about: TransferId) -> bool:
    """Whether the transfer waits for a block."""
    with worker.store.reading() as reading:
        row = reading.load_transfer(about)
    return row is not None and row.state in (State.BROADCAST, State.CONFIRMED)


def is_done(worker: Worker, about: TransferId) -> bool:
    """Whether nothing is left to do."""
    with worker.store.reading() as reading:
        row, errand = reading.load_transfer(about), reading.load_errand(about)
        waiting = reading.count_waiting_messages()
    is_ended = row is not None and row.state in ENDED and errand is not None and errand.due_at is None
    return is_ended and not waiting
