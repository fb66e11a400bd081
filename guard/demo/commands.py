"""The product's own commands, run in this process as a person would type them, with `--json`, and what they said."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.cli.root import build_app, run


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


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs `guard` with the demo's configuration."""

    config: Path

    def run(self, *words: str) -> Said:
        """One command, whatever comes of it."""
        out, notes = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(notes):
            status = run(build_app(), ["--config", str(self.config), *words, "--json"])
        text = out.getvalue().strip()
        return Said(int(status), json.loads(text.splitlines()[-1]) if text else {}, notes.getvalue())

    def require(self, *words: str) -> Said:
        """One command that must succeed for the story to go on."""
        said = self.run(*words)
        if said.status != 0:
            raise RuntimeError(f"guard {' '.join(words[:3])} ended with {said.status}: {said.result or said.notes}")
        return said
