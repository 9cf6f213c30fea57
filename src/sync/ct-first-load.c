/* The first load: all rows that the login may see, table by table in the order of their ids, in pieces that are each
 * committed together with how far they reach. One moment of the server is read; a load that was interrupted goes on from a
 * later one, and the feed since the first one, which the next pull brings, makes one moment of both. */
#include "ct-first-load.h"
#include "ct-backlog.h"
#include "ct-bulk.h"
#include "ct-copy.h"
#include "ct-sync.h"

#include <string.h>

/* What is held of a table at a time. */
#define PIECE_BYTES (4 * 1024 * 1024)

/* From how many rows on a table's indexes are made at the end. */
#define BULK_ROWS 5000

typedef struct {
  CtDb *db;
  CtSession *session;
  GCancellable *cancellable; /* (nullable) */
  CtFirstLoadFunc told;      /* (nullable) */
  gpointer data;
  GHashTable *columns; /* (owned): what the server shows: see ct_copy_columns() */
  gint64 done, expected;
  gint64 came; /* rows that this call has written */
} Load;

/* What is left to do of one table. */
typedef struct {
  char *table;        /* (owned) */
  GPtrArray *columns; /* (owned) (element-type CtCopyColumn): those that both sides have, the id first */
  CtCopyValue *values;
  gboolean begun; /* @last is one that came before */
  CtId last;
} Part;

static void
part_clear (Part *self)
{
  g_clear_pointer (&self->table, g_free);
  g_clear_pointer (&self->columns, g_ptr_array_unref);
  g_clear_pointer (&self->values, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Part, part_clear)

/**
 * ct_first_load_is_under_way:
 *
 * Whether a load has begun and not ended, in whichever process: commands would be about half of the rows.
 */
gboolean
ct_first_load_is_under_way (CtDb *db, gboolean *under_way, GError **error)
{
  gint64 loading = 0;

  if (!ct_db_read_int (db, &loading, error, "SELECT EXISTS (SELECT 1 FROM sync_load)", ""))
    return FALSE;
  *under_way = loading != 0;
  return TRUE;
}

/* How many rows of a load have come, and how many will; both 0 where none is under way. */
gboolean
ct_first_load_progress (CtDb *db, gint64 *done, gint64 *expected, GError **error)
{
  return ct_db_read_int (db, done, error, "SELECT coalesce(sum(done), 0) FROM sync_load", "") &&
         ct_db_read_int (db, expected, error, "SELECT coalesce(sum(max(expected, done)), 0) FROM sync_load",
                         "");
}

/* A replica that never had anything from the server, and holds nothing back from it. */
static gboolean
is_wanted (CtDb *db, gboolean *wanted, GError **error)
{
  gint64 empty = 0;

  if (!ct_db_read_int (
          db, &empty, error,
          "SELECT s.number = 0 AND s.epoch = zeroblob(16) AND NOT EXISTS (SELECT 1 FROM intents i"
          " WHERE i.seq > s.acknowledged) FROM sync_state s",
          ""))
    return FALSE;
  *wanted = empty != 0;
  return TRUE;
}

/* Rows that the login sees of each table that both sides have, in the replica's order: children first. */
static CtAnswer *
count_rows (Load *self, const char *const *served, GError **error)
{
  g_autoptr (GString) sql = g_string_new (NULL);
  const char *const *tables = ct_db_business_tables (self->db, error);

  if (!tables)
    return NULL;
  for (guint i = 0; tables[i]; i++)
    if (g_strv_contains (served, tables[i]))
      g_string_append_printf (sql, "%sSELECT '%s', count(*) FROM api.\"%s\"", sql->len ? " UNION ALL " : "",
                              tables[i], tables[i]);
  return ct_session_query (self->session, self->cancellable, error, sql->str, "");
}

/* Rows come after those that they refer to; they go before them. */
static gboolean
begin_table (CtDb *db, const char *table, int position, gint64 expected, GError **error)
{
  g_autofree char *empty = g_strdup_printf ("DELETE FROM \"%s\"", table);

  return ct_db_run (db, error, empty, "") &&
         ct_db_run (db, error, "INSERT INTO sync_load(tbl, position, expected) VALUES(?, ?, ?)", "sii", table,
                    (gint64) position, expected) &&
         (expected < BULK_ROWS || ct_bulk_begin (db, table, error));
}

static gboolean
begin_within (CtDb *db, CtPulled *head, CtAnswer *counts, GError **error)
{
  gboolean wanted = FALSE;
  int n = ct_answer_rows (counts);

  if (!is_wanted (db, &wanted, error))
    return FALSE;
  if (!wanted)
    return ct_fail (error, CT_ERROR_BUSY, "another process of this workspace has changed it meanwhile");
  for (int i = 0; i < n; i++)
    if (!begin_table (db, ct_answer_text (counts, i, 0), n - i, ct_answer_int (counts, i, 1), error))
      return FALSE;
  return ct_db_run (db, error,
                    "UPDATE sync_state SET epoch = ?, number = ?, nonce = ?, scopes = ? WHERE one = 1",
                    "kiks", &head->cursor.epoch, head->cursor.number, &head->cursor.nonce, head->scopes);
}

static gboolean
commit_or_rollback (CtDb *db, gboolean done, GError **error)
{
  if (done)
    return ct_db_commit (db, error);
  ct_db_rollback (db);
  return FALSE;
}

/* Notes what is to come and where the feed stands; empties the tables of what the workspace was made with. */
static gboolean
begin (Load *self, CtPulled *head, GError **error)
{
  g_autoptr (CtAnswer) counts = NULL;

  if (!head->tables[0])
    return TRUE;
  counts = count_rows (self, (const char *const *) head->tables, error);
  return counts && ct_db_begin (self->db, error) &&
         commit_or_rollback (self->db, begin_within (self->db, head, counts, error), error);
}

/**
 * ct_first_load_abandon:
 * @db: in a transaction
 *
 * Forgets a load under way, and puts the schema right: the next one begins at the beginning. Rows that have come stay.
 */
gboolean
ct_first_load_abandon (CtDb *db, GError **error)
{
  gboolean under_way = FALSE, more = TRUE;

  if (!ct_first_load_is_under_way (db, &under_way, error))
    return FALSE;
  while (under_way && more)
    if (!ct_bulk_restore_next (db, &more, error))
      return FALSE;
  return !under_way ||
         (ct_db_run (db, error, "DELETE FROM sync_load", "") &&
          ct_db_run (
              db, error,
              "UPDATE sync_state SET epoch = zeroblob(16), number = 0, nonce = zeroblob(16), scopes = ''"
              " WHERE one = 1",
              ""));
}

static gboolean
abandon (CtDb *db, GError **error)
{
  return ct_db_begin (db, error) && commit_or_rollback (db, ct_first_load_abandon (db, error), error);
}

/* (transfer full): columns of @table that both sides have */
static GPtrArray *
common_columns (Load *self, const char *table, GError **error)
{
  g_autoptr (GPtrArray) common = g_ptr_array_new ();
  GPtrArray *theirs = g_hash_table_lookup (self->columns, table);
  const char *const *ours = ct_db_column_names (self->db, table, error);

  if (!ours)
    return NULL;
  for (guint i = 0; theirs && i < theirs->len; i++) {
    CtCopyColumn *column = theirs->pdata[i];

    if (g_str_equal (column->name, "id"))
      g_ptr_array_insert (common, 0, column);
    else if (g_strv_contains (ours, column->name) && !g_str_equal (column->name, "n"))
      g_ptr_array_add (common, column);
  }
  if (common->len > 0 && g_str_equal (((CtCopyColumn *) common->pdata[0])->name, "id"))
    return g_steal_pointer (&common);
  ct_fail (error, CT_ERROR_INVALID, "the server shows no rows of %s with an id", table);
  return NULL;
}

/* @part->table is NULL where nothing is left. */
static gboolean
next_part (Load *self, Part *part, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      self->db, error, "SELECT tbl, last_id FROM sync_load WHERE NOT finished ORDER BY position LIMIT 1", "");

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt)) {
    part->table = g_strdup (ct_stmt_text (stmt, 0));
    part->begun = ct_stmt_id (stmt, 1, &part->last);
  }
  if (!ct_stmt_finish (stmt, error) || !part->table)
    return !(error && *error);
  part->columns = common_columns (self, part->table, error);
  if (!part->columns)
    return FALSE;
  part->values = g_new0 (CtCopyValue, part->columns->len);
  return TRUE;
}

/* (transfer full): the statement that writes a row: id, n, the other columns */
static CtStmt *
prepare (CtDb *db, Part *part, GError **error)
{
  g_autoptr (GString) names = g_string_new ("id,n"), marks = g_string_new ("?1,next_n()");
  g_autofree char *sql = NULL;

  for (guint i = 1; i < part->columns->len; i++) {
    g_string_append_printf (names, ",\"%s\"", ((CtCopyColumn *) part->columns->pdata[i])->name);
    g_string_append_printf (marks, ",?%u", i + 1);
  }
  sql = g_strdup_printf ("INSERT INTO \"%s\"(%s) VALUES(%s)", part->table, names->str, marks->str);
  return ct_db_query (db, error, sql, "");
}

static gboolean
bind (CtStmt *stmt, int at, const CtCopyValue *value, GError **error)
{
  switch (value->type) {
  case 'i':
    return ct_stmt_bind_at (stmt, error, at, "i", value->integer);
  case 'd':
    return ct_stmt_bind_at (stmt, error, at, "d", value->real);
  case 't':
    return ct_stmt_bind_at (stmt, error, at, "t", value->data, value->length);
  case 'b':
    return ct_stmt_bind_at (stmt, error, at, "b", value->data, value->length);
  default:
    return ct_stmt_bind_at (stmt, error, at, "n");
  }
}

static gboolean
write_row (CtStmt *stmt, Part *part, CtCopyPiece *piece, GError **error)
{
  if (!ct_copy_piece_next (piece, part->columns, part->values, error) || !ct_stmt_rebind (stmt, error, ""))
    return FALSE;
  for (guint i = 0; i < part->columns->len; i++)
    if (!bind (stmt, (int) i + 1, &part->values[i], error))
      return FALSE;
  return ct_stmt_finish (stmt, error);
}

static gboolean
write_rows (CtDb *db, Part *part, CtCopyPiece *piece, GError **error)
{
  g_autoptr (CtStmt) stmt = prepare (db, part, error);

  if (!stmt)
    return FALSE;
  ct_db_set_replicating (db, TRUE); /* until the transaction ends */
  for (guint i = 0; i < piece->rows; i++)
    if (!write_row (stmt, part, piece, error))
      return FALSE;
  return TRUE;
}

static gboolean
write_within (CtDb *db, Part *part, CtCopyPiece *piece, GError **error)
{
  const CtCopyValue *id = part->values;

  if (piece->rows == 0)
    return ct_db_run (db, error, "UPDATE sync_load SET finished = 1 WHERE tbl = ?", "s", part->table);
  return write_rows (db, part, piece, error) &&
         ct_db_run (db, error, "UPDATE sync_load SET done = done + ?, last_id = ? WHERE tbl = ?", "ibs",
                    (gint64) piece->rows, id->data, id->length, part->table);
}

/* Another process may have done it before, or given it up. */
static gboolean
check_place (CtDb *db, Part *part, GError **error)
{
  gint64 here = 0;

  return ct_db_read_int (
             db, &here, error,
             "SELECT EXISTS (SELECT 1 FROM sync_load WHERE tbl = ? AND NOT finished AND last_id IS ?)", "sk",
             part->table, part->begun ? &part->last : NULL) &&
         (here || ct_fail (error, CT_ERROR_BUSY, "another process of this workspace loads it"));
}

static gboolean
write_piece (Load *self, Part *part, CtCopyPiece *piece, GError **error)
{
  if (!ct_db_begin (self->db, error) ||
      !commit_or_rollback (self->db,
                           check_place (self->db, part, error) && write_within (self->db, part, piece, error),
                           error))
    return FALSE;
  if (piece->rows == 0)
    return TRUE;
  part->begun = TRUE;
  memcpy (part->last.bytes, part->values->data, CT_ID_SIZE);
  self->came += piece->rows;
  self->done += piece->rows;
  if (self->told)
    self->told (part->table, self->done, MAX (self->done, self->expected), self->data);
  return TRUE;
}

static gboolean
load_table (Load *self, Part *part, GError **error)
{
  g_autoptr (CtCopy) copy = ct_copy_open (self->session, part->table, part->columns,
                                          part->begun ? &part->last : NULL, self->cancellable, error);
  gboolean more = copy != NULL;

  while (more) {
    g_autoptr (CtCopyPiece) piece = ct_copy_read (copy, PIECE_BYTES, self->cancellable, error);

    if (!piece || !write_piece (self, part, piece, error))
      return FALSE;
    more = piece->rows > 0;
  }
  return copy != NULL;
}

static gboolean
load_tables (Load *self, GError **error)
{
  self->columns = ct_copy_columns (self->session, self->cancellable, error);
  if (!self->columns)
    return FALSE;
  for (;;) {
    g_auto (Part) part = { 0 };

    if (!next_part (self, &part, error))
      return FALSE;
    if (!part.table)
      return TRUE;
    if (!load_table (self, &part, error))
      return FALSE;
  }
}

/* One at a time, so that nobody waits long for the write lock. */
static gboolean
restore_indexes (CtDb *db, GError **error)
{
  gboolean more = TRUE;

  while (more)
    if (!ct_db_check_cancelled (db, error) || !ct_db_begin (db, error) ||
        !commit_or_rollback (db, ct_bulk_restore_next (db, &more, error), error))
      return FALSE;
  return TRUE;
}

/* All rows are new: what was noted of them one by one, and what was found out about others, no longer counts. */
static gboolean
finish_within (CtDb *db, GError **error)
{
  return ct_db_run (db, error, "DELETE FROM dirty", "") &&
         ct_db_run (db, error, "DELETE FROM detection", "") &&
         ct_db_run (db, error, "DELETE FROM sync_load", "");
}

/* Asks where the feed stands, and whether what has come so far still belongs to it. */
static CtPulled *
ask_head (Load *self, GError **error)
{
  const char *const *tables = ct_db_business_tables (self->db, error);
  g_auto (CtBacklogState) state = { 0 };

  return tables && ct_backlog_read (self->db, &state, error)
             ? ct_pull_head (self->session, tables, &state.cursor, state.scopes, self->cancellable, error)
             : NULL;
}

/* What comes from now on is of a later moment, and so is what may have to go again. Where the scopes are others now, those that
 * were lost meanwhile bring nothing more. */
static gboolean
go_on (Load *self, CtPulled *head, GError **error)
{
  g_auto (CtBacklogState) state = { 0 };

  return ct_backlog_read (self->db, &state, error) &&
         (!ct_pull_same_scopes (state.scopes, head->scopes) ||
          ct_db_run (self->db, error, "UPDATE sync_state SET scopes = ? WHERE one = 1", "s", head->scopes));
}

/* In one transaction of the server. */
static gboolean
load_rows (Load *self, GError **error)
{
  g_autoptr (CtPulled) head = ask_head (self, error);
  gboolean under_way = FALSE;

  if (!head || !ct_sync_check_window (self->db, head->oldest, head->newest, error) ||
      !ct_first_load_is_under_way (self->db, &under_way, error))
    return FALSE;
  if (under_way && head->whole) {
    /* another history than the one it began with */
    if (!abandon (self->db, error))
      return FALSE;
    under_way = FALSE;
  }
  return (under_way ? go_on (self, head, error) : begin (self, head, error)) &&
         ct_first_load_progress (self->db, &self->done, &self->expected, error) && load_tables (self, error);
}

static gboolean
load (Load *self, GError **error)
{
  gboolean done;

  if (!ct_session_begin_read (self->session, self->cancellable, error))
    return FALSE;
  done = load_rows (self, error);
  if (!done) {
    ct_session_end (self->session, FALSE, NULL, NULL);
    return FALSE;
  }
  return ct_session_end (self->session, TRUE, self->cancellable, error) &&
         restore_indexes (self->db, error) && ct_db_begin (self->db, error) &&
         commit_or_rollback (self->db, finish_within (self->db, error), error);
}

/* Power that fails may take the last pieces, which come again; references are the server's to keep, and rows of two
 * moments may lack some until the next pull. */
static gboolean
load_quickly (Load *self, GError **error)
{
  g_autofree char *back = NULL;
  gint64 synchronous = 2;
  gboolean done;

  if (!ct_db_read_int (self->db, &synchronous, error, "PRAGMA synchronous", ""))
    return FALSE;
  back = g_strdup_printf ("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA synchronous = %d",
                          (int) synchronous);
  if (!ct_db_exec (self->db, "PRAGMA foreign_keys = OFF; PRAGMA temp_store = FILE", error) ||
      (synchronous > 1 && !ct_db_exec (self->db, "PRAGMA synchronous = NORMAL", error)))
    return FALSE;
  ct_db_set_cancellable (self->db, self->cancellable);
  done = load (self, error);
  ct_db_set_cancellable (self->db, NULL);
  return ct_db_exec (self->db, back, done ? error : NULL) && done;
}

/**
 * ct_first_load:
 * @db: a writable connection outside a transaction
 * @told: (nullable): how far it is
 * @rows: (out): how many rows came
 *
 * Fills a replica that has nothing from its server yet, or goes on where an earlier call stopped; does nothing otherwise,
 * and where commands are pending, which only a rebase can put on top. A pull must follow.
 *
 * Returns: %FALSE with what has come so far kept; @session can then only be closed
 */
gboolean
ct_first_load (CtDb *db, CtSession *session, CtFirstLoadFunc told, gpointer data, gint64 *rows,
               GCancellable *cancellable, GError **error)
{
  Load self = { .db = db, .session = session, .told = told, .data = data, .cancellable = cancellable };
  gboolean wanted = FALSE, resumed = FALSE, done;
  g_autoptr (GError) problem = NULL;

  *rows = 0;
  if (!ct_first_load_is_under_way (db, &resumed, error) || !is_wanted (db, &wanted, error))
    return FALSE;
  if (!resumed && !wanted)
    return TRUE;
  done = load_quickly (&self, &problem);
  *rows = self.came;
  g_clear_pointer (&self.columns, g_hash_table_unref);
  if (done)
    return TRUE;
  /* rows of two moments of the server may not go together: the next try takes all of one */
  if (resumed && g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT) && !abandon (db, error))
    return FALSE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}
