"""Statements signed here and elsewhere recover to the same key, in one spelling alone."""

from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from guard.core.ids import Address
from guard.errors import GuardError
from guard.statements.digests import to_typed_data
from guard.statements.signed import WEBAUTHN, Signature, SignedStatement
from guard.statements.signing import recover, seal, sign
from guard.statements.values import Statement, kind_of
from guard.transactions.signatures import CURVE_ORDER, compute_owner
from tests.effects.factories import SIDECHAIN, TREASURY, VAULT, a_transfer
from tests.statements.factories import (
    ALICE,
    BOB,
    OTHER_DIGEST,
    RandomStatements,
    an_approval,
    statements_of_every_kind,
)

SIGNED = sign(BOB, an_approval(), TREASURY)
VALUE = SIGNED.signature.value
BOBS = compute_owner(BOB)


def with_value(value: bytes, key: Address = BOBS) -> SignedStatement:
    return replace(SIGNED, signature=Signature("eip712", key, value))


def refused(signed: SignedStatement) -> str:
    with pytest.raises(GuardError) as caught:
        recover(signed)
    return caught.value.code


@pytest.mark.parametrize("statement", statements_of_every_kind(), ids=kind_of)
def test_what_a_wallet_signs_recovers_here_and_the_other_way_round(statement: Statement) -> None:
    typed = to_typed_data(statement, TREASURY)
    theirs = Account.sign_typed_data(BOB, full_message=typed).signature
    ours = sign(BOB, statement, TREASURY)
    assert bytes(theirs) == ours.signature.value
    assert recover(seal(statement, TREASURY, bytes(theirs))) == BOBS
    message = encode_typed_data(full_message=typed)
    assert Account.recover_message(message, signature=ours.signature.value) == BOBS == ours.signature.key


def test_random_statements_recover_both_ways() -> None:
    drawn = RandomStatements(27)
    for place in range(200):
        statement, treasury = drawn.draw(place)
        key = bytes([place % 250 + 1]) * 32
        message = encode_typed_data(full_message=to_typed_data(statement, treasury))
        signed = sign(key, statement, treasury)
        assert Account.recover_message(message, signature=signed.signature.value) == recover(signed)
        assert seal(statement, treasury, bytes(Account.sign_message(message, key).signature)) == signed


def test_v_of_0_and_1_are_read_as_27_and_28_and_kept_so() -> None:
    for statement in statements_of_every_kind():
        value = sign(BOB, statement, TREASURY).signature.value
        wallet = value[:64] + bytes([value[64] - 27])
        assert recover(SignedStatement(statement, TREASURY, Signature("eip712", BOBS, wallet))) == BOBS
        assert seal(statement, TREASURY, wallet).signature.value == value


@pytest.mark.parametrize("v", [2, 26, 29, 31, 32, 35, 255])
def test_every_other_v_is_refused(v: int) -> None:
    assert refused(with_value(VALUE[:64] + bytes([v]))) == "signature.v"


@pytest.mark.parametrize("length", [0, 64, 66])
def test_64_and_66_bytes_are_refused(length: int) -> None:
    assert refused(with_value((VALUE + VALUE)[:length])) == "signature.length"


def test_high_s_is_refused_although_other_libraries_take_it() -> None:
    s = CURVE_ORDER - int.from_bytes(VALUE[32:64], "big")
    twin = VALUE[:32] + s.to_bytes(32, "big") + bytes([55 - VALUE[64]])
    message = encode_typed_data(full_message=to_typed_data(SIGNED.statement, TREASURY))
    assert Account.recover_message(message, signature=twin) == BOBS
    assert refused(with_value(twin)) == "signature.high-s"


@pytest.mark.parametrize("value", [0, CURVE_ORDER, 2**256 - 1])
def test_r_and_s_out_of_range_are_refused(value: int) -> None:
    word = value.to_bytes(32, "big")
    assert refused(with_value(word + VALUE[32:])) == "signature.range"
    assert refused(with_value(VALUE[:32] + word + VALUE[64:])) == "signature.range"


def test_a_signature_that_no_key_made_is_refused() -> None:
    assert refused(with_value((5).to_bytes(32, "big") + VALUE[32:])) == "signature.recovery"


def test_a_signature_by_another_key_than_it_names_is_refused() -> None:
    assert refused(with_value(sign(ALICE, an_approval(), TREASURY).signature.value)) == "signature.key"
    assert refused(with_value(VALUE, VAULT)) == "signature.key"


@pytest.mark.parametrize(
    "changed",
    [
        replace(SIGNED, treasury=OTHER_DIGEST),
        replace(SIGNED, statement=an_approval(a_transfer(chain_id=SIDECHAIN), summary="x")),
        replace(SIGNED, statement=an_approval(a_transfer(amount_units=9_000_000_001))),
        replace(SIGNED, statement=an_approval(a_transfer(purpose="invoice 2026-118 "))),
        replace(SIGNED, statement=an_approval(expires_at=2**63)),
    ],
    ids=["treasury", "chain", "amount", "purpose", "expiry"],
)
def test_a_statement_changed_after_signing_is_refused(changed: SignedStatement) -> None:
    assert refused(changed) == "signature.key"


def test_passkeys_are_refused_by_name() -> None:
    assert refused(replace(SIGNED, signature=Signature(WEBAUTHN, BOBS, VALUE))) == "signature.webauthn"


def test_a_broken_signature_of_a_wallet_is_not_sealed() -> None:
    for value, code in ((VALUE[:64], "signature.length"), (VALUE[:64] + b"\x1f", "signature.v")):
        with pytest.raises(GuardError) as caught:
            seal(SIGNED.statement, TREASURY, value)
        assert caught.value.code == code
