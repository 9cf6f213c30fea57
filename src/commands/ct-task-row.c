/* What the handlers of tasks, drafts, approvals and posts have in common: reading a task, and moving it. */
#include "ct-task-row.h"
#include "ct-configuration.h"
#include "ct-effect.h"
#include "ct-sla-book.h"

#include <string.h>

/* The columns of SELECT, in order. */
enum {
  COL_NUMBER,
  COL_TITLE,
  COL_STATUS,
  COL_BEFORE,
  COL_EXCEPTION,
  COL_ORDER,
  COL_DISTRIBUTOR,
  COL_AGENT,
  COL_OWNER,
  COL_ASSIGNEE,
  COL_POLICY,
  COL_DUE,
  COL_NEXT,
  COL_SNOOZED,
  COL_ESCALATE,
  COL_CADENCE,
  COL_RULE,
  COL_TO,
  COL_ALLOWED,
  COL_BLOCKED,
};

#define SELECT                                                                                               \
  "SELECT number, title, status, status_before, exception_id, order_id, distributor_id, assigned_agent, "    \
  "human_owner, assignee, sla_policy, sla_due_at, next_check_at, snoozed_until, escalate_at, cadence_ms, "   \
  "escalation_rule, escalate_to, allowed_actions, blocked_actions FROM follow_up_tasks WHERE id = ?"

static char **
read_list (const char *text)
{
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 1 << 16, NULL);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; array && i < json_array_get_length (array); i++) {
    JsonNode *item = json_array_get_element (array, i);

    if (JSON_NODE_HOLDS_VALUE (item) && json_node_get_value_type (item) == G_TYPE_STRING)
      g_strv_builder_add (names, json_node_get_string (item));
  }
  return g_strv_builder_end (names);
}

static gboolean
read_row (CtTaskRow *self, CtStmt *stmt, GError **error)
{
  if (!ct_task_state_parse (ct_stmt_text (stmt, COL_STATUS), &self->status))
    return ct_fail (error, CT_ERROR_CORRUPT, "The task is in a state nobody knows: %s",
                    ct_stmt_text (stmt, COL_STATUS));
  self->status_before = CT_TASK_ASSIGNED;
  ct_task_state_parse (ct_stmt_text (stmt, COL_BEFORE), &self->status_before);
  ct_stmt_id (stmt, COL_EXCEPTION, &self->exception_id);
  ct_stmt_id (stmt, COL_ORDER, &self->order_id);
  ct_stmt_id (stmt, COL_DISTRIBUTOR, &self->distributor_id);
  self->number = g_strdup (ct_stmt_text (stmt, COL_NUMBER));
  self->title = g_strdup (ct_stmt_text (stmt, COL_TITLE));
  self->agent = g_strdup (ct_stmt_text (stmt, COL_AGENT));
  self->owner = g_strdup (ct_stmt_text (stmt, COL_OWNER));
  self->assignee = g_strdup (ct_stmt_text (stmt, COL_ASSIGNEE));
  self->sla_policy = g_strdup (ct_stmt_text (stmt, COL_POLICY));
  self->escalation_rule = g_strdup (ct_stmt_text (stmt, COL_RULE));
  self->escalate_to = g_strdup (ct_stmt_text (stmt, COL_TO));
  self->sla_due_at = ct_stmt_int_or (stmt, COL_DUE, CT_NULL_INT);
  self->next_check_at = ct_stmt_int_or (stmt, COL_NEXT, CT_NULL_INT);
  self->snoozed_until = ct_stmt_int_or (stmt, COL_SNOOZED, CT_NULL_INT);
  self->escalate_at = ct_stmt_int_or (stmt, COL_ESCALATE, CT_NULL_INT);
  self->cadence = ct_stmt_int (stmt, COL_CADENCE);
  self->allowed_actions = read_list (ct_stmt_text (stmt, COL_ALLOWED));
  self->blocked_actions = read_list (ct_stmt_text (stmt, COL_BLOCKED));
  return TRUE;
}

/**
 * ct_task_row_load:
 * @self: (out): clear with ct_task_row_clear(); set only on success
 *
 * Errors: %CT_ERROR_NOT_FOUND
 */
gboolean
ct_task_row_load (CtDb *db, const CtId *id, CtTaskRow *self, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, SELECT, "k", id);
  g_auto (CtTaskRow) row = { .id = *id };

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) && ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such task"));
  if (!read_row (&row, stmt, error))
    return FALSE;
  *self = row;
  memset (&row, 0, sizeof row);
  return TRUE;
}

/* The task that the argument "task" names; its exception's, order's and distributor's stories get the command too. */
gboolean
ct_task_row_of (CtCommand *command, CtTaskRow *self, GError **error)
{
  CtId id;

  if (!ct_arg_id (command, "task", &id))
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"task\" must be a UUID"), command->def->name);
  return ct_task_row_load (command->db, &id, self, error);
}

void
ct_task_row_clear (CtTaskRow *self)
{
  g_free (self->number);
  g_free (self->title);
  g_free (self->agent);
  g_free (self->owner);
  g_free (self->assignee);
  g_free (self->sla_policy);
  g_free (self->escalation_rule);
  g_free (self->escalate_to);
  g_strfreev (self->allowed_actions);
  g_strfreev (self->blocked_actions);
  memset (self, 0, sizeof *self);
}

/* By "FOLLOW-2026-001" or by UUID; %CT_ERROR_NOT_FOUND. */
gboolean
ct_task_row_find (CtDb *db, const char *number_or_id, CtId *id, GError **error)
{
  g_autoptr (GError) problem = NULL;
  CtId parsed;
  gboolean found =
      ct_id_parse (number_or_id, &parsed)
          ? ct_db_read_id (db, id, &problem, "SELECT id FROM follow_up_tasks WHERE id = ?", "k", &parsed)
          : ct_db_read_id (db, id, &problem, "SELECT id FROM follow_up_tasks WHERE number = ?", "s",
                           number_or_id);

  if (found)
    return TRUE;
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no task “%s”"), number_or_id);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* What is not allowed by name is not allowed; a block wins. */
gboolean
ct_task_row_allows_action (const CtTaskRow *self, const char *action)
{
  return g_strv_contains ((const char *const *) self->allowed_actions, action) &&
         !g_strv_contains ((const char *const *) self->blocked_actions, action);
}

/* "… after 24h." in words of a person gives 24 hours; 0 where no such duration is there. */
gint64
ct_task_row_escalate_after (const char *rule)
{
  g_autoptr (GRegex) regex = g_regex_new (
      "\\b(?:after|через)\\s+(\\d{1,4})\\s*(m|h|d|min\\w*|hour\\w*|day\\w*|ч\\w*|мин\\w*|дн\\w*)\\b",
      G_REGEX_CASELESS, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *count = NULL, *unit = NULL;
  gint64 one;

  if (!rule || !g_utf8_validate (rule, -1, NULL) || !g_regex_match (regex, rule, 0, &match))
    return 0;
  count = g_match_info_fetch (match, 1);
  unit = g_match_info_fetch (match, 2);
  if (g_str_has_prefix (unit, "m") || g_str_has_prefix (unit, "M") || g_str_has_prefix (unit, "м"))
    one = CT_MS_MINUTE;
  else if (g_str_has_prefix (unit, "d") || g_str_has_prefix (unit, "D") || g_str_has_prefix (unit, "д"))
    one = CT_MS_DAY;
  else
    one = CT_MS_HOUR;
  return g_ascii_strtoll (count, NULL, 10) * one;
}

/* Moving */

static gboolean
is_aside (CtTaskState status)
{
  return status == CT_TASK_SNOOZED || status == CT_TASK_ESCALATED || status == CT_TASK_BLOCKED;
}

/* The clock stands while the counterparty must answer, and while snoozed where the workspace says so. */
static gboolean
stands_still (CtDb *db, CtTaskState status)
{
  return ct_task_state_stops_clock (status) ||
         (status == CT_TASK_SNOOZED && ct_configuration_setting_bool (db, "sla.snooze_pauses", FALSE));
}

static gint64
escalate_after (CtDb *db, const CtTaskRow *self)
{
  gint64 after = ct_task_row_escalate_after (self->escalation_rule);
  g_autoptr (CtAgentProfile) profile = after ? NULL : ct_configuration_agent (db, self->agent, NULL);

  return profile ? profile->escalate_after : after;
}

static gboolean
compute_dates (CtCommand *command, CtTaskRow *self, CtSlaDates *dates, GError **error)
{
  g_auto (CtSlaTerms) terms = { 0 };
  g_autoptr (GArray) ledger = ct_sla_book_read (command->db, &self->id, error);

  if (!ledger ||
      !ct_sla_terms_load (command->db, self->sla_policy,
                          ct_id_is_nil (&self->exception_id) ? NULL : &self->exception_id, &terms, error))
    return FALSE;
  ct_sla_book_dates (ledger, &terms, escalate_after (command->db, self), command->now, dates);
  return TRUE;
}

/* Works out the dates anew and sets when to escalate, also where that has happened before: a new clock runs. */
gboolean
ct_task_row_arm (CtCommand *command, CtTaskRow *self, GError **error)
{
  CtSlaDates dates;

  if (!compute_dates (command, self, &dates, error) ||
      !ct_effect_update (command, error, "follow_up_tasks", &self->id,
                         "sla_due_at,sla_warning_at,sla_hard_at,escalate_at", "zzzz", dates.due_at,
                         dates.warning_at, dates.hard_at, dates.escalate_at))
    return FALSE;
  self->sla_due_at = dates.due_at;
  self->escalate_at = dates.escalate_at;
  return TRUE;
}

/* Works out the dates anew; an escalation that has happened is not set again. */
gboolean
ct_task_row_refresh (CtCommand *command, CtTaskRow *self, GError **error)
{
  CtSlaDates dates;

  if (!compute_dates (command, self, &dates, error))
    return FALSE;
  /* a clock that is paused has no date ahead, but must have one again when it goes on */
  if (self->escalate_at != CT_NULL_INT && dates.escalate_at != CT_NULL_INT)
    self->escalate_at = dates.escalate_at;
  self->sla_due_at = dates.due_at;
  return ct_effect_update (command, error, "follow_up_tasks", &self->id,
                           "sla_due_at,sla_warning_at,sla_hard_at,escalate_at", "zzzz", dates.due_at,
                           dates.warning_at, dates.hard_at, self->escalate_at);
}

static gboolean
turn_clock (CtCommand *command, CtTaskRow *self, CtTaskState to, GError **error)
{
  gboolean stood = stands_still (command->db, self->status), stands = stands_still (command->db, to);
  CtParty party = ct_task_state_party (to);

  if (to == CT_TASK_RESOLVED)
    return ct_sla_book_write (command, &self->id, CT_SLA_FULFIL, CT_SLA_BIT (RESOLUTION), party, error);
  if (to == CT_TASK_REOPENED)
    return ct_sla_book_write (command, &self->id, CT_SLA_ACTIVATE, CT_SLA_BIT (RESOLUTION), party, error);
  if (stood && stands)
    return TRUE;
  /* also where the workspace has since said otherwise of snoozed tasks */
  return ct_sla_book_write (command, &self->id, stands ? CT_SLA_PAUSE : CT_SLA_RESUME, CT_SLA_ALL, party,
                            error);
}

/**
 * ct_task_row_move:
 * @to: the new status
 *
 * Takes the task to a status, with all that follows: the ledger, the dates, what it goes back to later.
 *
 * Errors: %CT_ERROR_CONFLICT where the transition does not exist
 */
gboolean
ct_task_row_move (CtCommand *command, CtTaskRow *self, CtTaskState to, GError **error)
{
  const char *before = NULL;

  if (!ct_task_state_check (self->status, to, error)) {
    g_prefix_error (error, "%s: ", self->number);
    return FALSE;
  }
  if (is_aside (to))
    before = ct_task_state_name (is_aside (self->status) ? self->status_before : self->status);
  if (!turn_clock (command, self, to, error) ||
      !ct_effect_update (command, error, "follow_up_tasks", &self->id, "status,status_since_at,status_before",
                         "sis", ct_task_state_name (to), command->now, before))
    return FALSE;
  if (is_aside (to) && !is_aside (self->status))
    self->status_before = self->status;
  self->status = to;
  return to == CT_TASK_REOPENED ? ct_task_row_arm (command, self, error)
                                : ct_task_row_refresh (command, self, error);
}

gboolean
ct_task_row_check_next (CtCommand *command, CtTaskRow *self, gint64 at, GError **error)
{
  self->next_check_at = at;
  return ct_effect_update (command, error, "follow_up_tasks", &self->id, "next_check_at", "z", at);
}

/* We said something: the response that was due is given. */
gboolean
ct_task_row_answered (CtCommand *command, CtTaskRow *self, GError **error)
{
  return ct_sla_book_write (command, &self->id, CT_SLA_FULFIL,
                            CT_SLA_BIT (FIRST_RESPONSE) | CT_SLA_BIT (NEXT_RESPONSE), CT_PARTY_COUNTERPARTY,
                            error) &&
         ct_task_row_refresh (command, self, error);
}

/* The counterparty said something: the next response falls due. */
gboolean
ct_task_row_asked (CtCommand *command, CtTaskRow *self, GError **error)
{
  return ct_sla_book_write (command, &self->id, CT_SLA_ACTIVATE, CT_SLA_BIT (NEXT_RESPONSE), CT_PARTY_AGENT,
                            error) &&
         ct_task_row_arm (command, self, error);
}

/* A note of the actor's in the task's story; none where @text is blank. */
gboolean
ct_task_row_note (CtCommand *command, const CtTaskRow *self, const char *text, GError **error)
{
  CtId id = ct_effect_new_id (command, "task_notes", 0);

  return ct_text_is_blank (text) ||
         ct_effect_insert (command, error, "task_notes", &id, "subject_type,subject_id,author,text", "skss",
                           "task", &self->id, command->actor, text);
}

/* The last step of a handler: what the command is about, and whose stories it belongs to. */
gboolean
ct_task_row_finish (CtCommand *command, const CtTaskRow *self, GError **error)
{
  ct_command_touches (command, &self->exception_id);
  ct_command_touches (command, &self->order_id);
  ct_command_touches (command, &self->distributor_id);
  json_object_set_string_member (command->result, "number", self->number);
  json_object_set_string_member (command->result, "status", ct_task_state_name (self->status));
  return ct_effect_object (command, "follow_up_tasks", &self->id, error);
}
