/* towerctl detect, exceptions */
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-evidence.h"
#include "ct-exception-state.h"
#include "ct-rows.h"
#include "ct-vocabulary.h"
#include "ct-workspace-find.h"
#include "ct-workspace-work.h"

#include <stdio.h>

#define EXCEPTION                                                                                            \
  "SELECT e.id, e.number, e.rule, e.blocker, e.subject, e.subject_type AS subjectType, "                     \
  "o.number AS \"order\", o.external_ref AS orderRef, d.number AS distributor, d.legal_name AS "             \
  "distributorName, e.score, e.severity, e.owner, e.agent, e.tags AS tagsJson, e.next_action AS "            \
  "nextAction, e.evidence AS evidenceJson, e.state, e.episode, e.value_at_risk_minor AS valueAtRiskMinor, "  \
  "e.currency, e.country, e.opened_at AS openedAt, e.cleared_at AS clearedAt, "                              \
  "e.closed_reason AS closedReason FROM exceptions e LEFT JOIN orders o ON o.id = e.order_id "               \
  "LEFT JOIN distributors d ON d.id = e.distributor_id"

static void
progress_cb (const char *rule, guint done, guint total, gpointer data)
{
  ct_cli_progress (data, rule, done, total);
}

static JsonNode *
detect_run (CtCli *cli, GError **error)
{
  g_autoptr (GPtrArray) counts = ct_workspace_detect (cli->workspace, ct_cli_has (cli, "full"), progress_cb,
                                                      cli, cli->cancellable, error);

  ct_cli_progress_end (cli);
  return counts ? ct_json_wrap_object (ct_detect_counts_to_json (counts)) : NULL;
}

/* {evaluated, opened, refreshed, cleared, rules: {NAME: …}} with a row a rule */
static void
print_counts (CtCli *cli, JsonNode *result)
{
  static const CtColumn columns[] = { { N_ ("Rule"), "rule", CT_COLUMN_TEXT, NULL },
                                      { N_ ("Evaluated"), "evaluated", CT_COLUMN_NUMBER, NULL },
                                      { N_ ("Opened"), "opened", CT_COLUMN_NUMBER, NULL },
                                      { N_ ("Changed"), "refreshed", CT_COLUMN_NUMBER, NULL },
                                      { N_ ("Cleared"), "cleared", CT_COLUMN_NUMBER, NULL },
                                      { NULL, NULL, CT_COLUMN_TEXT, NULL } };
  JsonObject *counts = json_node_get_object (result);
  g_autoptr (JsonArray) rows = json_array_new ();
  JsonObjectIter iter;
  const char *rule;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, ct_json_object (counts, "rules"));
  while (json_object_iter_next_ordered (&iter, &rule, &node)) {
    json_object_set_string_member (json_node_get_object (node), "rule", rule);
    json_array_add_element (rows, json_node_copy (node));
  }
  json_object_set_string_member (counts, "rule", _ ("all"));
  json_array_add_element (rows, json_node_copy (result));
  ct_cli_print_table (cli, columns, rows);
}

static JsonNode *
check_rule_cb (CtCli *cli, CtDb *db, gpointer rule, GError **error)
{
  gint64 known = 0;

  if (ct_db_read_int (
          db, &known, error,
          "SELECT EXISTS (SELECT 1 FROM rules WHERE name = ?1) OR EXISTS (SELECT 1 FROM exceptions "
          "WHERE rule = ?1)",
          "s", rule) &&
      !known)
    ct_cli_usage (error, _ ("--rule: there is no rule “%s”"), (const char *) rule);
  return NULL;
}

static JsonNode *
list_run (CtCli *cli, GError **error)
{
  static const struct {
    const char *option;
    const char *condition;
  } filters[] = {
    { "state", "e.state = ?" },       { "rule", "e.rule = ?" },       { "owner", "e.owner = ?" },
    { "severity", "e.severity = ?" }, { "blocker", "e.blocker = ?" },
  };
  const char *state = ct_cli_option (cli, "state"), *rule = ct_cli_option (cli, "rule"),
             *blocker = ct_cli_option (cli, "blocker");
  g_autoptr (GError) problem = NULL;
  g_auto (CtListQuery) query = { 0 };
  CtExceptionState parsed;

  if (state && !ct_exception_state_parse (state, &parsed)) {
    ct_cli_usage (error, _ ("--state: “%s” is none of open, cleared, closed"), state);
    return NULL;
  }
  if (blocker && !ct_blocker_is_known (blocker)) {
    ct_cli_usage (error, _ ("--blocker: there is no blocker class “%s”"), blocker);
    return NULL;
  }
  if (rule)
    ct_cli_read (cli, check_rule_cb, (gpointer) rule, &problem);
  if (problem) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  ct_list_query_init (&query, EXCEPTION);
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    if (ct_cli_has (cli, filters[i].option))
      ct_list_query_where (&query, filters[i].condition, ct_cli_option (cli, filters[i].option));
  return ct_cli_list (cli, &query, state ? "e.score DESC, e.n" : "e.state <> 'open', e.score DESC, e.n",
                      error);
}

/* The evidence in words, and what the score is made of. */
static gboolean
put_reasons (CtCli *cli, CtDb *db, JsonObject *object, const CtId *id, GError **error)
{
  JsonArray *evidence = ct_json_array (object, "evidence");
  JsonArray *parts = ct_evidence_score (db, id, ct_workspace_now (cli->workspace), error);

  if (!parts)
    return FALSE;
  json_object_set_array_member (object, "scoreParts", parts);
  if (evidence)
    ct_evidence_put_words (evidence, ct_json_string (object, "subjectType", ""),
                           ct_json_string (object, "currency", "EUR"),
                           ct_workspace_get_zone (cli->workspace));
  return TRUE;
}

static JsonNode *
show_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  static const struct {
    const char *member;
    const char *sql;
  } parts[] = {
    { "tasks", "SELECT number, status, assigned_agent AS agent, human_owner AS owner, sla_due_at AS dueAt "
               "FROM follow_up_tasks WHERE exception_id = ? ORDER BY number" },
    { "episodes",
      "SELECT episode, opened_at AS openedAt, ended_at AS endedAt, ended_as AS endedAs, score, "
      "evidence AS evidenceJson FROM exception_episodes WHERE exception_id = ? ORDER BY episode" },
    { "peopleNotes", CT_CLI_NOTES_SQL },
  };
  g_auto (CtFound) found = { 0 };
  g_autoptr (JsonObject) object = NULL;

  if (!ct_workspace_find (db, "exception", data, &found, error) ||
      !(object = ct_rows_one (db, error, EXCEPTION " WHERE e.id = ?", "k", &found.id)))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    JsonArray *rows = ct_rows_array (db, error, parts[i].sql, "k", &found.id);

    if (!rows)
      return NULL;
    json_object_set_array_member (object, parts[i].member, rows);
  }
  return put_reasons (cli, db, object, &found.id, error) ? ct_json_wrap_object (g_steal_pointer (&object))
                                                         : NULL;
}

static JsonNode *
show_each (CtCli *cli, const char *id, GError **error)
{
  return ct_cli_read (cli, show_cb, (gpointer) id, error);
}

static JsonNode *
show_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, TRUE, show_each);
}

static JsonNode *
act (CtCli *cli, const char *command, const char *option, const char *id, GError **error)
{
  const char *value = ct_cli_option (cli, option);
  g_autofree char *uuid = NULL;
  g_autoptr (JsonObject) args = NULL;
  g_auto (CtOutcome) outcome = { 0 };

  if (!value) {
    ct_cli_usage (error, _ ("--%s is missing"), option);
    return NULL;
  }
  uuid = ct_cli_find (cli, "exception", id, error);
  args = uuid ? ct_json_build ("ss", "exception", uuid, option, value) : NULL;
  return args && ct_cli_execute (cli, command, args, &outcome, error) ? show_each (cli, uuid, error) : NULL;
}

static JsonNode *
assign_each (CtCli *cli, const char *id, GError **error)
{
  return act (cli, "exception.assign", "owner", id, error);
}

static JsonNode *
close_each (CtCli *cli, const char *id, GError **error)
{
  return act (cli, "exception.close", "reason", id, error);
}

static JsonNode *
assign_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, TRUE, assign_each);
}

static JsonNode *
close_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, TRUE, close_each);
}

#define END                                                                                                  \
  {                                                                                                          \
    NULL, NULL, CT_COLUMN_TEXT, NULL                                                                         \
  }

static const CtColumn columns[] = { { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Rule"), "rule", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Subject"), "subject", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Score"), "score", CT_COLUMN_NUMBER, NULL },
                                    { N_ ("Severity"), "severity", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Team"), "owner", CT_COLUMN_TEXT, NULL },
                                    { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Opened"), "openedAt", CT_COLUMN_TIME, NULL },
                                    { N_ ("Next step"), "nextAction", CT_COLUMN_TEXT, NULL },
                                    END };
static const CtColumn evidence_columns[] = { { N_ ("Fact"), "label", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Value"), "value", CT_COLUMN_FACT, NULL },
                                             { N_ ("Raised because it is"), "because", CT_COLUMN_TEXT, NULL },
                                             END };
static const CtColumn score_columns[] = { { N_ ("Fact"), "label", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Points"), "points", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Value"), "text", CT_COLUMN_TEXT, NULL },
                                          END };
static const CtColumn task_columns[] = {
  { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL }, { N_ ("Status"), "status", CT_COLUMN_TEXT, NULL },
  { N_ ("Team"), "owner", CT_COLUMN_TEXT, NULL },    { N_ ("Agent"), "agent", CT_COLUMN_TEXT, NULL },
  { N_ ("Due"), "dueAt", CT_COLUMN_TIME, NULL },     END
};
static const CtColumn episode_columns[] = { { N_ ("Episode"), "episode", CT_COLUMN_NUMBER, NULL },
                                            { N_ ("Opened"), "openedAt", CT_COLUMN_TIME, NULL },
                                            { N_ ("Ended"), "endedAt", CT_COLUMN_TIME, NULL },
                                            { N_ ("State"), "endedAs", CT_COLUMN_TEXT, NULL },
                                            END };
static const CtColumn fields[] = { { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Rule"), "rule", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Blocker"), "blocker", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Subject"), "subject", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Distributor"), "distributorName", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Score"), "score", CT_COLUMN_NUMBER, NULL },
                                   { N_ ("Severity"), "severity", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Value at risk"), "valueAtRiskMinor", CT_COLUMN_MONEY, NULL },
                                   { N_ ("Team"), "owner", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Agent"), "agent", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Tags"), "tags", CT_COLUMN_LIST, NULL },
                                   { N_ ("Next step"), "nextAction", CT_COLUMN_TEXT, NULL },
                                   { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Episode"), "episode", CT_COLUMN_NUMBER, NULL },
                                   { N_ ("Opened"), "openedAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Ended"), "clearedAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Reason"), "closedReason", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Evidence"), "evidence", CT_COLUMN_TABLE, evidence_columns },
                                   { N_ ("Score"), "scoreParts", CT_COLUMN_TABLE, score_columns },
                                   { N_ ("Tasks"), "tasks", CT_COLUMN_TABLE, task_columns },
                                   { N_ ("Earlier episodes"), "episodes", CT_COLUMN_TABLE, episode_columns },
                                   { N_ ("Notes of people"), "peopleNotes", CT_COLUMN_TABLE,
                                     ct_cli_note_columns },
                                   END };

const CtVerb ct_verbs_exceptions[] = {
  { "detect", "", 0, 0, N_ ("Evaluate the rules on what changed or whose time has come"),
    (const CtCliOption[]){ { "full", NULL, N_ ("On everything") }, { NULL, NULL, NULL } }, detect_run, NULL,
    0, print_counts },
  { "exceptions list", "", 0, 0, N_ ("List exceptions"),
    (const CtCliOption[]){ { "state", "STATE", N_ ("open, cleared, closed") },
                           { "rule", "RULE", N_ ("Of this rule") },
                           { "owner", "TEAM", N_ ("Of this team") },
                           { "severity", "SEVERITY", N_ ("low, medium, high, critical") },
                           { "blocker", "CLASS", N_ ("Of this blocker class") },
                           { "limit", "N", N_ ("At most so many") },
                           { NULL, NULL, NULL } },
    list_run, columns, 0, NULL },
  { "exceptions show", "ID…", 1, CT_ANY, N_ ("Show exceptions with their evidence"), NULL, show_run, fields,
    CT_VERB_SHOWS, NULL },
  { "exceptions assign", "ID…", 1, CT_ANY, N_ ("Give exceptions to another team"),
    (const CtCliOption[]){ { "owner", "TEAM", N_ ("The team") }, { NULL, NULL, NULL } }, assign_run, columns,
    0, NULL },
  { "exceptions close", "ID…", 1, CT_ANY, N_ ("Close exceptions that do not clear by themselves"),
    (const CtCliOption[]){ { "reason", "TEXT", N_ ("Why; required") }, { NULL, NULL, NULL } }, close_run,
    columns, 0, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
