"""What a signer tells those who watch: everything that could leave, and nothing that floods them (TRUST §6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.signer.pending import compute_pending
from tests.factories import digest_of
from tests.signer.teams import A, found_team, make_capped_policy
from tests.team import Team


@pytest.fixture
def team(folder: Path) -> Iterator[Team]:
    team = found_team(folder, policy=make_capped_policy(owners=3))
    team.signers[A].tick()
    yield team
    team.close()


def list_pending(team: Team) -> set[str]:
    said = compute_pending(team.signers[A], digest_of("question"))
    return {each["id"] for each in said["fields"]["transfers"]}


def test_a_transfer_that_nobody_proposed_is_not_listed(team: Team) -> None:
    transfer = team.transfer()
    team.signers[A].register(transfer, ())
    assert list_pending(team) == set()
    team.signers[A].register(transfer, (team.propose(transfer),))
    assert len(list_pending(team)) == 1


def test_an_approval_alone_does_not_list_it(team: Team) -> None:
    transfer = team.transfer()
    team.signers[A].register(transfer, (team.approve(transfer, "bob"),))
    assert list_pending(team) == set()
