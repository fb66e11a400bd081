"""docs/THREATS.md tells of exactly the attacks that there are, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.attacks.cases import KNOWN_CASES
from tests.attacks.document import DOCUMENT, replace_tables
from tests.attacks.structure import STRUCTURAL
from tests.attacks.table import ATTACKS

ROOT = DOCUMENT.parents[1]


def test_the_tables_of_the_document_are_those_of_the_tests() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == replace_tables(text)


def test_known_cases_name_attacks_that_there_are() -> None:
    named = {name for _, names in KNOWN_CASES.values() for name in names}
    there = {attack.name for attack in ATTACKS} | {attack.name for attack in STRUCTURAL}
    assert sorted(named - there) == []


def test_every_test_that_the_document_names_is_there() -> None:
    for path, _, name in _named_tests():
        assert name in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_every_test_file_that_the_document_names_is_there() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [path for path in re.findall(r"`(tests/[\w/.]+)`", text) if not Path(ROOT / path).exists()] == []


def _named_tests() -> list[tuple[str, str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)(::)(\w+)", DOCUMENT.read_text(encoding="utf-8"))
