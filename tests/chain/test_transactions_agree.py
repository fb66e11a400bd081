"""What the guard computes by itself about a Safe transaction is what the Safe contracts compute."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import pytest

from guard.chain import ExecCall
from guard.chain.fragments import SAFE_EXECUTE, SAFE_TRANSACTION_HASH
from guard.core.ids import NATIVE, Address, Digest
from guard.errors import GuardError
from guard.formats.keccak import to_address
from guard.transactions.execution import encode_exec_transaction
from guard.transactions.packing import pack_signatures
from guard.transactions.safe_tx import SafeTx, compute_safe_tx_hash
from guard.transactions.signatures import compute_owner, sign_hash
from tests.chains import CHAIN_ID, SHAPES, RunningNode, SafeStack, address_for

EXAMPLES = {"embedded": 20, "anvil": 60}
PAYEE = Address(address_for("payee"))


def draw_safe_tx(source: random.Random, vault: str) -> SafeTx:
    def draw_address() -> Address:
        return source.choice([NATIVE, to_address(source.randbytes(20))])

    def draw_number() -> int:
        return source.choice([0, 1, 2**256 - 1, source.getrandbits(256), source.getrandbits(20)])

    return SafeTx(
        chain_id=CHAIN_ID,
        vault=Address(vault),
        to=draw_address(),
        native_units=draw_number(),
        call_data=source.randbytes(source.choice([0, 1, 31, 32, 33, 68, 500])),
        operation=source.choice([0, 1]),
        safe_tx_gas=draw_number(),
        base_gas=draw_number(),
        gas_price=draw_number(),
        gas_token=draw_address(),
        refund_receiver=draw_address(),
        nonce=draw_number(),
    )


@pytest.mark.parametrize("release", list(SHAPES))
def test_the_hash_is_the_contracts_for_random_transactions(
    node: RunningNode, release: str, load_stack: Callable[..., SafeStack], is_deep: bool
) -> None:
    stack = load_stack(node, release)
    source = random.Random(release)
    for _ in range(EXAMPLES[node.kind] * (10 if is_deep else 1)):
        tx = draw_safe_tx(source, stack.safe)
        gas_fields = (tx.safe_tx_gas, tx.base_gas, tx.gas_price, tx.gas_token, tx.refund_receiver)
        asked = (tx.to, tx.native_units, tx.call_data, tx.operation, *gas_fields, tx.nonce)
        answer = bytes(stack.chain.call(stack.safe, SAFE_TRANSACTION_HASH, asked)[0])
        assert compute_safe_tx_hash(tx).digest == "0x" + answer.hex()


def test_the_contract_accepts_our_packing_for_every_quorum_in_every_order(stack: SafeStack) -> None:
    call = stack.make_call(PAYEE, 1)
    signatures = {compute_owner(key): sign_hash(key, Digest(call.safe_tx_hash)) for key in stack.owner_keys}
    for quorum in combinations(signatures, stack.threshold):
        packings = {pack_signatures({owner: signatures[owner] for owner in order}) for order in permutations(quorum)}
        assert len(packings) == 1
        asked = (PAYEE, 1, b"", 0, 0, 0, 0, NATIVE, NATIVE, packings.pop())
        assert stack.chain.call(stack.safe, SAFE_EXECUTE, asked) == (True,)


def test_both_encoders_write_the_same_call_of_the_safe() -> None:
    source = random.Random(4)
    for _ in range(100):
        drawn = draw_safe_tx(source, address_for("safe"))
        plain = replace(
            drawn, safe_tx_gas=0, base_gas=0, gas_price=0, gas_token=NATIVE, refund_receiver=NATIVE, operation=0
        )
        packed = source.randbytes(65 * source.choice([1, 2, 5]))
        call = ExecCall(
            safe_tx_hash=compute_safe_tx_hash(plain).digest,
            nonce=plain.nonce,
            to=plain.to,
            native_units=plain.native_units,
            call_data=plain.call_data,
            signatures=packed,
        )
        assert call.to_call() == encode_exec_transaction(plain, packed)


@pytest.mark.parametrize(
    "changes",
    [
        {"safe_tx_hash": "0x12"},
        {"safe_tx_hash": "0x" + "AB" * 32},
        {"to": PAYEE.lower()},
        {"nonce": -1},
        {"nonce": True},
        {"native_units": 2**256},
        {"from_block": -1},
        {"operation": 2},
        {"signatures": b""},
        {"signatures": bytes(64)},
        {"signatures": bytes(66)},
    ],
    ids=str,
)
def test_a_certificate_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "safe_tx_hash": "0x" + "ab" * 32,
        "nonce": 0,
        "to": PAYEE,
        "native_units": 0,
        "call_data": b"",
        "signatures": bytes(65),
    }
    assert ExecCall(**right).operation == 0
    with pytest.raises(GuardError):
        ExecCall(**right | changes)
