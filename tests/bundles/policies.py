"""Random policies in canonical order, sound or not: every shape that a bundle can carry, at the ends of every range."""

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

from guard.bundles.order import by_address, by_cap, by_id, by_label, by_name, to_ordered
from guard.core.ids import AssetId, ChainName, Digest, GroupId, Label, PersonId, RuleId, SignerId, VaultId
from guard.core.policy import (
    Asset,
    BookEntry,
    Chain,
    Numbers,
    OwnerEntry,
    Policy,
    SignerIdentity,
    SlowPath,
    Vault,
)
from guard.core.roster import Key, KeyKind, Person, Roster
from guard.core.rules import Amount, AmountRange, Match, RollingLimit, Rule, Tier
from guard.core.transfer import Action
from guard.formats.keccak import to_address, to_digest

T = TypeVar("T")

NAMES = ("a", "b-2", "finance", "guardians", "policy-admins", "x1-y2-z3")
SYMBOLS = ("ETH", "USDC", "USDC.e", "a")
UNITS = st.sampled_from([1, 2, 10**6, 2**53, 2**255, 2**256 - 1])
SECONDS = st.sampled_from([1, 3600, 86400, 2**53 - 1])
TEXTS = st.sampled_from(["Why not.", 'Quotes " and \\ and ü', "漢字", "x" * 100])

names = st.sampled_from(NAMES)
symbols = st.sampled_from(SYMBOLS)
addresses = st.binary(min_size=20, max_size=20).map(to_address)
digests = st.binary(min_size=32, max_size=32).map(to_digest)


def names_of(kind: Callable[[str], T], *, least: int = 0) -> st.SearchStrategy[tuple[T, ...]]:
    """Some names, each once, in order."""
    return st.lists(names, min_size=least, max_size=4, unique=True).map(lambda found: tuple(map(kind, sorted(found))))


def some(
    values: st.SearchStrategy[T], key: Callable[[T], Any], *, least: int = 0, most: int = 3
) -> st.SearchStrategy[tuple[T, ...]]:
    """Some values, each with its own key and in order."""
    return st.lists(values, min_size=least, max_size=most, unique_by=key).map(lambda found: to_ordered(found, key))


approvals = names_of(GroupId, least=1).flatmap(
    lambda groups: st.tuples(*(st.tuples(st.just(group), st.sampled_from([1, 2, 100])) for group in groups))
)
amounts = st.builds(Amount, symbols.map(AssetId), UNITS)
chains = st.builds(Chain, name=names.map(ChainName), chain_id=st.sampled_from([1, 31337, 2**53, 2**256 - 1]))
assets = st.builds(
    Asset,
    id=symbols.map(AssetId),
    chain=names.map(ChainName),
    address=addresses,
    decimals=st.sampled_from([0, 6, 18, 36]),
)
signers = st.builds(
    SignerIdentity,
    id=names.map(SignerId),
    owner=addresses,
    journal_key=digests,
    stop_address=st.sampled_from(["127.0.0.1:7421", "unix:/run/guard/stop", "x"]),
)


@st.composite
def owner_entries(draw: st.DrawFn) -> tuple[OwnerEntry, ...]:
    """Owners that the constructor takes, from nonce 0 and perhaps anew from a later one."""
    entries = []
    for from_nonce in draw(st.sampled_from([(0,), (7,), (0, 12)])):
        named = draw(names_of(SignerId, least=1))
        threshold = draw(st.integers(len(named) // 2 + 1, len(named)))
        entries.append(OwnerEntry(from_nonce=from_nonce, threshold=threshold, signers=named))
    return tuple(entries)


vaults = st.builds(
    Vault,
    id=names.map(VaultId),
    chain=names.map(ChainName),
    address=addresses,
    owners=owner_entries(),
    max_unmined=st.sampled_from([1, 3, 100]),
)
entries = st.builds(
    BookEntry, label=names.map(Label), address=addresses, chains=names_of(ChainName, least=1), tags=names_of(str)
)


@st.composite
def keys(draw: st.DrawFn) -> Key:
    """A key; only a passkey is without a display."""
    kind = draw(st.sampled_from(KeyKind))
    return Key(address=draw(addresses), kind=kind, device=draw(names), display=kind is not KeyKind.PASSKEY)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """People in declared groups, each key address once in the roster."""
    groups = draw(names_of(GroupId))
    ids = draw(names_of(PersonId))
    people = []
    for person_id in ids:
        machine = draw(st.booleans())
        member_of = draw(st.lists(st.sampled_from(groups), unique=True)) if groups and not machine else []
        person = Person(
            id=person_id,
            name=draw(TEXTS),
            organisation=draw(names),
            groups=tuple(sorted(member_of)),
            keys=draw(some(keys(), by_address, most=2)),
            machine=machine,
        )
        people.append(person)
    seen = [key.address for person in people for key in person.keys]
    return Roster(groups, tuple(people)) if len(set(seen)) == len(seen) else Roster(groups, ())


@st.composite
def ranges(draw: st.DrawFn) -> AmountRange:
    """A range with one side or both."""
    low, high = sorted((draw(UNITS), draw(UNITS)))
    sides = draw(st.sampled_from([(low, None), (None, high), (low, high)]))
    return AmountRange(asset=AssetId(draw(symbols)), at_least=sides[0], at_most=sides[1])


def or_none(values: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """The value, or None for what a rule does not look at."""
    return st.none() | values


matches = st.builds(
    Match,
    vaults=or_none(names_of(VaultId, least=1)),
    assets=or_none(st.lists(symbols.map(AssetId), min_size=1, unique=True).map(lambda found: tuple(sorted(found)))),
    actions=or_none(st.just((Action.TRANSFER,))),
    destination_labels=or_none(names_of(Label, least=1)),
    destination_listed=or_none(st.booleans()),
    initiator_people=or_none(names_of(PersonId, least=1)),
    initiator_groups=or_none(names_of(GroupId, least=1)),
    amount=or_none(ranges()),
)
limits = st.builds(
    RollingLimit,
    cap=amounts,
    window=SECONDS,
    per=st.sampled_from([("asset", "vault"), ("asset", "destination", "initiator", "vault")]),
)


@st.composite
def tier_lists(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Tiers of one asset that rise in amount and in delay and ask the same people."""
    asset, asked = AssetId(draw(symbols)), draw(approvals)
    caps = sorted(draw(st.lists(UNITS, max_size=3, unique=True)))
    delays = sorted(draw(st.lists(st.sampled_from([0, 1, 3600]), min_size=len(caps), max_size=len(caps))))
    return tuple(
        Tier(up_to=Amount(asset, cap), approvals=asked, delay=delay) for cap, delay in zip(caps, delays, strict=True)
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule that denies, or asks for something."""
    deny = draw(st.booleans())
    asked = {
        "allow": draw(st.booleans()),
        "approvals": draw(approvals),
        "delay": draw(st.sampled_from([0, 60])),
        "tiers": draw(tier_lists()),
        "limits": draw(some(limits, by_cap)),
        "approval_valid_for": draw(or_none(SECONDS)),
    }
    return Rule(
        id=RuleId(draw(names)),
        why=draw(TEXTS),
        owner=draw(st.sampled_from(["", "treasury"])),
        review_by=draw(st.sampled_from(["", "2028-02-29"])),
        match=draw(matches),
        **({"deny": True} if deny else asked),
    )


slow_paths = st.builds(SlowPath, approvals=approvals, delay=SECONDS)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A policy whose bytes can be written; whether it is sound is another question."""
    return Policy(
        treasury=Digest(draw(digests)),
        chains=draw(some(chains, by_name, most=1)),
        assets=draw(some(assets, by_id)),
        signers=draw(some(signers, by_id, most=1)),
        vaults=draw(some(vaults, by_id)),
        roster=draw(rosters()),
        book=draw(some(entries, by_label)),
        rules=draw(some(rules(), by_id)),
        unfreeze=draw(slow_paths),
        change=draw(slow_paths),
        numbers=draw(
            st.builds(
                Numbers, max_transfer_age=SECONDS, settle=st.sampled_from([0, 1, 600]), withstands=st.integers(0, 3)
            )
        ),
    )
