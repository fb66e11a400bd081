"""Kill -9 at every commit and network edge of one release: after restart one effect on chain, never two (P2).

A dry run counts the points of each process. Each is tried in `deep`. The short profile tries every fifth of the command's own and
every twentieth of the signers', which die at every fifth in `test_road`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from guard.chain import Chain
from tests.chains import embedded_node
from tests.crash.stack import NAMES, Stack, build_stack

EVERY, EVERY_OF_SIGNERS = 5, 20
TRIES = 4
COMMAND = "command"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with embedded_node(finality_lag=1) as node:
        made = build_stack(tmp_path_factory.mktemp("crash"), node.url)
        try:
            for name in NAMES:
                made.start(name)
            time_to_final(made, 0)
            yield made
        finally:
            made.end_all()


def time_to_final(stack: Stack, nonce: int) -> None:
    """Wait until the Safe is at the nonce in a final block, since signers hold while they cannot read it there."""
    chain, ends_at = Chain(stack.url), time.monotonic() + 30
    while True:
        try:
            if chain.safe_nonce(stack.safe, "finalized") >= nonce:
                return
        except Exception:
            assert time.monotonic() < ends_at
        assert time.monotonic() < ends_at
        time.sleep(0.1)


def count_points(stack: Stack, name: str) -> list[str]:
    return stack.log_of(name).read_text().splitlines()


def dry_run(stack: Stack) -> dict[str, list[str]]:
    """One undisturbed release: the points of each process."""
    for name in NAMES:
        stack.start(name)
    folder, _ = stack.make_transfer()
    assert stack.release(folder) == 0
    assert stack.read_status(folder) == "released"
    return {name: count_points(stack, name) for name in (*NAMES, COMMAND)}


def require_one_effect(stack: Stack, before: tuple[int, int], amount_units: int) -> None:
    chain = Chain(stack.url)
    balance, nonce = chain.token_balance(stack.token, stack.safe), chain.safe_nonce(stack.safe)
    assert (before[0] - balance, nonce - before[1]) == (amount_units, 1)


def kill_at(stack: Stack, name: str, point: int, *, repeat: bool) -> None:
    """Kill one process at one point of a release, start it again, and repeat the command until it has nothing left to do."""
    chain = Chain(stack.url)
    before = chain.token_balance(stack.token, stack.safe), chain.safe_nonce(stack.safe)
    folder, transfer = stack.make_transfer()
    if name == COMMAND:
        assert stack.release(folder, point) == -9
    else:
        stack.start(name, point)
        stack.release(folder)
        assert not stack.running[name].is_alive(), f"{name} lived through point {point}"
        stack.start(name)
    for _ in range(TRIES):
        if stack.read_status(folder) != "released":
            stack.release(folder)
    assert stack.read_status(folder) == "released"
    require_one_effect(stack, before, transfer.amount_units)
    if repeat:
        stack.release(folder)
        require_one_effect(stack, before, transfer.amount_units)


def test_p2_a_process_killed_at_any_point_of_a_release_leaves_one_effect(
    stack: Stack, is_deep: bool, record_property: Callable[[str, object], None]
) -> None:
    found = dry_run(stack)
    command = [(COMMAND, at) for at in range(len(found[COMMAND]))]
    signers = [(name, at) for name in NAMES for at in range(len(found[name]))]
    points = [*signers, *command]
    tried = points if is_deep else [*signers[::EVERY_OF_SIGNERS], *command[::EVERY]]
    for number, (name, at) in enumerate(tried):
        kill_at(stack, name, at, repeat=is_deep or number % EVERY == 0)
    record_property("crash points", len(points))
    record_property("crash points tried", len(tried))
