"""The worker against real Safes on two nodes: the whole road, fees that rise, transactions that are dropped, a chain that reorganises."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.chain import Chain, GasCaps
from guard.core.ids import Address
from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.evidence.verify import verify_evidence
from guard.ports import VaultView
from guard.statements.certificates import compute_certificate_digest
from guard.store.database import Database
from guard.store.store import Store
from guard.worker.chain_desk import ExecutorDesk
from guard.worker.pace import Pace
from guard.worker.rounds import Worker
from guard.worker.shift import Edges, to_certificate
from tests.chains import (
    CHAIN_ID,
    EXECUTOR,
    EXECUTOR_KEY,
    RunningNode,
    SafeStack,
    anvil_node,
    deploy_safe_stack,
    embedded_node,
)
from tests.databases import new_sqlite_database
from tests.factories import make_policy, make_vault, private_key_of
from tests.team import HandNode, make_team_policy, transfer_id_of
from tests.worker.yard import Yard

NAMES = ("signer-a", "signer-b", "signer-c")
PACE = Pace()
WITHIN = 60
"""Seconds of real time for a node to do what it is asked."""


class RealNode(HandNode):
    """A signer's node: the real Safe's nonce, at the time that the clock shows."""

    chain: Chain

    def read_view(self, vault: Address) -> VaultView:
        view, nonce = super().read_view(vault), self.chain.safe_nonce(vault)
        return replace(view, nonce_latest=nonce, nonce_final=self.chain.safe_nonce(vault, "finalized"))


class RealYard(Yard):
    """The treasury with its Safe on a real node."""

    def __init__(self, store: Store, folder: Path, node: RunningNode, stack: SafeStack) -> None:
        self.real, self.stack, self.real_chain = node, stack, Chain(node.url)
        super().__init__(store, folder, policy=to_policy(stack))
        self.signers_node = RealNode(self.clock)
        self.signers_node.chain = self.real_chain
        self.team.node = self.signers_node
        for name in list(self.team.signers):
            self.team.stop_process(name)
            self.team.start(name)
        self.team.advance(1)

    def edges(self, *, executor: str = "executor", max_fee: int = 0) -> Edges:
        caps = GasCaps() if not max_fee else GasCaps(max_fee=max_fee)
        desk = ExecutorDesk(self.real.url, CHAIN_ID, EXECUTOR_KEY, patience=0, caps=caps)
        return replace(super().edges(), desk=lambda _chain: desk)

    def pay(self, units: int) -> Transfer:
        """A transfer that was proposed and approved."""
        return self.ready(vault=Address(self.stack.safe), asset=Address(self.stack.token), amount_units=units)

    def paid(self, transfer: Transfer) -> int:
        """What its destination has of the token."""
        return self.real_chain.token_balance(self.stack.token, transfer.destination)

    def work_until(self, worker: Worker, transfer: Transfer, state: State) -> list[str]:
        """Rounds, with the chain's own time between them, until the transfer is in that state."""
        events: list[str] = []
        ends_at = time.monotonic() + WITHIN
        while self.state(transfer) is not state:
            assert time.monotonic() < ends_at, self.errand(transfer)
            events += worker.run_round().events
            self.team.advance(PACE.mining)
            time.sleep(0.1)
        return events


def to_policy(stack: SafeStack) -> Any:
    base = make_policy()
    return make_team_policy(
        signers=tuple(each for each in base.signers if each.id in NAMES),
        vaults=(replace(make_vault(threshold=2, signers=NAMES), address=Address(stack.safe)),),
        assets=tuple(
            replace(each, address=Address(stack.token)) if each.id == "USDC" else each for each in base.assets
        ),
        numbers=replace(base.numbers, settle=0, withstands=0),
    )


def open_yard(folder: Path, node: RunningNode) -> RealYard:
    stack = deploy_safe_stack(node.url, "1.4.1", [private_key_of(name).secret for name in NAMES], 2)
    wait_final(node, stack)
    return RealYard(Store(Database(new_sqlite_database(folder))), folder, node, stack)


def wait_final(node: RunningNode, stack: SafeStack) -> None:
    """Wait until the Safe stands in a final block, since signers hold while they cannot read it there."""
    chain, ends_at = Chain(node.url), time.monotonic() + WITHIN
    stands_at = chain.latest_block().number
    while (final := chain.finalized_block()) is None or final.number < stands_at:
        assert time.monotonic() < ends_at
        time.sleep(0.1)


@pytest.fixture(params=["embedded", "anvil"])
def each_yard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealYard]:
    with embedded_node(finality_lag=1) if request.param == "embedded" else anvil_node() as node:
        opened = open_yard(tmp_path, node)
        yield opened
        opened.close()
        opened.store.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[RealYard]:
    """On an anvil that mines when it is told to."""
    with anvil_node() as node:
        opened = open_yard(tmp_path, node)
        node.request("evm_setIntervalMining", 0)
        yield opened
        opened.close()
        opened.store.close()


def test_a_transfer_goes_from_its_approval_to_its_final_block_and_its_evidence_verifies(each_yard: RealYard) -> None:
    transfer, worker = each_yard.pay(2_500_000), each_yard.worker()
    before = each_yard.paid(transfer)
    each_yard.work_until(worker, transfer, State.FINALISED)
    second = each_yard.pay(1_500_000)
    each_yard.work_until(worker, second, State.FINALISED)
    assert each_yard.paid(transfer) - before == 4_000_000
    with each_yard.store.reading() as reading:
        raw = reading.load_evidence(transfer_id_of(transfer))
    assert raw is not None
    assert verify_evidence(raw.encode(), each_yard.people.digest).is_valid


def mine(yard: RealYard, count: int = 1) -> None:
    yard.real.request("anvil_mine", hex(count))


def waiting_fees(yard: RealYard) -> list[int]:
    with yard.store.reading() as reading:
        return [row.max_fee for row in reading.load_waiting_sent(CHAIN_ID, Address(EXECUTOR))]


def test_a_transaction_below_the_base_fee_is_bumped_until_it_is_mined(held: RealYard) -> None:
    transfer, worker = held.pay(1_000_000), held.worker()
    before, count = held.paid(transfer), held.real_chain.transaction_count(EXECUTOR)
    worker.run_round()
    (first,) = waiting_fees(held)
    held.real.request("anvil_setNextBlockBaseFeePerGas", hex(first * 2))
    mine(held)
    assert held.paid(transfer) == before
    held.team.advance(PACE.bump_after)
    worker.run_round()
    (second,) = waiting_fees(held)
    assert second > first * 2
    mine(held)
    held.team.advance(PACE.mining)
    worker.run_round()
    assert (held.state(transfer), held.paid(transfer) - before) == (State.CONFIRMED, 1_000_000)
    assert held.real_chain.transaction_count(EXECUTOR) == count + 1


def test_fees_above_the_cap_are_not_offered_and_the_transfer_waits(held: RealYard) -> None:
    transfer, worker = held.pay(1_000_000), held.worker()
    worker.run_round()
    (first,) = waiting_fees(held)
    held.real.request("anvil_setNextBlockBaseFeePerGas", hex(first * 50))
    mine(held)
    capped = held.worker("capped", max_fee=first * 2)
    held.team.advance(PACE.bump_after)
    capped.run_round()
    assert (held.state(transfer), held.errand(transfer).trouble_code) == (State.BROADCAST, "chain.fee-cap")
    assert waiting_fees(held) == [first]
    before = held.paid(transfer)
    mine(held, 60)
    held.team.advance(PACE.most_back_off)
    capped.run_round()
    mine(held)
    held.team.advance(PACE.bump_after)
    capped.run_round()
    mine(held)
    held.team.advance(PACE.final)
    capped.run_round()
    assert held.state(transfer) in (State.CONFIRMED, State.FINALISED)
    assert held.paid(transfer) - before == 1_000_000


def test_a_transaction_that_the_node_dropped_is_sent_again(held: RealYard) -> None:
    transfer, worker = held.pay(1_000_000), held.worker()
    before = held.paid(transfer)
    worker.run_round()
    held.real.request("anvil_dropAllTransactions")
    mine(held)
    assert held.paid(transfer) == before
    held.team.advance(PACE.bump_after)
    worker.run_round()
    mine(held)
    held.team.advance(PACE.mining)
    worker.run_round()
    assert (held.state(transfer), held.paid(transfer) - before) == (State.CONFIRMED, 1_000_000)


def test_a_nonce_that_was_used_for_something_else_costs_time_and_no_more(held: RealYard) -> None:
    transfer, worker = held.pay(1_000_000), held.worker()
    before, count = held.paid(transfer), held.real_chain.transaction_count(EXECUTOR)
    worker.run_round()
    held.real.request("anvil_dropAllTransactions")
    held.real.request("anvil_setNonce", EXECUTOR, hex(count + 1))
    for _ in range(3):
        held.team.advance(PACE.mining)
        worker.run_round()
    mine(held)
    held.team.advance(PACE.mining)
    worker.run_round()
    assert (held.state(transfer), held.paid(transfer) - before) == (State.CONFIRMED, 1_000_000)


def test_the_same_certificate_executed_by_a_stranger_is_the_same_effect(held: RealYard) -> None:
    transfer, worker = held.pay(1_000_000), held.worker()
    before = held.paid(transfer)
    worker.run_round()
    certificate = to_certificate(held.certificates()[0])
    with held.store.reading() as reading:
        (row,) = reading.load_sent(compute_certificate_digest(certificate))
    # What a stranger sends has other fees and another account; here it is mined first, and the worker's own then reverts.
    stranger = ExecutorDesk(held.real.url, CHAIN_ID, private_key_of("stranger").secret, patience=0)
    held.real.request("anvil_setBalance", stranger.executor, hex(10**18))
    offer = stranger.prepare(certificate, 0, above=(row.max_fee * 4, row.priority_fee * 4))
    stranger.push(offer.hash, offer.raw)
    mine(held, 2)
    held.team.advance(PACE.mining)
    worker.run_round()
    assert (held.state(transfer), held.paid(transfer) - before) == (State.CONFIRMED, 1_000_000)
    follower = held.pay(1_500_000)
    for _ in range(3):
        worker.run_round()
        mine(held, 3)
        held.team.advance(PACE.final)
    worker.run_round()
    assert held.paid(transfer) - before == 2_500_000
    assert held.state(follower) in (State.CONFIRMED, State.FINALISED)


def test_a_transfer_whose_block_is_reorganised_away_is_broadcast_again(held: RealYard) -> None:
    transfer, worker = held.pay(1_000_000), held.worker()
    before = held.paid(transfer)
    worker.run_round()
    mine(held)
    held.team.advance(PACE.mining)
    worker.run_round()
    assert held.state(transfer) is State.CONFIRMED
    held.real.request("anvil_reorg", 1, [])
    held.real.request("anvil_dropAllTransactions")
    assert held.paid(transfer) == before
    held.team.advance(PACE.final)
    assert "transfer.broadcast" in worker.run_round().events
    for _ in range(4):
        mine(held)
        held.team.advance(PACE.bump_after)
        worker.run_round()
    assert held.paid(transfer) - before == 1_000_000
    assert held.state(transfer) in (State.CONFIRMED, State.FINALISED)
