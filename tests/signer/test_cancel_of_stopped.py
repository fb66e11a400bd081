"""The cancel that a guardian asks for on the stop listener: only of what is stopped for good, and without the worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.core.ids import TransferId
from guard.errors import GuardError
from guard.formats.keccak import from_digest
from guard.signer.cancelling import cancel_stopped
from guard.statements import testimony
from guard.statements.certificates import CancelCertificate
from guard.statements.digests import compute_transfer_id
from tests.factories import digest_of, make_scope
from tests.signer.attacker import CANCELLED, Attacker
from tests.signer.teams import A, B, C, D, found_team


@pytest.fixture
def attacker(folder: Path) -> Attacker:
    """A worker in front of four honest signers."""
    return Attacker(found_team(folder))


def code_of(attacker: Attacker, name: str, transfer_id: TransferId) -> str:
    """The code with which the cancel is refused, or nothing."""
    try:
        cancel_stopped(attacker.team.signers[name], transfer_id)
    except GuardError as refused:
        return refused.code
    return ""


def test_a_stop_that_came_too_late_is_outrun_by_the_cancel_that_a_guardian_collects(attacker: Attacker) -> None:
    one = attacker.propose()
    transfer_id = compute_transfer_id(one)
    attacker.ask(one, A, B, C)
    assert attacker.loot.executable_at(0) == {transfer_id}
    team = attacker.team
    receipts = team.stop(team.veto(one))
    signed = [name for name, receipt in zip(team.signers, receipts, strict=True) if receipt["fields"]["signed"]]
    assert signed == [A, B, C]
    answers = [cancel_stopped(team.signers[name], transfer_id) for name in signed]
    certificate = CancelCertificate(
        chain_id=attacker.at.chain_id,
        vault=attacker.at.address,
        nonce=0,
        signatures={answer["owner"]: from_digest(answer["signature"]) for answer in answers},
        statements=tuple(testimony.testimony_from_json(answer["statement"]) for answer in answers),
        proposals=(attacker.statements[transfer_id][0],),
    )
    assert set(attacker.bring(certificate)) == {None}
    for answer in answers:
        attacker.loot.add(0, CANCELLED, answer["owner"], from_digest(answer["signature"]))
    attacker.execute(CANCELLED)
    attacker.finalise()
    assert attacker.ask(one, A, B, C, D)[0] == "decision.vetoed"
    assert attacker.most_units == 0


def test_a_withdrawal_allows_it_too(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A)
    attacker.team.stop(attacker.team.reject(one, "alice"))
    assert code_of(attacker, A, compute_transfer_id(one)) == ""


def test_what_is_not_stopped_is_not_cancelled_for_strangers(attacker: Attacker) -> None:
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(one, A)
    attacker.team.stop(attacker.team.veto(other))
    for transfer_id in (compute_transfer_id(one), TransferId(digest_of("nothing"))):
        assert code_of(attacker, A, transfer_id) == "signer.not-stopped"


def test_a_freeze_is_no_reason_since_it_may_be_lifted(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A)
    attacker.team.stop(attacker.team.freeze(make_scope()))
    assert code_of(attacker, A, compute_transfer_id(one)) == "signer.not-stopped"


@pytest.mark.parametrize("name", ["carol", "heidi", "payroll"])
def test_one_persons_rejection_is_no_reason_while_others_can_fill_the_seats(attacker: Attacker, name: str) -> None:
    """Or anybody in the roster, a machine even, could end what a quorum wants."""
    one = attacker.propose()
    attacker.ask(one, A)
    attacker.team.stop(attacker.team.reject(one, name))
    assert code_of(attacker, A, compute_transfer_id(one)) == "signer.not-stopped"
    assert attacker.ask(one, B, C) == [0, 0]


def test_rejections_that_leave_nobody_for_the_seats_are_one(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A)
    for name in ("bob", "carol", "dave"):
        attacker.team.stop(attacker.team.reject(one, name))
    assert code_of(attacker, A, compute_transfer_id(one)) == ""


def test_a_signer_that_has_signed_nothing_of_it_has_nothing_to_cancel(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A)
    attacker.team.stop(attacker.team.veto(one))
    assert code_of(attacker, B, compute_transfer_id(one)) == "signer.nothing-to-cancel"


def test_its_own_certificate_is_outrun_until_it_is_final(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A, B, C)
    attacker.bring(attacker.certificate(one, 0))
    attacker.team.stop(attacker.team.veto(one))
    assert code_of(attacker, A, compute_transfer_id(one)) == ""
    attacker.execute(one)
    attacker.finalise()
    assert code_of(attacker, B, compute_transfer_id(one)) == "signer.nothing-to-cancel"


def test_another_transfers_certificate_at_that_nonce_is_left_alone(attacker: Attacker) -> None:
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(one, D)
    attacker.ask(other, A, B, C)
    attacker.bring(attacker.certificate(other, 0))
    attacker.team.stop(attacker.team.veto(one))
    assert code_of(attacker, D, compute_transfer_id(one)) == "signer.nothing-to-cancel"
