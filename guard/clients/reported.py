"""What the server reports, as values. Statements and transfers are read strictly, everything else only as far as it is shown.

Nothing here is believed: ids are computed again, and what a signature does not cover is the server's word and is called so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard.core.ids import Digest, TransferId, is_count
from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.errors import AdapterError, GuardError
from guard.formats.fields import take_count, take_digest, take_list, take_text
from guard.log.chain import FORMAT, Entry
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement, from_json, transfer_from_json


def refuse_answer(message: str) -> AdapterError:
    """The server answered with something else than what was asked."""
    return AdapterError("client.mismatch", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A transfer as the server reports it. Its text makes its id; state, prediction and the signers' words are hearsay."""

    transfer: Transfer
    transfer_id: TransferId
    state: State
    reason: str
    version: int
    summary: str | None
    statements: tuple[SignedStatement, ...]
    prediction: Mapping[str, Any] | None
    signers: tuple[Mapping[str, Any], ...]
    certificates: tuple[Any, ...]
    chain: Mapping[str, Any] | None
    trouble: str | None


def to_reported(asked: str, said: Any) -> Reported:
    """The transfer whose id begins with what was asked. Raises `client.mismatch` for any other, and for what cannot be read."""
    try:
        reported = _read_transfer(said)
    except (GuardError, KeyError, ValueError) as trouble:
        why = f": {trouble.message}" if isinstance(trouble, GuardError) else ""
        raise refuse_answer(f"what the server says of transfer {asked[:18]} cannot be read{why}") from trouble
    if not reported.transfer_id.startswith(asked) or said.get("id") != reported.transfer_id:
        raise refuse_answer(f"asked for transfer {asked[:18]}, the server sent {reported.transfer_id}")
    return reported


def _read_transfer(said: Any) -> Reported:
    fields = _require_object(said)
    transfer = transfer_from_json(fields["transfer"])
    return Reported(
        transfer=transfer,
        transfer_id=compute_transfer_id(transfer),
        state=State(take_text(fields, "state")),
        reason=_take_some_text(fields, "reason") or "",
        version=take_count(fields, "version"),
        summary=_take_some_text(fields, "summary"),
        statements=tuple(from_json(each) for each in take_list(fields, "statements")),
        prediction=_take_some_object(fields, "prediction"),
        signers=tuple(each for each in _take_some_list(fields, "signers") if isinstance(each, dict)),
        certificates=tuple(_take_some_list(fields, "certificates")),
        chain=_take_some_object(fields, "chain"),
        trouble=_take_some_text(fields, "trouble"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The server's word that it stored a statement: at which index of its log, and the chain head after it."""

    index: int
    head: Digest
    state: str | None
    version: int | None
    prediction: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {
            "index": self.index,
            "head": self.head,
            "state": self.state,
            "version": self.version,
            "prediction": None if self.prediction is None else dict(self.prediction),
        }


def to_acknowledged(said: Any, *, kind: str, digest: Digest, transfer_id: TransferId | None) -> Acknowledged:
    """The acknowledgement of exactly this statement. Raises `client.mismatch`."""
    try:
        fields = _require_object(said)
        about = (take_text(fields, "kind"), take_digest(fields, "statement_digest"), fields.get("transfer_id"))
        acknowledged = Acknowledged(
            index=take_count(fields, "index"),
            head=take_digest(fields, "head"),
            state=_take_some_text(fields, "state"),
            version=fields["version"] if is_count(fields.get("version")) else None,
            prediction=_take_some_object(fields, "prediction"),
        )
    except (GuardError, KeyError) as trouble:
        raise refuse_answer("the server's acknowledgement cannot be read") from trouble
    if about != (kind, digest, transfer_id):
        raise refuse_answer("the server acknowledged something else than what was sent")
    return acknowledged


def to_entry(said: Any) -> tuple[Entry, Digest]:
    """An entry of the log with the head that the server recorded after it. Raises `client.mismatch`; the chain is checked elsewhere."""
    try:
        outer = _require_object(said)
        fields = _require_object(outer["entry"])
        if take_count(fields, "format") != FORMAT:
            raise GuardError("log.broken", f"format {fields['format']} of a log entry is not known")
        entry = Entry(
            index=take_count(fields, "index"),
            at=take_count(fields, "at"),
            event=take_text(fields, "event"),
            actor=take_text(fields, "actor"),
            transfer=_take_some_text(fields, "transfer"),
            body=_require_object(fields["body"]),
            previous=take_digest(fields, "previous"),
        )
        recorded = take_digest(outer, "head")
    except (GuardError, KeyError) as trouble:
        raise refuse_answer("an entry of the server's log cannot be read") from trouble
    if entry.to_json() != fields:
        raise refuse_answer(f"entry {entry.index} of the server's log has fields that are not known")
    return entry, recorded


def _require_object(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise GuardError("json.field-type", "the answer is not an object")
    return said


def _take_some_text(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) is None else take_text(fields, name)


def _take_some_list(fields: Mapping[str, Any], name: str) -> list[Any]:
    return [] if fields.get(name) is None else take_list(fields, name)


def _take_some_object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return None if fields.get(name) is None else _require_object(fields[name])
