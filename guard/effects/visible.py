"""Texts of others made into ASCII in which nothing can hide: for what people read before they sign."""

from __future__ import annotations

from datetime import UTC, datetime

from guard.core.ids import Address, Digest

_CHUNK = 4
_LAST_SECOND = 253402300799
"""The end of the year 9999, the last that an ISO date of four figures can write."""


def to_visible(text: str) -> str:
    r"""The text in printable ASCII, every other character written as \u{hex}; no two texts come out the same.

    The backslash itself and every space that follows another are written so too: runs of spaces would push what comes
    after them to where a narrow screen starts its next line.
    """
    return "".join(_to_visible(before, character) for before, character in zip(" " + text, text, strict=False))


def _to_visible(before: str, character: str) -> str:
    is_plain = " " <= character <= "~" and character != "\\" and not (before == " " and character == " ")
    return character if is_plain else f"\\u{{{ord(character):x}}}"


def to_chunks(hexadecimal: Address | Digest | str) -> str:
    """0x-hex in groups of four figures, so that two of them can be compared by eye."""
    body = hexadecimal[2:]
    return "0x" + " ".join(body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK))


def to_utc(at: int) -> str:
    """Seconds since 1970 as an ISO instant in UTC; beyond the year 9999 as the number itself."""
    if at > _LAST_SECOND:
        return f"second {at} (after the year 9999)"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
