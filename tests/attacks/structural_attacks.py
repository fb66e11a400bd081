"""Attacks that fail by how the signer is made: strict readers, constructors, ids, the journal. No check can be taken out to let them in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from guard.core.ids import NATIVE, Address, PersonId
from guard.core.transfer import Action
from guard.errors import GuardError
from guard.formats.keccak import from_address
from guard.signer import requests
from guard.signer.cancelling import book_certificate
from guard.signer.counter import FileCounter
from guard.signer.journal import Journal
from guard.signer.signer import Signer
from guard.signer.stopping import take_unfreezes
from guard.statements.certificates import TransferCertificate, certificate_from_json
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import to_json, transfer_to_json
from guard.statements.testimony import CANCEL, testimony_from_json
from guard.statements.values import Revocation
from tests.attacks.chain_attacks import ALL, A, B, C, D
from tests.attacks.scene import VICTIM, Scene, sign_anew, steal
from tests.factories import (
    CHAIN_ID,
    USDC_ADDRESS,
    VAULT_ADDRESS,
    address_of,
    digest_of,
    make_key,
    make_machine,
    make_passkey,
    make_person,
    make_roster,
    make_vault,
    usdc,
)
from tests.team import Team

# People.


def a_stranger_approves_in_their_own_name(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer, "mallory"))


def a_machine_approves(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer, "payroll"))


def a_machine_that_is_in_a_group(scene: Scene) -> None:
    scene.team(roster=make_roster(replace(make_machine(), groups=make_person("bob").groups)))


def one_key_of_two_people(scene: Scene) -> None:
    scene.team(roster=make_roster(make_person("carol", keys=(make_key("bob"),))))


def a_key_without_a_display_approves(scene: Scene) -> None:
    team = scene.team(roster=make_roster(make_person("bob", keys=(make_passkey("bob"),))))
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer))


def a_signers_own_key_approves(scene: Scene) -> None:
    """One stolen signer would be an approver besides."""
    team = scene.team(roster=make_roster(make_person("bob", keys=(make_key(A),))))
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer, A))


# The transfer.


def an_approval_of_another_transfer(scene: Scene) -> None:
    team = scene.team()
    transfer, agreed = team.transfer(), team.transfer(amount_units=usdc(10))
    steal(team, transfer, [team.propose(transfer), team.approve(agreed, "bob")])


def a_transfer_of_nothing(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(amount_units=0)
    steal(team, transfer, team.approved(transfer))


def _to(destination: Address, what: str) -> Callable[[Scene], None]:
    def run(scene: Scene) -> None:
        team = scene.team()
        transfer = team.transfer(destination=destination)
        steal(team, transfer, team.approved(transfer))

    run.__name__ = f"a_transfer_to_{what}"
    return run


to_the_vault_itself = _to(VAULT_ADDRESS, "the_vault_itself")
to_the_tokens_contract = _to(USDC_ADDRESS, "the_tokens_own_contract")
to_the_zero_address = _to(NATIVE, "the_zero_address")


def _with_approval_of_a_plain_transfer(team: Team, **changes: Any) -> None:
    """Somebody's tool made people sign a transfer that it showed as a plain one."""
    plain = team.transfer()
    transfer = replace(plain, **changes)
    approval = sign_anew(team, "bob", team.approve(plain, "bob"), transfer=transfer)
    steal(team, transfer, [team.propose(transfer), approval])


def an_allowance_instead_of_a_transfer(scene: Scene) -> None:
    _with_approval_of_a_plain_transfer(scene.team(), action=Action.ALLOWANCE)


def call_data_besides_the_transfer(scene: Scene) -> None:
    _with_approval_of_a_plain_transfer(scene.team(), call_data_hash=digest_of("call data"))


def a_vault_that_the_policy_does_not_name(scene: Scene) -> None:
    _with_approval_of_a_plain_transfer(scene.team(), vault=address_of("vault nobody knows"))


def the_same_vault_on_another_chain(scene: Scene) -> None:
    _with_approval_of_a_plain_transfer(scene.team(), chain_id=CHAIN_ID + 1)


# The request.


def _ask(team: Team, change: Callable[[dict[str, Any]], Any]) -> None:
    transfer = team.transfer()
    statements = [to_json(each) for each in team.approved(transfer)]
    body = {"transfer": transfer_to_json(transfer), "statements": statements}
    requests.release(team.signers[VICTIM], change(body))


def transaction_bytes_brought_by_the_caller(scene: Scene) -> None:
    _ask(scene.team(), lambda body: {**body, "safe_tx": {"to": address_of("mallory"), "operation": 1}})


def a_nonce_brought_by_the_caller(scene: Scene) -> None:
    _ask(scene.team(), lambda body: {**body, "nonce": 7})


def a_time_brought_by_the_caller(scene: Scene) -> None:
    _ask(scene.team(), lambda body: {**body, "now": 2_000_000_000})


def a_summary_beside_the_transfer(scene: Scene) -> None:
    _ask(scene.team(), lambda body: {**body, "transfer": {**body["transfer"], "summary": "10 USDC"}})


def an_amount_with_an_exponent(scene: Scene) -> None:
    _ask(scene.team(), lambda body: {**body, "transfer": {**body["transfer"], "amount": "5e9"}})


def an_amount_of_2_to_the_256(scene: Scene) -> None:
    _ask(scene.team(), lambda body: {**body, "transfer": {**body["transfer"], "amount": str(2**256)}})


def a_statement_of_an_unknown_kind(scene: Scene) -> None:
    _ask(scene.team(), lambda body: {**body, "statements": [{**body["statements"][0], "kind": "policyapproval"}]})


def a_revocation_lifts_a_freeze(scene: Scene) -> None:
    """A statement whose meaning this version does not carry out is nobody's word for anything."""
    team = scene.team()
    said = Revocation(id=digest_of("revocation"), person=PersonId("erin"), enrolment=1, reason="gone")
    answer = take_unfreezes(team.signers[VICTIM], (team.sign("frank", said),))
    _raise_refused(answer["refused"])


def _raise_refused(refused: list[Mapping[str, str]]) -> None:
    for each in refused:
        raise GuardError(each["code"], each["message"])


# The signer.


def a_signer_that_was_never_pinned(scene: Scene) -> None:
    team = scene.team()
    with team.signers[VICTIM].journal.writing() as db:
        db.execute("DELETE FROM bundles")
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer))


def a_decision_that_is_passed_over(scene: Scene) -> None:
    """The release check that asks the decision is gone; the record of a signature takes nothing but its proof."""
    team = scene.team()
    transfer = team.transfer()
    steal(team, transfer, [team.propose(transfer)])


def a_journal_that_was_put_back(scene: Scene) -> None:
    """A copy of the journal from before the first signature, so that the nonce seems free again."""
    team = scene.team()
    journal = team.folder / VICTIM / "journal.sqlite"
    team.stop_process(VICTIM)
    shutil.copy(journal, journal.with_name("copy"))
    team.start(VICTIM)
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer))
    team.stop_process(VICTIM)
    shutil.copy(journal.with_name("copy"), journal)
    team.start(VICTIM)


def a_key_with_another_signers_journal(scene: Scene) -> None:
    team = scene.team(A, B)
    home = team.folder / B
    Signer(
        journal=Journal.load(home / "journal.sqlite", FileCounter(home / "counter")),
        keys=team.keys_of(A),
        verifier=team.verifier,
        clock=team.clock,
        endpoints={},
    )


# Certificates.


def _certified(team: Team) -> TransferCertificate:
    transfer = team.transfer()
    return team.certify(transfer, team.approved(transfer), A, B)


def a_certificate_with_a_forged_owner(scene: Scene) -> None:
    """a's second signature stands under c's name."""
    team = scene.team(*ALL)
    two = _certified(team)
    forged = {**two.signatures, team.owner_of(C): two.signatures[team.owner_of(A)]}
    book_certificate(team.signers[D], replace(two, signatures=forged))


def a_certificate_rebuilt_for_another_transfer(scene: Scene) -> None:
    team = scene.team(*ALL)
    transfer = team.transfer()
    three = team.certify(transfer, team.approved(transfer))
    book_certificate(team.signers[D], replace(three, transfer=replace(transfer, amount_units=1)))


def a_certificate_moved_to_another_nonce(scene: Scene) -> None:
    team = scene.team(*ALL)
    transfer = team.transfer()
    three = team.certify(transfer, team.approved(transfer))
    book_certificate(team.signers[D], replace(three, nonce=1))


def a_certificate_with_one_owner_twice(scene: Scene) -> None:
    team = scene.team(*ALL)
    said = _certified(team).to_json()
    certificate_from_json({**said, "signatures": [*said["signatures"], said["signatures"][0]]})


def a_certificate_with_a_contract_signature(scene: Scene) -> None:
    """Safe would ask c's address for it; a signer asks nobody."""
    team = scene.team(*ALL)
    two = _certified(team)
    owner = team.owner_of(C)
    value = from_address(owner).rjust(32, b"\0") + (195).to_bytes(32, "big") + b"\0"
    book_certificate(team.signers[D], replace(two, signatures={**two.signatures, owner: value}))


def a_cancel_with_a_statement_about_another_nonce(scene: Scene) -> None:
    team = scene.team(*ALL)
    zero = team.cancel(0)
    team.book(zero)
    book_certificate(team.signers[D], replace(team.cancel(1), statements=zero.statements))


def a_cancel_with_a_statement_by_nobodys_key(scene: Scene) -> None:
    team = scene.team(*ALL)
    said = team.cancel(0)
    forged = testimony_from_json({**said.statements[0].to_json(), "signature": "0x" + "11" * 64})
    book_certificate(team.signers[D], replace(said, statements=(forged, *said.statements[1:])))


def a_cancel_without_the_transfer_that_it_names(scene: Scene) -> None:
    team = scene.team(*ALL)
    transfer = team.transfer()
    team.release(A, transfer, team.approved(transfer))
    book_certificate(team.signers[D], team.cancel(0))


def a_cancel_that_names_another_vaults_transfer(scene: Scene) -> None:
    """A stolen signer uses up another vault's budget with a transfer that nobody ever proposed."""
    team = scene.team(*ALL, vaults=(make_vault(), make_vault("reserve")))
    invented = team.transfer(vault=address_of("vault reserve"), amount_units=2**255)
    three = team.cancel(0)
    named = compute_transfer_id(invented)
    lie = team.signers[A].testify(CANCEL, chain_id=str(CHAIN_ID), vault=VAULT_ADDRESS, nonce=0, transfer=named)
    statements = (testimony_from_json(lie), *three.statements[1:])
    book_certificate(team.signers[D], replace(three, statements=statements, proposals=(team.propose(invented),)))
