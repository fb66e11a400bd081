"""Approving, rejecting and vetoing a transfer: the summary is shown, the digest computed from it here, then asked, then signed.

Where the transfer comes from the server, its text alone is taken from there: id, summary and digest are computed from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.cli.asking import load_key, require_yes
from guard.cli.clock import read_now
from guard.cli.desk import Desk
from guard.cli.exits import ExitStatus
from guard.cli.folder import keep_statement
from guard.cli.heard import hear
from guard.cli.stops import Stopped, describe_stopped, send_stop_everywhere
from guard.cli.subject import Subject, load_subject, load_subject_to_stop
from guard.cli.submitting import describe_acknowledged, hand_over, submit
from guard.cli.voice import Voice
from guard.cli.words import to_groups
from guard.core.ids import PersonId
from guard.core.transfer import Transfer
from guard.effects.summary import SUMMARY_VERSION, render_summary
from guard.effects.visible import to_visible
from guard.errors import AdapterError, GuardError
from guard.formats.amounts import parse_duration
from guard.statements.digests import compute_digest
from guard.statements.signed import SignedStatement, transfer_to_json
from guard.statements.signing import sign
from guard.statements.values import Approval, Rejection, Statement, Veto, kind_of

Make = Callable[[PersonId], Statement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Who signs and how they are asked."""

    key: Path
    password_file: Path | None
    is_agreed: bool


def approve(voice: Voice, desk: Desk, named: str, signing: Signing, *, valid_for: str | None) -> None:
    """Sign an approval, and write it into the transfer's folder or post it, bound to the version that was shown."""
    subject = load_subject(desk, named)
    approval = make_approval(desk, subject.transfer, read_now(), valid_for)
    signed, person = _sign(voice, desk, subject, lambda _: approval, signing)
    result = _to_result(subject, signed, person)
    if subject.reported is not None:
        acknowledged = submit(voice, desk, signed, version=subject.reported.version)
        lines = [f"approved by {person}: {subject.transfer_id}", *describe_acknowledged(acknowledged)]
        voice.tell({**result, "file": None, "server": acknowledged.to_json()}, *lines)
        return
    file = keep_statement(Path(named), signed, person)
    voice.tell({**result, "file": str(file), "server": None}, f"approved by {person}: {file}")


def make_approval(desk: Desk, transfer: Transfer, now: int, valid_for: str | None) -> Approval:
    """What is signed, from complete values alone."""
    expires_at = transfer.expires_at if valid_for is None else min(transfer.expires_at, now + parse_duration(valid_for))
    return Approval(
        transfer=transfer,
        summary=render_summary(transfer, desk.policy),
        summary_version=SUMMARY_VERSION,
        policy=desk.edition.digest,
        roster=desk.edition.roster_digest,
        signed_at=now,
        expires_at=expires_at,
    )


def refuse(
    voice: Voice, desk: Desk, named: str, signing: Signing, *, stop: type[Veto | Rejection], reason: str
) -> ExitStatus:
    """Sign a veto or a rejection, send it to every signer's stop listener, then to the server, and write it into the folder."""
    subject = load_subject_to_stop(desk, named)
    return _stop(voice, desk, subject, signing, lambda _: stop(subject.transfer, reason))


def withdraw(voice: Voice, desk: Desk, named: str, signing: Signing, *, reason: str) -> ExitStatus:
    """The initiator's own rejection, which ends the transfer. Raises `cli.not-initiator` for anybody else."""
    subject = load_subject_to_stop(desk, named)

    def make(person: PersonId) -> Statement:
        if person != subject.transfer.initiator:
            raise GuardError("cli.not-initiator", f"{subject.transfer.initiator} proposed this transfer, not {person}")
        return Rejection(subject.transfer, reason)

    return _stop(voice, desk, subject, signing, make)


def _stop(voice: Voice, desk: Desk, subject: Subject, signing: Signing, make: Make) -> ExitStatus:
    signed, person = _sign(voice, desk, subject, make, signing)
    # A bundle that is behind the signers' may lack the vault: the stop goes out all the same, and is at most attempted.
    vault = desk.policy.vault_at(subject.transfer.chain_id, subject.transfer.vault)
    vaults = () if vault is None else (vault,)
    is_final = isinstance(signed.statement, Veto) or person == subject.transfer.initiator
    stopped = send_stop_everywhere(desk, signed, vaults, cancel=subject.transfer_id if is_final else None)
    # Signers first: nothing that follows can hold the stop up any more.
    handed = hand_over(desk, signed)
    file, trouble = keep_stop(None if subject.folder is None else subject.folder.path, signed, person)
    voice.tell(
        {
            **_to_result(subject, signed, person),
            "file": file,
            **stopped.to_json(),
            "server": None if handed is None else handed.to_json(),
        },
        f"{kind_of(signed.statement)} by {person}: {file or subject.transfer_id}",
        *describe_stopped(stopped),
        *([] if handed is None else [handed.to_line()]),
        *trouble,
    )
    return _to_status(stopped)


def keep_stop(folder: Path | None, signed: SignedStatement, person: PersonId) -> tuple[str | None, list[str]]:
    """Write a stop's file where there is a folder for it. A disk that fails takes nothing back of a stop that was sent."""
    if folder is None:
        return None, []
    try:
        return str(keep_statement(folder, signed, person)), []
    except (GuardError, AdapterError) as trouble:
        return None, [f"  no file was written: {trouble.message} [{trouble.code}]"]


def _to_status(stopped: Stopped) -> ExitStatus:
    return ExitStatus.DONE if stopped.is_accepted else ExitStatus.REFUSED


def _sign(voice: Voice, desk: Desk, subject: Subject, make: Make, signing: Signing) -> tuple[SignedStatement, PersonId]:
    """Show, compute, ask, sign. The digest comes from what is shown and from nothing else."""
    private_key = load_key(signing.key, signing.password_file)
    person, _ = desk.require_holder(private_key)
    now = read_now()
    statement = make(person.id)
    signed = sign(private_key, statement, desk.treasury)
    desk.require_admitted(signed, now, subject.transfer_id)
    is_stop = isinstance(statement, Veto | Rejection)
    heard = hear(desk, subject.transfer_id, subject.statements, now)
    voice.note(
        *(each.to_line() for each in heard),
        "",
        describe_to_stop(desk, subject.transfer) if is_stop else render_summary(subject.transfer, desk.policy),
        "",
        f"transfer {subject.transfer_id}",
        f"policy {to_groups(desk.edition.digest)}",
        f"digest to sign {compute_digest(statement, desk.treasury)}",
        "",
    )
    require_yes(f"{person.id}, sign this {kind_of(statement)}?", is_given=signing.is_agreed)
    return signed, person.id


def describe_to_stop(desk: Desk, transfer: Transfer) -> str:
    """The summary; where this bundle lacks what it takes, the transfer's fields as they are. Nobody needs labels to stop a transfer."""
    try:
        return render_summary(transfer, desk.policy)
    except GuardError as trouble:
        fields = [f"{name}: {to_visible(str(value))}" for name, value in transfer_to_json(transfer).items()]
        return "\n".join([f"This bundle cannot tell of it: {trouble.message}", *fields])


def _to_result(subject: Subject, signed: SignedStatement, person: PersonId) -> dict[str, Any]:
    return {
        "transfer": subject.transfer_id,
        "kind": kind_of(signed.statement),
        "person": person,
        "digest": compute_digest(signed.statement, signed.treasury),
    }
