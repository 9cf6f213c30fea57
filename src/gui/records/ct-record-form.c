#include "ct-record-form.h"
#include "ct-problem-row.h"
#include "ct-record-labels.h"
#include "ct-record-picker.h"
#include "ct-rows.h"
#include "ct-vocabulary.h"

#include <string.h>

#define CT_TYPE_RECORD_FORM (ct_record_form_get_type ())
G_DECLARE_FINAL_TYPE (CtRecordForm, ct_record_form, CT, RECORD_FORM, AdwWindow)

/* A field on the screen: its row, and below it the line that says what is wrong. */
typedef struct {
  const CtField *field;
  const CtKindField *more; /* (nullable) */
  GtkWidget *row, *problem;
} Entry;

struct _CtRecordForm {
  AdwWindow parent_instance;
  CtPage *page; /* (owned) */
  const CtRecordKind *kind;
  gint64 n;           /* -1: a new one */
  JsonObject *before; /* (owned) (nullable): as it was read */
  GArray *entries;    /* (owned) (element-type Entry) */
  GtkWidget *save;
  AdwPreferencesPage *fields;
  GCancellable *cancellable; /* (owned) */
  gboolean saving;
};

G_DEFINE_FINAL_TYPE (CtRecordForm, ct_record_form, ADW_TYPE_WINDOW)

/* --- entries -------------------------------------------------------------------------------------------------- */

static gboolean
is_choice (const Entry *entry)
{
  return entry->more && entry->more->choices;
}

static gboolean
is_picker (const Entry *entry)
{
  return entry->field->type == 'k';
}

static const char *
text_of (const Entry *entry)
{
  if (is_picker (entry))
    return ct_record_picker_get_id (entry->row);
  if (entry->field->type == 'b')
    return adw_action_row_get_activatable_widget (ADW_ACTION_ROW (entry->row)) &&
                   gtk_switch_get_active (
                       GTK_SWITCH (adw_action_row_get_activatable_widget (ADW_ACTION_ROW (entry->row))))
               ? "1"
               : "";
  if (is_choice (entry))
    return entry->more->choices[adw_combo_row_get_selected (ADW_COMBO_ROW (entry->row))];
  return gtk_editable_get_text (GTK_EDITABLE (entry->row));
}

static const char *
currency_of (CtRecordForm *self)
{
  for (guint i = 0; i < self->entries->len; i++) {
    const Entry *entry = &g_array_index (self->entries, Entry, i);

    if (strcmp (entry->field->column, "currency") == 0 && ct_currency_valid (text_of (entry)))
      return text_of (entry);
  }
  return "EUR";
}

/* (nullable): what is wrong with an amount */
static const char *
problem_of_amount (const char *text, int digits)
{
  gint64 value;

  if (ct_decimal_is_finer (text, digits))
    return _ ("The currency has fewer digits after the decimal point");
  return ct_decimal_parse (text, digits, &value) && value >= 0 ? NULL
                                                               : _ ("An amount such as 1250.50 is needed");
}

/* (nullable): what is wrong with what stands in the entry */
static const char *
problem_of (CtRecordForm *self, const Entry *entry)
{
  const char *text = text_of (entry);
  gint64 value;

  if (ct_text_is_blank (text))
    return entry->field->required ? _ ("This is needed") : NULL;
  if (ct_record_is_money (entry->field))
    return problem_of_amount (text, ct_currency_digits (currency_of (self)));
  switch (entry->field->type) {
  case 'i':
    return ct_decimal_parse (text, 0, &value) ? NULL : _ ("A whole number is needed");
  case 'd':
    return ct_date_valid (text) ? NULL : _ ("A date such as 2026-06-03 is needed");
  case 't':
    return ct_time_parse (text, &value) ? NULL : _ ("A time such as 2026-06-03T14:00:00Z is needed");
  case 'm':
    return ct_currency_valid (text) ? NULL : _ ("Three capital letters such as EUR are needed");
  default:
    return NULL;
  }
}

static void
changed_cb (GtkWidget *row, GParamSpec *pspec, CtRecordForm *self)
{
  for (guint i = 0; i < self->entries->len; i++) {
    Entry *entry = &g_array_index (self->entries, Entry, i);

    if (entry->row == row)
      ct_problem_row_say (entry->problem, row,
                          ct_text_is_blank (text_of (entry)) ? NULL : problem_of (self, entry));
  }
}

/* --- dates ---------------------------------------------------------------------------------------------------- */

static void
day_selected_cb (GtkCalendar *calendar, GtkEditable *row)
{
  g_autoptr (GDateTime) date = gtk_calendar_get_date (calendar);
  g_autofree char *text = g_date_time_format (date, "%Y-%m-%d");

  gtk_editable_set_text (row, text);
}

static void
add_calendar (GtkWidget *row)
{
  GtkWidget *button = gtk_menu_button_new (), *popover = gtk_popover_new (), *calendar = gtk_calendar_new ();

  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (button), "x-office-calendar-symbolic");
  gtk_widget_set_tooltip_text (button, _ ("Choose a day"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_popover_set_child (GTK_POPOVER (popover), calendar);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), popover);
  g_signal_connect (calendar, "day-selected", G_CALLBACK (day_selected_cb), row);
  adw_entry_row_add_suffix (ADW_ENTRY_ROW (row), button);
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

static GtkWidget *
make_choice (const Entry *entry)
{
  GtkWidget *row = adw_combo_row_new ();
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);

  for (const char *const *choice = entry->more->choices; *choice; choice++)
    gtk_string_list_append (labels, ct_state_label (*choice));
  adw_combo_row_set_model (ADW_COMBO_ROW (row), G_LIST_MODEL (labels));
  adw_combo_row_set_selected (ADW_COMBO_ROW (row),
                              (guint) MAX (0, ct_text_index (entry->more->choices, entry->more->fallback)));
  return row;
}

static GtkWidget *
make_row (CtRecordForm *self, const Entry *entry)
{
  GtkWidget *row;

  if (is_picker (entry))
    return ct_record_picker_new (ct_page_get_workspace (self->page), entry->field->refers);
  if (is_choice (entry))
    return make_choice (entry);
  if (entry->field->type == 'b') {
    GtkWidget *toggle = gtk_switch_new ();

    row = adw_action_row_new ();
    gtk_widget_set_valign (toggle, GTK_ALIGN_CENTER);
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), toggle);
    adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), toggle);
    return row;
  }
  row = adw_entry_row_new ();
  if (entry->field->type == 'd')
    add_calendar (row);
  g_signal_connect (row, "notify::text", G_CALLBACK (changed_cb), self);
  return row;
}

static void
add_entries (CtRecordForm *self)
{
  AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());

  for (const CtField *field = self->kind->fields; field->column; field++) {
    Entry entry = { field, ct_record_kind_field (self->kind->name, field->column), NULL, NULL };
    g_autofree char *title = NULL;

    if (field->type == 'j')
      continue;
    entry.row = make_row (self, &entry);
    entry.problem = ct_problem_row_new ();
    title = field->required ? g_strdup_printf (_ ("%s (needed)"), ct_record_label (field->column))
                            : g_strdup (ct_record_label (field->column));
    adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (entry.row), FALSE);
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (entry.row), title);
    if (strcmp (field->column, "currency") == 0 && self->n < 0)
      gtk_editable_set_text (GTK_EDITABLE (entry.row), "EUR");
    g_array_append_val (self->entries, entry);
    adw_preferences_group_add (group, entry.row);
    adw_preferences_group_add (group, entry.problem);
  }
  adw_preferences_page_add (self->fields, group);
}

/* --- reading and saving --------------------------------------------------------------------------------------- */

/* (transfer full): the text an entry shows for a stored value */
static char *
text_of_value (CtRecordForm *self, const CtField *field)
{
  JsonNode *node = json_object_get_member (self->before, field->column);
  gint64 number = ct_json_int (self->before, field->column, 0);

  if (!node || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("");
  if (ct_record_is_money (field))
    return ct_decimal_format (number, ct_currency_digits (ct_json_string (self->before, "currency", "EUR")));
  if (field->type == 't')
    return ct_time_format (number);
  if (field->type == 'i' || field->type == 'b')
    return g_strdup_printf ("%" G_GINT64_FORMAT, number);
  return g_strdup (json_node_get_string (node));
}

static void
fill (CtRecordForm *self)
{
  for (guint i = 0; i < self->entries->len; i++) {
    Entry *entry = &g_array_index (self->entries, Entry, i);
    g_autofree char *text = text_of_value (self, entry->field);

    if (is_picker (entry))
      ct_record_picker_set (entry->row, text, ct_json_string (self->before, "picked", ""));
    else if (entry->field->type == 'b')
      gtk_switch_set_active (GTK_SWITCH (adw_action_row_get_activatable_widget (ADW_ACTION_ROW (entry->row))),
                             strcmp (text, "1") == 0);
    else if (is_choice (entry))
      adw_combo_row_set_selected (ADW_COMBO_ROW (entry->row),
                                  (guint) MAX (0, ct_text_index (entry->more->choices, text)));
    else
      gtk_editable_set_text (GTK_EDITABLE (entry->row), text);
  }
  gtk_widget_set_sensitive (GTK_WIDGET (self->fields), TRUE);
  gtk_widget_set_sensitive (self->save, TRUE);
}

typedef struct {
  CtRecordForm *form; /* (owned) */
  JsonObject *record; /* (owned) (nullable) */
} ReadJob;

static void
read_job_free (gpointer data)
{
  ReadJob *job = data;

  g_object_unref (job->form);
  g_clear_pointer (&job->record, json_object_unref);
  g_free (job);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  ReadJob *job = data;
  const CtRecordKind *kind = job->form->kind;
  g_autoptr (GString) sql = g_string_new ("SELECT uuid_text(r.id) id, r.number, r.rev");

  for (const CtField *field = kind->fields; field->column; field++) {
    g_string_append_printf (sql, field->type == 'k' ? ", uuid_text(r.%s) %s" : ", r.%s", field->column,
                            field->column);
    if (field->type == 'k' && field->required)
      g_string_append_printf (sql, ", (SELECT p.number FROM %s p WHERE p.id = r.%s) picked", field->refers,
                              field->column);
  }
  g_string_append_printf (sql, " FROM %s r WHERE r.n = ?1", kind->table);
  job->record = ct_rows_one (db, error, sql->str, "i", job->form->n);
  return job->record != NULL;
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ReadJob *job = ct_store_job_data (result);
  CtRecordForm *self = job->form;
  g_autoptr (GError) error = NULL;
  g_autofree char *title = NULL;

  if (!ct_store_job_finish (CT_STORE (source), result, &error)) {
    ct_page_problem (self->page, _ ("The record cannot be read"), error);
    if (!g_cancellable_is_cancelled (self->cancellable))
      gtk_window_close (GTK_WINDOW (self));
    return;
  }
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  self->before = g_steal_pointer (&job->record);
  title = g_strdup_printf (_ ("Edit %s"), ct_json_string (self->before, "number", ""));
  gtk_window_set_title (GTK_WINDOW (self), title);
  fill (self);
}

static JsonNode *
value_of (CtRecordForm *self, const Entry *entry)
{
  const char *text = text_of (entry);
  JsonNode *node = json_node_alloc ();
  gint64 value = 0;

  if (entry->field->type == 'b')
    return json_node_init_boolean (node, *text != '\0');
  if (ct_text_is_blank (text) &&
      (entry->field->type != 's' || (entry->more && entry->more->absence == CT_FIELD_NULLABLE)))
    return json_node_init_null (node);
  if (entry->field->type != 'i')
    return json_node_init_string (node, text);
  ct_decimal_parse (text, ct_record_is_money (entry->field) ? ct_currency_digits (currency_of (self)) : 0,
                    &value);
  return json_node_init_int (node, value);
}

/* Whether all entries are right; the first wrong one gets the keyboard. */
static gboolean
check (CtRecordForm *self)
{
  GtkWidget *first = NULL;

  for (guint i = 0; i < self->entries->len; i++) {
    Entry *entry = &g_array_index (self->entries, Entry, i);
    const char *problem = problem_of (self, entry);

    ct_problem_row_say (entry->problem, entry->row, problem);
    if (problem && !first)
      first = entry->row;
  }
  if (first)
    gtk_widget_grab_focus (first);
  return !first;
}

static JsonObject *
collect (CtRecordForm *self)
{
  JsonObject *args = json_object_new ();
  gboolean money_again =
      self->before && strcmp (currency_of (self), ct_json_string (self->before, "currency", "EUR")) != 0;

  for (guint i = 0; i < self->entries->len; i++) {
    const Entry *entry = &g_array_index (self->entries, Entry, i);
    g_autofree char *was = self->before ? text_of_value (self, entry->field) : NULL;
    const char *text = text_of (entry);

    if (self->before ? strcmp (was, text) == 0 && !(money_again && ct_record_is_money (entry->field))
                     : ct_text_is_blank (text))
      continue;
    /* a number or amount without a value is zero where the table wants one */
    if (ct_text_is_blank (text) && entry->field->type == 'i' &&
        !(entry->more && entry->more->absence == CT_FIELD_NULLABLE))
      json_object_set_int_member (args, entry->field->column, 0);
    else
      json_object_set_member (args, entry->field->column, value_of (self, entry));
  }
  return args;
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtRecordForm) self = data;
  g_auto (CtOutcome) outcome = { 0 };
  g_autoptr (GError) error = NULL;
  const char *number;

  self->saving = FALSE;
  if (!ct_workspace_execute_finish (CT_WORKSPACE (source), result, &outcome, &error)) {
    gtk_widget_set_sensitive (self->save, TRUE);
    ct_page_problem (gtk_widget_get_root (self->save) ? (gpointer) self : (gpointer) self->page,
                     _ ("This cannot be saved"), error);
    return;
  }
  number = ct_json_string (self->before ? self->before : outcome.result, "number", "");
  ct_page_toast (self->page, TRUE, self->before ? _ ("%s is saved") : _ ("%s is made"), number);
  if (!self->before && outcome.result)
    gtk_widget_activate_action (GTK_WIDGET (self->page), "win.record", "(ss)", self->kind->name,
                                ct_json_string (outcome.result, "id", ""));
  gtk_window_close (GTK_WINDOW (self));
}

static void
save_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtRecordForm *self = CT_RECORD_FORM (widget);
  g_autoptr (JsonObject) args = NULL;
  g_autofree char *command = NULL;

  if (self->saving || (self->n >= 0 && !self->before) || !check (self))
    return;
  args = collect (self);
  if (self->before && json_object_get_size (args) == 0) {
    gtk_window_close (GTK_WINDOW (self));
    return;
  }
  if (self->before) {
    json_object_set_string_member (args, "id", ct_json_string (self->before, "id", ""));
    json_object_set_int_member (args, "expected_rev", ct_json_int (self->before, "rev", 0));
  }
  command = g_strdup_printf ("%s.%s", self->kind->name, self->before ? "edit" : "create");
  self->saving = TRUE;
  gtk_widget_set_sensitive (self->save, FALSE);
  ct_workspace_execute_async (ct_page_get_workspace (self->page), command, args, NULL, saved_cb,
                              g_object_ref (self));
}

/* --- window --------------------------------------------------------------------------------------------------- */

static void
ct_record_form_dispose (GObject *object)
{
  CtRecordForm *self = CT_RECORD_FORM (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->page);
  G_OBJECT_CLASS (ct_record_form_parent_class)->dispose (object);
}

static void
ct_record_form_finalize (GObject *object)
{
  CtRecordForm *self = CT_RECORD_FORM (object);

  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->before, json_object_unref);
  g_array_unref (self->entries);
  G_OBJECT_CLASS (ct_record_form_parent_class)->finalize (object);
}

static void
ct_record_form_class_init (CtRecordFormClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_record_form_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_record_form_finalize;
  gtk_widget_class_install_action (widget_class, "form.save", NULL, save_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_s, GDK_CONTROL_MASK, "form.save", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
ct_record_form_init (CtRecordForm *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *bar = adw_header_bar_new ();
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_ ("_Cancel"));

  self->cancellable = g_cancellable_new ();
  self->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  self->save = gtk_button_new_with_mnemonic (_ ("_Save"));
  gtk_widget_set_tooltip_text (self->save, _ ("Save (Ctrl+S)"));
  gtk_widget_add_css_class (self->save, "suggested-action");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->save), "form.save");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (cancel), "window.close");
  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (bar), FALSE);
  adw_header_bar_set_show_start_title_buttons (ADW_HEADER_BAR (bar), FALSE);
  adw_header_bar_pack_start (ADW_HEADER_BAR (bar), cancel);
  adw_header_bar_pack_end (ADW_HEADER_BAR (bar), self->save);
  self->fields = ADW_PREFERENCES_PAGE (adw_preferences_page_new ());
  gtk_widget_set_vexpand (GTK_WIDGET (self->fields), TRUE);
  gtk_box_append (GTK_BOX (box), bar);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->fields));
  adw_window_set_content (ADW_WINDOW (self), box);
  gtk_window_set_default_size (GTK_WINDOW (self), 560, 640);
  gtk_window_set_modal (GTK_WINDOW (self), TRUE);
}

static const char *
new_title (const char *kind)
{
  if (g_strcmp0 (kind, "order") == 0)
    return _ ("New Order");
  return g_strcmp0 (kind, "distributor") == 0 ? _ ("New Distributor") : _ ("New Record");
}

void
ct_record_form_open (CtPage *page, const char *kind, gint64 n)
{
  CtRecordForm *self =
      g_object_new (CT_TYPE_RECORD_FORM, "transient-for", gtk_widget_get_root (GTK_WIDGET (page)), "title",
                    new_title (kind), NULL);

  self->page = g_object_ref (page);
  self->kind = ct_record_kind (kind);
  self->n = n;
  add_entries (self);
  if (n >= 0) {
    ReadJob *job = g_new0 (ReadJob, 1);

    job->form = g_object_ref (self);
    gtk_widget_set_sensitive (GTK_WIDGET (self->fields), FALSE);
    gtk_widget_set_sensitive (self->save, FALSE);
    ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), read_cb, job, read_job_free,
                         NULL, read_done_cb, NULL);
  }
  gtk_window_present (GTK_WINDOW (self));
  gtk_widget_grab_focus (g_array_index (self->entries, Entry, 0).row);
}
