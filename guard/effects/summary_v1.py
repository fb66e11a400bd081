"""Version 1 of the summary. Signatures were given over it: not a byte of it may change, a change is a new version."""

from __future__ import annotations

from guard.core.ids import NATIVE, NO_DIGEST
from guard.core.policy import Asset, Chain, Policy, Vault
from guard.core.transfer import Action, Transfer
from guard.effects.visible import to_chunks, to_utc, to_visible
from guard.errors import GuardError
from guard.formats.amounts import from_units, to_grouped

_UNIQUENESS_SHOWN = 18
"""0x and 16 figures: enough to tell two otherwise equal transfers apart by eye."""


def render_summary_v1(transfer: Transfer, policy: Policy) -> str:
    """The transfer in plain ASCII lines, labels taken from the policy's book.

    The purpose is somebody's free text and comes last, so that nothing in it can stand in front of what the lines
    above say.
    """
    if transfer.action is not Action.TRANSFER or transfer.call_data_hash != NO_DIGEST:
        raise GuardError("summary.action", f"summary 1 cannot tell of action {transfer.action.value}")
    asset, vault, chain = _require_known(transfer, policy)
    amount = f"{to_grouped(from_units(transfer.amount_units, asset.decimals))} {asset.id}"
    lines = [
        f"Action: transfer {amount}",
        f"Asset: {asset.id}, {_name_asset(asset)}",
        f"To: {_name_destination(transfer, policy)}, {to_chunks(transfer.destination)}",
        f"From: vault {vault.id}, {to_chunks(vault.address)}",
        f"Chain: {chain.name}, id {chain.chain_id}",
        f"Initiator: {transfer.initiator}",
        f"Proposed: {to_utc(transfer.proposed_at)}",
        f"Expires: {to_utc(transfer.expires_at)}",
        f"Uniqueness: {to_chunks(transfer.uniqueness[:_UNIQUENESS_SHOWN])}",
        *_name_others(transfer),
        f'Purpose: "{to_visible(transfer.purpose)}"',
    ]
    return "\n".join(lines)


def _require_known(transfer: Transfer, policy: Policy) -> tuple[Asset, Vault, Chain]:
    asset = policy.asset_at(transfer.chain_id, transfer.asset)
    vault = policy.vault_at(transfer.chain_id, transfer.vault)
    chain = next((chain for chain in policy.chains if chain.chain_id == transfer.chain_id), None)
    if vault is None or chain is None:
        raise GuardError("summary.vault", f"the policy names no vault {transfer.vault} on chain {transfer.chain_id}")
    if asset is None:
        raise GuardError("summary.asset", f"the policy names no asset {transfer.asset} on chain {transfer.chain_id}")
    return asset, vault, chain


def _name_asset(asset: Asset) -> str:
    return "the chain's own coin" if asset.address == NATIVE else f"token {to_chunks(asset.address)}"


def _name_destination(transfer: Transfer, policy: Policy) -> str:
    entry = policy.entry_at(transfer.chain_id, transfer.destination)
    return "NOT LISTED" if entry is None else entry.label


def _name_others(transfer: Transfer) -> list[str]:
    named = (("Again", str(transfer.again)), ("Supersedes", str(transfer.supersedes)))
    return [f"{word}: {to_chunks(other)}" for word, other in named if other != NO_DIGEST]
