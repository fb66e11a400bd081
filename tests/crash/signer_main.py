"""A signer's process as the product composes it, with a fuse at its commits, its counter, its endpoints and its answers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guard.app.signer_process import to_endpoints
from guard.app.verifier import compose_verifier
from guard.core.ids import Address
from guard.ports import Endpoint, VaultView
from guard.signer.clock import SystemClock
from guard.signer.counter import FileCounter
from guard.signer.home import SignerConfig, SignerHome, holding_lock, load_config, load_keys
from guard.signer.journal import Journal
from guard.signer.limiting import SourceLimit
from guard.signer.listeners import open_listener, serve_in_background
from guard.signer.requests import COMMAND_VERBS, STOP_VERBS
from guard.signer.signer import Signer
from tests.crash.fuse import Fuse


class FusedCounter(FileCounter):
    """The counter with a fuse before and after it is written."""

    def __init__(self, path: Path, fuse: Fuse):
        super().__init__(path)
        self._fuse = fuse

    def store(self, journal_id: str, value: int) -> None:
        with self._fuse.around("counter"):
            super().store(journal_id, value)


class FusedJournal(Journal):
    """The journal with a fuse before each commit; the counter's comes right after it."""

    fuse: Fuse

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with super().writing() as db:
            yield db
            self.fuse.point("before commit")


class FusedEndpoint:
    """An endpoint with a fuse before and after it is asked."""

    def __init__(self, endpoint: Endpoint, fuse: Fuse):
        self.name = endpoint.name
        self._endpoint = endpoint
        self._fuse = fuse

    def read_view(self, vault: Address) -> VaultView:
        with self._fuse.around("endpoint"):
            return self._endpoint.read_view(vault)


def _open_journal(home: SignerHome, config: SignerConfig, fuse: Fuse) -> FusedJournal:
    plain = Journal.load(home.journal, FileCounter(config.counter))
    plain.require_not_behind()
    plain.close()
    journal = FusedJournal.load(home.journal, FusedCounter(config.counter, fuse))
    assert isinstance(journal, FusedJournal)
    journal.fuse = fuse
    return journal


def run_fused_signer(folder: str, password: str, log: str, target: int | None) -> None:
    """Serve until killed, by the fuse or by the test."""
    home, fuse = SignerHome(Path(folder)), Fuse(Path(log), target)
    config, clock = load_config(home), SystemClock()
    with holding_lock(home):
        journal = _open_journal(home, config, fuse)
        nodes = {
            chain: tuple(FusedEndpoint(node, fuse) for node in nodes)
            for chain, nodes in to_endpoints(config, journal).items()
        }
        keys, verifier = load_keys(home, password.encode()), compose_verifier()
        signer = Signer(journal=journal, keys=keys, verifier=verifier, clock=clock, endpoints=nodes)
        limit = SourceLimit(clock, per_second=1000, burst=1000)
        signer.tick()
        serve_in_background(open_listener(config.stop, signer, STOP_VERBS, limit))
        serve_in_background(open_listener(config.command, signer, fuse.wrap_verbs(COMMAND_VERBS), limit))
        threading.Event().wait()
