/* The server's numbered migrations: schema/central/NNN-name.sql, each once, each in a transaction of its own. */
#include "ct-schema.h"

#include <string.h>

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* (transfer full) (nullable): names of the migrations of @directory in their order */
static GPtrArray *
list_migrations (const char *directory, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, error);
  const char *name;

  if (!dir)
    return NULL;
  while ((name = g_dir_read_name (dir)))
    if (g_str_has_suffix (name, ".sql") && g_ascii_isdigit (*name))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++) {
    if (g_ascii_strtoll (names->pdata[i], NULL, 10) != (gint64) i + 1) {
      ct_fail (error, CT_ERROR_CORRUPT, "%s: migration %u expected where %s is", directory, i + 1,
               (char *) names->pdata[i]);
      return NULL;
    }
  }
  return g_steal_pointer (&names);
}

static gboolean
run_migration (CtSession *session, const char *directory, const char *name, GCancellable *cancellable,
               GError **error)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *script = NULL, *whole = NULL;

  if (!g_file_get_contents (path, &script, NULL, error))
    return FALSE;
  whole = g_strdup_printf (
      "BEGIN; %s; RESET ROLE; INSERT INTO tower_migrations (number, name) VALUES (%d, '%s'); COMMIT", script,
      (int) g_ascii_strtoll (name, NULL, 10), name);
  if (ct_session_script (session, whole, cancellable, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  ct_session_script (session, "ROLLBACK", NULL, NULL);
  return FALSE;
}

/**
 * ct_schema_upgrade:
 * @session: of an administrator who may create roles and schemas
 * @directory: holds NNN-name.sql, numbered from 001 without a gap
 *
 * Runs the migrations that the database has not seen. Two programs that do this at once wait for each other.
 */
gboolean
ct_schema_upgrade (CtSession *session, const char *directory, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) names = list_migrations (directory, error);
  g_autoptr (CtAnswer) done = NULL;

  if (!names ||
      !ct_session_script (
          session,
          "CREATE TABLE IF NOT EXISTS tower_migrations (number integer PRIMARY KEY, name text NOT NULL,"
          " at timestamptz NOT NULL DEFAULT now()); SELECT pg_advisory_lock(7238431)",
          cancellable, error))
    return FALSE;
  done = ct_session_query (session, cancellable, error,
                           "SELECT coalesce(max(number), 0) FROM tower_migrations", "");
  for (guint i = done ? (guint) ct_answer_int (done, 0, 0) : 0; done && i < names->len; i++)
    if (!run_migration (session, directory, names->pdata[i], cancellable, error))
      return FALSE;
  return done && ct_session_run (session, cancellable, error, "SELECT pg_advisory_unlock(7238431)", "");
}

/**
 * ct_schema_load_policy:
 * @policy: the text of schema/policy.json
 *
 * Makes it the server's policy; what it does not name is no longer allowed.
 */
gboolean
ct_schema_load_policy (CtSession *session, const char *policy, GCancellable *cancellable, GError **error)
{
  return ct_session_run (session, cancellable, error, "SELECT sync.load_policy($1::text::jsonb)", "s",
                         policy);
}
