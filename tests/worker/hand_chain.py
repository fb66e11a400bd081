"""A chain for tests that mines when it is told to: Safes that take certificates in order, executors with pools and fees, reorganisations.

It keeps the rules that matter here: one nonce one transaction, a replacement pays a tenth more, a Safe executes once and at its own nonce,
and what is mined stays only until it is reorganised away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from guard.core.ids import Address, Digest
from guard.errors import AdapterError
from guard.formats.canonical import compute_sha256, parse_json, to_canonical
from guard.statements.certificates import (
    Certificate,
    certificate_from_json,
    compute_certificate_digest,
    require_signers,
)
from guard.worker.world import Landed, LandedState, Offer, Pushed
from tests.factories import address_of

FEES = (100, 10)
MAX_FEE = 1000


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction of an executor."""

    executor: Address
    nonce: int
    hash: Digest
    raw: str
    certificate: Certificate
    max_fee: int
    priority_fee: int


@dataclass(frozen=True, slots=True)
class Block:
    """What was mined together: transactions with whether they succeeded, and the certificates executed, failed inside or not."""

    number: int
    hash: Digest
    at: int
    sent: tuple[tuple[Sent, bool], ...]
    executed: tuple[tuple[Digest, bool], ...]


@dataclass
class HandChain:
    """One chain. `failing` are digests of certificates whose inner call fails, `reverting` those that would revert as a whole."""

    now: Callable[[], int]
    threshold: int = 3
    blocks: list[Block] = field(default_factory=list)
    pool: dict[tuple[Address, int], Sent] = field(default_factory=dict)
    final: int = 0
    forks: int = 0
    least_fee: int = 0
    is_down: bool = False
    failing: set[Digest] = field(default_factory=set)
    reverting: set[Digest] = field(default_factory=set)
    pushed: list[Sent] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.mine()

    def executed(self) -> dict[Digest, tuple[Block, bool]]:
        """Every certificate that was executed, with its block."""
        return {digest: (block, good) for block in self.blocks for digest, good in block.executed}

    def safe_nonce(self, vault: Address, *, final: bool = False) -> int:
        """The Safe's own nonce: as many as it executed."""
        known = {
            compute_certificate_digest(sent.certificate): sent.certificate
            for block in self.blocks
            for sent, _ in block.sent
        }
        return sum(
            1
            for digest, (block, _) in self.executed().items()
            if known[digest].vault == vault and (not final or block.number <= self.final)
        )

    def count(self, executor: Address) -> int:
        """How many transactions of an account are mined."""
        return sum(1 for block in self.blocks for sent, _ in block.sent if sent.executor == executor)

    def mine(self) -> Block:
        """One block with whatever can be in it."""
        with self.lock:
            number = len(self.blocks)
            digest = compute_sha256({"block": number, "fork": self.forks})
            self.blocks.append(Block(number, digest, self.now(), (), ()))
            while (sent := self._next()) is not None:
                self._include(sent)
            return self.blocks[-1]

    def _next(self) -> Sent | None:
        ready = (
            sent
            for (executor, nonce), sent in sorted(self.pool.items())
            if nonce == self.count(executor) and sent.max_fee >= self.least_fee
        )
        return next(ready, None)

    def _include(self, sent: Sent) -> None:
        del self.pool[(sent.executor, sent.nonce)]
        block, digest = self.blocks[-1], compute_certificate_digest(sent.certificate)
        good = self.safe_nonce(sent.certificate.vault) == sent.certificate.nonce and digest not in self.reverting
        executed = ((digest, digest not in self.failing),) if good else ()
        self.blocks[-1] = Block(
            block.number, block.hash, block.at, (*block.sent, (sent, good)), (*block.executed, *executed)
        )

    def finalise(self) -> None:
        """Everything that is mined is final."""
        self.final = len(self.blocks) - 1

    def reorganise(self, depth: int, *, keep: bool = True) -> None:
        """Take blocks away; their transactions go back to the pool, or are forgotten."""
        with self.lock:
            for _ in range(depth):
                for sent, _good in self.blocks.pop().sent:
                    if keep:
                        self.pool[(sent.executor, sent.nonce)] = sent
            self.forks += 1

    def require_up(self) -> None:
        """Refuse, as a node that does not answer."""
        if self.is_down:
            raise AdapterError("chain.unreachable", "node hand did not answer")


@dataclass
class HandDesk:
    """The chain as one executor's account sees it: a `SendingDesk`."""

    chain: HandChain
    name: str = "executor"
    max_fee: int = MAX_FEE

    @property
    def executor(self) -> Address:
        return address_of(self.name)

    def load_nonce(self, vault: Address) -> int:
        self.chain.require_up()
        with self.chain.lock:
            return self.chain.safe_nonce(vault)

    def load_landed(self, certificate: Certificate) -> Landed:
        self.chain.require_up()
        with self.chain.lock:
            found = self.chain.executed().get(compute_certificate_digest(certificate))
            if found is None:
                return Landed(state=LandedState.UNKNOWN, reason="not-found")
            block, good = found
            sent = next(
                s
                for s, _ in block.sent
                if compute_certificate_digest(s.certificate) == compute_certificate_digest(certificate)
            )
            return Landed(
                state=LandedState.SUCCEEDED if good else LandedState.FAILED,
                reason="" if good else "execution-failed",
                transaction_hash=sent.hash,
                block_number=block.number,
                block_hash=block.hash,
                block_at=block.at,
                is_final=block.number <= self.chain.final,
            )

    def count_mined(self) -> int:
        self.chain.require_up()
        with self.chain.lock:
            return self.chain.count(self.executor)

    def prepare(self, certificate: Certificate, nonce: int, *, above: tuple[int, int] | None = None) -> Offer:
        self.chain.require_up()
        digest = compute_certificate_digest(certificate)
        if digest in self.chain.reverting:
            raise AdapterError("chain.reverted", "the call would revert: GS013")
        require_signers(certificate)
        assert len(certificate.signatures) >= self.chain.threshold
        fees = FEES if above is None else (above[0] * 5 // 4 + 1, above[1] * 5 // 4 + 1)
        if fees[0] > self.max_fee:
            raise AdapterError(
                "chain.fee-cap", f"replacing a waiting transaction asks more than {self.max_fee} wei per gas"
            )
        said = {"executor": self.executor, "nonce": nonce, "fees": list(fees), "certificate": certificate.to_json()}
        raw = "0x" + to_canonical(said).hex()
        return Offer(hash=compute_sha256(said), raw=raw, nonce=nonce, max_fee=fees[0], priority_fee=fees[1])

    def push(self, transaction_hash: Digest, raw: str) -> Pushed:
        self.chain.require_up()
        said = parse_json(bytes.fromhex(raw[2:]))
        certificate = certificate_from_json(said["certificate"])
        sent = Sent(self.executor, said["nonce"], transaction_hash, raw, certificate, *said["fees"])
        with self.chain.lock:
            if sent.nonce < self.chain.count(self.executor):
                return Pushed.LATE
            waiting = self.chain.pool.get((sent.executor, sent.nonce))
            if waiting is not None and waiting.hash != sent.hash and sent.max_fee * 10 < waiting.max_fee * 11:
                return Pushed.UNDERPRICED
            self.chain.pool[(sent.executor, sent.nonce)] = sent
            self.chain.pushed.append(sent)
        return Pushed.TAKEN

    def load_fate(self, transaction_hash: Digest) -> bool | None:
        self.chain.require_up()
        with self.chain.lock:
            fates = {sent.hash: good for block in self.chain.blocks for sent, good in block.sent}
        return fates.get(transaction_hash)

    def submit(self, certificate: Certificate) -> str:
        raise AssertionError("a worker of the database never waits for the chain")

    def wait_mined(self, transaction_hash: str) -> None:
        raise AssertionError("a worker of the database never waits for the chain")
