"""The transfer that a command is about: out of its folder, from the server, or, for stops, from what signers list as pending.

Its id is computed here from its text, whoever sent it; a prefix finds a transfer, and the whole id is what people are shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guard.cli.desk import Desk
from guard.cli.folder import TRANSFER_FILE, TransferFolder, load_folder, parse_transfer
from guard.cli.storing import load_file
from guard.clients.reported import Reported, to_reported
from guard.core.ids import TransferId
from guard.core.transfer import Transfer
from guard.effects.summary import render_summary
from guard.errors import AdapterError, GuardError
from guard.statements.signed import FILE_BYTES, SignedStatement

_ID = re.compile(r"(?:0x)?([0-9a-f]{8,64})\Z", re.ASCII)
STOP_PATIENCE = 5.0
"""Seconds that a stop waits for the server, which has no part in it."""
LOOK_PATIENCE = 5.0
"""Seconds in which signers tell what they list: one that hangs must not hold up what the others are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A transfer with what was said of it. `folder` or `reported` tells where it comes from; neither means: from signers."""

    transfer: Transfer
    transfer_id: TransferId
    statements: tuple[SignedStatement, ...] = ()
    folder: TransferFolder | None = None
    reported: Reported | None = None


def to_id_prefix(named: str) -> str | None:
    """The beginning of an id, 0x and at least 8 figures; None where the text is something else."""
    found = _ID.match(named)
    return None if found is None else f"0x{found[1]}"


def is_id(desk: Desk, named: str) -> bool:
    """Whether an id is meant and not a folder or file of that name."""
    return to_id_prefix(named) is not None and not Path(named).exists() and desk.reach.has_server


def load_subject(desk: Desk, named: str) -> Subject:
    """The transfer of a folder, or by its id from the server. Refused where the server says other words for it than this bundle does."""
    subject = _from_server(desk, named) if is_id(desk, named) else _from_folder(desk, named)
    require_own(desk, subject)
    if subject.reported is not None:
        require_same_summary(desk, subject.reported)
    return subject


def load_subject_to_stop(desk: Desk, named: str) -> Subject:
    """The same for a stop: whatever the server does must not hold it up, so the signers are asked first."""
    prefix = to_id_prefix(named)
    if prefix is None or Path(named).exists():
        subject = _from_folder_to_stop(desk, named)
    else:
        found = _from_signers(desk, prefix)
        subject = found if found is not None else _from_server_to_stop(desk, prefix)
    require_own(desk, subject)
    return subject


def require_own(desk: Desk, subject: Subject) -> None:
    """Refuse a transfer of another treasury."""
    if subject.transfer.treasury != desk.treasury:
        raise GuardError("statement.treasury", "the transfer belongs to another treasury than this desk's bundle")


def require_same_summary(desk: Desk, reported: Reported) -> None:
    """A server that shows a transfer in other words stands on another policy, or lies. Raises `client.summary-differs`."""
    if reported.summary is None:
        return
    if reported.summary != render_summary(reported.transfer, desk.policy):
        raise GuardError(
            "client.summary-differs",
            f"the server's summary of {reported.transfer_id} is not the one that follows from this bundle",
        )


def load_reported(desk: Desk, named: str, *, timeout: float | None = None) -> Reported:
    """A transfer from the server, whose id was computed again. Raises `cli.transfer`, `client.mismatch` and the server's refusals."""
    prefix = to_id_prefix(named)
    if prefix is None:
        raise GuardError("cli.transfer", f"{named[:80]!r} is no transfer's id: 8 to 64 lower-case hexadecimal figures")
    return to_reported(prefix, desk.reach.open_books(timeout=timeout).get(f"/v1/transfers/{prefix}"))


def _from_server(desk: Desk, named: str) -> Subject:
    return to_subject(load_reported(desk, named))


def to_subject(reported: Reported) -> Subject:
    """What the server reported as what a command is about."""
    return Subject(
        transfer=reported.transfer,
        transfer_id=reported.transfer_id,
        statements=reported.statements,
        reported=reported,
    )


def _from_folder(desk: Desk, named: str) -> Subject:
    path = Path(named)
    if not path.is_dir() and to_id_prefix(named) is not None and not desk.reach.has_server:
        raise GuardError("cli.transfer", f"there is no folder {named}, and no server to ask for a transfer of that id")
    folder = load_folder(path)
    return Subject(
        transfer=folder.transfer, transfer_id=folder.transfer_id, statements=folder.statements, folder=folder
    )


def _from_folder_to_stop(desk: Desk, named: str) -> Subject:
    """The transfer alone, where something beside it in its folder cannot be read: that must hold up no stop."""
    path = Path(named)
    try:
        return _from_folder(desk, named)
    except GuardError:
        if not (path / TRANSFER_FILE).is_file():
            raise
        transfer = parse_transfer(load_file(path / TRANSFER_FILE, max_bytes=FILE_BYTES))
    folder = TransferFolder(path=path, transfer=transfer, statements=(), certificates=())
    return Subject(transfer=transfer, transfer_id=folder.transfer_id, folder=folder)


def _from_signers(desk: Desk, prefix: str) -> Subject | None:
    """Signers answer for what could leave, each under its journal key; the transfer's own text makes its id."""
    from guard.cli.watching import load_pending_transfers

    pending = load_pending_transfers(desk, patience=LOOK_PATIENCE)
    found = {each: transfer for each, transfer in pending.items() if each.startswith(prefix)}
    if len(found) > 1:
        raise _refuse_ambiguous(prefix, sorted(found))
    return next((Subject(transfer=transfer, transfer_id=each) for each, transfer in found.items()), None)


def _refuse_ambiguous(prefix: str, found: Sequence[TransferId]) -> GuardError:
    named = ", ".join(found[:5])
    return GuardError("cli.transfer-ambiguous", f"{len(found)} transfers have ids that begin with {prefix}: {named}")


def _from_server_to_stop(desk: Desk, prefix: str) -> Subject:
    if not desk.reach.has_server:
        raise GuardError("cli.transfer", f"no signer lists a transfer {prefix}, and there is no server to ask")
    try:
        return to_subject(load_reported(desk, prefix, timeout=STOP_PATIENCE))
    except (GuardError, AdapterError) as trouble:
        kind = AdapterError if isinstance(trouble, AdapterError) else GuardError
        hint = "veto it by its folder, or freeze its vault with guard freeze: both work without the server"
        message = f"no signer lists transfer {prefix[:18]}, and the server does not help: {trouble.message}"
        raise kind(trouble.code, message, hint=hint) from trouble
