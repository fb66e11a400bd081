"""When: statements out of their time, delays cut short, clocks that are wrong, signers that did not run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from guard.core.transfer import Transfer
from guard.statements.signed import SignedStatement
from tests.attacks.scene import VICTIM, Scene, activate, bring, steal
from tests.factories import DAY, ENROLLED_AT, MINUTE, make_policy, make_rule
from tests.team import HandNode, Team

DELAY = 5 * MINUTE
DELAYED = (make_rule(delay=DELAY),)


def _waiting(scene: Scene) -> tuple[Team, Transfer]:
    """A transfer whose quorum stands from now on, under a rule with a delay."""
    team = scene.team(rules=DELAYED)
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    return team, transfer


def _complete(scene: Scene) -> tuple[Team, Transfer]:
    """A transfer that the signer knows with its whole quorum, and would sign now."""
    team = scene.team()
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    return team, transfer


def _steal_with_approval(team: Team, transfer: Transfer, approval: SignedStatement) -> None:
    steal(team, transfer, [team.propose(transfer), approval])


def an_approval_brought_after_its_end(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    approval = team.approve(transfer, "bob", expires_at=team.clock.wall + MINUTE)
    team.clock.advance(MINUTE)
    _steal_with_approval(team, transfer, approval)


def an_approval_that_ended_while_it_waited(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    approval = team.approve(transfer, "bob", expires_at=team.clock.wall + MINUTE)
    bring(team, transfer, team.propose(transfer), approval)
    team.clock.advance(MINUTE)
    steal(team, transfer)


def an_approval_that_ends_before_it_begins(scene: Scene) -> None:
    team = scene.team()
    transfer, now = team.transfer(), team.clock.wall
    _steal_with_approval(team, transfer, team.approve(transfer, "bob", signed_at=now + 200, expires_at=now + 100))


def an_approval_dated_before_the_proposal(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    _steal_with_approval(team, transfer, team.approve(transfer, "bob", signed_at=transfer.proposed_at - 1))


def an_approval_dated_before_its_key_was_enrolled(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(proposed_at=ENROLLED_AT - MINUTE)
    _steal_with_approval(team, transfer, team.approve(transfer, "bob", signed_at=ENROLLED_AT - 1))


def an_approval_dated_ahead(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    _steal_with_approval(team, transfer, team.approve(transfer, "bob", signed_at=team.clock.wall + 301))


def an_approval_dated_ahead_and_brought_while_the_clock_was_wrong(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    team.node.block_behind = 1000
    bring(team, transfer, team.propose(transfer), team.approve(transfer, "bob", signed_at=team.clock.wall + 301))
    team.node.block_behind = 0
    steal(team, transfer)


def a_transfer_that_ended(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(expires_at=team.clock.wall + MINUTE)
    bring(team, transfer, *team.approved(transfer))
    team.clock.advance(MINUTE)
    steal(team, transfer)


def a_transfer_that_ends_before_it_begins(scene: Scene) -> None:
    team = scene.team()
    now = team.clock.wall
    transfer = team.transfer(proposed_at=now + 200, expires_at=now + 100)
    _steal_with_approval(team, transfer, team.approve(transfer, "bob", signed_at=now + 200))


def a_transfer_older_than_the_policy_bears(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(expires_at=team.clock.wall + 30 * DAY)
    team.clock.advance(7 * DAY + 1)
    steal(team, transfer, team.approved(transfer))


def a_transfer_dated_ahead(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(proposed_at=team.clock.wall + 301)
    _steal_with_approval(team, transfer, team.approve(transfer, "bob", signed_at=transfer.proposed_at))


def a_transfer_under_an_expired_policy(scene: Scene) -> None:
    team = scene.team()
    team.clock.advance(366 * DAY)
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer))


# The delay.


def a_delay_that_is_not_over(scene: Scene) -> None:
    team, transfer = _waiting(scene)
    team.advance(DELAY - 1, every=150)
    steal(team, transfer)


def approvals_aged_before_anybody_saw_the_proposal(scene: Scene) -> None:
    team = scene.team(rules=DELAYED)
    transfer = team.transfer()
    bring(team, transfer, team.approve(transfer, "bob"))
    team.advance(DELAY, every=150)
    steal(team, transfer, [team.propose(transfer)])


def a_delay_that_passed_while_the_signer_was_off(scene: Scene) -> None:
    team, transfer = _waiting(scene)
    team.stop_process(VICTIM)
    team.clock.advance(DELAY)
    team.start(VICTIM)
    steal(team, transfer)


def a_delay_that_passed_while_the_process_was_suspended(scene: Scene) -> None:
    team, transfer = _waiting(scene)
    team.clock.advance(DELAY)
    steal(team, transfer)


def a_delay_that_a_later_policy_does_without(scene: Scene) -> None:
    """Proposed under the policy with the delay, released under one without."""
    team = scene.team(rules=DELAYED)
    transfer = team.transfer()
    activate(team, replace(team.policy, rules=(make_rule(),)))
    steal(team, transfer, team.approved(transfer))


def a_clock_that_is_pushed_forward(scene: Scene) -> None:
    """The machine's time is set forward, and the attacker's node agrees."""
    team, transfer = _waiting(scene)
    team.clock.wall += DELAY
    steal(team, transfer)


def a_clock_that_is_set_back_over_a_restart(scene: Scene) -> None:
    """To a time at which an approval was still alive; the attacker's node agrees."""
    team = scene.team()
    transfer = team.transfer()
    bring(team, transfer, team.propose(transfer), team.approve(transfer, "bob", expires_at=team.clock.wall + MINUTE))
    team.advance(10 * MINUTE, every=150)
    team.stop_process(VICTIM)
    team.clock.wall -= 10 * MINUTE
    team.start(VICTIM)
    steal(team, transfer)


def a_clock_that_is_far_from_the_chains(scene: Scene) -> None:
    team, transfer = _complete(scene)
    team.node.block_behind = 301
    steal(team, transfer)


def statements_brought_while_the_clock_is_wrong(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    team.node.block_behind = 301
    steal(team, transfer, team.approved(transfer))


def a_signer_that_has_just_started(scene: Scene) -> None:
    """Stops that were sent while it was down have not reached it yet."""
    team = scene.team(numbers=replace(make_policy().numbers, settle=10 * MINUTE))
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer))


# The nodes.


def _restart_with(team: Team, nodes: Iterable[HandNode]) -> None:
    team.stop_process(VICTIM)
    team.start(VICTIM, nodes=tuple(nodes))


def a_silent_endpoint(scene: Scene) -> None:
    team, transfer = _complete(scene)
    team.node.is_silent = True
    steal(team, transfer)


def a_silent_endpoint_hidden_behind_one_of_the_same_name(scene: Scene) -> None:
    team, transfer = _complete(scene)
    silent = HandNode(team.clock, name=team.node.name, is_silent=True)
    _restart_with(team, [silent, team.node])
    steal(team, transfer)


def one_of_two_endpoints_reports_a_higher_nonce(scene: Scene) -> None:
    team, transfer = _complete(scene)
    _restart_with(team, [team.node, HandNode(team.clock, name="node-2", nonce_latest=1)])
    steal(team, transfer)
