"""JSON Schema of what the API answers, for the document. Fields may be added to answers later; clients pass over what they do not know."""

from __future__ import annotations

from guard.core.decision import Status
from guard.web.schemas import (
    ADDRESS,
    COUNT,
    DECIMAL,
    DIGEST,
    STATE,
    TEXT,
    TIME,
    Schema,
    refer,
    to_list,
    to_nullable,
    to_object,
)

_OPEN: Schema = {"type": "object"}
_NAME: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "maxLength": 64}
_YES: Schema = {"type": "boolean", "const": True}


def compute_answer_schemas() -> dict[str, Schema]:
    """Every answer by component name."""
    return {
        "Problem": _problem(),
        "Acknowledgement": _acknowledgement(),
        "Prediction": _prediction(),
        "TransferRow": _row(),
        "TransferList": to_object({"transfers": to_list(refer("TransferRow"))}),
        "TransferShown": _shown(),
        "EvidenceFile": {**_OPEN, "description": "the evidence file, as `guard verify` reads it"},
        "Treasury": _treasury(),
        "Bundle": {**_OPEN, "description": "the bundle in its canonical bytes, whose SHA-256 is its digest"},
        "FreezeList": to_object({"freezes": to_list(_OPEN)}),
        "LogPage": _log_page(),
        "LogHead": _log_head(),
        "Outbox": to_object({"waiting": COUNT, "dead": to_list(_OPEN)}),
        "SignerList": to_object({"signers": to_list(_OPEN), "alarms": to_list(_OPEN)}),
        "Document": {**_OPEN, "description": "an OpenAPI document"},
        "Alive": to_object({"alive": _YES}),
        "Ready": to_object({"ready": _YES, "log": refer("LogHead"), "policy": DIGEST}),
    }


def _problem() -> Schema:
    return to_object(
        {
            "type": {"type": "string", "format": "uri"},
            "title": {**TEXT, "description": "what the code means"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {**TEXT, "description": "what it was this time; never match on it"},
            "instance": {**TEXT, "description": "the request's id"},
            "code": {**TEXT, "description": "permanent: match on this"},
            "next": {**TEXT, "description": "what to do"},
            "details": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    )


def _acknowledgement() -> Schema:
    return to_object(
        {
            "kind": TEXT,
            "statement_digest": DIGEST,
            "person": _NAME,
            "transfer_id": to_nullable(DIGEST),
            "index": {**COUNT, "description": "of the entry in the log"},
            "head": {**DIGEST, "description": "the log's chain head after that entry: keep it"},
            "at": TIME,
            "state": to_nullable(STATE),
            "version": to_nullable(COUNT),
            "prediction": to_nullable(refer("Prediction")),
            "not_stopped": to_list(to_object({"transfer_id": DIGEST, "state": STATE})),
        }
    )


def _prediction() -> Schema:
    return to_object(
        {
            "transfer": DIGEST,
            "status": {"type": "string", "enum": [status.value for status in Status]},
            "decided_at": TIME,
            "reasons": to_list(_OPEN),
            "rules": to_list(_OPEN),
            "missing": to_list(_OPEN),
            "uncounted": to_list(_OPEN),
            "seated": to_list(_OPEN),
            "quorum_since": to_nullable(TIME),
            "earliest_at": to_nullable(TIME),
            "prediction": _YES,
            "note": TEXT,
        }
    )


def _row() -> Schema:
    return to_object(
        {
            "id": DIGEST,
            "state": STATE,
            "reason": TEXT,
            "version": COUNT,
            "chain_id": DECIMAL,
            "vault": ADDRESS,
            "asset": ADDRESS,
            "destination": ADDRESS,
            "amount_units": DECIMAL,
            "initiator": _NAME,
            "purpose": TEXT,
            "proposed_at": TIME,
            "expires_at": TIME,
        }
    )


def _shown() -> Schema:
    return to_object(
        {
            "id": DIGEST,
            "state": STATE,
            "reason": TEXT,
            "version": COUNT,
            "received_at": TIME,
            "moved_at": TIME,
            "transfer": refer("Transfer"),
            "summary": to_nullable(TEXT),
            "statements": to_list(_OPEN),
            "prediction": to_nullable(refer("Prediction")),
            "signers": to_list(_OPEN),
            "certificates": to_list(_OPEN),
            "chain": to_nullable(_OPEN),
            "trouble": to_nullable(TEXT),
        }
    )


def _treasury() -> Schema:
    policy = to_object({"digest": DIGEST, "version": COUNT, "expires_at": TIME, "roster": DIGEST})
    return to_object({"treasury": DIGEST, "policy": policy, "log": refer("LogHead")})


def _log_head() -> Schema:
    return to_object({"size": COUNT, "head": DIGEST})


def _log_page() -> Schema:
    entry = to_object({"index": COUNT, "at": TIME, "event": TEXT, "actor": TEXT, "previous": DIGEST, "body": _OPEN})
    return to_object({"entries": to_list(to_object({"entry": entry, "head": DIGEST}))})
