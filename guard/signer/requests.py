"""What the two listeners take, as strict JSON in and JSON out. Every verb is named here; there is none that signs bytes or a hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guard.core.decision import Decision
from guard.core.ids import Digest
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.fields import require_fields, take_address, take_count, take_decimal, take_digest, take_list
from guard.signer import records
from guard.signer.cancelling import book_certificate, cancel_stopped, load_held, sign_cancel
from guard.signer.memory import load_freezes, load_memory
from guard.signer.pending import compute_pending
from guard.signer.records import VaultAt
from guard.signer.release_chain import compute_unmined
from guard.signer.signer import Signer
from guard.signer.stopping import take_stop, take_unfreezes
from guard.statements.certificates import certificate_from_json
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement, from_json, transfer_from_json

MOST_STATEMENTS = 200
MOST_CERTIFICATES = 50
CHAIN_ID_END = 2**63
"""No chain has such an id, and the journal's integers end there."""

Verb = Callable[[Signer, Any], dict[str, Any]]


def _take_statements(fields: Mapping[str, Any]) -> tuple[SignedStatement, ...]:
    entries = take_list(fields, "statements")
    if len(entries) > MOST_STATEMENTS:
        raise GuardError("signer.request", f"more than {MOST_STATEMENTS} statements at once")
    return tuple(from_json(entry) for entry in entries)


def _take_transfer(body: Any) -> tuple[Transfer, tuple[SignedStatement, ...]]:
    fields = require_fields(body, ("transfer", "statements"), what="request")
    return transfer_from_json(fields["transfer"]), _take_statements(fields)


def _take_vault(fields: Mapping[str, Any]) -> VaultAt:
    return VaultAt(take_decimal(fields, "chain_id", end=CHAIN_ID_END), take_address(fields, "vault"))


def register(signer: Signer, body: Any) -> dict[str, Any]:
    """Take a transfer with its statements and say what the policy makes of it."""
    transfer, statements = _take_transfer(body)
    received, decision = signer.register(transfer, statements)
    return {
        "transfer_id": compute_transfer_id(transfer),
        "accepted": [{"person": each.person, "digest": each.digest} for each in received.accepted],
        "refused": [refusal.to_json() for refusal in received.refused],
        "decision": _to_json(decision),
    }


def _to_json(decision: Decision) -> dict[str, Any]:
    return decision.to_json()


def release(signer: Signer, body: Any) -> dict[str, Any]:
    """Sign the transfer, or refuse with every check that said no."""
    transfer, statements = _take_transfer(body)
    return signer.release(transfer, statements)


def hand_certificates(signer: Signer, body: Any) -> dict[str, Any]:
    """Every certificate held for a vault from a nonce on."""
    fields = require_fields(body, ("chain_id", "vault", "from_nonce"), what="request")
    return {"certificates": load_held(signer, _take_vault(fields), take_count(fields, "from_nonce"))}


def book(signer: Signer, body: Any) -> dict[str, Any]:
    """Book certificates, each for itself: a bad one is refused alone."""
    entries = take_list(require_fields(body, ("certificates",), what="request"), "certificates")
    if len(entries) > MOST_CERTIFICATES:
        raise GuardError("signer.request", f"more than {MOST_CERTIFICATES} certificates at once")
    booked, refused = 0, []
    for entry in entries:
        try:
            booked += book_certificate(signer, certificate_from_json(entry))
        except GuardError as error:
            refused.append(error.to_json())
    return {"booked": booked, "refused": refused}


def cancel(signer: Signer, body: Any) -> dict[str, Any]:
    """Sign the cancel of a nonce."""
    fields = require_fields(body, ("chain_id", "vault", "nonce"), what="request")
    return sign_cancel(signer, _take_vault(fields), take_count(fields, "nonce"))


def unfreeze(signer: Signer, body: Any) -> dict[str, Any]:
    """Take unfreezes."""
    return take_unfreezes(signer, _take_statements(require_fields(body, ("statements",), what="request")))


def status(signer: Signer, body: Any) -> dict[str, Any]:
    """How the signer stands: for the operator, never for a decision."""
    require_fields(body, (), what="request")
    clock_refusal = signer.tick()
    with signer.journal.reading() as db:
        memory = load_memory(db, signer.owner) if records.load_bundles(db) else None
        freezes = load_freezes(db)
        refused = records.count_refusals(db)
    identity = signer.journal.identity
    return {
        "signer": identity.signer,
        "owner": identity.owner,
        "journal_key": identity.journal_key,
        "treasury": identity.treasury,
        "policy": memory.active.digest if memory else None,
        "counter": signer.journal.read_counter(),
        "clock": None if clock_refusal is None else clock_refusal.to_json(),
        "settled_in": signer.compute_settled_in(memory),
        "freezes": [{"id": each.id, "scope": each.scope.kind.value, "by": each.person} for each in freezes],
        "refused": refused,
        "vaults": [
            {
                "chain_id": str(at.chain_id),
                "vault": at.address,
                "open_nonce": signer.verifier.chain.compute_open_nonce(each),
                "unmined": compute_unmined(each),
                "signed": {str(nonce): page.signed for nonce, page in each.entries() if page.signed},
            }
            for at, each in (memory.books.items() if memory else ())
        ],
    }


def stop(signer: Signer, body: Any) -> dict[str, Any]:
    """Store a veto, rejection or freeze and give the receipt."""
    fields = require_fields(body, ("statement",), what="request")
    return {"receipt": take_stop(signer, from_json(fields["statement"]))}


def pending(signer: Signer, body: Any) -> dict[str, Any]:
    """Every transfer that this signer knows and that could still leave, signed and dated."""
    fields = require_fields(body, ("challenge",), what="request")
    return {"pending": compute_pending(signer, take_digest(fields, "challenge"))}


def cancel_of_stopped(signer: Signer, body: Any) -> dict[str, Any]:
    """The cancel of a transfer that is stopped here."""
    fields = require_fields(body, ("transfer",), what="request")
    return cancel_stopped(signer, take_digest(fields, "transfer"))  # type: ignore[arg-type]


COMMAND_VERBS: dict[str, Verb] = {
    "register": register,
    "release": release,
    "certificates": hand_certificates,
    "book": book,
    "cancel": cancel,
    "unfreeze": unfreeze,
    "status": status,
}
"""For the worker alone."""

STOP_VERBS: dict[str, Verb] = {
    "stop": stop,
    "pending": pending,
    "cancel": cancel_of_stopped,
    "certificates": hand_certificates,
}
"""For guardians, approvers and admins, without an account."""


def to_challenge(text: str) -> Digest:
    """A caller's 32 random bytes, which make an answer of now unlike one of yesterday."""
    return take_digest({"challenge": text}, "challenge")
