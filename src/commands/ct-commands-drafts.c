/* What an agent wrote, and what it proposes to do: stored under the task's allow-list, whatever the model answered. */
#include "ct-commands.h"
#include "ct-approval-context.h"
#include "ct-approvals.h"
#include "ct-configuration.h"
#include "ct-draft-row.h"
#include "ct-effect.h"
#include "ct-sla-book.h"

#include <string.h>

#define MOST_OUTPUTS 20
#define MOST_ACTIONS 20
#define MOST_TEXT    40000

/* One draft.store at work. */
typedef struct {
  CtCommand *command;
  CtTaskRow task;
  char *policy; /* of approval, JSON */
  gint64 expires_at, deadline_at;
  JsonArray *approvals; /* ids */
  GString *dropped;     /* what the allow-list refused, for the leaf */
} Storing;

static void
storing_clear (Storing *self)
{
  ct_task_row_clear (&self->task);
  g_clear_pointer (&self->policy, g_free);
  g_clear_pointer (&self->approvals, json_array_unref);
  if (self->dropped)
    g_string_free (self->dropped, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Storing, storing_clear)

/* An approval that would run out while the team is away lives until it has been back for two hours. */
static gboolean
set_expiry (Storing *self, const CtApprovalPolicy *policy, GError **error)
{
  g_auto (CtSlaTerms) terms = { 0 };
  gint64 now = self->command->now;
  gint64 at = ct_approval_policy_expires_at (policy, now, CT_SLA_NEVER);

  if (!ct_sla_terms_load (self->command->db, self->task.sla_policy, &self->task.exception_id, &terms, error))
    return FALSE;
  if (!ct_calendar_is_open (terms.calendar, at))
    at = ct_calendar_add (terms.calendar, at, 2 * CT_MS_HOUR);
  self->expires_at = at;
  self->deadline_at = self->task.sla_due_at;
  return TRUE;
}

static gboolean
begin (Storing *self, GError **error)
{
  CtCommand *command = self->command;
  g_autoptr (CtAgentProfile) profile = NULL;
  g_autoptr (JsonObject) policy = NULL;

  if (!ct_task_row_of (command, &self->task, error))
    return FALSE;
  if (self->task.status != CT_TASK_DRAFTING)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is not being drafted: it is %s"), self->task.number,
                    ct_task_state_name (self->task.status));
  profile = ct_configuration_agent (command->db, self->task.agent, error);
  if (!profile || !set_expiry (self, profile->approval, error) ||
      !ct_approvals_tighten (command->db, &self->task.id, profile->approval, error))
    return FALSE;
  policy = ct_approval_policy_to_json (profile->approval);
  self->policy = ct_json_canonical_object (policy, error);
  self->approvals = json_array_new ();
  self->dropped = g_string_new (NULL);
  return self->policy != NULL;
}

/* Drafts and actions */

static gboolean
is_on_task (Storing *self, const char *channel, const char *destination, gboolean *known, GError **error)
{
  gint64 value = 0;

  if (!ct_db_read_int (
          self->command->db, &value, error,
          "SELECT EXISTS (SELECT 1 FROM task_channels WHERE task_id = ? AND channel = ? AND destination = ?)",
          "kss", &self->task.id, channel, destination))
    return FALSE;
  *known = value != 0;
  return TRUE;
}

static gboolean
insert_action (Storing *self, const char *action, const char *body, gboolean allowed, guint index,
               GError **error)
{
  CtId id = ct_effect_new_id (self->command, "proposed_actions", index);

  if (!allowed)
    g_string_append_printf (self->dropped, "%s%s", self->dropped->len ? ", " : "", action);
  return ct_effect_insert (self->command, error, "proposed_actions", &id, "task_id,action,body,state", "ksss",
                           &self->task.id, action, body, allowed ? "proposed" : "dropped");
}

/* Notes a draft of a kind that the agent may not write, as an action that was dropped. */
static gboolean
drop_output (Storing *self, JsonObject *output, const char *action, guint index, GError **error)
{
  g_autoptr (JsonObject) body = ct_json_build ("ss", "channel", ct_json_string (output, "channel", ""),
                                               "destination", ct_json_string (output, "destination", ""));
  g_autofree char *text = ct_json_canonical_object (body, error);

  return text && insert_action (self, action, text, FALSE, MOST_ACTIONS + index, error);
}

static gboolean
check_output (Storing *self, JsonObject *output, guint index, GError **error)
{
  const char *channel = ct_json_string (output, "channel", NULL);
  const char *destination = ct_json_string (output, "destination", NULL);
  const char *text = ct_json_string (output, "text", NULL);
  gint64 confidence = ct_json_int (output, "confidence", -1);
  gboolean known = FALSE;

  if (!text || !channel || !destination || !ct_draft_row_action (ct_json_string (output, "kind", NULL)))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Draft %u needs a kind, a channel, a destination and a text"),
                    index + 1);
  if (strlen (text) > MOST_TEXT || confidence < 0 || confidence > 100)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("Draft %u: the text is too long, or the confidence not 0 to 100"), index + 1);
  if (!is_on_task (self, channel, destination, &known, error))
    return FALSE;
  return known || ct_fail (error, CT_ERROR_REFUSED, _ ("Draft %u: “%s:%s” is not a channel of this task"),
                           index + 1, channel, destination);
}

/* A provider takes its time: what the text says must be what its approval will stand on. */
static gboolean
check_facts (Storing *self, JsonArray *facts, GError **error)
{
  for (guint i = 0; facts && i < json_array_get_length (facts); i++) {
    JsonNode *node = json_array_get_element (facts, i);
    JsonObject *fact = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    JsonNode *written = fact ? json_object_get_member (fact, "value") : NULL;
    g_autoptr (JsonNode) now = NULL;
    CtId id;

    if (!written || !ct_id_parse (ct_json_string (fact, "id", NULL), &id))
      continue; /* what cannot be cited is refused with its context */
    now = ct_approval_context_read (self->command->db, ct_json_string (fact, "type", NULL), &id,
                                    ct_json_string (fact, "field", NULL), error);
    if (!now)
      return FALSE;
    if (!json_node_equal (written, now))
      return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s: what it relies on has changed: %s"),
                      self->task.number, ct_json_string (fact, "field", ""));
  }
  return TRUE;
}

static gboolean
store_output (Storing *self, JsonObject *output, guint index, GError **error)
{
  g_auto (CtDraftOutcome) outcome = { 0 };
  CtDraftRow draft = {
    .task = &self->task,
    .kind = ct_json_string (output, "kind", NULL),
    .channel = ct_json_string (output, "channel", NULL),
    .destination = ct_json_string (output, "destination", NULL),
    .language = ct_json_string (output, "language", "en"),
    .subject = ct_json_string (output, "subject", ""),
    .text = ct_json_string (output, "text", NULL),
    .provider = ct_arg_text (self->command, "provider"),
    .model = ct_arg_text (self->command, "model"),
    .prompt_version = ct_arg_text (self->command, "prompt_version"),
    .author = self->task.agent,
    .rationale = ct_json_string (output, "rationale", ""),
    .confidence = ct_json_int (output, "confidence", 0),
    .facts = ct_json_array (output, "facts"),
    .policy = self->policy,
    .expires_at = self->expires_at,
    .deadline_at = self->deadline_at,
  };
  const char *action = ct_draft_row_action (draft.kind);

  if (!ct_task_row_allows_action (&self->task, action))
    return drop_output (self, output, action, index, error);
  if (!check_facts (self, draft.facts, error) ||
      !ct_draft_row_write (self->command, &draft, index, &outcome, error))
    return FALSE;
  if (!ct_id_is_nil (&outcome.approval)) {
    g_autofree char *id = ct_id_to_string (&outcome.approval);

    json_array_add_string_element (self->approvals, id);
  }
  return TRUE;
}

static gboolean
store_outputs (Storing *self, GError **error)
{
  JsonArray *outputs = ct_json_array (self->command->args, "outputs");

  if (json_array_get_length (outputs) > MOST_OUTPUTS)
    return ct_fail (error, CT_ERROR_INVALID, _ ("At most %d drafts can be stored at once"), MOST_OUTPUTS);
  for (guint i = 0; i < json_array_get_length (outputs); i++) {
    JsonNode *node = json_array_get_element (outputs, i);
    JsonObject *output = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

    if (!check_output (self, output, i, error) || !store_output (self, output, i, error))
      return FALSE;
  }
  return TRUE;
}

/* What is not allowed, blocked, or nothing we know is dropped and said so. */
static gboolean
store_actions (Storing *self, GError **error)
{
  JsonArray *actions = ct_json_array (self->command->args, "actions");
  guint n = actions ? json_array_get_length (actions) : 0;

  if (n > MOST_ACTIONS)
    return ct_fail (error, CT_ERROR_INVALID, _ ("At most %d actions can be proposed at once"), MOST_ACTIONS);
  for (guint i = 0; i < n; i++) {
    JsonNode *node = json_array_get_element (actions, i);
    JsonObject *item = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *action = ct_json_string (item, "action", NULL);
    JsonObject *body = ct_json_object (item, "body");
    g_autoptr (JsonObject) none = json_object_new ();
    g_autofree char *text = ct_json_canonical_object (body ? body : none, error);

    if (!text)
      return FALSE;
    if (!action || strlen (action) > 100)
      return ct_fail (error, CT_ERROR_INVALID, _ ("Proposed action %u needs a name"), i + 1);
    if (!insert_action (self, action, text, ct_task_row_allows_action (&self->task, action), i, error))
      return FALSE;
  }
  return TRUE;
}

/* draft.store: {task, provider, model, prompt_version, outputs: [{kind, channel, destination, language, subject, text,
 * confidence, rationale, facts}], actions: [{action, body}]} */
static gboolean
store_run (CtCommand *command, GError **error)
{
  g_auto (Storing) self = { .command = command };
  gboolean asks;

  if (!begin (&self, error) || !store_outputs (&self, error) || !store_actions (&self, error))
    return FALSE;
  asks = json_array_get_length (self.approvals) > 0;
  if (self.dropped->len > 0)
    ct_command_disclose (command, "dropped_actions", self.dropped->str);
  json_object_set_string_member (command->result, "dropped", self.dropped->str);
  json_object_set_array_member (command->result, "approvals", json_array_ref (self.approvals));
  return ct_task_row_move (command, &self.task, asks ? CT_TASK_WAITING_FOR_HUMAN_APPROVAL : CT_TASK_SCHEDULED,
                           error) &&
         ct_task_row_check_next (command, &self.task, command->now + MAX (self.task.cadence, CT_MS_MINUTE),
                                 error) &&
         ct_task_row_finish (command, &self.task, error);
}

/* A proposed action is only that: a person takes it up, or not. */

static gboolean
decide_action (CtCommand *command, const char *state, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  g_autofree char *now = NULL;
  CtId id;

  ct_arg_id (command, "action", &id);
  if (!ct_task_row_of (command, &task, error))
    return FALSE;
  now =
      ct_db_read_text (command->db, error, "SELECT state FROM proposed_actions WHERE id = ? AND task_id = ?",
                       "kk", &id, &task.id);
  if (!now)
    return FALSE;
  if (strcmp (now, "proposed") != 0)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("This proposal is already %s"), now);
  return ct_effect_update (command, error, "proposed_actions", &id, "state,decided_by,decided_at", "ssi",
                           state, command->actor, command->now) &&
         ct_task_row_finish (command, &task, error);
}

static gboolean
accept_run (CtCommand *command, GError **error)
{
  return decide_action (command, "accepted", error);
}

static gboolean
decline_run (CtCommand *command, GError **error)
{
  return decide_action (command, "declined", error);
}

void
ct_commands_drafts_register (void)
{
  static const CtArg store_args[] = {
    { "task", 'k', 0 },    { "provider", 's', 64 }, { "model", 's', 100 }, { "prompt_version", 's', 64 },
    { "outputs", 'a', 0 }, { "actions", 'A', 0 },   { NULL, 0, 0 },
  };
  static const CtArg action_args[] = { { "task", 'k', 0 }, { "action", 'k', 0 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = {
    { "draft.store", "task", store_run, 0, store_args },
    { "action.accept", "task", accept_run, CT_COMMAND_UNDOABLE, action_args },
    { "action.decline", "task", decline_run, CT_COMMAND_UNDOABLE, action_args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
