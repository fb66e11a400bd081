"""Statement files that are not what they should be: one clear error with its code, and nothing half done (issue's point 8)."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guard.errors import CATALOGUE
from tests.cli.road import Treasury

Change = Callable[[dict[str, Any]], Any]


def with_statement(name: str, value: Any) -> Change:
    """The approval with one of its own fields changed."""

    def change(content: dict[str, Any]) -> Any:
        content["statement"][name] = value
        return content

    return change


def with_transfer(name: str, value: Any) -> Change:
    """The approval with one field of its transfer changed."""

    def change(content: dict[str, Any]) -> Any:
        content["statement"]["transfer"][name] = value
        return content

    return change


def with_extra(content: dict[str, Any]) -> Any:
    return content | {"note": "nobody knows this field"}


CHANGED: list[tuple[str, Change, str]] = [
    ("an unknown field", with_extra, "json.field-unknown"),
    ("an unknown field inside", with_statement("memo", "x"), "json.field-unknown"),
    ("an unknown kind", lambda content: content | {"kind": "blessing"}, "statement.kind"),
    ("an unknown format", lambda content: content | {"format": 2}, "statement.format"),
    ("a bool as a count", lambda content: content | {"format": True}, "json.field-type"),
    ("a number for an amount", with_transfer("amount", 9000), "json.field-type"),
    ("an amount with an underscore", with_transfer("amount", "1_000"), "json.number"),
    ("an amount with an exponent", with_transfer("amount", "1e9"), "json.number"),
    ("an amount with a point", with_transfer("amount", "9.5"), "json.number"),
    ("an amount of 2^256", with_transfer("amount", str(2**256)), "json.number"),
    ("a negative amount", with_transfer("amount", "-1"), "json.number"),
    ("an address without its checksum", with_transfer("destination", "0x" + "ab" * 20), "address.checksum"),
    ("an address that is none", with_transfer("destination", "supplier"), "address.malformed"),
    ("a control character", with_transfer("purpose", "rent\u0007"), "text.characters"),
    ("a direction character", with_transfer("purpose", "rent\u202e99"), "text.characters"),
    ("an empty list", with_statement("summary", []), "json.field-type"),
    ("another transfer", with_transfer("purpose", "another purpose"), "statement.transfer"),
    ("no object at all", lambda _: [], "json.field-type"),
]

RAW: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "json.malformed"),
    ("half a file", b'{"format":1,"kind":"appro', "json.malformed"),
    ("a float", b'{"format":1.0}', "json.number"),
    ("an exponent", b'{"format":1e0}', "json.number"),
    ("a duplicate key", b'{"format":1,"format":1}', "json.duplicate-key"),
    ("not utf-8", b'{"format":"\xff"}', "json.malformed"),
    ("ten megabytes", b" " * 10 * 1024 * 1024, "json.too-large"),
]


@pytest.fixture(scope="module")
def approved(treasury: Treasury) -> Path:
    """A folder with a proposal and an approval that nobody has released."""
    folder = treasury.propose("4321 USDC")
    assert treasury.sign_as("bob", "approve", folder).status == 0
    return folder


@pytest.fixture
def folder(approved: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it to spoil."""
    copy = tmp_path / "transfer"
    shutil.copytree(approved, copy)
    yield copy


def approval_in(folder: Path) -> Path:
    (file,) = folder.glob("approval-bob-*.json")
    return file


def require_refused(treasury: Treasury, folder: Path, code: str) -> None:
    """Both the command that signs and the one that carries refuse it, and no file is added."""
    before = sorted(path.name for path in folder.iterdir())
    for told in (treasury.release(folder), treasury.sign_as("carol", "approve", folder), treasury.run("show", folder)):
        assert told.status == 1, told
        assert told.code == code
        assert code in CATALOGUE
        assert "\n" not in told.json["error"]["message"]
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("change", "code"), [(change, code) for _, change, code in CHANGED], ids=[c[0] for c in CHANGED]
)
def test_a_changed_statement_file_is_refused_with_its_code(
    treasury: Treasury, folder: Path, change: Change, code: str
) -> None:
    file = approval_in(folder)
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    require_refused(treasury, folder, code)


@pytest.mark.parametrize(("raw", "code"), [(raw, code) for _, raw, code in RAW], ids=[case[0] for case in RAW])
def test_a_file_that_is_no_statement_is_refused_with_its_code(
    treasury: Treasury, folder: Path, raw: bytes, code: str
) -> None:
    approval_in(folder).write_bytes(raw)
    require_refused(treasury, folder, code)


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"format":1}', b'{"format":1,"transfer":{}}'])
def test_a_spoiled_transfer_file_is_refused(treasury: Treasury, folder: Path, raw: bytes) -> None:
    (folder / "transfer.json").write_bytes(raw)
    told = treasury.release(folder)
    assert told.status == 1
    assert told.code.startswith("json.")
    assert told.json["error"]["details"]["file"] == "transfer.json"


def test_an_approval_whose_signature_was_changed_counts_for_nobody(treasury: Treasury, folder: Path) -> None:
    file = approval_in(folder)
    content = json.loads(file.read_text())
    content["statement"]["signedAt"] = str(int(content["statement"]["signedAt"]) + 1)
    file.write_text(json.dumps(content))
    told = treasury.release(folder)
    assert told.status == 4
    for each in told.json["signers"]:
        codes = [reason["code"] for reason in each["reasons"]]
        assert codes == ["decision.quorum-missing", "signature.key"]


def test_a_statement_of_another_kind_does_not_belong_in_a_transfers_folder(treasury: Treasury, folder: Path) -> None:
    frozen = treasury.sign_as("frank", "freeze", "--scope", "destination:supplier", "--out", folder)
    treasury.sign_as("bob", "unfreeze", frozen.json["id"], "--out", treasury.path / "statements")
    treasury.sign_as("carol", "unfreeze", frozen.json["id"], "--out", treasury.path / "statements")
    told = treasury.release(folder)
    assert (told.status, told.code) == (1, "cli.file-mixed")


def test_nothing_is_written_over_by_something_else(treasury: Treasury, approved: Path) -> None:
    before = (approved / "transfer.json").read_bytes()
    wish = ("--vault", "operations", "--amount", "1 USDC", "--to", "supplier", "--purpose", "other", "--out", approved)
    told = treasury.run(
        "propose", *wish, "--as", treasury.key("alice"), "--password-file", treasury.password_file, "--yes"
    )
    assert (told.status, told.code) == (1, "cli.file-differs")
    assert (approved / "transfer.json").read_bytes() == before
