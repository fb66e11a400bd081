"""The prediction is `core.decide` over the server's own facts: compared with a slow account of the same events, kept by the test itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.facts import ScopeKind
from guard.core.ids import AssetId, Label
from guard.core.lifecycle import State
from guard.core.rules import Match
from guard.core.transfer import Transfer
from guard.errors import AdapterError
from guard.service.acknowledgement import Acknowledgement
from guard.service.outlook import SIGNERS_DECIDE, to_prediction
from guard.service.statement_reader import StatementReader
from guard.statements.values import Freeze, Proposal
from guard.store.database import Database
from guard.store.store import Store
from tests.databases import new_sqlite_database
from tests.factories import (
    DAY,
    HOUR,
    MINUTE,
    address_of,
    digest_of,
    make_limit,
    make_rule,
    make_tier,
    to_approvals,
    usdc,
)
from tests.service.account import TICK, Account
from tests.service.house import House, asked, code_of
from tests.team import transfer_id_of

RULES = (
    make_rule(
        "payments",
        match=Match(assets=(AssetId("USDC"),)),
        approvals=(),
        tiers=(make_tier(usdc(6000), finance=1), make_tier(usdc(20_000), finance=2, delay=2 * HOUR)),
        limits=(make_limit(usdc(12_000)),),
    ),
    make_rule(
        "supplier",
        allow=False,
        match=Match(destination_labels=(Label("supplier"),)),
        approvals=to_approvals(security=1),
        approval_valid_for=6 * HOUR,
    ),
)
PLACE = st.integers(0, 3)
APPROVER = st.sampled_from(["bob", "carol", "dave", "erin"])
GUARDIAN = st.sampled_from(["erin", "frank", "grace"])
LASTS = st.sampled_from([HOUR, 3 * HOUR, DAY])
FREEZE = st.sampled_from(["freeze 1", "freeze 2"])
PATHS = [(State.SIGNING,), (State.BROADCAST,), (State.BROADCAST, State.CONFIRMED, State.FINALISED), (State.VOID,)]
CHANGES = st.fixed_dictionaries(
    {
        "amount_units": st.sampled_from([usdc(5000), usdc(9000), usdc(20_000), usdc(25_000)]),
        "destination": st.sampled_from([address_of("destination exchange"), address_of("destination supplier")]),
    }
)
EVENT = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 12)),
    st.tuples(st.just("wait"), st.sampled_from([6, 72, 143, 144, 145])),
    st.tuples(st.just("propose"), CHANGES),
    st.tuples(st.just("approve"), PLACE, APPROVER, LASTS),
    st.tuples(st.just("approve"), PLACE, APPROVER, LASTS),
    st.tuples(st.just("reject"), PLACE, st.sampled_from(["alice", "bob", "carol", "dave"])),
    st.tuples(st.just("veto"), PLACE, GUARDIAN),
    st.tuples(st.just("freeze"), GUARDIAN, st.sampled_from(list(ScopeKind)), FREEZE),
    st.tuples(st.just("unfreeze"), GUARDIAN, FREEZE, LASTS),
    st.tuples(st.just("unfreeze"), GUARDIAN, FREEZE, LASTS),
    st.tuples(st.just("move"), PLACE, st.sampled_from(PATHS)),
    st.tuples(st.just("move"), PLACE, st.sampled_from(PATHS)),
)


def play(account: Account, event: Any) -> None:
    """One event; an answer's own prediction is compared at once."""
    verb, *arguments = event
    given = account.propose(**arguments[0]) if verb == "propose" else getattr(account, verb)(*arguments)
    if isinstance(given, Acknowledgement) and given.prediction is not None:
        transfer = next(each for each in account.transfers if transfer_id_of(each) == given.transfer_id)
        assert given.prediction == to_prediction(account.decide(transfer))


@given(st.lists(EVENT, min_size=5, max_size=25))
def test_the_prediction_is_the_cores_decision_on_the_same_facts(events: list[Any]) -> None:
    with TemporaryDirectory(prefix="guard-test-") as folder:
        store = Store(Database(new_sqlite_database(Path(folder))))
        account = Account(House(store, Path(folder), rules=RULES))
        for _ in range(3):
            account.propose()
        for event in events:
            play(account, event)
        for transfer in account.transfers:
            shown = account.house.showing.show_transfer(transfer_id_of(transfer))
            assert shown["prediction"] == to_prediction(account.decide(transfer))
        account.house.entries()
        store.close()


def is_within_limit(house: House, transfer: Transfer) -> bool:
    prediction = house.showing.show_transfer(transfer_id_of(transfer))["prediction"]
    return "decision.limit" not in [reason["code"] for reason in prediction["reasons"]]


def test_what_is_final_leaves_a_limits_window_with_time_and_what_is_not_final_never_does(
    house_of: Callable[..., House],
) -> None:
    house = house_of(rules=RULES)
    first, second = house.proposed(amount_units=usdc(7000)), house.proposed(amount_units=usdc(6000))
    assert is_within_limit(house, second)
    house.carry(first, State.BROADCAST)
    house.clock.advance(3 * DAY)
    assert not is_within_limit(house, second)
    house.carry(first, State.CONFIRMED, State.FINALISED)
    house.clock.advance(DAY)
    assert not is_within_limit(house, second)
    house.clock.advance(1)
    assert is_within_limit(house, second)


def test_a_transfer_is_not_counted_against_itself(house_of: Callable[..., House]) -> None:
    house = house_of(rules=RULES)
    transfer = house.proposed(amount_units=usdc(7000))
    house.carry(transfer, State.SIGNING)
    assert is_within_limit(house, transfer)


def test_a_quorum_lifts_a_freeze_when_its_delay_is_over_and_not_a_second_before(house: House) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    house.freeze()
    house.clock.advance(MINUTE)
    house.unfreeze("frank")
    house.clock.advance(MINUTE)
    house.unfreeze("grace")
    seen = []
    for wait in (HOUR - 1, 1, 1):
        house.clock.advance(wait)
        seen.append(house.showing.show_transfer(transfer_id_of(transfer))["prediction"]["status"])
    assert seen == ["held", "releasable", "releasable"]


def test_a_freeze_that_was_lifted_stays_lifted_when_the_unfreezes_expire(house: House) -> None:
    house.freeze()
    for name in ("frank", "grace"):
        house.unfreeze(name, expires_at=house.clock.wall + 2 * HOUR)
    house.clock.advance(HOUR)
    assert [each["is_in_force"] for each in house.showing.show_freezes()] == [False]
    house.clock.advance(DAY)
    assert [each["is_in_force"] for each in house.showing.show_freezes()] == [False]


def test_unfreezes_that_expire_before_the_delay_is_over_lift_nothing(house: House) -> None:
    house.freeze()
    for name in ("frank", "grace"):
        house.unfreeze(name, expires_at=house.clock.wall + HOUR)
    for _ in range(3):
        house.clock.advance(HOUR)
        assert [each["is_in_force"] for each in house.showing.show_freezes()] == [True]


def test_a_freeze_under_a_spent_id_holds_nothing_and_is_stored_all_the_same(house: House) -> None:
    house.freeze()
    for name in ("frank", "grace"):
        house.unfreeze(name)
    house.clock.advance(HOUR)
    assert house.freeze("grace").kind == "freeze"
    house.clock.advance(TICK)
    assert [each["is_in_force"] for each in house.showing.show_freezes()] == [False, False]


def test_unfreezes_of_before_lift_no_freeze_that_comes_later_under_another_id(house: House) -> None:
    house.freeze(freeze="one")
    for name in ("frank", "grace"):
        house.unfreeze(name, "one")
    assert code_of(lambda: house.unfreeze("erin", "one", "two")) == "stop.unseen"
    house.freeze(freeze="two")
    house.clock.advance(2 * HOUR)
    standing = {each["id"]: each["is_in_force"] for each in house.showing.show_freezes()}
    assert standing == {digest_of("one"): False, digest_of("two"): True}


def test_one_guardians_unfreeze_lifts_nothing(house: House) -> None:
    house.freeze()
    house.unfreeze("frank")
    house.clock.advance(3 * HOUR)
    assert [each["is_in_force"] for each in house.showing.show_freezes()] == [True]


def test_every_prediction_says_that_it_is_one(house: House) -> None:
    transfer = house.proposed()
    told = [
        house.approve(transfer, "bob").prediction,
        house.showing.show_transfer(transfer_id_of(transfer))["prediction"],
    ]
    for each in told:
        assert each is not None
        assert (each["prediction"], each["note"]) == (True, SIGNERS_DECIDE)


def test_what_was_read_lately_is_not_taken_for_a_row_that_says_something_else(house: House) -> None:
    transfer = house.proposed()
    signed = house.people.approve(transfer, "bob")
    house.service.approve(transfer_id_of(transfer), signed, asked())
    one, other = house.open(), house.open()
    for service, name in ((one, "carol"), (other, "dave")):
        given = service.approve(transfer_id_of(transfer), house.people.approve(transfer, name), asked())
        assert given.prediction is not None
        assert [each["person"] for each in given.prediction["seated"]] == ["bob"]


@pytest.mark.parametrize("change", [{"kind": "freeze"}, {"body": "{}"}, {"body": "no JSON"}])
def test_a_row_that_is_not_what_it_says_it_is_foresees_nothing(house: House, change: dict[str, str]) -> None:
    transfer = house.proposed()
    with house.store.reading() as reading:
        (row,) = reading.load_statements(transfer_id_of(transfer))
    reader, wanted = StatementReader(), Freeze if "kind" in change else Proposal
    with pytest.raises(AdapterError, match=r"service\.books-broken"):
        reader.read(replace(row, **change), wanted)  # type: ignore[arg-type]
    assert reader.read(row, Proposal) == Proposal(transfer)
