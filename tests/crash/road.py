"""The whole road of a statement as processes that can be killed: clients, API, worker, four signers, chain, webhook; and what must hold."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Event, Thread
from typing import Any

from guard.chain import Chain
from guard.clients.connecting import connect
from guard.core.ids import TransferId
from guard.core.lifecycle import ENDED, State
from guard.core.transfer import Transfer
from guard.service.login_keys import create_master_key
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement, to_json
from guard.store.database import Database
from guard.store.store import Store
from tests.crash.api_main import run_fused_api
from tests.crash.books import require_whole_log
from tests.crash.chain_main import mine, run_stepped_chain
from tests.crash.stack import NAMES, PATIENCE, Stack, build_stack, to_context
from tests.crash.worker_main import PACE, ROUND_TAKES, ROUNDS, Job, run_fused_worker
from tests.worker.test_webhook import Receiver, receiving

API, WORKER = "api", "worker"
KILLED = -9
TRIES = 8
BETWEEN = ROUNDS * ROUND_TAKES + 2 * PACE.watch
"""Seconds that pass between two workers: more than any of them spends, so that time never goes back and chores are due again."""
LEASES_END = 150
"""Seconds after which nothing of a dead worker is held any more."""


@dataclass
class Road:
    """Everything that runs for one database. `later` is how far the workers' clock is ahead of the machine's by now."""

    stack: Stack
    database: str
    receiver: Receiver
    api: ForkServerProcess | None = None
    later: int = 0
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(Database(self.database))
        create_master_key(self.stack.folder / "master-key")

    @property
    def address(self) -> str:
        """Where the API listens."""
        return f"unix:{self.stack.folder}/api.sock"

    # Processes.

    def start_api(self, target: int | None = None) -> None:
        """Start the API, with a fuse or without one, and wait until it takes connections."""
        self.end_api()
        folder, log = self.stack.folder, self.stack.log_of(API)
        log.unlink(missing_ok=True)
        settings = {
            "bundle": folder / "bundle.json",
            "database": self.database,
            "master_key": folder / "master-key",
            "listen": self.address,
            "public_url": "http://127.0.0.1:8080",
        }
        environment = {f"GUARD_{name.upper()}": str(value) for name, value in settings.items()}
        self.api = self.stack.context.Process(target=run_fused_api, args=(environment, str(log), target))
        self.api.start()
        wait_listening(self.address, self.api)

    def end_api(self) -> None:
        """Kill it, whatever it does."""
        if self.api is not None:
            self.api.kill()
            self.api.join(PATIENCE)
            self.api = None

    def end_all(self) -> None:
        """Kill everything."""
        self.end_api()
        self.stack.end_all()
        self.store.close()

    # What clients do.

    def post(self, path: str, signed: SignedStatement, *, key: str, version: int | None = None) -> dict[str, Any]:
        """Post a statement, again under the same key where no answer came. Whoever finds the API dead starts it again."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        headers |= {} if version is None else {"If-Match": f'"v{version}"'}
        for _ in range(TRIES):
            try:
                status, said = ask_once(self.address, path, signed, headers)
            except (OSError, HTTPException):
                assert self.api is not None
                self.api.join(PATIENCE)
                self.start_api()
                continue
            assert status == 201, said
            return said
        raise AssertionError("the API never answered")

    def submit(self, proposed: SignedStatement, approved: SignedStatement) -> TransferId:
        """Propose and approve a transfer. What was acknowledged is remembered."""
        first = self.post("/v1/transfers", proposed, key=f"propose-{self.stack.drawn}")
        transfer_id = TransferId(first["transfer_id"])
        path, key = f"/v1/transfers/{transfer_id}/approvals", f"approve-{self.stack.drawn}"
        second = self.post(path, approved, key=key, version=first["version"])
        for each in (first, second):
            if each not in self.acknowledged:
                self.acknowledged.append(each)
        return transfer_id

    # What the worker does.

    def carry(self, about: TransferId, *, target: int | None = None, dying: Collection[str] = ()) -> int | None:
        """One worker's process until its end; its exit code. A signer that dies meanwhile is started again at once."""
        self.later += BETWEEN
        self.stack.log_of(WORKER).unlink(missing_ok=True)
        job = Job(
            database=self.database,
            node=self.stack.url,
            commands=self.stack.commands,
            hook=self.receiver.url,
            about=about,
            later=self.later,
        )
        given = (job, str(self.stack.log_of(WORKER)), target)
        worker = self.stack.context.Process(target=run_fused_worker, args=given)
        worker.start()
        self._look_after(worker, set(dying))
        if worker.exitcode == KILLED:
            self.later += LEASES_END
        return worker.exitcode

    def _look_after(self, worker: ForkServerProcess, dying: set[str]) -> None:
        """Wait for a worker's end, and start signers that die before."""
        while worker.is_alive():
            signers = [self.stack.running[name] for name in dying]
            ended = wait([worker.sentinel, *(each.sentinel for each in signers)], PATIENCE)
            assert ended, "the worker does not end"
            for name in [name for name in dying if not self.stack.running[name].is_alive()]:
                self.stack.start(name)
                dying.remove(name)
        worker.join(PATIENCE)

    def carry_to_its_end(self, about: TransferId, *, dying: Collection[str] = ()) -> None:
        """As many workers as it takes."""
        codes = []
        for _ in range(TRIES):
            codes.append(self.carry(about, dying=dying))
            if codes[-1] == 0:
                return
            self.later += LEASES_END
        raise AssertionError(f"workers ended with {codes}")

    # What must hold.

    def measure(self) -> tuple[int, int]:
        """What the Safe has, and its next nonce."""
        chain = Chain(self.stack.url)
        return chain.token_balance(self.stack.token, self.stack.safe), chain.safe_nonce(self.stack.safe)

    def require_one_effect(self, before: tuple[int, int], transfer: Transfer) -> None:
        """One payment on chain, finalised in the books, with its evidence; each thing said once."""
        after = self.measure()
        assert (before[0] - after[0], after[1] - before[1]) == (transfer.amount_units, 1)
        transfer_id = compute_transfer_id(transfer)
        with self.store.reading() as reading:
            row, evidence = reading.load_transfer(transfer_id), reading.load_evidence(transfer_id)
        assert row is not None and row.state is State.FINALISED, row
        assert evidence is not None

    def require_whole(self, *, unsaid: Collection[str] = ()) -> None:
        """The log is one chain in which every acknowledged statement and every event stands once; each message was delivered.

        `unsaid` may be missing, where a worker lost its lease before it could say so and the next one found more.
        """
        events = require_whole_log(self.store, self.stack.bundle.policy.treasury, self.acknowledged)
        by_transfer: dict[str, list[str]] = {}
        for entry in events:
            if entry["transfer"] is not None:
                by_transfer.setdefault(entry["transfer"], []).append(entry["event"])
        assert set(by_transfer) == {each["transfer_id"] for each in self.acknowledged}
        for told in by_transfer.values():
            assert told == [event for event in LIFE if event in told or event not in unsaid], told
        assert not [
            entry for entry in events if entry["event"] in ("vault.alarm", "vault.cancelled", "attempt.refused")
        ]
        self.require_messages()

    def require_messages(self) -> None:
        """Every message was delivered, each at least once, and the same one under the same id."""
        came: dict[str, set[bytes]] = {}
        for _, headers, body in list(self.receiver.came):
            came.setdefault(headers["webhook-id"], set()).add(body)
        assert all(len(bodies) == 1 for bodies in came.values())
        with self.store.reading() as reading:
            assert reading.count_waiting_messages() == 0 and not reading.list_dead_messages()
            head = reading.load_head()
        # Each entry of the log but the first has its message.
        assert len(came) == head.size - 1

    def require_ended(self) -> None:
        """No transfer is left on its way."""
        with self.store.reading() as reading:
            rows = [reading.load_transfer(TransferId(each["transfer_id"])) for each in self.acknowledged]
        assert all(row is not None and row.state in ENDED for row in rows)


LIFE = [
    "transfer.proposed",
    "transfer.approved",
    "transfer.signing",
    "transfer.broadcast",
    "transfer.confirmed",
    "transfer.finalised",
]
"""What the log says of a transfer that was paid, whoever died meanwhile."""


def ask_once(
    address: str, path: str, signed: SignedStatement, headers: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    """One POST: status and body."""
    with closing(connect(address, 30)) as connection:
        connection.request("POST", path, json.dumps(to_json(signed)), dict(headers))
        answer = connection.getresponse()
        said: dict[str, Any] = json.loads(answer.read())
        return answer.status, said


def wait_listening(address: str, process: ForkServerProcess) -> None:
    """Wait until a process takes connections."""
    ends_at = time.monotonic() + PATIENCE
    while True:
        try:
            with closing(connect(address, 10)) as connection:
                connection.connect()
                return
        except OSError:
            assert process.is_alive() and time.monotonic() < ends_at, f"{address} is not served"
            process.join(0.01)


@contextmanager
def open_road(folder: Path, database: str) -> Iterator[Road]:
    """The whole road for the length of the block, with four signers that answer."""
    context = to_context()
    ours, theirs = context.Pipe()
    chain = context.Process(target=run_stepped_chain, args=(theirs,))
    chain.start()
    try:
        url = ours.recv()
        with mining(url):
            stack = build_stack(folder, url)
        mine(url)
        with receiving() as receiver:
            road = Road(stack, database, receiver)
            try:
                for name in NAMES:
                    stack.start(name)
                road.start_api()
                yield road
            finally:
                road.end_all()
    finally:
        chain.kill()
        chain.join(PATIENCE)


@contextmanager
def mining(url: str) -> Iterator[None]:
    """Blocks come by themselves for the length of the block."""
    over = Event()

    def go_on() -> None:
        while not over.wait(0.15):
            mine(url)

    thread = Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def read_points(stack: Stack, name: str) -> list[str]:
    """The names of the points that a process came by."""
    return stack.log_of(name).read_text().splitlines()
