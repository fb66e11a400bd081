"""Processes of the tests of durability and of races: APIs, workers and deliverers, without budgets that a test uses up."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import uvicorn
from sqlalchemy import text

from guard.app.processes import Watch
from guard.core.ids import TransferId
from guard.core.lifecycle import ENDED
from guard.errors import AdapterError, GuardError
from guard.formats.listen_addresses import parse_listen_address
from guard.service.budgets import Limits, Rate
from guard.service.service import Service
from guard.signer.clock import SystemClock
from guard.signer.sockets import bind_socket
from guard.statements.admission import STATEMENT_CHECKS
from guard.store.database import Database
from guard.store.store import Store
from guard.web.api import UVICORN, WebSettings, build_api
from guard.web.exchange import Call
from guard.web.logs import configure_log
from guard.web.sources import SourceRate
from guard.web.submitting import build_submitting
from guard.worker.outbox import LEASE, deliver_due
from guard.worker.pace import Pace
from guard.worker.rounds import Worker
from guard.worker.webhook import Webhook, parse_secret
from tests.crash.fuse import Fuse
from tests.crash.fused_store import FusedStore
from tests.crash.worker_main import SECRET, UNDONE, Job, compose_worker

FREE = Rate(10**6, 1)
REST = 0.02
"""Seconds that a worker rests after a round without work."""
PLENTY = SourceRate(per_second=10**6, burst=10**6)
DURABLE = {"sqlite": "wal 2 1", "postgresql": "on on on"}
"""What `tell_durability` says of each database where nothing that is acknowledged can be forgotten."""


# The API.


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How an API runs: `processes` share the socket; each writes a line about its own database connection into `told`."""

    database: str
    address: str
    processes: int
    told: str


def run_api(serving: Serving) -> None:
    """Serve until killed, as `guard serve` does with so many processes."""
    configure_log("json", io.StringIO())
    bound = bind_socket(parse_listen_address(serving.address))

    def work() -> int:
        store = Store(Database(serving.database))
        with Path(serving.told).open("a", encoding="ascii") as told:
            told.write(tell_durability(store.database) + "\n")
        service = Service(
            store, SystemClock(), checks=STATEMENT_CHECKS, limits=Limits(moving=FREE, stops=FREE, attempts=FREE)
        )
        api = build_api(
            build_submitting(service),
            require_session=_refuse_session,
            settings=WebSettings(ordinary=PLENTY, stops=PLENTY),
        )
        uvicorn.Server(uvicorn.Config(api, **UVICORN)).run([bound.socket])
        return 0

    if serving.processes == 1:
        work()
    else:
        Watch(work, serving.processes).run(threading.Event())


def _refuse_session(call: Call) -> NoReturn:
    raise GuardError("login.session", "nobody logs in here")


def tell_durability(database: Database) -> str:
    """What a connection of this process says of its own settings."""
    if database.is_sqlite:
        asked: tuple[str, ...] = ("PRAGMA journal_mode", "PRAGMA synchronous", "PRAGMA foreign_keys")
    else:
        asked = ("SHOW fsync", "SHOW synchronous_commit", "SHOW full_page_writes")
    with database.begin() as connection:
        return " ".join(str(connection.execute(text(each)).scalar_one()) for each in asked)


# Workers.


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """What several workers do at once, at least `rounds` rounds each.

    Their clock is `job.later` seconds ahead at `began_at`, and goes `clock_runs` times as fast as the machine's since.
    """

    job: Job
    about: tuple[TransferId, ...]
    pace: Pace
    rounds: int
    began_at: float
    clock_runs: int
    ends_at: float
    told: str


def run_racing_worker(race: Race) -> None:
    """Go round with others until every transfer has ended and its rounds are done. How many there were is written down."""
    configure_log("json", sys.stderr)

    def now() -> int:
        return int(race.began_at + race.job.later + (time.time() - race.began_at) * race.clock_runs)

    # The fuse is never lit.
    worker = compose_worker(race.job, Fuse(Path(race.told), None), now)
    worker.pace = race.pace
    rounds = 0
    while rounds < race.rounds or not are_over(worker, race.about):
        if time.time() > race.ends_at:
            os._exit(UNDONE)
        if _is_idle_round(worker):
            time.sleep(REST)
        rounds += 1
    Path(race.told).write_text(str(rounds), encoding="ascii")


def _is_idle_round(worker: Worker) -> bool:
    """One round, and whether there was nothing to do."""
    try:
        return worker.run_round().is_idle
    except AdapterError as trouble:
        # As the product's loop does: another round.
        assert trouble.code == "store.unavailable", trouble
        return True


def are_over(worker: Worker, about: tuple[TransferId, ...]) -> bool:
    """Whether every transfer has ended with nothing left to do, and every message is delivered."""
    with worker.store.reading() as reading:
        for each in about:
            row, errand = reading.load_transfer(each), reading.load_errand(each)
            if row is None or row.state not in ENDED or errand is None or errand.due_at is not None:
                return False
        return not reading.count_waiting_messages()


# Deliverers.


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Messages to deliver to one webhook. `later` is how far the clock is ahead, for who takes over from a dead worker."""

    database: str
    hook: str
    holder: str
    later: int = 0

    def after_a_lease(self) -> Delivery:
        """The same once the messages of a dead worker are free."""
        return replace(self, holder=f"{self.holder}-again", later=self.later + LEASE + 1)


def run_deliverer(delivery: Delivery, log: str, target: int | None) -> None:
    """Deliver until nothing waits that is due, or die at the fuse."""
    fuse = Fuse(Path(log), target)
    store = FusedStore(Database(delivery.database), fuse)
    webhook = Webhook(url=delivery.hook, secrets=(parse_secret(SECRET),))
    now: Callable[[], int] = lambda: int(time.time()) + delivery.later  # noqa: E731
    fuse.light()
    while True:
        try:
            if not deliver_due(store, webhook, delivery.holder, now=now, draw=lambda: 0.0):
                return
        except AdapterError as trouble:
            assert trouble.code == "store.unavailable", trouble
