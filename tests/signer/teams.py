"""The two teams of these tests: three of four signers that bear a stolen one, and two of three that bear none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guard.core.policy import Numbers, Policy
from guard.core.rules import RollingLimit
from guard.signer.verifier import Verifier
from tests.factories import DAY, make_limit, make_rule, make_signer, make_vault, usdc
from tests.team import Team, make_team_policy

A, B, C, D = "signer-a", "signer-b", "signer-c", "signer-d"
CAP = usdc(10_000)
"""Room for two of an attacker's usual payments, not for three."""


def make_capped_policy(*, owners: int = 4, limits: tuple[RollingLimit, ...] | None = None, **changes: Any) -> Policy:
    """A policy for that many signers, whose one rule has a cap within 24 hours."""
    names = (A, B, C, D)[:owners]
    stolen = owners - 3
    rule = make_rule(limits=(make_limit(CAP),) if limits is None else limits)
    usual = {
        "signers": tuple(make_signer(name) for name in names),
        "vaults": (make_vault(threshold=owners - 1, signers=names),),
        "rules": (rule,),
        "numbers": Numbers(max_transfer_age=7 * DAY, settle=0, withstands=stolen),
    }
    return make_team_policy(**{**usual, **changes})


def found_team(
    folder: Path, *, owners: int = 4, policy: Policy | None = None, verifier: Verifier | None = None, **changes: Any
) -> Team:
    """A team of four signers, or of three."""
    chosen = policy or make_capped_policy(owners=owners, **changes)
    return (
        Team(folder / f"team-{owners}", chosen)
        if verifier is None
        else Team(folder / f"team-{owners}", chosen, verifier)
    )
