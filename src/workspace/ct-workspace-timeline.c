/* Timelines: who did what, when, in which role, before and after, and whether a signed checkpoint proves it. */
#include "ct-workspace-timeline.h"
#include "ct-changes.h"
#include "ct-rows.h"

#include <string.h>

/* What an action did, in words. Those of records (order.edit) are put together from their verb. */
static const struct {
  const char *action;
  const char *sentence;
} sentences[] = {
  { "import.chunk", N_ ("Imported from a file") },
  { "exceptions.detect", N_ ("Rules were evaluated") },
  { "exception.assign", N_ ("Exception given to another team") },
  { "exception.close", N_ ("Exception closed") },
  { "task.create", N_ ("Follow-up task created") },
  { "task.assign", N_ ("Task assigned") },
  { "task.unassign", N_ ("Task given back to its team") },
  { "task.schedule", N_ ("Next check scheduled") },
  { "task.snooze", N_ ("Task snoozed") },
  { "task.wake", N_ ("Snooze ended") },
  { "task.escalate", N_ ("Task escalated") },
  { "task.block", N_ ("Task blocked") },
  { "task.resolve", N_ ("Task resolved") },
  { "task.reopen", N_ ("Task reopened") },
  { "task.note", N_ ("Note added") },
  { "task.add_channel", N_ ("Channel added to the task") },
  { "task.begin_draft", N_ ("Agent began to draft") },
  { "task.breach", N_ ("SLA target missed") },
  { "task.await_reply", N_ ("Waiting for a reply") },
  { "draft.store", N_ ("Agent drafted a message") },
  { "action.accept", N_ ("Proposed step accepted") },
  { "action.decline", N_ ("Proposed step declined") },
  { "approval.approve", N_ ("Message approved") },
  { "approval.edit", N_ ("Message edited before approval") },
  { "approval.reject", N_ ("Message rejected") },
  { "approval.ask", N_ ("Changes asked for") },
  { "approval.delegate", N_ ("Approval delegated") },
  { "approval.void", N_ ("Approval voided") },
  { "approval.expire", N_ ("Approval expired") },
  { "approval.unsend", N_ ("Sending taken back") },
  { "post.lease", N_ ("Sender took the post up") },
  { "post.sending", N_ ("Sending began") },
  { "post.sent", N_ ("Message posted") },
  { "post.release", N_ ("Sending put off") },
  { "post.failed", N_ ("Sending failed") },
  { "post.unknown", N_ ("Whether the message went out is not known") },
  { "post.resolve", N_ ("Fate of the post settled") },
  { "post.retracting", N_ ("Retraction asked for") },
  { "post.retract_lease", N_ ("Retraction begun") },
  { "post.retract_failed", N_ ("Retraction did not succeed") },
  { "post.look", N_ ("Asked to look for the message") },
  { "post.looked", N_ ("The message was looked for") },
  { "post.retract", N_ ("Message retracted") },
  { "reply.add", N_ ("Reply received") },
  { "note.add", N_ ("Note added") },
  { "command.undo", N_ ("Step undone") },
  { "config.put", N_ ("Configuration changed") },
  { "config.archive", N_ ("Configuration archived") },
  { "setting.set", N_ ("Setting changed") },
  { "person.put", N_ ("Person and roles changed") },
  { "absence.set", N_ ("Absence entered") },
  { "absence.end", N_ ("Absence ended") },
  { "workspace.init", N_ ("Workspace set up") },
  { "workspace.upload", N_ ("Brought with the upload of a workspace") },
  { "upload.give_up", N_ ("Upload given up, its server being gone") },
  { "channel.add", N_ ("Channel added") },
  { "channel.remove", N_ ("Channel removed") },
  { "delivery.stop", N_ ("All sending stopped") },
  { "delivery.resume", N_ ("Sending resumed") },
  { "audit.redact", N_ ("A text was redacted") },
  { "user.add", N_ ("User added, or given other roles") },
  { "user.remove", N_ ("User removed") },
  { "device.enrol", N_ ("Device enrolled") },
  { "device.revoke", N_ ("Device revoked") },
  { "server.people", N_ ("Roles at the server taken over") },
  { "log.key", N_ ("Key of the log stated") },
  { ".create", N_ ("Record created") },
  { ".edit", N_ ("Record edited") },
  { ".archive", N_ ("Record archived") },
  { ".restore", N_ ("Record restored") },
};

static const struct {
  const char *column;
  const char *label;
} labels[] = {
  { "status", N_ ("Status") },
  { "state", N_ ("State") },
  { "human_owner", N_ ("Team") },
  { "owner", N_ ("Team") },
  { "assignee", N_ ("Assignee") },
  { "assigned_agent", N_ ("Agent") },
  { "text", N_ ("Text") },
  { "comment", N_ ("Comment") },
  { "resolution", N_ ("Resolution") },
  { "closed_reason", N_ ("Reason") },
  { "void_reason", N_ ("Reason") },
  { "problem", N_ ("Problem") },
  { "external_message_id", N_ ("Message ID") },
  { "last_channel_message_id", N_ ("Message ID") },
  { "destination", N_ ("Destination") },
  { "channel", N_ ("Channel") },
  { "sla_due_at", N_ ("Due") },
  { "next_check_at", N_ ("Next check") },
  { "snoozed_until", N_ ("Snoozed until") },
  { "number", N_ ("Number") },
  { "legal_name", N_ ("Name") },
  { "ordered_on", N_ ("Ordered") },
  { "required_on", N_ ("Required") },
  { "archived_at", N_ ("Archived") },
  { "credit_limit_minor", N_ ("Credit limit") },
  { "total_minor", N_ ("Total") },
  { "notes", N_ ("Notes") },
  { "value_at_risk_minor", N_ ("Value at risk") },
  { "carrier", N_ ("Carrier") },
  { "pickup_attempts", N_ ("Pickup attempts") },
  { "episode", N_ ("Episode") },
  { "amount_minor", N_ ("Amount") },
  { "paid_minor", N_ ("Paid") },
  { "score", N_ ("Score") },
  { "severity", N_ ("Severity") },
  { "next_action", N_ ("Next step") },
  { "country", N_ ("Country") },
  { "currency", N_ ("Currency") },
  { "subject", N_ ("Subject") },
  { "rule", N_ ("Rule") },
  { "blocker", N_ ("Blocker") },
  { "agent", N_ ("Agent") },
  { "opened_at", N_ ("Opened") },
  { "cleared_at", N_ ("Ended") },
  { "decided_at", N_ ("Decided") },
  { "decided_by", N_ ("Decided by") },
  { "expires_at", N_ ("Expires") },
  { "due_on", N_ ("Due on") },
  { "kind", N_ ("Kind") },
  { "value_band", N_ ("Value band") },
  { "onboarding_state", N_ ("Onboarding") },
  { "escalation_rule", N_ ("Escalation") },
  { "sent_at", N_ ("Sent") },
};

/* What happened, translated; the action itself where nobody has put it in words. */
const char *
ct_timeline_sentence (const char *action)
{
  for (guint i = 0; i < G_N_ELEMENTS (sentences); i++)
    if (strcmp (sentences[i].action, action) == 0 ||
        (sentences[i].action[0] == '.' && g_str_has_suffix (action, sentences[i].action)))
      return _ (sentences[i].sentence);
  return action;
}

/* A column as people call it, translated; its own name where it has no other. */
const char *
ct_timeline_column_label (const char *column)
{
  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    if (strcmp (labels[i].column, column) == 0)
      return _ (labels[i].label);
  return column;
}

/* Where a command keeps what was said with it, by how its name begins; the first row with a text counts. */
static const struct {
  const char *action, *table, *column;
} comments[] = {
  { "approval.void", "approvals", "void_reason" },
  { "approval.", "approvals", "comment" },
  { "exception.close", "exceptions", "closed_reason" },
  { "task.resolve", "follow_up_tasks", "resolution" },
  { "post.retracting", "outbox", "retract_comment" },
  { "post.", "outbox", "problem" },
  { "", "task_notes", "text" },
};

static const char *
find_text (JsonArray *rows, const char *table, const char *column)
{
  for (guint i = 0; i < json_array_get_length (rows); i++) {
    JsonNode *element = json_array_get_element (rows, i);
    JsonObject *row = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
    JsonArray *pair = row && strcmp (ct_json_string (row, "table", ""), table) == 0
                          ? ct_json_array (ct_json_object (row, "columns"), column)
                          : NULL;
    JsonNode *after = pair && json_array_get_length (pair) == 2 ? json_array_get_element (pair, 1) : NULL;

    if (after && JSON_NODE_HOLDS_VALUE (after) && json_node_get_value_type (after) == G_TYPE_STRING &&
        !ct_text_is_blank (json_node_get_string (after)))
      return json_node_get_string (after);
  }
  return NULL;
}

/**
 * ct_timeline_comment:
 * @changes: (nullable): what the event discloses, [{"table", "columns": {name: [before, after]}}]; foreign bytes
 *
 * Returns: (nullable): what somebody said with it: why, how they know, or a note
 */
const char *
ct_timeline_comment (const char *action, JsonNode *changes)
{
  JsonArray *rows = changes && JSON_NODE_HOLDS_ARRAY (changes) ? json_node_get_array (changes) : NULL;
  const char *text = NULL;

  for (guint i = 0; rows && !text && i < G_N_ELEMENTS (comments); i++)
    if (g_str_has_prefix (action, comments[i].action))
      text = find_text (rows, comments[i].table, comments[i].column);
  return text;
}

/* (transfer full) (nullable): the same of changes as text (nullable) */
char *
ct_timeline_comment_of (const char *action, const char *changes)
{
  g_autoptr (JsonNode) node = changes ? ct_json_parse (changes, -1, 1 << 22, NULL) : NULL;

  return g_strdup (ct_timeline_comment (action, node));
}

/* (transfer full) (nullable): the same of an own command of which the log does not have a leaf yet */
char *
ct_timeline_pending_comment (CtDb *db, const char *action, gint64 seq)
{
  g_autofree char *changes = ct_changes_text (db, seq, NULL);

  return ct_timeline_comment_of (action, changes);
}

/* Steps that only an agent takes, whoever's command line or program it ran in. */
static gboolean
is_agents (const char *action, const char *role)
{
  static const char *const actions[] = {
    "draft.store",      "task.begin_draft", "exceptions.detect", "task.breach", "post.lease",
    "post.sending",     "post.sent",        "post.release",      "post.failed", "post.unknown",
    "task.await_reply", "task.wake",        "approval.expire",   NULL
  };

  return strcmp (role, "agent") == 0 || ct_text_index (actions, action) >= 0;
}

static JsonNode *
copy_value (const char *column, JsonNode *value)
{
  if (g_str_has_suffix (column, "_at") || strcmp (column, "snoozed_until") == 0) {
    if (JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_INT64) {
      g_autofree char *text = ct_time_format (json_node_get_int (value));

      return json_node_init_string (json_node_alloc (), text);
    }
  }
  return json_node_copy (value);
}

/* A status's clock and the like follow from what is shown anyway. */
static gboolean
is_derived (const char *column)
{
  static const char *const names[] = { "status_since_at", "status_before", "fence", "lease_holder",
                                       "leased_until",    "nonce",         "wire",  NULL };

  return ct_text_index (names, column) >= 0 || g_str_has_suffix (column, "_id") ||
         g_str_has_suffix (column, "_sha256");
}

static gboolean
is_message_id (const char *column)
{
  return strcmp (column, "external_message_id") == 0 || strcmp (column, "last_channel_message_id") == 0;
}

/* Whether a change of the column tells a person something: an ID of ours does not, the ID of a message does. */
gboolean
ct_timeline_tells (const char *column)
{
  return is_message_id (column) || !is_derived (column);
}

static void
take_column (JsonObject *event, JsonArray *changes, JsonObject *row, const char *column, JsonNode *pair)
{
  JsonArray *values = JSON_NODE_HOLDS_ARRAY (pair) ? json_node_get_array (pair) : NULL;
  JsonNode *after;

  if (!values || json_array_get_length (values) != 2)
    return;
  after = json_array_get_element (values, 1);
  if (is_message_id (column) && JSON_NODE_HOLDS_VALUE (after))
    json_object_set_string_member (event, "externalMessageId", json_node_get_string (after));
  if (!ct_timeline_tells (column))
    return;
  json_array_add_object_element (changes,
                                 ct_json_build ("ssssnn", "table", ct_json_string (row, "table", ""), "id",
                                                ct_json_string (row, "id", ""), "column", column, "label",
                                                ct_timeline_column_label (column), "before",
                                                copy_value (column, json_array_get_element (values, 0)),
                                                "after", copy_value (column, after)));
}

/* The disclosure [{table, id, op, columns: {name: [before, after]}}] as a flat list of what changed, and what was said with it. */
static JsonArray *
read_changes (JsonObject *event, const char *text)
{
  g_autoptr (JsonNode) node = text ? ct_json_parse (text, -1, 1 << 22, NULL) : NULL;
  JsonArray *rows = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  const char *comment = ct_timeline_comment (ct_json_string (event, "action", ""), node);
  JsonArray *changes = json_array_new ();

  if (comment)
    json_object_set_string_member (event, "detail", comment);
  for (guint i = 0; rows && i < json_array_get_length (rows); i++) {
    JsonNode *element = json_array_get_element (rows, i);
    JsonObject *row = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
    JsonObject *columns = ct_json_object (row, "columns");
    JsonObjectIter iter;
    const char *column;
    JsonNode *pair;

    if (!columns)
      continue;
    json_object_iter_init_ordered (&iter, columns);
    while (json_object_iter_next_ordered (&iter, &column, &pair))
      take_column (event, changes, row, column, pair);
  }
  return changes;
}

/* Whose events belong to a subject's story: its own and those of what hangs on it. ?1 is the subject. */
static const struct {
  const char *type;
  const char *related;
} stories[] = {
  { "order",
    "SELECT id FROM follow_up_tasks WHERE order_id = ?1 UNION "
    "SELECT id FROM exceptions WHERE order_id = ?1 UNION "
    "SELECT id FROM invoices WHERE order_id = ?1 UNION SELECT id FROM shipments WHERE order_id = ?1 UNION "
    "SELECT id FROM documents WHERE order_id = ?1 UNION "
    "SELECT a.id FROM approvals a JOIN follow_up_tasks t ON t.id = a.task_id WHERE t.order_id = ?1 UNION "
    "SELECT p.id FROM outbox p JOIN follow_up_tasks t ON t.id = p.task_id WHERE t.order_id = ?1" },
  { "distributor", "SELECT id FROM contacts WHERE distributor_id = ?1 UNION "
                   "SELECT id FROM documents WHERE distributor_id = ?1 UNION "
                   "SELECT id FROM exceptions WHERE distributor_id = ?1 AND order_id IS NULL UNION "
                   "SELECT id FROM follow_up_tasks WHERE distributor_id = ?1 AND order_id IS NULL" },
  { "task",
    "SELECT id FROM approvals WHERE task_id = ?1 UNION SELECT id FROM outbox WHERE task_id = ?1 UNION "
    "SELECT id FROM ai_outputs WHERE task_id = ?1" },
  { "exception",
    "SELECT id FROM follow_up_tasks WHERE exception_id = ?1 UNION "
    "SELECT a.id FROM approvals a JOIN follow_up_tasks t ON t.id = a.task_id "
    "WHERE t.exception_id = ?1 UNION "
    "SELECT p.id FROM outbox p JOIN follow_up_tasks t ON t.id = p.task_id WHERE t.exception_id = ?1" },
  { "approval", "SELECT id FROM outbox WHERE approval_id = ?1" },
  { "post", "SELECT approval_id FROM outbox WHERE id = ?1" },
};

/* Bulk commands name no objects: the subject is looked for among the rows to which their leaves commit. Only those of
 * the moments at which the subject was written are read. */
#define BULK                                                                                                 \
  "SELECT a.n FROM audit_logs a JOIN audit_rows r ON r.n = a.n WHERE a.action IN ('import.chunk', "          \
  "'exceptions.detect') AND a.received_at IN (SELECT created_at FROM %1$s WHERE id = ?1 UNION "              \
  "SELECT updated_at FROM %1$s WHERE id = ?1) AND instr(r.entries, ?1) > 0"

/* The undoing of what the story tells; its own leaf names the command alone. */
#define UNDONE                                                                                               \
  "SELECT a.n FROM undone u JOIN intents i ON i.seq = u.seq JOIN intents b ON b.seq = u.by_seq "             \
  "JOIN audit_logs a ON a.action = 'command.undo' "                                                          \
  "AND CAST(a.leaf AS TEXT)->>'intent_sha256' = lower(hex(b.sha256)) WHERE lower(hex(i.sha256)) IN "         \
  "(SELECT CAST(l.leaf AS TEXT)->>'intent_sha256' FROM own JOIN audit_logs l ON l.n = own.n)"

/* "WITH story(id) AS (…": the subject and what hangs on it, without the closing bracket. */
static GString *
begin_sql (const CtFound *subject)
{
  GString *sql = g_string_new ("WITH story(id) AS (SELECT ?1");

  for (guint i = 0; i < G_N_ELEMENTS (stories); i++)
    if (strcmp (stories[i].type, subject->type) == 0)
      g_string_append_printf (sql, " UNION %s", stories[i].related);
  return sql;
}

static char *
make_sql (const CtFound *subject)
{
  GString *sql = begin_sql (subject);

  g_string_append (sql, "), own(n) AS (SELECT n FROM audit_logs WHERE object_id IN story UNION "
                        "SELECT n FROM audit_objects WHERE object_id IN story UNION ");
  g_string_append_printf (sql, BULK, subject->table);
  g_string_append (
      sql, "), events(n) AS (SELECT n FROM own UNION " UNDONE
           ") SELECT l.n, l.ev_id, l.received_at, l.actor, CAST(l.leaf AS TEXT)->>'actor_role', l.action, "
           "l.object_type, l.object_id, d.value, "
           "(SELECT min(c.size) FROM audit_checkpoints c WHERE c.size > l.n), "
           "(SELECT group_concat(x.value, '; ') FROM audit_disclosures x WHERE x.n = l.n AND "
           "x.field IN ('comment', 'reason', 'file')) FROM events e JOIN audit_logs l ON l.n = e.n "
           "LEFT JOIN audit_disclosures d ON d.n = l.n AND d.field = 'changes' ORDER BY l.n");
  return g_string_free (sql, FALSE);
}

static JsonObject *
read_event (CtDb *db, CtStmt *row)
{
  const char *action = ct_stmt_text (row, 5), *type = ct_stmt_text (row, 6);
  const char *role = ct_stmt_is_null (row, 4) ? "" : ct_stmt_text (row, 4);
  g_autofree char *at = ct_time_format (ct_stmt_int (row, 2));
  g_autofree char *event_id = NULL, *object = NULL;
  JsonObject *event;
  CtId id;

  ct_stmt_id (row, 1, &id);
  event_id = ct_id_to_string (&id);
  ct_stmt_id (row, 7, &id);
  object = ct_workspace_label (db, type, &id);
  event = ct_json_build ("issssbsssssbb", "index", ct_stmt_int (row, 0), "event", event_id, "at", at, "actor",
                         ct_stmt_text (row, 3), "role", role, "agent", is_agents (action, role), "action",
                         action, "summary", ct_timeline_sentence (action), "objectType", type, "object",
                         object, "detail", ct_stmt_is_null (row, 10) ? NULL : ct_stmt_text (row, 10),
                         "proven", !ct_stmt_is_null (row, 9), "pending", FALSE);
  if (ct_stmt_is_null (row, 9))
    json_object_set_null_member (event, "checkpoint");
  else
    json_object_set_int_member (event, "checkpoint", ct_stmt_int (row, 9));
  json_object_set_null_member (event, "externalMessageId");
  json_object_set_array_member (
      event, "changes", read_changes (event, ct_stmt_is_null (row, 8) ? NULL : ct_stmt_text (row, 8)));
  return event;
}

/* Commands that a server has not settled, or whose leaf has not come from its log: their story is only here as yet. */
#define UNCONFIRMED                                                                                          \
  ") SELECT i.seq, i.name, i.actor, i.occurred_at, o.outcome, (SELECT json_group_array(uuid_text(id)) FROM " \
  "story) FROM intents i LEFT JOIN sync_outcomes o ON o.seq = i.seq WHERE i.seq > coalesce((SELECT "         \
  "CAST(value AS INTEGER) FROM workspace WHERE key = 'log_began_after'), 9e18) AND i.seq NOT IN (SELECT "    \
  "seq FROM attention) AND (o.seq IS NULL AND EXISTS (SELECT 1 FROM sync_touches t WHERE t.seq = i.seq AND " \
  "t.kind <> 'r' AND t.id IN story) OR o.place IS NULL AND o.outcome = 'applied' AND NOT EXISTS (SELECT 1 "  \
  "FROM audit_logs l WHERE l.ev_id = o.leaf)) AND EXISTS (SELECT 1 FROM workspace WHERE key = 'server') "    \
  "ORDER BY i.seq"

/* Whether what a command changed belongs to the story. */
static gboolean
concerns (const char *changes, const char *ids)
{
  g_autoptr (JsonNode) node = ct_json_parse (changes, -1, 1 << 24, NULL);
  JsonArray *rows = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; rows && i < json_array_get_length (rows); i++) {
    const char *id = ct_json_string (json_array_get_object_element (rows, i), "id", NULL);

    if (id && strstr (ids, id))
      return TRUE;
  }
  return FALSE;
}

static JsonObject *
read_unconfirmed (CtDb *db, const CtFound *subject, CtStmt *row, const char *changes)
{
  const char *action = ct_stmt_text (row, 1);
  g_autofree char *at = ct_time_format (ct_stmt_int (row, 3));
  g_autofree char *object = ct_workspace_label (db, subject->type, &subject->id);
  g_autofree char *summary =
      g_strdup_printf (_ ("%s (not confirmed by the server yet)"), ct_timeline_sentence (action));
  JsonObject *event =
      ct_json_build ("sssbssssbb", "at", at, "actor", ct_stmt_text (row, 2), "role", "", "agent",
                     is_agents (action, ""), "action", action, "summary", summary, "objectType",
                     subject->type, "object", object, "proven", FALSE, "pending", TRUE);

  json_object_set_null_member (event, "index");
  json_object_set_null_member (event, "event");
  json_object_set_null_member (event, "checkpoint");
  json_object_set_null_member (event, "externalMessageId");
  json_object_set_array_member (event, "changes", read_changes (event, changes));
  return event;
}

static gboolean
add_unconfirmed (CtDb *db, const CtFound *subject, JsonArray *events, GError **error)
{
  g_autoptr (GString) sql = begin_sql (subject);
  g_autoptr (CtStmt) stmt = NULL;

  g_string_append (sql, UNCONFIRMED);
  stmt = ct_db_query (db, error, sql->str, "k", &subject->id);
  while (stmt && ct_stmt_next (stmt)) {
    g_autofree char *changes = ct_changes_text (db, ct_stmt_int (stmt, 0), error);

    if (!changes)
      return FALSE;
    if (concerns (changes, ct_stmt_text (stmt, 5)))
      json_array_add_object_element (events, read_unconfirmed (db, subject, stmt, changes));
  }
  return stmt && ct_stmt_finish (stmt, error);
}

/**
 * ct_timeline_read:
 * @subject: whose story
 *
 * Returns: (transfer full): events, oldest first: {"index", "event", "at", "actor", "role", "agent", "action",
 *   "summary", "objectType", "object", "detail", "proven", "pending": an own command that the server's log does not have yet
 *   (without "index" and "event"), "checkpoint": the size of the first signed checkpoint that
 *   includes the event, "externalMessageId", "changes": [{"table", "id", "column", "label", "before", "after"}]}
 */
JsonArray *
ct_timeline_read (CtDb *db, const CtFound *subject, GError **error)
{
  g_autofree char *sql = make_sql (subject);
  g_autoptr (JsonArray) events = json_array_new ();
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "k", &subject->id);

  while (stmt && ct_stmt_next (stmt))
    json_array_add_object_element (events, read_event (db, stmt));
  return stmt && ct_stmt_finish (stmt, error) && add_unconfirmed (db, subject, events, error)
             ? g_steal_pointer (&events)
             : NULL;
}
