"""`guard dev`: ready soon, usable with the very lines that it prints, and gone without a trace."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from guard.demo.next_commands import render_next_commands
from tests.demo.terminal import Watched, list_processes, make_path, run_lines, watching


@dataclass(frozen=True, slots=True)
class Playground:
    """A running `guard dev` and where it was typed."""

    dev: Watched
    path: Path
    cwd: Path
    seconds: float

    @property
    def folder(self) -> Path:
        return self.cwd / "play"


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    cwd = tmp_path_factory.mktemp("dev")
    path = make_path(cwd / "bin")
    begun = time.monotonic()
    with watching(["guard", "dev", "play", "--port", "0"], path=path, cwd=cwd) as dev:
        dev.wait_for("ready after")
        seconds = time.monotonic() - begun
        dev.wait_for("Ctrl-C ends everything.")
        yield Playground(dev, path, cwd, seconds)


def test_it_is_ready_and_says_what_to_type_next(
    playground: Playground, record_property: Callable[[str, object], None]
) -> None:
    record_property("seconds until ready", round(playground.seconds, 1))
    assert render_next_commands("play").splitlines() == [
        line for line in playground.dev.lines if line in render_next_commands("play").splitlines()
    ]
    assert any("FOR PLAY ONLY" in line for line in playground.dev.lines)


def test_the_lines_that_it_prints_pay_an_invoice(playground: Playground) -> None:
    said = run_lines(render_next_commands("play"), path=playground.path, cwd=playground.cwd)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "invoice 1001" in said.stdout
    assert "finalised" in said.stdout
    assert "are whole" in said.stdout


def test_another_folder_that_holds_something_is_refused(playground: Playground) -> None:
    said = run_lines("guard dev play", path=playground.path, cwd=playground.cwd)
    assert said.returncode == 1
    assert "policy.directory-in-use" in said.stderr


def test_people_are_logged_in_with_a_second_factor(playground: Playground) -> None:
    for person in ("alice", "frank"):
        lines = f"GUARD_HOME=play/{person} guard session"
        said = run_lines(lines, path=playground.path, cwd=playground.cwd)
        assert said.stdout.startswith(person), said.stdout + said.stderr


def test_ctrl_c_ends_everything(playground: Playground) -> None:
    """The last one here: afterwards nothing runs any more."""
    folder = str(playground.folder)
    assert sum(folder in words for words in list_processes(playground.folder)) >= len(
        ("api", "worker", "a", "b", "c", "d")
    )
    os.kill(playground.dev.process.pid, signal.SIGINT)
    assert playground.dev.wait() == 0
    assert list_processes(playground.folder) == []
