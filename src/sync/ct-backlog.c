#include "ct-backlog.h"
#include "ct-changes.h"
#include "ct-first-load.h"
#include "ct-intent.h"

#include <string.h>

/**
 * ct_backlog_read:
 * @state: (out): where the replica stands; free with ct_backlog_state_clear()
 */
gboolean
ct_backlog_read (CtDb *db, CtBacklogState *state, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT epoch, number, nonce, scopes, acknowledged, pulled_at FROM sync_state WHERE one = 1",
      "");
  CtCursor cursor;

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt) || !ct_stmt_id (stmt, 0, &cursor.epoch) || !ct_stmt_id (stmt, 2, &cursor.nonce))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_CORRUPT,
                    "The replica does not know where it stands in the server's feed");
  cursor.number = ct_stmt_int (stmt, 1);
  state->cursor = cursor;
  state->scopes = g_strdup (ct_stmt_text (stmt, 3));
  state->acknowledged = ct_stmt_int (stmt, 4);
  state->pulled_at = ct_stmt_int_or (stmt, 5, CT_NULL_INT);
  return TRUE;
}

void
ct_backlog_state_clear (CtBacklogState *self)
{
  g_clear_pointer (&self->scopes, g_free);
}

/* Later commands have their leaves in the log that begins now, whoever keeps it. */
static gboolean
begin_log_after (CtDb *db, gint64 seq, GError **error)
{
  return ct_db_run (
      db, error,
      "INSERT INTO workspace VALUES('log_began_after', CAST(? AS TEXT)) ON CONFLICT DO UPDATE SET "
      "value = excluded.value",
      "i", seq);
}

/**
 * ct_backlog_begin:
 * @server: its address, without a password
 * @acknowledged: the last command that this workspace keeps to itself, 0 for a new one; the device is enrolled with it
 *
 * Makes a workspace a connected one, inside the caller's transaction: what it does from now on is pushed.
 */
gboolean
ct_backlog_begin (CtDb *db, const char *server, gint64 acknowledged, GError **error)
{
  return begin_log_after (db, acknowledged, error) &&
         ct_db_run (db, error, "INSERT INTO workspace VALUES('server', ?)", "s", server) &&
         ct_db_run (db, error, "UPDATE sync_state SET acknowledged = ? WHERE one = 1", "i", acknowledged);
}

/* Makes a workspace a standalone one again, inside the caller's transaction: it keeps what it has. */
gboolean
ct_backlog_end (CtDb *db, GError **error)
{
  return ct_first_load_abandon (db, error) &&
         ct_db_run (db, error, "DELETE FROM workspace WHERE key = 'server'", "") &&
         ct_db_run (db, error, "DELETE FROM sync_touches", "") &&
         ct_db_run (db, error,
                    "DELETE FROM devices WHERE uuid_text(id) <> (SELECT value FROM workspace WHERE key = "
                    "'device_id')",
                    "") &&
         ct_db_run (db, error, "UPDATE devices SET owner = NULL, distrust = NULL", "") &&
         ct_db_run (
             db, error,
             "UPDATE sync_state SET epoch = zeroblob(16), number = 0, nonce = zeroblob(16), scopes = '',"
             " acknowledged = 0, pulled_at = NULL WHERE one = 1",
             "");
}

/* Which device this workspace is. */
gboolean
ct_backlog_device (CtDb *db, CtId *device, GError **error)
{
  g_autofree char *text =
      ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'device_id'", "");

  return text && (ct_id_parse (text, device) ||
                  ct_fail (error, CT_ERROR_CORRUPT, "The workspace has no valid device id"));
}

/* The hash of one of its commands; zeroes for command 0. @known is FALSE where there is no such command. */
gboolean
ct_backlog_hash (CtDb *db, gint64 seq, CtHash *sha256, gboolean *known, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;

  if (seq == 0) {
    memset (sha256, 0, sizeof *sha256);
    *known = TRUE;
    return TRUE;
  }
  stmt = ct_db_query (db, error, "SELECT sha256 FROM intents WHERE seq = ?", "i", seq);
  if (!stmt)
    return FALSE;
  *known = ct_stmt_next (stmt) && ct_stmt_hash (stmt, 0, sha256);
  return ct_stmt_finish (stmt, error);
}

static gboolean
read_intent (CtStmt *stmt, CtPushOffer *offer, GError **error)
{
  CtIntent intent = { 0 };

  intent.seq = ct_stmt_int (stmt, 0);
  intent.name = ct_stmt_text (stmt, 2);
  intent.actor = ct_stmt_text (stmt, 3);
  intent.occurred_at = ct_stmt_int (stmt, 6);
  if (!ct_stmt_id (stmt, 1, &intent.command_id) || !ct_stmt_hash (stmt, 4, &intent.args_sha256) ||
      !ct_stmt_id (stmt, 5, &intent.device_id) || !ct_stmt_hash (stmt, 7, &intent.previous))
    return ct_fail (error, CT_ERROR_CORRUPT, "Command %" G_GINT64_FORMAT " is damaged", intent.seq);
  offer->n = intent.seq;
  offer->intent = ct_intent_text (&intent);
  return TRUE;
}

/* The commands before it that are not settled either and whose rows it wrote again or refers to; of several that touched
 * one row the last, which builds on the others itself. The same dependence sends a command to the tray behind another. */
static char *
read_builds_on (CtDb *db, gint64 n, gint64 acknowledged, GError **error)
{
  return ct_db_read_text (
      db, error,
      "SELECT '{' || coalesce(group_concat(DISTINCT seq), '') || '}' FROM (SELECT max(p.seq) AS seq"
      " FROM sync_touches b JOIN sync_touches p ON p.id = b.id AND p.seq < b.seq AND p.seq > ?2"
      " WHERE b.seq = ?1 AND p.kind <> 'r' AND (b.kind <> 'r' OR p.kind = 'i') GROUP BY b.id, b.kind)",
      "ii", n, acknowledged);
}

/**
 * ct_backlog_next:
 * @after: the command before it
 * @offer: (out): n is 0 where there is none; free with ct_push_offer_clear()
 */
gboolean
ct_backlog_next (CtDb *db, gint64 after, CtPushOffer *offer, GError **error)
{
  g_auto (CtPushOffer) next = { 0 };
  gboolean withdrawn = FALSE;
  gint64 acknowledged = 0;

  {
    g_autoptr (CtStmt) stmt =
        ct_db_query (db, error,
                     "SELECT i.seq, i.command_id, i.name, i.actor, i.args_sha256, "
                     "i.device_id, i.occurred_at, i.previous_sha256,"
                     " i.args IS NULL OR EXISTS (SELECT 1 FROM attention a WHERE a.seq = i.seq),"
                     " (SELECT acknowledged FROM sync_state) FROM "
                     "intents i WHERE i.seq > ? ORDER BY i.seq LIMIT 1",
                     "i", after);

    if (!stmt)
      return FALSE;
    if (ct_stmt_next (stmt)) {
      withdrawn = ct_stmt_int (stmt, 8) != 0;
      acknowledged = ct_stmt_int (stmt, 9);
      if (!read_intent (stmt, &next, error))
        return FALSE;
    }
    if (!ct_stmt_finish (stmt, error))
      return FALSE;
  }
  if (next.n && !withdrawn) {
    next.changes = ct_changes_text (db, next.n, error);
    next.builds_on = next.changes ? read_builds_on (db, next.n, acknowledged, error) : NULL;
    if (!next.builds_on)
      return FALSE;
  }
  *offer = next;
  memset (&next, 0, sizeof next);
  return TRUE;
}

typedef struct {
  CtDb *db;
  gint64 seq;
} TouchTask;

static gboolean
touch (TouchTask *task, char kind, gconstpointer id, GError **error)
{
  char text[2] = { kind, 0 };

  return ct_db_run (task->db, error,
                    "INSERT INTO sync_touches(seq, kind, id) VALUES(?, ?, ?) ON CONFLICT DO NOTHING", "isb",
                    task->seq, text, id, (gsize) CT_ID_SIZE);
}

static gboolean
touch_cb (const CtChange *change, gpointer data, GError **error)
{
  if (!touch (data, change->operation, change->id.bytes, error))
    return FALSE;
  for (int i = 1; i < change->n_columns && change->operation != 'd'; i++)
    if (change->after[i].type == 'b' && change->after[i].length == CT_ID_SIZE &&
        !touch (data, 'r', change->after[i].data, error))
      return FALSE;
  return TRUE;
}

/* Notes the rows that a pending command wrote and those it refers to; adds to what was noted before. */
gboolean
ct_backlog_note_touches (CtDb *db, gint64 seq, GError **error)
{
  TouchTask task = { db, seq };

  return ct_changes_foreach (db, seq, touch_cb, &task, error);
}

/**
 * ct_backlog_waiting:
 * @commands: (out): how many commands are pending
 * @oldest_at: (out): when the oldest of them was given, CT_NULL_INT where there is none
 */
gboolean
ct_backlog_waiting (CtDb *db, gint64 *commands, gint64 *oldest_at, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT count(*), min(occurred_at) FROM intents WHERE seq > (SELECT acknowledged FROM sync_state)"
      " AND seq NOT IN (SELECT seq FROM attention)",
      "");

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error);
  *commands = ct_stmt_int (stmt, 0);
  *oldest_at = ct_stmt_int_or (stmt, 1, CT_NULL_INT);
  return TRUE;
}

/* (transfer full) (element-type gint64): what a query of one integer column and one parameter gives: commands, as a rule */
GArray *
ct_backlog_numbers (CtDb *db, const char *sql, gint64 argument, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "i", argument);

  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt)) {
    gint64 number = ct_stmt_int (stmt, 0);

    g_array_append_val (numbers, number);
  }
  return ct_stmt_finish (stmt, error) ? g_steal_pointer (&numbers) : NULL;
}
