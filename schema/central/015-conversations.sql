-- Marketplace accounts, their buyers and what those write. A seller's rows are seen by who sees all or that seller.
-- Interactions are the one business table that grows without end: partitioned by seller, so that each question of a day,
-- which is about one account or names its row, reads one small index. Further growth: schema/central/README.md.
SET LOCAL ROLE tower_owner;

CREATE TABLE app.sellers (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  name text NOT NULL UNIQUE CHECK (name <> ''), marketplace text NOT NULL,
  settings sync.json NOT NULL DEFAULT '{}', archived_at bigint,
  scopes integer[] NOT NULL
);
CREATE FUNCTION app.sellers_scopes(s app.sellers) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY['all', 'seller:' || s.name];
$$;
SELECT sync.register(70::smallint, 'sellers', 'seller', NULL, '{"archived_at": "stamp"}', '{"settings": 100000}');

CREATE TABLE app.customers (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  seller_id uuid NOT NULL REFERENCES app.sellers DEFERRABLE INITIALLY DEFERRED,
  external_ref text NOT NULL, name text NOT NULL DEFAULT '', sentiment_trend bigint NOT NULL DEFAULT 0,
  scopes integer[] NOT NULL,
  UNIQUE (seller_id, external_ref)
);
SELECT sync.register(71::smallint, 'customers', 'customer', NULL, '{"seller_id": "parent sellers"}');

CREATE TABLE app.interactions (
  id uuid NOT NULL, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL,
  seller_id uuid NOT NULL REFERENCES app.sellers DEFERRABLE INITIALLY DEFERRED,
  marketplace text NOT NULL, kind text NOT NULL CHECK (kind IN ('review', 'question', 'chat')), external_ref text NOT NULL,
  customer_id uuid REFERENCES app.customers DEFERRABLE INITIALLY DEFERRED,
  order_id uuid REFERENCES app.orders DEFERRABLE INITIALLY DEFERRED,
  product_id uuid REFERENCES app.products DEFERRABLE INITIALLY DEFERRED,
  link_confidence bigint NOT NULL DEFAULT 0 CHECK (link_confidence BETWEEN 0 AND 100),
  parent_id uuid,
  rating bigint CHECK (rating BETWEEN 1 AND 5), text text NOT NULL, intent text NOT NULL DEFAULT '', sentiment bigint,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'answered', 'dismissed')), answer text, answered_at bigint,
  received_at bigint NOT NULL, window_ends_at bigint,
  scopes integer[] NOT NULL,
  PRIMARY KEY (seller_id, id), UNIQUE (seller_id, number), UNIQUE (seller_id, marketplace, kind, external_ref),
  FOREIGN KEY (seller_id, parent_id) REFERENCES app.interactions (seller_id, id) DEFERRABLE INITIALLY DEFERRED
) PARTITION BY HASH (seller_id);
DO $$
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TABLE app.interactions_%1$s PARTITION OF app.interactions FOR VALUES WITH (MODULUS 16, REMAINDER %1$s)', part);
    EXECUTE format('ALTER TABLE app.interactions_%s ENABLE ROW LEVEL SECURITY', part);
  END LOOP;
END $$;
CREATE INDEX interactions_id ON app.interactions (id);
CREATE INDEX interactions_open ON app.interactions (seller_id, received_at) WHERE state = 'open';
CREATE INDEX interactions_received ON app.interactions (seller_id, received_at) INCLUDE (state, scopes);  -- to count by
CREATE INDEX interactions_customer ON app.interactions (customer_id, received_at) WHERE customer_id IS NOT NULL;
CREATE INDEX interactions_order ON app.interactions (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX interactions_product ON app.interactions (product_id, received_at) WHERE product_id IS NOT NULL;
SELECT sync.register(72::smallint, 'interactions', 'interaction', 'INT',
  '{"number": "number", "seller_id": "parent sellers"}', '{"text": 100000, "answer": 100000}', true,
  dated => '{received_at}');
