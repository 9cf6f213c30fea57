-- The log of a connected workspace is its server's. Of a leaf that its user may not see it has the hash alone, so that the tree
-- stands; of others what they disclose may be kept from it.
CREATE TABLE audit_hidden(n INTEGER PRIMARY KEY, leaf_sha256 BLOB NOT NULL CHECK(length(leaf_sha256) = 32)) STRICT;
CREATE TABLE audit_withheld(n INTEGER PRIMARY KEY) STRICT;

-- All leaves, the hidden ones without a text.
CREATE VIEW audit_leaves AS
  SELECT n, leaf, leaf_sha256, ev_id, action, actor, object_type, object_id, received_at FROM audit_logs
  UNION ALL SELECT n, NULL, leaf_sha256, NULL, NULL, NULL, NULL, NULL, NULL FROM audit_hidden;

-- A leaf may go where its log does, where its hash stays, and where the server took it back before anybody signed it.
DROP TRIGGER audit_logs_no_delete;
CREATE TRIGGER audit_logs_no_delete BEFORE DELETE ON audit_logs
  WHEN EXISTS (SELECT 1 FROM workspace WHERE key = 'log_origin')
    AND NOT EXISTS (SELECT 1 FROM audit_hidden h WHERE h.n = old.n AND h.leaf_sha256 = old.leaf_sha256)
    AND (NOT EXISTS (SELECT 1 FROM sync_log) OR old.n < (SELECT coalesce(max(size), 0) FROM audit_checkpoints))
  BEGIN SELECT RAISE(ABORT, 'an audit leaf is immutable'); END;
CREATE TRIGGER audit_hidden_no_update BEFORE UPDATE ON audit_hidden
  BEGIN SELECT RAISE(ABORT, 'an audit leaf is immutable'); END;
CREATE TRIGGER audit_hidden_no_delete BEFORE DELETE ON audit_hidden
  WHEN EXISTS (SELECT 1 FROM workspace WHERE key = 'log_origin')
    AND NOT EXISTS (SELECT 1 FROM audit_logs l WHERE l.n = old.n AND l.leaf_sha256 = old.leaf_sha256)
    AND (NOT EXISTS (SELECT 1 FROM sync_log) OR old.n < (SELECT coalesce(max(size), 0) FROM audit_checkpoints))
  BEGIN SELECT RAISE(ABORT, 'an audit leaf is immutable'); END;

-- There is a line while the workspace follows its server's log. Rows stand at number "seen" of epoch; of the leaves those below
-- "upto" are of transactions up to it, so that rows can be held against them.
CREATE TABLE sync_log(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  epoch BLOB NOT NULL CHECK(length(epoch) = 16), seen INTEGER NOT NULL, upto INTEGER NOT NULL,
  scopes TEXT NOT NULL,                  -- with which the leaves were read
  whole INTEGER NOT NULL,                -- whether they show every row that the server has
  tables TEXT NOT NULL,                  -- that the server has, with spaces between
  trouble TEXT                           -- what does not hold, until it does
) STRICT;

-- In which place of the log the server's answer stands; NULL until that is proved.
ALTER TABLE sync_outcomes ADD COLUMN place INTEGER;
CREATE INDEX sync_outcomes_unproved ON sync_outcomes(seq) WHERE place IS NULL;
