"""Refused attempts in the log: only by keys of the roster, no faster than their budget, never for what strangers replay."""

from collections.abc import Callable
from functools import partial

from guard.service.budgets import Budget, Limits, Rate
from tests.factories import DAY, HOUR, address_of
from tests.service.house import House, asked, code_of
from tests.team import HandClock, transfer_id_of

FEW = Limits(attempts=Rate(3, HOUR))


def attempts(house: House) -> int:
    return house.events().count("attempt.refused")


def refuse(house: House, name: str, times: int) -> None:
    transfer = house.proposed()
    for number in range(times):
        assert code_of(partial(house.approve, transfer, name, summary=f"other words {number}")) == "approval.summary"


def test_a_key_fills_the_log_no_faster_than_its_budget(house_of: Callable[..., House]) -> None:
    house = house_of(limits=FEW)
    refuse(house, "bob", 10)
    assert attempts(house) == 3
    assert house.service.read_refusals() == {"approval.summary": 10}
    house.clock.advance(HOUR // 3)
    refuse(house, "bob", 2)
    assert attempts(house) == 4


def test_one_persons_attempts_leave_the_others_their_budget(house_of: Callable[..., House]) -> None:
    house = house_of(limits=FEW)
    refuse(house, "bob", 5)
    refuse(house, "carol", 2)
    assert attempts(house) == 5


def test_attempts_spend_no_budget_of_what_is_accepted(house_of: Callable[..., House]) -> None:
    house = house_of(limits=Limits(moving=Rate(1, HOUR), attempts=Rate(50, HOUR)))
    refuse(house, "bob", 5)
    transfer = house.proposed(initiator="payroll")
    assert house.approve(transfer, "bob").kind == "approval"


def test_replaying_somebodys_accepted_statement_after_its_end_logs_nothing(house: House) -> None:
    transfer = house.proposed()
    signed = house.people.approve(transfer, "bob")
    house.service.approve(transfer_id_of(transfer), signed, asked())
    house.clock.advance(DAY)
    for _ in range(5):
        assert code_of(lambda: house.service.approve(transfer_id_of(transfer), signed, asked())) == "statement.known"
    assert attempts(house) == 0


def test_a_budget_gives_back_evenly_and_never_more_than_all() -> None:
    clock = HandClock()
    budget, key = Budget(clock, Rate(2, 60)), address_of("bob")
    assert [budget.take(key) for _ in range(3)] == [0, 0, 30]
    clock.advance(29)
    assert budget.take(key) == 1
    clock.advance(1)
    assert [budget.take(key), budget.take(key)] == [0, 30]
    clock.advance(10_000)
    assert [budget.take(key) for _ in range(3)] == [0, 0, 30]


def test_asking_in_vain_costs_nothing() -> None:
    clock = HandClock()
    budget, key = Budget(clock, Rate(1, 60)), address_of("bob")
    assert budget.take(key) == 0
    for _ in range(59):
        clock.advance(1)
        assert budget.take(key) > 0
    clock.advance(1)
    assert budget.take(key) == 0


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    clock = HandClock()
    budget, key = Budget(clock, Rate(1, 60)), address_of("bob")
    budget.take(key)
    clock.boot -= 1000
    assert budget.take(key) == 60
    clock.boot += 1000
    assert budget.take(key) == 60
