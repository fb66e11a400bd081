"""The proposed movement: an intent, without nonce and gas."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from guard.core.ids import (
    NO_DIGEST,
    NO_TRANSFER,
    Address,
    Digest,
    PersonId,
    TransferId,
    is_address,
    is_count,
    is_digest,
    is_name,
)
from guard.core.refusing import require

PURPOSE_LENGTH = 200
UINT64_END = 2**64


class Action(Enum):
    """What a transfer does, as the policy sees it."""

    TRANSFER = "transfer"
    ALLOWANCE = "allowance"
    CALL = "call"
    BATCH = "batch"
    ADMINISTRATION = "administration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What people approve and a vault then carries out. Its id is its EIP-712 struct hash (`guard.statements`).

    `asset` is the token's address, or `NATIVE`; `amount_units` counts the asset's smallest unit. `policy` is the digest of the bundle
    under which it is proposed, `uniqueness` 32 random bytes. `supersedes` and `again` name another transfer or are `NO_DIGEST`.
    """

    treasury: Digest
    chain_id: int
    vault: Address
    action: Action
    asset: Address
    destination: Address
    amount_units: int
    call_data_hash: Digest = NO_DIGEST
    purpose: str
    initiator: PersonId
    policy: Digest
    uniqueness: Digest
    proposed_at: int
    expires_at: int
    supersedes: TransferId = NO_TRANSFER
    again: TransferId = NO_TRANSFER

    def __post_init__(self) -> None:
        for name in ("treasury", "call_data_hash", "policy", "uniqueness", "supersedes", "again"):
            require(is_digest(getattr(self, name)), f"{name} of a transfer is not 32 bytes in hexadecimal")
        for name in ("vault", "asset", "destination"):
            require(is_address(getattr(self, name)), f"{name} of a transfer is not an address")
        for name in ("proposed_at", "expires_at"):
            require(is_count(getattr(self, name), end=UINT64_END), f"{name} of a transfer is not a time")
        require(is_count(self.chain_id, least=1), "chain id of a transfer is not a positive number")
        require(is_count(self.amount_units), "amount of a transfer is not in 0 to 2^256 - 1")
        require(is_name(self.initiator), "initiator of a transfer is not a person's id")
        require(
            len(self.purpose) <= PURPOSE_LENGTH,
            f"purpose is longer than {PURPOSE_LENGTH}",
        )
