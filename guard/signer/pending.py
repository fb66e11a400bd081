"""What could still leave, in a signer's own signed words: for guardians who watch without the server (TRUST §6)."""

from __future__ import annotations

import sqlite3
from typing import Any

from guard.core.decide import compute_decision
from guard.core.ids import Digest, TransferId
from guard.core.transfer import Transfer
from guard.formats.canonical import parse_json
from guard.signer import records
from guard.signer.memory import Memory, compute_policies, load_facts, load_freezes, load_memory, load_watched
from guard.signer.records import VaultAt
from guard.signer.signer import Signer
from guard.statements.signed import transfer_to_json
from guard.statements.testimony import PENDING


def compute_pending(signer: Signer, challenge: Digest) -> dict[str, Any]:
    """Every transfer that was proposed or signed here and could still leave, with its quorum and earliest release."""
    now = signer.clock.read().wall
    with signer.journal.reading() as db:
        memory = load_memory(db, signer.owner)
        # A clock that runs ahead hides nothing: what has ended must have ended by a time at which the clock was good.
        seen = min(now, records.load_high_water(db))
        transfers = [
            _describe(signer, db, memory, transfer_id=each, transfer=transfer, now=now)
            for each, transfer in load_watched(db, memory).items()
            if _may_still_leave(memory, each, transfer, seen)
        ]
        freezes = [{"id": each.id, "scope": each.scope.kind.value, "by": each.person} for each in load_freezes(db)]
    fields = {
        "at": now,
        "policy": memory.active.digest,
        "transfers": transfers,
        "freezes": freezes,
        "challenge": challenge,
    }
    return signer.testify(PENDING, **fields)


def _nonces(memory: Memory, transfer_id: TransferId, transfer: Transfer) -> list[int]:
    book = memory.books.get(VaultAt(transfer.chain_id, transfer.vault))
    return (
        []
        if book is None
        else [nonce for nonce, page in book.entries() if transfer_id in (page.certified | {page.signed})]
    )


def _may_still_leave(memory: Memory, transfer_id: TransferId, transfer: Transfer, now: int) -> bool:
    """A signed one may leave after its own end, too: a signature cannot be called back."""
    book = memory.books.get(VaultAt(transfer.chain_id, transfer.vault))
    nonces = _nonces(memory, transfer_id, transfer)
    if book is None or not nonces:
        return now < transfer.expires_at
    return any(book.page(nonce).seen_final_at is None for nonce in nonces)


def _load_proposal(db: sqlite3.Connection, transfer_id: TransferId) -> Any:
    rows = (row for row in records.load_statements(db, transfer_id) if row.kind == "proposal")
    return next((parse_json(row.body) for row in rows), None)


def _describe(
    signer: Signer, db: sqlite3.Connection, memory: Memory, *, transfer_id: TransferId, transfer: Transfer, now: int
) -> dict[str, Any]:
    facts = load_facts(db, signer.verifier.chain, memory, transfer_id, now)
    decision = compute_decision(signer.verifier.decision, transfer, compute_policies(memory, transfer), facts)
    return {
        "id": transfer_id,
        "transfer": transfer_to_json(transfer),
        "proposal": _load_proposal(db, transfer_id),
        "status": decision.status.value,
        "reasons": [reason.code for reason in decision.reasons],
        "quorum_since": decision.quorum_since,
        "earliest_at": decision.earliest_at,
        "signed_at_nonces": _nonces(memory, transfer_id, transfer),
    }
