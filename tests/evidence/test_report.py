"""The report: every check in words, people with their groups, the signers' times, and what nobody checked."""

import pytest

from guard.evidence.file import parse_evidence
from guard.evidence.verify import EVIDENCE_CHECKS, EvidenceRules, compute_report, judge_evidence, verify_evidence
from guard.formats.canonical import to_canonical
from guard.statements.values import Rejection
from tests.evidence.attacks import TRANSFER, with_statements, with_word
from tests.evidence.factories import (
    APPROVED_AT,
    DELAY,
    NONCE,
    OWNERS,
    PIN,
    QUORUM_SINCE,
    SIGNED_AT,
    approval,
    compose,
    good_evidence,
    signed_by,
)
from tests.factories import PROPOSED_AT, address_of


def test_people_are_named_with_what_they_said_for_which_group_and_when() -> None:
    report = verify_evidence(good_evidence(), PIN)
    told = {(each.person, each.statement, each.group, each.at) for each in report.people}
    assert told == {
        ("alice", "proposal", None, PROPOSED_AT),
        ("bob", "approval", "finance", APPROVED_AT),
        ("carol", "approval", "finance", APPROVED_AT),
        ("erin", "approval", "security", APPROVED_AT),
    }
    assert {each.name for each in report.people} == {"Alice", "Bob", "Carol", "Erin"}
    assert {each.key for each in report.people} == {address_of(name) for name in ("alice", "bob", "carol", "erin")}


def test_whoever_fills_no_seat_is_named_without_a_group() -> None:
    raw = with_statements(signed_by("dave", Rejection(TRANSFER, "no")))
    report = verify_evidence(raw, PIN)
    assert {(each.statement, each.group, each.at) for each in report.people if each.person == "dave"} == {
        ("rejection", None, None)
    }


def test_an_approver_beyond_those_that_are_asked_has_no_group() -> None:
    report = verify_evidence(with_statements(approval(TRANSFER, "dave")), PIN)
    approvals = [each for each in report.people if each.statement == "approval"]
    assert sorted(each.group or "" for each in approvals) == ["", "finance", "finance", "security"]


def test_somebody_whose_statement_is_refused_is_not_named_as_somebody_who_said_it() -> None:
    report = judge_evidence(with_statements(approval(TRANSFER, "mallory")), PIN)
    assert len(report.people) == 4
    assert not report.is_valid


def test_the_signers_are_named_with_their_own_times_and_the_delay_that_was_asked() -> None:
    report = verify_evidence(good_evidence(), PIN)
    told = [(each.signer, each.quorum_since, each.signed_at, each.delay) for each in report.witnesses]
    assert told == [(name, QUORUM_SINCE, SIGNED_AT, DELAY) for name in OWNERS]


def test_the_transfer_is_told_in_the_words_that_the_approvers_read() -> None:
    report = verify_evidence(good_evidence(), PIN)
    assert report.summary.startswith("Action: transfer 50,000 USDC")
    assert (report.nonce, report.policy) == (NONCE, PIN)


def test_what_cannot_be_checked_offline_is_named() -> None:
    named = [each.name for each in verify_evidence(good_evidence(), PIN).unchecked]
    assert named == ["history-limits", "once", "stops", "first-sight", "signer-times", "enrolment", "block-facts"]


def test_a_file_without_a_broadcast_says_that_nothing_is_known_of_it() -> None:
    why = {each.name: each.why for each in verify_evidence(compose(broadcast=None), PIN).unchecked}
    assert why["block-facts"].startswith("the file names no broadcast")


def test_all_checks_are_asked_though_one_does_not_hold() -> None:
    report = judge_evidence(with_word(signed_at=SIGNED_AT - 1), PIN)
    assert [outcome.check for outcome in report.outcomes] == [check.name for check in EVIDENCE_CHECKS]
    assert [(failure.code, failure.said) for failure in report.failures] == [
        ("evidence.delay", "signer-c signed 3599 s after the quorum, not 3600 s"),
        ("evidence.decision", "when signer-c signed, the delay of 3600 s is not over (D11)"),
    ]


def test_a_report_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="is_valid"):
        bool(verify_evidence(good_evidence(), PIN))


def test_a_report_without_any_check_is_not_valid() -> None:
    assert not compute_report(EvidenceRules(checks=()), parse_evidence(good_evidence()), PIN).is_valid


def test_the_report_is_plain_json_for_machines() -> None:
    told = judge_evidence(with_word(signed_at=SIGNED_AT - 1), PIN).to_json()
    assert to_canonical(told)
    assert told["valid"] is False
    assert told["checks"][-2] == {
        "check": "decision",
        "holds": False,
        "said": "when signer-c signed, the delay of 3600 s is not over (D11)",
        "code": "evidence.decision",
        "cause": "decision.delay",
    }
    assert told["people"][0].keys() == {"person", "name", "statement", "key", "group", "at"}
    assert told["signers"][0] == {
        "signer": "signer-a",
        "quorum_since": QUORUM_SINCE,
        "signed_at": SIGNED_AT,
        "delay": DELAY,
    }


def test_every_outcome_and_remark_is_one_line_of_plain_words() -> None:
    report = judge_evidence(with_word(signed_at=SIGNED_AT - 1), PIN)
    for said in (*(each.said for each in report.outcomes), *(each.why for each in report.unchecked)):
        assert said == said.strip()
        assert "\n" not in said
        assert not said.endswith(".")
