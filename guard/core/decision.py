"""The answer of the policy, as a value: denied, held or releasable, with every reason. Computed each time, never stored as a state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from guard.core.ids import GroupId, PersonId, RuleId, TransferId
from guard.core.rules import Approvals
from guard.core.transfer import Transfer


class Status(Enum):
    """DENIED stays so without another transfer or policy, HELD may pass with time or statements, RELEASABLE is now."""

    DENIED = "denied"
    HELD = "held"
    RELEASABLE = "releasable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a transfer does not leave now: the step that says so, its permanent code, one line, and the rule where it is one's."""

    step: str
    code: str
    message: str
    final: bool
    rule: RuleId | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """What one rule that matched asks of this transfer. `policy` is the digest of the bundle whose rule it is."""

    rule: RuleId
    policy: str
    allow: bool
    deny: bool
    approvals: Approvals
    delay: int


@dataclass(frozen=True, slots=True)
class MissingSeats:
    """So many more people of a group are needed, and who could still be they."""

    group: GroupId
    count: int
    candidates: tuple[PersonId, ...]


@dataclass(frozen=True, slots=True)
class Uncounted:
    """An approval that does not count, and why."""

    person: PersonId
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policy says of one transfer at one time.

    `quorum_since` and `earliest_at` are None while they are not known. A decision has no truth value: ask its status, or
    `require_releasable` for the proof that the release path takes.
    """

    transfer_id: TransferId
    transfer: Transfer
    status: Status
    reasons: tuple[Reason, ...]
    outcomes: tuple[RuleOutcome, ...]
    missing: tuple[MissingSeats, ...]
    uncounted: tuple[Uncounted, ...]
    seated: tuple[tuple[PersonId, GroupId], ...]
    quorum_since: int | None
    earliest_at: int | None
    decided_at: int

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision has no truth value: ask its status")

    def to_json(self) -> dict[str, object]:
        """The stable form for machines."""
        return {
            "transfer": self.transfer_id,
            "status": self.status.value,
            "decided_at": self.decided_at,
            "reasons": [_reason_to_json(reason) for reason in self.reasons],
            "rules": [_outcome_to_json(outcome) for outcome in self.outcomes],
            "missing": [{"group": m.group, "count": m.count, "candidates": list(m.candidates)} for m in self.missing],
            "uncounted": [{"person": u.person, "code": u.code} for u in self.uncounted],
            "seated": [{"person": person, "group": group} for person, group in self.seated],
            "quorum_since": self.quorum_since,
            "earliest_at": self.earliest_at,
        }


def _reason_to_json(reason: Reason) -> dict[str, object]:
    return {
        "step": reason.step,
        "code": reason.code,
        "message": reason.message,
        "final": reason.final,
        "rule": reason.rule,
        "until": reason.until,
    }


def _outcome_to_json(outcome: RuleOutcome) -> dict[str, object]:
    return {
        "rule": outcome.rule,
        "policy": outcome.policy,
        "allow": outcome.allow,
        "deny": outcome.deny,
        "approvals": dict(outcome.approvals),
        "delay": outcome.delay,
    }
