"""Signatures in their one accepted spelling, and their packing."""

from itertools import permutations

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from guard.core.ids import Address, Digest
from guard.errors import GuardError
from guard.formats.keccak import from_digest, to_digest
from guard.transactions.packing import pack_signatures, unpack_signatures
from guard.transactions.signatures import CURVE_ORDER, compute_owner, recover_owner, sign_hash
from tests.transactions.test_safe_tx import V3_HASH

HASH = Digest("0x" + V3_HASH)
KEYS = [bytes([number]) * 32 for number in (1, 3, 2)]
OWNERS = [
    "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1",
    "0x3325a78425F17a7E487Eb5666b2bFd93aBb06c70",
    "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c",
]
SIGNATURES = [
    "870447c1d288f47f0ebb3ff03877eb7878aeb22a9cdd39d7fd167d8a8074b7e1"
    "0b3d1dec69c0ffe322763f6efc2ed4439c79985adb1d34d19bf7c18c4265d7641b",
    "dec9e8b4fb69fc53eae5c8eda7dfede0e5bb0205bddb96fbb1bef7ab299a4ca1"
    "6d4c5df2112e973d6228adacbff796cb0f80ae3f93f46ffa6ee845094bbe7fa61c",
    "758d7d626898475b6e19d24ff5994a6b60857541aacf80ea98a998e58d0498ac"
    "0d2d6578a1855bf4fd47e227f7f116cf384a0cf6c835ad41a0b683f36526221a1b",
]
SIGNED = {Address(owner): bytes.fromhex(made) for owner, made in zip(OWNERS, SIGNATURES, strict=True)}
GOOD = SIGNED[Address(OWNERS[0])]
keys = st.integers(1, CURVE_ORDER - 1).map(lambda secret: secret.to_bytes(32, "big"))
hashes = st.binary(min_size=32, max_size=32).map(to_digest)


def spell(*, r: bytes = GOOD[:32], s: bytes = GOOD[32:64], v: int = GOOD[64]) -> bytes:
    return r + s + bytes([v])


def refused(signature: bytes) -> str:
    with pytest.raises(GuardError) as caught:
        recover_owner(HASH, signature)
    return caught.value.code


@pytest.mark.parametrize("place", [0, 1, 2])
def test_signatures_are_those_of_the_published_vectors(place: int) -> None:
    assert compute_owner(KEYS[place]) == OWNERS[place]
    assert sign_hash(KEYS[place], HASH).hex() == SIGNATURES[place]
    assert recover_owner(HASH, bytes.fromhex(SIGNATURES[place])) == OWNERS[place]


@given(keys, hashes)
def test_signing_agrees_with_a_second_implementation(key: bytes, digest: Digest) -> None:
    other = Account.from_key(key)
    signature = sign_hash(key, digest)
    assert signature == other.unsafe_sign_hash(from_digest(digest)).signature
    assert recover_owner(digest, signature) == other.address == compute_owner(key)


@pytest.mark.parametrize("length", [0, 1, 64, 66, 130])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    assert refused((GOOD * 2)[:length]) == "signature.length"


@pytest.mark.parametrize("v", [0, 1, 2, 26, 29, 30, 31, 32, 35, 255])
def test_another_v_is_refused(v: int) -> None:
    assert refused(spell(v=v)) == "signature.v"


@pytest.mark.parametrize("value", [0, CURVE_ORDER, CURVE_ORDER + 1, 2**256 - 1])
def test_r_and_s_out_of_range_are_refused(value: int) -> None:
    assert refused(spell(r=value.to_bytes(32, "big"))) == "signature.range"
    assert refused(spell(s=value.to_bytes(32, "big"))) == "signature.range"


def test_the_second_spelling_with_high_s_is_refused() -> None:
    s = CURVE_ORDER - int.from_bytes(GOOD[32:64], "big")
    twin = spell(s=s.to_bytes(32, "big"), v=55 - GOOD[64])
    assert Account._recover_hash(from_digest(HASH), signature=twin) == OWNERS[0]
    assert refused(twin) == "signature.high-s"


@pytest.mark.parametrize("above", [-1, 0, 1])
def test_half_of_the_order_is_the_last_low_s(above: int) -> None:
    signature = spell(s=(CURVE_ORDER // 2 + above).to_bytes(32, "big"))
    if above > 0:
        assert refused(signature) == "signature.high-s"
    else:
        assert recover_owner(HASH, signature) not in OWNERS


def test_an_r_that_is_no_point_of_the_curve_is_refused() -> None:
    assert refused(spell(r=(5).to_bytes(32, "big"))) == "signature.recovery"


@given(st.integers(0, 63), st.integers(1, 255))
def test_a_changed_signature_is_nobodys_whom_we_know(place: int, change: int) -> None:
    changed = bytearray(GOOD)
    changed[place] ^= change
    try:
        owner = recover_owner(HASH, bytes(changed))
    except GuardError:
        return
    assert owner not in OWNERS


@pytest.mark.parametrize("key", [b"", b"\0" * 32, CURVE_ORDER.to_bytes(32, "big"), b"\1" * 31, b"\1" * 33])
def test_bytes_that_are_no_private_key_are_refused_and_not_shown(key: bytes) -> None:
    for use in (lambda: sign_hash(key, HASH), lambda: compute_owner(key)):
        with pytest.raises(GuardError) as caught:
            use()
        assert caught.value.code == "signature.private-key"
        assert not key or key.hex() not in str(caught.value)


def test_packing_is_the_published_one_for_every_order() -> None:
    for order in permutations(SIGNED.items()):
        assert pack_signatures(dict(order)).hex() == "".join(SIGNATURES)


def test_packing_sorts_by_the_address_as_a_number_and_not_by_its_text() -> None:
    low, high = Address("0x" + "0" * 39 + "a"), Address("0x" + "0" * 39 + "B")
    assert sorted([low, high]) == [high, low]
    assert pack_signatures({high: b"\2" * 65, low: b"\1" * 65}) == b"\1" * 65 + b"\2" * 65


def test_unpacking_gives_back_what_was_packed() -> None:
    assert unpack_signatures(HASH, pack_signatures(SIGNED)) == SIGNED


@given(st.sets(st.integers(1, 2**64), min_size=1, max_size=6))
def test_packing_and_unpacking_agree_for_any_owners(secrets: set[int]) -> None:
    signed = {}
    for secret in secrets:
        key = secret.to_bytes(32, "big")
        signed[compute_owner(key)] = sign_hash(key, HASH)
    assert unpack_signatures(HASH, pack_signatures(signed)) == signed


FIRST, SECOND = (bytes.fromhex(made) for made in SIGNATURES[:2])


@pytest.mark.parametrize("packed", [b"", FIRST[:64], FIRST + b"\0", SECOND + FIRST, FIRST + FIRST])
def test_badly_packed_signatures_are_refused(packed: bytes) -> None:
    with pytest.raises(GuardError) as caught:
        unpack_signatures(HASH, packed)
    assert caught.value.code == "signature.packing"


def test_nothing_and_broken_signatures_are_not_packed() -> None:
    with pytest.raises(GuardError) as caught:
        pack_signatures({})
    assert caught.value.code == "signature.packing"
    with pytest.raises(GuardError) as caught:
        pack_signatures({Address(OWNERS[0]): FIRST[:64]})
    assert caught.value.code == "signature.length"
