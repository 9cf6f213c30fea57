/* What a person does with exceptions: each is a row of a table, a question, and a command for each exception. */
#include "ct-ask.h"
#include "ct-batch.h"
#include "ct-exceptions-page.h"
#include "ct-vocabulary.h"

#include <string.h>

#define EXCEPTION_IDS "SELECT n, id, number FROM exceptions WHERE n IN (SELECT value FROM json_each(?1))"
#define TASK_IDS                                                                                             \
  "SELECT e.n, t.id, e.number FROM exceptions e LEFT JOIN follow_up_tasks t ON t.n = (SELECT max(f.n) FROM " \
  "follow_up_tasks f WHERE f.exception_id = e.id) WHERE e.n IN (SELECT value FROM json_each(?1))"

typedef enum { ASK_AGENT, ASK_OWNER, ASK_UNTIL, ASK_TEXT } AskKind;

typedef struct {
  CtBatchKind batch;
  AskKind ask;
  const char *answer; /* the argument that takes the answer */
  const char *heading, *body, *button;
  const char *label; /* of the line of text */
} Act;

static const char no_task[] = N_ ("it has no follow-up task yet; assign an agent first");

static const Act acts[] = {
  { { "task.create", EXCEPTION_IDS, "exception", no_task, N_ ("%s has an agent now"),
      N_ ("%s exceptions have an agent now"), FALSE },
    ASK_AGENT,
    "agent",
    N_ ("Assign an agent"),
    N_ ("The agent gets a follow-up task for each exception. It drafts; you approve what goes out."),
    N_ ("_Assign"),
    NULL },
  { { "exception.assign", EXCEPTION_IDS, "exception", no_task, N_ ("%s has a new owner"),
      N_ ("%s exceptions have a new owner"), TRUE },
    ASK_OWNER,
    "owner",
    N_ ("Assign an owner"),
    N_ ("The team answers for it from now on."),
    N_ ("_Assign"),
    NULL },
  { { "task.snooze", TASK_IDS, "task", no_task, N_ ("The task of %s sleeps"), N_ ("%s tasks sleep"), TRUE },
    ASK_UNTIL,
    "until",
    N_ ("Snooze the follow-up"),
    N_ ("The task comes back by itself."),
    N_ ("_Snooze"),
    NULL },
  { { "task.escalate", TASK_IDS, "task", no_task, N_ ("The task of %s is escalated"),
      N_ ("%s tasks are escalated"), TRUE },
    ASK_TEXT,
    "reason",
    N_ ("Escalate the follow-up"),
    NULL,
    N_ ("_Escalate"),
    N_ ("Reason") },
  { { "task.resolve", TASK_IDS, "task", no_task, N_ ("The task of %s is resolved"),
      N_ ("%s tasks are resolved"), TRUE },
    ASK_TEXT,
    "resolution",
    N_ ("Resolve the follow-up"),
    NULL,
    N_ ("_Resolve"),
    N_ ("What settled it") },
  { { "exception.close", EXCEPTION_IDS, "exception", no_task, N_ ("%s is closed"),
      N_ ("%s exceptions are closed"), TRUE },
    ASK_TEXT,
    "reason",
    N_ ("Close the exception"),
    N_ ("It stays closed until its facts change."),
    N_ ("_Close it"),
    N_ ("Reason") },
};

typedef struct {
  CtPage *page; /* (owned) */
  const Act *act;
  GArray *numbers;                   /* (owned) (element-type gint64) */
  GPtrArray *values, *labels, *more; /* (owned) (nullable) (element-type utf8) */
} Doing;

static void
doing_free (gpointer data)
{
  Doing *doing = data;

  g_object_unref (doing->page);
  g_array_unref (doing->numbers);
  g_clear_pointer (&doing->values, g_ptr_array_unref);
  g_clear_pointer (&doing->labels, g_ptr_array_unref);
  g_clear_pointer (&doing->more, g_ptr_array_unref);
  g_free (doing);
}

static gboolean
done_cb (gpointer data)
{
  ct_list_page_done (CT_LIST_PAGE (data));
  return G_SOURCE_REMOVE;
}

static void
answered_cb (const char *answer, gpointer data)
{
  Doing *doing = data;
  g_autoptr (JsonObject) args = json_object_new ();
  gint64 duration;

  if (doing->act->ask == ASK_UNTIL && ct_duration_parse (answer, &duration)) {
    g_autofree char *until =
        ct_time_format (ct_workspace_now (ct_page_get_workspace (doing->page)) + duration);

    json_object_set_string_member (args, doing->act->answer, until);
  } else if (answer && *answer) {
    json_object_set_string_member (args, doing->act->answer, answer);
  }
  ct_batch_run (doing->page, &doing->act->batch, doing->numbers, args, done_cb, doing->page);
}

static CtAsk
question (Doing *doing)
{
  const Act *act = doing->act;

  return (CtAsk){ _ (act->heading), act->body ? _ (act->body) : NULL, _ (act->button), answered_cb, doing,
                  doing_free };
}

static void
ask_from_arrays (Doing *doing)
{
  CtAsk ask = question (doing);

  g_ptr_array_add (doing->values, NULL);
  g_ptr_array_add (doing->labels, NULL);
  g_ptr_array_add (doing->more, NULL);
  ct_ask_choice (doing->page, &ask, (const char *const *) doing->values->pdata,
                 (const char *const *) doing->labels->pdata, (const char *const *) doing->more->pdata);
}

/* --- agents --------------------------------------------------------------------------------------------------- */

/* (transfer full): the numbers of the first rows as JSON */
static char *
wanted_rows (Doing *doing)
{
  GString *wanted = g_string_new ("[");

  for (guint i = 0; i < MIN (doing->numbers->len, 1000); i++)
    g_string_append_printf (wanted, "%s%" G_GINT64_FORMAT, i ? "," : "",
                            g_array_index (doing->numbers, gint64, i));
  return g_string_free (g_string_append_c (wanted, ']'), FALSE);
}

/* The agent that the rules suggest for most of the rows stands first. */
static gboolean
read_agents_cb (CtDb *db, gpointer data, GError **error)
{
  Doing *doing = data;
  g_autofree char *wanted = wanted_rows (doing);
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT name, coalesce(body->>'title', name), name, "
      "(SELECT count(*) FROM exceptions e WHERE e.agent = name AND e.n IN (SELECT value FROM "
      "json_each(?1))) AS suits FROM agent_profiles WHERE archived_at IS NULL ORDER BY suits DESC, name",
      "s", wanted);
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    g_ptr_array_add (doing->values, g_strdup (ct_stmt_text (stmt, 0)));
    g_ptr_array_add (doing->labels, g_strdup (ct_stmt_text (stmt, 1)));
    g_ptr_array_add (doing->more, ct_text_snippet (ct_stmt_text (stmt, 2), 110));
  }
  return ct_stmt_finish (stmt, error);
}

static void
agents_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Doing *doing = data;
  g_autoptr (GError) error = NULL;

  if (!ct_store_job_finish (CT_STORE (source), result, &error)) {
    ct_page_problem (doing->page, _ ("The agents cannot be read"), error);
    doing_free (doing);
  } else if (doing->values->len == 0) {
    ct_page_toast (doing->page, FALSE, _ ("There are no agents in this workspace"));
    doing_free (doing);
  } else {
    ask_from_arrays (doing);
  }
}

/* --- start ---------------------------------------------------------------------------------------------------- */

static void
add_owner (Doing *doing, const char *role)
{
  g_ptr_array_add (doing->values, g_strdup (role));
  g_ptr_array_add (doing->labels, g_strdup (ct_role_label (role)));
  g_ptr_array_add (doing->more, g_strdup (""));
}

/* The team that most of the rows have stands first. */
static gboolean
read_owner_cb (CtDb *db, gpointer data, GError **error)
{
  Doing *doing = data;
  g_autofree char *wanted = wanted_rows (doing);
  g_autofree char *owner = ct_db_read_text (
      db, error,
      "SELECT owner FROM exceptions WHERE n IN (SELECT value FROM json_each(?)) GROUP BY owner "
      "ORDER BY count(*) DESC LIMIT 1",
      "s", wanted);

  if (!owner)
    return FALSE;
  if (ct_role_is_team (owner))
    add_owner (doing, owner);
  for (const char *const *role = ct_role_names (); *role; role++)
    if (ct_role_is_team (*role) && strcmp (*role, owner) != 0)
      add_owner (doing, *role);
  return TRUE;
}

static void
owner_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Doing *doing = data;
  g_autoptr (GError) error = NULL;

  if (ct_store_job_finish (CT_STORE (source), result, &error)) {
    ask_from_arrays (doing);
    return;
  }
  ct_page_problem (doing->page, _ ("The owner cannot be read"), error);
  doing_free (doing);
}

static void
ask_for_until (Doing *doing)
{
  static const struct {
    const char *duration, *label;
  } choices[] = {
    { "1h", N_ ("One hour") },   { "4h", N_ ("Four hours") }, { "1d", N_ ("A day") },
    { "3d", N_ ("Three days") }, { "7d", N_ ("A week") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (choices); i++) {
    g_ptr_array_add (doing->values, g_strdup (choices[i].duration));
    g_ptr_array_add (doing->labels, g_strdup (_ (choices[i].label)));
    g_ptr_array_add (doing->more, g_strdup (""));
  }
  ask_from_arrays (doing);
}

static void
begin (CtPage *page, GArray *numbers, const Act *act)
{
  Doing *doing = g_new0 (Doing, 1);
  CtAsk ask;

  doing->page = g_object_ref (page);
  doing->act = act;
  doing->numbers = g_array_ref (numbers);
  doing->values = g_ptr_array_new_with_free_func (g_free);
  doing->labels = g_ptr_array_new_with_free_func (g_free);
  doing->more = g_ptr_array_new_with_free_func (g_free);
  switch (act->ask) {
  case ASK_AGENT:
    ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), read_agents_cb, doing, NULL,
                         NULL, agents_read_cb, doing);
    break;
  case ASK_OWNER:
    ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), read_owner_cb, doing, NULL,
                         NULL, owner_read_cb, doing);
    break;
  case ASK_UNTIL:
    ask_for_until (doing);
    break;
  case ASK_TEXT:
    ask = question (doing);
    ct_ask_text (page, &ask, _ (act->label), TRUE);
    break;
  default:
    g_assert_not_reached ();
  }
}

static void
assign_agent (CtPage *page, GArray *numbers)
{
  begin (page, numbers, &acts[0]);
}

static void
assign_owner (CtPage *page, GArray *numbers)
{
  begin (page, numbers, &acts[1]);
}

static void
snooze (CtPage *page, GArray *numbers)
{
  begin (page, numbers, &acts[2]);
}

static void
escalate (CtPage *page, GArray *numbers)
{
  begin (page, numbers, &acts[3]);
}

static void
resolve (CtPage *page, GArray *numbers)
{
  begin (page, numbers, &acts[4]);
}

static void
close_exceptions (CtPage *page, GArray *numbers)
{
  begin (page, numbers, &acts[5]);
}

const CtPageAction ct_exceptions_page_actions[] = {
  { "assign-agent", N_ ("Assign agent…"), "system-run-symbolic", 'a', "task.create", assign_agent },
  { "assign-owner", N_ ("Owner…"), "system-users-symbolic", 'o', "exception.assign", assign_owner },
  { "snooze", N_ ("Snooze…"), "alarm-symbolic", 's', "task.snooze", snooze },
  { "escalate", N_ ("Escalate…"), "go-up-symbolic", 'e', "task.escalate", escalate },
  { "resolve", N_ ("Resolve…"), "object-select-symbolic", 'r', "task.resolve", resolve },
  { "close", N_ ("Close…"), "process-stop-symbolic", 'c', "exception.close", close_exceptions },
  { NULL, NULL, NULL, 0, NULL, NULL },
};
