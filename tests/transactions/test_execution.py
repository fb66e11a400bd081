"""The call data of execTransaction: against the ABI, and strictly back."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import GuardError
from guard.formats.keccak import keccak256
from guard.transactions.execution import decode_exec_transaction, encode_exec_transaction
from guard.transactions.safe_tx import SafeTx, build_safe_tx
from tests.effects.factories import MAINNET, VAULT, a_transfer
from tests.transactions.test_safe_tx import safe_txs

SIGNATURE = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
PACKED = bytes(range(65)) + bytes(65)
PLAIN = build_safe_tx(a_transfer(), 9)
ENCODED = encode_exec_transaction(PLAIN, PACKED)
packs = st.integers(1, 4).flatmap(lambda count: st.binary(min_size=65 * count, max_size=65 * count))


def to_abi(safe_tx: SafeTx, packed: bytes) -> bytes:
    """The same by the general ABI encoder."""
    types = SIGNATURE[len("execTransaction(") : -1].split(",")
    numbers = [safe_tx.operation, safe_tx.safe_tx_gas, safe_tx.base_gas, safe_tx.gas_price]
    values = [safe_tx.to, safe_tx.native_units, safe_tx.call_data, *numbers, safe_tx.gas_token]
    return keccak256(SIGNATURE.encode())[:4] + encode(types, [*values, safe_tx.refund_receiver, packed])


def decode(call_data: bytes) -> tuple[SafeTx, bytes]:
    return decode_exec_transaction(MAINNET, VAULT, 9, call_data)


@given(safe_txs, packs)
def test_call_data_are_those_of_the_abi_and_decode_back(safe_tx: SafeTx, packed: bytes) -> None:
    made = encode_exec_transaction(safe_tx, packed)
    assert made == to_abi(safe_tx, packed)
    assert decode_exec_transaction(safe_tx.chain_id, safe_tx.vault, safe_tx.nonce, made) == (safe_tx, packed)


@given(st.integers(0, len(ENCODED) - 1), st.integers(1, 255))
def test_each_changed_byte_is_another_transaction_or_refused(place: int, change: int) -> None:
    changed = bytearray(ENCODED)
    changed[place] ^= change
    try:
        safe_tx, packed = decode(bytes(changed))
    except GuardError:
        return
    assert (safe_tx, packed) != (PLAIN, PACKED)
    assert encode_exec_transaction(safe_tx, packed) == changed


def with_word(place: int, value: int) -> bytes:
    start = 4 + 32 * place
    return ENCODED[:start] + value.to_bytes(32, "big") + ENCODED[start + 32 :]


def shifted() -> bytes:
    """The same call with both dynamic parts moved by one word, as a lax decoder would still read."""
    gap = ENCODED[: 4 + 320] + bytes(32) + ENCODED[4 + 320 :]
    first, second = int.from_bytes(ENCODED[68:100], "big"), int.from_bytes(ENCODED[292:324], "big")
    moved = gap[:68] + (first + 32).to_bytes(32, "big") + gap[100:292] + (second + 32).to_bytes(32, "big") + gap[324:]
    return moved


@pytest.mark.parametrize(
    "call_data",
    [
        b"",
        ENCODED[:4],
        ENCODED[:323],
        ENCODED[:-1],
        ENCODED + b"\0",
        ENCODED + b"\0" * 32,
        b"\0\0\0\0" + ENCODED[4:],
        with_word(0, 2**160),
        with_word(2, 0),
        with_word(2, 2**256 - 1),
        with_word(3, 2),
        with_word(3, 256),
        with_word(7, 2**200),
        with_word(9, 2**256 - 1),
        with_word(9, 320),
        with_word(10, 2**255),
        ENCODED[:-1] + b"\1",
        shifted(),
    ],
)
def test_call_data_in_any_other_spelling_are_refused(call_data: bytes) -> None:
    with pytest.raises(GuardError) as caught:
        decode(call_data)
    assert caught.value.code == "transaction.malformed"


@pytest.mark.parametrize("packed", [b"", b"\0" * 64, b"\0" * 66])
def test_signatures_of_another_length_are_not_encoded(packed: bytes) -> None:
    with pytest.raises(GuardError) as caught:
        encode_exec_transaction(PLAIN, packed)
    assert caught.value.code == "signature.packing"
