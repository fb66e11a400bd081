"""What a decision needs to know of the world, as values. Who fetches them believes nobody else's word for them (TRUST §1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from guard.core.ids import NATIVE, Address, Digest, PersonId, TransferId, is_count
from guard.core.refusing import require
from guard.core.transfer import Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenProposal:
    """A proposal whose signature was checked: by whose key it is, and when it was first seen."""

    person: PersonId
    key: Address
    first_seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenApproval:
    """An approval whose signature was checked: whose it is, what it says of itself, when it was first seen."""

    person: PersonId
    key: Address
    roster: Digest
    signed_at: int
    expires_at: int
    first_seen_at: int


class ScopeKind(Enum):
    """How far a freeze reaches."""

    EVERYTHING = "everything"
    VAULT = "vault"
    ASSET = "asset"
    DESTINATION = "destination"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a freeze holds: everything, an account on a chain in one of three roles, or what a person initiated or approved."""

    kind: ScopeKind
    chain_id: int = 0
    account: Address = NATIVE
    person: str = ""

    def __post_init__(self) -> None:
        on_chain = self.kind in (ScopeKind.VAULT, ScopeKind.ASSET, ScopeKind.DESTINATION)
        require(
            is_count(self.chain_id, least=1 if on_chain else 0, end=2**256 if on_chain else 1),
            "scope's chain id does not fit its kind",
        )
        require(on_chain or self.account == NATIVE, "scope names an account that its kind has not")
        require((self.person != "") == (self.kind is ScopeKind.PERSON), "scope's person does not fit its kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeInForce:
    """A freeze that was stored and not lifted."""

    id: Digest
    scope: Scope
    person: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenUnfreeze:
    """An unfreeze whose signature was checked."""

    ids: frozenset[Digest]
    person: PersonId
    key: Address
    roster: Digest
    signed_at: int
    expires_at: int
    first_seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Something that a limit counts: reserved or released. `at` is None while it counts as now (TRUST §5)."""

    transfer_id: TransferId
    chain_id: int
    vault: Address
    asset: Address
    destination: Address
    initiator: PersonId
    amount_units: int
    at: int | None

    def __post_init__(self) -> None:
        require(is_count(self.amount_units), "amount of a movement is not in 0 to 2^256 - 1")
        require(self.at is None or is_count(self.at), "at of a movement is not a time")

    @staticmethod
    def of(transfer_id: TransferId, transfer: Transfer, at: int | None) -> Movement:
        """The movement that a transfer makes."""
        return Movement(
            transfer_id=transfer_id,
            chain_id=transfer.chain_id,
            vault=transfer.vault,
            asset=transfer.asset,
            destination=transfer.destination,
            initiator=transfer.initiator,
            amount_units=transfer.amount_units,
            at=at,
        )


@dataclass(frozen=True, slots=True)
class Outage:
    """Time from `start_at` to `end_at` in which the signer did not run; it counts towards no delay."""

    start_at: int
    end_at: int

    def __post_init__(self) -> None:
        require(self.start_at <= self.end_at, "an outage ends before it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that `decide` looks at besides the transfer and the policies."""

    now: int
    transfer_id: TransferId
    proposal: SeenProposal | None = None
    approvals: tuple[SeenApproval, ...] = ()
    rejected_by: frozenset[PersonId] = field(default_factory=frozenset)
    vetoed_by: frozenset[PersonId] = field(default_factory=frozenset)
    freezes: tuple[FreezeInForce, ...] = ()
    movements: tuple[Movement, ...] = ()
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        require(is_count(self.now), "now is not a time")
