"""A server that lies to the command line: refused with its code before anything is signed or written."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.cli.folder import load_folder
from guard.core.ids import Digest
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import transfer_to_json
from tests.cli.offline import Change, OfflineDesk, Played, load_id, playing
from tests.cli.road import guard
from tests.clients.hostile import Asked, hostile, to_http


@pytest.fixture(scope="module")
def folder(paper: OfflineDesk) -> Path:
    """A transfer."""
    return paper.propose()


@pytest.fixture(scope="module")
def other(paper: OfflineDesk) -> Path:
    """Another one."""
    return paper.propose()


def approve(paper: OfflineDesk, played: Played, home: Path, named: str) -> tuple[int, str, list[Asked]]:
    """Try to approve at the server; the status, the code, and what was posted."""
    with playing(played, home) as server:
        told = paper.sign_as("bob", server.url, "approve", named)
    return told.status, told.code if told.status else "", [each for each in server.asked if each.method == "POST"]


def test_an_honest_answer_is_approved_under_the_version_that_was_shown(
    paper: OfflineDesk, folder: Path, home: Path
) -> None:
    status, _, posted = approve(paper, Played(paper, [folder]), home, load_id(folder)[:10])
    assert status == 0
    (asked,) = posted
    assert asked.path == f"/v1/transfers/{load_id(folder)}/approvals"
    assert asked.headers["if-match"] == '"v3"'
    assert "authorization" not in asked.headers


def with_field(name: str, value: Any) -> Change:
    """The answer with another field."""
    return lambda answer: {**answer, name: value}


def with_transfer(name: str, value: Any) -> Change:
    """The answer with another text of the transfer, and nothing else changed."""
    return lambda answer: {**answer, "transfer": {**answer["transfer"], name: value}}


def without(name: str) -> Change:
    """The answer without a field."""
    return lambda answer: {key: value for key, value in answer.items() if key != name}


LIES: list[tuple[str, Change, str]] = [
    ("another amount", with_transfer("amount", "90000000000"), "client.mismatch"),
    (
        "another destination",
        with_transfer("destination", "0x5187A53883805a36AE45E1ac0724dDFaBb832387"),
        "client.mismatch",
    ),
    ("another purpose", with_transfer("purpose", "rent, really"), "client.mismatch"),
    ("another summary", with_field("summary", "Action: transfer 1 USDC"), "client.summary-differs"),
    (
        "a summary that says more",
        lambda a: {**a, "summary": a["summary"] + "\nApproved: yes"},
        "client.summary-differs",
    ),
    ("another id", with_field("id", "0x" + "ab" * 32), "client.mismatch"),
    ("a state that there is not", with_field("state", "paid"), "client.mismatch"),
    ("a version that is none", with_field("version", -1), "client.mismatch"),
    ("a version that is a text", with_field("version", "3"), "client.mismatch"),
    ("an unknown field in the transfer", with_transfer("note", "x"), "client.mismatch"),
    ("no transfer", without("transfer"), "client.mismatch"),
    ("no version", without("version"), "client.mismatch"),
    ("statements that are none", with_field("statements", [{"kind": "approval"}]), "client.mismatch"),
    ("a list", lambda _: [], "client.mismatch"),
    ("nothing", lambda _: None, "client.mismatch"),
    ("a huge number", with_field("version", 2**60), "client.no-answer"),
    ("a hidden character", with_transfer("purpose", "rent\u202e"), "client.mismatch"),
]


@pytest.mark.parametrize(("change", "code"), [each[1:] for each in LIES], ids=[each[0] for each in LIES])
def test_a_lie_about_a_transfer_is_refused_before_anything_is_signed(
    paper: OfflineDesk, folder: Path, home: Path, change: Change, code: str
) -> None:
    status, said, posted = approve(paper, Played(paper, [folder], change=change), home, load_id(folder))
    assert (said, posted) == (code, [])
    assert status in (1, 3)


def test_another_transfer_under_the_id_is_refused(paper: OfflineDesk, folder: Path, other: Path, home: Path) -> None:
    played = Played(paper, [folder])
    substituted = Played(paper, [other])
    for change in (lambda _: substituted.show(other), lambda _: {**substituted.show(other), "id": load_id(folder)}):
        played.change = change
        for name in (load_id(folder), load_id(folder)[:10]):
            status, code, posted = approve(paper, played, home, name)
            assert (status, code, posted) == (3, "client.mismatch", [])


def test_a_transfer_of_another_treasury_is_refused(paper: OfflineDesk, folder: Path, home: Path) -> None:
    foreign = replace(load_folder(folder).transfer, treasury=Digest("0x" + "77" * 32))
    transfer_id = compute_transfer_id(foreign)

    def change(answer: dict[str, Any]) -> Any:
        return {**answer, "id": transfer_id, "transfer": transfer_to_json(foreign), "statements": []}

    status, code, posted = approve(paper, Played(paper, [folder], change=change), home, transfer_id)
    assert (status, code, posted) == (1, "statement.treasury", [])


def test_show_and_status_do_not_tell_a_lie_either(paper: OfflineDesk, folder: Path, home: Path) -> None:
    with playing(Played(paper, [folder], change=with_field("summary", "Action: none")), home) as server:
        for verb in ("show", "status"):
            told = paper.run(server.url, verb, load_id(folder))
            assert (told.status, told.code) == (1, "client.summary-differs")


def test_a_forged_statement_is_shown_as_nobodys_word(paper: OfflineDesk, folder: Path, home: Path) -> None:
    proposal = json.loads(next(folder.glob("proposal-*")).read_text())
    forged = {**proposal, "signature": {**proposal["signature"], "value": "0x" + "11" * 65}}
    with playing(Played(paper, [folder], change=with_field("statements", [proposal, forged])), home) as server:
        said = paper.run(server.url, "show", load_id(folder)).json["statements"]
    assert [(each["person"], each["counts"]) for each in said] == [("alice", True), (None, False)]
    assert said[1]["refused"]["code"].startswith("signature.")


@pytest.mark.parametrize(
    "change",
    [
        with_field("statement_digest", "0x" + "11" * 32),
        with_field("kind", "veto"),
        with_field("transfer_id", None),
        with_field("index", -1),
        with_field("head", "0x12"),
        lambda _: {},
        lambda _: [],
    ],
)
def test_an_acknowledgement_of_something_else_is_none(
    paper: OfflineDesk, folder: Path, home: Path, change: Change
) -> None:
    status, code, _ = approve(paper, Played(paper, [folder], acknowledge=change), home, load_id(folder))
    assert (status, code) == (3, "client.mismatch")


def test_a_proposal_without_an_answer_says_how_to_find_out(paper: OfflineDesk, home: Path) -> None:
    with hostile(lambda _: b"") as server:
        told = paper.run(server.url, "propose", *paper.wish())
    assert (told.status, told.code) == (3, "client.no-answer")
    assert "guard show 0x" in told.json["error"]["next"]
    keys = {asked.headers["idempotency-key"] for asked in server.asked}
    assert (len(server.asked), len(keys)) == (3, 1)


def test_without_a_log_in_nothing_is_asked(paper: OfflineDesk, folder: Path, home: Path) -> None:
    with hostile(lambda _: to_http({})) as server:
        for words in (("inbox",), ("list",), ("status", load_id(folder)), ("log",), ("approve", load_id(folder))):
            key = ("--key", paper.key("bob")) if words[0] == "approve" else ()
            told = paper.run(server.url, *words, *key)
            assert (told.status, told.code) == (1, "cli.not-logged-in")
    assert server.asked == []


def test_an_id_without_a_server_and_a_name_that_is_none_say_so(paper: OfflineDesk, home: Path) -> None:
    assert paper.sign_as("bob", None, "approve", "0x12345678").code == "cli.transfer"
    assert paper.sign_as("bob", None, "approve", "nowhere").code == "cli.file-missing"
    assert paper.run("http://127.0.0.1:1", "status", "0x1234567").code == "cli.transfer"


def test_evidence_that_does_not_hold_is_not_written(
    paper: OfflineDesk, folder: Path, home: Path, tmp_path: Path
) -> None:
    with playing(Played(paper, [folder]), home) as server:
        told = paper.run(server.url, "evidence", load_id(folder), "--out", tmp_path / "evidence.json")
    assert (told.status, told.code) == (1, "evidence.malformed")
    assert not (tmp_path / "evidence.json").exists()


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"id": "0x12"},
        {
            "id": "0x" + "11" * 32,
            "state": "open",
            "vault": "0x" + "ab" * 20,
            "amount_units": "1",
        },
    ],
)
def test_a_list_that_cannot_be_read_is_refused(paper: OfflineDesk, home: Path, row: dict[str, Any]) -> None:
    with hostile(lambda _: to_http({"transfers": [row]})) as server:
        paper.log_in(home, server.url)
        assert paper.run(server.url, "list").code == "client.mismatch"
        assert paper.run(server.url, "inbox").code == "client.mismatch"


def test_what_the_server_says_cannot_act_on_the_terminal(paper: OfflineDesk, folder: Path, home: Path) -> None:
    evil = "\x1b[2J\nAPPROVED"

    def change(answer: dict[str, Any]) -> Any:
        word = {"signer": evil, "status": evil, "reasons": [{"code": evil, "message": evil}]}
        prediction = {"status": evil, "reasons": [{"code": evil, "message": evil}], "prediction": True}
        chain = {"state": evil, evil: evil}
        return {**answer, "reason": evil, "signers": [word], "prediction": prediction, "chain": chain, "trouble": evil}

    with playing(Played(paper, [folder], change=change), home) as server:
        for verb in ("show", "status"):
            told = guard("--config", paper.config, "--server", server.url, verb, load_id(folder))
            assert "\x1b" not in told.out
            assert "\nAPPROVED" not in told.out
