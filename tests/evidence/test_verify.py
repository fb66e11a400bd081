"""Evidence that holds, every attack with all the checks that stop it, and each check left out."""

from dataclasses import replace
from typing import Any

import pytest

from guard.bundles.bundle import Bundle
from guard.core.transfer import Transfer
from guard.errors import CATALOGUE, GuardError
from guard.errors.codes_evidence import CODES
from guard.evidence.verify import EVIDENCE_CHECKS, judge_evidence, verify_evidence
from guard.statements.values import Rejection
from tests.evidence import attacks
from tests.evidence.attacks import ATTACKS, TRANSFER, Attack, at_times, with_statements, with_word
from tests.evidence.factories import (
    APPROVED_AT,
    DELAY,
    NONCE,
    OWNERS,
    PIN,
    QUORUM_SINCE,
    SIGNED_AT,
    approval,
    approved,
    certificate,
    code_of,
    compose,
    good_evidence,
    judge,
    payment_rule,
    pin_of,
    proposal,
    refusing,
    seal,
    signed_by,
    the_bundle,
    the_policy,
    the_record,
    the_transfer,
    words,
)
from tests.factories import DAY, EXPIRES_AT, HOUR, digest_of, make_limit, make_rule, make_vault, usdc

NAMES = [check.name for check in EVIDENCE_CHECKS]


def codes_of(raw: bytes, **changes: Any) -> tuple[str, str]:
    """The code with which the verifier refuses, and the one behind it."""
    with pytest.raises(GuardError) as refused:
        verify_evidence(raw, changes.get("pin", PIN))
    return refused.value.code, refused.value.details.get("cause", "")


def test_a_release_by_the_policy_verifies_with_its_pin_alone() -> None:
    report = verify_evidence(good_evidence(), PIN)
    assert report.is_valid
    assert [outcome.check for outcome in report.outcomes] == NAMES


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
def test_the_attack_is_stopped_by_exactly_these_checks_and_passes_without_them(each: Attack) -> None:
    raw = each.make()
    assert refusing(raw, pin=each.pin) == each.stopped_by
    assert judge(raw, without=each.stopped_by, pin=each.pin).is_valid


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
def test_the_verifier_names_the_first_check_that_stops_the_attack(each: Attack) -> None:
    first = next(name for name in NAMES if name in each.stopped_by)
    with pytest.raises(GuardError) as refused:
        verify_evidence(each.make(), each.pin)
    assert refused.value.code == f"evidence.{first}"
    assert refused.value.details["check"] == first


@pytest.mark.parametrize("check", EVIDENCE_CHECKS, ids=lambda check: check.name)
def test_each_check_is_the_only_one_that_stops_some_attack_or_is_a_named_second_line(check: Any) -> None:
    stopping = [each.stopped_by for each in ATTACKS if check.name in each.stopped_by]
    if check.backs:
        assert check.backs in NAMES
        assert all(check.backs in names for names in stopping)
    else:
        assert {check.name} in stopping


def test_every_check_has_a_code_and_every_code_has_a_check() -> None:
    assert {check.code for check in EVIDENCE_CHECKS} | {"evidence.malformed"} == set(CODES)
    assert set(CODES) <= CATALOGUE.keys()
    assert len(set(NAMES)) == len(NAMES)


# What stops an attack one step further in: a check of statements, a step of the decision.


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("a needed approval is forged", "statement:signature"),
        ("a needed approval is of a lookalike", "statement:transfer-asked"),
    ],
)
def test_a_needed_approval_that_is_none_is_stopped_by_one_check_of_statements(name: str, left_out: str) -> None:
    raw = next(each for each in ATTACKS if each.name == name).make()
    assert judge(raw, without=[left_out]).is_valid


@pytest.mark.parametrize(
    ("each", "cause"),
    [
        ("a stranger approves besides", "statement.key-unknown"),
        ("a forged approval besides", "signature.key"),
        ("an approval of a lookalike besides", "statement.transfer"),
        ("the initiator approves besides", "approval.initiator"),
        ("an approval of another text besides", "approval.summary"),
        ("another treasury's approval besides", "statement.treasury"),
        ("somebody else proposes besides", "proposal.initiator"),
        ("a freeze besides, which is about no transfer", "statement.transfer"),
        ("one person twice", "decision.quorum-missing"),
        ("one person with two keys", "decision.quorum-missing"),
        ("one person for two groups", "decision.quorum-missing"),
        ("no proposal", "decision.proposal-missing"),
        ("vetoed", "decision.vetoed"),
        ("withdrawn", "decision.withdrawn"),
        ("above the last tier", "decision.above-tiers"),
        ("a higher tier with the people of a lower one", "decision.quorum-missing"),
        ("the delay ran before anybody approved", "decision.quorum-missing"),
        ("signed after the approvals' end", "decision.quorum-missing"),
        ("signed after the transfer's end", "decision.expired"),
        ("a later version is pinned", "bundle.version"),
        ("a policy of their own", "bundle.digest"),
        ("a word in another treasury", "testimony.treasury"),
        ("a word by a stranger's journal key", "testimony.signature"),
        ("an owner's signature of another nonce", "certificate.signature"),
    ],
)
def test_the_code_behind_the_refusal_is_named(each: str, cause: str) -> None:
    found = next(attack for attack in ATTACKS if attack.name == each)
    assert codes_of(found.make(), pin=found.pin)[1] == cause


# The pin.


def test_another_pin_refuses_evidence_that_is_good() -> None:
    other = digest_of("another policy")
    assert refusing(good_evidence(), pin=other) == {"pin"}
    assert codes_of(good_evidence(), pin=other) == ("evidence.pin", "bundle.digest")


def test_a_pin_that_is_no_digest_is_refused() -> None:
    with pytest.raises(GuardError, match="not 32 bytes") as refused:
        verify_evidence(good_evidence(), PIN.upper())  # type: ignore[arg-type]
    assert refused.value.code == "hex.malformed"


# Times, in threes.


@pytest.mark.parametrize(("seconds", "names"), [(-1, {"delay", "decision"}), (0, set()), (1, set())])
def test_p4_each_signer_must_have_waited_the_whole_delay(seconds: int, names: set[str]) -> None:
    assert refusing(with_word(signed_at=SIGNED_AT + seconds)) == names


@pytest.mark.parametrize(("seconds", "names"), [(-1, {"delay", "decision"}), (0, set()), (1, set())])
def test_p4_the_delay_is_each_signers_own_and_not_made_of_two_signers_times(seconds: int, names: set[str]) -> None:
    saw, signed = QUORUM_SINCE + HOUR, QUORUM_SINCE + HOUR + DELAY + seconds
    assert refusing(with_word(quorum_since=saw, signed_at=signed)) == names


@pytest.mark.parametrize(("seconds", "names"), [(-301, {"decision"}), (-300, set()), (-299, set())])
def test_p4_no_quorum_stands_before_its_approvals_were_signed(seconds: int, names: set[str]) -> None:
    saw = APPROVED_AT + seconds
    assert refusing(at_times(saw, saw + DELAY)) == names


@pytest.mark.parametrize(("seconds", "names"), [(-1, set()), (0, {"decision"}), (1, {"decision"})])
def test_p12_an_approval_counts_until_its_end_by_the_signers_time(seconds: int, names: set[str]) -> None:
    assert refusing(at_times(QUORUM_SINCE, APPROVED_AT + DAY + seconds)) == names


@pytest.mark.parametrize(("seconds", "names"), [(-1, set()), (0, {"decision"}), (1, {"decision"})])
def test_p12_a_transfer_lives_until_its_end_by_the_signers_time(seconds: int, names: set[str]) -> None:
    signed_at = EXPIRES_AT + seconds
    late = [approval(TRANSFER, name, expires_at=EXPIRES_AT + DAY) for name in ("bob", "carol", "erin")]
    raw = compose(statements=(proposal(TRANSFER), *late), testimonies=words(TRANSFER, signed_at=signed_at))
    assert refusing(raw) == names


def test_the_policy_must_not_have_expired_by_the_signers_time() -> None:
    bundle = replace(the_bundle(), expires_at=SIGNED_AT)
    pin = pin_of(bundle)
    transfer = the_transfer(policy=pin)
    statements = (proposal(transfer), *(approval(transfer, name, policy=pin) for name in ("bob", "carol", "erin")))
    raw = compose(transfer, active=bundle, named=bundle, statements=statements, testimonies=words(transfer, policy=pin))
    assert refusing(raw, pin=pin) == {"decision"}


# What may be there besides.


def test_more_owners_and_more_words_than_the_threshold_are_welcome() -> None:
    everybody = (*OWNERS, "signer-d")
    assert (
        refusing(compose(certificate=certificate(TRANSFER, *everybody), testimonies=words(TRANSFER, *everybody)))
        == set()
    )
    assert refusing(compose(certificate=certificate(TRANSFER, *everybody))) == set()


def test_an_approval_beyond_those_that_are_asked_hinders_nothing() -> None:
    assert refusing(with_statements(approval(TRANSFER, "dave"))) == set()


def test_somebody_who_refused_without_being_needed_hinders_nothing() -> None:
    assert refusing(with_statements(signed_by("dave", Rejection(TRANSFER, "no")))) == set()


def test_somebody_who_approved_again_counts_once() -> None:
    again = approval(TRANSFER, "bob", signed_at=APPROVED_AT + 60)
    assert refusing(with_statements(again)) == set()


def test_each_signer_is_judged_by_its_own_times() -> None:
    """One saw the quorum a day after the others, with an approval that came in place of one that had expired."""
    early = approval(TRANSFER, "bob", expires_at=SIGNED_AT + 1)
    later = approval(TRANSFER, "bob", signed_at=QUORUM_SINCE + 12 * HOUR)
    late = QUORUM_SINCE + 12 * HOUR
    raw = compose(
        statements=(proposal(TRANSFER), early, later, approval(TRANSFER, "carol"), approval(TRANSFER, "erin")),
        testimonies=(
            *words(TRANSFER, *OWNERS[:2]),
            *words(TRANSFER, OWNERS[2], quorum_since=late, signed_at=late + DELAY),
        ),
    )
    assert refusing(raw) == set()


# Cases in which parts of the policy are missing.


def under(bundle: Bundle, transfer: Transfer) -> bytes:
    pin = pin_of(bundle)
    own = replace(transfer, policy=pin)
    statements = (proposal(own), *(approval(own, name, policy=pin) for name in ("bob", "carol", "erin")))
    return compose(own, active=bundle, named=bundle, statements=statements, testimonies=words(own, policy=pin))


def test_owners_whose_nonces_begin_later_release_nothing_before_them() -> None:
    vault = make_vault()
    later = replace(vault, owners=(replace(vault.owners[0], from_nonce=NONCE + 1),))
    bundle = replace(the_bundle(), policy=replace(the_policy(), vaults=(later,)))
    raw = under(bundle, the_transfer())
    wanted = {"owners", "owners-enough", "release-signers", "releases-enough"}
    assert refusing(raw, pin=pin_of(bundle)) == wanted
    assert judge(raw, without=wanted, pin=pin_of(bundle)).is_valid


def test_the_threshold_is_that_of_the_entry_that_covers_the_nonce() -> None:
    vault = make_vault()
    entries = (vault.owners[0], replace(vault.owners[0], from_nonce=NONCE, threshold=4))
    bundle = replace(the_bundle(), policy=replace(the_policy(), vaults=(replace(vault, owners=entries),)))
    assert refusing(under(bundle, the_transfer()), pin=pin_of(bundle)) == {"owners-enough", "releases-enough"}


def test_a_vault_that_the_policy_does_not_name_is_refused_without_a_crash() -> None:
    elsewhere = the_transfer(chain_id=1)
    raw = seal(
        replace(
            the_record(),
            transfer=elsewhere,
            statements=(proposal(elsewhere),),
            certificate=certificate(elsewhere),
        )
    )
    report = judge_evidence(raw, PIN)
    assert not report.is_valid
    assert report.summary == ""
    assert {"statements", "owners", "owners-enough", "releases-enough", "decision"} <= refusing(raw)


def test_the_transfers_own_amount_is_compared_with_a_limit_though_history_is_not_in_the_file() -> None:
    limits = (make_limit(usdc(49_999)),)
    bundle = attacks.another_bundle(rules=(make_rule("caps", allow=False, approvals=(), limits=limits), payment_rule()))
    raw = under(bundle, the_transfer())
    assert refusing(raw, pin=pin_of(bundle)) == {"decision"}
    assert codes_of(raw, pin=pin_of(bundle)) == ("evidence.decision", "decision.limit")


# The second line that no file can reach, since the call data are built and never read.


def test_p3_call_data_that_do_something_else_are_found_by_decoding_them_again() -> None:
    check = next(check for check in EVIDENCE_CHECKS if check.name == "effects")
    good = the_record()
    assert code_of(check, good_evidence()) == ""
    dearer = the_record(compose(the_transfer(amount_units=usdc(50_001)))).call_data
    for call_data in (dearer, good.call_data + b"\0", good.call_data[:-1], b""):
        assert code_of(check, good_evidence(), call_data=call_data) == "evidence.effects"


def test_statements_of_another_transfer_never_make_evidence_of_this_one() -> None:
    other = the_transfer(uniqueness=digest_of("uniqueness 2"))
    assert refusing(compose(statements=approved(other))) == {"statements", "decision"}
