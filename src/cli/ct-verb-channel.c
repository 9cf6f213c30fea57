/* towerctl channel */
#include "ct-channel.h"
#include "ct-cli-verbs.h"
#include "ct-post-row.h"
#include "ct-workspace-channels.h"

#include <string.h>

static JsonNode *
show_cb (CtCli *cli, CtDb *db, gpointer name, GError **error)
{
  g_autoptr (JsonArray) channels = ct_workspace_read_channels (db, name, error);

  if (!channels)
    return NULL;
  if (json_array_get_length (channels))
    return ct_json_wrap_object (json_object_ref (json_array_get_object_element (channels, 0)));
  ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no channel “%s”"), (const char *) name);
  return NULL;
}

static JsonNode *
list_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonArray *channels = ct_workspace_read_channels (db, NULL, error);

  return channels ? ct_json_wrap_array (channels) : NULL;
}

static JsonNode *
list_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, list_cb, NULL, error);
}

/* (transfer full) (nullable): what the command line says, without the token */
static CtChannelSetup *
read_setup (CtCli *cli, GError **error)
{
  const CtChannelClass *klass = ct_channel_class (cli->args[0]);
  GPtrArray *destinations = ct_cli_options (cli, "destination");
  const char *base_url = ct_cli_option (cli, "base-url");
  CtChannelSetup *setup;

  if (!klass) {
    ct_cli_usage (error, _ ("There is no kind of channel “%s”; there is: slack"), cli->args[0]);
    return NULL;
  }
  if (!destinations) {
    ct_cli_usage (error, _ ("--%s is missing"), "destination");
    return NULL;
  }
  setup = ct_channel_setup_new (klass->kind, cli->args[1], base_url ? base_url : klass->base_url);
  setup->plain_token = ct_cli_has (cli, "plain-token");
  for (guint i = 0; i < destinations->len; i++)
    g_ptr_array_add (setup->destinations, g_strdup (destinations->pdata[i]));
  return setup;
}

static gboolean
add (CtCli *cli, const CtChannelSetup *setup, GError **error)
{
  g_autoptr (GError) problem = NULL;
  CtChannelPart wrong = CT_CHANNEL_PART_NONE;
  gboolean in_file;

  if (!ct_workspace_add_channel (cli->workspace, setup, &in_file, &wrong, cli->cancellable, &problem)) {
    if (wrong == CT_CHANNEL_PART_TOKEN && !setup->plain_token &&
        g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
      return ct_fail (error, CT_ERROR_FAILED,
                      _ ("%s. With --plain-token it is kept in %s of the workspace, readable by you alone"),
                      problem->message, CT_SECRET_FILE);
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (in_file && !setup->plain_token)
    ct_cli_say (cli, _ ("There is no keyring: the token, good for this machine only, is kept in %s"),
                CT_SECRET_FILE);
  return TRUE;
}

/* A channel without a token cannot send. */
static void
say_token (CtCli *cli)
{
  g_autoptr (JsonObject) listed = ct_workspace_list_channels (cli->workspace, cli->cancellable, NULL);
  JsonArray *channels = listed ? ct_json_array (listed, "channels") : NULL;

  for (guint i = 0; channels && i < json_array_get_length (channels); i++) {
    JsonObject *channel = json_array_get_object_element (channels, i);

    if (g_str_equal (ct_json_string (channel, "name", ""), cli->args[1]) &&
        !ct_json_string (channel, "token", NULL))
      ct_cli_say (cli,
                  ct_workspace_is_connected (cli->workspace)
                      ? _ ("The token of channel %s lies with the team's service: a systemd credential of "
                           "this name, see towerd.service; none is kept here")
                      : _ ("The channel %s has no token yet: it cannot send; name one with --token-file"),
                  cli->args[1]);
  }
}

static JsonNode *
add_run (CtCli *cli, GError **error)
{
  g_autoptr (CtChannelSetup) setup = read_setup (cli, error);
  const char *path = ct_cli_option (cli, "token-file");
  g_autoptr (JsonNode) before = NULL;

  if (!setup || !ct_workspace_check_channel (cli->workspace, setup, NULL, error))
    return NULL;
  if (path && !(setup->secret = ct_secret_new_from_file (setup->base_url, path, error)))
    return NULL;
  before = ct_cli_read (cli, show_cb, cli->args[1], NULL);
  if (!add (cli, setup, error))
    return NULL;
  if (before)
    ct_cli_say (cli, _ ("The channel %s was there already; it is changed"), cli->args[1]);
  if (!path)
    say_token (cli);
  return ct_cli_read (cli, show_cb, cli->args[1], error);
}

static JsonNode *
test_each (CtCli *cli, const char *name, GError **error)
{
  g_autoptr (JsonNode) channel = ct_cli_read (cli, show_cb, (gpointer) name, error);
  g_autofree char *account =
      channel ? ct_workspace_test_channel (cli->workspace, name, cli->cancellable, error) : NULL;

  if (channel && !account)
    ct_cli_not_the_subject (error);
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
  g_autoptr (CtRemovedChannel) removed = NULL;

  if (!channel || !(removed = ct_workspace_remove_channel (cli->workspace, name, cli->cancellable, error)))
    return NULL;
  if (ct_removed_channel_problem (removed))
    ct_cli_say (cli, _ ("%s: the channel is removed, its token is still stored: %s"), name,
                ct_removed_channel_problem (removed));
  json_object_set_boolean_member (json_node_get_object (channel), "removed", TRUE);
  return g_steal_pointer (&channel);
}

static JsonNode *
remove_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, FALSE, remove_each);
}

static gboolean
read_sending_cb (CtDb *db, gpointer data, GError **error)
{
  *(const char **) data = ct_sending_state (db);
  return TRUE;
}

/* Whether the server, where there is one, has what we have and we have what it has. */
static gboolean
reach_server (CtCli *cli)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) status = NULL;

  if (!ct_workspace_is_connected (cli->workspace))
    return TRUE;
  status = ct_cli_sync_once (cli, &problem);
  if (!status)
    ct_cli_say (cli, "towerctl: %s", problem->message);
  return status != NULL;
}

/* Somebody else may have switched it, which is heard before; the team's service obeys the server, which hears of it now and not
 * with the next round. */
static JsonNode *
switch_run (CtCli *cli, GError **error)
{
  gboolean stop = strcmp (cli->verb->name, "channel stop-all") == 0, reached = reach_server (cli);
  g_autoptr (JsonObject) args = json_object_new ();
  g_auto (CtOutcome) outcome = { 0 };
  const char *sending = NULL;

  if (!ct_cli_execute (cli, stop ? "delivery.stop" : "delivery.resume", args, &outcome, error))
    return NULL;
  if (reached)
    reach_server (cli);
  if (!ct_store_read (ct_workspace_get_store (cli->workspace), read_sending_cb, &sending, error))
    return NULL;
  if (ct_workspace_is_connected (cli->workspace))
    ct_cli_say (cli, "towerctl: %s", ct_sending_words (sending));
  if (ct_sending_is_stopped (sending) != stop)
    cli->worst = CT_EXIT_FAILED;
  return ct_json_wrap_object (
      ct_json_build ("bs", "stopped", ct_sending_is_stopped (sending), "sending", sending));
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
