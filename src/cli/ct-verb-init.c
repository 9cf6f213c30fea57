/* towerctl init, undo, health */
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-vocabulary.h"
#include "ct-workspace-audit.h"
#include "ct-workspace-health.h"
#include "ct-workspace-timeline.h"
#include "ct-workspace-work.h"

#include <stdio.h>
#include <string.h>

static gboolean
add_person (CtWorkspace *workspace, const char *login, GError **error)
{
  JsonArray *roles = json_array_new ();
  g_autoptr (JsonObject) args = NULL;
  g_auto (CtOutcome) outcome = { 0 };

  json_array_add_string_element (roles, login);
  args = ct_json_build ("ssa", "login", login, "name", ct_role_label (login), "roles", roles);
  return ct_workspace_execute (workspace, "person.put", args, &outcome, error);
}

/* In a trial there is one person for each role, named after it, for --as. */
static gboolean
add_trial_people (CtWorkspace *workspace, GError **error)
{
  for (const char *const *role = ct_role_names (); *role; role++)
    if (strcmp (*role, ct_workspace_get_actor (workspace)) != 0 && !add_person (workspace, *role, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_options (CtCli *cli, CtWorkspaceOptions *options, GError **error)
{
  options->trial = ct_cli_has (cli, "trial");
  options->environment = ct_cli_has (cli, "demo") ? "demo" : "production";
  options->time_zone = ct_cli_option (cli, "time-zone");
  options->login = cli->as;
  if (!ct_cli_parse_now (cli, &options->now, error))
    return FALSE;
  if ((cli->as || cli->now) && !options->trial)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("--as and --now are allowed only together with init --trial"));
  return TRUE;
}

static JsonNode *
init_run (CtCli *cli, GError **error)
{
  CtWorkspaceOptions options = { 0 };
  JsonObject *health;

  if (!read_options (cli, &options, error) ||
      !(ct_cli_has (cli, "demo") ? ct_workspace_create_demo (cli->folder, &options, error)
                                 : ct_workspace_create (cli->folder, &options, error)) ||
      !ct_cli_open (cli, error) || (options.trial && !add_trial_people (cli->workspace, error)) ||
      !ct_workspace_sign (cli->workspace, error))
    return NULL;
  health = ct_workspace_health (cli->workspace, FALSE, cli->cancellable, error);
  if (!health)
    return NULL;
  ct_cli_say (cli, _ ("The workspace %s is ready"), cli->folder);
  if (ct_cli_has (cli, "demo"))
    ct_cli_say (cli,
                _ ("Its channel slack posts to this machine only and has no token yet; see channel add"));
  return ct_json_wrap_object (health);
}

static JsonNode *
undo_run (CtCli *cli, GError **error)
{
  g_auto (CtOutcome) outcome = { 0 };

  if (cli->n_args == 0) {
    if (!ct_workspace_undo (cli->workspace, &outcome, error))
      return NULL;
  } else {
    g_autoptr (JsonObject) args = ct_json_build ("s", "command", cli->args[0]);

    if (!ct_cli_execute (cli, "command.undo", args, &outcome, error))
      return NULL;
  }
  json_object_set_int_member (outcome.result, "event", outcome.event);
  json_object_set_string_member (outcome.result, "step",
                                 ct_timeline_sentence (ct_json_string (outcome.result, "name", "")));
  return ct_json_wrap_object (g_steal_pointer (&outcome.result));
}

static void
print_undone (CtCli *cli, JsonNode *result)
{
  printf (_ ("Undone: %s"), ct_json_string (json_node_get_object (result), "step", ""));
  puts ("");
}

static const CtColumn channel_columns[] = { { N_ ("Channel"), "name", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Address"), "baseUrl", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Destinations"), "destinations", CT_COLUMN_LIST, NULL },
                                            { N_ ("Last sent"), "lastSentAt", CT_COLUMN_TIME, NULL },
                                            { NULL, NULL, 0, NULL } };
static const CtColumn health_fields[] = { { N_ ("Workspace"), "folder", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Environment"), "environment", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Trial"), "trial", CT_COLUMN_TEXT, NULL },
                                          { N_ ("You are"), "actor", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Time zone"), "timeZone", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Time"), "now", CT_COLUMN_TIME, NULL },
                                          { N_ ("Schema"), "schemaVersion", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Integrity"), "integrity", CT_COLUMN_TEXT, NULL },
                                          { N_ ("All sending is stopped"), "sendingStopped", CT_COLUMN_TEXT,
                                            NULL },
                                          { NULL, NULL, 0, NULL } };
static const CtColumn count_fields[] = {
  { N_ ("Open exceptions"), "openExceptions", CT_COLUMN_NUMBER, NULL },
  { N_ ("Open tasks"), "openTasks", CT_COLUMN_NUMBER, NULL },
  { N_ ("Pending approvals"), "pendingApprovals", CT_COLUMN_NUMBER, NULL },
  { N_ ("Waiting posts"), "waitingPosts", CT_COLUMN_NUMBER, NULL },
  { N_ ("Posts held by a problem"), "heldPosts", CT_COLUMN_NUMBER, NULL },
  { N_ ("Posts of unknown fate"), "unknownPosts", CT_COLUMN_NUMBER, NULL },
  { N_ ("Failed posts"), "failedPosts", CT_COLUMN_NUMBER, NULL },
  { N_ ("Records to be evaluated"), "toBeEvaluated", CT_COLUMN_NUMBER, NULL },
  { N_ ("Needs attention"), "needsAttention", CT_COLUMN_NUMBER, NULL },
  { NULL, NULL, 0, NULL }
};
static const CtColumn log_fields[] = { { N_ ("Events in the log"), "events", CT_COLUMN_NUMBER, NULL },
                                       { N_ ("Not signed yet"), "unsigned", CT_COLUMN_NUMBER, NULL },
                                       { N_ ("Root of the log"), "root", CT_COLUMN_TEXT, NULL },
                                       { N_ ("What does not hold"), "trouble", CT_COLUMN_TEXT, NULL },
                                       { N_ ("Not in the keyring"), "keyring", CT_COLUMN_TEXT, NULL },
                                       { NULL, NULL, 0, NULL } };
static const CtColumn worker_fields[] = { { N_ ("Workers run in"), "program", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Process"), "pid", CT_COLUMN_NUMBER, NULL },
                                          { NULL, NULL, 0, NULL } };

static const CtColumn sync_fields[] = { { N_ ("Mode"), "mode", CT_COLUMN_TEXT, NULL },
                                        { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                        { N_ ("Last success"), "lastSuccess", CT_COLUMN_TIME, NULL },
                                        { N_ ("Pending"), "pending", CT_COLUMN_NUMBER, NULL },
                                        { N_ ("In the tray"), "tray", CT_COLUMN_NUMBER, NULL },
                                        { N_ ("Last error"), "lastError", CT_COLUMN_TEXT, NULL },
                                        { N_ ("Next try"), "nextRetry", CT_COLUMN_TIME, NULL },
                                        { NULL, NULL, 0, NULL } };

static const CtColumn alert_columns[] = { { N_ ("To see to"), "alert", CT_COLUMN_TEXT, NULL },
                                          { N_ ("How many"), "count", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Since"), "since", CT_COLUMN_TIME, NULL },
                                          { NULL, NULL, 0, NULL } };

/* What to see to, and what to do about it: a sentence has no room in a table. */
static void
print_alerts (CtCli *cli, JsonArray *alerts)
{
  static const char *const texts[] = { "detail", "advice" };

  for (guint i = 0; i < json_array_get_length (alerts); i++) {
    JsonObject *alert = json_array_get_object_element (alerts, i);

    puts ("");
    ct_cli_print_fields (cli, alert_columns, alert);
    for (guint k = 0; k < G_N_ELEMENTS (texts); k++) {
      g_autofree char *text = ct_cli_printable (ct_json_string (alert, texts[k], ""));

      if (*text)
        printf ("  %s\n", text);
    }
  }
}

static void
print_health (CtCli *cli, JsonNode *result)
{
  static const struct {
    const char *member; /* (nullable): of the whole */
    const CtColumn *fields;
  } parts[] = {
    { NULL, health_fields }, { "sync", sync_fields },      { "counts", count_fields },
    { "log", log_fields },   { "workers", worker_fields },
  };
  JsonObject *health = json_node_get_object (result);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    JsonObject *part = parts[i].member ? ct_json_object (health, parts[i].member) : health;

    if (part)
      ct_cli_print_fields (cli, parts[i].fields, part);
  }
  puts ("");
  ct_cli_print_table (cli, channel_columns, ct_json_array (health, "channels"));
  print_alerts (cli, ct_json_array (health, "alerts"));
}

static JsonNode *
health_run (CtCli *cli, GError **error)
{
  JsonObject *health =
      ct_workspace_health (cli->workspace, !ct_cli_has (cli, "quick"), cli->cancellable, error);

  if (!health)
    return NULL;
  if (!ct_json_bool (health, "ok", TRUE))
    cli->worst = CT_EXIT_FAILED;
  return ct_json_wrap_object (health);
}

const CtVerb ct_verbs_init[] = {
  { "init", "", 0, 0, N_ ("Make a workspace"),
    (const CtCliOption[]){
        { "demo", NULL, N_ ("With demo data and found exceptions; it refuses every real channel") },
        { "trial", NULL, N_ ("For trials: --now and --as are allowed; one person for each role") },
        { "time-zone", "ZONE",
          N_ ("In which dates are meant, as in Europe/Berlin; else the machine's, a trial's is UTC") },
        { NULL, NULL, NULL } },
    init_run, NULL, CT_VERB_NO_WORKSPACE, print_health },
  { "health", "", 0, 0,
    N_ ("Schema, counts, log, channels, who hosts the workers, whether the file is sound"),
    (const CtCliOption[]){ { "quick", NULL, N_ ("Do not read the whole file") }, { NULL, NULL, NULL } },
    health_run, NULL, 0, print_health },
  { "undo", "[COMMAND]", 0, 1, N_ ("Take your last command back, or the one with this UUID"), NULL, undo_run,
    NULL, 0, print_undone },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
