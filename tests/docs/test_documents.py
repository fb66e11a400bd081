"""The documents say what is true: commands and flags exist, links lead somewhere, the decision's steps are the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from guard.app.main import build_whole_app
from guard.cli.flags import split_flags
from guard.core.decide import DECISION_STEPS
from guard.demo.next_commands import render_next_commands

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")])
COMMANDS = typer.main.get_command(build_whole_app())
INNER = re.compile(r"\$\((guard [^|)]*)")
FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def read_commands(text: str) -> list[list[str]]:
    """Every `guard ...` line of a document's shell blocks, those within `$(...)` among them."""
    joined = [block.replace("\\\n", " ") for block in FENCE.findall(text)]
    lines = [line.split(" #")[0] for block in joined for line in block.splitlines()]
    plain = [line for line in lines if line.startswith("guard ")]
    return [shlex.split(line)[1:] for line in (*plain, *(each for line in lines for each in INNER.findall(line)))]


def find_trouble(words: list[str]) -> str | None:
    """What is wrong with a command line: an unknown command or flag."""
    command, (_, words) = COMMANDS, split_flags(words)
    flags = {flag for each in command.params for flag in each.opts}
    for word in words:
        if word.startswith("--"):
            if word not in flags:
                return f"no flag {word} of {command.name}"
        elif word in getattr(command, "commands", {}):
            command = command.commands[word]  # type: ignore[attr-defined]
            flags |= {flag for each in command.params for flag in each.opts}
    return None if not hasattr(command, "commands") else f"{' '.join(words)} is no whole command"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_document_exists(document: Path) -> None:
    for words in read_commands(document.read_text()):
        assert find_trouble(words) is None, words


def test_commands_are_found_over_two_lines_and_inside_others() -> None:
    text = "```sh\nguard propose --vault a \\\n    --yes\nID=$(guard inbox --json | head -1)\n```"
    assert read_commands(text) == [["propose", "--vault", "a", "--yes"], ["inbox", "--json"]]


def test_an_unknown_flag_would_be_found() -> None:
    assert find_trouble(["approve", "x", "--nonsense"]) == "no flag --nonsense of approve"
    assert find_trouble(["signer"]) is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_the_readmes_first_two_commands_are_the_demo_and_the_tests() -> None:
    block = FENCE.findall((ROOT / "README.md").read_text())[0].splitlines()
    assert [line.split(" #")[0].strip() for line in block] == ["make demo", "make test"]


def test_the_readmes_next_commands_are_those_that_guard_dev_prints() -> None:
    assert f"```sh\n{render_next_commands()}```" in (ROOT / "README.md").read_text()


def test_the_steps_of_the_decision_are_numbered_and_documented() -> None:
    for number, step in enumerate(DECISION_STEPS, 1):
        assert step.__name__.startswith(f"d{number}_")
        assert (step.__doc__ or "").startswith(f"D{number}. ")
    assert f"{len(DECISION_STEPS)} numbered steps".replace("11", "eleven") in (ROOT / "README.md").read_text()
