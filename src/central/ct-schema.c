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
      "BEGIN; %s; RESET ROLE; INSERT INTO public.tower_migrations (number, name) VALUES (%d, '%s'); COMMIT",
      script, (int) g_ascii_strtoll (name, NULL, 10), name);
  if (ct_session_script (session, whole, cancellable, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  ct_session_script (session, "ROLLBACK", NULL, NULL);
  return FALSE;
}

/**
 * ct_schema_newest:
 *
 * Returns: the newest version that @directory leads to, -1 with @error
 */
int
ct_schema_newest (const char *directory, GError **error)
{
  g_autoptr (GPtrArray) names = list_migrations (directory, error);

  return names ? (int) names->len : -1;
}

/* (transfer full) (nullable): all migrations of @directory, one after the other */
char *
ct_schema_text (const char *directory, GError **error)
{
  g_autoptr (GPtrArray) names = list_migrations (directory, error);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; names && i < names->len; i++) {
    g_autofree char *path = g_build_filename (directory, names->pdata[i], NULL);
    g_autofree char *script = NULL;

    if (!g_file_get_contents (path, &script, NULL, error))
      return NULL;
    g_string_append (text, script);
  }
  return names ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

/**
 * ct_schema_version:
 *
 * Returns: the version of the database's schema, 0 where it has none, -1 with @error
 */
int
ct_schema_version (CtSession *session, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) there = ct_session_query (
      session, cancellable, error, "SELECT to_regclass('public.tower_migrations') IS NOT NULL", "");
  g_autoptr (CtAnswer) version = NULL;

  if (!there || !ct_answer_int (there, 0, 0))
    return there ? 0 : -1;
  version = ct_session_query (session, cancellable, error,
                              "SELECT coalesce(max(number), 0) FROM public.tower_migrations", "");
  return version ? (int) ct_answer_int (version, 0, 0) : -1;
}

/* Whether the database is a server of ours at all: %CT_ERROR_NOT_FOUND where it is not. */
gboolean
ct_schema_check (CtSession *session, GCancellable *cancellable, GError **error)
{
  int version = ct_schema_version (session, cancellable, error);

  return version > 0 || (version == 0 && ct_fail (error, CT_ERROR_NOT_FOUND,
                                                  _ ("This database is not a Control Tower server; towerctl "
                                                     "server init makes it one")));
}

static gboolean
run_missing (CtSession *session, const char *directory, GPtrArray *names, GCancellable *cancellable,
             GError **error)
{
  int version = ct_schema_version (session, cancellable, error);

  if (version > (int) names->len)
    return ct_fail (error, CT_ERROR_CONFLICT,
                    _ ("The server has schema %d, this program knows %u; use a newer program"), version,
                    names->len);
  for (guint i = (guint) MAX (version, 0); version >= 0 && i < names->len; i++)
    if (!run_migration (session, directory, names->pdata[i], cancellable, error))
      return FALSE;
  return version >= 0;
}

/**
 * ct_schema_upgrade:
 * @session: of an administrator who may create roles and schemas
 * @directory: holds NNN-name.sql, numbered from 001 without a gap
 *
 * Runs the migrations that the database has not seen. Two programs that do this at once wait for each other.
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where the database is newer than @directory
 */
gboolean
ct_schema_upgrade (CtSession *session, const char *directory, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) names = list_migrations (directory, error);
  gboolean done;

  if (!names || !ct_session_script (session,
                                    "SELECT pg_advisory_lock(7238431);"
                                    " CREATE TABLE IF NOT EXISTS public.tower_migrations"
                                    " (number integer PRIMARY KEY, name text NOT NULL,"
                                    " at timestamptz NOT NULL DEFAULT now())",
                                    cancellable, error))
    return FALSE;
  done = run_missing (session, directory, names, cancellable, error);
  /* where the connection is lost the lock is as well */
  ct_session_run (session, NULL, NULL, "SELECT pg_advisory_unlock(7238431)", "");
  return done;
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

/**
 * ct_schema_ship:
 * @shipped: the configuration that comes with the program, as ct_workspace_shipped() writes it
 *
 * Puts it where there is none yet, so that a new server has rules, agents and templates.
 *
 * Returns: how many documents were put there, -1 with @error
 */
gint64
ct_schema_ship (CtSession *session, const char *shipped, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer = NULL;

  if (!ct_session_script (session, "BEGIN; SET LOCAL ROLE tower_owner", cancellable, error))
    return -1;
  answer = ct_session_query (session, cancellable, error, "SELECT sync.ship($1::text::jsonb)", "s", shipped);
  if (answer && ct_session_end (session, TRUE, cancellable, error))
    return ct_answer_int (answer, 0, 0);
  ct_session_end (session, FALSE, NULL, NULL);
  return -1;
}
