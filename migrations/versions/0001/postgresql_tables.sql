CREATE TABLE alarm (
    name TEXT NOT NULL CONSTRAINT ck_alarm_name CHECK (length(name) BETWEEN 1 AND 300),
    since BIGINT NOT NULL CONSTRAINT ck_alarm_since CHECK (since >= 0),
    raised_at BIGINT CONSTRAINT ck_alarm_raised_at CHECK (raised_at >= 0),
    CONSTRAINT pk_alarm PRIMARY KEY (name)
);

CREATE TABLE bundle (
    version BIGINT NOT NULL CONSTRAINT ck_bundle_version CHECK (version >= 0),
    digest TEXT NOT NULL CONSTRAINT ck_bundle_digest CHECK (length(digest) = 66),
    raw BYTEA NOT NULL,
    activated_at BIGINT NOT NULL CONSTRAINT ck_bundle_activated_at CHECK (activated_at >= 0),
    CONSTRAINT pk_bundle PRIMARY KEY (version),
    CONSTRAINT uq_bundle_digest UNIQUE (digest)
);

CREATE TABLE certificate (
    digest TEXT NOT NULL CONSTRAINT ck_certificate_digest CHECK (length(digest) = 66),
    chain_id BIGINT NOT NULL CONSTRAINT ck_certificate_chain_id CHECK (chain_id >= 1),
    vault TEXT NOT NULL CONSTRAINT ck_certificate_vault CHECK (length(vault) = 42),
    nonce BIGINT NOT NULL CONSTRAINT ck_certificate_nonce CHECK (nonce >= 0),
    kind TEXT NOT NULL CONSTRAINT ck_certificate_kind CHECK (kind IN ('cancel', 'transfer')),
    transfer_id TEXT CONSTRAINT ck_certificate_transfer_id CHECK (length(transfer_id) = 66),
    body TEXT NOT NULL CONSTRAINT ck_certificate_body CHECK (length(body) >= 2),
    kept_at BIGINT NOT NULL CONSTRAINT ck_certificate_kept_at CHECK (kept_at >= 0),
    CONSTRAINT pk_certificate PRIMARY KEY (digest),
    CONSTRAINT ck_certificate_transfer CHECK ((kind = 'cancel') = (transfer_id IS NULL))
);

CREATE INDEX ix_certificate_place ON certificate (chain_id, vault, nonce);

CREATE INDEX ix_certificate_transfer ON certificate (transfer_id);

CREATE TABLE lease (
    name TEXT NOT NULL CONSTRAINT ck_lease_name CHECK (length(name) BETWEEN 1 AND 200),
    holder TEXT DEFAULT '' NOT NULL CONSTRAINT ck_lease_holder CHECK (length(holder) BETWEEN 0 AND 100),
    leased_until BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_lease_leased_until CHECK (leased_until >= 0),
    fence BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_lease_fence CHECK (fence >= 0),
    due_at BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_lease_due_at CHECK (due_at >= 0),
    CONSTRAINT pk_lease PRIMARY KEY (name)
);

CREATE TABLE log_entry (
    log_index BIGINT NOT NULL CONSTRAINT ck_log_entry_log_index CHECK (log_index >= 0),
    at BIGINT NOT NULL CONSTRAINT ck_log_entry_at CHECK (at >= 0),
    event TEXT NOT NULL CONSTRAINT ck_log_entry_event CHECK (length(event) BETWEEN 1 AND 64),
    actor TEXT NOT NULL CONSTRAINT ck_log_entry_actor CHECK (length(actor) BETWEEN 0 AND 100),
    transfer_id TEXT CONSTRAINT ck_log_entry_transfer_id CHECK (length(transfer_id) = 66),
    body TEXT NOT NULL CONSTRAINT ck_log_entry_body CHECK (length(body) >= 2),
    head TEXT NOT NULL CONSTRAINT ck_log_entry_head CHECK (length(head) = 66),
    CONSTRAINT pk_log_entry PRIMARY KEY (log_index),
    CONSTRAINT uq_log_entry_head UNIQUE (head)
);

CREATE INDEX ix_log_entry_transfer ON log_entry (transfer_id, log_index);

CREATE TABLE log_head (
    one BIGINT NOT NULL CONSTRAINT ck_log_head_one CHECK (one >= 0),
    treasury TEXT CONSTRAINT ck_log_head_treasury CHECK (length(treasury) = 66),
    size BIGINT NOT NULL CONSTRAINT ck_log_head_size CHECK (size >= 0),
    head TEXT NOT NULL CONSTRAINT ck_log_head_head CHECK (length(head) = 66),
    CONSTRAINT pk_log_head PRIMARY KEY (one),
    CONSTRAINT ck_log_head_single CHECK (one = 1),
    CONSTRAINT ck_log_head_owned CHECK (size = 0 OR treasury IS NOT NULL)
);

CREATE TABLE login_challenge (
    nonce TEXT NOT NULL CONSTRAINT ck_login_challenge_nonce CHECK (length(nonce) BETWEEN 22 AND 128),
    address TEXT NOT NULL CONSTRAINT ck_login_challenge_address CHECK (length(address) = 42),
    source TEXT NOT NULL CONSTRAINT ck_login_challenge_source CHECK (length(source) BETWEEN 0 AND 100),
    issued_at BIGINT NOT NULL CONSTRAINT ck_login_challenge_issued_at CHECK (issued_at >= 0),
    expires_at BIGINT NOT NULL CONSTRAINT ck_login_challenge_expires_at CHECK (expires_at >= 0),
    CONSTRAINT pk_login_challenge PRIMARY KEY (nonce)
);

CREATE INDEX ix_login_challenge_end ON login_challenge (expires_at);

CREATE INDEX ix_login_challenge_source ON login_challenge (source);

CREATE TABLE login_session (
    token_hash TEXT NOT NULL CONSTRAINT ck_login_session_token_hash CHECK (length(token_hash) BETWEEN 64 AND 64),
    person TEXT NOT NULL CONSTRAINT ck_login_session_person CHECK (length(person) BETWEEN 1 AND 64),
    key TEXT NOT NULL CONSTRAINT ck_login_session_key CHECK (length(key) = 42),
    chain_id BIGINT NOT NULL CONSTRAINT ck_login_session_chain_id CHECK (chain_id >= 1),
    scope TEXT NOT NULL CONSTRAINT ck_login_session_scope CHECK (scope IN ('enrolling', 'full')),
    carrier TEXT NOT NULL CONSTRAINT ck_login_session_carrier CHECK (carrier IN ('bearer', 'cookie')),
    created_at BIGINT NOT NULL CONSTRAINT ck_login_session_created_at CHECK (created_at >= 0),
    seen_at BIGINT NOT NULL CONSTRAINT ck_login_session_seen_at CHECK (seen_at >= 0),
    expires_at BIGINT NOT NULL CONSTRAINT ck_login_session_expires_at CHECK (expires_at >= 0),
    CONSTRAINT pk_login_session PRIMARY KEY (token_hash),
    CONSTRAINT ck_login_session_lifetime CHECK (expires_at > created_at)
);

CREATE INDEX ix_login_session_end ON login_session (expires_at);

CREATE INDEX ix_login_session_person ON login_session (person, created_at);

CREATE TABLE outbox (
    id TEXT NOT NULL CONSTRAINT ck_outbox_id CHECK (length(id) BETWEEN 1 AND 100),
    event TEXT NOT NULL CONSTRAINT ck_outbox_event CHECK (length(event) BETWEEN 1 AND 64),
    body TEXT NOT NULL CONSTRAINT ck_outbox_body CHECK (length(body) >= 2),
    created_at BIGINT NOT NULL CONSTRAINT ck_outbox_created_at CHECK (created_at >= 0),
    due_at BIGINT NOT NULL CONSTRAINT ck_outbox_due_at CHECK (due_at >= 0),
    attempts BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_outbox_attempts CHECK (attempts >= 0),
    state TEXT DEFAULT 'waiting' NOT NULL CONSTRAINT ck_outbox_state CHECK (state IN ('dead', 'delivered', 'waiting')),
    last_error TEXT DEFAULT '' NOT NULL CONSTRAINT ck_outbox_last_error CHECK (length(last_error) BETWEEN 0 AND 1000),
    holder TEXT DEFAULT '' NOT NULL CONSTRAINT ck_outbox_holder CHECK (length(holder) BETWEEN 0 AND 100),
    leased_until BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_outbox_leased_until CHECK (leased_until >= 0),
    fence BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_outbox_fence CHECK (fence >= 0),
    CONSTRAINT pk_outbox PRIMARY KEY (id)
);

CREATE INDEX ix_outbox_due ON outbox (state, due_at);

CREATE TABLE replay (
    principal TEXT NOT NULL CONSTRAINT ck_replay_principal CHECK (length(principal) BETWEEN 1 AND 200),
    key TEXT NOT NULL CONSTRAINT ck_replay_key CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint TEXT NOT NULL CONSTRAINT ck_replay_fingerprint CHECK (length(fingerprint) BETWEEN 1 AND 200),
    status BIGINT NOT NULL CONSTRAINT ck_replay_status CHECK (status >= 100),
    body TEXT NOT NULL CONSTRAINT ck_replay_body CHECK (length(body) >= 2),
    at BIGINT NOT NULL CONSTRAINT ck_replay_at CHECK (at >= 0),
    CONSTRAINT pk_replay PRIMARY KEY (principal, key)
);

CREATE TABLE signer_look (
    signer TEXT NOT NULL CONSTRAINT ck_signer_look_signer CHECK (length(signer) BETWEEN 1 AND 100),
    asked_at BIGINT NOT NULL CONSTRAINT ck_signer_look_asked_at CHECK (asked_at >= 0),
    answered_at BIGINT CONSTRAINT ck_signer_look_answered_at CHECK (answered_at >= 0),
    body TEXT DEFAULT '{}' NOT NULL CONSTRAINT ck_signer_look_body CHECK (length(body) >= 2),
    CONSTRAINT pk_signer_look PRIMARY KEY (signer)
);

CREATE TABLE totp_factor (
    id TEXT NOT NULL CONSTRAINT ck_totp_factor_id CHECK (length(id) BETWEEN 16 AND 64),
    person TEXT NOT NULL CONSTRAINT ck_totp_factor_person CHECK (length(person) BETWEEN 1 AND 64),
    state TEXT NOT NULL CONSTRAINT ck_totp_factor_state CHECK (state IN ('active', 'waiting')),
    key_id TEXT NOT NULL CONSTRAINT ck_totp_factor_key_id CHECK (length(key_id) BETWEEN 1 AND 64),
    box TEXT NOT NULL CONSTRAINT ck_totp_factor_box CHECK (length(box) BETWEEN 56 AND 400),
    last_step BIGINT CONSTRAINT ck_totp_factor_last_step CHECK (last_step >= 0),
    failures BIGINT NOT NULL CONSTRAINT ck_totp_factor_failures CHECK (failures >= 0),
    locked_at BIGINT CONSTRAINT ck_totp_factor_locked_at CHECK (locked_at >= 0),
    created_at BIGINT NOT NULL CONSTRAINT ck_totp_factor_created_at CHECK (created_at >= 0),
    CONSTRAINT pk_totp_factor PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_totp_factor_person_state ON totp_factor (person, state);

CREATE TABLE transfer (
    id TEXT NOT NULL CONSTRAINT ck_transfer_id CHECK (length(id) = 66),
    body TEXT NOT NULL CONSTRAINT ck_transfer_body CHECK (length(body) >= 2),
    chain_id BIGINT NOT NULL CONSTRAINT ck_transfer_chain_id CHECK (chain_id >= 1),
    vault TEXT NOT NULL CONSTRAINT ck_transfer_vault CHECK (length(vault) = 42),
    asset TEXT NOT NULL CONSTRAINT ck_transfer_asset CHECK (length(asset) = 42),
    destination TEXT NOT NULL CONSTRAINT ck_transfer_destination CHECK (length(destination) = 42),
    amount_units NUMERIC(78, 0) NOT NULL,
    initiator TEXT NOT NULL CONSTRAINT ck_transfer_initiator CHECK (length(initiator) BETWEEN 1 AND 100),
    policy TEXT NOT NULL CONSTRAINT ck_transfer_policy CHECK (length(policy) = 66),
    proposed_at BIGINT NOT NULL CONSTRAINT ck_transfer_proposed_at CHECK (proposed_at >= 0),
    expires_at BIGINT NOT NULL CONSTRAINT ck_transfer_expires_at CHECK (expires_at >= 0),
    state TEXT NOT NULL CONSTRAINT ck_transfer_state CHECK (state IN ('broadcast', 'confirmed', 'expired', 'failed', 'finalised', 'open', 'rejected', 'signing', 'vetoed', 'void')),
    reason TEXT NOT NULL CONSTRAINT ck_transfer_reason CHECK (length(reason) BETWEEN 0 AND 4000),
    version BIGINT NOT NULL CONSTRAINT ck_transfer_version CHECK (version >= 1),
    received_at BIGINT NOT NULL CONSTRAINT ck_transfer_received_at CHECK (received_at >= 0),
    moved_at BIGINT NOT NULL CONSTRAINT ck_transfer_moved_at CHECK (moved_at >= 0),
    CONSTRAINT pk_transfer PRIMARY KEY (id),
    CONSTRAINT ck_transfer_amount_units CHECK (amount_units >= 0 AND amount_units < 115792089237316195423570985008687907853269984665640564039457584007913129639936)
);

CREATE INDEX ix_transfer_arrival ON transfer (received_at, id);

CREATE INDEX ix_transfer_initiator ON transfer (initiator);

CREATE INDEX ix_transfer_state ON transfer (state);

CREATE INDEX ix_transfer_vault ON transfer (chain_id, vault, state);

CREATE TABLE errand (
    transfer_id TEXT NOT NULL CONSTRAINT ck_errand_transfer_id CHECK (length(transfer_id) = 66),
    due_at BIGINT CONSTRAINT ck_errand_due_at CHECK (due_at >= 0),
    attempts BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_errand_attempts CHECK (attempts >= 0),
    holder TEXT DEFAULT '' NOT NULL CONSTRAINT ck_errand_holder CHECK (length(holder) BETWEEN 0 AND 100),
    leased_until BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_errand_leased_until CHECK (leased_until >= 0),
    fence BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_errand_fence CHECK (fence >= 0),
    words TEXT DEFAULT '[]' NOT NULL CONSTRAINT ck_errand_words CHECK (length(words) >= 2),
    words_at BIGINT CONSTRAINT ck_errand_words_at CHECK (words_at >= 0),
    earliest_at BIGINT CONSTRAINT ck_errand_earliest_at CHECK (earliest_at >= 0),
    trouble_code TEXT DEFAULT '' NOT NULL CONSTRAINT ck_errand_trouble_code CHECK (length(trouble_code) BETWEEN 0 AND 100),
    trouble TEXT DEFAULT '' NOT NULL CONSTRAINT ck_errand_trouble CHECK (length(trouble) BETWEEN 0 AND 1000),
    landed TEXT CONSTRAINT ck_errand_landed CHECK (length(landed) >= 2),
    nonce BIGINT CONSTRAINT ck_errand_nonce CHECK (nonce >= 0),
    CONSTRAINT pk_errand PRIMARY KEY (transfer_id),
    CONSTRAINT fk_errand_transfer_id_transfer FOREIGN KEY(transfer_id) REFERENCES transfer (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX ix_errand_due ON errand (due_at);

CREATE TABLE evidence (
    transfer_id TEXT NOT NULL CONSTRAINT ck_evidence_transfer_id CHECK (length(transfer_id) = 66),
    body TEXT NOT NULL CONSTRAINT ck_evidence_body CHECK (length(body) >= 2),
    stored_at BIGINT NOT NULL CONSTRAINT ck_evidence_stored_at CHECK (stored_at >= 0),
    CONSTRAINT pk_evidence PRIMARY KEY (transfer_id),
    CONSTRAINT fk_evidence_transfer_id_transfer FOREIGN KEY(transfer_id) REFERENCES transfer (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE executor_transaction (
    chain_id BIGINT NOT NULL CONSTRAINT ck_executor_transaction_chain_id CHECK (chain_id >= 1),
    hash TEXT NOT NULL CONSTRAINT ck_executor_transaction_hash CHECK (length(hash) = 66),
    executor TEXT NOT NULL CONSTRAINT ck_executor_transaction_executor CHECK (length(executor) = 42),
    nonce BIGINT NOT NULL CONSTRAINT ck_executor_transaction_nonce CHECK (nonce >= 0),
    certificate TEXT NOT NULL CONSTRAINT ck_executor_transaction_certificate CHECK (length(certificate) = 66),
    raw TEXT NOT NULL CONSTRAINT ck_executor_transaction_raw CHECK (length(raw) BETWEEN 4 AND 1000000),
    max_fee BIGINT NOT NULL CONSTRAINT ck_executor_transaction_max_fee CHECK (max_fee >= 0),
    priority_fee BIGINT NOT NULL CONSTRAINT ck_executor_transaction_priority_fee CHECK (priority_fee >= 0),
    sent_at BIGINT NOT NULL CONSTRAINT ck_executor_transaction_sent_at CHECK (sent_at >= 0),
    state TEXT DEFAULT 'waiting' NOT NULL CONSTRAINT ck_executor_transaction_state CHECK (state IN ('mined', 'replaced', 'reverted', 'waiting')),
    CONSTRAINT pk_executor_transaction PRIMARY KEY (chain_id, hash),
    CONSTRAINT fk_executor_transaction_certificate_certificate FOREIGN KEY(certificate) REFERENCES certificate (digest) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX ix_executor_transaction_account ON executor_transaction (chain_id, executor, state);

CREATE INDEX ix_executor_transaction_certificate ON executor_transaction (certificate);

CREATE TABLE recovery_code (
    factor_id TEXT NOT NULL CONSTRAINT ck_recovery_code_factor_id CHECK (length(factor_id) BETWEEN 16 AND 64),
    hash TEXT NOT NULL CONSTRAINT ck_recovery_code_hash CHECK (length(hash) BETWEEN 64 AND 64),
    used_at BIGINT CONSTRAINT ck_recovery_code_used_at CHECK (used_at >= 0),
    CONSTRAINT pk_recovery_code PRIMARY KEY (factor_id, hash),
    CONSTRAINT fk_recovery_code_factor_id_totp_factor FOREIGN KEY(factor_id) REFERENCES totp_factor (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE statement (
    person TEXT NOT NULL CONSTRAINT ck_statement_person CHECK (length(person) BETWEEN 1 AND 100),
    digest TEXT NOT NULL CONSTRAINT ck_statement_digest CHECK (length(digest) = 66),
    kind TEXT NOT NULL CONSTRAINT ck_statement_kind CHECK (length(kind) BETWEEN 1 AND 100),
    transfer_id TEXT CONSTRAINT ck_statement_transfer_id CHECK (length(transfer_id) = 66),
    key TEXT NOT NULL CONSTRAINT ck_statement_key CHECK (length(key) = 42),
    body TEXT NOT NULL CONSTRAINT ck_statement_body CHECK (length(body) >= 2),
    received_at BIGINT NOT NULL CONSTRAINT ck_statement_received_at CHECK (received_at >= 0),
    log_index BIGINT NOT NULL CONSTRAINT ck_statement_log_index CHECK (log_index >= 0),
    CONSTRAINT pk_statement PRIMARY KEY (person, digest),
    CONSTRAINT fk_statement_transfer_id_transfer FOREIGN KEY(transfer_id) REFERENCES transfer (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT uq_statement_log_index UNIQUE (log_index),
    CONSTRAINT fk_statement_log_index_log_entry FOREIGN KEY(log_index) REFERENCES log_entry (log_index) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX ix_statement_kind ON statement (kind, log_index);

CREATE INDEX ix_statement_transfer ON statement (transfer_id, log_index);

INSERT INTO log_head (one, treasury, size, head) VALUES (1, NULL, 0, '0x0000000000000000000000000000000000000000000000000000000000000000');
