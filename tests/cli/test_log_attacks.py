"""The server's log, rolled back, rewritten, cut or forged: noticed with its code by whoever saw a head of it before (P9)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.cli.desk import load_desk
from guard.cli.flags import Flags
from guard.cli.heads import Heads, load_heads, remember_head
from guard.cli.log_reading import LogWish, show_log
from guard.cli.reach import load_reach
from guard.cli.voice import Voice
from guard.errors import GuardError
from guard.log.chain import compute_head
from tests.cli.offline import Change, OfflineDesk, Played, load_id, playing
from tests.cli.road import Told
from tests.clients.hostile import hostile, to_http


def write(paper: OfflineDesk, count: int) -> Played:
    """A server with a log of so many entries."""
    played = Played(paper)
    for number in range(count):
        played.append("transfer.proposed", {"number": number})
    return played


def read_log(paper: OfflineDesk, played: Played, home: Path, *more: str) -> Told:
    with playing(played, home) as server:
        return paper.run(server.url, "log", *more)


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201])
def test_a_whole_log_is_verified_from_the_treasurys_start(paper: OfflineDesk, home: Path, count: int) -> None:
    played = write(paper, count)
    told = read_log(paper, played, home, "--verify")
    assert told.status == 0, told
    assert told.json["verified"] == count
    assert load_heads(home, paper.treasury).size == count


def test_the_last_entries_or_those_from_an_index_are_told(paper: OfflineDesk, home: Path) -> None:
    played = write(paper, 120)
    last = read_log(paper, played, home).json["entries"]
    assert [each["entry"]["index"] for each in last] == list(range(70, 120))
    some = read_log(paper, played, home, "--start", "7", "--limit", "3").json["entries"]
    assert [each["entry"]["index"] for each in some] == [7, 8, 9]


def test_a_log_that_was_rolled_back_is_noticed_with_and_without_verifying(paper: OfflineDesk, home: Path) -> None:
    read_log(paper, write(paper, 30), home, "--verify")
    for more in ((), ("--verify",)):
        told = read_log(paper, write(paper, 29), home, *more)
        assert (told.status, told.code) == (1, "log.rolled-back")


def test_a_log_that_was_rewritten_and_grew_is_noticed(paper: OfflineDesk, home: Path) -> None:
    read_log(paper, write(paper, 30), home, "--verify")
    rewritten = Played(paper)
    for number in range(40):
        rewritten.append("transfer.proposed", {"number": -number})
    told = read_log(paper, rewritten, home, "--verify")
    assert (told.status, told.code) == (1, "log.rolled-back")


def test_an_acknowledgement_is_remembered_and_its_loss_noticed(paper: OfflineDesk, home: Path) -> None:
    folder = paper.propose()
    played = write(paper, 10)
    played.folders.append(folder)
    with playing(played, home) as server:
        assert paper.sign_as("bob", server.url, "approve", load_id(folder)).status == 0
    assert load_heads(home, paper.treasury).size == 11
    told = read_log(paper, write(paper, 10), home)
    assert (told.status, told.code) == (1, "log.rolled-back")
    replaced = write(paper, 11)
    assert read_log(paper, replaced, home, "--verify").code == "log.rolled-back"


def test_a_second_acknowledgement_at_the_same_place_is_refused(paper: OfflineDesk, home: Path) -> None:
    folder = paper.propose()
    told = []
    for valid_for in ("5h", "6h"):
        played = write(paper, 5)
        played.folders.append(folder)
        with playing(played, home) as server:
            told.append(paper.sign_as("bob", server.url, "approve", load_id(folder), "--valid-for", valid_for))
    assert [each.status for each in told] == [0, 1]
    assert told[1].code == "log.rolled-back"


def with_entry(place: int, change: Change) -> Change:
    """A page in which one entry is changed."""

    def change_page(page: dict[str, Any]) -> Any:
        entries = list(page["entries"])
        if place < len(entries):
            entries[place] = change(entries[place])
        return {"entries": entries}

    return change_page


PAGES: list[tuple[str, Change, str]] = [
    ("a changed body", with_entry(3, lambda e: {**e, "entry": {**e["entry"], "body": {"number": 99}}}), "log.broken"),
    ("a changed actor", with_entry(3, lambda e: {**e, "entry": {**e["entry"], "actor": "mallory"}}), "log.broken"),
    ("a changed head", with_entry(3, lambda e: {**e, "head": "0x" + "11" * 32}), "log.broken"),
    ("another index", with_entry(3, lambda e: {**e, "entry": {**e["entry"], "index": 4}}), "log.broken"),
    ("a missing entry", lambda page: {"entries": page["entries"][1:]}, "log.broken"),
    ("no entries", lambda page: {"entries": []}, "log.broken"),
    ("more entries than asked", lambda page: {"entries": page["entries"] * 2}, "client.mismatch"),
    ("an unknown field", with_entry(0, lambda e: {**e, "entry": {**e["entry"], "note": 1}}), "client.mismatch"),
    ("an unknown format", with_entry(0, lambda e: {**e, "entry": {**e["entry"], "format": 2}}), "client.mismatch"),
    ("a text for a number", with_entry(0, lambda e: {**e, "entry": {**e["entry"], "at": "now"}}), "client.mismatch"),
    ("no list", lambda page: {"entries": 5}, "client.mismatch"),
    ("a huge number", with_entry(0, lambda e: {**e, "entry": {**e["entry"], "at": 2**70}}), "client.no-answer"),
]


@pytest.mark.parametrize(("change", "code"), [each[1:] for each in PAGES], ids=[each[0] for each in PAGES])
def test_a_forged_page_is_refused(paper: OfflineDesk, home: Path, change: Change, code: str) -> None:
    played = write(paper, 10)
    played.change = change
    told = read_log(paper, played, home, "--verify")
    assert told.code == code
    assert not (home / "heads").exists()


def test_a_head_that_is_not_the_logs_own_is_refused(paper: OfflineDesk, home: Path) -> None:
    played = write(paper, 3)
    entry, head = played.log[2]
    played.log[2] = (entry, compute_head(replace(entry, actor="mallory")))
    assert read_log(paper, played, home, "--verify").code == "log.broken"
    honest = write(paper, 3)

    def answer(asked: Any) -> bytes:
        if asked.path == "/v1/log/head":
            return to_http({"size": 3, "head": "0x" + "22" * 32})
        return honest.answer(asked)

    with hostile(answer) as server:
        paper.log_in(home, server.url)
        assert paper.run(server.url, "log", "--verify").code == "client.mismatch"
    assert head != played.log[2][1]


def test_heads_of_one_index_are_one(home: Path, paper: OfflineDesk) -> None:
    remember_head(home, paper.treasury, 4, paper.treasury)
    remember_head(home, paper.treasury, 4, paper.treasury)
    with pytest.raises(GuardError) as caught:
        remember_head(home, paper.treasury, 4, type(paper.treasury)("0x" + "11" * 32))
    assert caught.value.code == "log.rolled-back"


@pytest.mark.parametrize(("size", "is_refused"), [(4, True), (5, False), (6, False)])
def test_a_log_is_as_long_as_what_was_seen_of_it(size: int, is_refused: bool, paper: OfflineDesk) -> None:
    heads = Heads(by_index={4: paper.treasury})
    if not is_refused:
        heads.require_size(size)
        return
    with pytest.raises(GuardError):
        heads.require_size(size)


class Enough(Exception):
    """The test has seen what it wanted."""


def test_following_tells_what_comes_and_notices_a_break(
    paper: OfflineDesk, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = write(paper, 2)
    rounds = iter(range(10))

    def pause(_: float) -> None:
        number = next(rounds)
        if number == 3:
            entry, head = played.log[-1]
            played.append("veto.stored", {})
            played.log[-1] = (replace(played.log[-1][0], previous=entry.previous), head)
        else:
            played.append("freeze.stored", {"round": number})

    with playing(played, home) as server:
        flags = Flags(config=paper.config, texts={"server": server.url})
        desk = load_desk(load_reach(flags, {"GUARD_HOME": str(home)}))
        with pytest.raises(GuardError) as caught:
            show_log(Voice(as_json=False), desk, LogWish(every=1), pause=pause)
    assert caught.value.code == "log.broken"
    assert capsys.readouterr().out.count("freeze.stored") == 3
