"""The same payment is made again only if somebody says so: "it failed, sign again" never pays twice unnoticed (P2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guard.core.ids import NATIVE, TransferId
from guard.core.transfer import Transfer
from guard.signer.release_checks import AGAIN_WINDOW
from guard.statements.digests import compute_transfer_id
from tests.factories import address_of, digest_of, make_limit, usdc
from tests.signer.ablation import without_check
from tests.signer.attacker import CANCELLED, Attacker
from tests.signer.teams import A, B, C, D, found_team

AMOUNT = usdc(700)


@pytest.fixture
def attacker(folder: Path) -> Attacker:
    """An honest worker, as it happens, of a vault that paid AMOUNT at nonce 0; it is not mined yet."""
    attacker = Attacker(found_team(folder, limits=(make_limit(usdc(1_000_000)),)))
    pay(attacker, attacker.propose(AMOUNT), 0)
    return attacker


def pay(attacker: Attacker, transfer: Transfer, nonce: int) -> Transfer:
    """Sign by A, B and C, and bring the certificate to everybody."""
    assert attacker.ask(transfer, A, B, C) == [nonce] * 3
    attacker.bring(attacker.certificate(transfer, nonce))
    return transfer


def first(attacker: Attacker) -> TransferId:
    """The id of what was paid."""
    return next(iter(attacker.transfers))


def mine(attacker: Attacker) -> None:
    """What was paid is executed and final."""
    attacker.execute(attacker.transfers[first(attacker)])
    attacker.finalise()


def test_the_same_payment_is_denied_by_those_who_signed_it_and_by_those_who_did_not(attacker: Attacker) -> None:
    assert attacker.ask(attacker.propose(AMOUNT), A, B, C, D) == ["chain.paid-before"] * 4


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_units": AMOUNT + 1},
        {"amount_units": AMOUNT - 1},
        {"destination": address_of("destination supplier")},
        {"asset": NATIVE},
    ],
)
def test_a_payment_that_differs_in_what_counts_is_another_one(attacker: Attacker, changes: dict[str, Any]) -> None:
    assert attacker.ask(attacker.propose(**({"amount_units": AMOUNT} | changes)), A) == [1]


def test_another_purpose_does_not_make_it_another_payment(attacker: Attacker) -> None:
    assert attacker.ask(attacker.propose(AMOUNT, purpose="invoice 1001, second try"), A) == ["chain.paid-before"]


def test_again_lets_it_be_paid_once_more(attacker: Attacker) -> None:
    second = attacker.propose(AMOUNT, again=first(attacker))
    pay(attacker, second, 1)
    assert attacker.double is None
    assert attacker.most_units == 2 * AMOUNT


def test_again_must_name_a_payment_that_is_known_here_and_alike(attacker: Attacker) -> None:
    other = pay(attacker, attacker.propose(AMOUNT + 1), 1)
    for named in (digest_of("nothing"), compute_transfer_id(other)):
        assert attacker.ask(attacker.propose(AMOUNT, again=named), A) == ["chain.paid-before"]


def test_again_may_name_one_that_was_proposed_later_than_all_of_them(attacker: Attacker) -> None:
    attacker.team.clock.advance(60)
    later = attacker.propose(AMOUNT, again=first(attacker))
    attacker.team.signers[A].register(later, attacker.statements[compute_transfer_id(later)])
    assert attacker.ask(attacker.propose(AMOUNT, again=compute_transfer_id(later)), A) == [1]


def test_again_may_not_name_one_that_was_proposed_as_early_as_them(attacker: Attacker) -> None:
    beside = attacker.propose(AMOUNT, again=first(attacker))
    attacker.team.signers[A].register(beside, attacker.statements[compute_transfer_id(beside)])
    assert attacker.ask(attacker.propose(AMOUNT, again=compute_transfer_id(beside)), A) == ["chain.paid-before"]


def test_while_it_is_not_final_it_is_denied_however_long_ago(attacker: Attacker) -> None:
    attacker.team.clock.advance(AGAIN_WINDOW * 10)
    assert attacker.ask(attacker.propose(AMOUNT), A) == ["chain.paid-before"]


@pytest.mark.parametrize(("after", "answer"), [(-1, "chain.paid-before"), (0, 1), (1, 1)])
def test_for_seven_days_after_it_was_final_it_is_denied(attacker: Attacker, after: int, answer: int | str) -> None:
    mine(attacker)
    attacker.team.clock.advance(AGAIN_WINDOW + after)
    assert attacker.ask(attacker.propose(AMOUNT), A) == [answer]


def test_one_that_was_cancelled_and_is_final_is_denied_for_seven_days_too(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    one = attacker.propose(AMOUNT)
    attacker.ask(one, A, B)
    attacker.cancel(0, A, B, C)
    attacker.bring(attacker.cancel_certificate(0, A, B, C))
    attacker.execute(CANCELLED)
    attacker.finalise()
    same = attacker.propose(AMOUNT)
    assert attacker.ask(same, A, B, C, D) == ["chain.paid-before"] * 4
    attacker.team.clock.advance(AGAIN_WINDOW)
    assert attacker.ask(attacker.propose(AMOUNT), A) == [1]


def test_what_only_one_signer_signed_is_denied_by_that_one(folder: Path) -> None:
    attacker = Attacker(found_team(folder))
    attacker.ask(attacker.propose(AMOUNT), A)
    assert attacker.ask(attacker.propose(AMOUNT), A, B)[1] == 0
    assert "chain.paid-before" in attacker.codes


def test_ablation_without_the_check_the_same_payment_is_made_twice_unnoticed(folder: Path) -> None:
    attacker = Attacker(found_team(folder, verifier=without_check("it-was-not-paid-before")))
    for nonce in range(2):
        pay(attacker, attacker.propose(AMOUNT), nonce)
    assert attacker.most_units == 2 * AMOUNT
