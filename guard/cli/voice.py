"""What a command says: plain lines for people, or exactly one JSON object on standard output for machines.

Questions and notes never mix with the object: with `--json` they go to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guard.errors import AdapterError, GuardError


@dataclass(frozen=True, slots=True)
class Voice:
    """How one run speaks."""

    as_json: bool

    def tell(self, result: Mapping[str, Any], *lines: str) -> None:
        """The result of the command: the object for machines, the lines for people."""
        if self.as_json:
            print(json.dumps(dict(result), ensure_ascii=True), flush=True)
        else:
            print("\n".join(lines), flush=True)

    def note(self, *lines: str) -> None:
        """Something to read on the way, which is no result."""
        print("\n".join(lines), file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def complain(self, error: GuardError | AdapterError) -> None:
        """One error: what, why and what next."""
        said = error.to_json()
        if self.as_json:
            print(json.dumps({"error": said}, ensure_ascii=True), flush=True)
            return
        print(f"guard: {to_visible_line(error.message)} [{error.code}]", file=sys.stderr)
        for name, value in error.details.items():
            print(f"  {name}: {to_visible_line(value)}", file=sys.stderr)
        print(f"  next: {to_visible_line(str(said['next']))}", file=sys.stderr, flush=True)


def to_visible_line(text: str) -> str:
    """The text on one line, with what a terminal would act upon written out."""
    return "".join(each if each.isprintable() else f"\\u{{{ord(each):x}}}" for each in text)


def to_table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows with their columns aligned; the last column is not padded."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)] if rows else []
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]
