#include "ct-import-dialog.h"
#include "ct-format.h"
#include "ct-page.h"
#include "ct-workspace-work.h"

#include <glib/gstdio.h>
#include <string.h>

#define PREVIEW_ROWS 5
#define SHOWN_ERRORS 50

#define CT_TYPE_IMPORT_DIALOG (ct_import_dialog_get_type ())
G_DECLARE_FINAL_TYPE (CtImportDialog, ct_import_dialog, CT, IMPORT_DIALOG, AdwWindow)

/* What the button at the top does next. */
typedef enum { STEP_CHOOSE, STEP_REHEARSE, STEP_IMPORT, STEP_CLOSE } Step;

struct _CtImportDialog {
  AdwWindow parent_instance;
  CtWorkspace *workspace; /* (owned) */
  AdwComboRow *profile;
  AdwComboRow *encoding;
  AdwActionRow *place;
  GtkBox *body;
  GtkProgressBar *progress;
  GtkWidget *next, *cancel;
  GPtrArray *profiles;           /* (owned) (element-type utf8): names */
  GtkFileChooserNative *chooser; /* (owned) (nullable) */
  char *path;                    /* (owned) (nullable) */
  char *report;                  /* (owned) (nullable): the refused rows, in the cache folder */
  CtImport *import;              /* (owned) (nullable) */
  GCancellable *cancellable;     /* (owned) (nullable): of what runs */
  Step step;
};

G_DEFINE_FINAL_TYPE (CtImportDialog, ct_import_dialog, ADW_TYPE_WINDOW)

static const struct {
  CtCsvEncoding encoding;
  const char *label;
} encodings[] = {
  { CT_CSV_AUTO, N_ ("Find out") },        { CT_CSV_UTF_8, "UTF-8" },
  { CT_CSV_UTF_16LE, "UTF-16LE" },         { CT_CSV_UTF_16BE, "UTF-16BE" },
  { CT_CSV_WINDOWS_1251, "Windows-1251" }, { CT_CSV_WINDOWS_1252, "Windows-1252" },
};

/* --- what stands in the body ---------------------------------------------------------------------------------- */

static void
clear_body (CtImportDialog *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->body))))
    gtk_box_remove (self->body, child);
}

static AdwPreferencesGroup *
add_group (CtImportDialog *self, const char *title)
{
  GtkWidget *group = adw_preferences_group_new ();
  g_autofree char *escaped = g_markup_escape_text (title, -1);

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), escaped);
  gtk_box_append (self->body, group);
  return ADW_PREFERENCES_GROUP (group);
}

static GtkWidget *
make_fact (const char *title, const char *text)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), text);
  return row;
}

static void
set_busy (CtImportDialog *self, gboolean busy)
{
  gtk_widget_set_visible (GTK_WIDGET (self->progress), busy);
  gtk_widget_set_sensitive (self->next, !busy && self->path);
  gtk_widget_set_sensitive (GTK_WIDGET (self->profile), !busy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->encoding), !busy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->place), !busy);
}

static void
set_step (CtImportDialog *self, Step step)
{
  static const char *const labels[] = { N_ ("_Preview"), N_ ("_Check"), N_ ("_Import"), N_ ("_Close") };

  self->step = step;
  gtk_button_set_label (GTK_BUTTON (self->next), _ (labels[step]));
  gtk_widget_set_visible (self->cancel, step != STEP_CLOSE);
  set_busy (self, FALSE);
}

/* --- preview -------------------------------------------------------------------------------------------------- */

typedef struct {
  char *profile, *path; /* (owned) */
  CtCsvFormat format;
  GTimeZone *zone;     /* (owned) */
  CtImport *import;    /* (owned) (nullable) */
  JsonObject *preview; /* (owned) (nullable) */
} PreviewJob;

static void
preview_job_free (gpointer data)
{
  PreviewJob *job = data;

  g_free (job->profile);
  g_free (job->path);
  g_time_zone_unref (job->zone);
  g_clear_pointer (&job->import, ct_import_free);
  g_clear_pointer (&job->preview, json_object_unref);
  g_free (job);
}

static void
preview_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  PreviewJob *job = data;
  GError *error = NULL;

  job->import = ct_import_new (job->profile, job->path, &job->format, &error);
  if (job->import)
    job->preview = ct_import_preview (job->import, PREVIEW_ROWS, job->zone, &error);
  if (job->preview)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static char *
join (JsonArray *texts, const char *separator)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; texts && i < json_array_get_length (texts); i++)
    g_string_append_printf (text, "%s%s", i ? separator : "", json_array_get_string_element (texts, i));
  return g_string_free (text, FALSE);
}

static void
show_mapping (GtkWidget *expander, JsonArray *mapping)
{
  for (guint i = 0; mapping && i < json_array_get_length (mapping); i++) {
    JsonObject *entry = json_array_get_object_element (mapping, i);
    g_autofree char *columns = join (ct_json_array (entry, "columns"), " + ");
    g_autofree char *field =
        g_strdup_printf ("%s: %s", ct_json_string (entry, "record", ""), ct_json_string (entry, "field", ""));
    g_autofree char *from = *columns
                                ? g_strdup_printf (_ ("from the column %s"), columns)
                                : g_strdup_printf (_ ("always %s"), ct_json_string (entry, "value", "—"));

    adw_expander_row_add_row (ADW_EXPANDER_ROW (expander), make_fact (field, from));
  }
}

static void
show_rows (GtkWidget *expander, JsonObject *file)
{
  JsonArray *rows = ct_json_array (file, "rows");

  for (guint i = 0; rows && i < json_array_get_length (rows); i++) {
    g_autofree char *text = join (json_array_get_array_element (rows, i), " | ");
    g_autofree char *title = g_strdup_printf (_ ("Row %u"), i + 1);

    adw_expander_row_add_row (ADW_EXPANDER_ROW (expander), make_fact (title, text));
  }
}

static void
show_file (AdwPreferencesGroup *group, JsonObject *file)
{
  GtkWidget *expander = adw_expander_row_new ();
  const char *delimiter = ct_json_string (file, "delimiter", ""),
             *problem = ct_json_string (file, "problem", NULL);
  g_autofree char *format =
      g_strdup_printf (_ ("%s, fields separated by %s"), ct_json_string (file, "encoding", "?"),
                       strcmp (delimiter, "\t") == 0 ? _ ("tabs") : delimiter);
  g_autofree char *subtitle = g_markup_escape_text (problem ? problem : format, -1);
  g_autofree char *name = g_markup_escape_text (ct_json_string (file, "file", ""), -1);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (expander), name);
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (expander), subtitle);
  if (problem) {
    GtkWidget *icon = gtk_image_new_from_icon_name ("dialog-error-symbolic");

    gtk_accessible_update_property (GTK_ACCESSIBLE (icon), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                    _ ("This file cannot be imported"), -1);
    adw_expander_row_add_prefix (ADW_EXPANDER_ROW (expander), icon);
  }
  show_rows (expander, file);
  show_mapping (expander, ct_json_array (file, "mapping"));
  adw_preferences_group_add (group, expander);
}

static void
previewed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  CtImportDialog *self = CT_IMPORT_DIALOG (source);
  PreviewJob *job = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  JsonArray *files;

  if (!self->workspace)
    return;
  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    set_step (self, STEP_CHOOSE);
    ct_page_problem (self, _ ("These files cannot be imported"), error);
    return;
  }
  g_clear_pointer (&self->import, ct_import_free);
  self->import = g_steal_pointer (&job->import);
  clear_body (self);
  files = ct_json_array (job->preview, "files");
  {
    AdwPreferencesGroup *group = add_group (self, _ ("What would be read"));

    for (guint i = 0; files && i < json_array_get_length (files); i++)
      show_file (group, json_array_get_object_element (files, i));
  }
  if (json_array_get_length (ct_json_array (job->preview, "unknown"))) {
    g_autofree char *names = join (ct_json_array (job->preview, "unknown"), ", ");

    adw_preferences_group_add (add_group (self, _ ("Left alone")),
                               make_fact (_ ("The profile does not know these files"), names));
  }
  set_step (self, STEP_REHEARSE);
}

static void
preview (CtImportDialog *self)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, previewed_cb, NULL);
  PreviewJob *job = g_new0 (PreviewJob, 1);
  guint profile = adw_combo_row_get_selected (self->profile);

  job->profile = g_strdup (self->profiles->pdata[profile]);
  job->path = g_strdup (self->path);
  job->format.encoding = encodings[adw_combo_row_get_selected (self->encoding)].encoding;
  job->zone = g_time_zone_ref (ct_workspace_get_zone (self->workspace));
  set_busy (self, TRUE);
  gtk_progress_bar_pulse (self->progress);
  g_task_set_task_data (task, job, preview_job_free);
  g_task_run_in_thread (task, preview_thread);
}

/* --- rehearsal and import ------------------------------------------------------------------------------------- */

static void
copied_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtImportDialog) self = data;
  g_autoptr (GError) error = NULL;

  if (!g_file_copy_finish (G_FILE (source), result, &error))
    ct_page_problem (self, _ ("The report cannot be saved"), error);
}

static void
report_place_cb (GtkNativeDialog *dialog, int response, CtImportDialog *self)
{
  g_autoptr (GFile) target = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  g_autoptr (GFile) from = g_file_new_for_path (self->report);

  if (response == GTK_RESPONSE_ACCEPT && target)
    g_file_copy_async (from, target, G_FILE_COPY_OVERWRITE, G_PRIORITY_DEFAULT, NULL, NULL, NULL, copied_cb,
                       g_object_ref (self));
}

static void
save_report_cb (GtkButton *button, CtImportDialog *self)
{
  g_clear_object (&self->chooser);
  self->chooser = gtk_file_chooser_native_new (_ ("Save the Refused Rows"), GTK_WINDOW (self),
                                               GTK_FILE_CHOOSER_ACTION_SAVE, NULL, NULL);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (self->chooser), "refused.csv");
  g_signal_connect (self->chooser, "response", G_CALLBACK (report_place_cb), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
show_counts (CtImportDialog *self, JsonObject *result, const char *title)
{
  static const struct {
    const char *name, *label;
  } counts[] = {
    { "read", N_ ("Rows read") },          { "created", N_ ("Records made") },
    { "changed", N_ ("Records changed") }, { "unchanged", N_ ("Records that were there already") },
    { "rejected", N_ ("Rows refused") },
  };
  AdwPreferencesGroup *group = add_group (self, title);

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    g_autofree char *count = ct_format_count (ct_json_int (result, counts[i].name, 0));

    adw_preferences_group_add (group, make_fact (_ (counts[i].label), count));
  }
}

static void
show_errors (CtImportDialog *self, JsonObject *result)
{
  JsonArray *errors = ct_json_array (result, "errors");
  AdwPreferencesGroup *group;
  GtkWidget *button;

  if (!errors || json_array_get_length (errors) == 0)
    return;
  group = add_group (self, _ ("Refused rows"));
  button = gtk_button_new_with_mnemonic (_ ("_Save as a File…"));
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect (button, "clicked", G_CALLBACK (save_report_cb), self);
  adw_preferences_group_set_header_suffix (group, button);
  for (guint i = 0; i < MIN (SHOWN_ERRORS, json_array_get_length (errors)); i++) {
    JsonObject *entry = json_array_get_object_element (errors, i);
    g_autofree char *where =
        g_strdup_printf (_ ("%s, line %d, %s"), ct_json_string (entry, "file", ""),
                         (int) ct_json_int (entry, "line", 0), ct_json_string (entry, "field", ""));

    adw_preferences_group_add (group, make_fact (where, ct_json_string (entry, "reason", "")));
  }
}

/* The window is gone; what still runs for it holds the object. */
static gboolean
is_closed (CtImportDialog *self)
{
  return !self->workspace || !gtk_widget_get_visible (GTK_WIDGET (self));
}

static void
detected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtImportDialog) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) counts = ct_workspace_detect_finish (CT_WORKSPACE (source), result, &error);

  g_clear_object (&self->cancellable);
  if (is_closed (self))
    return;
  set_step (self, STEP_CLOSE);
  if (!counts)
    ct_page_problem (self, _ ("The rules could not look at what was imported"), error);
}

static void
told_cb (guint64 done, guint64 total, gint64 rows, gpointer data)
{
  CtImportDialog *self = data;
  g_autofree char *count = ct_format_count (rows);
  g_autofree char *text =
      g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%s row", "%s rows", (gulong) (rows)), count);

  gtk_progress_bar_set_fraction (self->progress, total ? MIN (1.0, (double) done / (double) total) : 0);
  gtk_progress_bar_set_text (self->progress, text);
}

static void
ran_cb (GObject *source, GAsyncResult *async, gpointer data)
{
  g_autoptr (CtImportDialog) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = ct_import_run_finish (async, &error);
  gboolean rehearsal = self->step == STEP_REHEARSE;

  g_clear_object (&self->cancellable);
  if (is_closed (self))
    return;
  if (!result) {
    set_step (self, STEP_CHOOSE);
    ct_page_problem (self, _ ("The import stopped"), error);
    return;
  }
  clear_body (self);
  show_counts (self, result,
               ct_json_bool (result, "cancelled", FALSE) ? _ ("Cancelled; this much is done")
               : rehearsal                               ? _ ("What an import would do")
                                                         : _ ("Imported"));
  show_errors (self, result);
  if (ct_json_bool (result, "cancelled", FALSE) && rehearsal) {
    set_step (self, STEP_CHOOSE);
  } else if (rehearsal) {
    set_step (self, STEP_IMPORT);
  } else if (ct_workspace_is_connected (self->workspace)) { /* the team's service looks at it */
    set_step (self, STEP_CLOSE);
  } else {
    gtk_progress_bar_set_text (self->progress, _ ("Looking for exceptions"));
    self->cancellable = g_cancellable_new ();
    ct_workspace_detect_async (self->workspace, FALSE, self->cancellable, detected_cb, g_object_ref (self));
  }
}

static void
run (CtImportDialog *self)
{
  CtImportOptions options = { 0 };

  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  options.store = ct_workspace_get_store (self->workspace);
  options.commander = ct_workspace_get_commander (self->workspace);
  options.actor = ct_workspace_get_actor (self->workspace);
  options.now = ct_workspace_now (self->workspace);
  options.zone = ct_workspace_get_zone (self->workspace);
  options.dry_run = self->step == STEP_REHEARSE;
  options.errors_path = self->report;
  options.progress = told_cb;
  options.progress_data = self;
  options.cancellable = self->cancellable;
  set_busy (self, TRUE);
  gtk_progress_bar_set_fraction (self->progress, 0);
  ct_import_run_async (self->import, &options, ran_cb, g_object_ref (self));
}

static void
next_cb (GtkButton *button, CtImportDialog *self)
{
  switch (self->step) {
  case STEP_CHOOSE:
    preview (self);
    break;
  case STEP_REHEARSE:
  case STEP_IMPORT:
    run (self);
    break;
  case STEP_CLOSE:
    gtk_window_close (GTK_WINDOW (self));
    break;
  default:
    g_assert_not_reached ();
  }
}

/* Cancels what runs; a second press, or one while nothing runs, closes. */
static void
cancel_cb (GtkButton *button, CtImportDialog *self)
{
  if (self->cancellable && !g_cancellable_is_cancelled (self->cancellable))
    g_cancellable_cancel (self->cancellable);
  else
    gtk_window_close (GTK_WINDOW (self));
}

static gboolean
escape_cb (GtkWidget *widget, GVariant *args, gpointer data)
{
  cancel_cb (NULL, CT_IMPORT_DIALOG (widget));
  return TRUE;
}

/* --- choosing ------------------------------------------------------------------------------------------------- */

static void
take_folder (CtImportDialog *self, const char *path)
{
  g_autofree char *escaped = g_markup_escape_text (path, -1);

  g_free (self->path);
  self->path = g_strdup (path);
  adw_action_row_set_subtitle (self->place, escaped);
  clear_body (self);
  set_step (self, STEP_CHOOSE);
  preview (self);
}

static void
folder_chosen_cb (GtkNativeDialog *dialog, int response, CtImportDialog *self)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  g_autofree char *path = file ? g_file_get_path (file) : NULL;

  if (response == GTK_RESPONSE_ACCEPT && path)
    take_folder (self, path);
}

/* (transfer full) */
GtkFileChooserNative *
ct_import_folder_chooser (gpointer widget)
{
  return gtk_file_chooser_native_new (_ ("Folder with CSV Files"), GTK_WINDOW (gtk_widget_get_root (widget)),
                                      GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, NULL, NULL);
}

static void
choose_cb (GtkButton *button, CtImportDialog *self)
{
  g_clear_object (&self->chooser);
  self->chooser = ct_import_folder_chooser (self);
  g_signal_connect (self->chooser, "response", G_CALLBACK (folder_chosen_cb), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

/* Another choice makes what was checked worthless. */
static void
choice_changed_cb (GObject *row, GParamSpec *pspec, CtImportDialog *self)
{
  clear_body (self);
  set_step (self, STEP_CHOOSE);
}

static void
fill_profiles (CtImportDialog *self)
{
  g_autoptr (GtkStringList) titles = gtk_string_list_new (NULL);
  g_autoptr (JsonArray) list = ct_profile_list (NULL);

  for (guint i = 0; list && i < json_array_get_length (list); i++) {
    JsonObject *profile = json_array_get_object_element (list, i);

    g_ptr_array_add (self->profiles, g_strdup (ct_json_string (profile, "name", "")));
    gtk_string_list_append (titles, ct_json_string (profile, "title", ""));
  }
  adw_combo_row_set_model (self->profile, G_LIST_MODEL (titles));
}

static GtkWidget *
make_choices (CtImportDialog *self)
{
  GtkWidget *group = adw_preferences_group_new (),
            *button = gtk_button_new_with_mnemonic (_ ("Choose a _Folder…"));
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  self->profile = ADW_COMBO_ROW (adw_combo_row_new ());
  self->encoding = ADW_COMBO_ROW (adw_combo_row_new ());
  self->place = ADW_ACTION_ROW (adw_action_row_new ());
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->profile), _ ("Profile"));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->profile), _ ("Which columns mean what"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->encoding), _ ("Encoding"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->place), _ ("Files"));
  adw_action_row_set_subtitle (self->place, _ ("No folder chosen"));
  for (guint i = 0; i < G_N_ELEMENTS (encodings); i++)
    gtk_string_list_append (names, _ (encodings[i].label));
  adw_combo_row_set_model (self->encoding, G_LIST_MODEL (names));
  fill_profiles (self);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  g_signal_connect (button, "clicked", G_CALLBACK (choose_cb), self);
  adw_action_row_add_suffix (self->place, button);
  adw_action_row_set_activatable_widget (self->place, button);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), GTK_WIDGET (self->profile));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), GTK_WIDGET (self->place));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), GTK_WIDGET (self->encoding));
  return group;
}

/* --- window --------------------------------------------------------------------------------------------------- */

/* However it is closed, nothing goes on behind the person's back. */
static gboolean
ct_import_dialog_close_request (GtkWindow *window)
{
  CtImportDialog *self = CT_IMPORT_DIALOG (window);

  if (self->cancellable)
    g_cancellable_cancel (self->cancellable);
  return GTK_WINDOW_CLASS (ct_import_dialog_parent_class)->close_request (window);
}

static void
ct_import_dialog_dispose (GObject *object)
{
  CtImportDialog *self = CT_IMPORT_DIALOG (object);

  if (self->cancellable)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->chooser);
  g_clear_object (&self->workspace);
  G_OBJECT_CLASS (ct_import_dialog_parent_class)->dispose (object);
}

static void
ct_import_dialog_finalize (GObject *object)
{
  CtImportDialog *self = CT_IMPORT_DIALOG (object);

  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->import, ct_import_free);
  g_ptr_array_unref (self->profiles);
  if (self->report)
    g_unlink (self->report);
  g_free (self->report);
  g_free (self->path);
  G_OBJECT_CLASS (ct_import_dialog_parent_class)->finalize (object);
}

static void
ct_import_dialog_class_init (CtImportDialogClass *klass)
{
  GTK_WINDOW_CLASS (klass)->close_request = ct_import_dialog_close_request;
  G_OBJECT_CLASS (klass)->dispose = ct_import_dialog_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_import_dialog_finalize;
  gtk_widget_class_add_binding (GTK_WIDGET_CLASS (klass), GDK_KEY_Escape, 0, escape_cb, NULL);
}

static GtkWidget *
make_bar (CtImportDialog *self)
{
  GtkWidget *bar = adw_header_bar_new ();

  self->cancel = gtk_button_new_with_mnemonic (_ ("_Cancel"));
  self->next = gtk_button_new_with_mnemonic (_ ("_Preview"));
  gtk_widget_add_css_class (self->next, "suggested-action");
  g_signal_connect (self->cancel, "clicked", G_CALLBACK (cancel_cb), self);
  g_signal_connect (self->next, "clicked", G_CALLBACK (next_cb), self);
  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (bar), FALSE);
  adw_header_bar_set_show_start_title_buttons (ADW_HEADER_BAR (bar), FALSE);
  adw_header_bar_pack_start (ADW_HEADER_BAR (bar), self->cancel);
  adw_header_bar_pack_end (ADW_HEADER_BAR (bar), self->next);
  return bar;
}

static void
ct_import_dialog_init (CtImportDialog *self)
{
  GtkWidget *outer = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0),
            *inner = gtk_box_new (GTK_ORIENTATION_VERTICAL, 18);
  GtkWidget *scrolled = gtk_scrolled_window_new (), *clamp = adw_clamp_new ();

  self->profiles = g_ptr_array_new_with_free_func (g_free);
  self->body = GTK_BOX (gtk_box_new (GTK_ORIENTATION_VERTICAL, 18));
  self->progress = GTK_PROGRESS_BAR (gtk_progress_bar_new ());
  gtk_progress_bar_set_show_text (self->progress, TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->progress), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Progress of the import"), -1);
  gtk_box_append (GTK_BOX (outer), make_bar (self));
  gtk_box_append (GTK_BOX (inner), make_choices (self));
  gtk_box_append (GTK_BOX (inner), GTK_WIDGET (self->progress));
  gtk_box_append (GTK_BOX (inner), GTK_WIDGET (self->body));
  gtk_widget_set_margin_top (inner, 18);
  gtk_widget_set_margin_bottom (inner, 18);
  gtk_widget_set_margin_start (inner, 12);
  gtk_widget_set_margin_end (inner, 12);
  adw_clamp_set_child (ADW_CLAMP (clamp), inner);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), clamp);
  gtk_widget_set_vexpand (scrolled, TRUE);
  gtk_box_append (GTK_BOX (outer), scrolled);
  adw_window_set_content (ADW_WINDOW (self), outer);
  gtk_window_set_default_size (GTK_WINDOW (self), 680, 680);
  gtk_window_set_modal (GTK_WINDOW (self), TRUE);
  set_step (self, STEP_CHOOSE);
  g_signal_connect (self->profile, "notify::selected", G_CALLBACK (choice_changed_cb), self);
  g_signal_connect (self->encoding, "notify::selected", G_CALLBACK (choice_changed_cb), self);
}

/* @folder: (nullable): shown at once */
void
ct_import_dialog_open (gpointer widget, CtWorkspace *workspace, const char *folder)
{
  CtImportDialog *self = g_object_new (CT_TYPE_IMPORT_DIALOG, "transient-for", gtk_widget_get_root (widget),
                                       "title", _ ("Import CSV Files"), NULL);
  g_autofree char *name = g_uuid_string_random ();
  g_autofree char *file = g_strdup_printf ("control-tower-refused-%s.csv", name);

  self->workspace = g_object_ref (workspace);
  g_mkdir_with_parents (g_get_user_runtime_dir (), 0700);
  self->report = g_build_filename (g_get_user_runtime_dir (), file, NULL);
  gtk_window_present (GTK_WINDOW (self));
  if (folder)
    take_folder (self, folder);
}
