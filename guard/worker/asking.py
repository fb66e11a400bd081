"""Asking every signer, and keeping apart what one said, why one refused, and that one said nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from guard.clients.signer_client import SignerError
from guard.core.ids import SignerId
from guard.errors import AdapterError, GuardError
from guard.worker.world import Contact, World


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


def to_reasons(refused: SignerError) -> tuple[Reason, ...]:
    """Every check that said no, or the one reason of a request that was refused as a whole."""
    told = tuple(
        Reason(code=str(each.get("code")), message=str(each.get("message")), held=each.get("held") is True)
        for each in refused.refusals
    )
    return told or (Reason(code=refused.code, message=refused.message, held=False),)


def to_reason(error: GuardError | AdapterError) -> Reason:
    """An answer that could not be used: the signer must not be believed in this."""
    return Reason(code=error.code, message=error.message, held=False)
