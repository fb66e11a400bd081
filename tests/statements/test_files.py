"""Statement files: what is written reads back, and bad ones are refused by name."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from guard.core.ids import Digest
from guard.errors import GuardError
from guard.formats.canonical import to_canonical
from guard.statements.signed import (
    EIP712,
    FILE_BYTES,
    WEBAUTHN,
    Signature,
    SignedStatement,
    from_json,
    parse_signed_statement,
    to_json,
    transfer_from_json,
    transfer_to_json,
)
from guard.statements.signing import recover, sign
from guard.statements.values import SUMMARY_LENGTH, UNFREEZE_IDS, Statement, Unfreeze, kind_of
from tests.effects.factories import TREASURY, USDC, VAULT, a_transfer
from tests.statements.factories import (
    BOB,
    NOW,
    ROSTER_DIGEST,
    RandomStatements,
    a_freeze,
    an_approval,
    an_unfreeze,
    statements_of_every_kind,
)

BIDI, ZERO_WIDTH = "\u202e", "\u200b"


def content_of(statement: Statement) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(to_json(sign(BOB, statement, TREASURY))))
    return content


def code_of(raw: bytes | dict[str, Any]) -> str:
    raw = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    try:
        parse_signed_statement(raw)
    except GuardError as error:
        assert "\n" not in error.message
        return error.code
    return "read"


@pytest.mark.parametrize("statement", statements_of_every_kind(), ids=kind_of)
def test_every_kind_reads_back_from_its_file(statement: Statement) -> None:
    signed = sign(BOB, statement, TREASURY)
    for raw in (to_canonical(to_json(signed)), json.dumps(to_json(signed), indent=2).encode()):
        assert parse_signed_statement(raw) == signed


def test_random_statements_read_back_from_their_files() -> None:
    drawn = RandomStatements(9)
    for place in range(300):
        signed = sign(BOB, *drawn.draw(place))
        assert parse_signed_statement(to_canonical(to_json(signed))) == signed
        assert recover(signed) == signed.signature.key


def test_the_file_of_an_approval_has_these_fields() -> None:
    content = content_of(an_approval())
    assert {name: content[name] for name in ("format", "kind", "treasury")} == {
        "format": 1,
        "kind": "approval",
        "treasury": TREASURY,
    }
    assert set(content["signature"]) == {"kind", "key", "value"}
    statement = content["statement"]
    assert (statement["summaryVersion"], statement["signedAt"]) == (1, str(NOW))
    assert (statement["transfer"]["amount"], statement["transfer"]["chainId"]) == ("9000000000", "1")


def test_the_longest_statements_fit_into_a_file() -> None:
    transfer = a_transfer(purpose="漢" * 200, amount_units=2**256 - 1)
    longest = an_approval(transfer, summary="x" * SUMMARY_LENGTH)
    ids = tuple(Digest(f"0x{number:064x}") for number in range(UNFREEZE_IDS))
    most = Unfreeze(ids=ids, roster=ROSTER_DIGEST, signed_at=NOW, expires_at=NOW)
    for statement in (longest, most):
        assert len(json.dumps(to_json(sign(BOB, statement, TREASURY)), indent=4)) < FILE_BYTES // 2


def test_a_signature_of_a_passkey_can_be_carried() -> None:
    signed = SignedStatement(an_approval(), TREASURY, Signature(WEBAUTHN, VAULT, b"\1" * 4000))
    assert parse_signed_statement(to_canonical(to_json(signed))) == signed


def test_a_transfer_reads_back_under_its_permanent_names() -> None:
    assert transfer_from_json(transfer_to_json(a_transfer())) == a_transfer()
    with pytest.raises(GuardError) as caught:
        transfer_from_json(transfer_to_json(a_transfer(purpose=BIDI)))
    assert caught.value.code == "text.characters"


Change = Callable[[dict[str, Any]], object]


def in_transfer(name: str, value: Any) -> Change:
    return lambda content: content["statement"]["transfer"].__setitem__(name, value)


def in_statement(name: str, value: Any) -> Change:
    return lambda content: content["statement"].__setitem__(name, value)


def in_signature(name: str, value: Any) -> Change:
    return lambda content: content["signature"].__setitem__(name, value)


def in_file(name: str, value: Any) -> Change:
    return lambda content: content.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (in_file("format", 2), "statement.format"),
        (in_file("format", True), "json.field-type"),
        (in_file("format", "1"), "json.field-type"),
        (in_file("kind", "policyapproval"), "statement.kind"),
        (in_file("kind", "Approval"), "statement.kind"),
        (in_file("kind", "proposal"), "json.field-unknown"),
        (in_file("treasury", TREASURY.upper()), "hex.malformed"),
        (in_file("treasury", "0x11"), "hex.malformed"),
        (in_file("comment", "hello"), "json.field-unknown"),
        (in_file("statement", []), "json.field-type"),
        (in_file("statement", None), "json.field-type"),
        (in_file("signature", "0x"), "json.field-type"),
        (lambda content: content.pop("treasury"), "json.field-missing"),
        (lambda content: content["statement"].pop("roster"), "json.field-missing"),
        (lambda content: content["statement"]["transfer"].pop("purpose"), "json.field-missing"),
        (in_statement("nonce", "1"), "json.field-unknown"),
        (in_transfer("gas", "1"), "json.field-unknown"),
        (in_statement("transfer", "0x"), "json.field-type"),
        (in_transfer("amount", 9000000000), "json.field-type"),
        (in_transfer("amount", True), "json.field-type"),
        (in_transfer("amount", None), "json.field-type"),
        (in_transfer("amount", "9000.0"), "json.number"),
        (in_transfer("amount", "9e9"), "json.number"),
        (in_transfer("amount", "9_000"), "json.number"),
        (in_transfer("amount", "9,000"), "json.number"),
        (in_transfer("amount", "-1"), "json.number"),
        (in_transfer("amount", "+1"), "json.number"),
        (in_transfer("amount", " 1"), "json.number"),
        (in_transfer("amount", "01"), "json.number"),
        (in_transfer("amount", "0x10"), "json.number"),
        (in_transfer("amount", "٣"), "json.number"),
        (in_transfer("amount", ""), "json.number"),
        (in_transfer("amount", str(2**256 - 1)), "read"),
        (in_transfer("amount", str(2**256)), "json.number"),
        (in_transfer("amount", "1" * 5000), "json.number"),
        (in_transfer("chainId", "0"), "value.invalid"),
        (in_transfer("proposedAt", str(2**64 - 1)), "read"),
        (in_transfer("proposedAt", str(2**64)), "json.number"),
        (in_transfer("vault", VAULT.lower()), "address.checksum"),
        (in_transfer("vault", VAULT.swapcase().replace("0X", "0x")), "address.checksum"),
        (in_transfer("asset", USDC[:-1]), "address.malformed"),
        (in_transfer("destination", "supplier"), "address.malformed"),
        (in_transfer("destination", 7), "json.field-type"),
        (in_transfer("action", "steal"), "json.field-type"),
        (in_transfer("action", ["transfer"]), "json.field-type"),
        (in_transfer("initiator", "Alice"), "value.invalid"),
        (in_transfer("initiator", ""), "value.invalid"),
        (in_transfer("policy", "22" * 32), "hex.malformed"),
        (in_transfer("purpose", f"pay {BIDI}000,9"), "text.characters"),
        (in_transfer("purpose", f"in{ZERO_WIDTH}voice"), "text.characters"),
        (in_transfer("purpose", "line\nbreak"), "text.characters"),
        (in_transfer("purpose", "bell\x07"), "text.characters"),
        (in_transfer("purpose", "x" * 201), "value.invalid"),
        (in_transfer("purpose", "\ud800"), "json.malformed"),
        (in_statement("summary", ""), "value.invalid"),
        (in_statement("summary", f"Action: {BIDI}"), "text.characters"),
        (in_statement("summaryVersion", "1"), "json.field-type"),
        (in_statement("summaryVersion", True), "json.field-type"),
        (in_statement("summaryVersion", 0), "value.invalid"),
        (in_statement("summaryVersion", -1), "json.field-type"),
        (in_statement("summaryVersion", 2**32 - 1), "read"),
        (in_statement("summaryVersion", 2**32), "json.field-type"),
        (in_statement("summaryVersion", 1.0), "json.number"),
        (in_statement("signedAt", 1.5), "json.number"),
        (in_statement("signedAt", "now"), "json.number"),
        (in_signature("kind", "pgp"), "value.invalid"),
        (in_signature("kind", None), "json.field-type"),
        (in_signature("key", VAULT.lower()), "address.checksum"),
        (in_signature("value", "0x" + "AB" * 65), "hex.malformed"),
        (in_signature("value", "ab" * 65), "hex.malformed"),
        (in_signature("value", "0xabc"), "hex.malformed"),
        (in_signature("value", "0x" + "ab" * 9000), "value.invalid"),
        (in_signature("extra", ""), "json.field-unknown"),
    ],
)
def test_a_bad_field_of_an_approval_is_refused_by_name(change: Change, code: str) -> None:
    content = content_of(an_approval())
    change(content)
    assert code_of(content) == code


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "value.invalid"),
        ("0x", "json.field-type"),
        ([1], "json.field-type"),
        ([True], "json.field-type"),
        (["0x12"], "hex.malformed"),
        ([TREASURY, TREASURY], "value.invalid"),
        ([ROSTER_DIGEST, TREASURY], "value.invalid"),
        ([TREASURY, ROSTER_DIGEST], "read"),
    ],
)
def test_bad_lists_of_ids_are_refused(ids: Any, code: str) -> None:
    content = content_of(an_unfreeze())
    content["statement"]["ids"] = ids
    assert code_of(content) == code


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ({"kind": "vault", "chainId": "1", "account": VAULT, "person": ""}, "read"),
        ({"kind": "planet", "chainId": "1", "account": VAULT, "person": ""}, "json.field-type"),
        ({"kind": "vault", "chainId": "0", "account": VAULT, "person": ""}, "value.invalid"),
        ({"kind": "everything", "chainId": "1", "account": VAULT, "person": ""}, "value.invalid"),
        ({"kind": "person", "chainId": "0", "account": "0x" + "0" * 40, "person": ""}, "value.invalid"),
        ({"kind": "person", "chainId": "0", "account": "0x" + "0" * 40, "person": "Bob !"}, "value.invalid"),
        ({"kind": "vault", "chainId": "1", "account": VAULT}, "json.field-missing"),
        ([], "json.field-type"),
    ],
)
def test_bad_scopes_of_a_freeze_are_refused(scope: Any, code: str) -> None:
    content = content_of(a_freeze())
    content["statement"]["scope"] = scope
    assert code_of(content) == code


GOOD = json.dumps(content_of(an_approval())).encode()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "json.malformed"),
        (b"not json", "json.malformed"),
        (GOOD[:-1], "json.malformed"),
        (GOOD + GOOD, "json.malformed"),
        (b"\xff\xfe" + GOOD, "json.malformed"),
        (b"\xef\xbb\xbf" + GOOD, "json.malformed"),
        (GOOD.replace(b'"format": 1', b'"format": 1_000'), "json.malformed"),
        (GOOD.replace(b'"format": 1', b'"format": 1e0'), "json.number"),
        (GOOD.replace(b'"format": 1', b'"format": 1.0'), "json.number"),
        (GOOD.replace(b'"format": 1', b'"format": -0'), "json.number"),
        (GOOD.replace(b'"format": 1', b'"format": NaN'), "json.number"),
        (GOOD.replace(b'"format": 1', b'"format": 9007199254740992'), "json.number"),
        (GOOD.replace(b'"format": 1', b'"format": ' + b"1" * 5000), "json.number"),
        (GOOD.replace(b'"format": 1', b'"format": 1, "format": 1'), "json.duplicate-key"),
        (GOOD.replace(b'"purpose"', b'"amount": "1", "purpose"'), "json.duplicate-key"),
        (b"[" * 1000 + b"]" * 1000, "json.too-large"),
        (b"[" * 30000 + b"]" * 30000, "json.too-large"),
        (GOOD + b" " * (FILE_BYTES - len(GOOD)), "read"),
        (GOOD + b" " * (FILE_BYTES - len(GOOD) + 1), "json.too-large"),
        (b" " * 10_000_000, "json.too-large"),
        (b"[]", "json.field-type"),
        (b"null", "json.field-type"),
        (b"{}", "json.field-missing"),
    ],
)
def test_bytes_that_are_no_strict_json_are_refused_by_name(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


def test_reading_does_not_change_what_was_read() -> None:
    content = content_of(an_approval())
    before = json.dumps(content)
    assert from_json(content).signature.kind == EIP712
    assert json.dumps(content) == before
