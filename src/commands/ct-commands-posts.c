/* The steps of a post, each a command: ready → leased → sending → sent | sent_unconfirmed | failed | unknown. The sender
 * runs them with the fence of its lease, so that a sender that slept through its lease changes nothing any more. */
#include "ct-approvals.h"
#include "ct-commands.h"
#include "ct-effect.h"
#include "ct-open-upload.h"
#include "ct-post-proof.h"
#include "ct-task-row.h"

#include <string.h>

static gboolean
check_running (CtCommand *command, GError **error)
{
  if (ct_post_row_is_stopped (command->db))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("All sending is stopped: resume it first"));
  return ct_open_upload_check (command->db, error);
}

/* The approval still stands, by the authority's clock. */
static gboolean
check_approved (CtCommand *command, const CtPostRow *post, GError **error)
{
  gint64 expires_at = 0;

  if (!ct_db_read_int (
          command->db, &expires_at, error,
          "SELECT coalesce(max(expires_at), 0) FROM approvals WHERE id = ? AND state = 'approved'", "k",
          &post->approval_id))
    return FALSE;
  return expires_at > command->now ||
         ct_fail (error, CT_ERROR_REFUSED, _ ("%s: its approval has expired or was taken back"),
                  post->number);
}

/* Sender */

static gboolean
lease_run (CtCommand *command, GError **error)
{
  static const char *const from[] = { "ready", "leased", NULL };
  g_auto (CtPostRow) post = { 0 };
  gint64 fence, quiet = 0, until = command->now + CT_POST_LEASE_MS;

  if (!ct_post_row_of (command, &post, error) || !check_running (command, error) ||
      !ct_post_row_check_state (&post, from, error) ||
      !ct_post_row_quiet_until (command->db, &post.id, command->now, &quiet, error))
    return FALSE;
  if (post.ready_at > command->now || quiet > command->now ||
      (strcmp (post.state, "leased") == 0 && post.leased_until > command->now))
    return ct_fail (error, CT_ERROR_BUSY, _ ("%s is not to be sent yet"), post.number);
  fence = post.fence + 1;
  json_object_set_int_member (command->result, "fence", fence);
  return ct_effect_update (command, error, "outbox", &post.id, "state,leased_until,lease_holder,fence",
                           "sisi", "leased", until, ct_arg_text (command, "holder"), fence) &&
         ct_post_row_finish (command, &post, error);
}

/* The last step before the first byte: once this is committed, the fate of the post hangs on what the sender says. What
 * the sender proved may have changed while it waited, so all of it must hold in this very transaction. */
static gboolean
sending_run (CtCommand *command, GError **error)
{
  static const char *const from[] = { "leased", NULL };
  g_auto (CtPostRow) post = { 0 };
  CtId attempt = ct_effect_new_id (command, "delivery_attempts", 0);

  if (!ct_post_row_of (command, &post, error) || !ct_post_row_check_state (&post, from, error) ||
      !ct_post_row_check_fence (command, &post, error) || !check_running (command, error) ||
      !ct_post_proof_check (command->db, &post, command->now, error))
    return FALSE;
  if (post.leased_until <= command->now)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s: the lease is over"), post.number);
  return ct_effect_update (command, error, "outbox", &post.id, "state,attempts,leased_until", "sii",
                           "sending", post.attempts + 1, command->now + CT_POST_LEASE_MS) &&
         ct_effect_insert (command, error, "delivery_attempts", &attempt, "post_id,attempt,began_at,outcome",
                           "kiis", &post.id, post.attempts + 1, command->now, "sending") &&
         ct_post_row_finish (command, &post, error);
}

/* Writes down how the running attempt ended; nothing where none runs. */
static gboolean
end_attempt (CtCommand *command, const CtPostRow *post, const char *outcome, const char *detail,
             GError **error)
{
  g_autoptr (GError) missing = NULL;
  CtId attempt;

  if (!ct_db_read_id (
          command->db, &attempt, &missing,
          "SELECT id FROM delivery_attempts WHERE post_id = ? AND attempt = ? AND ended_at IS NULL", "ki",
          &post->id, post->attempts))
    return g_error_matches (missing, CT_ERROR, CT_ERROR_NOT_FOUND) ||
           (g_propagate_error (error, g_steal_pointer (&missing)), FALSE);
  return ct_effect_update (command, error, "delivery_attempts", &attempt, "ended_at,outcome,detail", "iss",
                           command->now, outcome, detail ? detail : "");
}

/* Later messages about the task answer this one. */
static gboolean
keep_thread (CtCommand *command, const CtPostRow *post, const char *thread, GError **error)
{
  g_autoptr (GError) missing = NULL;
  CtId channel;

  if (!thread)
    return TRUE;
  if (!ct_db_read_id (
          command->db, &channel, &missing,
          "SELECT id FROM task_channels WHERE task_id = ? AND channel = ? AND destination = ? AND "
          "thread_id IS NULL",
          "kss", &post->task_id, post->channel, post->destination))
    return g_error_matches (missing, CT_ERROR, CT_ERROR_NOT_FOUND) ||
           (g_propagate_error (error, g_steal_pointer (&missing)), FALSE);
  return ct_effect_update (command, error, "task_channels", &channel, "thread_id", "s", thread);
}

/* The task learns what was said; its agent looks again after the task's cadence. */
static gboolean
tell_task (CtCommand *command, const CtPostRow *post, const char *external_id, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  if (!ct_task_row_load (command->db, &post->task_id, &task, error) ||
      !ct_effect_update (command, error, "follow_up_tasks", &task.id, "last_channel_message_id", "s",
                         external_id))
    return FALSE;
  ct_command_touches (command, &task.exception_id);
  ct_command_touches (command, &task.order_id);
  if (task.status != CT_TASK_APPROVED)
    return TRUE;
  return ct_task_row_move (command, &task, CT_TASK_POSTED, error) &&
         ct_task_row_answered (command, &task, error) &&
         (task.next_check_at > command->now || /* CT_NULL_INT is the smallest */
          ct_task_row_check_next (command, &task, command->now + task.cadence, error));
}

static gboolean
take_sent (CtCommand *command, const CtPostRow *post, GError **error)
{
  const char *external_id = ct_arg_has (command, "external_id") ? ct_arg_text (command, "external_id") : NULL;
  const char *thread = ct_arg_has (command, "thread") ? ct_arg_text (command, "thread") : NULL;
  const char *state = external_id || strcmp (post->state, "unknown") == 0 ? "sent" : "sent_unconfirmed";

  if (external_id)
    json_object_set_string_member (command->result, "externalMessageId", external_id);
  return ct_effect_update (command, error, "outbox", &post->id,
                           "state,sent_at,external_message_id,thread_id,problem,leased_until", "sissnn",
                           state, command->now, external_id, thread) &&
         keep_thread (command, post, thread, error) && tell_task (command, post, external_id, error);
}

static gboolean
sent_run (CtCommand *command, GError **error)
{
  static const char *const from[] = { "sending", "unknown", NULL };
  const char *detail = ct_arg_has (command, "detail") ? ct_arg_text (command, "detail") : NULL;
  g_auto (CtPostRow) post = { 0 };

  return ct_post_row_of (command, &post, error) && ct_post_row_check_state (&post, from, error) &&
         ct_post_row_check_fence (command, &post, error) && take_sent (command, &post, error) &&
         end_attempt (command, &post, "sent", detail, error) && ct_post_row_finish (command, &post, error);
}

/* Back in line: what was leased and not sent, or surely did not go out. */
static gboolean
release_run (CtCommand *command, GError **error)
{
  static const char *const from[] = { "leased", "sending", NULL };
  const char *detail = ct_arg_text (command, "detail");
  g_auto (CtPostRow) post = { 0 };

  return ct_post_row_of (command, &post, error) && ct_post_row_check_state (&post, from, error) &&
         ct_post_row_check_fence (command, &post, error) &&
         ct_effect_update (command, error, "outbox", &post.id, "state,ready_at,leased_until,problem", "sins",
                           "ready", MAX (ct_arg_int (command, "ready_at", 0), command->now), detail) &&
         end_attempt (command, &post, "retry", detail, error) && ct_post_row_finish (command, &post, error);
}

static gboolean
failed_run (CtCommand *command, GError **error)
{
  static const char *const from[] = { "leased", "sending", NULL };
  const char *detail = ct_arg_text (command, "detail");
  g_auto (CtPostRow) post = { 0 };

  return ct_post_row_of (command, &post, error) && ct_post_row_check_state (&post, from, error) &&
         ct_post_row_check_fence (command, &post, error) &&
         ct_effect_update (command, error, "outbox", &post.id, "state,leased_until,problem", "sns", "failed",
                           detail) &&
         end_attempt (command, &post, "failed", detail, error) && ct_post_row_finish (command, &post, error);
}

/* What the approval stood on has changed: it is void, the post with it, and the agent looks again. */
static gboolean
void_run (CtCommand *command, GError **error)
{
  static const char *const from[] = { "leased", NULL };
  g_auto (CtPostRow) post = { 0 };

  return ct_post_row_of (command, &post, error) && ct_post_row_check_state (&post, from, error) &&
         ct_post_row_check_fence (command, &post, error) &&
         ct_approvals_void_one (command, &post.approval_id, ct_arg_text (command, "detail"), error) &&
         ct_approvals_settle_task (command, &post.task_id, command->now, error) &&
         ct_post_row_finish (command, &post, error);
}

static gboolean
unknown_run (CtCommand *command, GError **error)
{
  static const char *const from[] = { "sending", NULL };
  const char *detail = ct_arg_text (command, "detail");
  g_auto (CtPostRow) post = { 0 };

  return ct_post_row_of (command, &post, error) && ct_post_row_check_state (&post, from, error) &&
         ct_post_row_check_fence (command, &post, error) &&
         ct_effect_update (command, error, "outbox", &post.id, "state,leased_until,problem", "sns", "unknown",
                           detail) &&
         end_attempt (command, &post, "unknown", detail, error) && ct_post_row_finish (command, &post, error);
}

/* All that a task had to say is said: the counterparty's turn. */
static gboolean
await_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  return ct_task_row_of (command, &task, error) &&
         ct_task_row_move (command, &task, CT_TASK_AWAITING_REPLY, error) &&
         ct_task_row_finish (command, &task, error);
}

/* People */

/* How a person knows that it is there is a note of the task: a post that was sent has no problem of which it could be said. */
static gboolean
keep_comment (CtCommand *command, const CtPostRow *post, const char *comment, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  return ct_task_row_load (command->db, &post->task_id, &task, error) &&
         ct_task_row_note (command, &task, comment, error);
}

/* A person has looked: it is there, it is not there, or it is to be sent once more. */
static gboolean
resolve_run (CtCommand *command, GError **error)
{
  static const char *const unknown[] = { "unknown", NULL };
  static const char *const again[] = { "unknown", "failed", NULL };
  const char *outcome = ct_arg_text (command, "outcome");
  const char *comment = ct_arg_text (command, "comment");
  g_auto (CtPostRow) post = { 0 };

  if (!ct_post_row_of (command, &post, error))
    return FALSE;
  if (ct_text_is_blank (comment))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Say in a comment how you know"));
  if (strcmp (outcome, "sent") == 0)
    return ct_post_row_check_state (&post, unknown, error) && take_sent (command, &post, error) &&
           keep_comment (command, &post, comment, error) && ct_post_row_finish (command, &post, error);
  if (strcmp (outcome, "failed") == 0)
    return ct_post_row_check_state (&post, unknown, error) &&
           ct_effect_update (command, error, "outbox", &post.id, "state,problem", "ss", "failed", comment) &&
           ct_post_row_finish (command, &post, error);
  if (strcmp (outcome, "retry") == 0)
    return ct_open_upload_check (command->db, error) && ct_post_row_check_state (&post, again, error) &&
           check_approved (command, &post, error) && ct_post_proof_check_task (command->db, &post, error) &&
           ct_effect_update (command, error, "outbox", &post.id, "state,ready_at,problem", "sis", "ready",
                             command->now, comment) &&
           ct_post_row_finish (command, &post, error);
  return ct_fail (error, CT_ERROR_INVALID, _ ("A post is resolved as sent, failed or retry, not “%s”"),
                  outcome);
}

/* One switch for all sending; anybody may stop, an administrator resumes. */
static gboolean
switch_run (CtCommand *command, GError **error)
{
  const char *value = strcmp (command->def->name, "delivery.stop") == 0 ? "true" : "false";
  g_autoptr (GError) missing = NULL;
  CtId id = ct_effect_new_id (command, "settings", 0), found;

  /* where it is so already there is nothing to write, and nothing that a stop would be refused for */
  if (ct_post_row_is_stopped (command->db) == (*value == 't'))
    return TRUE;
  if (ct_db_read_id (command->db, &found, &missing, "SELECT id FROM settings WHERE key = ?", "s",
                     CT_SETTING_STOPPED))
    return ct_effect_update (command, error, "settings", &found, "value", "s", value) &&
           ct_effect_object (command, "settings", &found, error);
  if (!g_error_matches (missing, CT_ERROR, CT_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&missing));
    return FALSE;
  }
  return ct_effect_insert (command, error, "settings", &id, "key,value", "ss", CT_SETTING_STOPPED, value) &&
         ct_effect_object (command, "settings", &id, error);
}

void
ct_commands_posts_register (void)
{
  static const CtArg lease_args[] = { { "post", 'k', 0 }, { "holder", 's', 200 }, { NULL, 0, 0 } };
  static const CtArg fence_args[] = { { "post", 'k', 0 }, { "fence", 'i', 0 }, { NULL, 0, 0 } };
  static const CtArg sent_args[] = { { "post", 'k', 0 },          { "fence", 'i', 0 },
                                     { "external_id", 'S', 300 }, { "thread", 'S', 100 },
                                     { "detail", 'S', 2000 },     { NULL, 0, 0 } };
  static const CtArg release_args[] = {
    { "post", 'k', 0 }, { "fence", 'i', 0 }, { "ready_at", 'i', 0 }, { "detail", 's', 2000 }, { NULL, 0, 0 }
  };
  static const CtArg detail_args[] = {
    { "post", 'k', 0 }, { "fence", 'i', 0 }, { "detail", 's', 2000 }, { NULL, 0, 0 }
  };
  static const CtArg resolve_args[] = { { "post", 'k', 0 },       { "outcome", 's', 20 },
                                        { "comment", 's', 2000 }, { "external_id", 'S', 300 },
                                        { "thread", 'S', 100 },   { NULL, 0, 0 } };
  static const CtArg task_args[] = { { "task", 'k', 0 }, { NULL, 0, 0 } };
  static const CtArg no_args[] = { { NULL, 0, 0 } };
  static const CtCommandDef defs[] = {
    { "post.lease", "post", lease_run, 0, lease_args },
    { "post.sending", "post", sending_run, 0, fence_args },
    { "post.sent", "post", sent_run, 0, sent_args },
    { "post.release", "post", release_run, 0, release_args },
    { "post.failed", "post", failed_run, 0, detail_args },
    { "post.void", "post", void_run, 0, detail_args },
    { "post.unknown", "post", unknown_run, 0, detail_args },
    { "post.resolve", "post", resolve_run, 0, resolve_args },
    { "task.await_reply", "task", await_run, 0, task_args },
    { "delivery.stop", "setting", switch_run, 0, no_args },
    { "delivery.resume", "setting", switch_run, 0, no_args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
