"""The signer as a process: opens its folder, holds the lock, serves both listeners, marks that it runs, and ends cleanly on a signal."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from guard.app.ending import end_on_signals
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
from guard.signer.sockets import Protection
from guard.signer.telling import Teller

MARK_EVERY = 20
"""Seconds. More often than the minute that the protocol asks, so that finality is learnt soon."""
FIRST_MARKS_EVERY = 1
"""Until the clock has once been good; afterwards marks are for the journal alone."""

COMMAND_RATE, STOP_RATE = (200, 1000), (20, 100)
"""What one source may ask: a second, and at once."""


def run_signer(
    home: SignerHome, password: bytes, *, ready: Callable[[str], None], is_plaintext_allowed: bool = False
) -> None:
    """Serve until a termination signal. `ready` is told once both listeners are open."""
    over = end_on_signals()
    config = load_config(home)
    protection = config.to_protection(is_plaintext_allowed=is_plaintext_allowed)
    with holding_lock(home):
        journal = open_journal(home, config)
        try:
            signer = Signer(
                journal=journal,
                keys=load_keys(home, password),
                verifier=compose_verifier(),
                clock=SystemClock(),
                endpoints=to_endpoints(config, journal),
            )
            with listening(signer, config, protection):
                ready(config.id)
                _mark_until(over, signer)
        finally:
            journal.close()


@contextmanager
def listening(signer: Signer, config: SignerConfig, protection: Protection) -> Iterator[None]:
    """Both listeners. Whatever they were asked before the end comes to its answer, so that the journal is closed under nobody."""
    teller = Teller(config.id, signer.clock)
    with ExitStack() as opened:
        for address, verbs, rate in (
            (config.stop, STOP_VERBS, STOP_RATE),
            (config.command, COMMAND_VERBS, COMMAND_RATE),
        ):
            limit = SourceLimit(signer.clock, per_second=rate[0], burst=rate[1])
            listener = open_listener(address, signer, verbs, limit, protection=protection, teller=teller)
            serve_in_background(listener)
            opened.callback(listener.end)
        yield


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
