"""What is told outside of each event: bodies in the shape of Standard Webhooks 1.0, with names that people know and no secrets.

A message tells; it proves nothing. Who acts on one looks at the log or asks the signers.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from guard.core.decision import Decision
from guard.core.ids import TransferId
from guard.core.policy import Edition
from guard.core.transfer import Transfer
from guard.effects.summary import render_summary
from guard.effects.visible import to_utc
from guard.errors import GuardError
from guard.formats.canonical import to_canonical
from guard.ports.books import Message


def make_message(event: str, *, at: int, data: Mapping[str, Any]) -> Message:
    """A message under a new random id."""
    body = {"type": event, "timestamp": to_utc(at), "data": data}
    return Message(id=f"msg_{secrets.token_hex(16)}", event=event, body=to_canonical(body).decode(), created_at=at)


def describe_transfer(transfer_id: TransferId, transfer: Transfer, edition: Edition) -> dict[str, Any]:
    """A transfer as a message tells of it: labels where the policy has them, beside what they stand for."""
    policy = edition.policy
    vault = policy.vault_at(transfer.chain_id, transfer.vault)
    asset = policy.asset_at(transfer.chain_id, transfer.asset)
    entry = policy.entry_at(transfer.chain_id, transfer.destination)
    return {
        "id": transfer_id,
        "vault": None if vault is None else vault.id,
        "asset": None if asset is None else asset.id,
        "amount_units": str(transfer.amount_units),
        "destination": None if entry is None else entry.label,
        "destination_address": transfer.destination,
        "initiator": transfer.initiator,
        "summary": find_summary(transfer, edition),
    }


def find_summary(transfer: Transfer, edition: Edition) -> str | None:
    """The canonical summary; None for a transfer of which it cannot tell, which no policy lets out either."""
    try:
        return render_summary(transfer, edition.policy)
    except GuardError:
        return None


def describe_prediction(decision: Decision | None) -> dict[str, Any] | None:
    """What a message says of the future: enough to know by when a veto must come."""
    if decision is None:
        return None
    return {"prediction": True, "status": decision.status.value, "earliest_at": decision.earliest_at}
