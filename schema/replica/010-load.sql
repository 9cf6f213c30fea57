-- A first load under way: the tables that come, in their order, and how far each is. Commands wait until there is no line
-- left. sync_state meanwhile holds where the feed stood when the load began.
CREATE TABLE sync_load(
  tbl TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL,
  expected INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0,
  last_id BLOB,                          -- of the last row that came; ids ascend
  finished INTEGER NOT NULL DEFAULT 0 CHECK(finished IN (0, 1))
) STRICT;

-- Indexes and triggers that are away while a table is filled, as they were made.
CREATE TABLE bulk_schema(name TEXT NOT NULL PRIMARY KEY, tbl TEXT NOT NULL, sql TEXT NOT NULL) STRICT;
