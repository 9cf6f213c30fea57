#include "ct-db-private.h"
#include "ct-migrate.h"

#include <string.h>
#include <sys/vfs.h>

static CtErrorCode
code_of (int result)
{
  switch (result & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return CT_ERROR_BUSY;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return CT_ERROR_CORRUPT;
  case SQLITE_MISMATCH:
  case SQLITE_TOOBIG:
    return CT_ERROR_INVALID;
  case SQLITE_CONSTRAINT:
    return result == SQLITE_CONSTRAINT_TRIGGER                                            ? CT_ERROR_REFUSED
           : result == SQLITE_CONSTRAINT_UNIQUE || result == SQLITE_CONSTRAINT_PRIMARYKEY ? CT_ERROR_CONFLICT
                                                                                          : CT_ERROR_INVALID;
  default:
    return CT_ERROR_FAILED;
  }
}

/* Whether the last failure is for want of room: SQLite calls it by many names. */
static gboolean
is_full (CtDb *self)
{
  int code = sqlite3_extended_errcode (self->handle) & 0xff;
  const char *path = sqlite3_db_filename (self->handle, "main");
  struct statfs where;

  return (code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && path && *path &&
         statfs (path, &where) == 0 && where.f_bavail < (1 << 20) / MAX (where.f_bsize, 1);
}

/* Turns SQLite's last error into ours; always %FALSE. */
gboolean
ct_db_fail (CtDb *self, int result, GError **error)
{
  if ((result & 0xff) == SQLITE_INTERRUPT && self->cancellable &&
      g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  if (is_full (self))
    return ct_fail (error, CT_ERROR_FAILED,
                    _ ("The disk of %s is full: nothing of this was written. Make room there, then go on"),
                    sqlite3_db_filename (self->handle, "main"));
  return ct_fail (error, code_of (sqlite3_extended_errcode (self->handle)), "%s",
                  sqlite3_errmsg (self->handle));
}

/* WAL needs shared memory, which network file systems do not give. */
static gboolean
is_local (const char *path, GError **error)
{
  static const struct {
    guint32 magic;
    const char *name;
  } remote[] = { { 0x6969, "NFS" },      { 0x517b, "SMB" },     { 0xff534d42, "CIFS" },
                 { 0xfe534d42, "SMB2" }, { 0x5346414f, "AFS" }, { 0x00c36400, "Ceph" },
                 { 0x73757245, "Coda" } };
  g_autofree char *folder = g_path_get_dirname (path);
  struct statfs where;

  if (statfs (folder, &where) != 0)
    return TRUE; /* opening will say what is wrong */
  for (guint i = 0; i < G_N_ELEMENTS (remote); i++)
    if ((guint32) where.f_type == remote[i].magic)
      return ct_fail (error, CT_ERROR_REFUSED,
                      "%s lies on a network file system (%s); a workspace needs a local disk", folder,
                      remote[i].name);
  return TRUE;
}

static void
update_cb (void *data, int op, const char *database, const char *table, sqlite3_int64 rowid)
{
  CtDb *self = data;

  if (self->last_changed && strcmp (self->last_changed, table) == 0)
    return;
  self->last_changed = g_strdup (table);
  if (!g_hash_table_add (self->changed, self->last_changed))
    self->last_changed = g_hash_table_lookup (self->changed, table);
}

static int
progress_cb (void *data)
{
  CtDb *self = data;

  return g_cancellable_is_cancelled (self->cancellable);
}

static gboolean
configure (CtDb *self, CtDbFlags flags, GError **error)
{
  sqlite3_extended_result_codes (self->handle, 1);
  sqlite3_busy_timeout (self->handle, 10000);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, 1024, 512);
  sqlite3_update_hook (self->handle, update_cb, self);
  if (!ct_db_add_functions (self, error))
    return FALSE;
  if (!(flags & CT_DB_READ_ONLY) &&
      !ct_db_exec (self, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;", error))
    return FALSE;
  return ct_db_exec (self,
                     "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=ON; PRAGMA cache_size=-65536; PRAGMA "
                     "temp_store=MEMORY;"
                     "PRAGMA recursive_triggers=OFF; PRAGMA mmap_size=4294967296;",
                     error) &&
         ct_db_exec (self, flags & CT_DB_READ_ONLY ? "PRAGMA query_only=ON" : "", error);
}

/**
 * ct_db_open:
 * @path: the replica's file
 * @flags: %CT_DB_CREATE makes it where there is none
 *
 * Opens a connection. Migrations are ct_migrate()'s business.
 *
 * Returns: (transfer full): the connection; %NULL with %CT_ERROR_NOT_FOUND where there is no such file
 */
CtDb *
ct_db_open (const char *path, CtDbFlags flags, GError **error)
{
  int mode = flags & CT_DB_CREATE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
  g_autoptr (CtDb) self = NULL;
  int result;

  static gsize once = 0;

  if (g_once_init_enter (&once)) {
    sqlite3_config (SQLITE_CONFIG_MEMSTATUS, 0); /* a lock on every allocation, for figures nobody reads */
    g_once_init_leave (&once, 1);
  }
  if (!is_local (path, error))
    return NULL;
  if (!(flags & CT_DB_CREATE) && !g_file_test (path, G_FILE_TEST_EXISTS)) {
    ct_fail (error, CT_ERROR_NOT_FOUND, "There is no workspace file %s", path);
    return NULL;
  }
  self = g_new0 (CtDb, 1);
  self->path = g_strdup (path);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) ct_stmt_dispose);
  self->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->columns = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_strfreev);
  self->zone = g_time_zone_new_utc ();
  self->schema_version = -1;
  result = sqlite3_open_v2 (path, &self->handle, mode | SQLITE_OPEN_NOMUTEX, NULL);
  if (result != SQLITE_OK) {
    ct_fail (error, code_of (result), "Cannot open %s: %s", path, sqlite3_errmsg (self->handle));
    return NULL;
  }
  if (!configure (self, flags, error)) {
    g_prefix_error (error, "%s: ", path);
    return NULL;
  }
  return g_steal_pointer (&self);
}

void
ct_db_close (CtDb *self)
{
  if (!self)
    return;
  g_clear_pointer (&self->statements, g_hash_table_unref);
  if (self->handle && sqlite3_close (self->handle) != SQLITE_OK)
    g_critical ("a statement of %s is still in use", self->path);
  g_hash_table_unref (self->changed);
  g_hash_table_unref (self->columns);
  g_strfreev (self->business_tables);
  g_strfreev (self->committed);
  g_time_zone_unref (self->zone);
  g_clear_object (&self->cancellable);
  g_free (self->path);
  g_free (self);
}

const char *
ct_db_get_path (CtDb *self)
{
  return self->path;
}

/* The zone in which instants become dates; UTC until told. */
void
ct_db_set_zone (CtDb *self, GTimeZone *zone)
{
  g_time_zone_ref (zone);
  g_time_zone_unref (self->zone);
  self->zone = zone;
}

GTimeZone *
ct_db_get_zone (CtDb *self)
{
  return self->zone;
}

/* While set, a cancelled @cancellable interrupts running statements. */
void
ct_db_set_cancellable (CtDb *self, GCancellable *cancellable)
{
  g_set_object (&self->cancellable, cancellable);
  sqlite3_progress_handler (self->handle, cancellable ? 4000 : 0, cancellable ? progress_cb : NULL, self);
}

/* %FALSE with %G_IO_ERROR_CANCELLED once what this connection works for was cancelled; for work of many short
 * statements, which are not interrupted. */
gboolean
ct_db_check_cancelled (CtDb *self, GError **error)
{
  return !g_cancellable_set_error_if_cancelled (self->cancellable, error);
}

/* Runs a script of statements that return nothing of interest. */
gboolean
ct_db_exec (CtDb *self, const char *script, GError **error)
{
  int result = sqlite3_exec (self->handle, script, NULL, NULL, NULL);

  return result == SQLITE_OK || ct_db_fail (self, result, error);
}

gboolean
ct_db_run (CtDb *self, GError **error, const char *sql, const char *format, ...)
{
  g_autoptr (CtStmt) stmt = NULL;
  va_list args;

  va_start (args, format);
  stmt = ct_db_query_va (self, error, sql, format, args);
  va_end (args);
  return stmt && ct_stmt_finish (stmt, error);
}

/* Steps to the only row a question has; %NULL with CT_ERROR_NOT_FOUND where it has none. */
static CtStmt *
first_row (CtDb *self, GError **error, const char *sql, const char *format, va_list args)
{
  g_autoptr (CtStmt) stmt = ct_db_query_va (self, error, sql, format, args);

  if (!stmt)
    return NULL;
  if (!ct_stmt_next (stmt)) {
    if (ct_stmt_finish (stmt, error))
      ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such record"));
    return NULL;
  }
  return g_steal_pointer (&stmt);
}

/* @value of the first row's first column (%CT_NULL_INT for NULL); untouched where there is no row or an error. */
gboolean
ct_db_read_int (CtDb *self, gint64 *value, GError **error, const char *sql, const char *format, ...)
{
  g_autoptr (CtStmt) stmt = NULL;
  va_list args;

  va_start (args, format);
  stmt = first_row (self, error, sql, format, args);
  va_end (args);
  if (stmt)
    *value = ct_stmt_int (stmt, 0);
  return stmt != NULL;
}

/* (transfer full) (nullable): the first row's first column, "" for NULL; %NULL with an error where there is no row */
char *
ct_db_read_text (CtDb *self, GError **error, const char *sql, const char *format, ...)
{
  g_autoptr (CtStmt) stmt = NULL;
  va_list args;

  va_start (args, format);
  stmt = first_row (self, error, sql, format, args);
  va_end (args);
  if (!stmt)
    return NULL;
  return g_strdup (ct_stmt_text (stmt, 0) ? ct_stmt_text (stmt, 0) : "");
}

gboolean
ct_db_read_id (CtDb *self, CtId *id, GError **error, const char *sql, const char *format, ...)
{
  g_autoptr (CtStmt) stmt = NULL;
  va_list args;

  va_start (args, format);
  stmt = first_row (self, error, sql, format, args);
  va_end (args);
  if (stmt && !ct_stmt_id (stmt, 0, id))
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such record"));
  return stmt != NULL;
}

/* Rows changed by the last statement. */
gint64
ct_db_changes (CtDb *self)
{
  return sqlite3_changes64 (self->handle);
}

static gboolean
check_schema (CtDb *self, GError **error)
{
  gint64 version = -1;

  if (!ct_db_read_int (self, &version, error, "PRAGMA user_version", ""))
    return FALSE;
  if (self->schema_version < 0)
    self->schema_version = version;
  if (version != self->schema_version)
    return ct_fail (error, CT_ERROR_CONFLICT,
                    _ ("Another program has upgraded this workspace to schema %d; start this one again"),
                    (int) version);
  return TRUE;
}

gboolean
ct_db_begin (CtDb *self, GError **error)
{
  if (!ct_db_run (self, error, "BEGIN IMMEDIATE", ""))
    return FALSE;
  self->next_n = 0;
  g_hash_table_remove_all (self->changed);
  self->last_changed = NULL;
  if (!check_schema (self, error)) {
    ct_db_rollback (self);
    return FALSE;
  }
  return TRUE;
}

/* A stable view for several reads. */
gboolean
ct_db_begin_read (CtDb *self, GError **error)
{
  return ct_db_run (self, error, "BEGIN", "");
}

gboolean
ct_db_commit (CtDb *self, GError **error)
{
  if ((self->next_n &&
       !ct_db_run (self, error, "UPDATE row_counter SET next = max(next, ?)", "i", self->next_n)) ||
      !ct_db_run (self, error, "COMMIT", "")) {
    ct_db_rollback (self);
    return FALSE;
  }
  self->next_n = 0;
  self->replicating = FALSE;
  if (g_hash_table_size (self->changed)) {
    g_strfreev (self->committed);
    self->committed = (GStrv) g_hash_table_get_keys_as_array (self->changed, NULL);
    g_hash_table_steal_all (self->changed);
    self->last_changed = NULL;
  }
  return TRUE;
}

void
ct_db_rollback (CtDb *self)
{
  self->next_n = 0;
  self->replicating = FALSE;
  if (!sqlite3_get_autocommit (self->handle))
    sqlite3_exec (self->handle, "ROLLBACK", NULL, NULL, NULL);
}

/**
 * ct_db_set_replicating:
 * @replicating: until the transaction ends at the latest
 *
 * While it is on, triggers take rows as the authority has them: already decided, leased, sent, or a step back from that.
 * Hashes must match their bytes all the same. Commands never run with it.
 */
void
ct_db_set_replicating (CtDb *self, gboolean replicating)
{
  self->replicating = replicating;
}

gboolean
ct_db_in_transaction (CtDb *self)
{
  return !sqlite3_get_autocommit (self->handle);
}

gboolean
ct_db_savepoint (CtDb *self, GError **error)
{
  return ct_db_run (self, error, "SAVEPOINT step", "");
}

gboolean
ct_db_release (CtDb *self, GError **error)
{
  return ct_db_run (self, error, "RELEASE step", "");
}

/* Undoes what came since the savepoint, and ends it. */
gboolean
ct_db_rollback_to (CtDb *self, GError **error)
{
  return ct_db_run (self, error, "ROLLBACK TO step", "") && ct_db_release (self, error);
}

static gboolean
defers_foreign_keys (CtDb *self)
{
  sqlite3_stmt *stmt = NULL;
  gboolean defers =
      sqlite3_prepare_v2 (self->handle, "PRAGMA defer_foreign_keys", -1, &stmt, NULL) == SQLITE_OK &&
      sqlite3_step (stmt) == SQLITE_ROW && sqlite3_column_int (stmt, 0);

  sqlite3_finalize (stmt);
  return defers;
}

/**
 * ct_db_defer_foreign_keys:
 * @defer: until it is switched off, or the transaction ends
 *
 * SQLite switches while it compiles the pragma. Where it does, the pragma is not run as well: that would have each
 * prepared statement compiled anew, which takes longer than writing the few rows of a pull.
 */
gboolean
ct_db_defer_foreign_keys (CtDb *self, gboolean defer, GError **error)
{
  const char *pragma = defer ? "PRAGMA defer_foreign_keys = ON" : "PRAGMA defer_foreign_keys = OFF";
  sqlite3_stmt *stmt = NULL;
  int result = sqlite3_prepare_v2 (self->handle, pragma, -1, &stmt, NULL);

  sqlite3_finalize (stmt);
  if (result != SQLITE_OK)
    return ct_db_fail (self, result, error);
  return defers_foreign_keys (self) == defer || ct_db_exec (self, pragma, error);
}

/* Whether no deferred foreign key is open; COMMIT would notice, RELEASE would not. */
gboolean
ct_db_foreign_keys_hold (CtDb *self)
{
  int open = 0, highest;

  sqlite3_db_status (self->handle, SQLITE_DBSTATUS_DEFERRED_FKS, &open, &highest, 0);
  return open == 0;
}

/* In a transaction: SQLite does not tell of tables without a rowid by itself. */
void
ct_db_note_changed (CtDb *self, const char *table)
{
  update_cb (self, 0, NULL, table, 0);
}

GStrv
ct_db_take_changed_tables (CtDb *self)
{
  return g_steal_pointer (&self->committed);
}

/* Changes where another connection has committed. */
gint64
ct_db_data_version (CtDb *self)
{
  gint64 version = 0;

  return ct_db_read_int (self, &version, NULL, "PRAGMA data_version", "") ? version : 0;
}

/* The schema's version, as the transaction found it. */
gint64
ct_db_schema_version (CtDb *self)
{
  gint64 version = self->schema_version;

  if (version < 0 && !ct_db_read_int (self, &version, NULL, "PRAGMA user_version", ""))
    return 0;
  return version;
}

/* Puts @table behind all tables that refer to it. */
static gboolean
visit_table (CtDb *self, const char *table, GHashTable *all, GHashTable *seen, GPtrArray *order,
             GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;

  if (!g_hash_table_contains (all, table) || !g_hash_table_add (seen, g_strdup (table)))
    return TRUE;
  stmt = ct_db_query (self, error,
                      "SELECT DISTINCT m.name FROM sqlite_schema m, pragma_foreign_key_list(m.name) f "
                      "WHERE m.type = 'table' AND f.\"table\" = ? AND m.name <> ? ORDER BY m.name",
                      "ss", table, table);
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt))
    if (!visit_table (self, ct_stmt_text (stmt, 0), all, seen, order, error))
      return FALSE;
  g_ptr_array_add (order, g_strdup (table));
  return ct_stmt_finish (stmt, error);
}

/**
 * ct_db_business_tables:
 *
 * The tables whose rows are recorded, pushed and committed to: those with a UUID `id` and a local `n`, children before
 * their parents, so that undoing a changeset deletes children first.
 *
 * Returns: (transfer none): names, ended by %NULL
 */
const char *const *
ct_db_business_tables (CtDb *self, GError **error)
{
  g_autoptr (GHashTable) all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) order = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (CtStmt) stmt = NULL;

  if (self->business_tables)
    return (const char *const *) self->business_tables;
  stmt =
      ct_db_query (self, error,
                   "SELECT m.name FROM sqlite_schema m WHERE m.type = 'table' AND 2 = (SELECT count(*) FROM "
                   "pragma_table_info(m.name) c WHERE c.name IN ('id', 'n')) ORDER BY m.name",
                   "");
  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt)) {
    char *name = g_strdup (ct_stmt_text (stmt, 0));

    g_hash_table_add (all, name);
    g_ptr_array_add (names, name);
  }
  if (!ct_stmt_finish (stmt, error))
    return NULL;
  for (guint i = 0; i < names->len; i++)
    if (!visit_table (self, names->pdata[i], all, seen, order, error))
      return NULL;
  g_ptr_array_add (order, NULL);
  self->business_tables = (GStrv) g_ptr_array_free (g_steal_pointer (&order), FALSE);
  return (const char *const *) self->business_tables;
}

/* (transfer none): the columns of @table in their order, ended by %NULL; known for as long as the connection lives */
const char *const *
ct_db_column_names (CtDb *self, const char *table, GError **error)
{
  GStrv names = g_hash_table_lookup (self->columns, table);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (CtStmt) stmt = NULL;

  if (names)
    return (const char *const *) names;
  stmt = ct_db_query (self, error, "SELECT name FROM pragma_table_info(?) ORDER BY cid", "s", table);
  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt))
    g_ptr_array_add (found, g_strdup (ct_stmt_text (stmt, 0)));
  if (!ct_stmt_finish (stmt, error))
    return NULL;
  if (found->len == 0) {
    ct_fail (error, CT_ERROR_NOT_FOUND, "There is no table %s", table);
    return NULL;
  }
  g_ptr_array_add (found, NULL);
  names = (GStrv) g_ptr_array_free (g_steal_pointer (&found), FALSE);
  g_hash_table_insert (self->columns, g_strdup (table), names);
  return (const char *const *) names;
}
