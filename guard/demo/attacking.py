"""What somebody does who has taken over the worker, a signer's host or a stranger's key: requests handed straight to the signers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from guard.bundles.bundle import compute_roster_digest
from guard.chain import fragments
from guard.clients.signer_client import SignerError, ask, send_stop
from guard.core.ids import NATIVE
from guard.core.transfer import Transfer
from guard.demo.clock import read_now
from guard.demo.playing import load_policy
from guard.demo.policy_texts import SIGNERS
from guard.demo.stage import Stage
from guard.effects.summary import SUMMARY_VERSION, render_summary
from guard.errors import AdapterError, GuardError
from guard.statements.certificates import TransferCertificate
from guard.statements.digests import compute_digest
from guard.statements.signed import SignedStatement, to_json, transfer_to_json
from guard.statements.signing import sign
from guard.statements.values import Approval
from guard.transactions.packing import pack_signatures
from guard.transactions.safe_tx import build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import compute_owner, sign_hash

STRANGER = b"\x07" * 32
"""A key that nobody of the treasury has."""

Codes = dict[str, set[str]]
"""By signer, the codes that it answered with."""


def ask_release(stage: Stage, signer: str, transfer: Transfer, statements: Iterable[SignedStatement]) -> dict[str, Any]:
    """Ask one signer for its signature. Raises `SignerError` where it refuses."""
    body = {"transfer": transfer_to_json(transfer), "statements": [to_json(each) for each in statements]}
    return ask(stage.addresses[signer], "release", body)


def collect_refusals(
    stage: Stage,
    transfer: Transfer,
    statements: Sequence[SignedStatement],
    *,
    signers: Sequence[str] = SIGNERS,
) -> Codes:
    """What each signer says against it; a signer that signs is missing."""
    found: Codes = {}
    for signer in signers:
        try:
            ask_release(stage, signer, transfer, statements)
        except SignerError as refused:
            found[signer] = {str(each["code"]) for each in refused.refusals} or {refused.code}
    return found


def have_all_refused(refusals: Codes, *codes: str, signers: Sequence[str] = SIGNERS) -> bool:
    """Whether each of these signers refused, and each gave one of these codes where any are named."""
    return all(refusals.get(signer) and (not codes or refusals[signer] & set(codes)) for signer in signers)


def forge_approval(stage: Stage, transfer: Transfer, *, private_key: bytes = STRANGER) -> SignedStatement:
    """An approval that is right in every word and signed by whoever has this key."""
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
    return sign(private_key, approval, policy.treasury)


def claim(stage: Stage, forged: SignedStatement, person: str) -> SignedStatement:
    """The same under somebody's name: their key beside a signature that is not theirs."""
    owner = compute_owner(stage.private_key_of(person))
    return SignedStatement(forged.statement, forged.treasury, replace(forged.signature, key=owner))


def sign_alone(stage: Stage, signer: str, transfer: Transfer, nonce: int) -> TransferCertificate:
    """What a stolen signer's key can make by itself: a certificate with one signature."""
    digest = compute_safe_tx_hash(build_safe_tx(transfer, nonce)).digest
    owner = next(each.owner for each in load_policy(stage).signers if each.id == signer)
    signature = sign_hash(stage.stolen_keys_of(signer).vault, digest)
    return TransferCertificate(transfer=transfer, nonce=nonce, signatures={owner: signature})


def would_revert(stage: Stage, certificate: TransferCertificate) -> bool:
    """Whether the Safe itself refuses the certificate."""
    built, packed = certificate.build(), pack_signatures(certificate.signatures)
    try:
        stage.chain.call(
            stage.safe, fragments.SAFE_EXECUTE, (built.to, 0, built.call_data, 0, 0, 0, 0, NATIVE, NATIVE, packed)
        )
    except AdapterError:
        return True
    return False


def collect_book_refusals(stage: Stage, certificate: TransferCertificate, signers: Sequence[str]) -> set[str]:
    """The codes with which signers refuse to book a certificate; "booked" where one does."""
    answers = [ask(stage.addresses[signer], "book", {"certificates": [certificate.to_json()]}) for signer in signers]
    return {answer["refused"][0]["code"] if answer["refused"] else "booked" for answer in answers}


def collect_stop_refusals(stage: Stage, stop: SignedStatement) -> dict[str, str]:
    """The code with which each signer's stop listener refuses a stop; a signer that takes it is missing."""
    found: dict[str, str] = {}
    digest = compute_digest(stop.statement, stop.treasury)
    for identity in load_policy(stage).signers:
        try:
            send_stop(identity, stop.treasury, to_json(stop), digest)
        except (GuardError, AdapterError) as refused:
            found[identity.id] = refused.code
    return found
