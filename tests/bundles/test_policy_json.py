import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.bundles.policy_json import from_json, to_json
from guard.core.ids import GroupId
from guard.core.policy import Policy
from guard.core.roster import Roster
from guard.errors import GuardError
from guard.formats.canonical import parse_canonical, to_canonical
from tests.bundles.policies import policies
from tests.factories import DAY, make_limit, make_policy, make_rule, make_signer, make_tier, make_vault

Path = tuple[str | int, ...]


def written(policy: Policy) -> Any:
    return json.loads(to_canonical(to_json(policy)))


def refusal_of(value: Any) -> str:
    with pytest.raises(GuardError) as caught:
        from_json(value)
    return caught.value.code


@given(policies())
def test_a_policy_survives_its_bytes_whole(policy: Policy) -> None:
    raw = to_canonical(to_json(policy))
    again = from_json(parse_canonical(raw))
    assert again == policy
    assert to_canonical(to_json(again)) == raw


def every_object(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict):
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from every_object(each, (*path, name))


def at(value: Any, path: Path) -> Any:
    for name in path:
        value = value[name]
    return value


def full_policy() -> Policy:
    limits = (make_limit(10**12), make_limit(10**13, window=7 * DAY))
    tiers = (make_tier(10**6), make_tier(10**9, finance=2))
    return make_policy(rules=(make_rule("caps", limits=limits), make_rule("tiers", tiers=tiers)))


OPEN_KEYS = {"approvals"}


def test_every_object_of_a_policy_refuses_a_missing_and_an_unknown_field() -> None:
    whole = written(full_policy())
    objects = [path for path in every_object(whole) if path and path[-1] not in OPEN_KEYS] + [()]
    assert len(objects) > 30
    for path in objects:
        for name in at(whole, path):
            less = copy.deepcopy(whole)
            del at(less, path)[name]
            assert refusal_of(less) == "json.field-missing", (path, name)
        more = copy.deepcopy(whole)
        at(more, path)["colour"] = "red"
        assert refusal_of(more) == "json.field-unknown", path


WRONG: list[Any] = [
    None,
    True,
    1,
    -1,
    "",
    "x" * 5000,
    [],
    {},
    [[]],
    "1_000",
    "0x",
    "\u202e",
    2**60,
    [1],
    {"finance": True},
]


@given(st.data())
def test_no_single_wrong_value_gives_another_policy_or_another_exception(data: st.DataObject) -> None:
    value = written(full_policy())
    places = [
        (path, name)
        for path in every_object(value)
        for name in at(value, path)
        if not isinstance(at(value, path)[name], dict)
    ]
    path, name = data.draw(st.sampled_from(places))
    wrong = data.draw(st.sampled_from(WRONG))
    at(value, path)[name] = wrong
    try:
        policy = from_json(value)
    except GuardError:
        return
    assert to_json(policy) == value


def reversed_list(value: Any, path: Path) -> Any:
    at(value, path).reverse()
    return value


@pytest.mark.parametrize(
    "path",
    [
        ("assets",),
        ("book",),
        ("signers",),
        ("rules",),
        ("roster", "groups"),
        ("roster", "people"),
        ("vaults", 0, "owners", 0, "signers"),
        ("rules", 0, "limits"),
        ("rules", 0, "limits", 0, "per"),
    ],
)
def test_a_list_out_of_order_is_refused(path: Path) -> None:
    assert refusal_of(reversed_list(written(full_policy()), path)) == "bundle.order"


def test_a_name_that_stands_twice_is_refused() -> None:
    value = written(make_policy())
    value["vaults"][0]["owners"][0]["signers"] = ["signer-a", "signer-a", "signer-b"]
    assert refusal_of(value) == "bundle.order"


def test_a_policy_out_of_order_cannot_be_written() -> None:
    with pytest.raises(GuardError, match="groups are out of order"):
        to_json(make_policy(roster=Roster((GroupId("b"), GroupId("a")), ())))
    backwards = (make_signer("signer-b"), make_signer("signer-a"))
    with pytest.raises(GuardError, match="signers are out of order"):
        to_json(make_policy(signers=backwards))


def test_a_bool_is_not_a_count() -> None:
    for path in [("numbers", "withstands"), ("vaults", 0, "max_unmined"), ("change", "loosening_delay")]:
        value = written(make_policy())
        at(value, path[:-1])[path[-1]] = True
        assert refusal_of(value) == "json.field-type"


def test_seats_are_in_1_to_100() -> None:
    for count, code in [(0, "json.field-type"), (1, ""), (100, ""), (101, "value.invalid")]:
        value = written(make_policy())
        value["change"]["approvals"] = {"policy-admins": count}
        if code:
            assert refusal_of(value) == code
        else:
            assert from_json(value).change.approvals == (("policy-admins", count),)


def test_what_is_slow_by_definition_takes_at_least_a_second() -> None:
    for name, field in [("unfreeze", "delay"), ("change", "loosening_delay")]:
        value = written(make_policy())
        value[name][field] = 0
        assert refusal_of(value) == "json.field-type"


def test_amounts_are_plain_decimal_strings_below_2_to_the_256() -> None:
    for units, fine in [
        (str(2**256 - 1), True),
        (str(2**256), False),
        ("1e3", False),
        ("01", False),
        ("-1", False),
        (7, False),
    ]:
        value = written(full_policy())
        value["rules"][0]["limits"][1]["cap"]["units"] = units
        if fine:
            assert from_json(value).rules[0].limits[1].cap.units == 2**256 - 1
        else:
            assert refusal_of(value) in ("json.number", "json.field-type")


def test_an_action_that_is_not_decided_on_yet_is_refused() -> None:
    value = written(make_policy())
    value["rules"][0]["match"]["actions"] = ["call"]
    assert refusal_of(value) == "policy.not-yet"


def test_texts_that_hide_something_are_refused() -> None:
    for path in [("rules", 0, "why"), ("rules", 0, "owner"), ("roster", "people", 0, "name")]:
        value = written(make_policy())
        at(value, path[:-1])[path[-1]] = "pay \u202eecnerefer"
        assert refusal_of(value) == "text.characters"


def test_an_address_without_its_checksum_is_refused() -> None:
    value = written(make_policy())
    value["vaults"][0]["address"] = value["vaults"][0]["address"].lower()
    assert refusal_of(value) == "address.checksum"


def test_half_or_less_of_the_owners_is_refused() -> None:
    value = written(make_policy(vaults=(make_vault(threshold=3),)))
    value["vaults"][0]["owners"][0]["threshold"] = 2
    assert refusal_of(value) == "value.invalid"


def test_a_review_day_must_exist() -> None:
    for day, fine in [("2028-02-29", True), ("2027-02-29", False), ("20270228", False), ("", True)]:
        value = written(make_policy(rules=(replace(make_rule(), review_by="2028-02-29"),)))
        value["rules"][0]["review_by"] = day
        if fine:
            assert from_json(value).rules[0].review_by == day
        else:
            assert refusal_of(value) == "policy.time"


@pytest.mark.parametrize(
    ("path", "wrong", "code"),
    [
        (("roster", "groups"), ["Finance"], "json.field-type"),
        (("roster", "groups"), [1], "json.field-type"),
        (("roster", "people", 0, "groups"), ["nobody"], "value.invalid"),
        (("roster", "people", 0, "keys", 0, "kind"), "paper", "json.field-type"),
        (("roster", "people", 0, "keys", 0, "display"), False, "value.invalid"),
        (("rules", 0, "approvals"), [], "json.field-type"),
        (("rules", 0, "approvals"), {"Finance": 1}, "json.field-type"),
        (("rules", 0, "match"), None, "json.field-type"),
        (("rules", 0, "match", "vaults"), [], "value.invalid"),
        (("rules", 0, "match", "vaults"), ["Operations"], "json.field-type"),
        (("rules", 0, "match", "vaults"), "operations", "json.field-type"),
        (("rules", 0, "match", "actions"), [], "policy.not-yet"),
        (("rules", 0, "match", "amount"), {"asset": "USDC", "at_least": None, "at_most": None}, "value.invalid"),
        (("rules", 0, "match", "amount"), {"asset": 1, "at_least": "1", "at_most": None}, "json.field-type"),
        (("rules", 0, "limits", 0, "cap", "asset"), "US$", "json.field-type"),
        (("rules", 0, "limits", 0, "cap", "units"), "0", "value.invalid"),
        (("rules", 0, "limits", 0, "per"), [1], "json.field-type"),
        (("rules", 0, "limits", 0, "per"), ["asset"], "value.invalid"),
        (("rules", 0, "limits", 0, "per"), ["asset", "chain", "vault"], "value.invalid"),
        (("rules", 0, "limits", 0, "window"), 0, "json.field-type"),
        (("rules", 0, "approval_valid_for"), 0, "json.field-type"),
        (("rules", 0, "why"), " ", "policy.empty"),
        (("signers", 0, "stop_address"), "two words", "text.characters"),
        (("signers", 0, "stop_address"), "x" * 201, "text.characters"),
        (("signers", 0, "journal_key"), "0x00", "hex.malformed"),
        (("vaults", 0, "kind"), "eoa", "value.invalid"),
        (("vaults", 0, "owners"), [], "value.invalid"),
        (("vaults", 0, "max_unmined"), 0, "value.invalid"),
        (("vaults", 0, "max_unmined"), 101, "value.invalid"),
        (("chains", 0, "chain_id"), "0", "value.invalid"),
        (("chains", 0, "chain_id"), 1, "json.field-type"),
        (("assets", 0, "decimals"), 37, "value.invalid"),
        (("book", 0, "chains"), [], "value.invalid"),
        (("book", 0, "tags"), [1], "json.field-type"),
    ],
)
def test_a_wrong_value_is_refused_with_its_code(path: Path, wrong: object, code: str) -> None:
    value = written(full_policy())
    at(value, path[:-1])[path[-1]] = wrong
    assert refusal_of(value) == code
