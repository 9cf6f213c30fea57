/* Proving the log, and taking it out: long work with progress and a way to stop. */
#include "ct-format.h"
#include "ct-timeline-page.h"
#include "ct-workspace-audit.h"

/* Shorter work shows no dialog. */
#define PATIENCE_MS 400

typedef struct {
  CtPage *page;           /* (owned) */
  CtWorkspace *workspace; /* (owned) */
  char *directory;        /* (owned) (nullable): to export to; NULL verifies */
  GCancellable *cancellable;
  gint64 done, total; /* (atomic by way of the lock) */
  GMutex lock;
  CtLogReport report;
  guint64 n_exported;
  guint progress_source;
  AdwMessageDialog *dialog; /* (unowned) (nullable) */
  GtkProgressBar *bar;      /* (unowned) (nullable) */
} Proving;

static void
proving_free (Proving *self)
{
  g_clear_handle_id (&self->progress_source, g_source_remove);
  if (self->dialog)
    gtk_window_destroy (GTK_WINDOW (self->dialog));
  ct_log_report_clear (&self->report);
  g_object_unref (self->page);
  g_object_unref (self->workspace);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->lock);
  g_free (self->directory);
  g_free (self);
}

static void
advance_cb (guint64 done, guint64 total, gpointer data)
{
  Proving *self = data;

  g_mutex_lock (&self->lock);
  self->done = (gint64) done;
  self->total = (gint64) total;
  g_mutex_unlock (&self->lock);
}

/* The same two acts as on the command line: what one of them finds, the other finds. */
static void
prove_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Proving *self = data;
  g_auto (CtLogExport) export = { 0 };
  GError *error = NULL;

  if (self->directory
          ? ct_workspace_export_log (source, self->directory, advance_cb, self, cancellable, &export, &error)
          : ct_workspace_verify (source, NULL, FALSE, advance_cb, self, cancellable, &self->report, &error)) {
    self->n_exported = export.checkpoint.size;
    g_task_return_boolean (task, TRUE);
  } else {
    g_task_return_error (task, error);
  }
}

static void
stop_cb (AdwMessageDialog *dialog, const char *response, Proving *self)
{
  self->dialog = NULL;
  g_cancellable_cancel (self->cancellable);
}

static gboolean
progress_cb (gpointer data)
{
  Proving *self = data;
  g_autofree char *done = NULL, *total = NULL, *text = NULL;

  if (!gtk_widget_get_root (GTK_WIDGET (self->page)) || g_cancellable_is_cancelled (self->cancellable))
    return G_SOURCE_CONTINUE;
  if (!self->dialog) {
    self->dialog = ADW_MESSAGE_DIALOG (adw_message_dialog_new (
        GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self->page))),
        self->directory ? _ ("Exporting the dossier…") : _ ("Verifying the log…"), NULL));
    self->bar = GTK_PROGRESS_BAR (gtk_progress_bar_new ());
    gtk_progress_bar_set_show_text (self->bar, TRUE);
    adw_message_dialog_set_extra_child (self->dialog, GTK_WIDGET (self->bar));
    adw_message_dialog_add_response (self->dialog, "stop", _ ("_Stop"));
    g_signal_connect (self->dialog, "response", G_CALLBACK (stop_cb), self);
    gtk_window_present (GTK_WINDOW (self->dialog));
  }
  g_mutex_lock (&self->lock);
  done = ct_format_count (self->done);
  total = ct_format_count (self->total);
  gtk_progress_bar_set_fraction (self->bar, self->total ? (double) self->done / (double) self->total : 0);
  g_mutex_unlock (&self->lock);
  text = g_strdup_printf (_ ("%s of %s"), done, total);
  gtk_progress_bar_set_text (self->bar, text);
  return G_SOURCE_CONTINUE;
}

static void
say_verified (Proving *self)
{
  g_autofree char *leaves = ct_format_count ((gint64) self->report.n_leaves);
  g_autofree char *under = ct_format_count ((gint64) self->report.n_signed);
  g_autofree char *commands = ct_format_count ((gint64) self->report.n_intents);
  g_autofree char *root = ct_hash_to_hex (&self->report.root);
  g_autofree char *entries = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%s entry", "%s entries", (gulong) (self->report.n_leaves)), leaves);
  g_autofree char *made = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%s command", "%s commands", (gulong) (self->report.n_intents)),
      commands);
  g_autofree char *text =
      g_strdup_printf (_ ("%s, %s of them under a signed checkpoint, %s. Nothing was changed, removed or "
                          "reordered.\n\nRoot: %s\nKey: %s"),
                       entries, under, made, root, self->report.vkey);
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self->page))),
                                              _ ("✔ The log is whole"), text);

  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
proved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Proving *self = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = g_task_propagate_boolean (G_TASK (result), &error);

  if (gtk_widget_get_root (GTK_WIDGET (self->page))) {
    if (!ok && g_cancellable_is_cancelled (self->cancellable))
      ct_page_toast (self->page, FALSE, _ ("Stopped"));
    else if (!ok)
      ct_page_problem (
          self->page, self->directory ? _ ("The dossier was not exported") : _ ("✘ The log cannot be proven"),
          error);
    else if (self->directory)
      ct_page_toast (self->page, FALSE,
                     g_dngettext (GETTEXT_PACKAGE, "%d entry exported to %s", "%d entries exported to %s",
                                  (gulong) (self->n_exported)),
                     (int) self->n_exported, self->directory);
    else
      say_verified (self);
  }
  proving_free (self);
}

static void
begin (CtPage *page, char *directory)
{
  Proving *self = g_new0 (Proving, 1);
  g_autoptr (GTask) task = NULL;

  self->page = g_object_ref (page);
  self->workspace = g_object_ref (ct_page_get_workspace (page));
  self->directory = directory;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  self->progress_source = g_timeout_add (PATIENCE_MS, progress_cb, self);
  task = g_task_new (self->workspace, self->cancellable, proved_cb, self);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, prove_thread);
}

static void
verify (CtPage *page, GArray *numbers)
{
  begin (page, NULL);
}

static void
folder_cb (GtkNativeDialog *dialog, int response, CtPage *page)
{
  if (response == GTK_RESPONSE_ACCEPT) {
    g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
    g_autofree char *path = file ? g_file_get_path (file) : NULL;

    if (path)
      begin (page, g_build_filename (path, "control-tower-audit", NULL));
  }
  g_object_unref (dialog);
}

static void export(CtPage *page, GArray *numbers)
{
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
      _ ("Export the dossier to a folder"), GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (page))),
      GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _ ("_Export"), NULL);

  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (folder_cb), page, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

const CtPageAction ct_timeline_page_actions[] = {
  { "verify", N_ ("Verify now"), "security-high-symbolic", 'v', NULL, verify },
  { "export", N_ ("Export dossier…"), "document-save-symbolic", 'e', NULL, export },
  { NULL, NULL, NULL, 0, NULL, NULL },
};
