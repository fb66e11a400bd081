"""A hostile worker that stands between people, signers and chain, and what it finally has: signatures.

It asks whom it likes for what it likes, keeps what it gets, brings certificates to whom it likes, holds the keys of stolen
signers, and executes on the chain what has enough signatures. `Loot` says what could be executed, whatever the signers
believe: that is the only thing that costs money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guard.core.ids import Address, TransferId
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.keccak import from_digest
from guard.signer.cancelling import book_certificate, sign_cancel
from guard.signer.records import VaultAt
from guard.signer.signer import ReleaseRefused
from guard.statements.certificates import CancelCertificate, Certificate, TransferCertificate
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.statements.testimony import CANCEL, Testimony, testify, testimony_from_json
from guard.transactions.safe_tx import build_cancel, build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import recover_owner, sign_hash
from tests.factories import CHAIN_ID, TREASURY, usdc
from tests.team import Team

CANCELLED = None
"""What is executed at a nonce: a transfer, or the cancel, which moves nothing."""
Effect = TransferId | None


@dataclass
class Loot:
    """Every signature that was ever given, by the SafeTx that it is on: a nonce and what it carries."""

    threshold: int
    stolen: frozenset[Address]
    amounts: dict[TransferId, int] = field(default_factory=dict)
    given: dict[tuple[int, Effect], dict[Address, bytes]] = field(default_factory=dict)

    def add(self, nonce: int, effect: Effect, owner: Address, signature: bytes) -> None:
        """Keep one signature."""
        self.given.setdefault((nonce, effect), {})[owner] = signature

    def count_signers(self, nonce: int, effect: Effect) -> int:
        """How many owners' signatures there are on it, with those that stolen signers make at will."""
        return len(self.given.get((nonce, effect), {}).keys() | self.stolen)

    def executable_at(self, nonce: int) -> frozenset[Effect]:
        """What has its M signatures at the nonce. What no honest signer has signed has them only if M were stolen."""
        return frozenset(
            effect for at, effect in self.given if at == nonce and self.count_signers(at, effect) >= self.threshold
        )

    def reachable(self, executed: tuple[Effect, ...] = ()) -> tuple[frozenset[Effect], ...]:
        """By nonce, what is or may yet be executed there, as far as the chain can get."""
        found = [frozenset({effect}) for effect in executed]
        while options := self.executable_at(len(found)):
            found.append(options)
        return tuple(found)

    def find_double(self, executed: tuple[Effect, ...] = ()) -> TransferId | None:
        """A transfer that could take effect twice. What is chosen at one nonce does not bind the choice at another."""
        options = self.reachable(executed)
        seen: set[TransferId] = set()
        for effects in options:
            twice = {effect for effect in effects if effect is not None and effect in seen}
            if twice:
                return sorted(twice)[0]
            seen |= {effect for effect in effects if effect is not None}
        return None

    def most_units(self, executed: tuple[Effect, ...] = ()) -> int:
        """The most that could leave in all, the costliest choice at every nonce."""
        return sum(
            max(0 if effect is None else self.amounts[effect] for effect in options)
            for options in self.reachable(executed)
        )


class Attacker:
    """The worker in hostile hands. `stolen` are the signers whose vault key and journal key it has."""

    def __init__(self, team: Team, *, stolen: Iterable[str] = ()):
        self.team = team
        self.stolen = tuple(stolen)
        vault = team.policy.vaults[0]
        self.at = VaultAt(CHAIN_ID, vault.address)
        owners = frozenset(team.owner_of(name) for name in self.stolen)
        self.loot = Loot(vault.owners[0].threshold, owners)
        self.transfers: dict[TransferId, Transfer] = {}
        self.statements: dict[TransferId, tuple[SignedStatement, ...]] = {}
        self.said: dict[tuple[int, str], Testimony] = {}
        self.codes: list[str] = []
        self.executed: tuple[Effect, ...] = ()

    @property
    def honest(self) -> tuple[str, ...]:
        """The signers whose keys it has not."""
        return tuple(name for name in self.team.signers if name not in self.stolen)

    # People, who are honest here: they approve what is proposed.

    def propose(self, amount_units: int | None = None, **changes: Any) -> Transfer:
        """A transfer with its proposal and a sufficient approval; amounts differ, so that no two are the same payment."""
        units = usdc(4900 + len(self.transfers)) if amount_units is None else amount_units
        transfer = self.team.transfer(amount_units=units, **changes)
        transfer_id = compute_transfer_id(transfer)
        self.transfers[transfer_id] = transfer
        approval = self.team.approve(transfer, "bob", expires_at=transfer.expires_at)
        self.statements[transfer_id] = (self.team.propose(transfer), approval)
        self.loot.amounts[transfer_id] = units
        return transfer

    # What is asked of signers.

    def ask(self, transfer: Transfer, *names: str) -> list[int | str]:
        """Ask these signers for their signatures: of each the nonce at which it signed, or the code with which it refused."""
        return [self._ask(name, transfer) for name in names]

    def _ask(self, name: str, transfer: Transfer) -> int | str:
        transfer_id = compute_transfer_id(transfer)
        try:
            answer = self.team.release(name, transfer, self.statements[transfer_id])
        except ReleaseRefused as refused:
            return self._refused(*(refusal.code for refusal in refused.refusals))
        except GuardError as refused:
            return self._refused(refused.code)
        nonce, signature = int(answer["nonce"]), bytes.fromhex(answer["signature"][2:])
        digest = compute_safe_tx_hash(build_safe_tx(transfer, nonce)).digest
        assert recover_owner(digest, signature) == self.team.owner_of(name)
        self.loot.add(nonce, transfer_id, self.team.owner_of(name), signature)
        return nonce

    def _refused(self, *codes: str) -> str:
        self.codes += codes
        return codes[0]

    def cancel(self, nonce: int, *names: str) -> list[str | None]:
        """Ask these signers for their cancels: None, or the code with which it was refused."""
        return [self._cancel(name, nonce) for name in names]

    def _cancel(self, name: str, nonce: int) -> str | None:
        try:
            answer = sign_cancel(self.team.signers[name], self.at, nonce)
        except GuardError as refused:
            return self._refused(refused.code)
        digest = compute_safe_tx_hash(build_cancel(self.at.chain_id, self.at.address, nonce)).digest
        signature = from_digest(answer["signature"])
        assert recover_owner(digest, signature) == self.team.owner_of(name)
        self.loot.add(nonce, CANCELLED, self.team.owner_of(name), signature)
        self.said[nonce, name] = testimony_from_json(answer["statement"])
        return None

    # What is made of it.

    def certificate(self, transfer: Transfer, nonce: int) -> TransferCertificate:
        """All signatures that there are on the transfer at the nonce, the stolen signers' among them."""
        digest = compute_safe_tx_hash(build_safe_tx(transfer, nonce)).digest
        own = {self.team.owner_of(name): self._sign_stolen(name, digest) for name in self.stolen}
        given = self.loot.given.get((nonce, compute_transfer_id(transfer)), {})
        return TransferCertificate(transfer=transfer, nonce=nonce, signatures={**given, **own})

    def cancel_certificate(
        self, nonce: int, *names: str, lies: Mapping[str, TransferId | None] | None = None, with_statements: bool = True
    ) -> CancelCertificate:
        """The cancels of these signers with what they stated; a stolen one states none, or what `lies` makes it say."""
        digest = compute_safe_tx_hash(build_cancel(self.at.chain_id, self.at.address, nonce)).digest
        signatures: dict[Address, bytes] = {}
        statements = []
        for name in names:
            owner = self.team.owner_of(name)
            if name in self.stolen:
                signatures[owner] = self._sign_stolen(name, digest)
                statements.append(self._lie(name, nonce, (lies or {}).get(name)))
            else:
                signatures[owner] = self.loot.given[nonce, CANCELLED][owner]
                statements.append(self.said[nonce, name])
        named = sorted({said.fields["transfer"] for said in statements if said.fields["transfer"] is not None})
        return CancelCertificate(
            chain_id=self.at.chain_id,
            vault=self.at.address,
            nonce=nonce,
            signatures=signatures,
            statements=tuple(statements) if with_statements else (),
            proposals=tuple(self.statements[each][0] for each in named) if with_statements else (),
        )

    def _sign_stolen(self, name: str, digest: Any) -> bytes:
        return sign_hash(self.team.keys_of(name).vault, digest)

    def _lie(self, name: str, nonce: int, named: TransferId | None) -> Testimony:
        fields = {"treasury": TREASURY, "signer": name, "chain_id": str(self.at.chain_id), "vault": self.at.address}
        return testify(self.team.keys_of(name).journal, CANCEL, {**fields, "nonce": nonce, "transfer": named})

    def bring(self, certificate: Certificate, *names: str) -> list[str | None]:
        """Bring a certificate to these signers, to all honest ones by default: None, or the code of the refusal."""
        return [self._bring(name, certificate) for name in names or self.honest]

    def _bring(self, name: str, certificate: Certificate) -> str | None:
        try:
            book_certificate(self.team.signers[name], certificate)
        except GuardError as refused:
            return self._refused(refused.code)
        return None

    # The chain, on which anybody executes what has enough signatures.

    def execute(self, effect: Transfer | None) -> None:
        """Execute something at the chain's next nonce. Every node sees it; it is not final yet."""
        chosen = CANCELLED if effect is None else compute_transfer_id(effect)
        assert chosen in self.loot.executable_at(len(self.executed))
        self.executed = (*self.executed, chosen)
        self.team.node.nonce_latest = len(self.executed)

    def finalise(self) -> None:
        """Everything that was executed is final, and every honest signer learns it."""
        self.team.node.nonce_final = len(self.executed)
        for name in self.honest:
            self.team.signers[name].tick()

    @property
    def double(self) -> TransferId | None:
        """A transfer that took effect twice or may."""
        return self.loot.find_double(self.executed)

    @property
    def most_units(self) -> int:
        """The most that has left or may."""
        return self.loot.most_units(self.executed)
