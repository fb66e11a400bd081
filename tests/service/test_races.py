"""Many at once, over several services on one database, as several processes have them: each statement once, in one order, nothing lost."""

from collections import Counter
from collections.abc import Callable

from guard.core.lifecycle import State
from guard.errors import GuardError
from guard.ports.books import TransferQuery
from guard.service.acknowledgement import Acknowledgement, Asked
from guard.statements.signed import SignedStatement
from tests.factories import make_person, make_roster, make_rule, to_approvals
from tests.service.house import House, asked
from tests.service.threads import run_all
from tests.team import transfer_id_of

MANY = 64
CROWD = tuple(f"approver-{number}" for number in range(MANY))
SERVICES = 4


def crowded(house_of: Callable[..., House], seats: int = MANY) -> House:
    """A treasury with 64 more people in finance, all of whom a transfer needs."""
    people = [make_person(name, "finance") for name in CROWD]
    return house_of(roster=make_roster(*people), rules=(make_rule(approvals=to_approvals(finance=seats)),))


def outcome_of(ask: Callable[[], Acknowledgement]) -> str:
    """`accepted`, `replayed`, or the code of the refusal."""
    try:
        given = ask()
    except GuardError as refused:
        return refused.code
    return "replayed" if given.is_replay else "accepted"


def approving(house: House, about: object, signed: list[SignedStatement], how: list[Asked]) -> list[Callable[[], str]]:
    services = [house.open() for _ in range(SERVICES)]

    def call(place: int) -> str:
        service = services[place % SERVICES]
        return outcome_of(lambda: service.approve(about, signed[place], how[place]))  # type: ignore[arg-type]

    return [lambda place=place: call(place) for place in range(len(signed))]  # type: ignore[misc]


def test_64_people_approve_one_transfer_at_once_and_each_is_counted_once(house_of: Callable[..., House]) -> None:
    house = crowded(house_of)
    transfer = house.proposed()
    signed = [house.people.approve(transfer, name) for name in CROWD]
    calls = approving(house, transfer_id_of(transfer), signed, [asked() for _ in CROWD])
    assert Counter(run_all(calls)) == {"accepted": MANY}
    shown = house.showing.show_transfer(transfer_id_of(transfer))
    assert sorted(each["person"] for each in shown["prediction"]["seated"]) == sorted(CROWD)
    assert shown["prediction"]["status"] == "releasable"
    entries = house.entries()
    assert Counter(entry["event"] for entry in entries)["transfer.approved"] == MANY
    assert {entry["actor"] for entry in entries[2:]} == set(CROWD)
    assert house.counts()["statement"] == MANY + 1
    assert house.counts()["outbox"] == MANY + 1
    assert house.row(transfer).version == 1


def test_one_person_approving_64_times_at_once_fills_one_row(house_of: Callable[..., House]) -> None:
    house = crowded(house_of, seats=2)
    transfer = house.proposed()
    signed = [house.people.approve(transfer, "bob")] * MANY
    calls = approving(house, transfer_id_of(transfer), signed, [asked() for _ in signed])
    assert Counter(run_all(calls)) == {"accepted": 1, "statement.known": MANY - 1}
    assert house.events() == ["bundle.adopted", "transfer.proposed", "transfer.approved"]
    assert house.counts()["statement"] == 2


def test_one_request_sent_64_times_at_once_has_one_effect_and_one_answer(house: House) -> None:
    transfer = house.proposed()
    signed, how = house.people.approve(transfer, "bob"), asked()
    services = [house.open() for _ in range(SERVICES)]
    calls: list[Callable[[], Acknowledgement]] = [
        lambda service=service: service.approve(transfer_id_of(transfer), signed, how)  # type: ignore[misc]
        for service in services * (MANY // SERVICES)
    ]
    given = run_all(calls)
    assert all(each == given[0] for each in given)
    assert Counter(each.is_replay for each in given) == {False: 1, True: MANY - 1}
    assert house.counts()["replay"] == 2


def test_64_transfers_proposed_at_once_are_all_there_in_one_chain(house: House) -> None:
    signed = [house.people.propose(house.people.transfer(amount_units=number + 1)) for number in range(MANY)]
    services = [house.open() for _ in range(SERVICES)]
    how = [asked() for _ in signed]
    calls: list[Callable[[], Acknowledgement]] = [
        lambda place=place: services[place % SERVICES].propose(signed[place], how[place])  # type: ignore[misc]
        for place in range(MANY)
    ]
    given = run_all(calls)
    assert sorted(each.index for each in given) == list(range(1, MANY + 1))
    heads = {entry["index"]: entry["previous"] for entry in house.entries()}
    assert all(heads.get(each.index + 1, each.head) == each.head for each in given)
    listed = house.showing.list_transfers(TransferQuery(states=(State.OPEN,), limit=200))
    assert {row["id"] for row in listed} == {each.transfer_id for each in given}


def test_one_proposal_sent_64_times_at_once_makes_one_transfer(house: House) -> None:
    signed = house.people.propose(house.people.transfer())
    services = [house.open() for _ in range(SERVICES)]
    how = [asked() for _ in range(MANY)]
    calls: list[Callable[[], str]] = [
        lambda place=place: outcome_of(lambda: services[place % SERVICES].propose(signed, how[place]))  # type: ignore[misc]
        for place in range(MANY)
    ]
    assert Counter(run_all(calls)) == {"accepted": 1, "statement.known": MANY - 1}
    assert house.counts()["transfer"] == 1


def test_a_veto_among_approvals_ends_the_transfer_and_nothing_is_approved_after_it(
    house_of: Callable[..., House],
) -> None:
    house = crowded(house_of)
    transfer = house.proposed()
    about = transfer_id_of(transfer)
    signed = [house.people.approve(transfer, name) for name in CROWD[:31]]
    calls = approving(house, about, signed, [asked() for _ in signed])
    veto, guarded = house.people.veto(transfer), house.open()
    calls.insert(7, lambda: outcome_of(lambda: guarded.veto(about, veto, asked(key=None))))
    outcomes = Counter(run_all(calls))
    assert set(outcomes) <= {"accepted", "transfer.ended"}
    assert house.row(transfer).state is State.VETOED
    events = [event for event in house.events() if event.startswith("transfer.")]
    assert events.count("transfer.vetoed") == 1
    assert "transfer.approved" not in events[events.index("transfer.vetoed") :]


def test_of_rejections_and_approvals_at_once_no_approval_follows_what_it_had_not_seen(
    house_of: Callable[..., House],
) -> None:
    house = crowded(house_of, seats=3)
    transfer = house.proposed()
    about = transfer_id_of(transfer)
    signed = [house.people.approve(transfer, name) for name in CROWD[:15]]
    calls = approving(house, about, signed, [asked(version=1) for _ in signed])
    rejection, other = house.people.reject(transfer, CROWD[20]), house.open()
    calls.insert(5, lambda: outcome_of(lambda: other.reject(about, rejection, asked(key=None))))
    assert set(run_all(calls)) <= {"accepted", "transfer.stale"}
    events = house.events()
    assert "transfer.approved" not in events[events.index("transfer.rejected") :]
    assert house.row(transfer).version == 2
