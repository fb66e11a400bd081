"""The commands of a team against the real API and real signers."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.cli.desk import Desk, load_desk
from guard.cli.flags import Flags
from guard.cli.folder import load_folder
from guard.cli.heads import load_heads
from guard.cli.reach import load_reach
from guard.cli.standing import show_status
from guard.cli.stating import make_approval
from guard.cli.subject import load_subject
from guard.cli.submitting import submit
from guard.cli.voice import Voice
from guard.clients.signer_client import ask
from guard.errors import GuardError
from guard.signer.keystore import load_keystore
from guard.statements.signing import sign
from tests.cli.road import PASSWORD, SIGNERS, Treasury, guard
from tests.cli.serving import Serving
from tests.cli.test_stops import lift, wait_final
from tests.clients.hostile import Asked, hostile


def desk_of(server: Serving) -> Desk:
    """What bob's commands stand on."""
    flags = Flags(config=server.treasury.config, texts={"server": server.url})
    return load_desk(load_reach(flags, {"GUARD_HOME": str(server.home)}))


def test_a_transfer_goes_from_proposal_to_the_list_by_its_id(server: Serving, tmp_path: Path) -> None:
    transfer = server.propose("50000 USDC")
    assert transfer in [each["id"] for each in server.run("inbox").json["transfers"]]
    approved = server.sign_as("bob", "approve", transfer[:10])
    assert approved.status == 0, approved
    assert approved.json["transfer"] == transfer
    assert transfer not in [each["id"] for each in server.run("inbox").json["transfers"]]
    listed = server.run("list", "--state", "open", "--vault", "operations", "--initiator", "alice").json["transfers"]
    assert transfer in [each["id"] for each in listed]
    shown = server.run("show", transfer[2:12]).json
    assert [(each["kind"], each["person"], each["counts"]) for each in shown["statements"]] == [
        ("proposal", "alice", True),
        ("approval", "bob", True),
    ]
    assert shown["prediction"]["prediction"] is True
    assert server.run("status", transfer).status == 4


def test_what_was_approved_at_a_version_that_has_changed_is_shown_again(server: Serving) -> None:
    """Somebody says no while somebody else reads: the approval is refused, since its version was another one."""
    transfer = server.propose("5001 USDC")
    desk = desk_of(server)
    subject = load_subject(desk, transfer)
    assert subject.reported is not None
    assert server.sign_as("carol", "reject", transfer, "--reason", "who is that").status == 0
    approval = make_approval(desk, subject.transfer, subject.transfer.proposed_at + 1, None)
    signed = sign(load_keystore(server.treasury.key("bob"), PASSWORD.encode()), approval, desk.treasury)
    with pytest.raises(GuardError) as caught:
        submit(Voice(as_json=True), desk, signed, version=subject.reported.version)
    assert caught.value.code == "transfer.stale"


def test_a_proposal_is_kept_in_a_folder_where_that_is_asked(server: Serving, tmp_path: Path) -> None:
    transfer = server.propose("7 USDC", "--out", tmp_path / "transfer")
    assert load_folder(tmp_path / "transfer").transfer_id == transfer
    assert server.run("status", transfer).json["state"] == "open"


def test_a_veto_by_id_reaches_every_signer_and_the_server(server: Serving) -> None:
    transfer = server.propose("8 USDC")
    told = server.sign_as("dave", "veto", transfer[:14], "--reason", "not ours")
    assert told.status == 0, told
    assert (told.json["accepted"], len(told.json["receipts"]), told.json["server"]["stored"]) == (True, 4, True)
    status = server.run("status", transfer)
    assert (status.status, status.json["state"]) == (1, "vetoed")
    again = server.sign_as("dave", "veto", transfer, "--reason", "not ours")
    assert (again.status, again.json["server"]["stored"]) == (0, True)


def test_only_the_initiator_withdraws(server: Serving) -> None:
    transfer = server.propose("9 USDC")
    refused = server.sign_as("bob", "withdraw", transfer)
    assert (refused.status, refused.code) == (1, "cli.not-initiator")
    told = server.sign_as("alice", "withdraw", transfer)
    assert (told.status, told.json["accepted"], told.json["kind"]) == (0, True, "rejection")
    assert server.run("status", transfer).json["state"] == "rejected"


def test_a_freeze_and_its_lifting_reach_signers_and_server(server: Serving, tmp_path: Path) -> None:
    frozen = server.sign_as("grace", "freeze", "--scope", "destination:supplier", "--out", tmp_path)
    assert frozen.status == 0, frozen
    assert frozen.json["server"]["stored"] is True
    for person in ("bob", "carol"):
        told = server.sign_as(person, "unfreeze", frozen.json["id"], "--out", tmp_path)
        assert (told.status, told.json["server"]["stored"]) == (0, True), told
    lift(server.treasury, frozen.json["id"])


def test_the_log_is_verified_and_its_head_remembered(server: Serving) -> None:
    server.propose("10 USDC")
    told = server.run("log", "--verify")
    assert told.status == 0, told
    desk = desk_of(server)
    assert load_heads(server.home, desk.treasury).verified == told.json["size"]
    transfer = server.propose("11 USDC")
    assert load_heads(server.home, desk.treasury).size > told.json["size"]
    events = [each["entry"]["event"] for each in server.run("log", "--limit", "1").json["entries"]]
    assert events == ["transfer.proposed"]
    assert server.run("log", "--verify").status == 0
    assert server.run("show", transfer).status == 0


def test_a_session_is_shown_and_somebody_else_is_refused(server: Serving) -> None:
    assert server.run("session").json["person"] == "bob"
    assert server.run("show", "0x" + "11" * 32).code == "transfer.unknown"
    assert server.run("evidence", server.propose("12 USDC"), "--out", "evidence.json").status == 1


def test_a_transfer_of_the_server_is_released_at_the_desk(
    server: Serving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server knows statements, the signers decide: a transfer can be carried by hand from what it shows."""
    wait_final(server.treasury)
    monkeypatch.chdir(tmp_path)
    transfer = server.propose("13 USDC")
    assert server.sign_as("bob", "approve", transfer).status == 0
    told = server.run("release", transfer, "--wait", "--password-file", server.treasury.password_file)
    assert told.status == 0, told
    assert told.json["transfer"] == transfer
    assert (tmp_path / "transfers" / transfer[2:14] / "evidence.json").is_file()


class Enough(Exception):
    """The watch went on for too long."""


def test_watching_tells_each_change_and_ends_with_the_final_state(
    server: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    transfer = server.propose("14 USDC")
    rounds: list[float] = []

    def pause(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 3:
            server.sign_as("dave", "veto", transfer)
        if len(rounds) > 6:
            raise Enough

    status = show_status(Voice(as_json=False), desk_of(server), transfer, every=0.25, pause=pause)
    said = capsys.readouterr().out
    assert (status, rounds) == (1, [0.25] * 3)
    assert said.count("state, as the server says: ") == 2
    assert said.count("the signers decide") == 1
    assert "\x1b" not in said


def test_a_second_factor_is_asked_for_at_the_next_log_in(
    server: Serving, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUARD_HOME", str(home))
    signing = ("--key", server.treasury.key("bob"), "--password-file", server.treasury.password_file)
    assert server.run("login", *signing).code == "cli.no-terminal"
    assert server.run("login", *signing, "--code", "000000").code in ("login.refused", "login.code")
    assert server.run("inbox").code == "cli.not-logged-in"


@pytest.fixture
def closed() -> Iterator[str]:
    """The address of a server that is down."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def sign_at(treasury: Treasury, url: str, person: str, verb: str, *words: str | Path) -> tuple[int, dict[str, object]]:
    signing = ("--key", treasury.key(person), "--password-file", treasury.password_file, "--yes", "--json")
    told = guard("--config", treasury.config, "--server", url, verb, *words, *signing)
    return told.status, told.json


def test_with_the_server_down_stops_still_reach_every_signer(
    treasury: Treasury, closed: str, home: Path, tmp_path: Path
) -> None:
    wait_final(treasury)
    folder = treasury.propose("120001 USDC")
    treasury.sign_as("bob", "approve", folder)
    treasury.sign_as("carol", "approve", folder)
    transfer = treasury.release(folder).json["transfer"]
    # By its id alone: the signers list it as pending, and the server is not needed to know what it is.
    status, told = sign_at(treasury, closed, "dave", "veto", transfer[:18])
    assert (status, told["accepted"], told["transfer"]) == (0, True, transfer)
    assert told["server"]["stored"] is False  # type: ignore[index]
    status, frozen = sign_at(treasury, closed, "heidi", "freeze", "--scope", "everything", "--out", tmp_path)
    assert (status, frozen["accepted"], len(frozen["receipts"])) == (0, True, 4)  # type: ignore[arg-type]
    lift(treasury, str(frozen["id"]))


def test_a_server_that_hangs_delays_no_stop(treasury: Treasury, home: Path, tmp_path: Path) -> None:
    """Every signer has the freeze before the server hears of it at all; that it hangs then only delays the command's end."""
    wait_final(treasury)
    held_by: list[int] = []
    over = threading.Event()

    def answer(_: Asked) -> bytes:
        looks = [ask(f"unix:{treasury.path / name}.sock", "status", {}) for name in SIGNERS]
        held_by.append(len([look for look in looks if look["freezes"]]))
        over.wait(20)
        return b""

    with hostile(answer) as server:
        status, frozen = sign_at(treasury, server.url, "ivan", "freeze", "--scope", "person:frank", "--out", tmp_path)
        over.set()
    assert (status, frozen["accepted"], held_by) == (0, True, [4])
    assert frozen["server"]["error"]["code"] == "client.no-answer"  # type: ignore[index]
    lift(treasury, str(frozen["id"]))


def test_a_full_disk_takes_no_stop_back(treasury: Treasury, home: Path, tmp_path: Path) -> None:
    wait_final(treasury)
    (tmp_path / "statements").write_text("a file where the folder would be")
    told = treasury.sign_as("judy", "freeze", "--scope", "person:frank", "--out", tmp_path / "statements")
    assert (told.status, told.json["accepted"], told.json["file"]) == (0, True, None)
    lift(treasury, told.json["id"])


def test_an_unknown_transfer_with_the_server_down_is_trouble(treasury: Treasury, closed: str, home: Path) -> None:
    status, told = sign_at(treasury, closed, "dave", "veto", "0x" + "12" * 32)
    assert status == 1
    assert told["error"]["code"] == "cli.not-logged-in"  # type: ignore[index]
