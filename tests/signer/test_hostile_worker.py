"""A hostile worker against real signers: whatever it asks for, in whatever order, nothing happens twice (P2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.core.ids import TransferId
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.signer.records import load_signed
from guard.signer.requests import COMMAND_VERBS
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import to_json, transfer_to_json
from guard.statements.structs import TRANSFER
from tests.factories import make_limit, usdc
from tests.signer.ablation import without_check
from tests.signer.attacker import CANCELLED, Attacker
from tests.signer.teams import A, B, C, D, found_team

ROOMY = (make_limit(usdc(1_000_000)),)


def again(attacker: Attacker, transfer: Transfer) -> Transfer:
    """The same payment proposed anew, said to be so."""
    return attacker.propose(transfer.amount_units, again=compute_transfer_id(transfer))


def release_once(attacker: Attacker, transfer: Transfer, nonce: int, *names: str) -> None:
    """An honest worker's round: signatures at that nonce, the certificate to everybody, executed and final."""
    assert attacker.ask(transfer, *names) == [nonce] * len(names)
    assert set(attacker.bring(attacker.certificate(transfer, nonce))) == {None}
    attacker.execute(transfer)
    attacker.finalise()


def test_split_pairs_of_four_certify_neither_and_after_the_cancel_both_are_paid_once(folder: Path) -> None:
    attacker = Attacker(found_team(folder, limits=ROOMY))
    one, other = attacker.propose(), attacker.propose()
    assert attacker.ask(one, A, B) + attacker.ask(other, C, D) == [0, 0, 0, 0]
    assert attacker.ask(one, C, D) + attacker.ask(other, A, B) == ["chain.nonce-taken"] * 4
    assert attacker.loot.executable_at(0) == frozenset()

    assert attacker.cancel(0, A, B, C) == [None, None, None]
    cancel = attacker.cancel_certificate(0, A, B, C)
    assert {compute_transfer_id(transfer) for transfer in cancel.transfers} == set(attacker.transfers)
    assert set(attacker.bring(cancel)) == {None}
    attacker.execute(CANCELLED)
    attacker.finalise()

    # Whoever signed one of them there never signs it again, so that each lacks the third signature for good.
    assert attacker.ask(one, A, B) == ["chain.dead", "chain.dead"]
    assert attacker.ask(other, C, D) == ["chain.dead", "chain.dead"]
    release_once(attacker, again(attacker, one), 1, A, B, C)
    release_once(attacker, again(attacker, other), 2, B, C, D)
    assert attacker.double is None
    assert attacker.most_units == one.amount_units + other.amount_units


def test_split_signatures_of_three_are_cancelled_and_both_transfers_are_paid_once_as_they_are(folder: Path) -> None:
    attacker = Attacker(found_team(folder, owners=3))
    one, other = attacker.propose(), attacker.propose()
    assert attacker.ask(one, A) + attacker.ask(other, B) == [0, 0]
    assert attacker.cancel(0, A, C) == [None, None]
    assert set(attacker.bring(attacker.cancel_certificate(0, A, C))) == {None}
    attacker.execute(CANCELLED)
    attacker.finalise()

    # B's transfer is proven void at nonce 0. Nobody but A signed the other one, so that B and C may sign it for the first time.
    assert attacker.ask(one, A) == ["chain.dead"]
    release_once(attacker, other, 1, B, C)
    release_once(attacker, one, 2, B, C)
    assert attacker.double is None


@pytest.mark.parametrize("owners", [3, 4])
def test_two_transfers_raced_on_one_nonce_are_paid_once_each(folder: Path, owners: int) -> None:
    attacker = Attacker(found_team(folder, owners=owners))
    one, other = attacker.propose(), attacker.propose()
    *most, last = attacker.honest
    assert attacker.ask(other, last) == [0]
    assert attacker.ask(one, *most) == [0] * len(most)
    assert attacker.ask(other, *most) == ["chain.nonce-taken"] * len(most)
    certificate = attacker.certificate(one, 0)
    assert attacker.loot.executable_at(0) == {compute_transfer_id(one)}
    assert set(attacker.bring(certificate)) == {None}
    attacker.execute(one)

    # The certificate proves to the last signer that its own signature at nonce 0 is worth nothing: it signs at the next.
    assert attacker.ask(one, *attacker.honest) == [0] * len(most) + ["chain.certified"]
    assert set(attacker.ask(other, *attacker.honest)) == {1}
    assert attacker.double is None


def test_no_request_names_a_nonce(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    transfer = attacker.propose()
    assert not [each.name for each in TRANSFER.fields if "nonce" in each.name.lower()]
    body = {
        "transfer": transfer_to_json(transfer),
        "statements": [to_json(each) for each in attacker.statements[compute_transfer_id(transfer)]],
        "nonce": 7,
    }
    with pytest.raises(GuardError) as refused:
        COMMAND_VERBS["release"](attacker.team.signers[A], body)
    assert refused.value.code == "json.field-unknown"


@pytest.mark.parametrize("said", [0, 1, 2, 50])
def test_a_node_moves_no_signer_to_another_nonce(folder: Path, said: int) -> None:
    attacker = Attacker(found_team(folder))
    release_once(attacker, attacker.propose(), 0, A, B, C)
    attacker.team.node.nonce_latest = attacker.team.node.nonce_final = said
    expected = 1 if said <= 1 else "chain.nonce-unexplained"
    assert attacker.ask(attacker.propose(), A) == [expected]


def test_certificates_of_later_nonces_carry_no_signer_over_a_gap(folder: Path) -> None:
    attacker = Attacker(found_team(folder, limits=ROOMY))
    sent = [attacker.propose() for _ in range(3)]
    certificates = []
    for nonce, transfer in enumerate(sent):
        assert attacker.ask(transfer, A, B, C) == [nonce] * 3
        certificates.append(attacker.certificate(transfer, nonce))
        attacker.bring(certificates[-1], A, B, C)
        attacker.execute(transfer)
        attacker.finalise()
    first, second, third = certificates
    attacker.bring(third, D)
    attacker.bring(second, D)
    late = attacker.propose()
    attacker.team.node.nonce_latest = 0
    assert attacker.ask(late, D) == [0]
    attacker.bring(first, D)
    assert attacker.ask(late, D) == [3]


def test_a_signer_without_the_certificate_waits_at_its_nonce(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(one, A, B, C)
    certificate = attacker.certificate(one, 0)
    attacker.bring(certificate, A)
    # Withheld from B and C, the certificate leaves them where they are: they know their own signature and sign nothing else.
    assert attacker.ask(other, A, B, C, D) == [1, "chain.nonce-taken", "chain.nonce-taken", 0]
    assert attacker.loot.executable_at(1) == frozenset()
    attacker.bring(certificate)
    assert attacker.ask(other, B, C, D) == [1, 1, 1]
    assert attacker.double is None


def hoard(attacker: Attacker, count: int) -> int:
    """Collect certificates that nobody executes. Tells how many came into being."""
    for nonce in range(count):
        transfer = attacker.propose()
        attacker.ask(transfer, A, B, C)
        if len(attacker.loot.reachable()) <= nonce:
            return nonce
        attacker.bring(attacker.certificate(transfer, nonce))
    return count


def test_of_ten_certificates_three_can_be_hoarded(folder: Path) -> None:
    attacker = Attacker(found_team(folder, limits=ROOMY))
    assert hoard(attacker, 10) == 3
    assert set(attacker.codes) == {"chain.unmined"}
    for effect in list(attacker.transfers.values())[:3]:
        attacker.execute(effect)
    assert attacker.ask(attacker.propose(), A) == ["chain.unmined"]
    attacker.finalise()
    assert attacker.ask(attacker.propose(), A) == [3]


def test_ablation_without_the_check_of_unmined_certificates_ten_can_be_hoarded(folder: Path) -> None:
    attacker = Attacker(found_team(folder, limits=ROOMY, verifier=without_check("few-enough-are-unmined")))
    assert hoard(attacker, 10) == 10


def test_a_replayed_request_gives_the_same_bytes_and_takes_no_budget_twice(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    team = attacker.team
    one = attacker.propose()
    statements = attacker.statements[compute_transfer_id(one)]
    first = team.release(A, one, statements)
    team.clock.advance(600)
    assert [team.release(A, one, statements) for _ in range(3)] == [first] * 3
    attacker.ask(one, A, B, C)
    certificate = attacker.certificate(one, 0)
    assert set(attacker.bring(certificate)) == {None}
    assert [set(attacker.bring(certificate)) for _ in range(3)] == [{None}] * 3
    # For a nonce that it has passed the signer gives the same bytes, too; whoever had not signed is not asked into it.
    assert team.release(A, one, statements) == first
    assert attacker.ask(one, D) == ["chain.certified"]
    with team.signers[A].journal.reading() as db:
        assert [row.nonce for row in load_signed(db, attacker.at)] == [0]
    # The cap has room for two payments: asked ten times, one took the room of one.
    assert attacker.ask(attacker.propose(), A) == [1]


def test_after_a_stop_the_same_bytes_are_not_given_again(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    one = attacker.propose()
    assert attacker.ask(one, A) == [0]
    attacker.team.stop(attacker.team.veto(one))
    assert attacker.ask(one, A, B) == ["decision.vetoed", "decision.vetoed"]


def test_after_its_own_cancel_a_signer_gives_the_bytes_of_that_nonce_no_more(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    one, other = attacker.propose(), attacker.propose()
    assert attacker.ask(one, A) == [0]
    assert attacker.cancel(0, A, B) == [None, None]
    assert attacker.ask(one, A, B) == ["chain.nonce-cancelled", "chain.nonce-cancelled"]
    assert attacker.ask(other, A, B) == ["chain.nonce-taken", "chain.nonce-cancelled"]


def test_a_cancel_is_given_again_with_the_same_statement(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    one = attacker.propose()
    attacker.ask(one, A)
    attacker.cancel(0, A)
    said = attacker.said[0, A]
    attacker.cancel(0, A)
    assert attacker.said[0, A] == said
    assert said.fields["transfer"] == compute_transfer_id(one)


@pytest.mark.parametrize(
    ("nonce", "code"), [(0, None), (1, None), (2, "chain.cancel-ahead"), (2**52, "chain.cancel-ahead")]
)
def test_a_cancel_is_signed_up_to_the_open_nonce(folder: Path, nonce: int, code: str | None) -> None:
    attacker = Attacker(found_team(folder))
    release_once(attacker, attacker.propose(), 0, A, B, C)
    assert attacker.cancel(nonce, A) == [code]


def test_a_cancel_needs_no_clock_no_node_and_no_settle_time(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    attacker.team.node.is_silent = True
    attacker.team.clock.wall -= 10 * 86400
    assert attacker.ask(attacker.propose(), A)[0] in ("clock.behind-mark", "clock.stepped", "clock.endpoint-silent")
    assert attacker.cancel(0, A, B, C) == [None, None, None]
    assert set(attacker.bring(attacker.cancel_certificate(0, A, B, C))) == {None}


def test_a_certificate_under_way_that_is_not_executed_does_not_give_its_budget_back(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    for nonce in range(2):
        transfer = attacker.propose()
        assert attacker.ask(transfer, A, B, C) == [nonce] * 3
        attacker.bring(attacker.certificate(transfer, nonce))
    attacker.team.clock.advance(6 * 86400)
    late = attacker.propose()
    assert attacker.ask(late, A, B, C, D) == ["decision.limit"] * 4
    assert TransferId(compute_transfer_id(late)) not in attacker.loot.executable_at(2)
