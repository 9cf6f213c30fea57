#include "ct-work-json.h"
#include "ct-approval-context.h"
#include "ct-approvals.h"
#include "ct-rows.h"

#include <string.h>

static JsonNode *
time_node (gint64 at)
{
  JsonNode *node = json_node_alloc ();
  g_autofree char *text = at == CT_NULL_INT ? NULL : ct_time_format (at);

  return text ? json_node_init_string (node, text) : json_node_init_null (node);
}

static JsonNode *
list_node (const char *text)
{
  JsonNode *node = ct_json_parse (text, -1, 1 << 16, NULL);

  return node ? node : ct_json_wrap_array (json_array_new ());
}

/* "slack:#ops", in their order. */
static JsonArray *
read_channels (CtDb *db, const CtId *task, GError **error)
{
  g_autoptr (JsonArray) channels = json_array_new ();
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT channel || ':' || destination FROM task_channels WHERE task_id = ? ORDER BY position, id", "k",
      task);

  while (stmt && ct_stmt_next (stmt))
    json_array_add_string_element (channels, ct_stmt_text (stmt, 0));
  return stmt && ct_stmt_finish (stmt, error) ? g_steal_pointer (&channels) : NULL;
}

#define TASK                                                                                                 \
  "SELECT t.id, t.number, o.number, t.assigned_agent, t.human_owner, t.status, t.sla_due_at, "               \
  "t.next_check_at, t.channel_policy, t.allowed_actions, t.blocked_actions, t.escalation_rule, "             \
  "t.last_channel_message_id, t.audit_required FROM follow_up_tasks t LEFT JOIN orders o ON o.id = "         \
  "t.order_id "

/* DOMAIN.md, "Task states": the form of a task, to the letter. */
static JsonObject *
task_object (CtDb *db, CtStmt *row, GError **error)
{
  JsonArray *channels;
  CtId id;

  ct_stmt_id (row, 0, &id);
  channels = read_channels (db, &id, error);
  if (!channels)
    return NULL;
  return ct_json_build (
      "sSsssnnasnnsSb", "taskId", ct_stmt_text (row, 1), "orderId", ct_stmt_text (row, 2), "assignedAgent",
      ct_stmt_text (row, 3), "humanOwner", ct_stmt_text (row, 4), "status", ct_stmt_text (row, 5), "slaDueAt",
      time_node (ct_stmt_int_or (row, 6, CT_NULL_INT)), "nextCheckAt",
      time_node (ct_stmt_int_or (row, 7, CT_NULL_INT)), "communicationChannels", channels, "channelPolicy",
      ct_stmt_text (row, 8), "allowedActions", list_node (ct_stmt_text (row, 9)), "blockedActions",
      list_node (ct_stmt_text (row, 10)), "escalationRule", ct_stmt_text (row, 11), "lastChannelMessageId",
      ct_stmt_text (row, 12), "auditRequired", (gboolean) (ct_stmt_int (row, 13) != 0));
}

/**
 * ct_task_json:
 * @number_or_id: "FOLLOW-2026-001" or a UUID
 *
 * Returns: (transfer full): the task; %CT_ERROR_NOT_FOUND
 */
JsonObject *
ct_task_json (CtDb *db, const char *number_or_id, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;
  CtId id;

  if (!ct_task_row_find (db, number_or_id, &id, error))
    return NULL;
  stmt = ct_db_query (db, error, TASK "WHERE t.id = ?", "k", &id);
  return stmt && ct_stmt_next (stmt) ? task_object (db, stmt, error) : NULL;
}

/**
 * ct_tasks_json:
 * @status: (nullable): one state, or "open" for every task that is not resolved
 * @owner: (nullable): a team
 * @agent: (nullable): an agent
 *
 * Returns: (transfer full): the tasks in the form of ct_task_json(), the most urgent first
 */
JsonArray *
ct_tasks_json (CtDb *db, const char *status, const char *owner, const char *agent, GError **error)
{
  g_autoptr (JsonArray) tasks = json_array_new ();
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error,
                   TASK "WHERE (?1 IS NULL OR t.status = ?1 OR (?1 = 'open' AND t.status <> 'resolved')) AND "
                        "(?2 IS NULL OR t.human_owner = ?2) AND (?3 IS NULL OR t.assigned_agent = ?3) "
                        "ORDER BY t.sla_due_at IS NULL, t.sla_due_at, t.priority DESC, t.number",
                   "sss", status, owner, agent);

  while (stmt && ct_stmt_next (stmt)) {
    JsonObject *task = task_object (db, stmt, error);

    if (!task)
      return NULL;
    json_array_add_object_element (tasks, task);
  }
  return stmt && ct_stmt_finish (stmt, error) ? g_steal_pointer (&tasks) : NULL;
}

#define APPROVAL                                                                                             \
  "SELECT a.id, a.number, t.number AS task, o.author AS agent, a.owner, a.channel, a.destination, o.kind, "  \
  "o.language, o.subject, o.text, a.payload_sha256 AS payloadSha256, a.context_sha256 AS contextSha256, "    \
  "a.state, o.findings AS findingsJson, o.facts AS factsJson, o.confidence, o.rationale, o.revision, "       \
  "o.provider, o.model, a.amount_minor AS amountMinor, a.currency, a.created_at AS requestedAt, "            \
  "a.expires_at AS expiresAt, a.deadline_at AS deadlineAt, a.edited_by AS editedBy, "                        \
  "a.delegated_to AS delegatedTo, a.decided_by AS decidedBy, a.decided_role AS decidedRole, "                \
  "a.decided_at AS decidedAt, a.comment, a.void_reason AS voidReason "                                       \
  "FROM approvals a JOIN follow_up_tasks t ON t.id = a.task_id JOIN ai_outputs o ON o.id = a.output_id "

/* The bytes that go out, what they stand on, what of it has changed, and the draft before a person's edit. */
static gboolean
add_details (CtDb *db, const CtId *id, JsonObject *object, GError **error)
{
  g_auto (CtApprovalRow) row = { 0 };
  g_autofree char *now = NULL, *draft = NULL;
  g_autoptr (JsonArray) changes = NULL;
  gconstpointer bytes;
  gsize length;

  if (!ct_approval_row_load (db, id, &row, error) ||
      !(now = ct_approval_context_renew (db, &row.task_id, row.context, error)) ||
      !(changes = ct_approval_context_changes (db, row.context, now, error)))
    return FALSE;
  bytes = g_bytes_get_data (row.wire, &length);
  if (g_utf8_validate_len (bytes, length, NULL)) {
    g_autofree char *text = g_strndup (bytes, length);

    json_object_set_string_member (object, "wire", text);
  } else {
    g_autofree char *text = g_base64_encode (bytes, length);

    json_object_set_string_member (object, "wireBase64", text);
  }
  draft = ct_db_read_text (
      db, NULL, "SELECT d.text FROM ai_outputs o JOIN ai_outputs d ON d.id = o.based_on WHERE o.id = ?", "k",
      &row.output_id);
  if (draft)
    json_object_set_string_member (object, "draft", draft);
  json_object_set_array_member (object, "changes", json_array_ref (changes));
  return TRUE;
}

/**
 * ct_approval_json:
 * @number_or_id: "APPROVAL-2026-0001" or a UUID
 *
 * Returns: (transfer full): the approval with "wire", the exact bytes that would go out, and "changes", what it relies
 *   on that is no longer so; %CT_ERROR_NOT_FOUND
 */
JsonObject *
ct_approval_json (CtDb *db, const char *number_or_id, GError **error)
{
  g_autoptr (JsonObject) object = NULL;
  CtId id;

  if (!ct_approval_row_find (db, number_or_id, &id, error))
    return NULL;
  object = ct_rows_one (db, error, APPROVAL "WHERE a.id = ?", "k", &id);
  return object && add_details (db, &id, object, error) ? g_steal_pointer (&object) : NULL;
}

/**
 * ct_approvals_json:
 * @state: (nullable): "pending", "approved", …
 * @task: (nullable): a task's number
 *
 * Returns: (transfer full): approvals by their effective deadline
 */
JsonArray *
ct_approvals_json (CtDb *db, const char *state, const char *task, GError **error)
{
  return ct_rows_array (db, error,
                        APPROVAL "WHERE (?1 IS NULL OR a.state = ?1) AND (?2 IS NULL OR t.number = ?2) "
                                 "ORDER BY coalesce(a.deadline_at, a.expires_at), a.number",
                        "ss", state, task);
}
