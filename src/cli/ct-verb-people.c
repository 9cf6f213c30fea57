/* towerctl absence, person limit */
#include "ct-cli-verbs.h"
#include "ct-rows.h"

#define ABSENCES                                                                                             \
  "SELECT a.id, p.login AS person, a.starts_at AS startsAt, a.ends_at AS endsAt, (SELECT "                   \
  "group_concat(s.login, ', ') FROM delegations d JOIN people s ON s.id = d.delegate_id WHERE d.person_id "  \
  "= a.person_id AND d.starts_at = a.starts_at AND d.ends_at = a.ends_at) AS standIn FROM absences a JOIN "  \
  "people p ON p.id = a.person_id"

static JsonNode *
read_absences_cb (CtCli *cli, CtDb *db, gpointer id, GError **error)
{
  JsonArray *absences;
  JsonObject *absence;

  if (id) {
    absence = ct_rows_one (db, error, ABSENCES " WHERE a.id = uuid(?)", "s", id);
    return absence ? ct_json_wrap_object (absence) : NULL;
  }
  absences = ct_rows_array (db, error, ABSENCES " WHERE a.ends_at > ? ORDER BY a.starts_at, p.login", "i",
                            ct_workspace_now (cli->workspace));
  return absences ? ct_json_wrap_array (absences) : NULL;
}

static JsonNode *
absence_list_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, read_absences_cb, NULL, error);
}

/* A time, or a day: its beginning, or its end where it is the last one. */
static gboolean
add_time (CtCli *cli, const char *option, const char *argument, gboolean last, JsonObject *args,
          GError **error)
{
  gint64 at = ct_workspace_now (cli->workspace);
  const char *day = ct_cli_option (cli, option);
  g_autofree char *text = NULL;
  char next[CT_DATE_SIZE];

  if (day && ct_date_valid (day)) {
    ct_date_from_days (ct_date_to_days (day) + (last ? 1 : 0), next);
    at = ct_date_to_time (next, ct_workspace_get_zone (cli->workspace));
  } else if (day && !ct_time_parse (day, &at)) {
    return ct_cli_usage (error,
                         _ ("--%s: “%s” is neither a day, such as 2026-06-04, nor a time, such as "
                            "2026-06-04T09:00:00Z"),
                         option, day);
  }
  text = ct_time_format (at);
  json_object_set_string_member (args, argument, text);
  return TRUE;
}

static JsonNode *
absence_set_run (CtCli *cli, GError **error)
{
  g_autoptr (JsonObject) args = ct_json_build ("ss", "person", ct_cli_option (cli, "person"), "stand_in",
                                               ct_cli_option (cli, "stand-in"));
  g_auto (CtOutcome) outcome = { 0 };

  if (!ct_cli_has (cli, "until")) {
    ct_cli_usage (error, _ ("--%s is missing"), "until");
    return NULL;
  }
  return add_time (cli, "from", "starts_at", FALSE, args, error) &&
                 add_time (cli, "until", "ends_at", TRUE, args, error) &&
                 ct_cli_execute (cli, "absence.set", args, &outcome, error)
             ? ct_cli_read (cli, read_absences_cb, (gpointer) ct_json_string (outcome.result, "id", ""),
                            error)
             : NULL;
}

static JsonNode *
find_absence_cb (CtCli *cli, CtDb *db, gpointer login, GError **error)
{
  g_autoptr (JsonArray) found = ct_rows_array (db, error, ABSENCES " WHERE a.ends_at > ? AND p.login = ?",
                                               "is", ct_workspace_now (cli->workspace), login);

  if (!found)
    return NULL;
  if (json_array_get_length (found) == 1)
    return json_array_dup_element (found, 0);
  if (json_array_get_length (found) == 0)
    ct_fail (error, CT_ERROR_NOT_FOUND,
             _ ("“%s” is neither an absence nor a person with one; see absence list"), (const char *) login);
  else
    ct_cli_usage (error, _ ("“%s” has several absences; name one as absence list shows it"),
                  (const char *) login);
  return NULL;
}

/* An absence goes by its UUID, or by the login of whose only one it is. */
static JsonNode *
absence_end_run (CtCli *cli, GError **error)
{
  CtId id;
  g_autoptr (JsonNode) found =
      ct_id_parse (cli->args[0], &id) ? NULL : ct_cli_read (cli, find_absence_cb, cli->args[0], error);
  g_autoptr (JsonObject) args = ct_json_build (
      "s", "absence", found ? ct_json_string (json_node_get_object (found), "id", "") : cli->args[0]);
  g_auto (CtOutcome) outcome = { 0 };

  if (!found && !ct_id_parse (cli->args[0], &id))
    return NULL;
  return ct_cli_execute (cli, "absence.end", args, &outcome, error) ? absence_list_run (cli, error) : NULL;
}

/* @person: with approvalLimitMinor and currency; gets "limit", as people read it */
void
ct_cli_put_limit (JsonObject *person)
{
  const char *currency = ct_json_string (person, "currency", NULL);
  g_autofree char *limit =
      currency ? ct_money_format (ct_json_int (person, "approvalLimitMinor", 0), currency) : NULL;

  json_object_set_string_member (person, "limit", limit ? limit : _ ("no limit"));
}

static JsonNode *
read_limit_cb (CtCli *cli, CtDb *db, gpointer login, GError **error)
{
  JsonObject *person = ct_rows_one (db, error,
                                    "SELECT login, name, approval_limit_minor AS approvalLimitMinor, "
                                    "approval_currency AS currency FROM people WHERE login = ?",
                                    "s", login);

  if (!person)
    return NULL;
  ct_cli_put_limit (person);
  return ct_json_wrap_object (person);
}

/* Without an amount nothing is changed: who only looks must not take a limit away. */
static JsonNode *
limit_run (CtCli *cli, GError **error)
{
  g_autoptr (JsonObject) args = ct_json_build ("s", "login", cli->args[0]);
  g_auto (CtOutcome) outcome = { 0 };
  gint64 minor = 0;

  if (cli->n_args == 1)
    return ct_cli_read (cli, read_limit_cb, cli->args[0], error);
  if (cli->n_args == 2 && g_str_equal (cli->args[1], "none")) {
    json_object_set_boolean_member (args, "no_limit", TRUE);
  } else if (cli->n_args == 3 && ct_currency_valid (cli->args[2]) &&
             !ct_amount_parse (cli->args[1], cli->args[2], &minor, error)) {
    return NULL;
  } else if (cli->n_args != 3 || !ct_currency_valid (cli->args[2]) || minor < 0) {
    ct_cli_usage (error,
                  _ ("Name an amount and its currency, such as 5000 EUR; “none” takes the limit away"));
    return NULL;
  } else {
    json_object_set_int_member (args, "approval_limit_minor", minor);
    json_object_set_string_member (args, "approval_currency", cli->args[2]);
  }
  return ct_cli_execute (cli, "person.put", args, &outcome, error)
             ? ct_cli_read (cli, read_limit_cb, cli->args[0], error)
             : NULL;
}

static const CtColumn absence_columns[] = {
  { N_ ("Person"), "person", CT_COLUMN_TEXT, NULL }, { N_ ("From"), "startsAt", CT_COLUMN_TIME, NULL },
  { N_ ("Until"), "endsAt", CT_COLUMN_TIME, NULL },  { N_ ("Stands in"), "standIn", CT_COLUMN_TEXT, NULL },
  { N_ ("Absence"), "id", CT_COLUMN_TEXT, NULL },    { NULL, NULL, 0, NULL }
};
static const CtColumn limit_columns[] = { { N_ ("Login"), "login", CT_COLUMN_TEXT, NULL },
                                          { N_ ("May approve at most"), "limit", CT_COLUMN_TEXT, NULL },
                                          { NULL, NULL, 0, NULL } };

const CtVerb ct_verbs_people[] = {
  { "person limit", "LOGIN [AMOUNT CURRENCY|none]", 1, 3,
    N_ ("Show what a person may approve at most, or set it; none: no limit"), NULL, limit_run, limit_columns,
    0, NULL },
  { "absence list", "", 0, 0, N_ ("Who is away, until when, and who stands in"), NULL, absence_list_run,
    absence_columns, 0, NULL },
  { "absence set", "", 0, 0, N_ ("Enter an absence, and who approves in your place meanwhile"),
    (const CtCliOption[]){ { "from", "TIME", N_ ("When it begins, or the first day; now where not said") },
                           { "until", "TIME", N_ ("When it ends, or the last day") },
                           { "stand-in", "LOGIN", N_ ("Who approves meanwhile, within both limits") },
                           { "person", "LOGIN", N_ ("Whose absence; an administrator enters it for others") },
                           { NULL, NULL, NULL } },
    absence_set_run, absence_columns, 0, NULL },
  { "absence end", "ABSENCE|LOGIN", 1, 1, N_ ("End an absence now, or drop one that has not begun"), NULL,
    absence_end_run, absence_columns, 0, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
