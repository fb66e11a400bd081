"""What people type wrongly: refused with its code and what to do next, before anything is signed or written."""

from pathlib import Path

import pytest

from tests.cli.road import Treasury, guard

WISHES: list[tuple[str, str, str]] = [
    ("--amount", "9000", "amount.unit"),
    ("--amount", "9000 USD", "amount.unit"),
    ("--amount", "1_000 USDC", "amount.malformed"),
    ("--amount", "1e3 USDC", "amount.malformed"),
    ("--amount", "-5 USDC", "amount.malformed"),
    ("--amount", "1,000 USDC", "amount.malformed"),
    ("--amount", "0 USDC", "amount.range"),
    ("--amount", "0.0000001 USDC", "amount.precision"),
    ("--amount", f"{2**256} USDC", "amount.range"),
    ("--to", "suplier", "cli.destination-unknown"),
    ("--to", "0x" + "ab" * 20, "address.checksum"),
    ("--vault", "operatons", "cli.vault-unknown"),
    ("--purpose", "rent\u202e", "text.characters"),
    ("--purpose", "rent\n", "text.characters"),
    ("--purpose", "x" * 201, "value.invalid"),
    ("--again", "0x12", "hex.malformed"),
    ("--valid-for", "48", "duration.malformed"),
    ("--valid-for", "2 days", "duration.malformed"),
]


@pytest.mark.parametrize(("option", "value", "code"), WISHES)
def test_a_wish_that_cannot_be_is_refused_with_its_code(
    treasury: Treasury, tmp_path: Path, option: str, value: str, code: str
) -> None:
    wish = {"--vault": "operations", "--amount": "5 USDC", "--to": "supplier", "--purpose": "rent", option: value}
    words = [word for pair in wish.items() for word in pair]
    out = tmp_path / "transfer"
    signing = ("--as", treasury.key("alice"), "--password-file", treasury.password_file, "--yes", "--out", out)
    told = treasury.run("propose", *words, *signing)
    assert (told.status, told.code) == (1, code), told
    assert not out.exists()


def test_a_label_that_is_nearly_right_gets_a_suggestion(treasury: Treasury) -> None:
    wish = ("--vault", "operations", "--amount", "5 USDC", "--to", "suplier", "--purpose", "rent")
    told = treasury.run("propose", *wish, "--as", treasury.key("alice"), "--password-file", treasury.password_file)
    assert told.json["error"]["next"] == "did you mean supplier?"


def test_somebody_who_is_nobody_of_the_policy_signs_nothing(treasury: Treasury, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.json"
    guard("key", "new", stranger, "--light-kdf", "--password-file", treasury.password_file)
    folder = treasury.propose("5 USDC")
    told = treasury.run("approve", folder, "--key", stranger, "--password-file", treasury.password_file, "--yes")
    assert (told.status, told.code) == (1, "cli.key-unknown")


def test_an_initiator_does_not_approve_their_own_transfer(treasury: Treasury) -> None:
    folder = treasury.propose("5 USDC")
    told = treasury.sign_as("alice", "approve", folder)
    assert (told.status, told.code) == (1, "approval.initiator")


def test_only_guardians_veto_and_freeze(treasury: Treasury, tmp_path: Path) -> None:
    folder = treasury.propose("5 USDC")
    assert treasury.sign_as("bob", "veto", folder).code == "statement.guardian"
    frozen = treasury.sign_as("bob", "freeze", "--scope", "everything", "--out", tmp_path)
    assert frozen.code == "statement.guardian"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("all", "cli.scope"),
        ("vault:", "cli.scope"),
        ("vault:nowhere", "cli.vault-unknown"),
        ("asset:DOGE", "cli.scope"),
        ("destination:nobody", "cli.destination-unknown"),
        ("person:mallory", "cli.scope"),
        ("planet:earth", "cli.scope"),
    ],
)
def test_a_scope_that_is_none_is_refused(treasury: Treasury, tmp_path: Path, scope: str, code: str) -> None:
    told = treasury.sign_as("erin", "freeze", "--scope", scope, "--out", tmp_path)
    assert (told.status, told.code) == (1, code)


def test_a_wrong_password_opens_nothing(treasury: Treasury, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another password\n")
    wrong.chmod(0o600)
    told = treasury.run("key", "show", treasury.key("bob"), "--password-file", wrong)
    assert (told.status, told.code) == (1, "key.password")


def test_a_password_file_that_others_may_read_is_refused(treasury: Treasury, tmp_path: Path) -> None:
    open_file = tmp_path / "open"
    open_file.write_text("a password for tests\n")
    open_file.chmod(0o644)
    told = treasury.run("key", "show", treasury.key("bob"), "--password-file", open_file)
    assert (told.status, told.code) == (1, "key.password-file")


def test_evidence_under_another_pin_is_not_valid(treasury: Treasury) -> None:
    folder = treasury.propose("4322 USDC")
    treasury.sign_as("bob", "approve", folder)
    assert treasury.release(folder, "--wait").status == 0
    told = guard("verify", folder / "evidence.json", "--pin", "0x" + "11" * 32, "--json")
    assert told.status == 1
    assert told.json["valid"] is False
    assert told.code.startswith("evidence.")


def test_a_file_that_is_no_evidence_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    file.write_text("{}")
    told = guard("verify", file, "--pin", "0x" + "11" * 32, "--json")
    assert (told.status, told.code) == (1, "evidence.malformed")
