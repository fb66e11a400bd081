"""One changed byte is noticed; and what is protected by signatures and the pin is so even when every digest is made anew."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.errors import GuardError
from guard.evidence.file import parse_evidence
from guard.evidence.verify import verify_evidence
from guard.formats.canonical import compute_sha256, to_canonical
from tests.evidence.factories import PIN, good_evidence, seal

Path = tuple[str | int, ...]

CLAIMS = {("broadcast", name) for name in ("transaction_hash", "block_number", "block_hash", "block_at", "gas_payer")}
"""What a file only claims; the report names it as not checked."""


MANY = settings(max_examples=max(60, settings().max_examples // 5))
"""Each example verifies a whole file; every byte and every value have their turn besides."""
PARTS = 40


def flipped(at: int, by: int) -> bytes:
    raw = bytearray(good_evidence())
    raw[at] ^= by
    return bytes(raw)


def is_refused(raw: bytes) -> bool:
    """Whether the verifier refuses. Anything that it raises but a refusal is our bug and fails the test."""
    try:
        verify_evidence(raw, PIN)
    except GuardError as refused:
        return refused.code.startswith("evidence.")
    return False


@MANY
@given(at=st.integers(0, len(good_evidence()) - 1), by=st.integers(1, 255))
def test_any_changed_byte_is_refused(at: int, by: int) -> None:
    assert is_refused(flipped(at, by))


@pytest.mark.parametrize("part", range(PARTS))
def test_each_byte_changed_is_refused(part: int, is_deep: bool) -> None:
    """Every byte in the long profile, else one in four hundred; in parts, since a test has its time."""
    for at in range(part, len(good_evidence()), PARTS if is_deep else 10 * PARTS):
        assert is_refused(flipped(at, 1 << at % 8)), at


@MANY
@given(start=st.integers(0, len(good_evidence()) - 1), length=st.integers(1, 400))
def test_any_missing_stretch_is_refused(start: int, length: int) -> None:
    raw = good_evidence()
    assert is_refused(raw[:start] + raw[start + length :])


@given(raw=st.binary(max_size=300))
def test_any_bytes_at_all_are_refused_and_never_crash(raw: bytes) -> None:
    assert is_refused(raw)


def walk(value: Any, path: Path = ()) -> list[Path]:
    """The path of everything in a JSON value that holds nothing further."""
    if isinstance(value, dict):
        return [found for key in sorted(value) for found in walk(value[key], (*path, key))]
    if isinstance(value, list):
        return [found for place, each in enumerate(value) for found in walk(each, (*path, place))]
    return [path]


@cache
def leaves() -> tuple[Path, ...]:
    return tuple(walk(json.loads(good_evidence())["predicate"]))


def change_leaf(path: Path, place: int) -> bytes:
    """The file with one leaf a little different, and its digests computed anew as far as it can still be read."""
    content = json.loads(good_evidence())
    holder = content["predicate"]
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to_other(holder[path[-1]], place)
    content["subject"][3]["digest"]["sha256"] = compute_sha256(content["predicate"])[2:]
    raw = to_canonical(content)
    try:
        return seal(parse_evidence(raw).record)
    except GuardError:
        return raw


def to_other(value: Any, place: int) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 if place % 2 or value == 0 else value - 1
    if isinstance(value, str) and value:
        at = place % len(value)
        return value[:at] + to_other_character(value[at]) + value[at + 1 :]
    return "x"


def to_other_character(character: str) -> str:
    """Another one of its kind, so that the value is more often still well formed."""
    if character.isdigit():
        return str((int(character) + 1) % 10)
    return chr(ord(character) ^ 1) if character.isalpha() and chr(ord(character) ^ 1).isalpha() else "b"


def assert_noticed(path: Path, place: int) -> None:
    raw = change_leaf(path, place)
    assert raw != good_evidence()
    if path not in CLAIMS:
        assert is_refused(raw), path


@MANY
@given(path=st.sampled_from(leaves()), place=st.integers(0, 300))
def test_any_changed_value_is_refused_though_every_digest_was_made_anew(path: Path, place: int) -> None:
    assert_noticed(path, place)


@pytest.mark.parametrize("part", range(PARTS))
def test_each_value_changed_is_refused_though_every_digest_was_made_anew(part: int, is_deep: bool) -> None:
    """Every value in the long profile, else one in ten."""
    for place in range(part, len(leaves()), PARTS if is_deep else len(leaves())):
        assert_noticed(leaves()[place], place)


@pytest.mark.parametrize("name", ["transaction_hash", "block_number", "block_hash", "block_at"])
def test_what_the_report_calls_a_claim_can_be_changed_by_whoever_computes_the_digest_anew(name: str) -> None:
    report = verify_evidence(change_leaf(("broadcast", name), 5), PIN)
    assert "block-facts" in {each.name for each in report.unchecked}


@pytest.mark.parametrize("name", ["statements", "release_statements"])
def test_nothing_that_is_needed_can_be_left_out(name: str) -> None:
    content = json.loads(good_evidence())
    for place in range(len(content["predicate"][name])):
        less = json.loads(good_evidence())
        del less["predicate"][name][place]
        assert is_refused(seal(parse_evidence(to_canonical(less)).record))
