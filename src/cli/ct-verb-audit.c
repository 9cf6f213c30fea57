/* towerctl audit, timeline */
#include "ct-cli-key.h"
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-link.h"
#include "ct-log-proof.h"
#include "ct-log.h"
#include "ct-workspace-audit.h"
#include "ct-workspace-find.h"
#include "ct-workspace-timeline.h"

#include <stdio.h>

static void
progress_cb (guint64 done, guint64 total, gpointer data)
{
  ct_cli_progress (data, _ ("Verifying"), done, total);
}

static JsonNode *
size_and_root (const char *origin, guint64 size, const CtHash *root, const char *vkey)
{
  /* checkpoints write it in base64, the window and health in hex */
  g_autofree char *base64 = g_base64_encode (root->bytes, sizeof root->bytes);
  g_autofree char *hex = ct_hash_to_hex (root);

  return ct_json_wrap_object (ct_json_build ("bsisss", "ok", TRUE, "origin", origin, "size", (gint64) size,
                                             "root", base64, "rootHex", hex, "vkey", vkey));
}

/* --key: a verifier key, or a file that holds one. (transfer full): NULL where none is given */
static gboolean
read_key (CtCli *cli, char **key, GError **error)
{
  const char *given = ct_cli_option (cli, "key");

  if (!given)
    return TRUE;
  *key = ct_cli_verifier_key (given, error);
  return *key != NULL;
}

/* A log that is not shown whole is proved whole all the same, not what it says. */
static void
say_hidden (CtCli *cli, guint64 hidden, guint64 withheld)
{
  if (hidden > 0)
    ct_cli_say (cli,
                g_dngettext (GETTEXT_PACKAGE,
                             "Of %d event only the hash is here: its text is not for this reader",
                             "Of %d events only the hash is here: their text is not for this reader",
                             (gulong) (hidden)),
                (int) hidden);
  if (withheld > 0)
    ct_cli_say (
        cli,
        g_dngettext (
            GETTEXT_PACKAGE,
            "Of %d event the details are kept back: it concerns records that are not for this reader",
            "Of %d events the details are kept back: they concern records that are not for this reader",
            (gulong) (withheld)),
        (int) withheld);
}

static JsonNode *
verify_directory (CtCli *cli, const char *key, GError **error)
{
  g_auto (CtTilesReport) report = { 0 };
  JsonNode *result;

  if (!g_file_test (cli->args[0], G_FILE_TEST_IS_DIR)) {
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no folder %s"), cli->args[0]);
    return NULL;
  }
  if (!ct_log_export_verify (cli->args[0], key, progress_cb, cli, cli->cancellable, &report, error))
    return NULL;
  ct_cli_progress_end (cli);
  if (report.key_is_from_log)
    ct_cli_say (cli, _ ("The key is the directory's own; name one you trust with --key"));
  if (!report.has_entries && report.checkpoint.size > 0)
    ct_cli_say (cli, _ ("The directory has no tile/entries: the tree was checked, not what its leaves say"));
  say_hidden (cli, report.n_hidden, 0);
  result =
      size_and_root (report.checkpoint.origin, report.checkpoint.size, &report.checkpoint.root, report.vkey);
  json_object_set_int_member (json_node_get_object (result), "hidden", (gint64) report.n_hidden);
  json_object_set_boolean_member (json_node_get_object (result), "entries", report.has_entries);
  json_object_set_int_member (json_node_get_object (result), "disclosures", (gint64) report.n_disclosures);
  return result;
}

static JsonNode *
key_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonObject *log = ct_workspace_describe_log (db, error);

  return log ? ct_json_wrap_object (log) : NULL;
}

static JsonNode *
key_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, key_cb, NULL, error);
}

static JsonNode *
verify_workspace (CtCli *cli, const char *key, GError **error)
{
  g_auto (CtLogReport) report = { 0 };
  JsonObject *object;
  JsonNode *result;

  if (!ct_workspace_verify (cli->workspace, key, ct_cli_has (cli, "state"), progress_cb, cli,
                            cli->cancellable, &report, error))
    return NULL;
  ct_cli_progress_end (cli);
  result = size_and_root (report.origin, report.n_signed, &report.root, report.vkey);
  object = json_node_get_object (result);
  say_hidden (cli, report.n_hidden, report.n_withheld);
  json_object_set_int_member (object, "leaves", (gint64) report.n_leaves);
  json_object_set_int_member (object, "checkpoints", (gint64) report.n_checkpoints);
  json_object_set_int_member (object, "commands", (gint64) report.n_intents);
  json_object_set_int_member (object, "disclosures", (gint64) report.n_disclosures);
  json_object_set_int_member (object, "redacted", (gint64) report.n_redacted);
  json_object_set_int_member (object, "hidden", (gint64) report.n_hidden);
  json_object_set_int_member (object, "withheld", (gint64) report.n_withheld);
  if (!ct_cli_has (cli, "state"))
    return result;
  json_object_set_int_member (object, "rows", (gint64) report.n_rows);
  json_object_set_int_member (object, "gone", (gint64) report.n_gone);
  json_object_set_int_member (object, "pending", (gint64) report.n_pending);
  return result;
}

/* Which of the copies of the last checkpoint there are. */
static JsonNode *
verify_and_say (CtCli *cli, const char *key, GError **error)
{
  JsonNode *result = verify_workspace (cli, key, error);
  g_autoptr (JsonNode) node = result ? key_run (cli, error) : NULL;
  const char *problem = node ? ct_json_string (json_node_get_object (node), "keyring", NULL) : NULL;

  if (problem)
    ct_cli_say (cli, _ ("The last checkpoint is kept in the workspace alone, not in the keyring as well: %s"),
                problem);
  if (node)
    return result;
  g_clear_pointer (&result, json_node_unref);
  return NULL;
}

/* Asks the server for all of its log once more, or only for what stands behind the newest rows: that may wait for it. */
static gboolean
ask_server (CtCli *cli, GError **error)
{
  gboolean again = ct_cli_has (cli, "server"), connected = ct_workspace_is_connected (cli->workspace);
  g_autoptr (CtLink) link = NULL;
  g_autoptr (GError) problem = NULL;

  if (again && !connected)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("This workspace is not connected to a server"));
  if (!connected || !(again || ct_cli_has (cli, "state")))
    return TRUE;
  link = ct_link_new (cli->workspace, FALSE, error);
  if (!link)
    return FALSE;
  if (ct_link_audit (link, again, cli->cancellable, &problem) ||
      (!again && !g_error_matches (problem, CT_ERROR, CT_ERROR_CORRUPT)))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static JsonNode *
verify_run (CtCli *cli, GError **error)
{
  g_autofree char *key = NULL;

  if (!read_key (cli, &key, error))
    return NULL;
  if (cli->n_args == 1)
    return verify_directory (cli, key, error);
  if (!ct_cli_open (cli, error) || !ask_server (cli, error))
    return NULL;
  return verify_and_say (cli, key, error);
}

static JsonNode *
export_run (CtCli *cli, GError **error)
{
  g_auto (CtLogExport) export = { 0 };

  if (!ct_workspace_export_log (cli->workspace, cli->args[0], progress_cb, cli, cli->cancellable, &export,
                                error))
    return NULL;
  ct_cli_progress_end (cli);
  say_hidden (cli, export.n_hidden, 0);
  return size_and_root (export.checkpoint.origin, export.checkpoint.size, &export.checkpoint.root,
                        export.vkey);
}

static JsonNode *
proof_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  const char *event = data;
  gint64 index = 0;
  g_autofree char *proof = NULL;
  CtId id;

  if (ct_id_parse (event, &id)) {
    if (!ct_log_find (db, &id, &index, error))
      return NULL;
  } else if (!g_ascii_string_to_signed (event, 10, 0, G_MAXINT64, &index, NULL)) {
    ct_cli_usage (error, _ ("“%s” is neither an event's UUID nor its index"), event);
    return NULL;
  }
  proof = ct_log_proof (db, index, error);
  return proof ? ct_json_wrap_object (ct_json_build ("is", "index", index, "proof", proof)) : NULL;
}

static JsonNode *
proof_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, proof_cb, cli->args[0], error);
}

static void
print_proof (CtCli *cli, JsonNode *result)
{
  fputs (ct_json_string (json_node_get_object (result), "proof", ""), stdout);
}

static JsonNode *
timeline_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  g_auto (CtFound) found = { 0 };
  JsonArray *events = NULL;

  if (ct_workspace_find (db, NULL, data, &found, error))
    events = ct_timeline_read (db, &found, error);
  return events ? ct_json_wrap_array (events) : NULL;
}

static JsonNode *
timeline_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, timeline_cb, cli->args[0], error);
}

static const CtColumn timeline_columns[] = {
  { N_ ("When"), "at", CT_COLUMN_TIME, NULL },
  { N_ ("Who"), "actor", CT_COLUMN_TEXT, NULL },
  { N_ ("Role"), "role", CT_COLUMN_TEXT, NULL },
  { N_ ("What"), "summary", CT_COLUMN_TEXT, NULL },
  { N_ ("Comment"), "detail", CT_COLUMN_TEXT, NULL },
  { N_ ("Message"), "externalMessageId", CT_COLUMN_TEXT, NULL },
  { N_ ("Event"), "event", CT_COLUMN_NUMBER, NULL },
  { NULL, NULL, 0, NULL },
};

static const CtColumn log_fields[] = {
  { N_ ("Whole and unchanged"), "ok", CT_COLUMN_TEXT, NULL },
  { N_ ("Log"), "origin", CT_COLUMN_TEXT, NULL },
  { N_ ("Events under the signature"), "size", CT_COLUMN_NUMBER, NULL },
  { N_ ("Root of the log"), "root", CT_COLUMN_TEXT, NULL },
  { N_ ("The same in hex"), "rootHex", CT_COLUMN_TEXT, NULL },
  { N_ ("Verifier key"), "vkey", CT_COLUMN_TEXT, NULL },
  { N_ ("Events"), "leaves", CT_COLUMN_NUMBER, NULL },
  { N_ ("Checkpoints"), "checkpoints", CT_COLUMN_NUMBER, NULL },
  { N_ ("Commands"), "commands", CT_COLUMN_NUMBER, NULL },
  { N_ ("Disclosures"), "disclosures", CT_COLUMN_NUMBER, NULL },
  { N_ ("Redacted"), "redacted", CT_COLUMN_NUMBER, NULL },
  { N_ ("Hash alone"), "hidden", CT_COLUMN_NUMBER, NULL },
  { N_ ("Details kept back"), "withheld", CT_COLUMN_NUMBER, NULL },
  { N_ ("Records"), "rows", CT_COLUMN_NUMBER, NULL },
  { N_ ("Records not to be seen any more"), "gone", CT_COLUMN_NUMBER, NULL },
  { N_ ("Records with pending changes"), "pending", CT_COLUMN_NUMBER, NULL },
  { NULL, NULL, 0, NULL }
};

static const CtColumn key_fields[] = {
  { N_ ("Log"), "origin", CT_COLUMN_TEXT, NULL },
  { N_ ("Verifier key"), "vkey", CT_COLUMN_TEXT, NULL },
  { N_ ("Events"), "leaves", CT_COLUMN_NUMBER, NULL },
  { N_ ("Events under the signature"), "signed", CT_COLUMN_NUMBER, NULL },
  { N_ ("Hash alone"), "hidden", CT_COLUMN_NUMBER, NULL },
  { N_ ("Own commands not proved yet"), "unproved", CT_COLUMN_NUMBER, NULL },
  { N_ ("What does not hold"), "trouble", CT_COLUMN_TEXT, NULL },
  { N_ ("Not in the keyring"), "keyring", CT_COLUMN_TEXT, NULL },
  { NULL, NULL, 0, NULL }
};

const CtVerb ct_verbs_audit[] = {
  { "audit verify", "[DIR]", 0, 1,
    N_ ("Prove that the workspace's log, or an exported one, is whole and unchanged"),
    (const CtCliOption[]){ { "key", "VKEY", N_ ("The note verifier key to trust, or a file with it") },
                           { "state", NULL, N_ ("Also hold every record against what the log says of it") },
                           { "server", NULL, N_ ("First read the whole log from the server again") },
                           { NULL, NULL, NULL } },
    verify_run, log_fields, CT_VERB_NO_WORKSPACE | CT_VERB_SHOWS | CT_VERB_READS_FILES, NULL },
  { "audit key", "", 0, 0, N_ ("The log's name and verifier key; nothing secret"), NULL, key_run, key_fields,
    CT_VERB_SHOWS, NULL },
  { "audit export", "DIR", 1, 1, N_ ("Write the log as a tlog-tiles directory with our key as log.vkey"),
    NULL, export_run, log_fields, CT_VERB_SHOWS, NULL },
  { "audit proof", "EVENT", 1, 1, N_ ("Print the proof that an event is in the log"), NULL, proof_run, NULL,
    CT_VERB_SHOWS, print_proof },
  { "timeline", "SUBJECT", 1, 1, N_ ("The story of an order, a distributor or a task"), NULL, timeline_run,
    timeline_columns, 0, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
