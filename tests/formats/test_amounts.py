"""Amounts and durations as people write them: exact, or refused with a code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import GuardError
from guard.formats.amounts import from_units, parse_amount, parse_duration, to_duration, to_grouped, to_units

DECIMALS = {"USDC": 6, "ETH": 18, "POINT": 0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9000 USDC", ("USDC", 9_000_000_000)),
        ("0.5 ETH", ("ETH", 5 * 10**17)),
        ("0.000001 USDC", ("USDC", 1)),
        ("1.50 USDC", ("USDC", 1_500_000)),
        ("0 USDC", ("USDC", 0)),
        ("7 POINT", ("POINT", 7)),
        (f"{2**256 - 1} POINT", ("POINT", 2**256 - 1)),
    ],
)
def test_an_amount_is_a_number_one_space_and_a_unit(text: str, expected: tuple[str, int]) -> None:
    assert parse_amount(text, DECIMALS) == expected


BAD = {
    "amount.unit": [
        *[
            "",
            " ",
            "9000",
            "USDC",
            "9000USDC",
            "9000  USDC",
            " 9000 USDC",
            "9000 USDC ",
            "9000\tUSDC",
            "9000\u00a0USDC",
        ],
        *["9000 USD", "9000 usdc", "9000 USDC USDC", "USDC 9000", "9 000 USDC", "9" * 200 + " USDC", "9000 \u0421SDC"],
    ],
    "amount.malformed": [
        *["-1 USDC", "+1 USDC", "1e3 USDC", "1E3 USDC", "1_000 USDC", "1,000 USDC", "1.000,5 USDC", "0x10 USDC"],
        *[
            "01 USDC",
            "00 USDC",
            "1. USDC",
            ".5 USDC",
            "1.2.3 USDC",
            "\u0661 USDC",
            "NaN USDC",
            "Infinity USDC",
            "½ USDC",
        ],
        *["1\n USDC", "-0 USDC", "−1 USDC"],
    ],
    "amount.precision": ["0.0000001 USDC", "1.0000000 USDC", "0.5 POINT", "1." + "0" * 19 + " ETH"],
    "amount.range": [f"{2**256} POINT", f"{2**256 // 10**6 + 1} USDC", "9" * 100 + " ETH"],
}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in BAD.items() for text in texts])
def test_a_bad_amount_is_refused_with_its_code(code: str, text: str) -> None:
    with pytest.raises(GuardError) as refused:
        parse_amount(text, DECIMALS)
    assert refused.value.code == code
    assert len(refused.value.message) < 160 and refused.value.message.isprintable()


def test_an_unknown_unit_names_the_known_ones() -> None:
    with pytest.raises(GuardError) as refused:
        parse_amount("9000 USD", DECIMALS)
    assert refused.value.details == {"known": "ETH, POINT, USDC"}


def test_a_number_of_a_million_figures_is_refused_and_not_counted() -> None:
    with pytest.raises(GuardError) as refused:
        to_units("9" * 1_000_000, 6)
    assert refused.value.code == "amount.malformed"


@pytest.mark.parametrize(("figures", "fits"), [(5, True), (6, True), (7, False)])
def test_an_asset_has_so_many_decimal_places(figures: int, fits: bool) -> None:
    text = "0." + "1" * figures
    if fits:
        assert to_units(text, 6) == int(("1" * figures).ljust(6, "0"))
        return
    with pytest.raises(GuardError) as refused:
        to_units(text, 6)
    assert refused.value.code == "amount.precision"


@pytest.mark.parametrize(("units", "fits"), [(2**256 - 2, True), (2**256 - 1, True), (2**256, False)])
def test_an_amount_lies_below_2_to_the_256(units: int, fits: bool) -> None:
    if fits:
        assert to_units(str(units), 0) == units
        return
    with pytest.raises(GuardError) as refused:
        to_units(str(units), 0)
    assert refused.value.code == "amount.range"


@given(st.integers(0, 2**256 - 1), st.integers(0, 36))
def test_units_written_as_a_number_read_back_exactly(units: int, decimals: int) -> None:
    text = from_units(units, decimals)
    assert to_units(text, decimals) == units
    assert not ("." in text and text.endswith("0")) and not text.endswith(".")


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(0, 6, "0"), (1, 6, "0.000001"), (1_500_000, 6, "1.5"), (10, 0, "10"), (10**18, 18, "1"), (123, 2, "1.23")],
)
def test_units_are_written_without_zeros_at_the_end(units: int, decimals: int, text: str) -> None:
    assert from_units(units, decimals) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [("0", "0"), ("999", "999"), ("1000", "1,000"), ("1250000.5", "1,250,000.5"), ("1000.0001", "1,000.0001")],
)
def test_the_whole_part_is_grouped_in_threes(number: str, text: str) -> None:
    assert to_grouped(number) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("30m", 1800), ("24h", 86400), ("7d", 604800), ("999999d", 999999 * 86400)]
)
def test_a_duration_is_a_whole_number_and_one_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "h",
            "24",
            "24 h",
            "24hh",
            "1h30m",
            "1.5h",
            "-1h",
            "+1h",
            "0h",
            "0s",
            "01h",
            "1e3s",
            "1_000s",
            "24H",
            "1w",
        ],
        *["1000000s", " 24h", "24h ", "24h\n", "\u0662h", "½h"],
    ],
)
def test_a_bad_duration_is_refused(text: str) -> None:
    with pytest.raises(GuardError) as refused:
        parse_duration(text)
    assert refused.value.code == "duration.malformed"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (1, "1s"), (60, "1m"), (90, "90s"), (3600, "1h"), (86400, "1d"), (90000, "25h")]
)
def test_a_duration_is_written_in_the_largest_unit_that_is_exact(seconds: int, text: str) -> None:
    assert to_duration(seconds) == text


@given(st.integers(1, 999_999), st.sampled_from("smhd"))
def test_a_duration_written_reads_back(number: int, unit: str) -> None:
    seconds = parse_duration(f"{number}{unit}")
    assert parse_duration(to_duration(seconds)) == seconds
