#include "ct-exception-detail.h"
#include "ct-evidence.h"
#include "ct-exception-state.h"
#include "ct-rows.h"
#include "ct-story.h"
#include "ct-task-state.h"
#include "ct-vocabulary.h"
#include "list/ct-list-def.h"

/* The story in the pane is the last of it; the Timeline has the whole. */
#define MOST_EVENTS 25

typedef struct {
  CtDetail *detail;       /* (owned) */
  CtWorkspace *workspace; /* (owned) */
  gint64 n;
  JsonObject *exception; /* (owned) (nullable) */
  JsonObject *task;      /* (owned) (nullable) */
  JsonArray *evidence;   /* (owned) (nullable): in words */
  JsonArray *parts;      /* (owned) (nullable): of the score */
  JsonArray *others;     /* (owned) (nullable): further exceptions of the same order or distributor */
  CtStory *story;        /* (owned) (nullable) */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->detail);
  g_object_unref (job->workspace);
  g_clear_pointer (&job->exception, json_object_unref);
  g_clear_pointer (&job->task, json_object_unref);
  g_clear_pointer (&job->evidence, json_array_unref);
  g_clear_pointer (&job->parts, json_array_unref);
  g_clear_pointer (&job->others, json_array_unref);
  g_clear_pointer (&job->story, ct_story_free);
  g_free (job);
}

/* Why it was raised and what its score is made of, in words. */
static gboolean
read_reasons (CtDb *db, Job *job, GError **error)
{
  const char *text = ct_json_string (job->exception, "evidence", "[]");
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 1 << 20, NULL);
  CtId id;

  if (!ct_id_parse (ct_json_string (job->exception, "id", ""), &id))
    return ct_fail (error, CT_ERROR_CORRUPT, "An exception has no id");
  if (node && JSON_NODE_HOLDS_ARRAY (node)) {
    job->evidence = json_array_ref (json_node_get_array (node));
    ct_evidence_put_words (job->evidence, ct_json_string (job->exception, "subject_type", ""),
                           ct_json_string (job->exception, "currency", "EUR"),
                           ct_workspace_get_zone (job->workspace));
  }
  job->parts = ct_evidence_score (db, &id, ct_workspace_now (job->workspace), error);
  return job->parts != NULL;
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Job *job = data;
  g_autoptr (GError) no_task = NULL;

  job->exception = ct_rows_one (db, error,
                                "SELECT uuid_text(e.id) id, e.number, e.rule, e.blocker, e.subject_type, "
                                "e.subject, e.score, e.severity, "
                                "e.value_at_risk_minor, e.currency, e.country, e.owner, e.agent, e.tags, "
                                "e.next_action, e.evidence, e.episode, "
                                "e.state, e.opened_at, e.cleared_at, e.closed_reason, uuid_text(e.order_id) "
                                "order_id, o.number order_number, "
                                "uuid_text(e.distributor_id) distributor_id, d.number distributor_number, "
                                "d.legal_name FROM exceptions e "
                                "LEFT JOIN orders o ON o.id = e.order_id LEFT JOIN distributors d ON d.id = "
                                "e.distributor_id WHERE e.n = ?",
                                "i", job->n);
  if (!job->exception || !read_reasons (db, job, error))
    return FALSE;
  job->task = ct_rows_one (
      db, &no_task,
      "SELECT t.number, t.status, t.assigned_agent, t.human_owner, t.assignee, t.sla_due_at, "
      "t.next_check_at, t.escalation_rule, (SELECT group_concat(c.channel || ':' || c.destination, "
      "', ') FROM task_channels c WHERE c.task_id = t.id) channels FROM follow_up_tasks t "
      "WHERE t.exception_id = (SELECT id FROM exceptions WHERE n = ?) ORDER BY t.n DESC LIMIT 1",
      "i", job->n);
  job->others = ct_rows_array (
      db, error,
      "SELECT uuid_text(x.id) id, x.number, x.blocker, x.score FROM exceptions e JOIN exceptions x ON "
      "x.distributor_id = "
      "e.distributor_id AND x.state = 'open' AND x.n <> e.n WHERE e.n = ? ORDER BY x.score DESC LIMIT 5",
      "i", job->n);
  job->story = ct_story_read (
      db, MOST_EVENTS, error,
      "SELECT id FROM exceptions WHERE n = ?1 UNION ALL SELECT t.id FROM follow_up_tasks t JOIN "
      "exceptions e ON e.id = t.exception_id WHERE e.n = ?1",
      job->n);
  return job->others && job->story;
}

static void
show_evidence (Job *job)
{
  guint n = job->evidence ? json_array_get_length (job->evidence) : 0;

  if (n)
    ct_detail_add_section (job->detail, _ ("Evidence"));
  for (guint i = 0; i < n; i++) {
    JsonObject *entry = json_array_get_object_element (job->evidence, i);
    const char *because = ct_json_string (entry, "because", NULL);
    g_autofree char *more = because ? g_strdup_printf (_ ("raised because it is %s"), because) : NULL;

    ct_detail_add_fact (job->detail, ct_json_string (entry, "label", ""), ct_json_string (entry, "text", ""),
                        more, NULL);
  }
}

/* What the score is made of. */
static void
show_score (Job *job)
{
  g_autofree char *score = g_strdup_printf (_ ("%d of 100"), (int) ct_json_int (job->exception, "score", 0));

  ct_detail_add_section (job->detail, _ ("Score"));
  for (guint i = 0; i < json_array_get_length (job->parts); i++) {
    JsonObject *part = json_array_get_object_element (job->parts, i);
    g_autofree char *points = g_strdup_printf ("%+d", (int) ct_json_int (part, "points", 0));

    ct_detail_add_fact (job->detail, ct_json_string (part, "label", ""), points,
                        ct_json_string (part, "text", NULL), NULL);
  }
  ct_detail_add_fact (job->detail, _ ("Score"), score, NULL, NULL);
}

static void
add_link (Job *job, const char *label, const char *value, const char *kind, const char *id_name)
{
  const char *id_text = ct_json_string (job->exception, id_name, NULL);
  CtId id;

  if (id_text && ct_id_parse (id_text, &id))
    ct_detail_add_link (job->detail, label, value, kind, &id);
}

static void
show_facts (Job *job)
{
  JsonObject *e = job->exception;
  gint64 value = ct_json_int (e, "value_at_risk_minor", 0), now = ct_workspace_now (job->workspace);
  g_autofree char *money = value ? ct_format_money (value, ct_json_string (e, "currency", "EUR")) : NULL;
  g_autofree char *age = ct_format_age (ct_json_int (e, "opened_at", now), now);
  g_autofree char *opened =
      ct_format_full_time (ct_json_int (e, "opened_at", now), ct_workspace_get_zone (job->workspace));

  add_link (job, _ ("Order"), ct_json_string (e, "order_number", NULL), "order", "order_id");
  add_link (job, _ ("Distributor"), ct_json_string (e, "legal_name", NULL), "distributor", "distributor_id");
  ct_detail_add_fact (job->detail, _ ("Value at risk"), money, NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Country"), ct_json_string (e, "country", NULL), NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Owner"), ct_role_label (ct_json_string (e, "owner", "")), NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Open for"), age, opened, NULL);
  ct_detail_add_fact (job->detail, _ ("Closed because"), ct_json_string (e, "closed_reason", NULL), NULL,
                      NULL);
}

static void
show_task (Job *job)
{
  static const char *const styles[] = { NULL, NULL, NULL, "ct-high", "ct-critical" };
  GTimeZone *zone = ct_workspace_get_zone (job->workspace);
  gint64 now = ct_workspace_now (job->workspace), due, next;
  g_autofree char *agent = NULL, *due_text = NULL, *due_time = NULL, *next_text = NULL;
  JsonObject *t = job->task;
  CtTaskState state;

  ct_detail_add_section (job->detail, _ ("Follow-up"));
  if (!t) {
    ct_detail_add_text (job->detail, _ ("Nobody follows up yet. Press a to assign an agent."), "dim-label");
    return;
  }
  due = ct_json_int (t, "sla_due_at", 0);
  next = ct_json_int (t, "next_check_at", 0);
  agent = ct_agent_label (ct_json_string (t, "assigned_agent", ""));
  ct_detail_add_fact (job->detail, _ ("Task"), ct_json_string (t, "number", NULL), NULL, NULL);
  if (ct_task_state_parse (ct_json_string (t, "status", ""), &state))
    ct_detail_add_fact (job->detail, _ ("Status"), ct_task_state_label (state), NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Agent"), agent, NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Person"), ct_json_string (t, "assignee", NULL), NULL, NULL);
  if (due) {
    due_text = ct_format_due (due, now);
    due_time = ct_format_full_time (due, zone);
    ct_detail_add_fact (job->detail, _ ("SLA due"), due_text, due_time,
                        styles[ct_format_due_class (due, now, zone)]);
  }
  if (next) {
    next_text = ct_format_time (next, now, zone);
    ct_detail_add_fact (job->detail, _ ("Next check"), next_text, NULL, NULL);
  }
  ct_detail_add_fact (job->detail, _ ("Channels"), ct_json_string (t, "channels", NULL), NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Escalation"), ct_json_string (t, "escalation_rule", NULL), NULL, NULL);
}

static void
show_others (Job *job)
{
  if (json_array_get_length (job->others) == 0)
    return;
  ct_detail_add_section (job->detail, _ ("Also open for this distributor"));
  for (guint i = 0; i < json_array_get_length (job->others); i++) {
    JsonObject *other = json_array_get_object_element (job->others, i);
    CtId id;

    if (ct_id_parse (ct_json_string (other, "id", ""), &id))
      ct_detail_add_link (job->detail, ct_blocker_label (ct_json_string (other, "blocker", "")),
                          ct_json_string (other, "number", ""), "exception", &id);
  }
}

static void
show_badges (Job *job)
{
  const char *severity = ct_json_string (job->exception, "severity", "low");
  CtExceptionState state;
  CtSeverity value;

  if (ct_severity_parse (severity, &value)) {
    g_autofree char *text = g_strconcat (ct_severity_sign (severity), " ", ct_severity_label (value), NULL);

    ct_detail_add_badge (job->detail, text, ct_severity_style (severity));
  }
  if (ct_exception_state_parse (ct_json_string (job->exception, "state", ""), &state))
    ct_detail_add_badge (job->detail, ct_exception_state_label (state), NULL);
  if (ct_json_int (job->exception, "episode", 1) > 1) {
    g_autofree char *text =
        g_strdup_printf (_ ("Episode %d"), (int) ct_json_int (job->exception, "episode", 1));

    ct_detail_add_badge (job->detail, text, NULL);
  }
}

static void
show (Job *job)
{
  g_autofree char *title =
      g_strdup_printf ("%s · %s", ct_blocker_label (ct_json_string (job->exception, "blocker", "")),
                       ct_json_string (job->exception, "subject", ""));

  ct_detail_begin (job->detail, ct_json_string (job->exception, "number", ""), title);
  show_badges (job);
  if (*ct_json_string (job->exception, "next_action", "")) {
    ct_detail_add_section (job->detail, _ ("Recommended"));
    ct_detail_add_text (job->detail, ct_json_string (job->exception, "next_action", ""), "ct-recommended");
  }
  show_evidence (job);
  show_score (job);
  ct_detail_add_section (job->detail, _ ("What it is about"));
  show_facts (job);
  show_task (job);
  show_others (job);
  ct_detail_add_section (job->detail, _ ("Timeline"));
  ct_story_show (job->story, job->detail, job->workspace);
  ct_detail_end (job->detail);
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = ct_store_job_data (result);
  GCancellable *cancellable = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);

  if (!g_cancellable_is_cancelled (cancellable)) {
    if (ok) {
      show (job);
    } else {
      ct_detail_begin (job->detail, "", _ ("This exception cannot be shown"));
      ct_detail_add_text (job->detail, error->message, NULL);
      ct_detail_end (job->detail);
    }
  }
  g_object_unref (cancellable);
}

void
ct_exception_detail_show (CtDetail *detail, CtWorkspace *workspace, gint64 n, GCancellable *cancellable)
{
  Job *job = g_new0 (Job, 1);

  job->detail = g_object_ref (detail);
  job->workspace = g_object_ref (workspace);
  job->n = n;
  ct_store_read_async (ct_workspace_get_store (workspace), read_cb, job, job_free, cancellable, read_done_cb,
                       g_object_ref (cancellable));
}
