"""Stops at the signer: stored durably whatever the clock, then receipted; and what lifts a freeze again (TRUST §6)."""

from __future__ import annotations

from typing import Any

from guard.core.ids import Digest, PersonId, TransferId
from guard.core.stops import is_in_scope
from guard.errors import GuardError, Refusal
from guard.signer import records
from guard.signer.memory import Memory, load_freezes, load_memory, to_statement
from guard.signer.receiving import Receiving, store_statement
from guard.signer.signer import Signer
from guard.statements.admission import Admitted, admit
from guard.statements.signed import SignedStatement
from guard.statements.testimony import RECEIPT
from guard.statements.values import Freeze, Rejection, Statement, Unfreeze, Veto, kind_of

BARRED_FOR = 7 * 86400
"""For so long a guardian whose freeze a quorum lifted cannot freeze again; every other guardian still can, and vetoes stay."""

STOPS = (Veto, Rejection, Freeze)


def take_stop(signer: Signer, signed: SignedStatement) -> dict[str, Any]:
    """Store a stop and give the receipt: which transfers in its scope this signer has signed and not seen final.

    Neither clock nor endpoint has a say in it. Raises the first refusal; a stop that is stored already gets its receipt again.
    """
    if not isinstance(signed.statement, STOPS):
        raise GuardError("signer.not-a-stop", f"a statement of kind {kind_of(signed.statement)} stops nothing")
    with signer.journal.writing() as db:
        now = signer.clock.read().wall
        memory = load_memory(db, signer.owner)
        receiving = Receiving(checks=signer.verifier.statement_checks, memory=memory, now=now, clock_is_good=False)
        outcome = admit(receiving.checks, signed, receiving.context(None))
        if isinstance(outcome, Refusal):
            raise GuardError(outcome.code, outcome.message)
        if isinstance(signed.statement, Freeze):
            _require_unspent(db, signed.statement)
        if not records.has_statement(db, outcome.person, outcome.digest):
            # Only a new stop is counted: whoever has seen a guardian's stops could bring them again until that guardian is locked out.
            signer.stops_by_key.require(outcome.key)
            _require_not_barred(db, signed.statement, outcome.person, max(now, records.load_high_water(db)))
            store_statement(db, receiving, signed, outcome)
        fields = {
            "statement": outcome.digest,
            "kind": kind_of(signed.statement),
            "stored_at": now,
            "signed": _compute_signed(db, memory, signed.statement, outcome.transfer_id),
        }
    return signer.testify(RECEIPT, **fields)


def _require_unspent(db: Any, freeze: Freeze) -> None:
    if freeze.id in records.load_lifted(db):
        raise GuardError("stop.spent", "a quorum has lifted this freeze; freeze again under a new id")


def _require_not_barred(db: Any, stop: Statement, person: PersonId, now: int) -> None:
    """`now` is never before the mark: a clock that is behind makes no bar last longer."""
    if not isinstance(stop, Freeze):
        return
    lifted = records.load_lifted(db)
    own = [row for row in records.load_statements_of_kind(db, "freeze") if row.person == person]
    ends = [
        lifted[said.id] for row in own if isinstance(said := to_statement(row).statement, Freeze) and said.id in lifted
    ]
    if any(now < at + BARRED_FOR for at in ends):
        raise GuardError("stop.barred", f"a quorum lately lifted a freeze of {person}; another guardian can freeze")


def _compute_signed(db: Any, memory: Memory, stop: Statement, about: TransferId | None) -> list[dict[str, Any]]:
    """What of the stop's scope was signed here and not seen final."""
    found = []
    for at, book in memory.books.items():
        for nonce, page in book.entries():
            if page.signed is None or page.seen_final_at is not None:
                continue
            if page.signed == about or (isinstance(stop, Freeze) and _is_held(db, memory, stop, page.signed)):
                found.append(
                    {"transfer": page.signed, "chain_id": str(at.chain_id), "vault": at.address, "nonce": nonce}
                )
    return found


def _is_held(db: Any, memory: Memory, freeze: Freeze, transfer_id: TransferId) -> bool:
    rows = records.load_statements(db, transfer_id)
    approved_by = frozenset(row.person for row in rows if row.kind == "approval")
    return is_in_scope(freeze.scope, memory.transfers[transfer_id], approved_by)


def take_unfreezes(signer: Signer, statements: tuple[SignedStatement, ...]) -> dict[str, Any]:
    """Store unfreezes and lift what their seats and delay lift. One that names a freeze not seen here is refused."""
    look = signer.look()
    accepted: list[str] = []
    refused: list[Refusal] = []
    with signer.journal.writing() as db:
        now, clock_refusal = signer.observe(db, look)
        memory = load_memory(db, signer.owner)
        receiving = Receiving(
            checks=signer.verifier.statement_checks, memory=memory, now=now, clock_is_good=clock_refusal is None
        )
        known = _load_freeze_ids(db)
        for signed in statements:
            outcome = _admit_unfreeze(receiving, signed, known)
            if isinstance(outcome, Refusal):
                refused.append(outcome)
                continue
            store_statement(db, receiving, signed, outcome)
            accepted.append(outcome.person)
        signer.observe(db, look)
        in_force = [freeze.id for freeze in load_freezes(db)]
        lifted = sorted(records.load_lifted(db))
    return {
        "accepted": accepted,
        "refused": [refusal.to_json() for refusal in refused],
        "in_force": in_force,
        "lifted": lifted,
    }


def _load_freeze_ids(db: Any) -> frozenset[Digest]:
    found = (to_statement(row).statement for row in records.load_statements_of_kind(db, "freeze"))
    return frozenset(said.id for said in found if isinstance(said, Freeze))


def _admit_unfreeze(receiving: Receiving, signed: SignedStatement, known: frozenset[Digest]) -> Admitted | Refusal:
    outcome = admit(receiving.checks, signed, receiving.context(None))
    return outcome if isinstance(outcome, Refusal) else _find_unfreeze_refusal(signed.statement, known) or outcome


def _find_unfreeze_refusal(statement: Statement, known: frozenset[Digest]) -> Refusal | None:
    if not isinstance(statement, Unfreeze):
        return Refusal(
            "signer.statement-kind", f"a statement of kind {kind_of(statement)} lifts no freeze", check="kind"
        )
    unseen = sorted(set(statement.ids) - known)
    if unseen:
        return Refusal(
            "stop.unseen", f"freeze {unseen[0][:10]} was never seen here, so it cannot be lifted", check="seen"
        )
    return None
