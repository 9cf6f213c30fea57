/* What handlers of approvals and posts share: a row of the outbox, and how one comes to be. */
#include "ct-post-row.h"
#include "ct-configuration.h"
#include "ct-effect.h"

#include <string.h>

enum {
  COL_NUMBER,
  COL_APPROVAL,
  COL_TASK,
  COL_DISTRIBUTOR,
  COL_CHANNEL,
  COL_DESTINATION,
  COL_APPROVER,
  COL_WIRE,
  COL_PAYLOAD,
  COL_STATE,
  COL_READY,
  COL_LEASED,
  COL_SENT,
  COL_FENCE,
  COL_ATTEMPTS,
  COL_EXTERNAL,
  COL_RETRACT,
  COL_COMMENT,
  COL_LOOK,
};

#define SELECT                                                                                               \
  "SELECT number, approval_id, task_id, distributor_id, channel, destination, approver, wire, "              \
  "payload_sha256, state, ready_at, leased_until, sent_at, fence, attempts, external_message_id, "           \
  "retract_asked_at, retract_comment, look_asked_at FROM outbox WHERE id = ?"

static gboolean
read_row (CtPostRow *self, CtStmt *stmt, GError **error)
{
  gsize length;
  gconstpointer wire = ct_stmt_blob (stmt, COL_WIRE, &length);

  if (!ct_stmt_hash (stmt, COL_PAYLOAD, &self->payload_sha256))
    return ct_fail (error, CT_ERROR_CORRUPT, "Post %s has no hash", ct_stmt_text (stmt, COL_NUMBER));
  ct_stmt_id (stmt, COL_APPROVAL, &self->approval_id);
  ct_stmt_id (stmt, COL_TASK, &self->task_id);
  ct_stmt_id (stmt, COL_DISTRIBUTOR, &self->distributor_id);
  self->number = g_strdup (ct_stmt_text (stmt, COL_NUMBER));
  self->channel = g_strdup (ct_stmt_text (stmt, COL_CHANNEL));
  self->destination = g_strdup (ct_stmt_text (stmt, COL_DESTINATION));
  self->approver = g_strdup (ct_stmt_text (stmt, COL_APPROVER));
  self->wire = g_bytes_new (wire, length);
  self->state = g_strdup (ct_stmt_text (stmt, COL_STATE));
  self->ready_at = ct_stmt_int (stmt, COL_READY);
  self->leased_until = ct_stmt_int_or (stmt, COL_LEASED, CT_NULL_INT);
  self->sent_at = ct_stmt_int_or (stmt, COL_SENT, CT_NULL_INT);
  self->fence = ct_stmt_int (stmt, COL_FENCE);
  self->attempts = ct_stmt_int (stmt, COL_ATTEMPTS);
  self->external_id = g_strdup (ct_stmt_text (stmt, COL_EXTERNAL));
  self->retract_asked_at = ct_stmt_int_or (stmt, COL_RETRACT, CT_NULL_INT);
  self->retract_comment = g_strdup (ct_stmt_text (stmt, COL_COMMENT));
  self->look_asked_at = ct_stmt_int_or (stmt, COL_LOOK, CT_NULL_INT);
  return TRUE;
}

/**
 * ct_post_row_load:
 * @self: (out): clear with ct_post_row_clear(); set only on success
 *
 * Errors: %CT_ERROR_NOT_FOUND
 */
gboolean
ct_post_row_load (CtDb *db, const CtId *id, CtPostRow *self, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, SELECT, "k", id);
  g_auto (CtPostRow) row = { .id = *id };

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) && ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such post"));
  if (!read_row (&row, stmt, error))
    return FALSE;
  *self = row;
  memset (&row, 0, sizeof row);
  return TRUE;
}

/* The post that the argument "post" names. */
gboolean
ct_post_row_of (CtCommand *command, CtPostRow *self, GError **error)
{
  CtId id;

  if (!ct_arg_id (command, "post", &id))
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"post\" must be a UUID"), command->def->name);
  return ct_post_row_load (command->db, &id, self, error);
}

/* By "POST-2026-0001" or by UUID; %CT_ERROR_NOT_FOUND. */
gboolean
ct_post_row_find (CtDb *db, const char *number_or_id, CtId *id, GError **error)
{
  g_autoptr (GError) problem = NULL;
  CtId parsed;
  gboolean found =
      ct_id_parse (number_or_id, &parsed)
          ? ct_db_read_id (db, id, &problem, "SELECT id FROM outbox WHERE id = ?", "k", &parsed)
          : ct_db_read_id (db, id, &problem, "SELECT id FROM outbox WHERE number = ?", "s", number_or_id);

  if (found)
    return TRUE;
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no post “%s”"), number_or_id);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

void
ct_post_row_clear (CtPostRow *self)
{
  g_free (self->number);
  g_free (self->channel);
  g_free (self->destination);
  g_free (self->approver);
  g_clear_pointer (&self->wire, g_bytes_unref);
  g_free (self->state);
  g_free (self->external_id);
  g_free (self->retract_comment);
  memset (self, 0, sizeof *self);
}

/* The last of a handler: what the command is about, and its number. */
gboolean
ct_post_row_finish (CtCommand *command, const CtPostRow *self, GError **error)
{
  ct_command_touches (command, &self->task_id);
  ct_command_touches (command, &self->approval_id);
  if (!ct_id_is_nil (&self->distributor_id))
    ct_command_touches (command, &self->distributor_id);
  json_object_set_string_member (command->result, "number", self->number);
  return ct_effect_object (command, "outbox", &self->id, error);
}

/* @states: ended by %NULL; else %CT_ERROR_CONFLICT */
gboolean
ct_post_row_check_state (const CtPostRow *self, const char *const *states, GError **error)
{
  return ct_text_index (states, self->state) >= 0 ||
         ct_fail (error, CT_ERROR_CONFLICT, _ ("%s cannot take this step: it is %s"), self->number,
                  self->state);
}

/* Whether the argument "fence" is that of the last lease; else %CT_ERROR_CONFLICT */
gboolean
ct_post_row_check_fence (CtCommand *command, const CtPostRow *self, GError **error)
{
  return ct_arg_int (command, "fence", -1) == self->fence ||
         ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is in the hands of another sender"), self->number);
}

static gint64
duration (CtDb *db, const char *key, gint64 fallback)
{
  g_autofree char *text = ct_configuration_setting (db, key, "");
  char *end = NULL;
  gint64 ms = fallback;

  if (!ct_duration_parse (text, &ms) && *text) {
    gint64 seconds = g_ascii_strtoll (text, &end, 10); /* a bare number is seconds */

    if (end != text && !*end && seconds >= 0 && seconds < 365 * 86400)
      ms = seconds * CT_MS_SECOND;
  }
  return ms;
}

/* Whether somebody stopped all sending. */
gboolean
ct_post_row_is_stopped (CtDb *db)
{
  return ct_configuration_setting_bool (db, CT_SETTING_STOPPED, FALSE);
}

static const struct {
  const char *state, *words;
} sendings[] = {
  { "on", N_ ("✔ Sending is on: what a person approved goes out") },
  { "stopped", N_ ("⛔ All sending is stopped; what is approved waits") },
  { "stopping",
    N_ ("⏳ All sending stops as soon as the server has heard of it; until then messages go out") },
  { "resuming", N_ ("⏳ Sending goes on as soon as the server has heard of it") },
};

/**
 * ct_sending_state:
 *
 * Whether messages go out, as a person must know it: a team's service obeys the server, so that what was switched here counts
 * once the server has it.
 *
 * Returns: on, stopped, or of a connected workspace stopping and resuming
 */
const char *
ct_sending_state (CtDb *db)
{
  gint64 waits = 0;
  gboolean stopped = ct_post_row_is_stopped (db);

  if (!ct_db_read_int (
          db, &waits, NULL,
          "SELECT EXISTS (SELECT 1 FROM workspace WHERE key = 'server') AND EXISTS (SELECT 1 FROM "
          "intents WHERE name IN ('delivery.stop', 'delivery.resume') AND seq > (SELECT "
          "acknowledged FROM sync_state) AND seq NOT IN (SELECT seq FROM attention))",
          ""))
    waits = 0;
  return sendings[waits ? (stopped ? 2 : 3) : stopped].state;
}

/* Whether nothing goes out, by a @state of ct_sending_state(). */
gboolean
ct_sending_is_stopped (const char *state)
{
  return g_str_equal (state, "stopped") || g_str_equal (state, "resuming");
}

/* What a @state of ct_sending_state() means to a person. */
const char *
ct_sending_words (const char *state)
{
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (sendings) && !g_str_equal (sendings[i].state, state))
    i++;
  return _ (sendings[i].words);
}

/* How long an approved post can still be called back before it goes out. */
gint64
ct_post_row_undo_window (CtDb *db)
{
  return duration (db, CT_SETTING_UNDO_WINDOW, CT_UNDO_WINDOW_MS);
}

/**
 * ct_post_row_quiet_until:
 * @until: (out): when this post may go out; @now where nothing holds it back
 *
 * At most one message per counterparty, destination and quiet period. One that is just being sent, or may have been,
 * counts as sent.
 */
gboolean
ct_post_row_quiet_until (CtDb *db, const CtId *post, gint64 now, gint64 *until, GError **error)
{
  gint64 period = duration (db, CT_SETTING_QUIET_PERIOD, CT_QUIET_PERIOD_MS), last = CT_NULL_INT;

  if (period > 0 &&
      !ct_db_read_int (db, &last, error,
                       "SELECT max(CASE WHEN o.state IN ('leased', 'sending') THEN ?2 "
                       "WHEN o.state = 'unknown' THEN o.updated_at ELSE o.sent_at END) "
                       "FROM outbox p JOIN outbox o ON o.distributor_id = p.distributor_id "
                       "AND o.channel = p.channel AND o.destination = p.destination AND o.id <> p.id "
                       "AND (o.state IN ('sending', 'sent', 'sent_unconfirmed', 'unknown') "
                       "OR (o.state = 'leased' AND o.leased_until > ?2)) WHERE p.id = ?1",
                       "ki", post, now))
    return FALSE;
  *until = last == CT_NULL_INT ? now : MAX (now, last + period);
  return TRUE;
}

/**
 * ct_post_row_waits:
 * @until: (out): the end of the quiet period that an approved post waits out; 0 where none holds it back
 * @counterparty: (out) (transfer full) (nullable): whom the last post went to
 *
 * For people who wonder why it does not go out.
 */
gboolean
ct_post_row_waits (CtDb *db, const CtId *post, gint64 now, gint64 *until, char **counterparty, GError **error)
{
  gint64 ready_at, quiet = 0;
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT p.ready_at, d.legal_name FROM outbox p JOIN distributors d ON d.id = p.distributor_id "
      "WHERE p.id = ? AND p.state = 'ready'",
      "k", post);

  *until = 0;
  *counterparty = NULL;
  if (!stmt || !ct_stmt_next (stmt))
    return stmt && ct_stmt_finish (stmt, error);
  ready_at = ct_stmt_int (stmt, 0);
  if (!ct_post_row_quiet_until (db, post, now, &quiet, error))
    return FALSE;
  if (quiet <= MAX (now, ready_at))
    return TRUE;
  *until = quiet;
  *counterparty = g_strdup (ct_stmt_text (stmt, 1));
  return TRUE;
}

/**
 * ct_post_row_enqueue:
 * @approval: has just become approved in this command
 * @post: (out): the new row
 *
 * The one way into the outbox: the approved bytes, once, not before the undo window is over. The command's leaf names
 * the payload as its outbox key, so that the log commits to the very bytes.
 *
 * Errors: %CT_ERROR_CONFLICT where the database finds no valid approval
 */
gboolean
ct_post_row_enqueue (CtCommand *command, const CtId *approval, CtId *post, GError **error)
{
  CtDb *db = command->db;
  CtId id = ct_id_derive (approval, "outbox", 0);
  g_autofree char *number = ct_authority_number (command->authority, db, "POST", 4, command->now, error);
  g_autofree char *key = NULL;

  if (!number)
    return FALSE;
  if (!ct_db_run (
          db, error,
          "INSERT INTO outbox(id, n, created_at, updated_at, number, approval_id, task_id, distributor_id, "
          "channel, destination, wire, payload_sha256, approver, ready_at) "
          "SELECT ?1, next_n(), ?2, ?2, ?3, a.id, a.task_id, t.distributor_id, a.channel, a.destination, "
          "a.wire, a.payload_sha256, a.decided_by, ?4 "
          "FROM approvals a JOIN follow_up_tasks t ON t.id = a.task_id WHERE a.id = ?5",
          "kisik", &id, command->now, number, command->now + ct_post_row_undo_window (db), approval))
    return FALSE;
  key = ct_db_read_text (db, error, "SELECT lower(hex(payload_sha256)) FROM outbox WHERE id = ?", "k", &id);
  if (!key)
    return FALSE;
  g_free (command->outbox_key);
  command->outbox_key = g_steal_pointer (&key);
  ct_command_touches (command, &id);
  json_object_set_string_member (command->result, "post", number);
  *post = id;
  return TRUE;
}
