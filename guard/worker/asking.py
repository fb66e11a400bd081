"""Asking every signer, and keeping apart what one said, why one refused, and that one said nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from guard.clients.signer_client import SignerError
from guard.core.ids import SignerId, TransferId
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import to_digest
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement, from_json
from guard.statements.values import Proposal
from guard.worker.world import Ask, Contact, World

MOST_REASONS = 40
CODE_LENGTH, LINE_LENGTH = 100, 500
"""How much of what a signer says is taken: no honest one says more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a signer did not do what was asked, as it said itself. `until` is when time alone may cure it."""

    code: str
    message: str
    held: bool
    until: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {"code": self.code, "message": self.message, "held": self.held, "until": self.until}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One signer's answer: what it said, or its reasons. A silent one has neither, and is never agreement."""

    signer: SignerId
    said: Mapping[str, Any] | None = None
    reasons: tuple[Reason, ...] = ()
    is_silent: bool = False


def ask_one(world: World, contact: Contact, verb: str, body: Mapping[str, Any]) -> Answer:
    """One verb of one signer's command listener."""
    try:
        said = world.ask(contact.command, verb, body)
    except SignerError as refused:
        return Answer(signer=contact.id, reasons=to_reasons(refused))
    except AdapterError as trouble:
        reason = Reason(code=trouble.code, message=trouble.message, held=True)
        return Answer(signer=contact.id, reasons=(reason,), is_silent=True)
    return Answer(signer=contact.id, said=said)


def ask_each(world: World, contacts: Iterable[Contact], verb: str, body: Mapping[str, Any]) -> tuple[Answer, ...]:
    """The same verb of every signer, one after the other."""
    return tuple(ask_one(world, contact, verb, body) for contact in contacts)


def ask_proposals(ask: Ask, contact: Contact) -> dict[TransferId, SignedStatement]:
    """The proposals of the transfers that a signer lists as pending, each under the id that its own text has; nothing is verified here."""
    try:
        answer = ask(contact.identity.stop_address, "pending", {"challenge": to_digest(secrets.token_bytes(32))})
        listed = answer["pending"]["fields"]["transfers"]
    except (AdapterError, GuardError, KeyError, TypeError):
        return {}
    found: dict[TransferId, SignedStatement] = {}
    for each in listed if isinstance(listed, list) else ():
        try:
            signed = from_json(each.get("proposal")) if isinstance(each, dict) else None
        except GuardError:
            continue
        if signed is not None and isinstance(signed.statement, Proposal):
            found[compute_transfer_id(signed.statement.transfer)] = signed
    return found


def to_reasons(refused: SignerError) -> tuple[Reason, ...]:
    """Every check that said no, or the one reason of a request that was refused as a whole."""
    told = tuple(
        Reason(code=to_code(each.get("code")), message=to_line(each.get("message")), held=each.get("held") is True)
        for each in refused.refusals[:MOST_REASONS]
    )
    return told or (Reason(code=refused.code, message=to_line(refused.message), held=False),)


def to_code(said: object) -> str:
    """A code as a signer said it, short enough to be kept."""
    return to_line(said)[:CODE_LENGTH]


def to_line(said: object) -> str:
    """What a signer said, as one short line: it is kept and shown, and a signer may say anything."""
    return "".join(each if each.isprintable() else " " for each in str(said)[:LINE_LENGTH])


def to_reason(error: GuardError | AdapterError) -> Reason:
    """An answer that could not be used: the signer must not be believed in this."""
    return Reason(code=error.code, message=error.message, held=False)
