"""A team for tests: real signers with real journals and keys, beside a clock and nodes that a test sets by hand.

Nothing here is mocked: the signers are the product's, the clock and the nodes are other adapters of the same ports. A test states
what an attacker does; everything else is honest by default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guard.app.verifier import compose_verifier
from guard.bundles.bundle import Bundle, compute_bundle_digest, compute_roster_digest, to_bytes
from guard.core.facts import Scope
from guard.core.ids import NO_DIGEST, Address, PersonId, SignerId, TransferId
from guard.core.policy import Policy
from guard.core.transfer import Transfer
from guard.effects.summary import SUMMARY_VERSION, render_summary
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import from_digest
from guard.ports import ClockReading, VaultView
from guard.signer import records
from guard.signer.cancelling import book_certificate, sign_cancel
from guard.signer.counter import FileCounter
from guard.signer.journal import Journal
from guard.signer.records import BundleRow, VaultAt
from guard.signer.signer import Keys, ReleaseRefused, Signer
from guard.signer.stopping import take_stop
from guard.signer.verifier import Verifier
from guard.statements.certificates import CancelCertificate, TransferCertificate
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.statements.signing import sign
from guard.statements.testimony import journal_key_of, testimony_from_json
from guard.statements.values import Approval, Freeze, Proposal, Rejection, Statement, Unfreeze, Veto
from tests.factories import (
    CHAIN_ID,
    DAY,
    ENROLLED_AT,
    HOUR,
    TREASURY,
    digest_of,
    make_policy,
    make_signer,
    make_transfer,
    private_key_of,
)

PINNED_AT = ENROLLED_AT
BEGIN_AT = ENROLLED_AT + HOUR


@dataclass
class HandClock:
    """A clock that goes only when it is told to."""

    wall: int = BEGIN_AT
    boot: int = 100_000

    def read(self) -> ClockReading:
        return ClockReading(self.wall, self.boot)

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.wall += seconds
        self.boot += seconds


@dataclass
class HandNode:
    """A node that says what it is told to say; by default the truth about a chain that keeps time with the clock."""

    clock: HandClock
    name: str = "node-1"
    nonce_latest: int = 0
    nonce_final: int = 0
    block_behind: int = 0
    is_silent: bool = False

    def read_view(self, vault: Address) -> VaultView:
        if self.is_silent:
            raise AdapterError("signer.endpoint-silent", f"no answer from {self.name}")
        return VaultView(
            endpoint=self.name,
            block_at=self.clock.wall - self.block_behind,
            nonce_latest=self.nonce_latest,
            nonce_final=self.nonce_final,
        )


def journal_key(name: str) -> Ed25519PrivateKey:
    """The journal key of a signer, the same each time."""
    return Ed25519PrivateKey.from_private_bytes(sha256(f"test journal key of {name}".encode()).digest())


def make_team_policy(**changes: Any) -> Policy:
    """The default policy with journal keys whose private halves the team has, and no time to settle."""
    policy = make_policy(**changes)
    known = tuple(
        make_signer(signer.id, journal_key=journal_key_of(journal_key(signer.id)), stop_address="127.0.0.1:1")
        for signer in policy.signers
    )
    numbers = changes.get("numbers", replace(policy.numbers, settle=0))
    return replace(policy, signers=known, numbers=numbers)


_FOUNDED: dict[tuple[str, str, str], tuple[tuple[str, bytes], ...]] = {}
"""The files of signers that have just pinned a bundle: made once, since making a journal takes longer than most tests."""


_bundle_digest = lru_cache(compute_bundle_digest)
_roster_digest = lru_cache(compute_roster_digest)


@dataclass
class Team:
    """N signers that know one bundle, and what people do to them. `running` names those that are founded, all by default."""

    folder: Path
    policy: Policy = field(default_factory=make_team_policy)
    verifier: Verifier = field(default_factory=compose_verifier)
    clock: HandClock = field(default_factory=HandClock)
    node: HandNode = field(init=False)
    bundle: Bundle = field(init=False)
    signers: dict[str, Signer] = field(default_factory=dict)
    drawn: int = 0
    running: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.node = HandNode(self.clock)
        self.bundle = Bundle(version=1, previous=NO_DIGEST, expires_at=ENROLLED_AT + 365 * DAY, policy=self.policy)
        for identity in self.policy.signers:
            if not self.running or identity.id in self.running:
                self.signers[identity.id] = self.found(identity.id)

    @property
    def digest(self) -> Any:
        """The digest of the bundle."""
        return _bundle_digest(self.bundle)

    def found(self, name: str) -> Signer:
        """Make a signer's journal, pin the bundle, start it."""
        home = self.folder / name
        home.mkdir(parents=True)
        founded = (self.digest, name, self.owner_of(name))
        if founded not in _FOUNDED:
            self._make_journal(home, name)
            _FOUNDED[founded] = tuple((path.name, path.read_bytes()) for path in home.iterdir())
        for file, content in _FOUNDED[founded]:
            (home / file).write_bytes(content)
        return self.start(name)

    def _make_journal(self, home: Path, name: str) -> None:
        counter, keys = FileCounter(home / "counter"), self.keys_of(name)
        identity = {
            "signer": SignerId(name),
            "owner": self.owner_of(name),
            "journal_key": journal_key_of(keys.journal),
            "treasury": TREASURY,
        }
        Journal.create(home / "journal.sqlite", counter, **identity)  # type: ignore[arg-type]
        journal = Journal.load(home / "journal.sqlite", counter)
        with journal.writing() as db:
            raw = to_bytes(self.bundle)
            records.add_bundle(db, BundleRow(version=1, digest=self.digest, raw=raw, activated_at=PINNED_AT))
        journal.close()

    def keys_of(self, name: str) -> Keys:
        """Both keys of a signer."""
        return Keys(private_key_of(name).secret, journal_key(name))

    def owner_of(self, name: str) -> Address:
        """A signer's owner address."""
        return next(signer.owner for signer in self.policy.signers if signer.id == name)

    def start(
        self, name: str, *, verifier: Verifier | None = None, nodes: tuple[HandNode, ...] | None = None
    ) -> Signer:
        """Start a signer on its journal, as after a crash; it takes the place of the one that ran."""
        home = self.folder / name
        journal = Journal.load(home / "journal.sqlite", FileCounter(home / "counter"))
        self.signers[name] = Signer(
            journal=journal,
            keys=self.keys_of(name),
            verifier=verifier or self.verifier,
            clock=self.clock,
            endpoints={CHAIN_ID: nodes or (self.node,)},
        )
        return self.signers[name]

    def stop_process(self, name: str) -> None:
        """End a signer's process."""
        self.signers[name].journal.close()

    def restart_with(self, verifier: Verifier) -> None:
        """Start every signer again with another verifier: for ablations."""
        self.verifier = verifier
        for name in list(self.signers):
            self.stop_process(name)
            self.start(name)

    def advance(self, seconds: int, *, every: int = 30) -> None:
        """Let time pass while every signer marks that it runs."""
        while seconds > 0:
            step = min(every, seconds)
            self.clock.advance(step)
            seconds -= step
            for signer in self.signers.values():
                signer.tick()

    # People.

    def transfer(self, **changes: Any) -> Transfer:
        """A new transfer proposed now, unlike every other."""
        self.drawn += 1
        own = {
            "policy": self.digest,
            "uniqueness": digest_of(f"uniqueness {self.drawn}"),
            "proposed_at": self.clock.wall,
            "expires_at": self.clock.wall + 2 * DAY,
        }
        return make_transfer(**{**own, **changes})

    def sign(self, name: str, statement: Statement) -> SignedStatement:
        """A statement signed by a person's key."""
        return sign(private_key_of(name).secret, statement, TREASURY)

    def propose(self, transfer: Transfer, *, by: str | None = None) -> SignedStatement:
        """The proposal, by the initiator unless somebody else is named."""
        return self.sign(by or transfer.initiator, Proposal(transfer))

    def approve(self, transfer: Transfer, name: str, **changes: Any) -> SignedStatement:
        """An approval of now, valid for a day."""
        approval = Approval(
            transfer=transfer,
            summary=render_summary(transfer, self.policy),
            summary_version=SUMMARY_VERSION,
            policy=self.digest,
            roster=_roster_digest(self.policy),
            signed_at=self.clock.wall,
            expires_at=self.clock.wall + DAY,
        )
        return self.sign(name, replace(approval, **changes))

    def approved(self, transfer: Transfer, *names: str) -> tuple[SignedStatement, ...]:
        """The proposal and approvals of these people, bob alone by default."""
        return (self.propose(transfer), *(self.approve(transfer, name) for name in names or ("bob",)))

    def veto(self, transfer: Transfer, name: str = "erin") -> SignedStatement:
        """A veto."""
        return self.sign(name, Veto(transfer, "not ours"))

    def reject(self, transfer: Transfer, name: str) -> SignedStatement:
        """A rejection."""
        return self.sign(name, Rejection(transfer, "not agreed"))

    def freeze(self, scope: Scope, name: str = "erin", *, freeze: str = "freeze 1") -> SignedStatement:
        """A freeze."""
        return self.sign(name, Freeze(id=digest_of(freeze), scope=scope, reason="stop", signed_at=self.clock.wall))

    def unfreeze(self, name: str, *freezes: str, **changes: Any) -> SignedStatement:
        """An unfreeze of these freezes, valid for a day."""
        unfreeze = Unfreeze(
            ids=tuple(sorted(digest_of(each) for each in freezes)),
            roster=_roster_digest(self.policy),
            signed_at=self.clock.wall,
            expires_at=self.clock.wall + DAY,
        )
        return self.sign(name, replace(unfreeze, **changes))

    # What carries things between people and signers, honest or not.

    def release(self, name: str, transfer: Transfer, statements: Iterable[SignedStatement]) -> dict[str, Any]:
        """Ask one signer for its signature."""
        return self.signers[name].release(transfer, tuple(statements))

    def refusal_codes(self, name: str, transfer: Transfer, statements: Iterable[SignedStatement]) -> set[str]:
        """Ask one signer, expecting it to refuse: every code that it gives."""
        try:
            self.release(name, transfer, statements)
        except ReleaseRefused as refused:
            return {refusal.code for refusal in refused.refusals}
        except GuardError as refused:
            return {refused.code}
        raise AssertionError(f"{name} signed")

    def certify(self, transfer: Transfer, statements: Iterable[SignedStatement], *names: str) -> TransferCertificate:
        """Ask these signers, all of one nonce, and put their signatures together."""
        given = tuple(statements)
        answers = [self.release(name, transfer, given) for name in names or tuple(self.signers)[:3]]
        assert len({answer["nonce"] for answer in answers}) == 1
        signatures = {answer["owner"]: bytes.fromhex(answer["signature"][2:]) for answer in answers}
        return TransferCertificate(transfer=transfer, nonce=answers[0]["nonce"], signatures=signatures)

    def cancel(self, nonce: int, *names: str, transfers: tuple[Transfer, ...] = ()) -> CancelCertificate:
        """Ask these signers for the cancel of a nonce, and put it together with what it names."""
        at = VaultAt(CHAIN_ID, self.policy.vaults[0].address)
        answers = [sign_cancel(self.signers[name], at, nonce) for name in names or tuple(self.signers)[:3]]
        return CancelCertificate(
            chain_id=at.chain_id,
            vault=at.address,
            nonce=nonce,
            signatures={answer["owner"]: from_digest(answer["signature"]) for answer in answers},
            statements=tuple(testimony_from_json(answer["statement"]) for answer in answers),
            proposals=tuple(self.propose(transfer) for transfer in transfers),
        )

    def book(self, certificate: TransferCertificate | CancelCertificate, *names: str) -> None:
        """Bring a certificate to these signers, to all by default."""
        for name in names or tuple(self.signers):
            book_certificate(self.signers[name], certificate)

    def stop(self, statement: SignedStatement, *names: str) -> list[dict[str, Any]]:
        """Send a stop to these signers, to all by default, and collect their receipts."""
        return [take_stop(self.signers[name], statement) for name in names or tuple(self.signers)]

    def mine(self, nonce: int) -> None:
        """The chain has executed everything below the nonce, finally."""
        self.node.nonce_latest = self.node.nonce_final = nonce

    def close(self) -> None:
        """Close every journal."""
        for signer in self.signers.values():
            signer.journal.close()


def transfer_id_of(transfer: Transfer) -> TransferId:
    """The id of a transfer."""
    return compute_transfer_id(transfer)


PEOPLE = tuple(PersonId(name) for name in ("alice", "bob", "carol", "dave", "erin"))
