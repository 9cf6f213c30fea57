/* The first load from a real server: whole, interrupted in every way, resumed while others work. */
#include "pg-station.h"
#include "ct-config.h"
#include "ct-first-load.h"
#include "ct-keep.h"
#include "ct-self-check.h"

#include <signal.h>
#include <string.h>

#define ORDERS 6000
#define ROWS   (ORDERS / 20 + ORDERS + 3 * ORDERS + ORDERS * 19 / 20)

static PgServer *server;
static char *policy; /* schema/policy.json */

static char *
schema_of (PgStation *self)
{
  return sync_replica_text (
      self->replica,
      "SELECT group_concat(x.sql, ';') FROM (SELECT coalesce(sql, name) AS sql FROM sqlite_schema"
      " WHERE name NOT LIKE 'distributors_fts_%' ORDER BY type, name) x");
}

static void
assert_loaded (PgStation *self)
{
  g_autoptr (PgStation) fresh = pg_station_new (server, "load", "anna");
  g_autofree char *before = schema_of (fresh), *after = NULL;

  pg_station_sync (fresh);
  pg_station_assert_same (fresh, self);
  after = schema_of (self);
  g_assert_cmpstr (before, ==, after);
  g_assert_cmpint (sync_replica_number (self->replica, "SELECT count(*) FROM sync_load"), ==, 0);
  g_assert_cmpint (sync_replica_number (self->replica, "SELECT count(*) FROM pragma_foreign_key_check"), ==,
                   0);
  g_assert_cmpint (
      sync_replica_number (
          self->replica, "SELECT count(*) FROM distributors_fts WHERE distributors_fts MATCH 'Distributor'"),
      ==, sync_replica_number (self->replica, "SELECT count(*) FROM distributors"));
}

/* What interrupts a load, and after how many pieces. */
typedef struct {
  const char *how; /* "line", "kill", "cancel", "at distributors": cancelled there */
  int pieces;
  PgStation *station;
  GCancellable *cancellable;
  gint64 done;
} Stop;

static void
told_cb (const char *table, gint64 done, gint64 expected, gpointer data)
{
  Stop *self = data;

  g_assert_cmpint (done, >=, self->done);
  g_assert_cmpint (done, <=, expected);
  self->done = done;
  if ((g_str_equal (self->how, "at distributors") && !g_str_equal (table, "distributors")) ||
      --self->pieces > 0)
    return;
  if (g_str_equal (self->how, "kill"))
    raise (SIGKILL);
  if (self->cancellable && !g_str_equal (self->how, "line"))
    g_cancellable_cancel (self->cancellable);
  if (g_str_equal (self->how, "line")) {
    g_autoptr (CtSession) root = pg_server_login (server, "load", "postgres");

    pg_number (root,
               "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'anna' AND "
               "datname = 'load'");
  }
}

static void
restart_session (PgStation *self)
{
  g_clear_pointer (&self->session, ct_session_close);
  self->session = pg_server_login (server, "load", "anna");
}

static void
begin_and_stop (PgStation *self, const char *how, int pieces)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Stop stop = { how, pieces, self, cancellable, 0 };
  g_autoptr (GError) error = NULL;
  gint64 rows;

  if (g_str_equal (how, "kill")) {
    g_autofree char *pieces_text = g_strdup_printf ("%d", pieces);
    g_autofree char *path = g_build_filename (self->replica->folder, "replica.db", NULL);
    g_autofree char *address = pg_server_address (server, "load", "anna");
    const char *argv[] = { "/proc/self/exe", "--load", path, address, pieces_text, NULL };
    int status;

    g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error);
    g_assert_no_error (error);
    g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
    return;
  }
  g_assert_false (
      ct_first_load (self->replica->db, self->session, told_cb, &stop, &rows, cancellable, &error));
  g_assert_nonnull (error);
  g_test_message ("%s after %d rows: %s", how, (int) rows, error->message);
  g_assert_cmpint (rows, >, 0);
  g_assert_cmpint (rows, <=, stop.done);
}

/* --load REPLICA ADDRESS PIECES: loads and is killed after so many pieces. */
static int
load_and_die (char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtDb) db = ct_db_open (argv[2], CT_DB_READ_WRITE, &error);
  g_autoptr (CtSession) session = ct_session_open (argv[3], NULL, &error);
  Stop stop = { "kill", atoi (argv[4]), NULL, NULL, 0 };
  gint64 rows;

  ct_first_load (db, session, told_cb, &stop, &rows, NULL, &error);
  return 1;
}

static void
test_whole (void)
{
  g_autoptr (PgStation) station = pg_station_new (server, "load", "anna");
  Stop stop = { "", 0, NULL, NULL, 0 };
  g_autoptr (GError) error = NULL;
  gint64 rows;

  /* what the workspace was made with gives way */
  ct_db_exec (
      station->replica->db,
      "INSERT INTO calendars(id, n, created_at, updated_at, name, body) VALUES(randomblob(16), 1, 0, 0, "
      "'shipped', '{}')",
      &error);
  g_assert_no_error (error);
  g_assert_true (ct_first_load (station->replica->db, station->session, told_cb, &stop, &rows, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (rows, >=, ROWS); /* and who is there */
  g_assert_cmpint (stop.done, ==, rows);
  g_assert_cmpuint (pg_station_sync (station).pulled.rows, ==, 0);
  assert_loaded (station);
  g_assert_cmpint (sync_replica_number (station->replica, "SELECT count(*) FROM calendars"), ==, 0);
  /* there is nothing more to load */
  g_assert_true (ct_first_load (station->replica->db, station->session, NULL, NULL, &rows, NULL, &error));
  g_assert_cmpint (rows, ==, 0);
}

/* Others edit, add and remove on both sides of the place where it stopped, and move a value that is unique. */
static void
change_meanwhile (void)
{
  static const char changes[] =
      "UPDATE app.distributors SET city = city || '!' WHERE number IN (SELECT number FROM app.distributors "
      "ORDER BY "
      "random() LIMIT 20);"
      "DELETE FROM app.invoices WHERE id IN (SELECT id FROM app.invoices ORDER BY random() LIMIT 20);"
      "UPDATE app.orders SET total_minor = total_minor + 1 WHERE id IN (SELECT id FROM app.orders ORDER BY "
      "random() "
      "LIMIT 20);"
      "INSERT INTO app.distributors (id, legal_name, currency) VALUES (gen_random_uuid(), 'Distributor new', "
      "'EUR'),"
      " (('00000000-0000-7000-8000-' || right(gen_random_uuid()::text, 12))::uuid, 'Distributor low', "
      "'EUR');";
  g_autoptr (CtSession) root = pg_server_login (server, "load", "postgres");
  g_autoptr (GError) error = NULL;

  ct_session_script (root, changes, NULL, &error);
  g_assert_no_error (error);
}

static void
test_interrupted (void)
{
  static const char *const ways[] = { "line", "cancel", "kill" };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autoptr (PgStation) station = pg_station_new (server, "load", "anna");
    gint64 done = 0, expected = 0, before;
    g_autoptr (GError) error = NULL;

    for (int again = 0; again < 2; again++) {
      before = done;
      begin_and_stop (station, ways[i], 2);
      restart_session (station);
      g_assert_true (ct_first_load_progress (station->replica->db, &done, &expected, NULL));
      g_assert_cmpint (done, >, before);
      g_assert_cmpint (expected, >=, ROWS - 100);
      /* a command would be about half of the rows */
      g_assert_false (sync_replica_try (station->replica, "distributor.create",
                                        "{\"legal_name\":\"Early\",\"currency\":\"EUR\"}", NULL, &error));
      g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
      g_clear_error (&error);
      change_meanwhile ();
    }
    g_assert_cmpuint (pg_station_sync (station).pulled.rows, <, ROWS - done + 500);
    assert_loaded (station);
    sync_replica_run (station->replica, "distributor.create",
                      "{\"legal_name\":\"Distributor late\",\"currency\":\"EUR\"}");
    g_assert_cmpuint (pg_station_sync (station).pulled.settled, ==, 1);
  }
}

/* A value that is unique moved from a row that has not come to one that has: the pieces do not go together. */
static void
test_contradiction (void)
{
  g_autoptr (PgStation) station = pg_station_new (server, "load", "anna");
  g_autoptr (CtSession) root = pg_server_login (server, "load", "postgres");
  g_autoptr (GError) error = NULL;
  CtSyncReport report = { 0 };

  begin_and_stop (station, "at distributors", 1);
  restart_session (station);
  ct_session_script (
      root,
      "BEGIN; UPDATE app.distributors SET number = 'x' WHERE number = 'DIST-2020-0000001';"
      "UPDATE app.distributors SET number = 'DIST-2020-0000001' WHERE number = 'DIST-2020-0000300';"
      "UPDATE app.distributors SET number = 'DIST-2020-0000300' WHERE number = 'x'; COMMIT",
      NULL, &error);
  g_assert_no_error (error);
  if (!ct_sync_pull (station->replica->db, station->replica->commander, station->session,
                     station->replica->now, NULL, &report, &error)) {
    g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
    g_assert_cmpint (sync_replica_number (station->replica, "SELECT count(*) FROM sync_load"), ==, 0);
    restart_session (station);
  } else {
    g_assert_not_reached ();
  }
  pg_station_sync (station);
  assert_loaded (station);
}

/* The server was restored, or the login's scopes are others: what has come belongs to nothing. */
static void
test_other_scopes (void)
{
  g_autoptr (PgStation) station = pg_station_new (server, "load", "anna");
  g_autoptr (CtSession) root = pg_server_login (server, "load", "postgres");
  g_autoptr (GError) error = NULL;

  begin_and_stop (station, "cancel", 2);
  restart_session (station);
  ct_session_script (root, "DELETE FROM sync.grants WHERE grantee = 'anna'", NULL, &error);
  g_assert_no_error (error);
  pg_station_sync (station);
  g_assert_cmpint (sync_replica_number (station->replica, "SELECT count(*) FROM orders"), ==, 0);
  ct_session_script (root, "INSERT INTO sync.grants VALUES ('anna', (sync.scope_ids(ARRAY['all']))[1])", NULL,
                     &error);
  g_assert_no_error (error);
}

/* What came to be while the load was interrupted came with it, and goes with the scope. */
static void
test_lost_scope (void)
{
  static const char late[] = "SELECT count(*) FROM distributors WHERE legal_name = 'Late'";
  g_autoptr (PgStation) station = pg_station_new (server, "load", "anna");
  g_autoptr (CtSession) root = pg_server_login (server, "load", "postgres");
  g_autoptr (GError) error = NULL;
  gint64 rows;

  ct_session_script (root,
                     "DELETE FROM sync.grants WHERE grantee = 'anna'; INSERT INTO sync.grants "
                     "SELECT 'anna', unnest(sync.scope_ids(ARRAY['region:', 'region:far']))",
                     NULL, &error);
  g_assert_no_error (error);
  begin_and_stop (station, "at distributors", 1);
  restart_session (station);
  ct_session_script (root,
                     "INSERT INTO app.distributors (id, legal_name, currency, region) VALUES "
                     "('ffffffff-ffff-7fff-bfff-ffffffffffff', 'Late', 'EUR', 'far')",
                     NULL, &error);
  g_assert_no_error (error);
  ct_first_load (station->replica->db, station->session, NULL, NULL, &rows, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (sync_replica_number (station->replica, late), ==, 1);
  ct_session_script (root,
                     "DELETE FROM sync.grants g USING sync.scopes s WHERE g.scope = s.id AND s.name = "
                     "'region:far' AND g.grantee = 'anna'",
                     NULL, &error);
  g_assert_no_error (error);
  pg_station_sync (station);
  g_assert_cmpint (sync_replica_number (station->replica, late), ==, 0);
  ct_session_script (root,
                     "DELETE FROM sync.grants WHERE grantee = 'anna'; INSERT INTO sync.grants VALUES "
                     "('anna', (sync.scope_ids(ARRAY['all']))[1]);"
                     "DELETE FROM app.distributors WHERE legal_name = 'Late'",
                     NULL, &error);
  g_assert_no_error (error);
}

/* Who leaves the server in the middle of it has a replica in order. */
static void
test_left (void)
{
  g_autoptr (PgStation) station = pg_station_new (server, "load", "anna");
  g_autofree char *before = schema_of (station), *during = NULL, *after = NULL;
  g_autoptr (GError) error = NULL;

  begin_and_stop (station, "cancel", 2);
  during = schema_of (station);
  g_assert_cmpstr (before, !=, during);
  g_assert_true (ct_db_begin (station->replica->db, &error) &&
                 ct_backlog_end (station->replica->db, &error) &&
                 ct_db_commit (station->replica->db, &error));
  after = schema_of (station);
  g_assert_cmpstr (before, ==, after);
}

static CtSelfCheckReport
self_check (PgStation *self)
{
  g_autoptr (GError) error = NULL;
  CtSelfCheckReport report;

  ct_self_check (self->replica->db, self->replica->commander, self->session, self->replica->now, NULL,
                 &report, &error);
  g_assert_no_error (error);
  return report;
}

/* Past the program: with a shell of one's own, or by a disk that forgets. */
static void
behind_its_back (PgStation *self, const char *sql)
{
  g_autoptr (GError) error = NULL;

  ct_db_exec (self->replica->db, "PRAGMA foreign_keys = OFF", &error);
  ct_db_exec (self->replica->db, sql, &error);
  g_assert_no_error (error);
  ct_db_exec (self->replica->db, "PRAGMA foreign_keys = ON", &error);
}

/* Whatever is done to the replica behind the program's back is found and mended, and nothing that is pending is lost. */
static void
test_self_check (void)
{
  static const struct {
    const char *sql;
    guint different;
  } breaks[] = {
    { "SELECT 1", 0 },
    { "DELETE FROM invoices WHERE id = (SELECT min(id) FROM invoices)", 1 },
    { "UPDATE orders SET rev = rev + 7 WHERE number IN ('ORD-2020-0000001', 'ORD-2020-0003000')", 2 },
    { "UPDATE orders SET rev = rev + 1 WHERE number = 'ORD-2020-0000005'; DELETE FROM orders WHERE number = "
      "'ORD-2020-0000006'; DELETE FROM order_lines WHERE order_id IN (SELECT id FROM orders WHERE number = "
      "'ORD-2020-0000007')",
      5 },
    { "INSERT INTO products(id, n, created_at, updated_at, sku, name) VALUES(randomblob(16), 900000001, 0, "
      "0, 'x', "
      "'foreign')",
      1 },
    { "INSERT INTO distributors SELECT randomblob(16), 900000002, rev, created_at, updated_at, 'other', "
      "legal_name, "
      "country, region, city, street, postal_code, value_band, onboarding_state, onboarding_since_at, "
      "credit_limit_minor, currency, language, channel_preferences, 'elsewhere', external_ref, notes, "
      "archived_at "
      "FROM distributors LIMIT 1",
      1 },
    { "DELETE FROM order_lines WHERE n % 2", 8999 },
  };
  g_autoptr (PgStation) station = pg_station_new (server, "load", "anna"), other = NULL;
  CtId edited;

  pg_station_sync (station);
  g_assert_true (ct_db_read_id (station->replica->db, &edited, NULL,
                                "SELECT id FROM distributors WHERE number = 'DIST-2020-0000007'", ""));
  other = pg_station_new (server, "load", "ben");
  pg_station_sync (other);
  for (guint i = 0; i < G_N_ELEMENTS (breaks); i++) {
    g_autofree char *text = ct_id_to_string (&edited);
    g_autofree char *city = g_strdup_printf ("Riga %u", i);
    CtSelfCheckReport report;

    /* pending here, and newer at the server: neither is a difference */
    sync_replica_run (station->replica, "distributor.create",
                      "{\"legal_name\":\"Distributor pending %u\",\"currency\":\"EUR\"}", i);
    sync_replica_run (station->replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"%s\"}", text, city);
    sync_replica_run (other->replica, "distributor.create",
                      "{\"legal_name\":\"Distributor other %u\",\"currency\":\"EUR\"}", i);
    pg_station_sync (other);
    behind_its_back (station, breaks[i].sql);
    report = self_check (station);
    g_test_message ("%" G_GINT64_FORMAT " rows of %u tables compared, %u differ", report.rows, report.tables,
                    report.different);
    g_assert_cmpuint (report.mended, ==, report.different);
    if (i + 1 < G_N_ELEMENTS (breaks))
      g_assert_cmpuint (report.different, ==, breaks[i].different);
    else
      g_assert_cmpuint (report.different, >, 8000);
    g_assert_cmpuint (self_check (station).different, ==, 0);
    g_assert_cmpint (sync_replica_number (station->replica,
                                          "SELECT count(*) FROM intents WHERE seq > (SELECT "
                                          "acknowledged FROM sync_state)"),
                     ==, 2);
    g_assert_cmpuint (pg_station_sync (station).pulled.settled, ==, 2);
    g_assert_cmpint (pg_station_tray (station), ==, 0);
    pg_station_sync (other);
    pg_station_assert_same (station, other);
    g_assert_cmpint (sync_replica_number (station->replica, "SELECT count(*) FROM pragma_foreign_key_check"),
                     ==, 0);
  }
}

/* After 30 days what settled commands said and changed goes; what is pending or waits for a decision stays, and the
 * chain of intents. */
static void
test_kept (void)
{
  g_autoptr (PgStation) station = pg_station_new (server, "load", "anna");
  SyncReplica *replica = station->replica;
  g_autoptr (GError) error = NULL;
  gint64 settled, now;
  gboolean more = TRUE;

  pg_station_sync (station);
  for (int i = 0; i < 250; i++) /* more than one step */
    sync_replica_run (replica, "distributor.create", "{\"legal_name\":\"Kept %d\",\"currency\":\"EUR\"}", i);
  pg_station_sync (station);
  settled = sync_replica_number (replica, "SELECT max(seq) FROM intents");
  now = sync_replica_number (replica, "SELECT max(settled_at) FROM sync_outcomes");
  sync_replica_run (replica, "distributor.create", "{\"legal_name\":\"Pending\",\"currency\":\"EUR\"}");
  ct_db_run (replica->db, &error, "INSERT INTO attention(seq, reason, since) VALUES(?, 'x', 0)", "i",
             settled);
  g_assert_no_error (error);

  g_assert_true (ct_keep_tidy (replica->db, now + 30 * CT_MS_DAY, &more, &error) && !more);
  g_assert_cmpint (sync_replica_number (replica, "SELECT count(DISTINCT seq) FROM changesets WHERE seq > 1"),
                   ==, 251);
  for (more = TRUE; more;)
    g_assert_true (ct_keep_tidy (replica->db, now + 30 * CT_MS_DAY + 1, &more, &error));
  g_assert_cmpint (sync_replica_number (replica, "SELECT count(DISTINCT seq) FROM changesets WHERE seq > 1"),
                   ==, 2);
  g_assert_cmpint (
      sync_replica_number (replica, "SELECT count(*) FROM intents WHERE seq > 1 AND args IS NOT NULL"), ==,
      2);
  g_assert_cmpint (sync_replica_number (replica,
                                        "SELECT count(*) FROM intents a JOIN intents b ON b.seq = a.seq + 1 "
                                        "AND b.previous_sha256 = a.sha256"),
                   ==, settled);
  ct_db_run (replica->db, &error, "DELETE FROM attention", "");
  g_assert_no_error (error);
  g_assert_cmpuint (pg_station_sync (station).pulled.settled, ==, 1);
  g_assert_cmpuint (self_check (station).different, ==, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  if (argc == 5 && strcmp (argv[1], "--load") == 0)
    return load_and_die (argv);
  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  server = pg_server_start ();
  pg_server_create (server, "load", policy);
  pg_server_fill (server, "load", ORDERS, 30000);
  g_test_add_func ("/load/whole", test_whole);
  g_test_add_func ("/load/interrupted", test_interrupted);
  g_test_add_func ("/load/contradiction", test_contradiction);
  g_test_add_func ("/load/other-scopes", test_other_scopes);
  g_test_add_func ("/load/lost-scope", test_lost_scope);
  g_test_add_func ("/load/left", test_left);
  g_test_add_func ("/load/self-check", test_self_check);
  g_test_add_func ("/load/kept", test_kept);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
