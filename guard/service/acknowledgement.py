"""How a statement was asked to be taken in, and the answer once it is: its place in the log, durable when this is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guard.core.ids import Digest, PersonId, TransferId
from guard.core.lifecycle import State
from guard.core.refusing import require

IDEMPOTENCY_KEY_LENGTH = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything about a request that is not the statement itself.

    `source` is where it came from, as limits know it, and is never stored. `version` is that of the transfer which the asker has read.
    `fingerprint` is the digest of method, route and body: by it two requests under one Idempotency-Key are the same.
    """

    source: str
    idempotency_key: str | None
    version: int | None
    fingerprint: str

    def __post_init__(self) -> None:
        key = self.idempotency_key
        is_key = key is None or (0 < len(key) <= IDEMPOTENCY_KEY_LENGTH and all("!" <= sign <= "~" for sign in key))
        require(is_key, f"Idempotency-Key is not 1 to {IDEMPOTENCY_KEY_LENGTH} visible ASCII characters")
        require(0 < len(self.fingerprint) <= IDEMPOTENCY_KEY_LENGTH, "fingerprint of a request is missing or too long")


@dataclass(frozen=True, slots=True)
class NotStopped:
    """A transfer in the scope of a stop for which the server's books say that the stop may have come too late."""

    transfer_id: TransferId
    state: State

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {"transfer_id": self.transfer_id, "state": self.state.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """That a statement was accepted: whose it is, where it stands in the log, and the chain head after it.

    `state` and `version` are the transfer's now. `prediction` is the decision by the server's facts, where one was made.
    `not_stopped` names what a stop may not stop any more; only signers know, and their receipts say. `is_replay` marks the answer of
    before under the same Idempotency-Key.
    """

    kind: str
    statement_digest: Digest
    person: PersonId
    transfer_id: TransferId | None
    index: int
    head: Digest
    at: int
    state: State | None = None
    version: int | None = None
    prediction: Mapping[str, Any] | None = None
    not_stopped: tuple[NotStopped, ...] = ()
    is_replay: bool = field(default=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The form for machines; the same for a replay."""
        return {
            "kind": self.kind,
            "statement_digest": self.statement_digest,
            "person": self.person,
            "transfer_id": self.transfer_id,
            "index": self.index,
            "head": self.head,
            "at": self.at,
            "state": None if self.state is None else self.state.value,
            "version": self.version,
            "prediction": self.prediction,
            "not_stopped": [each.to_json() for each in self.not_stopped],
        }


def replay_from_json(content: Mapping[str, Any]) -> Acknowledgement:
    """The acknowledgement that was kept under an Idempotency-Key."""
    told = dict(content)
    state = told.pop("state")
    not_stopped = told.pop("not_stopped")
    return Acknowledgement(
        **told,
        state=None if state is None else State(state),
        not_stopped=tuple(NotStopped(each["transfer_id"], State(each["state"])) for each in not_stopped),
        is_replay=True,
    )
