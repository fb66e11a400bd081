-- INVARIANT: what was said, logged and activated is never changed or removed. An insert that replaces is a change, too.
CREATE TRIGGER statement_stays BEFORE UPDATE ON statement
BEGIN SELECT RAISE(ABORT, 'statements are never changed'); END;

CREATE TRIGGER statement_remains BEFORE DELETE ON statement
BEGIN SELECT RAISE(ABORT, 'statements are never removed'); END;

CREATE TRIGGER statement_is_new BEFORE INSERT ON statement
WHEN EXISTS (SELECT 1 FROM statement WHERE person = NEW.person AND digest = NEW.digest)
  OR EXISTS (SELECT 1 FROM statement WHERE log_index = NEW.log_index)
BEGIN SELECT RAISE(ABORT, 'statements are never replaced'); END;

CREATE TRIGGER bundle_stays BEFORE UPDATE ON bundle
BEGIN SELECT RAISE(ABORT, 'bundles are never changed'); END;

CREATE TRIGGER bundle_remains BEFORE DELETE ON bundle
BEGIN SELECT RAISE(ABORT, 'bundles are never removed'); END;

CREATE TRIGGER bundle_is_next BEFORE INSERT ON bundle
WHEN EXISTS (SELECT 1 FROM bundle WHERE version >= NEW.version OR digest = NEW.digest)
BEGIN SELECT RAISE(ABORT, 'a bundle follows those before it'); END;

CREATE TRIGGER log_entry_stays BEFORE UPDATE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the log is never changed'); END;

CREATE TRIGGER log_entry_remains BEFORE DELETE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the log is never shortened'); END;

-- INVARIANT: the log has no gap: an entry comes directly after the last one.
CREATE TRIGGER log_entry_is_next BEFORE INSERT ON log_entry
WHEN NEW.log_index <> (SELECT coalesce(max(log_index) + 1, 0) FROM log_entry)
BEGIN SELECT RAISE(ABORT, 'an entry of the log comes directly after the last one'); END;

CREATE TRIGGER log_entry_moves_head AFTER INSERT ON log_entry
BEGIN UPDATE log_head SET size = NEW.log_index + 1, head = NEW.head WHERE one = 1; END;

CREATE TRIGGER log_head_remains BEFORE DELETE ON log_head
BEGIN SELECT RAISE(ABORT, 'the head of the log is never removed'); END;

CREATE TRIGGER log_head_is_one BEFORE INSERT ON log_head
WHEN EXISTS (SELECT 1 FROM log_head)
BEGIN SELECT RAISE(ABORT, 'there is one head of the log'); END;

-- INVARIANT: the head is that of the last entry, the log never becomes shorter, and a treasury's log stays that treasury's.
CREATE TRIGGER log_head_follows BEFORE UPDATE ON log_head
WHEN NEW.size < OLD.size
  OR (OLD.treasury IS NOT NULL AND NEW.treasury IS NOT OLD.treasury)
  OR NEW.size <> (SELECT coalesce(max(log_index) + 1, 0) FROM log_entry)
  OR (NEW.size > 0 AND NEW.head IS NOT (SELECT head FROM log_entry WHERE log_index = NEW.size - 1))
BEGIN SELECT RAISE(ABORT, 'the head of the log is that of its last entry'); END;

CREATE TRIGGER transfer_remains BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'transfers are never removed'); END;

CREATE TRIGGER transfer_is_new BEFORE INSERT ON transfer
WHEN EXISTS (SELECT 1 FROM transfer WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'transfers are never replaced'); END;

-- INVARIANT: a transfer moves, but what it is stays; and whoever saw an older version can tell.
CREATE TRIGGER transfer_stays BEFORE UPDATE ON transfer
WHEN NEW.id IS NOT OLD.id OR NEW.body IS NOT OLD.body OR NEW.chain_id IS NOT OLD.chain_id OR NEW.vault IS NOT OLD.vault
  OR NEW.asset IS NOT OLD.asset OR NEW.destination IS NOT OLD.destination OR NEW.amount_units IS NOT OLD.amount_units
  OR NEW.initiator IS NOT OLD.initiator OR NEW.policy IS NOT OLD.policy OR NEW.proposed_at IS NOT OLD.proposed_at
  OR NEW.expires_at IS NOT OLD.expires_at OR NEW.received_at IS NOT OLD.received_at OR NEW.version <= OLD.version
BEGIN SELECT RAISE(ABORT, 'what a transfer is never changes, and its version grows'); END;
