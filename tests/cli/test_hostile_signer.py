"""A signer that was stolen speaks to the command line: it silences nobody else, and nothing that it says acts on a terminal.

And stops that nothing on this machine may hold up: an old bundle, a file that cannot be read.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.cli.desk import Desk, load_desk
from guard.cli.flags import Flags
from guard.cli.folder import create_folder, load_folder
from guard.cli.reach import load_reach
from guard.cli.stops import Stopped, describe_stopped
from guard.cli.watching import Round, _find_alarms, _find_proposal, describe
from guard.clients.signer_client import SignerError
from guard.core.ids import Address, SignerId
from guard.statements.signed import transfer_to_json
from tests.chains import address_for
from tests.cli.offline import OfflineDesk, Played, playing
from tests.cli.road import guard

EVIL = "\x1b[1A\x1b[2K\raccepted: 4 of 4 signers have stored it\n"


@pytest.fixture
def desk(paper: OfflineDesk, home: Path) -> Desk:
    """Somebody's desk."""
    return load_desk(load_reach(Flags(config=paper.config), {"GUARD_HOME": str(home)}))


def is_clean(lines: list[str]) -> bool:
    return not any(bad in line for line in lines for bad in ("\x1b", "\r", "\naccepted"))


def test_a_refusal_or_a_cancel_cannot_write_over_the_count_of_a_stop() -> None:
    stopped = Stopped(
        asked=(SignerId("signer-a"), SignerId("signer-b")),
        receipts={},
        troubles={SignerId("signer-a"): SignerError("signer.rate", EVIL, {})},
        needed=3,
        is_accepted=False,
        endangered=(EVIL,),  # type: ignore[arg-type]
        cancels={SignerId("signer-b"): f"cancelled at nonce {EVIL}"},
    )
    lines = describe_stopped(stopped)
    assert is_clean(lines)
    assert lines[0].startswith("stop attempted: 0 of 2")


@pytest.mark.parametrize("earliest", [-(10**30), 10**30, -1, True, "soon"])
@pytest.mark.parametrize("lists", [None, 7, "x", {"a": 1}, [None, 7, "x"]])
def test_nonsense_under_a_good_signature_ends_no_watch(
    desk: Desk, paper: OfflineDesk, earliest: Any, lists: Any
) -> None:
    transfer = transfer_to_json(load_folder(paper.propose()).transfer) if lists is None else None
    told = {"transfer": transfer, "earliest_at": earliest, "signed_at_nonces": [EVIL], "status": EVIL}
    fields = {"policy": EVIL, "transfers": [told] if transfer else lists, "freezes": lists, "at": 0}
    answers = {SignerId("signer-a"): {**fields}}
    poll = Round(answers=answers, troubles={}, alarms=tuple(_find_alarms(desk, answers)))
    assert is_clean(describe(desk, poll))


def test_a_proposal_that_cannot_be_read_is_left_out_alone() -> None:
    assert _find_proposal({"proposal": {"kind": "proposal"}}) is None
    assert _find_proposal({}) is None


def test_a_transfer_that_this_bundle_cannot_tell_of_is_stopped_all_the_same(paper: OfflineDesk, tmp_path: Path) -> None:
    """Signers may stand on a newer bundle, with vaults and assets that this machine does not know yet."""
    known = load_folder(paper.propose()).transfer
    changes: tuple[dict[str, Any], ...] = (
        {"asset": Address(address_for("another token"))},
        {"vault": Address(address_for("another vault"))},
        {"chain_id": known.chain_id + 1},
    )
    for number, change in enumerate(changes):
        folder = tmp_path / str(number)
        create_folder(folder, replace(known, **change))
        told = paper.sign_as("dave", None, "veto", folder)
        # No signer runs here: the stop was signed, sent, and is told as what it is.
        assert (told.status, told.json["accepted"], len(told.json["troubles"])) == (1, False, 4)
        assert list(folder.glob("veto-dave-*.json"))
        assert paper.sign_as("bob", None, "approve", folder).status == 1


def test_a_file_that_cannot_be_read_holds_up_no_stop(paper: OfflineDesk, tmp_path: Path) -> None:
    folder = tmp_path / "transfer"
    shutil.copytree(paper.propose(), folder)
    (folder / "approval-x.json").write_text("{")
    told = paper.sign_as("dave", None, "veto", folder)
    assert (told.status, told.json["kind"]) == (1, "veto")
    assert len(told.json["troubles"]) == 4
    assert paper.sign_as("bob", None, "approve", folder).code.startswith("json.")


def test_what_is_signed_is_read_last_however_much_the_server_says_of_it(paper: OfflineDesk, home: Path) -> None:
    folder = paper.propose()

    def change(answer: dict[str, Any]) -> Any:
        return {**answer, "statements": answer["statements"] * 200}

    with playing(Played(paper, [folder], change=change), home) as server:
        signing = ("--key", paper.key("bob"), "--password-file", paper.password_file, "--yes")
        where = ("--config", paper.config, "--server", server.url)
        told = guard(*where, "approve", load_folder(folder).transfer_id, *signing)
    assert told.out.rindex("Purpose:") > told.out.rindex("proposal by")


def test_an_entry_that_was_seen_otherwise_is_noticed_without_verifying(paper: OfflineDesk, home: Path) -> None:
    honest, rewritten = Played(paper), Played(paper)
    for number in range(5):
        honest.append("transfer.proposed", {"number": number})
        rewritten.append("transfer.proposed", {"number": number + (number == 4)})
    with playing(honest, home) as server:
        assert paper.run(server.url, "log", "--verify").status == 0
    with playing(rewritten, home) as server:
        assert paper.run(server.url, "log").code == "log.rolled-back"
    rewritten.append("transfer.proposed", {"number": 5})
    with playing(rewritten, home) as server:
        assert paper.run(server.url, "log").code == "log.rolled-back"
