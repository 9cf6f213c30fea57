-- The ground of a replica: what the programs keep for themselves. None of these tables has the columns (id, n) of a
-- business table, so none of them is ever recorded in a changeset or pushed.

CREATE TABLE workspace(key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- next_n() takes local row numbers from here; a number is never used twice.
CREATE TABLE row_counter(next INTEGER NOT NULL) STRICT;
INSERT INTO row_counter VALUES(1);

-- Human numbers (FOLLOW-2026-001) by series and year; given by the authority alone.
CREATE TABLE number_series(series TEXT NOT NULL, year INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY(series, year)) STRICT, WITHOUT ROWID;

-- Commands as they were accepted here, chained by hash; seq is this device's counter. sha256 is over the canonical JSON
-- {actor, args_sha256, command_id, device_id, device_seq, name, occurred_at, previous_sha256, v}; the arguments enter by
-- their hash, SHA256('ct-intent-args-v1' 0 command_id args), so that redacting them breaks no chain.
CREATE TABLE intents(
  seq INTEGER PRIMARY KEY,
  command_id BLOB NOT NULL UNIQUE CHECK(length(command_id) = 16),
  name TEXT NOT NULL,
  args TEXT,                             -- canonical JSON; NULL once redacted
  args_sha256 BLOB NOT NULL CHECK(length(args_sha256) = 32),
  actor TEXT NOT NULL,
  device_id BLOB NOT NULL,
  occurred_at INTEGER NOT NULL,
  schema_version INTEGER NOT NULL,
  previous_sha256 BLOB NOT NULL CHECK(length(previous_sha256) = 32),
  sha256 BLOB NOT NULL UNIQUE CHECK(length(sha256) = 32)
) STRICT;
CREATE TRIGGER intents_immutable BEFORE UPDATE ON intents
  WHEN new.args IS NOT NULL OR new.seq IS NOT old.seq OR new.command_id IS NOT old.command_id OR new.name IS NOT old.name
    OR new.args_sha256 IS NOT old.args_sha256 OR new.actor IS NOT old.actor OR new.device_id IS NOT old.device_id
    OR new.occurred_at IS NOT old.occurred_at OR new.previous_sha256 IS NOT old.previous_sha256 OR new.sha256 IS NOT old.sha256
  BEGIN SELECT RAISE(ABORT, 'an intent is immutable'); END;

-- What a command changed, as SQLite session changesets; several parts where one could not be undone in one piece.
CREATE TABLE changesets(seq INTEGER NOT NULL REFERENCES intents(seq), part INTEGER NOT NULL, changeset BLOB NOT NULL,
  PRIMARY KEY(seq, part)) STRICT;
-- Which command undid which.
CREATE TABLE undone(seq INTEGER PRIMARY KEY REFERENCES intents(seq), by_seq INTEGER NOT NULL REFERENCES intents(seq)) STRICT;

-- The audit log: leaf n (from 0) as canonical JSON; the other columns repeat fields of the leaf for queries.
CREATE TABLE audit_logs(
  n INTEGER PRIMARY KEY,
  ev_id BLOB NOT NULL UNIQUE,
  leaf BLOB NOT NULL,
  leaf_sha256 BLOB NOT NULL CHECK(length(leaf_sha256) = 32),
  action TEXT NOT NULL,
  actor TEXT NOT NULL,
  object_type TEXT NOT NULL,
  object_id BLOB NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_logs_object ON audit_logs(object_id, n);
CREATE INDEX audit_logs_actor ON audit_logs(actor, n);
CREATE INDEX audit_logs_action ON audit_logs(action, n);
CREATE TRIGGER audit_logs_no_update BEFORE UPDATE ON audit_logs BEGIN SELECT RAISE(ABORT, 'an audit leaf is immutable'); END;
CREATE TRIGGER audit_logs_no_delete BEFORE DELETE ON audit_logs BEGIN SELECT RAISE(ABORT, 'an audit leaf is immutable'); END;

-- Further objects an event belongs to: the order's story shows what happened to its task.
CREATE TABLE audit_objects(object_id BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(object_id, n)) STRICT, WITHOUT ROWID;

-- Redactable fields; the leaf holds their salted hashes.
CREATE TABLE audit_disclosures(n INTEGER NOT NULL, field TEXT NOT NULL, salt BLOB NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(n, field)) STRICT, WITHOUT ROWID;

-- Row commitments of an event: packed entries (table, id, operation, salted hash of the row).
CREATE TABLE audit_rows(n INTEGER PRIMARY KEY, salt BLOB NOT NULL, entries BLOB NOT NULL) STRICT;

-- Hash tiles of height 8 (C2SP tlog-tiles): up to 256 hashes each.
CREATE TABLE audit_tiles(level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY(level, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE audit_checkpoints(size INTEGER PRIMARY KEY, root BLOB NOT NULL CHECK(length(root) = 32), note TEXT NOT NULL,
  signed_at INTEGER NOT NULL) STRICT;

-- Subjects whose rules must be evaluated again; kept by triggers on the business tables.
CREATE TABLE dirty(subject_type TEXT NOT NULL, id BLOB NOT NULL, PRIMARY KEY(subject_type, id)) STRICT, WITHOUT ROWID;
CREATE TABLE detection(rule TEXT NOT NULL PRIMARY KEY, fingerprint TEXT NOT NULL, evaluated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Commands that could not be applied: a person decides. Never emptied by the program.
CREATE TABLE attention(
  seq INTEGER PRIMARY KEY REFERENCES intents(seq),
  reason TEXT NOT NULL,
  theirs TEXT NOT NULL DEFAULT '{}',
  since INTEGER NOT NULL,
  settled_at INTEGER,
  choice TEXT CHECK(choice IN ('theirs', 'mine', 'edit', 'discard'))
) STRICT;

-- Devices whose signatures this workspace accepts; the private key of our own lies in a file or the keyring.
CREATE TABLE devices(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16),
  label TEXT NOT NULL,
  public_key BLOB NOT NULL CHECK(length(public_key) = 32),
  enrolled_by TEXT NOT NULL,
  enrolled_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
