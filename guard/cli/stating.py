"""Approving, rejecting and vetoing a transfer: the summary is shown, the digest computed from it here, then asked, then signed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.cli.asking import load_key, require_yes
from guard.cli.clock import read_now
from guard.cli.desk import Desk
from guard.cli.exits import ExitStatus
from guard.cli.folder import TransferFolder, keep_statement, load_folder
from guard.cli.stops import Stopped, describe_stopped, send_stop_everywhere
from guard.cli.voice import Voice
from guard.cli.words import to_groups
from guard.core.ids import PersonId, TransferId
from guard.effects.summary import SUMMARY_VERSION, render_summary
from guard.errors import GuardError
from guard.formats.amounts import parse_duration
from guard.statements.digests import compute_digest
from guard.statements.signed import SignedStatement
from guard.statements.signing import sign
from guard.statements.values import Approval, Rejection, Statement, Veto, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Who signs and how they are asked."""

    key: Path
    password_file: Path | None
    is_agreed: bool


def approve(voice: Voice, desk: Desk, path: Path, signing: Signing, *, valid_for: str | None) -> None:
    """Sign an approval of the transfer in a folder and write it there."""
    folder = _load_own(desk, path)
    now = read_now()
    transfer = folder.transfer
    expires_at = transfer.expires_at if valid_for is None else min(transfer.expires_at, now + parse_duration(valid_for))
    summary = render_summary(transfer, desk.policy)
    approval = Approval(
        transfer=transfer,
        summary=summary,
        summary_version=SUMMARY_VERSION,
        policy=desk.edition.digest,
        roster=desk.edition.roster_digest,
        signed_at=now,
        expires_at=expires_at,
    )
    signed, person = _sign(voice, desk, folder, approval, signing)
    file = keep_statement(path, signed, person)
    voice.tell(_to_result(folder, signed, file, person), f"approved by {person}: {file}")


def refuse(
    voice: Voice, desk: Desk, path: Path, signing: Signing, *, stop: type[Veto | Rejection], reason: str
) -> ExitStatus:
    """Sign a veto or a rejection, write it, and send it to every signer's stop listener."""
    folder = _load_own(desk, path)
    statement = stop(folder.transfer, reason)
    signed, person = _sign(voice, desk, folder, statement, signing)
    file = keep_statement(path, signed, person)
    vault = desk.require_place(folder.transfer.chain_id, folder.transfer.vault).vault
    is_final = stop is Veto or person == folder.transfer.initiator
    stopped = send_stop_everywhere(desk, signed, (vault,), cancel=folder.transfer_id if is_final else None)
    voice.tell(
        {**_to_result(folder, signed, file, person), **stopped.to_json()},
        f"{kind_of(statement)} by {person}: {file}",
        *describe_stopped(stopped),
    )
    return _to_status(stopped)


def _to_status(stopped: Stopped) -> ExitStatus:
    return ExitStatus.DONE if stopped.is_accepted else ExitStatus.REFUSED


def _load_own(desk: Desk, path: Path) -> TransferFolder:
    folder = load_folder(path)
    if folder.transfer.treasury != desk.treasury:
        raise GuardError("statement.treasury", "the transfer belongs to another treasury than this desk's bundle")
    return folder


def _sign(
    voice: Voice, desk: Desk, folder: TransferFolder, statement: Statement, signing: Signing
) -> tuple[SignedStatement, PersonId]:
    """Show, compute, ask, sign. The digest comes from what is shown and from nothing else."""
    private_key = load_key(signing.key, signing.password_file)
    person, _ = desk.require_holder(private_key)
    signed = sign(private_key, statement, desk.treasury)
    desk.require_admitted(signed, read_now(), folder.transfer_id)
    word = kind_of(statement)
    voice.note(
        render_summary(folder.transfer, desk.policy),
        "",
        f"transfer {folder.transfer_id}",
        f"policy {to_groups(desk.edition.digest)}",
        f"digest to sign {compute_digest(statement, desk.treasury)}",
        "",
    )
    require_yes(f"{person.id}, sign this {word}?", is_given=signing.is_agreed)
    return signed, person.id


def _to_result(folder: TransferFolder, signed: SignedStatement, file: Path, person: PersonId) -> dict[str, Any]:
    transfer_id: TransferId = folder.transfer_id
    return {
        "transfer": transfer_id,
        "kind": kind_of(signed.statement),
        "person": person,
        "digest": compute_digest(signed.statement, signed.treasury),
        "file": str(file),
    }
