"""What stops a transfer, and what lifts a freeze again: stopping takes one person, lifting takes seats and time (P6)."""

from __future__ import annotations

from collections.abc import Iterable

from guard.core.facts import FreezeInForce, Outage, Scope, ScopeKind, SeenUnfreeze
from guard.core.ids import Digest, PersonId
from guard.core.policy import Edition
from guard.core.quorum import Seat, compute_earliest_at, compute_quorum_since
from guard.core.transfer import Transfer


def is_in_scope(scope: Scope, transfer: Transfer, approved_by: frozenset[PersonId]) -> bool:
    """Whether a freeze of this scope holds the transfer. A frozen person's approval holds what they approved."""
    if scope.kind is ScopeKind.EVERYTHING:
        return True
    if scope.kind is ScopeKind.PERSON:
        return scope.person == transfer.initiator or scope.person in approved_by
    account = {
        ScopeKind.VAULT: transfer.vault,
        ScopeKind.ASSET: transfer.asset,
        ScopeKind.DESTINATION: transfer.destination,
    }[scope.kind]
    return (scope.chain_id, scope.account) == (transfer.chain_id, account)


def compute_holding(
    freezes: Iterable[FreezeInForce], transfer: Transfer, approved_by: frozenset[PersonId]
) -> tuple[FreezeInForce, ...]:
    """The freezes in force that hold the transfer."""
    return tuple(freeze for freeze in freezes if is_in_scope(freeze.scope, transfer, approved_by))


def is_lifted(
    freeze_id: Digest,
    unfreezes: Iterable[SeenUnfreeze],
    active: Edition,
    now: int,
    outages: tuple[Outage, ...],
    *,
    frozen_at: int,
) -> bool:
    """Whether the seats and the delay of `[unfreeze]` are met for one freeze by statements that count now.

    `frozen_at` is when this signer stored the freeze. The delay never begins before it, or unfreezes that were brought first would lift
    a freeze in the moment in which it arrives (TRUST §2: never one that the signer has not seen).
    """
    seats = tuple(_to_seat(unfreeze) for unfreeze in unfreezes if _counts(unfreeze, freeze_id, active, now))
    asked = tuple((group, count, seats) for group, count in active.policy.unfreeze.approvals)
    since = compute_quorum_since(asked, active.policy.roster)
    if since is None:
        return False
    return compute_earliest_at(max(since, frozen_at), active.policy.unfreeze.delay, now, outages) <= now


def _to_seat(unfreeze: SeenUnfreeze) -> Seat:
    return Seat(unfreeze.person, unfreeze.first_seen_at)


def _counts(unfreeze: SeenUnfreeze, freeze_id: Digest, active: Edition, now: int) -> bool:
    holder = active.policy.roster.holder(unfreeze.key)
    enrolled_at = active.enrolled_at.get(unfreeze.key)
    return (
        freeze_id in unfreeze.ids
        and unfreeze.roster == active.roster_digest
        and holder is not None
        and holder[0].id == unfreeze.person
        and not holder[0].machine
        and holder[1].display
        and enrolled_at is not None
        and min(unfreeze.signed_at, unfreeze.first_seen_at) >= enrolled_at
        and now < unfreeze.expires_at
    )
