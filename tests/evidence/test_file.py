"""The file's one exact form, and everything in another one refused with one clear code."""

import json
from collections.abc import Callable
from hashlib import sha256
from itertools import permutations
from typing import Any

import pytest

from guard.errors import GuardError
from guard.evidence.file import parse_evidence, to_bytes
from guard.evidence.record import MOST_STATEMENTS
from guard.evidence.verify import verify_evidence
from guard.formats.canonical import to_canonical
from guard.statements import testimony
from guard.statements.certificates import CancelCertificate, TransferCertificate
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SIGNATURE_BYTES, WEBAUTHN, Signature, SignedStatement
from guard.statements.values import SUMMARY_LENGTH
from guard.transactions.packing import pack_signatures
from tests.evidence.attacks import TRANSFER
from tests.evidence.factories import (
    NONCE,
    OWNERS,
    PIN,
    approval,
    approved,
    certificate,
    compose,
    good_evidence,
    journal_key,
    malformed_cause,
    proposal,
    the_record,
    the_transfer,
    word,
    words,
)
from tests.factories import CHAIN_ID, TREASURY, address_of, digest_of

Change = Callable[[dict[str, Any]], None]


def changed(change: Change) -> bytes:
    """The file with a change, in canonical form again."""
    content = json.loads(good_evidence())
    change(content)
    return to_canonical(content)


def test_the_file_is_an_in_toto_statement_with_a_predicate_of_our_own() -> None:
    content = json.loads(good_evidence())
    assert content.keys() == {"_type", "subject", "predicateType", "predicate"}
    assert content["_type"] == "https://in-toto.io/Statement/v1"
    assert content["predicateType"] == "urn:treasury-guard:release:v1"
    assert content["predicate"].keys() == {
        *("format", "treasury", "bundles", "transfer", "statements", "release_statements", "certificate", "broadcast")
    }
    assert content["predicate"]["format"] == 1


def test_the_subjects_are_transfer_safe_transaction_call_data_and_the_predicate_itself() -> None:
    """Counted out here by the standard library alone, where it can."""
    content = json.loads(good_evidence())
    plain = json.dumps(content["predicate"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    said = content["predicate"]["release_statements"][0]["fields"]
    assert content["subject"] == [
        {"name": "transfer", "digest": {"keccak256": compute_transfer_id(TRANSFER)[2:]}},
        {"name": "safe-transaction", "digest": {"keccak256": said["safe_tx_hash"][2:]}},
        {"name": "call-data", "digest": {"sha256": sha256(the_record().call_data).hexdigest()}},
        {"name": "predicate", "digest": {"sha256": sha256(plain.encode()).hexdigest()}},
    ]


def test_the_call_data_are_execute_with_every_signature_of_the_certificate() -> None:
    call_data = the_record().call_data
    assert call_data[:4].hex() == "6a761202"
    assert pack_signatures(certificate(TRANSFER).signatures) in call_data


def test_what_was_read_is_written_again_byte_for_byte() -> None:
    for raw in (good_evidence(), compose(broadcast=None), compose(certificate=certificate(TRANSFER, *OWNERS[::-1]))):
        assert to_bytes(parse_evidence(raw)) == raw


def test_one_release_has_one_file_whatever_the_order_and_the_copies_in_which_it_was_gathered() -> None:
    statements, testimonies = approved(TRANSFER), words(TRANSFER)
    for order in permutations(range(3)):
        shuffled = [testimonies[place] for place in order]
        raw = compose(statements=[*statements[::-1], *statements], testimonies=[*shuffled, shuffled[0]])
        assert raw == good_evidence()


def test_the_named_bundle_stands_in_the_file_only_if_it_is_another_one() -> None:
    assert json.loads(good_evidence())["predicate"]["bundles"]["named"] is None


def test_a_release_whose_broadcast_is_not_known_yet_has_evidence_too() -> None:
    raw = compose(broadcast=None)
    assert json.loads(raw)["predicate"]["broadcast"] is None
    assert verify_evidence(raw, PIN).is_valid


def test_two_words_of_one_signer_make_no_file() -> None:
    both = (*words(TRANSFER), word(OWNERS[0], TRANSFER, nonce=NONCE + 1))
    with pytest.raises(GuardError, match="one stands twice") as refused:
        compose(testimonies=both)
    assert refused.value.code == "value.invalid"


def test_a_transfer_that_no_safe_can_carry_makes_no_file() -> None:
    nowhere = the_transfer(destination=TRANSFER.vault)
    signatures = certificate(TRANSFER).signatures
    with pytest.raises(GuardError) as refused:
        compose(
            statements=approved(TRANSFER),
            certificate=TransferCertificate(transfer=nowhere, nonce=NONCE, signatures=signatures),
        )
    assert refused.value.code == "effects.destination"


def test_p8_the_longest_release_that_can_be_told_is_read_again() -> None:
    """Two hundred approvals with the longest texts and signatures: what was composed is never too large to be verified."""
    longest = approval(TRANSFER, "bob", summary="\n" * SUMMARY_LENGTH).statement
    many = [
        SignedStatement(longest, TREASURY, Signature(WEBAUTHN, address_of(f"key {at}"), bytes(SIGNATURE_BYTES)))
        for at in range(MOST_STATEMENTS)
    ]
    assert len(parse_evidence(compose(statements=many)).record.statements) == MOST_STATEMENTS
    with pytest.raises(GuardError, match="not 1 to 200 statements"):
        compose(statements=[*many, proposal(TRANSFER)])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw + b"\n",
        lambda raw: raw + b" ",
        lambda raw: b" " + raw,
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b'","', b'", "', 1),
        lambda raw: raw.replace(b'"format":1', b'"format":1.0', 1),
        lambda raw: raw.replace(b'"format":1', b'"format":1e0', 1),
        lambda raw: raw.replace(b'"format":1', b'"format":1,"format":1', 1),
        lambda raw: raw[:-1],
        lambda raw: b"",
        lambda raw: b"null",
        lambda raw: b"\xff" + raw,
        lambda raw: raw.replace(b"Alice", b"\\u0041lice", 1),
        lambda raw: b"[" * 100_000,
        lambda raw: b'{"_type":"' + b"x" * 10_000_000 + b'"}',
    ],
)
def test_any_other_spelling_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    assert malformed_cause(spoil(good_evidence())) in {
        *("json.not-canonical", "json.number", "json.duplicate-key", "json.malformed", "json.too-large"),
        "json.field-type",
    }


def put(*path: str | int, value: Any) -> Change:
    """Set something in the predicate; a new key is added."""

    def change(content: dict[str, Any]) -> None:
        place = content["predicate"]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    """Take something out of the predicate."""

    def change(content: dict[str, Any]) -> None:
        place = content["predicate"]
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def reverse(*path: str) -> Change:
    """Turn a list of the predicate round."""

    def change(content: dict[str, Any]) -> None:
        place = content["predicate"]
        for step in path:
            place = place[step]
        place.reverse()

    return change


def repeat(name: str) -> Change:
    """Let the first entry of a list stand twice."""
    return lambda content: content["predicate"][name].insert(0, content["predicate"][name][0])


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (put("format", value=2), "json.field-type"),
        (put("format", value=True), "json.field-type"),
        (put("note", value=""), "json.field-unknown"),
        (drop("broadcast"), "json.field-missing"),
        (drop("treasury"), "json.field-missing"),
        (put("treasury", value="0x00"), "hex.malformed"),
        (put("bundles", "next", value=None), "json.field-unknown"),
        (put("bundles", "active", value=None), "json.field-type"),
        (put("bundles", "active", "version", value=0), "json.field-type"),
        (put("bundles", "active", "policy", "rules", value=[]), "policy.nothing-named"),
        (put("bundles", "named", value={}), "json.field-missing"),
        (put("transfer", "amount", value="0"), "effects.nothing"),
        (put("transfer", "amount", value=5), "json.field-type"),
        (put("transfer", "action", value="call"), "effects.action"),
        (put("transfer", "purpose", value="a\u202eb"), "text.characters"),
        (put("statements", value=[]), "value.invalid"),
        (put("statements", value={}), "json.field-type"),
        (put("statements", value=[1] * 201), "json.too-large"),
        (put("statements", 0, "kind", value="permit"), "statement.kind"),
        (put("statements", 0, "format", value=2), "statement.format"),
        (reverse("statements"), "value.invalid"),
        (repeat("statements"), "value.invalid"),
        (put("release_statements", value=[]), "value.invalid"),
        (put("release_statements", value=[1] * 101), "json.too-large"),
        (put("release_statements", 0, "text", value="guard-release-v2"), "testimony.unknown"),
        (put("release_statements", 0, "fields", "signed_at", value="1"), "json.field-type"),
        (put("release_statements", 0, "fields", "signer", value="A b"), "value.invalid"),
        (reverse("release_statements"), "value.invalid"),
        (repeat("release_statements"), "value.invalid"),
        (put("certificate", "kind", value="refund"), "certificate.malformed"),
        (put("certificate", "signatures", value=[]), "certificate.malformed"),
        (put("certificate", "signatures", 0, "signature", value="0x00"), "hex.malformed"),
        (put("broadcast", "block_number", value=-1), "json.field-type"),
        (put("broadcast", "block_number", value=2**53 - 1), ""),
        (put("broadcast", "chain_id", value="0"), "value.invalid"),
        (put("broadcast", "gas_payer", value="0x00"), "address.malformed"),
        (put("broadcast", "success", value=True), "json.field-unknown"),
        (drop("broadcast", "block_hash"), "json.field-missing"),
    ],
)
def test_what_is_unknown_missing_or_not_of_its_type_is_refused(change: Change, cause: str) -> None:
    raw = changed(change)
    if cause:
        assert malformed_cause(raw) == cause
    else:
        parse_evidence(raw)
    with pytest.raises(GuardError):
        verify_evidence(raw, PIN)


def of_the_statement(name: str, value: Any) -> Change:
    return lambda content: content.update({name: value})


def of_a_subject(place: int, name: str, value: Any) -> Change:
    return lambda content: content["subject"][place].update({name: value})


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (of_the_statement("_type", "https://in-toto.io/Statement/v0.1"), "json.field-type"),
        (of_the_statement("predicateType", "urn:treasury-guard:release:v2"), "json.field-type"),
        (of_the_statement("more", 1), "json.field-unknown"),
        (of_the_statement("subject", []), "json.field-type"),
        (lambda content: content["subject"].reverse(), "json.field-type"),
        (lambda content: content["subject"].append(content["subject"][0]), "json.field-type"),
        (of_a_subject(0, "name", "transfers"), "json.field-type"),
        (of_a_subject(0, "uri", "x"), "json.field-unknown"),
        (of_a_subject(0, "digest", {"sha256": "00" * 32}), "json.field-missing"),
        (of_a_subject(0, "digest", {"keccak256": "00" * 32, "sha256": "00" * 32}), "json.field-unknown"),
        (of_a_subject(0, "digest", {"keccak256": "0x" + "00" * 31}), "hex.malformed"),
        (of_a_subject(0, "digest", {"keccak256": "AA" * 32}), "hex.malformed"),
        (lambda content: content.pop("predicate"), "json.field-missing"),
    ],
)
def test_another_statement_or_subject_is_refused(change: Change, cause: str) -> None:
    assert malformed_cause(changed(change)) == cause


def test_owners_in_another_order_are_a_second_spelling_and_refused() -> None:
    raw = changed(reverse("certificate", "signatures"))
    assert malformed_cause(raw) == ""
    with pytest.raises(GuardError, match="one exact form"):
        parse_evidence(raw)


def test_a_cancel_certificate_is_no_release() -> None:
    cancel = CancelCertificate(
        chain_id=CHAIN_ID,
        vault=TRANSFER.vault,
        nonce=NONCE,
        signatures=certificate(TRANSFER).signatures,
        statements=(),
        proposals=(),
    )
    assert malformed_cause(changed(put("certificate", value=cancel.to_json()))) == "certificate.malformed"


def test_another_text_of_a_journal_key_is_no_release_statement() -> None:
    fields = {
        "treasury": TREASURY,
        "signer": OWNERS[0],
        "chain_id": str(CHAIN_ID),
        "vault": TRANSFER.vault,
        "nonce": NONCE,
        "transfer": digest_of("transfer"),
    }
    said = testimony.testify(journal_key(OWNERS[0]), testimony.CANCEL, fields)
    assert malformed_cause(changed(put("release_statements", 0, value=said.to_json()))) == "testimony.text"
    with pytest.raises(GuardError, match="expected guard-release-v1"):
        compose(testimonies=(said,))
