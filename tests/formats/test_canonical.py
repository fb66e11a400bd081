"""Canonical JSON (RFC 8785): one text for one value, in the order and with the escapes that the standard asks."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import GuardError
from guard.formats.canonical import MAX_DEPTH, compute_sha256, parse_canonical, parse_json, to_canonical

SAFE = 2**53
characters = st.characters(codec="utf-8")
texts = st.text(characters, max_size=8)
scalars = st.none() | st.booleans() | st.integers(1 - SAFE, SAFE - 1) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


def encode_slowly(value: Any) -> str:
    """RFC 8785 section 3.2, written out: literals, the two-character escapes, other controls as \\u00xx, keys by UTF-16."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(encode_slowly(inner) for inner in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value, key=to_utf16)
        return "{" + ",".join(f"{encode_slowly(key)}:{encode_slowly(value[key])}" for key in keys) + "}"
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    written = (short.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 0x20 else c) for c in value)
    return '"' + "".join(written) + '"'


def to_utf16(text: str) -> list[int]:
    raw = text.encode("utf-16-be")
    return [raw[place] * 256 + raw[place + 1] for place in range(0, len(raw), 2)]


@given(values)
def test_the_canonical_form_is_what_the_standard_says(value: Any) -> None:
    assert to_canonical(value).decode("utf-8") == encode_slowly(value)


@given(values)
def test_the_canonical_form_reads_back_as_the_value_and_is_its_own(value: Any) -> None:
    raw = to_canonical(value)
    assert parse_canonical(raw) == value
    assert json.loads(raw) == value


ascii_values = st.recursive(
    st.none() | st.booleans() | st.integers(1 - SAFE, SAFE - 1) | st.text(st.characters(max_codepoint=126), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=126), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(ascii_values)
def test_for_ascii_it_is_what_the_json_module_writes_with_sorted_keys(value: Any) -> None:
    assert to_canonical(value).decode() == json.dumps(value, sort_keys=True, separators=(",", ":"))


@given(values, values)
def test_two_values_have_one_form_only_if_they_are_one(one: Any, other: Any) -> None:
    assert (to_canonical(one) == to_canonical(other)) == (encode_slowly(one) == encode_slowly(other))


def test_keys_are_ordered_by_utf16_code_units_as_in_section_3_2_3() -> None:
    unsorted = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    in_order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(to_canonical(unsorted))) == in_order
    # By code points the last two would stand the other way round.
    assert sorted(unsorted) != in_order


def test_escapes_are_as_in_section_3_2_2_2() -> None:
    assert to_canonical('\u20ac$\u000f\nA\'B"\\\\"/') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()
    assert to_canonical("\b\f\n\r\t\x00\x1f\x7f\u2028") == b'"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xe2\x80\xa8"'


def test_nothing_stands_between_the_parts() -> None:
    assert to_canonical({"b": [1, True, None], "a": {}, "": ""}) == b'{"":"","a":{},"b":[1,true,null]}'


def test_a_tuple_is_a_list() -> None:
    assert to_canonical((1, (2,))) == b"[1,[2]]"


@pytest.mark.parametrize("number", [SAFE - 1, 1 - SAFE, 0])
def test_integers_below_2_to_the_53_are_exact(number: int) -> None:
    assert to_canonical(number) == str(number).encode()


@pytest.mark.parametrize(
    "value", [SAFE, -SAFE, 1.0, float("nan"), b"bytes", {1, 2}, pytest.param(object(), id="an object")], ids=str
)
def test_a_value_that_readers_could_read_differently_is_not_written(value: object) -> None:
    with pytest.raises(GuardError) as refused:
        to_canonical({"inner": [value]})
    assert refused.value.code == "json.number"


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}])
def test_half_of_a_surrogate_pair_is_not_written(value: object) -> None:
    with pytest.raises(GuardError) as refused:
        to_canonical(value)
    assert refused.value.code == "json.malformed"


def test_a_key_that_is_no_text_is_our_bug_and_never_written() -> None:
    for key in (1, None, True):
        with pytest.raises(TypeError):
            to_canonical({key: 1})


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(("levels", "fits"), [(MAX_DEPTH - 1, True), (MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_depth_is_limited_in_both_directions(levels: int, fits: bool) -> None:
    raw = b"[" * levels + b"1" + b"]" * levels
    if fits:
        assert parse_json(raw) == nested(levels) and to_canonical(nested(levels)) == raw
        return
    for attempt in (lambda: parse_json(raw), lambda: to_canonical(nested(levels))):
        with pytest.raises(GuardError) as refused:
            attempt()
        assert refused.value.code == "json.too-large"


NOT_CANONICAL = {
    "space": b'{"a": 1}',
    "line break at the end": b'{"a":1}\n',
    "keys out of order": b'{"b":1,"a":2}',
    "an escape too many": b'"\\u0061"',
    "upper case in an escape": b'"\\u000F"',
    "an escaped slash": b'"\\/"',
    "a surrogate pair escaped": b'"\\ud83d\\ude00"',
}


@pytest.mark.parametrize("raw", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_what_is_pinned_by_digest_must_be_its_own_canonical_form(raw: bytes) -> None:
    parse_json(raw)
    with pytest.raises(GuardError) as refused:
        parse_canonical(raw)
    assert refused.value.code == "json.not-canonical"


def test_the_digest_is_sha256_of_the_canonical_form() -> None:
    # SHA-256 of the two bytes {}.
    assert compute_sha256({}) == "0x44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert compute_sha256({"a": 1, "b": 2}) == compute_sha256({"b": 2, "a": 1})
