/* Records that belong to each other, between workstations and a real server: orders with their lines and all that hangs
 * on a distributor. */
#include "pg-station.h"
#include "ct-column-kind.h"
#include "ct-config.h"

#include <string.h>

static PgServer *server;
static char *policy; /* schema/policy.json */

static PgStation *
station (const char *database, const char *login)
{
  return pg_station_new (server, database, login);
}

static char *G_GNUC_PRINTF (3, 4) add (PgStation *self, const char *command, const char *format, ...)
{
  g_autofree char *args = NULL;
  va_list list;
  CtId id;

  va_start (list, format);
  args = g_strdup_vprintf (format, list);
  va_end (list);
  id = sync_replica_run (self->replica, command, "%s", args);
  return ct_id_to_string (&id);
}

#define edit(self, command, ...) g_free (add (self, command, __VA_ARGS__))

static char *
add_distributor (PgStation *self, const char *region)
{
  return add (self, "distributor.create",
              "{\"legal_name\":\"Nordwind\",\"currency\":\"EUR\",\"region\":\"%s\"}", region);
}

#define LINE(sku, quantity) "{\"sku\":\"" sku "\",\"quantity_milli\":" quantity ",\"unit_price_minor\":250}"

static char *
add_order (PgStation *self, const char *distributor)
{
  return add (
      self, "order.create",
      "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"required_on\":\"2026-03-01\",\"lines\":[" LINE (
          "A-1", "2000") "," LINE ("B-2", "4000") "]}",
      distributor);
}

static void
assert_text (PgStation *self, const char *sql, const char *expected)
{
  g_autofree char *text = sync_replica_text (self->replica, sql);

  g_assert_cmpstr (text, ==, expected);
}

static gint64
number_of (PgStation *self, const char *sql)
{
  return sync_replica_number (self->replica, sql);
}

/* Each table of the server has the columns of its twin, of the same kind, and may be empty where that may. */
static void
test_columns (void)
{
  static const char *const kinds[][2] = { { "uuid", "BLOB" },      { "bytea", "BLOB" },
                                          { "bigint", "INTEGER" }, { "text", "TEXT" },
                                          { "date", "TEXT" },      { "double precision", "REAL" } };
  g_autoptr (PgStation) a = NULL;
  g_autoptr (CtSession) root = NULL;
  g_autoptr (CtAnswer) columns = NULL;
  g_autoptr (GError) error = NULL;

  pg_server_create (server, "columns", policy);
  a = station ("columns", "anna");
  root = pg_server_login (server, "columns", "postgres");
  columns = ct_session_query (
      root, NULL, &error,
      "SELECT t.name, c.name, c.type, a.attnotnull::int, (SELECT count(*) FROM sync.columns x WHERE x.tbl = "
      "t.id"
      "   AND x.kind <> 'scopes'), CASE c.kind WHEN 'stamp' THEN 's' WHEN 'derived' THEN 'd' WHEN 'data' "
      "THEN 'v'"
      "   WHEN 'parent' THEN 'v' WHEN 'subject' THEN 'v' END"
      " FROM sync.tables t JOIN sync.columns c ON c.tbl = t.id AND c.kind <> 'scopes'"
      " JOIN pg_attribute a ON a.attrelid = format('app.%I', t.name)::regclass AND a.attname = c.name",
      "");
  g_assert_no_error (error);
  for (int i = 0; i < ct_answer_rows (columns); i++) {
    const char *table = ct_answer_text (columns, i, 0), *column = ct_answer_text (columns, i, 1);
    const char *kind = ct_answer_text (columns, i, 5);
    gint64 required = -1, n_columns = 0;
    g_autofree char *type = ct_db_read_text (
        a->replica->db, &error, "SELECT type FROM pragma_table_info(?) WHERE name = ?", "ss", table, column);
    guint known = 0;

    g_test_message ("%s.%s", table, column);
    g_assert_no_error (error);
    for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
      known += g_str_equal (kinds[k][0], ct_answer_text (columns, i, 2)) && g_str_equal (kinds[k][1], type);
    g_assert_cmpuint (known, ==, 1);
    g_assert_true (ct_db_read_int (a->replica->db, &required, &error,
                                   "SELECT \"notnull\" FROM pragma_table_info(?) WHERE name = ?", "ss", table,
                                   column));
    g_assert_cmpint (required, ==, ct_answer_int (columns, i, 3));
    g_assert_true (ct_db_read_int (a->replica->db, &n_columns, &error,
                                   "SELECT count(*) - 1 FROM pragma_table_info(?)", "s", table));
    g_assert_cmpint (n_columns, ==, ct_answer_int (columns, i, 4));
    /* and both sides compare it alike */
    if (kind)
      g_assert_cmpint (ct_column_kind (table, column), ==, kind[0]);
  }
  g_assert_cmpint (ct_answer_rows (columns), >, 50);
}

/* Parent, child and grandchild are made offline, pushed at once, and come to the other in one pull. */
static void
test_order_travels (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL, n = NULL;
  g_autofree char *distributor = NULL, *order = NULL, *product = NULL;
  CtSyncReport report;

  pg_server_create (server, "travel", policy);
  a = station ("travel", "anna");
  b = station ("travel", "ben");
  n = station ("travel", "north");
  distributor = add_distributor (a, "south");
  order = add_order (a, distributor);
  product = add (a, "product.create", "{\"sku\":\"A-1\",\"name\":\"Anchor\",\"list_price_minor\":250}");
  assert_text (a, "SELECT number FROM orders", "ORD-~1");
  report = pg_station_sync (a);
  g_assert_cmpuint (report.pulled.settled, ==, 3);
  g_assert_cmpint (pg_station_tray (a), ==, 0);
  pg_station_sync (b);
  pg_station_assert_same (a, b);
  g_assert_cmpint (number_of (b, "SELECT count(*) FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN"
                                 " distributors d ON d.id = o.distributor_id WHERE o.number LIKE 'ORD-20__-%'"
                                 " AND o.total_minor = 1500 AND o.required_on = '2026-03-01'"),
                   ==, 2);
  edit (b, "order.edit", "{\"id\":\"%s\",\"status\":\"confirmed\",\"lines\":[" LINE ("C-3", "1000") "]}",
        order);
  edit (b, "product.archive", "{\"id\":\"%s\"}", product);
  pg_station_sync (b);
  g_assert_cmpint (pg_station_tray (b), ==, 0);
  pg_station_sync (a);
  pg_station_assert_same (a, b);
  assert_text (a, "SELECT group_concat(sku || ' ' || total_minor) FROM order_lines", "C-3 250");
  g_assert_cmpint (number_of (a, "SELECT status_since_at = updated_at AND total_minor = 250 FROM orders"), ==,
                   1);
  /* products are everybody's, orders only where the distributor is seen */
  pg_station_sync (n);
  g_assert_cmpint (number_of (n, "SELECT count(*) FROM products"), ==, 1);
  g_assert_cmpint (number_of (n, "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM order_lines)"),
                   ==, 0);
}

/* Two people change one order, both offline; the second one pushes first or pulls first. */
static void
test_concurrent_orders (void)
{
  static const struct {
    const char *a, *b;
    const char *result; /* of notes, status, required_on and lines */
    int tray;
  } cases[] = {
    { "\"notes\":\"by rail\"", "\"status\":\"confirmed\"", "by rail confirmed 2026-03-01 A-1 B-2", 0 },
    { "\"status\":\"confirmed\"", "\"status\":\"cancelled\"", " confirmed 2026-03-01 A-1 B-2", 1 },
    { "\"status\":\"confirmed\"", "\"status\":\"confirmed\"", " confirmed 2026-03-01 A-1 B-2", 0 },
    { "\"required_on\":\"2026-04-01\"", "\"required_on\":\"2026-05-01\"", " draft 2026-04-01 A-1 B-2", 1 },
    { "\"notes\":\"by rail\"", "\"lines\":[" LINE ("C-3", "1000") "]", "by rail draft 2026-03-01 C-3", 0 },
    { "\"lines\":[" LINE ("C-3", "1000") "]", "\"lines\":[" LINE ("D-4", "2000") "]", " draft 2026-03-01 C-3",
      1 },
  };
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autofree char *distributor = NULL;

  pg_server_create (server, "concurrent", policy);
  a = station ("concurrent", "anna");
  b = station ("concurrent", "ben");
  distributor = add_distributor (a, "south");
  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++) {
    guint at = i / 2;
    gint64 before = pg_station_tray (b);
    g_autofree char *order = add_order (a, distributor), *sql = NULL;

    g_test_message ("%s against %s, %s", cases[at].a, cases[at].b, i % 2 ? "pulled first" : "pushed first");
    pg_station_sync (a);
    pg_station_sync (b);
    edit (a, "order.edit", "{\"id\":\"%s\",%s}", order, cases[at].a);
    edit (b, "order.edit", "{\"id\":\"%s\",%s}", order, cases[at].b);
    pg_station_sync (a);
    if (i % 2)
      pg_station_pull (b);
    pg_station_sync (b);
    g_assert_cmpint (pg_station_tray (b) - before, ==, cases[at].tray);
    g_assert_cmpint (pg_station_tray (a), ==, 0);
    pg_station_sync (a);
    pg_station_assert_same (a, b);
    sql = g_strdup_printf (
        "SELECT notes || ' ' || status || ' ' || required_on || ' ' || (SELECT group_concat(sku, ' ') FROM"
        " (SELECT sku FROM order_lines l WHERE l.order_id = o.id ORDER BY position)) FROM orders o"
        " WHERE id = uuid('%s')",
        order);
    assert_text (a, sql, cases[at].result);
  }
}

/* A line that one person adds offline, and what another one does to its order or to the line meanwhile. */
static void
test_line_made_offline (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autofree char *distributor = NULL, *order = NULL;

  pg_server_create (server, "line", policy);
  a = station ("line", "anna");
  b = station ("line", "ben");
  distributor = add_distributor (a, "south");
  order = add (a, "order.create", "{\"distributor_id\":\"%s\",\"currency\":\"EUR\"}", distributor);
  pg_station_sync (a);
  pg_station_sync (b);
  edit (a, "order.edit", "{\"id\":\"%s\",\"lines\":[" LINE ("A-1", "2000") "]}", order);
  edit (b, "order.edit", "{\"id\":\"%s\",\"notes\":\"urgent\",\"lane_origin\":\"Riga\"}", order);
  pg_station_sync (b);
  pg_station_sync (a);
  pg_station_sync (b);
  g_assert_cmpint (pg_station_tray (a) + pg_station_tray (b), ==, 0);
  pg_station_assert_same (a, b);
  assert_text (b,
               "SELECT o.notes || ' ' || l.sku || ' ' || o.total_minor FROM orders o JOIN order_lines l ON"
               " l.order_id = o.id",
               "urgent A-1 500");
  /* edited by the other while its maker replaces it: the second one is told */
  edit (b, "order.edit", "{\"id\":\"%s\",\"lines\":[" LINE ("A-1", "3000") "]}", order);
  edit (a, "order.edit", "{\"id\":\"%s\",\"lines\":[" LINE ("A-1", "9000") "]}", order);
  pg_station_sync (b);
  pg_station_sync (a);
  g_assert_cmpint (pg_station_tray (a), ==, 1);
  pg_station_sync (b);
  pg_station_assert_same (a, b);
  assert_text (a, "SELECT group_concat(quantity_milli) FROM order_lines", "3000");
}

/* An order goes where its distributor goes, with its lines, and its revision does not move. */
static void
test_scopes_follow (void)
{
  g_autoptr (PgStation) a = NULL, n = NULL;
  g_autofree char *distributor = NULL, *order = NULL;
  static const char all[] =
      "SELECT (SELECT count(*) FROM distributors) || ' ' || (SELECT count(*) FROM orders) || ' '"
      " || (SELECT count(*) FROM order_lines)";

  pg_server_create (server, "follow", policy);
  a = station ("follow", "anna");
  n = station ("follow", "north");
  distributor = add_distributor (a, "south");
  order = add_order (a, distributor);
  pg_station_sync (a);
  pg_station_sync (n);
  assert_text (n, all, "0 0 0");
  edit (a, "distributor.edit", "{\"id\":\"%s\",\"region\":\"north\"}", distributor);
  pg_station_sync (a);
  pg_station_sync (n);
  assert_text (n, all, "1 1 2");
  assert_text (
      n, "SELECT group_concat(rev, ' ') FROM (SELECT rev FROM orders UNION ALL SELECT rev FROM order_lines)",
      "1 1 1");
  edit (n, "order.edit", "{\"id\":\"%s\",\"notes\":\"ours\"}", order);
  edit (a, "distributor.edit", "{\"id\":\"%s\",\"region\":\"south\"}", distributor);
  pg_station_sync (a);
  g_assert_cmpuint (pg_station_sync (n).pulled.gone, ==, 4);
  assert_text (n, all, "0 0 0");
  g_assert_cmpint (pg_station_tray (n), ==, 1);
  pg_station_sync (a);
  assert_text (a, "SELECT notes || rev FROM orders", "1");
}

/* All that hangs on a distributor comes with it, and goes with it. */
static void
test_family (void)
{
  static const char count[] = "SELECT (SELECT count(*) FROM contacts) || (SELECT count(*) FROM orders) || "
                              "(SELECT count(*) FROM invoices)"
                              " || (SELECT count(*) FROM shipments) || (SELECT count(*) FROM documents) || "
                              "(SELECT count(*) FROM task_notes)";
  g_autoptr (PgStation) ada = NULL, b = NULL, n = NULL;
  g_autofree char *distributor = NULL, *order = NULL, *note = NULL, *shipment = NULL;

  pg_server_create (server, "family", policy);
  ada = station ("family", "ada");
  b = station ("family", "ben");
  n = station ("family", "north");
  distributor = add_distributor (ada, "south");
  edit (ada, "contact.create", "{\"distributor_id\":\"%s\",\"name\":\"Ivo\"}", distributor);
  order = add_order (ada, distributor);
  edit (ada, "invoice.create",
        "{\"order_id\":\"%s\",\"amount_minor\":1500,\"currency\":\"EUR\",\"due_on\":\"2026-03-31\"}", order);
  shipment = add (ada, "shipment.create", "{\"order_id\":\"%s\",\"eta_at\":\"2026-03-01T08:00:00Z\"}", order);
  edit (ada, "document.create", "{\"distributor_id\":\"%s\",\"kind\":\"contract\"}", distributor);
  edit (ada, "document.create", "{\"distributor_id\":\"%s\",\"order_id\":\"%s\",\"kind\":\"import licence\"}",
        distributor, order);
  note = add (ada, "note.add", "{\"subject_type\":\"shipment\",\"subject\":\"%s\",\"text\":\"Called them\"}",
              shipment);
  pg_station_sync (ada);
  g_assert_cmpint (pg_station_tray (ada), ==, 0);
  pg_station_sync (b);
  pg_station_assert_same (ada, b);
  assert_text (b, count, "111121");
  /* who wrote it is the server's to say */
  assert_text (ada, "SELECT author FROM task_notes", "ada");
  pg_station_sync (n);
  assert_text (n, count, "000000");
  edit (ada, "distributor.edit", "{\"id\":\"%s\",\"region\":\"north\"}", distributor);
  pg_station_sync (ada);
  pg_station_sync (n);
  pg_station_assert_same (ada, n);
  edit (ada, "distributor.edit", "{\"id\":\"%s\",\"region\":\"south\"}", distributor);
  pg_station_sync (ada);
  pg_station_sync (n);
  assert_text (n, count, "000000");
}

/* A document of two parents is seen by who sees both. */
static void
test_two_parents (void)
{
  g_autoptr (PgStation) ada = NULL, n = NULL;
  g_autofree char *south = NULL, *north = NULL, *order = NULL;

  pg_server_create (server, "parents2", policy);
  ada = station ("parents2", "ada");
  n = station ("parents2", "north");
  south = add_distributor (ada, "south");
  north = add_distributor (ada, "north");
  order = add_order (ada, south);
  edit (ada, "document.create", "{\"distributor_id\":\"%s\",\"order_id\":\"%s\",\"kind\":\"contract\"}",
        north, order);
  pg_station_sync (ada);
  pg_station_sync (n);
  g_assert_cmpint (number_of (n, "SELECT count(*) FROM documents"), ==, 0);
  edit (ada, "order.edit", "{\"id\":\"%s\",\"distributor_id\":\"%s\"}", order, north);
  pg_station_sync (ada);
  pg_station_sync (n);
  g_assert_cmpint (number_of (n, "SELECT count(*) FROM documents"), ==, 1);
  g_assert_cmpint (number_of (n, "SELECT count(*) FROM order_lines"), ==, 2);
}

/* An instant that a carrier states is a value like others: the second one does not win in silence. */
static void
test_stated_instants (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autofree char *distributor = NULL, *order = NULL;

  pg_server_create (server, "instants", policy);
  a = station ("instants", "ada");
  b = station ("instants", "ada");
  distributor = add_distributor (a, "south");
  order = add_order (a, distributor);
  for (int i = 0; i < 2; i++) {
    g_autofree char *shipment =
        add (a, "shipment.create", "{\"order_id\":\"%s\",\"eta_at\":\"2026-03-01T08:00:00Z\"}", order);

    pg_station_sync (a);
    pg_station_sync (b);
    edit (a, "shipment.edit", "{\"id\":\"%s\",\"eta_at\":\"2026-03-02T08:00:00Z\"}", shipment);
    edit (b, "shipment.edit", "{\"id\":\"%s\",\"eta_at\":\"2026-03-03T08:00:00Z\"}", shipment);
    pg_station_sync (a);
    if (i)
      pg_station_pull (b);
    pg_station_sync (b);
    g_assert_cmpint (pg_station_tray (b), ==, i + 1);
    pg_station_assert_same (a, b);
  }
}

/* The configuration is everybody's, and only an administrator's to change. */
static void
test_configuration (void)
{
  static const char by_hand[] = "{\"table\":\"calendars\",\"documents\":[{\"name\":\"own\",\"title\":\"%s\","
                                "\"zone\":\"UTC\",\"always\":true}]}";
  g_autoptr (PgStation) ada = NULL, eve = NULL, n = NULL;

  pg_server_create (server, "config", policy);
  ada = station ("config", "ada");
  eve = station ("config", "ada");
  n = station ("config", "north");
  pg_station_configure (ada);
  pg_station_sync (ada);
  g_assert_cmpint (pg_station_tray (ada), ==, 0);
  pg_station_sync (n);
  pg_station_assert_same (ada, n);
  g_assert_cmpint (
      number_of (n, "SELECT (SELECT count(*) FROM rules) > 15 AND (SELECT count(*) FROM agent_profiles) > 4"
                    " AND (SELECT count(*) FROM channel_destinations) = 1"),
      ==, 1);
  edit (ada, "config.put", by_hand, "first");
  pg_station_sync (ada);
  pg_station_sync (eve);
  edit (ada, "config.put", by_hand, "hers");
  edit (eve, "config.put", by_hand, "theirs");
  pg_station_sync (ada);
  pg_station_sync (eve);
  g_assert_cmpint (pg_station_tray (eve), ==, 1);
  pg_station_assert_same (ada, eve);
  pg_station_sync (n);
  edit (n, "config.archive", "{\"table\":\"calendars\",\"name\":\"own\"}");
  edit (n, "delivery.stop", "{}");
  edit (n, "delivery.resume", "{}");
  pg_station_sync (n);
  assert_text (n, "SELECT group_concat(json_extract(theirs, '$.code')) FROM attention", "refused,refused");
  assert_text (n, "SELECT value FROM settings WHERE key = 'delivery.stopped'", "true");
}

/* What the workspace believes a person may do is not what counts. */
static void
test_role_refused (void)
{
  g_autoptr (PgStation) ada = NULL, a = NULL;
  g_autofree char *distributor = NULL, *order = NULL;

  pg_server_create (server, "refused", policy);
  ada = station ("refused", "ada");
  a = station ("refused", "anna");
  distributor = add_distributor (a, "south");
  order = add_order (a, distributor);
  edit (a, "invoice.create", "{\"order_id\":\"%s\",\"amount_minor\":1500,\"currency\":\"EUR\"}", order);
  pg_station_sync (a);
  assert_text (a, "SELECT json_extract(theirs, '$.code') FROM attention", "refused");
  g_assert_cmpint (number_of (a, "SELECT count(*) FROM invoices"), ==, 0);
  pg_station_sync (ada);
  pg_station_assert_same (ada, a);
}

/* What a client may say of parents: one that it does not see, one that is not there, one that comes later. */
static void
test_parents (void)
{
  static const struct {
    const char *login, *distributor, *code;
  } cases[] = { { "north", "south", "refused" },
                { "north", "none", "refused" }, /* not told apart */
                { "north", "north", NULL },
                { "anna", "none", "refused" },
                { "anna", "south", NULL } };
  g_autoptr (PgStation) a = NULL;
  g_autofree char *south = NULL, *north = NULL;

  pg_server_create (server, "parents", policy);
  a = station ("parents", "anna");
  south = add_distributor (a, "south");
  north = add_distributor (a, "north");
  pg_station_sync (a);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (PgDevice) device = pg_device_new (server, "parents", cases[i].login);
    CtId order = ct_id_new (ct_time_now ()), line = ct_id_new (ct_time_now ());
    g_autofree char *o = ct_id_to_string (&order), *l = ct_id_to_string (&line), *changes = NULL;
    const char *parent = g_str_equal (cases[i].distributor, "south")   ? south
                         : g_str_equal (cases[i].distributor, "north") ? north
                                                                       : l;
    g_autoptr (CtVerdict) verdict = NULL;

    /* the line comes before its order */
    changes = g_strdup_printf ("[{\"table\":\"order_lines\",\"id\":\"%s\",\"op\":\"insert\",\"columns\":{"
                               "\"order_id\":[null,\"%s\"],\"position\":"
                               "[null,1],\"sku\":[null,\"A\"],\"quantity_milli\":[null,1000],\"unit_price_"
                               "minor\":[null,1],\"total_minor\":[null,"
                               "1]}},{\"table\":\"orders\",\"id\":\"%s\",\"op\":\"insert\",\"columns\":{"
                               "\"distributor_id\":[null,\"%s\"],"
                               "\"currency\":[null,\"EUR\"],\"total_minor\":[null,1],\"required_on\":[null,"
                               "\"2026-02-28\"]}}]",
                               l, o, o, parent);
    verdict = pg_device_push_ok (device, "order.create", changes);
    g_test_message ("%s %s: %s", cases[i].login, cases[i].distributor, verdict->reason);
    g_assert_cmpstr (verdict->code, ==, cases[i].code);
  }
  g_assert_cmpint (pg_number (a->session, "SELECT count(*) FROM api.order_lines"), ==, 2);
}

/* Dates are dates. */
static void
test_dates (void)
{
  static const char *const wrong[] = { "2026-02-29", "tomorrow", "infinity", "28.02.2026", "", "2026-2-3" };
  g_autoptr (PgStation) a = NULL;
  g_autoptr (PgDevice) device = NULL;
  g_autofree char *distributor = NULL, *order = NULL;

  pg_server_create (server, "dates", policy);
  a = station ("dates", "anna");
  distributor = add_distributor (a, "south");
  order = add_order (a, distributor);
  pg_station_sync (a);
  device = pg_device_new (server, "dates", "anna");
  for (guint i = 0; i <= G_N_ELEMENTS (wrong); i++) {
    gboolean right = i == G_N_ELEMENTS (wrong);
    g_autofree char *changes = g_strdup_printf (
        "[{\"table\":\"orders\",\"id\":\"%s\",\"op\":\"update\",\"columns\":{\"ordered_on\":[null,\"%s\"]}}]",
        order, right ? "2026-02-28" : wrong[i]);
    g_autoptr (CtVerdict) verdict = pg_device_push_ok (device, "order.edit", changes);

    g_assert_cmpstr (verdict->code, ==, right ? NULL : "invalid");
  }
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  server = pg_server_start ();
  g_test_add_func ("/pg/records/columns", test_columns);
  g_test_add_func ("/pg/records/order-travels", test_order_travels);
  g_test_add_func ("/pg/records/concurrent-orders", test_concurrent_orders);
  g_test_add_func ("/pg/records/line-made-offline", test_line_made_offline);
  g_test_add_func ("/pg/records/scopes-follow", test_scopes_follow);
  g_test_add_func ("/pg/records/family", test_family);
  g_test_add_func ("/pg/records/two-parents", test_two_parents);
  g_test_add_func ("/pg/records/stated-instants", test_stated_instants);
  g_test_add_func ("/pg/records/configuration", test_configuration);
  g_test_add_func ("/pg/records/role-refused", test_role_refused);
  g_test_add_func ("/pg/records/parents", test_parents);
  g_test_add_func ("/pg/records/dates", test_dates);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
