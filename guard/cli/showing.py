"""Showing what a file says, and verifying evidence offline. What is shown is derived here, never taken from a caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guard.cli.desk import Desk
from guard.cli.exits import ExitStatus
from guard.cli.folder import load_folder
from guard.cli.standing import show_transfer
from guard.cli.storing import load_file
from guard.cli.subject import is_id
from guard.cli.voice import Voice, to_visible_line
from guard.effects.summary import render_summary
from guard.effects.visible import to_utc
from guard.errors import GuardError
from guard.evidence.file import parse_evidence
from guard.evidence.verify import judge_evidence
from guard.formats.canonical import MAX_BYTES, parse_json
from guard.formats.keccak import require_digest
from guard.statements.digests import compute_digest, compute_transfer_id, to_message
from guard.statements.signed import SignedStatement, from_json
from guard.statements.signing import recover
from guard.statements.values import Approval, kind_of, transfer_of


def verify(voice: Voice, path: Path, pin: str) -> ExitStatus:
    """Judge evidence against the digest that the reader compared: every check is told, and what no file can prove."""
    digest = require_digest("0x" + pin.removeprefix("0x").replace(" ", "").lower())
    report = judge_evidence(load_file(path, max_bytes=MAX_BYTES), digest)
    failures = [f"  FAILS {each.check}: {to_visible_line(each.said)} [{each.code}]" for each in report.failures]
    result: dict[str, Any] = report.to_json()
    if report.failures:
        first = report.failures[0]
        result["error"] = GuardError(first.code, first.said).to_json()
    voice.tell(
        result,
        report.summary or "the transfer cannot be summarised under this bundle",
        "",
        *(
            f"  {each.statement} by {each.person}" + (f" for {each.group}" if each.group else "")
            for each in report.people
        ),
        *(
            f"  {each.signer} signed at {to_utc(each.signed_at)}, quorum since {to_utc(each.quorum_since)}"
            for each in report.witnesses
        ),
        *(failures or [f"  {len(report.outcomes)} checks hold"]),
        "not checked: " + ", ".join(each.name for each in report.unchecked),
        "VALID" if report.is_valid else "NOT VALID",
    )
    return ExitStatus.DONE if report.is_valid else ExitStatus.REFUSED


def show(voice: Voice, named: str, desk: Desk | None) -> None:
    """What a transfer's folder, a statement or evidence says, or the server of a transfer's id."""
    if desk is not None and is_id(desk, named):
        show_transfer(voice, desk, named)
        return
    path = Path(named)
    if path.is_dir():
        _show_folder(voice, path, desk)
        return
    raw = load_file(path, max_bytes=MAX_BYTES)
    content = parse_json(raw, max_bytes=MAX_BYTES)
    if isinstance(content, dict) and "predicateType" in content:
        _show_evidence(voice, raw)
    elif isinstance(content, dict) and "statement" in content:
        _show_statement(voice, from_json(content))
    else:
        raise GuardError("cli.unknown-kind", f"{path.name} is neither a transfer's folder, a statement nor evidence")


def _show_folder(voice: Voice, path: Path, desk: Desk | None) -> None:
    folder = load_folder(path)
    statements = [_describe_statement(signed, desk) for signed in folder.statements]
    summary = None if desk is None else render_summary(folder.transfer, desk.policy)
    voice.tell(
        {
            "transfer": folder.transfer_id,
            "summary": summary,
            "statements": statements,
            "certificates": len(folder.certificates),
        },
        summary or "without a bundle there is no summary",
        "",
        f"transfer {folder.transfer_id}",
        *(f"  {each['kind']} by {each['person'] or each['key']}" for each in statements),
        *([f"  {len(folder.certificates)} certificates"] if folder.certificates else []),
    )


def _describe_statement(signed: SignedStatement, desk: Desk | None) -> dict[str, Any]:
    key = recover(signed)
    holder = None if desk is None else desk.policy.roster.holder(key)
    return {
        "kind": kind_of(signed.statement),
        "key": key,
        "person": None if holder is None else holder[0].id,
        "digest": compute_digest(signed.statement, signed.treasury),
    }


def _show_statement(voice: Voice, signed: SignedStatement) -> None:
    """The statement with its fields as they were signed. The signature is checked; whose key it is, a bundle says."""
    key, statement = recover(signed), signed.statement
    transfer = transfer_of(statement)
    fields = to_message(statement.STRUCT, statement)
    lines = [
        f"  {name}: {to_visible_line(str(value))}" for name, value in fields.items() if not isinstance(value, dict)
    ]
    if isinstance(statement, Approval):
        lines = [*statement.summary.split("\n"), ""] + [line for line in lines if not line.startswith("  summary:")]
    about = None if transfer is None else compute_transfer_id(transfer)
    voice.tell(
        {
            "kind": kind_of(statement),
            "key": key,
            "treasury": signed.treasury,
            "digest": compute_digest(statement, signed.treasury),
            "transfer": about,
            "statement": fields,
        },
        f"{kind_of(statement)} signed by key {key}",
        *([f"about transfer {about}"] if about else []),
        *lines,
    )


def _show_evidence(voice: Voice, raw: bytes) -> None:
    evidence = parse_evidence(raw)
    record = evidence.record
    summary = render_summary(record.transfer, record.active.policy)
    voice.tell(
        {
            "transfer": compute_transfer_id(record.transfer),
            "summary": summary,
            "nonce": record.certificate.nonce,
            "verified": False,
        },
        summary,
        "",
        f"evidence of transfer {compute_transfer_id(record.transfer)} at nonce {record.certificate.nonce}",
        "nothing of it was verified: run guard verify with the digest that you compared",
    )
