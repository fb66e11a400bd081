"""The signer: verifies everything itself, records before it signs, and answers only after both are durable.

Each verb is one transaction of the journal. What a caller hands over is evidence to be checked and never a fact; a refusal is recorded,
too, since it is evidence of an attempt. Stops, certificates and cancels need no clock and no endpoint.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guard.core.decide import compute_decision, require_releasable
from guard.core.decision import Decision
from guard.core.ids import Address, TransferId
from guard.core.transfer import Transfer
from guard.errors import GuardError, Refusal
from guard.formats.canonical import to_canonical
from guard.ports import Clock, Endpoint
from guard.signer import records
from guard.signer.journal import Journal
from guard.signer.limiting import SourceLimit
from guard.signer.memory import Memory, compute_payments, compute_policies, load_facts, load_known, load_memory
from guard.signer.moment import Look, judge_clock, take_look
from guard.signer.receiving import Received, Receiving, receive_statements
from guard.signer.records import SignedRow, VaultAt
from guard.signer.release_checks import find_refusals
from guard.signer.upkeep import Upkeep, keep_up
from guard.signer.verifier import ReleaseCase, Verifier
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.statements.testimony import RELEASE, journal_key_of, testify
from guard.transactions.safe_tx import build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import compute_owner, sign_hash

STOPS_PER_SECOND, STOPS_AT_ONCE = 1, 200
"""What one key may send to the stop listener, counted only once its signature is good: nobody else can use it up (TRUST §6)."""


class ReleaseRefused(GuardError):
    """A release that was refused, with every check that said no."""

    def __init__(self, refusals: tuple[Refusal, ...]):
        first = sorted(refusals, key=lambda refusal: refusal.held)[0]
        super().__init__(first.code, first.message)
        self.refusals = refusals

    def to_json(self) -> dict[str, object]:
        """The first final reason as the error, and all of them."""
        return {**super().to_json(), "refusals": [refusal.to_json() for refusal in self.refusals]}


@dataclass(frozen=True, slots=True)
class Keys:
    """The two keys of a signer. The vault key signs SafeTx hashes of this module's own making and nothing else."""

    vault: bytes
    journal: Ed25519PrivateKey

    def __repr__(self) -> str:
        return "Keys(...)"


class Signer:
    """One signer with its journal, keys, clock and endpoints. `verifier` is composed by `guard.app` alone."""

    def __init__(
        self,
        *,
        journal: Journal,
        keys: Keys,
        verifier: Verifier,
        clock: Clock,
        endpoints: Mapping[int, tuple[Endpoint, ...]],
    ):
        journal.require_not_behind()
        if compute_owner(keys.vault) != journal.identity.owner:
            raise GuardError("signer.journal-foreign", "the vault key is not the one that this journal was made for")
        if journal_key_of(keys.journal) != journal.identity.journal_key:
            raise GuardError("signer.journal-foreign", "the journal key is not the one that this journal was made for")
        self.journal = journal
        self.keys = keys
        self.verifier = verifier
        self.clock = clock
        self.owner: Address = journal.identity.owner
        self._endpoints = endpoints
        self.stops_by_key = SourceLimit(clock, per_second=STOPS_PER_SECOND, burst=STOPS_AT_ONCE)
        self._upkeep = Upkeep(start=clock.read())

    def load_vaults(self) -> tuple[VaultAt, ...]:
        """The vaults of the active policy; none before the first bundle."""
        with self.journal.reading() as db:
            return tuple(load_memory(db, self.owner).books) if records.load_bundles(db) else ()

    def look(self) -> Look:
        """Ask every endpoint, without holding the journal's lock: a slow node delays no stop."""
        return take_look(self.clock, self._endpoints, self.load_vaults())

    def observe(self, db: sqlite3.Connection, look: Look) -> tuple[int, Refusal | None]:
        """The time now and why the clock is not good, if it is not; a good one stamps, marks and books what is final."""
        reading = self.clock.read()
        refusal = judge_clock(look, self._upkeep.start, reading, records.load_high_water(db))
        if refusal is None:
            self._upkeep = keep_up(db, self._upkeep, look, reading.wall, self.owner)
        return reading.wall, refusal

    def tick(self) -> Refusal | None:
        """Mark the minute, and learn what became final. Returns why the clock is not good."""
        look = self.look()
        with self.journal.writing() as db:
            return self.observe(db, look)[1]

    def register(self, transfer: Transfer, statements: tuple[SignedStatement, ...]) -> tuple[Received, Decision]:
        """Take a transfer with its statements, stamp them, and say what the policy makes of it now."""
        look = self.look()
        with self.journal.writing() as db:
            now, clock_refusal = self.observe(db, look)
            received = receive_statements(db, self._receiving(db, now, clock_refusal), transfer, statements)
            decision = self._decide(db, load_memory(db, self.owner), transfer, now)
        return received, decision

    def release(self, transfer: Transfer, statements: tuple[SignedStatement, ...]) -> dict[str, Any]:
        """Sign the transfer at the open nonce, if every check holds. Raises `ReleaseRefused`; a refusal is recorded, too."""
        look = self.look()
        refusals: tuple[Refusal, ...] = ()
        with self.journal.writing() as db:
            now, clock_refusal = self.observe(db, look)
            received = receive_statements(db, self._receiving(db, now, clock_refusal), transfer, statements)
            memory = load_memory(db, self.owner)
            row = self._find_passed(db, memory, transfer)
            if row is None:
                case = self._to_case(db, memory, transfer, now=now, look=look, clock_refusal=clock_refusal)
                refusals = find_refusals(self.verifier.release_checks, case)
                if not refusals:
                    row = self._record(db, case)
                else:
                    # A bad statement beside a full quorum hinders nothing; where the release is refused it is told why it did not count.
                    refusals = (*refusals, *received.refused)
                    _record_refusals(db, now, "release", case.transfer_id, refusals)
        if row is None:
            raise ReleaseRefused(refusals)
        return self._sign(transfer, row)

    def _receiving(self, db: sqlite3.Connection, now: int, clock_refusal: Refusal | None) -> Receiving:
        return Receiving(
            checks=self.verifier.statement_checks,
            memory=load_memory(db, self.owner),
            now=now,
            clock_is_good=clock_refusal is None,
        )

    def _decide(self, db: sqlite3.Connection, memory: Memory, transfer: Transfer, now: int) -> Decision:
        facts = load_facts(db, self.verifier.chain, memory, compute_transfer_id(transfer), now)
        return compute_decision(self.verifier.decision, transfer, compute_policies(memory, transfer), facts)

    def _find_passed(self, db: sqlite3.Connection, memory: Memory, transfer: Transfer) -> SignedRow | None:
        """What this signer signed for the transfer at a nonce whose certificate carries it: the same bytes again harm nobody."""
        at, transfer_id = VaultAt(transfer.chain_id, transfer.vault), compute_transfer_id(transfer)
        book = memory.books.get(at)
        if book is None:
            return None
        return next(
            (
                row
                for row in records.load_signed(db, at)
                if row.transfer_id == transfer_id
                and transfer_id in book.page(row.nonce).certified
                and not book.page(row.nonce).is_cancelled
            ),
            None,
        )

    def _to_case(
        self,
        db: sqlite3.Connection,
        memory: Memory,
        transfer: Transfer,
        *,
        now: int,
        look: Look,
        clock_refusal: Refusal | None,
    ) -> ReleaseCase:
        active, at = memory.active, VaultAt(transfer.chain_id, transfer.vault)
        vault = active.policy.vault_at(transfer.chain_id, transfer.vault)
        if vault is None:
            raise GuardError("decision.vault-unknown", f"no vault {transfer.vault} on chain {transfer.chain_id}")
        book = memory.books[at]
        nonce = self.verifier.chain.compute_open_nonce(book)
        return ReleaseCase(
            now=now,
            transfer_id=compute_transfer_id(transfer),
            transfer=transfer,
            decision=self._decide(db, memory, transfer, now),
            policies=compute_policies(memory, transfer),
            vault=vault,
            owner=self.owner,
            owners=vault.owners_at(nonce),
            book=book,
            nonce=nonce,
            safe_tx=build_safe_tx(transfer, nonce),
            views=look.views.get(at, ()),
            silent=look.silent.get(at, ()),
            clock_refusal=clock_refusal,
            settled_in=self.compute_settled_in(memory),
            payments=compute_payments(memory, at),
            known_transfers=load_known(db, [transfer.again]),
        )

    def _record(self, db: sqlite3.Connection, case: ReleaseCase) -> SignedRow:
        """Reserve the nonce and the budget, before any signature exists."""
        authorization = require_releasable(case.decision, case.transfer)
        row = SignedRow(
            nonce=case.nonce,
            transfer_id=authorization.transfer_id,
            safe_tx_hash=compute_safe_tx_hash(case.safe_tx).digest,
            policy=case.policies.active.digest,
            quorum_since=authorization.decision.quorum_since or case.now,
            signed_at=case.now,
        )
        at = VaultAt(case.transfer.chain_id, case.transfer.vault)
        earlier = next((each for each in records.load_signed(db, at) if each.nonce == case.nonce), None)
        if earlier is not None and earlier.transfer_id == row.transfer_id:
            return earlier
        records.add_signed(db, at, row)
        return row

    def _sign(self, transfer: Transfer, row: SignedRow) -> dict[str, Any]:
        """The signature over what was recorded: the SafeTx is built anew and must have the recorded hash."""
        digest = compute_safe_tx_hash(build_safe_tx(transfer, row.nonce)).digest
        if digest != row.safe_tx_hash:
            raise GuardError("signer.journal-broken", "the recorded hash is not that of the transfer")
        said = self.testify(
            RELEASE,
            transfer=row.transfer_id,
            chain_id=str(transfer.chain_id),
            vault=transfer.vault,
            nonce=row.nonce,
            safe_tx_hash=digest,
            policy=row.policy,
            quorum_since=row.quorum_since,
            signed_at=row.signed_at,
        )
        return {
            "transfer_id": row.transfer_id,
            "nonce": row.nonce,
            "safe_tx_hash": digest,
            "owner": self.owner,
            "signature": "0x" + sign_hash(self.keys.vault, digest).hex(),
            "statement": said,
        }

    def compute_settled_in(self, memory: Memory | None) -> int:
        """Seconds until this process has run for the policy's `settle`; zero or less when it has."""
        settle = memory.active.policy.numbers.settle if memory else 0
        return self._upkeep.start.boot + settle - self.clock.read().boot

    def testify(self, text: str, **fields: Any) -> dict[str, Any]:
        """A text of this signer's own, signed by its journal key."""
        identity = self.journal.identity
        own = {"treasury": identity.treasury, "signer": identity.signer, **fields}
        return testify(self.keys.journal, text, own).to_json()


def _record_refusals(
    db: sqlite3.Connection, now: int, verb: str, transfer_id: TransferId, refusals: tuple[Refusal, ...]
) -> None:
    body = to_canonical([refusal.to_json() for refusal in refusals])
    records.add_refusal(db, at=now, verb=verb, transfer_id=transfer_id, body=body)
