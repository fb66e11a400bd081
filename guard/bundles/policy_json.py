"""A whole policy as canonical JSON and back: every field named, nothing unknown, every list in its one order.

Chain ids and amounts are decimal strings, since both may be above 2^53; durations are whole seconds. This is the
permanent form that people sign and signers read. It says nothing of whether the policy makes sense: `soundness` does.
"""

from __future__ import annotations

from typing import Any

from guard.bundles import roster_json, rules_json
from guard.bundles.order import by_id, by_label, by_name, by_text, require_ordered
from guard.bundles.texts import require_stop_address
from guard.core.ids import AssetId, ChainName, Label, SignerId, VaultId
from guard.core.policy import Asset, BookEntry, Chain, Numbers, OwnerEntry, Policy, SignerIdentity, SlowPath, Vault
from guard.formats.fields import (
    require_fields,
    take_address,
    take_count,
    take_decimal,
    take_digest,
    take_list,
    take_text,
)

_POLICY = (
    "assets",
    "book",
    "chains",
    "change",
    "numbers",
    "roster",
    "rules",
    "signers",
    "treasury",
    "unfreeze",
    "vaults",
)


def to_json(policy: Policy) -> dict[str, Any]:
    """The policy as an object. Raises `bundle.order` where a list is not in canonical order."""
    numbers = policy.numbers
    return {
        "assets": [_from_asset(asset) for asset in require_ordered(policy.assets, by_id, "assets")],
        "book": [_from_entry(entry) for entry in require_ordered(policy.book, by_label, "book entries")],
        "chains": [_from_chain(chain) for chain in require_ordered(policy.chains, by_name, "chains")],
        "change": _from_slow_path(policy.change, "loosening_delay"),
        "numbers": {
            "max_transfer_age": numbers.max_transfer_age,
            "settle": numbers.settle,
            "withstands": numbers.withstands,
        },
        "roster": roster_json.to_json(policy.roster),
        "rules": [rules_json.to_json(rule) for rule in require_ordered(policy.rules, by_id, "rules")],
        "signers": [_from_signer(signer) for signer in require_ordered(policy.signers, by_id, "signers")],
        "treasury": policy.treasury,
        "unfreeze": _from_slow_path(policy.unfreeze, "delay"),
        "vaults": [_from_vault(vault) for vault in require_ordered(policy.vaults, by_id, "vaults")],
    }


def _from_chain(chain: Chain) -> dict[str, Any]:
    return {"chain_id": str(chain.chain_id), "name": chain.name}


def _from_asset(asset: Asset) -> dict[str, Any]:
    return {"address": asset.address, "chain": asset.chain, "decimals": asset.decimals, "id": asset.id}


def _from_signer(signer: SignerIdentity) -> dict[str, Any]:
    return {
        "id": signer.id,
        "journal_key": signer.journal_key,
        "owner": signer.owner,
        "stop_address": signer.stop_address,
    }


def _from_vault(vault: Vault) -> dict[str, Any]:
    return {
        "address": vault.address,
        "chain": vault.chain,
        "id": vault.id,
        "kind": vault.kind,
        "max_unmined": vault.max_unmined,
        "owners": [_from_owners(entry) for entry in vault.owners],
    }


def _from_owners(entry: OwnerEntry) -> dict[str, Any]:
    signers = list(require_ordered(entry.signers, by_text, "signers of a vault"))
    return {"from_nonce": entry.from_nonce, "signers": signers, "threshold": entry.threshold}


def _from_entry(entry: BookEntry) -> dict[str, Any]:
    return {
        "address": entry.address,
        "chains": list(require_ordered(entry.chains, by_text, f"chains of {entry.label}")),
        "label": entry.label,
        "tags": list(require_ordered(entry.tags, by_text, f"tags of {entry.label}")),
    }


def _from_slow_path(path: SlowPath, delay: str) -> dict[str, Any]:
    return {"approvals": rules_json.from_approvals(path.approvals), delay: path.delay}


def from_json(value: Any) -> Policy:
    """The policy of such an object; strict. Raises the codes of `json.*`, `value.invalid` and `bundle.order`."""
    fields = require_fields(value, _POLICY, what="policy")
    assets = tuple(_to_asset(each) for each in take_list(fields, "assets"))
    book = tuple(_to_entry(each) for each in take_list(fields, "book"))
    chains = tuple(_to_chain(each) for each in take_list(fields, "chains"))
    rules = tuple(rules_json.from_json(each) for each in take_list(fields, "rules"))
    signers = tuple(_to_signer(each) for each in take_list(fields, "signers"))
    vaults = tuple(_to_vault(each) for each in take_list(fields, "vaults"))
    return Policy(
        treasury=take_digest(fields, "treasury"),
        chains=tuple(require_ordered(chains, by_name, "chains")),
        assets=tuple(require_ordered(assets, by_id, "assets")),
        signers=tuple(require_ordered(signers, by_id, "signers")),
        vaults=tuple(require_ordered(vaults, by_id, "vaults")),
        roster=roster_json.from_json(fields["roster"]),
        book=tuple(require_ordered(book, by_label, "book entries")),
        rules=tuple(require_ordered(rules, by_id, "rules")),
        unfreeze=_to_slow_path(fields["unfreeze"], "delay", "unfreeze"),
        change=_to_slow_path(fields["change"], "loosening_delay", "change"),
        numbers=_to_numbers(fields["numbers"]),
    )


def _to_chain(value: Any) -> Chain:
    fields = require_fields(value, ("chain_id", "name"), what="chain")
    return Chain(name=ChainName(take_text(fields, "name")), chain_id=take_decimal(fields, "chain_id"))


def _to_asset(value: Any) -> Asset:
    fields = require_fields(value, ("address", "chain", "decimals", "id"), what="asset")
    return Asset(
        id=AssetId(take_text(fields, "id")),
        chain=ChainName(take_text(fields, "chain")),
        address=take_address(fields, "address"),
        decimals=take_count(fields, "decimals"),
    )


def _to_signer(value: Any) -> SignerIdentity:
    fields = require_fields(value, ("id", "journal_key", "owner", "stop_address"), what="signer")
    return SignerIdentity(
        id=SignerId(take_text(fields, "id")),
        owner=take_address(fields, "owner"),
        journal_key=take_digest(fields, "journal_key"),
        stop_address=require_stop_address(take_text(fields, "stop_address"), "stop address of a signer"),
    )


def _to_vault(value: Any) -> Vault:
    fields = require_fields(value, ("address", "chain", "id", "kind", "max_unmined", "owners"), what="vault")
    return Vault(
        id=VaultId(take_text(fields, "id")),
        kind=take_text(fields, "kind"),
        chain=ChainName(take_text(fields, "chain")),
        address=take_address(fields, "address"),
        owners=tuple(_to_owners(entry) for entry in take_list(fields, "owners")),
        max_unmined=take_count(fields, "max_unmined"),
    )


def _to_owners(value: Any) -> OwnerEntry:
    fields = require_fields(value, ("from_nonce", "signers", "threshold"), what="owners entry")
    return OwnerEntry(
        from_nonce=take_count(fields, "from_nonce"),
        threshold=take_count(fields, "threshold"),
        signers=tuple(SignerId(name) for name in _take_ordered_texts(fields, "signers", "signers of a vault")),
    )


def _to_entry(value: Any) -> BookEntry:
    fields = require_fields(value, ("address", "chains", "label", "tags"), what="book entry")
    return BookEntry(
        label=Label(take_text(fields, "label")),
        address=take_address(fields, "address"),
        chains=tuple(ChainName(name) for name in _take_ordered_texts(fields, "chains", "chains of a book entry")),
        tags=tuple(_take_ordered_texts(fields, "tags", "tags of a book entry")),
    )


def _take_ordered_texts(fields: dict[str, Any], name: str, what: str) -> list[str]:
    values = take_list(fields, name)
    texts = [take_text({name: each}, name) for each in values]
    require_ordered(texts, by_text, what)
    return texts


def _to_slow_path(value: Any, delay: str, what: str) -> SlowPath:
    fields = require_fields(value, ("approvals", delay), what=what)
    # At least a second: what lifts a freeze or loosens the policy is slow by definition (P10).
    return SlowPath(approvals=rules_json.take_approvals(fields), delay=take_count(fields, delay, least=1))


def _to_numbers(value: Any) -> Numbers:
    fields = require_fields(value, ("max_transfer_age", "settle", "withstands"), what="numbers")
    return Numbers(
        max_transfer_age=take_count(fields, "max_transfer_age", least=1),
        settle=take_count(fields, "settle"),
        withstands=take_count(fields, "withstands"),
    )
