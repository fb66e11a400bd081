"""The call data of `execTransaction`, by which a Safe carries out what its owners signed, and strictly back again.

Decoding accepts only what encoding writes, byte for byte: no dirty bits, no other offsets, nothing after the end.
"""

from __future__ import annotations

from guard.core.ids import Address
from guard.errors import GuardError
from guard.formats.keccak import from_address, to_address
from guard.transactions.safe_tx import SafeTx
from guard.transactions.signatures import SIGNATURE_LENGTH

EXEC_TRANSACTION = bytes.fromhex("6a761202")
"""Selector of execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)."""
_HEAD_WORDS = 10


def encode_exec_transaction(safe_tx: SafeTx, packed: bytes) -> bytes:
    """The call data that hands a transaction and its packed signatures to the Safe. Raises `signature.packing`."""
    if not packed or len(packed) % SIGNATURE_LENGTH:
        raise GuardError("signature.packing", f"{len(packed)} bytes are no whole number of signatures")
    first, second = _encode_bytes(safe_tx.call_data), _encode_bytes(packed)
    offset = 32 * _HEAD_WORDS
    numbers = (safe_tx.operation, safe_tx.safe_tx_gas, safe_tx.base_gas, safe_tx.gas_price)
    head = [_word(from_address(safe_tx.to)), _number(safe_tx.native_units), _number(offset), *map(_number, numbers)]
    head += [
        _word(from_address(safe_tx.gas_token)),
        _word(from_address(safe_tx.refund_receiver)),
        _number(offset + len(first)),
    ]
    return EXEC_TRANSACTION + b"".join(head) + first + second


def decode_exec_transaction(chain_id: int, vault: Address, nonce: int, call_data: bytes) -> tuple[SafeTx, bytes]:
    """The Safe transaction and the packed signatures in call data that were sent to that vault at that nonce.

    Chain, vault and nonce are not in the bytes; only the signatures over the hash prove them. Raises
    `transaction.malformed`.
    """
    if call_data[:4] != EXEC_TRANSACTION or len(call_data) < 4 + 32 * _HEAD_WORDS:
        raise GuardError("transaction.malformed", "the bytes are not a call of execTransaction")
    body = call_data[4:]
    words = [int.from_bytes(body[start : start + 32], "big") for start in range(0, 32 * _HEAD_WORDS, 32)]
    if words[3] > 1:
        raise GuardError("transaction.malformed", f"operation {words[3]} is neither a call nor a delegate call")
    safe_tx = SafeTx(
        chain_id=chain_id,
        vault=vault,
        to=_address(words[0]),
        native_units=words[1],
        call_data=_slice(body, words[2]),
        operation=words[3],
        safe_tx_gas=words[4],
        base_gas=words[5],
        gas_price=words[6],
        gas_token=_address(words[7]),
        refund_receiver=_address(words[8]),
        nonce=nonce,
    )
    return safe_tx, _require_exact(safe_tx, _slice(body, words[9]), call_data)


def _require_exact(safe_tx: SafeTx, packed: bytes, call_data: bytes) -> bytes:
    is_whole = len(packed) > 0 and len(packed) % SIGNATURE_LENGTH == 0
    if not is_whole or encode_exec_transaction(safe_tx, packed) != call_data:
        raise GuardError("transaction.malformed", "the call of execTransaction is not in its one exact encoding")
    return packed


def _encode_bytes(content: bytes) -> bytes:
    return _number(len(content)) + content + b"\0" * (-len(content) % 32)


def _slice(body: bytes, offset: int) -> bytes:
    """The bytes at an offset as far as there are any. What is cut short here does not encode back to the same bytes."""
    length = int.from_bytes(body[offset : offset + 32], "big")
    return body[offset + 32 : offset + 32 + length]


def _address(word: int) -> Address:
    """The low 20 bytes of a word. Bits above them do not encode back to the same bytes."""
    return to_address((word % 2**160).to_bytes(20, "big"))


def _number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _word(content: bytes) -> bytes:
    return content.rjust(32, b"\0")
