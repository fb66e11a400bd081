"""The scenes of the story: each does something, honest or not, and checks on the chain and at the signers what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guard.bundles.bundle import compute_roster_digest, parse_bundle
from guard.cli.folder import load_folder
from guard.clients.signer_client import SignerError, ask
from guard.core.policy import Policy
from guard.core.transfer import Transfer
from guard.demo import stage as staging
from guard.demo.clock import pause, read_now
from guard.demo.commands import Said
from guard.demo.policy_texts import DELAY, MEMBERS, SIGNERS
from guard.demo.stage import USDC, Stage, draw_address
from guard.demo.telling import Teller
from guard.effects.summary import SUMMARY_VERSION, render_summary
from guard.errors import AdapterError
from guard.statements.certificates import TransferCertificate
from guard.statements.signed import (
    SignedStatement,
    to_json,
    transfer_to_json,
)
from guard.statements.signing import sign
from guard.statements.values import Approval, Proposal
from guard.transactions.safe_tx import build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import sign_hash

SUPPLIER = draw_address("supplier")


def found(teller: Teller, stage: Stage) -> None:
    """The treasury comes into being."""
    staging.deploy_contracts(stage)
    teller.say("a chain with Safe 1.4.1 and a token runs in this process, behind JSON-RPC")
    staging.write_policy(stage)
    staging.enrol_people(stage)
    teller.say(f"people made their keys and proved them: {', '.join(member.name for member in MEMBERS)}")
    staging.found_signers(stage)
    staging.deploy_vault(stage)
    teller.check(stage.chain.safe_threshold(stage.safe) == 3, f"the vault is a Safe 3-of-4 at {stage.safe}")
    staging.fund_vault(stage)
    checked = stage.commands.run("policy", "check")
    teller.check(checked.status == 0, "guard policy check finds nothing wrong")
    stage.digest = str(stage.commands.require("policy", "build").result["digest"])
    teller.say(f"everybody compares the policy's digest by voice: {stage.digest[2:18]} ...")
    stage.wait_final(0)
    staging.pin_everywhere(stage)
    staging.start_signers(stage)
    teller.check(stage.usdc_of(stage.safe) == 500_000 * USDC, "four signer processes run; the vault holds 500,000 USDC")


def propose(stage: Stage, amount: str, to: str, purpose: str, *, by: str = "alice") -> Path:
    """A proposal by somebody, as a folder."""
    said = stage.commands.require(
        "propose",
        "--vault",
        "operations",
        "--amount",
        amount,
        "--to",
        to,
        "--purpose",
        purpose,
        "--as",
        stage.key_of(by),
        "--password-file",
        stage.password_file,
        "--out",
        str(stage.folder / "transfers" / purpose.replace(" ", "-")),
        "--yes",
    )
    return Path(str(said.result["folder"]))


def approve(stage: Stage, folder: Path, by: str) -> Said:
    """An approval by somebody."""
    words = ("--key", stage.key_of(by), "--password-file", stage.password_file, "--yes")
    return stage.commands.run("approve", str(folder), *words)


def release(stage: Stage, folder: Path, *more: str) -> Said:
    """The releasing command."""
    return stage.commands.run("release", str(folder), "--password-file", stage.password_file, *more)


def load(folder: Path) -> tuple[Transfer, list[SignedStatement]]:
    """A transfer's folder, as anybody who has the files can read it."""
    found = load_folder(folder)
    return found.transfer, [each for each in found.statements if isinstance(each.statement, Proposal | Approval)]


def load_policy(stage: Stage) -> Policy:
    """The policy, as everybody has it."""
    return parse_bundle(stage.bundle.read_bytes()).policy


def ask_release(stage: Stage, signer: str, transfer: Transfer, statements: list[SignedStatement]) -> dict[str, Any]:
    """Ask one signer directly, as a worker in an attacker's hands would. Raises `SignerError` where it refuses."""
    body = {"transfer": transfer_to_json(transfer), "statements": [to_json(each) for each in statements]}
    return ask(stage.command_of(signer), "release", body)


def collect_refusals(
    stage: Stage, transfer: Transfer, statements: list[SignedStatement], *, signers: tuple[str, ...] = SIGNERS
) -> dict[str, set[str]]:
    """What each signer says against it; a signer that signs is missing."""
    found: dict[str, set[str]] = {}
    for signer in signers:
        try:
            ask_release(stage, signer, transfer, statements)
        except SignerError as refused:
            found[signer] = {str(each["code"]) for each in refused.refusals} or {refused.code}
    return found


def pay_in_the_first_tier(teller: Teller, stage: Stage) -> Path:
    """A small payment: one approval, no delay."""
    folder = propose(stage, "9000 USDC", "supplier", "invoice 1001")
    approved = approve(stage, folder, "bob")
    teller.say("alice proposes; bob reads this, and his own machine computes the digest that he signs:")
    teller.quote(approved.notes.strip())
    before = stage.usdc_of(SUPPLIER)
    said = release(stage, folder, "--wait")
    mined = said.status == 0 and stage.usdc_of(SUPPLIER) - before == 9000 * USDC
    teller.check(
        mined,
        f"three signers signed, the Safe paid 9,000 USDC in block {(said.result.get('chain') or {}).get('block_number')}",
    )
    refused = stage.commands.run(
        "propose",
        "--vault",
        "operations",
        "--amount",
        "9000",
        "--to",
        "supplier",
        "--purpose",
        "no unit",
        "--as",
        stage.key_of("alice"),
        "--password-file",
        stage.password_file,
        "--yes",
    )
    teller.check(refused.code == "amount.unit", "an amount without a unit is refused")
    return folder


def pay_in_the_second_tier(teller: Teller, stage: Stage) -> None:
    """A larger payment: two approvals and a delay."""
    folder = propose(stage, "60000 USDC", "exchange", "rebalance")
    approve(stage, folder, "bob")
    transfer, statements = load(folder)
    refusals = collect_refusals(stage, transfer, statements)
    teller.check(
        all("decision.quorum-missing" in refusals.get(signer, ()) for signer in SIGNERS),
        "60,000 USDC with one approval: each of the four signers refuses",
    )
    self_approved = approve(stage, folder, "alice")
    teller.check(self_approved.code == "approval.initiator", "the initiator's own approval is refused")
    approve(stage, folder, "carol")
    held = release(stage, folder)
    reasons = {reason["code"] for word in held.result.get("signers", ()) for reason in word["reasons"]}
    teller.check(
        held.status != 0 and "decision.delay" in reasons,
        f"with two approvals it is held: the delay of {DELAY} s has begun",
    )
    before, begun = stage.usdc_of(draw_address("exchange")), read_now()
    said = release(stage, folder, "--wait")
    paid = stage.usdc_of(draw_address("exchange")) - before
    teller.check(
        said.status == 0 and paid == 60_000 * USDC,
        f"after the delay it is released and mined ({read_now() - begun} s later)",
    )


def forge_an_approval(teller: Teller, stage: Stage) -> None:
    """The worker hands the signers an approval that nobody gave."""
    folder = propose(stage, "8000 USDC", "supplier", "forged")
    transfer, statements = load(folder)
    policy = load_policy(stage)
    approval = Approval(
        transfer=transfer,
        summary=render_summary(transfer, policy),
        summary_version=SUMMARY_VERSION,
        policy=transfer.policy,
        roster=compute_roster_digest(policy),
        signed_at=read_now(),
        expires_at=transfer.expires_at,
    )
    stranger = sign(b"\x07" * 32, approval, policy.treasury)
    claimed = SignedStatement(stranger.statement, stranger.treasury, _rename(stranger, stage, "bob"))
    for name, forged in (("a stranger's key", stranger), ("a stranger's key under bob's name", claimed)):
        refusals = collect_refusals(stage, transfer, [*statements, forged])
        wanted = {"statement.key-unknown", "signature.key"}
        teller.check(
            len(refusals) == len(SIGNERS) and all(codes & wanted for codes in refusals.values()),
            f"an approval by {name}, handed straight to the signers: refused by all four",
        )


def _rename(forged: SignedStatement, stage: Stage, person: str) -> Any:
    from dataclasses import replace

    from guard.transactions.signatures import compute_owner

    return replace(forged.signature, key=compute_owner(stage.private_key_of(person)))


def steal_a_signer(teller: Teller, stage: Stage) -> None:
    """One signer is in the attacker's hands, with both of its keys, and is used against the others."""
    staging.stop_signer(stage, "signer-d")
    keys = stage.stolen_keys_of("signer-d")
    folder = propose(stage, "99000 USDC", "exchange", "theft")
    transfer, _ = load(folder)
    nonce = stage.chain.safe_nonce(stage.safe)
    digest = compute_safe_tx_hash(build_safe_tx(transfer, nonce)).digest
    owner = next(each.owner for each in load_policy(stage).signers if each.id == "signer-d")
    certificate = TransferCertificate(transfer=transfer, nonce=nonce, signatures={owner: sign_hash(keys.vault, digest)})
    refused = {
        answer["refused"][0]["code"]
        for signer in SIGNERS[:3]
        for answer in [ask(stage.command_of(signer), "book", {"certificates": [certificate.to_json()]})]
    }
    teller.check(
        refused == {"certificate.too-few"},
        "signer D is stolen: its signature alone is no certificate for the other three",
    )
    statements = load(folder)[1]
    refusals = collect_refusals(stage, transfer, statements, signers=SIGNERS[:3])
    teller.check(len(refusals) == 3, "and the other three sign nothing that the policy does not release")
    reverted = _would_revert(stage, certificate)
    teller.check(reverted, "the Safe itself refuses one signature of three")
    staging.start_signers(stage, ("signer-d",))


def _would_revert(stage: Stage, certificate: TransferCertificate) -> bool:
    from guard.chain import fragments
    from guard.core.ids import NATIVE
    from guard.transactions.packing import pack_signatures

    built = certificate.build()
    arguments = (built.to, 0, built.call_data, 0, 0, 0, 0, NATIVE, NATIVE, pack_signatures(certificate.signatures))
    try:
        stage.chain.call(stage.safe, fragments.SAFE_EXECUTE, arguments)
    except AdapterError:
        return True
    return False


def veto_during_the_delay(teller: Teller, stage: Stage) -> None:
    """A guardian stops a payment while its delay runs, by the signers' own stop listeners."""
    folder = propose(stage, "70000 USDC", "exchange", "doubtful")
    approve(stage, folder, "bob")
    approve(stage, folder, "carol")
    release(stage, folder)
    words = (
        "--key",
        stage.key_of("dave"),
        "--password-file",
        stage.password_file,
        "--reason",
        "nobody ordered this",
        "--yes",
    )
    vetoed = stage.commands.run("veto", str(folder), *words)
    receipts = len(vetoed.result.get("receipts", {}))
    teller.check(
        vetoed.result.get("accepted") is True, f"dave vetoes: {receipts} of 4 signed receipts, the stop is accepted"
    )
    pause(DELAY)
    before = stage.usdc_of(stage.safe)
    said = release(stage, folder)
    reasons = {reason["code"] for word in said.result.get("signers", ()) for reason in word["reasons"]}
    teller.check("decision.vetoed" in reasons and said.status != 0, "after the delay no signer signs")
    teller.check(stage.usdc_of(stage.safe) == before, "the money is where it was")


def play_the_worker_dishonestly(teller: Teller, stage: Stage) -> None:
    """The worker splits the signers between two transfers at one nonce, and asks for the same one twice."""
    folders = [propose(stage, f"{amount} USDC", "payroll", f"split {amount}") for amount in ("3000", "4000")]
    for folder in folders:
        approve(stage, folder, "bob")
    (first, first_given), (second, second_given) = (load(folder) for folder in folders)
    nonces = [ask_release(stage, signer, first, first_given)["nonce"] for signer in SIGNERS[:2]]
    nonces += [ask_release(stage, signer, second, second_given)["nonce"] for signer in SIGNERS[2:]]
    teller.check(len(set(nonces)) == 1, f"two signers sign one payment and two another, all at nonce {nonces[0]}")
    refusals = {
        **collect_refusals(stage, second, second_given, signers=SIGNERS[:2]),
        **collect_refusals(stage, first, first_given, signers=SIGNERS[2:]),
    }
    teller.check(
        len(refusals) == 4 and all("chain.nonce-taken" in codes for codes in refusals.values()),
        "no signer signs a second transfer at that nonce, nor the same one at another",
    )
    words = (
        "--out",
        str(stage.folder / "cancel"),
        "--password-file",
        stage.password_file,
        *(word for folder in folders for word in ("--transfer", str(folder))),
    )
    cancelled = stage.commands.run("cancel", "operations", str(nonces[0]), *words)
    named = len(cancelled.result.get("named", ()))
    teller.check(cancelled.status == 0, f"a cancel frees the nonce, and names {named} transfers as perhaps signed")
    ended = {str(release(stage, folder).result.get("status")) for folder in folders}
    teller.check(ended == {"denied"}, "what was named counts as spent: it is not paid a second time unnoticed")


def pay_again_aloud(teller: Teller, stage: Stage) -> None:
    """The same payment again is refused, unless it is said aloud."""
    folder = propose(stage, "9000 USDC", "supplier", "invoice 1001 again")
    approve(stage, folder, "bob")
    transfer, statements = load(folder)
    refusals = collect_refusals(stage, transfer, statements)
    teller.check(
        len(refusals) == 4 and all("chain.paid-before" in codes for codes in refusals.values()),
        "the first invoice proposed once more: refused, since nobody said that it is meant twice",
    )


def check_evidence(teller: Teller, stage: Stage, folder: Path) -> None:
    """Anybody can check the first release without us; one changed byte is refused."""
    file = folder / "evidence.json"
    verified = stage.commands.run("verify", str(file), "--pin", stage.digest)
    teller.check(
        verified.status == 0,
        f"guard verify accepts the evidence of the first payment ({file.stat().st_size} bytes, offline)",
    )
    raw = bytearray(file.read_bytes())
    place = raw.index(b"approval")
    raw[place] ^= 1
    changed = folder / "changed.json"
    changed.write_bytes(bytes(raw))
    refused = stage.commands.run("verify", str(changed), "--pin", stage.digest)
    teller.check(refused.status != 0 and bool(refused.code), f"one byte changed: refused ({refused.code})")
    elsewhere = stage.commands.run("verify", str(file), "--pin", "0x" + "11" * 32)
    teller.check(elsewhere.status != 0, f"another policy pinned: refused ({elsewhere.code})")


def freeze_everything(teller: Teller, stage: Stage) -> None:
    """One guardian freezes the treasury; lifting takes two policy admins and a delay."""
    words = (
        "--scope",
        "everything",
        "--out",
        str(stage.folder / "statements"),
        "--key",
        stage.key_of("erin"),
        "--password-file",
        stage.password_file,
        "--reason",
        "drill",
        "--yes",
    )
    stage.wait_final(stage.chain.safe_nonce(stage.safe))
    stage.commands.require("signer", "status")
    frozen = stage.commands.run("freeze", *words)
    teller.check(frozen.result.get("accepted") is True, "erin freezes everything, alone and at once")
    folder = propose(stage, "1000 USDC", "supplier", "while frozen")
    approve(stage, folder, "bob")
    refusals = collect_refusals(stage, *load(folder))
    teller.check(
        len(refusals) == 4 and all("decision.frozen" in codes for codes in refusals.values()),
        "no signer signs anything while it stands",
    )


def show_balances(teller: Teller, stage: Stage, before: dict[str, int]) -> None:
    """Before and after, from the chain: exactly what was approved has moved."""
    after = read_balances(stage)
    rows = [(name, f"{before[name] / USDC:,.0f}", f"{after[name] / USDC:,.0f}") for name in before]
    teller.show_table("USDC on chain", ("account", "before", "after"), rows)
    moved = {name: after[name] - before[name] for name in before}
    wanted = {"vault": -69_000 * USDC, "supplier": 9_000 * USDC, "exchange": 60_000 * USDC, "payroll": 0}
    teller.check(moved == wanted, "exactly the two approved payments have moved, and nothing else")


def read_balances(stage: Stage) -> dict[str, int]:
    """The tokens of everybody in the story."""
    accounts = {"vault": stage.safe, **{name: draw_address(name) for name in ("supplier", "exchange", "payroll")}}
    return {name: stage.usdc_of(account) for name, account in accounts.items()}
