"""When another process makes another policy active: what counts is the one that is active when the statement is stored."""

from dataclasses import replace

from guard.bundles.bundle import Bundle, compute_bundle_digest, compute_roster_digest, to_bytes
from guard.core.policy import Policy
from guard.ports.books import BundleRow
from guard.statements.signed import SignedStatement
from tests.factories import make_key, make_person, make_roster
from tests.service.house import House, asked, code_of
from tests.team import make_team_policy, transfer_id_of


def activate(house: House, policy: Policy) -> Bundle:
    """A second bundle becomes active behind the service's back."""
    bundle = replace(house.people.bundle, version=2, previous=house.people.digest, policy=policy)
    digest = compute_bundle_digest(bundle)
    row = BundleRow(version=2, digest=digest, raw=to_bytes(bundle), activated_at=house.clock.wall)
    with house.store.writing() as writing:
        writing.add_bundle(row, policy.treasury)
    return bundle


def approval_under(house: House, bundle: Bundle, name: str) -> tuple[SignedStatement, str]:
    """An approval of a transfer that is proposed under that bundle."""
    transfer = house.proposed(policy=compute_bundle_digest(bundle))
    roster = compute_roster_digest(bundle.policy)
    return (
        house.people.approve(transfer, name, policy=compute_bundle_digest(bundle), roster=roster),
        transfer_id_of(transfer),
    )


def test_somebody_who_has_just_been_enrolled_is_known_at_once(house: House) -> None:
    house.proposed()
    bundle = activate(house, make_team_policy(roster=make_roster(make_person("ivan", "finance"))))
    signed, about = approval_under(house, bundle, "ivan")
    given = house.service.approve(about, signed, asked())  # type: ignore[arg-type]
    assert given.person == "ivan"
    assert given.prediction is not None
    assert given.prediction["status"] == "releasable"


def test_somebody_who_has_just_been_taken_out_is_out_at_once(house: House) -> None:
    transfer = house.proposed()
    signed = house.people.approve(transfer, "bob")
    activate(house, make_team_policy(roster=make_roster(make_person("bob", "finance", keys=(make_key("bob-second"),)))))
    before = house.counts()["statement"]
    assert code_of(lambda: house.service.approve(transfer_id_of(transfer), signed, asked())) == "statement.key-unknown"
    assert house.counts()["statement"] == before


def test_an_approval_as_the_roster_of_before_is_refused_once_another_is_active(house: House) -> None:
    transfer = house.proposed()
    signed = house.people.approve(transfer, "bob")
    activate(house, make_team_policy(roster=make_roster(make_person("ivan", "finance"))))
    assert code_of(lambda: house.service.approve(transfer_id_of(transfer), signed, asked())) == "statement.roster"


def test_a_transfer_is_predicted_by_both_its_own_policy_and_the_active_one(house: House) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    activate(house, make_team_policy(roster=make_roster(make_person("ivan", "finance"))))
    shown = house.showing.show_transfer(transfer_id_of(transfer))
    assert "decision.roster-changed" in [reason["code"] for reason in shown["prediction"]["reasons"]]
    assert house.showing.show_treasury()["policy"]["version"] == 2
