from dataclasses import replace
from typing import Any

import pytest

from guard.bundles.problem import Location, Problem
from guard.bundles.soundness import compute_problems, require_sound
from guard.core.ids import NATIVE, AssetId, ChainName, GroupId, Label, PersonId, SignerId, VaultId
from guard.core.policy import Asset, OwnerEntry, SlowPath
from guard.core.roster import Roster
from guard.core.rules import AmountRange, Match
from guard.errors import GuardError
from tests.factories import (
    CHAIN,
    HOUR,
    SIGNERS,
    address_of,
    make_book_entry,
    make_key,
    make_limit,
    make_passkey,
    make_person,
    make_policy,
    make_roster,
    make_rule,
    make_signer,
    make_tier,
    make_vault,
    to_approvals,
)

USDC = AssetId("USDC")


def problems_of(**changes: Any) -> list[tuple[str, Location]]:
    return [(problem.code, problem.location) for problem in compute_problems(make_policy(**changes))]


def problems_of_rule(**changes: Any) -> list[tuple[str, Location]]:
    return problems_of(rules=(make_rule(**changes),))


def test_the_default_policy_is_sound() -> None:
    assert problems_of() == []
    assert require_sound(make_policy()) == make_policy()


def test_the_first_problem_is_raised_with_its_code_and_place() -> None:
    with pytest.raises(GuardError) as caught:
        require_sound(make_policy(rules=(make_rule(match=Match(vaults=(VaultId("nowhere"),))),)))
    assert caught.value.code == "policy.vault-unknown"
    assert caught.value.details["location"] == "rules.payments.match.vault.nowhere"


@pytest.mark.parametrize(
    ("match", "code", "place"),
    [
        (Match(vaults=(VaultId("nowhere"),)), "policy.vault-unknown", ("vault", "nowhere")),
        (Match(assets=(AssetId("DOGE"),)), "policy.asset-unknown", ("asset", "DOGE")),
        (Match(destination_labels=(Label("nobody"),)), "policy.label-unknown", ("destination", "label", "nobody")),
        (Match(initiator_people=(PersonId("mallory"),)), "policy.person-unknown", ("initiator", "person", "mallory")),
        (Match(initiator_groups=(GroupId("crowd"),)), "policy.group-unknown", ("initiator", "group", "crowd")),
    ],
)
def test_a_match_names_only_what_the_policy_has(match: Match, code: str, place: tuple[str, ...]) -> None:
    assert problems_of_rule(match=match) == [(code, ("rules", "payments", "match", *place))]


def test_a_problem_of_a_name_tells_the_known_ones() -> None:
    (problem,) = compute_problems(make_policy(rules=(make_rule(match=Match(vaults=(VaultId("operation"),))),)))
    assert (problem.named, problem.known) == ("operation", ("operations",))


def test_seats_are_asked_of_declared_groups_only() -> None:
    asked = to_approvals(crowd=1)
    assert problems_of_rule(approvals=asked) == [("policy.group-unknown", ("rules", "payments", "approvals", "crowd"))]
    tiers = (replace(make_tier(5), approvals=asked),)
    assert problems_of_rule(match=Match(assets=(USDC,)), tiers=tiers) == [
        ("policy.group-unknown", ("rules", "payments", "tiers", 0, "approvals", "crowd"))
    ]


def test_a_group_must_have_as_many_people_as_are_asked_of_it() -> None:
    # bob, carol and dave are finance.
    assert problems_of_rule(approvals=to_approvals(finance=2)) == []
    assert problems_of_rule(approvals=to_approvals(finance=3)) == []
    found = problems_of_rule(approvals=to_approvals(finance=4))
    assert found == [("policy.group-too-small", ("rules", "payments", "approvals", "finance"))]


@pytest.mark.parametrize("name", ["unfreeze", "change"])
def test_unfreezing_and_changing_never_need_all_of_a_group(name: str) -> None:
    # frank, grace and heidi are the policy admins.
    for count, codes in [(2, []), (3, ["policy.every-member-needed"]), (4, ["policy.group-too-small"])]:
        found = problems_of(**{name: SlowPath(approvals=to_approvals(policy_admins=count), delay=HOUR)})
        assert found == [(code, (name, "approvals", "policy-admins")) for code in codes]


def test_tiers_are_in_the_one_asset_that_their_rule_matches() -> None:
    tiers = (make_tier(5),)
    place = ("rules", "payments", "tiers", 0, "up_to")
    assert problems_of_rule(tiers=tiers, match=Match(assets=(USDC,))) == []
    for match in (Match(), Match(assets=(AssetId("ETH"),)), Match(assets=(AssetId("ETH"), USDC))):
        assert problems_of_rule(tiers=tiers, match=match) == [("policy.asset-mismatch", place)]


def test_an_amount_range_is_in_the_one_asset_that_its_rule_matches() -> None:
    amount = AmountRange(asset=USDC, at_least=5)
    assert problems_of_rule(match=Match(assets=(USDC,), amount=amount)) == []
    for assets in (None, (AssetId("ETH"),), (AssetId("ETH"), USDC)):
        found = problems_of_rule(match=Match(assets=assets, amount=amount))
        assert found == [("policy.asset-mismatch", ("rules", "payments", "match", "amount"))]


def test_the_asset_of_a_limit_is_known() -> None:
    found = problems_of_rule(limits=(make_limit(5, asset="DOGE"),))
    assert found == [("policy.asset-unknown", ("rules", "payments", "limits", 0, "amount"))]


def test_a_limit_without_its_vault_cannot_be() -> None:
    with pytest.raises(GuardError):
        replace(make_limit(5), per=("asset",))


def test_there_are_at_least_three_guardians() -> None:
    # erin, frank and grace are guardians.
    roster = make_roster(make_person("erin", "security"))
    assert ("policy.guardians-too-few", ("groups",)) in problems_of(roster=roster)
    assert problems_of(roster=make_roster(make_person("heidi", "policy-admins", "guardians"))) == []


def test_a_policy_without_a_guardian_group_has_too_few_guardians() -> None:
    assert ("policy.guardians-too-few", ("groups",)) in problems_of(roster=Roster((), (make_person("zoe", keys=()),)))


def test_a_person_has_a_key() -> None:
    roster = make_roster(make_person("bob", keys=()))
    assert problems_of(roster=roster) == [("policy.person-without-keys", ("people", "bob"))]


def test_a_key_without_a_display_is_refused_for_now() -> None:
    passkey = make_passkey("bob")
    roster = make_roster(make_person("bob", keys=(passkey,)))
    assert problems_of(roster=roster) == [("policy.key-without-display", ("people", "bob", "keys", passkey.address))]


def test_a_persons_key_is_never_a_signers_owner_key() -> None:
    owner = address_of("signer-a")
    roster = make_roster(make_person("bob", keys=(make_key("bob", address=owner),)))
    assert problems_of(roster=roster) == [("policy.key-is-owner", ("people", "bob", "keys", owner))]


def test_owners_bear_the_stolen_signers_that_the_policy_claims() -> None:
    numbers = make_policy().numbers
    for threshold, stolen, fine in [(3, 1, True), (3, 2, False), (4, 2, True), (4, 3, True), (4, 4, False)]:
        vaults = (make_vault(threshold=threshold),)
        found = problems_of(vaults=vaults, numbers=replace(numbers, withstands=stolen))
        place = ("vaults", "operations", "owners", 0, "threshold")
        assert found == ([] if fine else [("policy.withstands", place)])


def test_every_owners_entry_bears_them() -> None:
    first = OwnerEntry(from_nonce=0, threshold=3, signers=tuple(SignerId(name) for name in SIGNERS))
    weak = OwnerEntry(from_nonce=9, threshold=2, signers=tuple(SignerId(name) for name in SIGNERS[:3]))
    found = problems_of(vaults=(replace(make_vault(), owners=(first, weak)),))
    assert found == [("policy.withstands", ("vaults", "operations", "owners", 1, "threshold"))]


def test_owners_are_signers_of_the_policy() -> None:
    found = problems_of(vaults=(make_vault(signers=("signer-a", "signer-b", "signer-c", "signer-z")),))
    assert found == [("policy.signer-unknown", ("vaults", "operations", "owners", 0, "signers", "signer-z"))]


def test_chains_are_those_of_the_policy() -> None:
    nowhere = ChainName("nowhere")
    assert problems_of(vaults=(replace(make_vault(), chain=nowhere),)) == [
        ("policy.chain-unknown", ("vaults", "operations", "chain"))
    ]
    assert problems_of(book=(make_book_entry("exchange", chains=(CHAIN, nowhere)),)) == [
        ("policy.chain-unknown", ("addresses", "exchange", "chains", "nowhere"))
    ]
    assets = (Asset(id=USDC, chain=nowhere, address=address_of("token usdc"), decimals=6),)
    assert problems_of(assets=assets) == [("policy.chain-unknown", ("assets", "USDC", "chain"))]


def test_nothing_lives_at_the_zero_address() -> None:
    assert problems_of(book=(make_book_entry("exchange", address=NATIVE),)) == [
        ("policy.address-zero", ("addresses", "exchange", "address"))
    ]
    assert problems_of(vaults=(replace(make_vault(), address=NATIVE),)) == [
        ("policy.address-zero", ("vaults", "operations", "address"))
    ]
    signers = (make_signer("signer-a", owner=NATIVE), *(make_signer(name) for name in SIGNERS[1:]))
    assert problems_of(signers=signers) == [("policy.address-zero", ("signers", "signer-a", "owner"))]
    roster = make_roster(make_person("bob", keys=(make_key("bob", address=NATIVE),)))
    assert problems_of(roster=roster) == [("policy.address-zero", ("people", "bob", "keys", NATIVE))]


def test_the_chains_own_coin_has_18_decimals() -> None:
    for decimals, fine in [(17, False), (18, True), (19, False)]:
        found = problems_of(assets=(Asset(id=USDC, chain=CHAIN, address=NATIVE, decimals=decimals),))
        assert found == ([] if fine else [("policy.native-decimals", ("assets", "USDC", "decimals"))])


def test_one_address_has_one_label_on_a_chain() -> None:
    twin = make_book_entry("twin", address=make_book_entry("exchange").address)
    found = problems_of(book=(make_book_entry("exchange"), twin))
    assert found == [("policy.address-twice", ("addresses", "twin", "address"))]


@pytest.mark.parametrize("name", ["chains", "assets", "vaults", "signers", "rules"])
def test_a_policy_that_names_nothing_is_unfinished(name: str) -> None:
    assert ("policy.nothing-named", (name,)) in problems_of(**{name: ()})


def test_a_problem_has_a_code_of_the_catalogue() -> None:
    with pytest.raises(LookupError):
        Problem(code="policy.odd", message="odd", location=("rules",))


def test_a_vault_that_no_rule_allows_is_sound() -> None:
    assert problems_of_rule(match=Match(vaults=(VaultId("operations"),)), allow=False) == []
