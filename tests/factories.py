"""Values that are valid by default, so that a test states only what it is about.

With nothing changed, `decide(make_transfer(), make_policies(), make_facts())` is releasable: alice of operations
proposed 5,000 USDC to a listed destination, bob of finance approved it, and one rule allows transfers with one seat of
finance. Every `make_` takes the fields to change by name. Keys are real: `private_key_of("bob")` signs for the address
that the roster lists for bob. Lists are in the canonical order of a bundle.
"""

from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

from coincurve import PrivateKey

from guard.core.facts import (
    Facts,
    FreezeInForce,
    Movement,
    Outage,
    Scope,
    ScopeKind,
    SeenApproval,
    SeenProposal,
    SeenUnfreeze,
)
from guard.core.ids import (
    NATIVE,
    Address,
    AssetId,
    ChainName,
    Digest,
    GroupId,
    Label,
    PersonId,
    RuleId,
    SignerId,
    TransferId,
    VaultId,
)
from guard.core.policy import (
    Asset,
    BookEntry,
    Chain,
    Edition,
    Numbers,
    OwnerEntry,
    Policies,
    Policy,
    SignerIdentity,
    SlowPath,
    Vault,
)
from guard.core.roster import GUARDIANS, POLICY_ADMINS, Key, KeyKind, Person, Roster
from guard.core.rules import Amount, Approvals, Match, RollingLimit, Rule, Tier
from guard.core.transfer import Action, Transfer
from guard.formats.keccak import keccak256, to_address, to_digest

MINUTE, HOUR, DAY = 60, 3600, 86400

ENROLLED_AT = 1_700_000_000
"""When the default bundle became active, and its keys began to count."""
PROPOSED_AT = ENROLLED_AT + 30 * DAY
NOW = PROPOSED_AT + HOUR
EXPIRES_AT = PROPOSED_AT + 2 * DAY

CHAIN = ChainName("local")
CHAIN_ID = 31337
FINANCE, SECURITY, OPERATIONS = GroupId("finance"), GroupId("security"), GroupId("operations")
GROUPS = (FINANCE, GUARDIANS, OPERATIONS, POLICY_ADMINS, SECURITY)

MEMBERSHIPS: dict[str, tuple[GroupId, ...]] = {
    "alice": (OPERATIONS,),
    "bob": (FINANCE,),
    "carol": (FINANCE,),
    "dave": (FINANCE, SECURITY),
    "erin": (GUARDIANS, SECURITY),
    "frank": (GUARDIANS, POLICY_ADMINS),
    "grace": (GUARDIANS, POLICY_ADMINS),
    "heidi": (POLICY_ADMINS,),
}
"""Who is in which group by default. dave alone is in two groups that rules ask; the machine `payroll` is in none."""
SIGNERS = ("signer-a", "signer-b", "signer-c", "signer-d")


def digest_of(name: str) -> Digest:
    """32 bytes that stand for the named thing, the same each time."""
    return to_digest(sha256(name.encode()).digest())


@cache
def private_key_of(name: str) -> PrivateKey:
    """The secp256k1 key of a person, a signer or anything else with a name, the same each time."""
    return PrivateKey(sha256(f"test key of {name}".encode()).digest())


@cache
def address_of(name: str) -> Address:
    """The address of `private_key_of(name)`."""
    return to_address(keccak256(private_key_of(name).public_key.format(compressed=False)[1:])[12:])


TREASURY = digest_of("treasury")
VAULT_ADDRESS = address_of("vault operations")
USDC_ADDRESS = address_of("token usdc")
DESTINATION = address_of("destination exchange")
"""Listed in the default book as `exchange`."""
UNLISTED = address_of("destination nobody knows")

POLICY_DIGEST = digest_of("policy 1")
ROSTER_DIGEST = digest_of("roster 1")
TRANSFER_ID = TransferId(digest_of("transfer 1"))


def usdc(number: int) -> int:
    """Whole USDC as units."""
    return number * 10**6


def ether(number: int) -> int:
    """Whole ETH as wei."""
    return number * 10**18


def make_key(name: str, **changes: Any) -> Key:
    """A key with a display, whose address is that of `private_key_of(name)`."""
    return replace(Key(address=address_of(name), kind=KeyKind.HARDWARE, device=f"{name}-device"), **changes)


def make_passkey(name: str) -> Key:
    """A key without a display of its own."""
    return Key(address=address_of(name), kind=KeyKind.PASSKEY, device=f"{name}-device", display=False)


def make_person(name: str, *groups: str, **changes: Any) -> Person:
    """A person in the given groups (by default their usual ones) with one key, that of `private_key_of(name)`."""
    usual = MEMBERSHIPS.get(name, ())
    person = Person(
        id=PersonId(name),
        name=name.capitalize(),
        organisation="company",
        groups=tuple(sorted(GroupId(group) for group in groups)) or usual,
        keys=(make_key(name),),
    )
    return replace(person, **changes)


def make_machine(name: str = "payroll") -> Person:
    """A machine: it may initiate and fills no seat."""
    return make_person(name, machine=True)


@cache
def _default_people() -> tuple[Person, ...]:
    people = (*(make_person(name) for name in MEMBERSHIPS), make_machine())
    return tuple(sorted(people, key=lambda person: person.id))


def make_roster(*people: Person, groups: tuple[GroupId, ...] = GROUPS) -> Roster:
    """The default people, where a given person takes the place of the one with the same id or is added."""
    chosen = {person.id: person for person in (*_default_people(), *people)}
    return Roster(groups, tuple(chosen[name] for name in sorted(chosen)))


def make_signer(name: str, **changes: Any) -> SignerIdentity:
    """A signer whose owner address is that of `private_key_of(name)`."""
    signer = SignerIdentity(
        id=SignerId(name), owner=address_of(name), journal_key=digest_of(f"journal key of {name}"), stop_address="unix"
    )
    return replace(signer, **changes)


def make_vault(name: str = "operations", *, threshold: int = 3, signers: tuple[str, ...] = SIGNERS) -> Vault:
    """A Safe owned by the given signers from nonce 0 on."""
    owners = OwnerEntry(from_nonce=0, threshold=threshold, signers=tuple(SignerId(signer) for signer in signers))
    return Vault(id=VaultId(name), chain=CHAIN, address=address_of(f"vault {name}"), owners=(owners,))


def make_book_entry(label: str, **changes: Any) -> BookEntry:
    """A listed destination."""
    entry = BookEntry(label=Label(label), address=address_of(f"destination {label}"), chains=(CHAIN,))
    return replace(entry, **changes)


def to_approvals(**counts: int) -> Approvals:
    """`finance=2` as seats asked; hyphens of group names are written as underscores."""
    return tuple(sorted((GroupId(group.replace("_", "-")), count) for group, count in counts.items()))


def make_tier(up_to_units: int, *, asset: str = "USDC", delay: int = 0, **counts: int) -> Tier:
    """A tier, by default of one seat of finance."""
    approvals = to_approvals(**(counts or {"finance": 1}))
    return Tier(up_to=Amount(AssetId(asset), up_to_units), approvals=approvals, delay=delay)


def make_limit(
    cap_units: int, *, asset: str = "USDC", window: int = DAY, also_per: tuple[str, ...] = ()
) -> RollingLimit:
    """A limit per vault and asset, and whatever else it is per."""
    return RollingLimit(
        cap=Amount(AssetId(asset), cap_units), window=window, per=tuple(sorted(("asset", "vault", *also_per)))
    )


def make_rule(rule_id: str = "payments", **changes: Any) -> Rule:
    """A rule that allows every transfer with one seat of finance. With `allow=False` it only asks for that seat."""
    rule = Rule(
        id=RuleId(rule_id),
        why="Day-to-day payments.",
        owner="treasury",
        review_by="2030-01-01",
        match=Match(),
        allow=True,
        approvals=to_approvals(finance=1),
    )
    return replace(rule, **changes)


def make_policy(**changes: Any) -> Policy:
    """One chain, USDC and ETH, a 3-of-4 Safe, two listed destinations, and one rule."""
    policy = Policy(
        treasury=TREASURY,
        chains=(Chain(name=CHAIN, chain_id=CHAIN_ID),),
        assets=(
            Asset(id=AssetId("ETH"), chain=CHAIN, address=NATIVE, decimals=18),
            Asset(id=AssetId("USDC"), chain=CHAIN, address=USDC_ADDRESS, decimals=6),
        ),
        signers=tuple(make_signer(name) for name in SIGNERS),
        vaults=(make_vault(),),
        roster=make_roster(),
        book=(make_book_entry("exchange"), make_book_entry("supplier")),
        rules=(make_rule(),),
        unfreeze=SlowPath(approvals=to_approvals(guardians=2), delay=HOUR),
        change=SlowPath(approvals=to_approvals(policy_admins=2), delay=DAY),
        numbers=Numbers(max_transfer_age=7 * DAY, settle=600, withstands=1),
    )
    return replace(policy, **changes)


def make_edition(**changes: Any) -> Edition:
    """The default policy, active and its keys enrolled since `ENROLLED_AT`; fields of the policy may be given too."""
    of_edition = {"policy", "digest", "roster_digest", "version", "expires_at", "activated_at", "enrolled_at"}
    of_policy = {name: changes.pop(name) for name in list(changes) if name not in of_edition}
    policy = changes.pop("policy", None) or make_policy(**of_policy)
    edition = Edition(
        policy=policy,
        digest=POLICY_DIGEST,
        roster_digest=ROSTER_DIGEST,
        version=1,
        expires_at=ENROLLED_AT + 365 * DAY,
        activated_at=ENROLLED_AT,
        enrolled_at={key.address: ENROLLED_AT for person in policy.roster.people for key in person.keys},
    )
    return replace(edition, **changes)


def make_policies(*rules: Rule, named: Edition | None = None, active: Edition | None = None) -> Policies:
    """One edition that is both named and active, with the given rules or the default one."""
    edition = active or (make_edition(rules=rules) if rules else make_edition())
    return Policies(named=named or edition, active=edition)


def make_transfer(**changes: Any) -> Transfer:
    """5,000 USDC from the operations vault to a listed destination, proposed by alice."""
    transfer = Transfer(
        treasury=TREASURY,
        chain_id=CHAIN_ID,
        vault=VAULT_ADDRESS,
        action=Action.TRANSFER,
        asset=USDC_ADDRESS,
        destination=DESTINATION,
        amount_units=usdc(5000),
        purpose="invoice 1001",
        initiator=PersonId("alice"),
        policy=POLICY_DIGEST,
        uniqueness=digest_of("uniqueness 1"),
        proposed_at=PROPOSED_AT,
        expires_at=EXPIRES_AT,
    )
    return replace(transfer, **changes)


def make_proposal(person: str = "alice", **changes: Any) -> SeenProposal:
    """The initiator's proposal, first seen when it was made."""
    proposal = SeenProposal(person=PersonId(person), key=address_of(person), first_seen_at=PROPOSED_AT)
    return replace(proposal, **changes)


def make_approval(person: str = "bob", **changes: Any) -> SeenApproval:
    """An approval signed and first seen ten minutes after the proposal, valid for a day."""
    approval = SeenApproval(
        person=PersonId(person),
        key=address_of(person),
        roster=ROSTER_DIGEST,
        signed_at=PROPOSED_AT + 10 * MINUTE,
        expires_at=PROPOSED_AT + DAY,
        first_seen_at=PROPOSED_AT + 10 * MINUTE,
    )
    return replace(approval, **changes)


def make_facts(*approvals: SeenApproval, **changes: Any) -> Facts:
    """alice proposed, and the given approvals (bob's, when none is given) are there; `approvals=()` leaves all out."""
    facts = Facts(
        now=NOW, transfer_id=TRANSFER_ID, proposal=make_proposal(), approvals=approvals or (make_approval("bob"),)
    )
    return replace(facts, **changes)


def make_movement(name: str = "earlier", **changes: Any) -> Movement:
    """What an earlier transfer like the default one took, at `NOW`."""
    return replace(Movement.of(TransferId(digest_of(name)), make_transfer(), NOW), **changes)


def make_scope(kind: ScopeKind = ScopeKind.EVERYTHING, **changes: Any) -> Scope:
    """A scope of that kind in which the default transfer is."""
    accounts = {
        ScopeKind.VAULT: VAULT_ADDRESS,
        ScopeKind.ASSET: USDC_ADDRESS,
        ScopeKind.DESTINATION: DESTINATION,
    }
    fields: dict[str, Any] = {"kind": kind}
    if kind in accounts:
        fields |= {"chain_id": CHAIN_ID, "account": accounts[kind]}
    if kind is ScopeKind.PERSON:
        fields |= {"person": "alice"}
    return Scope(**(fields | changes))


def make_freeze(name: str = "freeze 1", *, scope: Scope | None = None, person: str = "erin") -> FreezeInForce:
    """A guardian's freeze in force, of everything unless a scope is given."""
    return FreezeInForce(id=digest_of(name), scope=scope or make_scope(), person=PersonId(person))


def make_unfreeze(person: str, *freezes: str, **changes: Any) -> SeenUnfreeze:
    """A person's statement that lifts the named freezes (`freeze 1` by default), first seen two hours before `NOW`."""
    unfreeze = SeenUnfreeze(
        ids=frozenset(digest_of(name) for name in freezes or ("freeze 1",)),
        person=PersonId(person),
        key=address_of(person),
        roster=ROSTER_DIGEST,
        signed_at=NOW - 2 * HOUR,
        expires_at=NOW + DAY,
        first_seen_at=NOW - 2 * HOUR,
    )
    return replace(unfreeze, **changes)


def make_outage(start_at: int, lasts: int) -> Outage:
    """Time in which the signer did not run."""
    return Outage(start_at, start_at + lasts)
