"""Strict JSON: whatever two readers could read as two things is refused, with a code, and so is what is no JSON at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import GuardError
from guard.formats.canonical import MAX_BYTES, parse_json

BAD: dict[str, tuple[str, bytes]] = {
    "nothing": ("json.malformed", b""),
    "space alone": ("json.malformed", b" "),
    "two values": ("json.malformed", b"1 2"),
    "a value and more": ("json.malformed", b"{}x"),
    "a comma too many": ("json.malformed", b"[1,]"),
    "single quotes": ("json.malformed", b"{'a':1}"),
    "a key without quotes": ("json.malformed", b"{a:1}"),
    "a comment": ("json.malformed", b"{} // no"),
    "a line break inside a text": ("json.malformed", b'"a\nb"'),
    "a control character inside a text": ("json.malformed", b'"a\x00b"'),
    "no end": ("json.malformed", b'{"a":'),
    "a byte order mark": ("json.malformed", b"\xef\xbb\xbf{}"),
    "UTF-16": ("json.malformed", "{}".encode("utf-16")),
    "Latin-1": ("json.malformed", b'"\xe9"'),
    "an overlong encoding": ("json.malformed", b'"\xc0\x80"'),
    "an encoded surrogate": ("json.malformed", b'"\xed\xa0\x80"'),
    "half of a surrogate pair": ("json.malformed", b'"\\ud800"'),
    "the other half": ("json.malformed", b'["\\udc00"]'),
    "half of one as a key": ("json.malformed", b'{"\\ud800":1}'),
    "the same key twice": ("json.duplicate-key", b'{"a":1,"a":1}'),
    "the same key twice, once escaped": ("json.duplicate-key", b'{"a":1,"\\u0061":2}'),
    "the same key twice inside": ("json.duplicate-key", b'[{"b":{"a":1,"a":2}}]'),
    "a float": ("json.number", b"1.5"),
    "a float that is whole": ("json.number", b"1.0"),
    "an exponent": ("json.number", b"1e3"),
    "an exponent in upper case": ("json.number", b"1E3"),
    "minus zero": ("json.number", b"-0"),
    "minus zero as a float": ("json.number", b"-0.0"),
    "NaN": ("json.number", b"NaN"),
    "Infinity": ("json.number", b"Infinity"),
    "minus Infinity": ("json.number", b"-Infinity"),
    "2^53": ("json.number", b"9007199254740992"),
    "minus 2^53": ("json.number", b"-9007199254740992"),
    "2^256": ("json.number", str(2**256).encode()),
    "a million figures": ("json.number", b"9" * 1_000_000),
    "a zero in front": ("json.malformed", b"01"),
    "a plus sign": ("json.malformed", b"+1"),
    "hexadecimal": ("json.malformed", b"0x10"),
    "a separator": ("json.malformed", b"1_000"),
    "a point without figures": ("json.malformed", b"1."),
    "forty-two levels": ("json.too-large", b"[" * 42 + b"]" * 42),
    "forty-one levels of objects": ("json.too-large", b'{"a":' * 41 + b"1" + b"}" * 41),
    "so deep that the parser gives up": ("json.too-large", b"[" * 100_000),
    "10 MB": ("json.too-large", b'"' + b"a" * 10_000_000 + b'"'),
}


@pytest.mark.parametrize("what", BAD)
def test_it_is_refused_with_its_own_code_in_one_short_line(what: str) -> None:
    code, raw = BAD[what]
    with pytest.raises(GuardError) as refused:
        parse_json(raw)
    assert refused.value.code == code
    assert len(refused.value.message) < 200 and "\n" not in refused.value.message


def test_a_refusal_says_where() -> None:
    with pytest.raises(GuardError, match="line 2, column 6"):
        parse_json(b'{\n"a": ?}')


def test_plain_values_are_read() -> None:
    raw = b' {"a": [1, -1, 9007199254740991, true, null, "\\ud83d\\ude00"]}\n'
    assert parse_json(raw) == {"a": [1, -1, 9007199254740991, True, None, "\U0001f600"]}


@pytest.mark.parametrize(("length", "fits"), [(9, True), (10, True), (11, False)])
def test_the_size_is_limited_in_bytes(length: int, fits: bool) -> None:
    raw = b'"' + b"a" * (length - 2) + b'"'
    if fits:
        assert parse_json(raw, max_bytes=10) == "a" * (length - 2)
        return
    with pytest.raises(GuardError) as refused:
        parse_json(raw, max_bytes=10)
    assert refused.value.code == "json.too-large"


def test_the_size_is_looked_at_before_anything_is_read() -> None:
    with pytest.raises(GuardError) as refused:
        parse_json(b"\xff" * (MAX_BYTES + 1))
    assert refused.value.code == "json.too-large"


@given(st.binary(max_size=40) | st.text('{}[]",:0123456789.eE-+truefalsn \\ud8', max_size=40).map(str.encode))
def test_whatever_comes_it_is_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        parse_json(raw)
    except GuardError as refused:
        assert refused.code.startswith("json.")
