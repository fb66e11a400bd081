"""Bytes changed at random: a sound policy, or one clear refusal, and never another exception."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.bundles.bundle import parse_bundle, to_bytes
from guard.errors import GuardError
from guard.policyfiles.loading import FILES, check_policy, load_policy, to_bundle
from tests.policyfiles.directories import SAMPLE, copy_sample

TEXTS = {name: (SAMPLE / name).read_bytes() for name in FILES}
LINES = sorted({line for text in TEXTS.values() for line in text.split(b"\n")})
PIECES = [
    *[b"\n", b"\r", b"\t", b'"', b"'", b"#", b"=", b".", b",", b"[", b"]", b"[[", b"]]", b"{", b"}", b"\\", b"\\x41", b"\\e"],
    *[b"0", b"-1", b"1_0", b"1.5", b"1e9", b"0x10", b"inf", b"true", b"2027-01-01", b"07:00", b'"""', b"'''", b"{}", b"[]"],
    *[b"\x00", b"\xff", b"\xc3\xa9", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"9" * 400, b'"1 USDC"', b'""', b"a.b.c"],
    *[b"id", b"keys", b"match", b"approvals", b"signers", b"format = 1", b"[unfreeze]", b"[[rule]]", b'"\\ud800"', b"\\u0000"],
]  # fmt: skip

Edit = tuple[str, int, int, bytes]
edits = st.tuples(
    st.sampled_from(FILES),
    st.integers(0, 2**16),
    st.sampled_from([0, 0, 1, 1, 2, 8, 40]),
    st.sampled_from(PIECES) | st.sampled_from(LINES) | st.binary(max_size=4),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_sample(tmp_path_factory.mktemp("fuzz"))


@given(changes=st.lists(edits, min_size=1, max_size=3))
def test_changed_bytes_give_a_policy_or_one_clear_refusal(directory: Path, changes: list[Edit]) -> None:
    _write(directory, changes)
    try:
        loaded = load_policy(directory)
    except GuardError as error:
        problems = check_policy(directory)
        assert (error.code, error.message) == (problems[0].code, problems[0].message)
        assert all(problem.line >= 1 and problem.suggestion for problem in problems)
        assert all("\n" not in problem.message for problem in problems)
        return
    # What was loaded is sound and canonical, so a signer takes it.
    if loaded.version == 1:
        bundle = to_bundle(loaded)
        assert parse_bundle(to_bytes(bundle)) == bundle


def _write(directory: Path, changes: list[Edit]) -> None:
    texts = dict(TEXTS)
    for name, place, length, piece in changes:
        start = place % (len(texts[name]) + 1)
        texts[name] = texts[name][:start] + piece + texts[name][start + length :]
    for name, text in texts.items():
        (directory / name).write_bytes(text)
