"""Whether a vault's open nonce is split or stuck, so that only its cancel goes on (TRUST §5). Pure.

A cancel moves nothing, but what it names is dead and counted, so it is not asked for while a transfer can still reach its threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from guard.core.ids import SignerId, TransferId

Unwilling = Callable[[TransferId], Set[SignerId] | None]
"""The signers that will not sign a transfer at this nonce any more; None for a transfer that is not to be released at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNonce:
    """What is known of a nonce without a certificate: its owners, how many must sign, and what each said that it signed there."""

    owners: frozenset[SignerId]
    threshold: int
    signed: Mapping[SignerId, TransferId]

    def signers_of(self, transfer_id: TransferId) -> frozenset[SignerId]:
        """The owners that signed the transfer here."""
        return frozenset(signer for signer in self.owners if self.signed.get(signer) == transfer_id)

    @property
    def transfers(self) -> tuple[TransferId, ...]:
        """What was signed here, in a fixed order."""
        return tuple(sorted({self.signed[signer] for signer in self.owners if signer in self.signed}))


def can_reach(nonce: OpenNonce, transfer_id: TransferId, unwilling: Set[SignerId]) -> bool:
    """Whether enough owners have signed the transfer here, or have signed nothing and still may."""
    free = {signer for signer in nonce.owners if signer not in nonce.signed and signer not in unwilling}
    return len(nonce.signers_of(transfer_id) | free) >= nonce.threshold


def is_stuck(nonce: OpenNonce, unwilling: Unwilling) -> bool:
    """Whether something was signed here and none of it can become a certificate."""
    if not nonce.transfers:
        return False
    against = ((each, unwilling(each)) for each in nonce.transfers)
    return not any(refusing is not None and can_reach(nonce, each, refusing) for each, refusing in against)


def list_one_short(nonce: OpenNonce) -> tuple[TransferId, ...]:
    """Transfers that lack a single signature here; one is enough for an attacker then."""
    return tuple(each for each in nonce.transfers if len(nonce.signers_of(each)) == nonce.threshold - 1)
