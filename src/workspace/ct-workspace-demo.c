/* The demo: seeds/demo in the canonical form, its dates moved so that its third of June 2026 is today; what is overdue
 * there is overdue here by as much. The same time gives the same workspace. */
#include "ct-workspace-private.h"
#include "ct-migrate.h"
#include "ct-workspace-audit.h"
#include "ct-workspace-work.h"

#include <glib/gstdio.h>

#define DEMO_DAY "2026-06-03"

/* Where the demo posts to: a loopback address, since a demo workspace refuses any other. */
#define DEMO_CHANNEL_URL "http://127.0.0.1:8711"

static gboolean
move_date_cb (const GMatchInfo *match, GString *result, gpointer data)
{
  g_autofree char *date = g_match_info_fetch (match, 0);
  char moved[CT_DATE_SIZE];

  ct_date_from_days (ct_date_to_days (date) + *(const gint64 *) data, moved);
  g_string_append (result, moved);
  return FALSE;
}

static gboolean
move_file (const char *from, const char *to, gint64 days, GError **error)
{
  g_autoptr (GRegex) dates = g_regex_new ("\\b\\d{4}-\\d{2}-\\d{2}(?=[T,\\n])", 0, 0, NULL);
  g_autofree char *text = NULL, *moved = NULL;

  if (!g_file_get_contents (from, &text, NULL, error))
    return FALSE;
  moved = g_regex_replace_eval (dates, text, -1, 0, 0, move_date_cb, &days, error);
  return moved && g_file_set_contents (to, moved, -1, error);
}

static gboolean
move_files (const char *from, const char *to, gint64 days, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (from, 0, error);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *source = g_build_filename (from, name, NULL);
    g_autofree char *target = g_build_filename (to, name, NULL);

    if (g_str_has_suffix (name, ".csv") && !move_file (source, target, days, error))
      return FALSE;
  }
  return dir != NULL;
}

static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    g_remove (path);
  }
  g_rmdir (folder);
}

static gboolean
import_demo (CtWorkspace *workspace, const char *folder, GError **error)
{
  g_autoptr (CtImport) import = ct_import_new ("canonical", folder, NULL, error);
  g_autoptr (JsonObject) counts =
      import ? ct_workspace_import (workspace, import, FALSE, NULL, NULL, NULL, NULL, error) : NULL;

  if (!counts)
    return FALSE;
  return ct_json_int (counts, "rejected", 0) == 0 ||
         ct_fail (error, CT_ERROR_CORRUPT, "%d rows of the demo were refused",
                  (int) ct_json_int (counts, "rejected", 0));
}

static gboolean
fill (CtWorkspace *workspace, GError **error)
{
  g_autofree char *seeds = ct_data_path ("seeds/demo");
  g_autofree char *folder = g_dir_make_tmp ("control-tower-demo-XXXXXX", error);
  g_autoptr (JsonObject) channel = ct_json_build ("ssss", "name", "slack", "kind", "slack", "base_url",
                                                  DEMO_CHANNEL_URL, "destination", "#wholesale-exceptions");
  g_autoptr (GPtrArray) counts = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  gint64 days = ct_time_to_days (ct_workspace_now (workspace), ct_workspace_get_zone (workspace)) -
                ct_date_to_days (DEMO_DAY);
  gboolean ok;

  if (!folder)
    return FALSE;
  ok = move_files (seeds, folder, days, error) && import_demo (workspace, folder, error) &&
       ct_workspace_execute (workspace, "channel.add", channel, &outcome, error) &&
       (counts = ct_workspace_detect (workspace, FALSE, NULL, NULL, NULL, error)) &&
       ct_workspace_sign (workspace, error);
  remove_folder (folder);
  return ok;
}

/**
 * ct_workspace_create_demo:
 *
 * Makes a workspace like ct_workspace_create() and fills it with the demo order book, its exceptions found.
 */
gboolean
ct_workspace_create_demo (const char *folder, const CtWorkspaceOptions *options, GError **error)
{
  g_autoptr (CtWorkspace) workspace = NULL;
  gboolean ok;

  if (!ct_workspace_create (folder, options, error))
    return FALSE;
  workspace = ct_workspace_open (folder, error);
  ok = workspace && (!options->now || ct_workspace_set_now (workspace, options->now, error)) &&
       fill (workspace, error);
  if (workspace)
    ct_workspace_close (workspace);
  if (!ok)
    ct_workspace_remove_half (folder);
  return ok;
}
