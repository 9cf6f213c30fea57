-- SQLite 3.40 reads the columns of such a table in the order of its key when it checks what is strict: with another order
-- a sound workspace counts as damaged while anything is pending.
CREATE TABLE touches(id BLOB NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL CHECK(kind IN ('i', 'u', 'd', 'r')),
  PRIMARY KEY(id, seq, kind)) STRICT, WITHOUT ROWID;
INSERT INTO touches SELECT id, seq, kind FROM sync_touches;
DROP TABLE sync_touches;
ALTER TABLE touches RENAME TO sync_touches;
CREATE INDEX sync_touches_seq ON sync_touches(seq);
