"""What becomes of the executor's transactions: more is offered, what is lost is sent again; the chain alone says what had its effect."""

from __future__ import annotations

from itertools import pairwise

import pytest

from guard.core.lifecycle import State
from guard.statements.certificates import compute_certificate_digest
from guard.worker.pace import Pace
from guard.worker.world import Pushed
from tests.factories import CHAIN_ID, DAY, address_of, usdc
from tests.team import transfer_id_of
from tests.worker.hand_chain import HandDesk
from tests.worker.yard import Yard

PACE = Pace()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: the statements themselves are tried on both elsewhere."""
    return sqlite_url


def sent_of(yard: Yard) -> list[tuple[int, int, str]]:
    """Nonce, fee and state of everything that was sent for the first certificate."""
    with yard.store.reading() as reading:
        rows = reading.load_sent(yard.certificates()[0].digest)
    return [(row.nonce, row.max_fee, row.state) for row in rows]


@pytest.mark.parametrize("waited", [PACE.bump_after - 1, PACE.bump_after, PACE.bump_after + 1])
def test_a_transaction_that_is_not_mined_in_time_is_offered_more_under_the_same_nonce(yard: Yard, waited: int) -> None:
    transfer, worker = yard.ready(), yard.worker()
    worker.run_round()
    yard.clock.advance(waited)
    worker.run_round()
    assert len(yard.chain.pushed) == (1 if waited < PACE.bump_after else 2)
    yard.go_until(worker, transfer, State.FINALISED)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_fees_rise_until_the_chain_takes_them(yard: Yard) -> None:
    yard.chain.least_fee = 180
    transfer, worker = yard.ready(), yard.worker()
    yard.go_until(worker, transfer, State.FINALISED, every=PACE.bump_after)
    assert {sent.nonce for sent in yard.chain.pushed} == {0}
    for before, after in pairwise(sent.max_fee for sent in yard.chain.pushed):
        assert after * 10 >= before * 11
    assert [state for _, _, state in sent_of(yard)] == ["replaced", "replaced", "replaced", "mined"]


def test_fees_never_pass_the_cap_and_the_transfer_says_so_while_it_waits(yard: Yard) -> None:
    yard.chain.least_fee = 500
    transfer, worker = yard.ready(), yard.worker(max_fee=300)
    yard.go(worker, rounds=9, every=PACE.bump_after)
    assert max(sent.max_fee for sent in yard.chain.pushed) <= 300
    assert (yard.state(transfer), yard.errand(transfer).trouble_code) == (State.BROADCAST, "chain.fee-cap")
    yard.chain.least_fee = 0
    yard.team.advance(PACE.most_back_off, every=DAY)
    yard.go_until(worker, transfer, State.FINALISED)
    assert yard.errand(transfer).trouble_code == ""


def test_a_transaction_that_the_node_forgot_is_sent_again(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    worker.run_round()
    yard.chain.pool.clear()
    yard.go_until(worker, transfer, State.FINALISED, every=PACE.bump_after // 2)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_a_nonce_that_somebody_else_used_is_found_and_the_next_one_taken(yard: Yard) -> None:
    first, worker = yard.ready(), yard.worker()
    worker.run_round()
    certificate = yard.chain.pushed[0].certificate
    # Another user of the key replaces what waits by the same certificate with higher fees, so that the worker's own is never mined.
    desk = HandDesk(yard.chain)
    offer = desk.prepare(certificate, 0, above=(200, 20))
    assert desk.push(offer.hash, offer.raw) is Pushed.TAKEN
    yard.go_until(worker, first, State.FINALISED)
    assert [state for _, _, state in sent_of(yard)] == ["replaced"]
    second = yard.ready(amount_units=usdc(2))
    yard.go_until(worker, second, State.FINALISED)
    assert yard.effects() == [transfer_id_of(first), transfer_id_of(second)]


def test_an_unknown_transaction_at_the_nonce_is_out_bid_within_the_caps(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    foreign = yard.team.certify(transfer, yard.people.approved(transfer))
    yard.team.book(foreign)
    desk = HandDesk(yard.chain)
    offer = desk.prepare(foreign, 0, above=(150, 15))
    desk.push(offer.hash, offer.raw)
    yard.chain.least_fee = 10_000
    worker.run_round()
    yard.chain.least_fee = 0
    fees = [sent.max_fee for sent in yard.chain.pushed]
    assert fees[0] < fees[-1]
    assert compute_certificate_digest(yard.chain.pushed[-1].certificate) == compute_certificate_digest(foreign)
    yard.go_until(worker, transfer, State.FINALISED)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_a_transaction_that_was_mined_in_vain_is_sent_again(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    worker.run_round()
    digest = yard.certificates()[0].digest
    yard.chain.reverting.add(digest)
    yard.chain.mine()
    yard.chain.reverting.clear()
    assert yard.effects() == []
    yard.go_until(worker, transfer, State.FINALISED)
    assert [(nonce, state) for nonce, _, state in sent_of(yard)] == [(0, "reverted"), (1, "mined")]
    assert yard.effects() == [transfer_id_of(transfer)]


@pytest.mark.parametrize("keep", [True, False])
def test_a_confirmed_transfer_whose_block_is_reorganised_away_is_broadcast_again(yard: Yard, keep: bool) -> None:
    transfer, worker = yard.ready(), yard.worker()
    yard.go(worker, rounds=2, every=PACE.mining)
    assert yard.state(transfer) is State.CONFIRMED
    with yard.store.reading() as reading:
        before = reading.load_evidence(transfer_id_of(transfer))
    yard.chain.reorganise(2, keep=keep)
    yard.team.advance(PACE.final, every=DAY)
    events = worker.run_round().events
    assert "transfer.broadcast" in events
    assert yard.state(transfer) is State.BROADCAST
    later = yard.go_until(worker, transfer, State.FINALISED)
    assert later.count("transfer.confirmed") == 1
    with yard.store.reading() as reading:
        after = reading.load_evidence(transfer_id_of(transfer))
    assert before is not None and after is not None and before != after
    assert yard.effects() == [transfer_id_of(transfer)]


def test_several_vaults_share_one_account_and_each_gets_its_turn(yard: Yard) -> None:
    worker = yard.worker()
    transfers = [yard.ready(amount_units=usdc(number + 1)) for number in range(3)]
    yard.go(worker, rounds=30, every=PACE.mining)
    assert sorted(yard.effects()) == sorted(transfer_id_of(each) for each in transfers)
    nonces = [sent.nonce for block in yard.chain.blocks for sent, _ in block.sent]
    assert nonces == [0, 1, 2]


def test_a_transaction_is_written_down_before_it_is_sent(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    seen: list[int] = []
    desk = worker.edges.desk(CHAIN_ID)
    push = desk.push

    class Looking(HandDesk):
        def push(self, transaction_hash, raw):  # type: ignore[no-untyped-def]
            with yard.store.reading() as reading:
                seen.append(len(reading.load_waiting_sent(CHAIN_ID, address_of("executor"))))
            return push(transaction_hash, raw)

    object.__setattr__(worker.edges, "desk", lambda _chain: Looking(yard.chain))
    yard.go_until(worker, transfer, State.FINALISED)
    assert seen == [1]
