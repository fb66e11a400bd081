"""The journal's tables. Their constraints repeat the rules of the release chain, so that a fault above them stops at the disk."""

from __future__ import annotations

FORMAT = 1

TABLES = """
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    format INTEGER NOT NULL,
    journal_id TEXT NOT NULL,
    signer TEXT NOT NULL,
    owner TEXT NOT NULL,
    journal_key TEXT NOT NULL,
    treasury TEXT NOT NULL,
    counter INTEGER NOT NULL CHECK (counter >= 0),
    high_water INTEGER NOT NULL CHECK (high_water >= 0)
) STRICT;

CREATE TABLE bundles (
    version INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    raw BLOB NOT NULL,
    activated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    first_seen_at INTEGER NOT NULL
) STRICT;

-- A statement is identified by (person, digest), never by its signature's bytes. first_seen_at is null until a good clock stamps it.
CREATE TABLE statements (
    person TEXT NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    signing_key TEXT NOT NULL,
    transfer_id TEXT,
    body BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    first_seen_at INTEGER,
    PRIMARY KEY (person, digest)
) STRICT;
CREATE INDEX statements_by_transfer ON statements (transfer_id);
CREATE INDEX statements_by_kind ON statements (kind);

CREATE TABLE lifted (
    freeze_id TEXT PRIMARY KEY,
    lifted_at INTEGER NOT NULL
) STRICT;

CREATE TABLE signed (
    chain_id INTEGER NOT NULL,
    vault TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    transfer_id TEXT NOT NULL REFERENCES transfers (id),
    safe_tx_hash TEXT NOT NULL,
    policy TEXT NOT NULL,
    quorum_since INTEGER NOT NULL,
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (chain_id, vault, nonce)
) STRICT;

CREATE TABLE cancels (
    chain_id INTEGER NOT NULL,
    vault TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    transfer_id TEXT,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (chain_id, vault, nonce)
) STRICT;

CREATE TABLE certificates (
    chain_id INTEGER NOT NULL,
    vault TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('transfer', 'cancel')),
    transfer_ids TEXT NOT NULL,
    body BLOB NOT NULL,
    learnt_at INTEGER NOT NULL,
    PRIMARY KEY (chain_id, vault, nonce, digest)
) STRICT;

CREATE TABLE finals (
    chain_id INTEGER NOT NULL,
    vault TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (chain_id, vault, nonce)
) STRICT;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    last_mark_at INTEGER NOT NULL CHECK (last_mark_at >= started_at)
) STRICT;

CREATE TABLE refusals (
    id INTEGER PRIMARY KEY,
    refused_at INTEGER NOT NULL,
    verb TEXT NOT NULL,
    transfer_id TEXT,
    body BLOB NOT NULL
) STRICT;

-- INVARIANT: after a cancel at a nonce no transfer is signed there (TRUST §5).
CREATE TRIGGER no_transfer_after_cancel BEFORE INSERT ON signed
WHEN EXISTS (SELECT 1 FROM cancels c WHERE c.chain_id = NEW.chain_id AND c.vault = NEW.vault AND c.nonce = NEW.nonce)
BEGIN SELECT RAISE(ABORT, 'a cancel was signed at this nonce'); END;

-- INVARIANT: no transfer is signed at a nonce for which a certificate is held.
CREATE TRIGGER no_transfer_after_certificate BEFORE INSERT ON signed
WHEN EXISTS (SELECT 1 FROM certificates c WHERE c.chain_id = NEW.chain_id AND c.vault = NEW.vault AND c.nonce = NEW.nonce)
BEGIN SELECT RAISE(ABORT, 'a certificate is held at this nonce'); END;

-- INVARIANT: what was signed, cancelled, certified or stopped is never changed or forgotten.
CREATE TRIGGER signed_stays BEFORE UPDATE ON signed BEGIN SELECT RAISE(ABORT, 'signed rows stay'); END;
CREATE TRIGGER signed_remains BEFORE DELETE ON signed BEGIN SELECT RAISE(ABORT, 'signed rows remain'); END;
CREATE TRIGGER cancels_stay BEFORE UPDATE ON cancels BEGIN SELECT RAISE(ABORT, 'cancels stay'); END;
CREATE TRIGGER cancels_remain BEFORE DELETE ON cancels BEGIN SELECT RAISE(ABORT, 'cancels remain'); END;
CREATE TRIGGER certificates_stay BEFORE UPDATE ON certificates BEGIN SELECT RAISE(ABORT, 'certificates stay'); END;
CREATE TRIGGER certificates_remain BEFORE DELETE ON certificates BEGIN SELECT RAISE(ABORT, 'certificates remain'); END;
CREATE TRIGGER statements_remain BEFORE DELETE ON statements BEGIN SELECT RAISE(ABORT, 'statements remain'); END;
CREATE TRIGGER statements_stay BEFORE UPDATE ON statements
WHEN NEW.person IS NOT OLD.person OR NEW.digest IS NOT OLD.digest OR NEW.body IS NOT OLD.body
  OR OLD.first_seen_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'statements stay'); END;
CREATE TRIGGER the_mark_only_rises BEFORE UPDATE OF high_water ON identity
WHEN NEW.high_water < OLD.high_water
BEGIN SELECT RAISE(ABORT, 'the high-water mark only rises'); END;
"""
