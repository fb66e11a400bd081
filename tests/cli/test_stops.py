"""Stops and what lifts them, by commands, against running signers: accepted only by the count of TRUST §6."""

import time
from pathlib import Path
from typing import Any

from guard.cli.folder import load_folder
from guard.clients.signer_client import SignerError, ask
from guard.statements.signed import to_json, transfer_to_json
from tests.cli.road import SUPPLIER, Treasury


def request_of(folder: Path) -> dict[str, Any]:
    read = load_folder(folder)
    return {"transfer": transfer_to_json(read.transfer), "statements": [to_json(each) for each in read.statements]}


def lift(treasury: Treasury, *freezes: str) -> None:
    for person in ("bob", "carol"):
        told = treasury.sign_as(person, "unfreeze", *freezes, "--out", treasury.path / "statements")
        assert told.status == 0, told
    ends_at = time.monotonic() + 20
    while any(each["freezes"] for each in treasury.run("signer", "status").json["signers"].values()):
        assert time.monotonic() < ends_at
        time.sleep(0.3)


def wait_final(treasury: Treasury) -> None:
    """Wait until every signer has seen everything final that it signed, so that a stop of everything comes too late for nothing."""
    ends_at = time.monotonic() + 30
    while True:
        vaults = [v for each in treasury.run("signer", "status").json["signers"].values() for v in each["vaults"]]
        if all(vault["unmined"] == 0 for vault in vaults):
            return
        assert time.monotonic() < ends_at
        time.sleep(0.3)


def test_a_freeze_holds_everything_until_a_quorum_lifts_it(treasury: Treasury) -> None:
    wait_final(treasury)
    folder = treasury.propose("700 USDC")
    treasury.sign_as("bob", "approve", folder)
    frozen = treasury.sign_as("erin", "freeze", "--scope", "everything", "--out", treasury.path / "statements")
    assert frozen.status == 0, frozen
    assert frozen.json["accepted"] is True
    held = treasury.release(folder)
    assert held.status == 4
    assert {reason["code"] for each in held.json["signers"] for reason in each["reasons"]} == {"decision.frozen"}
    lift(treasury, frozen.json["id"])
    assert treasury.release(folder).status == 0


def test_a_freeze_of_another_vaults_person_holds_nothing_else(treasury: Treasury) -> None:
    wait_final(treasury)
    frozen = treasury.sign_as("dave", "freeze", "--scope", "person:frank", "--out", treasury.path / "statements")
    folder = treasury.propose("701 USDC")
    treasury.sign_as("bob", "approve", folder)
    assert treasury.release(folder).status == 0
    lift(treasury, frozen.json["id"])


def test_a_veto_that_comes_after_the_signatures_is_only_attempted(treasury: Treasury) -> None:
    folder = treasury.propose("702 USDC")
    treasury.sign_as("bob", "approve", folder)
    released = treasury.release(folder)
    assert released.status == 0
    late = treasury.sign_as("frank", "veto", folder, "--reason", "too late")
    assert late.status == 1
    assert late.json["accepted"] is False
    assert late.json["not_stopped"] == [released.json["transfer"]]


def test_the_initiators_own_rejection_withdraws_the_transfer(treasury: Treasury) -> None:
    folder = treasury.propose("703 USDC")
    treasury.sign_as("bob", "approve", folder)
    assert treasury.sign_as("alice", "reject", folder).status == 0
    told = treasury.release(folder)
    assert told.status == 1
    assert told.json["status"] == "denied"


def test_a_stop_reaches_too_few_signers_and_is_only_attempted(treasury: Treasury) -> None:
    folder = treasury.propose("704 USDC")
    down = [treasury.signers[name] for name in ("signer-c", "signer-d")]
    for each in down:
        each.end()
    try:
        told = treasury.sign_as("dave", "veto", folder)
        assert told.status == 1
        assert (told.json["accepted"], len(told.json["receipts"]), told.json["needed"]) == (False, 2, 3)
        watched = treasury.run("watch", "--once")
        assert watched.status == 1
        assert [each["code"] for each in watched.json["alarms"]] == ["watch.too-few"]
    finally:
        for each in down:
            each.begin()
        for each in down:
            each.wait_ready()
    again = treasury.sign_as("dave", "veto", folder)
    assert again.json["accepted"] is True


def test_watch_tells_what_every_signer_says_of_a_transfer(treasury: Treasury) -> None:
    folder = treasury.propose("120000 USDC")
    treasury.sign_as("bob", "approve", folder)
    treasury.sign_as("carol", "approve", folder)
    transfer = treasury.release(folder).json["transfer"]
    told = treasury.run("watch", "--once")
    assert told.status == 0, told
    for said in told.json["signers"].values():
        (mine,) = [each for each in said["transfers"] if each["id"] == transfer]
        assert mine["status"] == "held"
        assert mine["reasons"] == ["decision.delay"]


def test_a_split_nonce_is_freed_by_a_cancel_and_the_payment_made_again_by_name(treasury: Treasury) -> None:
    wait_signing(treasury)
    first, second = treasury.propose("705 USDC"), treasury.propose("706 USDC")
    for folder in (first, second):
        treasury.sign_as("bob", "approve", folder)
    nonces = set()
    for folder, names in ((first, ("signer-a", "signer-b")), (second, ("signer-c", "signer-d"))):
        for name in names:
            nonces.add(ask(f"unix:{treasury.path / name}.sock", "release", request_of(folder))["nonce"])
    (nonce,) = nonces
    stuck = treasury.release(first)
    assert stuck.status == 4, stuck
    kept = ("--out", str(treasury.path / "cancel"))
    cancelled = treasury.run("cancel", "operations", str(nonce), *kept, "--password-file", treasury.password_file)
    assert cancelled.status == 0, cancelled
    assert len(cancelled.json["named"]) == 2
    assert treasury.release(first).json["status"] == "denied"
    before = treasury.token_of(SUPPLIER)
    again = treasury.propose("705 USDC", "--again", stuck.json["transfer"])
    treasury.sign_as("carol", "approve", again)
    told = treasury.release(again, "--wait")
    assert told.status == 0, told.out
    assert treasury.token_of(SUPPLIER) == before + 705


def wait_signing(treasury: Treasury) -> None:
    """Wait until every signer would sign: all stand at one nonce and few enough certificates are unmined."""
    probe = treasury.propose("707 USDC")
    treasury.sign_as("bob", "approve", probe)
    assert treasury.release(probe, "--wait").status == 0


def test_a_second_identical_payment_is_refused_unless_it_is_said_aloud(treasury: Treasury) -> None:
    first = treasury.propose("708 USDC")
    treasury.sign_as("bob", "approve", first)
    released = treasury.release(first)
    assert released.status == 0
    second = treasury.propose("708 USDC")
    treasury.sign_as("bob", "approve", second)
    refused = treasury.release(second)
    assert refused.status == 1
    codes = {reason["code"] for each in refused.json["signers"] for reason in each["reasons"]}
    assert "chain.paid-before" in codes
    named = treasury.propose("708 USDC", "--again", released.json["transfer"])
    treasury.sign_as("bob", "approve", named)
    assert treasury.release(named, "--wait").status == 0


def test_a_signers_refusal_reaches_a_hostile_caller_with_its_code(treasury: Treasury) -> None:
    folder = treasury.propose("709 USDC")
    try:
        ask(f"unix:{treasury.path / 'signer-a'}.sock", "release", request_of(folder))
    except SignerError as refused:
        assert "decision.quorum-missing" in {each["code"] for each in refused.refusals}
    else:
        raise AssertionError("a signer signed without a quorum")
