#include "ct-record-detail.h"
#include "ct-format.h"
#include "ct-record-labels.h"
#include "ct-rows.h"
#include "ct-story.h"
#include "ct-vocabulary.h"

#include <string.h>

#define MOST_EVENTS 25
#define MOST_ROWS   50

typedef struct {
  const CtRecordDetail *def;
  CtDetail *detail;       /* (owned) */
  CtPage *page;           /* (owned) */
  CtWorkspace *workspace; /* (owned) */
  gint64 n;
  JsonObject *record;  /* (owned) (nullable) */
  GPtrArray *sections; /* (owned) (element-type JsonArray) */
  CtStory *story;      /* (owned) (nullable) */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->detail);
  g_object_unref (job->page);
  g_object_unref (job->workspace);
  g_clear_pointer (&job->record, json_object_unref);
  g_clear_pointer (&job->story, ct_story_free);
  g_ptr_array_unref (job->sections);
  g_free (job);
}

static char *
record_sql (const CtRecordDetail *def)
{
  const CtRecordKind *kind = ct_record_kind (def->kind);
  GString *sql = g_string_new ("SELECT uuid_text(r.id) id, r.number, r.archived_at, ");

  for (const CtField *field = kind->fields; field->column; field++)
    if (field->type != 'k' && field->type != 'j')
      g_string_append_printf (sql, "r.%s, ", field->column);
  g_string_append_printf (sql, "%s AS title FROM %s r %s WHERE r.n = ?1", def->title, kind->table,
                          def->joins);
  return g_string_free (sql, FALSE);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Job *job = data;
  g_autofree char *sql = record_sql (job->def);

  job->record = ct_rows_one (db, error, sql, "i", job->n);
  if (!job->record)
    return FALSE;
  for (const CtRecordSection *section = job->def->sections; section->title; section++) {
    g_autofree char *limited = g_strdup_printf ("SELECT * FROM (%s) LIMIT %d", section->sql, MOST_ROWS);
    JsonArray *rows = ct_rows_array (db, error, limited, "i", job->n);

    if (!rows)
      return FALSE;
    g_ptr_array_add (job->sections, rows);
  }
  job->story = ct_story_read (db, MOST_EVENTS, error, job->def->story, job->n);
  return job->story != NULL;
}

/* --- the record's own fields ---------------------------------------------------------------------------------- */

static char *
field_text (Job *job, const CtField *field)
{
  const char *text = ct_json_string (job->record, field->column, NULL);
  gint64 number = ct_json_int (job->record, field->column, 0);

  if (ct_record_is_money (field))
    return number ? ct_format_money (number, ct_json_string (job->record, "currency", "EUR")) : NULL;
  switch (field->type) {
  case 'i':
    return number ? ct_format_count (number) : NULL;
  case 't':
    return number ? ct_format_full_time (number, ct_workspace_get_zone (job->workspace)) : NULL;
  case 'd':
    return text ? ct_format_date (text) : NULL;
  case 's':
    return g_strdup (ct_record_kind_field (job->def->kind, field->column) &&
                             ct_record_kind_field (job->def->kind, field->column)->choices
                         ? ct_state_label (text)
                         : text);
  default:
    return NULL;
  }
}

static void
show_fields (Job *job)
{
  const CtRecordKind *kind = ct_record_kind (job->def->kind);

  for (const CtField *field = kind->fields; field->column; field++) {
    g_autofree char *text = field_text (job, field);

    if (strcmp (field->column, "notes") != 0 && strcmp (field->column, "currency") != 0)
      ct_detail_add_fact (job->detail, ct_record_label (field->column), text, NULL, NULL);
  }
  if (*ct_json_string (job->record, "notes", "")) {
    ct_detail_add_section (job->detail, _ ("Notes"));
    ct_detail_add_text (job->detail, ct_json_string (job->record, "notes", ""), NULL);
  }
}

/* --- sections ------------------------------------------------------------------------------------------------- */

/* What goes into the second line, and how it is said there. */
static const struct {
  const char *column, *format;
} pieces[] = {
  { "author", "%s" },
  { "carrier", "%s" },
  { "tracking_number", "%s" },
  { "quantity", "%s" },
  { "promised_at", N_ ("promised %s") },
  { "eta_at", N_ ("expected %s") },
  { "delivered_at", N_ ("delivered %s") },
  { "happened_at", "%s" },
  { "place", "%s" },
  { "note", "%s" },
  { "issued_on", N_ ("issued %s") },
  { "due_on", N_ ("due %s") },
  { "paid_on", N_ ("paid %s") },
  { "expires_on", N_ ("expires %s") },
};

static char *
piece_text (Job *job, JsonObject *row, const char *column)
{
  if (!json_object_has_member (row, column) || json_object_get_null_member (row, column))
    return NULL;
  if (g_str_has_suffix (column, "_at"))
    return ct_format_time (ct_json_int (row, column, 0), ct_workspace_now (job->workspace),
                           ct_workspace_get_zone (job->workspace));
  if (g_str_has_suffix (column, "_on"))
    return ct_format_date (ct_json_string (row, column, ""));
  return g_strdup (ct_json_string (row, column, ""));
}

static char *
more_text (Job *job, JsonObject *row)
{
  GString *more = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    g_autofree char *text = piece_text (job, row, pieces[i].column);

    if (text && *text) {
      g_auto (GStrv) around = g_strsplit (_ (pieces[i].format), "%s", 2);

      g_string_append_printf (more, "%s%s%s%s", more->len ? " · " : "", around[0], text, around[1]);
    }
  }
  return g_string_free (more, FALSE);
}

static char *
value_text (JsonObject *row)
{
  const char *state = ct_json_string (row, "state", NULL), *text = ct_json_string (row, "text", NULL);
  GString *value = g_string_new (text);

  if (json_object_has_member (row, "money") && !json_object_get_null_member (row, "money")) {
    g_autofree char *money =
        ct_format_money (ct_json_int (row, "money", 0), ct_json_string (row, "currency", "EUR"));

    g_string_append_printf (value, "%s%s", value->len ? " · " : "", money);
  }
  if (state)
    g_string_append_printf (value, "%s%s", value->len ? " · " : "", ct_state_label (state));
  return g_string_free (value, FALSE);
}

static void
show_row (Job *job, JsonObject *row)
{
  const char *kind = ct_json_string (row, "link_kind", NULL), *label = ct_json_string (row, "label", "");
  g_autofree char *value = value_text (row), *more = more_text (job, row);
  CtId id;

  if (g_strcmp0 (kind, "exception") == 0)
    label = ct_blocker_label (label);
  if (kind && ct_id_parse (ct_json_string (row, "link_id", ""), &id))
    ct_detail_add_link (job->detail, label, value, kind, &id);
  else
    ct_detail_add_fact (job->detail, label, *value ? value : "—", more, NULL);
}

static void
show_sections (Job *job)
{
  for (guint i = 0; i < job->sections->len; i++) {
    JsonArray *rows = job->sections->pdata[i];

    if (json_array_get_length (rows) == 0)
      continue;
    ct_detail_add_section (job->detail, _ (job->def->sections[i].title));
    for (guint k = 0; k < json_array_get_length (rows); k++)
      show_row (job, json_array_get_object_element (rows, k));
  }
}

/* --- the pane ------------------------------------------------------------------------------------------------- */

static void
add_button (GtkWidget *box, Job *job, const char *label, const char *verb)
{
  g_autofree char *command = g_strdup_printf ("%s.%s", job->def->kind, verb);
  g_autofree char *action = g_strdup_printf ("records.%s", verb);
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  ct_page_gate (button, job->workspace, strcmp (verb, "note") == 0 ? "note.add" : command, NULL);
  if (gtk_widget_get_sensitive (button))
    gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_box_append (GTK_BOX (box), button);
}

static void
show_buttons (Job *job, gboolean archived)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  if (archived) {
    add_button (box, job, _ ("_Restore"), "restore");
  } else {
    add_button (box, job, _ ("_Edit"), "edit");
    add_button (box, job, _ ("Add a _Note"), "note");
    add_button (box, job, _ ("_Archive"), "archive");
  }
  gtk_widget_set_margin_top (box, 6);
  gtk_widget_set_margin_bottom (box, 6);
  ct_detail_add_widget (job->detail, box);
}

static void
show (Job *job)
{
  gboolean archived = json_object_has_member (job->record, "archived_at") &&
                      !json_object_get_null_member (job->record, "archived_at");

  ct_detail_begin (job->detail, ct_json_string (job->record, "number", ""),
                   ct_json_string (job->record, "title", ""));
  if (archived)
    ct_detail_add_badge (job->detail, _ ("Archived"), NULL);
  show_buttons (job, archived);
  show_fields (job);
  show_sections (job);
  ct_detail_add_section (job->detail, _ ("Timeline"));
  ct_story_show (job->story, job->detail, job->workspace);
  ct_detail_end (job->detail);
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GCancellable) cancellable = data;
  Job *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);

  if (g_cancellable_is_cancelled (cancellable))
    return;
  if (ok) {
    show (job);
    return;
  }
  ct_detail_begin (job->detail, "", _ ("This record cannot be shown"));
  ct_detail_add_text (job->detail, error->message, NULL);
  ct_detail_end (job->detail);
}

/**
 * ct_record_detail_show:
 * @def: lives as long as the program
 * @n: of the record
 *
 * Reads everything about the record off the main thread, then fills the pane.
 */
void
ct_record_detail_show (const CtRecordDetail *def, CtDetail *detail, CtPage *page, gint64 n,
                       GCancellable *cancellable)
{
  Job *job = g_new0 (Job, 1);

  job->def = def;
  job->detail = g_object_ref (detail);
  job->page = g_object_ref (page);
  job->workspace = g_object_ref (ct_page_get_workspace (page));
  job->n = n;
  job->sections = g_ptr_array_new_with_free_func ((GDestroyNotify) json_array_unref);
  ct_store_read_async (ct_workspace_get_store (job->workspace), read_cb, job, job_free, cancellable,
                       read_done_cb, g_object_ref (cancellable));
}
