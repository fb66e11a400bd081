"""Safe transactions: hashes against published vectors and a second encoder, and P3 over what was built."""

from dataclasses import fields, replace
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import assume, given
from hypothesis import strategies as st

from guard.core.ids import NATIVE, Digest
from guard.core.transfer import Action
from guard.effects.call import to_call
from guard.errors import GuardError
from guard.formats.keccak import keccak256, require_address, to_address
from guard.transactions import safe_tx as safe_tx_module
from guard.transactions.proving import require_cancel, require_same_effects
from guard.transactions.safe_tx import SafeTx, build_cancel, build_safe_tx, compute_safe_tx_hash
from tests.effects.factories import MAINNET, SIDECHAIN, STRANGER, SUPPLIER, USDC, VAULT, a_transfer

ADD_OWNER = bytes.fromhex(
    "0d582f13"
    "0000000000000000000000000c75fa5a5f1c0997e3eea425cfa13184ed0ec9e5"
    "0000000000000000000000000000000000000000000000000000000000000003"
)
MULTI_SEND = bytes.fromhex(
    "8d80ff0a"
    "0000000000000000000000000000000000000000000000000000000000000020"
    "0000000000000000000000000000000000000000000000000000000000000132"
    "00cfbfac74c26f8647cbdb8c5caf80bb5b32e43134"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000044"
    "dd43a79f"
    "000000000000000000000000f46c6d6e62f59d9222f3812874211df07cf7b318"
    "0000000000000000000000000000000000000000000000000000000000000001"
    "00a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000044"
    "a9059cbb"
    "0000000000000000000000001fe27a73cd9f0b3c53b6e936d0b4f9b2f8ca3367"
    "000000000000000000000000000000000000000000000000000000002faf0800"
    "0000000000000000000000000000"
)


def a_safe_tx(**changes: Any) -> SafeTx:
    """A transaction that moves nothing, of a vault on the main chain."""
    return replace(build_cancel(MAINNET, VAULT, 0), **changes)


FIRST_SAFE = require_address("0x111CEEee040739fD91D29C34C33E6B3E112F2177")
V1 = a_safe_tx(chain_id=42161, vault=FIRST_SAFE, to=FIRST_SAFE, call_data=ADD_OWNER, nonce=234)
V2 = replace(
    V1,
    native_units=1000,
    operation=1,
    gas_price=50,
    gas_token=require_address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
    refund_receiver=require_address("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"),
)
V3 = a_safe_tx(chain_id=11155111, vault=VAULT, to=SUPPLIER, native_units=10**17, nonce=4)
V3_HASH = "cb8bbe7bf8f8a1f3f57658e450d07d4422356ac042d96a87ba425b19e67a78a1"
V3_NESTED = a_safe_tx(
    chain_id=11155111,
    vault=require_address("0x6bc56d6CE87C86CB0756c616bECFD3Cd32b09251"),
    to=VAULT,
    call_data=bytes.fromhex("d4d9bdcd" + V3_HASH),
    nonce=4,
)
V4 = a_safe_tx(
    vault=require_address("0x5EA1d9A6dDC3A0329378a327746D71A2019eC332"),
    to=require_address("0x9641d764fc13c8B624c04430C7356C1C7C8102e2"),
    operation=1,
    call_data=MULTI_SEND,
    nonce=6,
)


@pytest.mark.parametrize(
    ("safe_tx", "domain", "struct", "digest"),
    [
        pytest.param(
            V1,
            "1cf7f9b1efe3bc47fe02fd27c649fea19e79d66040683a1c86c7490c80bf7291",
            "d9109ea63c50ecd3b80b6b27ed5c5a9fd3d546c2169dfb69bfa7ba24cd14c7a5",
            "0cb7250b8becd7069223c54e2839feaed4cee156363fbfe5dd0a48e75c4e25b3",
            id="add an owner",
        ),
        pytest.param(
            V2,
            "1cf7f9b1efe3bc47fe02fd27c649fea19e79d66040683a1c86c7490c80bf7291",
            "c7e826933da60e6ac3e2246ed0563a26a920a65beaa9089d784ac96234141bb3",
            "c818fceb1cace51c1a4039c4c66fc73d95eccc298104c9c52debac604b9f4e04",
            id="delegate call with refund",
        ),
        pytest.param(
            V3,
            "611379c19940caee095cdb12bebe6a9fa9abb74cdb1fbd7377c49a1f198dc24f",
            "565bba8b51924ffa64953596d0a2dd5c2cad39649f7de0bf2c8dbc903bd03258",
            V3_HASH,
            id="native payment",
        ),
        pytest.param(
            V3_NESTED,
            "55f6c329a7834e2a4e789f5526f328fa75d14fe75b97b0001be40caf46ca92a1",
            "cd411ee5d49344391ef8d37b76e19dfacf505bbb20e856ac907acb5958ecbdf0",
            "86eb3f93f2670d119a4ecb8eeaa4dafe31a28abcafe06688d47e195a3dd7abb0",
            id="approve the hash of another",
        ),
        pytest.param(
            V4,
            "58122ea8f001782facc66ee5495a6b8b29730fadf352d8608ca86bd31569fcf5",
            "e992e061576268328fac9175d6aea3defd4c3bef83a0c6fe08f6aa5a222cbc45",
            "27a0c4abf624b15b776f544a4b31ed4d50dee2b677c6497fbadf4f7a73be705e",
            id="batch",
        ),
    ],
)
def test_hashes_are_those_of_the_published_vectors(safe_tx: SafeTx, domain: str, struct: str, digest: str) -> None:
    hashes = compute_safe_tx_hash(safe_tx)
    assert (hashes.domain, hashes.struct, hashes.digest) == (f"0x{domain}", f"0x{struct}", f"0x{digest}")


def test_type_hashes_are_those_of_the_contract() -> None:
    domain, struct = safe_tx_module.DOMAIN_TYPE.encode(), safe_tx_module.SAFE_TX_TYPE.encode()
    assert keccak256(domain).hex() == "47e79534a245952e8b16893a336b85a3d9ea9fa8c573f3d803afb92a79469218"
    assert keccak256(struct).hex() == "bb8310d486368db6bd6f849402fdd73ad53d316b5a4b2644ad6efe0f941286d8"


addresses = st.binary(min_size=20, max_size=20).map(to_address)
words = st.integers(0, 2**256 - 1)
safe_txs = st.builds(
    SafeTx,
    chain_id=st.integers(1, 2**256 - 1),
    vault=addresses,
    to=addresses,
    native_units=words,
    call_data=st.binary(max_size=200),
    operation=st.integers(0, 1),
    safe_tx_gas=words,
    base_gas=words,
    gas_price=words,
    gas_token=addresses,
    refund_receiver=addresses,
    nonce=words,
)


@given(safe_txs)
def test_hashes_agree_with_a_second_encoder(safe_tx: SafeTx) -> None:
    fields_of_type = safe_tx_module.SAFE_TX_TYPE.removeprefix("SafeTx(").removesuffix(")").split(",")
    types = [dict(zip(("type", "name"), field.split(" "), strict=True)) for field in fields_of_type]
    names = [field.name for field in fields(SafeTx) if field.name not in ("chain_id", "vault")]
    message = {each["name"]: getattr(safe_tx, name) for each, name in zip(types, names, strict=True)}
    domain = {"chainId": safe_tx.chain_id, "verifyingContract": safe_tx.vault}
    other = encode_typed_data(domain, {"SafeTx": types}, message)
    hashes = compute_safe_tx_hash(safe_tx)
    assert (hashes.domain, hashes.struct) == ("0x" + other.header.hex(), "0x" + other.body.hex())
    assert hashes.digest == "0x" + keccak256(b"\x19\x01" + other.header + other.body).hex()


@given(st.integers(0, 2**256 - 1), st.sampled_from([NATIVE, USDC]))
def test_what_is_built_sets_no_gas_field_and_is_a_plain_call(nonce: int, asset: Any) -> None:
    transfer = a_transfer(asset=asset)
    for built in (build_safe_tx(transfer, nonce), build_cancel(MAINNET, VAULT, nonce)):
        assert (built.operation, built.safe_tx_gas, built.base_gas, built.gas_price) == (0, 0, 0, 0)
        assert (built.gas_token, built.refund_receiver, built.nonce) == (NATIVE, NATIVE, nonce)
    assert build_safe_tx(transfer, nonce).call == to_call(transfer)


@pytest.mark.parametrize("nonce", [-1, 2**256, True])
def test_a_nonce_that_cannot_be_is_refused(nonce: int) -> None:
    with pytest.raises(GuardError) as caught:
        build_cancel(MAINNET, VAULT, nonce)
    assert caught.value.code == "value.invalid"


@given(addresses | st.just(NATIVE), addresses, st.integers(1, 2**256 - 1), words)
def test_p3_what_is_built_has_the_effects_of_the_transfer(
    asset: Any, destination: Any, amount: int, nonce: int
) -> None:
    assume(destination not in (NATIVE, VAULT, asset) and asset != VAULT)
    transfer = a_transfer(asset=asset, destination=destination, amount_units=amount)
    effects = require_same_effects(transfer, build_safe_tx(transfer, nonce))
    assert [(paid.asset, paid.recipient, paid.amount_units) for paid in effects.payments] == [
        (asset, destination, amount)
    ]


HONEST = build_safe_tx(a_transfer(), 5)
OTHER_AMOUNT = build_safe_tx(a_transfer(amount_units=9_000_000_001), 5)
OTHER_RECIPIENT = build_safe_tx(a_transfer(destination=STRANGER), 5)


@pytest.mark.parametrize(
    ("safe_tx", "code"),
    [
        (OTHER_AMOUNT, "transaction.effects"),
        (OTHER_RECIPIENT, "transaction.effects"),
        (build_safe_tx(a_transfer(asset=NATIVE), 5), "transaction.effects"),
        (build_safe_tx(a_transfer(asset=STRANGER), 5), "transaction.effects"),
        (build_cancel(MAINNET, VAULT, 5), "transaction.effects"),
        (replace(HONEST, chain_id=SIDECHAIN), "transaction.vault"),
        (replace(HONEST, vault=STRANGER), "transaction.vault"),
        (replace(HONEST, operation=1), "transaction.operation"),
        (replace(HONEST, safe_tx_gas=1), "transaction.gas"),
        (replace(HONEST, base_gas=1), "transaction.gas"),
        (replace(HONEST, gas_price=1), "transaction.gas"),
        (replace(HONEST, gas_token=USDC), "transaction.gas"),
        (replace(HONEST, refund_receiver=STRANGER), "transaction.gas"),
        (replace(HONEST, native_units=1), "effects.native-amount"),
        (replace(HONEST, call_data=HONEST.call_data + b"\0"), "effects.malformed"),
        (replace(HONEST, call_data=b"\x09\x5e\xa7\xb3" + HONEST.call_data[4:]), "effects.selector"),
        (replace(HONEST, to=VAULT, call_data=ADD_OWNER), "effects.self-call"),
    ],
)
def test_p3_a_transaction_that_does_anything_else_is_refused(safe_tx: SafeTx, code: str) -> None:
    with pytest.raises(GuardError) as caught:
        require_same_effects(a_transfer(), safe_tx)
    assert caught.value.code == code


@pytest.mark.parametrize("changes", [{"action": Action.CALL}, {"call_data_hash": Digest("0x" + "01" * 32)}])
def test_p3_only_plain_transfers_have_provable_effects(changes: dict[str, Any]) -> None:
    with pytest.raises(GuardError) as caught:
        require_same_effects(a_transfer(**changes), HONEST)
    assert caught.value.code == "transaction.effects"


def test_a_cancel_is_proved_to_move_nothing() -> None:
    assert require_cancel(build_cancel(MAINNET, VAULT, 3)).is_cancel


@pytest.mark.parametrize(
    ("safe_tx", "code"),
    [
        (HONEST, "transaction.effects"),
        (replace(build_cancel(MAINNET, VAULT, 3), gas_price=1), "transaction.gas"),
        (replace(build_cancel(MAINNET, VAULT, 3), operation=1), "transaction.operation"),
        (replace(build_cancel(MAINNET, VAULT, 3), native_units=1), "effects.self-call"),
    ],
)
def test_what_moves_something_is_no_cancel(safe_tx: SafeTx, code: str) -> None:
    with pytest.raises(GuardError) as caught:
        require_cancel(safe_tx)
    assert caught.value.code == code
