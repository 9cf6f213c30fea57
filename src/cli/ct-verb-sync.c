/* towerctl connect, sync, disconnect: a workspace and its central server */
#include "ct-cli-key.h"
#include "ct-cli-password.h"
#include "ct-cli-verbs.h"
#include "ct-format.h"
#include "ct-tray.h"
#include "ct-workspace-attention.h"
#include "ct-workspace-connect.h"

#include <string.h>

static JsonNode *
status_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonObject *status = ct_workspace_sync_status (db, error);

  return status ? ct_json_wrap_object (status) : NULL;
}

static JsonNode *
status_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, status_cb, NULL, error);
}

/* What a round did that a person has to know. */
static void
say_report (CtCli *cli, const CtSyncReport *report)
{
  guint waiting = report->pulled.rejected + report->pulled.parked;

  if (report->pushed || report->pulled.rows || report->pulled.gone) {
    g_autofree char *sent = g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "Sent %u command", "Sent %u commands", (gulong) (report->pushed)),
        report->pushed);
    g_autofree char *received = g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "received %u row", "received %u rows", (gulong) (report->pulled.rows)),
        report->pulled.rows);

    ct_cli_say (cli, _ ("%s, %s, removed %u"), sent, received, report->pulled.gone);
  }
  if (waiting)
    ct_cli_say (cli,
                g_dngettext (GETTEXT_PACKAGE,
                             "%u command could not be applied and needs a decision: towerctl attention list",
                             "%u commands could not be applied and need a decision: towerctl attention list",
                             (gulong) (waiting)),
                waiting);
  if (report->forked)
    ct_cli_say (cli, _ ("This workspace is a copy: it goes on as a device of its own"));
  if (report->rebuilt)
    ct_cli_say (cli,
                report->copies_removed
                    ? _ ("The replica had been changed behind the program's back: it was loaded anew")
                    : _ ("The replica had been changed behind the program's back: it was loaded anew, and "
                         "a copy of the old one lies beside it"));
  if (report->copies_removed)
    ct_cli_say (cli,
                _ ("No copy of a damaged replica is kept: it may hold records that you may no longer see"));
}

static void
loading_cb (const char *table, gint64 done, gint64 expected, gpointer data)
{
  ct_cli_progress (data, _ ("Loading…"), (guint64) done, (guint64) expected);
}

static void
uploading_cb (const char *table, gint64 done, gint64 expected, gpointer data)
{
  ct_cli_progress (data, _ ("Uploading…"), (guint64) done, (guint64) expected);
}

/* One round, and how the workspace stands after it. */
JsonNode *
ct_cli_sync_once (CtCli *cli, GError **error)
{
  g_autoptr (CtLink) link = ct_link_new (cli->workspace, FALSE, error);
  CtSyncReport report;
  JsonNode *status;
  gboolean done;

  if (!link)
    return NULL;
  ct_link_set_progress (link, loading_cb, cli);
  done = ct_link_round (link, cli->cancellable, &report, error);
  ct_cli_progress_end (cli);
  if (!done)
    return NULL;
  say_report (cli, &report);
  status = status_run (cli, error);
  if (status)
    json_object_set_object_member (json_node_get_object (status), "round", ct_link_report_to_json (&report));
  return status;
}

/* (transfer full) (nullable): NULL without @error where none is given */
static char *
read_password (CtCli *cli, GError **error)
{
  const char *path = ct_cli_option (cli, "password-file");

  if (path)
    return ct_cli_password_from_file (path, error);
  return ct_cli_has (cli, "ask-password") ? ct_cli_password_ask (_ ("Password at the server:"), error) : NULL;
}

/* First use: the key is believed, and shown, so that people can compare it. */
static void
say_log_key (CtCli *cli, JsonObject *status)
{
  JsonObject *log = ct_json_object (status, "log");
  const char *vkey = log ? ct_json_string (log, "vkey", NULL) : NULL;

  if (vkey)
    ct_cli_say (cli,
                _ ("The server's log is signed with %s; no other key is believed from now on. Compare it "
                   "with what your "
                   "administrator says (--log-key does)"),
                vkey);
  else
    ct_cli_say (cli, _ ("Nobody signs the server's log yet: until then nothing here proves what it says"));
}

static void
say_brought (CtCli *cli, const char *brought, gint64 took)
{
  g_autofree char *time = took < CT_MS_MINUTE
                              ? g_strdup_printf (_ ("%d s"), (int) MAX (took / CT_MS_SECOND, 1))
                              : ct_format_duration (took);

  ct_cli_say (cli, _ ("Taken along in %s: %s"), time, brought);
}

static JsonNode *
connect_run (CtCli *cli, GError **error)
{
  g_autoptr (GError) problem = NULL;
  const char *given = ct_cli_option (cli, "log-key");
  g_autofree char *key = given ? ct_cli_verifier_key (given, error) : NULL, *brought = NULL;
  CtConnectUpload upload = { uploading_cb, cli, ct_cli_has (cli, "demo-records"),
                             ct_cli_has (cli, "without-limits"), &brought };
  gint64 began = g_get_monotonic_time ();
  char *password;
  JsonNode *status;
  gboolean done;

  if (given && (!key || !ct_workspace_expect_log_key (cli->workspace, key, error)))
    return NULL;
  password = read_password (cli, &problem);
  done = !problem &&
         ct_workspace_connect (cli->workspace, cli->args[0], password, ct_cli_has (cli, "plain-password"),
                               ct_cli_has (cli, "upload") ? &upload : NULL, NULL, cli->cancellable, &problem);
  ct_cli_progress_end (cli);
  ct_cli_password_free (password);
  if (!done) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  if (brought)
    say_brought (cli, brought, (g_get_monotonic_time () - began) / 1000);
  ct_cli_say (cli, _ ("Connected; loading what you may see…"));
  status = ct_cli_sync_once (cli, error);
  if (status && !key)
    say_log_key (cli, json_node_get_object (status));
  return status;
}

static gboolean
check_connected (CtCli *cli, GError **error)
{
  return ct_workspace_is_connected (cli->workspace) ||
         ct_fail (error, CT_ERROR_NOT_FOUND,
                  _ ("This workspace is not connected to a server; towerctl connect URL connects it"));
}

/* FALSE once the caller is to stop. */
static gboolean
pause_a_second (GCancellable *cancellable)
{
  GPollFD polled;

  if (!g_cancellable_make_pollfd (cancellable, &polled))
    return FALSE;
  g_poll (&polled, 1, 1000);
  g_cancellable_release_fd (cancellable);
  return !g_cancellable_is_cancelled (cancellable);
}

/* Rounds until Ctrl+C; what fails is said once, until it succeeds or fails differently. */
static JsonNode *
sync_on (CtCli *cli, GError **error)
{
  g_autoptr (CtLink) link = ct_link_new (cli->workspace, TRUE, error);
  g_autofree char *said = NULL;

  if (!link)
    return NULL;
  do {
    g_autoptr (GError) problem = NULL;
    CtSyncReport report;

    if (!ct_link_is_due (link))
      continue;
    if (ct_link_round (link, cli->cancellable, &report, &problem)) {
      g_clear_pointer (&said, g_free);
    } else if (!g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED) &&
               g_strcmp0 (said, problem->message) != 0) {
      ct_cli_say (cli, "towerctl: %s", problem->message);
      g_free (said);
      said = g_strdup (problem->message);
    }
    say_report (cli, &report);
  } while (pause_a_second (cli->cancellable));
  return status_run (cli, error);
}

static JsonNode *
sync_run (CtCli *cli, GError **error)
{
  if (!check_connected (cli, error))
    return NULL;
  return ct_cli_has (cli, "once") ? ct_cli_sync_once (cli, error) : sync_on (cli, error);
}

/* A round, then both sides compared. */
static JsonNode *
check_run (CtCli *cli, GError **error)
{
  g_autoptr (CtLink) link = check_connected (cli, error) ? ct_link_new (cli->workspace, FALSE, error) : NULL;
  CtSelfCheckReport found;
  CtSyncReport report;

  if (!link || !ct_link_round (link, cli->cancellable, &report, error) ||
      !ct_link_check (link, cli->cancellable, &found, error))
    return NULL;
  if (found.different)
    ct_cli_say (cli,
                g_dngettext (GETTEXT_PACKAGE, "%u row was not what the server has; brought anew: %u",
                             "%u rows were not what the server has; brought anew: %u",
                             (gulong) (found.different)),
                found.different, found.mended);
  return ct_json_wrap_object (ct_json_build ("iiii", "rows", found.rows, "tables", (gint64) found.tables,
                                             "different", (gint64) found.different, "mended",
                                             (gint64) found.mended));
}

static JsonNode *
disconnect_run (CtCli *cli, GError **error)
{
  JsonObject *left = NULL;

  if (!check_connected (cli, error) ||
      !ct_workspace_disconnect (cli->workspace, ct_cli_has (cli, "with-pending"), &left, cli->cancellable,
                                error))
    return NULL;
  json_object_set_string_member (left, "mode", "standalone");
  json_object_set_string_member (left, "state", "saved_locally");
  ct_cli_say (cli, _ ("This workspace is a standalone one now, with a full copy of what you could see"));
  return ct_json_wrap_object (left);
}

static JsonNode *
attention_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonArray *waiting = ct_tray_list (db, error);

  return waiting ? ct_json_wrap_array (waiting) : NULL;
}

static JsonNode *
attention_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, attention_cb, NULL, error);
}

static gboolean
read_seq (CtCli *cli, gint64 *seq, GError **error)
{
  return g_ascii_string_to_signed (cli->args[0], 10, 1, G_MAXINT, seq, NULL) ||
         ct_cli_usage (error, _ ("“%s” is not the number of a command; see attention list"), cli->args[0]);
}

static JsonNode *
show_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonObject *item =
      ct_attention_describe (db, *(gint64 *) data, ct_workspace_get_zone (cli->workspace), error);

  return item ? ct_json_wrap_object (item) : NULL;
}

static JsonNode *
show_run (CtCli *cli, GError **error)
{
  gint64 seq;

  return read_seq (cli, &seq, error) ? ct_cli_read (cli, show_cb, &seq, error) : NULL;
}

/* (transfer full): the arguments of the command as --set changes them */
static JsonObject *
edit_args (CtCli *cli, gint64 seq, GError **error)
{
  g_autoptr (JsonNode) node = ct_cli_read (cli, show_cb, &seq, error);
  GPtrArray *given = ct_cli_options (cli, "set");
  JsonObject *item = node ? json_node_get_object (node) : NULL;

  if (!item)
    return NULL;
  for (guint i = 0; given && i < given->len; i++) {
    g_auto (GStrv) parts = g_strsplit (given->pdata[i], "=", 2);

    if (g_strv_length (parts) != 2) {
      ct_cli_usage (error, _ ("--set takes a name and a value, as in city=Riga"));
      return NULL;
    }
    if (!ct_attention_edit (item, parts[0], parts[1], error))
      return NULL;
  }
  return json_object_ref (ct_json_object (item, "args"));
}

static JsonNode *
resolve_run (CtCli *cli, GError **error)
{
  gboolean edits = strcmp (cli->args[1], "edit") == 0;
  g_autoptr (JsonObject) args = NULL;
  gint64 seq;

  if (!read_seq (cli, &seq, error))
    return NULL;
  if (edits != ct_cli_has (cli, "set")) {
    ct_cli_usage (error, _ ("edit and --set belong together"));
    return NULL;
  }
  if (edits && !(args = edit_args (cli, seq, error)))
    return NULL;
  return ct_workspace_settle (cli->workspace, seq, cli->args[1], args, error) ? status_run (cli, error)
                                                                              : NULL;
}

static JsonNode *
give_up_run (CtCli *cli, GError **error)
{
  const char *reason = ct_cli_option (cli, "reason");
  g_autoptr (JsonObject) args = reason ? ct_json_build ("s", "reason", reason) : NULL;
  g_auto (CtOutcome) outcome = { 0 };

  if (!reason) {
    ct_cli_usage (error, _ ("Say with --reason how you know that the server will never be used again; it is "
                            "kept in the log"));
    return NULL;
  }
  if (!ct_cli_execute (cli, "upload.give_up", args, &outcome, error))
    return NULL;
  ct_cli_say (cli, _ ("The upload is given up: what waits here can be approved and sent again"));
  return status_run (cli, error);
}

static const CtColumn compared_columns[] = { { N_ ("Record"), "record", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Value"), "column", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Before both"), "baseText", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Yours"), "mineText", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Theirs, on the server"), "theirsText", CT_COLUMN_TEXT,
                                               NULL },
                                             { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn field_columns[] = { { N_ ("For --set"), "name", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Value"), "value", CT_COLUMN_TEXT, NULL },
                                          { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn given_columns[] = { { N_ ("Value"), "label", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Yours"), "value", CT_COLUMN_TEXT, NULL },
                                          { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn shown_columns[] = { { N_ ("Command"), "seq", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("What you did"), "summary", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Where"), "object", CT_COLUMN_TEXT, NULL },
                                          { N_ ("When"), "occurredAt", CT_COLUMN_TIME, NULL },
                                          { N_ ("Why it waits"), "reason", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Details"), "detail", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Both values"), "columns", CT_COLUMN_TABLE,
                                            compared_columns },
                                          { N_ ("Can be edited"), "fields", CT_COLUMN_TABLE, field_columns },
                                          { N_ ("What you gave"), "given", CT_COLUMN_TABLE, given_columns },
                                          { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn attention_columns[] = { { N_ ("Command"), "seq", CT_COLUMN_NUMBER, NULL },
                                              { N_ ("What"), "name", CT_COLUMN_TEXT, NULL },
                                              { N_ ("Reason"), "reason", CT_COLUMN_TEXT, NULL },
                                              { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn status_columns[] = { { N_ ("Mode"), "mode", CT_COLUMN_TEXT, NULL },
                                           { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Server"), "server", CT_COLUMN_TEXT, NULL },
                                           { N_ ("User"), "user", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Last success"), "lastSuccess", CT_COLUMN_TIME, NULL },
                                           { N_ ("Pending"), "pending", CT_COLUMN_NUMBER, NULL },
                                           { N_ ("Oldest pending"), "oldestPending", CT_COLUMN_TIME, NULL },
                                           { N_ ("Needs attention"), "inTray", CT_COLUMN_NUMBER, NULL },
                                           { N_ ("Last error"), "lastError", CT_COLUMN_TEXT, NULL },
                                           { N_ ("Failed"), "lastErrorAt", CT_COLUMN_TIME, NULL },
                                           { N_ ("Next try"), "nextRetry", CT_COLUMN_TIME, NULL },
                                           { NULL, NULL, CT_COLUMN_TEXT, NULL } };
static const CtColumn check_columns[] = { { N_ ("Rows compared"), "rows", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Different"), "different", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Brought anew"), "mended", CT_COLUMN_NUMBER, NULL },
                                          { NULL, NULL, CT_COLUMN_TEXT, NULL } };

const CtVerb ct_verbs_sync[] = {
  { "connect", "URL", 1, 1, N_ ("Join this workspace to a central server and load what you may see"),
    (const CtCliOption[]){
        { "password-file", "FILE",
          N_ ("A file with your password there; else ~/.pgpass, PGPASSFILE or a "
              "certificate") },
        { "log-key", "VKEY",
          N_ ("The key that signs the server's log, or a file with it: believe no other") },
        { "ask-password", NULL, N_ ("Ask for the password at the terminal") },
        { "plain-password", NULL,
          N_ ("Without a keyring: keep the password in a file of the workspace that you alone may read") },
        { "upload", NULL,
          N_ ("Take this workspace's own records along, into a server where nobody has worked yet; for "
              "administrators") },
        { "demo-records", NULL, N_ ("With --upload: also the invented records of a demo workspace") },
        { "without-limits", NULL, N_ ("With --upload: although limits and absences stay behind") },
        { NULL, NULL, NULL } },
    connect_run, status_columns, CT_VERB_SHOWS, NULL },
  { "upload give-up", "", 0, 0,
    N_ ("Where the server of an upload whose end is not known is gone for good: approve and send here again, "
        "although its copy may do so as well if it is not"),
    (const CtCliOption[]){ { "reason", "TEXT", N_ ("How you know; kept in the log") }, { NULL, NULL, NULL } },
    give_up_run, status_columns, CT_VERB_SHOWS, NULL },
  { "sync status", "", 0, 0, N_ ("How the workspace stands with its server"), NULL, status_run,
    status_columns, CT_VERB_SHOWS, NULL },
  { "sync check", "", 0, 0, N_ ("Compare the replica with the server and mend it where it differs"), NULL,
    check_run, check_columns, CT_VERB_SHOWS, NULL },
  { "sync", "", 0, 0, N_ ("Send what is pending and fetch what is new, until Ctrl+C"),
    (const CtCliOption[]){ { "once", NULL, N_ ("One round") }, { NULL, NULL, NULL } }, sync_run,
    status_columns, CT_VERB_SHOWS | CT_VERB_UNTIL_STOPPED, NULL },
  { "attention list", "", 0, 0, N_ ("Commands that the server could not apply, with both values"), NULL,
    attention_run, attention_columns, 0, NULL },
  { "attention show", "COMMAND", 1, 1, N_ ("What was done, why it waits, and both values side by side"), NULL,
    show_run, shown_columns, CT_VERB_SHOWS, NULL },
  { "attention resolve", "COMMAND theirs|mine|edit|discard", 2, 2,
    N_ ("Keep theirs, give yours again on the state as it now is, with other values, or drop it"),
    (const CtCliOption[]){ { "set", "NAME=VALUE", N_ ("For edit: another value; may be repeated") },
                           { NULL, NULL, NULL } },
    resolve_run, status_columns, CT_VERB_SHOWS, NULL },
  { "disconnect", "", 0, 0, N_ ("Leave the server with a full copy of what you could see"),
    (const CtCliOption[]){
        { "with-pending", NULL,
          N_ ("Also where commands have not reached the server; it will never learn of them") },
        { NULL, NULL, NULL } },
    disconnect_run, status_columns, CT_VERB_SHOWS, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
