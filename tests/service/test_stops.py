"""Stops are never hindered: no key, no version, any state; and they say what they come too late for."""

from collections.abc import Callable

import pytest
from sqlmodel import SQLModel

from guard.core.facts import Scope, ScopeKind
from guard.core.lifecycle import ENDED, MOVES, State
from guard.service.acknowledgement import Acknowledgement
from guard.service.budgets import Limits, Rate
from guard.service.verbs import STOPPABLE
from tests.service.house import House, asked, code_of
from tests.team import transfer_id_of

PATHS: dict[State, tuple[State, ...]] = {
    State.SIGNING: (State.SIGNING,),
    State.BROADCAST: (State.BROADCAST,),
    State.CONFIRMED: (State.BROADCAST, State.CONFIRMED),
    State.FINALISED: (State.BROADCAST, State.CONFIRMED, State.FINALISED),
    State.FAILED: (State.BROADCAST, State.FAILED),
    State.REJECTED: (State.REJECTED,),
    State.VETOED: (State.VETOED,),
    State.EXPIRED: (State.EXPIRED,),
    State.VOID: (State.VOID,),
}
LATE = {State.SIGNING, State.BROADCAST, State.CONFIRMED, State.FINALISED}


def test_the_paths_of_these_tests_reach_every_state_but_the_first() -> None:
    assert set(PATHS) == set(State) - {State.OPEN}
    assert set(MOVES) == set(State)
    assert set(State) - ENDED - (LATE - {State.SIGNING}) == STOPPABLE


@pytest.mark.parametrize("state", PATHS, ids=lambda state: state.value)
@pytest.mark.parametrize("verb", ["veto", "withdraw", "reject"])
def test_a_stop_is_stored_in_every_state_and_says_what_it_cannot_stop(house: House, state: State, verb: str) -> None:
    transfer = house.proposed()
    version = house.carry(transfer, *PATHS[state]).version
    given = {
        "veto": lambda: house.veto(transfer),
        "withdraw": lambda: house.reject(transfer, "alice"),
        "reject": lambda: house.reject(transfer, "bob"),
    }[verb]()
    ended = {"veto": State.VETOED, "withdraw": State.REJECTED, "reject": state}[verb]
    assert given.state is (ended if state in STOPPABLE else state)
    assert given.version == version + 1
    assert house.entries()[-1]["body"]["digest"] == given.statement_digest
    assert given.not_stopped == () or verb != "reject"
    if verb != "reject":
        assert [each.state for each in given.not_stopped] == ([state] if state in LATE else [])


@pytest.mark.parametrize("kind", ScopeKind, ids=lambda kind: kind.value)
def test_a_freeze_tells_of_what_is_leaving_within_its_scope(house: House, kind: ScopeKind) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    house.carry(transfer, State.BROADCAST)
    house.proposed()
    given = house.freeze(kind=kind)
    assert [each.to_json() for each in given.not_stopped] == [
        {"transfer_id": transfer_id_of(transfer), "state": "broadcast"}
    ]


def test_a_freeze_does_not_tell_of_what_is_outside_of_its_scope(house: House) -> None:
    transfer = house.proposed(initiator="payroll")
    house.carry(transfer, State.BROADCAST)
    assert house.freeze(kind=ScopeKind.PERSON).not_stopped == ()


def test_a_freeze_holds_an_approvers_transfers_only_through_their_approval(house: House) -> None:
    transfer = house.proposed(initiator="payroll")
    house.carry(transfer, State.SIGNING)
    freeze = house.people.freeze
    scope = Scope(kind=ScopeKind.PERSON, person="bob")
    assert house.service.freeze(freeze(scope, freeze="one"), asked(key=None)).not_stopped == ()
    house.approve(transfer, "bob")
    assert len(house.service.freeze(freeze(scope, freeze="two"), asked(key=None)).not_stopped) == 1


def test_books_that_cannot_be_read_hinder_no_stop(house: House) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    house.carry(transfer, State.SIGNING)
    house.freeze(freeze="earlier")
    _spoil(house)
    fresh = house.open()
    about = transfer_id_of(transfer)
    given: list[Acknowledgement] = [
        fresh.reject(about, house.people.reject(transfer, "carol"), asked(key=None)),
        fresh.freeze(house.people.freeze(Scope(kind=ScopeKind.PERSON, person="alice")), asked(key=None)),
        fresh.veto(about, house.people.veto(transfer), asked(key=None)),
    ]
    assert [each.state for each in given] == [State.SIGNING, None, State.VETOED]
    assert [len(each.not_stopped) for each in given] == [0, 1, 1]


def _spoil(house: House) -> None:
    """What somebody with the database's password could do, triggers against it taken away first."""
    statement, transfer = (SQLModel.metadata.tables[name] for name in ("statement", "transfer"))
    with house.store.database.begin(write=True) as connection:
        if house.store.database.is_sqlite:
            found = (
                connection.exec_driver_sql(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('statement', 'transfer')"
                )
                .scalars()
                .all()
            )
            for name in found:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.execute(statement.update().values(body="{}"))
        connection.execute(transfer.update().values(body="{}"))


def test_stops_have_a_budget_of_their_own_that_no_approval_spends(house_of: Callable[..., House]) -> None:
    house = house_of(limits=Limits(moving=Rate(2, 60), stops=Rate(2, 60)))
    first, second = house.people.transfer(initiator="frank"), house.people.transfer(initiator="frank")
    third = house.people.transfer(initiator="frank")
    for transfer in (first, second):
        house.service.propose(house.people.propose(transfer), asked())
    assert code_of(lambda: house.service.propose(house.people.propose(third), asked())) == "request.rate"
    assert house.veto(first, "frank").state is State.VETOED
    assert house.veto(second, "frank").state is State.VETOED
    assert code_of(lambda: house.freeze("frank")) == "request.rate"
    house.clock.advance(30)
    assert house.freeze("frank").kind == "freeze"


def test_whoever_repeats_a_guardians_stop_does_not_spend_that_guardians_budget(house_of: Callable[..., House]) -> None:
    house = house_of(limits=Limits(stops=Rate(2, 60)))
    first, second = house.proposed(), house.proposed()
    seen = house.people.veto(first)
    house.service.veto(transfer_id_of(first), seen, asked(key=None))
    for _ in range(5):
        again = code_of(lambda: house.service.veto(transfer_id_of(first), seen, asked(key=None)))
        assert again == "statement.known"
    assert house.veto(second).state is State.VETOED
