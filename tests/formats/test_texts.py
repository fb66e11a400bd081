"""Texts that people read before they sign: nothing in them hides or reorders anything."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import GuardError
from guard.formats.texts import is_hidden, require_plain_text

HIDDEN = {
    "a line break": "\n",
    "a tab": "\t",
    "a null": "\x00",
    "a delete": "\x7f",
    "a C1 control": "\x85",
    "a right-to-left override": "\u202e",
    "a right-to-left isolate": "\u2067",
    "a left-to-right mark": "\u200e",
    "a zero width space": "\u200b",
    "a zero width joiner": "\u200d",
    "a byte order mark": "\ufeff",
    "a soft hyphen": "\u00ad",
    "a tag character": "\U000e0041",
    "a line separator": "\u2028",
    "a paragraph separator": "\u2029",
    "a private use character": "\ue000",
    "half of a surrogate pair": "\ud800",
    "a place without a character": "\uffff",
    "a no-break space": "\u00a0",
    "an ideographic space": "\u3000",
    "a hair space": "\u200a",
    "a Hangul filler": "\u3164",
    "a halfwidth Hangul filler": "\uffa0",
    "a variation selector": "\ufe0f",
    "a grapheme joiner": "\u034f",
    "a blank braille pattern": "\u2800",
}


@pytest.mark.parametrize("what", HIDDEN)
def test_a_character_that_hides_or_reorders_is_refused_and_named(what: str) -> None:
    with pytest.raises(GuardError) as refused:
        require_plain_text(f"pay{HIDDEN[what]}ment", "purpose", longest=100)
    assert refused.value.code == "text.characters"
    assert refused.value.message == f"purpose holds the character U+{ord(HIDDEN[what]):04X} at position 4"


@pytest.mark.parametrize("text", ["", "invoice 1001", "Grüße, 東京 ✓ 🙂", "a-b_c/d (e) [f] €5"])
def test_a_plain_text_is_taken_as_it_is(text: str) -> None:
    assert require_plain_text(text, "purpose", longest=100) == text


@pytest.mark.parametrize(("length", "fits"), [(9, True), (10, True), (11, False)])
def test_a_text_has_a_length(length: int, fits: bool) -> None:
    if fits:
        assert require_plain_text("a" * length, "purpose", longest=10)
        return
    with pytest.raises(GuardError, match="longer than 10"):
        require_plain_text("a" * length, "purpose", longest=10)


@pytest.mark.parametrize("text", ["u\u0308", "A\u030a", "\u212b", "\u1100\u1161"])
def test_one_look_has_one_spelling(text: str) -> None:
    with pytest.raises(GuardError, match="NFC"):
        require_plain_text(text, "purpose", longest=100)
    composed = unicodedata.normalize("NFC", text)
    assert require_plain_text(composed, "purpose", longest=100) == composed


@given(st.text(max_size=12))
def test_what_is_taken_can_be_shown_in_one_line(text: str) -> None:
    try:
        require_plain_text(text, "purpose", longest=12)
    except GuardError as refused:
        assert refused.code == "text.characters"
    else:
        assert text.isprintable() and text.splitlines() in ([], [text])


def test_whatever_python_cannot_print_is_hidden() -> None:
    shown = [code for code in range(0, sys.maxunicode + 1, 3) if not is_hidden(chr(code))]
    assert all(chr(code).isprintable() for code in shown)
