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
  ordered_on sync.day, required_on sync.day,
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
  '{"notes": 100000}', true, dated => '{ordered_on,created_at}');

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

-- What a line comes to, as src/base/ct-money.c has it: half a minor unit is rounded away from zero, once, at the end.
CREATE FUNCTION sync.line_total(quantity_milli bigint, unit_price_minor bigint, discount_bp bigint) RETURNS numeric LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT div(product + CASE WHEN product < 0 THEN -5000000 ELSE 5000000 END, 10000000)
    FROM (SELECT quantity_milli::numeric * unit_price_minor * (10000 - discount_bp) AS product) x;
$$;

-- At the end of a command a line comes to what its quantity, price and discount give, and an order that has lines to what they
-- give together: approvals are asked for by such sums. Files state both, as the system that they come from has them, and an
-- undo gives lines and the total that they were under back as they were (sync.read_undo: all or none).
CREATE FUNCTION sync.check_total() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  line app.order_lines;
  whole app.orders;
  lines numeric;
BEGIN
  IF TG_TABLE_NAME = 'order_lines' AND TG_OP <> 'DELETE' AND current_setting('tower.command', true) <> 'command.undo' THEN
    line := NEW;
    IF line.total_minor <> sync.line_total(line.quantity_milli, line.unit_price_minor, line.discount_bp) THEN
      RAISE EXCEPTION 'line % of the order comes to %, not to %', line.position,
        sync.line_total(line.quantity_milli, line.unit_price_minor, line.discount_bp), line.total_minor USING ERRCODE = 'CT103';
    END IF;
  END IF;
  FOR whole IN SELECT * FROM app.orders o WHERE o.id IN (
      (CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END ->> TG_ARGV[0])::uuid,
      (CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END ->> TG_ARGV[0])::uuid) LOOP
    CONTINUE WHEN strpos(current_setting('tower.undone', true), whole.id::text) > 0;
    SELECT sum(l.total_minor) INTO lines FROM app.order_lines l WHERE l.order_id = whole.id;
    IF whole.total_minor <> lines THEN           -- without lines the total is what somebody says
      RAISE EXCEPTION 'the lines of % come to %, its total says %', whole.number, lines, whole.total_minor USING ERRCODE = 'CT103';
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

-- Notes the orders whose lines an undo gives back; those that it takes away do not say at the end whose they were.
CREATE FUNCTION sync.note_undone() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('tower.undone', concat_ws(' ', current_setting('tower.undone', true),
    CASE WHEN TG_OP <> 'DELETE' THEN NEW.order_id END, CASE WHEN TG_OP <> 'INSERT' THEN OLD.order_id END), true);
  RETURN NULL;
END $$;

CREATE TRIGGER note_undone AFTER INSERT OR UPDATE OF quantity_milli, unit_price_minor, discount_bp, total_minor OR DELETE ON app.order_lines
  FOR EACH ROW WHEN (current_setting('tower.command', true) = 'command.undo') EXECUTE FUNCTION sync.note_undone();
-- Lines of which nothing of that changes, as those do whose scopes follow their order's, keep what a file stated.
CREATE CONSTRAINT TRIGGER order_lines_total
  AFTER INSERT OR UPDATE OF order_id, quantity_milli, unit_price_minor, discount_bp, total_minor OR DELETE
  ON app.order_lines DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (coalesce(current_setting('tower.command', true), '') NOT IN ('', 'import.chunk'))
  EXECUTE FUNCTION sync.check_total('order_id');
CREATE CONSTRAINT TRIGGER orders_total AFTER UPDATE OF total_minor ON app.orders DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (coalesce(current_setting('tower.command', true), '') NOT IN ('', 'import.chunk'))
  EXECUTE FUNCTION sync.check_total('id');
UPDATE sync.tables SET checked = checked || CASE name WHEN 'orders' THEN ARRAY['total_minor']
    ELSE ARRAY['quantity_milli', 'unit_price_minor', 'discount_bp', 'total_minor'] END
  WHERE name IN ('orders', 'order_lines');
