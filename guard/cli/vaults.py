"""Making the Safe of a vault with the owners that treasury.toml names, and writing down where it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guard.cli.asking import load_key
from guard.cli.settings import Settings
from guard.cli.voice import Voice
from guard.cli.words import compute_close
from guard.core.ids import Address
from guard.errors import GuardError
from guard.formats.keccak import keccak256
from guard.policyfiles.loading import Draft, load_draft
from guard.policyfiles.treasury_file import DraftVault
from guard.policyfiles.writing import write_vault_address


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeContracts:
    """Which Safe contracts to use: a version's canonical ones, or the given addresses, whose code is checked either way."""

    version: str
    singleton: str | None
    factory: str | None
    fallback_handler: str | None


def deploy_vault(
    voice: Voice, settings: Settings, name: str, contracts: SafeContracts, *, executing: tuple[Path, Path | None]
) -> None:
    """Make the Safe. Repeating it finds the same Safe, whose address follows from treasury, vault and owners."""
    policies = settings.require_path("policies")
    draft = load_draft(policies)
    vault = _require_draft_vault(draft, name)
    entry = vault.owners[0]
    owners = tuple(signer.owner for signer in draft.signers if signer.id in entry.signers)
    chain_id = next(chain.chain_id for chain in draft.chains if chain.name == vault.chain)
    endpoints = settings.table("chains")
    if vault.chain not in endpoints:
        raise GuardError("cli.wrong-chain", f"there is no endpoint for chain {vault.chain}")
    executor_key = load_key(*executing)
    voice.note(f"vault {name} on {vault.chain}: {entry.threshold} of {len(owners)} owners: {', '.join(owners)}")
    address = _deploy(
        endpoints[vault.chain], chain_id, executor_key, contracts, (owners, entry.threshold, _salt(draft, name))
    )
    write_vault_address(policies, name, address)
    voice.tell(
        {"vault": name, "address": address, "chain": vault.chain, "owners": list(owners), "threshold": entry.threshold},
        f"vault {name} is at {address}",
        "next: guard policy build",
    )


def _require_draft_vault(draft: Draft, name: str) -> DraftVault:
    for vault in draft.vaults:
        if vault.id == name:
            return vault
    raise GuardError(
        "cli.vault-unknown",
        f"there is no vault {name[:60]!r}",
        hint=compute_close(name, [str(vault.id) for vault in draft.vaults]),
    )


def _salt(draft: Draft, name: str) -> int:
    return int.from_bytes(keccak256(b"guard-vault-v1\n" + bytes.fromhex(draft.treasury[2:]) + name.encode()), "big")


def _deploy(
    url: str,
    chain_id: int,
    executor_key: bytes,
    contracts: SafeContracts,
    made_of: tuple[tuple[Address, ...], int, int],
) -> Address:
    from guard.chain import Chain, Executor, SafeDeployment, SafeRequest, load_canonical

    owners, threshold, salt_nonce = made_of
    chain = Chain(url)
    chain.require_chain_id(chain_id)
    given = (contracts.singleton, contracts.factory, contracts.fallback_handler)
    if any(given) and not all(given):
        raise GuardError("cli.usage", "give --singleton, --factory and --fallback-handler together, or none of them")
    singleton, factory, handler = given
    deployment = (
        SafeDeployment(version=contracts.version, singleton=singleton, factory=factory, fallback_handler=handler)
        if singleton and factory and handler
        else load_canonical(chain, contracts.version)
    )
    executor = Executor(chain, executor_key, chain_id=chain_id)
    request = SafeRequest(owners=owners, threshold=threshold, salt_nonce=salt_nonce)
    return Address(executor.deploy_safe(deployment, request))
