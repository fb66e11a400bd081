"""Proposing a transfer: from words such as `9000 USDC` and a label to an exact intent, signed by its initiator."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from guard.cli.asking import load_key, require_yes
from guard.cli.clock import read_now
from guard.cli.desk import Desk
from guard.cli.folder import create_folder, keep_statement
from guard.cli.submitting import describe_acknowledged, submit
from guard.cli.voice import Voice
from guard.cli.words import compute_close, to_groups
from guard.clients.reported import Acknowledged
from guard.core.ids import NO_TRANSFER, Address, AssetId, PersonId, TransferId
from guard.core.policy import Asset, Vault
from guard.core.transfer import Action, Transfer
from guard.effects.summary import render_summary
from guard.errors import AdapterError, GuardError
from guard.formats.amounts import parse_amount, parse_duration
from guard.formats.keccak import require_address, require_digest, to_digest
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.statements.signing import sign
from guard.statements.values import Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an initiator asks for, in their own words."""

    vault: str
    amount: str
    to: str
    purpose: str
    again: str | None
    valid_for: str


def propose(
    voice: Voice, desk: Desk, wish: Wish, key: Path, out: Path | None, *, asking: tuple[Path | None, bool]
) -> None:
    """Make the transfer, show its summary, sign the proposal; post it where there is a server, else write its folder."""
    password_file, is_agreed = asking
    wanted = read_wish(desk, wish)
    private_key = load_key(key, password_file)
    person, _ = desk.require_holder(private_key)
    transfer = make_transfer(desk, wish, wanted, person.id, read_now())
    proposal = Proposal(transfer)
    transfer_id = compute_transfer_id(transfer)
    summary = render_summary(transfer, desk.policy)
    voice.note(summary, "", f"transfer {transfer_id}", f"policy {to_groups(desk.edition.digest)}", "")
    require_yes(f"{person.id}, propose this?", is_given=is_agreed)
    signed = sign(private_key, proposal, desk.treasury)
    desk.require_admitted(signed, transfer.proposed_at, transfer_id)
    kept: dict[str, str | None] = {"folder": None, "file": None}
    if out is not None or not desk.reach.has_server:
        folder = create_folder(out or Path("transfers") / transfer_id[2:14], transfer)
        kept = {"folder": str(folder.path), "file": str(keep_statement(folder.path, signed, person.id))}
    acknowledged = _post(voice, desk, signed, transfer_id) if desk.reach.has_server else None
    where = [f"proposed: {kept['folder']}"] if kept["folder"] else []
    where += [] if acknowledged is None else [f"proposed: {transfer_id}", *describe_acknowledged(acknowledged)]
    voice.tell(
        {
            "transfer": transfer_id,
            **kept,
            "digest": compute_digest(proposal, desk.treasury),
            "summary": summary,
            "server": None if acknowledged is None else acknowledged.to_json(),
        },
        *where,
        "next: guard approve there, by as many people as the policy asks"
        if acknowledged is None
        else f"next: guard approve {transfer_id[:10]}, by as many people as the policy asks",
    )


def make_transfer(
    desk: Desk, wish: Wish, wanted: tuple[Asset, Vault, int, Address], initiator: PersonId, now: int
) -> Transfer:
    """The exact intent of a wish, like no other by its uniqueness."""
    asset, vault, amount_units, destination = wanted
    return Transfer(
        treasury=desk.treasury,
        chain_id=desk.require_chain_id(vault.chain),
        vault=vault.address,
        action=Action.TRANSFER,
        asset=asset.address,
        destination=destination,
        amount_units=amount_units,
        purpose=wish.purpose,
        initiator=initiator,
        policy=desk.edition.digest,
        uniqueness=to_digest(secrets.token_bytes(32)),
        proposed_at=now,
        expires_at=now + parse_duration(wish.valid_for),
        again=NO_TRANSFER if wish.again is None else TransferId(require_digest(wish.again)),
    )


def _post(voice: Voice, desk: Desk, signed: SignedStatement, transfer_id: TransferId) -> Acknowledged:
    """Post the proposal. Without an answer it may have arrived: proposing it again would make a second transfer."""
    try:
        return submit(voice, desk, signed)
    except AdapterError as trouble:
        hint = f"it may be stored: look with guard show {transfer_id[:18]} before you propose it again"
        raise AdapterError(trouble.code, trouble.message, hint=hint, details={"transfer": transfer_id}) from trouble


def read_wish(desk: Desk, wish: Wish) -> tuple[Asset, Vault, int, Address]:
    """Asset, vault, amount in units, destination; refused where anything is unknown or has no unit."""
    vault = desk.require_vault(wish.vault)
    decimals_of = {str(asset.id): asset.decimals for asset in desk.policy.assets}
    named, amount_units = parse_amount(wish.amount, decimals_of)
    if amount_units == 0:
        raise GuardError("amount.range", "the amount is zero")
    asset = desk.policy.asset(AssetId(named))
    if asset is None or asset.chain != vault.chain:
        raise GuardError("cli.asset-elsewhere", f"{named} is not on chain {vault.chain}, where vault {vault.id} is")
    return asset, vault, amount_units, find_destination(desk, vault, wish.to)


def find_destination(desk: Desk, vault: Vault, to: str) -> Address:
    """A label of the address book on the vault's chain, or an address with its checksum."""
    if to.startswith("0x"):
        return require_address(to)
    here = {str(entry.label): entry.address for entry in desk.policy.book if vault.chain in entry.chains}
    if to not in here:
        message = f"there is no label {to[:60]!r} on chain {vault.chain}"
        raise GuardError("cli.destination-unknown", message, hint=compute_close(to, here))
    return here[to]
