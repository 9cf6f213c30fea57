/* towerctl import, export, seed */
#include "ct-cli-verbs.h"
#include "ct-export.h"
#include "ct-order-book.h"
#include "ct-workspace-work.h"

#include <glib/gstdio.h>

static void
import_progress_cb (guint64 done, guint64 total, gint64 rows, gpointer data)
{
  ct_cli_progress (data, _ ("Importing"), done, total);
}

static JsonNode *
import_files (CtCli *cli, const char *profile, const char *path, gboolean dry_run, const char *errors,
              GError **error)
{
  g_autoptr (CtImport) import = ct_import_new (profile, path, NULL, error);
  JsonObject *counts = import ? ct_workspace_import (cli->workspace, import, dry_run, errors,
                                                     import_progress_cb, cli, cli->cancellable, error)
                              : NULL;
  gint64 rejected;

  ct_cli_progress_end (cli);
  if (!counts)
    return NULL;
  rejected = ct_json_int (counts, "rejected", 0);
  if (rejected > 0)
    ct_cli_say (
        cli,
        errors
            ? g_dngettext (GETTEXT_PACKAGE,
                           "%d row was refused; it is in %s, to be corrected and imported again",
                           "%d rows were refused; they are in %s, to be corrected and imported again",
                           (gulong) (rejected))
            : g_dngettext (GETTEXT_PACKAGE,
                           "%d row was refused; name a file with --errors to have it with its reason",
                           "%d rows were refused; name a file with --errors to have them with their reasons",
                           (gulong) (rejected)),
        (int) rejected, errors);
  return ct_json_wrap_object (counts);
}

static JsonNode *
import_run (CtCli *cli, GError **error)
{
  return import_files (cli, cli->args[0], cli->args[1], ct_cli_has (cli, "dry-run"),
                       ct_cli_option (cli, "errors"), error);
}

static JsonNode *
export_run (CtCli *cli, GError **error)
{
  CtExportOptions options = {
    .store = ct_workspace_get_store (cli->workspace),
    .commander = ct_workspace_get_commander (cli->workspace),
    .actor = ct_workspace_get_actor (cli->workspace),
    .now = ct_workspace_now (cli->workspace),
    .guard = ct_cli_has (cli, "guard-formulas"),
  };
  JsonObject *counts = ct_export_run (cli->args[0], &options, error);

  return counts ? ct_json_wrap_object (counts) : NULL;
}

static void
remove_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    g_remove (path);
  }
  g_rmdir (folder);
}

static JsonNode *
seed_run (CtCli *cli, GError **error)
{
  g_autofree char *folder = NULL;
  gint64 orders = 1000, today;
  JsonNode *counts;

  if (!ct_cli_option_int (cli, "orders", &orders, error))
    return NULL;
  if (orders < 1 || orders > 10000000) {
    ct_cli_usage (error, _ ("--orders takes 1 to 10,000,000"));
    return NULL;
  }
  folder = g_dir_make_tmp ("control-tower-seed-XXXXXX", error);
  if (!folder)
    return NULL;
  today = ct_time_to_days (ct_workspace_now (cli->workspace), ct_workspace_get_zone (cli->workspace));
  counts = ct_order_book_write (folder, orders, today, cli->cancellable, error)
               ? import_files (cli, "canonical", folder, FALSE, NULL, error)
               : NULL;
  remove_files (folder);
  return counts;
}

static const CtColumn error_columns[] = {
  { N_ ("File"), "file", CT_COLUMN_TEXT, NULL },     { N_ ("Line"), "line", CT_COLUMN_NUMBER, NULL },
  { N_ ("Column"), "field", CT_COLUMN_TEXT, NULL },  { N_ ("Value"), "value", CT_COLUMN_TEXT, NULL },
  { N_ ("Reason"), "reason", CT_COLUMN_TEXT, NULL }, { NULL, NULL, 0, NULL }
};
static const CtColumn import_fields[] = { { N_ ("Rows read"), "read", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Created"), "created", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Changed"), "changed", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Unchanged"), "unchanged", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Refused"), "rejected", CT_COLUMN_NUMBER, NULL },
                                          { N_ ("Only tried"), "dryRun", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Interrupted"), "cancelled", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Refused rows"), "errors", CT_COLUMN_TABLE, error_columns },
                                          { NULL, NULL, 0, NULL } };

const CtVerb ct_verbs_import[] = {
  { "import", "PROFILE PATH", 2, 2,
    N_ ("Import CSV files by a profile (northwind, canonical, scms, or a file of your own)"),
    (const CtCliOption[]){
        { "dry-run", NULL, N_ ("Do everything, then take it back") },
        { "errors", "FILE", N_ ("Where refused rows go, with file, line, column and reason") },
        { NULL, NULL, NULL } },
    import_run, import_fields, CT_VERB_READS_FILES | CT_VERB_SHOWS, NULL },
  { "export", "DIR", 1, 1, N_ ("Write the records as canonical CSV files"),
    (const CtCliOption[]){
        { "guard-formulas", NULL, N_ ("Put an apostrophe before what a spreadsheet would run") },
        { NULL, NULL, NULL } },
    export_run, NULL, CT_VERB_SHOWS, NULL },
  { "seed", "", 0, 0, N_ ("Fill the workspace with a made-up order book, for trials of size"),
    (const CtCliOption[]){ { "orders", "N", N_ ("How many orders; 1000 where not said") },
                           { NULL, NULL, NULL } },
    seed_run, import_fields, CT_VERB_SHOWS, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
