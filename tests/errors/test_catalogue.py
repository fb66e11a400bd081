"""The catalogue is complete, every entry is used, and `docs/ERRORS.md` says exactly what it says."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from guard.errors import CATALOGUE, Code
from guard.errors.catalogue import put_together
from guard.errors.document import render_errors_document
from tests.architecture.sources import ROOT, Source, iter_calls, load_sources

CODE = re.compile(r"[a-z]+(\.[a-z0-9]+(-[a-z0-9]+)*)+")
SAYING = frozenset(["GuardError", "AdapterError", "Refusal", "Reason", "Objection", "_deny", "_hold", "_refuse"])
"""What takes a code, by the last part of its name; the code is a text that looks like one."""


def is_catalogue(source: Source) -> bool:
    return source.name.startswith("guard/errors/")


def iter_said_codes(source: Source) -> Iterator[tuple[str, str]]:
    """Each text with the look of a code that is handed to something that takes one, with its place."""
    for call, called in iter_calls(source):
        if called.rpartition(".")[2] not in SAYING:
            continue
        for argument in (*call.args[:2], *(keyword.value for keyword in call.keywords if keyword.arg == "code")):
            for text in iter_texts(argument):
                if CODE.fullmatch(text):
                    yield text, source.at(call, called)


def iter_texts(node: ast.AST) -> Iterator[str]:
    """The texts of an expression, also those of `a if b else c`, but nothing out of a formatted message."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from iter_texts(node.body)
        yield from iter_texts(node.orelse)


def find_codeless_calls(source: Source) -> Iterator[str]:
    """Errors whose first argument is a text that does not look like a code at all."""
    for call, called in iter_calls(source):
        if called.rpartition(".")[2] in ("GuardError", "AdapterError", "Refusal") and call.args:
            for text in iter_texts(call.args[0]):
                if not CODE.fullmatch(text):
                    yield source.at(call, text)


def test_every_code_that_is_said_is_in_the_catalogue() -> None:
    unknown = [
        f"{place}: {code}"
        for source in load_sources()
        for code, place in iter_said_codes(source)
        if code not in CATALOGUE
    ]
    assert unknown == []


def test_every_error_says_a_code() -> None:
    assert [place for source in load_sources() for place in find_codeless_calls(source)] == []


def test_every_code_of_the_catalogue_is_said_somewhere() -> None:
    said = {code for room in find_rooms() for code in find_codes_of_room(room)}
    assert sorted(CATALOGUE.keys() - said) == []


def find_rooms() -> list[list[Source]]:
    rooms: dict[str, list[Source]] = {}
    for source in load_sources():
        if not is_catalogue(source):
            rooms.setdefault(source.room, []).append(source)
    return list(rooms.values())


def find_codes_of_room(room: list[Source]) -> set[str]:
    """The codes that the room writes, or puts together: `f"policy.{kind}-unknown"` with a kind that it writes."""
    nodes = [node for source in room for node in ast.walk(source.tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    patterns = [to_pattern(node) for node in nodes if isinstance(node, ast.JoinedStr)]
    made = {
        code
        for code in CATALOGUE
        for pattern in patterns
        for found in [pattern.fullmatch(code)]
        if found and found.groups() and texts.issuperset(found.groups())
    }
    return (texts & CATALOGUE.keys()) | made


def to_pattern(node: ast.JoinedStr) -> re.Pattern[str]:
    parts = (
        re.escape(part.value) if isinstance(part, ast.Constant) and isinstance(part.value, str) else "(.+)"
        for part in node.values
    )
    return re.compile("".join(parts))


def test_the_scan_finds_what_it_is_there_to_find() -> None:
    text = """
raise GuardError("no.such-code", "message")
raise errors.AdapterError(code="another.unknown", message="message")
reasons.append(_deny("D1", "third.unknown" if late else "fourth.unknown", f"{x}"))
raise GuardError("not a code", "message")
"""
    source = Source("guard/core/decide.py", text)
    found = [code for code, _ in iter_said_codes(source)]
    assert found == ["no.such-code", "another.unknown", "third.unknown", "fourth.unknown"]
    assert len(list(find_codeless_calls(source))) == 1
    made = Source("guard/core/decide.py", 'kind = "quorum"\nsay(f"decision.{kind}-missing", "decision.delay")\n')
    assert find_codes_of_room([made]) == {"decision.quorum-missing", "decision.delay"}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_code_is_lower_case_words_and_says_in_one_line_each_what_and_what_next(name: str) -> None:
    code = CATALOGUE[name]
    assert CODE.fullmatch(name)
    for text in (code.meaning, code.remedy):
        assert text == text.strip() and text and "\n" not in text
        assert not text.endswith(".") and not (text[0].isupper() and text[1:2].islower())


def test_no_code_is_defined_twice() -> None:
    one, other = {"a.b": Code("one", "this")}, {"a.b": Code("other", "that"), "c.d": Code("third", "more")}
    with pytest.raises(LookupError, match=r"'a\.b' is defined twice"):
        put_together((one, other))
    assert put_together((one,)) == one


def test_the_document_is_generated_from_the_catalogue() -> None:
    document = ROOT / "docs" / "ERRORS.md"
    assert document.read_text(encoding="utf-8") == render_errors_document(), (
        "run `python -m guard.errors.document > docs/ERRORS.md`"
    )


def test_the_document_names_every_code_once_and_in_order() -> None:
    named = re.findall(r"^\| `([^`]+)` \|", render_errors_document(), re.MULTILINE)
    assert named == sorted(CATALOGUE, key=lambda name: (name.partition(".")[0], name))


def test_a_bar_in_a_text_does_not_break_its_table() -> None:
    rendered = render_errors_document({"a.b": Code("one | two", "three")})
    assert rendered.endswith(
        "## a\n\n| code | means | what to do |\n| --- | --- | --- |\n| `a.b` | one \\| two | three |\n"
    )


def test_the_module_writes_the_document() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "guard.errors.document"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert run.stdout == render_errors_document()
