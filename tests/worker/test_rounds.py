"""One worker: signers and chains that are down, delays, freezes, and what each transfer then waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from guard.core.lifecycle import State
from guard.worker.pace import Pace
from tests.factories import DAY, HOUR, make_rule, usdc
from tests.team import transfer_id_of
from tests.worker.yard import Yard

PACE = Pace()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: the statements themselves are tried on both elsewhere."""
    return sqlite_url


def test_a_transfer_that_waits_for_its_delay_is_looked_at_when_that_is_over(yard_of: Callable[..., Yard]) -> None:
    yard = yard_of(rules=(make_rule(delay=200),))
    transfer = yard.ready()
    began = yard.clock.wall
    yard.worker().run_round()
    errand = yard.errand(transfer)
    assert (errand.earliest_at, errand.due_at) == (began + 200, began + 200)
    yard.go_until(yard.worker(), transfer, State.FINALISED, every=20)


@pytest.mark.parametrize("down", [("signer-a",), ("signer-d",)])
def test_one_signer_that_is_down_holds_nothing_up(yard: Yard, down: tuple[str, ...]) -> None:
    yard.down.update(down)
    transfer = yard.ready()
    yard.go_until(yard.worker(), transfer, State.FINALISED)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_with_two_signers_down_nothing_is_signed_and_it_goes_on_when_they_are_back(yard: Yard) -> None:
    yard.down.update(("signer-b", "signer-c"))
    transfer, worker = yard.ready(), yard.worker()
    yard.go(worker, rounds=3, every=20)
    assert yard.state(transfer) is State.OPEN
    words = yard.words(transfer)
    assert {name: word["status"] for name, word in words.items()} == {
        "signer-a": "releasable",
        "signer-b": "silent",
        "signer-c": "silent",
        "signer-d": "releasable",
    }
    assert not any(verb == "release" for _, verb in yard.asked)
    yard.down.clear()
    yard.go_until(worker, transfer, State.FINALISED)


def test_what_a_signer_missed_is_brought_to_it_before_it_signs(yard: Yard) -> None:
    yard.down.add("signer-d")
    first, worker = yard.ready(), yard.worker()
    yard.go_until(worker, first, State.FINALISED)
    yard.down.clear()
    yard.down.add("signer-a")
    second = yard.ready(amount_units=usdc(2))
    yard.go_until(worker, second, State.FINALISED)
    assert yard.effects() == [transfer_id_of(first), transfer_id_of(second)]


def test_troubles_in_a_row_make_the_pauses_longer(yard: Yard) -> None:
    yard.chain.is_down = True
    transfer, worker = yard.ready(), yard.worker()
    pauses = []
    for _ in range(10):
        yard.clock.advance(max(0, (yard.errand(transfer).due_at or 0) - yard.clock.wall))
        worker.run_round()
        pauses.append((yard.errand(transfer).due_at or 0) - yard.clock.wall)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_certificate_that_too_few_signers_took_is_not_broadcast(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    edges = worker.edges

    def ask(address: str, verb: str, body: object) -> dict[str, object]:
        if verb == "book" and body["certificates"]:  # type: ignore[index]
            yard.down.update(yard.team.signers)
        return edges.ask(address, verb, body)  # type: ignore[arg-type]

    worker.edges = replace(edges, ask=ask)
    worker.run_round()
    assert yard.errand(transfer).trouble_code == "worker.not-booked"
    assert (len(yard.certificates()), yard.chain.pushed) == (1, [])
    yard.down.clear()
    yard.go_until(yard.worker("worker-2"), transfer, State.FINALISED)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_an_expiry_is_not_told_while_so_many_signers_are_silent_that_they_could_have_signed(yard: Yard) -> None:
    transfer, worker = yard.proposed(expires_at=yard.clock.wall + HOUR), yard.worker()
    yard.down.update(("signer-a", "signer-b", "signer-c"))
    yard.team.advance(HOUR, every=60)
    worker.run_round()
    assert yard.state(transfer) is State.OPEN
    yard.down.discard("signer-a")
    yard.team.advance(PACE.waiting)
    worker.run_round()
    assert yard.state(transfer) is State.EXPIRED


def test_a_transfer_under_a_policy_that_denies_it_becomes_void(yard: Yard) -> None:
    transfer = yard.ready(amount_units=0)
    yard.worker().run_round()
    assert yard.state(transfer) is State.VOID
    assert yard.row(transfer).reason.endswith("[decision.amount-zero]")


def test_a_veto_reaches_a_signer_that_was_down_once_it_is_back(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    yard.down.add("signer-c")
    yard.veto(transfer)
    worker.run_round()
    yard.down.clear()
    yard.go(worker, rounds=3, every=PACE.waiting)
    assert "decision.vetoed" in yard.team.refusal_codes("signer-c", transfer, yard.people.approved(transfer))
    assert yard.errand(transfer).due_at is None


def test_a_freeze_is_brought_to_signers_that_lack_it_and_is_lifted_again_by_the_worker(yard: Yard) -> None:
    yard.freeze()
    worker, transfer = yard.worker(), yard.ready()
    yard.go(worker, rounds=2, every=PACE.watch)
    assert yard.state(transfer) is State.OPEN
    assert {reason["code"] for word in yard.words(transfer).values() for reason in word["reasons"]} == {
        "decision.frozen"
    }
    for name in ("erin", "frank"):
        yard.unfreeze(name)
    yard.go(worker, rounds=2, every=PACE.watch)
    yard.team.advance(HOUR, every=60)
    yard.go_until(worker, transfer, State.FINALISED, every=PACE.watch, rounds=20)


def test_transfers_of_one_vault_go_one_after_the_other(yard: Yard) -> None:
    worker = yard.worker()
    transfers = [yard.ready(amount_units=usdc(number + 1)) for number in range(5)]
    for transfer in transfers:
        yard.go_until(worker, transfer, State.FINALISED, rounds=100)
    assert sorted(yard.effects()) == sorted(transfer_id_of(each) for each in transfers)
    assert [row.nonce for row in yard.certificates()] == list(range(5))


def test_a_payment_that_failed_inside_is_told_as_failed_and_never_as_released(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    worker.run_round()
    yard.chain.failing.update(row.digest for row in yard.certificates())
    yard.go(worker, rounds=3)
    yard.chain.finalise()
    yard.go(worker, rounds=2, every=PACE.final)
    assert (yard.state(transfer), yard.errand(transfer).due_at) == (State.FAILED, None)
    assert "execution-failed" in yard.row(transfer).reason
    with yard.store.reading() as reading:
        assert reading.load_evidence(transfer_id_of(transfer)) is None


def test_an_old_transfer_that_nobody_approves_costs_few_questions(yard: Yard) -> None:
    yard.proposed(expires_at=yard.clock.wall + DAY)
    worker = yard.worker()
    for _ in range(11):
        worker.run_round()
        yard.team.advance(30)
    assert sum(verb == "register" for _, verb in yard.asked) == 4 * 2
