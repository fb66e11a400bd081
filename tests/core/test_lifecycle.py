"""The table of moves: what may follow what, and what never does."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.lifecycle import COUNTED, ENDED, MOVES, State, require_move
from guard.errors import GuardError

STOPPED = frozenset({State.REJECTED, State.VETOED, State.EXPIRED, State.VOID})
ON_CHAIN = frozenset({State.BROADCAST, State.CONFIRMED, State.FINALISED, State.FAILED})
BEFORE_CHAIN = frozenset({State.OPEN, State.SIGNING})

pairs = st.tuples(st.sampled_from(State), st.sampled_from(State))
walks = st.lists(st.sampled_from(State), max_size=12)


def walk(wishes: list[State]) -> list[State]:
    """The states that a transfer goes through when each wish is tried and those that are refused are passed over."""
    gone = [State.OPEN]
    for wish in wishes:
        try:
            require_move(gone[-1], wish)
        except GuardError:
            continue
        gone.append(wish)
    return gone


def reach(start: State) -> frozenset[State]:
    """Every state that may come after this one, sooner or later."""
    found: set[State] = set()
    waiting = [start]
    while waiting:
        for after in MOVES[waiting.pop()] - found:
            found.add(after)
            waiting.append(after)
    return frozenset(found)


@given(pairs)
def test_a_move_is_refused_exactly_where_the_table_lacks_it(pair: tuple[State, State]) -> None:
    old, new = pair
    if new in MOVES[old]:
        require_move(old, new)
        return
    with pytest.raises(GuardError) as refused:
        require_move(old, new)
    assert refused.value.code == "lifecycle.move"


def test_every_state_has_its_moves_and_none_moves_to_itself() -> None:
    assert set(MOVES) == set(State)
    assert not [state for state in State if state in MOVES[state]]


@given(walks)
def test_whoever_was_stopped_is_never_open_or_in_signing_again(wishes: list[State]) -> None:
    gone = walk(wishes)
    stopped = next((place for place, state in enumerate(gone) if state in STOPPED), len(gone))
    assert not BEFORE_CHAIN & set(gone[stopped:])


@given(walks)
def test_whatever_was_broadcast_is_never_open_or_in_signing_again(wishes: list[State]) -> None:
    gone = walk(wishes)
    sent = next((place for place, state in enumerate(gone) if state in ON_CHAIN), len(gone))
    assert not BEFORE_CHAIN & set(gone[sent:])


@given(walks)
def test_final_is_final(wishes: list[State]) -> None:
    gone = walk(wishes)
    assert State.FINALISED not in gone[:-1]


@given(walks)
def test_final_comes_only_after_confirmed(wishes: list[State]) -> None:
    gone = walk(wishes)
    assert all(before is State.CONFIRMED for before, after in pairwise(gone) if after is State.FINALISED)


@pytest.mark.parametrize("state", sorted(BEFORE_CHAIN, key=str))
def test_before_the_chain_every_stop_stops_at_once(state: State) -> None:
    assert MOVES[state] >= STOPPED


@pytest.mark.parametrize("state", sorted(STOPPED, key=str))
def test_what_the_chain_shows_is_told_even_of_a_stopped_transfer(state: State) -> None:
    assert MOVES[state] == {State.BROADCAST, State.CONFIRMED, State.FAILED}


@pytest.mark.parametrize("state", [state for state in State if state is not State.OPEN])
def test_every_state_can_be_reached(state: State) -> None:
    assert state in reach(State.OPEN)


@pytest.mark.parametrize("state", [state for state in State if state not in ENDED])
def test_no_state_is_a_dead_end_before_its_end(state: State) -> None:
    assert reach(state) & ENDED


def test_a_stopped_transfer_is_not_counted_and_a_final_one_is() -> None:
    assert not COUNTED & STOPPED
    assert State.FINALISED in COUNTED
    assert STOPPED <= ENDED


def test_names_of_states_are_permanent() -> None:
    assert sorted(state.value for state in State) == [
        "broadcast",
        "confirmed",
        "expired",
        "failed",
        "finalised",
        "open",
        "rejected",
        "signing",
        "vetoed",
        "void",
    ]
