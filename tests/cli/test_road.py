"""The whole road, by commands alone: founded, proposed, approved, released, mined, verified; and stopped."""

from pathlib import Path

from tests.cli.road import SUPPLIER, Treasury, guard


def test_a_token_payment_goes_from_proposal_to_evidence(treasury: Treasury) -> None:
    before = treasury.token_of(SUPPLIER)
    folder = treasury.propose("9000 USDC")
    assert treasury.sign_as("bob", "approve", folder).status == 0
    told = treasury.release(folder)
    assert told.status == 0, told
    assert told.json["status"] == "released"
    assert treasury.token_of(SUPPLIER) == before + 9000
    evidence = told.json["evidence"]
    assert guard("verify", evidence, "--pin", treasury.digest).status == 0


def test_the_same_release_again_pays_nothing_more_and_says_the_same(treasury: Treasury) -> None:
    folder = treasury.propose("8000 USDC")
    treasury.sign_as("bob", "approve", folder)
    first = treasury.release(folder)
    before = treasury.token_of(SUPPLIER)
    again = treasury.release(folder)
    assert (first.status, again.status) == (0, 0), again
    assert again.json["chain"]["transaction_hash"] == first.json["chain"]["transaction_hash"]
    assert treasury.token_of(SUPPLIER) == before


def test_a_higher_tier_is_held_until_enough_people_and_time_agree(treasury: Treasury) -> None:
    folder = treasury.propose("50000 USDC")
    treasury.sign_as("bob", "approve", folder)
    held = treasury.release(folder)
    assert held.status == 4, held
    assert {each["reasons"][0]["code"] for each in held.json["signers"]} == {"decision.quorum-missing"}
    treasury.sign_as("carol", "approve", folder)
    assert treasury.release(folder).status == 4
    waited = treasury.release(folder, "--wait", "--at-most", "2m")
    assert waited.status == 0, waited


def test_a_veto_stored_by_enough_signers_is_accepted_and_prevents_the_release(treasury: Treasury) -> None:
    folder = treasury.propose("150000 USDC")
    treasury.sign_as("bob", "approve", folder)
    treasury.sign_as("carol", "approve", folder)
    assert treasury.release(folder).status == 4
    veto = treasury.sign_as("dave", "veto", folder, "--reason", "not our supplier")
    assert veto.status == 0, veto
    assert veto.json["accepted"] is True
    assert len(veto.json["receipts"]) == 4
    told = treasury.release(folder)
    assert told.status == 1
    assert told.json["status"] == "denied"


def test_one_changed_byte_makes_evidence_invalid(treasury: Treasury, tmp_path: Path) -> None:
    folder = treasury.propose("1 ETH")
    treasury.sign_as("carol", "approve", folder)
    told = treasury.release(folder)
    assert told.status == 0, told
    raw = (folder / "evidence.json").read_bytes()
    changed = tmp_path / "evidence.json"
    changed.write_bytes(raw.replace(b"invoice", b"invoicd", 1))
    refused = guard("verify", changed, "--pin", treasury.digest, "--json")
    assert refused.status == 1
    assert guard("verify", folder / "evidence.json", "--pin", treasury.digest).status == 0
