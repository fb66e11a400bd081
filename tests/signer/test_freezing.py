"""One guardian freezes at once; seats and a delay lift it again, and what was lifted never works a second time (TRUST §2, §6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guard.core.policy import SlowPath
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.signer.signer import STOPS_AT_ONCE
from guard.signer.stopping import BARRED_FOR, take_stop, take_unfreezes
from guard.statements.signed import SignedStatement
from tests.factories import CHAIN_ID, digest_of, make_scope, to_approvals
from tests.signer.teams import A, B, found_team, make_capped_policy
from tests.team import Team

DELAY = 300
STEP = 150


@pytest.fixture
def team(folder: Path) -> Iterator[Team]:
    """Three signers; two guardians and five minutes lift a freeze."""
    unfreeze = SlowPath(approvals=to_approvals(guardians=2), delay=DELAY)
    team = found_team(folder, policy=make_capped_policy(owners=3, unfreeze=unfreeze))
    team.signers[A].tick()
    yield team
    team.close()


def freeze(team: Team, name: str = "erin", *, freeze: str = "freeze 1", **scope: Any) -> dict[str, Any]:
    """The first signer takes a freeze of everything, or of another scope."""
    return take_stop(team.signers[A], team.freeze(make_scope(**scope), name, freeze=freeze))


def unfreeze(team: Team, *statements: SignedStatement) -> dict[str, Any]:
    """The first signer takes unfreezes, or none, and says how things stand."""
    return take_unfreezes(team.signers[A], statements)


def lift(team: Team, *names: str, freezes: tuple[str, ...] = ("freeze 1",)) -> dict[str, Any]:
    """These people lift the freezes: their statements are brought."""
    return unfreeze(team, *(team.unfreeze(name, *freezes) for name in names))


def wait(team: Team, seconds: int) -> None:
    """Time passes while the first signer runs."""
    while seconds > 0:
        team.clock.advance(min(STEP, seconds))
        seconds -= STEP
        team.signers[A].tick()


def codes(team: Team, transfer: Transfer) -> set[str]:
    """What the first signer says against the release now."""
    try:
        return team.refusal_codes(A, transfer, team.approved(transfer))
    except AssertionError:
        return set()


def code_of(team: Team, name: str, freeze_name: str) -> str:
    """The code with which a freeze is refused, or nothing."""
    try:
        freeze(team, name, freeze=freeze_name)
    except GuardError as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(("waited", "held"), [(DELAY - 1, True), (DELAY, False), (DELAY + 1, False)])
def test_two_guardians_and_the_delay_lift_it(team: Team, waited: int, held: bool) -> None:
    freeze(team)
    transfer = team.transfer()
    assert codes(team, transfer) == {"decision.frozen"}
    lift(team, "erin", "frank")
    wait(team, waited)
    assert codes(team, transfer) == ({"decision.frozen"} if held else set())


@pytest.mark.parametrize("names", [("erin",), ("erin", "erin"), ("erin", "bob"), ("bob", "carol", "heidi")])
def test_fewer_or_others_lift_nothing(team: Team, names: tuple[str, ...]) -> None:
    freeze(team)
    lift(team, *names)
    wait(team, 10 * DELAY)
    assert unfreeze(team)["in_force"] == [digest_of("freeze 1")]


def test_the_delay_runs_from_the_last_seat_on(team: Team) -> None:
    freeze(team)
    lift(team, "erin")
    wait(team, DELAY)
    lift(team, "frank")
    wait(team, DELAY - 1)
    assert unfreeze(team)["lifted"] == []
    wait(team, 1)
    assert unfreeze(team)["lifted"] == [digest_of("freeze 1")]


def test_an_unfreeze_that_expires_during_the_delay_lifts_nothing(team: Team) -> None:
    freeze(team)
    until = team.clock.wall + DELAY
    unfreeze(
        team, team.unfreeze("erin", "freeze 1", expires_at=until), team.unfreeze("frank", "freeze 1", expires_at=until)
    )
    wait(team, 2 * DELAY)
    assert unfreeze(team)["lifted"] == []


def test_an_unfreeze_before_the_freeze_is_refused_and_not_kept(team: Team) -> None:
    answer = lift(team, "erin", "frank")
    assert [each["code"] for each in answer["refused"]] == ["stop.unseen", "stop.unseen"]
    freeze(team)
    wait(team, 10 * DELAY)
    assert unfreeze(team)["in_force"] == [digest_of("freeze 1")]


def test_an_unfreeze_that_names_one_unseen_freeze_beside_a_seen_one_lifts_neither(team: Team) -> None:
    freeze(team)
    answer = lift(team, "erin", "frank", freezes=("freeze 1", "freeze 2"))
    assert [each["code"] for each in answer["refused"]] == ["stop.unseen", "stop.unseen"]
    wait(team, DELAY)
    assert unfreeze(team)["lifted"] == []


def test_only_the_listed_ones_are_lifted(team: Team) -> None:
    freeze(team)
    freeze(team, "frank", freeze="freeze 2")
    lift(team, "erin", "grace")
    wait(team, DELAY)
    answer = unfreeze(team)
    assert (answer["in_force"], answer["lifted"]) == ([digest_of("freeze 2")], [digest_of("freeze 1")])
    assert codes(team, team.transfer()) == {"decision.frozen"}


def test_unfreezes_stamped_while_the_signer_was_off_or_suspended_age_only_while_it_runs(team: Team) -> None:
    freeze(team)
    lift(team, "erin", "frank")
    team.clock.advance(10 * DELAY)
    assert unfreeze(team)["lifted"] == []
    wait(team, DELAY)
    assert unfreeze(team)["lifted"] == [digest_of("freeze 1")]


def test_unfreezes_brought_while_the_clock_is_wrong_age_from_the_first_good_reading(team: Team) -> None:
    freeze(team)
    team.node.is_silent = True
    lift(team, "erin", "frank")
    wait(team, 4 * DELAY)
    team.node.is_silent = False
    assert unfreeze(team)["lifted"] == []
    wait(team, DELAY)
    assert unfreeze(team)["lifted"] == [digest_of("freeze 1")]


@pytest.mark.parametrize("step", [365 * 86400, -365 * 86400])
def test_a_freeze_stored_while_the_clock_is_wrong_is_lifted_as_any_other(team: Team, step: int) -> None:
    """A clock that says next year when the freeze arrives must not hold the treasury until then."""
    wall = team.clock.wall
    team.clock.wall += step
    freeze(team)
    team.clock.wall = wall
    team.signers[A].tick()
    lift(team, "erin", "frank")
    wait(team, DELAY - 1)
    assert unfreeze(team)["lifted"] == []
    wait(team, 1)
    assert unfreeze(team)["lifted"] == [digest_of("freeze 1")]


def lift_whole(team: Team, freeze_name: str = "freeze 1", *names: str) -> None:
    """Freeze by erin and lift it again."""
    freeze(team, freeze=freeze_name)
    lift(team, *(names or ("frank", "grace")), freezes=(freeze_name,))
    wait(team, DELAY)
    assert digest_of(freeze_name) in unfreeze(team)["lifted"]


def test_a_lifted_id_is_spent_for_everybody(team: Team) -> None:
    lift_whole(team)
    assert code_of(team, "erin", "freeze 1") == "stop.spent"
    assert code_of(team, "frank", "freeze 1") == "stop.spent"
    assert unfreeze(team)["in_force"] == []


def test_an_old_unfreeze_lifts_no_later_freeze(team: Team) -> None:
    freeze(team)
    old = (team.unfreeze("frank", "freeze 1"), team.unfreeze("grace", "freeze 1"))
    unfreeze(team, *old)
    wait(team, DELAY)
    freeze(team, "frank", freeze="freeze 2")
    unfreeze(team, *old)
    wait(team, DELAY)
    assert unfreeze(team)["in_force"] == [digest_of("freeze 2")]


@pytest.mark.parametrize(("after", "code"), [(-1, "stop.barred"), (0, ""), (1, "")])
def test_whose_freeze_was_lifted_cannot_freeze_for_seven_days(team: Team, after: int, code: str) -> None:
    lift_whole(team)
    team.clock.advance(BARRED_FOR + after)
    assert code_of(team, "erin", "freeze 2") == code


def test_the_barred_guardian_still_vetoes_and_the_others_still_freeze(team: Team) -> None:
    lift_whole(team)
    assert code_of(team, "erin", "freeze 2") == "stop.barred"
    transfer = team.transfer()
    take_stop(team.signers[A], team.veto(transfer, "erin"))
    assert code_of(team, "frank", "freeze 3") == ""
    assert codes(team, transfer) == {"decision.vetoed", "decision.frozen"}


def test_a_clock_that_is_behind_makes_the_bar_last_no_longer(team: Team) -> None:
    lift_whole(team)
    team.clock.advance(BARRED_FOR)
    team.signers[A].tick()
    team.clock.wall -= 10 * 86400
    assert code_of(team, "erin", "freeze 2") == ""


def test_a_barred_guardian_gets_the_receipt_of_an_own_freeze_that_is_in_force(team: Team) -> None:
    other = team.freeze(make_scope(), freeze="freeze 2")
    first = take_stop(team.signers[A], other)
    lift_whole(team)
    assert code_of(team, "erin", "freeze 3") == "stop.barred"
    assert take_stop(team.signers[A], other)["fields"]["statement"] == first["fields"]["statement"]


def test_a_bar_at_one_signer_is_none_at_another_that_lifted_nothing(team: Team) -> None:
    lift_whole(team)
    take_stop(team.signers[B], team.freeze(make_scope(), "erin", freeze="freeze 2"))


def test_every_freeze_in_force_holds_until_its_own_is_lifted_after_a_restart_too(team: Team) -> None:
    freeze(team)
    team.stop_process(A)
    team.start(A)
    transfer = team.transfer()
    assert codes(team, transfer) == {"decision.frozen"}
    assert transfer.chain_id == CHAIN_ID
    lift(team, "erin", "frank")
    team.stop_process(A)
    team.start(A).tick()
    wait(team, DELAY)
    assert codes(team, transfer) == set()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roster": digest_of("another roster")}, "statement.roster"),
        ({"expires_at": 1}, "statement.lifetime"),
    ],
)
def test_an_unfreeze_that_is_not_of_now_and_of_this_roster_is_refused(
    team: Team, changes: dict[str, Any], code: str
) -> None:
    freeze(team)
    answer = unfreeze(team, team.unfreeze("erin", "freeze 1", **changes))
    assert [each["code"] for each in answer["refused"]] == [code]


def test_an_expired_unfreeze_is_refused(team: Team) -> None:
    freeze(team)
    old = team.unfreeze("erin", "freeze 1", expires_at=team.clock.wall + 10)
    team.clock.advance(10)
    assert [each["code"] for each in unfreeze(team, old)["refused"]] == ["statement.expired"]


def test_what_lifts_nothing_is_refused_by_its_kind(team: Team) -> None:
    transfer = team.transfer()
    for statement in (team.veto(transfer), team.propose(transfer), team.freeze(make_scope())):
        assert [each["code"] for each in unfreeze(team, statement)["refused"]] == ["signer.statement-kind"]
    assert unfreeze(team)["in_force"] == []


# Stops are limited by source, and new ones by key: nobody's flood locks a guardian out.


def test_a_guardians_stops_that_somebody_brings_again_and_again_lock_nobody_out(team: Team) -> None:
    stop = team.veto(team.transfer())
    for _ in range(STOPS_AT_ONCE + 1):
        take_stop(team.signers[A], stop)
    take_stop(team.signers[A], team.veto(team.transfer()))


def test_one_key_cannot_fill_the_journal_and_leaves_the_others_their_stops(team: Team) -> None:
    taken = 0
    with pytest.raises(GuardError) as refused:
        for _ in range(1000):
            take_stop(team.signers[A], team.reject(team.transfer(), "payroll"))
            taken += 1
    assert refused.value.code == "signer.rate"
    assert taken <= STOPS_AT_ONCE
    take_stop(team.signers[A], team.veto(team.transfer()))
