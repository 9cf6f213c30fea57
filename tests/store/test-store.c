#include "ct-test.h"
#include "ct-changeset.h"
#include "ct-rows.h"
#include "ct-store.h"

#include <string.h>

typedef struct {
  char *folder;
  CtDb *db;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = ct_test_folder ();
  f->db = ct_test_replica (f->folder);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ct_db_close (f->db);
  ct_test_remove (f->folder);
  g_free (f->folder);
}

static CtId
add_distributor (CtDb *db, const char *number, const char *name)
{
  g_autoptr (GError) error = NULL;
  CtId id = ct_id_new (1000);

  ct_db_run (db, &error,
             "INSERT INTO distributors(id, n, created_at, updated_at, number, legal_name, "
             "onboarding_since_at, currency) "
             "VALUES(?, next_n(), 0, 0, ?, ?, 0, 'EUR')",
             "kss", &id, number, name);
  g_assert_no_error (error);
  return id;
}

static gint64
count (CtDb *db, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 value = -1;

  ct_db_read_int (db, &value, &error, sql, "");
  g_assert_no_error (error);
  return value;
}

static void
test_migrations (Fixture *f, gconstpointer data)
{
  int newest = ct_migrate_newest (NULL);

  g_assert_cmpint (newest, >=, 5);
  for (int version = 1; version <= newest; version++) {
    g_autofree char *path = g_strdup_printf ("%s/v%d.db", f->folder, version);
    g_autoptr (GError) error = NULL;
    g_autoptr (CtDb) db = ct_db_open (path, CT_DB_CREATE, &error);

    g_assert_true (ct_migrate (db, version, &error));
    g_assert_cmpint (count (db, "PRAGMA user_version"), ==, version);
    if (version >= 3)
      add_distributor (db, "DIST-1", "Kept");
    g_assert_true (ct_migrate (db, 0, &error));
    g_assert_cmpint (count (db, "PRAGMA user_version"), ==, newest);
    g_assert_cmpint (count (db, "SELECT count(*) FROM distributors"), ==, version >= 3);
    g_assert_cmpint (count (db, "SELECT count(*) FROM pragma_foreign_key_check"), ==, 0);
    ct_db_exec (db, "PRAGMA user_version=1000", NULL);
    g_assert_false (ct_migrate (db, 0, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  }
}

/* Who refers to a row is looked for whenever that row goes, a pull's update included: never through the whole table. */
static void
test_foreign_keys_have_indexes (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *missing = ct_db_read_text (
      f->db, &error,
      "SELECT coalesce(group_concat(t.name || '.' || k.\"from\", ' '), '') FROM sqlite_schema t, "
      "pragma_foreign_key_list(t.name) k, pragma_table_info(t.name) o WHERE t.type = 'table' AND o.name = "
      "k.\"from\" "
      "AND o.pk <> 1 AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c "
      "WHERE c.seqno = 0 AND c.name = k.\"from\")",
      "");

  g_assert_no_error (error);
  g_assert_cmpstr (missing, ==, "");
}

/* The columns of the key come first and in its order: SQLite 3.40 calls a sound table damaged where they do not. */
static void
test_keys_come_first (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *others = ct_db_read_text (
      f->db, &error,
      "SELECT coalesce(group_concat(t.name || '.' || c.name, ' '), '') FROM pragma_table_list t, "
      "pragma_table_info(t.name) c WHERE t.schema = 'main' AND t.wr AND c.pk > 0 AND c.pk <> c.cid + 1",
      "");

  g_assert_no_error (error);
  g_assert_cmpstr (others, ==, "");
}

static void
test_tables_are_strict (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (
      count (f->db, "SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND schema = "
                    "'main' AND name NOT LIKE 'sqlite_%'"),
      ==, 0);
  for (const char *const *table = ct_db_business_tables (f->db, NULL); *table; table++) {
    const char *const *columns = ct_db_column_names (f->db, *table, NULL);

    g_assert_cmpstr (columns[0], ==, "id");
    g_assert_cmpstr (columns[1], ==, "n");
    g_assert_cmpint ((int) g_strv_length ((GStrv) columns), <, 64);
  }
}

static void
test_numbers_never_return (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 first;

  g_assert_true (ct_db_begin (f->db, &error));
  add_distributor (f->db, "DIST-1", "One");
  g_assert_true (ct_db_commit (f->db, &error));
  first = count (f->db, "SELECT n FROM distributors");
  ct_db_begin (f->db, NULL);
  ct_db_exec (f->db, "DELETE FROM distributors WHERE true", NULL);
  ct_db_commit (f->db, NULL);
  ct_db_begin (f->db, NULL);
  add_distributor (f->db, "DIST-2", "Two");
  ct_db_commit (f->db, NULL);
  g_assert_cmpint (count (f->db, "SELECT n FROM distributors"), >, first);
}

static gboolean
collect_cb (const CtChange *change, gpointer data, GError **error)
{
  GString *text = data;

  g_string_append_printf (text, "%s %c", change->table, change->operation);
  for (int i = 2; i < change->n_columns; i++)
    if (change->operation == 'u' && change->after[i].type)
      g_string_append_printf (text, " %s:%.*s>%.*s", change->columns[i], (int) change->before[i].length,
                              (const char *) change->before[i].data, (int) change->after[i].length,
                              (const char *) change->after[i].data);
  g_string_append_c (text, ';');
  return TRUE;
}

static void
test_changeset (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtRecorder) recorder = NULL;
  g_autoptr (GPtrArray) parts = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  CtId id = add_distributor (f->db, "DIST-1", "Old");

  ct_db_begin (f->db, NULL);
  recorder = ct_recorder_start (f->db, &error);
  g_assert_true (
      ct_db_run (f->db, &error, "UPDATE distributors SET legal_name = 'New' WHERE id = ?", "k", &id));
  parts = ct_recorder_finish (recorder, &error);
  ct_db_commit (f->db, NULL);
  g_assert_cmpuint (parts->len, ==, 1);
  g_assert_true (ct_changeset_foreach (f->db, parts->pdata[0], collect_cb, text, &error));
  g_assert_cmpstr (text->str, ==, "distributors u legal_name:Old>New;");
  g_assert_true (ct_changeset_invert (f->db, parts->pdata[0], &error));
  g_assert_cmpint (count (f->db, "SELECT count(*) FROM distributors WHERE legal_name = 'Old'"), ==, 1);
  g_assert_cmpint (count (f->db, "SELECT count(*) FROM distributors_fts WHERE distributors_fts MATCH 'old'"),
                   ==, 1);
  g_assert_false (ct_changeset_invert (f->db, parts->pdata[0], &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
}

/* What others refer to cannot be taken back, and says so. */
static void
test_changeset_referred (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtRecorder) recorder = NULL;
  g_autoptr (GPtrArray) parts = NULL;
  CtId id, contact = ct_id_new (2000);

  ct_db_begin (f->db, NULL);
  recorder = ct_recorder_start (f->db, &error);
  id = add_distributor (f->db, "DIST-1", "Old");
  parts = ct_recorder_finish (recorder, &error);
  ct_db_commit (f->db, NULL);
  ct_db_run (f->db, &error,
             "INSERT INTO contacts(id, n, created_at, updated_at, distributor_id, name) "
             "VALUES(?, next_n(), 0, 0, ?, 'Ada')",
             "kk", &contact, &id);
  g_assert_no_error (error);
  g_assert_false (ct_changeset_invert (f->db, parts->pdata[0], &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, "other records refer to"));
  g_assert_cmpint (count (f->db, "SELECT count(*) FROM distributors"), ==, 1);
}

static void
test_no_approval_no_post (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  CtId id = ct_id_new (1);

  g_assert_false (
      ct_db_run (f->db, &error,
                 "INSERT INTO outbox(id, n, created_at, updated_at, number, approval_id, task_id, channel, "
                 "destination, wire, payload_sha256, approver, ready_at) "
                 "VALUES(?1, next_n(), 0, 0, 'P', ?1, ?1, 'slack', '#ops', x'00', sha256(x'00'), 'me', 0)",
                 "k", &id));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "no approval, no post"));
}

static void
test_rows (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) row = ct_rows_one (
      f->db, &error, "SELECT 0 AS dueAt, 1 AS \"open?\", '[1]' AS tagsJson, NULL AS gone, 7 AS count", "");
  g_autofree char *text = ct_json_canonical_object (row, &error);

  g_assert_cmpstr (
      text, ==, "{\"count\":7,\"dueAt\":\"1970-01-01T00:00:00Z\",\"gone\":null,\"open\":true,\"tags\":[1]}");
}

static gboolean
write_cb (CtDb *db, gpointer data, GError **error)
{
  if (!ct_db_begin (db, error))
    return FALSE;
  add_distributor (db, "DIST-9", "Nine");
  return ct_db_commit (db, error);
}

/* Leaves its transaction open: the store must roll it back. */
static gboolean
fail_cb (CtDb *db, gpointer data, GError **error)
{
  ct_db_begin (db, NULL);
  return ct_fail (error, CT_ERROR_REFUSED, "no");
}

static void
changed_cb (CtStore *store, GStrv tables, gpointer data)
{
  *(gboolean *) data = tables && g_strv_contains ((const char *const *) tables, "distributors");
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(gboolean *) data = ct_store_job_finish (CT_STORE (source), result, NULL);
}

static void
test_store_threads (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (f->folder, "replica.db", NULL);
  CtStore *store = ct_store_open (path, CT_DB_READ_WRITE, &error);
  gboolean changed = FALSE, done = FALSE;

  g_assert_no_error (error);
  g_signal_connect (store, "changed", G_CALLBACK (changed_cb), &changed);
  ct_store_write_async (store, write_cb, NULL, NULL, NULL, done_cb, &done);
  while (!changed || !done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (ct_store_write (store, fail_cb, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  ct_store_close (store);
  g_assert_finalize_object (store);
}

/* Keys wait while they are deferred, and only then, though the pragma is compiled and never run. */
static void
test_deferred_keys (Fixture *f, gconstpointer data)
{
  static const char orphan[] = "INSERT INTO contacts(id, n, created_at, updated_at, distributor_id, name)"
                               " VALUES(randomblob(16), next_n(), 0, 0, ?, 'Anna')";
  g_autoptr (GError) error = NULL;
  CtId nobody = ct_id_new (1000);

  ct_db_begin (f->db, &error);
  g_assert_no_error (error);
  g_assert_true (ct_db_defer_foreign_keys (f->db, TRUE, &error));
  ct_db_run (f->db, &error, orphan, "k", &nobody);
  g_assert_no_error (error);
  g_assert_false (ct_db_foreign_keys_hold (f->db));
  ct_db_run (f->db, &error, "DELETE FROM contacts", "");
  g_assert_no_error (error);
  g_assert_true (ct_db_foreign_keys_hold (f->db));
  g_assert_true (ct_db_defer_foreign_keys (f->db, FALSE, &error));
  g_assert_false (ct_db_run (f->db, &error, orphan, "k", &nobody));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  ct_db_rollback (f->db);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/store/migrations", test_migrations);
  ADD ("/store/foreign-keys-have-indexes", test_foreign_keys_have_indexes);
  ADD ("/store/keys-come-first", test_keys_come_first);
  ADD ("/store/strict", test_tables_are_strict);
  ADD ("/store/numbers", test_numbers_never_return);
  ADD ("/store/changeset", test_changeset);
  ADD ("/store/changeset-referred", test_changeset_referred);
  ADD ("/store/no-approval-no-post", test_no_approval_no_post);
  ADD ("/store/deferred-keys", test_deferred_keys);
  ADD ("/store/rows", test_rows);
  ADD ("/store/threads", test_store_threads);
  return g_test_run ();
}
