"""Random policies in canonical order, sound or not: every shape that a bundle can carry, at the ends of every range.

Hypothesis draws bytes, which a `Choices` turns into a policy; that is far faster than a strategy for each field and still shrinks.
"""

from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import TypeVar

from hypothesis import strategies as st

from guard.bundles.order import by_address, by_cap, by_id, by_label, by_name, to_ordered
from guard.core.ids import Address, AssetId, ChainName, Digest, GroupId, Label, PersonId, RuleId, SignerId, VaultId
from guard.core.policy import Asset, BookEntry, Chain, Numbers, OwnerEntry, Policy, SignerIdentity, SlowPath, Vault
from guard.core.roster import Key, KeyKind, Person, Roster
from guard.core.rules import Amount, AmountRange, Approvals, Match, RollingLimit, Rule, Tier
from guard.core.transfer import Action
from guard.formats.keccak import to_address, to_digest

T = TypeVar("T")

NAMES = ("a", "b-2", "finance", "guardians", "policy-admins", "x1-y2-z3")
SYMBOLS = ("ETH", "USDC", "USDC.e", "a")
UNITS = (1, 2, 10**6, 2**53, 2**255, 2**256 - 1)
SECONDS = (1, 3600, 2**53 - 1)
TEXTS = ("Why not.", 'Quotes " and \\ and ü', "漢字", "x" * 100)
PER = (("asset", "vault"), ("asset", "initiator", "vault"), ("asset", "destination", "initiator", "vault"))


class Choices:
    """Choices out of bytes; once they are used up, always the first option. Addresses and digests are each a new one."""

    def __init__(self, choices: bytes):
        self._choices = iter(choices)
        self._made = 0

    def one_of(self, *options: T) -> T:
        return options[next(self._choices, 0) % len(options)]

    def or_none(self, make: Callable[[], T]) -> T | None:
        return make() if self.one_of(False, True) else None

    def some(self, options: tuple[str, ...], kind: Callable[[str], T], *, least: int = 0) -> tuple[T, ...]:
        """Some of the options, each once, in order."""
        mask = next(self._choices, 0)
        chosen = [option for place, option in enumerate(options) if mask >> place & 1]
        return tuple(kind(option) for option in sorted({*chosen, *options[: least if not chosen else 0]}))

    def each(self, make: Callable[[], T], key: Callable[[T], Hashable]) -> tuple[T, ...]:
        """Up to two of what is made, each with its own key, in order."""
        made = [make() for _ in range(self.one_of(0, 1, 2))]
        return to_ordered({key(value): value for value in made}.values(), key)

    def bytes(self) -> bytes:
        self._made += 1
        return sha256(b"%d %d" % (self._made, next(self._choices, 0))).digest()

    def address(self) -> Address:
        return to_address(self.bytes()[:20])

    def digest(self) -> Digest:
        return to_digest(self.bytes())


def _approvals(c: Choices) -> Approvals:
    return tuple((group, c.one_of(1, 2, 100)) for group in c.some(NAMES, GroupId, least=1))


def _amount(c: Choices) -> Amount:
    return Amount(AssetId(c.one_of(*SYMBOLS)), c.one_of(*UNITS))


def _owners(c: Choices) -> tuple[OwnerEntry, ...]:
    entries = []
    for from_nonce in c.one_of((0,), (7,), (0, 12)):
        signers = c.some(NAMES, SignerId, least=1)
        threshold = c.one_of(len(signers), len(signers) // 2 + 1)
        entries.append(OwnerEntry(from_nonce=from_nonce, threshold=threshold, signers=signers))
    return tuple(entries)


def _key(c: Choices) -> Key:
    kind = c.one_of(*KeyKind)
    return Key(address=c.address(), kind=kind, device=c.one_of(*NAMES), display=kind is not KeyKind.PASSKEY)


def _roster(c: Choices) -> Roster:
    groups = c.some(NAMES, GroupId)
    people = []
    for person_id in c.some(NAMES, PersonId):
        machine = c.one_of(False, True)
        person = Person(
            id=person_id,
            name=c.one_of(*TEXTS),
            organisation=c.one_of(*NAMES),
            groups=() if machine else c.some(groups, GroupId),
            keys=c.each(lambda: _key(c), by_address),
            machine=machine,
        )
        people.append(person)
    return Roster(groups, tuple(people))


def _match(c: Choices) -> Match:
    low, high = sorted((c.one_of(*UNITS), c.one_of(*UNITS)))
    at_least, at_most = c.one_of((low, None), (None, high), (low, high))
    return Match(
        vaults=c.or_none(lambda: c.some(NAMES, VaultId, least=1)),
        assets=c.or_none(lambda: c.some(SYMBOLS, AssetId, least=1)),
        actions=c.or_none(lambda: (Action.TRANSFER,)),
        destination_labels=c.or_none(lambda: c.some(NAMES, Label, least=1)),
        destination_listed=c.or_none(lambda: c.one_of(False, True)),
        initiator_people=c.or_none(lambda: c.some(NAMES, PersonId, least=1)),
        initiator_groups=c.or_none(lambda: c.some(NAMES, GroupId, least=1)),
        amount=c.or_none(lambda: AmountRange(asset=AssetId(c.one_of(*SYMBOLS)), at_least=at_least, at_most=at_most)),
    )


def _tiers(c: Choices) -> tuple[Tier, ...]:
    asset, asked = AssetId(c.one_of(*SYMBOLS)), _approvals(c)
    caps = c.one_of((), UNITS[:1], UNITS[2:])
    return tuple(Tier(up_to=Amount(asset, cap), approvals=asked, delay=place) for place, cap in enumerate(caps))


def _limit(c: Choices) -> RollingLimit:
    return RollingLimit(cap=_amount(c), window=c.one_of(*SECONDS), per=c.one_of(*PER))


def _rule(c: Choices) -> Rule:
    rule_id, why, match = RuleId(c.one_of(*NAMES)), c.one_of(*TEXTS), _match(c)
    owner, review_by = c.one_of("", "treasury"), c.one_of("", "2028-02-29")
    if c.one_of(False, True):
        return Rule(id=rule_id, why=why, owner=owner, review_by=review_by, match=match, deny=True)
    return Rule(
        id=rule_id,
        why=why,
        owner=owner,
        review_by=review_by,
        match=match,
        allow=c.one_of(False, True),
        approvals=_approvals(c),
        delay=c.one_of(0, 60),
        tiers=_tiers(c),
        limits=c.each(lambda: _limit(c), by_cap),
        approval_valid_for=c.or_none(lambda: c.one_of(*SECONDS)),
    )


def _asset(c: Choices) -> Asset:
    chain, decimals = ChainName(c.one_of(*NAMES)), c.one_of(0, 6, 18, 36)
    return Asset(id=AssetId(c.one_of(*SYMBOLS)), chain=chain, address=c.address(), decimals=decimals)


def _signer(c: Choices) -> SignerIdentity:
    stop_address = c.one_of("127.0.0.1:7421", "unix:/run/guard/stop", "x")
    return SignerIdentity(
        id=SignerId(c.one_of(*NAMES)), owner=c.address(), journal_key=c.digest(), stop_address=stop_address
    )


def _vault(c: Choices) -> Vault:
    return Vault(
        id=VaultId(c.one_of(*NAMES)),
        chain=ChainName(c.one_of(*NAMES)),
        address=c.address(),
        owners=_owners(c),
        max_unmined=c.one_of(3, 1, 100),
    )


def _entry(c: Choices) -> BookEntry:
    return BookEntry(
        label=Label(c.one_of(*NAMES)),
        address=c.address(),
        chains=c.some(NAMES, ChainName, least=1),
        tags=c.some(NAMES, str),
    )


def make_policy_of(choices: bytes) -> Policy:
    """The policy of these choices; without any, the plainest one."""
    c = Choices(choices)
    return Policy(
        treasury=c.digest(),
        chains=c.each(lambda: _chain(c), by_name)[:1],
        assets=c.each(lambda: _asset(c), by_id),
        signers=c.each(lambda: _signer(c), by_id),
        vaults=c.each(lambda: _vault(c), by_id),
        roster=_roster(c),
        book=c.each(lambda: _entry(c), by_label),
        rules=c.each(lambda: _rule(c), by_id),
        unfreeze=SlowPath(approvals=_approvals(c), delay=c.one_of(*SECONDS)),
        change=SlowPath(approvals=_approvals(c), delay=c.one_of(*SECONDS)),
        numbers=Numbers(max_transfer_age=c.one_of(*SECONDS), settle=c.one_of(0, 1, 600), withstands=c.one_of(0, 1, 3)),
    )


def _chain(c: Choices) -> Chain:
    return Chain(name=ChainName(c.one_of(*NAMES)), chain_id=c.one_of(1, 31337, 2**53, 2**256 - 1))


def policies() -> st.SearchStrategy[Policy]:
    """Policies whose bytes can be written; whether they are sound is another question."""
    return st.binary(max_size=400).map(make_policy_of)
