/* towerctl channel */
#include "ct-channel.h"
#include "ct-cli-verbs.h"
#include "ct-rows.h"
#include "ct-workspace-delivery.h"

#include <string.h>

#define CHANNELS                                                                                             \
  "SELECT c.name, c.kind, c.base_url AS baseUrl, (SELECT json_group_array(d.destination) "                   \
  "FROM channel_destinations d WHERE d.channel_id = c.id AND d.archived_at IS NULL) AS destinationsJson "    \
  "FROM channels c WHERE c.archived_at IS NULL"

static JsonNode *
show_cb (CtCli *cli, CtDb *db, gpointer name, GError **error)
{
  JsonObject *channel = ct_rows_one (db, NULL, CHANNELS " AND c.name = ?", "s", name);

  if (channel)
    return ct_json_wrap_object (channel);
  ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no channel “%s”"), (const char *) name);
  return NULL;
}

static JsonNode *
list_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonArray *channels = ct_rows_array (db, error, CHANNELS " ORDER BY c.name", "");

  return channels ? ct_json_wrap_array (channels) : NULL;
}

static JsonNode *
list_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, list_cb, NULL, error);
}

/* The token goes to the keyring; to a file only where the person asks for it, or where it can open nothing but this
 * machine itself and there is no keyring. */
static gboolean
store_token (CtCli *cli, const char *channel, const char *base_url, const char *origin, GError **error)
{
  const char *path = ct_cli_option (cli, "token-file");
  gboolean plain = ct_cli_has (cli, "plain-token");
  g_autoptr (CtSecret) secret = NULL;
  g_autoptr (GError) problem = NULL;

  if (!path)
    return TRUE;
  secret = ct_secret_new_from_file (base_url, path, error);
  if (!secret)
    return FALSE;
  if (ct_workspace_store_token (cli->workspace, channel, secret, plain, cli->cancellable, &problem))
    return TRUE;
  if (plain || !g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (!ct_origin_is_loopback (origin))
    return ct_fail (error, CT_ERROR_FAILED,
                    _ ("%s. With --plain-token it is kept in %s of the workspace, readable by you alone"),
                    problem->message, CT_SECRET_FILE);
  ct_cli_say (cli, _ ("There is no keyring: the token, good for this machine only, is kept in %s"),
              CT_SECRET_FILE);
  return ct_workspace_store_token (cli->workspace, channel, secret, TRUE, cli->cancellable, error);
}

static gboolean
add_destination (CtCli *cli, const CtChannelClass *klass, const char *base_url, const char *destination,
                 GError **error)
{
  g_autoptr (JsonObject) args = ct_json_build ("ssss", "name", cli->args[1], "kind", klass->kind, "base_url",
                                               base_url, "destination", destination);
  g_auto (CtOutcome) outcome = { 0 };

  return ct_cli_execute (cli, "channel.add", args, &outcome, error);
}

static gboolean
check_channel (CtCli *cli, const CtChannelClass *klass, GPtrArray *destinations, const char *origin,
               GError **error)
{
  for (guint i = 0; i < destinations->len; i++)
    if (!ct_wire_check_destination (klass->kind, destinations->pdata[i], error))
      return FALSE;
  if (strcmp (ct_workspace_get_environment (cli->workspace), "demo") == 0 && !ct_origin_is_loopback (origin))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("This is a demo workspace: it posts to this machine only, never to %s"), origin);
  return TRUE;
}

static JsonNode *
add_run (CtCli *cli, GError **error)
{
  const CtChannelClass *klass = ct_channel_class (cli->args[0]);
  GPtrArray *destinations = ct_cli_options (cli, "destination");
  const char *named = ct_cli_option (cli, "base-url");
  const char *base_url = named ? named : klass ? klass->base_url : NULL;
  g_autofree char *origin = NULL;

  if (!klass) {
    ct_cli_usage (error, _ ("There is no kind of channel “%s”; there is: slack"), cli->args[0]);
    return NULL;
  }
  if (!destinations) {
    ct_cli_usage (error, _ ("--%s is missing"), "destination");
    return NULL;
  }
  if (!ct_origin_parse (base_url, &origin, NULL, error) ||
      !check_channel (cli, klass, destinations, origin, error) ||
      (ct_workspace_may (cli->workspace, "channel.add") &&
       !store_token (cli, cli->args[1], base_url, origin, error)))
    return NULL;
  for (guint i = 0; i < destinations->len; i++)
    if (!add_destination (cli, klass, base_url, destinations->pdata[i], error))
      return NULL;
  return ct_cli_read (cli, show_cb, cli->args[1], error);
}

static JsonNode *
test_each (CtCli *cli, const char *name, GError **error)
{
  g_autofree char *account = ct_workspace_test_channel (cli->workspace, name, cli->cancellable, error);

  return account ? ct_json_wrap_object (ct_json_build ("sbs", "name", name, "ok", TRUE, "account", account))
                 : NULL;
}

static JsonNode *
test_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, FALSE, test_each);
}

static JsonNode *
remove_each (CtCli *cli, const char *name, GError **error)
{
  g_autoptr (JsonNode) channel = ct_cli_read (cli, show_cb, (gpointer) name, error);
  g_autoptr (JsonObject) args = ct_json_build ("s", "name", name);
  g_autoptr (CtSecretStore) secrets = NULL;
  g_autoptr (GError) problem = NULL;
  g_auto (CtOutcome) outcome = { 0 };

  if (!channel || !ct_cli_execute (cli, "channel.remove", args, &outcome, error))
    return NULL;
  secrets = ct_workspace_secrets_new (cli->workspace, &problem);
  if ((!secrets ||
       !ct_secret_store_clear (secrets, name, ct_json_string (json_node_get_object (channel), "baseUrl", ""),
                               cli->cancellable, &problem)) &&
      !g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    ct_cli_say (cli, _ ("%s: the channel is removed, its token is still stored: %s"), name, problem->message);
  json_object_set_boolean_member (json_node_get_object (channel), "removed", TRUE);
  return g_steal_pointer (&channel);
}

static JsonNode *
remove_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, FALSE, remove_each);
}

static JsonNode *
switch_run (CtCli *cli, GError **error)
{
  gboolean stop = strcmp (cli->verb->name, "channel stop-all") == 0;
  g_autoptr (JsonObject) args = json_object_new ();
  g_auto (CtOutcome) outcome = { 0 };

  if (!ct_cli_execute (cli, stop ? "delivery.stop" : "delivery.resume", args, &outcome, error))
    return NULL;
  return ct_json_wrap_object (ct_json_build ("b", "stopped", stop));
}

static const CtColumn columns[] = { { N_ ("Channel"), "name", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Kind"), "kind", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Address"), "baseUrl", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Destinations"), "destinations", CT_COLUMN_LIST, NULL },
                                    { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn test_columns[] = { { N_ ("Channel"), "name", CT_COLUMN_TEXT, NULL },
                                         { N_ ("Account"), "account", CT_COLUMN_TEXT, NULL },
                                         { NULL, NULL, CT_COLUMN_TEXT, NULL } };

const CtVerb ct_verbs_channel[] = {
  { "channel add", "KIND NAME", 2, 2, N_ ("Register a channel and where it may post"),
    (const CtCliOption[]){
        { "destination", "D", N_ ("Where it may post, as in #ops; may be repeated; required") },
        { "base-url", "URL", N_ ("The provider's address; default: its own") },
        { "token-file", "FILE", N_ ("A file with the token; it goes to the keyring") },
        { "plain-token", NULL, N_ ("Keep the token in a plain file of the workspace instead") },
        { NULL, NULL, NULL } },
    add_run, columns, 0, NULL },
  { "channel list", "", 0, 0, N_ ("List channels"), NULL, list_run, columns, 0, NULL },
  { "channel test", "NAME…", 1, CT_ANY, N_ ("Authenticate at the provider; posts nothing"), NULL, test_run,
    test_columns, CT_VERB_SHOWS, NULL },
  { "channel remove", "NAME…", 1, CT_ANY, N_ ("Remove channels and their tokens"), NULL, remove_run, columns,
    0, NULL },
  { "channel stop-all", "", 0, 0, N_ ("Stop all sending at once"), NULL, switch_run, NULL, 0, NULL },
  { "channel resume", "", 0, 0, N_ ("Send again"), NULL, switch_run, NULL, 0, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
