/* towerctl server: the administration of the central server */
#include "ct-address.h"
#include "ct-admin.h"
#include "ct-cli-password.h"
#include "ct-cli-verbs.h"
#include "ct-migrate.h"

#include <string.h>

/* (transfer full) (nullable): what libpq connects with */
static char *
read_address (CtCli *cli, GError **error)
{
  const char *path = ct_cli_option (cli, "password-file");
  char *password = path ? ct_cli_password_from_file (path, error) : NULL;
  g_autoptr (GError) problem = NULL;
  char *address;

  if (path && !password)
    return NULL;
  address = ct_address_complete (cli->args[0], password, &problem);
  ct_cli_password_free (password);
  if (!address)
    ct_cli_usage (error, "%s", problem->message);
  return address;
}

/* (transfer full) (nullable): a session with the server that the first argument names */
static CtSession *
open_server (CtCli *cli, GError **error)
{
  char *address = read_address (cli, error);
  CtSession *session = address ? ct_session_open (address, cli->cancellable, error) : NULL;

  ct_cli_password_free (address);
  return session;
}

/* (transfer full) (nullable): the text of the program's policy */
static char *
read_policy (GError **error)
{
  g_autofree char *path = ct_data_path ("schema/policy.json");
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, error) ? text : NULL;
}

static JsonNode *
wrap (JsonObject *object)
{
  return object ? ct_json_wrap_object (object) : NULL;
}

static JsonNode *
init_run (CtCli *cli, GError **error)
{
  g_autofree char *directory = ct_data_path ("schema/central");
  g_autofree char *policy = read_policy (error);
  g_autoptr (CtSession) session = policy ? open_server (cli, error) : NULL;
  JsonObject *done = session ? ct_admin_init (session, directory, policy, cli->cancellable, error) : NULL;

  if (done)
    ct_cli_say (cli,
                ct_json_bool (done, "changed", FALSE) ? _ ("The server now has schema %d")
                                                      : _ ("The server has schema %d already"),
                (int) ct_json_int (done, "schema", 0));
  return wrap (done);
}

static JsonNode *
status_run (CtCli *cli, GError **error)
{
  g_autoptr (CtSession) session = open_server (cli, error);

  return session ? wrap (ct_admin_status (session, cli->cancellable, error)) : NULL;
}

static const CtColumn user_columns[] = { { N_ ("Login"), "login", CT_COLUMN_TEXT, NULL },
                                         { N_ ("Roles"), "roles", CT_COLUMN_LIST, NULL },
                                         { N_ ("Sees"), "scopes", CT_COLUMN_LIST, NULL },
                                         { N_ ("Sessions"), "sessions", CT_COLUMN_NUMBER, NULL },
                                         { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn device_columns[] = { { N_ ("Device"), "id", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Login"), "owner", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Commands"), "commands", CT_COLUMN_NUMBER, NULL },
                                           { N_ ("Enrolled"), "enrolledAt", CT_COLUMN_TIME, NULL },
                                           { N_ ("Revoked"), "revokedAt", CT_COLUMN_TIME, NULL },
                                           { N_ ("Name"), "label", CT_COLUMN_TEXT, NULL },
                                           { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn status_columns[] = {
  { N_ ("Database"), "database", CT_COLUMN_TEXT, NULL },
  { N_ ("PostgreSQL"), "postgresql", CT_COLUMN_TEXT, NULL },
  { N_ ("Schema"), "schema", CT_COLUMN_NUMBER, NULL },
  { N_ ("Schema since"), "schemaAt", CT_COLUMN_TIME, NULL },
  { N_ ("Commands allowed"), "commands", CT_COLUMN_NUMBER, NULL },
  { N_ ("Business tables"), "tables", CT_COLUMN_NUMBER, NULL },
  { N_ ("Oldest client"), "oldestClient", CT_COLUMN_NUMBER, NULL },
  { N_ ("Newest client"), "newestClient", CT_COLUMN_NUMBER, NULL },
  { N_ ("Epoch"), "epoch", CT_COLUMN_TEXT, NULL },
  { N_ ("Epoch since"), "epochBegan", CT_COLUMN_TIME, NULL },
  { N_ ("Head of the feed"), "head", CT_COLUMN_NUMBER, NULL },
  { N_ ("Last change"), "headAt", CT_COLUMN_TIME, NULL },
  { N_ ("Log"), "logOrigin", CT_COLUMN_TEXT, NULL },
  { N_ ("Leaves"), "leaves", CT_COLUMN_NUMBER, NULL },
  { N_ ("Integrated"), "integrated", CT_COLUMN_NUMBER, NULL },
  { N_ ("Users"), "users", CT_COLUMN_TABLE, user_columns },
  { N_ ("Devices"), "devices", CT_COLUMN_TABLE, device_columns },
  { NULL, NULL, CT_COLUMN_TEXT, NULL },
};
static const CtColumn init_columns[] = { { N_ ("Schema"), "schema", CT_COLUMN_NUMBER, NULL },
                                         { N_ ("Before"), "schemaBefore", CT_COLUMN_NUMBER, NULL },
                                         { NULL, NULL, CT_COLUMN_TEXT, NULL } };

#define PASSWORD_FILE                                                                                        \
  {                                                                                                          \
    "password-file", "FILE",                                                                                 \
        N_ ("A file with the password of the URL's login; else ~/.pgpass or PGPASSFILE")                     \
  }

static const CtCliOption plain_options[] = { PASSWORD_FILE, { NULL, NULL, NULL } };

const CtVerb ct_verbs_server[] = {
  { "server init", "URL", 1, 1, N_ ("Make a database a server, or bring its schema and policy up to date"),
    plain_options, init_run, init_columns, CT_VERB_NO_WORKSPACE | CT_VERB_READS_FILES | CT_VERB_SHOWS, NULL },
  { "server status", "URL", 1, 1, N_ ("Schema, users and their roles, devices, feed, log"), plain_options,
    status_run, status_columns, CT_VERB_NO_WORKSPACE | CT_VERB_SHOWS, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
