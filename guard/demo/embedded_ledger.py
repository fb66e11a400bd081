"""The embedded chain's state: blocks, a pool of transactions that wait, and reads at any block, over py-evm.

For the demo and the tests alone. It reads no clock and opens no socket: whoever mines says what time it is.
Everything is held in memory.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import rlp
from eth.abc import BlockHeaderAPI, ComputationAPI, LogAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.chains.base import MiningChain
from eth.constants import POST_MERGE_DIFFICULTY, POST_MERGE_MIX_HASH, POST_MERGE_NONCE
from eth.db import get_db_backend
from eth.exceptions import Revert
from eth.typing import HeaderParams
from eth.vm.forks import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_typing import Address
from eth_utils import ValidationError

RECURSION_LIMIT = 2_000
# py-evm raises the limit to a hundred thousand frames when it is imported. A nested JSON text then ends the whole process
# with a fault of its stack, where it should end one request with an error; no contract here calls that deep.
sys.setrecursionlimit(RECURSION_LIMIT)

BLOCK_GAS_LIMIT = 30_000_000
PRIORITY_FEE = 1_000_000_000
ESTIMATE_PRECISION = 64
REPLACEMENT_STEP = 10
NO_ADDRESS = b"\0" * 20


class RpcRefusal(Exception):
    """A request that a node would refuse, with the code, the message and the revert bytes that it would answer."""

    def __init__(self, code: int, message: str, revert: bytes | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.revert = revert


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call that leaves no trace: who asks whom, with what. `to` is empty for the creation of a contract."""

    sender: bytes = NO_ADDRESS
    to: bytes = b""
    native_units: int = 0
    payload: bytes = b""
    gas: int = BLOCK_GAS_LIMIT


@dataclass(frozen=True, slots=True)
class MinedBlock:
    """A block with what a node tells of it beside its header."""

    header: BlockHeaderAPI
    size: int
    transactions: tuple[SignedTransactionAPI, ...]
    receipts: tuple[ReceiptAPI, ...]

    def logs_of(self, index: int) -> tuple[tuple[int, LogAPI], ...]:
        """The logs of one transaction, each with its index in the block."""
        before = sum(len(receipt.logs) for receipt in self.receipts[:index])
        return tuple(enumerate(self.receipts[index].logs, start=before))

    def gas_used_by(self, index: int) -> int:
        """What one transaction used; receipts count up through the block."""
        return self.receipts[index].gas_used - (self.receipts[index - 1].gas_used if index else 0)


def _build_chain_class(chain_id: int) -> type[MiningChain]:
    class EmbeddedMiningChain(MiningChain):
        vm_configuration = ((0, PragueVM),)

        def create_header_from_parent(
            self, parent_header: BlockHeaderAPI, **header_params: HeaderParams
        ) -> BlockHeaderAPI:
            header_params["gas_limit"] = parent_header.gas_limit
            return super().create_header_from_parent(parent_header, **header_params)

    EmbeddedMiningChain.chain_id = chain_id
    return EmbeddedMiningChain


def _compute_genesis(at: int) -> dict[str, HeaderParams]:
    return {
        "coinbase": Address(NO_ADDRESS),
        "difficulty": POST_MERGE_DIFFICULTY,
        "extra_data": b"",
        "gas_limit": BLOCK_GAS_LIMIT,
        "mix_hash": POST_MERGE_MIX_HASH,
        "nonce": POST_MERGE_NONCE,
        "timestamp": at,
    }


def _require_success(computation: ComputationAPI) -> None:
    """Raise what a node answers to a call that fails: code 3 with the revert bytes, or the machine's own error."""
    if not computation.is_error:
        return
    error = computation.error
    if not isinstance(error, Revert):
        raise RpcRefusal(-32000, f"execution failed: {type(error).__name__}")
    output = bytes(error.args[0]) if error.args else b""
    raise RpcRefusal(3, f"execution reverted{_to_reason(output)}", output)


def _to_reason(output: bytes) -> str:
    """The text of Solidity's `Error(string)`, as nodes append it; nothing for other revert bytes."""
    if output[:4] != b"\x08\xc3y\xa0" or len(output) < 68:
        return ""
    length = int.from_bytes(output[36:68], "big")
    return ": " + output[68 : 68 + length].decode("utf-8", "replace")


class Ledger:
    """Blocks that follow one another, each at the time that its miner names.

    Not safe for several threads: the server in front of it holds a lock round every call.
    """

    def __init__(self, *, chain_id: int, funded: Mapping[bytes, int], at: int) -> None:
        self.chain_id = chain_id
        accounts = {
            Address(address): {"balance": units, "nonce": 0, "code": b"", "storage": {}}
            for address, units in funded.items()
        }
        self._chain = _build_chain_class(chain_id).from_genesis(get_db_backend(), _compute_genesis(at), accounts)
        self._blocks = [MinedBlock(self._chain.get_canonical_block_header_by_number(0), 0, (), ())]
        self._pool: dict[tuple[bytes, int], SignedTransactionAPI] = {}
        self._places: dict[bytes, tuple[int, int]] = {}
        self._numbers: dict[bytes, int] = {self.head.header.hash: 0}

    @property
    def head(self) -> MinedBlock:
        """The latest block that is mined."""
        return self._blocks[-1]

    @property
    def next_base_fee(self) -> int:
        """The base fee of the block that comes next."""
        return self._chain.header.base_fee_per_gas

    def block_at(self, number: int) -> MinedBlock | None:
        """The block of that number, if it is mined."""
        return self._blocks[number] if 0 <= number < len(self._blocks) else None

    def block_of(self, block_hash: bytes) -> MinedBlock | None:
        """The block of that hash, if it is mined."""
        number = self._numbers.get(block_hash)
        return None if number is None else self._blocks[number]

    def place_of(self, transaction_hash: bytes) -> tuple[MinedBlock, int] | None:
        """The block in which a transaction was mined, and its index there."""
        place = self._places.get(transaction_hash)
        return None if place is None else (self._blocks[place[0]], place[1])

    def waiting(self, transaction_hash: bytes) -> SignedTransactionAPI | None:
        """The transaction of that hash, if it waits in the pool."""
        return next((one for one in self._pool.values() if one.hash == transaction_hash), None)

    # Reading the state after a block.

    def state_at(self, block: MinedBlock) -> StateAPI:
        """The state after that block, as a call in its context sees it; calls pay no base fee."""
        vm = self._chain.get_vm(at_header=block.header)
        free = block.header.copy(base_fee_per_gas=0)
        return vm.build_state(vm.chaindb.db, free, vm.chain_context, vm.previous_hashes)

    def pending_nonce(self, address: bytes) -> int:
        """The nonce after everything of that account that waits without a gap."""
        nonce = self.state_at(self.head).get_nonce(Address(address))
        while (address, nonce) in self._pool:
            nonce += 1
        return nonce

    def call(self, request: CallRequest, block: MinedBlock) -> bytes:
        """What the call returns in the state after that block. Raises `RpcRefusal` as a node would."""
        computation = self._execute(request, block, min(request.gas, BLOCK_GAS_LIMIT))
        _require_success(computation)
        return bytes(computation.output)

    def estimate_gas(self, request: CallRequest, block: MinedBlock) -> int:
        """The least gas with which the call succeeds, to within a part in `ESTIMATE_PRECISION`."""
        enough = min(request.gas, BLOCK_GAS_LIMIT)
        computation = self._execute(request, block, enough)
        _require_success(computation)
        # What it used is not always enough, since a call keeps 1/64 of the gas back from whom it calls, but never too much.
        too_little = max(computation.get_gas_used(), 21_000) - 1
        while (enough - too_little) * ESTIMATE_PRECISION > enough:
            middle = min((enough + too_little) // 2, too_little + 3 * too_little // ESTIMATE_PRECISION)
            if self._suffices(request, block, middle):
                enough = middle
            else:
                too_little = middle
        return enough

    def _suffices(self, request: CallRequest, block: MinedBlock, gas: int) -> bool:
        try:
            return not self._execute(request, block, gas).is_error
        except RpcRefusal:
            return False

    def _execute(self, request: CallRequest, block: MinedBlock, gas: int) -> ComputationAPI:
        state = self.state_at(block)
        sender = Address(request.sender)
        unsigned = self._chain.create_unsigned_transaction(
            nonce=state.get_nonce(sender),
            gas_price=0,
            gas=gas,
            to=Address(request.to),
            value=request.native_units,
            data=request.payload,
        )
        try:
            return state.apply_transaction(SpoofTransaction(unsigned, from_=sender))
        except (ValidationError, RecursionError) as error:
            raise RpcRefusal(-32000, f"call refused: {error}") from error

    # Taking transactions in.

    def submit(self, raw: bytes) -> bytes:
        """Keep a signed transaction until it can be mined, or say why a node would not. Returns its hash."""
        transaction = self._decode(raw)
        if transaction.hash in self._places or self.waiting(transaction.hash) is not None:
            raise RpcRefusal(-32000, "already known")
        state = self.state_at(self.head)
        if transaction.nonce < state.get_nonce(transaction.sender):
            raise RpcRefusal(-32000, "nonce too low")
        if transaction.gas > BLOCK_GAS_LIMIT:
            raise RpcRefusal(-32000, "exceeds block gas limit")
        if state.get_balance(transaction.sender) < transaction.value + transaction.gas * transaction.max_fee_per_gas:
            raise RpcRefusal(-32000, "insufficient funds for gas * price + value")
        self._require_better_fees(transaction)
        self._pool[(transaction.sender, transaction.nonce)] = transaction
        return transaction.hash

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        try:
            transaction = self._chain.get_vm().get_transaction_builder().decode(raw)
            transaction.validate()
        except (ValidationError, rlp.exceptions.RLPException, IndexError, ValueError, TypeError) as error:
            raise RpcRefusal(-32000, "transaction cannot be decoded") from error
        if transaction.chain_id != self.chain_id:
            raise RpcRefusal(-32000, f"invalid chain id for signer: have {transaction.chain_id} want {self.chain_id}")
        return transaction

    def _require_better_fees(self, transaction: SignedTransactionAPI) -> None:
        """A waiting transaction is replaced only by one that pays a tenth more in both fees, as on public nodes."""
        waiting = self._pool.get((transaction.sender, transaction.nonce))
        if waiting is None:
            return
        for new, old in (
            (transaction.max_fee_per_gas, waiting.max_fee_per_gas),
            (transaction.max_priority_fee_per_gas, waiting.max_priority_fee_per_gas),
        ):
            if new < old + max(1, old // REPLACEMENT_STEP):
                raise RpcRefusal(-32000, "replacement transaction underpriced")

    # Mining.

    def mine(self, at: int) -> MinedBlock:
        """Mine what can be mined into one block of that time, or of the second after its parent where that is later."""
        self._chain.set_header_timestamp(max(at, self.head.header.timestamp + 1))
        transactions: list[SignedTransactionAPI] = []
        receipts: list[ReceiptAPI] = []
        while (found := self._next_minable()) is not None:
            del self._pool[(found.sender, found.nonce)]
            try:
                receipt = self._chain.apply_transaction(found)[1]
            except (ValidationError, RecursionError):
                # It was fine when it came and is not any more, for instance since its sender spent the money: nodes
                # drop it too.
                continue
            transactions.append(found)
            receipts.append(receipt)
        return self._seal(tuple(transactions), tuple(receipts))

    def _next_minable(self) -> SignedTransactionAPI | None:
        header = self._chain.header
        state = self._chain.get_vm().state
        for (sender, nonce), transaction in self._pool.items():
            is_next = state.get_nonce(Address(sender)) == nonce
            has_room = header.gas_used + transaction.gas <= header.gas_limit
            if is_next and has_room and transaction.max_fee_per_gas >= header.base_fee_per_gas:
                return transaction
        return None

    def _seal(self, transactions: tuple[SignedTransactionAPI, ...], receipts: tuple[ReceiptAPI, ...]) -> MinedBlock:
        mined = self._chain.mine_block(mix_hash=self.head.header.hash)
        block = MinedBlock(mined.header, len(rlp.encode(mined)), transactions, receipts)
        self._blocks.append(block)
        self._numbers[mined.hash] = mined.number
        for index, transaction in enumerate(transactions):
            self._places[transaction.hash] = (mined.number, index)
        return block
