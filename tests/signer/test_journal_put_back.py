"""A journal that is not what its key's journal was: earlier, another's, missing, or used twice (TRUST §8). Held, each with its code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guard.core.ids import ChainName, SignerId
from guard.errors import AdapterError, GuardError
from guard.signer.counter import FileCounter
from guard.signer.home import SignerConfig, SignerHome, create_home, holding_lock, load_config, load_keys, open_journal
from guard.signer.journal import Journal
from guard.signer.keystore import LIGHT_SCRYPT
from guard.signer.signer import Keys, Signer
from tests.factories import CHAIN_ID, TREASURY, digest_of, private_key_of
from tests.signer.attacker import Attacker
from tests.signer.teams import A, B, C, found_team
from tests.team import Team, journal_key

PASSWORD = b"correct horse"


@pytest.fixture
def attacker(folder: Path) -> Attacker:
    """A worker in front of three signers."""
    return Attacker(found_team(folder, owners=3))


def put_aside(team: Team, name: str, *, with_counter: bool = False) -> Path:
    """A copy of a stopped signer's journal, as a backup would be."""
    team.stop_process(name)
    home, copy = team.folder / name, team.folder / f"{name}-copy"
    copy.mkdir()
    for file in ("journal.sqlite", "counter") if with_counter else ("journal.sqlite",):
        shutil.copy(home / file, copy / file)
    team.start(name)
    return copy


def put_back(team: Team, name: str, copy: Path) -> None:
    """Put a signer's copy in the journal's place and start the signer."""
    team.stop_process(name)
    home = team.folder / name
    for left in home.glob("journal.sqlite-*"):
        left.unlink()
    for file in copy.iterdir():
        shutil.copy(file, home / file.name)
    team.start(name)


def refusal_of(start: object) -> str:
    """The code with which something is refused."""
    assert callable(start)
    with pytest.raises((GuardError, AdapterError)) as refused:
        start()
    return str(refused.value.code)


def test_a_journal_restored_from_a_copy_is_behind_its_counter_and_held(attacker: Attacker) -> None:
    team = attacker.team
    copy = put_aside(team, A)
    assert attacker.ask(attacker.propose(), A) == [0]
    assert refusal_of(lambda: put_back(team, A, copy)) == "signer.journal-behind"


def test_a_journal_restored_from_a_copy_of_this_moment_is_not_held(attacker: Attacker) -> None:
    team = attacker.team
    assert attacker.ask(attacker.propose(), A) == [0]
    put_back(team, A, put_aside(team, A))
    assert attacker.ask(attacker.propose(), A) == ["chain.nonce-taken"]


def test_ablation_with_its_counter_put_back_too_it_signs_a_second_transfer_at_the_nonce(attacker: Attacker) -> None:
    """An undetected roll-back counts as a stolen signer (TRUST §10): the counter is on another volume for this."""
    team = attacker.team
    copy = put_aside(team, A, with_counter=True)
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(one, A, B)
    put_back(team, A, copy)
    assert attacker.ask(other, A) == [0]
    assert attacker.ask(other, C) == [0]
    assert len(attacker.loot.executable_at(0)) == 2


def test_a_journal_without_its_last_commits_is_behind(attacker: Attacker) -> None:
    """A copy of the main file alone, while the last commits are still in the log beside it."""
    team = attacker.team
    home = team.folder / A
    assert attacker.ask(attacker.propose(), A) == [0]
    copy = team.folder / "copy"
    copy.mkdir()
    shutil.copy(home / "journal.sqlite", copy / "journal.sqlite")
    assert refusal_of(lambda: put_back(team, A, copy)) == "signer.journal-behind"


def test_a_journal_ahead_of_its_counter_is_normal_after_a_crash(attacker: Attacker) -> None:
    team = attacker.team
    home = team.folder / A
    before = (home / "counter").read_bytes()
    one = attacker.propose()
    assert attacker.ask(one, A) == [0]
    team.stop_process(A)
    (home / "counter").write_bytes(before)
    team.start(A)
    assert attacker.ask(one, A) == [0]
    assert attacker.ask(attacker.propose(), A) == ["chain.nonce-taken"]
    assert (home / "counter").read_bytes() != before


def test_the_counter_of_another_journal_holds(attacker: Attacker) -> None:
    team = attacker.team
    team.stop_process(A)
    shutil.copy(team.folder / B / "counter", team.folder / A / "counter")
    assert refusal_of(lambda: team.start(A)) == "signer.counter"


@pytest.mark.parametrize(
    "content", [None, b"", b"guard-counter-v1\n", b"guard-counter-v1 x -1\n", b"other 1 1\n", b"\xff\xfe"]
)
def test_a_counter_that_is_missing_or_none_holds(attacker: Attacker, content: bytes | None) -> None:
    team = attacker.team
    team.stop_process(A)
    path = team.folder / A / "counter"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert refusal_of(lambda: team.start(A)) == "signer.counter"


def test_a_missing_journal_is_not_made_anew(attacker: Attacker) -> None:
    team = attacker.team
    team.stop_process(A)
    (team.folder / A / "journal.sqlite").unlink()
    assert refusal_of(lambda: team.start(A)) == "signer.journal-missing"
    assert not (team.folder / A / "journal.sqlite").exists()


def test_a_journal_that_is_none_is_held(attacker: Attacker) -> None:
    team = attacker.team
    team.stop_process(A)
    for left in (team.folder / A).glob("journal.sqlite*"):
        left.unlink()
    (team.folder / A / "journal.sqlite").write_bytes(b"not a database, but long enough to look like a file of one" * 50)
    assert refusal_of(lambda: team.start(A)) == "signer.journal-broken"


def test_a_journal_of_another_key_is_held(attacker: Attacker) -> None:
    team = attacker.team
    team.stop_process(A)
    home = team.folder / A

    def start(keys: Keys) -> Signer:
        journal = Journal.load(home / "journal.sqlite", FileCounter(home / "counter"))
        try:
            return Signer(journal=journal, keys=keys, verifier=team.verifier, clock=team.clock, endpoints={})
        finally:
            journal.close()

    own = team.keys_of(A)
    assert refusal_of(lambda: start(Keys(private_key_of(B).secret, own.journal))) == "signer.journal-foreign"
    assert refusal_of(lambda: start(Keys(own.vault, journal_key(B)))) == "signer.journal-foreign"
    assert refusal_of(lambda: start(Keys(own.vault, Ed25519PrivateKey.generate()))) == "signer.journal-foreign"


def test_a_journal_is_never_written_over(attacker: Attacker) -> None:
    team = attacker.team
    home = team.folder / A
    identity = team.signers[A].journal.identity
    before = (home / "journal.sqlite").read_bytes()
    code = refusal_of(
        lambda: Journal.create(
            home / "journal.sqlite",
            FileCounter(home / "other-counter"),
            signer=identity.signer,
            owner=identity.owner,
            journal_key=identity.journal_key,
            treasury=identity.treasury,
        )
    )
    assert code == "signer.journal-exists"
    assert (home / "journal.sqlite").read_bytes() == before


# The same with a signer's whole folder, as `guard signer new` makes it.


@pytest.fixture
def home(folder: Path) -> Iterator[SignerHome]:
    """A signer's folder with both keys, under a light password."""
    home = SignerHome(folder / "signer")
    create_home(home, make_config(folder), PASSWORD, scrypt=LIGHT_SCRYPT)
    yield home


def make_config(folder: Path, name: str = "signer-a") -> SignerConfig:
    """Where that signer's things are."""
    return SignerConfig(
        id=SignerId(name),
        treasury=TREASURY,
        command=f"unix:{folder}/command",
        stop="127.0.0.1:0",
        counter=folder / "other-volume" / "counter",
        endpoints={ChainName("local"): ("http://127.0.0.1:1",)},
    )


def test_both_keys_and_the_journal_belong_together(home: SignerHome) -> None:
    journal = open_journal(home, load_config(home))
    keys = load_keys(home, PASSWORD)
    assert journal.identity.signer == "signer-a"
    journal.close()
    assert repr(keys) == "Keys(...)"
    assert oct(home.path.stat().st_mode & 0o777) == "0o700"
    assert {oct(path.stat().st_mode & 0o777) for path in (home.vault_key, home.journal_key)} == {"0o600"}


def test_a_key_gets_no_second_journal(home: SignerHome, folder: Path) -> None:
    home.journal.unlink()
    assert refusal_of(lambda: open_journal(home, load_config(home))) == "signer.journal-missing"
    assert refusal_of(lambda: create_home(home, make_config(folder), PASSWORD)) == "signer.journal-exists"


@pytest.mark.parametrize(("name", "value"), [("id", '"signer-b"'), ("treasury", f'"{digest_of("another treasury")}"')])
def test_a_journal_of_another_signer_or_treasury_is_held(home: SignerHome, name: str, value: str) -> None:
    lines = home.config.read_text().splitlines()
    home.config.write_text("\n".join(f"{name} = {value}" if line.startswith(f"{name} =") else line for line in lines))
    assert refusal_of(lambda: open_journal(home, load_config(home))) == "signer.journal-foreign"


HOLD = """
import sys
from pathlib import Path
from guard.signer.home import SignerHome, holding_lock
with holding_lock(SignerHome(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_never_use_one_key(home: SignerHome) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert refusal_of(lambda: holding_lock(home).__enter__()) == "signer.running"
        os.kill(other.pid, 9)
        other.wait()
    # The lock ends with the process, however it ended.
    with holding_lock(home):
        assert refusal_of(lambda: holding_lock(home).__enter__()) == "signer.running"


def test_a_copy_of_the_folder_beside_it_is_refused_for_good_once_both_have_written(attacker: Attacker) -> None:
    """The lock is on the key's file, which a copy has anew. Both share the counter on the other volume."""
    team = attacker.team
    home, copy = team.folder / A, team.folder / "copy"
    team.signers[A].tick()
    team.stop_process(A)
    shutil.copytree(home, copy)
    first = team.start(A)
    journal = Journal.load(copy / "journal.sqlite", FileCounter(home / "counter"))
    nodes = {CHAIN_ID: (team.node,)}
    second = Signer(journal=journal, keys=team.keys_of(A), verifier=team.verifier, clock=team.clock, endpoints=nodes)
    one, other = attacker.propose(), attacker.propose()
    assert attacker.ask(one, A) == [0]
    team.signers[A] = second
    assert attacker.ask(other, A, A, A) == ["signer.running"] * 3
    assert attacker.cancel(0, A) == ["signer.running"]
    team.signers[A] = first
    assert attacker.ask(one, A) == [0]
    second.journal.close()


def test_a_counter_whose_volume_was_away_for_a_while_is_written_again(attacker: Attacker) -> None:
    team = attacker.team
    home = team.folder / A
    one = attacker.propose()
    (home / "counter").rename(home / "away")
    with pytest.raises(AdapterError):
        attacker.ask(one, A)
    (home / "away").rename(home / "counter")
    assert attacker.loot.given == {}
    assert attacker.ask(one, A) == [0]
