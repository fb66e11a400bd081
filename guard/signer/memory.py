"""What a signer knows, built from its journal's rows: editions, facts, books, payments. Nothing here comes from a caller or a node."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from guard.bundles.bundle import parse_bundle, to_edition
from guard.core.facts import Facts, FreezeInForce, Movement, SeenApproval, SeenProposal, SeenUnfreeze
from guard.core.ids import Address, Digest, PersonId, TransferId
from guard.core.policy import Edition, Policies, Vault
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.signer.book import Book, to_book
from guard.signer.records import (
    StatementRow,
    VaultAt,
    load_bundles,
    load_cancels,
    load_certified,
    load_finals,
    load_lifted,
    load_outages,
    load_proposed,
    load_signed,
    load_statements,
    load_statements_of_kind,
    load_transfer,
)
from guard.signer.release_chain import ChainRules, compute_counted
from guard.signer.verifier import KnownPayment
from guard.statements.signed import SignedStatement, from_json, transfer_from_json, transfer_to_json
from guard.statements.values import Approval, Freeze, Unfreeze


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The signer's own knowledge at one moment, read in one transaction.

    `transfers` are those that stand in the books. What people only talk about is looked up where it is needed: it may be any number,
    and the more of it there is the slower a stop would be.
    """

    active: Edition
    editions: dict[Digest, Edition]
    transfers: dict[TransferId, Transfer]
    books: dict[VaultAt, Book]


def load_editions(db: sqlite3.Connection) -> dict[Digest, Edition]:
    """The chain of bundles that this signer activated, by digest, oldest first."""
    return {row.digest: _to_edition(row.raw, row.activated_at) for row in load_bundles(db)}


@lru_cache(maxsize=16)
def _to_edition(raw: bytes, activated_at: int) -> Edition:
    return to_edition(parse_bundle(raw), activated_at)


def load_memory(db: sqlite3.Connection, owner: Address) -> Memory:
    """Everything but what belongs to one transfer. Raises `signer.not-pinned` before the first bundle."""
    editions = load_editions(db)
    if not editions:
        raise GuardError("signer.not-pinned", "no policy is pinned; this signer signs nothing")
    active = list(editions.values())[-1]
    books = {to_vault_at(active, vault): load_book(db, active, vault, owner) for vault in active.policy.vaults}
    standing = frozenset(each for book in books.values() for page in book.pages for each in page.transfers)
    return Memory(active=active, editions=editions, transfers=load_known(db, standing), books=books)


def load_known(db: sqlite3.Connection, transfer_ids: Iterable[TransferId]) -> dict[TransferId, Transfer]:
    """Those of these transfers that were ever seen here."""
    found = ((each, load_transfer(db, each)) for each in transfer_ids)
    return {each: _to_transfer(body) for each, body in found if body is not None}


def load_watched(db: sqlite3.Connection, memory: Memory) -> dict[TransferId, Transfer]:
    """Every transfer that could leave: its initiator proposed it, or it stands in the books.

    What nobody proposed is never signed, and whoever reaches the command listener may bring any number of it.
    """
    proposed = {each: _to_transfer(body) for each, body in load_proposed(db).items()}
    return {**proposed, **memory.transfers}


@lru_cache(maxsize=4096)
def _to_transfer(body: bytes) -> Transfer:
    return transfer_from_json(parse_json(body))


def to_vault_at(active: Edition, vault: Vault) -> VaultAt:
    """A vault of the policy as the journal names it."""
    return VaultAt(active.policy.chain_id(vault.chain) or 0, vault.address)


def find_owner_from(active: Edition, vault: Vault, owner: Address) -> int | None:
    """The first nonce at which this key is an owner of the vault."""
    ids = {signer.id for signer in active.policy.signers if signer.owner == owner}
    return next((entry.from_nonce for entry in vault.owners if ids & set(entry.signers)), None)


def load_book(db: sqlite3.Connection, active: Edition, vault: Vault, owner: Address) -> Book:
    """The vault's book. A key that is no owner gets one that lets it sign nowhere, since its first own nonce is never reached."""
    at = to_vault_at(active, vault)
    certificates = load_certified(db, at)
    first = find_owner_from(active, vault, owner)
    return to_book(
        first_nonce=vault.first_nonce,
        owner_from_nonce=2**52 if first is None else first,
        signed=[(row.nonce, row.transfer_id) for row in load_signed(db, at)],
        cancelled=list(load_cancels(db, at)),
        certified=[(nonce, named[0]) for nonce, kind, named in certificates if kind == "transfer"],
        cancel_certificates=[(nonce, named) for nonce, kind, named in certificates if kind == "cancel"],
        final=list(load_finals(db, at).items()),
    )


def to_body(transfer: Transfer) -> bytes:
    """A transfer as the journal keeps it."""
    return to_canonical(transfer_to_json(transfer))


def to_statement(row: StatementRow) -> SignedStatement:
    """A statement out of the journal, with its exact signature."""
    return from_json(parse_json(row.body))


def compute_policies(memory: Memory, transfer: Transfer) -> Policies:
    """The policy that the transfer names, if it is in the chain, and the active one."""
    return Policies(named=memory.editions.get(transfer.policy), active=memory.active)


def load_facts(db: sqlite3.Connection, rules: ChainRules, memory: Memory, transfer_id: TransferId, now: int) -> Facts:
    """What the decision needs to know about one transfer. Statements without a stamp do not count yet; stops always do."""
    rows = load_statements(db, transfer_id)
    return Facts(
        now=now,
        transfer_id=transfer_id,
        proposal=next(
            (_to_proposal(row) for row in rows if row.kind == "proposal" and row.first_seen_at is not None), None
        ),
        approvals=tuple(_to_approval(row) for row in rows if row.kind == "approval" and row.first_seen_at is not None),
        rejected_by=_people(rows, "rejection"),
        vetoed_by=_people(rows, "veto"),
        freezes=load_freezes(db),
        movements=compute_movements(rules, memory),
        outages=load_outages(db),
    )


def _people(rows: tuple[StatementRow, ...], kind: str) -> frozenset[PersonId]:
    return frozenset(row.person for row in rows if row.kind == kind)


def _to_proposal(row: StatementRow) -> SeenProposal:
    return SeenProposal(person=row.person, key=row.key, first_seen_at=row.first_seen_at or row.stored_at)


def _to_approval(row: StatementRow) -> SeenApproval:
    said = to_statement(row).statement
    assert isinstance(said, Approval)  # noqa: S101 The row's kind says so; this tells the type checker.
    return SeenApproval(
        person=row.person,
        key=row.key,
        roster=said.roster,
        signed_at=said.signed_at,
        expires_at=said.expires_at,
        first_seen_at=row.first_seen_at or row.stored_at,
    )


def load_freezes(db: sqlite3.Connection) -> tuple[FreezeInForce, ...]:
    """Every freeze that was stored and not lifted."""
    lifted = load_lifted(db)
    found = [(row.person, to_statement(row).statement) for row in load_statements_of_kind(db, "freeze")]
    return tuple(
        FreezeInForce(id=said.id, scope=said.scope, person=person)
        for person, said in found
        if isinstance(said, Freeze) and said.id not in lifted
    )


def load_frozen_at(db: sqlite3.Connection) -> dict[Digest, int]:
    """When a good clock first saw each freeze; of several under one id, the last. One that waits for a good clock is not in it.

    Not when it was stored: a freeze is stored whatever the clock, and one that says next year would hold the treasury until then.
    """
    found = [(row.first_seen_at, to_statement(row).statement) for row in load_statements_of_kind(db, "freeze")]
    waiting = {said.id for at, said in found if isinstance(said, Freeze) and at is None}
    seen: dict[Digest, int] = {}
    for at, said in found:
        if isinstance(said, Freeze) and at is not None and said.id not in waiting:
            seen[said.id] = max(at, seen.get(said.id, at))
    return seen


def load_unfreezes(db: sqlite3.Connection) -> tuple[SeenUnfreeze, ...]:
    """Every unfreeze that a good clock has stamped."""
    found = [(row, to_statement(row).statement) for row in load_statements_of_kind(db, "unfreeze")]
    return tuple(
        SeenUnfreeze(
            ids=frozenset(said.ids),
            person=row.person,
            key=row.key,
            roster=said.roster,
            signed_at=said.signed_at,
            expires_at=said.expires_at,
            first_seen_at=row.first_seen_at,
        )
        for row, said in found
        if isinstance(said, Unfreeze) and row.first_seen_at is not None
    )


def compute_movements(rules: ChainRules, memory: Memory) -> tuple[Movement, ...]:
    """Everything that counts against limits, by the release chain's own account of each vault."""
    return tuple(
        Movement.of(transfer_id, memory.transfers[transfer_id], at)
        for book in memory.books.values()
        for transfer_id, at in compute_counted(rules, book).items()
    )


def compute_payments(memory: Memory, at: VaultAt) -> tuple[KnownPayment, ...]:
    """Every transfer that was signed, certified or named for a vault; final once every nonce at which it stands is."""
    seen: dict[TransferId, int | None] = {}
    for _, page in memory.books[at].entries():
        for transfer_id in page.transfers:
            before = seen.get(transfer_id, 0)
            final = page.seen_final_at
            seen[transfer_id] = None if before is None or final is None else max(before, final)
    return tuple(
        KnownPayment(transfer_id=each, transfer=memory.transfers[each], seen_final_at=final)
        for each, final in seen.items()
    )
