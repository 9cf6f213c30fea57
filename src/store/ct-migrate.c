#include "ct-migrate.h"
#include "ct-bulk.h"
#include "ct-db-private.h"
#include "ct-config.h"

/**
 * ct_data_path:
 * @relative: a path below the data folder: "schema/policy.json"
 *
 * Data is looked for in $CT_DATADIR, in the installed folder, and in the source tree.
 *
 * Returns: (transfer full): the path, whether or not it exists
 */
char *
ct_data_path (const char *relative)
{
  const char *roots[] = { g_getenv ("CT_DATADIR"), CT_DATADIR, CT_SOURCE_ROOT };

  for (guint i = 0; i < G_N_ELEMENTS (roots); i++) {
    g_autofree char *path = roots[i] ? g_build_filename (roots[i], relative, NULL) : NULL;

    if (path && g_file_test (path, G_FILE_TEST_EXISTS))
      return g_steal_pointer (&path);
  }
  return g_build_filename (CT_DATADIR, relative, NULL);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

/* The migrations' file names by number, from 1; holes are an error. */
static GPtrArray *
list_migrations (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;

  if (!dir)
    return NULL;
  while ((name = g_dir_read_name (dir)))
    if (g_str_has_suffix (name, ".sql"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    if (g_ascii_strtoull (names->pdata[i], NULL, 10) != i + 1) {
      ct_fail (error, CT_ERROR_CORRUPT, "Migration %u is missing in %s", i + 1, folder);
      return NULL;
    }
  return g_steal_pointer (&names);
}

/* The newest schema version this program knows; -1 with @error. */
int
ct_migrate_newest (GError **error)
{
  g_autofree char *folder = ct_data_path ("schema/replica");
  g_autoptr (GPtrArray) names = list_migrations (folder, error);

  return names ? (int) names->len : -1;
}

static gboolean
apply (CtDb *db, const char *folder, const char *name, guint number, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *script = NULL;
  g_autofree char *version = g_strdup_printf ("PRAGMA user_version=%u", number);

  if (!g_file_get_contents (path, &script, NULL, error))
    return FALSE;
  if (!ct_db_exec (db, script, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  return ct_db_exec (db, version, error);
}

/* A migration finds the schema as the one before it left it, also where a first load was interrupted. */
static gboolean
restore_schema (CtDb *db, GError **error)
{
  gint64 has = 0;
  gboolean more;

  if (!ct_db_read_int (db, &has, error,
                       "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'bulk_schema')", ""))
    return FALSE;
  for (more = has != 0; more;)
    if (!ct_bulk_restore_next (db, &more, error))
      return FALSE;
  return TRUE;
}

/**
 * ct_migrate:
 * @db: a writable connection outside a transaction
 * @up_to: the version to stop at, or 0 for the newest
 *
 * Brings the replica to a schema version, all steps in one transaction.
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where the file is newer than this program
 */
gboolean
ct_migrate (CtDb *db, int up_to, GError **error)
{
  g_autofree char *folder = ct_data_path ("schema/replica");
  g_autoptr (GPtrArray) names = list_migrations (folder, error);
  gint64 version = 0;
  gboolean ok = TRUE;

  if (!names || !ct_db_exec (db, "BEGIN IMMEDIATE", error))
    return FALSE;
  ok = ct_db_read_int (db, &version, error, "PRAGMA user_version", "");
  if (ok && version > (gint64) names->len)
    ok = ct_fail (error, CT_ERROR_CONFLICT,
                  _ ("This workspace has schema %d, this program knows %u; use a newer program"),
                  (int) version, names->len);
  if (ok && version < (gint64) names->len)
    ok = restore_schema (db, error);
  for (guint i = (guint) version; ok && i < (up_to ? (guint) up_to : names->len); i++)
    ok = apply (db, folder, names->pdata[i], i + 1, error);
  ok = ok && ct_db_exec (db, "COMMIT", error);
  if (!ok)
    ct_db_rollback (db);
  db->schema_version = -1;
  g_clear_pointer (&db->business_tables, g_strfreev);
  g_hash_table_remove_all (db->columns);
  return ok;
}
