"""Reads the parameters of a query strictly: what cannot be is refused with `request.query`, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping

from guard.core.ids import Address, PersonId, TransferId, is_digest, is_name
from guard.core.lifecycle import State
from guard.errors import GuardError
from guard.formats.keccak import require_address
from guard.ports.books import TransferQuery
from guard.web.exchange import Call
from guard.web.operation import Parameter
from guard.web.schemas import ADDRESS, DIGEST, STATE

MOST_AT_ONCE = 200
PAGE = 50
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE, "default": PAGE}
INDEX_END = 2**53

LIMIT = Parameter(name="limit", place="query", says="how many at once", schema=_LIMIT)
START = Parameter(
    name="start",
    place="query",
    says="index of the first entry",
    schema={"type": "integer", "minimum": 0, "maximum": INDEX_END - 1, "default": 0},
)
TRANSFER_PARAMETERS = (
    Parameter(name="state", place="query", says="only transfers of this state", schema=STATE),
    Parameter(name="vault", place="query", says="only transfers of this vault", schema=ADDRESS),
    Parameter(
        name="initiator",
        place="query",
        says="only transfers by this person",
        schema={"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "maxLength": 64},
    ),
    Parameter(name="before", place="query", says="the transfer after which the list goes on", schema=DIGEST),
    LIMIT,
)


def take_transfer_query(call: Call) -> TransferQuery:
    """Which transfers are asked for."""
    asked = call.parameters(*(each.name for each in TRANSFER_PARAMETERS))
    return TransferQuery(
        states=(_to_state(asked["state"]),) if "state" in asked else (),
        vault=_to_vault(asked["vault"]) if "vault" in asked else None,
        initiator=_to_person(asked["initiator"]) if "initiator" in asked else None,
        before=_to_transfer_id(asked["before"]) if "before" in asked else None,
        limit=_to_limit(asked),
    )


def take_page(call: Call) -> tuple[int, int]:
    """From which index on, and how many."""
    asked = call.parameters("start", "limit")
    return _to_number("start", asked.get("start", "0"), least=0, end=INDEX_END), _to_limit(asked)


def _to_limit(asked: Mapping[str, str]) -> int:
    return _to_number("limit", asked.get("limit", str(PAGE)), least=1, end=MOST_AT_ONCE + 1)


def _to_number(name: str, text: str, *, least: int, end: int) -> int:
    is_plain = text.isascii() and text.isdigit() and len(text) <= 16 and (text == "0" or text[0] != "0")
    if not is_plain or not least <= int(text) < end:
        raise GuardError("request.query", f"{name} is not a whole number from {least} to {end - 1}")
    return int(text)


def _to_state(text: str) -> State:
    for state in State:
        if state.value == text:
            return state
    raise GuardError("request.query", f"state {text[:40]!r} is none of those that a transfer can have")


def _to_vault(text: str) -> Address:
    try:
        return require_address(text)
    except GuardError as error:
        raise GuardError("request.query", f"vault: {error.message}") from None


def _to_person(text: str) -> PersonId:
    if not is_name(text):
        raise GuardError("request.query", "initiator is not a person's id")
    return PersonId(text)


def _to_transfer_id(text: str) -> TransferId:
    if not is_digest(text):
        raise GuardError("request.query", "before is not a transfer's whole id")
    return TransferId(text)
