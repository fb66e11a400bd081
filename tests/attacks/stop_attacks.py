"""Stops: money that leaves although somebody pulled the brake, and brakes that are pulled by those who may not."""

from __future__ import annotations

from collections.abc import Callable

from guard.core.facts import ScopeKind
from guard.signer.stopping import take_unfreezes
from tests.attacks.scene import VICTIM, Scene, bring, steal
from tests.factories import HOUR, MINUTE, make_scope
from tests.team import Team


def a_vetoed_transfer(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    team.stop(team.veto(transfer))
    steal(team, transfer, team.approved(transfer))


def a_transfer_vetoed_after_its_quorum(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    team.stop(team.veto(transfer))
    steal(team, transfer)


def a_transfer_vetoed_while_the_clock_was_wrong(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    team.node.block_behind = 301
    team.stop(team.veto(transfer))
    team.node.block_behind = 0
    steal(team, transfer, team.approved(transfer))


def a_transfer_that_was_signed_and_then_vetoed(scene: Scene) -> None:
    """The first signature got lost on its way; it is not given again."""
    team = scene.team()
    transfer = team.transfer()
    team.release(VICTIM, transfer, team.approved(transfer))
    team.stop(team.veto(transfer))
    steal(team, transfer)


def a_withdrawn_transfer(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    team.stop(team.reject(transfer, "alice"))
    steal(team, transfer, team.approved(transfer))


def _frozen(kind: ScopeKind, what: str, **changes: str) -> Callable[[Scene], None]:
    def run(scene: Scene) -> None:
        team = scene.team()
        transfer = team.transfer()
        team.stop(team.freeze(make_scope(kind, **changes)))
        steal(team, transfer, team.approved(transfer))

    run.__name__ = f"a_transfer_while_{what}_is_frozen"
    return run


while_everything_is_frozen = _frozen(ScopeKind.EVERYTHING, "everything")
while_its_vault_is_frozen = _frozen(ScopeKind.VAULT, "its_vault")
while_its_asset_is_frozen = _frozen(ScopeKind.ASSET, "its_asset")
while_its_destination_is_frozen = _frozen(ScopeKind.DESTINATION, "its_destination")
while_its_initiator_is_frozen = _frozen(ScopeKind.PERSON, "its_initiator")
while_its_approver_is_frozen = _frozen(ScopeKind.PERSON, "its_approver", person="bob")


def _unfreeze(team: Team, *names: str) -> None:
    take_unfreezes(team.signers[VICTIM], tuple(team.unfreeze(name, "freeze 1") for name in names))


def a_freeze_that_too_few_people_lifted(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    team.stop(team.freeze(make_scope()))
    _unfreeze(team, "frank")
    team.advance(HOUR, every=150)
    steal(team, transfer, team.approved(transfer))


def a_freeze_whose_lifting_waits(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    team.stop(team.freeze(make_scope()))
    _unfreeze(team, "frank", "grace")
    team.advance(HOUR - 1, every=150)
    steal(team, transfer, team.approved(transfer))


def a_freeze_that_was_lifted_before_it_came(scene: Scene) -> None:
    """Unfreezes signed ahead are worth nothing for a freeze that the signer has not seen, and their delay begins with it."""
    team = scene.team()
    transfer = team.transfer()
    _unfreeze(team, "frank", "grace")
    team.advance(HOUR, every=150)
    team.stop(team.freeze(make_scope()))
    _unfreeze(team, "frank", "grace")
    team.advance(MINUTE)
    steal(team, transfer, team.approved(transfer))


# Against those who may move money: anybody's key stops the treasury.


def somebody_who_is_no_guardian_vetoes(scene: Scene) -> None:
    team = scene.team()
    team.stop(team.veto(team.transfer(), "bob"), VICTIM)


def somebody_who_is_no_guardian_freezes_everything(scene: Scene) -> None:
    team = scene.team()
    team.stop(team.freeze(make_scope(), "bob"), VICTIM)
