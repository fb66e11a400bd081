"""One worker over each of the two databases: the whole road, and the ends that are no release."""

from __future__ import annotations

from guard.core.lifecycle import State
from guard.evidence.verify import verify_evidence
from guard.worker.pace import Pace
from tests.factories import HOUR
from tests.team import transfer_id_of
from tests.worker.yard import Yard

PACE = Pace()


def moves_of(events: list[str]) -> list[str]:
    return [each for each in events if each.startswith("transfer.")]


def test_a_transfer_goes_from_its_proposal_to_its_final_block(yard: Yard) -> None:
    worker = yard.worker()
    transfer = yard.proposed()
    worker.run_round()
    assert yard.state(transfer) is State.OPEN
    assert {word["status"] for word in yard.words(transfer).values()} == {"held"}
    yard.approve(transfer, "bob")
    events = yard.go_until(worker, transfer, State.FINALISED)
    expected = ["transfer.signing", "transfer.broadcast", "transfer.confirmed", "transfer.finalised"]
    assert moves_of(events) == expected
    assert yard.effects() == [transfer_id_of(transfer)]
    assert [each for each in yard.events() if each in expected] == expected
    assert {message["type"] for message in yard.messages()} >= set(expected)
    assert yard.errand(transfer).due_at is None


def test_every_event_of_the_worker_is_in_the_log_and_in_the_outbox(yard: Yard) -> None:
    transfer = yard.ready()
    yard.go_until(yard.worker(), transfer, State.FINALISED)
    logged = [each for each in yard.entries() if each["actor"] == "worker"]
    told = {message["data"]["log_index"]: message for message in yard.messages()}
    assert [told[each["index"]]["type"] for each in logged] == [each["event"] for each in logged]
    assert all(each["transfer"] == transfer_id_of(transfer) for each in logged)


def test_the_evidence_that_is_stored_verifies(yard: Yard) -> None:
    transfer = yard.ready()
    yard.go_until(yard.worker(), transfer, State.FINALISED)
    with yard.store.reading() as reading:
        raw = reading.load_evidence(transfer_id_of(transfer))
    assert raw is not None
    report = verify_evidence(raw.encode(), yard.people.digest)
    assert report.is_valid


def test_each_signers_word_is_kept_with_its_time_and_reason(yard: Yard) -> None:
    transfer = yard.proposed()
    yard.worker().run_round()
    errand = yard.errand(transfer)
    assert errand.words_at == yard.clock.wall
    assert {name: [reason["code"] for reason in word["reasons"]] for name, word in yard.words(transfer).items()} == {
        name: ["decision.quorum-missing"] for name in yard.team.signers
    }


def test_a_statement_that_comes_meanwhile_makes_the_errand_due_again(yard: Yard) -> None:
    transfer = yard.proposed()
    worker = yard.worker()
    worker.run_round()
    assert yard.errand(transfer).due_at == yard.clock.wall + PACE.waiting
    yard.approve(transfer, "bob")
    assert yard.errand(transfer).due_at == yard.clock.wall


def test_a_chain_that_is_down_loses_nothing(yard: Yard) -> None:
    yard.chain.is_down = True
    transfer, worker = yard.ready(), yard.worker()
    yard.go(worker, rounds=4, every=10)
    errand = yard.errand(transfer)
    assert (yard.state(transfer), errand.trouble_code) == (State.SIGNING, "chain.unreachable")
    assert errand.attempts > 1
    assert len(yard.certificates()) == 1
    yard.chain.is_down = False
    yard.go_until(worker, transfer, State.FINALISED)
    assert (yard.errand(transfer).trouble, yard.errand(transfer).attempts) == ("", 0)
    assert yard.effects() == [transfer_id_of(transfer)]


def test_an_expired_transfer_ends_without_anybody_having_signed(yard: Yard) -> None:
    transfer, worker = yard.proposed(expires_at=yard.clock.wall + HOUR), yard.worker()
    worker.run_round()
    yard.team.advance(HOUR - 1, every=60)
    worker.run_round()
    assert yard.state(transfer) is State.OPEN
    yard.team.advance(1)
    worker.run_round()
    assert (yard.state(transfer), yard.errand(transfer).due_at) == (State.EXPIRED, None)
    assert yard.row(transfer).reason.endswith("[decision.expired]")


def test_a_veto_reaches_every_signer_and_nothing_is_signed(yard: Yard) -> None:
    transfer, worker = yard.ready(), yard.worker()
    yard.veto(transfer)
    worker.run_round()
    assert (yard.state(transfer), yard.errand(transfer).due_at) == (State.VETOED, None)
    assert {word["status"] for word in yard.words(transfer).values()} == {"denied"}
    for name in yard.team.signers:
        assert "decision.vetoed" in yard.team.refusal_codes(name, transfer, yard.people.approved(transfer))
