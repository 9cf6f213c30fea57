-- What a connected workspace knows of its server. None of it is recorded or pushed.

-- Where the replica stands: in the feed (epoch, number, nonce), with which scopes, and through which of its own commands
-- the server's answer is part of it. Later commands are pending, unless they lie in the tray.
CREATE TABLE sync_state(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  epoch BLOB NOT NULL CHECK(length(epoch) = 16), number INTEGER NOT NULL, nonce BLOB NOT NULL CHECK(length(nonce) = 16),
  scopes TEXT NOT NULL,
  acknowledged INTEGER NOT NULL,
  pulled_at INTEGER
) STRICT;
INSERT INTO sync_state VALUES(1, zeroblob(16), 0, zeroblob(16), '', 0, NULL);

-- What a pending command touched: i/u/d a row it wrote, r a row it refers to.
CREATE TABLE sync_touches(seq INTEGER NOT NULL, kind TEXT NOT NULL CHECK(kind IN ('i', 'u', 'd', 'r')), id BLOB NOT NULL,
  PRIMARY KEY(id, seq, kind)) STRICT, WITHOUT ROWID;
CREATE INDEX sync_touches_seq ON sync_touches(seq);

-- The server's answers.
CREATE TABLE sync_outcomes(
  seq INTEGER PRIMARY KEY REFERENCES intents(seq),
  outcome TEXT NOT NULL CHECK(outcome IN ('applied', 'rejected')),
  code TEXT, reason TEXT,
  leaf BLOB NOT NULL CHECK(length(leaf) = 16),
  settled_at INTEGER NOT NULL
) STRICT;
