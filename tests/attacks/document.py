"""The generated part of docs/THREATS.md: `python -m tests.attacks.document` writes it anew, a test compares."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.attacks.cases import KNOWN_CASES
from tests.attacks.structure import SECOND_LINES, STRUCTURAL
from tests.attacks.table import ATTACKS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "THREATS.md"
BEGIN, END = "<!-- from the tables in tests/attacks -->", "<!-- end of the tables -->"


def render() -> str:
    """Every attack, what the signer's make stops, second lines and known cases, as Markdown."""
    parts = (
        "### Attacks that checks stop",
        _to_table(
            ("attack", "property", "refused with", "each of these alone stops it"),
            ((f"`{a.name}`", a.holds, f"`{a.code}`", _to_list(a.stopped_by)) for a in ATTACKS),
        ),
        "### Attacks that the signer's make stops",
        _to_table(
            ("attack", "property", "refused with", "stopped by", "checks that say no as well"),
            ((f"`{a.name}`", a.holds, f"`{a.code}`", a.structure, _to_list(a.beside)) for a in STRUCTURAL),
        ),
        "### Second lines",
        _to_table(
            ("check", "backs"),
            ((f"`{check}`", f"`{backs}`" if _is_check(backs) else backs) for check, backs in SECOND_LINES.items()),
        ),
        "### Known cases",
        _to_table(
            ("id", "what happened elsewhere", "replayed by"),
            ((ids, what, _to_list(names)) for ids, (what, names) in KNOWN_CASES.items()),
        ),
    )
    return "\n\n".join(parts)


def _is_check(backs: str) -> bool:
    return " " not in backs


def _to_list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _to_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replace_tables(text: str) -> str:
    """The document with its generated part made anew."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{render()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    DOCUMENT.write_text(replace_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
