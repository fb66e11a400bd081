"""What makes a policy unusable whoever wrote it: names that lead nowhere, groups or owners that are too few.

The author's tools and every signer run the same checks, so a bad bundle that was built elsewhere gets no further.
Pure, and it stops at the first problem where one is enough. It calls no policy unwise; that is the work of lint and
analysis.
"""

from __future__ import annotations

from collections.abc import Iterator

from guard.bundles.problem import Location, Problem, unknown_problem, unknown_problems
from guard.bundles.sound_roster import compute_group_sizes, roster_problems, slow_path_problems
from guard.bundles.sound_rules import rule_problems
from guard.core.ids import NATIVE, Address, ChainName, Label
from guard.core.policy import Policy, Vault
from guard.errors import GuardError

NATIVE_DECIMALS = 18


def compute_problems(policy: Policy) -> tuple[Problem, ...]:
    """Everything for which the policy must be refused; empty for a sound one."""
    return tuple(walk_problems(policy))


def require_sound(policy: Policy) -> Policy:
    """The policy, refused at its first problem, with that problem's code."""
    for problem in walk_problems(policy):
        raise GuardError(
            problem.code, problem.message, details={"location": ".".join(str(part) for part in problem.location)}
        )
    return policy


def walk_problems(policy: Policy) -> Iterator[Problem]:
    """The problems one by one, for a reader that has enough of them at some point."""
    sizes = compute_group_sizes(policy.roster)
    yield from _missing_problems(policy)
    yield from _asset_problems(policy)
    yield from _signer_problems(policy)
    for vault in policy.vaults:
        yield from _vault_problems(policy, vault)
    yield from roster_problems(policy)
    yield from _book_problems(policy)
    yield from rule_problems(policy)
    yield from slow_path_problems(policy.unfreeze, sizes, ("unfreeze", "approvals"))
    yield from slow_path_problems(policy.change, sizes, ("change", "approvals"))


def _missing_problems(policy: Policy) -> Iterator[Problem]:
    """A policy without any of these lets nothing leave; it is an unfinished file rather than an intention."""
    sections = {
        "chains": policy.chains,
        "assets": policy.assets,
        "vaults": policy.vaults,
        "signers": policy.signers,
        "people": policy.roster.people,
        "rules": policy.rules,
    }
    for name, entries in sections.items():
        if not entries:
            yield Problem(code="policy.nothing-named", message=f"the policy names no {name}", location=(name,))


def _chain_problems(policy: Policy, chain: ChainName, location: Location) -> Iterator[Problem]:
    if policy.chain_id(chain) is None:
        yield unknown_problem("chain", chain, [known.name for known in policy.chains], (*location, "chain"))


def _asset_problems(policy: Policy) -> Iterator[Problem]:
    for asset in policy.assets:
        yield from _chain_problems(policy, asset.chain, ("assets", asset.id))
        if asset.address == NATIVE and asset.decimals != NATIVE_DECIMALS:
            message = f"{asset.id} is a chain's own coin and has {asset.decimals} decimals, not {NATIVE_DECIMALS}"
            yield Problem(code="policy.native-decimals", message=message, location=("assets", asset.id, "decimals"))


def _signer_problems(policy: Policy) -> Iterator[Problem]:
    for signer in policy.signers:
        if signer.owner == NATIVE:
            message = f"owner of signer {signer.id} is the zero address"
            yield Problem(code="policy.address-zero", message=message, location=("signers", signer.id, "owner"))


def _vault_problems(policy: Policy, vault: Vault) -> Iterator[Problem]:
    location: Location = ("vaults", vault.id)
    yield from _chain_problems(policy, vault.chain, location)
    if vault.address == NATIVE:
        message = f"address of vault {vault.id} is the zero address"
        yield Problem(code="policy.address-zero", message=message, location=(*location, "address"))
    known = {signer.id for signer in policy.signers}
    for place, entry in enumerate(vault.owners):
        here: Location = (*location, "owners", place)
        yield from unknown_problems("signer", entry.signers, known, (*here, "signers"))
        count, stolen = len(entry.signers), policy.numbers.withstands
        # P2 and P5 hold while 2M > N + f, and the bound is tight (TRUST §5).
        if 2 * entry.threshold <= count + stolen:
            message = (
                f"{entry.threshold} of {count} owners of vault {vault.id} do not withstand {stolen} stolen signers"
            )
            yield Problem(code="policy.withstands", message=message, location=(*here, "threshold"))


def _book_problems(policy: Policy) -> Iterator[Problem]:
    seen: dict[tuple[ChainName, Address], Label] = {}
    chains = {chain.name for chain in policy.chains}
    for entry in policy.book:
        location: Location = ("addresses", entry.label)
        yield from unknown_problems("chain", entry.chains, chains, (*location, "chains"))
        if entry.address == NATIVE:
            message = f"address of {entry.label} is the zero address"
            yield Problem(code="policy.address-zero", message=message, location=(*location, "address"))
        for chain in entry.chains:
            first = seen.setdefault((chain, entry.address), entry.label)
            if first != entry.label:
                message = f"{entry.label} and {first} are one address on {chain}"
                yield Problem(code="policy.address-twice", message=message, location=(*location, "address"))
