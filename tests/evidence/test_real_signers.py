"""Evidence of what the product's own signers sign, each with its own journal, delay and clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.core.ids import AssetId
from guard.core.rules import Match
from guard.evidence.file import compose_evidence
from guard.evidence.verify import verify_evidence
from guard.statements import testimony
from guard.statements.certificates import TransferCertificate
from tests.factories import MINUTE, make_rule, make_tier, usdc
from tests.team import Team, make_team_policy


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    tiers = (make_tier(usdc(10_000), finance=2, security=1, delay=5 * MINUTE),)
    rule = make_rule(match=Match(assets=(AssetId("USDC"),)), approvals=(), tiers=tiers)
    team = Team(tmp_path, policy=make_team_policy(rules=(rule,)))
    yield team
    team.close()


def test_what_three_signers_released_after_the_delay_verifies_with_the_pin_alone(team: Team) -> None:
    transfer = team.transfer()
    statements = team.approved(transfer, "bob", "carol", "erin")
    names = tuple(team.signers)[:3]
    for name in names:
        team.signers[name].register(transfer, statements)
    assert team.refusal_codes(names[0], transfer, statements) == {"decision.delay"}
    team.advance(5 * MINUTE)
    answers = [team.release(name, transfer, statements) for name in names]
    raw = compose_evidence(
        active=team.bundle,
        named=team.bundle,
        statements=statements,
        testimonies=[testimony.testimony_from_json(answer["statement"]) for answer in answers],
        certificate=TransferCertificate(
            transfer=transfer,
            nonce=answers[0]["nonce"],
            signatures={answer["owner"]: bytes.fromhex(answer["signature"][2:]) for answer in answers},
        ),
        broadcast=None,
    )
    report = verify_evidence(raw, team.digest)
    assert [(each.signer, each.signed_at - each.quorum_since) for each in report.witnesses] == [
        (name, 5 * MINUTE) for name in names
    ]
    assert {(each.person, each.group) for each in report.people if each.group} == {
        ("bob", "finance"),
        ("carol", "finance"),
        ("erin", "security"),
    }
