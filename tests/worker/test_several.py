"""Several workers over one database, with one executor's key: each transfer has one effect, and nothing is lost when one of them dies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from guard.core.lifecycle import State
from guard.store.store import Store
from guard.worker.pace import Pace
from guard.worker.rounds import Worker
from tests.factories import CHAIN_ID, usdc
from tests.team import transfer_id_of
from tests.worker.yard import Yard

ROUNDS = 50
PACE = Pace()


def run_together(yard: Yard, workers: list[Worker], *, rounds: int) -> list[str]:
    """Each worker in a thread of its own; the chain goes on when all have done a round. Every event that was logged."""
    events: list[str] = []
    troubles: list[BaseException] = []
    tick = threading.Barrier(len(workers), action=lambda: advance(yard))

    def work(worker: Worker) -> None:
        try:
            for _ in range(rounds):
                events.extend(worker.run_round().events)
                tick.wait(60)
        except BaseException as error:
            troubles.append(error)
            tick.abort()
            raise

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not troubles, troubles
    return events


def advance(yard: Yard) -> None:
    yard.chain.mine()
    yard.chain.finalise()
    yard.team.advance(PACE.mining)


@pytest.mark.parametrize("count", [2, 3])
def test_p2_workers_at_once_make_one_effect_of_each_transfer(yard: Yard, count: int, is_deep: bool) -> None:
    total = ROUNDS if is_deep else 6
    transfers = [yard.ready(amount_units=usdc(number + 1)) for number in range(total)]
    workers = [yard.worker(f"worker-{number}") for number in range(count)]
    events = run_together(yard, workers, rounds=max(ROUNDS, total * 6))
    assert sorted(yard.effects()) == sorted(transfer_id_of(each) for each in transfers)
    assert {yard.state(each) for each in transfers} == {State.FINALISED}
    for event in ("transfer.signing", "transfer.broadcast", "transfer.confirmed", "transfer.finalised"):
        assert events.count(event) == total
        assert yard.events().count(event) == total
    assert [row.kind for row in yard.certificates()] == ["transfer"] * total


def test_workers_with_a_key_each_make_one_effect_of_each_transfer(yard: Yard) -> None:
    transfers = [yard.ready(amount_units=usdc(number + 1)) for number in range(4)]
    workers = [yard.worker(f"worker-{number}", executor=f"executor {number}") for number in range(2)]
    run_together(yard, workers, rounds=40)
    assert sorted(yard.effects()) == sorted(transfer_id_of(each) for each in transfers)


class Killed(BaseException):
    """The end of a worker's process, for a test."""


def die_at(worker: Worker, point: int) -> Callable[[], int]:
    """Make a worker die at its n-th edge, before or after it; how many edges there were is told."""
    count = 0
    ask, desk_of = worker.edges.ask, worker.edges.desk

    def reach() -> None:
        nonlocal count
        count += 1
        if count == point:
            raise Killed

    def dying_ask(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        reach()
        said = ask(address, verb, body)
        reach()
        return said

    class DyingDesk:
        def __init__(self, chain_id: int) -> None:
            self.desk = desk_of(chain_id)

        def __getattr__(self, name: str) -> Any:
            found = getattr(self.desk, name)
            if not callable(found):
                return found

            def call(*given: Any, **named: Any) -> Any:
                reach()
                said = found(*given, **named)
                reach()
                return said

            return call

    worker.edges = replace(worker.edges, ask=dying_ask, desk=DyingDesk)
    return lambda: count


def count_edges(yard: Yard) -> int:
    transfer, worker = yard.ready(), yard.worker()
    count = die_at(worker, 0)
    yard.go_until(worker, transfer, State.FINALISED)
    return count()


def test_p2_a_worker_that_dies_at_any_edge_leaves_one_effect_and_another_goes_on(yard: Yard, is_deep: bool) -> None:
    edges = count_edges(yard)
    tried = range(1, edges + 1, 1 if is_deep else 29)
    for number, point in enumerate(tried):
        transfer = yard.ready(amount_units=usdc(number + 2))
        dying = yard.worker(f"dying-{point}")
        die_at(dying, point)
        with suppress(Killed):
            yard.go_until(dying, transfer, State.FINALISED)
        yard.team.advance(PACE.lease, every=60)
        yard.go_until(yard.worker(f"after-{point}"), transfer, State.FINALISED)
        assert yard.effects().count(transfer_id_of(transfer)) == 1
    assert len(yard.effects()) == len(tried) + 1


def test_an_errand_of_a_dead_worker_is_taken_over_when_its_lease_ends_and_not_before(yard: Yard) -> None:
    transfer, dying = yard.ready(), yard.worker("dying")
    die_at(dying, 7)
    with pytest.raises(Killed):
        dying.carry_due()
    held = yard.errand(transfer)
    assert (held.holder, held.leased_until) == ("dying", yard.clock.wall + PACE.lease)
    yard.clock.advance(PACE.lease - 1)
    assert yard.worker("other").carry_due() == ()
    yard.clock.advance(1)
    assert [each.name for each in yard.worker("other").carry_due()] == [transfer_id_of(transfer)]


def test_a_worker_that_took_too_long_writes_nothing(yard: Yard) -> None:
    transfer, slow, quick = yard.ready(), yard.worker("slow"), yard.worker("quick")
    edges = slow.edges
    overtaken: list[str] = []

    def ask(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        said = edges.ask(address, verb, body)
        if verb == "release" and not overtaken:
            overtaken.append(verb)
            yard.clock.advance(PACE.lease)
            quick.run_round()
        return said

    slow.edges = replace(edges, ask=ask)
    slow.run_round()
    assert yard.events().count("transfer.broadcast") == 1
    assert yard.errand(transfer).holder == ""
    yard.go_until(quick, transfer, State.FINALISED)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_a_lease_is_renewed_while_signers_answer_slowly(yard: Yard) -> None:
    transfer, slow = yard.ready(), yard.worker("slow")
    edges = slow.edges

    def ask(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        yard.team.advance(PACE.lease // 3)
        return edges.ask(address, verb, body)

    slow.edges = replace(edges, ask=ask)
    slow.carry_due(limit=1)
    assert yard.state(transfer) is State.BROADCAST


def test_a_call_that_comes_while_an_errand_is_carried_is_heard_afterwards(yard: Yard) -> None:
    transfer, worker = yard.proposed(), yard.worker()
    edges = worker.edges
    called: list[str] = []

    def ask(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if verb == "register" and not called:
            called.append(verb)
            yard.approve(transfer, "bob")
        return edges.ask(address, verb, body)

    worker.edges = replace(edges, ask=ask)
    worker.carry_due(limit=1)
    assert (yard.state(transfer), yard.errand(transfer).due_at) == (State.OPEN, yard.clock.wall)


class CountingStore:
    """A store that knows how many of its transactions are open."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.open = 0

    def __getattr__(self, name: str) -> Any:
        @contextmanager
        def counted() -> Iterator[Any]:
            with getattr(self.store, name)() as transaction:
                self.open += 1
                try:
                    yield transaction
                finally:
                    self.open -= 1

        return counted


def test_no_transaction_is_open_while_a_signer_or_a_chain_is_asked(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    store = CountingStore(yard.store)
    edges, open_then = worker.edges, []

    def ask(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        open_then.append(store.open)
        return edges.ask(address, verb, body)

    class Noting:
        def __getattr__(self, name: str) -> Any:
            open_then.append(store.open)
            return getattr(edges.desk(CHAIN_ID), name)

    worker.store, worker.edges = store, replace(edges, ask=ask, desk=lambda _chain: Noting())
    yard.go_until(worker, transfer, State.FINALISED)
    assert len(open_then) > 30
    assert set(open_then) == {0}
