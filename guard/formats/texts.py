"""Texts that people read before they sign: one line, no character that hides or reorders others."""

from __future__ import annotations

import unicodedata

from guard.errors import GuardError

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks that show nothing: the rest of Unicode's Default_Ignorable_Code_Point, and the blank braille pattern.
_BLANK = frozenset(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE10), 0xFFA0]
).union(range(0xE0100, 0xE01F0))


def is_hidden(character: str) -> bool:
    """Whether the character shows nothing or moves others; of the spaces only the plain one is seen for what it is."""
    category = unicodedata.category(character)
    return category in _HIDDEN or ord(character) in _BLANK or (category == "Zs" and character != " ")


def require_plain_text(text: str, what: str, *, longest: int) -> str:
    """The text, refused where it is too long, not in NFC, or holds control, direction or invisible characters (Unicode Cc, Cf, …)."""
    if len(text) > longest:
        raise GuardError("text.characters", f"{what} is longer than {longest} characters")
    for place, character in enumerate(text):
        if is_hidden(character):
            raise GuardError(
                "text.characters", f"{what} holds the character U+{ord(character):04X} at position {place + 1}"
            )
    if unicodedata.normalize("NFC", text) != text:
        raise GuardError("text.characters", f"{what} is not in Unicode normal form NFC")
    return text
