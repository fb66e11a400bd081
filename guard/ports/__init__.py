"""What the use cases need of the world: a clock and chain endpoints. Shapes only; nothing here does anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from guard.core.ids import Address


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One look at the clock: `wall` in Unix seconds, `boot` in seconds since the machine booted, sleep included."""

    wall: int
    boot: int


class Clock(Protocol):
    """Where time comes from. Only adapters of this port read a real clock."""

    def read(self) -> ClockReading:
        """The time now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultView:
    """What one endpoint says of one vault: time of its latest block, and the Safe's nonce at the latest and the finalised block."""

    endpoint: str
    block_at: int
    nonce_latest: int
    nonce_final: int


class Endpoint(Protocol):
    """One node of one chain. It is believed only where its answer holds or denies (TRUST §1)."""

    name: str

    def read_view(self, vault: Address) -> VaultView:
        """The three answers. Raises `AdapterError` when any of them is missing."""
        ...
