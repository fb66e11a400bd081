"""Sliding windows: what counts against a limit now, and when enough of it will have left (P5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guard.core.facts import Movement
from guard.core.ids import TransferId
from guard.core.rules import RollingLimit
from guard.core.transfer import Transfer


@dataclass(frozen=True, slots=True)
class WindowState:
    """How a limit stands for one transfer. `free_at` is None where nothing that is known frees enough of it."""

    counted_units: int
    fits: bool
    free_at: int | None


def compute_window(
    limit: RollingLimit, transfer: Transfer, transfer_id: TransferId, movements: Iterable[Movement], now: int
) -> WindowState:
    """How the limit stands if the transfer were added now.

    A movement counts while its age is at most the window; one without a time counts as now. The transfer itself is never counted twice,
    so that asking again for something reserved does not need its amount a second time.
    """
    counted = [
        movement
        for movement in movements
        if movement.transfer_id != transfer_id
        and _is_same(limit, transfer, movement)
        and _is_within(limit, movement, now)
    ]
    total = sum(movement.amount_units for movement in counted)
    fits = total + transfer.amount_units <= limit.cap.units
    return WindowState(total, fits, now if fits else _compute_free_at(limit, transfer.amount_units, counted))


def _is_within(limit: RollingLimit, movement: Movement, now: int) -> bool:
    return movement.at is None or movement.at + limit.window >= now


def _is_same(limit: RollingLimit, transfer: Transfer, movement: Movement) -> bool:
    equal = {
        "vault": (movement.chain_id, movement.vault) == (transfer.chain_id, transfer.vault),
        "asset": (movement.chain_id, movement.asset) == (transfer.chain_id, transfer.asset),
        "destination": (movement.chain_id, movement.destination) == (transfer.chain_id, transfer.destination),
        "initiator": movement.initiator == transfer.initiator,
    }
    return all(equal[name] for name in limit.per)


def _compute_free_at(limit: RollingLimit, amount_units: int, counted: list[Movement]) -> int | None:
    left = sum(movement.amount_units for movement in counted)
    for at, units in sorted((m.at, m.amount_units) for m in counted if m.at is not None):
        left -= units
        if left + amount_units <= limit.cap.units:
            return at + limit.window + 1
    return None
