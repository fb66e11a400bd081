"""What a journal's disk holds, and when: everything or nothing, before any answer leaves, never changed afterwards (TRUST §8)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from guard.errors import AdapterError, GuardError, Refusal
from guard.signer.journal import Journal
from guard.signer.records import CertificateRow, SignedRow, add_cancel, add_certificate, add_signed
from guard.signer.verifier import ReleaseCase, ReleaseCheck
from guard.statements.digests import compute_transfer_id
from tests.factories import digest_of
from tests.signer.ablation import with_check
from tests.signer.attacker import Attacker
from tests.signer.teams import A, B, C, found_team
from tests.team import Team


@pytest.fixture
def attacker(folder: Path) -> Attacker:
    """A worker in front of three signers."""
    return Attacker(found_team(folder, owners=3))


def journal_of(attacker: Attacker) -> Journal:
    """The first signer's journal."""
    return attacker.team.signers[A].journal


def count(journal: Journal, table: str) -> int:
    """How many rows there are."""
    with journal.reading() as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_every_commit_is_synchronous_and_keys_are_enforced(attacker: Attacker) -> None:
    with journal_of(attacker).reading() as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert db.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def signed_row(attacker: Attacker, nonce: int) -> SignedRow:
    """That a known transfer was signed at the nonce."""
    transfer = attacker.propose()
    attacker.team.signers[A].register(transfer, attacker.statements[compute_transfer_id(transfer)])
    return SignedRow(
        nonce=nonce,
        transfer_id=compute_transfer_id(transfer),
        safe_tx_hash=digest_of("hash"),
        policy=attacker.team.digest,
        quorum_since=0,
        signed_at=0,
    )


def refused_by_disk(attacker: Attacker, write: Callable[[sqlite3.Connection], object]) -> str:
    """What SQLite says against a write, which leaves nothing behind."""
    journal = journal_of(attacker)
    before = journal.read_counter()
    with pytest.raises(sqlite3.IntegrityError) as refused, journal.writing() as db:
        write(db)
    assert journal.read_counter() == before
    return str(refused.value)


def test_the_disk_takes_no_transfer_after_a_cancel_or_a_certificate_and_no_second_one(attacker: Attacker) -> None:
    rows = [signed_row(attacker, nonce) for nonce in range(3)]
    certificate = CertificateRow(
        nonce=1, digest=digest_of("certificate"), kind="cancel", transfer_ids=(), body=b"{}", learnt_at=0
    )
    with journal_of(attacker).writing() as db:
        add_cancel(db, attacker.at, 0, None, 0)
        add_certificate(db, attacker.at, certificate)
        add_signed(db, attacker.at, rows[2])
    assert "a cancel was signed" in refused_by_disk(attacker, lambda db: add_signed(db, attacker.at, rows[0]))
    assert "a certificate is held" in refused_by_disk(attacker, lambda db: add_signed(db, attacker.at, rows[1]))
    second = SignedRow(
        nonce=2,
        transfer_id=rows[0].transfer_id,
        safe_tx_hash=digest_of("hash"),
        policy=digest_of("policy"),
        quorum_since=0,
        signed_at=0,
    )
    assert "UNIQUE" in refused_by_disk(attacker, lambda db: add_signed(db, attacker.at, second))


def test_the_disk_takes_no_signature_on_a_transfer_that_it_does_not_know(attacker: Attacker) -> None:
    row = SignedRow(
        nonce=0,
        transfer_id=compute_transfer_id(attacker.propose()),
        safe_tx_hash=digest_of("hash"),
        policy=digest_of("policy"),
        quorum_since=0,
        signed_at=0,
    )
    assert "FOREIGN KEY" in refused_by_disk(attacker, lambda db: add_signed(db, attacker.at, row))


CHANGES = [
    "UPDATE signed SET nonce = 7",
    "UPDATE signed SET transfer_id = 'x'",
    "DELETE FROM signed",
    "UPDATE cancels SET transfer_id = NULL",
    "DELETE FROM cancels",
    "UPDATE certificates SET body = 'x'",
    "DELETE FROM certificates",
    "UPDATE statements SET body = 'x'",
    "UPDATE statements SET person = 'x'",
    "UPDATE statements SET first_seen_at = 1",
    "UPDATE statements SET first_seen_at = NULL",
    "DELETE FROM statements",
    "UPDATE identity SET high_water = high_water - 1",
    "UPDATE identity SET high_water = 0",
    "UPDATE identity SET counter = -1",
    "INSERT INTO runs (started_at, last_mark_at) VALUES (2, 1)",
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_recorded_is_never_changed_or_forgotten(attacker: Attacker, change: str) -> None:
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.bring(attacker.certificate(one, 0))
    attacker.cancel(0, A)
    assert refused_by_disk(attacker, lambda db: db.execute(change))


def break_counter(team: Team) -> Path:
    """The counter's volume takes no more writes. Gives what has to go to mend it."""
    beside = team.folder / A / "counter.new"
    beside.mkdir()
    return beside


def test_while_the_counter_cannot_be_written_no_signature_leaves_and_what_was_recorded_stays(
    attacker: Attacker,
) -> None:
    one, other = attacker.propose(), attacker.propose()
    broken = break_counter(attacker.team)
    with pytest.raises(AdapterError) as trouble:
        attacker.ask(one, A)
    assert trouble.value.code == "signer.counter"
    assert count(journal_of(attacker), "signed") == 1
    broken.rmdir()
    # What stands in the journal binds, though nobody ever saw the signature.
    assert attacker.ask(other, A) == ["chain.nonce-taken"]
    assert attacker.ask(one, A) == [0]


def test_while_the_counter_cannot_be_written_no_cancel_and_no_receipt_leave_and_the_stop_holds(
    attacker: Attacker,
) -> None:
    one = attacker.propose()
    broken = break_counter(attacker.team)
    with pytest.raises(AdapterError):
        attacker.cancel(0, A)
    with pytest.raises(AdapterError):
        attacker.team.stop(attacker.team.veto(one), A)
    broken.rmdir()
    assert attacker.loot.given == {}
    assert attacker.ask(one, A) == ["decision.vetoed"]
    assert "chain.nonce-cancelled" in attacker.codes


def test_the_counter_is_written_after_the_commit_and_never_without_it(attacker: Attacker) -> None:
    journal = journal_of(attacker)
    path = attacker.team.folder / A / "counter"
    seen = []
    with journal.writing() as db:
        db.execute("UPDATE identity SET high_water = high_water + 1")
        seen.append(path.read_text())
    assert int(path.read_text().split()[2]) == journal.read_counter()
    assert path.read_text() not in seen
    before = path.read_text()
    with pytest.raises(sqlite3.IntegrityError), journal.writing() as db:
        # A commit that fails, not a statement before it: the reference is only looked at in the end.
        db.execute("PRAGMA defer_foreign_keys = ON")
        db.execute("INSERT INTO signed VALUES (1, 'v', 9, 'nothing', 'h', 'p', 0, 0)")
    assert path.read_text() == before
    assert count(journal, "signed") == 0
    # The journal goes on as if it had not been.
    assert attacker.ask(attacker.propose(), A) == [0]


class OurBug(Exception):
    """Something that nobody thought of."""


def fail(case: ReleaseCase) -> tuple[Refusal, ...]:
    """A check with a bug in it."""
    raise OurBug("a text that nobody outside should read")


def test_a_bug_in_a_check_releases_nothing_and_leaves_nothing_behind(folder: Path) -> None:
    attacker = Attacker(found_team(folder, owners=3, verifier=with_check(ReleaseCheck("broken", fail))))
    journal = journal_of(attacker)
    path = attacker.team.folder / A / "counter"
    before = (journal.read_counter(), path.read_text())
    with pytest.raises(OurBug):
        attacker.ask(attacker.propose(), A)
    assert (journal.read_counter(), path.read_text()) == before
    assert [count(journal, table) for table in ("transfers", "statements", "signed", "refusals", "runs")] == [0] * 5


def test_a_refused_attempt_is_on_record(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.team.stop(attacker.team.veto(one), A)
    assert attacker.ask(one, A) == ["decision.vetoed"]
    with journal_of(attacker).reading() as db:
        ((verb, transfer_id, body),) = db.execute("SELECT verb, transfer_id, body FROM refusals").fetchall()
    assert (verb, transfer_id) == ("release", compute_transfer_id(one))
    assert b"decision.vetoed" in body


def test_a_certificate_is_on_record_with_its_transfers_or_not_at_all(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A, B)
    moved = replace(attacker.certificate(one, 0), nonce=1)
    assert attacker.bring(moved, C) == ["certificate.signature"]
    with attacker.team.signers[C].journal.reading() as db:
        assert db.execute("SELECT count(*) FROM transfers").fetchone()[0] == 0
    assert attacker.bring(attacker.certificate(one, 0), C) == [None]
    with attacker.team.signers[C].journal.reading() as db:
        assert db.execute("SELECT id FROM transfers").fetchall() == [(compute_transfer_id(one),)]


@pytest.mark.parametrize("change", ["UPDATE identity SET format = 2", "DELETE FROM identity"])
def test_a_journal_of_another_format_is_not_read(attacker: Attacker, change: str) -> None:
    team = attacker.team
    team.stop_process(A)
    db = sqlite3.connect(team.folder / A / "journal.sqlite")
    db.execute(change)
    db.commit()
    db.close()
    with pytest.raises(GuardError) as refused:
        team.start(A)
    assert refused.value.code == "signer.journal-foreign"


def test_a_row_that_was_tampered_with_signs_nothing(attacker: Attacker) -> None:
    """The SafeTx is built anew before it is signed, and must have the recorded hash."""
    one = attacker.propose()
    attacker.ask(one, A)
    team = attacker.team
    team.stop_process(A)
    db = sqlite3.connect(team.folder / A / "journal.sqlite")
    db.execute("DROP TRIGGER signed_stays")
    db.execute("UPDATE signed SET safe_tx_hash = ?", (digest_of("another hash"),))
    db.commit()
    db.close()
    team.start(A)
    assert attacker.ask(one, A) == ["signer.journal-broken"]
