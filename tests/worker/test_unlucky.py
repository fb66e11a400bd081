"""A worker that is honest and unlucky: divided nonces, stops that come between two questions, gas that burns, books that were lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.errors import AdapterError
from guard.worker.pace import Pace
from guard.worker.watching import _Watch
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


def test_two_transfers_with_one_signature_each_at_a_nonce_do_not_block_each_other_for_ever(yard: Yard) -> None:
    one, other = yard.ready(), yard.ready(amount_units=usdc(2))
    sign_at(yard, one, "signer-a")
    sign_at(yard, other, "signer-b")
    worker = yard.worker()
    yard.go(worker, rounds=40, every=PACE.held)
    yard.chain.finalise()
    yard.go(worker, rounds=4, every=PACE.held)
    assert State.OPEN not in (yard.state(one), yard.state(other))
    assert yard.effects()


def test_a_veto_at_the_server_between_two_questions_of_a_round_keeps_the_worker_from_asking_for_signatures(
    yard: Yard,
) -> None:
    transfer, worker = yard.ready(), yard.worker()
    ask = yard.ask
    asked: list[str] = []

    def vetoing(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(verb)
        if verb == "certificates" and "register" in asked and yard.state(transfer) is not State.VETOED:
            yard.veto(transfer)
        return ask(address, verb, body)

    worker.edges = replace(worker.edges, ask=vetoing)
    yard.go(worker, rounds=3, every=PACE.held)
    assert "release" not in asked
    assert yard.effects() == []


def test_a_transaction_that_is_mined_in_vain_again_and_again_does_not_burn_gas_in_every_block(yard: Yard) -> None:
    worker = yard.worker()
    yard.ready()
    worker.run_round()
    digest = yard.certificates()[0].digest
    for _ in range(60):
        yard.chain.reverting.add(digest)
        yard.chain.mine()
        yard.chain.reverting.clear()
        yard.team.advance(12, every=DAY)
        worker.run_round()
    assert len(yard.chain.pushed) <= 8


def test_a_nonce_with_a_signature_on_a_transfer_that_the_books_lost_is_freed(yard: Yard) -> None:
    lost = yard.people.transfer()
    sign_at(yard, lost, "signer-a", "signer-b")
    worker = yard.worker()
    yard.go(worker, rounds=3, every=PACE.held)
    yard.team.advance(PACE.stuck_after, every=HOUR)
    yard.go(worker, rounds=6, every=PACE.held)
    later = yard.ready(amount_units=usdc(2))
    yard.go_until(worker, later, State.FINALISED)
    assert yard.effects() == [transfer_id_of(later)]


def test_a_clock_that_runs_ahead_for_a_round_ends_no_transfer_that_signers_would_still_sign(yard: Yard) -> None:
    transfer, ahead = yard.proposed(expires_at=yard.clock.wall + DAY), 0
    worker = yard.worker()
    worker.edges = replace(worker.edges, now=lambda: yard.clock.wall + ahead)
    yard.go(worker, rounds=2, every=PACE.held)
    ahead = 2 * DAY
    yard.go(worker, rounds=2, every=PACE.held)
    assert yard.state(transfer) is State.OPEN


def test_a_clock_that_runs_ahead_for_a_round_cancels_nothing_that_can_still_be_completed(yard: Yard) -> None:
    transfer, ahead = yard.ready(expires_at=yard.clock.wall + DAY), 0
    sign_at(yard, transfer, "signer-a", "signer-b")
    yard.down.update(("signer-c", "signer-d"))
    worker = yard.worker()
    worker.edges = replace(worker.edges, now=lambda: yard.clock.wall + ahead)
    yard.go(worker, rounds=2, every=PACE.held)
    ahead = 2 * DAY
    yard.down.discard("signer-c")
    yard.go(worker, rounds=2, every=PACE.held)
    assert [row.kind for row in yard.certificates()] in ([], ["transfer"])
    assert "cancel" not in {verb for _, verb in yard.asked}


def test_a_signer_is_not_given_up_for_time_in_which_no_worker_asked_it(yard: Yard) -> None:
    worker = yard.worker()
    yard.go(worker, rounds=1)
    yard.team.advance(PACE.stuck_after + HOUR, every=HOUR)
    yard.down.add("signer-d")
    shift = worker.make_shift()
    (place,) = shift.list_places()
    worker.run_round()
    watch = _Watch(shift=shift, place=place, contacts=shift.list_contacts(place.vault))
    for waited, is_gone in ((PACE.stuck_after - 1, False), (1, True), (1, True)):
        yard.clock.advance(waited)
        with yard.store.reading() as reading:
            assert ("signer-d" in watch.find_gone(reading)) is is_gone


def test_signatures_one_short_are_alarmed_once_while_who_signed_comes_and_goes(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    sign_at(yard, transfer, "signer-a", "signer-b")
    yard.down.update(("signer-c", "signer-d"))
    for place in range(12):
        (yard.down.add if place % 2 else yard.down.discard)("signer-b")
        worker.run_round()
        yard.team.advance(PACE.stuck_after // 4, every=DAY)
    alarms = [each["body"]["kind"] for each in yard.entries() if each["event"] == "vault.alarm"]
    assert alarms == ["one-signature-short"]


def test_a_signer_that_names_what_nobody_knows_does_not_hinder_a_cancel(yard: Yard) -> None:
    one, other = yard.ready(), yard.ready(amount_units=usdc(2))
    unknown = yard.people.transfer(amount_units=usdc(3))
    sign_at(yard, unknown, "signer-a")
    sign_at(yard, one, "signer-b", "signer-c")
    sign_at(yard, other, "signer-d")
    worker, ask = yard.worker(), yard.ask

    def silent_on_pending(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if verb == "pending":
            raise AdapterError("client.no-answer", "no usable answer")
        return ask(address, verb, body)

    worker.edges = replace(worker.edges, ask=silent_on_pending)
    yard.go(worker, rounds=2, every=PACE.stuck_after)
    yard.go(worker, rounds=4, every=PACE.held)
    assert [row.kind for row in yard.certificates() if row.nonce == 0] == ["cancel"]
