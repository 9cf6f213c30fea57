/* Making a workspace: folder, replica, keys, the first person, the shipped configuration. */
#include "ct-workspace-private.h"
#include "ct-log.h"
#include "ct-migrate.h"
#include "ct-rows.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

/* What seeds/ ships and where it goes; a folder holds one document a file, a file an array of documents. */
static const struct {
  const char *path;
  const char *table;
} seeds[] = {
  { "seeds/calendars.json", "calendars" },
  { "seeds/sla-policies.json", "sla_policies" },
  { "seeds/rules", "rules" },
  { "seeds/agents", "agent_profiles" },
  { "seeds/routes.json", "routes" },
  { "seeds/templates", "templates" },
  { "seeds/guardrails.json", "guardrails" },
};

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

/* One document, or all of an array, or of the array a file wraps in an object. */
static gboolean
add_documents (JsonArray *documents, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  JsonArray *list = NULL;

  if (!g_file_get_contents (path, &text, NULL, error) || !(root = ct_json_parse (text, -1, 4 << 20, error))) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  if (JSON_NODE_HOLDS_ARRAY (root))
    list = json_node_get_array (root);
  if (!list) {
    json_array_add_element (documents, g_steal_pointer (&root));
    return TRUE;
  }
  for (guint i = 0; i < json_array_get_length (list); i++)
    json_array_add_element (documents, json_array_dup_element (list, i));
  return TRUE;
}

static JsonArray *
read_seed (const char *relative, GError **error)
{
  g_autofree char *path = ct_data_path (relative);
  g_autoptr (JsonArray) documents = json_array_new ();
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return add_documents (documents, path, error) ? g_steal_pointer (&documents) : NULL;
  dir = g_dir_open (path, 0, error);
  while (dir && (name = g_dir_read_name (dir)))
    if (g_str_has_suffix (name, ".json"))
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    if (!add_documents (documents, names->pdata[i], error))
      return NULL;
  return g_steal_pointer (&documents);
}

static gboolean
load_seeds (CtWorkspace *workspace, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++) {
    g_auto (CtOutcome) outcome = { 0 };
    JsonArray *documents = read_seed (seeds[i].path, error);
    g_autoptr (JsonObject) args =
        documents ? ct_json_build ("sa", "table", seeds[i].table, "documents", documents) : NULL;

    if (!args || !ct_workspace_execute (workspace, "config.put", args, &outcome, error)) {
      g_prefix_error (error, "%s: ", seeds[i].path);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
first_person (CtWorkspace *workspace, GError **error)
{
  static const char *const roles[] = { "admin", "sales", "accounting", "logistics", "legal", "partner" };
  g_auto (CtOutcome) outcome = { 0 };
  JsonArray *list = json_array_new ();
  g_autoptr (JsonObject) args = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (roles); i++)
    json_array_add_string_element (list, roles[i]);
  args = ct_json_build ("ssa", "login", ct_workspace_get_actor (workspace), "name", g_get_real_name (),
                        "roles", list);
  return ct_workspace_execute (workspace, "workspace.init", args, &outcome, error);
}

static gboolean
put_key (CtDb *db, const char *key, const char *value, GError **error)
{
  return ct_db_run (db, error, "INSERT INTO workspace VALUES(?, ?)", "ss", key, value);
}

/* The machine's zone; a trial's is UTC, so that it gives the same answers anywhere. */
static char *
default_zone (const CtWorkspaceOptions *options)
{
  g_autoptr (GTimeZone) local = g_time_zone_new_local ();
  const char *name = g_time_zone_get_identifier (local);
  g_autoptr (GTimeZone) known = g_time_zone_new_identifier (name);

  if (options->time_zone)
    return g_strdup (options->time_zone);
  return g_strdup (known && !options->trial && strchr (name, '/') ? name : "UTC");
}

/* What the replica must hold before the first command: who it is, and whose signatures it accepts. */
static gboolean
write_identity (CtDb *db, const char *folder, const CtWorkspaceOptions *options, GError **error)
{
  gint64 now = options->now ? options->now : ct_time_now ();
  CtId workspace = ct_id_new (now), device = ct_id_new (now);
  g_autofree char *workspace_text = ct_id_to_string (&workspace);
  g_autofree char *device_text = ct_id_to_string (&device);
  g_autofree char *origin = g_strconcat ("control-tower/", workspace_text, NULL);
  g_autofree char *zone = default_zone (options);
  g_autoptr (CtSigner) signer = NULL;
  guint8 public[CT_DEVICE_PUBLIC_SIZE];

  return ct_keys_make (folder, origin, public, &signer, error) &&
         put_key (db, "workspace_id", workspace_text, error) &&
         put_key (db, "device_id", device_text, error) &&
         ct_log_create (db, ct_signer_verifier (signer), error) &&
         put_key (db, "trial", options->trial ? "1" : "0", error) &&
         put_key (db, "environment", options->environment ? options->environment : "production", error) &&
         put_key (db, "time_zone", zone, error) &&
         put_key (db, "first_login", options->login ? options->login : g_get_user_name (), error) &&
         ct_db_run (
             db, error,
             "INSERT INTO devices(id, label, public_key, enrolled_by, enrolled_at) VALUES(?, ?, ?, ?, ?)",
             "ksbsi", &device, g_get_host_name (), public, sizeof public,
             options->login ? options->login : g_get_user_name (),
             options->trial ? (gint64) 0 : now) /* a trial may be set to any time */;
}

static gboolean
make_replica (const char *path, const char *folder, const CtWorkspaceOptions *options, GError **error)
{
  g_autoptr (CtDb) db = ct_db_open (path, CT_DB_READ_WRITE, error);

  if (!db || !ct_migrate (db, 0, error) || !ct_db_begin (db, error))
    return FALSE;
  if (!write_identity (db, folder, options, error)) {
    ct_db_rollback (db);
    return FALSE;
  }
  return ct_db_commit (db, error);
}

/* What making a workspace writes. */
static const char *const made[] = { "replica.db", "replica.db-wal", "replica.db-shm",   CT_KEY_DEVICE,
                                    CT_KEY_LOG,   "keys",           CT_LAST_CHECKPOINT, NULL };

/* Takes back what a failed making left; only for who has claimed the folder, since keys cannot be had again. */
void
ct_workspace_remove_half (const char *folder)
{
  for (const char *const *name = made; *name; name++) {
    g_autofree char *path = g_build_filename (folder, *name, NULL);

    g_remove (path);
  }
}

/* Makes the folder this process's to fill: none of what will be written is there, and the replica's file, empty and
 * the user's alone, is made by us and nobody else. */
static gboolean
claim (const char *folder, const char *replica, GError **error)
{
  int fd;

  if (ct_workspace_exists (folder))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("There is a workspace in %s already"), folder);
  for (const char *const *name = made; *name; name++) {
    g_autofree char *path = g_build_filename (folder, *name, NULL);

    if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_DIR))
      return ct_fail (
          error, CT_ERROR_CONFLICT,
          _ ("%s is there already, from a workspace that lost its replica.db: put that file back, or "
             "choose another folder"),
          path);
  }
  fd = g_open (replica, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return ct_fail (error, errno == EEXIST ? CT_ERROR_CONFLICT : CT_ERROR_FAILED, _ ("Cannot write %s: %s"),
                    replica, g_strerror (errno));
  return g_close (fd, error);
}

/**
 * ct_workspace_create:
 * @folder: made where it is missing; must hold no workspace, nor a part of one
 *
 * Makes a standalone workspace with the shipped rules, agents, templates and policies. What fails leaves nothing behind,
 * and touches nothing that was there.
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where there is a workspace already, or a part of one
 */
gboolean
ct_workspace_create (const char *folder, const CtWorkspaceOptions *options, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "replica.db", NULL);
  g_autoptr (CtWorkspace) workspace = NULL;

  if (g_mkdir_with_parents (folder, 0700) != 0)
    return ct_fail (error, CT_ERROR_FAILED, _ ("Cannot make the folder %s: %s"), folder, g_strerror (errno));
  if (!claim (folder, path, error))
    return FALSE;
  if (make_replica (path, folder, options, error) && (workspace = ct_workspace_open (folder, error)) &&
      (!options->now || ct_workspace_set_now (workspace, options->now, error)) &&
      first_person (workspace, error) && load_seeds (workspace, error))
    return TRUE;
  if (workspace)
    ct_workspace_close (workspace);
  ct_workspace_remove_half (folder);
  return FALSE;
}

/* (transfer full): rows of a table as a server takes them: what the authority gives is left out */
static JsonArray *
shipped_rows (CtDb *db, const char *table, GError **error)
{
  g_autofree char *columns = ct_db_read_text (db, error,
                                              "SELECT group_concat(name) FROM pragma_table_info(?)"
                                              " WHERE name NOT IN ('n', 'rev', 'created_at', 'updated_at')",
                                              "s", table);
  g_autofree char *sql = columns ? g_strdup_printf ("SELECT %s FROM %s ORDER BY n", columns, table) : NULL;

  return sql ? ct_rows_array (db, error, sql, "") : NULL;
}

static gboolean
shipped_cb (CtDb *db, gpointer data, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++) {
    JsonArray *rows = shipped_rows (db, seeds[i].table, error);

    if (!rows)
      return FALSE;
    json_object_set_array_member (data, seeds[i].table, rows);
  }
  return TRUE;
}

/**
 * ct_workspace_shipped:
 *
 * Makes a workspace for a moment and reads what it begins with: the rows are those that the commands make.
 *
 * Returns: (transfer full): the shipped configuration as JSON, {"rules": [{"id", "name", "body", …}], …}
 */
char *
ct_workspace_shipped (GError **error)
{
  static const CtWorkspaceOptions plain = { .login = "owner", .time_zone = "UTC" };
  g_autofree char *folder = g_dir_make_tmp ("control-tower-shipped-XXXXXX", error);
  g_autoptr (JsonObject) shipped = json_object_new ();
  g_autoptr (CtWorkspace) workspace = NULL;
  gboolean done;

  if (!folder)
    return NULL;
  done = ct_workspace_create (folder, &plain, error) && (workspace = ct_workspace_open (folder, error)) &&
         ct_store_read (ct_workspace_get_store (workspace), shipped_cb, shipped, error);
  if (workspace)
    ct_workspace_close (workspace);
  ct_workspace_remove_half (folder);
  g_rmdir (folder);
  return done ? ct_json_canonical_object (shipped, error) : NULL;
}
