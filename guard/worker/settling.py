"""Writes what a round found out: the errand's standing, and with it state, log entry, outbox message in one transaction of the books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guard.core.lifecycle import State
from guard.formats.canonical import to_canonical
from guard.ports.books import LogRow, TransferRow
from guard.ports.carriage import CarriageWriting, CarrierWriting, ErrandRow
from guard.service.messages import describe_transfer, make_message
from guard.worker.carrying import SignerWord
from guard.worker.findings import EVENTS, Finding, Move, compute_moves
from guard.worker.loading import Case
from guard.worker.shift import LeaseLost, Shift
from guard.worker.world import LandedState

ACTOR = "worker"


def settle(shift: Shift, case: Case, claimed: ErrandRow, finding: Finding) -> tuple[str, ...]:
    """Write a finding; the events that it made. Raises `LeaseLost`, after which nothing is written."""
    settled = to_standing(shift, claimed, finding)
    if finding.evidence is None and not compute_moves(case.row.state, finding):
        with shift.store.brief() as brief:
            _give_back(brief, claimed, settled)
        return ()
    with shift.store.writing() as writing:
        events = _move(shift, writing, case, finding)
        if finding.evidence is not None:
            writing.keep_evidence(case.transfer_id, finding.evidence.decode(), at=shift.now)
        _give_back(writing, claimed, settled)
    return events


def _give_back(writing: CarriageWriting, claimed: ErrandRow, settled: ErrandRow) -> None:
    if not writing.settle_errand(claimed, settled):
        raise LeaseLost("another worker has taken this errand over")


def to_standing(shift: Shift, claimed: ErrandRow, finding: Finding) -> ErrandRow:
    """How the errand stands after a finding. What was not asked this time stays as it was."""
    now, trouble, landed = shift.now, finding.trouble, finding.landed
    attempts = 0 if trouble is None else claimed.attempts + 1
    next_at = finding.next_at if trouble is None else now + shift.pace.compute_back_off(attempts)
    standing = replace(
        claimed,
        due_at=next_at,
        attempts=attempts,
        trouble_code="" if trouble is None else trouble.code,
        trouble="" if trouble is None else trouble.message,
    )
    if finding.words is not None:
        standing = replace(
            standing, words=to_text(finding.words), words_at=now, earliest_at=find_earliest(finding.words)
        )
    if landed is not None:
        known = landed.state is not LandedState.UNKNOWN
        standing = replace(standing, landed=to_canonical(landed.to_json()).decode() if known else None)
    if finding.certificate is not None:
        standing = replace(standing, nonce=finding.certificate.nonce)
    return standing


def to_text(words: tuple[SignerWord, ...]) -> str:
    """What the signers said, as JSON."""
    return to_canonical([word.to_json() for word in words]).decode()


def find_earliest(words: tuple[SignerWord, ...]) -> int | None:
    """The earliest time that a signer names."""
    return min((word.earliest_at for word in words if word.earliest_at is not None), default=None)


def _move(shift: Shift, writing: CarrierWriting, case: Case, finding: Finding) -> tuple[str, ...]:
    row = writing.load_transfer(case.transfer_id) or case.row
    # The state may have changed since the round began: the moves follow from the one that it has now.
    moves = compute_moves(row.state, finding)
    events = []
    for move in moves:
        before, row = row, writing.move_transfer(row.id, move.to, reason=move.reason, at=shift.now)
        body = _to_body(before, row, move, finding)
        tell(shift, writing, EVENTS[move.to], body, case=case)
        events.append(EVENTS[move.to])
        if case.is_stopped and move.to is State.CONFIRMED:
            raise_alarm(shift, writing, f"stopped:{row.id}", {"kind": "stopped-and-released", **body}, case=case)
            events.append("vault.alarm")
    return tuple(events)


def _to_body(before: TransferRow, row: TransferRow, move: Move, finding: Finding) -> dict[str, Any]:
    landed, certificate = finding.landed, finding.certificate
    return {
        "from": before.state.value,
        "state": row.state.value,
        "reason": move.reason,
        "nonce": None if certificate is None else certificate.nonce,
        "chain": None if landed is None else landed.to_json(),
        "signers": None if finding.words is None else [{"signer": w.signer, "status": w.status} for w in finding.words],
    }


def tell(
    shift: Shift, writing: CarrierWriting, event: str, body: Mapping[str, Any], *, case: Case | None = None
) -> LogRow:
    """Log an event and put its message into the outbox."""
    transfer_id = None if case is None else case.transfer_id
    row = writing.append(event, actor=ACTOR, at=shift.now, transfer_id=transfer_id, body=dict(body))
    about = None
    if case is not None:
        transfer = case.errand.transfer
        edition = shift.known.edition_of(transfer)
        about = describe_transfer(case.transfer_id, transfer, edition)
    said = {**body, "transfer": about} if about is not None else dict(body)
    writing.post([make_message(event, at=shift.now, data={**said, "log_index": row.index, "log_head": row.head})])
    return row


def raise_alarm(
    shift: Shift, writing: CarrierWriting, name: str, body: Mapping[str, Any], *, case: Case | None = None
) -> bool:
    """Raise `vault.alarm` once for this cause; False where it was raised before."""
    writing.notice(name, at=shift.now)
    if not writing.raise_alarm(name, at=shift.now):
        return False
    tell(shift, writing, "vault.alarm", body, case=case)
    return True
