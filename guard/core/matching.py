"""Which rules speak of a transfer. Every rule that matches applies; there is no first match."""

from __future__ import annotations

from guard.core.policy import Policy
from guard.core.rules import AmountRange, Match, Rule, Tier
from guard.core.transfer import Transfer


def compute_matching(policy: Policy, transfer: Transfer) -> tuple[Rule, ...]:
    """The policy's rules that match, in the order of their ids."""
    return tuple(
        sorted((rule for rule in policy.rules if is_match(rule.match, policy, transfer)), key=lambda rule: rule.id)
    )


def is_match(match: Match, policy: Policy, transfer: Transfer) -> bool:
    """Whether every condition of the match holds. What the policy does not know fits no name in a list."""
    vault = policy.vault_at(transfer.chain_id, transfer.vault)
    asset = policy.asset_at(transfer.chain_id, transfer.asset)
    return (
        _fits(match.vaults, vault and vault.id)
        and _fits(match.assets, asset and asset.id)
        and _fits(match.actions, transfer.action)
        and _fits_destination(match, policy, transfer)
        and _fits_initiator(match, policy, transfer)
        and (match.amount is None or _fits_amount(match.amount, asset and asset.id, transfer.amount_units))
    )


def _fits(chosen: tuple[object, ...] | None, name: object) -> bool:
    return chosen is None or name in chosen


def _fits_destination(match: Match, policy: Policy, transfer: Transfer) -> bool:
    entry = policy.entry_at(transfer.chain_id, transfer.destination)
    listed = match.destination_listed
    return (listed is None or listed == (entry is not None)) and _fits(match.destination_labels, entry and entry.label)


def _fits_initiator(match: Match, policy: Policy, transfer: Transfer) -> bool:
    if match.initiator_people is None and match.initiator_groups is None:
        return True
    named = transfer.initiator in (match.initiator_people or ())
    return named or any(policy.roster.is_member(transfer.initiator, group) for group in match.initiator_groups or ())


def _fits_amount(wanted: AmountRange, asset: object, units: int) -> bool:
    above = wanted.at_least is None or units >= wanted.at_least
    below = wanted.at_most is None or units <= wanted.at_most
    return asset == wanted.asset and above and below


def find_tier(rule: Rule, policy: Policy, transfer: Transfer) -> Tier | None:
    """The first tier that covers the transfer, alone; None above the last one and for another asset than the tiers'."""
    asset = policy.asset_at(transfer.chain_id, transfer.asset)
    return next(
        (
            tier
            for tier in rule.tiers
            if asset is not None and tier.up_to.asset == asset.id and transfer.amount_units <= tier.up_to.units
        ),
        None,
    )
