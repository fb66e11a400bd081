"""Writing down what a statement did: its entry in the log, its row, the message to the outside, and the answer under its key.

Also finding out that it was written down before. Everything happens inside the transaction of the caller.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guard.core.ids import Digest, PersonId
from guard.errors import GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.ports.books import BooksReading, LogRow, Replay
from guard.service.acknowledgement import Acknowledgement, Asked, replay_from_json
from guard.service.messages import describe_prediction, describe_transfer, make_message
from guard.service.outlook import to_prediction
from guard.service.verbs import Outcome, Turn
from guard.statements.signed import SignedStatement, to_json
from guard.statements.values import Freeze, Rejection, Veto, transfer_of

CREATED = 201


def find_replayed(reading: BooksReading, person: PersonId, asked: Asked) -> Acknowledgement | None:
    """The answer that this person got under this key before. Raises `request.key-reused` where that was to another request."""
    if asked.idempotency_key is None:
        return None
    replay = reading.find_replay(person, asked.idempotency_key)
    if replay is None:
        return None
    if replay.fingerprint != asked.fingerprint:
        raise GuardError("request.key-reused", "the Idempotency-Key stood on another request before")
    return replay_from_json(parse_json(replay.body.encode()))


def require_new(reading: BooksReading, person: PersonId, digest: Digest) -> None:
    """Refuse a statement that is there already, whatever the bytes of its signature, with `statement.known` and its place."""
    row = reading.find_statement(person, digest)
    if row is not None:
        raise GuardError(
            "statement.known",
            f"the statement was accepted before and is entry {row.log_index} of the log",
            details={"index": str(row.log_index), "statement_digest": digest},
        )


def record(turn: Turn, outcome: Outcome, signed: SignedStatement) -> Acknowledgement:
    """Log and store the statement, tell of it, and make the acknowledgement."""
    row, stands = turn.row, outcome.transfer
    entry = turn.writing.append(
        outcome.event,
        actor=row.person,
        at=turn.look.now,
        transfer_id=row.transfer_id,
        body={
            "kind": row.kind,
            "digest": row.digest,
            "statement": to_json(signed),
            "state": None if stands is None else stands.state.value,
            "version": None if stands is None else stands.version,
        },
    )
    turn.writing.add_statement(replace(row, log_index=entry.index))
    turn.writing.post([make_message(outcome.event, at=turn.look.now, data=_describe(turn, outcome, entry))])
    return Acknowledgement(
        kind=row.kind,
        statement_digest=row.digest,
        person=row.person,
        transfer_id=row.transfer_id,
        index=entry.index,
        head=entry.head,
        at=turn.look.now,
        state=None if stands is None else stands.state,
        version=None if stands is None else stands.version,
        prediction=None if outcome.prediction is None else to_prediction(outcome.prediction),
        not_stopped=outcome.not_stopped,
    )


def keep_answer(turn: Turn, asked: Asked, acknowledged: Acknowledgement) -> None:
    """Remember the answer for whoever asks again under the same key."""
    if asked.idempotency_key is not None:
        turn.writing.keep_replay(
            Replay(
                principal=acknowledged.person,
                key=asked.idempotency_key,
                fingerprint=asked.fingerprint,
                status=CREATED,
                body=to_canonical(acknowledged.to_json()).decode(),
                at=acknowledged.at,
            )
        )


def _describe(turn: Turn, outcome: Outcome, entry: LogRow) -> dict[str, Any]:
    """What a message says: who did what to what, and where it stands in the log."""
    said = turn.admitted.statement
    transfer = transfer_of(said)
    about = None
    if transfer is not None:
        about = describe_transfer(turn.transfer_id, transfer, turn.look.known.edition_of(transfer))
    return {
        "person": turn.row.person,
        "statement_digest": turn.row.digest,
        "log_index": entry.index,
        "log_head": entry.head,
        "transfer": about,
        "state": None if outcome.transfer is None else outcome.transfer.state.value,
        "version": None if outcome.transfer is None else outcome.transfer.version,
        "reason": said.reason if isinstance(said, Rejection | Veto | Freeze) else None,
        "scope": _describe_scope(said) if isinstance(said, Freeze) else None,
        "prediction": describe_prediction(outcome.prediction),
        "not_stopped": [each.to_json() for each in outcome.not_stopped],
    }


def _describe_scope(freeze: Freeze) -> dict[str, Any]:
    scope = freeze.scope
    return {
        "id": freeze.id,
        "kind": scope.kind.value,
        "chain_id": str(scope.chain_id),
        "account": scope.account,
        "person": scope.person,
    }
