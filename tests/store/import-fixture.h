/* A workspace to import into, and how to ask what an import left there: what tests/store/test-import.c starts
 * from. */
#pragma once

#include "ct-test.h"
#include "ct-chunk.h"
#include "ct-export.h"
#include "ct-import.h"
#include "ct-import-chunk.h"
#include "ct-log-state.h"
#include "ct-store.h"

#include <string.h>

typedef struct {
  char *folder;
  char *path; /* of the replica */
  CtStore *store;
  CtCommander *commander;
  GTimeZone *zone;
} Fixture;

static gboolean
init_cb (CtDb *db, gpointer data, GError **error)
{
  ((Fixture *) data)->commander = ct_test_commander (db);
  return TRUE;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = ct_test_folder ();
  f->path = g_build_filename (f->folder, "replica.db", NULL);
  ct_db_close (ct_test_replica (f->folder));
  f->store = ct_store_open (f->path, CT_DB_READ_WRITE, &error);
  g_assert_no_error (error);
  f->zone = g_time_zone_new_identifier ("Europe/Moscow");
  ct_store_set_zone (f->store, f->zone);
  ct_store_write (f->store, init_cb, f, &error);
  g_assert_no_error (error);
  ct_import_chunk_register ();
  ct_export_register ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ct_commander_free (f->commander);
  ct_store_close (f->store);
  g_clear_object (&f->store);
  g_time_zone_unref (f->zone);
  ct_test_remove (f->folder);
  g_free (f->folder);
  g_free (f->path);
}

typedef struct {
  const char *sql;
  char *text;
} Question;

static gboolean
ask_cb (CtDb *db, gpointer data, GError **error)
{
  Question *question = data;
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, question->sql, "");
  GString *out = g_string_new (NULL);

  while (stmt && ct_stmt_next (stmt)) {
    for (int i = 0; i < ct_stmt_n_columns (stmt); i++)
      g_string_append_printf (out, "%s%s", i ? "|" : "",
                              ct_stmt_is_null (stmt, i) ? "-" : ct_stmt_text (stmt, i));
    g_string_append_c (out, '/');
  }
  question->text = g_string_free (out, FALSE);
  return stmt && ct_stmt_finish (stmt, error);
}

/* The rows of a question as text: "a|b/c|d/". */
static char *
ask (Fixture *f, const char *sql)
{
  g_autoptr (GError) error = NULL;
  Question question = { sql, NULL };

  ct_store_read (f->store, ask_cb, &question, &error);
  g_assert_no_error (error);
  return question.text;
}

static void
expect (Fixture *f, const char *sql, const char *wanted)
{
  g_autofree char *found = ask (f, sql);

  g_assert_cmpstr (found, ==, wanted);
}

static gboolean
compare_state_cb (CtDb *db, gpointer data, GError **error)
{
  g_autoptr (CtLogState) state = ct_log_state_new (db, error);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, "SELECT n, salt, entries FROM audit_rows ORDER BY n", "");
  CtLogStateCount count;

  while (state && stmt && ct_stmt_next (stmt)) {
    gsize length, salt_length;
    const guint8 *salt = ct_stmt_blob (stmt, 1, &salt_length);
    const guint8 *entries = ct_stmt_blob (stmt, 2, &length);

    if (!ct_log_state_add (state, ct_stmt_int (stmt, 0), salt, entries, length, error))
      return FALSE;
  }
  return state && stmt && ct_stmt_finish (stmt, error) &&
         ct_log_state_compare (state, db, NULL, &count, error);
}

/* Every row stands as the log's leaves commit to it. */
static void
expect_committed (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  ct_store_read (f->store, compare_state_cb, NULL, &error);
  g_assert_no_error (error);
}

static char *
write_file (Fixture *f, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (f->folder, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_mkdir_with_parents (folder, 0700);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  return path;
}

static CtImportOptions
options_of (Fixture *f)
{
  return (CtImportOptions){
    .store = f->store, .commander = f->commander, .actor = "admin", .now = 883612800000, .zone = f->zone
  };
}

static JsonObject *
run (Fixture *f, const char *profile, const char *path, const CtImportOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtImport) import = ct_import_new (profile, path, NULL, &error);
  JsonObject *result;

  g_assert_no_error (error);
  result = ct_import_run (import, options, &error);
  g_assert_no_error (error);
  return result;
}

/* "read created changed unchanged rejected" */
static char *
counts (JsonObject *result)
{
  return g_strdup_printf (
      "%d %d %d %d %d", (int) ct_json_int (result, "read", -1), (int) ct_json_int (result, "created", -1),
      (int) ct_json_int (result, "changed", -1), (int) ct_json_int (result, "unchanged", -1),
      (int) ct_json_int (result, "rejected", -1));
}

static void
import_counts (Fixture *f, const char *profile, const char *path, const CtImportOptions *options,
               const char *wanted)
{
  g_autoptr (JsonObject) result = run (f, profile, path, options);
  g_autofree char *found = counts (result);
  JsonArray *errors = ct_json_array (result, "errors");

  for (guint i = 0; i < json_array_get_length (errors); i++) {
    JsonObject *error = json_array_get_object_element (errors, i);

    g_test_message ("%s:%d:%d %s (%s)", ct_json_string (error, "file", ""),
                    (int) ct_json_int (error, "line", 0), (int) ct_json_int (error, "column", 0),
                    ct_json_string (error, "reason", ""), ct_json_string (error, "value", ""));
  }
  g_assert_cmpstr (found, ==, wanted);
}
