"""The moves that follow from what a round found out, and when a transfer ends. Pure."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from guard.core.ids import SignerId
from guard.core.lifecycle import MOVES, State
from guard.worker.asking import Reason
from guard.worker.carrying import SignerWord
from guard.worker.findings import EVENTS, STOPPED, End, Finding, compute_end, compute_moves, compute_state, find_end
from guard.worker.world import Landed, LandedState

NAMES = ("signer-a", "signer-b", "signer-c", "signer-d")


def landed(state: LandedState, *, is_final: bool = False) -> Landed:
    return Landed(state=state, reason="", block_number=7, is_final=is_final)


EVERY_LANDED = (
    None,
    landed(LandedState.UNKNOWN),
    landed(LandedState.SUCCEEDED),
    landed(LandedState.SUCCEEDED, is_final=True),
    landed(LandedState.FAILED),
    landed(LandedState.FAILED, is_final=True),
)
EVERY_END = (None, End(State.VETOED, "vetoed"), End(State.EXPIRED, "late"), End(State.VOID, "void"))


def test_every_move_of_every_finding_is_in_the_table_of_moves_and_has_its_event() -> None:
    for state, shown, end, is_signed, is_submitted in product(
        State, EVERY_LANDED, EVERY_END, (None, False, True), (False, True)
    ):
        finding = Finding(landed=shown, end=end, is_signed=is_signed, is_submitted=is_submitted)
        moves = compute_moves(state, finding)
        for before, after in pairwise((state, *(move.to for move in moves))):
            assert after in MOVES[before], (state, finding, moves)
            assert after in EVENTS


def test_finding_the_same_again_moves_nothing() -> None:
    for state, shown, end, is_signed in product(State, EVERY_LANDED, EVERY_END, (None, False, True)):
        finding = Finding(landed=shown, end=end, is_signed=is_signed)
        there = compute_state(state, compute_moves(state, finding))
        assert compute_moves(there, finding) == (), (state, there, finding)


def test_nothing_but_the_chain_takes_a_stopped_transfer_further() -> None:
    for state, end, is_signed, is_submitted in product(STOPPED, EVERY_END, (None, False, True), (False, True)):
        finding = Finding(end=end, is_signed=is_signed, is_submitted=is_submitted)
        assert compute_moves(state, finding) == ()
        assert compute_moves(state, Finding(landed=landed(LandedState.UNKNOWN), end=end)) == ()


@pytest.mark.parametrize("state", list(State))
def test_what_is_final_on_chain_ends_every_transfer_as_finalised(state: State) -> None:
    finding = Finding(landed=landed(LandedState.SUCCEEDED, is_final=True))
    assert compute_state(state, compute_moves(state, finding)) is State.FINALISED


def test_unknown_is_never_failed_and_takes_back_what_was_confirmed() -> None:
    unknown = Finding(landed=landed(LandedState.UNKNOWN))
    for state in State:
        assert compute_state(state, compute_moves(state, unknown)) is not State.FAILED or state is State.FAILED
    assert compute_state(State.CONFIRMED, compute_moves(State.CONFIRMED, unknown)) is State.BROADCAST
    assert compute_state(State.FINALISED, compute_moves(State.FINALISED, unknown)) is State.FINALISED


def test_a_transfer_whose_signatures_are_void_is_open_again_only_where_somebody_looked() -> None:
    assert compute_state(State.SIGNING, compute_moves(State.SIGNING, Finding(is_signed=False))) is State.OPEN
    assert compute_moves(State.SIGNING, Finding(is_signed=None)) == ()


def word(name: str, status: str, *reasons: tuple[str, bool]) -> SignerWord:
    told = tuple(Reason(code=code, message="said", held=held) for code, held in reasons)
    return SignerWord(signer=SignerId(name), status=status, reasons=told)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("decision.vetoed", State.VETOED),
        ("decision.withdrawn", State.REJECTED),
        ("decision.rejected", State.REJECTED),
        ("decision.expired", State.EXPIRED),
        ("decision.roster-changed", State.VOID),
        ("decision.not-allowed", State.VOID),
    ],
)
def test_a_denial_ends_in_the_state_of_its_reason(code: str, state: State) -> None:
    end = find_end(word("signer-a", "denied", ("decision.delay", True), (code, False)))
    assert end is not None
    assert (end.state, end.reason) == (state, f"said [{code}]")


@pytest.mark.parametrize(
    "said",
    [
        word("signer-a", "held", ("decision.vetoed", True)),
        word("signer-a", "refused", ("signer.rate", False)),
        word("signer-a", "refused", ("chain.nonce-taken", True)),
        word("signer-a", "silent", ("client.no-answer", True)),
        word("signer-a", "releasable"),
    ],
)
def test_what_may_be_cured_ends_nothing(said: SignerWord) -> None:
    assert find_end(said) is None


@pytest.mark.parametrize("code", ["chain.dead", "chain.certified", "chain.paid-before", "chain.cancelled-here"])
def test_a_refusal_that_nothing_takes_back_voids(code: str) -> None:
    end = find_end(word("signer-a", "refused", (code, False)))
    assert end is not None
    assert end.state is State.VOID


@pytest.mark.parametrize(("count", "ends"), [(0, False), (1, False), (2, True), (3, True), (4, True)])
def test_a_transfer_ends_when_those_who_would_still_sign_are_too_few(count: int, ends: bool) -> None:
    words = [
        word(name, "denied", ("decision.vetoed", False)) if place < count else word(name, "releasable")
        for place, name in enumerate(NAMES)
    ]
    assert (compute_end(words, threshold=3, owners=4) is not None) is ends


def test_a_signer_that_does_not_know_the_policy_yet_ends_nothing() -> None:
    said = word("signer-a", "denied", ("decision.vault-unknown", False), ("decision.policy-unknown", False))
    assert find_end(said) is None
