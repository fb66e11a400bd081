"""What a worker reaches, put together: signers, chains, the clock; a heartbeat at each step, and an end that no hung peer puts off."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guard.clients.signer_client import ask
from guard.errors import AdapterError
from guard.ports import Clock
from guard.service.editions import Editions
from guard.store.store import Store
from guard.worker.chain_desk import ExecutorDesk
from guard.worker.world import SendingDesk

ASK_WITHIN = 15
"""Seconds for one answer of a signer: a signer that hangs holds one round up, not the worker's end."""
END_WITHIN = 10
"""Seconds that the work at hand has once the worker was told to end; then every further question fails."""
PATIENCE = 30.0


@dataclass(slots=True)
class Pulse:
    """That the worker gets on: told to whoever checks its health, and asked before each step whether it may go on."""

    heartbeat: Path | None = None
    ends_at: float | None = None
    clock: Callable[[], float] = time.monotonic

    def end(self) -> None:
        """The worker was told to end."""
        self.ends_at = self.clock() + END_WITHIN

    def beat(self) -> None:
        """One step. Raises `worker.ending` once the time to end has passed: whatever was begun is begun anew by another worker."""
        if self.ends_at is not None and self.clock() > self.ends_at:
            raise AdapterError("worker.ending", "the worker was told to end")
        self.touch()

    def touch(self) -> None:
        """Leave a sign of life. A disk that does not take it costs health, and no work."""
        if self.heartbeat is None:
            return
        try:
            self.heartbeat.touch()
        except OSError:
            return


@dataclass(slots=True)
class Chains:
    """The desk of each chain that the active policy names, each made when it is first needed."""

    store: Store
    endpoints: Mapping[str, str]
    executor_key: bytes
    _editions: Editions = field(default_factory=Editions)
    _desks: dict[tuple[int, str], ExecutorDesk] = field(default_factory=dict)

    def require(self, chain_id: int) -> SendingDesk:
        """The desk of a chain. Raises `worker.no-endpoint`."""
        with self.store.reading() as reading:
            chains = self._editions.load(reading).active.policy.chains
        url = next(
            (self.endpoints[each.name] for each in chains if each.chain_id == chain_id and each.name in self.endpoints),
            None,
        )
        if url is None:
            raise AdapterError("worker.no-endpoint", f"there is no endpoint for chain {chain_id}")
        if (chain_id, url) not in self._desks:
            self._desks[chain_id, url] = ExecutorDesk(url, chain_id, self.executor_key, patience=PATIENCE)
        return self._desks[chain_id, url]


def to_ask(pulse: Pulse) -> Callable[[str, str, Mapping[str, Any]], dict[str, Any]]:
    """Asks a signer, after one beat."""

    def ask_signer(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        pulse.beat()
        return ask(address, verb, body, timeout=ASK_WITHIN)

    return ask_signer


def to_desk(pulse: Pulse, chains: Chains) -> Callable[[int], SendingDesk]:
    """Finds a chain's desk, after one beat."""

    def find(chain_id: int) -> SendingDesk:
        pulse.beat()
        return chains.require(chain_id)

    return find


def to_now(clock: Clock) -> Callable[[], int]:
    """The time in Unix seconds."""
    return lambda: clock.read().wall
