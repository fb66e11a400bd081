"""The signer as a process: opens its folder, holds the lock, serves both listeners, marks that it runs, and ends cleanly on a signal."""

from __future__ import annotations

import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from types import FrameType

from guard.app.verifier import compose_verifier
from guard.core.ids import ChainName
from guard.errors import AdapterError
from guard.ports import Endpoint
from guard.signer import records
from guard.signer.clock import SystemClock
from guard.signer.endpoints import HttpEndpoint
from guard.signer.home import SignerConfig, SignerHome, holding_lock, load_config, load_keys, open_journal
from guard.signer.journal import Journal
from guard.signer.limiting import SourceLimit
from guard.signer.listeners import open_listener, serve_in_background
from guard.signer.memory import load_editions
from guard.signer.requests import COMMAND_VERBS, STOP_VERBS
from guard.signer.signer import Signer

MARK_EVERY = 20
"""Seconds. More often than the minute that the protocol asks, so that finality is learnt soon."""
FIRST_MARKS_EVERY = 1
"""Until the clock has once been good; afterwards marks are for the journal alone."""


def run_signer(home: SignerHome, password: bytes, *, ready: Callable[[str], None]) -> None:
    """Serve until a termination signal. `ready` is told once both listeners are open."""
    config = load_config(home)
    with holding_lock(home):
        journal = open_journal(home, config)
        try:
            _serve(home, config, journal, password, ready)
        finally:
            journal.close()


def _serve(
    home: SignerHome, config: SignerConfig, journal: Journal, password: bytes, ready: Callable[[str], None]
) -> None:
    clock = SystemClock()
    signer = Signer(
        journal=journal,
        keys=load_keys(home, password),
        verifier=compose_verifier(),
        clock=clock,
        endpoints=to_endpoints(config, journal),
    )
    listeners = [
        open_listener(config.command, signer, COMMAND_VERBS, SourceLimit(clock, per_second=200, burst=1000)),
        open_listener(config.stop, signer, STOP_VERBS, SourceLimit(clock, per_second=20, burst=100)),
    ]
    over = threading.Event()
    _end_on_signals(over)
    for listener in listeners:
        serve_in_background(listener)
    ready(config.id)
    _mark_until(over, signer)
    for listener in listeners:
        listener.shutdown()
        listener.server_close()


def to_endpoints(config: SignerConfig, journal: Journal) -> dict[int, tuple[Endpoint, ...]]:
    """The configured endpoints by chain id. A chain of the policy without one has none, which holds its vaults."""
    with journal.reading() as db:
        editions = load_editions(db) if records.load_bundles(db) else {}
    if not editions:
        return {}
    policy = list(editions.values())[-1].policy
    return {
        chain.chain_id: tuple(HttpEndpoint(url) for url in config.endpoints.get(ChainName(chain.name), ()))
        for chain in policy.chains
    }


def _end_on_signals(over: threading.Event) -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _mark_until(over: threading.Event, signer: Signer) -> None:
    """Mark that the signer runs; each second until the clock has once been good."""
    pause = FIRST_MARKS_EVERY
    while not over.wait(pause):
        pause = MARK_EVERY if _mark(signer) else FIRST_MARKS_EVERY


def _mark(signer: Signer) -> bool:
    """One mark. Trouble with the disk makes none, which only ever lengthens delays; the listeners go on, so that stops still arrive."""
    try:
        return signer.tick() is None
    except (AdapterError, sqlite3.Error) as trouble:
        sys.stderr.write(f"guard signer: no mark: {trouble}\n")
        return False
