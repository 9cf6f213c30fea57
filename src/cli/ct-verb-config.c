/* towerctl config, person */
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-vocabulary.h"
#include "ct-post-row.h"
#include "ct-rows.h"

#include <stdio.h>
#include <string.h>

/* Settings that something reads, with what holds where they are not set. */
static const struct {
  const char *key;
  const char *fallback;
  const char *help;
} known[] = {
  { "time_zone", "", N_ ("In which dates are meant, as in Europe/Berlin") },
  { CT_SETTING_UNDO_WINDOW, "15s", N_ ("How long an approved post waits before it is sent") },
  { CT_SETTING_QUIET_PERIOD, "15m", N_ ("At most one message per counterparty in this time") },
  { CT_SETTING_STOPPED, "false", N_ ("Whether all sending is stopped; see channel stop-all") },
};

static JsonObject *
setting_object (CtDb *db, const char *key)
{
  g_autofree char *value = ct_db_read_text (db, NULL, "SELECT value FROM settings WHERE key = ?", "s", key);
  const char *fallback = NULL, *help = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (strcmp (known[i].key, key) == 0) {
      fallback = known[i].fallback;
      help = _ (known[i].help);
    }
  if (!value && !fallback)
    return NULL;
  return ct_json_build ("ssbs", "key", key, "value", value ? value : fallback, "set", value != NULL, "help",
                        help);
}

static JsonNode *
read_one_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonObject *setting = setting_object (db, data);

  if (setting)
    return ct_json_wrap_object (setting);
  ct_fail (error, CT_ERROR_NOT_FOUND, _ ("The setting “%s” is not set"), (const char *) data);
  return NULL;
}

static JsonNode *
read_all_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  g_autoptr (JsonArray) settings = json_array_new ();
  g_autoptr (CtStmt) stmt = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    json_array_add_object_element (settings, setting_object (db, known[i].key));
  stmt = ct_db_query (db, error, "SELECT key FROM settings ORDER BY key", "");
  while (stmt && ct_stmt_next (stmt)) {
    gboolean is_known = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS (known); i++)
      is_known = is_known || strcmp (known[i].key, ct_stmt_text (stmt, 0)) == 0;
    if (!is_known)
      json_array_add_object_element (settings, setting_object (db, ct_stmt_text (stmt, 0)));
  }
  return stmt && ct_stmt_finish (stmt, error) ? ct_json_wrap_array (g_steal_pointer (&settings)) : NULL;
}

static JsonNode *
get_each (CtCli *cli, const char *key, GError **error)
{
  return ct_cli_read (cli, read_one_cb, (gpointer) key, error);
}

static JsonNode *
get_run (CtCli *cli, GError **error)
{
  return cli->n_args == 0 ? ct_cli_read (cli, read_all_cb, NULL, error) : ct_cli_each (cli, FALSE, get_each);
}

static JsonNode *
set_run (CtCli *cli, GError **error)
{
  g_autoptr (JsonObject) args = ct_json_build ("ss", "key", cli->args[0], "value", cli->args[1]);
  g_auto (CtOutcome) outcome = { 0 };
  gboolean is_known = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    is_known = is_known || strcmp (known[i].key, cli->args[0]) == 0;
  if (!is_known) {
    ct_cli_usage (error, _ ("There is no setting “%s”; see config get"), cli->args[0]);
    return NULL;
  }
  if (!ct_cli_execute (cli, "setting.set", args, &outcome, error))
    return NULL;
  return ct_cli_read (cli, read_one_cb, cli->args[0], error);
}

#define PEOPLE                                                                                               \
  "SELECT p.login, p.name, p.email, (SELECT json_group_array(r.role) FROM person_roles r "                   \
  "WHERE r.person_id = p.id) AS rolesJson, p.id, p.approval_limit_minor AS "                                 \
  "approvalLimitMinor, p.approval_currency AS currency FROM people p"

static JsonNode *
read_people_cb (CtCli *cli, CtDb *db, gpointer login, GError **error)
{
  JsonObject *person;
  JsonArray *people;

  if (login) {
    person = ct_rows_one (db, error, PEOPLE " WHERE p.login = ?", "s", login);
    if (person)
      ct_cli_put_limit (person);
    return person ? ct_json_wrap_object (person) : NULL;
  }
  people = ct_rows_array (db, error, PEOPLE " WHERE p.archived_at IS NULL ORDER BY p.login", "");
  for (guint i = 0; people && i < json_array_get_length (people); i++)
    ct_cli_put_limit (json_array_get_object_element (people, i));
  return people ? ct_json_wrap_array (people) : NULL;
}

static JsonNode *
person_list_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, read_people_cb, NULL, error);
}

static JsonNode *
person_add_run (CtCli *cli, GError **error)
{
  GPtrArray *roles = ct_cli_options (cli, "role");
  JsonArray *list = json_array_new ();
  g_autoptr (JsonObject) args =
      ct_json_build ("sssa", "login", cli->args[0], "name", ct_cli_option (cli, "name"), "email",
                     ct_cli_option (cli, "email"), "roles", list);
  g_auto (CtOutcome) outcome = { 0 };

  for (guint i = 0; roles && i < roles->len; i++) {
    if (!ct_role_is_known (roles->pdata[i])) {
      ct_cli_usage (error, _ ("There is no role “%s”"), (const char *) roles->pdata[i]);
      return NULL;
    }
    json_array_add_string_element (list, roles->pdata[i]);
  }
  return ct_cli_execute (cli, "person.put", args, &outcome, error)
             ? ct_cli_read (cli, read_people_cb, cli->args[0], error)
             : NULL;
}

static void
print_settings (CtCli *cli, JsonNode *result)
{
  static const CtColumn columns[] = { { N_ ("Setting"), "key", CT_COLUMN_TEXT, NULL },
                                      { N_ ("Value"), "value", CT_COLUMN_TEXT, NULL },
                                      { N_ ("What it is"), "help", CT_COLUMN_TEXT, NULL },
                                      { NULL, NULL, 0, NULL } };

  if (JSON_NODE_HOLDS_OBJECT (result))
    puts (ct_json_string (json_node_get_object (result), "value", ""));
  else
    ct_cli_print_table (cli, columns, json_node_get_array (result));
}

static const CtColumn people_columns[] = { { N_ ("Login"), "login", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Name"), "name", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Roles"), "roles", CT_COLUMN_LIST, NULL },
                                           { N_ ("May approve at most"), "limit", CT_COLUMN_TEXT, NULL },
                                           { NULL, NULL, 0, NULL } };

const CtVerb ct_verbs_config[] = {
  { "config get", "[KEY…]", 0, CT_ANY, N_ ("Show settings"), NULL, get_run, NULL, 0, print_settings },
  { "config set", "KEY VALUE", 2, 2, N_ ("Change a setting"), NULL, set_run, NULL, 0, print_settings },
  { "person list", "", 0, 0, N_ ("Who works here, in which roles"), NULL, person_list_run, people_columns, 0,
    NULL },
  { "person add", "LOGIN", 1, 1, N_ ("Add a person, or replace their roles"),
    (const CtCliOption[]){ { "role", "ROLE", N_ ("A role; may be repeated") },
                           { "name", "NAME", N_ ("What they are called") },
                           { "email", "ADDRESS", N_ ("Their e-mail address") },
                           { NULL, NULL, NULL } },
    person_add_run, people_columns, 0, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
