"""Of which transfers a rule speaks, condition by condition, and which tier covers one (DESIGN §5)."""

from typing import Any

import pytest

from guard.core.ids import NATIVE, AssetId, GroupId, Label, PersonId, VaultId
from guard.core.matching import compute_matching, find_tier, is_match
from guard.core.policy import Policy
from guard.core.rules import AmountRange, Match
from guard.core.transfer import Action
from tests.factories import (
    CHAIN_ID,
    UNLISTED,
    address_of,
    make_book_entry,
    make_policy,
    make_rule,
    make_tier,
    make_transfer,
    usdc,
)


def matches(match: Match, *, policy: Policy | None = None, **changes: Any) -> bool:
    return is_match(match, policy or make_policy(), make_transfer(**changes))


VAULTS = (VaultId("operations"), VaultId("reserve"))
USDC_ONLY = (AssetId("USDC"),)
ETHER_ONLY = (AssetId("ETH"),)
EXCHANGE = (Label("exchange"),)


def test_a_match_without_conditions_fits_everything() -> None:
    assert matches(Match())
    assert matches(Match(), vault=UNLISTED, asset=UNLISTED, destination=UNLISTED, initiator="mallory", amount_units=0)


FITTING = {
    "vault": Match(vaults=VAULTS),
    "asset": Match(assets=USDC_ONLY),
    "action": Match(actions=(Action.CALL, Action.TRANSFER)),
    "label": Match(destination_labels=(Label("exchange"), Label("supplier"))),
    "listed": Match(destination_listed=True),
    "initiator's id": Match(initiator_people=(PersonId("alice"),)),
    "initiator's group": Match(initiator_groups=(GroupId("finance"), GroupId("operations"))),
    "amount": Match(amount=AmountRange(asset=AssetId("USDC"), at_least=usdc(5000), at_most=usdc(5000))),
}
"""Each fits the default transfer by one condition."""

MISFITS: dict[str, dict[str, Any]] = {
    "vault": {"vault": address_of("another vault")},
    "asset": {"asset": NATIVE},
    "action": {"action": Action.ALLOWANCE},
    "label": {"destination": UNLISTED},
    "listed": {"destination": UNLISTED},
    "initiator's id": {"initiator": "bob"},
    "initiator's group": {"initiator": "heidi"},
    "amount": {"amount_units": usdc(5001)},
}


@pytest.mark.parametrize("condition", FITTING)
def test_a_condition_fits_what_it_names(condition: str) -> None:
    assert matches(FITTING[condition])


@pytest.mark.parametrize("condition", FITTING)
def test_a_condition_fits_nothing_else(condition: str) -> None:
    assert not matches(FITTING[condition], **MISFITS[condition])


@pytest.mark.parametrize("condition", ["vault", "asset", "label", "listed", "amount"])
def test_what_the_policy_knows_on_one_chain_fits_nothing_on_another(condition: str) -> None:
    assert not matches(FITTING[condition], chain_id=CHAIN_ID + 1)


@pytest.mark.parametrize("condition", ["initiator's id", "initiator's group"])
def test_an_initiator_whom_the_roster_does_not_know_fits_no_name(condition: str) -> None:
    assert not matches(FITTING[condition], initiator="mallory")


def test_all_conditions_must_fit() -> None:
    both = Match(vaults=VAULTS, assets=USDC_ONLY)
    assert matches(both)
    assert not matches(both, asset=NATIVE)
    assert not matches(both, vault=UNLISTED)


def test_a_rule_for_what_is_not_listed_fits_only_that() -> None:
    assert matches(Match(destination_listed=False), destination=UNLISTED)
    assert not matches(Match(destination_listed=False))


def test_initiators_may_be_named_by_id_or_by_group() -> None:
    either = Match(initiator_people=(PersonId("bob"),), initiator_groups=(GroupId("operations"),))
    assert matches(either)
    assert matches(either, initiator="bob")
    assert not matches(either, initiator="carol")


@pytest.mark.parametrize(("units", "fits"), [(99, False), (100, True), (101, True)])
def test_a_lower_amount_is_included(units: int, fits: bool) -> None:
    assert matches(Match(amount=AmountRange(asset=AssetId("USDC"), at_least=100)), amount_units=units) is fits


@pytest.mark.parametrize(("units", "fits"), [(99, True), (100, True), (101, False)])
def test_an_upper_amount_is_included(units: int, fits: bool) -> None:
    assert matches(Match(amount=AmountRange(asset=AssetId("USDC"), at_most=100)), amount_units=units) is fits


def test_an_amount_range_fits_no_other_asset() -> None:
    ether = AmountRange(asset=AssetId("ETH"), at_least=1)
    assert matches(Match(amount=ether), asset=NATIVE, amount_units=1)
    assert not matches(Match(amount=ether))


def test_a_destination_is_listed_on_the_chains_that_its_entry_names() -> None:
    elsewhere = make_policy(book=(make_book_entry("exchange", chains=("unknown",)),))
    assert not matches(Match(destination_listed=True), policy=elsewhere)


def test_every_rule_that_matches_applies_in_the_order_of_ids() -> None:
    rules = (make_rule("zebra"), make_rule("middle", match=Match(assets=ETHER_ONLY)), make_rule("apple"))
    assert [rule.id for rule in compute_matching(make_policy(rules=rules), make_transfer())] == ["apple", "zebra"]


# --- Tiers ---

TIERED = make_rule(approvals=(), tiers=(make_tier(100), make_tier(200), make_tier(300)))


@pytest.mark.parametrize(
    ("units", "covered_by"),
    [(1, 100), (99, 100), (100, 100), (101, 200), (200, 200), (201, 300), (299, 300), (300, 300), (301, None)],
)
def test_the_first_tier_that_covers_counts_alone(units: int, covered_by: int | None) -> None:
    tier = find_tier(TIERED, make_policy(), make_transfer(amount_units=units))
    assert (tier and tier.up_to.units) == covered_by


def test_no_tier_covers_an_asset_that_is_not_its_own() -> None:
    assert find_tier(TIERED, make_policy(), make_transfer(asset=NATIVE, amount_units=1)) is None
    assert find_tier(TIERED, make_policy(), make_transfer(asset=UNLISTED, amount_units=1)) is None


def test_a_rule_without_tiers_has_none_that_covers() -> None:
    assert find_tier(make_rule(), make_policy(), make_transfer()) is None
