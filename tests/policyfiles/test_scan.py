import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.policyfiles.instants import parse_instant
from guard.policyfiles.problems import PolicyFileError, compute_suggestion
from guard.policyfiles.scan import scan_lines
from guard.policyfiles.source import parse_source

TEXT = """format = 1 # first
a.b = "x"
a.c = [
  1,
  { d = true, e = [
    2 ] },
]

[t] # table
k = '#'

[[r]]
m.n = { o = 1 }
[[r]]
m = {}
"""
PATHS = {
    ("format",): 1,
    ("a",): 2,
    ("a", "b"): 2,
    ("a", "c"): 3,
    ("a", "c", 0): 4,
    ("a", "c", 1): 5,
    ("a", "c", 1, "d"): 5,
    ("a", "c", 1, "e"): 5,
    ("a", "c", 1, "e", 0): 6,
    ("t",): 9,
    ("t", "k"): 10,
    ("r",): 12,
    ("r", 0): 12,
    ("r", 0, "m"): 13,
    ("r", 0, "m", "n"): 13,
    ("r", 0, "m", "n", "o"): 13,
    ("r", 1): 14,
    ("r", 1, "m"): 15,
}


def test_every_path_has_its_line() -> None:
    assert scan_lines("x.toml", TEXT) == PATHS
    assert parse_source("x.toml", TEXT.encode()).lines == PATHS


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    source = parse_source("x.toml", TEXT.encode())
    assert source.line(("r", 1, "m", "n", "o")) == 15
    assert source.line(("nowhere",)) == 1
    assert source.line(()) == 1


SNIPPETS = st.sampled_from(
    [
        *[
            "a",
            "b",
            "a-1",
            ".",
            "=",
            " ",
            "\n",
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            ",",
            "#",
            '"',
            "'",
            "\\",
            "1",
            "0",
            "true",
        ],
        *[
            '"x"',
            "'y'",
            "a = 1\n",
            "[a]\n",
            "[[a]]\n",
            "b = [1, 2]\n",
            "c = { d = 1 }\n",
            "a.b = 'z'\n",
            '"\\u0041"',
            "\t",
        ],
    ]
)


@given(st.lists(SNIPPETS, max_size=14).map("".join))
def test_what_the_scan_accepts_toml_reads_with_the_same_paths(text: str) -> None:
    text = "format = 1\n" + text
    try:
        parse_source("x.toml", text.encode())
    except PolicyFileError as error:
        # The two readers disagree about nothing that either of them lets through.
        assert "not read alike" not in error.message
        return
    assert tomllib.loads(text)["format"] == 1


@given(st.lists(SNIPPETS, max_size=14).map("".join))
def test_a_refusal_never_hides_that_the_text_is_no_toml(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(PolicyFileError):
            parse_source("x.toml", text.encode())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", None),
        ("1970-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:01Z", 1),
        ("2027-11-30", 1_827_532_800),
        ("2027-11-30T00:00:00Z", 1_827_532_800),
        ("2027-11-30T23:59:59Z", 1_827_619_199),
        ("2028-02-29", 1_835_395_200),
        ("2027-02-29", None),
        ("2027-11-30T23:59:60Z", None),
        ("2027-11-30T24:00:00Z", None),
        ("2027-11-30T12:00:00", None),
        ("2027-11-30T12:00:00+00:00", None),
        ("2027-11-30 12:00:00Z", None),
        ("20271130", None),
        ("2027-W01-1", None),
        ("0000-01-01", None),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("2027-11-30\n", None),
        ("", None),
    ],
)
def test_an_instant_has_one_way_to_be_written(text: str, seconds: int | None) -> None:
    assert parse_instant(text) == seconds


def test_a_guess_is_made_where_one_is_close() -> None:
    assert compute_suggestion("finanse", ["finance", "security"]) == 'did you mean "finance"?'
    assert compute_suggestion("usdc", ["ETH", "USDC"]) == 'did you mean "USDC"?'
    assert compute_suggestion("zebra", ["finance"]) == ""
    assert compute_suggestion("x" * 101, ["x" * 101]) == ""
    assert compute_suggestion("a", [f"a{place}" for place in range(2001)]) == ""
