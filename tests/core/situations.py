"""Small random treasuries at their boundaries: few people, few seconds, amounts just below, at and just above a cap.

A `Chooser` turns bytes into choices. Hypothesis draws the bytes, which is many times as fast as a strategy for each field
and still shrinks: a zero byte picks the first option, and first options are the plainest.
"""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from guard.core.facts import Facts, Movement, Outage, ScopeKind, SeenApproval
from guard.core.ids import NATIVE, NO_DIGEST, AssetId, GroupId, Label, PersonId, TransferId, VaultId
from guard.core.policy import Edition, Policies
from guard.core.roster import GUARDIANS, Roster
from guard.core.rules import Amount, AmountRange, Approvals, Match, Rule, Tier
from guard.core.transfer import Transfer
from tests import factories
from tests.factories import FINANCE, PROPOSED_AT, SECURITY, address_of, digest_of

T = TypeVar("T")

GROUPS = (FINANCE, GUARDIANS, SECURITY)
MEMBERSHIPS = (GROUPS, GROUPS, (FINANCE, SECURITY), (FINANCE,), (GUARDIANS, SECURITY))
APPROVERS = ("bob", "carol", "dave")
NEW_DIGEST = digest_of("policy 2")
MATCHES = (
    Match(assets=(AssetId("USDC"),)),
    Match(assets=(AssetId("ETH"),)),
    Match(vaults=(VaultId("operations"),)),
    Match(destination_listed=True),
    Match(destination_listed=False),
    Match(destination_labels=(Label("exchange"),)),
    Match(initiator_people=(PersonId("alice"),)),
    Match(initiator_groups=(SECURITY,)),
    Match(initiator_people=(PersonId("bob"),), initiator_groups=(FINANCE,)),
    Match(amount=AmountRange(asset=AssetId("USDC"), at_least=100)),
    Match(amount=AmountRange(asset=AssetId("USDC"), at_most=100)),
    Match(amount=AmountRange(asset=AssetId("ETH"), at_least=100, at_most=100)),
)


class Chooser:
    """Choices out of bytes; once they are used up, always the first option."""

    def __init__(self, choices: bytes):
        self._choices = iter(choices)

    def one_of(self, *options: T) -> T:
        """One of the options."""
        return options[next(self._choices, 0) % len(options)]

    def usually(self, *options: T, rarely: tuple[T, ...]) -> T:
        """One of the options, and once in 32 times one of the rare ones."""
        return self.one_of(*rarely) if next(self._choices, 0) % 32 == 31 else self.one_of(*options)

    def instant(self) -> int:
        """A second soon after the proposal."""
        return PROPOSED_AT + next(self._choices, 0) % 31


@dataclass(frozen=True)
class Situation:
    """The three arguments of a decision."""

    transfer: Transfer
    policies: Policies
    facts: Facts


def choose_situation(chooser: Chooser) -> Situation:
    transfer = choose_transfer(chooser)
    return Situation(transfer, choose_policies(chooser), choose_facts(chooser, transfer))


def choose_transfer(chooser: Chooser) -> Transfer:
    usually = chooser.usually
    return factories.make_transfer(
        amount_units=usually(100, 99, 101, rarely=(0,)),
        asset=usually(factories.USDC_ADDRESS, rarely=(NATIVE, address_of("token other"))),
        destination=usually(factories.DESTINATION, factories.UNLISTED, rarely=(factories.VAULT_ADDRESS,)),
        vault=usually(factories.VAULT_ADDRESS, rarely=(address_of("vault other"),)),
        initiator=usually("alice", "payroll", rarely=("bob", "nobody")),
        expires_at=PROPOSED_AT + usually(1000, rarely=(0, 20, 40)),
        treasury=usually(factories.TREASURY, rarely=(digest_of("another treasury"),)),
        supersedes=usually(NO_DIGEST, rarely=(digest_of("another"),)),
    )


def choose_policies(chooser: Chooser) -> Policies:
    roster = choose_roster(chooser)
    named = factories.make_edition(roster=roster, rules=choose_rules(chooser))
    which = chooser.usually("one", "two", rarely=("unknown", "other roster", "expired"))
    if which == "one":
        return Policies(named=named, active=named)
    active = replace(named, digest=NEW_DIGEST, version=2)
    if which == "two":
        active = with_rules(active, choose_rules(chooser))
    if which == "expired":
        active = replace(active, expires_at=chooser.instant())
    if which == "other roster":
        active = replace(active, roster_digest=digest_of("roster 2"))
    return Policies(named=None if which == "unknown" else named, active=active)


def with_rules(edition: Edition, rules: tuple[Rule, ...]) -> Edition:
    """The same edition with other rules."""
    return replace(edition, policy=replace(edition.policy, rules=rules))


def choose_roster(chooser: Chooser) -> Roster:
    members = [factories.make_person(name, *chooser.one_of(*MEMBERSHIPS)) for name in ("alice", *APPROVERS)]
    people = (*members, factories.make_machine())
    return Roster(GROUPS, tuple(sorted(people, key=lambda person: person.id)))


def choose_rules(chooser: Chooser) -> tuple[Rule, ...]:
    """One to three rules, the first of which nearly always asks for seats."""
    first = choose_rule(chooser, "rule-0", kind=chooser.usually("seats", "tiers", rarely=("limit", "deny")))
    return (first, *(choose_rule(chooser, f"rule-{number}") for number in range(1, chooser.one_of(1, 2, 3))))


def choose_rule(chooser: Chooser, rule_id: str, *, kind: str = "", may_allow: bool = True) -> Rule:
    """A rule of one of four kinds; most match everything."""
    match = chooser.one_of(Match(), Match(), chooser.one_of(*MATCHES))
    kind = kind or chooser.usually("seats", "tiers", "limit", rarely=("deny",))
    if kind == "deny":
        return factories.make_rule(rule_id, match=chooser.one_of(*MATCHES), deny=True, allow=False, approvals=())
    demands = {"seats": _choose_seats, "tiers": _choose_tiers, "limit": _choose_limit}[kind](chooser)
    allow = may_allow and chooser.usually(True, rarely=(False,))
    return factories.make_rule(rule_id, match=match, allow=allow, **({"approvals": ()} | demands))


def choose_approvals(chooser: Chooser) -> Approvals:
    groups = (FINANCE, FINANCE, SECURITY, SECURITY, GUARDIANS)
    asked = {chooser.one_of(*groups): chooser.one_of(1, 1, 1, 2) for _ in range(chooser.one_of(1, 1, 2))}
    return tuple(sorted(asked.items()))


def _choose_seats(chooser: Chooser) -> dict[str, Any]:
    return {
        "approvals": choose_approvals(chooser),
        "delay": chooser.one_of(0, 10, 20),
        "approval_valid_for": chooser.one_of(None, None, 10, 20),
    }


def _choose_tiers(chooser: Chooser) -> dict[str, Any]:
    lower = dict(choose_approvals(chooser))
    upper = lower | {group: max(count, lower.get(group, 0)) for group, count in choose_approvals(chooser)}
    delay = chooser.one_of(0, 10)
    first = make_tier(100, lower, delay)
    return {"tiers": (first, make_tier(chooser.one_of(200, 101), upper, delay + 10))}


def make_tier(up_to_units: int, approvals: dict[GroupId, int], delay: int) -> Tier:
    """A tier in USDC."""
    up_to = Amount(AssetId("USDC"), up_to_units)
    return Tier(up_to=up_to, approvals=tuple(sorted(approvals.items())), delay=delay)


def _choose_limit(chooser: Chooser) -> dict[str, Any]:
    also_per = chooser.one_of((), ("destination",), ("initiator",))
    return {"limits": (factories.make_limit(chooser.one_of(300, 200, 150, 100), window=20, also_per=also_per),)}


def choose_facts(chooser: Chooser, transfer: Transfer) -> Facts:
    # Nearly always the initiator's own proposal.
    proposer = chooser.usually(transfer.initiator, rarely=(PersonId("alice"), PersonId("bob")))
    proposal = factories.make_proposal(proposer, first_seen_at=chooser.one_of(PROPOSED_AT, chooser.instant()))
    return factories.make_facts(
        now=PROPOSED_AT + chooser.usually(40, 30, 20, rarely=(-301, -300, 0, 999, 1000)),
        proposal=chooser.usually(proposal, rarely=(None,)),
        approvals=tuple(choose_approval(chooser) for _ in range(chooser.one_of(3, 4, 5, 2, 0))),
        rejected_by=frozenset(chooser.usually((), rarely=(("alice",), ("bob",), ("carol", "dave")))),
        vetoed_by=frozenset(chooser.usually((), rarely=(("erin",),))),
        freezes=chooser.usually((), rarely=tuple((factories.make_freeze(scope=scope),) for scope in SCOPES)),
        movements=tuple(choose_movement(chooser, number) for number in range(chooser.one_of(0, 1, 2, 3))),
        outages=choose_outages(chooser),
    )


SCOPES = (
    *(factories.make_scope(kind) for kind in ScopeKind),
    factories.make_scope(ScopeKind.PERSON, person="bob"),
    factories.make_scope(ScopeKind.VAULT, account=address_of("vault other")),
    factories.make_scope(ScopeKind.ASSET, chain_id=1),
)


def choose_approval(chooser: Chooser) -> SeenApproval:
    """An approval at some second, now and then one with something wrong."""
    person = chooser.usually(*APPROVERS, rarely=("alice", "payroll"))
    seen_at = chooser.instant()
    approval = factories.make_approval(person, signed_at=seen_at, first_seen_at=seen_at)
    wrong: tuple[dict[str, Any], ...] = (
        {"roster": digest_of("roster 2")},
        {"signed_at": PROPOSED_AT - 1},
        {"signed_at": seen_at + 300},
        {"signed_at": seen_at + 301},
        {"expires_at": seen_at},
        {"expires_at": PROPOSED_AT + 40},
        {"key": address_of("somebody else")},
    )
    return replace(approval, **chooser.usually({}, rarely=wrong))


def choose_movement(chooser: Chooser, number: int) -> Movement:
    return factories.make_movement(
        amount_units=chooser.one_of(1, 50, 100),
        at=chooser.one_of(chooser.instant(), chooser.instant(), None),
        destination=chooser.one_of(factories.DESTINATION, factories.UNLISTED),
        initiator=chooser.one_of("alice", "bob"),
        transfer_id=chooser.usually(TransferId(digest_of(f"earlier {number}")), rarely=(factories.TRANSFER_ID,)),
    )


def choose_outages(chooser: Chooser) -> tuple[Outage, ...]:
    """Outages that do not overlap, as a journal has them."""
    edges = sorted({chooser.instant() for _ in range(chooser.one_of(0, 2, 4))})
    return tuple(Outage(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False))
