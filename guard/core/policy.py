"""The policy as a pure value: what the treasury holds, where, and under which rules it may leave. Compiled from TOML elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.core.ids import (
    Address,
    AssetId,
    ChainName,
    Digest,
    Label,
    SignerId,
    VaultId,
    is_address,
    is_count,
    is_digest,
    is_name,
    is_symbol,
)
from guard.core.refusing import require
from guard.core.roster import Roster
from guard.core.rules import Approvals, Rule, require_approvals

MAX_UNMINED = 3
DECIMALS_END = 37


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """An EVM chain by the name that the policy uses."""

    name: ChainName
    chain_id: int

    def __post_init__(self) -> None:
        require(is_name(self.name), f"chain {self.name!r} is not a name")
        require(is_count(self.chain_id, least=1), f"chain id of {self.name} is not a positive number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A coin or token, known by chain and address, never by what its contract calls itself."""

    id: AssetId
    chain: ChainName
    address: Address
    decimals: int

    def __post_init__(self) -> None:
        require(is_symbol(self.id), f"asset {self.id!r} is not a symbol")
        require(is_address(self.address), f"address of asset {self.id} is not an address")
        require(is_count(self.decimals, end=DECIMALS_END), f"decimals of {self.id} are not in 0 to {DECIMALS_END - 1}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerIdentity:
    """A signer as the policy knows it: owner address on the Safe, Ed25519 journal key, and where its stop listener is."""

    id: SignerId
    owner: Address
    journal_key: Digest
    stop_address: str

    def __post_init__(self) -> None:
        require(is_name(self.id), f"signer {self.id!r} is not a name")
        require(is_address(self.owner), f"owner of signer {self.id} is not an address")
        require(is_digest(self.journal_key), f"journal key of signer {self.id} is not 32 bytes in hexadecimal")
        require(0 < len(self.stop_address) <= 200, f"stop address of signer {self.id} is missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerEntry:
    """Who owns the Safe, and how many of them must sign, from a nonce on."""

    from_nonce: int
    threshold: int
    signers: tuple[SignerId, ...]

    def __post_init__(self) -> None:
        count = len(self.signers)
        require(is_count(self.from_nonce), "from_nonce of owners is not a nonce")
        require(len(set(self.signers)) == count and count > 0, "owners are missing or stand twice")
        require(is_count(self.threshold, least=1, end=count + 1), "threshold of owners is not in 1 to their number")
        require(
            2 * self.threshold > count,
            f"{self.threshold} of {count} owners is half or less: two groups could sign two things",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """A Safe that holds funds. `owners` are in the order of their first nonces."""

    id: VaultId
    chain: ChainName
    address: Address
    owners: tuple[OwnerEntry, ...]
    max_unmined: int = MAX_UNMINED
    kind: str = "safe"

    def __post_init__(self) -> None:
        require(is_name(self.id), f"vault {self.id!r} is not a name")
        require(is_address(self.address), f"address of vault {self.id} is not an address")
        require(self.kind == "safe", f"kind of vault {self.id} is not safe")
        require(len(self.owners) > 0, f"vault {self.id} has no owners")
        starts = [entry.from_nonce for entry in self.owners]
        require(starts == sorted(set(starts)), f"owners of vault {self.id} are not in the order of their first nonces")
        require(is_count(self.max_unmined, least=1, end=101), f"max_unmined of vault {self.id} is not in 1 to 100")

    @property
    def first_nonce(self) -> int:
        """The first nonce at which this policy's signers act."""
        return self.owners[0].from_nonce

    def owners_at(self, nonce: int) -> OwnerEntry | None:
        """The owners entry that covers a nonce."""
        covering = [entry for entry in self.owners if entry.from_nonce <= nonce]
        return covering[-1] if covering else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEntry:
    """A destination that the treasury knows: label, address, the chains on which it is that, and tags."""

    label: Label
    address: Address
    chains: tuple[ChainName, ...]
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(is_name(self.label), f"label {self.label!r} is not a name")
        require(is_address(self.address), f"address of {self.label} is not an address")
        require(len(self.chains) > 0, f"{self.label} names no chain")
        require(all(is_name(tag) for tag in self.tags), f"a tag of {self.label} is not a name")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowPath:
    """Seats and delay of something that is not a transfer: lifting a freeze, loosening the policy."""

    approvals: Approvals
    delay: int

    def __post_init__(self) -> None:
        require_approvals(self.approvals)
        require(len(self.approvals) > 0, "nobody is asked")
        require(is_count(self.delay), "delay is not a duration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Hard numbers of the policy; durations in seconds. `withstands` is f, the stolen signers that its stops bear."""

    max_transfer_age: int
    settle: int
    withstands: int

    def __post_init__(self) -> None:
        require(is_count(self.max_transfer_age, least=1), "max_transfer_age is not a duration")
        require(is_count(self.settle), "settle is not a duration")
        require(is_count(self.withstands), "withstands is not a count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that a bundle says. Lists are in canonical order, so the same files always make the same bytes."""

    treasury: Digest
    chains: tuple[Chain, ...]
    assets: tuple[Asset, ...]
    signers: tuple[SignerIdentity, ...]
    vaults: tuple[Vault, ...]
    roster: Roster
    book: tuple[BookEntry, ...]
    rules: tuple[Rule, ...]
    unfreeze: SlowPath
    change: SlowPath
    numbers: Numbers
    _chain_ids: dict[ChainName, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_chain_ids", {chain.name: chain.chain_id for chain in self.chains})
        require(is_digest(self.treasury), "treasury id is not 32 bytes in hexadecimal")
        _require_unique("chain", [chain.name for chain in self.chains])
        _require_unique("chain id", [str(chain.chain_id) for chain in self.chains])
        _require_unique("asset", [asset.id for asset in self.assets])
        _require_unique("asset address", [f"{asset.chain} {asset.address}" for asset in self.assets])
        _require_unique("vault", [vault.id for vault in self.vaults])
        _require_unique("vault address", [f"{vault.chain} {vault.address}" for vault in self.vaults])
        _require_unique("signer", [signer.id for signer in self.signers])
        _require_unique("owner", [signer.owner for signer in self.signers])
        _require_unique("journal key", [signer.journal_key for signer in self.signers])
        _require_unique("label", [entry.label for entry in self.book])
        _require_unique("rule", [rule.id for rule in self.rules])

    def chain_id(self, chain: ChainName) -> int | None:
        """The number of a named chain."""
        return self._chain_ids.get(chain)

    def vault_at(self, chain_id: int, address: Address) -> Vault | None:
        """The vault at an address of a chain."""
        return next((v for v in self.vaults if v.address == address and self.chain_id(v.chain) == chain_id), None)

    def asset_at(self, chain_id: int, address: Address) -> Asset | None:
        """The asset at an address of a chain."""
        return next((a for a in self.assets if a.address == address and self.chain_id(a.chain) == chain_id), None)

    def entry_at(self, chain_id: int, address: Address) -> BookEntry | None:
        """The book's entry for a destination on a chain."""
        return next(
            (e for e in self.book if e.address == address and any(self.chain_id(c) == chain_id for c in e.chains)), None
        )

    def asset(self, asset_id: AssetId) -> Asset | None:
        """The asset of that id."""
        return next((asset for asset in self.assets if asset.id == asset_id), None)

    def signer(self, signer_id: SignerId) -> SignerIdentity | None:
        """The signer of that id."""
        return next((signer for signer in self.signers if signer.id == signer_id), None)


def _require_unique(what: str, names: list[str]) -> None:
    require(len(set(names)) == len(names), f"a {what} is named twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A policy together with what its bundle and the reader's own journal say of it.

    `activated_at` is when it became active by the reader's own clock; `enrolled_at` likewise for each key (TRUST §3, §9).
    """

    policy: Policy
    digest: Digest
    roster_digest: Digest
    version: int
    expires_at: int
    activated_at: int
    enrolled_at: dict[Address, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policy that the transfer names, if it is known, and the active one. Rules and delays of both hold (TRUST §4)."""

    named: Edition | None
    active: Edition

    @property
    def both(self) -> tuple[Edition, ...]:
        """The editions whose rules hold, each once."""
        if self.named is None or self.named.digest == self.active.digest:
            return (self.active,)
        return (self.named, self.active)
