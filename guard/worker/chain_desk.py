"""The chain behind `World.chain`: certificates as the executor's account brings them, and what became of them.

Imports the node library, which takes a second, when it is first used.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from guard.core.ids import NATIVE, Address, Digest
from guard.statements.certificates import Certificate, TransferCertificate
from guard.transactions.packing import pack_signatures
from guard.transactions.safe_tx import compute_safe_tx_hash
from guard.transactions.signatures import compute_owner
from guard.worker.world import Landed, LandedState, Offer, Pushed

if TYPE_CHECKING:
    from guard.chain import Chain, ExecCall, Executor, ExpectedEffect, GasCaps

CLOCK_MARGIN = 3600
"""Seconds by which an initiator's computer may have been ahead of the chain when the transfer was proposed."""
CANCEL_WINDOW = 100_000
"""Blocks behind the latest in which the execution of a cancel is looked for; a cancel bears no date."""


class ExecutorDesk:
    """One chain through one endpoint, paid by the executor's account."""

    def __init__(
        self, url: str, chain_id: int, executor_key: bytes, *, patience: float, caps: GasCaps | None = None
    ) -> None:
        self._url = url
        self._caps = caps
        self._chain_id = chain_id
        self._key = executor_key
        self._patience = patience
        self._from_block: dict[str, int] = {}

    @cached_property
    def _chain(self) -> Chain:
        from guard.chain import Chain

        chain = Chain(self._url)
        chain.require_chain_id(self._chain_id)
        return chain

    @cached_property
    def _executor(self) -> Executor:
        from guard.chain import Executor

        return Executor(self._chain, self._key, chain_id=self._chain_id, caps=self._caps, patience=self._patience)

    @property
    def executor(self) -> Address:
        """The account that pays the gas."""
        return compute_owner(self._key)

    def load_nonce(self, vault: Address) -> int:
        """The nonce that the Safe uses next."""
        return self._chain.safe_nonce(vault)

    def submit(self, certificate: Certificate) -> str:
        """Bring a certificate to the chain unless it is there already; the transaction's hash."""
        return self._executor.submit(certificate.vault, self._to_call(certificate))

    def wait_mined(self, transaction_hash: str) -> None:
        """Wait until the transaction is mined."""
        self._executor.wait_mined(transaction_hash)

    def count_mined(self) -> int:
        """The executor's next nonce, by what is mined."""
        return self._executor.count_mined()

    def prepare(self, certificate: Certificate, nonce: int, *, above: tuple[int, int] | None = None) -> Offer:
        """Sign the transaction that executes a certificate; `above` names the fees of the one that it replaces."""
        from guard.chain.account import Fees

        fees = None if above is None else Fees(*above)
        made = self._executor.prepare(certificate.vault, self._to_call(certificate), nonce, above=fees)
        return Offer(
            hash=Digest(made.hash),
            raw="0x" + made.raw.hex(),
            nonce=made.nonce,
            max_fee=made.fees.max_fee,
            priority_fee=made.fees.priority_fee,
        )

    def push(self, transaction_hash: Digest, raw: str) -> Pushed:
        """Hand a transaction to the node; again, if need be."""
        return Pushed(self._executor.push(transaction_hash, bytes.fromhex(raw[2:])).value)

    def load_fate(self, transaction_hash: Digest) -> bool | None:
        """Whether a transaction was mined without reverting; None while it is in no block. Of the certificate it says nothing."""
        return self._executor.load_fate(transaction_hash)

    def load_landed(self, certificate: Certificate) -> Landed:
        """What became of the certificate, by the Safe's own event and the exact token log."""
        from guard.chain import read_outcome

        call = self._to_call(certificate)
        outcome = read_outcome(
            self._chain, certificate.vault, call.safe_tx_hash, _to_expected(certificate), from_block=call.from_block
        )
        block = outcome.block
        return Landed(
            state=LandedState(outcome.state.value),
            reason=outcome.reason,
            transaction_hash=outcome.transaction_hash,
            block_number=None if block is None else block.number,
            block_hash=None if block is None else block.hash,
            block_at=None if block is None else block.timestamp,
            is_final=outcome.is_final,
        )

    def _to_call(self, certificate: Certificate) -> ExecCall:
        from guard.chain import ExecCall

        safe_tx = certificate.build()
        digest = compute_safe_tx_hash(safe_tx).digest
        if digest not in self._from_block:
            self._from_block[digest] = self._find_from_block(certificate)
        return ExecCall(
            safe_tx_hash=digest,
            nonce=safe_tx.nonce,
            to=safe_tx.to,
            native_units=safe_tx.native_units,
            call_data=safe_tx.call_data,
            signatures=pack_signatures(certificate.signatures),
            from_block=self._from_block[digest],
        )

    def _find_from_block(self, certificate: Certificate) -> int:
        """A block before which the certificate cannot have been executed."""
        latest = self._chain.latest_block()
        if not isinstance(certificate, TransferCertificate):
            return max(0, latest.number - CANCEL_WINDOW)
        return self._find_block_before(certificate.transfer.proposed_at - CLOCK_MARGIN, latest.number)

    def _find_block_before(self, at: int, latest: int) -> int:
        """The last block not later than a time, by halving."""
        low, high = 0, latest
        while low < high:
            middle = (low + high + 1) // 2
            block = self._chain.block(middle)
            if block is not None and block.timestamp <= at:
                low = middle
            else:
                high = middle - 1
        return low


def _to_expected(certificate: Certificate) -> ExpectedEffect:
    from guard.chain import ExpectedEffect

    if not isinstance(certificate, TransferCertificate) or certificate.transfer.asset == NATIVE:
        return ExpectedEffect()
    transfer = certificate.transfer
    return ExpectedEffect(transfer.asset, transfer.destination, transfer.amount_units)
