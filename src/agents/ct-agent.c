/* One run of a task's agent: begin, context, provider, store. */
#include "ct-agent.h"
#include "ct-draft-row.h"
#include "ct-template-drafter.h"

#include <string.h>

/* Where provider texts are cut before anything looks at them. */
#define MOST_TEXT      40000
#define MOST_RATIONALE 4000
#define MOST_DRAFTS    20
#define MOST_ACTIONS   20

typedef struct {
  const CtAgent *agent;
  const CtRequest *request;
  CtOutcome *outcome;
} Execution;

static gboolean
execute_cb (CtDb *db, gpointer data, GError **error)
{
  Execution *self = data;

  return ct_commander_execute (self->agent->commander, db, self->request, self->outcome, error);
}

/* Executes a command as the agents' actor. */
gboolean
ct_agent_execute (const CtAgent *self, const char *name, JsonObject *args, gint64 now, CtOutcome *outcome,
                  GError **error)
{
  CtRequest request = { name, args, self->actor, now, 0, NULL };
  Execution execution = { self, &request, outcome };

  return ct_store_write (self->store, execute_cb, &execution, error);
}

/* Reading */

typedef struct {
  const CtId *task;
  gint64 now;
  gboolean escalated;
  CtTaskRow row;
  CtDraftContext context;
  CtDraftProvider *provider;
} Reading;

static void
reading_clear (Reading *self)
{
  ct_task_row_clear (&self->row);
  ct_draft_context_clear (&self->context);
  g_clear_pointer (&self->provider, ct_draft_provider_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reading, reading_clear)

static gboolean
read_task_cb (CtDb *db, gpointer data, GError **error)
{
  Reading *self = data;

  return ct_task_row_load (db, self->task, &self->row, error);
}

static gboolean
read_context_cb (CtDb *db, gpointer data, GError **error)
{
  Reading *self = data;

  self->provider = ct_template_drafter_load (db, error);
  return self->provider &&
         ct_draft_context_build (db, self->task, self->escalated, self->now, &self->context, error);
}

/* What came back, as arguments of draft.store */

/* A provider may cite what it was given, and nothing else. */
static JsonArray *
collect_refs (const CtDraftContext *context, const CtDraft *draft)
{
  JsonArray *refs = json_array_new ();

  for (guint i = 0; i < draft->cited->len; i++) {
    const CtDraftFact *fact = ct_draft_context_fact (context, draft->cited->pdata[i]);

    for (guint r = 0; fact && r < json_array_get_length (fact->refs); r++)
      json_array_add_element (refs, json_node_copy (json_array_get_element (fact->refs, r)));
  }
  return refs;
}

static const CtDraftChannel *
find_channel (const CtDraftContext *context, const CtDraft *draft)
{
  for (guint i = 0; i < context->channels->len; i++) {
    const CtDraftChannel *channel = context->channels->pdata[i];

    if (g_strcmp0 (channel->name, draft->channel) == 0 &&
        g_strcmp0 (channel->destination, draft->destination) == 0)
      return channel;
  }
  return NULL;
}

static char *
bounded (const char *text, gsize most)
{
  g_autofree char *valid = text ? g_utf8_make_valid (text, -1) : g_strdup ("");

  return strlen (valid) <= most ? g_steal_pointer (&valid) : ct_text_snippet (valid, most / 4);
}

/* A draft for a place that the task does not have, or of a kind that does not exist, is nothing we can use. */
static JsonArray *
collect_outputs (const CtDraftContext *context, const CtDraftResult *result)
{
  JsonArray *outputs = json_array_new ();

  for (guint i = 0; i < result->drafts->len && json_array_get_length (outputs) < MOST_DRAFTS; i++) {
    const CtDraft *draft = result->drafts->pdata[i];
    g_autofree char *text = bounded (draft->text, MOST_TEXT);
    g_autofree char *subject = bounded (draft->subject, 1000);
    g_autofree char *rationale = bounded (draft->rationale, MOST_RATIONALE);
    g_autofree char *language = bounded (draft->language ? draft->language : "en", 16);

    if (!ct_draft_row_action (draft->kind) || !find_channel (context, draft))
      continue;
    json_array_add_object_element (outputs,
                                   ct_json_build ("sssssssia", "kind", draft->kind, "channel", draft->channel,
                                                  "destination", draft->destination, "language", language,
                                                  "subject", subject, "text", text, "rationale", rationale,
                                                  "confidence", (gint64) CLAMP (draft->confidence, 0, 100),
                                                  "facts", collect_refs (context, draft)));
  }
  return outputs;
}

static JsonArray *
collect_actions (const CtDraftResult *result)
{
  JsonArray *actions = json_array_new ();

  for (guint i = 0; result->actions && i < MIN (result->actions->len, MOST_ACTIONS); i++) {
    const CtDraftAction *action = result->actions->pdata[i];
    g_autofree char *name = bounded (action->action, 100);
    g_autofree char *text = bounded (action->text, 2000);

    json_array_add_object_element (
        actions, ct_json_build ("so", "action", name, "body", ct_json_build ("s", "text", text)));
  }
  return actions;
}

static gboolean
store_result (const CtAgent *self, CtDraftProvider *provider, const CtDraftContext *context,
              const CtDraftResult *result, gint64 now, CtOutcome *outcome, GError **error)
{
  g_autofree char *task = ct_id_to_string (&context->task.id);
  g_autoptr (JsonObject) args = ct_json_build (
      "ssssaa", "task", task, "provider", ct_draft_provider_name (provider), "model",
      ct_draft_provider_model (provider), "prompt_version", ct_draft_provider_prompt_version (provider),
      "outputs", collect_outputs (context, result), "actions", collect_actions (result));

  return ct_agent_execute (self, "draft.store", args, now, outcome, error);
}

/* A draft that could not be written is tried again at the task's next turn; why stands in its notes. One that was
 * cut off is taken up again at once; where another run was quicker there is nothing to try. */
static void
give_up (const CtAgent *self, const CtTaskRow *task, gint64 now, const GError *problem)
{
  gboolean cancelled = g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_autofree char *id = ct_id_to_string (&task->id);
  g_autofree char *next = ct_time_format (cancelled ? now : now + MAX (task->cadence, CT_MS_MINUTE));
  g_autofree char *message = ct_text_snippet (problem->message, 400);
  g_autofree char *reason = g_strdup_printf (_ ("No draft could be written: %s"), message);
  g_autoptr (JsonObject) args =
      ct_json_build ("sss", "task", id, "next_check_at", next, "reason", cancelled ? NULL : reason);
  g_autoptr (GError) error = NULL;
  g_auto (CtOutcome) outcome = { 0 };

  if (!g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT) &&
      !ct_agent_execute (self, "task.schedule", args, now, &outcome, &error))
    g_warning ("%s: %s", task->number, error->message);
}

static gboolean
draft (const CtAgent *self, Reading *reading, GCancellable *cancellable, CtOutcome *outcome, GError **error)
{
  g_auto (CtDraftResult) result = { 0 };
  CtDraftProvider *provider;

  if (!ct_store_read (self->store, read_context_cb, reading, error))
    return FALSE;
  provider = self->provider ? self->provider : reading->provider;
  if (reading->context.channels->len == 0)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("%s has no channel to write for; add one to the task"),
                    reading->row.number);
  return ct_draft_provider_draft (provider, &reading->context, cancellable, &result, error) &&
         store_result (self, provider, &reading->context, &result, reading->now, outcome, error);
}

static gboolean
begin (const CtAgent *self, Reading *reading, GError **error)
{
  g_autofree char *id = ct_id_to_string (reading->task);
  g_autoptr (JsonObject) args = ct_json_build ("s", "task", id);
  g_auto (CtOutcome) outcome = { 0 };

  /* asked for changes, or a run that was cut off: it is being drafted already */
  if (reading->row.status == CT_TASK_DRAFTING)
    return TRUE;
  return ct_agent_execute (self, "task.begin_draft", args, reading->now, &outcome, error) &&
         (!self->settle || self->settle (self->settle_data, outcome.seq, error));
}

/**
 * ct_agent_run:
 * @task: drafted now, whether or not it is due
 * @now: the present
 *
 * Lets a task's agent write. Blocks as long as the provider does; belongs on a worker thread or a command line.
 *
 * Returns: (transfer full): {"id", "number", "status", "approvals": [UUID…], "dropped": what the allow-list refused};
 *   %CT_ERROR_CONFLICT where the task is in no state to be drafted, or what the provider said
 */
JsonObject *
ct_agent_run (const CtAgent *self, const CtId *task, gint64 now, GCancellable *cancellable, GError **error)
{
  g_auto (Reading) reading = { .task = task, .now = now };
  g_auto (CtOutcome) outcome = { 0 };
  g_autofree char *id = ct_id_to_string (task);
  GError *problem = NULL;

  if (!ct_store_read (self->store, read_task_cb, &reading, error))
    return NULL;
  reading.escalated = reading.row.status == CT_TASK_ESCALATED;
  if (!begin (self, &reading, error))
    return NULL;
  if (!draft (self, &reading, cancellable, &outcome, &problem)) {
    give_up (self, &reading.row, now, problem);
    g_propagate_error (error, problem);
    return NULL;
  }
  json_object_set_string_member (outcome.result, "id", id);
  return g_steal_pointer (&outcome.result);
}
