"""A treasury whose API runs as real processes on Unix sockets, and clients that post until they are told that it is kept."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Event
from typing import Any

from guard.bundles.bundle import to_bytes
from guard.core.policy import Policy
from guard.core.transfer import Transfer
from guard.service.adopting import adopt_bundle
from guard.statements.signed import SignedStatement
from guard.store.database import Database
from guard.store.store import Store
from tests.app.processes import children_of, is_running, wait_until
from tests.crash.road import ask_once, wait_listening
from tests.crash.stack import PATIENCE, to_context
from tests.durability.mains import Serving, run_api
from tests.factories import DAY, digest_of
from tests.team import Team, make_team_policy, transfer_id_of

PAUSE = 0.02
BUSY = 503
"""What the API answers while the database is busy for too long: clients ask again."""


@dataclass
class Served:
    """A treasury, its database, and the processes that serve it. `people` sign; no signer runs."""

    folder: Path
    database: str
    policy: Policy = field(default_factory=make_team_policy)
    running: dict[str, ForkServerProcess] = field(default_factory=dict)
    people: Team = field(init=False)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.people = Team(self.folder / "people", policy=self.policy, running=("nobody",))
        now = int(time.time())
        self.people.clock.wall = now
        self.people.bundle = replace(self.people.bundle, expires_at=now + 365 * DAY)
        self.store = Store(Database(self.database))
        adopt_bundle(self.store, to_bytes(self.people.bundle), self.people.digest, now - 60)

    @property
    def told(self) -> Path:
        """Where each process writes what its database connection says of durability."""
        return self.folder / "durability"

    def address_of(self, name: str) -> str:
        """Where an API listens."""
        return f"unix:{self.folder}/{name}.sock"

    def start(self, name: str, *, processes: int = 1) -> ForkServerProcess:
        """Start an API, and wait until it takes connections."""
        serving = Serving(
            database=self.database, address=self.address_of(name), processes=processes, told=str(self.told)
        )
        self.running[name] = to_context().Process(target=run_api, args=(serving,))
        self.running[name].start()
        wait_listening(serving.address, self.running[name])
        return self.running[name]

    def kill(self, name: str) -> None:
        """Kill an API with every process of it at once."""
        process = self.running.pop(name)
        assert process.pid is not None
        if not process.is_alive():
            return
        # Held still first, so that it has no child that is not seen here.
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGSTOP)
        family = [process.pid, *children_of(process.pid)]
        for each in family:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        process.join(PATIENCE)
        wait_until(lambda: not any(is_running(each) for each in family), "they are dead")

    def kill_child(self, name: str, place: int) -> None:
        """Kill one of the processes that share a socket; the one that watches starts another."""
        pid = self.running[name].pid
        assert pid is not None
        children = sorted(children_of(pid)) if self.running[name].is_alive() else []
        if children:
            with suppress(ProcessLookupError):
                os.kill(children[place % len(children)], signal.SIGKILL)

    def close(self) -> None:
        """Kill everything."""
        for name in list(self.running):
            self.kill(name)
        self.store.close()

    def transfer(self) -> Transfer:
        """A new transfer, unlike every other one."""
        now = int(time.time())
        return self.people.transfer(
            uniqueness=digest_of(secrets.token_hex(16)), proposed_at=now, expires_at=now + 2 * DAY
        )


@contextmanager
def serving(folder: Path, database: str, policy: Policy | None = None) -> Iterator[Served]:
    """The treasury for the length of the block."""
    served = Served(folder, database, policy or make_team_policy())
    try:
        yield served
    finally:
        served.close()


@dataclass
class Client:
    """Somebody who posts a statement again and again, under the same key, until it is acknowledged."""

    address: str
    ends_at: float = field(default_factory=lambda: time.monotonic() + 5 * PATIENCE)
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    unanswered: int = 0

    def post(self, path: str, signed: SignedStatement, *, version: int | None = None, key: str = "") -> dict[str, Any]:
        """The acknowledgement; the key is drawn unless one is given."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or secrets.token_hex(8)}
        headers |= {} if version is None else {"If-Match": f'"v{version}"'}
        while True:
            assert time.monotonic() < self.ends_at, "nobody answers"
            try:
                status, said = ask_once(self.address, path, signed, headers)
            except (OSError, HTTPException):
                self.unanswered += 1
                Event().wait(PAUSE)
                continue
            if status == BUSY:
                Event().wait(PAUSE)
                continue
            assert status == 201, said
            self.acknowledged.append(said)
            return said

    def propose(self, served: Served, transfer: Transfer, *, key: str = "") -> dict[str, Any]:
        """Propose a transfer."""
        return self.post("/v1/transfers", served.people.propose(transfer), key=key)

    def approve(self, served: Served, transfer: Transfer, name: str, *, version: int = 1) -> dict[str, Any]:
        """Approve a transfer."""
        now = int(time.time())
        signed = served.people.approve(transfer, name, signed_at=now, expires_at=now + DAY)
        return self.post(to_path(transfer, "approvals"), signed, version=version)


def to_path(transfer: Transfer, what: str) -> str:
    """Where statements about a transfer go."""
    return f"/v1/transfers/{transfer_id_of(transfer)}/{what}"
