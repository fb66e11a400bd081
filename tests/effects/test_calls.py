"""A transfer becomes one call, and only that call is read back as its effects."""

from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import assume, given
from hypothesis import strategies as st

from guard.core.ids import NATIVE, Digest
from guard.core.transfer import Action
from guard.effects.call import TOKEN_TRANSFER, Call, to_call
from guard.effects.decoding import Effects, Payment, compute_effects
from guard.errors import GuardError
from guard.formats.keccak import from_address, keccak256, to_address
from tests.effects.factories import MAINNET, STRANGER, SUPPLIER, USDC, VAULT, a_transfer, an_address

addresses = st.binary(min_size=20, max_size=20).map(to_address)
amounts = st.integers(1, 2**256 - 1) | st.sampled_from([1, 2**128, 2**255, 2**256 - 1])
TOKEN_CALL = to_call(a_transfer())


def call(to: Any = USDC, native_units: int = 0, call_data: bytes = TOKEN_CALL.call_data) -> Call:
    return Call(to=to, native_units=native_units, call_data=call_data)


def refused(wanted: Call) -> str:
    with pytest.raises(GuardError) as caught:
        compute_effects(MAINNET, VAULT, wanted)
    return caught.value.code


@given(addresses | st.just(NATIVE), addresses, amounts)
def test_p3_a_transfer_decodes_back_to_exactly_its_payment(asset: Any, destination: Any, amount: int) -> None:
    assume(destination not in (NATIVE, VAULT, asset) and asset != VAULT)
    transfer = a_transfer(asset=asset, destination=destination, amount_units=amount)
    paid = Payment(asset=asset, recipient=destination, amount_units=amount)
    assert compute_effects(MAINNET, VAULT, to_call(transfer)) == Effects(
        chain_id=MAINNET, vault=VAULT, payments=(paid,)
    )


@given(addresses, amounts)
def test_token_call_data_are_those_of_the_abi(destination: Any, amount: int) -> None:
    assume(destination not in (NATIVE, VAULT, USDC))
    made = to_call(a_transfer(destination=destination, amount_units=amount)).call_data
    assert made == keccak256(b"transfer(address,uint256)")[:4] + encode(["address", "uint256"], [destination, amount])


def test_a_native_transfer_carries_no_data() -> None:
    assert to_call(a_transfer(asset=NATIVE, amount_units=7)) == call(SUPPLIER, 7, b"")


def test_the_cancel_has_no_effects() -> None:
    effects = compute_effects(MAINNET, VAULT, call(VAULT, 0, b""))
    assert effects.is_cancel
    assert effects.payments == ()
    assert not compute_effects(MAINNET, VAULT, TOKEN_CALL).is_cancel


@given(st.binary(max_size=100), st.integers(0, 3), st.sampled_from([USDC, SUPPLIER, VAULT, NATIVE]))
def test_whatever_is_accepted_has_no_second_spelling(call_data: bytes, native_units: int, to: Any) -> None:
    wanted = call(to, native_units, call_data)
    try:
        effects = compute_effects(MAINNET, VAULT, wanted)
    except GuardError:
        return
    assert effects.is_cancel or _spell(effects.payments[0]) == wanted


@given(st.integers(0, 67), st.integers(1, 255))
def test_each_changed_byte_of_a_token_call_is_another_payment_or_refused(place: int, change: int) -> None:
    changed = bytearray(TOKEN_CALL.call_data)
    changed[place] ^= change
    try:
        effects = compute_effects(MAINNET, VAULT, call(call_data=bytes(changed)))
    except GuardError:
        return
    assert place >= 16
    assert _spell(effects.payments[0]) == call(call_data=bytes(changed))


def _spell(payment: Payment) -> Call:
    return to_call(a_transfer(asset=payment.asset, destination=payment.recipient, amount_units=payment.amount_units))


@pytest.mark.parametrize("place", range(4, 16))
def test_dirty_bits_in_front_of_the_recipient_are_refused(place: int) -> None:
    dirty = bytearray(TOKEN_CALL.call_data)
    dirty[place] = 1
    assert refused(call(call_data=bytes(dirty))) == "effects.malformed"


@pytest.mark.parametrize("change", [b"\0", b"\0" * 32, b"ref"])
def test_trailing_bytes_are_refused(change: bytes) -> None:
    assert refused(call(call_data=TOKEN_CALL.call_data + change)) == "effects.malformed"


@pytest.mark.parametrize("length", [4, 36, 67])
def test_short_call_data_are_refused(length: int) -> None:
    assert refused(call(call_data=TOKEN_CALL.call_data[:length])) == "effects.malformed"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_less_than_a_selector_is_refused(length: int) -> None:
    assert refused(call(call_data=TOKEN_CALL.call_data[:length])) == "effects.selector"


@pytest.mark.parametrize(
    "function",
    [
        "approve(address,uint256)",
        "increaseAllowance(address,uint256)",
        "transferFrom(address,address,uint256)",
        "setApprovalForAll(address,bool)",
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
        "multiSend(bytes)",
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
        "addOwnerWithThreshold(address,uint256)",
        "enableModule(address)",
        "burn(uint256)",
        "withdraw(uint256)",
    ],
)
def test_every_other_function_is_refused(function: str) -> None:
    selector = keccak256(function.encode())[:4]
    assert selector != TOKEN_TRANSFER
    assert refused(call(call_data=selector + TOKEN_CALL.call_data[4:])) == "effects.selector"


def test_a_token_call_with_native_coin_besides_is_refused() -> None:
    assert refused(call(native_units=1)) == "effects.native-amount"


def test_a_call_of_nothing_to_others_is_refused() -> None:
    assert refused(call(SUPPLIER, 0, b"")) == "effects.nothing"


def test_a_token_transfer_of_nothing_is_refused() -> None:
    assert refused(call(call_data=TOKEN_CALL.call_data[:36] + b"\0" * 32)) == "effects.nothing"


@pytest.mark.parametrize(
    ("native_units", "call_data"), [(1, b""), (0, b"\0"), (0, TOKEN_CALL.call_data), (1, TOKEN_CALL.call_data)]
)
def test_a_self_call_that_is_not_the_cancel_is_refused(native_units: int, call_data: bytes) -> None:
    assert refused(call(VAULT, native_units, call_data)) == "effects.self-call"


@pytest.mark.parametrize("recipient", [NATIVE, VAULT, USDC])
def test_a_token_payment_to_nobody_the_vault_or_the_token_is_refused(recipient: Any) -> None:
    words = from_address(recipient).rjust(32, b"\0") + (1).to_bytes(32, "big")
    assert refused(call(call_data=TOKEN_TRANSFER + words)) == "effects.destination"


def test_native_coin_to_the_zero_address_is_refused() -> None:
    assert refused(call(NATIVE, 1, b"")) == "effects.destination"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"action": Action.CALL}, "effects.action"),
        ({"action": Action.ALLOWANCE}, "effects.action"),
        ({"call_data_hash": Digest("0x" + "01" * 32)}, "effects.action"),
        ({"amount_units": 0}, "effects.nothing"),
        ({"destination": NATIVE}, "effects.destination"),
        ({"destination": VAULT}, "effects.destination"),
        ({"destination": USDC}, "effects.destination"),
        ({"asset": VAULT}, "effects.self-call"),
    ],
)
def test_what_would_not_decode_is_not_built(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(GuardError) as caught:
        to_call(a_transfer(**changes))
    assert caught.value.code == code


def test_values_that_cannot_be_are_refused() -> None:
    for make in (
        lambda: Call(to=STRANGER, native_units=-1, call_data=b""),
        lambda: Call(to=STRANGER, native_units=2**256, call_data=b""),
        lambda: Payment(asset=USDC, recipient=an_address(1), amount_units=0),
    ):
        with pytest.raises(GuardError) as caught:
            make()
        assert caught.value.code == "value.invalid"
