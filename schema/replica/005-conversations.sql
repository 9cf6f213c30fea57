-- Marketplace accounts, buyers and what they write.

CREATE TABLE sellers(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, marketplace TEXT NOT NULL, settings TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(settings)),
  archived_at INTEGER) STRICT;
CREATE TABLE customers(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  seller_id BLOB NOT NULL REFERENCES sellers(id), external_ref TEXT NOT NULL, name TEXT NOT NULL DEFAULT '',
  sentiment_trend INTEGER NOT NULL DEFAULT 0, UNIQUE(seller_id, external_ref)) STRICT;
CREATE TABLE interactions(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE, seller_id BLOB NOT NULL REFERENCES sellers(id), marketplace TEXT NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('review', 'question', 'chat')), external_ref TEXT NOT NULL,
  customer_id BLOB REFERENCES customers(id), order_id BLOB REFERENCES orders(id), product_id BLOB REFERENCES products(id),
  link_confidence INTEGER NOT NULL DEFAULT 0 CHECK(link_confidence BETWEEN 0 AND 100), parent_id BLOB REFERENCES interactions(id),
  rating INTEGER CHECK(rating BETWEEN 1 AND 5), text TEXT NOT NULL, intent TEXT NOT NULL DEFAULT '', sentiment INTEGER,
  state TEXT NOT NULL DEFAULT 'open' CHECK(state IN ('open', 'answered', 'dismissed')), answer TEXT, answered_at INTEGER,
  received_at INTEGER NOT NULL, window_ends_at INTEGER, UNIQUE(marketplace, kind, external_ref)) STRICT;
CREATE INDEX interactions_state ON interactions(state, received_at);
CREATE INDEX interactions_customer ON interactions(customer_id);
CREATE INDEX interactions_order ON interactions(order_id);
CREATE INDEX interactions_product ON interactions(product_id, received_at);
CREATE INDEX interactions_seller ON interactions(seller_id, received_at);
