"""`treasury.toml`: id, chains, assets, signers, vaults, numbers, and who lifts a freeze and changes the policy."""

from __future__ import annotations

from dataclasses import dataclass

from guard.bundles.order import by_id, by_name, by_text, to_ordered
from guard.bundles.texts import require_stop_address
from guard.core.ids import Address, AssetId, ChainName, Digest, SignerId, VaultId, is_symbol
from guard.core.policy import (
    DECIMALS_END,
    MAX_UNMINED,
    Asset,
    Chain,
    Numbers,
    OwnerEntry,
    SignerIdentity,
    SlowPath,
    Vault,
)
from guard.policyfiles.instants import parse_instant
from guard.policyfiles.problems import Collector
from guard.policyfiles.section import (
    Section,
    read_each,
    refuse_twins,
    require_keys,
    require_section,
    require_top,
    to_placed,
    to_section,
)
from guard.policyfiles.source import Source
from guard.policyfiles.taking import (
    take_address,
    take_approvals,
    take_count,
    take_digest,
    take_duration,
    take_entries,
    take_name,
    take_names,
    take_string,
)

_HEADER = ("format", "treasury", "version", "expires_at")
_UNIQUE = (
    ("chain", ("name",)),
    ("chain", ("chain_id",)),
    ("asset", ("id",)),
    ("asset", ("chain", "address")),
    ("signer", ("id",)),
    ("signer", ("owner",)),
    ("signer", ("journal_key",)),
    ("vault", ("id",)),
    ("vault", ("chain", "address")),
)
_TOP = (*_HEADER, "numbers", "unfreeze", "change", "chain", "asset", "vault", "signer")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftVault:
    """A vault as its file describes it; it has no address before it is deployed."""

    id: VaultId
    chain: ChainName
    address: Address | None
    owners: tuple[OwnerEntry, ...]
    max_unmined: int

    def to_vault(self, address: Address) -> Vault:
        """The vault at an address."""
        return Vault(id=self.id, chain=self.chain, address=address, owners=self.owners, max_unmined=self.max_unmined)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryFile:
    """What `treasury.toml` says. Lists are in canonical order."""

    treasury: Digest
    version: int
    expires_at: int
    numbers: Numbers
    unfreeze: SlowPath
    change: SlowPath
    chains: tuple[Chain, ...]
    assets: tuple[Asset, ...]
    signers: tuple[SignerIdentity, ...]
    vaults: tuple[DraftVault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    treasury: Digest
    version: int
    expires_at: int


def read_treasury(source: Source, collector: Collector) -> TreasuryFile | None:
    """What the file says, or None after everything that is wrong with it has been collected."""
    for refusal in require_top(source, _TOP):
        collector.add(refusal)
    header = collector.attempt(lambda: _read_header(source))
    numbers = collector.attempt(lambda: _read_numbers(require_section(source, "numbers")))
    unfreeze = collector.attempt(lambda: _read_unfreeze(source))
    change = collector.attempt(lambda: _read_slow_path(require_section(source, "change"), "loosening_delay"))
    chains = tuple(read_each(source, collector, "chain", _read_chain))
    assets = tuple(read_each(source, collector, "asset", _read_asset))
    signers = tuple(read_each(source, collector, "signer", read_signer))
    vaults = tuple(read_each(source, collector, "vault", _read_vault))
    for name, fields in _UNIQUE:
        collector.attempt(lambda name=name, fields=fields: refuse_twins(source, name, fields))  # type: ignore[misc]
    if header is None or numbers is None or unfreeze is None or change is None:
        return None
    return TreasuryFile(
        treasury=header.treasury,
        version=header.version,
        expires_at=header.expires_at,
        numbers=numbers,
        unfreeze=unfreeze,
        change=change,
        chains=to_ordered(chains, by_name),
        assets=to_ordered(assets, by_id),
        signers=to_ordered(signers, by_id),
        vaults=to_ordered(vaults, lambda vault: vault.id),
    )


def _read_header(source: Source) -> _Header:
    header = Section(source, (), {name: source.values[name] for name in _HEADER if name in source.values}, source.file)
    require_keys(header, _HEADER)
    return _Header(
        treasury=take_digest(header, "treasury"),
        version=take_count(header, "version", least=1),
        expires_at=_take_instant(header, "expires_at"),
    )


def _take_instant(section: Section, name: str) -> int:
    text = take_string(section, name)
    instant = parse_instant(text)
    if instant is None:
        message = f"{text[:40]!r} is not a day or instant in UTC"
        raise section.refusal(name, "policy.time", message, 'write "2027-11-30" or "2027-11-30T12:00:00Z"')
    return instant


def _read_numbers(section: Section) -> Numbers:
    require_keys(section, ("max_transfer_age", "settle", "withstands"))
    return Numbers(
        max_transfer_age=take_duration(section, "max_transfer_age"),
        settle=take_duration(section, "settle"),
        withstands=take_count(section, "withstands", least=0, end=101),
    )


def _read_unfreeze(source: Source) -> SlowPath:
    section = to_section(source, "unfreeze")
    if section is None:
        message = "treasury.toml has no [unfreeze], so the first freeze would be for ever"
        raise source.refusal((), "policy.unfreeze-missing", message, "add [unfreeze] with approvals and delay")
    return _read_slow_path(section, "delay")


def _read_slow_path(section: Section, delay: str) -> SlowPath:
    require_keys(section, ("approvals", delay))
    return SlowPath(approvals=take_approvals(section, "approvals"), delay=take_duration(section, delay))


def _read_chain(section: Section) -> Chain:
    require_keys(section, ("name", "chain_id"))
    return Chain(name=ChainName(take_name(section, "name")), chain_id=take_count(section, "chain_id", least=1))


def _read_asset(section: Section) -> Asset:
    require_keys(section, ("id", "chain", "address", "decimals"))
    return Asset(
        id=AssetId(take_name(section, "id", is_symbol)),
        chain=ChainName(take_name(section, "chain")),
        address=take_address(section, "address"),
        decimals=take_count(section, "decimals", least=0, end=DECIMALS_END),
    )


def read_signer(section: Section) -> SignerIdentity:
    """A signer as `guard signer add` writes it."""
    require_keys(section, ("id", "owner", "journal_key", "stop_address"))
    stop_address = take_string(section, "stop_address")
    return SignerIdentity(
        id=SignerId(take_name(section, "id")),
        owner=take_address(section, "owner"),
        journal_key=take_digest(section, "journal_key"),
        stop_address=to_placed(section, "stop_address", lambda: require_stop_address(stop_address, "stop_address")),
    )


def _read_vault(section: Section) -> DraftVault:
    owners = ("threshold", "signers", "first_nonce", "owners")
    require_keys(section, ("id", "kind", "chain"), ("address", "max_unmined", *owners))
    if take_name(section, "kind") != "safe":
        raise section.refusal(
            "kind", "policy.not-yet", f"kind of {section.what} is not known to this version", 'write "safe"'
        )
    return DraftVault(
        id=VaultId(take_name(section, "id")),
        chain=ChainName(take_name(section, "chain")),
        address=take_address(section, "address") if section.has("address") else None,
        owners=_read_owners(section),
        max_unmined=take_count(section, "max_unmined", least=1, end=101) if section.has("max_unmined") else MAX_UNMINED,
    )


def _read_owners(section: Section) -> tuple[OwnerEntry, ...]:
    """The short form (threshold, signers, first_nonce) or the long one (owners); never both."""
    short = [name for name in ("threshold", "signers", "first_nonce") if section.has(name)]
    if bool(short) == section.has("owners"):
        message = f"{section.what} must say its owners in one way"
        raise section.refusal(None, "policy.owners-form", message, "write threshold and signers, or owners")
    if not short:
        return tuple(_read_entry(entry, "from_nonce") for entry in take_entries(section, "owners"))
    named = {name: section.values[name] for name in short}
    first = {**named, "first_nonce": named.get("first_nonce", 0)}
    return (_read_entry(Section(section.source, section.path, first, section.what), "first_nonce"),)


def _read_entry(section: Section, nonce: str) -> OwnerEntry:
    require_keys(section, ("threshold", "signers", nonce))
    signers = take_names(section, "signers")
    threshold = take_count(section, "threshold", least=1, end=len(signers) + 1)
    from_nonce = take_count(section, nonce, least=0)
    ordered = to_ordered((SignerId(name) for name in signers), by_text)
    return to_placed(
        section, "threshold", lambda: OwnerEntry(from_nonce=from_nonce, threshold=threshold, signers=ordered)
    )
