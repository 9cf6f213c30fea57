#include "ct-sync-words.h"
#include "ct-format.h"

#include <string.h>

/* "3 changes": what the plural forms hang on, in one place. */
static char *
count_changes (gint64 n)
{
  g_autofree char *number = ct_format_count (n);

  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%s change", "%s changes", (gulong) n), number);
}

/* "12 s ago", "3 min ago"; (nullable) */
static char *
ago (const char *time, gint64 now)
{
  g_autofree char *age = NULL;
  gint64 at;

  if (!time || !ct_time_parse (time, &at))
    return NULL;
  if (now - at < CT_MS_SECOND)
    return g_strdup (_ ("just now"));
  if (now - at < CT_MS_MINUTE)
    return g_strdup_printf (_ ("%d s ago"), (int) ((now - at) / CT_MS_SECOND));
  age = ct_format_age (at, now);
  return g_strdup_printf (_ ("%s ago"), age);
}

/* "in 12 s"; (nullable) */
static char *
until (const char *time, gint64 now)
{
  gint64 at;

  if (!time || !ct_time_parse (time, &at))
    return NULL;
  if (at <= now)
    return g_strdup (_ ("now"));
  if (at - now < CT_MS_MINUTE)
    return g_strdup_printf (_ ("in %d s"), (int) ((at - now + CT_MS_SECOND - 1) / CT_MS_SECOND));
  return ct_format_due (at, now);
}

/* --- one state each ------------------------------------------------------------------------------------------- */

static void
say_local (JsonObject *status, gint64 now, CtSyncWords *words)
{
  words->icon = "drive-harddisk-symbolic";
  words->label = g_strdup (_ ("Saved locally"));
  words->title = g_strdup (_ ("Saved on this computer"));
  words->text =
      g_strdup (_ ("No server is connected. Preferences, Server joins this workspace to your team's."));
}

static void
say_loading (JsonObject *status, gint64 now, CtSyncWords *words)
{
  JsonObject *load = ct_json_object (status, "load");
  gint64 expected = load ? ct_json_int (load, "expected", 0) : 0;

  words->icon = "folder-download-symbolic";
  words->label = expected > 0
                     ? g_strdup_printf (_ ("Loading, %d %%"),
                                        (int) CLAMP (ct_json_int (load, "done", 0) * 100 / expected, 0, 100))
                     : g_strdup (_ ("Loading…"));
  words->title = g_strdup (_ ("Loading what you may see"));
  words->text = g_strdup (_ ("The lists fill when it is done. You can go on meanwhile; it goes on by itself "
                             "after an interruption."));
}

static void
say_in_sync (JsonObject *status, gint64 now, CtSyncWords *words)
{
  const char *last = ct_json_string (status, "lastSuccess", "");
  g_autofree char *age = ago (last, now);
  gint64 at = now;

  words->icon = "emblem-ok-symbolic";
  ct_time_parse (last, &at);
  words->label = now - at < CT_MS_MINUTE ? g_strdup (_ ("In sync")) : g_strdup_printf (_ ("In sync %s"), age);
  words->title = g_strdup (_ ("In sync"));
  words->text = g_strdup (_ ("Everything you did is on the server, and you see what the others did."));
}

static void
say_pending (JsonObject *status, gint64 now, CtSyncWords *words)
{
  g_autofree char *changes = count_changes (ct_json_int (status, "pending", 0));
  g_autofree char *count = ct_format_count (ct_json_int (status, "pending", 0));

  words->icon = "network-transmit-symbolic";
  words->label = g_strdup_printf (_ ("%s pending"), count);
  words->title = g_strdup_printf (_ ("%s on the way to the server"), changes);
  words->text = g_strdup (_ ("They are kept on this computer and go out by themselves."));
}

static void
say_offline (JsonObject *status, gint64 now, CtSyncWords *words)
{
  gint64 pending = ct_json_int (status, "pending", 0);
  g_autofree char *changes = count_changes (pending), *count = ct_format_count (pending);

  words->icon = "network-offline-symbolic";
  words->style = "ct-high";
  words->label = pending ? g_strdup_printf (_ ("Offline, %s pending"), count) : g_strdup (_ ("Offline"));
  words->title = g_strdup (_ ("Offline, changes are kept"));
  words->text = pending ? g_strdup_printf (_ ("You can go on working. %s will be sent when the server can be "
                                              "reached again; an approval is carried out only after the "
                                              "server has checked it."),
                                           changes)
                        : g_strdup (_ ("You can go on working. What you do is kept on this computer and sent "
                                       "when the server can be reached again."));
}

static void
say_busy (JsonObject *status, gint64 now, CtSyncWords *words)
{
  gint64 pending = ct_json_int (status, "pending", 0);
  g_autofree char *count = ct_format_count (pending);

  words->icon = "content-loading-symbolic";
  words->style = "ct-high";
  words->label = pending ? g_strdup_printf (_ ("Waiting, %s pending"), count) : g_strdup (_ ("Waiting"));
  words->title = g_strdup (_ ("The server is busy, changes are kept"));
  words->text = g_strdup (_ ("You can go on working. What you do is kept on this computer and sent by itself "
                             "as soon as the server takes it; the last error says what it waits for."));
}

/* What waits here may be approved on the server as well. */
static void
say_upload_open (JsonObject *status, gint64 now, CtSyncWords *words)
{
  JsonObject *upload = ct_json_object (status, "upload");

  words->icon = "dialog-warning-symbolic";
  words->style = "ct-critical";
  words->label = g_strdup (_ ("Upload not settled"));
  words->title = g_strdup (_ ("Did the server take the upload?"));
  words->text = g_strdup_printf (
      _ ("The upload to %s was broken off at its very end. It may be complete there, so "
         "nothing is approved or sent here: it could go out twice. Connect again to find "
         "out; where the server is gone for good, give the upload up in Preferences, Server."),
      upload ? ct_json_string (upload, "server", "") : "");
}

static void
say_stuck (JsonObject *status, gint64 now, CtSyncWords *words)
{
  gint64 pending = ct_json_int (status, "pending", 0);
  g_autofree char *count = ct_format_count (pending);

  words->icon = "dialog-warning-symbolic";
  words->style = "ct-critical";
  words->label =
      pending ? g_strdup_printf (_ ("Sync stopped, %s pending"), count) : g_strdup (_ ("Sync stopped"));
  words->title = g_strdup (_ ("The server does not take part any more"));
  words->text = g_strdup (_ ("Nothing is lost: what you do is kept on this computer. This does not mend by "
                             "itself; the last error says what has to be done."));
}

static void
say_attention (JsonObject *status, gint64 now, CtSyncWords *words)
{
  gint64 tray = ct_json_int (status, "inTray", 0);
  g_autofree char *changes = count_changes (tray);

  words->icon = "dialog-warning-symbolic";
  words->style = "ct-high";
  words->label = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%d needs attention", "%d need attention", (gulong) tray), (int) tray);
  words->title = g_strdup (_ ("A decision is needed"));
  words->text =
      g_strdup_printf (_ ("%s could not be applied. Nothing is lost; choose what shall count."), changes);
}

static const struct {
  const char *state;
  void (*say) (JsonObject *status, gint64 now, CtSyncWords *words);
} states[] = {
  { "upload_open", say_upload_open }, { "stuck", say_stuck },
  { "offline", say_offline },         { "busy", say_busy },
  { "loading", say_loading },         { "pending", say_pending },
  { "in_sync", say_in_sync },
};

/* So many of them stop the work. */
#define STOPPING 5

/**
 * ct_sync_words:
 * @status: as ct_workspace_sync_status() gives it
 * @words: (out): free with ct_sync_words_clear()
 *
 * What stops the work comes before what waits for the person, and that before what goes on by itself.
 */
void
ct_sync_words (JsonObject *status, gint64 now, CtSyncWords *words)
{
  const char *state = ct_json_string (status, "state", "");

  memset (words, 0, sizeof *words);
  for (guint i = 0; i < G_N_ELEMENTS (states) && !words->label; i++) {
    if (i == STOPPING && ct_json_int (status, "inTray", 0) > 0)
      say_attention (status, now, words);
    else if (strcmp (states[i].state, state) == 0)
      states[i].say (status, now, words);
  }
  if (!words->label)
    say_local (status, now, words);
}

void
ct_sync_words_clear (CtSyncWords *self)
{
  g_clear_pointer (&self->label, g_free);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->text, g_free);
}

/* --- facts ---------------------------------------------------------------------------------------------------- */

/* What libraries say goes over several lines, some indented; (transfer full) (nullable) */
static char *
on_one_line (const char *text)
{
  g_autoptr (GRegex) blanks = g_regex_new ("\\s+", 0, 0, NULL);

  return text ? g_regex_replace_literal (blanks, text, -1, 0, " ", 0, NULL) : NULL;
}

static void
add_fact (GStrvBuilder *facts, const char *label, const char *value)
{
  if (!value)
    return;
  g_strv_builder_add (facts, label);
  g_strv_builder_add (facts, value);
}

static void
add_count (GStrvBuilder *facts, const char *label, gint64 count)
{
  g_autofree char *text = count > 0 ? ct_format_count (count) : NULL;

  add_fact (facts, label, text);
}

/**
 * ct_sync_facts:
 *
 * Returns: (transfer full): labels and values by turns, for what there is to say of a connected workspace
 */
GStrv
ct_sync_facts (JsonObject *status, gint64 now)
{
  g_autoptr (GStrvBuilder) facts = g_strv_builder_new ();
  g_autofree char *last = ago (ct_json_string (status, "lastSuccess", NULL), now);
  g_autofree char *oldest = ago (ct_json_string (status, "oldestPending", NULL), now);
  g_autofree char *failed = ago (ct_json_string (status, "lastErrorAt", NULL), now);
  g_autofree char *error = on_one_line (ct_json_string (status, "lastError", NULL));
  g_autofree char *next = until (ct_json_string (status, "nextRetry", NULL), now);

  if (ct_json_object (status, "upload")) /* the words say all of it */
    return g_strv_builder_end (facts);
  add_fact (facts, _ ("Server"), ct_json_string (status, "server", NULL));
  add_fact (facts, _ ("User"), ct_json_string (status, "user", NULL));
  if (ct_json_string (status, "server", NULL))
    add_fact (facts, _ ("Last in sync"), last ? last : _ ("never"));
  add_count (facts, _ ("Pending"), ct_json_int (status, "pending", 0));
  add_fact (facts, _ ("Oldest pending"), oldest);
  add_count (facts, _ ("Needs attention"), ct_json_int (status, "inTray", 0));
  add_fact (facts, _ ("Last error"), error);
  add_fact (facts, _ ("Failed"), failed);
  add_fact (facts, _ ("Next try"), next);
  return g_strv_builder_end (facts);
}
