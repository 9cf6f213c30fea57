/* An order book straight in the server's tables, as imports would have left it: the feed knows every row. */
#include "pg-server.h"

/* Ids ascend with the rows, as those of imports do; %s is a hexadecimal digit for the table. */
#define ID(digit) "('0198c0de-" digit "000-8000-8000-' || lpad(to_hex(i), 12, '0'))::uuid"

/* $N orders: twenty a distributor, three lines each, nineteen invoices for twenty. */
static const char rows[] =
    "SET session_replication_role = replica;"
    "INSERT INTO app.distributors (id, rev, created_at, updated_at, number, legal_name, country, city, "
    "currency,"
    " onboarding_state, onboarding_since_at, notes, scopes)"
    " SELECT " ID (
        "1") ", 1, 1700000000000 + i, 1700000000000 + i, 'DIST-2020-' || lpad(i::text, 4, '0'),"
             " 'Distributor ' || i, 'DE', 'Hamburg ' || i %% 100, 'EUR', 'active', 1700000000000, "
             "repeat('n', %u), s.id"
             " FROM generate_series(1, %u / 20) i, seen s;"
             "INSERT INTO app.orders (id, rev, created_at, updated_at, number, distributor_id, status, "
             "status_since_at,"
             " ordered_on, required_on, total_minor, currency, scopes)"
             " SELECT " ID (
                 "2") ", 1, 1700000000000 + i, 1700000000000 + i, 'ORD-2020-' || lpad(i::text, 4, '0'),"
                      " ('0198c0de-1000-8000-8000-' || lpad(to_hex(1 + i %% (%u / 20)), 12, '0'))::uuid,"
                      " CASE i %% 5 WHEN 0 THEN 'confirmed' ELSE 'closed' END, 1700000000000 + i * 1000, "
                      "date '2026-01-01' + i %% 90,"
                      " date '2026-03-01' + i %% 60, i * 100, 'EUR', s.id FROM generate_series(1, %u) i, "
                      "seen s;"
                      "INSERT INTO app.order_lines (id, rev, created_at, updated_at, order_id, position, "
                      "sku, quantity_milli,"
                      " unit_price_minor, total_minor, scopes)"
                      " SELECT " ID (
                          "3") ", 1, 1700000000000 + i, 1700000000000 + i,"
                               " ('0198c0de-2000-8000-8000-' || lpad(to_hex(1 + i / 3), 12, '0'))::uuid, i "
                               "%% 3, 'SKU-' || i %% 5000, 1000,"
                               " 995, 995, s.id FROM generate_series(0, 3 * %u - 1) i, seen s;"
                               "INSERT INTO app.invoices (id, rev, created_at, updated_at, number, order_id, "
                               "distributor_id, state, amount_minor,"
                               " currency, issued_on, due_on, scopes)"
                               " SELECT " ID (
                                   "4") ", 1, 1700000000000 + i, 1700000000000 + i, 'INV-2020-' || "
                                        "lpad(i::text, 4, '0'),"
                                        " ('0198c0de-2000-8000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,"
                                        " ('0198c0de-1000-8000-8000-' || lpad(to_hex(1 + i %% (%u / 20)), "
                                        "12, '0'))::uuid, 'issued', i * 100, 'EUR',"
                                        " date '2026-01-02' + i %% 90, date '2026-02-01' + i %% 90, s.id "
                                        "FROM generate_series(1, %u * 19 / 20) i, seen s;"
                                        "SET session_replication_role = origin;";

/* The feed's lines of all rows, in one transaction of their own. */
static const char feed[] =
    "INSERT INTO sync.entry (scope, tbl, pk, rev, tid)"
    " SELECT r.scopes[1], r.tbl, r.id, 1, x.tid FROM (SELECT sync.current_tid() AS tid OFFSET 0) x, ("
    "  SELECT scopes, 1::smallint AS tbl, id FROM app.distributors UNION ALL SELECT scopes, 3::smallint, id "
    "FROM "
    "app.orders"
    "  UNION ALL SELECT scopes, 4::smallint, id FROM app.order_lines"
    "  UNION ALL SELECT scopes, 6::smallint, id FROM app.invoices) r ON CONFLICT DO NOTHING;";

/* @notes: how many bytes of notes a distributor has; 1,000,000 rows come of 200,000 orders. */
void
pg_server_fill (PgServer *self, const char *database, guint orders, guint notes)
{
  g_autoptr (CtSession) session = pg_server_login (self, database, "postgres");
  g_autofree char *script = g_strdup_printf (rows, notes, orders, orders, orders, orders, orders, orders);
  g_autoptr (GError) error = NULL;

  ct_session_script (session,
                     "CREATE TEMP TABLE seen AS SELECT sync.scope_ids(ARRAY['all', 'region:']) AS id;", NULL,
                     &error);
  g_assert_no_error (error);
  ct_session_script (session, script, NULL, &error);
  g_assert_no_error (error);
  ct_session_script (session, feed, NULL, &error);
  g_assert_no_error (error);
  ct_session_script (session, "ANALYZE", NULL, &error);
  g_assert_no_error (error);
}
