"""A transfer and a policy that are valid as they stand, so that a test says only what it is about."""

from dataclasses import replace
from typing import Any

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
    VaultId,
)
from guard.core.policy import Asset, BookEntry, Chain, Numbers, OwnerEntry, Policy, SignerIdentity, SlowPath, Vault
from guard.core.roster import GUARDIANS, Key, KeyKind, Person, Roster
from guard.core.rules import Match, Rule
from guard.core.transfer import Action, Transfer
from guard.formats.keccak import to_address, to_digest

TREASURY = Digest("0x" + "11" * 32)
POLICY = Digest("0x" + "22" * 32)
UNIQUENESS = Digest("0x0123456789abcdef" + "33" * 24)
VAULT = to_address(bytes.fromhex("657ff0d4ec65d82b2bc1247b0a558bcd2f80a0f1"))
SECOND_VAULT = to_address(bytes.fromhex("6bc56d6ce87c86cb0756c616becfd3cd32b09251"))
USDC = to_address(bytes.fromhex("a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"))
SUPPLIER = to_address(bytes.fromhex("255c3912f91ef11bfdadd405f13144a823da8cc5"))
STRANGER = to_address(bytes.fromhex("111ceeee040739fd91d29c34c33e6b3e112f2177"))
MAINNET, SIDECHAIN = 1, 42161
PROPOSED_AT, EXPIRES_AT = 1_800_000_000, 1_800_086_400
FINANCE = GroupId("finance")


def a_transfer(**changes: Any) -> Transfer:
    """9,000 USDC to the supplier, proposed by alice."""
    plain = Transfer(
        treasury=TREASURY,
        chain_id=MAINNET,
        vault=VAULT,
        action=Action.TRANSFER,
        asset=USDC,
        destination=SUPPLIER,
        amount_units=9_000_000_000,
        purpose="invoice 2026-118",
        initiator=PersonId("alice"),
        policy=POLICY,
        uniqueness=UNIQUENESS,
        proposed_at=PROPOSED_AT,
        expires_at=EXPIRES_AT,
    )
    return replace(plain, **changes)


def an_address(number: int) -> Address:
    """An address of no meaning, another for each number."""
    return to_address(number.to_bytes(20, "big"))


def a_key(address: Address, *, kind: KeyKind = KeyKind.HARDWARE) -> Key:
    """A key with a display unless it is a passkey."""
    return Key(address=address, kind=kind, device="device", display=kind is not KeyKind.PASSKEY)


def a_person(name: str, *keys: Key, groups: tuple[str, ...] = ("finance",), machine: bool = False) -> Person:
    """Somebody of the one organisation."""
    return Person(
        id=PersonId(name),
        name=name.title(),
        organisation="company",
        groups=() if machine else tuple(GroupId(group) for group in groups),
        keys=keys,
        machine=machine,
    )


def a_roster(*people: Person) -> Roster:
    """People in three groups."""
    return Roster((FINANCE, GUARDIANS, GroupId("policy-admins")), people or (a_person("alice", a_key(an_address(1))),))


def a_policy(roster: Roster | None = None, **changes: Any) -> Policy:
    """Two chains, two assets, two vaults, one supplier in the book."""
    owner = SignerIdentity(
        id=SignerId("signer-a"),
        owner=an_address(100),
        journal_key=to_digest(b"\x44" * 32),
        stop_address="127.0.0.1:9000",
    )
    owners = (OwnerEntry(from_nonce=0, threshold=1, signers=(SignerId("signer-a"),)),)
    main, side = ChainName("mainnet"), ChainName("sidechain")
    slow = SlowPath(approvals=((FINANCE, 1),), delay=3600)
    rule = Rule(id=RuleId("all"), why="test", owner="test", review_by="2027-01-01", match=Match(), allow=True)
    plain = Policy(
        treasury=TREASURY,
        chains=(Chain(name=main, chain_id=MAINNET), Chain(name=side, chain_id=SIDECHAIN)),
        assets=(
            Asset(id=AssetId("ETH"), chain=main, address=NATIVE, decimals=18),
            Asset(id=AssetId("USDC"), chain=main, address=USDC, decimals=6),
        ),
        signers=(owner,),
        vaults=(
            Vault(id=VaultId("operations"), chain=main, address=VAULT, owners=owners),
            Vault(id=VaultId("reserve"), chain=side, address=SECOND_VAULT, owners=owners),
        ),
        roster=roster or a_roster(),
        book=(BookEntry(label=Label("supplier"), address=SUPPLIER, chains=(main,)),),
        rules=(rule,),
        unfreeze=slow,
        change=slow,
        numbers=Numbers(max_transfer_age=86400, settle=10, withstands=0),
    )
    return replace(plain, **changes) if changes else plain
