"""One look at the world before a decision: the clock and every endpoint, taken without any lock, and then judged under the journal's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guard.core.ids import Address
from guard.errors import AdapterError, Refusal
from guard.ports import Clock, ClockReading, Endpoint, VaultView
from guard.signer.clock import ClockState, find_clock_refusal
from guard.signer.records import VaultAt

LONGEST_LOOK = 30
"""Seconds after which a look is too old to sign by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the endpoints said, and which of them said nothing."""

    begun: ClockReading
    views: Mapping[VaultAt, tuple[VaultView, ...]]
    silent: Mapping[VaultAt, tuple[str, ...]]


def take_look(clock: Clock, endpoints: Mapping[int, tuple[Endpoint, ...]], vaults: Iterable[VaultAt]) -> Look:
    """Ask every endpoint about every vault. Never raises: trouble is an endpoint that is silent."""
    begun = clock.read()
    views: dict[VaultAt, tuple[VaultView, ...]] = {}
    silent: dict[VaultAt, tuple[str, ...]] = {}
    for vault in vaults:
        nodes = endpoints.get(vault.chain_id, ())
        # Pairs and not a mapping: two nodes of one name are still two, and the silence of one is not the other's answer.
        answers = [(node.name, _ask(node, vault.address)) for node in nodes]
        views[vault] = tuple(answer for _, answer in answers if answer is not None)
        missing = tuple(name for name, answer in answers if answer is None)
        silent[vault] = missing if nodes else (f"chain {vault.chain_id}, which has no endpoint",)
    return Look(begun=begun, views=views, silent=silent)


def _ask(node: Endpoint, vault: Address) -> VaultView | None:
    try:
        return node.read_view(vault)
    except AdapterError:
        return None


def judge_clock(look: Look, start: ClockReading, reading: ClockReading, high_water: int) -> Refusal | None:
    """Whether the clock is good now, by the journal's mark, the boot clock and every endpoint (TRUST §7)."""
    if reading.boot - look.begun.boot > LONGEST_LOOK:
        return Refusal(
            "clock.look-too-old", "the endpoints took too long to answer", held=True, check="the-clock-is-good"
        )
    return find_clock_refusal(
        ClockState(
            start=start,
            reading=reading,
            high_water=high_water,
            views=tuple(view for views in look.views.values() for view in views),
            silent=tuple(name for names in look.silent.values() for name in names),
        )
    )
