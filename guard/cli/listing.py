"""Lists of transfers as the server gives them: to find one's way. Whatever is signed afterwards is computed from the transfer itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard.cli.desk import Desk
from guard.cli.voice import Voice, to_table, to_visible_line
from guard.clients.reported import refuse_answer
from guard.core.ids import Address
from guard.effects.visible import to_utc
from guard.errors import GuardError
from guard.formats.amounts import from_units, to_grouped
from guard.formats.fields import take_address, take_count, take_decimal, take_digest, take_text

ID_SHOWN = 12
HEARSAY = "as the server says; guard show ID computes it here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which transfers are wanted."""

    state: str | None = None
    vault: str | None = None
    initiator: str | None = None
    before: str | None = None
    limit: int = 50


def show_list(voice: Voice, desk: Desk, wanted: Wanted) -> None:
    """Transfers by state, vault and initiator, the newest first."""
    query: dict[str, str | int] = {"limit": wanted.limit}
    named = {"state": wanted.state, "initiator": wanted.initiator, "before": wanted.before}
    query |= {name: value for name, value in named.items() if value is not None}
    if wanted.vault is not None:
        query["vault"] = desk.require_vault(wanted.vault).address
    _tell(voice, desk, desk.reach.open_books().get("/v1/transfers", query), "there is none")


def show_inbox(voice: Voice, desk: Desk) -> None:
    """What waits for this person's approval, as the server predicts."""
    _tell(voice, desk, desk.reach.open_books().get("/v1/inbox"), "nothing waits for you")


def _tell(voice: Voice, desk: Desk, said: Any, nothing: str) -> None:
    listed = said.get("transfers") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        raise refuse_answer("the server's list of transfers cannot be read")
    rows = [to_row(desk, each) for each in listed]
    head = [("id", "state", "vault", "amount", "to", "initiator", "expires", "purpose")] if rows else []
    lines = to_table([*head, *rows])
    voice.tell({"transfers": listed}, *([*lines, "", HEARSAY] if rows else [nothing]))


def to_row(desk: Desk, said: Any) -> tuple[str, ...]:
    """One line of the list, with this bundle's names for accounts and assets. Raises `client.mismatch`."""
    try:
        if not isinstance(said, dict):
            raise GuardError("json.field-type", "a row is not an object")
        return (
            take_digest(said, "id")[:ID_SHOWN],
            to_visible_line(take_text(said, "state")),
            _name_vault(desk, take_address(said, "vault")),
            _to_amount(desk, said),
            _name_destination(desk, take_address(said, "destination")),
            to_visible_line(take_text(said, "initiator")),
            to_utc(take_count(said, "expires_at")),
            to_visible_line(take_text(said, "purpose")),
        )
    except (GuardError, KeyError) as trouble:
        raise refuse_answer("a row of the server's list cannot be read") from trouble


def _name_vault(desk: Desk, address: Address) -> str:
    return next((str(vault.id) for vault in desk.policy.vaults if vault.address == address), address)


def _name_destination(desk: Desk, address: Address) -> str:
    return next((str(entry.label) for entry in desk.policy.book if entry.address == address), address)


def _to_amount(desk: Desk, said: Mapping[str, Any]) -> str:
    units, address = take_decimal(said, "amount_units"), take_address(said, "asset")
    chains = {vault.chain for vault in desk.policy.vaults if vault.address == said["vault"]}
    for asset in desk.policy.assets:
        if asset.address == address and asset.chain in chains:
            return f"{to_grouped(from_units(units, asset.decimals))} {asset.id}"
    return f"{units} units of {address}"
