"""What becomes of refused statements: those that a key of the roster signed are evidence and are logged; all others are only counted.

So strangers cannot fill the log, and a key that is misused fills it no faster than its budget lets it.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from guard.core.ids import Digest, PersonId
from guard.errors import GuardError
from guard.ports import Clock
from guard.ports.books import Books
from guard.service.budgets import Budget
from guard.service.editions import Known
from guard.service.messages import make_message
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import SignedStatement, to_json
from guard.statements.signing import recover
from guard.statements.values import kind_of, transfer_of

EVENT = "attempt.refused"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A refused statement whose signature is good, by a key of the roster."""

    signed: SignedStatement
    person: PersonId

    @property
    def digest(self) -> Digest:
        """The statement's digest."""
        return compute_digest(self.signed.statement, self.signed.treasury)


def find_attempt(signed: SignedStatement, known: Known) -> Attempt | None:
    """Whose word the statement is in this treasury, whatever else is wrong with it; None where that is not proven."""
    policy = known.active.policy
    holder = policy.roster.holder(signed.signature.key)
    if holder is None or signed.treasury != policy.treasury:
        return None
    try:
        recover(signed)
    except GuardError:
        return None
    return Attempt(signed, holder[0].id)


class Attempts:
    """Notes what was refused."""

    def __init__(self, books: Books, clock: Clock, budget: Budget):
        self._books = books
        self._clock = clock
        self._budget = budget
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()

    def count(self, error: GuardError) -> None:
        """Count a refusal."""
        with self._lock:
            self._counted[error.code] += 1

    def read_counts(self) -> dict[str, int]:
        """How often each code was given since this process started."""
        with self._lock:
            return dict(self._counted)

    def log(self, attempt: Attempt, error: GuardError) -> None:
        """Put a refused attempt into the log, in a transaction of its own; beyond the key's budget it is only counted."""
        if self._budget.take(attempt.signed.signature.key):
            return
        transfer = transfer_of(attempt.signed.statement)
        transfer_id = None if transfer is None else compute_transfer_id(transfer)
        told: dict[str, Any] = {
            "kind": kind_of(attempt.signed.statement),
            "digest": attempt.digest,
            "code": error.code,
            "message": error.message,
        }
        now = self._clock.read().wall
        with self._books.writing() as writing:
            body = {**told, "statement": to_json(attempt.signed)}
            entry = writing.append(EVENT, actor=attempt.person, at=now, transfer_id=transfer_id, body=body)
            data = {**told, "person": attempt.person, "transfer_id": transfer_id, "log_index": entry.index}
            writing.post([make_message(EVENT, at=now, data=data)])
