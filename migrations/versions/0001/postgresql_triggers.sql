CREATE FUNCTION guard_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
END $$;

-- INVARIANT: what was said, logged and activated is never changed or removed.
CREATE TRIGGER statement_stays BEFORE UPDATE ON statement
FOR EACH ROW EXECUTE FUNCTION guard_refuse('statements are never changed');

CREATE TRIGGER statement_remains BEFORE DELETE ON statement
FOR EACH ROW EXECUTE FUNCTION guard_refuse('statements are never removed');

CREATE TRIGGER statement_is_kept BEFORE TRUNCATE ON statement
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('statements are never removed');

CREATE TRIGGER bundle_stays BEFORE UPDATE ON bundle
FOR EACH ROW EXECUTE FUNCTION guard_refuse('bundles are never changed');

CREATE TRIGGER bundle_remains BEFORE DELETE ON bundle
FOR EACH ROW EXECUTE FUNCTION guard_refuse('bundles are never removed');

CREATE TRIGGER bundle_is_kept BEFORE TRUNCATE ON bundle
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('bundles are never removed');

CREATE FUNCTION guard_bundle_is_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM bundle WHERE version >= NEW.version) THEN
        RAISE EXCEPTION 'a bundle follows those before it' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER bundle_is_next BEFORE INSERT ON bundle
FOR EACH ROW EXECUTE FUNCTION guard_bundle_is_next();

CREATE TRIGGER log_entry_stays BEFORE UPDATE ON log_entry
FOR EACH ROW EXECUTE FUNCTION guard_refuse('the log is never changed');

CREATE TRIGGER log_entry_remains BEFORE DELETE ON log_entry
FOR EACH ROW EXECUTE FUNCTION guard_refuse('the log is never shortened');

CREATE TRIGGER log_entry_is_kept BEFORE TRUNCATE ON log_entry
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('the log is never shortened');

-- INVARIANT: the log has no gap: an entry comes directly after the last one.
CREATE FUNCTION guard_log_entry_is_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.log_index <> (SELECT coalesce(max(log_index) + 1, 0) FROM log_entry) THEN
        RAISE EXCEPTION 'an entry of the log comes directly after the last one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER log_entry_is_next BEFORE INSERT ON log_entry
FOR EACH ROW EXECUTE FUNCTION guard_log_entry_is_next();

CREATE FUNCTION guard_log_entry_moves_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE log_head SET size = NEW.log_index + 1, head = NEW.head WHERE one = 1;
    RETURN NULL;
END $$;

CREATE TRIGGER log_entry_moves_head AFTER INSERT ON log_entry
FOR EACH ROW EXECUTE FUNCTION guard_log_entry_moves_head();

CREATE TRIGGER log_head_remains BEFORE DELETE ON log_head
FOR EACH ROW EXECUTE FUNCTION guard_refuse('the head of the log is never removed');

CREATE TRIGGER log_head_is_kept BEFORE TRUNCATE ON log_head
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('the head of the log is never removed');

-- INVARIANT: the head is that of the last entry, the log never becomes shorter, and a treasury's log stays that treasury's.
CREATE FUNCTION guard_log_head_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size
        OR (OLD.treasury IS NOT NULL AND NEW.treasury IS DISTINCT FROM OLD.treasury)
        OR NEW.size <> (SELECT coalesce(max(log_index) + 1, 0) FROM log_entry)
        OR (NEW.size > 0
            AND NEW.head IS DISTINCT FROM (SELECT entry.head FROM log_entry entry WHERE entry.log_index = NEW.size - 1))
    THEN
        RAISE EXCEPTION 'the head of the log is that of its last entry'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER log_head_follows BEFORE UPDATE ON log_head
FOR EACH ROW EXECUTE FUNCTION guard_log_head_follows();

CREATE TRIGGER transfer_remains BEFORE DELETE ON transfer
FOR EACH ROW EXECUTE FUNCTION guard_refuse('transfers are never removed');

CREATE TRIGGER transfer_is_kept BEFORE TRUNCATE ON transfer
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('transfers are never removed');

-- INVARIANT: a transfer moves, but what it is stays; and whoever saw an older version can tell.
CREATE TRIGGER transfer_stays BEFORE UPDATE ON transfer
FOR EACH ROW WHEN (
    (NEW.id, NEW.body, NEW.chain_id, NEW.vault, NEW.asset, NEW.destination, NEW.amount_units, NEW.initiator, NEW.policy,
        NEW.proposed_at, NEW.expires_at, NEW.received_at)
    IS DISTINCT FROM
    (OLD.id, OLD.body, OLD.chain_id, OLD.vault, OLD.asset, OLD.destination, OLD.amount_units, OLD.initiator, OLD.policy,
        OLD.proposed_at, OLD.expires_at, OLD.received_at)
    OR NEW.version <= OLD.version
)
EXECUTE FUNCTION guard_refuse('what a transfer is never changes, and its version grows');
