"""A delay runs from the moment at which the quorum stands, on this signer's clock and while it runs (P4, TRUST §4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.core.decide import d11_the_delay_is_over
from guard.core.transfer import Transfer
from guard.signer.verifier import Verifier
from guard.statements.signed import SignedStatement
from tests.factories import make_rule, to_approvals
from tests.signer.ablation import without_check, without_step
from tests.signer.teams import A, found_team, make_capped_policy
from tests.team import Team

DELAY = 1200
STEP = 150
"""Seconds between two ticks where time passes: a signer that is silent for longer than three minutes counts as off."""


@pytest.fixture
def team(folder: Path) -> Iterator[Team]:
    """Three signers, of whom the tests ask the first, and a rule that asks one seat of finance and waits."""
    team = make_team(folder)
    yield team
    team.close()


def make_team(
    folder: Path, verifier: Verifier | None = None, *, finance: int = 1, valid_for: int | None = None
) -> Team:
    """The team with another verifier or other demands."""
    rule = make_rule(delay=DELAY, approvals=to_approvals(finance=finance), approval_valid_for=valid_for)
    return found_team(folder, policy=make_capped_policy(owners=3, rules=(rule,)), verifier=verifier)


def bring(team: Team, transfer: Transfer, *statements: SignedStatement) -> int | None:
    """Bring statements to the first signer. Tells since when it sees a quorum."""
    return team.signers[A].register(transfer, statements)[1].quorum_since


def wait(team: Team, seconds: int) -> None:
    """Time passes for the first signer, which runs."""
    while seconds > 0:
        team.clock.advance(min(STEP, seconds))
        seconds -= STEP
        team.signers[A].tick()


def codes(team: Team, transfer: Transfer, *statements: SignedStatement) -> set[str]:
    """What the first signer says against the release now; nothing if it signs."""
    try:
        return team.refusal_codes(A, transfer, statements)
    except AssertionError:
        return set()


@pytest.mark.parametrize(("waited", "expected"), [(DELAY - 1, {"decision.delay"}), (DELAY, set()), (DELAY + 1, set())])
def test_the_delay_runs_from_first_sight_of_the_last_seat(team: Team, waited: int, expected: set[str]) -> None:
    transfer = team.transfer()
    assert bring(team, transfer, *team.approved(transfer)) == team.clock.wall
    wait(team, waited)
    assert codes(team, transfer) == expected


def test_what_the_approver_dates_makes_nothing_older(team: Team) -> None:
    transfer = team.transfer(proposed_at=team.clock.wall - 2 * DELAY)
    old = team.approve(transfer, "bob", signed_at=team.clock.wall - 2 * DELAY)
    assert bring(team, transfer, team.propose(transfer), old) == team.clock.wall
    assert codes(team, transfer) == {"decision.delay"}


def test_approvals_brought_before_the_proposal_age_from_the_proposal_on(team: Team) -> None:
    transfer = team.transfer()
    bring(team, transfer, team.approve(transfer, "bob"))
    wait(team, DELAY)
    assert bring(team, transfer, team.propose(transfer)) == team.clock.wall
    wait(team, DELAY - 1)
    assert codes(team, transfer) == {"decision.delay"}
    wait(team, 1)
    assert codes(team, transfer) == set()


def test_an_approval_that_expired_and_was_renewed_starts_the_delay_anew(team: Team) -> None:
    transfer = team.transfer()
    lasting = team.approve(transfer, "bob", expires_at=team.clock.wall + DELAY // 2)
    bring(team, transfer, team.propose(transfer), lasting)
    wait(team, DELAY // 2)
    assert codes(team, transfer) == {"decision.quorum-missing"}
    assert bring(team, transfer, team.approve(transfer, "bob")) == team.clock.wall
    wait(team, DELAY - 1)
    assert codes(team, transfer) == {"decision.delay"}
    wait(team, 1)
    assert codes(team, transfer) == set()


def test_an_approval_renewed_before_it_expires_counts_from_its_own_first_sight_once_the_old_one_ended(
    team: Team,
) -> None:
    transfer = team.transfer()
    began = team.clock.wall
    bring(team, transfer, team.propose(transfer), team.approve(transfer, "bob", expires_at=began + DELAY - 1))
    wait(team, 600)
    assert bring(team, transfer, team.approve(transfer, "bob")) == began
    wait(team, DELAY - 600 - 2)
    assert bring(team, transfer) == began
    wait(team, 1)
    assert bring(team, transfer) == began + 600


def test_an_approval_outlived_by_the_rules_own_lifetime_starts_it_anew(folder: Path) -> None:
    team = make_team(folder, valid_for=DELAY)
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    wait(team, DELAY)
    assert codes(team, transfer) == {"decision.quorum-missing"}


def test_a_lost_seat_that_somebody_else_fills_starts_the_delay_anew(team: Team) -> None:
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    wait(team, DELAY - 1)
    bring(team, transfer, team.reject(transfer, "bob"))
    wait(team, 1)
    assert codes(team, transfer) == {"decision.quorum-missing"}
    assert bring(team, transfer, team.approve(transfer, "carol")) == team.clock.wall


def test_a_spare_approval_fills_a_lost_seat_from_its_own_first_sight(team: Team) -> None:
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    wait(team, 300)
    bring(team, transfer, team.approve(transfer, "carol"))
    seen = team.clock.wall
    wait(team, 300)
    assert bring(team, transfer, team.reject(transfer, "bob")) == seen


def test_the_quorum_stands_with_the_last_of_two_seats(folder: Path) -> None:
    team = make_team(folder, finance=2)
    transfer = team.transfer()
    assert bring(team, transfer, *team.approved(transfer)) is None
    wait(team, DELAY)
    assert bring(team, transfer, team.approve(transfer, "carol")) == team.clock.wall


@pytest.mark.parametrize("off", [DELAY, 10 * DELAY])
def test_time_in_which_the_signer_was_off_does_not_count(team: Team, off: int) -> None:
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    wait(team, 300)
    team.stop_process(A)
    team.clock.advance(off)
    team.start(A)
    assert codes(team, transfer) == {"decision.delay"}
    wait(team, DELAY - 300 - 1)
    assert codes(team, transfer) == {"decision.delay"}
    wait(team, 1)
    assert codes(team, transfer) == set()


@pytest.mark.parametrize("off", [DELAY, 10 * DELAY])
def test_time_in_which_the_process_was_suspended_does_not_count(team: Team, off: int) -> None:
    """It wakes up as the same process with a clock that agrees with the boot clock; but no stop could reach it."""
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    wait(team, 300)
    team.clock.advance(off)
    assert codes(team, transfer) == {"decision.delay"}
    wait(team, DELAY - 300 - 1)
    assert codes(team, transfer) == {"decision.delay"}
    wait(team, 1)
    assert codes(team, transfer) == set()


def test_being_off_before_the_quorum_stood_costs_nothing(team: Team) -> None:
    transfer = team.transfer()
    team.signers[A].tick()
    team.stop_process(A)
    team.clock.advance(10 * DELAY)
    team.start(A)
    bring(team, transfer, *team.approved(transfer))
    wait(team, DELAY)
    assert codes(team, transfer) == set()


def test_many_short_restarts_cost_what_they_last(team: Team) -> None:
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    for _ in range(4):
        wait(team, 200)
        team.stop_process(A)
        team.clock.advance(50)
        team.start(A).tick()
    wait(team, DELAY - 4 * 200 - 1)
    assert codes(team, transfer) == {"decision.delay"}
    wait(team, 1)
    assert codes(team, transfer) == set()


def test_a_clock_stepped_forward_by_the_delay_does_not_end_it(team: Team) -> None:
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    team.clock.wall += DELAY
    assert codes(team, transfer) == {"clock.stepped"}


def test_a_clock_stepped_forward_before_a_restart_does_not_end_it_while_one_node_tells_the_time(team: Team) -> None:
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    team.clock.wall += DELAY
    team.node.block_behind = DELAY
    team.stop_process(A)
    team.start(A)
    assert codes(team, transfer) == {"clock.block-time"}


def test_ablation_without_the_check_of_the_clock_a_step_forward_ends_the_delay(folder: Path) -> None:
    team = make_team(folder, without_check("the-clock-is-good"))
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    team.clock.wall += DELAY
    assert codes(team, transfer) == set()


def test_ablation_without_step_d11_there_is_no_delay(folder: Path) -> None:
    team = make_team(folder, without_step(d11_the_delay_is_over))
    transfer = team.transfer()
    assert codes(team, transfer, *team.approved(transfer)) == set()


@pytest.mark.parametrize("wrong", ["silent", "stepped", "blocks"])
def test_what_is_brought_while_the_clock_is_wrong_is_stamped_when_it_is_right_again(team: Team, wrong: str) -> None:
    transfer = team.transfer()
    team.signers[A].tick()
    wall, statements = team.clock.wall, team.approved(transfer)
    team.node.is_silent, team.node.block_behind = wrong == "silent", 1000 if wrong == "blocks" else 0
    team.clock.wall -= 5000 if wrong == "stepped" else 0
    received, decision = team.signers[A].register(transfer, statements)
    assert [each.judged_at for each in received.accepted] == [None, None]
    assert decision.quorum_since is None
    team.clock.boot += DELAY
    team.clock.wall = wall + DELAY
    assert codes(team, transfer) == ({"decision.delay"} if wrong == "stepped" else expected_while_wrong(wrong))
    team.node.is_silent, team.node.block_behind = False, 0
    team.signers[A].tick()
    assert bring(team, transfer) == wall + DELAY
    wait(team, DELAY - 1)
    assert codes(team, transfer) == {"decision.delay"}
    wait(team, 1)
    assert codes(team, transfer) == set()


def expected_while_wrong(wrong: str) -> set[str]:
    """While the clock is wrong nothing unstamped counts, and why the clock is not good is said, too."""
    unstamped = {"decision.proposal-missing", "decision.quorum-missing"}
    if wrong == "silent":
        return unstamped | {"clock.endpoint-silent", "signer.endpoint-silent"}
    return unstamped | {"clock.block-time"}


def test_an_approval_of_the_future_brought_while_the_clock_is_wrong_does_not_count_once_it_is_stamped(
    team: Team,
) -> None:
    transfer = team.transfer()
    team.node.is_silent = True
    ahead = team.approve(transfer, "bob", signed_at=team.clock.wall + 100_000, expires_at=team.clock.wall + 200_000)
    bring(team, transfer, team.propose(transfer), ahead)
    team.node.is_silent = False
    assert bring(team, transfer) is None
    assert codes(team, transfer) == {"decision.quorum-missing"}


def test_an_approval_that_expired_while_the_clock_was_wrong_does_not_count(team: Team) -> None:
    transfer = team.transfer()
    team.node.is_silent = True
    bring(team, transfer, team.propose(transfer), team.approve(transfer, "bob", expires_at=team.clock.wall + 100))
    team.clock.advance(100)
    team.node.is_silent = False
    assert bring(team, transfer) is None


def test_a_statement_brought_again_keeps_its_first_stamp(team: Team) -> None:
    transfer = team.transfer()
    statements = team.approved(transfer)
    began = team.clock.wall
    bring(team, transfer, *statements)
    wait(team, 600)
    assert bring(team, transfer, *statements) == began


@pytest.mark.parametrize(("ran", "expected"), [(599, {"signer.unsettled"}), (600, set()), (601, set())])
def test_after_a_start_it_signs_nothing_for_the_settle_time(folder: Path, ran: int, expected: set[str]) -> None:
    policy = make_capped_policy(owners=3)
    numbers = type(policy.numbers)(max_transfer_age=policy.numbers.max_transfer_age, settle=600, withstands=0)
    team = found_team(folder, policy=make_capped_policy(owners=3, numbers=numbers))
    transfer = team.transfer()
    team.advance(3600, every=900)
    team.stop_process(A)
    team.start(A)
    wait(team, ran)
    assert codes(team, transfer, *team.approved(transfer)) == expected


def test_the_settle_time_runs_on_the_boot_clock(folder: Path) -> None:
    policy = make_capped_policy(owners=3)
    numbers = type(policy.numbers)(max_transfer_age=policy.numbers.max_transfer_age, settle=600, withstands=0)
    team = found_team(folder, policy=make_capped_policy(owners=3, numbers=numbers))
    transfer = team.transfer()
    team.clock.wall += 59
    team.clock.boot += 0
    assert "signer.unsettled" in codes(team, transfer, *team.approved(transfer))
    team.clock.wall += 541
    assert "signer.unsettled" in codes(team, transfer)


def test_ablation_without_the_settle_check_it_signs_at_once_after_a_start(folder: Path) -> None:
    policy = make_capped_policy(owners=3)
    numbers = type(policy.numbers)(max_transfer_age=policy.numbers.max_transfer_age, settle=600, withstands=0)
    whole = make_capped_policy(owners=3, numbers=numbers)
    team = found_team(folder, policy=whole, verifier=without_check("the-signer-has-settled"))
    transfer = team.transfer()
    assert codes(team, transfer, *team.approved(transfer)) == set()
