"""What was signed: other amounts, destinations, treasuries, policies, rosters and summaries than the people agreed to."""

from __future__ import annotations

from dataclasses import replace

from guard.core.ids import AssetId, PersonId, TransferId
from guard.core.rules import Match
from guard.effects.summary import render_summary
from guard.statements.signing import sign
from tests.attacks.scene import Scene, activate, bring, edited, sign_anew, steal
from tests.factories import (
    DESTINATION,
    MINUTE,
    UNLISTED,
    address_of,
    digest_of,
    make_book_entry,
    make_limit,
    make_person,
    make_roster,
    make_rule,
    make_tier,
    make_vault,
    private_key_of,
    to_approvals,
    usdc,
)

RESERVE = "reserve"


def the_amount_is_edited_after_the_approval(scene: Scene) -> None:
    team = scene.team()
    agreed = team.transfer(amount_units=usdc(10))
    transfer = replace(agreed, amount_units=usdc(1_000_000))
    approval = edited(team.approve(agreed, "bob"), transfer=transfer, summary=render_summary(transfer, team.policy))
    steal(team, transfer, [team.propose(transfer), approval])


def the_destination_is_edited_after_the_approval(scene: Scene) -> None:
    team = scene.team()
    agreed = team.transfer()
    transfer = replace(agreed, destination=UNLISTED)
    approval = edited(team.approve(agreed, "bob"), transfer=transfer, summary=render_summary(transfer, team.policy))
    steal(team, transfer, [team.propose(transfer), approval])


def the_vault_is_edited_after_the_approval(scene: Scene) -> None:
    team = scene.team(vaults=(make_vault(), make_vault(RESERVE)))
    agreed = team.transfer()
    transfer = replace(agreed, vault=address_of(f"vault {RESERVE}"))
    approval = edited(team.approve(agreed, "bob"), transfer=transfer, summary=render_summary(transfer, team.policy))
    steal(team, transfer, [team.propose(transfer), approval])


def an_approval_is_kept_alive_by_editing_its_end(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    approval = team.approve(transfer, "bob", expires_at=team.clock.wall + MINUTE)
    team.clock.advance(2 * MINUTE)
    late = edited(approval, expires_at=team.clock.wall + MINUTE)
    steal(team, transfer, [team.propose(transfer), late])


def an_approval_given_in_another_treasury(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    statement = team.approve(transfer, "bob").statement
    elsewhere = sign(private_key_of("bob").secret, statement, digest_of("treasury of the rehearsal"))
    steal(team, transfer, [team.propose(transfer), elsewhere])


def a_transfer_of_another_treasury(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(treasury=digest_of("treasury of the rehearsal"))
    steal(team, transfer, team.approved(transfer))


def a_transfer_under_an_unknown_policy(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(policy=digest_of("a looser policy"))
    steal(team, transfer, team.approved(transfer))


def an_approval_read_under_an_unknown_policy(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    approval = team.approve(transfer, "bob", policy=digest_of("a policy with other labels"))
    steal(team, transfer, [team.propose(transfer), approval])


def an_approval_read_under_an_older_policys_labels(scene: Scene) -> None:
    team = scene.team()
    before, older = team.policy, team.digest
    activate(team, replace(before, book=(make_book_entry("former-exchange", address=DESTINATION),)))
    transfer = team.transfer()
    approval = team.approve(transfer, "bob", policy=older, summary=render_summary(transfer, before))
    steal(team, transfer, [team.propose(transfer), approval])


def an_approval_of_another_summary(scene: Scene) -> None:
    """bob's page showed a payment of 10 and had him sign this one."""
    team = scene.team()
    transfer = team.transfer()
    shown = render_summary(replace(transfer, amount_units=usdc(10)), team.policy)
    steal(team, transfer, [team.propose(transfer), team.approve(transfer, "bob", summary=shown)])


def an_approval_of_a_summary_of_unknown_version(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    steal(team, transfer, [team.propose(transfer), team.approve(transfer, "bob", summary_version=2)])


def an_approval_given_as_one_of_another_roster(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    approval = team.approve(transfer, "bob", roster=digest_of("a roster with other people"))
    steal(team, transfer, [team.propose(transfer), approval])


def a_transfer_proposed_under_a_former_roster(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer()
    bring(team, transfer, team.propose(transfer))
    activate(team, replace(team.policy, roster=make_roster(make_person("carol", "operations"))))
    steal(team, transfer, [team.approve(transfer, "bob")])


def an_approval_by_a_key_that_was_away_in_between(scene: Scene) -> None:
    """bob's key was taken out of the roster and put back; what it approved before does not come back with it."""
    team = scene.team()
    before = team.policy
    transfer = team.transfer()
    bring(team, transfer, *team.approved(transfer))
    team.clock.advance(MINUTE)
    activate(team, replace(before, roster=make_roster(make_person("bob", keys=make_person("bob-anew").keys))))
    team.clock.advance(MINUTE)
    activate(team, before)
    steal(team, transfer)


def an_asset_that_was_taken_off_the_policy(scene: Scene) -> None:
    team = scene.team()
    before, named = team.policy, team.digest
    transfer = team.transfer()
    activate(team, replace(before, assets=before.assets[:1]))
    approval = team.approve(replace(transfer, asset=before.assets[0].address), "bob", policy=named)
    real = sign_anew(team, "bob", approval, transfer=transfer, summary=render_summary(transfer, before))
    steal(team, transfer, [team.propose(transfer), real])


def an_asset_that_the_policy_does_not_name(scene: Scene) -> None:
    team = scene.team()
    known = team.transfer()
    transfer = replace(known, asset=address_of("token usdc of another issuer"))
    approval = sign_anew(team, "bob", team.approve(known, "bob"), transfer=transfer)
    steal(team, transfer, [team.propose(transfer), approval])


def a_transfer_that_supersedes_another(scene: Scene) -> None:
    team = scene.team()
    transfer = team.transfer(supersedes=TransferId(digest_of("a transfer under way")))
    steal(team, transfer, team.approved(transfer))


# What the rules say.


def a_destination_that_no_rule_allows(scene: Scene) -> None:
    asks = make_rule("asks-finance", allow=False)
    listed = make_rule("listed-only", match=Match(destination_listed=True))
    team = scene.team(rules=(asks, listed))
    transfer = team.transfer(destination=UNLISTED)
    steal(team, transfer, team.approved(transfer))


def a_destination_that_a_rule_denies(scene: Scene) -> None:
    never = make_rule("never", allow=False, deny=True, approvals=(), match=Match(initiator_people=(PersonId("alice"),)))
    team = scene.team(rules=(never, make_rule()))
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer))


def an_amount_above_the_last_tier(scene: Scene) -> None:
    tiers = (make_tier(usdc(1_000)), make_tier(usdc(4_999), finance=2))
    team = scene.team(rules=(make_rule(match=Match(assets=(AssetId("USDC"),)), tiers=tiers),))
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer, "bob", "carol"))


def a_rule_that_asks_for_nobody(scene: Scene) -> None:
    team = scene.team(rules=(make_rule(approvals=()),))
    transfer = team.transfer()
    steal(team, transfer, [team.propose(transfer)])


def an_amount_above_a_cap(scene: Scene) -> None:
    team = scene.team(rules=(make_rule(limits=(make_limit(usdc(4_999)),)),))
    transfer = team.transfer()
    steal(team, transfer, team.approved(transfer))


def the_looser_of_two_policies_is_named(scene: Scene) -> None:
    """Proposed under the policy that asked for one person, released under the one that asks for two."""
    team = scene.team()
    named = team.digest
    transfer = team.transfer()
    activate(team, replace(team.policy, rules=(make_rule(approvals=to_approvals(finance=2)),)))
    steal(team, transfer, [team.propose(transfer), team.approve(transfer, "bob", policy=named)])


def a_cap_that_a_later_policy_does_without(scene: Scene) -> None:
    """Proposed under the policy with the cap, released under one without."""
    team = scene.team(rules=(make_rule(limits=(make_limit(usdc(4_999)),)),))
    transfer = team.transfer()
    activate(team, replace(team.policy, rules=(make_rule(),)))
    steal(team, transfer, team.approved(transfer))
