/* What handlers share about approvals: reading one, and taking back what nobody may send any more. */
#include "ct-approvals.h"
#include "ct-effect.h"

#include <string.h>

enum {
  COL_NUMBER,
  COL_TASK,
  COL_OUTPUT,
  COL_OWNER,
  COL_CHANNEL,
  COL_DESTINATION,
  COL_WIRE,
  COL_PAYLOAD,
  COL_CONTEXT,
  COL_CONTEXT_HASH,
  COL_AMOUNT,
  COL_CURRENCY,
  COL_POLICY,
  COL_STATE,
  COL_CREATED,
  COL_EXPIRES,
  COL_DEADLINE,
  COL_EDITED_BY,
  COL_DELEGATED_TO,
  COL_DELEGATED_BY,
};

#define SELECT                                                                                               \
  "SELECT number, task_id, output_id, owner, channel, destination, wire, payload_sha256, context, "          \
  "context_sha256, amount_minor, currency, policy, state, created_at, expires_at, deadline_at, edited_by, "  \
  "delegated_to, delegated_by FROM approvals WHERE id = ?"

static gboolean
read_row (CtApprovalRow *self, CtStmt *stmt, GError **error)
{
  gsize length;
  gconstpointer wire = ct_stmt_blob (stmt, COL_WIRE, &length);

  if (!ct_stmt_hash (stmt, COL_PAYLOAD, &self->payload_sha256) ||
      !ct_stmt_hash (stmt, COL_CONTEXT_HASH, &self->context_sha256))
    return ct_fail (error, CT_ERROR_CORRUPT, "Approval %s has no hashes", ct_stmt_text (stmt, COL_NUMBER));
  ct_stmt_id (stmt, COL_TASK, &self->task_id);
  ct_stmt_id (stmt, COL_OUTPUT, &self->output_id);
  self->number = g_strdup (ct_stmt_text (stmt, COL_NUMBER));
  self->owner = g_strdup (ct_stmt_text (stmt, COL_OWNER));
  self->channel = g_strdup (ct_stmt_text (stmt, COL_CHANNEL));
  self->destination = g_strdup (ct_stmt_text (stmt, COL_DESTINATION));
  self->wire = g_bytes_new (wire, length);
  self->context = g_strdup (ct_stmt_text (stmt, COL_CONTEXT));
  self->amount_minor = ct_stmt_int (stmt, COL_AMOUNT);
  self->currency = g_strdup (ct_stmt_text (stmt, COL_CURRENCY));
  self->policy = g_strdup (ct_stmt_text (stmt, COL_POLICY));
  self->state = g_strdup (ct_stmt_text (stmt, COL_STATE));
  self->created_at = ct_stmt_int (stmt, COL_CREATED);
  self->expires_at = ct_stmt_int (stmt, COL_EXPIRES);
  self->deadline_at = ct_stmt_int_or (stmt, COL_DEADLINE, CT_NULL_INT);
  self->edited_by = g_strdup (ct_stmt_text (stmt, COL_EDITED_BY));
  self->delegated_to = g_strdup (ct_stmt_text (stmt, COL_DELEGATED_TO));
  self->delegated_by = g_strdup (ct_stmt_text (stmt, COL_DELEGATED_BY));
  return TRUE;
}

/**
 * ct_approval_row_load:
 * @self: (out): clear with ct_approval_row_clear(); set only on success
 *
 * Errors: %CT_ERROR_NOT_FOUND
 */
gboolean
ct_approval_row_load (CtDb *db, const CtId *id, CtApprovalRow *self, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, SELECT, "k", id);
  g_auto (CtApprovalRow) row = { .id = *id };

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such approval"));
  if (!read_row (&row, stmt, error))
    return FALSE;
  *self = row;
  memset (&row, 0, sizeof row);
  return TRUE;
}

/* The approval that the argument "approval" names. */
gboolean
ct_approval_row_of (CtCommand *command, CtApprovalRow *self, GError **error)
{
  CtId id;

  if (!ct_arg_id (command, "approval", &id))
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"approval\" must be a UUID"), command->def->name);
  return ct_approval_row_load (command->db, &id, self, error);
}

void
ct_approval_row_clear (CtApprovalRow *self)
{
  g_free (self->number);
  g_free (self->owner);
  g_free (self->channel);
  g_free (self->destination);
  g_clear_pointer (&self->wire, g_bytes_unref);
  g_free (self->context);
  g_free (self->currency);
  g_free (self->policy);
  g_free (self->state);
  g_free (self->edited_by);
  g_free (self->delegated_to);
  g_free (self->delegated_by);
  memset (self, 0, sizeof *self);
}

/* By "APPROVAL-2026-0001" or by UUID; %CT_ERROR_NOT_FOUND. */
gboolean
ct_approval_row_find (CtDb *db, const char *number_or_id, CtId *id, GError **error)
{
  g_autoptr (GError) problem = NULL;
  CtId parsed;
  gboolean found =
      ct_id_parse (number_or_id, &parsed)
          ? ct_db_read_id (db, id, &problem, "SELECT id FROM approvals WHERE id = ?", "k", &parsed)
          : ct_db_read_id (db, id, &problem, "SELECT id FROM approvals WHERE number = ?", "s", number_or_id);

  if (found)
    return TRUE;
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no approval “%s”"), number_or_id);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* %CT_ERROR_CONFLICT where somebody, or time, has decided already. */
gboolean
ct_approval_row_check_pending (const CtApprovalRow *self, GError **error)
{
  return strcmp (self->state, "pending") == 0 ||
         ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is no longer pending: it is %s"), self->number,
                  self->state);
}

CtId
ct_approvals_id (const CtId *command_id, guint index)
{
  return ct_id_derive (command_id, "approvals", index);
}

/* Terms */

/**
 * ct_approvals_tighten:
 * @policy: of the agent whose approvals are asked for
 *
 * Makes a policy as strict as all that hold for a task: those of its agent and of the agent its exception was meant for, what
 * it was under with other agents, and what approvals of it were asked for under. Nobody chooses a laxer one by handing it on;
 * app.terms_of() is the server's.
 */
gboolean
ct_approvals_tighten (CtDb *db, const CtId *task, CtApprovalPolicy *policy, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT policy FROM approvals WHERE task_id = ?1 UNION SELECT approval_terms FROM follow_up_tasks "
      "WHERE "
      "id = ?1 AND approval_terms IS NOT NULL UNION SELECT json_extract(p.body, '$.approval') FROM "
      "follow_up_tasks t LEFT JOIN exceptions e ON e.id = t.exception_id JOIN agent_profiles p ON p.name IN "
      "(t.assigned_agent, e.agent) WHERE t.id = ?1",
      "k", task);

  while (stmt && ct_stmt_next (stmt)) {
    g_autoptr (JsonNode) node = ct_json_parse (ct_stmt_text (stmt, 0), -1, 1 << 16, error);
    g_autoptr (CtApprovalPolicy) other =
        node ? ct_approval_policy_parse (json_node_get_object (node), "approval", error) : NULL;

    if (!other)
      return FALSE;
    ct_approval_policy_tighten (policy, other);
  }
  return stmt && ct_stmt_finish (stmt, error);
}

/**
 * ct_approvals_keep_terms:
 * @policy: of the agent that the task gets; tightened
 *
 * Writes down with the task what its approvals are held to from now on. For handlers that give it to an agent, before the
 * row names the new one.
 */
gboolean
ct_approvals_keep_terms (CtCommand *command, const CtId *task, CtApprovalPolicy *policy, GError **error)
{
  g_autoptr (JsonObject) terms = NULL;
  g_autofree char *text = NULL;

  if (!ct_approvals_tighten (command->db, task, policy, error))
    return FALSE;
  terms = ct_approval_policy_to_json (policy);
  json_object_remove_member (terms, "expiry"); /* how long one waits is the agent's own */
  text = ct_json_canonical_object (terms, error);
  return text && ct_effect_update (command, error, "follow_up_tasks", task, "approval_terms", "s", text);
}

/* Taking back */

/* The ids that a question gives; takes @stmt; (transfer full) (element-type CtId). */
static GArray *
take_ids (CtStmt *question, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (CtId));
  g_autoptr (CtStmt) stmt = question;

  while (stmt && ct_stmt_next (stmt)) {
    CtId found;

    if (ct_stmt_id (stmt, 0, &found))
      g_array_append_val (ids, found);
  }
  return stmt && ct_stmt_finish (stmt, error) ? g_steal_pointer (&ids) : NULL;
}

static GArray *
read_ids (CtDb *db, GError **error, const char *sql, const CtId *id)
{
  return take_ids (ct_db_query (db, error, sql, "k", id), error);
}

/**
 * ct_approvals_void_one:
 * @approval: pending, or approved with a post that has surely not gone out
 *
 * Voids an approval and cancels its post. One that has failed stays as it is, and cannot be sent any more.
 */
gboolean
ct_approvals_void_one (CtCommand *command, const CtId *approval, const char *reason, GError **error)
{
  g_autoptr (GArray) posts =
      read_ids (command->db, error,
                "SELECT id FROM outbox WHERE approval_id = ? AND state IN ('ready', 'leased')", approval);

  if (!posts)
    return FALSE;
  for (guint i = 0; i < posts->len; i++)
    if (!ct_effect_update (command, error, "outbox", &g_array_index (posts, CtId, i), "state,problem", "ss",
                           "cancelled", reason))
      return FALSE;
  ct_command_touches (command, approval);
  return ct_effect_update (command, error, "approvals", approval, "state,void_reason,decided_at", "ssi",
                           "voided", reason, command->now);
}

/* Approved, and surely not gone out: what has failed could still be sent once more. */
#define UNSENT                                                                                               \
  "state = 'approved' AND EXISTS (SELECT 1 FROM outbox o WHERE o.approval_id = a.id AND o.state IN "         \
  "('ready', 'leased', 'failed'))"

static gboolean
void_each (CtCommand *command, const char *sql, const CtId *task, const char *reason, guint *n_voided,
           GError **error)
{
  g_autoptr (GArray) approvals = read_ids (command->db, error, sql, task);

  if (!approvals)
    return FALSE;
  for (guint i = 0; i < approvals->len; i++)
    if (!ct_approvals_void_one (command, &g_array_index (approvals, CtId, i), reason, error))
      return FALSE;
  *n_voided = approvals->len;
  return TRUE;
}

/* Voids whatever of a task has not gone out yet; the task's status is the caller's. */
gboolean
ct_approvals_void_all (CtCommand *command, const CtId *task, const char *reason, guint *n_voided,
                       GError **error)
{
  return void_each (command,
                    "SELECT id FROM approvals a WHERE task_id = ? AND (state = 'pending' OR (" UNSENT
                    ")) ORDER BY id",
                    task, reason, n_voided, error);
}

/* For a task that is set aside: what was approved is bound to its moment and void; what waits for a person waits on. */
gboolean
ct_approvals_void_given (CtCommand *command, const CtId *task, const char *reason, GError **error)
{
  guint n_voided;

  return void_each (command, "SELECT id FROM approvals a WHERE task_id = ? AND " UNSENT " ORDER BY id", task,
                    reason, &n_voided, error);
}

/* Whether anything of a task still waits for a person. */
gboolean
ct_approvals_are_pending (CtDb *db, const CtId *task, gboolean *pending, GError **error)
{
  gint64 value = 0;

  if (!ct_db_read_int (db, &value, error,
                       "SELECT EXISTS (SELECT 1 FROM approvals WHERE task_id = ? AND state = 'pending')", "k",
                       task))
    return FALSE;
  *pending = value != 0;
  return TRUE;
}

/* Whether anything of a task is on its way out. */
static gboolean
is_going_out (CtDb *db, const CtId *task, gboolean *going, GError **error)
{
  gint64 value = 0;

  if (!ct_db_read_int (db, &value, error,
                       "SELECT EXISTS (SELECT 1 FROM outbox WHERE task_id = ? AND state IN "
                       "('ready', 'leased', 'sending', 'unknown'))",
                       "k", task))
    return FALSE;
  *going = value != 0;
  return TRUE;
}

/**
 * ct_approvals_settle_task:
 * @next_check_at: when the agent looks at it again
 *
 * After approvals fell away: a task that waited for them alone goes back to the agent.
 */
gboolean
ct_approvals_settle_task (CtCommand *command, const CtId *task, gint64 next_check_at, GError **error)
{
  g_auto (CtTaskRow) row = { 0 };
  gboolean pending, going;

  if (!ct_task_row_load (command->db, task, &row, error) ||
      !ct_approvals_are_pending (command->db, task, &pending, error) ||
      !is_going_out (command->db, task, &going, error))
    return FALSE;
  if (pending || going ||
      (row.status != CT_TASK_WAITING_FOR_HUMAN_APPROVAL && row.status != CT_TASK_APPROVED))
    return TRUE;
  ct_command_touches (command, task);
  return ct_task_row_move (command, &row, CT_TASK_SCHEDULED, error) &&
         ct_task_row_check_next (command, &row, next_check_at, error);
}

/* Voids whatever of a task has not gone out yet and gives the task back to its agent. */
gboolean
ct_approvals_void_for_task (CtCommand *command, const CtId *task, const char *reason, GError **error)
{
  guint n_voided = 0;

  return ct_approvals_void_all (command, task, reason, &n_voided, error) &&
         (n_voided == 0 || ct_approvals_settle_task (command, task, command->now, error));
}

/**
 * ct_approvals_void_for_exception:
 * @reason: what happened: "paid meanwhile"
 *
 * For an exception that clears or is closed: voids the drafts that wait on it, in the caller's own command, and has
 * the agents of its open tasks look again at once.
 */
gboolean
ct_approvals_void_for_exception (CtCommand *command, const CtId *exception, const char *reason,
                                 GError **error)
{
  g_autoptr (GArray) tasks =
      read_ids (command->db, error,
                "SELECT id FROM follow_up_tasks WHERE exception_id = ? AND status <> 'resolved' ORDER BY id",
                exception);

  for (guint i = 0; tasks && i < tasks->len; i++)
    if (!ct_approvals_void_for_task (command, &g_array_index (tasks, CtId, i), reason, error))
      return FALSE;
  return tasks != NULL;
}

/**
 * ct_approvals_void_for_channel:
 * @channel: its name
 *
 * For a channel that leads to another account from now on: nobody approved anything for that one. What is being sent, or
 * may have been, stays as it is, and is not sent once more.
 */
gboolean
ct_approvals_void_for_channel (CtCommand *command, const char *channel, const char *reason, GError **error)
{
  g_autoptr (GArray) approvals = take_ids (
      ct_db_query (command->db, error,
                   "SELECT id FROM approvals a WHERE channel = ? AND (state = 'pending' OR (state = "
                   "'approved' AND EXISTS (SELECT 1 FROM outbox o WHERE o.approval_id = a.id AND o.state IN "
                   "('ready', 'leased', 'sending', 'failed', 'unknown')))) ORDER BY id",
                   "s", channel),
      error);

  for (guint i = 0; approvals && i < approvals->len; i++) {
    g_auto (CtApprovalRow) row = { 0 };

    if (!ct_approval_row_load (command->db, &g_array_index (approvals, CtId, i), &row, error) ||
        !ct_approvals_void_one (command, &row.id, reason, error) ||
        !ct_approvals_settle_task (command, &row.task_id, command->now, error))
      return FALSE;
  }
  return approvals != NULL;
}
