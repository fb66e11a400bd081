"""Which statements are admitted: every reason to refuse has its own code, and dates have exact edges."""

from dataclasses import replace
from typing import Any

import pytest

from guard.core.ids import Digest, PersonId
from guard.core.policy import Policy
from guard.core.roster import KeyKind
from guard.effects.summary import render_summary
from guard.errors import Refusal
from guard.statements.admission import STATEMENT_CHECKS, Admitted, admit
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import WEBAUTHN, Signature
from guard.statements.signing import sign
from guard.statements.values import Enrolment, Proposal, Rejection, Revocation, Statement, Veto, Watch
from guard.transactions.signatures import compute_owner
from tests.effects.factories import (
    PROPOSED_AT,
    SECOND_VAULT,
    SIDECHAIN,
    STRANGER,
    TREASURY,
    VAULT,
    a_key,
    a_person,
    a_policy,
    a_roster,
    a_transfer,
)
from tests.statements.factories import (
    ALICE,
    BOB,
    CAROL,
    ENROLLED_AT,
    MALLORY,
    NOW,
    OTHER_DIGEST,
    PAT,
    ROBOT,
    a_context,
    a_freeze,
    an_approval,
    an_edition,
    an_unfreeze,
    answer,
    decide_on,
    the_roster,
)

SECOND_KEY = bytes([7]) * 32


@pytest.mark.parametrize(
    ("key", "statement"),
    [
        (ALICE, Proposal(a_transfer())),
        (BOB, an_approval()),
        (CAROL, an_approval()),
        (BOB, Rejection(a_transfer(), "no")),
        (ALICE, Rejection(a_transfer(), "withdrawn")),
        (ROBOT, Proposal(a_transfer(initiator="robot"))),
        (ROBOT, Rejection(a_transfer(), "no")),
        (CAROL, Veto(a_transfer(), "never")),
        (CAROL, a_freeze()),
        (PAT, a_freeze()),
        (PAT, Veto(a_transfer(), "never")),
        (PAT, Rejection(a_transfer(), "no")),
        (BOB, an_unfreeze()),
        (CAROL, an_unfreeze()),
    ],
)
def test_what_its_person_may_say_is_admitted(key: bytes, statement: Statement) -> None:
    assert decide_on(key, statement) == "admitted"


def test_what_is_admitted_says_whose_it_is_and_when_it_was_judged() -> None:
    signed = sign(BOB, an_approval(), TREASURY)
    admitted = admit(STATEMENT_CHECKS, signed, a_context())
    assert isinstance(admitted, Admitted)
    assert admitted.identity == ("bob", compute_digest(an_approval(), TREASURY))
    assert (admitted.statement, admitted.key) == (an_approval(), compute_owner(BOB))
    assert (admitted.transfer_id, admitted.judged_at) == (compute_transfer_id(a_transfer()), NOW)


def test_a_refusal_names_its_check() -> None:
    refusal = admit(STATEMENT_CHECKS, sign(MALLORY, an_approval(), TREASURY), a_context())
    assert isinstance(refusal, Refusal)
    assert (refusal.check, refusal.code) == ("key-known", "statement.key-unknown")


def test_two_copies_with_two_spellings_of_the_signature_are_one_statement() -> None:
    signed = sign(BOB, an_approval(), TREASURY)
    value = signed.signature.value
    copy = replace(signed, signature=replace(signed.signature, value=value[:64] + bytes([value[64] - 27])))
    one, other = (admit(STATEMENT_CHECKS, each, a_context()) for each in (signed, copy))
    assert isinstance(one, Admitted)
    assert isinstance(other, Admitted)
    assert one.identity == other.identity
    assert copy.signature.value != value


@pytest.mark.parametrize(
    ("key", "statement", "code"),
    [
        (MALLORY, Proposal(a_transfer()), "statement.key-unknown"),
        (MALLORY, an_approval(), "statement.key-unknown"),
        (MALLORY, a_freeze(), "statement.key-unknown"),
        (BOB, Proposal(a_transfer()), "proposal.initiator"),
        (ALICE, an_approval(), "approval.initiator"),
        (ROBOT, an_approval(), "statement.machine"),
        (ROBOT, an_unfreeze(), "statement.machine"),
        (BOB, Veto(a_transfer(), "never"), "statement.guardian"),
        (BOB, a_freeze(), "statement.guardian"),
        (PAT, an_approval(), "statement.display"),
        (PAT, an_unfreeze(), "statement.display"),
        (PAT, Proposal(a_transfer(initiator="pat")), "statement.display"),
        (CAROL, Revocation(id=OTHER_DIGEST, person=PersonId("bob"), enrolment=1, reason=""), "statement.unsupported"),
        (CAROL, Watch(signer=VAULT, at=NOW), "statement.unsupported"),
        (BOB, Enrolment(person=PersonId("bob"), device="laptop", kind=KeyKind.WALLET), "statement.unsupported"),
    ],
)
def test_what_somebody_may_not_say_is_refused(key: bytes, statement: Statement, code: str) -> None:
    assert decide_on(key, statement) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"treasury": OTHER_DIGEST}, "statement.treasury"),
        ({"policy": OTHER_DIGEST}, "statement.policy-unknown"),
        ({"chain_id": SIDECHAIN}, "statement.chain"),
        ({"chain_id": 5}, "statement.chain"),
        ({"vault": SECOND_VAULT}, "statement.chain"),
        ({"vault": STRANGER}, "statement.vault"),
    ],
)
def test_a_transfer_of_elsewhere_is_refused(changes: dict[str, Any], code: str) -> None:
    transfer = a_transfer(**changes)
    assert decide_on(ALICE, Proposal(transfer)) == code
    assert decide_on(BOB, an_approval(transfer, summary="x")) == code


@pytest.mark.parametrize("changes", [{"policy": OTHER_DIGEST}, {"chain_id": 5}, {"vault": STRANGER}])
def test_a_stop_is_admitted_whatever_its_transfer_names(changes: dict[str, Any]) -> None:
    transfer = a_transfer(**changes)
    assert decide_on(CAROL, Veto(transfer, "never")) == "admitted"
    assert decide_on(BOB, Rejection(transfer, "no")) == "admitted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roster": OTHER_DIGEST}, "statement.roster"),
        ({"policy": OTHER_DIGEST}, "approval.policy-unknown"),
        ({"summary_version": 2}, "approval.summary-version"),
        ({"summary": "Action: transfer 9 USDC"}, "approval.summary"),
        ({"summary": render_summary(a_transfer(), a_policy()) + "\n"}, "approval.summary"),
        ({"summary": render_summary(a_transfer(amount_units=1), a_policy())}, "approval.summary"),
        ({"signed_at": PROPOSED_AT - 1}, "approval.pre-dated"),
        ({"signed_at": NOW, "expires_at": NOW}, "statement.lifetime"),
    ],
)
def test_an_approval_of_something_else_is_refused(changes: dict[str, Any], code: str) -> None:
    assert decide_on(BOB, an_approval(**changes)) == code


def test_an_unfreeze_under_another_roster_is_refused() -> None:
    assert decide_on(BOB, an_unfreeze(roster=OTHER_DIGEST)) == "statement.roster"


def test_an_approval_of_a_transfer_without_a_summary_is_refused() -> None:
    assert decide_on(BOB, an_approval(a_transfer(asset=STRANGER), summary="x")) == "approval.summary"


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_a_signature_not_before_the_proposal(late: int) -> None:
    code = decide_on(BOB, an_approval(signed_at=PROPOSED_AT + late))
    assert code == ("approval.pre-dated" if late < 0 else "admitted")


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_a_signature_not_before_the_enrolment_of_its_key(late: int) -> None:
    enrolled_at = PROPOSED_AT + 1000
    edition = an_edition(enrolled_at={compute_owner(BOB): enrolled_at})
    for statement in (an_approval(signed_at=enrolled_at + late), an_unfreeze(signed_at=enrolled_at + late)):
        code = decide_on(BOB, statement, a_context(edition))
        assert code == ("statement.before-enrolment" if late < 0 else "admitted")


def test_a_key_without_a_date_of_enrolment_counts_not_at_all() -> None:
    context = a_context(an_edition(enrolled_at={}))
    assert decide_on(BOB, an_approval(), context) == "statement.before-enrolment"
    assert decide_on(CAROL, a_freeze(), context) == "admitted"


@pytest.mark.parametrize("ahead", [299, 300, 301])
def test_a_signature_at_most_five_minutes_ahead(ahead: int) -> None:
    for statement in (
        an_approval(signed_at=NOW + ahead, expires_at=NOW + 900),
        an_unfreeze(signed_at=NOW + ahead, expires_at=NOW + 900),
    ):
        assert decide_on(BOB, statement) == ("statement.ahead" if ahead > 300 else "admitted")


def test_a_statement_that_is_ahead_is_held_since_waiting_cures_it() -> None:
    signed = sign(BOB, an_approval(signed_at=NOW + 301, expires_at=NOW + 900), TREASURY)
    refusal = admit(STATEMENT_CHECKS, signed, a_context())
    assert isinstance(refusal, Refusal)
    assert refusal.held
    assert answer(signed, a_context(now=NOW + 1)) == "admitted"


@pytest.mark.parametrize("left", [-1, 0, 1])
def test_a_statement_counts_before_its_expiry_and_not_at_it(left: int) -> None:
    for statement in (
        an_approval(signed_at=NOW - 60, expires_at=NOW + left),
        an_unfreeze(signed_at=NOW - 60, expires_at=NOW + left),
    ):
        assert decide_on(BOB, statement) == ("admitted" if left > 0 else "statement.expired")


@pytest.mark.parametrize("lifetime", [-1, 0, 1])
def test_a_lifetime_is_longer_than_nothing(lifetime: int) -> None:
    signed_at = NOW + 100
    code = decide_on(BOB, an_approval(signed_at=signed_at, expires_at=signed_at + lifetime))
    assert code == ("admitted" if lifetime > 0 else "statement.lifetime")


def test_without_a_good_clock_nothing_is_judged_by_it_and_nothing_may_be_stamped() -> None:
    for statement in (
        an_approval(signed_at=NOW + 10**6, expires_at=NOW + 10**7),
        an_approval(expires_at=NOW + 1),
        an_unfreeze(),
        a_freeze(),
    ):
        admitted = admit(STATEMENT_CHECKS, sign(CAROL, statement, TREASURY), a_context(now=None))
        assert isinstance(admitted, Admitted)
        assert admitted.judged_at is None
    assert decide_on(BOB, an_approval(signed_at=PROPOSED_AT - 1), a_context(now=None)) == "approval.pre-dated"


def test_a_statement_about_another_transfer_than_the_one_asked_about_is_refused() -> None:
    asked = a_context(transfer_id=compute_transfer_id(a_transfer()))
    edited = a_transfer(purpose="invoice 2026-119")
    assert decide_on(BOB, an_approval(), asked) == "admitted"
    assert decide_on(BOB, an_approval(edited), asked) == "statement.transfer"
    assert decide_on(CAROL, Veto(edited, "never"), asked) == "statement.transfer"
    assert decide_on(CAROL, a_freeze(), asked) == "statement.transfer"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_approval_names_no_older_policy_than_its_transfer(version: int) -> None:
    other = an_edition(digest=OTHER_DIGEST, version=version)
    code = decide_on(BOB, an_approval(policy=OTHER_DIGEST), a_context(an_edition(), other))
    assert code == ("approval.policy-older" if version < 2 else "admitted")


def test_labels_are_those_of_the_policy_that_the_approval_names() -> None:
    relabelled: Policy = a_policy(the_roster(), book=())
    other = an_edition(relabelled, digest=OTHER_DIGEST, version=3)
    context = a_context(other, an_edition())
    unlisted = render_summary(a_transfer(), relabelled)
    assert "NOT LISTED" in unlisted
    assert decide_on(BOB, an_approval(), context) == "admitted"
    assert decide_on(BOB, an_approval(policy=OTHER_DIGEST), context) == "approval.summary"
    assert decide_on(BOB, an_approval(policy=OTHER_DIGEST, summary=unlisted), context) == "admitted"


def test_another_treasury_is_refused_with_its_own_code() -> None:
    for statement in (an_approval(), Rejection(a_transfer(), ""), a_freeze()):
        assert answer(sign(CAROL, statement, OTHER_DIGEST)) == "statement.treasury"


def test_a_removed_key_counts_no_more() -> None:
    roster = a_roster(a_person("bob", a_key(compute_owner(SECOND_KEY))))
    context = a_context(an_edition(a_policy(roster)), an_edition(digest=Digest("0x" + "77" * 32), version=1))
    assert decide_on(BOB, an_approval(), context) == "statement.key-unknown"
    assert decide_on(SECOND_KEY, an_approval(), context) == "admitted"


def test_an_initiator_with_two_keys_is_one_person() -> None:
    roster = a_roster(a_person("alice", a_key(compute_owner(ALICE)), a_key(compute_owner(SECOND_KEY))))
    context = a_context(an_edition(a_policy(roster)))
    assert decide_on(SECOND_KEY, Proposal(a_transfer()), context) == "admitted"
    assert decide_on(SECOND_KEY, an_approval(), context) == "approval.initiator"


def test_broken_signatures_are_refused_with_the_codes_of_their_faults() -> None:
    signed = sign(BOB, an_approval(), TREASURY)
    value = signed.signature.value
    for wrong, code in (
        (value[:64], "signature.length"),
        (value[:64] + b"\x1f", "signature.v"),
        (b"\0" * 32 + value[32:], "signature.range"),
        (sign(MALLORY, an_approval(), TREASURY).signature.value, "signature.key"),
    ):
        assert answer(replace(signed, signature=replace(signed.signature, value=wrong))) == code
    assert answer(replace(signed, signature=Signature(WEBAUTHN, compute_owner(BOB), value))) == "signature.webauthn"


def test_check_names_are_unique() -> None:
    names = [check.name for check in STATEMENT_CHECKS]
    assert len(set(names)) == len(names)
    assert ENROLLED_AT < PROPOSED_AT < NOW
