"""The JSON-RPC methods of the embedded chain: exactly those that the product calls, in the shapes of public nodes.

An unknown method, tag or parameter is refused rather than guessed. This module holds no state and no lock of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from eth.abc import LogAPI, SignedTransactionAPI
from eth_typing import Address

from guard.demo.embedded_ledger import BLOCK_GAS_LIMIT, PRIORITY_FEE, CallRequest, Ledger, MinedBlock, RpcRefusal
from guard.formats.keccak import keccak256, to_address

INVALID_PARAMS = -32602
METHOD_NOT_FOUND = -32601
FEE_HISTORY_LIMIT = 1024
CLIENT_VERSION = "treasury-guard-embedded/1"


class EmbeddedRpc:
    """Answers one request at a time over a ledger.

    `finality_lag` is how many blocks `finalized` and `safe` trail `latest`.
    """

    def __init__(self, ledger: Ledger, *, finality_lag: int) -> None:
        self._ledger = ledger
        self._finality_lag = finality_lag
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(ledger.chain_id),
            "net_version": lambda: str(ledger.chain_id),
            "web3_clientVersion": lambda: CLIENT_VERSION,
            "eth_blockNumber": lambda: hex(ledger.head.header.block_number),
            "eth_gasPrice": lambda: hex(ledger.next_base_fee + PRIORITY_FEE),
            "eth_maxPriorityFeePerGas": lambda: hex(PRIORITY_FEE),
            "eth_feeHistory": self._fee_history,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate_gas,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_getBalance": self._balance,
            "eth_getTransactionCount": self._transaction_count,
            "eth_sendRawTransaction": self._send_raw_transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getTransactionByHash": self._transaction,
            "eth_getLogs": self._logs,
        }

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of one request. Raises `RpcRefusal` with the code that the node answers."""
        found = self._methods.get(method)
        if found is None:
            raise RpcRefusal(METHOD_NOT_FOUND, f"the method {method[:60]} does not exist")
        try:
            signature(found).bind(*params)
        except TypeError as error:
            raise RpcRefusal(INVALID_PARAMS, "wrong number of parameters") from error
        return found(*params)

    # Blocks.

    def _block(self, tag: Any) -> MinedBlock:
        found = self._find_block(tag)
        if found is None:
            raise RpcRefusal(-32000, "header not found")
        return found

    def _find_block(self, tag: Any) -> MinedBlock | None:
        latest = self._ledger.head.header.block_number
        if tag == "latest":
            return self._ledger.head
        if tag in ("finalized", "safe"):
            return self._ledger.block_at(max(0, latest - self._finality_lag))
        if tag == "earliest":
            return self._ledger.block_at(0)
        return self._ledger.block_at(_to_quantity(tag, "block tag"))

    def _block_by_number(self, tag: Any, whole: Any = False) -> Any:
        found = self._find_block(tag)
        return None if found is None else self._to_block_json(found, whole)

    def _block_by_hash(self, block_hash: Any, whole: Any = False) -> Any:
        found = self._ledger.block_of(_to_raw(block_hash, "block hash", 32))
        return None if found is None else self._to_block_json(found, whole)

    def _to_block_json(self, block: MinedBlock, whole: bool) -> dict[str, Any]:
        header = block.header
        transactions = [
            self._to_transaction_json(one, block, index) if whole else _hex(one.hash)
            for index, one in enumerate(block.transactions)
        ]
        return {
            "number": hex(header.block_number),
            "hash": _hex(header.hash),
            "parentHash": _hex(header.parent_hash),
            "nonce": _hex(header.nonce),
            "sha3Uncles": _hex(header.uncles_hash),
            "logsBloom": _hex(header.bloom.to_bytes(256, "big")),
            "transactionsRoot": _hex(header.transaction_root),
            "stateRoot": _hex(header.state_root),
            "receiptsRoot": _hex(header.receipt_root),
            "miner": to_address(header.coinbase),
            "difficulty": hex(header.difficulty),
            "mixHash": _hex(header.mix_hash),
            "extraData": _hex(header.extra_data),
            "size": hex(block.size),
            "gasLimit": hex(header.gas_limit),
            "gasUsed": hex(header.gas_used),
            "baseFeePerGas": hex(header.base_fee_per_gas),
            "timestamp": hex(header.timestamp),
            "transactions": transactions,
            "uncles": [],
        }

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
        last = self._block(newest).header.block_number
        length = min(_to_quantity(count, "block count"), FEE_HISTORY_LIMIT, last + 1)
        blocks = [self._block(hex(number)) for number in range(last + 1 - length, last + 1)]
        following = self._ledger.block_at(last + 1)
        next_fee = self._ledger.next_base_fee if following is None else following.header.base_fee_per_gas
        return {
            "oldestBlock": hex(last + 1 - length),
            "baseFeePerGas": [hex(block.header.base_fee_per_gas) for block in blocks] + [hex(next_fee)],
            "gasUsedRatio": [block.header.gas_used / BLOCK_GAS_LIMIT for block in blocks],
            "reward": [[hex(PRIORITY_FEE) for _ in percentiles or []] for _ in blocks],
        }

    # State.

    def _call(self, call: Any, tag: Any = "latest") -> str:
        return _hex(self._ledger.call(_to_call(call), self._block(tag)))

    def _estimate_gas(self, call: Any, tag: Any = "latest") -> str:
        return hex(self._ledger.estimate_gas(_to_call(call), self._block(tag)))

    def _code(self, address: Any, tag: Any = "latest") -> str:
        return _hex(self._ledger.state_at(self._block(tag)).get_code(_to_account(address)))

    def _balance(self, address: Any, tag: Any = "latest") -> str:
        return hex(self._ledger.state_at(self._block(tag)).get_balance(_to_account(address)))

    def _storage(self, address: Any, slot: Any, tag: Any = "latest") -> str:
        state = self._ledger.state_at(self._block(tag))
        return f"0x{state.get_storage(_to_account(address), _to_slot(slot)):064x}"

    def _transaction_count(self, address: Any, tag: Any = "latest") -> str:
        if tag == "pending":
            return hex(self._ledger.pending_nonce(_to_account(address)))
        return hex(self._ledger.state_at(self._block(tag)).get_nonce(_to_account(address)))

    # Transactions.

    def _send_raw_transaction(self, raw: Any) -> str:
        return _hex(self._ledger.submit(_to_raw(raw, "transaction")))

    def _transaction(self, transaction_hash: Any) -> Any:
        wanted = _to_raw(transaction_hash, "transaction hash", 32)
        place = self._ledger.place_of(wanted)
        if place is not None:
            return self._to_transaction_json(place[0].transactions[place[1]], *place)
        waiting = self._ledger.waiting(wanted)
        return None if waiting is None else self._to_transaction_json(waiting, None, None)

    def _to_transaction_json(
        self, transaction: SignedTransactionAPI, block: MinedBlock | None, index: int | None
    ) -> dict[str, Any]:
        return {
            "hash": _hex(transaction.hash),
            "type": hex(_type_of(transaction)),
            "chainId": hex(self._ledger.chain_id),
            "blockHash": None if block is None else _hex(block.header.hash),
            "blockNumber": None if block is None else hex(block.header.block_number),
            "transactionIndex": None if index is None else hex(index),
            "from": to_address(transaction.sender),
            "to": to_address(transaction.to) if transaction.to else None,
            "nonce": hex(transaction.nonce),
            "value": hex(transaction.value),
            "gas": hex(transaction.gas),
            "maxFeePerGas": hex(transaction.max_fee_per_gas),
            "maxPriorityFeePerGas": hex(transaction.max_priority_fee_per_gas),
            "input": _hex(transaction.data),
        }

    def _receipt(self, transaction_hash: Any) -> Any:
        place = self._ledger.place_of(_to_raw(transaction_hash, "transaction hash", 32))
        if place is None:
            return None
        block, index = place
        transaction = block.transactions[index]
        price = min(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas + block.header.base_fee_per_gas)
        return {
            "transactionHash": _hex(transaction.hash),
            "transactionIndex": hex(index),
            "type": hex(_type_of(transaction)),
            "blockHash": _hex(block.header.hash),
            "blockNumber": hex(block.header.block_number),
            "from": to_address(transaction.sender),
            "to": to_address(transaction.to) if transaction.to else None,
            "contractAddress": None if transaction.to else _created_by(transaction),
            "status": hex(int.from_bytes(block.receipts[index].state_root, "big")),
            "cumulativeGasUsed": hex(block.receipts[index].gas_used),
            "gasUsed": hex(block.gas_used_by(index)),
            "effectiveGasPrice": hex(price),
            "logsBloom": _hex(block.receipts[index].bloom.to_bytes(256, "big")),
            "logs": [_to_log_json(log, place, at) for at, log in block.logs_of(index)],
        }

    # Logs.

    def _logs(self, wanted: Any) -> list[dict[str, Any]]:
        if not isinstance(wanted, dict) or wanted.keys() - {"fromBlock", "toBlock", "address", "topics"}:
            raise RpcRefusal(INVALID_PARAMS, "a log filter has fromBlock, toBlock, address and topics only")
        first = self._block(wanted.get("fromBlock", "latest")).header.block_number
        last = self._block(wanted.get("toBlock", "latest")).header.block_number
        addresses = _to_list(wanted.get("address"))
        topics = [_to_list(topic) for topic in wanted.get("topics") or []]
        return [
            _to_log_json(log, (block, index), at)
            for block in (self._block(hex(number)) for number in range(first, last + 1))
            for index in range(len(block.transactions))
            for at, log in block.logs_of(index)
            if _is_wanted(log, addresses, topics)
        ]


def _to_log_json(log: LogAPI, place: tuple[MinedBlock, int], at: int) -> dict[str, Any]:
    block, index = place
    return {
        "address": to_address(log.address),
        "topics": [f"0x{topic:064x}" for topic in log.topics],
        "data": _hex(log.data),
        "blockNumber": hex(block.header.block_number),
        "blockHash": _hex(block.header.hash),
        "transactionHash": _hex(block.transactions[index].hash),
        "transactionIndex": hex(index),
        "logIndex": hex(at),
        "removed": False,
    }


def _is_wanted(log: LogAPI, addresses: list[bytes] | None, topics: list[list[bytes] | None]) -> bool:
    if addresses is not None and log.address not in addresses:
        return False
    if len(topics) > len(log.topics):
        return False
    return all(
        wanted is None or has.to_bytes(32, "big") in wanted for wanted, has in zip(topics, log.topics, strict=False)
    )


def _to_list(value: Any) -> list[bytes] | None:
    if value is None:
        return None
    return [_to_raw(one, "address or topic") for one in (value if isinstance(value, list) else [value])]


def _to_call(call: Any) -> CallRequest:
    if not isinstance(call, dict):
        raise RpcRefusal(INVALID_PARAMS, "a call is an object")
    payload = call.get("input", call.get("data", "0x"))
    return CallRequest(
        sender=_to_account(call["from"]) if call.get("from") else CallRequest().sender,
        to=_to_account(call["to"]) if call.get("to") else b"",
        native_units=_to_quantity(call.get("value", "0x0"), "value"),
        payload=_to_raw(payload, "call data"),
        gas=_to_quantity(call.get("gas", hex(BLOCK_GAS_LIMIT)), "gas"),
    )


def _created_by(transaction: SignedTransactionAPI) -> str:
    """The address of a new contract: keccak of the RLP list of sender and nonce (yellow paper, section 7)."""
    nonce = transaction.nonce.to_bytes((transaction.nonce.bit_length() + 7) // 8, "big")
    written = nonce if len(nonce) == 1 and nonce[0] < 0x80 else bytes([0x80 + len(nonce)]) + nonce
    body = b"\x94" + transaction.sender + written
    return to_address(keccak256(bytes([0xC0 + len(body)]) + body)[12:])


def _type_of(transaction: SignedTransactionAPI) -> int:
    return getattr(transaction, "type_id", None) or 0


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()


def _to_quantity(value: Any, what: str) -> int:
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return int(value[2:], 16)
    except ValueError:
        pass
    raise RpcRefusal(INVALID_PARAMS, f"{what} is not a quantity known here: {str(value)[:40]}")


def _to_raw(value: Any, what: str, length: int | None = None) -> bytes:
    try:
        if isinstance(value, str) and value.startswith("0x"):
            raw = bytes.fromhex(value[2:])
            if length is None or len(raw) == length:
                return raw
    except ValueError:
        pass
    raise RpcRefusal(INVALID_PARAMS, f"{what} is not hexadecimal of the right length")


def _to_account(value: Any) -> Address:
    return Address(_to_raw(value, "address", 20))


def _to_slot(value: Any) -> int:
    """A storage slot, which callers write both as a quantity and as 32 padded bytes."""
    slot = _to_quantity(value, "storage slot")
    if slot >= 2**256:
        raise RpcRefusal(INVALID_PARAMS, "storage slot is above 2^256")
    return slot
