/* towerctl task, agent */
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-work-json.h"
#include "ct-workspace-agents.h"
#include "ct-workspace-find.h"

#include <stdio.h>
#include <string.h>

static JsonNode *
show_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  g_auto (CtFound) found = { 0 };
  g_autoptr (JsonObject) task = ct_task_json (db, data, error);
  JsonArray *notes;

  if (!task || !ct_workspace_find (db, "task", data, &found, error) ||
      !(notes = ct_rows_array (db, error, CT_CLI_NOTES_SQL, "k", &found.id)))
    return NULL;
  json_object_set_array_member (task, "peopleNotes", notes);
  return ct_json_wrap_object (g_steal_pointer (&task));
}

static JsonNode *
show_each (CtCli *cli, const char *id, GError **error)
{
  return ct_cli_read (cli, show_cb, (gpointer) id, error);
}

static JsonNode *
show_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, FALSE, show_each);
}

static JsonNode *
list_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonArray *tasks = ct_tasks_json (db, ct_cli_option (cli, "status"), ct_cli_option (cli, "owner"),
                                    ct_cli_option (cli, "agent"), error);

  return tasks ? ct_json_wrap_array (tasks) : NULL;
}

static JsonNode *
list_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, list_cb, NULL, error);
}

/* "slack:#ops" */
static gboolean
add_channel (const char *text, JsonArray *channels, GError **error)
{
  const char *colon = strchr (text, ':');
  g_autofree char *name = colon ? g_strndup (text, (gsize) (colon - text)) : NULL;

  if (!colon || colon == text || !colon[1])
    return ct_cli_usage (error, _ ("--channel: “%s” is not NAME:DESTINATION, as in slack:#ops"), text);
  json_array_add_object_element (channels, ct_json_build ("ss", "channel", name, "destination", colon + 1));
  return TRUE;
}

/* A moment, or a duration from now on. */
static gboolean
moment_option (CtCli *cli, const char *option, const char *argument, JsonObject *args, GError **error)
{
  const char *text = ct_cli_option (cli, option);
  g_autofree char *written = NULL;
  gint64 at, span;

  if (!text)
    return TRUE;
  if (ct_duration_parse (text, &span))
    at = ct_workspace_now (cli->workspace) + span;
  else if (!ct_cli_option_time (cli, option, &at, error))
    return FALSE;
  written = ct_time_format (at);
  json_object_set_string_member (args, argument, written);
  return TRUE;
}

static gboolean
create_args (CtCli *cli, JsonObject *args, GError **error)
{
  static const char *const texts[] = { "agent", "escalation", "title", "owner", "assignee" };
  GPtrArray *channels = ct_cli_options (cli, "channel");
  gint64 sla = 0;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (ct_cli_has (cli, texts[i]))
      json_object_set_string_member (args, texts[i], ct_cli_option (cli, texts[i]));
  if (!ct_cli_option_duration (cli, "sla", &sla, error) ||
      !moment_option (cli, "next-check", "next_check_at", args, error))
    return FALSE;
  if (sla > 0)
    json_object_set_int_member (args, "sla", sla);
  if (channels) {
    JsonArray *list = json_array_new ();

    json_object_set_array_member (args, "channels", list);
    for (guint i = 0; i < channels->len; i++)
      if (!add_channel (channels->pdata[i], list, error))
        return FALSE;
  }
  return TRUE;
}

static JsonNode *
create_each (CtCli *cli, const char *exception, GError **error)
{
  g_autofree char *id = ct_cli_find (cli, "exception", exception, error);
  g_autoptr (JsonObject) args = id ? ct_json_build ("s", "exception", id) : NULL;
  g_auto (CtOutcome) outcome = { 0 };
  JsonArray *channels;
  JsonNode *task;

  if (!args || !create_args (cli, args, error) || !ct_cli_execute (cli, "task.create", args, &outcome, error))
    return NULL;
  task = show_each (cli, ct_json_string (outcome.result, "number", ""), error);
  channels = task ? ct_json_array (json_node_get_object (task), "communicationChannels") : NULL;
  if (channels && json_array_get_length (channels) == 0)
    ct_cli_say (cli,
                _ ("%s has no channel to write for: add one with task add-channel before its agent runs"),
                ct_json_string (outcome.result, "number", ""));
  return task;
}

/* One task for each --exception. */
static JsonNode *
create_run (CtCli *cli, GError **error)
{
  GPtrArray *exceptions = ct_cli_options (cli, "exception");

  if (!exceptions) {
    ct_cli_usage (error, _ ("--exception is missing"));
    return NULL;
  }
  cli->args = (char **) exceptions->pdata;
  cli->n_args = exceptions->len;
  return ct_cli_each (cli, FALSE, create_each);
}

/* The verbs that do one thing to a task: which command, and which options it takes over as which arguments. */
static const struct {
  const char *verb;
  const char *command;
  const char *texts[4];  /* option and argument have one name */
  const char *required;  /* (nullable): which option must be there */
  const char *moment[2]; /* (nullable): option and argument */
} acts[] = {
  { "task assign", "task.assign", { "agent", "owner", "assignee", NULL }, NULL, { NULL, NULL } },
  { "task unassign", "task.unassign", { NULL }, NULL, { NULL, NULL } },
  { "task schedule", "task.schedule", { "reason", NULL }, NULL, { "next-check", "next_check_at" } },
  { "task snooze", "task.snooze", { "comment", NULL }, "until", { "until", "until" } },
  { "task wake", "task.wake", { NULL }, NULL, { NULL, NULL } },
  { "task escalate", "task.escalate", { "reason", NULL }, "reason", { NULL, NULL } },
  { "task block", "task.block", { "reason", NULL }, "reason", { NULL, NULL } },
  { "task resolve", "task.resolve", { "resolution", NULL }, NULL, { NULL, NULL } },
  { "task reopen", "task.reopen", { "reason", NULL }, NULL, { NULL, NULL } },
  { "task note", "task.note", { "text", NULL }, "text", { NULL, NULL } },
};

static JsonNode *
act_each (CtCli *cli, const char *task, GError **error)
{
  g_autofree char *id = ct_cli_find (cli, "task", task, error);
  g_autoptr (JsonObject) args = id ? ct_json_build ("s", "task", id) : NULL;
  g_auto (CtOutcome) outcome = { 0 };
  guint act = 0;

  while (strcmp (acts[act].verb, cli->verb->name) != 0)
    act++;
  for (guint i = 0; args && acts[act].texts[i]; i++)
    if (ct_cli_has (cli, acts[act].texts[i]))
      json_object_set_string_member (args, acts[act].texts[i], ct_cli_option (cli, acts[act].texts[i]));
  if (!args ||
      (acts[act].moment[0] && !moment_option (cli, acts[act].moment[0], acts[act].moment[1], args, error)) ||
      !ct_cli_execute (cli, acts[act].command, args, &outcome, error))
    return NULL;
  return show_each (cli, id, error);
}

static JsonNode *
act_run (CtCli *cli, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    if (strcmp (acts[i].verb, cli->verb->name) == 0 && acts[i].required &&
        !ct_cli_has (cli, acts[i].required)) {
      ct_cli_usage (error, _ ("--%s is missing"), acts[i].required);
      return NULL;
    }
  return ct_cli_each (cli, FALSE, act_each);
}

static JsonNode *
add_channel_each (CtCli *cli, const char *task, GError **error)
{
  GPtrArray *given = ct_cli_options (cli, "channel");
  g_autofree char *id = ct_cli_find (cli, "task", task, error);
  g_autoptr (JsonArray) channels = json_array_new ();

  for (guint i = 0; id && given && i < given->len; i++)
    if (!add_channel (given->pdata[i], channels, error))
      return NULL;
  for (guint i = 0; id && i < json_array_get_length (channels); i++) {
    g_autoptr (JsonObject) args = json_object_ref (json_array_get_object_element (channels, i));
    g_auto (CtOutcome) outcome = { 0 };

    json_object_set_string_member (args, "task", id);
    if (!ct_cli_execute (cli, "task.add_channel", args, &outcome, error))
      return NULL;
  }
  return id ? show_each (cli, id, error) : NULL;
}

static JsonNode *
add_channel_run (CtCli *cli, GError **error)
{
  if (ct_cli_has (cli, "channel"))
    return ct_cli_each (cli, FALSE, add_channel_each);
  ct_cli_usage (error, _ ("--%s is missing"), "channel");
  return NULL;
}

/* agent run: the approvals that the drafts ask for */
static JsonNode *
drafts_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonObject *result = data;
  JsonArray *ids = ct_json_array (result, "approvals"), *approvals = json_array_new ();

  for (guint i = 0; ids && i < json_array_get_length (ids); i++) {
    JsonObject *approval = ct_approval_json (db, json_array_get_string_element (ids, i), error);

    if (!approval) {
      json_array_unref (approvals);
      return NULL;
    }
    json_array_add_object_element (approvals, approval);
  }
  json_object_set_array_member (result, "approvals", approvals);
  json_object_set_string_member (result, "taskId", ct_json_string (result, "number", ""));
  return ct_json_wrap_object (json_object_ref (result));
}

static JsonNode *
agent_each (CtCli *cli, const char *task, GError **error)
{
  g_autofree char *text = ct_cli_find (cli, "task", task, error);
  g_autoptr (JsonObject) result = NULL;
  CtId id;

  if (!text || !ct_id_parse (text, &id))
    return NULL;
  result = ct_workspace_run_agent (cli->workspace, &id, cli->cancellable, error);
  if (!result)
    ct_cli_not_the_subject (error);
  return result ? ct_cli_read (cli, drafts_cb, result, error) : NULL;
}

static JsonNode *
due_run (CtCli *cli, GError **error)
{
  g_auto (CtSchedulerReport) report = { 0 };

  if (!ct_workspace_run_scheduler (cli->workspace, cli->cancellable, &report, error))
    return NULL;
  for (guint i = 0; i < report.problems->len; i++) {
    ct_cli_say (cli, "towerctl: %s", (const char *) report.problems->pdata[i]);
    cli->worst = CT_EXIT_FAILED;
  }
  return ct_json_wrap_object (ct_scheduler_report_to_json (&report));
}

static JsonNode *
agent_run (CtCli *cli, GError **error)
{
  if (ct_cli_has (cli, "due") == (cli->n_args > 0)) {
    ct_cli_usage (error, _ ("agent run takes either tasks or --due"));
    return NULL;
  }
  return ct_cli_has (cli, "due") ? due_run (cli, error) : ct_cli_each (cli, TRUE, agent_each);
}

#define END                                                                                                  \
  {                                                                                                          \
    NULL, NULL, CT_COLUMN_TEXT, NULL                                                                         \
  }

static const CtColumn columns[] = { { N_ ("Task"), "taskId", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Order"), "orderId", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Status"), "status", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Team"), "humanOwner", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Agent"), "assignedAgent", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Due"), "slaDueAt", CT_COLUMN_TIME, NULL },
                                    { N_ ("Next check"), "nextCheckAt", CT_COLUMN_TIME, NULL },
                                    { N_ ("Channels"), "communicationChannels", CT_COLUMN_LIST, NULL },
                                    END };
static const CtColumn fields[] = { { N_ ("Task"), "taskId", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Order"), "orderId", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Status"), "status", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Team"), "humanOwner", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Agent"), "assignedAgent", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Due"), "slaDueAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Next check"), "nextCheckAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Channels"), "communicationChannels", CT_COLUMN_LIST, NULL },
                                   { N_ ("Channel policy"), "channelPolicy", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Allowed"), "allowedActions", CT_COLUMN_LIST, NULL },
                                   { N_ ("Blocked"), "blockedActions", CT_COLUMN_LIST, NULL },
                                   { N_ ("Escalation"), "escalationRule", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Message ID"), "lastChannelMessageId", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Notes of people"), "peopleNotes", CT_COLUMN_TABLE,
                                     ct_cli_note_columns },
                                   END };
static const CtColumn draft_columns[] = { { N_ ("Approval"), "number", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Channel"), "channel", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Destination"), "destination", CT_COLUMN_TEXT, NULL },
                                          { N_ ("SHA-256"), "payloadSha256", CT_COLUMN_HASH, NULL },
                                          { N_ ("Text"), "text", CT_COLUMN_TEXT, NULL },
                                          END };
static const CtColumn run_fields[] = { { N_ ("Task"), "taskId", CT_COLUMN_TEXT, NULL },
                                       { N_ ("Status"), "status", CT_COLUMN_TEXT, NULL },
                                       { N_ ("Refused to the agent"), "dropped", CT_COLUMN_LIST, NULL },
                                       { N_ ("Drafts"), "approvals", CT_COLUMN_TABLE, draft_columns },
                                       END };

#define REASON(help)                                                                                         \
  (const CtCliOption[])                                                                                      \
  {                                                                                                          \
    { "reason", "TEXT", help },                                                                              \
    {                                                                                                        \
      NULL, NULL, NULL                                                                                       \
    }                                                                                                        \
  }

const CtVerb ct_verbs_task[] = {
  { "task create", "", 0, 0, N_ ("Make a follow-up task from an exception"),
    (const CtCliOption[]){
        { "exception", "ID", N_ ("The exception; several make a task each") },
        { "agent", "NAME", N_ ("The agent; default: the exception's") },
        { "channel", "NAME:DESTINATION", N_ ("Where it may post, as in slack:#ops; may be repeated") },
        { "sla", "DURATION", N_ ("Due after so long, as in 24h; default: the policy's") },
        { "next-check", "T", N_ ("When the agent drafts: a time, or a duration from now") },
        { "escalation", "TEXT", N_ ("Escalation rule; default: the agent's") },
        { "owner", "TEAM", N_ ("The team that answers for it") },
        { "assignee", "LOGIN", N_ ("The person who works on it") },
        { "title", "TEXT", N_ ("What it is about") },
        { NULL, NULL, NULL } },
    create_run, fields, 0, NULL },
  { "task list", "", 0, 0, N_ ("List tasks, the most urgent first"),
    (const CtCliOption[]){ { "status", "STATUS", N_ ("Of this status; open: all that are not resolved") },
                           { "owner", "TEAM", N_ ("Of this team") },
                           { "agent", "NAME", N_ ("Of this agent") },
                           { NULL, NULL, NULL } },
    list_run, columns, 0, NULL },
  { "task show", "ID…", 1, CT_ANY, N_ ("Show tasks"), NULL, show_run, fields, CT_VERB_SHOWS, NULL },
  { "task assign", "ID…", 1, CT_ANY, N_ ("Assign tasks to a person, a team, another agent"),
    (const CtCliOption[]){ { "assignee", "LOGIN", N_ ("The person who works on it") },
                           { "owner", "TEAM", N_ ("The team that answers for it") },
                           { "agent", "NAME", N_ ("The agent that drafts") },
                           { NULL, NULL, NULL } },
    act_run, columns, 0, NULL },
  { "task unassign", "ID…", 1, CT_ANY, N_ ("Give tasks back to their team"), NULL, act_run, columns, 0,
    NULL },
  { "task schedule", "ID…", 1, CT_ANY, N_ ("Set when the agent drafts next"),
    (const CtCliOption[]){ { "next-check", "T", N_ ("A time, or a duration from now") },
                           { "reason", "TEXT", N_ ("Why") },
                           { NULL, NULL, NULL } },
    act_run, columns, 0, NULL },
  { "task snooze", "ID…", 1, CT_ANY, N_ ("Set tasks aside for a while"),
    (const CtCliOption[]){ { "until", "T", N_ ("A time, or a duration from now; required") },
                           { "comment", "TEXT", N_ ("Why") },
                           { NULL, NULL, NULL } },
    act_run, columns, 0, NULL },
  { "task wake", "ID…", 1, CT_ANY, N_ ("End the snooze of tasks"), NULL, act_run, columns, 0, NULL },
  { "task escalate", "ID…", 1, CT_ANY, N_ ("Escalate tasks"), REASON (N_ ("Why; required")), act_run, columns,
    0, NULL },
  { "task block", "ID…", 1, CT_ANY, N_ ("Mark tasks that cannot go on"), REASON (N_ ("Why; required")),
    act_run, columns, 0, NULL },
  { "task resolve", "ID…", 1, CT_ANY, N_ ("Resolve tasks"),
    (const CtCliOption[]){ { "resolution", "TEXT", N_ ("How it was settled") }, { NULL, NULL, NULL } },
    act_run, columns, 0, NULL },
  { "task reopen", "ID…", 1, CT_ANY, N_ ("Reopen resolved tasks"), REASON (N_ ("Why")), act_run, columns, 0,
    NULL },
  { "task note", "ID…", 1, CT_ANY, N_ ("Add a note to tasks"),
    (const CtCliOption[]){ { "text", "TEXT", N_ ("The note; required") }, { NULL, NULL, NULL } }, act_run,
    columns, 0, NULL },
  { "task add-channel", "ID…", 1, CT_ANY, N_ ("Let tasks post to further channels"),
    (const CtCliOption[]){
        { "channel", "NAME:DESTINATION", N_ ("As in slack:#ops; may be repeated; required") },
        { NULL, NULL, NULL } },
    add_channel_run, columns, 0, NULL },
  { "agent run", "[TASK…]", 0, CT_ANY, N_ ("Let agents draft now, or do all that is due"),
    (const CtCliOption[]){
        { "due", NULL, N_ ("Everything that is due: drafts, snoozes, escalations, expiries") },
        { NULL, NULL, NULL } },
    agent_run, run_fields, CT_VERB_SHOWS, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
