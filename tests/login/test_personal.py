"""Texts signed as wallets sign them (EIP-191)."""

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from guard.core.ids import Digest
from guard.errors import GuardError
from guard.statements.personal import compute_personal_digest, recover_personal, sign_personal
from guard.transactions.signatures import CURVE_ORDER
from tests.factories import address_of, private_key_of

KEY = private_key_of("alice").secret
texts = st.text(st.characters(codec="utf-8"), max_size=300)


def test_the_digest_is_the_published_one() -> None:
    # EIP-191's example text in many libraries' documents: "Hello World".
    assert compute_personal_digest("Hello World") == Digest(
        "0xa1de988600a42c4b4ab089b619297c17d53cffae5d5120d82d8a92d0bb3b78f2"
    )


@given(texts)
def test_signing_agrees_with_a_second_implementation(text: str) -> None:
    signature = sign_personal(KEY, text)
    assert signature == bytes(Account.sign_message(encode_defunct(text=text), KEY).signature)
    assert recover_personal(text, signature) == address_of("alice")


@given(texts, texts)
def test_a_signature_is_of_one_text_alone(text: str, other: str) -> None:
    recovered = recover_personal(other, sign_personal(KEY, text))
    assert (recovered == address_of("alice")) == (text == other)


def test_a_wallet_may_write_v_as_0_or_1() -> None:
    signature = sign_personal(KEY, "text")
    assert recover_personal("text", signature[:64] + bytes([signature[64] - 27])) == address_of("alice")


def test_a_high_s_is_refused_although_it_recovers_to_the_same_key() -> None:
    signature = sign_personal(KEY, "text")
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    flipped = signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])
    assert Account.recover_message(encode_defunct(text="text"), signature=flipped) == address_of("alice")
    with pytest.raises(GuardError) as caught:
        recover_personal("text", flipped)
    assert caught.value.code == "signature.high-s"
