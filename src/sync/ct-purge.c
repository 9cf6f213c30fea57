/* What a login may no longer see leaves the replica altogether: the rows, what hangs on them, what undoes commands on them,
 * what those commands said, and the bytes in files. The ids of a pull's hidden rows stand in the temporary table purged
 * while it is applied. */
#include "ct-purge.h"
#include "ct-backlog.h"
#include "ct-changes.h"
#include "ct-tray.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define COPY ".damaged-"

static gboolean
make_table (CtDb *db, GError **error)
{
  return ct_db_exec (db, "CREATE TEMP TABLE IF NOT EXISTS purged(id BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID",
                     error);
}

/* Rows that the server hides; none where it was restored: what it lost then is offered again. */
gboolean
ct_purge_begin (CtDb *db, CtPulled *pulled, GError **error)
{
  if (!make_table (db, error))
    return FALSE;
  for (guint i = 0; i < pulled->rows->len; i++) {
    const CtPulledRow *row = pulled->rows->pdata[i];

    if (row->hidden &&
        !ct_db_run (db, error, "INSERT INTO temp.purged VALUES(?) ON CONFLICT DO NOTHING", "k", &row->id))
      return FALSE;
  }
  return TRUE;
}

/* The rows that are left in a table are hidden as well. */
gboolean
ct_purge_note_rest (CtDb *db, const char *table, GError **error)
{
  g_autofree char *sql = g_strdup_printf (
      "INSERT INTO temp.purged SELECT id FROM main.%s WHERE true ON CONFLICT DO NOTHING", table);

  return ct_db_run (db, error, sql, "");
}

/* What one command wrote and is not here. */
typedef struct {
  CtDb *db;
  GHashTable *missing; /* (unowned) (element-type CtId): of this command and those before it */
  GPtrArray *own;      /* (unowned) (element-type CtId): of this command */
  gboolean some_here;
} Missing;

static gboolean
missing_cb (const CtChange *change, gpointer data, GError **error)
{
  Missing *self = data;
  g_autofree char *sql =
      g_strdup_printf ("SELECT EXISTS (SELECT 1 FROM main.\"%s\" WHERE id = ?)", change->table);
  gint64 here = 0;

  if (change->operation == 'd') {
    g_hash_table_remove (self->missing, &change->id);
    return TRUE;
  }
  if (!ct_db_read_int (self->db, &here, error, sql, "k", &change->id))
    return FALSE;
  self->some_here |= here != 0;
  g_ptr_array_add (self->own, g_memdup2 (&change->id, sizeof change->id));
  return TRUE;
}

/* Adds what @seq wrote to @missing where nothing of it is here, and takes from there what it deleted. */
static gboolean
note_missing_of (CtDb *db, gint64 seq, GHashTable *missing, GError **error)
{
  g_autoptr (GPtrArray) own = g_ptr_array_new_with_free_func (g_free);
  Missing task = { db, missing, own, FALSE };

  if (!ct_changes_foreach (db, seq, missing_cb, &task, error))
    return FALSE;
  for (guint i = 0; i < own->len && !task.some_here; i++)
    g_hash_table_add (missing, g_memdup2 (own->pdata[i], sizeof (CtId)));
  return TRUE;
}

/**
 * ct_purge_note_missing:
 * @db: in the transaction of a whole pull, or one with other scopes, with the rows written
 * @acknowledged: later commands are pending
 *
 * A whole pull does not say which rows are hidden: it leaves them out, as it does those that are gone. Where nothing is here of
 * what a command wrote that the server applied, and no own command deleted it, the rows count as hidden.
 */
gboolean
ct_purge_note_missing (CtDb *db, gint64 acknowledged, GError **error)
{
  g_autoptr (GHashTable) missing = g_hash_table_new_full (ct_id_hash, (GEqualFunc) ct_id_equal, g_free, NULL);
  g_autoptr (GArray) commands = ct_backlog_numbers (
      db,
      "SELECT DISTINCT c.seq FROM changesets c JOIN sync_outcomes o USING (seq) WHERE o.outcome = 'applied'"
      " AND seq <= ? ORDER BY seq",
      acknowledged, error);
  GHashTableIter iter;
  gpointer id;

  for (guint i = 0; commands && i < commands->len; i++)
    if (!note_missing_of (db, g_array_index (commands, gint64, i), missing, error))
      return FALSE;
  g_hash_table_iter_init (&iter, missing);
  while (commands && g_hash_table_iter_next (&iter, &id, NULL))
    if (!ct_db_run (db, error, "INSERT INTO temp.purged VALUES(?) ON CONFLICT DO NOTHING", "k", id))
      return FALSE;
  return commands != NULL;
}

static gboolean
is_empty (CtDb *db, gboolean *empty, GError **error)
{
  gint64 some = 0;
  gboolean known = ct_db_read_int (db, &some, error, "SELECT EXISTS (SELECT 1 FROM temp.purged)", "");

  *empty = !some;
  return known;
}

/* (transfer full): SQL that is true for a row of @table that hangs on a purged one; NULL with @error */
static char *
hangs_on_purged (CtDb *db, const char *table, GError **error)
{
  return ct_db_read_text (
      db, error,
      "SELECT coalesce(group_concat('\"' || name || '\" IN (SELECT id FROM temp.purged)', ' OR '), '0')"
      " FROM pragma_table_info(?) WHERE type = 'BLOB' AND name <> 'id'",
      "s", table);
}

/* Of tables that the server does not have: drafts, approvals, posts made here. Adds their rows to the purged ones. */
static gboolean
note_hanging (CtDb *db, CtPulled *pulled, const char *const *tables, gboolean *more, GError **error)
{
  for (guint i = 0; tables[i]; i++) {
    g_autofree char *hangs = NULL, *sql = NULL;

    if (g_strv_contains ((const char *const *) pulled->tables, tables[i]))
      continue;
    hangs = hangs_on_purged (db, tables[i], error);
    if (!hangs)
      return FALSE;
    sql = g_strdup_printf ("INSERT INTO temp.purged SELECT id FROM main.%s WHERE %s ON CONFLICT DO NOTHING",
                           tables[i], hangs);
    if (!ct_db_run (db, error, sql, ""))
      return FALSE;
    *more |= ct_db_changes (db) > 0;
  }
  return TRUE;
}

/**
 * ct_purge_rows:
 * @db: in the transaction of a pull, with foreign keys deferred and nothing pending in the rows concerned
 *
 * Deletes what hangs on hidden rows, in tables that the server knows nothing of.
 */
gboolean
ct_purge_rows (CtDb *db, CtPulled *pulled, GError **error)
{
  const char *const *tables = ct_db_business_tables (db, error);
  gboolean more = TRUE, empty = TRUE;

  if (!tables || !make_table (db, error) || !is_empty (db, &empty, error))
    return FALSE;
  while (more && !empty) {
    more = FALSE;
    if (!note_hanging (db, pulled, tables, &more, error))
      return FALSE;
  }
  for (guint i = 0; tables[i] && !empty; i++) {
    g_autofree char *sql =
        g_strdup_printf ("DELETE FROM main.%s WHERE id IN (SELECT id FROM temp.purged)", tables[i]);

    if (!g_strv_contains ((const char *const *) pulled->tables, tables[i]) && !ct_db_run (db, error, sql, ""))
      return FALSE;
  }
  return TRUE;
}

typedef struct {
  CtDb *db;
  gboolean touched;
} TouchTask;

static gboolean
is_purged (CtDb *db, const void *id, gboolean *purged, GError **error)
{
  gint64 found = 0;
  gboolean known =
      ct_db_read_int (db, &found, error, "SELECT EXISTS (SELECT 1 FROM temp.purged WHERE id = ?)", "k", id);

  *purged = found != 0;
  return known;
}

/* Whether a value before or after the change is the id of a purged row. */
static gboolean
refers_to_purged (CtDb *db, const CtChange *change, gboolean *refers, GError **error)
{
  for (int i = 0; i < change->n_columns && !*refers; i++) {
    const CtValue *values[] = { &change->before[i], &change->after[i] };

    for (guint k = 0; k < G_N_ELEMENTS (values) && !*refers; k++)
      if (values[k]->type == 'b' && values[k]->length == CT_ID_SIZE &&
          !is_purged (db, values[k]->data, refers, error))
        return FALSE;
  }
  return TRUE;
}

/* What would hang on a purged row and is not here was refused, taken back, or waits: it goes as well, and what hangs on it. */
static gboolean
hung_on_purged (CtDb *db, const CtChange *change, gboolean *hung, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT EXISTS (SELECT 1 FROM main.\"%s\" WHERE id = ?)", change->table);
  gboolean refers = FALSE;
  gint64 here = 0;

  if (!refers_to_purged (db, change, &refers, error) ||
      (refers && !ct_db_read_int (db, &here, error, sql, "k", &change->id)))
    return FALSE;
  *hung = refers && !here;
  return !*hung ||
         ct_db_run (db, error, "INSERT INTO temp.purged VALUES(?) ON CONFLICT DO NOTHING", "k", &change->id);
}

static gboolean
touches_cb (const CtChange *change, gpointer data, GError **error)
{
  TouchTask *task = data;
  gboolean touched = FALSE;

  if (!is_purged (task->db, &change->id, &touched, error) ||
      (!touched && !hung_on_purged (task->db, change, &touched, error)))
    return FALSE;
  task->touched |= touched;
  return TRUE;
}

/* Adds @seq, and before it those in whose place it was given, for they say the same. */
static gboolean
add_with_former (CtDb *db, gint64 seq, GArray *found, GError **error)
{
  g_autoptr (GArray) former = ct_backlog_numbers (
      db,
      "WITH RECURSIVE former(seq) AS (SELECT seq FROM attention WHERE again = ?1 UNION"
      " SELECT a.seq FROM attention a JOIN former f ON a.again = f.seq) SELECT seq FROM former ORDER BY seq",
      seq, error);

  if (!former)
    return FALSE;
  g_array_append_vals (found, former->data, former->len);
  g_array_append_val (found, seq);
  return TRUE;
}

/* (transfer full): the commands that wrote a purged row */
static GArray *
touching (CtDb *db, GError **error)
{
  g_autoptr (GArray) all =
      ct_backlog_numbers (db, "SELECT DISTINCT seq FROM changesets WHERE seq > ? ORDER BY seq", 0, error),
                     found = NULL;

  if (!all)
    return NULL;
  found = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < all->len; i++) {
    gint64 seq = g_array_index (all, gint64, i);
    TouchTask task = { db, FALSE };

    if (!ct_changes_foreach (db, seq, touches_cb, &task, error) ||
        (task.touched && !add_with_former (db, seq, found, error)))
      return NULL;
  }
  return g_steal_pointer (&found);
}

/* A person is told which command it was and why it is lost, and nothing of the record. */
static gboolean
forget_command (CtDb *db, gint64 seq, gboolean pending, gint64 now, GError **error)
{
  const char *reason = _ ("It concerns a record that you may no longer see");

  return (!pending || ct_tray_put (db, seq, "hidden", reason, NULL, now, error)) &&
         ct_db_run (db, error, "DELETE FROM changesets WHERE seq = ?", "i", seq) &&
         ct_db_run (db, error, "UPDATE intents SET args = NULL WHERE seq = ? AND args IS NOT NULL", "i",
                    seq) &&
         ct_db_run (db, error, "UPDATE sync_outcomes SET reason = NULL WHERE seq = ?", "i", seq) &&
         ct_db_run (db, error,
                    "UPDATE attention SET reason = ?2, theirs = json_object('code', 'hidden', 'columns', "
                    "json_array())"
                    " WHERE seq = ?1",
                    "is", seq, reason);
}

/* Something was deleted that must leave the files as well: ct_purge_finish() sees to it, after a crash as well. */
gboolean
ct_purge_order (CtDb *db, GError **error)
{
  return ct_db_run (db, error, "INSERT INTO workspace VALUES('purge', '1') ON CONFLICT DO NOTHING", "");
}

/**
 * ct_purge_history:
 * @db: in the transaction of a pull, with pending commands undone and the rows written
 * @acknowledged: later commands are pending
 * @parked: (inout): counts those of them that moved to the tray
 *
 * Forgets what commands on hidden rows said and changed; they can be neither undone nor given again.
 */
gboolean
ct_purge_history (CtDb *db, gint64 acknowledged, gint64 now, guint *parked, GError **error)
{
  g_autoptr (GArray) commands = NULL;
  gboolean empty = TRUE;

  if (!is_empty (db, &empty, error))
    return FALSE;
  if (empty)
    return TRUE;
  commands = touching (db, error);
  for (guint i = 0; commands && i < commands->len; i++) {
    gint64 seq = g_array_index (commands, gint64, i), tray = 0;

    if (!ct_db_read_int (db, &tray, error, "SELECT EXISTS (SELECT 1 FROM attention WHERE seq = ?)", "i",
                         seq) ||
        !forget_command (db, seq, seq > acknowledged && !tray, now, error))
      return FALSE;
    *parked += seq > acknowledged && !tray;
  }
  return commands &&
         ct_db_run (db, error, "DELETE FROM dirty WHERE id IN (SELECT id FROM temp.purged)", "") &&
         ct_purge_order (db, error) && ct_db_run (db, error, "DELETE FROM temp.purged", "");
}

/* Deleted text stays in a full-text index until its segments are merged. */
static gboolean
merge_indexes (CtDb *db, GError **error)
{
  g_autofree char *names =
      ct_db_read_text (db, error,
                       "SELECT coalesce(group_concat(name, ' '), '') FROM sqlite_schema"
                       " WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE % USING fts5(%'",
                       "");
  g_auto (GStrv) each = names ? g_strsplit (names, " ", -1) : NULL;

  for (guint i = 0; each && each[i]; i++) {
    g_autofree char *sql = g_strdup_printf ("INSERT INTO %s(%s) VALUES('optimize')", each[i], each[i]);

    if (*each[i] && !ct_db_exec (db, sql, error))
      return FALSE;
  }
  return each != NULL;
}

/**
 * ct_purge_copy_name:
 *
 * Returns: (transfer full): where a copy of the replica goes before it is loaded anew; it lasts until something is purged
 */
char *
ct_purge_copy_name (CtDb *db, gint64 now)
{
  return g_strdup_printf ("%s" COPY "%" G_GINT64_FORMAT, ct_db_get_path (db), now);
}

/* What was pending when they were made is in the replica itself. One that cannot be removed stops nobody's work: the log names
 * it, and the next purge tries again. */
static void
remove_copies (CtDb *db, guint *copies)
{
  g_autofree char *folder = g_path_get_dirname (ct_db_get_path (db)),
                  *name = g_path_get_basename (ct_db_get_path (db)), *prefix = g_strconcat (name, COPY, NULL);
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  const char *entry;

  while (directory && (entry = g_dir_read_name (directory))) {
    g_autofree char *path = g_build_filename (folder, entry, NULL);

    if (!g_str_has_prefix (entry, prefix))
      continue;
    if (g_unlink (path) == 0)
      *copies += 1;
    else
      g_warning (_ ("%s has records that you may no longer see and cannot be removed (%s): remove it"), path,
                 g_strerror (errno));
  }
}

/**
 * ct_purge_finish:
 * @db: outside a transaction
 * @copies: (inout): counts the copies of the replica that were removed: nobody goes through what they still hold
 *
 * Takes the bytes of what was purged out of the search index, out of the write-ahead log, and with them the copies of a
 * damaged replica. While another program reads the replica it cannot be done; the next pull tries again, after a crash as
 * well.
 */
gboolean
ct_purge_finish (CtDb *db, guint *copies, GError **error)
{
  gint64 due = 0, busy = 1;

  if (!ct_db_read_int (db, &due, error, "SELECT EXISTS (SELECT 1 FROM workspace WHERE key = 'purge')", ""))
    return FALSE;
  if (!due)
    return TRUE;
  if (!merge_indexes (db, error) || !ct_db_read_int (db, &busy, error, "PRAGMA wal_checkpoint(TRUNCATE)", ""))
    return FALSE;
  remove_copies (db, copies);
  return busy || ct_db_run (db, error, "DELETE FROM workspace WHERE key = 'purge'", "");
}
