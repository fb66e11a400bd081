"""Nonces that are split or stuck are freed by their cancel, and by nothing else; what was stopped too late is out-run."""

from __future__ import annotations

import pytest

from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.worker.pace import Pace
from tests.factories import DAY, HOUR, usdc
from tests.team import transfer_id_of
from tests.worker.yard import Yard

PACE = Pace()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: the statements themselves are tried on both elsewhere."""
    return sqlite_url


def sign_at(yard: Yard, transfer: Transfer, *names: str) -> None:
    """Some signers sign, asked by somebody else."""
    for name in names:
        yard.team.release(name, transfer, yard.people.approved(transfer))


def cancels(yard: Yard) -> list[int]:
    return [row.nonce for row in yard.certificates() if row.kind == "cancel"]


def test_a_nonce_that_two_transfers_divide_is_cancelled_and_the_vault_goes_on(yard: Yard) -> None:
    one, other = yard.ready(), yard.ready(amount_units=usdc(2))
    sign_at(yard, one, "signer-a", "signer-b")
    sign_at(yard, other, "signer-c", "signer-d")
    worker = yard.worker()
    events = [event for each in yard.go(worker, rounds=8, every=PACE.held) for event in each.events]
    assert (cancels(yard), events.count("vault.cancelled")) == ([0], 1)
    yard.chain.finalise()
    yard.go(worker, rounds=4, every=PACE.held)
    assert {yard.state(one), yard.state(other)} <= {State.VOID, State.FINALISED, State.CONFIRMED, State.BROADCAST}
    third = yard.ready(amount_units=usdc(3))
    yard.go_until(worker, third, State.FINALISED)
    entry = next(each for each in yard.entries() if each["event"] == "vault.cancelled")
    assert entry["body"]["named"]
    assert set(entry["body"]["named"]) <= {transfer_id_of(one), transfer_id_of(other)}


def test_a_nonce_whose_transfer_can_still_be_completed_is_not_cancelled(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    sign_at(yard, transfer, "signer-a", "signer-b")
    yard.down.update(("signer-c", "signer-d"))
    yard.go(worker, rounds=6, every=PACE.held)
    assert (yard.state(transfer), cancels(yard)) == (State.SIGNING, [])
    yard.down.discard("signer-d")
    yard.go_until(worker, transfer, State.FINALISED)
    assert cancels(yard) == []


def test_nobody_is_asked_for_a_transfer_while_another_one_has_signatures_at_the_open_nonce(yard: Yard) -> None:
    first = yard.ready()
    sign_at(yard, first, "signer-a", "signer-b")
    yard.veto(first)  # Its errand is due, and so is its cancel; both wait for the signers that are down.
    second, worker = yard.ready(amount_units=usdc(2)), yard.worker()
    yard.down.update(("signer-c", "signer-d"))
    yard.go(worker, rounds=2, every=PACE.held)
    assert not any(verb in ("release", "cancel") for _, verb in yard.asked)
    yard.down.clear()
    yard.go_until(worker, second, State.FINALISED, every=PACE.held)
    assert (cancels(yard), yard.effects()) == ([0], [transfer_id_of(second)])


def test_a_veto_while_two_have_signed_frees_the_nonce_and_nothing_leaves(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    yard.down.update(("signer-c", "signer-d"))
    sign_at(yard, transfer, "signer-a", "signer-b")
    yard.go(worker, rounds=1)
    assert yard.state(transfer) is State.SIGNING
    yard.veto(transfer)
    yard.down.clear()
    yard.go(worker, rounds=6, every=PACE.held)
    assert (yard.state(transfer), cancels(yard), yard.effects()) == (State.VETOED, [0], [])
    assert yard.chain.safe_nonce(yard.vault) == 1
    follower = yard.ready(amount_units=usdc(2))
    yard.go_until(worker, follower, State.FINALISED)
    assert yard.effects() == [transfer_id_of(follower)]


def test_an_expired_transfer_with_signatures_is_cancelled_before_it_ends(yard: Yard) -> None:
    transfer, worker = yard.ready(expires_at=yard.clock.wall + HOUR), yard.worker()
    sign_at(yard, transfer, "signer-a")
    yard.down.update(("signer-c", "signer-d"))
    yard.go(worker, rounds=2, every=PACE.held)
    assert yard.state(transfer) is State.SIGNING
    yard.team.advance(HOUR, every=HOUR)
    yard.down.clear()
    yard.go(worker, rounds=6, every=PACE.held)
    assert (yard.state(transfer), cancels(yard), yard.effects()) == (State.EXPIRED, [0], [])


def test_a_certificate_of_a_vetoed_transfer_is_out_run_and_not_executed(yard: Yard) -> None:
    transfer = yard.ready()
    certificate = yard.team.certify(transfer, yard.people.approved(transfer))
    yard.team.book(certificate)
    yard.veto(transfer)
    worker = yard.worker()
    yard.go(worker, rounds=4, every=PACE.held)
    assert (yard.effects(), cancels(yard)) == ([], [0])
    yard.chain.finalise()
    yard.go(worker, rounds=3, every=PACE.watch)
    assert (yard.state(transfer), yard.errand(transfer).due_at) == (State.VETOED, None)


def test_a_veto_after_the_broadcast_replaces_the_waiting_transaction_by_the_cancel(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    worker.run_round()
    assert (yard.state(transfer), len(yard.chain.pool)) == (State.BROADCAST, 1)
    yard.veto(transfer)
    yard.team.advance(PACE.watch, every=DAY)
    worker.run_round()
    yard.chain.mine()
    assert (yard.effects(), cancels(yard)) == ([], [0])
    yard.chain.finalise()
    yard.go(worker, rounds=4, every=PACE.watch)
    assert yard.state(transfer) is State.VOID
    assert "cancel was executed" in yard.row(transfer).reason


def test_a_stopped_transfer_that_was_executed_all_the_same_is_told_and_alarmed_once(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    worker.run_round()
    yard.veto(transfer)
    yard.chain.mine()
    with yard.store.writing() as writing:
        writing.move_transfer(transfer_id_of(transfer), State.VOID, reason="for this test", at=yard.clock.wall)
    yard.team.advance(PACE.watch, every=DAY)
    events = yard.go_until(worker, transfer, State.FINALISED)
    alarms = [each["body"]["kind"] for each in yard.entries() if each["event"] == "vault.alarm"]
    assert (events.count("transfer.confirmed"), alarms) == (1, ["stopped-and-released"])


def test_an_execution_that_would_revert_is_told_and_cancelled_after_an_hour(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    certificate = yard.team.certify(transfer, yard.people.approved(transfer))
    yard.team.book(certificate)
    worker.run_round()
    digest = yard.certificates()[0].digest
    yard.chain.pool.clear()
    yard.chain.reverting.add(digest)
    with yard.store.brief() as brief:
        brief.move_sent(31337, [sent.hash for sent in yard.chain.pushed], "replaced")
    yard.go(worker, rounds=3, every=PACE.watch)
    assert (yard.errand(transfer).trouble_code, cancels(yard)) == ("chain.reverted", [])
    yard.team.advance(PACE.reverting_after, every=DAY)
    yard.go(worker, rounds=4, every=PACE.watch)
    yard.chain.finalise()
    yard.go(worker, rounds=3, every=PACE.most_back_off)
    assert (cancels(yard), yard.effects(), yard.state(transfer)) == ([0], [], State.VOID)


def test_signatures_one_short_of_a_certificate_are_alarmed_after_ten_minutes_and_once(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    sign_at(yard, transfer, "signer-a", "signer-b")
    yard.down.update(("signer-c", "signer-d"))
    worker.run_round()
    yard.team.advance(PACE.stuck_after - 1, every=DAY)
    worker.run_round()
    assert "vault.alarm" not in yard.events()
    yard.go(worker, rounds=3, every=PACE.watch)
    alarms = [each["body"] for each in yard.entries() if each["event"] == "vault.alarm"]
    assert [(each["kind"], each["transfer_id"]) for each in alarms] == [
        ("one-signature-short", transfer_id_of(transfer))
    ]


def test_a_certificate_of_a_transfer_that_is_unknown_here_is_alarmed_and_not_executed_at_once(yard: Yard) -> None:
    transfer = yard.people.transfer()
    yard.team.book(yard.team.certify(transfer, yard.people.approved(transfer)))
    worker = yard.worker()
    yard.go(worker, rounds=2, every=PACE.watch)
    alarms = [each["body"] for each in yard.entries() if each["event"] == "vault.alarm"]
    assert [(each["kind"], each["transfer_id"]) for each in alarms] == [
        ("unknown-certificate", transfer_id_of(transfer))
    ]
    assert yard.chain.pushed == []
    yard.team.advance(PACE.stuck_after, every=DAY)
    yard.go(worker, rounds=2)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_a_transfer_that_somebody_else_completed_is_found_and_followed(yard: Yard) -> None:
    transfer = yard.proposed()
    yard.team.book(yard.team.certify(transfer, yard.people.approved(transfer)))
    yard.go_until(yard.worker(), transfer, State.FINALISED)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_a_signers_silence_is_told_once_and_again_after_it_has_answered(yard: Yard) -> None:
    worker = yard.worker()
    yard.down.add("signer-b")
    for _ in range(4):
        worker.run_round()
        yard.team.advance(PACE.silent_after // 2, every=DAY)
    assert yard.events().count("signer.silent") == 1
    yard.down.clear()
    yard.go(worker, rounds=1, every=PACE.watch)
    yard.down.add("signer-b")
    for _ in range(4):
        worker.run_round()
        yard.team.advance(PACE.silent_after // 2, every=DAY)
    told = [each["body"]["signer"] for each in yard.entries() if each["event"] == "signer.silent"]
    assert told == ["signer-b", "signer-b"]
    with yard.store.reading() as reading:
        looks = {str(look.signer): look.answered_at for look in reading.list_looks()}
    assert (looks["signer-b"] or 0) < (looks["signer-a"] or 0)
