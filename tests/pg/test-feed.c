/* The feed loses nothing, whatever order transactions commit in, and tells nobody of rows that are not theirs. */
#include "pg-device.h"

#include <string.h>

#define DB           "feed"
#define WRITERS      6
#define TRANSACTIONS 120

static PgServer *server;

/* A reader: a copy of what its login sees, kept by pulls alone. */
typedef struct {
  CtSession *session; /* (owned) */
  CtCursor cursor;
  char *scopes;     /* (owned) (nullable) */
  GHashTable *rows; /* (owned) (element-type utf8 utf8): id, row as JSON */
  guint pulls, whole;
} Reader;

static void
reader_init (Reader *self, const char *login)
{
  memset (self, 0, sizeof *self);
  self->session = pg_server_login (server, DB, login);
  self->rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
reader_clear (Reader *self)
{
  ct_session_close (self->session);
  g_hash_table_unref (self->rows);
  g_free (self->scopes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reader, reader_clear)

/* Number of rows that came, gone ones included. */
static guint
reader_pull (Reader *self)
{
  static const char *const tables[] = { "not the server's", "distributors", NULL };
  CtId nobody = { { 0 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (CtPulled) pulled =
      ct_pull (self->session, tables, &self->cursor, self->scopes, &nobody, 0, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (pulled->tables), ==, 1);
  g_assert_cmpint (pulled->standing, ==, -1);
  if (pulled->whole)
    g_hash_table_remove_all (self->rows);
  for (guint i = 0; i < pulled->rows->len; i++) {
    CtPulledRow *row = pulled->rows->pdata[i];
    char *id = ct_id_to_string (&row->id);

    if (row->values) {
      g_hash_table_replace (self->rows, id, ct_json_canonical_object (row->values, NULL));
    } else {
      g_hash_table_remove (self->rows, id);
      g_free (id);
    }
  }
  self->cursor = pulled->cursor;
  g_free (self->scopes);
  self->scopes = g_steal_pointer (&pulled->scopes);
  self->pulls++;
  self->whole += pulled->whole;
  return pulled->rows->len;
}

/* Pulls, and that many rows must come. */
static void
reader_brings (Reader *self, guint expected)
{
  guint rows = reader_pull (self);

  g_assert_cmpuint (rows, ==, expected);
}

/* What the reader has is exactly what its login sees. */
static void
reader_check (Reader *self, const char *login)
{
  g_auto (Reader) fresh = { 0 };
  GHashTableIter iter;
  gpointer id, row;

  fresh.rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  fresh.session = pg_server_login (server, DB, login);
  reader_pull (&fresh);
  g_assert_cmpuint (g_hash_table_size (self->rows), ==, g_hash_table_size (fresh.rows));
  g_hash_table_iter_init (&iter, fresh.rows);
  while (g_hash_table_iter_next (&iter, &id, &row))
    g_assert_cmpstr (g_hash_table_lookup (self->rows, id), ==, row);
}

static int writing; /* (atomic): writers that are not done */

/* Inserts, edits, moves between regions, deletes; some transactions roll back, some take long. */
static gpointer
write_rows (gpointer data)
{
  guint seed = GPOINTER_TO_UINT (data);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (CtSession) session = pg_server_login (server, DB, "postgres");
  static const char *const regions[] = { "north", "south", "east" };

  for (guint i = 0; i < TRANSACTIONS; i++) {
    g_autoptr (GString) script = g_string_new ("BEGIN;");

    for (int n = g_rand_int_range (rand, 1, 4); n > 0; n--) {
      const char *region = regions[g_rand_int_range (rand, 0, 3)];
      /* each writer has rows of its own and some that it shares with its neighbour */
      guint row = (seed + (guint) g_rand_int_range (rand, 0, 2)) % WRITERS * 20 +
                  (guint) g_rand_int_range (rand, 0, 20);
      g_autofree char *id = g_strdup_printf ("00000000-0000-7000-8000-%012u", row);

      if (g_rand_int_range (rand, 0, 5) == 0)
        g_string_append_printf (script, "DELETE FROM app.distributors WHERE id = '%s';", id);
      else
        g_string_append_printf (
            script,
            "INSERT INTO app.distributors (id, legal_name, currency, region) VALUES ('%s', '%u', 'EUR', '%s')"
            " ON CONFLICT (id) DO UPDATE SET region = excluded.region, legal_name = excluded.legal_name;",
            id, g_rand_int (rand), region);
      if (g_rand_int_range (rand, 0, 8) == 0)
        g_string_append (script, "SELECT pg_sleep(0.01);");
    }
    g_string_append (script, g_rand_int_range (rand, 0, 12) == 0 ? "ROLLBACK" : "COMMIT");
    if (!ct_session_script (session, script->str, NULL, NULL))
      ct_session_script (session, "ROLLBACK", NULL, NULL); /* a deadlock: as good as a rollback */
  }
  g_atomic_int_dec_and_test (&writing);
  return NULL;
}

static gpointer
poll_rows (gpointer data)
{
  Reader *reader = data;

  while (g_atomic_int_get (&writing) > 0)
    reader_pull (reader);
  return NULL;
}

static void
test_nothing_lost (void)
{
  g_auto (Reader) everything = { 0 }, north = { 0 };
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  GThread *writers[WRITERS], *readers[2];

  reader_init (&everything, "anna");
  reader_init (&north, "north");
  g_atomic_int_set (&writing, WRITERS);
  for (guint i = 0; i < WRITERS; i++)
    writers[i] = g_thread_new ("writer", write_rows, GUINT_TO_POINTER (i));
  readers[0] = g_thread_new ("reader", poll_rows, &everything);
  readers[1] = g_thread_new ("reader", poll_rows, &north);
  for (guint i = 0; i < WRITERS; i++)
    g_thread_join (writers[i]);
  g_thread_join (readers[0]);
  g_thread_join (readers[1]);
  reader_pull (&everything);
  reader_pull (&north);
  g_test_message ("%u and %u pulls over %d transactions", everything.pulls, north.pulls,
                  (int) pg_number (root, "SELECT count(*) FROM sync.txn"));
  /* both were pulling while rows were written, and never had to begin anew */
  g_assert_cmpuint (everything.pulls, >, 5);
  g_assert_cmpuint (everything.whole, ==, 1);
  g_assert_cmpuint (north.whole, ==, 1);
  g_assert_cmpuint (g_hash_table_size (everything.rows), >, g_hash_table_size (north.rows));
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM sync.txn WHERE number IS NULL"), ==, 0);
  reader_check (&everything, "anna");
  reader_check (&north, "north");
}

/* A pull that brings nothing moves the cursor all the same; the next one is as cheap. */
static void
test_cursor_moves (void)
{
  g_auto (Reader) north = { 0 };
  g_autoptr (PgDevice) anna = pg_device_new (server, DB, "anna");
  CtCursor before;

  reader_init (&north, "north");
  reader_pull (&north);
  before = north.cursor;
  pg_device_add (anna, "Not theirs", "south");
  reader_brings (&north, 0);
  g_assert_cmpint (north.cursor.number, >, before.number);
  g_assert_false (ct_id_equal (&north.cursor.nonce, &before.nonce));
  g_assert_cmpuint (north.whole, ==, 1);
}

/* Deleted and made again under the same key between two pulls. */
static void
test_delete_and_insert (void)
{
  g_auto (Reader) reader = { 0 };
  g_autoptr (PgDevice) anna = pg_device_new (server, DB, "anna");
  CtId id = pg_device_add (anna, "First", "south");
  g_autofree char *text = ct_id_to_string (&id);
  g_autofree char *drop = g_strdup_printf ("[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"delete\","
                                           "\"columns\":{\"legal_name\":[\"First\",null]}}]",
                                           text);
  g_autofree char *make =
      g_strdup_printf ("[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"insert\",\"columns\":{"
                       "\"legal_name\":[null,\"Second\"],\"currency\":[null,\"EUR\"]}}]",
                       text);
  g_autoptr (CtVerdict) verdict = NULL;

  reader_init (&reader, "anna");
  reader_pull (&reader);
  verdict = pg_device_push_ok (anna, "d.delete", drop);
  g_clear_pointer (&verdict, ct_verdict_free);
  verdict = pg_device_push_ok (anna, "d.edit", make);
  g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
  reader_brings (&reader, 1);
  g_assert_nonnull (strstr (g_hash_table_lookup (reader.rows, text), "Second"));
  g_clear_pointer (&verdict, ct_verdict_free);
  g_clear_pointer (&drop, g_free);
  drop =
      g_strdup_printf ("[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"delete\",\"columns\":{}}]", text);
  verdict = pg_device_push_ok (anna, "d.delete", drop);
  g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
  reader_brings (&reader, 1);
  g_assert_null (g_hash_table_lookup (reader.rows, text));
}

/* A grant brings the rows of its scope, a revocation takes them away, a row that moves comes and goes. */
static void
test_scopes_change (void)
{
  g_auto (Reader) north = { 0 };
  g_autoptr (PgDevice) anna = pg_device_new (server, DB, "anna");
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  CtId id = pg_device_add (anna, "Western", "west"), moving = pg_device_add (anna, "Moving", "north");
  g_autofree char *text = ct_id_to_string (&id), *moving_text = ct_id_to_string (&moving), *away = NULL;
  g_autoptr (CtVerdict) verdict = NULL;

  reader_init (&north, "north");
  reader_pull (&north);
  g_assert_false (g_hash_table_contains (north.rows, text));
  g_assert_true (g_hash_table_contains (north.rows, moving_text));
  away = g_strdup_printf ("[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"update\",\"columns\":{"
                          "\"region\":[\"north\",\"west\"]}}]",
                          moving_text);
  verdict = pg_device_push_ok (anna, "d.edit", away);
  reader_brings (&north, 1);
  g_assert_false (g_hash_table_contains (north.rows, moving_text));
  g_assert_true (ct_session_run (
      root, NULL, NULL, "INSERT INTO sync.grants SELECT 'north', (sync.scope_ids(ARRAY['region:west']))[1]",
      ""));
  reader_pull (&north);
  g_assert_true (g_hash_table_contains (north.rows, text));
  g_assert_true (g_hash_table_contains (north.rows, moving_text));
  g_assert_true (ct_session_run (root, NULL, NULL,
                                 "DELETE FROM sync.grants WHERE grantee = 'north' AND scope ="
                                 " (sync.scope_ids(ARRAY['region:west']))[1]",
                                 ""));
  reader_pull (&north);
  g_assert_false (g_hash_table_contains (north.rows, text));
  g_assert_cmpuint (north.whole, ==, 1);
}

/* A restored server gives numbers again: the nonce tells, and so does a new epoch, and a head that went back. */
static void
test_restored_server (void)
{
  static const char *const restores[] = {
    "UPDATE sync.txn SET nonce = gen_random_uuid() WHERE number = (SELECT max(number) FROM sync.txn)",
    "UPDATE sync.epoch SET id = gen_random_uuid()",
  };
  g_auto (Reader) reader = { 0 };
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");

  reader_init (&reader, "anna");
  reader_pull (&reader);
  for (guint i = 0; i < G_N_ELEMENTS (restores); i++) {
    g_assert_true (ct_session_run (root, NULL, NULL, restores[i], ""));
    reader_pull (&reader);
    g_assert_cmpuint (reader.whole, ==, i + 2);
    reader_brings (&reader, 0);
  }
  reader.cursor.number += 1000;
  reader_pull (&reader);
  g_assert_cmpuint (reader.whole, ==, G_N_ELEMENTS (restores) + 2);
}

/* Whoever holds a login can hold no lock that stops commits: the gate is not theirs to touch. */
static void
test_gate (void)
{
  g_autoptr (CtSession) anna = pg_server_login (server, DB, "anna");
  g_autoptr (PgDevice) ben = pg_device_new (server, DB, "ben");

  g_assert_false (ct_session_script (anna, "BEGIN; LOCK TABLE sync.gate IN ACCESS SHARE MODE", NULL, NULL));
  g_assert_true (
      ct_session_script (anna,
                         "ROLLBACK; BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT pg_advisory_lock(1);"
                         "SELECT count(*) FROM api.distributors",
                         NULL, NULL));
  pg_device_add (ben, "While she holds what she can", "south");
  g_assert_true (ct_session_script (anna, "ROLLBACK", NULL, NULL));
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  server = pg_server_start ();
  pg_server_create (server, DB, NULL);
  g_test_add_func ("/pg/feed/nothing-lost", test_nothing_lost);
  g_test_add_func ("/pg/feed/cursor-moves", test_cursor_moves);
  g_test_add_func ("/pg/feed/delete-and-insert", test_delete_and_insert);
  g_test_add_func ("/pg/feed/scopes-change", test_scopes_change);
  g_test_add_func ("/pg/feed/restored-server", test_restored_server);
  g_test_add_func ("/pg/feed/gate", test_gate);
  result = g_test_run ();
  pg_server_stop (server);
  return result;
}
