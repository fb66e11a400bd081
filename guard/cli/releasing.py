"""The worker at the desk: carries a transfer from its folder to the chain and writes the evidence; and cancels a nonce."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from guard.cli.asking import load_key
from guard.cli.clock import read_now
from guard.cli.desk import Desk
from guard.cli.exits import ExitStatus
from guard.cli.fetching import fetch_folder
from guard.cli.folder import EVIDENCE_FILE, TransferFolder
from guard.cli.storing import keep_file, replace_file
from guard.cli.subject import load_subject
from guard.cli.voice import Voice, to_table
from guard.clients.signer_client import ask
from guard.core.ids import Address, TransferId
from guard.effects.summary import render_summary
from guard.errors import GuardError
from guard.formats.amounts import parse_duration
from guard.statements.signed import SignedStatement
from guard.statements.submission import StatementContext
from guard.statements.values import Proposal
from guard.transactions.signatures import compute_owner
from guard.worker.cancelling import CancelErrand, Cancelled, carry_cancel
from guard.worker.carrying import Carried, CarriedStatus, Errand, SignerWord, carry, carry_until
from guard.worker.chain_desk import ExecutorDesk
from guard.worker.proving import compose_release_evidence, has_every_word, select_statements
from guard.worker.world import ChainDesk, World

PATIENCE = 120.0

_STATUSES = {
    CarriedStatus.RELEASED: ExitStatus.DONE,
    CarriedStatus.HELD: ExitStatus.HELD,
    CarriedStatus.DENIED: ExitStatus.REFUSED,
    CarriedStatus.FAILED: ExitStatus.REFUSED,
    CarriedStatus.UNKNOWN: ExitStatus.TROUBLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Executing:
    """The gas-only account, and how its keystore is opened."""

    keystore: Path
    password_file: Path | None


def release(
    voice: Voice, desk: Desk, named: str, executing: Executing, *, waiting: str | None, out: Path | None
) -> ExitStatus:
    """Carry the transfer as far as it goes. The same command again goes on from wherever it stopped."""
    folder = fetch_folder(desk, named)
    transfer = folder.transfer
    errand = make_errand(desk, folder)
    desk.require_endpoint(transfer.chain_id)
    executor_key = load_key(executing.keystore, executing.password_file)
    voice.note(render_summary(transfer, desk.policy), "", f"transfer {folder.transfer_id}", "")
    world = make_world(desk, executor_key, folder.keep)
    if waiting is None:
        carried = carry(world, errand)
    else:
        carried = carry_until(world, errand, ends_at=min(read_now() + parse_duration(waiting), transfer.expires_at))
    evidence = write_evidence(desk, folder, carried, out, gas_payer=compute_owner(executor_key))
    _tell(voice, carried, evidence)
    return _STATUSES[carried.status]


def make_errand(desk: Desk, folder: TransferFolder) -> Errand:
    """What is carried, between the signers of the transfer's vault."""
    if folder.transfer.treasury != desk.treasury:
        raise GuardError("statement.treasury", "the transfer belongs to another treasury than this desk's bundle")
    place = desk.require_place(folder.transfer.chain_id, folder.transfer.vault)
    return Errand(
        transfer=folder.transfer,
        statements=folder.statements,
        place=place,
        contacts=desk.require_contacts(place.vault),
        kept=folder.certificates,
    )


def make_world(desk: Desk, executor_key: bytes, keep: Callable[[str, bytes], None]) -> World:
    """The real edges: HTTP to signers, a node, the folder, the clock."""

    @lru_cache(maxsize=16)
    def chain(chain_id: int) -> ChainDesk:
        return ExecutorDesk(desk.require_endpoint(chain_id), chain_id, executor_key, patience=PATIENCE)

    return World(ask=ask, chain=chain, keep=keep, now=read_now, pause=time.sleep)


def write_evidence(
    desk: Desk, folder: TransferFolder, carried: Carried, out: Path | None, *, gas_payer: Address
) -> Path | None:
    """The evidence of a transfer whose success the chain shows, once enough signers testify to it."""
    certificate, landed = carried.certificate, carried.landed
    if certificate is None or landed is None or carried.status is not CarriedStatus.RELEASED:
        return None
    if not has_every_word(certificate, carried.signatures):
        return None
    context = StatementContext(active=desk.edition, editions={desk.edition.digest: desk.edition}, now=None)
    raw = compose_release_evidence(
        (desk.bundle, desk.bundle),
        select_statements(context, folder.transfer_id, folder.statements),
        carried.signatures,
        certificate,
        landed,
        gas_payer=gas_payer,
    )
    path = out or folder.path / EVIDENCE_FILE
    replace_file(path, raw)
    return path


def _tell(voice: Voice, carried: Carried, evidence: Path | None) -> None:
    landed = carried.landed
    voice.tell(
        {
            "transfer": carried.transfer_id,
            "status": carried.status.value,
            "signers": [word.to_json() for word in carried.words],
            "nonce": None if carried.certificate is None else carried.certificate.nonce,
            "booked_by": list(carried.booked_by),
            "chain": None if landed is None else landed.to_json(),
            "evidence": None if evidence is None else str(evidence),
        },
        *to_table([row for word in carried.words for row in _to_rows(word)]),
        _describe(carried, evidence),
    )


def _to_rows(word: SignerWord) -> list[tuple[str, ...]]:
    head = word.status if word.nonce is None else f"{word.status} at nonce {word.nonce}"
    reasons = [f"{reason.message} [{reason.code}]" for reason in word.reasons] or [""]
    return [(word.signer if not place else "", head if not place else "", text) for place, text in enumerate(reasons)]


def _describe(carried: Carried, evidence: Path | None) -> str:
    landed = carried.landed
    if carried.status is CarriedStatus.RELEASED and landed is not None:
        where = f"evidence in {evidence}" if evidence else "no evidence yet: too few signers testify; run it again"
        return f"released: transaction {landed.transaction_hash}, block {landed.block_number}; {where}"
    if landed is not None:
        return f"{carried.status.value} on chain: {landed.reason}"
    if carried.status is CarriedStatus.HELD and any(word.status == "signed" for word in carried.words):
        return "held: too few signatures at one nonce; if the nonce is split, guard cancel frees it"
    return (
        f"{carried.status.value}: the same command may be run again"
        if carried.status is CarriedStatus.HELD
        else "denied"
    )


def cancel(
    voice: Voice,
    desk: Desk,
    vault_name: str,
    nonce: int,
    executing: Executing,
    *,
    transfers: list[str],
    out: Path | None,
) -> ExitStatus:
    """Free a nonce of a vault: collect the signers' cancels, book them, broadcast them."""
    vault = desk.require_vault(vault_name)
    place = desk.require_place(desk.require_chain_id(vault.chain), vault.address)
    place_of_files = out or Path(f"cancel-{vault.id}-{nonce}")
    errand = CancelErrand(
        place=place,
        nonce=nonce,
        contacts=desk.require_contacts(vault),
        proposals=gather_proposals(desk, transfers),
    )
    executor_key = load_key(executing.keystore, executing.password_file)
    world = make_world(desk, executor_key, lambda name, raw: _keep(place_of_files / name, raw))
    return _tell_cancelled(voice, carry_cancel(world, errand))


def _keep(path: Path, raw: bytes) -> None:
    keep_file(path, raw)


def gather_proposals(desk: Desk, transfers: list[str]) -> dict[TransferId, SignedStatement]:
    """The proposals that are known: those of the named transfers, and of what signers list as pending."""
    from guard.cli.watching import load_pending_proposals

    found = {
        subject.transfer_id: signed
        for subject in (load_subject(desk, named) for named in transfers)
        for signed in subject.statements
        if isinstance(signed.statement, Proposal)
    }
    return {**load_pending_proposals(desk), **found}


def _tell_cancelled(voice: Voice, cancelled: Cancelled) -> ExitStatus:
    landed = cancelled.landed
    is_done = landed is not None and landed.state.value == "succeeded"
    voice.tell(
        {
            "status": "cancelled" if is_done else "held",
            "nonce": cancelled.nonce,
            "named": list(cancelled.named),
            "signers": [
                {
                    "signer": each.signer,
                    "cancelled": each.said is not None,
                    "reasons": [r.to_json() for r in each.reasons],
                }
                for each in cancelled.answers
            ],
            "booked_by": list(cancelled.booked_by),
            "chain": None if landed is None else landed.to_json(),
        },
        *(
            f"{each.signer}: {'cancelled' if each.said is not None else each.reasons[0].message}"
            for each in cancelled.answers
        ),
        f"nonce {cancelled.nonce} is {'free: the cancel is mined' if is_done else 'not cancelled'}",
        *(f"  named, and counted from now on: {each}" for each in cancelled.named),
    )
    if is_done:
        return ExitStatus.DONE
    return ExitStatus.HELD if landed is None else ExitStatus.TROUBLE
