"""The text that people read before they sign."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.ids import NATIVE, Digest
from guard.core.policy import Asset
from guard.core.transfer import Action
from guard.effects.summary import RENDERERS, SUMMARY_VERSION, render_summary, render_summary_as
from guard.effects.visible import to_chunks, to_utc, to_visible
from guard.errors import GuardError
from tests.effects.factories import SIDECHAIN, STRANGER, SUPPLIER, VAULT, a_policy, a_transfer

GOLDEN = """\
Action: transfer 9,000 USDC
Asset: USDC, token 0xA0b8 6991 c621 8b36 c1d1 9D4a 2e9E b0cE 3606 eB48
To: supplier, 0x255C 3912 f91e F11b FDad d405 F131 44a8 23Da 8cc5
From: vault operations, 0x657f f0D4 eC65 D82b 2bC1 247b 0a55 8bcd 2f80 A0f1
Chain: mainnet, id 1
Initiator: alice
Proposed: 2027-01-15T08:00:00Z
Expires: 2027-01-16T08:00:00Z
Uniqueness: 0x0123 4567 89ab cdef
Purpose: "invoice 2026-118\""""


def line(name: str, **changes: Any) -> str:
    """The one line of a summary that begins with this word."""
    lines = [each for each in render_summary(a_transfer(**changes), a_policy()).split("\n") if each.startswith(name)]
    assert len(lines) == 1
    return lines[0]


def test_the_golden_summary_never_changes() -> None:
    assert SUMMARY_VERSION == 1
    assert render_summary(a_transfer(), a_policy()) == GOLDEN
    assert render_summary_as(1, a_transfer(), a_policy()) == GOLDEN


def test_a_destination_that_the_book_does_not_know_is_said_to_be_not_listed() -> None:
    assert line("To", destination=STRANGER) == "To: NOT LISTED, 0x111C EEee 0407 39fD 91D2 9C34 C33E 6B3E 112F 2177"


def test_a_label_counts_only_on_the_chains_of_its_entry() -> None:
    policy = a_policy()
    both = Asset(id=policy.assets[1].id, chain=policy.chains[1].name, address=policy.assets[1].address, decimals=6)
    elsewhere = a_policy(assets=(policy.assets[0], both))
    transfer = a_transfer(chain_id=SIDECHAIN, vault=policy.vaults[1].address)
    assert "To: NOT LISTED, " in render_summary(transfer, elsewhere)


def test_the_native_coin_is_named_as_such() -> None:
    assert line("Asset", asset=NATIVE) == "Asset: ETH, the chain's own coin"


@pytest.mark.parametrize(
    ("units", "shown"),
    [
        (1, "0.000001 USDC"),
        (999_999, "0.999999 USDC"),
        (1_000_000, "1 USDC"),
        (1_250_000_500_000, "1,250,000.5 USDC"),
        (2**256 - 1, f"{(2**256 - 1) // 10**6:,}.{(2**256 - 1) % 10**6} USDC"),
    ],
)
def test_amounts_are_exact_and_grouped(units: int, shown: str) -> None:
    assert line("Action", amount_units=units) == f"Action: transfer {shown}"


def test_again_and_supersedes_are_shown_in_full_when_they_name_something() -> None:
    other = Digest("0x" + "ab" * 32)
    chunks = "0x" + " ".join(["abab"] * 16)
    assert line("Again", again=other) == f"Again: {chunks}"
    assert line("Supersedes", supersedes=other) == f"Supersedes: {chunks}"
    assert "Again" not in GOLDEN
    assert "Supersedes" not in GOLDEN


@pytest.mark.parametrize(
    ("purpose", "shown"),
    [
        ("Überweisung", r"\u{dc}berweisung"),
        ("pay\nTo: supplier", r"pay\u{a}To: supplier"),
        ("pay \u202e000,9", r"pay \u{202e}000,9"),
        ("a\u200bb", r"a\u{200b}b"),
        ("a  b", r"a \u{20}b"),
        (" a", r"\u{20}a"),
        (r"\u{dc}", r"\u{5c}u{dc}"),
        ("\U0001f600", r"\u{1f600}"),
        ("\x7f", r"\u{7f}"),
        ("", ""),
    ],
)
def test_nothing_hides_in_a_purpose(purpose: str, shown: str) -> None:
    assert line("Purpose", purpose=purpose) == f'Purpose: "{shown}"'


@given(st.text(max_size=200))
def test_a_purpose_cannot_add_a_line_and_leaves_plain_ascii(purpose: str) -> None:
    summary = render_summary(a_transfer(purpose=purpose), a_policy())
    assert summary.split("\n")[:-1] == GOLDEN.split("\n")[:-1]
    assert re.fullmatch(r"[ -~\n]+", summary)


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_purposes_never_look_the_same(one: str, other: str) -> None:
    assert (to_visible(one) == to_visible(other)) == (one == other)


@given(st.integers(0, 2**64 - 1))
def test_instants_are_utc(at: int) -> None:
    shown = to_utc(at)
    if at < 253402300800:
        assert datetime.fromisoformat(shown) == datetime.fromtimestamp(at, UTC)
    else:
        assert shown == f"second {at} (after the year 9999)"


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (253402300799, "9999-12-31T23:59:59Z"),
        (253402300800, "second 253402300800 (after the year 9999)"),
    ],
)
def test_instants_beyond_the_calendar_are_numbers(at: int, shown: str) -> None:
    assert to_utc(at) == shown


def test_chunks_keep_every_figure() -> None:
    assert to_chunks(SUPPLIER).replace(" ", "") == SUPPLIER


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"asset": STRANGER}, "summary.asset"),
        ({"vault": STRANGER}, "summary.vault"),
        ({"chain_id": SIDECHAIN}, "summary.vault"),
        ({"chain_id": 5}, "summary.vault"),
        ({"action": Action.CALL}, "summary.action"),
        ({"call_data_hash": Digest("0x" + "01" * 32)}, "summary.action"),
    ],
)
def test_what_the_policy_does_not_know_has_no_summary(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(GuardError) as caught:
        render_summary(a_transfer(**changes), a_policy())
    assert caught.value.code == code


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
def test_an_unknown_version_has_no_renderer(version: int) -> None:
    with pytest.raises(GuardError) as caught:
        render_summary_as(version, a_transfer(), a_policy())
    assert caught.value.code == "summary.version"
    assert set(RENDERERS) == {1}


def test_the_vault_is_named_with_its_whole_address() -> None:
    assert line("From") == f"From: vault operations, {to_chunks(VAULT)}"
