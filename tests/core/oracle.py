"""What the sentences of DESIGN §5 and TRUST §2 to §6 ask of a release, worked out slowly, without the core's functions.

Every assignment of people to groups is tried, every second is looked at, every window is summed. Nothing here may call
anything in `guard.core` but constructors and enumerations: two answers that agree must have come about twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from guard.core.decision import Status
from guard.core.facts import Facts, Movement, Scope, ScopeKind, SeenApproval
from guard.core.ids import NATIVE, NO_DIGEST, TransferId
from guard.core.policy import Edition, Policies, Policy
from guard.core.roster import Key, Person
from guard.core.rules import RollingLimit, Rule, Tier
from guard.core.transfer import Action, Transfer

FIVE_MINUTES = 300


@dataclass(frozen=True)
class Expected:
    """What a decision must say."""

    status: Status
    quorum_since: int | None
    is_quorum_complete: bool


def expect(transfer: Transfer, policies: Policies, facts: Facts) -> Expected:
    since = find_quorum_since(transfer, policies, facts)
    if any(find_denials(transfer, policies, facts)):
        status = Status.DENIED
    elif any(find_holds(transfer, policies, facts, since)):
        status = Status.HELD
    else:
        status = Status.RELEASABLE
    return Expected(status, since, since is not None)


def find_denials(transfer: Transfer, policies: Policies, facts: Facts) -> Iterator[bool]:
    """What neither time nor a further statement cures."""
    policy, now = policies.active.policy, facts.now
    yield transfer.treasury != policy.treasury
    yield not any(v.address == transfer.vault and is_on(policy, v.chain, transfer) for v in policy.vaults)
    yield find_asset_name(policy, transfer) is None
    yield transfer.action != Action.TRANSFER or transfer.call_data_hash != NO_DIGEST
    yield transfer.amount_units == 0
    yield transfer.destination in (transfer.vault, transfer.asset, NATIVE)
    # "not in the chain, or another roster than the active one, or older than max_transfer_age: denied" (TRUST §4)
    named = policies.named
    yield named is None or named.digest != transfer.policy
    yield named is not None and named.roster_digest != policies.active.roster_digest
    yield now > transfer.proposed_at + policy.numbers.max_transfer_age
    yield now >= transfer.expires_at or transfer.expires_at <= transfer.proposed_at
    yield transfer.supersedes != TransferId(NO_DIGEST)
    yield find_person(policy, transfer.initiator) is None
    yield len(facts.vetoed_by) > 0
    yield transfer.initiator in facts.rejected_by
    for edition in editions(policies):
        matching = find_matching(edition.policy, transfer)
        yield any(rule.deny for rule in matching)
        yield not any(rule.allow for rule in matching)
        yield any(rule.tiers and find_tier(rule, edition.policy, transfer) is None for rule in matching)
        for limit in find_limits(edition.policy, transfer):
            yield transfer.amount_units > limit.cap.units
    yield not find_demands(transfer, policies)
    yield not can_still_be_filled(transfer, policies, facts)


def find_holds(transfer: Transfer, policies: Policies, facts: Facts, since: int | None) -> Iterator[bool]:
    """What time or a further statement may cure."""
    yield facts.now >= policies.active.expires_at
    yield facts.now < transfer.proposed_at - FIVE_MINUTES
    proposal = facts.proposal
    owner = None if proposal is None else find_owner(policies.active.policy, proposal.key)
    yield proposal is None or owner is None or not proposal.person == owner[0].id == transfer.initiator
    approvers: set[str] = {approval.person for approval in facts.approvals}
    yield any(is_held_by(freeze.scope, transfer, approvers) for freeze in facts.freezes)
    for edition in editions(policies):
        for limit in find_limits(edition.policy, transfer):
            counted = sum(m.amount_units for m in facts.movements if is_counted(m, limit, transfer, facts))
            yield counted + transfer.amount_units > limit.cap.units
    yield since is None
    if since is not None:
        yield facts.now < since
        yield count_lived_seconds(since, facts) < longest_delay(transfer, policies)


# --- Rules and what they ask ---


def editions(policies: Policies) -> list[Edition]:
    """Rules and delays of the bundle that is named and of the active one (TRUST §4)."""
    return [edition for edition in (policies.named, policies.active) if edition is not None]


def is_on(policy: Policy, chain: str, transfer: Transfer) -> bool:
    return any(c.name == chain and c.chain_id == transfer.chain_id for c in policy.chains)


def find_asset_name(policy: Policy, transfer: Transfer) -> str | None:
    for asset in policy.assets:
        if asset.address == transfer.asset and is_on(policy, asset.chain, transfer):
            return asset.id
    return None


def find_matching(policy: Policy, transfer: Transfer) -> list[Rule]:
    """Every rule that matches applies, not the first alone (DESIGN §5)."""
    return [rule for rule in policy.rules if is_matching(rule, policy, transfer)]


def is_matching(rule: Rule, policy: Policy, transfer: Transfer) -> bool:
    match = rule.match
    vaults = [v.id for v in policy.vaults if v.address == transfer.vault and is_on(policy, v.chain, transfer)]
    labels = [
        entry.label
        for entry in policy.book
        if entry.address == transfer.destination and any(is_on(policy, chain, transfer) for chain in entry.chains)
    ]
    asset = find_asset_name(policy, transfer)
    if match.vaults is not None and not set(match.vaults) & set(vaults):
        return False
    if match.assets is not None and asset not in match.assets:
        return False
    if match.actions is not None and transfer.action not in match.actions:
        return False
    if match.destination_labels is not None and not set(match.destination_labels) & set(labels):
        return False
    if match.destination_listed is not None and match.destination_listed != bool(labels):
        return False
    if match.initiator_people is not None or match.initiator_groups is not None:
        person = find_person(policy, transfer.initiator)
        groups = set(person.groups) if person else set()
        is_named = transfer.initiator in (match.initiator_people or ())
        if not is_named and not groups & set(match.initiator_groups or ()):
            return False
    if match.amount is not None:
        lowest = 0 if match.amount.at_least is None else match.amount.at_least
        highest = 2**256 if match.amount.at_most is None else match.amount.at_most
        return asset == match.amount.asset and lowest <= transfer.amount_units <= highest
    return True


def find_tier(rule: Rule, policy: Policy, transfer: Transfer) -> Tier | None:
    """Tiers do not add up: the first that covers counts alone, its `up_to` included (DESIGN §5)."""
    for tier in rule.tiers:
        if tier.up_to.asset == find_asset_name(policy, transfer) and transfer.amount_units <= tier.up_to.units:
            return tier
    return None


def find_limits(policy: Policy, transfer: Transfer) -> list[RollingLimit]:
    asset = find_asset_name(policy, transfer)
    return [limit for rule in find_matching(policy, transfer) for limit in rule.limits if limit.cap.asset == asset]


def longest_delay(transfer: Transfer, policies: Policies) -> int:
    delays = [0]
    for edition in editions(policies):
        for rule in find_matching(edition.policy, transfer):
            tier = find_tier(rule, edition.policy, transfer)
            delays += [rule.delay, tier.delay if tier else 0]
    return max(delays)


def find_demands(transfer: Transfer, policies: Policies) -> list[tuple[str, int]]:
    """Each rule's seats, its own and those of the tier that covers: (group, count)."""
    demands: list[tuple[str, int]] = []
    for edition in editions(policies):
        for rule in find_matching(edition.policy, transfer):
            tier = find_tier(rule, edition.policy, transfer)
            for group, count in (*rule.approvals, *(tier.approvals if tier else ())):
                demands.append((group, count))
    return demands


# --- People, approvals, seats ---


def find_person(policy: Policy, person_id: str) -> Person | None:
    return next((person for person in policy.roster.people if person.id == person_id), None)


def find_owner(policy: Policy, address: str) -> tuple[Person, Key] | None:
    for person in policy.roster.people:
        for key in person.keys:
            if key.address == address:
                return person, key
    return None


def is_good(approval: SeenApproval, transfer: Transfer, active: Edition, facts: Facts) -> bool:
    """P12, and who fills no seat ever: the initiator, a machine, somebody who rejected (TRUST §2, §3)."""
    owner = find_owner(active.policy, approval.key)
    if owner is None or owner[0].id != approval.person or owner[0].machine or not owner[1].display:
        return False
    if approval.person == transfer.initiator or approval.person in facts.rejected_by:
        return False
    if approval.roster != active.roster_digest or approval.signed_at < transfer.proposed_at:
        return False
    enrolled_at = active.enrolled_at.get(approval.key)
    if enrolled_at is None or approval.signed_at < enrolled_at or approval.first_seen_at < enrolled_at:
        return False
    if approval.signed_at - approval.first_seen_at > FIVE_MINUTES:
        return False
    return approval.signed_at < approval.expires_at and facts.now < approval.expires_at


def is_fresh(approval: SeenApproval, transfer: Transfer, policies: Policies, now: int) -> bool:
    """The demands of all matching rules hold together, the strictest wins (DESIGN §5)."""
    lifetimes = [
        rule.approval_valid_for
        for edition in editions(policies)
        for rule in find_matching(edition.policy, transfer)
        if rule.approval_valid_for is not None
    ]
    ages = (now - approval.signed_at, now - approval.first_seen_at)
    return all(age < lifetime for age in ages for lifetime in lifetimes)


def assign_everybody(policy: Policy) -> Iterator[dict[str, str]]:
    """Each person to one of their groups or to none, for the whole transfer (TRUST §3)."""
    people = policy.roster.people
    for chosen in product(*[(None, *person.groups) for person in people]):
        yield {person.id: group for person, group in zip(people, chosen, strict=True) if group is not None}


def is_filled(transfer: Transfer, policies: Policies, facts: Facts, until: int) -> bool:
    """Whether the statements first seen by then, and that count now, fill every seat that is asked now."""
    active, demands = policies.active, find_demands(transfer, policies)
    approved = {
        approval.person
        for approval in facts.approvals
        if approval.first_seen_at <= until
        and is_good(approval, transfer, active, facts)
        and is_fresh(approval, transfer, policies, facts.now)
    }
    return bool(demands) and any(
        all(
            sum(1 for person, seat in assignment.items() if seat == group and person in approved) >= count
            for group, count in demands
        )
        for assignment in assign_everybody(active.policy)
    )


def find_quorum_since(transfer: Transfer, policies: Policies, facts: Facts) -> int | None:
    """The smallest such time, looked for second by second; never before the proposal itself was seen."""
    times = [approval.first_seen_at for approval in facts.approvals]
    if not times or not is_filled(transfer, policies, facts, max(times)):
        return None
    since = next(t for t in range(min(times), max(times) + 1) if is_filled(transfer, policies, facts, t))
    return since if facts.proposal is None else max(since, facts.proposal.first_seen_at)


def can_still_be_filled(transfer: Transfer, policies: Policies, facts: Facts) -> bool:
    """Whether the people who remain could fill the seats, if all of them approved (TRUST §2, Rejection)."""
    remaining = {p.id for p in policies.active.policy.roster.people if not p.machine} - facts.rejected_by
    remaining -= {transfer.initiator}
    demands = find_demands(transfer, policies)
    return any(
        all(
            sum(1 for person, seat in assignment.items() if seat == group and person in remaining) >= count
            for group, count in demands
        )
        for assignment in assign_everybody(policies.active.policy)
    )


# --- Time, windows, stops ---


def count_lived_seconds(since: int, facts: Facts) -> int:
    """The seconds since then in which the signer ran (TRUST §4)."""
    return sum(
        1 for second in range(since, facts.now) if not any(o.start_at <= second < o.end_at for o in facts.outages)
    )


def is_counted(movement: Movement, limit: RollingLimit, transfer: Transfer, facts: Facts) -> bool:
    """Whether a window of that length, both its ends included, can hold the movement and a release now."""
    if movement.transfer_id == facts.transfer_id:
        return False
    if (movement.chain_id, movement.vault, movement.asset) != (transfer.chain_id, transfer.vault, transfer.asset):
        return False
    if "destination" in limit.per and movement.destination != transfer.destination:
        return False
    if "initiator" in limit.per and movement.initiator != transfer.initiator:
        return False
    at = facts.now if movement.at is None else movement.at
    return facts.now - at <= limit.window


def is_held_by(scope: Scope, transfer: Transfer, approvers: set[str]) -> bool:
    if scope.kind is ScopeKind.PERSON:
        return scope.person in approvers | {transfer.initiator}
    account = {
        ScopeKind.VAULT: transfer.vault,
        ScopeKind.ASSET: transfer.asset,
        ScopeKind.DESTINATION: transfer.destination,
    }
    return scope.kind is ScopeKind.EVERYTHING or (scope.chain_id, scope.account) == (
        transfer.chain_id,
        account[scope.kind],
    )
