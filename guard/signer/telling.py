"""What a signer tells its operator: one line of JSON on standard error for each decision. The record is the journal.

Nothing that was sent stands in a line but ids of a known form, and refusals have a budget, so that strangers cannot fill the disk.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard.core.ids import is_digest
from guard.errors import GuardError
from guard.formats.request_ids import is_request_id
from guard.ports import Clock
from guard.signer.limiting import SourceLimit

QUIET_VERBS = frozenset({"status", "pending", "certificates"})
"""They decide nothing, and are asked all the time."""
REFUSALS_PER_SECOND, REFUSALS_AT_ONCE = 5, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as the listener saw it. `request_id` is the caller's, where it is one."""

    listener: str
    verb: str
    source: str
    request_id: str | None


class Teller:
    """Writes the lines of one signer."""

    def __init__(self, signer: str, clock: Clock):
        self._signer = signer
        self._clock = clock
        self._refusals = SourceLimit(clock, per_second=REFUSALS_PER_SECOND, burst=REFUSALS_AT_ONCE)
        self._lock = threading.Lock()
        self._withheld = 0

    def tell(self, asked: Asked, status: int, answer: Mapping[str, Any]) -> None:
        """The line of one answer, if it is worth one."""
        if status == 200 and asked.verb in QUIET_VERBS:
            return
        with self._lock:
            if status != 200 and not self._may_complain():
                self._withheld += 1
                return
            withheld, self._withheld = self._withheld, 0
        line = {
            "at": self._clock.read().wall,
            "signer": self._signer,
            "listener": asked.listener,
            "verb": asked.verb,
            "source": asked.source,
            "request_id": asked.request_id if is_request_id(asked.request_id) else None,
            "status": status,
            **_describe(answer),
            "withheld": withheld,
        }
        sys.stderr.write(json.dumps({name: value for name, value in line.items() if value}) + "\n")
        sys.stderr.flush()

    def _may_complain(self) -> bool:
        try:
            self._refusals.require("refusals")
        except GuardError:
            return False
        return True


def _describe(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What was decided about which transfer or statement, in words of our own."""
    error, decision, receipt = answer.get("error"), answer.get("decision"), answer.get("receipt")
    fields = receipt.get("fields") if isinstance(receipt, dict) else None
    transfer = answer.get("transfer_id")
    return {
        "transfer": transfer if is_digest(transfer) else None,
        "decision": decision.get("status") if isinstance(decision, dict) else None,
        "signed": "signature" in answer,
        "statement": fields.get("statement") if isinstance(fields, dict) else None,
        "kind": fields.get("kind") if isinstance(fields, dict) else None,
        "booked": answer.get("booked"),
        "code": error.get("code") if isinstance(error, dict) else None,
    }
