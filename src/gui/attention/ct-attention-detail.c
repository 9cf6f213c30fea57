#include "ct-attention-detail.h"
#include "ct-format.h"
#include "ct-workspace-attention.h"
#include "records/ct-record-labels.h"

typedef struct {
  CtDetail *detail;          /* (owned) */
  CtWorkspace *workspace;    /* (owned) */
  GCancellable *cancellable; /* (owned) */
  gint64 seq;
  JsonObject *item; /* (owned) (nullable) */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->detail);
  g_object_unref (job->workspace);
  g_object_unref (job->cancellable);
  g_clear_pointer (&job->item, json_object_unref);
  g_free (job);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Job *job = data;

  job->item = ct_attention_describe (db, job->seq, ct_workspace_get_zone (job->workspace), error);
  return job->item != NULL;
}

/* --- both values ---------------------------------------------------------------------------------------------- */

static GtkWidget *
make_label (const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  if (style)
    gtk_widget_add_css_class (label, style);
  return label;
}

static GtkWidget *
make_side (const char *whose, const char *value, const char *style)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2), *name = make_label (whose, "caption");
  GtkWidget *text = make_label (value, NULL);

  gtk_widget_add_css_class (name, "dim-label");
  gtk_label_set_selectable (GTK_LABEL (text), TRUE);
  gtk_widget_set_can_focus (text, FALSE);
  gtk_widget_add_css_class (box, "ct-side");
  gtk_widget_add_css_class (box, style);
  gtk_widget_set_hexpand (box, TRUE);
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), text);
  return box;
}

/* A column's name, yours and theirs beside each other, and what was there before. */
static GtkWidget *
make_pair (JsonObject *column)
{
  const char *label = ct_record_label (ct_json_string (column, "label", ""));
  const char *mine = ct_json_string (column, "mineText", "—"),
             *theirs = ct_json_string (column, "theirsText", "—"),
             *base = ct_json_string (column, "baseText", "—");
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 4),
            *sides = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 8);
  g_autofree char *before = g_strdup_printf (_ ("Before both: %s"), base);
  g_autofree char *said =
      g_strdup_printf (_ ("%s: yours %s, theirs %s, before both %s"), label, mine, theirs, base);
  GtkWidget *below = make_label (before, "caption");

  gtk_box_set_homogeneous (GTK_BOX (sides), TRUE);
  gtk_box_append (GTK_BOX (sides), make_side (_ ("Yours"), mine, "ct-mine"));
  gtk_box_append (GTK_BOX (sides), make_side (_ ("Theirs, on the server"), theirs, "ct-theirs"));
  gtk_widget_add_css_class (below, "dim-label");
  gtk_widget_set_margin_top (box, 6);
  gtk_box_append (GTK_BOX (box), make_label (label, "caption-heading"));
  gtk_box_append (GTK_BOX (box), sides);
  gtk_box_append (GTK_BOX (box), below);
  gtk_accessible_update_property (GTK_ACCESSIBLE (sides), GTK_ACCESSIBLE_PROPERTY_LABEL, said, -1);
  return box;
}

/* What a command gave, where there is nothing to hold it against. */
static void
show_given (Job *job)
{
  JsonArray *fields =
      ct_json_array (job->item, ct_json_bool (job->item, "signed", FALSE) ? "given" : "fields");

  if (json_array_get_length (fields) > 0)
    ct_detail_add_section (job->detail, _ ("What you gave"));
  for (guint i = 0; i < json_array_get_length (fields); i++) {
    JsonObject *field = json_array_get_object_element (fields, i);

    ct_detail_add_fact (job->detail, ct_record_label (ct_json_string (field, "label", "")),
                        ct_json_string (field, "value", ""), NULL, NULL);
  }
}

static void
show_columns (Job *job)
{
  JsonArray *columns = ct_json_array (job->item, "columns");
  const char *record = NULL;

  if (json_array_get_length (columns) == 0) {
    show_given (job);
    return;
  }
  for (guint i = 0; i < json_array_get_length (columns); i++) {
    JsonObject *column = json_array_get_object_element (columns, i);
    const char *of = ct_json_string (column, "record", "");

    if (g_strcmp0 (of, record) != 0)
      ct_detail_add_section (job->detail, g_strcmp0 (of, ct_json_string (job->item, "object", NULL)) == 0
                                              ? _ ("Both values")
                                              : of);
    record = of;
    if (ct_json_bool (column, "gone", FALSE))
      ct_detail_add_text (job->detail, _ ("It is not there any more, or you may no longer see it."), NULL);
    else
      ct_detail_add_widget (job->detail, make_pair (column));
  }
}

/* --- the pane ------------------------------------------------------------------------------------------------- */

static void
add_time (Job *job, const char *label, const char *member)
{
  g_autofree char *text = NULL;
  gint64 at;

  if (ct_time_parse (ct_json_string (job->item, member, ""), &at))
    text = ct_format_full_time (at, ct_workspace_get_zone (job->workspace));
  ct_detail_add_fact (job->detail, label, text, NULL, NULL);
}

static void
show (Job *job)
{
  JsonObject *item = job->item;
  const char *object = ct_json_string (item, "object", "");
  CtId id;

  ct_detail_begin (job->detail, object, ct_json_string (item, "summary", ""));
  ct_detail_add_badge (job->detail, ct_json_string (item, "reason", ""), "ct-high");
  /* of a conflict the values say all; else the words are the server's or the handler's */
  if (g_strcmp0 (ct_json_string (item, "code", ""), "conflict") != 0)
    ct_detail_add_text (job->detail, ct_json_string (item, "detail", ""), "dim-label");
  show_columns (job);
  ct_detail_add_section (job->detail, _ ("The change"));
  ct_detail_add_fact (job->detail, _ ("Who"), ct_json_string (item, "actor", NULL), NULL, NULL);
  add_time (job, _ ("When"), "occurredAt");
  add_time (job, _ ("Waits since"), "sinceAt");
  add_time (job, _ ("Decided"), "settledAt");
  if (ct_id_parse (ct_json_string (item, "objectId", ""), &id))
    ct_detail_add_link (job->detail, _ ("About"), object, ct_json_string (item, "objectType", ""), &id);
  ct_detail_end (job->detail);
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);

  if (g_cancellable_is_cancelled (job->cancellable))
    return;
  if (ok) {
    show (job);
    return;
  }
  ct_detail_begin (job->detail, "", _ ("This change cannot be shown"));
  ct_detail_add_text (job->detail, error->message, NULL);
  ct_detail_end (job->detail);
}

void
ct_attention_detail_show (CtDetail *detail, CtWorkspace *workspace, gint64 seq, GCancellable *cancellable)
{
  Job *job = g_new0 (Job, 1);

  job->detail = g_object_ref (detail);
  job->workspace = g_object_ref (workspace);
  job->cancellable = g_object_ref (cancellable);
  job->seq = seq;
  ct_store_read_async (ct_workspace_get_store (workspace), read_cb, job, job_free, cancellable, read_done_cb,
                       NULL);
}
