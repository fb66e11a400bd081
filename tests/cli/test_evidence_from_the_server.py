"""Evidence is verified before it is written: what the server sends instead of it leaves no file."""

from pathlib import Path

import pytest

from guard.core.ids import Digest
from tests.cli.offline import OfflineDesk, Played, load_id, playing
from tests.cli.road import Told, Treasury, guard


@pytest.fixture(scope="module")
def released(treasury: Treasury) -> tuple[Path, Path]:
    """Two transfers that were released, with their evidence."""
    folders = []
    for amount in ("31 USDC", "32 USDC"):
        folder = treasury.propose(amount)
        assert treasury.sign_as("bob", "approve", folder).status == 0
        assert treasury.release(folder, "--wait").status == 0
        folders.append(folder)
    return folders[0], folders[1]


def fetch(treasury: Treasury, folder: Path, raw: bytes, home: Path, out: Path) -> Told:
    """Fetch the evidence of a folder's transfer from a server that sends these bytes."""
    written = (treasury.path / "policies" / "treasury.toml").read_text()
    desk = OfflineDesk(treasury.path, treasury.digest, Digest(written.partition('treasury = "')[2][:66]))
    played = Played(desk, [folder], state="finalised", evidence=raw)
    with playing(played, home) as server:
        return desk.run(server.url, "evidence", load_id(folder)[:12], "--out", out)


def test_evidence_that_holds_is_written_as_it_came(
    treasury: Treasury, released: tuple[Path, Path], home: Path, tmp_path: Path
) -> None:
    raw, out = (released[0] / "evidence.json").read_bytes(), tmp_path / "evidence.json"
    told = fetch(treasury, released[0], raw, home, out)
    assert (told.status, told.json["valid"]) == (0, True), told
    assert out.read_bytes() == raw
    assert guard("verify", out, "--pin", treasury.digest).status == 0


def test_changed_or_foreign_evidence_is_not_written(
    treasury: Treasury, released: tuple[Path, Path], home: Path, tmp_path: Path
) -> None:
    raw, out = (released[0] / "evidence.json").read_bytes(), tmp_path / "evidence.json"
    changed = fetch(treasury, released[0], raw.replace(b"invoice", b"invoicd", 1), home, out)
    assert (changed.status, changed.code.partition(".")[0]) == (1, "evidence"), changed
    foreign = fetch(treasury, released[1], raw, home, out)
    assert (foreign.status, foreign.code) == (3, "client.mismatch")
    assert not out.exists()
