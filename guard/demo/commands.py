"""The product's own commands, run in this process as a person would type them, with `--json`, and what they said."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.app.main import build_whole_app
from guard.cli.root import run

_PREFIX = "GUARD_"


@dataclass(frozen=True, slots=True)
class Said:
    """A command's exit status, its one JSON object, and its notes."""

    status: int
    result: dict[str, Any]
    notes: str

    @property
    def code(self) -> str:
        """The code of its error, or nothing."""
        error = self.result.get("error")
        return str(error.get("code", "")) if isinstance(error, dict) else ""

    @property
    def last_words(self) -> str:
        """What it said at the end, for a message."""
        return (json.dumps(self.result) if self.result else self.notes)[-600:]


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs `guard` as somebody: with their folder of contexts and log-ins, and with the configuration that is named."""

    home: Path
    config: Path | None = None

    def run(self, *words: str) -> Said:
        """One command, whatever comes of it."""
        out, notes = io.StringIO(), io.StringIO()
        named = () if self.config is None else ("--config", str(self.config))
        with (
            _at_home(self.home),
            _without_terminal(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(notes),
        ):
            status = run(build_whole_app(), [*named, *words, "--json"])
        lines = out.getvalue().strip().splitlines()
        return Said(int(status), json.loads(lines[-1]) if lines else {}, notes.getvalue())

    def require(self, *words: str) -> Said:
        """One command that must succeed for the story to go on."""
        said = self.run(*words)
        if said.status != 0:
            raise RuntimeError(f"guard {' '.join(words[:3])} ended with {said.status}: {said.last_words}")
        return said


@contextlib.contextmanager
def _without_terminal() -> Iterator[None]:
    """Nobody is there to answer a question, even where the story is told on a terminal."""
    before, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def _at_home(home: Path) -> Iterator[None]:
    """The environment with this folder and without any other setting: a variable of whoever runs this might name another treasury."""
    before = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    for name in before:
        del os.environ[name]
    os.environ[f"{_PREFIX}HOME"] = str(home)
    try:
        yield
    finally:
        del os.environ[f"{_PREFIX}HOME"]
        os.environ.update(before)
