/* A draft's revision with its guardrail findings, and the approval that asks for it: the same for agents and people. */
#include "ct-draft-row.h"
#include "ct-approval-context.h"
#include "ct-configuration.h"
#include "ct-effect.h"
#include "ct-wire.h"

#include <string.h>

void
ct_draft_outcome_clear (CtDraftOutcome *self)
{
  g_clear_pointer (&self->problem, g_free);
}

/* (nullable): the action that an agent needs for a kind of draft */
const char *
ct_draft_row_action (const char *kind)
{
  static const struct {
    const char *kind, *action;
  } actions[] = {
    { "email", "draft_email" },
    { "internal_update", "draft_internal_update" },
    { "channel_post", "draft_channel_post" },
    { "reply", "draft_reply" },
    { "digest", "draft_digest" },
    { "escalation_summary", "draft_escalation_summary" },
  };

  for (guint i = 0; kind && i < G_N_ELEMENTS (actions); i++)
    if (strcmp (actions[i].kind, kind) == 0)
      return actions[i].action;
  return NULL;
}

/* (transfer full): "slack"; %CT_ERROR_REFUSED where the channel was removed */
char *
ct_draft_row_channel_kind (CtDb *db, const char *channel, GError **error)
{
  g_autoptr (GError) problem = NULL;
  char *kind = ct_db_read_text (
      db, &problem, "SELECT kind FROM channels WHERE name = ? AND archived_at IS NULL", "s", channel);

  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    ct_fail (error, CT_ERROR_REFUSED, _ ("The channel “%s” is not there any more"), channel);
  else if (problem)
    g_propagate_error (error, g_steal_pointer (&problem));
  return kind;
}

/**
 * ct_draft_row_check:
 * @channel: a channel's name
 * @subject: (nullable): of an e-mail
 * @findings: (out) (transfer full) (element-type CtFinding)
 *
 * Runs the workspace's guardrails as they are now.
 */
gboolean
ct_draft_row_check (CtDb *db, const char *channel, const char *subject, const char *text,
                    GPtrArray **findings, GError **error)
{
  static const CtTextLimits subject_limits = { 0, 300 };
  g_autofree char *kind = ct_draft_row_channel_kind (db, channel, error);
  g_autoptr (CtGuardrails) guardrails = kind ? ct_configuration_guardrails (db, error) : NULL;
  GPtrArray *found;

  if (!guardrails)
    return FALSE;
  found = ct_guardrails_check (guardrails, kind, text, NULL);
  if (!ct_text_is_blank (subject)) {
    GPtrArray *of_subject = ct_guardrails_check (guardrails, kind, subject, &subject_limits);

    g_ptr_array_extend_and_steal (found, of_subject);
  }
  *findings = found;
  return TRUE;
}

static char *
findings_json (GPtrArray *findings)
{
  g_autoptr (JsonNode) node = ct_json_wrap_array (ct_findings_to_json (findings));

  return ct_json_canonical (node, NULL);
}

static char *
array_json (JsonArray *array)
{
  g_autoptr (JsonNode) node = ct_json_wrap_array (json_array_ref (array));

  return ct_json_canonical (node, NULL);
}

static gboolean
insert_output (CtCommand *command, const CtDraftRow *self, const CtId *id, const char *context,
               GPtrArray *findings, GError **error)
{
  g_autoptr (JsonArray) facts = ct_approval_context_facts (command->db, context, error);
  g_autofree char *facts_text = facts ? array_json (facts) : NULL;
  g_autofree char *findings_text = findings_json (findings);
  gint64 revision = 0;

  if (!facts_text ||
      !ct_db_read_int (
          command->db, &revision, error,
          "SELECT coalesce(max(revision), 0) + 1 FROM ai_outputs WHERE task_id = ? AND channel = ? "
          "AND destination = ?",
          "kss", &self->task->id, self->channel, self->destination))
    return FALSE;
  return ct_effect_insert (command, error, "ai_outputs", id,
                           "task_id,revision,kind,channel,destination,language,subject,text,provider,model,"
                           "prompt_version,confidence,rationale,facts,findings,author,based_on",
                           "kisssssssssissssk", &self->task->id, revision, self->kind, self->channel,
                           self->destination, self->language, self->subject ? self->subject : "", self->text,
                           self->provider, self->model, self->prompt_version, self->confidence,
                           self->rationale ? self->rationale : "", facts_text, findings_text, self->author,
                           self->based_on);
}

/* What still waits for the same place is overtaken by the new revision. */
static gboolean
replace_earlier (CtCommand *command, const CtDraftRow *self, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (CtId));
  g_autoptr (CtStmt) stmt = ct_db_query (command->db, error,
                                         "SELECT id FROM approvals WHERE task_id = ? AND channel = ? AND "
                                         "destination = ? AND state = 'pending' ORDER BY id",
                                         "kss", &self->task->id, self->channel, self->destination);

  while (stmt && ct_stmt_next (stmt)) {
    CtId id;

    if (ct_stmt_id (stmt, 0, &id))
      g_array_append_val (ids, id);
  }
  if (!stmt || !ct_stmt_finish (stmt, error))
    return FALSE;
  for (guint i = 0; i < ids->len; i++)
    if (!ct_effect_update (command, error, "approvals", &g_array_index (ids, CtId, i), "state,decided_at",
                           "si", "replaced", command->now))
      return FALSE;
  return TRUE;
}

/* The bytes as they would go out, with the approval's id as their key. */
static GBytes *
build_wire (CtCommand *command, const CtDraftRow *self, const CtId *approval, GError **error)
{
  g_autofree char *kind = ct_draft_row_channel_kind (command->db, self->channel, error);
  g_autofree char *key = ct_id_to_string (approval);
  g_autofree char *thread = ct_db_read_text (
      command->db, NULL,
      "SELECT thread_id FROM task_channels WHERE task_id = ? AND channel = ? AND destination = ?", "kss",
      &self->task->id, self->channel, self->destination);
  CtWireMessage message = { (char *) self->destination, thread && *thread ? thread : NULL,
                            (char *) self->text, key, FALSE };

  return kind ? ct_wire_build (kind, &message, error) : NULL;
}

static gboolean
insert_approval (CtCommand *command, const CtDraftRow *self, const CtId *id, const CtId *output, GBytes *wire,
                 const char *context, GError **error)
{
  g_autofree char *number =
      ct_authority_number (command->authority, command->db, "APPROVAL", 4, command->now, error);
  g_autofree char *currency = NULL;
  gint64 amount = 0;
  gsize length;
  gconstpointer bytes = g_bytes_get_data (wire, &length);
  CtHash payload = ct_hash (bytes, length), ground = ct_hash (context, strlen (context));

  if (!number)
    return FALSE;
  if (!ct_id_is_nil (&self->task->exception_id)) {
    if (!ct_db_read_int (command->db, &amount, error,
                         "SELECT value_at_risk_minor FROM exceptions WHERE id = ?", "k",
                         &self->task->exception_id))
      return FALSE;
    currency = ct_db_read_text (command->db, error, "SELECT currency FROM exceptions WHERE id = ?", "k",
                                &self->task->exception_id);
  }
  return ct_effect_insert (command, error, "approvals", id,
                           "number,task_id,output_id,owner,channel,destination,wire,payload_sha256,context,"
                           "context_sha256,amount_minor,currency,policy,expires_at,deadline_at,edited_by",
                           "skksssbhshissizs", number, &self->task->id, output, self->task->owner,
                           self->channel, self->destination, bytes, length, &payload, context, &ground,
                           amount, currency ? currency : "EUR", self->policy, self->expires_at,
                           self->deadline_at, self->edited_by);
}

/* What the channel says against a text stands among the findings, so that whoever edits it sees it in place. */
static void
add_problem (GPtrArray *findings, const char *text, const char *message)
{
  CtFinding *finding = g_new0 (CtFinding, 1);

  finding->rule = g_strdup ("channel");
  finding->category = g_strdup ("format");
  finding->message = g_strdup (message);
  finding->severity = CT_FINDING_ERROR;
  finding->length = strlen (text);
  g_ptr_array_add (findings, finding);
}

/**
 * ct_draft_row_write:
 * @index: tells several of one command apart
 * @outcome: (out): clear with ct_draft_outcome_clear()
 *
 * Writes the revision and asks for its approval. A text that the channel cannot carry is kept with that finding, and
 * no approval is asked for.
 */
gboolean
ct_draft_row_write (CtCommand *command, const CtDraftRow *self, guint index, CtDraftOutcome *outcome,
                    GError **error)
{
  CtDraftOutcome done = { .output = ct_effect_new_id (command, "ai_outputs", index) };
  CtId approval = ct_approvals_id (&command->id, index);
  g_autoptr (GPtrArray) findings = NULL;
  g_autoptr (GError) problem = NULL;
  g_autoptr (GBytes) wire = build_wire (command, self, &approval, &problem);
  g_autofree char *context = ct_approval_context_build (command->db, &self->task->id, self->facts, error);

  if (!context ||
      !ct_draft_row_check (command->db, self->channel, self->subject, self->text, &findings, error))
    return FALSE;
  if (!wire)
    add_problem (findings, self->text, problem->message);
  done.blocked = !wire || ct_findings_block (findings);
  if (!insert_output (command, self, &done.output, context, findings, error) ||
      !replace_earlier (command, self, error))
    return FALSE;
  ct_command_touches (command, &done.output);
  if (wire) {
    done.approval = approval;
    if (!insert_approval (command, self, &approval, &done.output, wire, context, error))
      return FALSE;
  } else {
    done.problem = g_strdup (problem->message);
  }
  *outcome = done;
  return TRUE;
}
