"""The catalogue as a document, for `docs/ERRORS.md`. Only renders; what a code means is said in the catalogue alone.

`python -m guard.errors.document > docs/ERRORS.md` writes the file, and a test holds the two equal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from guard.errors.catalogue import CATALOGUE
from guard.errors.code import Code

_HEAD = """\
# Error codes

Whatever is refused or goes wrong has a code that stays the same for ever; the texts around it may change, so match on the code.
`guard error CODE` shows one entry. The word before the point says what the code is about. Reasons of a decision begin with
`decision.`, and approvals that do not count with `approval.`: those are answers, not errors.

This file is generated from the catalogue in `guard/errors`: `python -m guard.errors.document > docs/ERRORS.md`.
"""


def render_errors_document(catalogue: Mapping[str, Code] = CATALOGUE) -> str:
    """Every code with its meaning and what to do next, a section for each first word, all in alphabetical order."""
    subjects = sorted({code.partition(".")[0] for code in catalogue})
    return "\n".join([_HEAD, *(_render_section(subject, catalogue) for subject in subjects)])


def _render_section(subject: str, catalogue: Mapping[str, Code]) -> str:
    rows = (
        (f"`{name}`", code.meaning, code.remedy)
        for name, code in sorted(catalogue.items())
        if name.partition(".")[0] == subject
    )
    table = [_render_row(row) for row in (("code", "means", "what to do"), ("---", "---", "---"), *rows)]
    return "\n".join([f"## {subject}", "", *table, ""])


def _render_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(render_errors_document())
