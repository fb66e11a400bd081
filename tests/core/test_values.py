"""What cannot be: every constructor of the core refuses it, with `value.invalid` and a message that names it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from guard.core.facts import Facts, Outage
from guard.core.ids import (
    NATIVE,
    AssetId,
    ChainName,
    GroupId,
    RuleId,
    SignerId,
    VaultId,
    is_address,
    is_count,
    is_digest,
    is_name,
    is_symbol,
)
from guard.core.policy import Asset, BookEntry, Chain, Numbers, OwnerEntry, SlowPath, Vault
from guard.core.roster import Key, KeyKind, Roster
from guard.core.rules import Amount, AmountRange, Match, RollingLimit, Rule, Tier
from guard.core.transfer import Transfer
from guard.errors import GuardError
from tests.factories import (
    FINANCE,
    TREASURY,
    VAULT_ADDRESS,
    address_of,
    digest_of,
    make_book_entry,
    make_facts,
    make_key,
    make_limit,
    make_person,
    make_policy,
    make_roster,
    make_rule,
    make_signer,
    make_tier,
    make_transfer,
    make_vault,
    to_approvals,
)

NOT_COUNTS = [-1, True, False, 1.0, "1", None]
NOT_DIGESTS = ["", "0x", "0x" + "ab" * 31, "0x" + "AB" * 32, "ab" * 32, "0x" + "ab" * 32 + "\n", None, 7]
NOT_ADDRESSES = [
    "",
    "0x",
    VAULT_ADDRESS[:-1],
    VAULT_ADDRESS + "0",
    VAULT_ADDRESS + "\n",
    "0X" + VAULT_ADDRESS[2:],
    None,
]
NOT_NAMES = ["", "A", "a_b", "-a", "a-", "a--b", "1a", "a b", "a\n", "é", "\u0430", "a" * 65, None]


def refuse(make: Callable[..., object], *arguments: Any, **fields: Any) -> str:
    with pytest.raises(GuardError) as refused:
        make(*arguments, **fields)
    assert refused.value.code == "value.invalid"
    return refused.value.message


# --- Names and numbers ---


@pytest.mark.parametrize("text", NOT_DIGESTS)
def test_a_digest_is_32_bytes_in_lower_case_hexadecimal(text: object) -> None:
    assert not is_digest(text)
    assert is_digest(digest_of("anything"))


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_an_address_has_40_figures(text: object) -> None:
    assert not is_address(text)
    assert is_address(VAULT_ADDRESS)


@pytest.mark.parametrize("text", NOT_NAMES)
def test_a_name_is_lower_case_words_joined_by_hyphens(text: object) -> None:
    assert not is_name(text)
    assert all(is_name(name) for name in ("a", "a1", "policy-admins", "a" * 64))


@pytest.mark.parametrize("text", ["", "1INCH", "US DC", "USDC\n", "U" * 17, "USD\u0421", None])
def test_a_symbol_is_plain_letters(text: object) -> None:
    assert not is_symbol(text)
    assert all(is_symbol(symbol) for symbol in ("USDC", "USDC.e", "wstETH", "U" * 16))


@pytest.mark.parametrize("value", NOT_COUNTS)
def test_a_count_is_a_whole_number_and_true_is_none(value: object) -> None:
    assert not is_count(value)


@pytest.mark.parametrize(("value", "holds"), [(1, False), (2, True), (3, True), (4, False)])
def test_a_count_lies_in_its_range(value: int, holds: bool) -> None:
    assert is_count(value, least=2, end=4) is holds
    assert is_count(2**256 - 1)
    assert not is_count(2**256)


# --- Transfer ---


@pytest.mark.parametrize("field", ["treasury", "call_data_hash", "policy", "uniqueness", "supersedes", "again"])
@pytest.mark.parametrize("text", NOT_DIGESTS)
def test_a_transfer_names_digests_of_32_bytes(field: str, text: object) -> None:
    assert refuse(make_transfer, **{field: text}).startswith(f"{field} of a transfer")


@pytest.mark.parametrize("field", ["vault", "asset", "destination"])
@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_a_transfer_names_addresses(field: str, text: object) -> None:
    assert refuse(make_transfer, **{field: text}).startswith(f"{field} of a transfer")


@pytest.mark.parametrize("field", ["proposed_at", "expires_at"])
@pytest.mark.parametrize("time", [*NOT_COUNTS, 2**64])
def test_a_transfer_has_times(field: str, time: object) -> None:
    assert refuse(make_transfer, **{field: time}).startswith(f"{field} of a transfer")


@pytest.mark.parametrize(
    "fields",
    [
        *({"amount_units": units} for units in [*NOT_COUNTS, 2**256]),
        *({"chain_id": number} for number in [*NOT_COUNTS, 0, 2**256]),
        *({"initiator": name} for name in NOT_NAMES),
        {"purpose": "x" * 201},
    ],
    ids=str,
)
def test_a_transfer_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    refuse(make_transfer, **fields)


def test_a_transfer_at_its_limits_is_taken() -> None:
    transfer = make_transfer(amount_units=2**256 - 1, expires_at=2**64 - 1, purpose="x" * 200)
    assert isinstance(transfer, Transfer)


# --- Rules ---


@pytest.mark.parametrize("units", [*NOT_COUNTS, 0, 2**256])
def test_an_amount_is_more_than_nothing(units: object) -> None:
    refuse(Amount, AssetId("USDC"), units)


@pytest.mark.parametrize(
    "sides",
    [{}, {"at_least": 2, "at_most": 1}, {"at_least": -1}, {"at_least": True}, {"at_most": 2**256}],
    ids=str,
)
def test_an_amount_range_has_a_side_and_is_not_empty(sides: dict[str, Any]) -> None:
    refuse(AmountRange, asset=AssetId("USDC"), **sides)


@pytest.mark.parametrize(
    "field", ["vaults", "assets", "actions", "destination_labels", "initiator_people", "initiator_groups"]
)
def test_p7_an_empty_list_matches_nothing_and_cannot_be(field: str) -> None:
    assert "empty list" in refuse(Match, **{field: ()})


@pytest.mark.parametrize("count", [*NOT_COUNTS, 0, 101])
def test_seats_are_one_to_a_hundred(count: object) -> None:
    refuse(make_rule, approvals=((FINANCE, count),))
    assert make_rule(approvals=((FINANCE, 100),)).approvals == ((FINANCE, 100),)


@pytest.mark.parametrize("groups", [("finance", "finance"), ("security", "finance")], ids=str)
def test_seats_name_each_group_once_and_in_order(groups: tuple[str, str]) -> None:
    refuse(make_rule, approvals=tuple((GroupId(group), 1) for group in groups))


@pytest.mark.parametrize(
    "fields",
    [
        {"id": RuleId("Payments")},
        {"allow": True, "deny": True, "approvals": ()},
        {"allow": False, "approvals": ()},
        {"allow": False, "deny": True},
        {"allow": False, "deny": True, "approvals": (), "delay": 1},
        {"allow": False, "deny": True, "approvals": (), "tiers": (make_tier(1),)},
        {"allow": False, "deny": True, "approvals": (), "limits": (make_limit(1),)},
        {"allow": False, "deny": True, "approvals": (), "approval_valid_for": 60},
        {"delay": -1},
        {"delay": True},
        {"approval_valid_for": 0},
        {"approval_valid_for": True},
    ],
    ids=str,
)
def test_a_rule_asks_for_something_and_not_for_two_contrary_things(fields: dict[str, Any]) -> None:
    refuse(make_rule, **fields)


@pytest.mark.parametrize(
    "tiers",
    [
        (make_tier(100), make_tier(100)),
        (make_tier(101), make_tier(100)),
        (make_tier(100), make_tier(200, asset="ETH")),
        (make_tier(100, finance=2), make_tier(200, finance=1)),
        (make_tier(100, finance=1, security=1), make_tier(200, finance=2)),
        (make_tier(100, delay=2), make_tier(200, delay=1)),
    ],
)
def test_each_tier_asks_at_least_what_the_one_before_it_asks(tiers: tuple[Tier, ...]) -> None:
    refuse(make_rule, approvals=(), tiers=tiers)


def test_tiers_that_rise_are_taken() -> None:
    tiers = (make_tier(100), make_tier(101), make_tier(200, finance=1, security=1, delay=1))
    assert isinstance(make_rule(approvals=(), tiers=tiers), Rule)


@pytest.mark.parametrize("fields", [{"approvals": ()}, {"delay": -1}, {"delay": True}], ids=str)
def test_a_tier_asks_somebody(fields: dict[str, Any]) -> None:
    refuse(replace, make_tier(1), **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"window": 0},
        {"window": True},
        {"per": ("asset",)},
        {"per": ("vault",)},
        {"per": ()},
        {"per": ("asset", "vault", "vault")},
        {"per": ("asset", "vault", "day")},
    ],
    ids=str,
)
def test_a_limit_is_per_vault_and_asset_over_a_window(fields: dict[str, Any]) -> None:
    refuse(RollingLimit, **({"cap": Amount(AssetId("USDC"), 1), "window": 60, "per": ("asset", "vault")} | fields))


# --- People ---


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "0x"},
        {"device": "My Phone"},
        {"display": False},
        {"kind": KeyKind.PASSKEY},
        {"kind": KeyKind.PASSKEY, "display": True},
    ],
    ids=str,
)
def test_a_key_is_an_address_on_a_device_and_only_passkeys_lack_a_display(fields: dict[str, Any]) -> None:
    refuse(make_key, "bob", **fields)
    assert isinstance(make_key("bob", kind=KeyKind.PASSKEY, display=False), Key)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "Bob"},
        {"organisation": "The Company"},
        {"groups": ("Finance",)},
        {"groups": (FINANCE, FINANCE)},
        {"machine": True},
    ],
    ids=str,
)
def test_a_person_has_a_plain_name_and_a_machine_no_group(fields: dict[str, Any]) -> None:
    refuse(make_person, "bob", **fields)


def test_p11_a_key_belongs_to_one_person() -> None:
    thief = make_person("carol", keys=(make_key("bob"),))
    assert "two people" in refuse(make_roster, thief)
    assert "stands twice" in refuse(make_roster, make_person("carol", keys=(make_key("carol"), make_key("carol"))))


def test_p11_a_person_stands_once_and_in_groups_that_exist() -> None:
    bob = make_person("bob")
    assert "used twice" in refuse(Roster, (FINANCE,), (bob, replace(bob, keys=())))
    assert "not declared" in refuse(Roster, (), (bob,))
    assert "declared twice" in refuse(Roster, (FINANCE, FINANCE), (bob,))


def test_a_roster_tells_who_holds_a_key_and_who_is_in_a_group() -> None:
    roster = make_roster()
    bob = roster.person(make_person("bob").id)
    assert bob and roster.holder(address_of("bob")) == (bob, bob.keys[0])
    assert roster.holder(address_of("nobody")) is None
    assert roster.members(FINANCE) == {"bob", "carol", "dave"}
    assert not roster.is_member(make_person("mallory").id, FINANCE)


# --- Policy ---

TWICE: dict[str, dict[str, Any]] = {
    "chain": {"chains": (Chain(name=ChainName("local"), chain_id=1), Chain(name=ChainName("local"), chain_id=2))},
    "chain id": {"chains": (Chain(name=ChainName("one"), chain_id=1), Chain(name=ChainName("two"), chain_id=1))},
    "asset": {"assets": (make_policy().assets[0],) * 2},
    "asset address": {"assets": (make_policy().assets[0], replace(make_policy().assets[0], id=AssetId("ETH2")))},
    "vault": {"vaults": (make_vault(), replace(make_vault(), address=address_of("another")))},
    "vault address": {"vaults": (make_vault(), replace(make_vault(), id=VaultId("another")))},
    "signer": {"signers": (make_signer("signer-a"), replace(make_signer("signer-b"), id=SignerId("signer-a")))},
    "owner": {"signers": (make_signer("signer-a"), make_signer("signer-b", owner=address_of("signer-a")))},
    "journal key": {"signers": tuple(make_signer(name, journal_key=TREASURY) for name in ("signer-a", "signer-b"))},
    "label": {"book": (make_book_entry("exchange"), make_book_entry("exchange", address=address_of("another")))},
    "rule": {"rules": (make_rule(), make_rule(why="Another one."))},
}


@pytest.mark.parametrize("what", TWICE)
def test_a_policy_names_nothing_twice(what: str) -> None:
    assert refuse(make_policy, **TWICE[what]) == f"a {what} is named twice"


@pytest.mark.parametrize(("count", "threshold"), [(2, 1), (4, 2), (3, 0), (3, 4), (3, True), (0, 1)], ids=str)
def test_p2_half_of_the_owners_or_less_is_no_threshold(count: int, threshold: int) -> None:
    signers = tuple(SignerId(f"signer-{letter}") for letter in "abcd"[:count])
    refuse(OwnerEntry, from_nonce=0, threshold=threshold, signers=signers)


@pytest.mark.parametrize(("count", "threshold"), [(1, 1), (2, 2), (3, 2), (4, 3)])
def test_p2_more_than_half_of_the_owners_is_a_threshold(count: int, threshold: int) -> None:
    signers = tuple(SignerId(f"signer-{letter}") for letter in "abcd"[:count])
    assert OwnerEntry(from_nonce=0, threshold=threshold, signers=signers).threshold == threshold


def test_an_owner_stands_once() -> None:
    refuse(OwnerEntry, from_nonce=0, threshold=2, signers=(SignerId("signer-a"),) * 2)


def owners_from(*nonces: int) -> tuple[OwnerEntry, ...]:
    return tuple(OwnerEntry(from_nonce=nonce, threshold=1, signers=(SignerId("signer-a"),)) for nonce in nonces)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "Operations"},
        {"address": "0x"},
        {"kind": "eoa"},
        {"owners": ()},
        {"owners": owners_from(5, 5)},
        {"owners": owners_from(5, 4)},
        {"max_unmined": 0},
        {"max_unmined": 101},
        {"max_unmined": True},
    ],
    ids=str,
)
def test_a_vault_is_a_safe_with_owners_in_the_order_of_nonces(fields: dict[str, Any]) -> None:
    refuse(replace, make_vault(), **fields)


@pytest.mark.parametrize(("nonce", "from_nonce"), [(4, None), (5, 5), (8, 5), (9, 9), (10, 9)])
def test_the_owners_at_a_nonce_are_those_of_the_last_entry_before_it(nonce: int, from_nonce: int | None) -> None:
    vault: Vault = replace(make_vault(), owners=owners_from(5, 9))
    owners = vault.owners_at(nonce)
    assert (owners and owners.from_nonce) == from_nonce
    assert vault.first_nonce == 5


REFUSED: list[tuple[Callable[..., object], dict[str, Any]]] = [
    (Chain, {"name": "Local", "chain_id": 1}),
    (Chain, {"name": "local", "chain_id": 0}),
    (Asset, {"id": "U$DC", "chain": "local", "address": NATIVE, "decimals": 6}),
    (Asset, {"id": "USDC", "chain": "local", "address": "0x", "decimals": 6}),
    (Asset, {"id": "USDC", "chain": "local", "address": NATIVE, "decimals": 37}),
    (Asset, {"id": "USDC", "chain": "local", "address": NATIVE, "decimals": True}),
    (BookEntry, {"label": "Exchange", "address": NATIVE, "chains": ("local",)}),
    (BookEntry, {"label": "exchange", "address": "0x", "chains": ("local",)}),
    (BookEntry, {"label": "exchange", "address": NATIVE, "chains": ()}),
    (BookEntry, {"label": "exchange", "address": NATIVE, "chains": ("local",), "tags": ("Bad Tag",)}),
    (SlowPath, {"approvals": (), "delay": 0}),
    (SlowPath, {"approvals": to_approvals(finance=1), "delay": -1}),
    (Numbers, {"max_transfer_age": 0, "settle": 0, "withstands": 0}),
    (Numbers, {"max_transfer_age": 1, "settle": -1, "withstands": 0}),
    (Numbers, {"max_transfer_age": 1, "settle": 0, "withstands": True}),
    (make_signer, {"name": "signer-a", "id": "Signer"}),
    (make_signer, {"name": "signer-a", "owner": "0x"}),
    (make_signer, {"name": "signer-a", "journal_key": "0x"}),
    (make_signer, {"name": "signer-a", "stop_address": ""}),
    (make_signer, {"name": "signer-a", "stop_address": "x" * 201}),
    (make_policy, {"treasury": "0x"}),
]


@pytest.mark.parametrize(("make", "fields"), REFUSED)
def test_a_value_that_cannot_be_is_refused(make: Callable[..., object], fields: dict[str, Any]) -> None:
    refuse(make, **fields)


@pytest.mark.parametrize("now", NOT_COUNTS)
def test_p4_now_is_a_time(now: Any) -> None:
    refuse(make_facts, now=now)
    assert isinstance(make_facts(), Facts)


def test_a_policy_finds_what_it_names() -> None:
    policy = make_policy()
    assert policy.asset(AssetId("USDC")) == policy.assets[1]
    assert policy.signer(SignerId("signer-b")) == policy.signers[1]
    assert policy.asset(AssetId("DAI")) is None and policy.signer(SignerId("signer-z")) is None
    assert isinstance(Outage(1, 2), Outage)
