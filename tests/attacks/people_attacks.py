"""Who signed: forged, borrowed, doubled and missing people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guard.core.ids import PersonId
from guard.formats.keccak import from_address, from_digest, keccak256, to_digest
from guard.signer.signer import ReleaseRefused
from guard.statements.digests import compute_digest
from guard.statements.signed import WEBAUTHN
from guard.statements.values import Proposal
from guard.transactions.signatures import CURVE_ORDER, sign_hash
from tests.attacks.scene import Scene, bring, steal, under_the_name_of, with_value
from tests.factories import (
    TREASURY,
    address_of,
    make_key,
    make_person,
    make_roster,
    make_rule,
    private_key_of,
    to_approvals,
)
from tests.team import Team

TWO_OF_FINANCE = (make_rule(approvals=to_approvals(finance=2)),)


def _with_two_keys(name: str) -> Any:
    keys = sorted((make_key(name), make_key(f"{name}-second")), key=lambda key: key.address.lower())
    return make_roster(make_person(name, keys=tuple(keys)))


def an_approval_forged_by_a_stranger(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    steal(team, transfer, [team.propose(transfer), under_the_name_of("bob", team.approve(transfer, "mallory"))])


def an_approver_signs_under_a_colleagues_name_too(scene: Scene) -> None:
    team = scene.team(rules=TWO_OF_FINANCE)
    transfer = team.transfer()
    own = team.approve(transfer, "carol")
    steal(team, transfer, [team.propose(transfer), own, under_the_name_of("bob", own)])


def the_initiator_approves_their_own_transfer(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(initiator=PersonId("bob"))
    steal(team, transfer, team.approved(transfer, "bob"))


def the_initiator_approves_with_a_second_key(scene: Scene) -> None:
    team = scene.team(roster=_with_two_keys("bob"))
    transfer = team.transfer(initiator=PersonId("bob"))
    steal(team, transfer, team.approved(transfer, "bob-second"))


def one_person_approves_with_two_keys(scene: Scene) -> None:
    team = scene.team(rules=TWO_OF_FINANCE, roster=_with_two_keys("bob"))
    transfer = team.transfer()
    later = team.approve(transfer, "bob-second", signed_at=team.clock.wall + 1)
    steal(team, transfer, [*team.approved(transfer, "bob"), later])


def one_person_in_two_groups_fills_a_seat_of_each(scene: Scene) -> None:
    team = scene.team(rules=(make_rule(approvals=to_approvals(finance=1, security=1)),))
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer, "dave"))


def one_approval_in_two_spellings_fills_two_seats(scene: Scene) -> None:
    team = scene.team(rules=TWO_OF_FINANCE)
    transfer = team.transfer()
    approval = team.approve(transfer, "bob")
    value = approval.signature.value
    other = with_value(approval, value[:64] + bytes([value[64] - 27]))
    steal(team, transfer, [team.propose(transfer), approval, other])


def an_approval_in_its_high_s_spelling(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    approval = team.approve(transfer, "bob")
    value = approval.signature.value
    high = CURVE_ORDER - int.from_bytes(value[32:64], "big")
    other = value[:32] + high.to_bytes(32, "big") + bytes([55 - value[64]])
    steal(team, transfer, [team.propose(transfer), with_value(approval, other)])


def _with_safe_signature(team: Team, scene_v: int) -> None:
    """A signature as Safe spells those without a key: the owner's address for r, and v of 0 (contract) or 1 (approved hash)."""
    transfer = team.transfer()
    value = from_address(address_of("bob")).rjust(32, b"\0") + (65).to_bytes(32, "big") + bytes([scene_v])
    steal(team, transfer, [team.propose(transfer), with_value(team.approve(transfer, "bob"), value)])


def a_contract_signature_with_v_0(scene: Scene) -> None:
    _with_safe_signature(scene.team(), 0)


def an_approved_hash_with_v_1(scene: Scene) -> None:
    _with_safe_signature(scene.team(), 1)


def a_blindly_signed_hash_with_v_31(scene: Scene) -> None:
    """bob's wallet was made to sign the digest as a message; Safe would take it with v raised by four."""
    team = scene.team()
    transfer = team.transfer()
    approval = team.approve(transfer, "bob")
    digest = from_digest(compute_digest(approval.statement, TREASURY))
    message = to_digest(keccak256(b"\x19Ethereum Signed Message:\n32" + digest))
    value = sign_hash(private_key_of("bob").secret, message)
    steal(team, transfer, [team.propose(transfer), with_value(approval, value[:64] + bytes([value[64] + 4]))])


def an_approval_by_an_unchecked_passkey(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    approval = team.approve(transfer, "bob")
    claimed = replace(approval, signature=replace(approval.signature, kind=WEBAUTHN, value=b"anything"))
    steal(team, transfer, [team.propose(transfer), claimed])


def nobody_proposed_it(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    steal(team, transfer, [team.approve(transfer, "bob")])


def somebody_else_than_the_initiator_proposed_it(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    steal(team, transfer, [team.propose(transfer, by="carol"), team.approve(transfer, "bob")])


def a_stranger_proposed_it(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    steal(team, transfer, [team.propose(transfer, by="mallory"), team.approve(transfer, "bob")])


def its_initiator_is_not_in_the_roster(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(initiator=PersonId("mallory"))
    steal(team, transfer, team.approved(transfer))


def whoever_rejected_it_approves_it_afterwards(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    bring(team, transfer, team.reject(transfer, "bob"))
    steal(team, transfer, team.approved(transfer))


def too_few_people_approved_it(scene: Scene) -> None:
    team = scene.team(rules=TWO_OF_FINANCE)
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer))


def so_many_rejected_it_that_the_rest_is_too_few(scene: Scene) -> None:
    team = scene.team(rules=TWO_OF_FINANCE)
    transfer = team.transfer()
    bring(team, transfer, team.reject(transfer, "carol"), team.reject(transfer, "dave"))
    steal(team, transfer, team.approved(transfer))


# Against those who may move money: their own transfers are blocked.


def _is_blocked(team: Team, by: str) -> None:
    transfer = team.transfer()
    bring(team, transfer, team.sign(by, Proposal(transfer)))
    try:
        team.release("signer-a", transfer, team.approved(transfer))
    except ReleaseRefused:
        return
    raise AssertionError("the initiator's own proposal stood")


def a_strangers_proposal_stands_in_the_initiators_place(scene: Scene) -> None:
    _is_blocked(scene.team(), "mallory")


def a_colleagues_proposal_stands_before_the_initiators(scene: Scene) -> None:
    _is_blocked(scene.team(), "carol")
