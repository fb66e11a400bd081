"""A node's answers as values, or `chain.unexpected-answer`. A missing field is never read as zero, empty or no."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from guard.core.ids import is_address
from guard.errors import AdapterError
from guard.formats.keccak import to_address

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}\Z", re.ASCII)
_HEX = re.compile(r"0x([0-9a-fA-F]{2})*\Z", re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BlockHead:
    """A block as far as anything here depends on it; `timestamp` in seconds since 1970, `hash` in lower-case 0x-hex."""

    number: int
    hash: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class Log:
    """One event that a contract emitted, with where it stands. `payload` is what a node calls its data."""

    address: str
    topics: tuple[bytes, ...]
    payload: bytes
    index: int
    block_number: int
    block_hash: str
    transaction_hash: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction. It says nothing of a Safe's inner call: only the Safe's own event does."""

    transaction_hash: str
    is_success: bool
    block_number: int
    block_hash: str
    created: str | None
    logs: tuple[Log, ...]


def to_quantity(answer: object, what: str) -> int:
    """A number in 0x-hex, below 2^256."""
    if not isinstance(answer, str) or _QUANTITY.match(answer) is None:
        raise _unexpected(what)
    return int(answer, 16)


def to_raw(answer: object, what: str) -> bytes:
    """Bytes in 0x-hex."""
    if not isinstance(answer, str) or _HEX.match(answer) is None:
        raise _unexpected(what)
    return bytes.fromhex(answer[2:])


def to_hash(answer: object, what: str) -> str:
    """32 bytes in 0x-hex, in lower case."""
    raw = to_raw(answer, what)
    if len(raw) != 32:
        raise _unexpected(what)
    return "0x" + raw.hex()


def to_account(answer: object, what: str) -> str:
    """An address in its EIP-55 form; nodes write them in lower case."""
    if not is_address(answer):
        raise _unexpected(what)
    return to_address(bytes.fromhex(str(answer)[2:]))


def to_block_head(answer: object) -> BlockHead:
    """A block that a node described."""
    return _read(
        answer,
        "block",
        lambda block: BlockHead(
            number=to_quantity(block["number"], "block number"),
            hash=to_hash(block["hash"], "block hash"),
            timestamp=to_quantity(block["timestamp"], "block time"),
        ),
    )


def to_log(answer: object) -> Log:
    """An event of a mined transaction. One that a node marks as removed by a reorganisation is refused."""
    log = _read(answer, "log", _build_log)
    if isinstance(answer, dict) and answer.get("removed"):
        raise AdapterError("chain.unexpected-answer", "the node answered with a log that the chain has taken back")
    return log


def _build_log(log: dict[str, Any]) -> Log:
    topics = tuple(to_raw(topic, "topic") for topic in log["topics"])
    if len(topics) > 4 or any(len(topic) != 32 for topic in topics):
        raise _unexpected("log")
    return Log(
        address=to_account(log["address"], "log address"),
        topics=topics,
        payload=to_raw(log["data"], "log data"),
        index=to_quantity(log["logIndex"], "log index"),
        block_number=to_quantity(log["blockNumber"], "block number"),
        block_hash=to_hash(log["blockHash"], "block hash"),
        transaction_hash=to_hash(log["transactionHash"], "transaction hash"),
    )


def to_logs(answer: object) -> tuple[Log, ...]:
    """The events of one query, in the order of the chain."""
    if not isinstance(answer, list):
        raise _unexpected("logs")
    return tuple(sorted((to_log(one) for one in answer), key=lambda log: (log.block_number, log.index)))


def to_receipt(answer: object) -> Receipt:
    """What became of a mined transaction. Its logs must belong to it."""
    receipt = _read(
        answer,
        "receipt",
        lambda one: Receipt(
            transaction_hash=to_hash(one["transactionHash"], "transaction hash"),
            is_success=to_quantity(one["status"], "status") == 1,
            block_number=to_quantity(one["blockNumber"], "block number"),
            block_hash=to_hash(one["blockHash"], "block hash"),
            created=None if one["contractAddress"] is None else to_account(one["contractAddress"], "contract address"),
            logs=to_logs(one["logs"]),
        ),
    )
    place = (receipt.transaction_hash, receipt.block_hash, receipt.block_number)
    if any((log.transaction_hash, log.block_hash, log.block_number) != place for log in receipt.logs):
        raise _unexpected("receipt")
    return receipt


def _read(answer: object, what: str, build: Callable[[dict[str, Any]], T]) -> T:
    if not isinstance(answer, dict):
        raise _unexpected(what)
    try:
        return build(answer)
    except (KeyError, TypeError) as error:
        raise _unexpected(what) from error


def _unexpected(what: str) -> AdapterError:
    return AdapterError("chain.unexpected-answer", f"the node's answer holds no proper {what}")
