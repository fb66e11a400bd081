"""Questions on a real terminal: passwords are typed twice and never shown, and nothing is signed without a typed yes."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.road import PASSWORD, Treasury, guard

READY_WITHIN = 40


def talk(arguments: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run one command on a terminal of its own; answer each question once it is asked."""
    here, there = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GUARD_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "guard", *arguments],
        stdin=there,
        stdout=there,
        stderr=there,
        env=environment,
        start_new_session=True,
    )
    os.close(there)
    shown, ends_at = "", time.monotonic() + READY_WITHIN
    for question, answer in answers:
        while question not in shown:
            assert time.monotonic() < ends_at, shown
            shown += _read(here)
        shown = shown.partition(question)[2]
        os.write(here, answer.encode() + b"\n")
    while (more := _read(here)) != "":
        shown += more
    os.close(here)
    return process.wait(timeout=READY_WITHIN), shown


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 4096).decode()
    except OSError:
        # Linux says so when the other side of a terminal is closed.
        return ""


def test_a_new_key_asks_for_its_password_twice_and_does_not_show_it(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    asked = [("password of key.json: ", PASSWORD), ("the same again: ", PASSWORD)]
    status, shown = talk(["key", "new", str(file), "--light-kdf"], asked)
    assert status == 0, shown
    assert file.is_file()
    assert PASSWORD not in shown


def test_two_different_passwords_make_no_key(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    asked = [("password of key.json: ", PASSWORD), ("the same again: ", "something else")]
    status, shown = talk(["key", "new", str(file), "--light-kdf"], asked)
    assert status == 1
    assert "cli.password-mismatch" in shown
    assert not file.exists()


def test_an_approval_is_signed_after_a_typed_yes_and_not_after_anything_else(treasury: Treasury) -> None:
    folder = treasury.propose("4323 USDC")
    command = ["--config", str(treasury.config), "approve", str(folder), "--key", str(treasury.key("bob"))]
    no = talk(command, [("password of bob.json: ", PASSWORD), ("Type yes to sign: ", "y")])
    assert no[0] == 1
    assert "cli.aborted" in no[1]
    assert list(folder.glob("approval-*")) == []
    yes = talk(command, [("password of bob.json: ", PASSWORD), ("Type yes to sign: ", "yes")])
    assert yes[0] == 0, yes
    assert len(list(folder.glob("approval-bob-*"))) == 1


def test_without_a_terminal_nothing_is_asked_and_nothing_signed(treasury: Treasury) -> None:
    folder = treasury.propose("4324 USDC")
    silent = guard("--config", treasury.config, "approve", folder, "--key", treasury.key("bob"), "--json")
    assert (silent.status, silent.code) == (1, "cli.no-terminal")
    asked = guard(
        "--config",
        treasury.config,
        "approve",
        folder,
        "--key",
        treasury.key("bob"),
        "--password-file",
        treasury.password_file,
        "--json",
    )
    assert (asked.status, asked.code) == (1, "cli.no-terminal")
    assert list(folder.glob("approval-*")) == []
