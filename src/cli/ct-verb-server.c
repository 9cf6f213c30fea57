/* towerctl server: the administration of the central server */
#include "ct-admin.h"
#include "ct-cli-grants.h"
#include "ct-cli-key.h"
#include "ct-cli-password.h"
#include "ct-cli-print.h"
#include "ct-cli-server.h"
#include "ct-cli-verbs.h"
#include "ct-migrate.h"
#include "ct-workspace-device.h"
#include "ct-workspace-log.h"
#include "ct-workspace-trust.h"

#include <stdio.h>
#include <string.h>

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
  g_autofree char *shipped = policy ? ct_workspace_shipped (error) : NULL;
  g_autoptr (CtSession) session = shipped ? ct_cli_open_server (cli, error) : NULL;
  JsonObject *done =
      session ? ct_admin_init (session, directory, policy, shipped, cli->cancellable, error) : NULL;

  if (done)
    ct_cli_say (cli,
                ct_json_bool (done, "changed", FALSE) ? _ ("The server now has schema %d")
                                                      : _ ("The server has schema %d already"),
                (int) ct_json_int (done, "schema", 0));
  return wrap (done);
}

/* What PostgreSQL denies, it does not say whose right it is. */
static void
name_owner (CtSession *session, GError *problem, GError **error)
{
  if (!g_str_equal (ct_session_last_state (session), "42501")) {
    g_propagate_error (error, problem);
    return;
  }
  ct_fail (error, CT_ERROR_REFUSED, _ ("This needs a superuser or the owner of the database: %s"),
           problem->message);
  g_error_free (problem);
}

static JsonNode *
status_run (CtCli *cli, GError **error)
{
  g_autoptr (CtSession) session = ct_cli_open_server (cli, error);
  GError *problem = NULL;
  JsonObject *status = session ? ct_admin_status (session, cli->cancellable, &problem) : NULL;

  if (problem)
    name_owner (session, problem, error);
  return wrap (status);
}

static JsonNode *
check_run (CtCli *cli, GError **error)
{
  g_autofree char *directory = ct_data_path ("schema/central");
  g_autofree char *policy = read_policy (error);
  g_autoptr (CtSession) session = policy ? ct_cli_open_server (cli, error) : NULL;
  GError *problem = NULL;
  JsonArray *findings =
      session ? ct_admin_check (session, directory, policy, cli->cancellable, &problem) : NULL;

  if (problem)
    name_owner (session, problem, error);
  if (!findings)
    return NULL;
  if (json_array_get_length (findings) > 0)
    cli->worst = CT_EXIT_FAILED;
  else
    ct_cli_say (cli, _ ("Nothing is wrong"));
  return ct_json_wrap_array (findings);
}

/* A finding needs more room than a table has. */
static void
print_findings (CtCli *cli, JsonNode *result)
{
  JsonArray *findings = json_node_get_array (result);

  for (guint i = 0; i < json_array_get_length (findings); i++) {
    JsonObject *finding = json_array_get_object_element (findings, i);
    g_autofree char *where = ct_cli_printable (ct_json_string (finding, "where", ""));
    g_autofree char *statement = ct_cli_printable (ct_json_string (finding, "statement", ""));

    printf ("%s: %s\n  %s. %s%s\n", ct_json_string (finding, "check", ""), where,
            ct_json_string (finding, "problem", ""), ct_json_string (finding, "advice", ""),
            *statement ? ":" : ".");
    if (*statement)
      printf ("  %s;\n", statement);
  }
}

/* What is typed twice is what was meant. */
static char *
ask_password (GError **error)
{
  char *password = ct_cli_password_ask (_ ("Password of the new user:"), error);
  char *again = password ? ct_cli_password_ask (_ ("The same again:"), error) : NULL;

  if (again && strcmp (password, again) != 0)
    ct_cli_usage (error, _ ("The two passwords differ"));
  if (!again || strcmp (password, again) != 0)
    g_clear_pointer (&password, ct_cli_password_free);
  ct_cli_password_free (again);
  return password;
}

/* (transfer full) (nullable): of the new user; NULL without @error where there is to be none */
static char *
new_password (CtCli *cli, gboolean *made, GError **error)
{
  const char *path = ct_cli_option (cli, "user-password-file");

  *made = FALSE;
  if (ct_cli_has (cli, "no-password"))
    return NULL;
  if (path)
    return ct_cli_password_from_file (path, error);
  if (ct_cli_has (cli, "ask-password"))
    return ask_password (error);
  *made = TRUE;
  return ct_admin_make_password ();
}

/* (transfer container) (nullable): values of a repeated option, ended by NULL */
static const char **
option_list (CtCli *cli, const char *name)
{
  GPtrArray *values = ct_cli_options (cli, name);
  const char **list = values ? g_new0 (const char *, values->len + 1) : NULL;

  for (guint i = 0; values && i < values->len; i++)
    list[i] = values->pdata[i];
  return list;
}

static JsonObject *
add_user (CtCli *cli, char *password, gboolean made, GError **error)
{
  g_autofree const char **roles = option_list (cli, "role");
  g_autoptr (GArray) grants = NULL;
  CtAdminUser user = { .login = cli->args[1], .roles = roles, .password = password, .if_new = made };
  g_autoptr (CtSession) session = NULL;
  GError *problem = NULL;
  JsonObject *done;

  if (!ct_cli_grants (cli, &grants, error))
    return NULL;
  if (grants) {
    user.grants = (const CtAdminGrant *) (gpointer) grants->data;
    user.n_grants = grants->len;
  }
  if (!roles) {
    ct_cli_usage (error, _ ("--%s is missing"), "role");
    return NULL;
  }
  session = ct_cli_open_server (cli, error);
  done = session ? ct_admin_add_user (session, &user, cli->cancellable, &problem) : NULL;
  if (problem)
    name_owner (session, problem, error);
  return done;
}

/* It may be that they are yet to come. */
static void
say_without_records (CtCli *cli, JsonObject *user)
{
  JsonArray *scopes = ct_json_array (user, "withoutRecords");

  for (guint i = 0; scopes && i < json_array_get_length (scopes); i++)
    ct_cli_say (cli, _ ("No record is in %s yet; if one should be, look how its name is written"),
                json_array_get_string_element (scopes, i));
}

static JsonNode *
add_user_run (CtCli *cli, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean made;
  char *password = new_password (cli, &made, &problem);
  JsonObject *done = problem ? NULL : add_user (cli, password, made, &problem);

  if (done)
    say_without_records (cli, done);
  if (done && made && ct_json_bool (done, "passwordSet", FALSE)) {
    json_object_set_string_member (done, "password", password);
    ct_cli_say (cli, _ ("The password is shown this once and kept nowhere"));
  }
  ct_cli_password_free (password);
  if (problem)
    g_propagate_error (error, g_steal_pointer (&problem));
  return wrap (done);
}

static JsonNode *
remove_user_run (CtCli *cli, GError **error)
{
  g_autoptr (CtSession) session = ct_cli_open_server (cli, error);
  JsonObject *done = session ? ct_admin_remove_user (session, cli->args[1], cli->cancellable, error) : NULL;

  if (done && json_object_has_member (done, "elsewhere"))
    ct_cli_say (cli, _ ("%s is no longer let into this database; other databases still do: %s"), cli->args[1],
                ct_json_string (done, "elsewhere", ""));
  else if (done && !ct_json_bool (done, "dropped", FALSE))
    ct_cli_say (cli,
                _ ("%s may no longer sign in; the role stays because other things of this PostgreSQL belong "
                   "to it"),
                cli->args[1]);
  return wrap (done);
}

static JsonNode *
show_device_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  return wrap (ct_workspace_describe_device (db, error));
}

static JsonNode *
device_show_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, show_device_cb, NULL, error);
}

/* (transfer full) (nullable): what "device show" printed into a file, or of the workspace here */
static JsonNode *
read_device (CtCli *cli, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  if (cli->n_args < 3)
    return ct_cli_open (cli, error) ? device_show_run (cli, error) : NULL;
  if (!g_file_get_contents (cli->args[2], &text, &length, error))
    return NULL;
  return ct_json_parse (text, (gssize) length, 65536, error);
}

static gboolean
take_device (JsonNode *node, CtAdminDevice *device, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  if (!object || !ct_id_parse (ct_json_string (object, "id", ""), &device->id) ||
      !ct_hash_from_hex (ct_json_string (object, "publicKey", ""), &device->public_key) ||
      !ct_hash_from_hex (ct_json_string (object, "lastSha256", ""), &device->last) ||
      (device->commands = ct_json_int (object, "commands", -1)) < 0)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("This does not describe a device: it needs what towerctl device show --json prints"));
  device->label = ct_json_string (object, "label", "");
  return TRUE;
}

/* The workspace here, where there is one, vouches for the device; (transfer full) (nullable): its signature */
static char *
vouch (CtCli *cli, CtSession *session, const CtAdminDevice *device, CtPushVoucher *voucher, GError **error)
{
  char *signature;

  if (ct_cli_has (cli, "unsigned") || !ct_workspace_exists (cli->folder) ||
      (!cli->workspace && !ct_cli_open (cli, error)))
    return NULL;
  signature = ct_workspace_vouch (cli->workspace, session, &device->id, &device->public_key, cli->args[1],
                                  &voucher->signer, cli->cancellable, error);
  voucher->signature = signature;
  return signature;
}

/* The first administrator's own workspace is no stranger for long; another one may have signed because no -w named the right one. */
static void
say_stranger (CtCli *cli, JsonObject *device)
{
  const char *signer = ct_json_string (device, "signer", "");

  if (g_str_equal (signer, ct_json_string (device, "vouchedBy", "")))
    ct_cli_say (
        cli,
        _ ("The workspace %s signed, the device %s: this server does not know it as an administrator's. The "
           "team's service counts that only where it trusts this very device (device trust); else enrol "
           "again "
           "with an administrator's workspace (-w DIR)"),
        cli->folder, signer);
}

static JsonNode *
enrol_run (CtCli *cli, GError **error)
{
  g_autoptr (JsonNode) node = read_device (cli, error);
  g_autoptr (CtSession) session = NULL;
  g_autoptr (GError) problem = NULL;
  g_autofree char *signature = NULL;
  CtPushVoucher voucher = { 0 };
  CtAdminDevice device;
  JsonObject *done;

  if (!node || !take_device (node, &device, error) || !(session = ct_cli_open_server (cli, error)))
    return NULL;
  signature = vouch (cli, session, &device, &voucher, &problem);
  if (problem) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  done =
      ct_admin_enrol (session, &device, cli->args[1], signature ? &voucher : NULL, cli->cancellable, error);
  if (done && !signature)
    ct_cli_say (cli, _ ("Nobody vouches for this device: the team's service sends nothing that it approves, "
                        "until an administrator enrols it again from a workspace (-w DIR) that the service "
                        "trusts"));
  else if (done)
    say_stranger (cli, done);
  return wrap (done);
}

/* Trust: whose devices the service believes */

static JsonNode *
trust_run (CtCli *cli, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  gsize length;

  if (!g_file_get_contents (cli->args[0], &text, &length, error) ||
      !(node = ct_json_parse (text, (gssize) length, 65536, error)))
    return NULL;
  return wrap (ct_workspace_trust (
      cli->workspace, JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL, error));
}

static JsonNode *
trusted_run (CtCli *cli, GError **error)
{
  JsonArray *pins = ct_workspace_trusted (cli->workspace, error);

  return pins ? ct_json_wrap_array (pins) : NULL;
}

static JsonNode *
distrust_run (CtCli *cli, GError **error)
{
  return ct_workspace_distrust (cli->workspace, cli->args[0], error)
             ? wrap (ct_json_build ("s", "id", cli->args[0]))
             : NULL;
}

static JsonNode *
revoke_run (CtCli *cli, GError **error)
{
  g_autoptr (CtSession) session = NULL;
  CtId device;

  if (!ct_id_parse (cli->args[1], &device)) {
    ct_cli_usage (error, _ ("“%s” is not the UUID of a device; see server status"), cli->args[1]);
    return NULL;
  }
  session = ct_cli_open_server (cli, error);
  return session ? wrap (ct_admin_revoke (session, &device, cli->cancellable, error)) : NULL;
}

static JsonNode *
set_log_key_run (CtCli *cli, GError **error)
{
  g_autofree char *key = ct_cli_verifier_key (cli->args[1], error);
  g_autoptr (CtSession) session = key ? ct_cli_open_server (cli, error) : NULL;

  return session ? wrap (ct_admin_set_log_key (session, key, cli->cancellable, error)) : NULL;
}

static JsonNode *
continue_log_run (CtCli *cli, GError **error)
{
  g_auto (CtLogContinuation) made = { 0 };
  g_autoptr (CtSession) session = NULL;
  gboolean served = FALSE;
  const char *given = ct_cli_option (cli, "kept");
  gint64 lost = 0, kept = -1;

  if (given && !g_ascii_string_to_signed (given, 10, 0, G_MAXINT32, &kept, NULL)) {
    ct_cli_usage (error, _ ("--kept %s: a number of leaves"), given);
    return NULL;
  }
  if (!ct_workspace_is_connected (cli->workspace)) {
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("This workspace is not connected to a server"));
    return NULL;
  }
  session = ct_cli_open_server (cli, error);
  if (!session || !ct_workspace_continue_log (cli->workspace, session, kept, &made, &lost, &served,
                                              cli->cancellable, error))
    return NULL;
  ct_cli_say (cli, served
                       ? _ ("The service that signs the log puts this into effect with its next round; "
                            "“towerctl server status” then names the new log")
                       : _ ("No service with the log's key is at work now: start towerd on this workspace. "
                            "This takes effect as soon as it is in touch with the server"));
  return wrap (ct_json_build ("ssiib", "origin", made.start.origin, "former", made.former, "kept",
                              (gint64) made.start.size, "lost", lost, "served", served));
}

static const CtColumn continue_columns[] = { { N_ ("Log"), "origin", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Before"), "former", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Events kept"), "kept", CT_COLUMN_NUMBER, NULL },
                                             { N_ ("Signed events that the server lost"), "lost",
                                               CT_COLUMN_NUMBER, NULL },
                                             { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn log_key_columns[] = { { N_ ("Log"), "origin", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Verifier key"), "vkey", CT_COLUMN_TEXT, NULL },
                                            { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn user_columns[] = { { N_ ("Login"), "login", CT_COLUMN_TEXT, NULL },
                                         { N_ ("Roles"), "roles", CT_COLUMN_LIST, NULL },
                                         { N_ ("Sessions"), "sessions", CT_COLUMN_NUMBER, NULL },
                                         { N_ ("Sees"), "sees", CT_COLUMN_LIST, NULL },
                                         { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn device_columns[] = { { N_ ("Device"), "id", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Login"), "owner", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Commands"), "commands", CT_COLUMN_NUMBER, NULL },
                                           { N_ ("Enrolled"), "enrolledAt", CT_COLUMN_TIME, NULL },
                                           { N_ ("Vouched for by"), "vouchedBy", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Revoked"), "revokedAt", CT_COLUMN_TIME, NULL },
                                           { N_ ("Name"), "label", CT_COLUMN_TEXT, NULL },
                                           { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn window_columns[] = { { N_ ("Scope"), "scope", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Days"), "days", CT_COLUMN_NUMBER, NULL },
                                           { N_ ("Ready"), "ready", CT_COLUMN_TEXT, NULL },
                                           { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn checkpoint_columns[] = { { N_ ("Log"), "origin", CT_COLUMN_TEXT, NULL },
                                               { N_ ("Leaves"), "size", CT_COLUMN_NUMBER, NULL },
                                               { N_ ("Root of the log"), "root", CT_COLUMN_TEXT, NULL },
                                               { N_ ("Signed"), "at", CT_COLUMN_TIME, NULL },
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
  { N_ ("Verifier key"), "logKey", CT_COLUMN_TEXT, NULL },
  { N_ ("Leaves"), "leaves", CT_COLUMN_NUMBER, NULL },
  { N_ ("Integrated"), "integrated", CT_COLUMN_NUMBER, NULL },
  { N_ ("Last checkpoint"), "checkpoint", CT_COLUMN_TABLE, checkpoint_columns },
  { N_ ("Users"), "users", CT_COLUMN_TABLE, user_columns },
  { N_ ("Devices"), "devices", CT_COLUMN_TABLE, device_columns },
  { N_ ("Retention windows"), "windows", CT_COLUMN_TABLE, window_columns },
  { NULL, NULL, CT_COLUMN_TEXT, NULL },
};
static const CtColumn init_columns[] = { { N_ ("Schema"), "schema", CT_COLUMN_NUMBER, NULL },
                                         { N_ ("Before"), "schemaBefore", CT_COLUMN_NUMBER, NULL },
                                         { N_ ("Configured"), "documents", CT_COLUMN_NUMBER, NULL },
                                         { NULL, NULL, CT_COLUMN_TEXT, NULL } };

static const CtColumn one_user_columns[] = {
  { N_ ("Login"), "login", CT_COLUMN_TEXT, NULL },     { N_ ("Roles"), "roles", CT_COLUMN_LIST, NULL },
  { N_ ("Sees"), "sees", CT_COLUMN_LIST, NULL },       { N_ ("Password"), "password", CT_COLUMN_TEXT, NULL },
  { N_ ("Dropped"), "dropped", CT_COLUMN_TEXT, NULL }, { NULL, NULL, CT_COLUMN_TEXT, NULL }
};
static const CtColumn one_device_columns[] = { { N_ ("Device"), "id", CT_COLUMN_TEXT, NULL },
                                               { N_ ("Login"), "owner", CT_COLUMN_TEXT, NULL },
                                               { N_ ("Name"), "label", CT_COLUMN_TEXT, NULL },
                                               { N_ ("Public key"), "publicKey", CT_COLUMN_TEXT, NULL },
                                               { N_ ("Commands"), "commands", CT_COLUMN_NUMBER, NULL },
                                               { N_ ("Last command"), "lastSha256", CT_COLUMN_TEXT, NULL },
                                               { N_ ("Vouched for by"), "vouchedBy", CT_COLUMN_TEXT, NULL },
                                               { N_ ("Revoked"), "revokedAt", CT_COLUMN_TIME, NULL },
                                               { NULL, NULL, CT_COLUMN_TEXT, NULL } };

static const CtColumn pin_columns[] = { { N_ ("Device"), "id", CT_COLUMN_TEXT, NULL },
                                        { N_ ("Name"), "label", CT_COLUMN_TEXT, NULL },
                                        { N_ ("Public key"), "publicKey", CT_COLUMN_TEXT, NULL },
                                        { NULL, NULL, CT_COLUMN_TEXT, NULL } };

static const CtCliOption plain_options[] = { CT_CLI_SERVER_OPTIONS, { NULL, NULL, NULL } };

const CtVerb ct_verbs_server[] = {
  { "server init", "URL", 1, 1, N_ ("Make a database a server, or bring its schema and policy up to date"),
    plain_options, init_run, init_columns, CT_VERB_NO_WORKSPACE | CT_VERB_READS_FILES | CT_VERB_SHOWS, NULL },
  { "server status", "URL", 1, 1, N_ ("Schema, users and their roles, devices, feed, log"), plain_options,
    status_run, status_columns, CT_VERB_NO_WORKSPACE | CT_VERB_SHOWS, NULL },
  { "server check", "URL", 1, 1,
    N_ ("Find grants, policies and functions that are not as they should be; changes nothing"), plain_options,
    check_run, NULL, CT_VERB_NO_WORKSPACE, print_findings },
  { "server add-user", "URL LOGIN", 2, 2, N_ ("Add a login with these roles, or give it other ones"),
    (const CtCliOption[]){
        CT_CLI_SERVER_OPTIONS,
        { "role", "ROLE",
          N_ ("viewer, sales, accounting, logistics, legal, partner, admin, agent; may be repeated") },
        { "scope", "SCOPE",
          N_ ("What it sees: all, or as in region:north; may be repeated; default: what it saw before, all "
              "where it is new") },
        { "until", "[SCOPE=]TIME",
          N_ ("Until when it sees that scope, or all that are named: a time, the last day (in UTC), or a "
              "duration from now; may be repeated") },
        { "days", "[SCOPE=]DAYS",
          N_ ("Of orders and messages there, and what belongs to them, only those of the last days; may be "
              "repeated") },
        { "user-password-file", "FILE",
          N_ ("Its password is in this file; else a new login gets one that is printed once") },
        { "ask-password", NULL, N_ ("Ask for its password at the terminal") },
        { "no-password", NULL, N_ ("It signs in by certificate, LDAP or GSSAPI") },
        { NULL, NULL, NULL } },
    add_user_run, one_user_columns, CT_VERB_NO_WORKSPACE | CT_VERB_SHOWS, NULL },
  { "server remove-user", "URL LOGIN", 2, 2,
    N_ ("Take a login's roles and devices, end its sessions, drop it"), plain_options, remove_user_run,
    one_user_columns, CT_VERB_NO_WORKSPACE | CT_VERB_SHOWS, NULL },
  { "server enrol-device", "URL LOGIN [FILE]", 2, 3,
    N_ ("Let a login work from a device: this workspace's, or what device show --json wrote into FILE"),
    (const CtCliOption[]){
        CT_CLI_SERVER_OPTIONS,
        { "unsigned", NULL, N_ ("Do not vouch for it with the key of the workspace here") },
        { NULL, NULL, NULL } },
    enrol_run, one_device_columns, CT_VERB_NO_WORKSPACE | CT_VERB_READS_FILES | CT_VERB_SHOWS, NULL },
  { "server revoke-device", "URL DEVICE", 2, 2, N_ ("Take nothing more from a device, nor its signatures"),
    plain_options, revoke_run, one_device_columns, CT_VERB_NO_WORKSPACE | CT_VERB_SHOWS, NULL },
  { "server set-log-key", "URL KEY", 2, 2,
    N_ ("State which key signs the log: what audit key --json prints where towerd works, or a file with it"),
    plain_options, set_log_key_run, log_key_columns,
    CT_VERB_NO_WORKSPACE | CT_VERB_READS_FILES | CT_VERB_SHOWS, NULL },
  { "server continue-log", "URL", 1, 1,
    N_ ("After a restore from a backup, where the log's key is: let the log go on from what is left"),
    (const CtCliOption[]){ CT_CLI_SERVER_OPTIONS,
                           { "kept", "N",
                             N_ ("Where the workspace here came back from a backup as well: how many leaves "
                                 "everybody has in common; "
                                 "with 0 everybody reads the log anew") },
                           { NULL, NULL, NULL } },
    continue_log_run, continue_columns, CT_VERB_SHOWS, NULL },
  { "device show", "", 0, 0, N_ ("This workspace's device, as an administrator enrols it; nothing secret"),
    NULL, device_show_run, one_device_columns, CT_VERB_SHOWS, NULL },
  { "device trust", "FILE", 1, 1,
    N_ ("Believe an administrator's device, and those it enrols: FILE is what device show --json printed "
        "there"),
    NULL, trust_run, pin_columns, CT_VERB_READS_FILES | CT_VERB_SHOWS, NULL },
  { "device trusted", "", 0, 0, N_ ("List the devices of administrators that this workspace believes"), NULL,
    trusted_run, pin_columns, 0, NULL },
  { "device distrust", "ID", 1, 1, N_ ("No longer believe a device, nor those it enrolled"), NULL,
    distrust_run, pin_columns, CT_VERB_SHOWS, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
