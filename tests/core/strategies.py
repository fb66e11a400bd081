"""Small random treasuries at their boundaries: few people, few seconds, amounts just below, at and just above every cap."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from guard.core.facts import Facts, Movement, Outage, ScopeKind, SeenApproval
from guard.core.ids import NO_DIGEST, AssetId, GroupId, Label, PersonId, TransferId, VaultId
from guard.core.policy import Edition, Policies
from guard.core.roster import GUARDIANS, Roster
from guard.core.rules import AmountRange, Match, Rule
from guard.core.transfer import Transfer
from tests import factories
from tests.factories import FINANCE, PROPOSED_AT, SECURITY, address_of, digest_of

GROUPS = (FINANCE, GUARDIANS, SECURITY)
APPROVERS = ("bob", "carol", "dave")
HUNDREDS = (99, 100, 101)
WAITS = (0, 10, 20)
SECONDS = st.integers(0, 40)
INSTANTS = SECONDS.map(lambda second: PROPOSED_AT + second)
NEW_DIGEST = digest_of("policy 2")


@dataclass(frozen=True)
class Situation:
    """The three arguments of a decision."""

    transfer: Transfer
    policies: Policies
    facts: Facts


def usually(*values: Any, rarely: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """One of the values, and now and then one of the rare ones."""
    return st.sampled_from(values * (12 // len(values)) + rarely)


def draw_groups() -> st.SearchStrategy[tuple[GroupId, ...]]:
    return st.sets(st.sampled_from(GROUPS), min_size=1).map(lambda groups: tuple(sorted(groups)))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    people = [factories.make_person("alice", *draw(draw_groups())), factories.make_machine()]
    people += [factories.make_person(name, *draw(draw_groups())) for name in APPROVERS]
    return Roster(GROUPS, tuple(sorted(people, key=lambda person: person.id)))


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


@st.composite
def seats(draw: st.DrawFn) -> tuple[tuple[GroupId, int], ...]:
    asked = draw(st.dictionaries(st.sampled_from(GROUPS), st.sampled_from((1, 1, 2)), min_size=1, max_size=2))
    return tuple(sorted(asked.items()))


@st.composite
def rules(draw: st.DrawFn, rule_id: str, *, may_allow: bool = True) -> Rule:
    match = draw(st.one_of(st.just(Match()), st.sampled_from(MATCHES)))
    kind = draw(st.sampled_from(("seats", "seats", "seats", "tiers", "limit", "deny")))
    fields: dict[str, Any] = {"match": match, "allow": may_allow and draw(usually(True, rarely=(False,))), "approvals": ()}
    if kind == "deny":
        return factories.make_rule(rule_id, match=draw(st.sampled_from(MATCHES)), deny=True, allow=False, approvals=())
    if kind == "seats":
        fields |= {
            "approvals": draw(seats()),
            "delay": draw(st.sampled_from(WAITS)),
            "approval_valid_for": draw(st.sampled_from((None, None, 10, 20))),
        }
    elif kind == "tiers":
        first, counts = draw(st.sampled_from(WAITS)), dict(draw(seats()))
        second = counts | dict(draw(seats()))
        second = {group: max(count, counts.get(group, 0)) for group, count in second.items()}
        fields |= {
            "tiers": (
                factories.make_tier(100, delay=first, **counts),
                factories.make_tier(draw(st.sampled_from((101, 200))), delay=first + 10, **second),
            )
        }
    else:
        also_per = draw(st.sampled_from(((), ("destination",), ("initiator",))))
        fields |= {"limits": (factories.make_limit(draw(st.sampled_from((99, 100, 200))), window=20, also_per=also_per),)}
    return factories.make_rule(rule_id, **fields)


@st.composite
def rule_sets(draw: st.DrawFn) -> tuple[Rule, ...]:
    first = draw(rules("rule-0"))
    return (first, *(draw(rules(f"rule-{number}")) for number in range(1, draw(st.integers(1, 3)))))


@st.composite
def policies(draw: st.DrawFn) -> Policies:
    roster = draw(rosters())
    named = factories.make_edition(roster=roster, rules=draw(rule_sets()))
    which = draw(usually("one", "two", rarely=("none", "other roster", "expired")))
    if which == "one":
        return Policies(named=named, active=named)
    active = replace(named, digest=NEW_DIGEST, version=2)
    if which == "expired":
        return Policies(named=named, active=replace(active, expires_at=PROPOSED_AT + draw(st.integers(10, 30))))
    if which == "two":
        active = _with_rules(active, draw(rule_sets()))
    if which == "other roster":
        active = replace(active, roster_digest=digest_of("roster 2"))
    return Policies(named=None if which == "none" else named, active=active)


def _with_rules(edition: Edition, chosen: tuple[Rule, ...]) -> Edition:
    return replace(edition, policy=replace(edition.policy, rules=chosen))


@st.composite
def transfers(draw: st.DrawFn) -> Transfer:
    return factories.make_transfer(
        amount_units=draw(usually(*HUNDREDS, rarely=(0,))),
        asset=draw(usually(factories.USDC_ADDRESS, rarely=(factories.NATIVE, address_of("token other")))),
        destination=draw(usually(factories.DESTINATION, factories.UNLISTED, rarely=(factories.VAULT_ADDRESS,))),
        vault=draw(usually(factories.VAULT_ADDRESS, rarely=(address_of("vault other"),))),
        initiator=draw(usually("alice", "payroll", rarely=("bob", "nobody"))),
        expires_at=PROPOSED_AT + draw(usually(1000, rarely=(0, 20, 40))),
        treasury=draw(usually(factories.TREASURY, rarely=(digest_of("another treasury"),))),
        supersedes=draw(usually(NO_DIGEST, rarely=(TransferId(digest_of("another")),))),
    )


@st.composite
def approvals(draw: st.DrawFn) -> SeenApproval:
    """An approval at some second, now and then one with something wrong."""
    person = draw(usually(*APPROVERS, rarely=("alice", "payroll")))
    seen_at = draw(INSTANTS)
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
    return replace(approval, **draw(usually({}, rarely=wrong)))


@st.composite
def movements(draw: st.DrawFn) -> Movement:
    return factories.make_movement(
        draw(st.sampled_from(("one", "two", "three"))),
        amount_units=draw(st.sampled_from((1, 50, 100))),
        at=draw(st.one_of(st.none(), INSTANTS)),
        destination=draw(st.sampled_from((factories.DESTINATION, factories.UNLISTED))),
        initiator=draw(st.sampled_from(("alice", "bob"))),
        transfer_id=draw(usually(digest_of("earlier"), rarely=(factories.TRANSFER_ID,))),
    )


@st.composite
def outages(draw: st.DrawFn) -> tuple[Outage, ...]:
    """Outages that do not overlap, as a journal has them."""
    edges = sorted(draw(st.sets(SECONDS, max_size=4)))
    starts = edges[0 : len(edges) // 2 * 2 : 2]
    return tuple(
        Outage(PROPOSED_AT + start, PROPOSED_AT + end) for start, end in zip(starts, edges[1::2], strict=True)
    )


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    initiator = draw(usually("alice", rarely=("bob",)))
    proposal = factories.make_proposal(initiator, first_seen_at=draw(INSTANTS))
    scopes = [factories.make_scope(kind) for kind in ScopeKind]
    scopes += [
        factories.make_scope(ScopeKind.PERSON, person="bob"),
        factories.make_scope(ScopeKind.VAULT, account=address_of("vault other")),
    ]
    freezes = draw(usually((), rarely=tuple((factories.make_freeze(scope=scope),) for scope in scopes)))
    return factories.make_facts(
        now=PROPOSED_AT + draw(usually(20, 30, 40, rarely=(-301, -300, 0, factories.DAY))),
        proposal=draw(usually(proposal, rarely=(None,))),
        approvals=tuple(draw(st.lists(approvals(), max_size=5))),
        rejected_by=draw(usually(frozenset(), rarely=tuple(frozenset((name,)) for name in ("alice", *APPROVERS)))),
        vetoed_by=draw(usually(frozenset(), rarely=(frozenset(("erin",)),))),
        freezes=freezes,
        movements=tuple(draw(st.lists(movements(), max_size=3))),
        outages=draw(outages()),
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    transfer = draw(transfers())
    chosen = draw(facts())
    # Mostly the initiator's own proposal; a machine may be one.
    if chosen.proposal is not None and draw(usually(True, rarely=(False,))):
        own = factories.make_proposal(transfer.initiator, first_seen_at=chosen.proposal.first_seen_at)
        chosen = replace(chosen, proposal=own)
    return Situation(transfer, draw(policies()), chosen)
