"""Statements that cannot be are not made."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from guard.core.facts import Scope, ScopeKind
from guard.core.ids import Address, Digest, PersonId
from guard.core.roster import KeyKind
from guard.errors import GuardError
from guard.statements.signed import EIP712, SIGNATURE_BYTES, Signature, SignedStatement
from guard.statements.values import (
    SUMMARY_LENGTH,
    UNFREEZE_IDS,
    Enrolment,
    Proposal,
    Rejection,
    Revocation,
    Veto,
    Watch,
    transfer_of,
)
from tests.effects.factories import VAULT, a_transfer
from tests.statements.factories import (
    OTHER_DIGEST,
    a_freeze,
    an_approval,
    an_unfreeze,
    statements_of_every_kind,
)

IDS = tuple(Digest("0x" + f"{number:064x}") for number in range(UNFREEZE_IDS + 1))
UPPER = Digest("0x" + "AB" * 32)
REVOKED: dict[str, Any] = {"id": OTHER_DIGEST, "person": PersonId("bob"), "enrolment": 1, "reason": ""}


def code_of(make: Callable[[], object]) -> str:
    try:
        make()
    except GuardError as error:
        return error.code
    return "made"


@pytest.mark.parametrize(("length", "code"), [(0, "made"), (199, "made"), (200, "made"), (201, "text.characters")])
def test_reasons_have_at_most_200_characters(length: int, code: str) -> None:
    reason = "x" * length
    assert code_of(lambda: Rejection(a_transfer(), reason)) == code
    assert code_of(lambda: Veto(a_transfer(), reason)) == code
    assert code_of(lambda: a_freeze(reason=reason)) == code
    assert code_of(lambda: Revocation(**(REVOKED | {"reason": reason}))) == code


@pytest.mark.parametrize("hidden", ["\n", "\0", "\x1b[2J", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "e\u0301"])
def test_texts_hold_nothing_that_hides(hidden: str) -> None:
    assert code_of(lambda: Veto(a_transfer(), "no" + hidden)) == "text.characters"
    assert code_of(lambda: a_freeze(reason=hidden)) == "text.characters"
    assert code_of(lambda: Proposal(a_transfer(purpose=hidden))) == "text.characters"
    assert code_of(lambda: an_approval(a_transfer(purpose="x" + hidden))) == "text.characters"


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        ("x", "made"),
        ("x" * SUMMARY_LENGTH, "made"),
        ("x" * (SUMMARY_LENGTH + 1), "value.invalid"),
        ("two\nlines", "made"),
        ("carriage\r", "text.characters"),
        ("tab\t", "text.characters"),
        ("é", "text.characters"),
        ("\u202e", "text.characters"),
    ],
)
def test_summaries_are_ascii_lines_of_bounded_length(summary: str, code: str) -> None:
    assert code_of(lambda: an_approval(summary=summary)) == code


def test_an_empty_summary_is_refused() -> None:
    assert code_of(lambda: replace(an_approval(), summary="")) == "value.invalid"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("summary_version", 0),
        ("summary_version", 2**32),
        ("summary_version", True),
        ("signed_at", -1),
        ("signed_at", 2**64),
        ("expires_at", 2**64),
        ("expires_at", False),
        ("policy", "0x00"),
        ("roster", UPPER),
    ],
)
def test_fields_of_an_approval_out_of_range_are_refused(name: str, value: Any) -> None:
    assert code_of(lambda: an_approval(**{name: value})) == "value.invalid"


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ((), "value.invalid"),
        (IDS[:1], "made"),
        (IDS[:UNFREEZE_IDS], "made"),
        (IDS, "value.invalid"),
        ((IDS[1], IDS[0]), "value.invalid"),
        ((IDS[0], IDS[0]), "value.invalid"),
        ((UPPER,), "value.invalid"),
        (("0x12",), "value.invalid"),
    ],
)
def test_ids_of_an_unfreeze_are_some_ascending_and_each_once(ids: Any, code: str) -> None:
    assert code_of(lambda: an_unfreeze(ids=ids)) == code


@pytest.mark.parametrize(
    "make",
    [
        lambda: an_unfreeze(roster="0x"),
        lambda: an_unfreeze(signed_at=-1),
        lambda: a_freeze(id=UPPER),
        lambda: a_freeze(signed_at=2**64),
        lambda: a_freeze(scope=Scope(kind=ScopeKind.PERSON, person="not a name")),
        lambda: a_freeze(scope=Scope(kind=ScopeKind.VAULT, chain_id=1, account=Address("vault"))),
        lambda: Revocation(**(REVOKED | {"person": "Bob"})),
        lambda: Revocation(**(REVOKED | {"key": "0x12"})),
        lambda: Revocation(**(REVOKED | {"enrolment": True})),
        lambda: Revocation(**(REVOKED | {"id": "0x"})),
        lambda: Watch(signer=Address(""), at=0),
        lambda: Watch(signer=VAULT, at=2**64),
        lambda: Enrolment(person=PersonId(""), device="laptop", kind=KeyKind.WALLET),
        lambda: Enrolment(person=PersonId("bob"), device="a laptop", kind=KeyKind.WALLET),
        lambda: Signature("pgp", VAULT, b""),
        lambda: Signature(EIP712, Address("bob"), b""),
        lambda: Signature(EIP712, VAULT, b"\0" * (SIGNATURE_BYTES + 1)),
        lambda: SignedStatement(Proposal(a_transfer()), UPPER, Signature(EIP712, VAULT, b"")),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], object]) -> None:
    assert code_of(make) == "value.invalid"


def test_four_kinds_are_about_a_transfer() -> None:
    about = [type(each).__name__ for each in statements_of_every_kind() if transfer_of(each) == a_transfer()]
    assert about == ["Proposal", "Approval", "Rejection", "Veto"]
    others = [each for each in statements_of_every_kind() if transfer_of(each) is None]
    assert len(others) == 5
