-- A message may answer one, and concern an order, that its reader does not see: from before a window, or of another scope.
CREATE TABLE interactions_new(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE, seller_id BLOB NOT NULL REFERENCES sellers(id), marketplace TEXT NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('review', 'question', 'chat')), external_ref TEXT NOT NULL,
  customer_id BLOB REFERENCES customers(id), order_id BLOB, product_id BLOB REFERENCES products(id),
  link_confidence INTEGER NOT NULL DEFAULT 0 CHECK(link_confidence BETWEEN 0 AND 100), parent_id BLOB,
  rating INTEGER CHECK(rating BETWEEN 1 AND 5), text TEXT NOT NULL, intent TEXT NOT NULL DEFAULT '', sentiment INTEGER,
  state TEXT NOT NULL DEFAULT 'open' CHECK(state IN ('open', 'answered', 'dismissed')), answer TEXT, answered_at INTEGER,
  received_at INTEGER NOT NULL, window_ends_at INTEGER, UNIQUE(marketplace, kind, external_ref)) STRICT;
INSERT INTO interactions_new SELECT * FROM interactions;
DROP TABLE interactions;
ALTER TABLE interactions_new RENAME TO interactions;
CREATE INDEX interactions_state ON interactions(state, received_at);
CREATE INDEX interactions_customer ON interactions(customer_id);
CREATE INDEX interactions_order ON interactions(order_id);
CREATE INDEX interactions_product ON interactions(product_id, received_at);
CREATE INDEX interactions_seller ON interactions(seller_id, received_at);
