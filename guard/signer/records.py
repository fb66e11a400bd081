"""Reading and writing the journal's rows. Each function takes the connection of one open transaction; none decides anything."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from guard.core.facts import Outage
from guard.core.ids import Address, Digest, PersonId, TransferId

REFUSALS_KEPT = 10_000
LONGEST_SILENCE = 180
"""Seconds between two marks after which the signer counts as not having run in between; it marks every minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRow:
    """A bundle that was activated, with its exact bytes."""

    version: int
    digest: Digest
    raw: bytes
    activated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """An admitted statement. `first_seen_at` is None until a good clock has stamped it."""

    person: PersonId
    digest: Digest
    kind: str
    key: Address
    transfer_id: TransferId | None
    body: bytes
    stored_at: int
    first_seen_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRow:
    """That this signer signed a transfer at a nonce, and what it knew then."""

    nonce: int
    transfer_id: TransferId
    safe_tx_hash: Digest
    policy: Digest
    quorum_since: int
    signed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRow:
    """A certificate that is held: which transfer it carries, or which ones a cancel names."""

    nonce: int
    digest: Digest
    kind: str
    transfer_ids: tuple[TransferId, ...]
    body: bytes
    learnt_at: int


@dataclass(frozen=True, slots=True)
class VaultAt:
    """A vault as the journal knows it: chain id and address."""

    chain_id: int
    address: Address


def load_bundles(db: sqlite3.Connection) -> tuple[BundleRow, ...]:
    """Every bundle that was activated, oldest first."""
    rows = db.execute("SELECT version, digest, raw, activated_at FROM bundles ORDER BY version")
    return tuple(BundleRow(version=v, digest=d, raw=bytes(r), activated_at=a) for v, d, r, a in rows)


def add_bundle(db: sqlite3.Connection, row: BundleRow) -> None:
    """Record an activated bundle; a version is activated once."""
    db.execute("INSERT INTO bundles VALUES (?, ?, ?, ?)", (row.version, row.digest, row.raw, row.activated_at))


def add_transfer(db: sqlite3.Connection, transfer_id: TransferId, body: bytes, now: int) -> None:
    """Record a transfer when first seen; seeing it again changes nothing."""
    db.execute("INSERT OR IGNORE INTO transfers VALUES (?, ?, ?)", (transfer_id, body, now))


def load_proposed(db: sqlite3.Connection) -> dict[TransferId, bytes]:
    """Every transfer of which its initiator's proposal is on record."""
    rows = db.execute(
        "SELECT id, body FROM transfers t WHERE EXISTS "
        "(SELECT 1 FROM statements s WHERE s.transfer_id = t.id AND s.kind = 'proposal') ORDER BY first_seen_at, id"
    )
    return {TransferId(i): bytes(b) for i, b in rows}


def load_transfer(db: sqlite3.Connection, transfer_id: TransferId) -> bytes | None:
    """One transfer by its id."""
    row = db.execute("SELECT body FROM transfers WHERE id = ?", (transfer_id,)).fetchone()
    return None if row is None else bytes(row[0])


def add_statement(db: sqlite3.Connection, row: StatementRow) -> None:
    """Record a statement once; the same one again, whatever its signature's bytes, changes nothing."""
    db.execute(
        "INSERT OR IGNORE INTO statements VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (row.person, row.digest, row.kind, row.key, row.transfer_id, row.body, row.stored_at, row.first_seen_at),
    )


def has_statement(db: sqlite3.Connection, person: PersonId, digest: Digest) -> bool:
    """Whether this person's statement is on record."""
    return (
        db.execute("SELECT 1 FROM statements WHERE person = ? AND digest = ?", (person, digest)).fetchone() is not None
    )


def stamp_statements(db: sqlite3.Connection, now: int) -> None:
    """Give every statement that waited for a good clock its time of first sight."""
    db.execute("UPDATE statements SET first_seen_at = ? WHERE first_seen_at IS NULL", (now,))


_STATEMENT = "SELECT person, digest, kind, signing_key, transfer_id, body, stored_at, first_seen_at FROM statements"


def _to_statements(rows: Iterable[tuple[object, ...]]) -> tuple[StatementRow, ...]:
    return tuple(
        StatementRow(
            person=p,  # type: ignore[arg-type]
            digest=d,  # type: ignore[arg-type]
            kind=k,  # type: ignore[arg-type]
            key=a,  # type: ignore[arg-type]
            transfer_id=t,  # type: ignore[arg-type]
            body=b,  # type: ignore[arg-type]
            stored_at=s,  # type: ignore[arg-type]
            first_seen_at=f,  # type: ignore[arg-type]
        )
        for p, d, k, a, t, b, s, f in rows
    )


def load_statements(db: sqlite3.Connection, transfer_id: TransferId) -> tuple[StatementRow, ...]:
    """Every statement about one transfer."""
    return _to_statements(db.execute(f"{_STATEMENT} WHERE transfer_id = ? ORDER BY rowid", (transfer_id,)))


def load_statements_of_kind(db: sqlite3.Connection, kind: str) -> tuple[StatementRow, ...]:
    """Every statement of one kind."""
    return _to_statements(db.execute(f"{_STATEMENT} WHERE kind = ? ORDER BY rowid", (kind,)))


def load_lifted(db: sqlite3.Connection) -> dict[Digest, int]:
    """The freezes that a quorum lifted, and when. A lifted id is spent for good."""
    return {Digest(i): at for i, at in db.execute("SELECT freeze_id, lifted_at FROM lifted")}


def add_lifted(db: sqlite3.Connection, freeze_id: Digest, now: int) -> None:
    """Record that a freeze was lifted."""
    db.execute("INSERT OR IGNORE INTO lifted VALUES (?, ?)", (freeze_id, now))


def load_signed(db: sqlite3.Connection, vault: VaultAt) -> tuple[SignedRow, ...]:
    """What this signer signed for a vault, by nonce."""
    rows = db.execute(
        "SELECT nonce, transfer_id, safe_tx_hash, policy, quorum_since, signed_at FROM signed "
        "WHERE chain_id = ? AND vault = ? ORDER BY nonce",
        (vault.chain_id, vault.address),
    )
    return tuple(
        SignedRow(nonce=n, transfer_id=t, safe_tx_hash=h, policy=p, quorum_since=q, signed_at=s)
        for n, t, h, p, q, s in rows
    )


def add_signed(db: sqlite3.Connection, vault: VaultAt, row: SignedRow) -> None:
    """Record a signature before it is made. Raises where the nonce is taken by anything."""
    values = (row.nonce, row.transfer_id, row.safe_tx_hash, row.policy, row.quorum_since, row.signed_at)
    db.execute("INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (vault.chain_id, vault.address, *values))


def load_cancels(db: sqlite3.Connection, vault: VaultAt) -> dict[int, TransferId | None]:
    """The nonces at which this signer signed a cancel, with the transfer that it had signed there, or none."""
    rows = db.execute(
        "SELECT nonce, transfer_id FROM cancels WHERE chain_id = ? AND vault = ?", (vault.chain_id, vault.address)
    )
    return {nonce: None if named is None else TransferId(named) for nonce, named in rows}


def add_cancel(db: sqlite3.Connection, vault: VaultAt, nonce: int, named: TransferId | None, now: int) -> None:
    """Record a cancel before it is signed; what it names is final."""
    db.execute("INSERT INTO cancels VALUES (?, ?, ?, ?, ?)", (vault.chain_id, vault.address, nonce, named, now))


def load_certificates(db: sqlite3.Connection, vault: VaultAt, from_nonce: int = 0) -> tuple[CertificateRow, ...]:
    """The certificates that are held for a vault from a nonce on."""
    rows = db.execute(
        "SELECT nonce, digest, kind, transfer_ids, body, learnt_at FROM certificates "
        "WHERE chain_id = ? AND vault = ? AND nonce >= ? ORDER BY nonce, digest",
        (vault.chain_id, vault.address, from_nonce),
    )
    return tuple(
        CertificateRow(nonce=n, digest=d, kind=k, transfer_ids=tuple(json.loads(t)), body=bytes(b), learnt_at=at)
        for n, d, k, t, b, at in rows
    )


def load_certified(db: sqlite3.Connection, vault: VaultAt) -> tuple[tuple[int, str, tuple[TransferId, ...]], ...]:
    """Nonce, kind and transfers of every certificate that is held for a vault, without the certificates themselves."""
    rows = db.execute(
        "SELECT nonce, kind, transfer_ids FROM certificates WHERE chain_id = ? AND vault = ?",
        (vault.chain_id, vault.address),
    )
    return tuple((nonce, kind, tuple(json.loads(named))) for nonce, kind, named in rows)


def add_certificate(db: sqlite3.Connection, vault: VaultAt, row: CertificateRow) -> bool:
    """Record a certificate once. Tells whether it was new."""
    values = (row.nonce, row.digest, row.kind, json.dumps(row.transfer_ids), row.body, row.learnt_at)
    found = db.execute(
        "INSERT OR IGNORE INTO certificates VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (vault.chain_id, vault.address, *values)
    )
    return found.rowcount == 1


def load_finals(db: sqlite3.Connection, vault: VaultAt) -> dict[int, int]:
    """The nonces whose certificate was seen final on every endpoint, with the time when that was learnt."""
    rows = db.execute(
        "SELECT nonce, seen_at FROM finals WHERE chain_id = ? AND vault = ?", (vault.chain_id, vault.address)
    )
    return {nonce: at for nonce, at in rows}  # noqa: C416


def add_final(db: sqlite3.Connection, vault: VaultAt, nonce: int, now: int) -> None:
    """Record when a nonce was first seen final."""
    db.execute("INSERT OR IGNORE INTO finals VALUES (?, ?, ?, ?)", (vault.chain_id, vault.address, nonce, now))


def load_high_water(db: sqlite3.Connection) -> int:
    """The latest time at which the clock was good."""
    return int(db.execute("SELECT high_water FROM identity").fetchone()[0])


def raise_high_water(db: sqlite3.Connection, now: int) -> None:
    """Raise the mark; it never falls."""
    db.execute("UPDATE identity SET high_water = max(high_water, ?)", (now,))


def open_run(db: sqlite3.Connection, now: int) -> int:
    """Begin a stretch of time in which the signer runs."""
    found = db.execute("INSERT INTO runs (started_at, last_mark_at) VALUES (?, ?)", (now, now))
    return int(found.lastrowid or 0)


def mark_run(db: sqlite3.Connection, run: int, now: int) -> bool:
    """Mark that the signer still runs. Tells whether that stretch is on record and its last mark is not too old.

    A process that was suspended wakes up in the same stretch, though no stop could reach it meanwhile: it begins another one.
    """
    found = db.execute(
        "UPDATE runs SET last_mark_at = max(last_mark_at, ?) WHERE id = ? AND last_mark_at >= ?",
        (now, run, now - LONGEST_SILENCE),
    )
    return found.rowcount == 1


def load_outages(db: sqlite3.Connection) -> tuple[Outage, ...]:
    """The gaps between stretches in which the signer ran."""
    runs = db.execute("SELECT started_at, last_mark_at FROM runs ORDER BY id").fetchall()
    return tuple(Outage(before[1], after[0]) for before, after in pairwise(runs) if before[1] < after[0])


def add_refusal(db: sqlite3.Connection, *, at: int, verb: str, transfer_id: str | None, body: bytes) -> None:
    """Record a refused attempt; the newest are kept, so that nobody fills the disk with them."""
    found = db.execute(
        "INSERT INTO refusals (refused_at, verb, transfer_id, body) VALUES (?, ?, ?, ?)", (at, verb, transfer_id, body)
    )
    db.execute("DELETE FROM refusals WHERE id <= ?", (int(found.lastrowid or 0) - REFUSALS_KEPT,))


def count_refusals(db: sqlite3.Connection) -> int:
    """How many refused attempts are on record."""
    return int(db.execute("SELECT count(*) FROM refusals").fetchone()[0])
