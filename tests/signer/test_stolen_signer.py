"""One signer of four is stolen, with its vault key and its journal key: it signs anything and states anything.

Two of the three honest ones must agree to whatever happens, and the rules make any two agree on one effect and one budget.
With a second one stolen the bound 2M > N + f is passed, and the same play pays twice.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.core.ids import TransferId
from guard.formats.canonical import to_canonical
from guard.statements import testimony
from guard.statements.certificates import CancelCertificate, TransferCertificate
from guard.statements.digests import compute_transfer_id
from guard.transactions.safe_tx import build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import sign_hash
from tests.factories import TREASURY
from tests.signer.ablation import with_chain
from tests.signer.attacker import Attacker
from tests.signer.teams import CAP, A, B, C, D, found_team
from tests.signer.test_release_chain_ablations import name_nothing


@pytest.fixture
def attacker(folder: Path) -> Attacker:
    """A worker that has D's keys."""
    return Attacker(found_team(folder), stolen=[D])


def test_its_own_signature_is_no_certificate(attacker: Attacker) -> None:
    one = attacker.propose()
    assert set(attacker.bring(attacker.certificate(one, 0))) == {"certificate.too-few"}
    assert attacker.ask(one, A) == [0]
    assert set(attacker.bring(attacker.certificate(one, 0))) == {"certificate.too-few"}
    assert attacker.loot.executable_at(0) == frozenset()


def test_it_completes_one_release_and_no_second_one_beside_it(attacker: Attacker) -> None:
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(one, A, B)
    attacker.ask(other, C)
    assert attacker.loot.executable_at(0) == {compute_transfer_id(one)}
    # Its certificate is hoarded; what the others do meanwhile cannot make it void and cannot make it happen twice.
    attacker.ask(other, A, B)
    attacker.ask(one, C)
    assert attacker.double is None
    assert attacker.most_units == one.amount_units


def test_with_its_false_statement_a_cancel_still_names_what_two_honest_ones_signed(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.cancel(0, B, C)
    assert set(attacker.bring(attacker.cancel_certificate(0, C, D))) == {"certificate.too-few"}
    cancel = attacker.cancel_certificate(0, B, C, D)
    assert [compute_transfer_id(each) for each in cancel.transfers] == [compute_transfer_id(one)]
    assert set(attacker.bring(cancel)) == {None}
    assert attacker.ask(one, A, B, C) == ["chain.dead", "chain.dead", 1]
    assert attacker.loot.executable_at(1) == frozenset()
    assert attacker.double is None


def test_a_named_transfer_counts_for_every_honest_signer(attacker: Attacker) -> None:
    for nonce in range(2):
        one = attacker.propose()
        attacker.ask(one, A, B)
        attacker.cancel(nonce, B, C)
        assert set(attacker.bring(attacker.cancel_certificate(nonce, B, C, D))) == {None}
    assert attacker.ask(attacker.propose(), A, B, C) == ["decision.limit"] * 3
    assert attacker.most_units <= CAP


def test_it_may_name_what_it_likes_which_only_makes_more_count(attacker: Attacker) -> None:
    one, invented = attacker.propose(), attacker.propose()
    attacker.cancel(0, B, C)
    lie = {D: compute_transfer_id(invented)}
    assert set(attacker.bring(attacker.cancel_certificate(0, B, C, D, lies=lie))) == {None}
    # What it named nobody signed there: it may be signed at the next nonce, and its budget is taken once.
    assert set(attacker.ask(invented, A, B, C)) == {1}
    attacker.bring(attacker.certificate(invented, 1))
    assert set(attacker.ask(one, A, B, C)) == {2}
    assert attacker.double is None
    assert attacker.most_units <= CAP


def test_two_cancel_certificates_of_one_nonce_that_say_different_things_are_taken_at_their_worst(
    attacker: Attacker,
) -> None:
    one = attacker.propose()
    attacker.ask(one, A)
    attacker.cancel(0, A, B, C)
    names_none, names_one = attacker.cancel_certificate(0, B, C, D), attacker.cancel_certificate(0, A, B, D)
    for first, second, names in ((names_none, names_one, (A, B)), (names_one, names_none, (C,))):
        attacker.bring(first, *names)
        attacker.bring(second, *names)
    assert attacker.ask(one, A) == ["chain.dead"]
    for name in (A, B, C):
        with attacker.team.signers[name].journal.reading() as db:
            assert db.execute("SELECT count(*) FROM certificates").fetchone()[0] == 2


def _forge(attacker: Attacker, cancel: CancelCertificate, place: int, said: testimony.Testimony) -> CancelCertificate:
    statements = list(cancel.statements)
    statements[place] = said
    return CancelCertificate(
        chain_id=cancel.chain_id,
        vault=cancel.vault,
        nonce=cancel.nonce,
        signatures=cancel.signatures,
        statements=tuple(statements),
        proposals=(),
    )


def _signed_by_stolen(attacker: Attacker, fields: dict[str, Any], text: str = testimony.CANCEL) -> testimony.Testimony:
    signature = attacker.team.keys_of(D).journal.sign(text.encode() + b"\n" + to_canonical(fields))
    return testimony.Testimony(text=text, fields=fields, signature=signature)


def test_it_cannot_speak_for_another_signer(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.cancel(0, B, C)
    cancel = attacker.cancel_certificate(0, B, C, D)
    none = {**cancel.statements[0].fields, "transfer": None}
    assert none["signer"] == B
    assert set(attacker.bring(_forge(attacker, cancel, 0, _signed_by_stolen(attacker, none)))) == {
        "testimony.signature"
    }
    # Saying it twice in its own name does not make three that stated.
    own = {**none, "signer": D}
    assert set(attacker.bring(_forge(attacker, cancel, 0, _signed_by_stolen(attacker, own)))) == {"certificate.too-few"}
    stranger = {**none, "signer": "signer-z"}
    assert set(attacker.bring(_forge(attacker, cancel, 0, _signed_by_stolen(attacker, stranger)))) == {
        "certificate.statement"
    }


def test_an_honest_statement_of_another_nonce_is_none_of_this_one(attacker: Attacker) -> None:
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(one, A, B)
    attacker.bring(attacker.certificate(one, 0))
    attacker.ask(other, A, B)
    attacker.cancel(0, A, C)
    attacker.cancel(1, A, C)
    cancel = attacker.cancel_certificate(1, A, C, D)
    assert set(attacker.bring(_forge(attacker, cancel, 0, attacker.said[0, A]))) == {"certificate.statement"}


@pytest.mark.parametrize("named", ["", "none", 7, True, [], {}, "0x12"])
def test_a_statement_that_names_no_transfer_and_not_none_either_is_refused(attacker: Attacker, named: Any) -> None:
    attacker.cancel(0, B, C)
    cancel = attacker.cancel_certificate(0, B, C, D)
    said = _signed_by_stolen(attacker, {**cancel.statements[2].fields, "transfer": named})
    assert set(attacker.bring(_forge(attacker, cancel, 2, said))) == {"certificate.statement"}


def test_a_receipt_is_no_statement(attacker: Attacker) -> None:
    attacker.cancel(0, B, C)
    cancel = attacker.cancel_certificate(0, B, C, D)
    fields = {"treasury": TREASURY, "signer": D, "statement": "0x", "kind": "veto", "stored_at": 0, "signed": []}
    receipt = testimony.testify(attacker.team.keys_of(D).journal, testimony.RECEIPT, fields)
    assert set(attacker.bring(_forge(attacker, cancel, 2, receipt))) == {"testimony.text"}


def test_a_cancel_without_what_it_names_is_not_booked(attacker: Attacker) -> None:
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(one, A)
    attacker.cancel(0, A, B)
    cancel = attacker.cancel_certificate(0, A, B, D)
    assert set(attacker.bring(_forge(attacker, cancel, 0, cancel.statements[0]))) == {"certificate.transfers"}
    swapped = CancelCertificate(
        chain_id=cancel.chain_id,
        vault=cancel.vault,
        nonce=0,
        signatures=cancel.signatures,
        statements=cancel.statements,
        proposals=(attacker.team.propose(other),),
    )
    assert set(attacker.bring(swapped)) == {"certificate.transfers"}


def test_one_owners_signature_under_several_names_is_one(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A)
    digest = compute_safe_tx_hash(build_safe_tx(one, 0)).digest
    own = sign_hash(attacker.team.keys_of(D).vault, digest)
    signatures = {**attacker.certificate(one, 0).signatures, attacker.team.owner_of(B): own}
    forged = TransferCertificate(transfer=one, nonce=0, signatures=signatures)
    assert set(attacker.bring(forged)) == {"certificate.signature"}


def pay_twice(attacker: Attacker, *cancelling: str, statements: bool = True) -> TransferId | None:
    """Hoard a certificate of A and the stolen ones at nonce 0, cancel it there without naming it, sign again at nonce 1."""
    one = attacker.propose()
    signing = [name for name in (A, B, C) if name not in attacker.stolen][: 3 - len(attacker.stolen)]
    attacker.ask(one, *signing)
    attacker.cancel(0, *(name for name in cancelling if name not in attacker.stolen))
    attacker.bring(attacker.cancel_certificate(0, *cancelling, with_statements=statements))
    attacker.ask(one, *attacker.honest)
    return attacker.double


def test_the_bound_is_tight_with_two_stolen_the_same_play_pays_twice(folder: Path) -> None:
    assert pay_twice(Attacker(found_team(folder / "two"), stolen=[C, D]), B, C, D) is not None
    assert pay_twice(Attacker(found_team(folder / "one"), stolen=[D]), B, C, D) is None


def test_ablation_if_cancels_needed_no_statements_one_stolen_signer_pays_twice(folder: Path) -> None:
    team = found_team(folder, verifier=with_chain(compute_cancel_named=name_nothing))
    attacker = Attacker(team, stolen=[D])
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.cancel(0, B, C)
    attacker.bring(attacker.cancel_certificate(0, B, C, D, with_statements=False))
    attacker.ask(one, A, C)
    assert attacker.double == compute_transfer_id(one)


def test_what_nobody_proposed_cannot_be_named_to_use_up_a_limit(attacker: Attacker) -> None:
    invented = attacker.team.transfer(amount_units=2**200)
    attacker.cancel(0, B, C)
    cancel = attacker.cancel_certificate(0, B, C, D)
    named = compute_transfer_id(invented)
    lie = _signed_by_stolen(attacker, {**cancel.statements[2].fields, "transfer": named})
    statements = (*cancel.statements[:2], lie)
    for proposal, code in (
        (attacker.team.propose(invented, by="stranger"), "certificate.proposal"),
        (attacker.team.propose(invented, by="bob"), "certificate.proposal"),
        (attacker.team.approve(invented, "alice"), "certificate.proposal"),
    ):
        forged = replace(cancel, statements=statements, proposals=(proposal,))
        assert set(attacker.bring(forged)) == {code}
