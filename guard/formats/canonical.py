"""Strict JSON in, canonical JSON out (RFC 8785, without floats).

Two readers must never read two things out of one text: duplicate keys, floats, exponents and integers beyond 2^53 are refused, and what
is hashed or signed is always the canonical form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NoReturn

from guard.core.ids import Digest
from guard.errors import GuardError
from guard.formats.keccak import to_digest

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 40
SAFE_INTEGER_END = 2**53

type_names = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a number",
    bool: "true or false",
    type(None): "null",
}


def _refuse_number(text: str) -> NoReturn:
    raise GuardError("json.number", f"number {text[:40]} is not a plain integer")


def _parse_integer(text: str) -> int:
    if text.startswith("-0") or len(text) > 17 or abs(int(text)) >= SAFE_INTEGER_END:
        _refuse_number(text)
    return int(text)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise GuardError("json.duplicate-key", f"key {key[:60]!r} stands twice in one object")
        found[key] = value
    return found


_NESTING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
"""A string, in which brackets mean nothing, or one bracket. A string that does not end matches to the end, so that one pass is enough."""


def _require_shallow(raw: bytes) -> None:
    """Refuse deep nesting before the parser sees it: the parser recurses on the C stack and would end the process.

    Its own guard is the recursion limit, which a library may raise for the whole process, as eth-keyfile's do.
    """
    depth = 0
    for found in _NESTING.finditer(raw):
        if found[0] in (b"[", b"{"):
            depth += 1
        elif found[0] in (b"]", b"}"):
            depth -= 1
        if depth > MAX_DEPTH:
            raise GuardError("json.too-large", f"the text is nested deeper than {MAX_DEPTH} levels")


def parse_json(raw: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """The value of a strict JSON text. Raises `json.malformed`, `json.duplicate-key`, `json.number` or `json.too-large`."""
    if len(raw) > max_bytes:
        raise GuardError("json.too-large", f"{len(raw)} bytes are more than the {max_bytes} that are accepted")
    _require_shallow(raw)
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_refuse_duplicates,
            parse_float=_refuse_number,
            parse_int=_parse_integer,
            parse_constant=_refuse_number,
        )
    except RecursionError:
        raise GuardError("json.too-large", "the text is nested too deeply") from None
    except UnicodeDecodeError:
        raise GuardError("json.malformed", "the text is not UTF-8") from None
    except json.JSONDecodeError as trouble:
        raise GuardError("json.malformed", f"not JSON at line {trouble.lineno}, column {trouble.colno}") from None
    _require_plain(value, 0)
    return value


def _require_plain(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise GuardError("json.too-large", f"the text is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        _require_unicode(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _require_unicode(key)
            _require_plain(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _require_plain(inner, depth + 1)
    elif value is not None and not _is_exact_number(value):
        _refuse_number(str(value)[:80])


def _is_exact_number(value: Any) -> bool:
    """True and false are exact, too."""
    return isinstance(value, int) and abs(value) < SAFE_INTEGER_END


def _require_unicode(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise GuardError("json.malformed", "the text holds half of a surrogate pair") from None


def to_canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a value made of objects, lists, texts, integers below 2^53, booleans and null."""
    written = json.dumps(
        _to_ordered(value, 0), ensure_ascii=False, check_circular=False, separators=(",", ":"), allow_nan=False
    )
    try:
        return written.encode("utf-8")
    except UnicodeEncodeError:
        raise GuardError("json.malformed", "the text holds half of a surrogate pair") from None


def _to_ordered(value: Any, depth: int) -> Any:
    """The value with the keys of every object in order; refused where it is not plain."""
    if depth > MAX_DEPTH:
        raise GuardError("json.too-large", f"the text is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {key: _to_ordered(value[key], depth + 1) for key in _to_order(value)}
    if isinstance(value, list | tuple):
        return [_to_ordered(inner, depth + 1) for inner in value]
    if value is not None and not _is_exact_number(value):
        _refuse_number(str(value)[:80])
    return value


def _to_order(keys: Iterable[str]) -> list[str]:
    """In the order of their UTF-16 code units, which beyond ASCII is another one than that of code points."""
    if all(map(str.isascii, keys)):
        return sorted(keys)
    return sorted(keys, key=lambda text: text.encode("utf-16-be", "surrogatepass"))


def parse_canonical(raw: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """The value of a text that must be its own canonical form, as everything that is pinned by digest must be."""
    value = parse_json(raw, max_bytes=max_bytes)
    if to_canonical(value) != raw:
        raise GuardError("json.not-canonical", "the text is not in canonical form")
    return value


def compute_sha256(value: Any) -> Digest:
    """SHA-256 of a value's canonical form."""
    return to_digest(sha256(to_canonical(value)).digest())
