-- An order book straight in the server's tables, as imports would have left it: ids ascend with the rows, and the feed
-- knows every row. fill.orders: how many orders, of which twenty are a distributor's, with three lines each and nineteen
-- invoices for twenty; fill.notes: how many bytes of notes a distributor has. 1,000,000 rows come of 200,000 orders.
CREATE TEMP TABLE seen AS SELECT sync.scope_ids(ARRAY['all', 'region:']) AS s, current_setting('fill.orders')::integer AS n;
CREATE FUNCTION pg_temp.id(tbl integer, i integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT ('0198c0de-' || tbl || '000-8000-8000-' || lpad(to_hex(i), 12, '0'))::uuid;
$$;
SET session_replication_role = replica;         -- no triggers

INSERT INTO app.distributors (id, rev, created_at, updated_at, number, legal_name, country, city, currency, onboarding_state,
    onboarding_since_at, source, external_ref, notes, scopes)
  SELECT pg_temp.id(1, i), 1, 1700000000000 + i, 1700000000000 + i, 'DIST-2020-' || lpad(i::text, 7, '0'), 'Distributor ' || i,
         'DE', 'Hamburg ' || i % 100, 'EUR', 'active', 1700000000000, 'erp', 'D' || i,
         repeat('n', current_setting('fill.notes')::integer), s
    FROM seen, generate_series(1, n / 20) i;
INSERT INTO app.orders (id, rev, created_at, updated_at, number, distributor_id, status, status_since_at, ordered_on,
    required_on, total_minor, currency, source, external_ref, scopes)
  SELECT pg_temp.id(2, i), 1, 1700000000000 + i, 1700000000000 + i, 'ORD-2020-' || lpad(i::text, 7, '0'),
         pg_temp.id(1, 1 + i % (n / 20)), CASE i % 5 WHEN 0 THEN 'confirmed' ELSE 'closed' END, 1700000000000 + i * 1000::bigint,
         date '2026-01-01' + i % 90, date '2026-03-01' + i % 60, i * 100, 'EUR', 'erp', 'O' || i, s
    FROM seen, generate_series(1, n) i;
INSERT INTO app.order_lines (id, rev, created_at, updated_at, order_id, position, sku, quantity_milli, unit_price_minor,
    total_minor, source, external_ref, scopes)
  SELECT pg_temp.id(3, i), 1, 1700000000000 + i, 1700000000000 + i, pg_temp.id(2, 1 + i / 3), i % 3, 'SKU-' || i % 5000, 1000,
         995, 995, 'erp', 'L' || i, s
    FROM seen, generate_series(0, 3 * n - 1) i;
INSERT INTO app.invoices (id, rev, created_at, updated_at, number, order_id, distributor_id, state, amount_minor, currency,
    issued_on, due_on, paid_on, source, external_ref, scopes)
  SELECT pg_temp.id(4, i), 1, 1700000000000 + i, 1700000000000 + i, 'INV-2020-' || lpad(i::text, 7, '0'), pg_temp.id(2, i),
         pg_temp.id(1, 1 + i % (n / 20)), 'issued', i * 100, 'EUR', date '2026-01-02' + i % 90, date '2026-02-01' + i % 90,
         date '2026-02-02', 'erp', 'I' || i, s
    FROM seen, generate_series(1, n * 19 / 20) i;

SET session_replication_role = origin;
INSERT INTO sync.entry (scope, tbl, pk, rev, tid)
  SELECT r.scopes[1], r.tbl, r.id, 1, x.tid FROM (SELECT sync.current_tid() AS tid OFFSET 0) x, (
    SELECT scopes, 1::smallint AS tbl, id FROM app.distributors UNION ALL SELECT scopes, 3::smallint, id FROM app.orders
    UNION ALL SELECT scopes, 4::smallint, id FROM app.order_lines
    UNION ALL SELECT scopes, 6::smallint, id FROM app.invoices) r
  ON CONFLICT DO NOTHING;
ANALYZE;
