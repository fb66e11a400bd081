"""What most commands stand on: the settings, the bundle that they name, and the signers' addresses.

The bundle here serves to show and to sign; signers go by the one that was pinned on their own hosts.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.bundles.bundle import MAX_BUNDLE_BYTES, Bundle, compute_bundle_digest, parse_bundle, to_edition
from guard.cli.reach import Reach
from guard.cli.settings import Settings
from guard.cli.storing import load_file
from guard.cli.words import compute_close
from guard.core.ids import ChainName, Digest, TransferId
from guard.core.policy import Edition, Policy, Vault
from guard.core.roster import Key, Person
from guard.errors import GuardError, Refusal
from guard.statements.admission import STATEMENT_CHECKS, Admitted, admit
from guard.statements.signed import SignedStatement
from guard.statements.submission import StatementContext
from guard.transactions.signatures import compute_owner
from guard.worker.sharing import Place
from guard.worker.world import Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one run reaches, and its bundle."""

    reach: Reach
    bundle: Bundle
    edition: Edition

    @property
    def settings(self) -> Settings:
        """The settings of this run."""
        return self.reach.settings

    @property
    def policy(self) -> Policy:
        """The policy of the bundle."""
        return self.bundle.policy

    @property
    def treasury(self) -> Digest:
        """The treasury's id."""
        return self.policy.treasury

    def require_vault(self, name: str) -> Vault:
        """The vault of that name."""
        for vault in self.policy.vaults:
            if vault.id == name:
                return vault
        known = [str(vault.id) for vault in self.policy.vaults]
        raise GuardError("cli.vault-unknown", f"there is no vault {name[:60]!r}", hint=compute_close(name, known))

    def require_chain_id(self, chain: ChainName) -> int:
        """The number of a chain of the policy."""
        chain_id = self.policy.chain_id(chain)
        if chain_id is None:
            raise GuardError("value.invalid", f"the policy names no chain {chain}")
        return chain_id

    def require_place(self, chain_id: int, address: str) -> Place:
        """The vault at an address, as the worker carries for it."""
        vault = self.policy.vault_at(chain_id, address)  # type: ignore[arg-type]
        if vault is None:
            raise GuardError("cli.vault-unknown", f"the policy names no vault {address} on chain {chain_id}")
        return Place(policy=self.policy, vault=vault, chain_id=chain_id)

    def require_contacts(self, vault: Vault) -> tuple[Contact, ...]:
        """Every signer of the vault with its command address, in the order of their ids."""
        addresses = self.settings.table("signers")
        wanted = {signer for entry in vault.owners for signer in entry.signers}
        for signer in sorted(wanted - addresses.keys()):
            raise GuardError("cli.setting-missing", f"signers has no command address of {signer}")
        return tuple(
            Contact(identity=identity, command=addresses[identity.id])
            for identity in self.policy.signers
            if identity.id in wanted
        )

    def require_endpoint(self, chain_id: int) -> str:
        """Where a chain's node is."""
        endpoints = self.settings.table("chains")
        for chain in self.policy.chains:
            if chain.chain_id == chain_id and chain.name in endpoints:
                return endpoints[chain.name]
        raise GuardError("cli.wrong-chain", f"there is no endpoint for chain {chain_id}")

    def require_holder(self, private_key: bytes) -> tuple[Person, Key]:
        """Whose key it is."""
        address = compute_owner(private_key)
        holder = self.policy.roster.holder(address)
        if holder is None:
            raise GuardError("cli.key-unknown", f"key {address} belongs to nobody of the policy")
        return holder

    def require_admitted(self, signed: SignedStatement, now: int, about: TransferId | None = None) -> Admitted:
        """The statement, refused with the code that every signer would refuse it with."""
        context = StatementContext(
            active=self.edition, editions={self.edition.digest: self.edition}, now=now, transfer_id=about
        )
        outcome = admit(STATEMENT_CHECKS, signed, context)
        if isinstance(outcome, Refusal):
            raise GuardError(outcome.code, outcome.message)
        return outcome


def load_desk(reach: Reach) -> Desk:
    """The desk of this run. Raises `cli.not-built`, `cli.pin` and whatever is wrong with the bundle."""
    settings = reach.settings
    path = settings.require_path("bundle")
    if not path.is_file():
        raise GuardError("cli.not-built", f"there is no bundle {path}")
    bundle = parse_bundle(load_file(path, max_bytes=MAX_BUNDLE_BYTES))
    pin, digest = settings.text("pin"), compute_bundle_digest(bundle)
    if pin is not None and pin != digest:
        raise GuardError("cli.pin", f"{path} has digest {digest}, not the pinned one")
    # Keys count from the signers' own activation; here nothing is known of it, and nothing is held back by it.
    return Desk(reach=reach, bundle=bundle, edition=to_edition(bundle, 0))
