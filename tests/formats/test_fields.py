"""Reading an object field by field: nothing unknown, nothing missing, nothing of another type."""

from collections.abc import Callable
from typing import Any

import pytest

from guard.errors import GuardError
from guard.formats.fields import (
    require_fields,
    take_address,
    take_bool,
    take_bytes,
    take_count,
    take_decimal,
    take_digest,
    take_list,
    take_text,
    to_number,
)
from tests.factories import VAULT_ADDRESS, digest_of


def refuse(code: str, read: Callable[..., object], *arguments: Any, **fields: Any) -> None:
    with pytest.raises(GuardError) as refused:
        read(*arguments, **fields)
    assert refused.value.code == code


def test_an_object_has_the_named_fields_and_at_most_the_optional_ones() -> None:
    assert require_fields({"a": 1, "b": 2}, ("a", "b")) == {"a": 1, "b": 2}
    assert require_fields({"a": 1}, ("a",), optional=("b",)) == {"a": 1}
    assert require_fields({"a": 1, "b": 2}, ("a",), optional=("b",)) == {"a": 1, "b": 2}


@pytest.mark.parametrize("value", [[], "a", 1, None, True])
def test_what_is_no_object_has_no_fields(value: object) -> None:
    refuse("json.field-type", require_fields, value, ("a",))


def test_a_missing_field_and_an_unknown_one_are_told_apart() -> None:
    refuse("json.field-missing", require_fields, {"a": 1}, ("a", "b"))
    refuse("json.field-unknown", require_fields, {"a": 1, "c": 2}, ("a",), optional=("b",))


def test_an_unknown_name_is_shown_in_plain_characters_and_cut() -> None:
    with pytest.raises(GuardError) as refused:
        require_fields({"\u202e" + "x" * 500: 1}, ())
    assert "\u202e" not in refused.value.message and len(refused.value.message) < 120


WRONG: list[tuple[Callable[..., object], list[object]]] = [
    (take_text, [1, None, True, [], {}]),
    (take_list, [1, None, True, "a", {}, ()]),
    (take_bool, [1, 0, None, "true", []]),
    (take_count, ["1", None, True, False, 1.0, -1, 2**53, []]),
    (take_decimal, [1, None, True, [], 1.0]),
    (take_address, [1, None, []]),
    (take_digest, [1, None, []]),
    (take_bytes, [1, None, []]),
]


@pytest.mark.parametrize(("take", "value"), [(take, value) for take, values in WRONG for value in values])
def test_a_field_of_another_type_is_refused(take: Callable[..., object], value: object) -> None:
    refuse("json.field-type", take, {"field": value}, "field")


def test_a_field_of_its_type_is_handed_over() -> None:
    fields = {"text": "a", "list": [1], "bool": False, "count": 0}
    assert (take_text(fields, "text"), take_list(fields, "list")) == ("a", [1])
    assert (take_bool(fields, "bool"), take_count(fields, "count")) == (False, 0)


@pytest.mark.parametrize(("value", "fits"), [(1, False), (2, True), (9, True), (10, False)])
def test_a_count_lies_in_its_range(value: int, fits: bool) -> None:
    if fits:
        assert take_count({"field": value}, "field", least=2, end=10) == value
    else:
        refuse("json.field-type", take_count, {"field": value}, "field", least=2, end=10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+1",
        "-1",
        "-0",
        "01",
        "00",
        "1_000",
        "1,000",
        "1.0",
        "1e3",
        "0x10",
        " 1",
        "1 ",
        "1\n",
        "\u0661",
        "\u00b2",
        "9" * 79,
        str(2**256),
    ],
)
def test_a_decimal_string_is_plain_figures_without_a_zero_in_front(text: str) -> None:
    refuse("json.number", to_number, text, "field")
    refuse("json.number", take_decimal, {"field": text}, "field")


@pytest.mark.parametrize("number", [0, 1, 10, 2**53, 2**256 - 1])
def test_a_decimal_string_is_exact(number: int) -> None:
    assert take_decimal({"field": str(number)}, "field") == number


@pytest.mark.parametrize(("text", "fits"), [("9", True), ("10", False), ("11", False)])
def test_a_decimal_string_lies_below_its_end(text: str, fits: bool) -> None:
    if fits:
        assert to_number(text, "field", end=10) == int(text)
    else:
        refuse("json.number", to_number, text, "field", end=10)


def test_addresses_and_digests_are_read_in_their_one_form() -> None:
    assert take_address({"field": VAULT_ADDRESS}, "field") == VAULT_ADDRESS
    assert take_digest({"field": digest_of("a")}, "field") == digest_of("a")
    refuse("address.checksum", take_address, {"field": VAULT_ADDRESS.lower()}, "field")
    refuse("address.malformed", take_address, {"field": "exchange.eth"}, "field")
    refuse("hex.malformed", take_digest, {"field": digest_of("a").upper()}, "field")


@pytest.mark.parametrize("text", ["", "ab", "0xa", "0xAB", "0xgg", "0X00", "0x0 ", "0x\u0661\u0661"])
def test_bytes_are_lower_case_hexadecimal(text: str) -> None:
    refuse("hex.malformed", take_bytes, {"field": text}, "field")


@pytest.mark.parametrize(("count", "fits"), [(1, False), (2, True), (3, False)])
def test_bytes_have_the_length_that_is_asked(count: int, fits: bool) -> None:
    fields = {"field": "0x" + "ab" * count}
    assert take_bytes(fields, "field") == b"\xab" * count
    if fits:
        assert take_bytes(fields, "field", length=2) == b"\xab\xab"
    else:
        refuse("hex.malformed", take_bytes, fields, "field", length=2)
