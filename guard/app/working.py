"""`guard worker`: round after round until it is told to end. What it was doing then is begun anew by another worker or its next start."""

from __future__ import annotations

import math
import os
import secrets
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import structlog

from guard.app.databases import open_store
from guard.app.edges import Chains, Pulse, to_ask, to_desk, to_now
from guard.app.ending import end_on_signals
from guard.cli.exits import ExitStatus
from guard.cli.settings import Settings
from guard.cli.storing import load_file
from guard.clients.tracing import draw_request_id, tracing
from guard.core.ids import SignerId, is_digest
from guard.errors import AdapterError, GuardError
from guard.signer.clock import SystemClock
from guard.signer.keystore import load_keystore, load_password
from guard.store.store import Store
from guard.web.logs import configure_log
from guard.worker.outbox import deliver_due
from guard.worker.pace import Pace
from guard.worker.rounds import ERRANDS_AT_ONCE, Done, Worker
from guard.worker.shift import Edges
from guard.worker.webhook import Webhook, parse_secret

MESSAGES_AT_ONCE = 50
MESSAGES_WITHIN = 10.0
"""Seconds of one round for messages: a receiver that hangs keeps no transfer, and no cancel, from its turn."""
SECRET_BYTES = 4096
TROUBLE_PAUSE = 5
"""Seconds before another round where the database fails or holds no policy yet."""


def work(settings: Settings, *, is_single: bool, ready: Callable[[str], None], pace: Pace | None = None) -> int:
    """Go round until a termination signal, or once; the exit status. `pace` is another one than the product's for demonstrations alone."""
    configure_log(settings.require_text("log_format"), sys.stderr)
    pulse = Pulse(settings.path("heartbeat"))
    over = end_on_signals(pulse.end)
    with open_store(settings) as store:
        worker = compose_worker(settings, store, pulse)
        worker.pace = pace or worker.pace
        ready(worker.holder)
        course = Course(worker, over, pulse)
        if is_single:
            return ExitStatus.TROUBLE if course.go_round() is None else ExitStatus.DONE
        rest = settings.number("round_every")
        while not over.is_set():
            count = course.go_round()
            over.wait(TROUBLE_PAUSE if count is None else 0 if count else rest)
    return ExitStatus.DONE


def compose_worker(settings: Settings, store: Store, pulse: Pulse) -> Worker:
    """The worker over an open store. Raises codes of `key` and `webhook`, and `cli.setting-missing`."""
    key_file, password_file = settings.require_path("executor"), settings.require_path("executor_password_file")
    chains = Chains(store, settings.table("chains"), load_keystore(key_file, load_password(password_file)))
    edges = Edges(
        ask=to_ask(pulse),
        desk=to_desk(pulse, chains),
        commands={SignerId(name): address for name, address in settings.table("signers").items()},
        now=to_now(SystemClock()),
    )
    return Worker(store=store, edges=edges, holder=draw_holder(), webhook=to_webhook(settings))


def draw_holder() -> str:
    """A name for leases that no other worker has and that this one has at no other start."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


def to_webhook(settings: Settings) -> Webhook | None:
    """Where notifications go; None where no address is given, and then they wait in the outbox."""
    url = settings.text("webhook_url")
    if url is None:
        return None
    return Webhook(url=url, secrets=load_secrets(settings.require_path("webhook_secret")))


def load_secrets(path: Path) -> tuple[Any, ...]:
    """The secrets of a file, one a line, the newest first. Raises `webhook.secret`."""
    lines = load_file(path, max_bytes=SECRET_BYTES).decode("ascii", errors="replace").split()
    return tuple(parse_secret(line) for line in lines)


@dataclass(slots=True)
class Course:
    """A worker's rounds, each in small pieces: the end is heard between them, and trouble in one keeps no other from its turn."""

    worker: Worker
    over: Event
    pulse: Pulse
    is_troubled: bool = False

    def go_round(self) -> int | None:
        """Do what is due; how much it was. None where something could not be done."""
        self.is_troubled = False
        count = self.attempt(self.worker.run_chores)
        count += self.repeat(lambda: self.worker.carry_due(limit=1), ERRANDS_AT_ONCE)
        # An errand calls for the watch of its vault where something is to be cancelled.
        count += self.attempt(self.worker.run_chores)
        count += self.repeat(self.deliver_one, MESSAGES_AT_ONCE, within=MESSAGES_WITHIN)
        return None if self.is_troubled else count

    def repeat(self, piece: Callable[[], tuple[Done, ...]], most: int, *, within: float = math.inf) -> int:
        """The same piece again, as long as there is something to do and none begins after so many seconds; how often."""
        count, ends_at = 0, self.pulse.clock() + within
        while count < most and self.pulse.clock() < ends_at and self.attempt(piece):
            count += 1
        return count

    def attempt(self, piece: Callable[[], tuple[Done, ...]]) -> int:
        """One piece of work, under a request id of its own that the signers' lines bear, too. How much of it counts."""
        if self.over.is_set():
            return 0
        self.pulse.touch()
        request_id = draw_request_id()
        log = structlog.get_logger("guard.worker").bind(request_id=request_id)
        try:
            with tracing(request_id):
                return sum(_say(log, done) for done in piece())
        except (AdapterError, GuardError) as trouble:
            log.warning("trouble", code=trouble.code, trouble=trouble.message)
        except Exception:
            # The process boundary: a bug in one piece of work must not keep the others waiting. Nothing of that piece is written,
            # its lease ends by itself, and what moves money is the signers' to allow.
            log.exception("fault")
        self.is_troubled = True
        return 0

    def deliver_one(self) -> tuple[Done, ...]:
        """One message of the outbox."""
        worker = self.worker
        if worker.webhook is None:
            return ()
        told = deliver_due(worker.store, worker.webhook, worker.holder, now=worker.edges.now, limit=1, draw=worker.draw)
        return tuple(Done(name=f"message {each.message_id}", events=(each.state,)) for each in told)


def _say(log: Any, done: Done) -> int:
    """One line for a piece of work. A look at signers or vaults that found nothing counts as nothing; an errand always counts."""
    if done.troubles:
        log.warning("done", name=done.name, events=done.events, troubles=[each.code for each in done.troubles])
    elif done.events:
        log.info("done", name=done.name, events=done.events)
    return 1 if done.events or is_digest(done.name) else 0
