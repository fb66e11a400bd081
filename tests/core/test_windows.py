"""Sliding windows: what counts, until when, and that no window of the length ever holds more than its cap (P5)."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.decide import decide
from guard.core.decision import Status
from guard.core.facts import Movement
from guard.core.ids import NATIVE, PersonId, TransferId
from guard.core.rules import RollingLimit
from guard.core.windows import WindowState, compute_window
from guard.errors import GuardError
from tests.core.oracle import is_counted
from tests.core.situations import Chooser, choose_movement
from tests.core.strategies import choosers
from tests.factories import (
    CHAIN_ID,
    DAY,
    DESTINATION,
    HOUR,
    NOW,
    TRANSFER_ID,
    UNLISTED,
    USDC_ADDRESS,
    VAULT_ADDRESS,
    address_of,
    digest_of,
    make_facts,
    make_limit,
    make_movement,
    make_policies,
    make_rule,
    make_transfer,
    usdc,
)

CAP, WINDOW = 100, 10
LIMIT = make_limit(CAP, window=WINDOW)


def ask(units: int, *movements: Movement, limit: RollingLimit = LIMIT, now: int = NOW) -> WindowState:
    return compute_window(limit, make_transfer(amount_units=units), TRANSFER_ID, movements, now)


# --- P5: whatever is asked and whenever, no window holds more than the cap ---


@dataclass
class Release:
    """One release: asked at a time, reserved from then on, executed at some time, learnt to be final at another."""

    units: int
    reserved_at: int
    executed_at: int
    aged_from: int


releases_drawn = st.lists(
    st.builds(
        lambda units, wait, until_executed, until_final: (units, wait, until_executed, until_executed + until_final),
        st.sampled_from((1, 33, 34, 50, 51, 99, 100, 101)),
        st.sampled_from((0, 0, 1, 4, 5, 9, 10, 11)),
        st.integers(0, 12),
        st.integers(0, 6),
    ),
    max_size=12,
)


def play(steps: list[tuple[int, int, int, int]]) -> list[Release]:
    """Ask for each release in turn; what fits is reserved and counts as now until it is final, then from that time on."""
    now, released = NOW, list[Release]()
    for units, wait, until_executed, until_final in steps:
        now += wait
        movements = (
            make_movement(
                f"earlier {number}", amount_units=one.units, at=one.aged_from if one.aged_from <= now else None
            )
            for number, one in enumerate(released)
        )
        if ask(units, *movements, now=now).fits:
            released.append(Release(units, now, now + until_executed, now + until_final))
    return released


@given(releases_drawn)
def test_p5_no_window_of_any_sequence_holds_more_than_its_cap(steps: list[tuple[int, int, int, int]]) -> None:
    released = play(steps)
    times = [one.executed_at for one in released]
    for begin in range(min(times, default=0) - WINDOW, max(times, default=0) + 1):
        assert sum(one.units for one in released if begin <= one.executed_at <= begin + WINDOW) <= CAP


@given(choosers(40))
def test_p5_a_window_counts_what_the_sentences_say(chooser: Chooser) -> None:
    transfer = make_transfer(amount_units=chooser.one_of(1, 100))
    movements = tuple(choose_movement(chooser, number) for number in range(4))
    limit = make_limit(200, window=20, also_per=chooser.one_of((), ("destination",), ("initiator",)))
    facts = make_facts(movements=movements, now=chooser.instant() + 15)
    state = compute_window(limit, transfer, TRANSFER_ID, movements, facts.now)
    assert state.counted_units == sum(m.amount_units for m in movements if is_counted(m, limit, transfer, facts))
    assert state.fits == (state.counted_units + transfer.amount_units <= 200)


@given(choosers(40))
def test_d9_free_at_is_the_first_second_at_which_it_fits(chooser: Chooser) -> None:
    movements = tuple(choose_movement(chooser, number) for number in range(4))
    now = max((movement.at for movement in movements if movement.at is not None), default=NOW)
    units = chooser.one_of(1, 50, 99, 100)

    def fits_at(second: int) -> bool:
        return ask(units, *movements, now=second).fits

    free_at = ask(units, *movements, now=now).free_at
    assert free_at == next((second for second in range(now, now + WINDOW + 2) if fits_at(second)), None)


# --- Boundaries in threes ---


@pytest.mark.parametrize(("age", "counted"), [(WINDOW - 1, 1), (WINDOW, 1), (WINDOW + 1, 0)])
def test_p5_a_movement_counts_up_to_the_last_second_of_the_window(age: int, counted: int) -> None:
    assert ask(1, make_movement(amount_units=1, at=NOW - age)).counted_units == counted


@pytest.mark.parametrize(("units", "fits"), [(39, True), (40, True), (41, False)])
def test_p5_exactly_the_cap_fits(units: int, fits: bool) -> None:
    assert ask(units, make_movement(amount_units=60)).fits is fits


@pytest.mark.parametrize("days", [1, 365])
def test_p5_what_is_not_final_counts_as_now_however_long_ago(days: int) -> None:
    state = ask(50, make_movement(amount_units=51, at=None), now=NOW + days * DAY)
    assert (state.fits, state.free_at) == (False, None)


def test_p5_there_is_no_reset_at_midnight() -> None:
    midnight = NOW - NOW % DAY
    limit = make_limit(CAP, window=DAY)
    assert not ask(1, make_movement(amount_units=CAP, at=midnight - 1), limit=limit, now=midnight + 1).fits


def test_a_transfer_that_is_reserved_already_is_not_counted_against_itself() -> None:
    reserved = make_movement(amount_units=CAP, at=None, transfer_id=TRANSFER_ID)
    assert ask(CAP, reserved) == WindowState(0, True, NOW)


# --- What a window is per ---

ELSEWHERE: dict[str, dict[str, Any]] = {
    "another vault": {"vault": address_of("another vault")},
    "another asset": {"asset": NATIVE},
    "another chain": {"chain_id": CHAIN_ID + 1},
}


@pytest.mark.parametrize("changes", ELSEWHERE.values(), ids=ELSEWHERE)
def test_p5_a_window_is_per_vault_and_asset_of_one_chain(changes: dict[str, Any]) -> None:
    assert ask(CAP, make_movement(amount_units=CAP, **changes)).fits


@pytest.mark.parametrize("changes", [{"destination": UNLISTED}, {"initiator": PersonId("bob")}], ids=str)
def test_p5_another_destination_or_initiator_counts_unless_the_limit_is_per_it(changes: dict[str, Any]) -> None:
    other = make_movement(amount_units=CAP, **changes)
    assert not ask(1, other).fits
    assert ask(1, other, limit=make_limit(CAP, window=WINDOW, also_per=tuple(changes))).fits


@pytest.mark.parametrize("field", ["destination", "initiator"])
def test_p5_a_limit_per_destination_or_initiator_counts_the_same_one(field: str) -> None:
    assert not ask(1, make_movement(amount_units=CAP), limit=make_limit(CAP, window=WINDOW, also_per=(field,))).fits


def test_p5_it_counts_what_another_rule_let_out() -> None:
    small = make_rule("small", approvals=(), limits=(make_limit(usdc(8000), window=HOUR),), allow=False)
    decision = decide(make_transfer(), make_policies(make_rule(), small), make_facts(movements=(make_movement(),)))
    assert decision.status is Status.HELD
    assert (decision.reasons[0].rule, decision.reasons[0].until) == ("small", NOW + HOUR + 1)


def test_d9_a_limit_in_another_asset_says_nothing() -> None:
    ether = make_rule("ether", approvals=(), limits=(make_limit(1, asset="ETH"),), allow=False)
    assert decide(make_transfer(), make_policies(make_rule(), ether), make_facts()).status is Status.RELEASABLE


# --- What cannot be ---


def test_a_movement_is_what_its_transfer_takes() -> None:
    movement = Movement.of(TRANSFER_ID, make_transfer(), NOW)
    assert (movement.vault, movement.asset, movement.destination) == (VAULT_ADDRESS, USDC_ADDRESS, DESTINATION)
    assert movement == replace(make_movement(), transfer_id=TRANSFER_ID)


@pytest.mark.parametrize("units", [-1, True, 2**256])
def test_p5_a_movement_never_gives_budget_back(units: int) -> None:
    with pytest.raises(GuardError, match="amount of a movement"):
        make_movement(amount_units=units)


@pytest.mark.parametrize("at", [-1, True])
def test_p5_a_movement_has_a_time_or_counts_as_now(at: int) -> None:
    with pytest.raises(GuardError, match="at of a movement"):
        make_movement(at=at)


def test_the_same_movement_twice_counts_twice() -> None:
    twice = make_movement(transfer_id=TransferId(digest_of("one")), amount_units=40)
    assert ask(1, twice, twice).counted_units == 80
