"""What a chain says, through one endpoint: blocks, balances, Safes, events.

Everything here is one node's word. It may hold a release back or deny it and never justifies one; nothing is cached
and nothing is guessed: no answer is an `AdapterError`.
"""

from __future__ import annotations

from typing import Any, Literal

from guard.chain import fragments
from guard.chain.answers import (
    BlockHead,
    Log,
    Receipt,
    to_account,
    to_block_head,
    to_hash,
    to_logs,
    to_quantity,
    to_raw,
    to_receipt,
)
from guard.chain.fragments import Function
from guard.chain.node import Node
from guard.core.ids import NATIVE
from guard.errors import AdapterError
from guard.formats.keccak import require_address, require_digest

BlockTag = Literal["latest", "finalized", "safe"] | int
TIMEOUT = 10.0


class Chain:
    """One chain through one endpoint. Addresses are EIP-55 texts, hashes lower-case 0x-hex, amounts whole units."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self._node = Node(url, timeout=timeout)

    @property
    def host(self) -> str:
        """The endpoint's host, for messages; never its path, which may hold an access key."""
        return self._node.host

    # The chain and its blocks.

    def chain_id(self) -> int:
        """The chain id that the node claims to serve."""
        return to_quantity(self._node.request("eth_chainId"), "chain id")

    def require_chain_id(self, expected: int) -> None:
        """Raise `chain.wrong-chain` unless the node claims to serve the expected chain."""
        served = self.chain_id()
        if served != expected:
            raise AdapterError("chain.wrong-chain", f"node {self.host} serves chain {served}, not {expected}")

    def latest_block(self) -> BlockHead:
        """The newest block that the node knows."""
        return to_block_head(self._node.request("eth_getBlockByNumber", "latest", False))

    def finalized_block(self) -> BlockHead | None:
        """The newest final block, or None where the node says that there is none yet."""
        return self._find_block("finalized")

    def block(self, number: int) -> BlockHead | None:
        """The block of that number on the chain that the node follows now."""
        return self._find_block(hex(number))

    def _find_block(self, tag: str) -> BlockHead | None:
        answer = self._node.request("eth_getBlockByNumber", tag, False)
        return None if answer is None else to_block_head(answer)

    def base_fee(self) -> int:
        """The latest block's base fee per gas (EIP-1559)."""
        block = self._node.request("eth_getBlockByNumber", "latest", False)
        return to_quantity(block.get("baseFeePerGas") if isinstance(block, dict) else None, "base fee (EIP-1559)")

    def priority_fee(self) -> int:
        """The tip per gas that the node proposes."""
        return to_quantity(self._node.request("eth_maxPriorityFeePerGas"), "priority fee")

    # Accounts.

    def native_balance(self, address: str, block: BlockTag = "latest") -> int:
        """The account's own coins, in the smallest unit."""
        return to_quantity(self._node.request("eth_getBalance", require_address(address), _to_tag(block)), "balance")

    def transaction_count(self, address: str, block: Literal["latest", "pending"] = "latest") -> int:
        """The next nonce of a plain account, with or without what waits in the node's pool."""
        return to_quantity(self._node.request("eth_getTransactionCount", require_address(address), block), "count")

    def code(self, address: str, block: BlockTag = "latest") -> bytes:
        """The code at an address; empty for a plain account."""
        return to_raw(self._node.request("eth_getCode", require_address(address), _to_tag(block)), "code")

    def storage_at(self, address: str, slot: int, block: BlockTag = "latest") -> int:
        """One 32-byte word of a contract's storage."""
        asked = (require_address(address), f"0x{slot:064x}", _to_tag(block))
        return to_quantity(self._node.request("eth_getStorageAt", *asked), "storage word")

    def token_balance(self, token: str, address: str, block: BlockTag = "latest") -> int:
        """What an ERC-20 token says that an account has, in the token's smallest unit."""
        return int(self.call(token, fragments.TOKEN_BALANCE, (require_address(address),), block)[0])

    # Safes.

    def safe_nonce(self, safe: str, block: BlockTag = "latest") -> int:
        """The nonce that the Safe uses next, in the state of that block."""
        return int(self.call(safe, fragments.SAFE_NONCE, (), block)[0])

    def safe_owners(self, safe: str, block: BlockTag = "latest") -> tuple[str, ...]:
        """The Safe's owners, in its own order."""
        owners = self.call(safe, fragments.SAFE_OWNERS, (), block)[0]
        return tuple(to_account(owner, "owner") for owner in owners)

    def safe_threshold(self, safe: str, block: BlockTag = "latest") -> int:
        """How many owners must sign."""
        return int(self.call(safe, fragments.SAFE_THRESHOLD, (), block)[0])

    def safe_version(self, safe: str, block: BlockTag = "latest") -> str:
        """The version that the Safe's code states."""
        return str(self.call(safe, fragments.SAFE_VERSION, (), block)[0])

    def safe_transaction_hash(
        self, safe: str, *, to: str, native_units: int, call_data: bytes, operation: int, nonce: int
    ) -> str:
        """The SafeTx hash as the contract computes it, with every gas field zero: an oracle for our own computation."""
        asked = (require_address(to), native_units, call_data, operation, 0, 0, 0, NATIVE, NATIVE, nonce)
        answer = self.call(safe, fragments.SAFE_TRANSACTION_HASH, asked)[0]
        return "0x" + bytes(answer).hex()

    # Calls, events, receipts.

    def call(
        self, contract: str, function: Function, arguments: tuple[object, ...] = (), block: BlockTag = "latest"
    ) -> tuple[Any, ...]:
        """What a contract's function gives back in the state of that block.

        Raises `chain.no-contract` for an empty answer, which is what an address without code gives, `chain.reverted`
        and what `Node` raises.
        """
        call = {"to": require_address(contract), "data": "0x" + function.to_call(*arguments).hex()}
        output = to_raw(self._node.request("eth_call", call, _to_tag(block)), f"answer to {function.name}")
        if not output:
            raise AdapterError(
                "chain.no-contract", f"no contract at {contract} answers {function.name} at block {block}"
            )
        return function.from_output(output)

    def logs(self, contract: str, topics: tuple[bytes, ...], first: int, last: int) -> tuple[Log, ...]:
        """The contract's events in blocks `first` to `last`, both included, whose first topic is one of `topics`."""
        wanted = {
            "address": require_address(contract),
            "topics": [["0x" + topic.hex() for topic in topics]],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        found = to_logs(self._node.request("eth_getLogs", wanted))
        for log in found:
            if log.address != contract or log.topics[:1] not in [(topic,) for topic in topics]:
                raise AdapterError("chain.unexpected-answer", "the node answered with logs that were not asked for")
            if not first <= log.block_number <= last:
                raise AdapterError("chain.unexpected-answer", "the node answered with logs of blocks not asked for")
        return found

    def receipt(self, transaction_hash: str) -> Receipt | None:
        """What became of a transaction, or None while it is not mined."""
        answer = self._node.request("eth_getTransactionReceipt", require_digest(transaction_hash))
        if answer is None:
            return None
        receipt = to_receipt(answer)
        if receipt.transaction_hash != transaction_hash:
            raise AdapterError("chain.unexpected-answer", "the node answered with another transaction's receipt")
        return receipt

    # Sending.

    def estimate_gas(self, sender: str, to: str | None, native_units: int, call_data: bytes) -> int:
        """The gas that a transaction would use after the latest block. Raises `chain.reverted` where it would revert.

        Some nodes count what waits in their pool otherwise, and would say of a certificate whose transaction waits there that it reverts.
        """
        call = {"from": require_address(sender), "value": hex(native_units), "data": "0x" + call_data.hex()}
        if to is not None:
            call["to"] = require_address(to)
        return to_quantity(self._node.request("eth_estimateGas", call, "latest"), "gas estimate")

    def send_raw(self, raw: bytes) -> str:
        """Hand a signed transaction to the node. Returns its hash as the node states it."""
        return to_hash(self._node.request("eth_sendRawTransaction", "0x" + raw.hex()), "transaction hash")


def _to_tag(block: BlockTag) -> str:
    return hex(block) if isinstance(block, int) else block
