-- Products, which everybody sees who has a role at all, and orders with their lines, which are seen where their
-- distributor is.
SET LOCAL ROLE tower_owner;

INSERT INTO sync.grants (grantee, scope) VALUES ('tower_viewer', (sync.scope_ids(ARRAY['common']))[1]);

CREATE TABLE app.products (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  sku text NOT NULL UNIQUE, name text NOT NULL, unit text NOT NULL DEFAULT '',
  list_price_minor bigint, currency text CHECK (length(currency) = 3), stock_milli bigint,
  source text NOT NULL DEFAULT '', external_ref text, archived_at bigint,
  scopes integer[] NOT NULL
);
CREATE UNIQUE INDEX products_external ON app.products (source, external_ref) WHERE external_ref IS NOT NULL;

CREATE FUNCTION app.products_scopes(p app.products) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY['common'];
$$;
SELECT sync.register(2::smallint, 'products', 'product', NULL, '{"archived_at": "stamp"}');

CREATE TABLE app.orders (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL UNIQUE,
  distributor_id uuid NOT NULL REFERENCES app.distributors DEFERRABLE INITIALLY DEFERRED,
  status text NOT NULL DEFAULT 'draft'
    CHECK (status IN ('draft', 'confirmed', 'allocated', 'invoiced', 'shipped', 'delivered', 'closed', 'cancelled')),
  status_since_at bigint NOT NULL,
  ordered_on date, required_on date,
  total_minor bigint NOT NULL DEFAULT 0, currency text NOT NULL CHECK (length(currency) = 3),
  lane_origin text NOT NULL DEFAULT '', lane_destination text NOT NULL DEFAULT '',
  source text NOT NULL DEFAULT '', external_ref text,
  notes text NOT NULL DEFAULT '',
  archived_at bigint,
  scopes integer[] NOT NULL
);
CREATE INDEX orders_distributor ON app.orders (distributor_id);
CREATE UNIQUE INDEX orders_external ON app.orders (source, external_ref) WHERE external_ref IS NOT NULL;
CREATE INDEX orders_scopes ON app.orders USING gin (scopes);

SELECT sync.register(3::smallint, 'orders', 'order', 'ORD',
  '{"number": "number", "distributor_id": "parent distributors", "archived_at": "stamp", "status_since_at": "since status"}',
  '{"notes": 100000}', true);

CREATE TABLE app.order_lines (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  order_id uuid NOT NULL REFERENCES app.orders DEFERRABLE INITIALLY DEFERRED, position bigint NOT NULL,
  product_id uuid REFERENCES app.products DEFERRABLE INITIALLY DEFERRED, sku text NOT NULL,
  quantity_milli bigint NOT NULL CHECK (quantity_milli > 0), unit_price_minor bigint NOT NULL,
  discount_bp bigint NOT NULL DEFAULT 0 CHECK (discount_bp BETWEEN 0 AND 10000), total_minor bigint NOT NULL,
  source text NOT NULL DEFAULT '', external_ref text,
  scopes integer[] NOT NULL,
  UNIQUE (order_id, position)
);
CREATE INDEX order_lines_product ON app.order_lines (product_id) WHERE product_id IS NOT NULL;
CREATE INDEX order_lines_scopes ON app.order_lines USING gin (scopes);

SELECT sync.register(4::smallint, 'order_lines', 'order_line', NULL, '{"order_id": "parent orders"}');
