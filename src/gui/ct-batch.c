#include "ct-batch.h"
#include "ct-format.h"

/* Longer work than this says how far it is. */
#define PATIENCE_MS 600
/* A report names so many problems; the rest is a number. */
#define MOST_NAMED 200

typedef struct {
  gint64 n;
  CtId id;
  gboolean has_id;
  char *number; /* (owned) */
} Item;

typedef struct {
  CtPage *page;           /* (owned) */
  CtWorkspace *workspace; /* (owned) */
  const CtBatchKind *kind;
  JsonObject *args; /* (owned): those that all items share */
  GSourceFunc done;
  gpointer data;
  char *wanted;  /* (owned): the numbers as JSON */
  GArray *items; /* (owned) (element-type Item) */
  guint next;    /* of the items */
  guint n_done;
  GPtrArray *problems; /* (owned) (element-type utf8): "EXC-1: why" */
  GCancellable *cancellable;
  guint progress_source;
  AdwMessageDialog *dialog; /* (unowned) (nullable) */
  GtkProgressBar *bar;      /* (unowned) (nullable) */
} Batch;

static void step (Batch *batch);

static void
item_clear (gpointer data)
{
  g_free (((Item *) data)->number);
}

static void
batch_free (Batch *batch)
{
  g_clear_handle_id (&batch->progress_source, g_source_remove);
  if (batch->dialog)
    gtk_window_destroy (GTK_WINDOW (batch->dialog));
  g_object_unref (batch->page);
  g_object_unref (batch->workspace);
  json_object_unref (batch->args);
  g_free (batch->wanted);
  g_array_unref (batch->items);
  g_ptr_array_unref (batch->problems);
  g_object_unref (batch->cancellable);
  g_free (batch);
}

/* --- report --------------------------------------------------------------------------------------------------- */

static GtkWidget *
make_report (Batch *batch)
{
  GtkWidget *list = gtk_list_box_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  for (guint i = 0; i < batch->problems->len; i++) {
    GtkWidget *label = gtk_label_new (batch->problems->pdata[i]);

    gtk_label_set_wrap (GTK_LABEL (label), TRUE);
    gtk_label_set_xalign (GTK_LABEL (label), 0);
    gtk_label_set_selectable (GTK_LABEL (label), TRUE);
    gtk_widget_add_css_class (label, "ct-fact");
    gtk_list_box_append (GTK_LIST_BOX (list), label);
  }
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scrolled), 360);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), list);
  return scrolled;
}

static void
report_problems (Batch *batch, guint failed)
{
  g_autofree char *heading = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%u of %u could not be done", "%u of %u could not be done", failed),
      failed, batch->items->len);
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (batch->page))),
                                              heading, batch->n_done ? _ ("The others are done.") : NULL);

  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  adw_message_dialog_set_extra_child (ADW_MESSAGE_DIALOG (dialog), make_report (batch));
  gtk_window_present (GTK_WINDOW (dialog));
}

/* The words come from the table of the page. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
report_done (Batch *batch)
{
  g_autofree char *count = ct_format_count (batch->n_done);

  if (batch->items->len == 1)
    ct_page_toast (batch->page, batch->kind->undoable, _ (batch->kind->one_done),
                   g_array_index (batch->items, Item, 0).number);
  else
    ct_page_toast (batch->page, FALSE, _ (batch->kind->all_done), count);
}
#pragma GCC diagnostic pop

static void
finish (Batch *batch)
{
  guint failed = batch->next - batch->n_done;

  if (batch->dialog) {
    gtk_window_destroy (GTK_WINDOW (batch->dialog));
    batch->dialog = NULL;
  }
  if (gtk_widget_get_root (GTK_WIDGET (batch->page))) {
    if (failed)
      report_problems (batch, failed);
    else if (batch->n_done)
      report_done (batch);
    if (batch->n_done && batch->done)
      batch->done (batch->data);
  }
  batch_free (batch);
}

/* --- progress ------------------------------------------------------------------------------------------------- */

static void
stop_cb (AdwMessageDialog *dialog, const char *response, Batch *batch)
{
  batch->dialog = NULL;
  g_cancellable_cancel (batch->cancellable);
}

static gboolean
progress_cb (gpointer data)
{
  Batch *batch = data;
  g_autofree char *text = NULL;

  if (!gtk_widget_get_root (GTK_WIDGET (batch->page)))
    return G_SOURCE_CONTINUE;
  if (!batch->dialog) {
    batch->dialog = ADW_MESSAGE_DIALOG (
        adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (batch->page))), _ ("Working…"),
                                _ ("What is done stays done when you stop.")));
    batch->bar = GTK_PROGRESS_BAR (gtk_progress_bar_new ());
    gtk_progress_bar_set_show_text (batch->bar, TRUE);
    adw_message_dialog_set_extra_child (batch->dialog, GTK_WIDGET (batch->bar));
    adw_message_dialog_add_response (batch->dialog, "stop", _ ("_Stop"));
    g_signal_connect (batch->dialog, "response", G_CALLBACK (stop_cb), batch);
    gtk_window_present (GTK_WINDOW (batch->dialog));
  }
  text = g_strdup_printf (_ ("%u of %u"), batch->next, batch->items->len);
  gtk_progress_bar_set_text (batch->bar, text);
  gtk_progress_bar_set_fraction (batch->bar,
                                 batch->items->len ? (double) batch->next / batch->items->len : 0);
  return G_SOURCE_CONTINUE;
}

/* --- work ----------------------------------------------------------------------------------------------------- */

static void
note_problem (Batch *batch, const char *number, const char *why)
{
  if (batch->problems->len < MOST_NAMED)
    g_ptr_array_add (batch->problems, g_strdup_printf ("%s: %s", number, why));
}

static void
executed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Batch *batch = data;
  g_autoptr (GError) error = NULL;

  if (ct_workspace_execute_finish (CT_WORKSPACE (source), result, NULL, &error))
    batch->n_done++;
  else
    note_problem (batch, g_array_index (batch->items, Item, batch->next).number, error->message);
  batch->next++;
  step (batch);
}

static JsonObject *
args_for (Batch *batch, const Item *item)
{
  JsonObject *args = json_object_new ();
  g_autofree char *id = ct_id_to_string (&item->id);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init (&iter, batch->args);
  while (json_object_iter_next (&iter, &name, &node))
    json_object_set_member (args, name, json_node_copy (node));
  json_object_set_string_member (args, batch->kind->id_arg, id);
  return args;
}

static void
step (Batch *batch)
{
  while (batch->next < batch->items->len && !g_cancellable_is_cancelled (batch->cancellable)) {
    Item *item = &g_array_index (batch->items, Item, batch->next);
    g_autoptr (JsonObject) args = NULL;

    if (item->has_id) {
      args = args_for (batch, item);
      ct_workspace_execute_async (batch->workspace, batch->kind->command, args, NULL, executed_cb, batch);
      return;
    }
    note_problem (batch, item->number, _ (batch->kind->no_id));
    batch->next++;
  }
  finish (batch);
}

static gboolean
read_ids_cb (CtDb *db, gpointer data, GError **error)
{
  Batch *batch = data;
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, batch->kind->ids_sql, "s", batch->wanted);

  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    Item item = { .n = ct_stmt_int (stmt, 0) };

    item.has_id = ct_stmt_id (stmt, 1, &item.id);
    item.number = g_strdup (ct_stmt_text (stmt, 2));
    g_array_append_val (batch->items, item);
  }
  return ct_stmt_finish (stmt, error);
}

static void
ids_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Batch *batch = data;
  g_autoptr (GError) error = NULL;

  if (ct_store_job_finish (CT_STORE (source), result, &error)) {
    step (batch);
    return;
  }
  if (gtk_widget_get_root (GTK_WIDGET (batch->page)))
    ct_page_problem (batch->page, _ ("The rows cannot be read"), error);
  batch_free (batch);
}

static char *
numbers_to_json (GArray *numbers)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; i < numbers->len; i++)
    g_string_append_printf (json, "%s%" G_GINT64_FORMAT, i ? "," : "", g_array_index (numbers, gint64, i));
  return g_string_free (g_string_append_c (json, ']'), FALSE);
}

/**
 * ct_batch_run:
 * @kind: (transfer none): static
 * @numbers: (element-type gint64): n of the rows
 * @args: what all commands share; the id is added to each
 * @done: (nullable): called once at the end where anything was done
 *
 * Executes the command for each row, one after the other, and says what came of it.
 */
void
ct_batch_run (CtPage *page, const CtBatchKind *kind, GArray *numbers, JsonObject *args, GSourceFunc done,
              gpointer data)
{
  Batch *batch = g_new0 (Batch, 1);

  batch->page = g_object_ref (page);
  batch->workspace = g_object_ref (ct_page_get_workspace (page));
  batch->kind = kind;
  batch->args = json_object_ref (args);
  batch->done = done;
  batch->data = data;
  batch->wanted = numbers_to_json (numbers);
  batch->items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_array_set_clear_func (batch->items, item_clear);
  batch->problems = g_ptr_array_new_with_free_func (g_free);
  batch->cancellable = g_cancellable_new ();
  batch->progress_source = g_timeout_add (PATIENCE_MS, progress_cb, batch);
  ct_store_read_async (ct_workspace_get_store (batch->workspace), read_ids_cb, batch, NULL,
                       batch->cancellable, ids_read_cb, batch);
}
