#include "ct-records-page.h"
#include "ct-ask.h"
#include "ct-batch.h"
#include "ct-record-form.h"
#include "firstrun/ct-import-dialog.h"
#include "list/ct-list-view.h"

typedef struct {
  AdwFlap *flap;
  CtListView *list;
  CtDetail *detail;
  GtkButton *create;
  GCancellable *reading; /* (owned): of the record in the pane */
  guint refill_source;
} CtRecordsPagePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CtRecordsPage, ct_records_page, CT_TYPE_PAGE)

static CtRecordsPagePrivate *
private_of (gpointer self)
{
  return ct_records_page_get_instance_private (CT_RECORDS_PAGE (self));
}

static const CtRecordsDef *
def_of (gpointer self)
{
  return CT_RECORDS_PAGE_GET_CLASS (self)->def;
}

/* --- the pane ------------------------------------------------------------------------------------------------- */

static void
fill (CtRecordsPage *self)
{
  CtRecordsPagePrivate *priv = private_of (self);
  gint64 n = ct_list_view_get_current (priv->list);

  g_cancellable_cancel (priv->reading);
  g_object_unref (priv->reading);
  priv->reading = g_cancellable_new ();
  adw_flap_set_reveal_flap (priv->flap, n >= 0);
  if (n >= 0)
    ct_record_detail_show (def_of (self)->detail, priv->detail, CT_PAGE (self), n, priv->reading);
}

static void
current_cb (CtListView *list, CtRecordsPage *self)
{
  fill (self);
}

static void
close_cb (CtDetail *detail, CtRecordsPage *self)
{
  ct_list_view_set_current (private_of (self)->list, -1);
}

static gboolean
refill_cb (gpointer data)
{
  private_of (data)->refill_source = 0;
  if (ct_page_is_shown (CT_PAGE (data)))
    fill (data);
  return G_SOURCE_REMOVE;
}

/* The pane follows the data, a breath behind it. */
static void
changed_cb (CtStore *store, const char *const *tables, CtRecordsPage *self)
{
  CtRecordsPagePrivate *priv = private_of (self);

  if (!priv->refill_source && ct_list_view_get_current (priv->list) >= 0)
    priv->refill_source = g_timeout_add (250, refill_cb, self);
}

/* --- acts ----------------------------------------------------------------------------------------------------- */

static gboolean
done_cb (gpointer data)
{
  ct_list_view_clear_marks (private_of (data)->list);
  return G_SOURCE_REMOVE;
}

typedef enum { VERB_ARCHIVE, VERB_RESTORE, VERB_NOTE } Verb;

/* By table, then verb: SQL and command names are texts of the program, kept for its lifetime. */
static const struct {
  const char *kind;
  CtBatchKind batches[3];
} batches[] = {
#define BATCHES(kind, table)                                                                                 \
  {                                                                                                          \
    kind,                                                                                                    \
    {                                                                                                        \
      { kind ".archive",                                                                                     \
        "SELECT n, iif(archived_at IS NULL, id, NULL), number FROM " table                                   \
        " WHERE n IN (SELECT value FROM json_each(?1))",                                                     \
        "id",                                                                                                \
        N_ ("it is archived already"),                                                                       \
        N_ ("%s is archived"),                                                                               \
        N_ ("%s records are archived"),                                                                      \
        TRUE },                                                                                              \
          { kind ".restore",                                                                                 \
            "SELECT n, iif(archived_at IS NULL, NULL, id), number FROM " table                               \
            " WHERE n IN (SELECT value FROM json_each(?1))",                                                 \
            "id",                                                                                            \
            N_ ("it is not archived"),                                                                       \
            N_ ("%s is restored"),                                                                           \
            N_ ("%s records are restored"),                                                                  \
            TRUE },                                                                                          \
      {                                                                                                      \
        "note.add", "SELECT n, id, number FROM " table " WHERE n IN (SELECT value FROM json_each(?1))",      \
            "subject", N_ ("it is not there"), N_ ("A note is added to %s"),                                 \
            N_ ("A note is added to %s records"), TRUE                                                       \
      }                                                                                                      \
    }                                                                                                        \
  }
  BATCHES ("order", "orders"),
  BATCHES ("distributor", "distributors"),
#undef BATCHES
};

static void
run_batch (CtPage *page, Verb verb, GArray *numbers, JsonObject *args)
{
  for (guint i = 0; i < G_N_ELEMENTS (batches); i++)
    if (g_strcmp0 (batches[i].kind, def_of (page)->detail->kind) == 0)
      ct_batch_run (page, &batches[i].batches[verb], numbers, args, done_cb, page);
}

void
ct_records_page_archive (CtPage *page, GArray *numbers)
{
  g_autoptr (JsonObject) args = json_object_new ();

  run_batch (page, VERB_ARCHIVE, numbers, args);
}

void
ct_records_page_restore (CtPage *page, GArray *numbers)
{
  g_autoptr (JsonObject) args = json_object_new ();

  run_batch (page, VERB_RESTORE, numbers, args);
}

typedef struct {
  CtPage *page;    /* (owned) */
  GArray *numbers; /* (owned) */
} Noting;

static void
noting_free (gpointer data)
{
  Noting *noting = data;

  g_object_unref (noting->page);
  g_array_unref (noting->numbers);
  g_free (noting);
}

static void
noted_cb (const char *answer, gpointer data)
{
  Noting *noting = data;
  g_autoptr (JsonObject) args =
      ct_json_build ("ss", "subject_type", def_of (noting->page)->detail->kind, "text", answer);

  run_batch (noting->page, VERB_NOTE, noting->numbers, args);
}

void
ct_records_page_note (CtPage *page, GArray *numbers)
{
  Noting *noting = g_new0 (Noting, 1);
  CtAsk ask = { _ ("Add a note"), NULL, _ ("_Add"), noted_cb, noting, noting_free };

  noting->page = g_object_ref (page);
  noting->numbers = g_array_ref (numbers);
  ct_ask_text (page, &ask, _ ("Note"), TRUE);
}

/* One record at a time: the first of those chosen. */
void
ct_records_page_edit (CtPage *page, GArray *numbers)
{
  ct_record_form_open (page, def_of (page)->detail->kind, g_array_index (numbers, gint64, 0));
}

static void
create (CtPage *page)
{
  g_autofree char *command = g_strdup_printf ("%s.create", def_of (page)->detail->kind);

  if (ct_workspace_may (ct_page_get_workspace (page), command))
    ct_record_form_open (page, def_of (page)->detail->kind, -1);
  else
    ct_page_toast (page, FALSE, _ ("Your roles do not allow this: %s"), _ (def_of (page)->new_label));
}

static void
create_cb (GtkButton *button, CtPage *page)
{
  create (page);
}

static void
import_cb (GtkButton *button, CtPage *page)
{
  ct_import_dialog_open (page, ct_page_get_workspace (page), NULL);
}

static void
activated_cb (CtListView *list, CtRecordsPage *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "records.edit", NULL);
}

/* The buttons of the pane: for the record it shows, whatever is marked in the list. */
static void
pane_action (GtkWidget *widget, const char *name, GVariant *value)
{
  static const struct {
    const char *name, *verb;
    void (*run) (CtPage *page, GArray *numbers);
  } acts[] = {
    { "records.edit", "edit", ct_records_page_edit },
    { "records.archive", "archive", ct_records_page_archive },
    { "records.restore", "restore", ct_records_page_restore },
    { "records.note", NULL, ct_records_page_note },
  };
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 n = ct_list_view_get_current (private_of (widget)->list);

  if (n < 0)
    return;
  g_array_append_val (numbers, n);
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    if (g_strcmp0 (acts[i].name, name) == 0)
      acts[i].run (CT_PAGE (widget), numbers);
}

/* --- page ----------------------------------------------------------------------------------------------------- */

static void
ct_records_page_workspace_set (CtPage *page)
{
  CtRecordsPagePrivate *priv = private_of (page);
  const CtRecordsDef *def = def_of (page);
  g_autofree char *command = g_strdup_printf ("%s.create", def->detail->kind);

  gtk_button_set_label (priv->create, _ (def->new_label));
  gtk_widget_set_sensitive (GTK_WIDGET (priv->create),
                            ct_workspace_may (ct_page_get_workspace (page), command));
  ct_list_view_bind (priv->list, page, def->list, def->actions);
  g_signal_connect_object (ct_workspace_get_store (ct_page_get_workspace (page)), "changed",
                           G_CALLBACK (changed_cb), page, 0);
}

static void
ct_records_page_shown (CtPage *page, gboolean shown)
{
  CtRecordsPagePrivate *priv = private_of (page);

  ct_list_view_set_shown (priv->list, shown);
  if (shown && ct_list_view_get_current (priv->list) >= 0)
    fill (CT_RECORDS_PAGE (page));
}

static void
ct_records_page_search (CtPage *page)
{
  ct_list_view_search (private_of (page)->list);
}

static gboolean
ct_records_page_key (CtPage *page, guint key, GdkModifierType state)
{
  if (key == GDK_KEY_n && state & GDK_CONTROL_MASK) {
    create (page);
    return TRUE;
  }
  return ct_list_view_key (private_of (page)->list, key, state);
}

static void
ct_records_page_show_view (CtPage *page, JsonObject *view)
{
  ct_list_view_set_view (private_of (page)->list, view);
}

typedef struct {
  CtRecordsPage *page; /* (owned) */
  CtId id;
  gint64 n;
} FindJob;

static void
find_job_free (gpointer data)
{
  FindJob *job = data;

  g_object_unref (job->page);
  g_free (job);
}

static gboolean
find_cb (CtDb *db, gpointer data, GError **error)
{
  FindJob *job = data;

  return ct_db_read_int (db, &job->n, error, def_of (job->page)->find, "k", &job->id);
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FindJob *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;

  if (ct_store_job_finish (CT_STORE (source), result, &error))
    ct_list_view_set_current (private_of (job->page)->list, job->n);
  else
    ct_page_problem (job->page, _ ("The record cannot be shown"), error);
}

static void
ct_records_page_show_record (CtPage *page, const CtId *id)
{
  FindJob *job = g_new0 (FindJob, 1);

  job->page = g_object_ref (CT_RECORDS_PAGE (page));
  job->id = *id;
  ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), find_cb, job, find_job_free,
                       NULL, found_cb, NULL);
}

static void
ct_records_page_dispose (GObject *object)
{
  CtRecordsPagePrivate *priv = private_of (object);

  g_cancellable_cancel (priv->reading);
  g_clear_handle_id (&priv->refill_source, g_source_remove);
  G_OBJECT_CLASS (ct_records_page_parent_class)->dispose (object);
}

static void
ct_records_page_finalize (GObject *object)
{
  g_clear_object (&private_of (object)->reading);
  G_OBJECT_CLASS (ct_records_page_parent_class)->finalize (object);
}

static void
ct_records_page_class_init (CtRecordsPageClass *klass)
{
  static const char *const actions[] = { "records.edit", "records.archive", "records.restore",
                                         "records.note" };
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  CtPageClass *page_class = CT_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_records_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_records_page_finalize;
  page_class->workspace_set = ct_records_page_workspace_set;
  page_class->shown = ct_records_page_shown;
  page_class->search = ct_records_page_search;
  page_class->key = ct_records_page_key;
  page_class->show_view = ct_records_page_show_view;
  page_class->show_record = ct_records_page_show_record;
  g_type_ensure (CT_TYPE_LIST_VIEW);
  g_type_ensure (CT_TYPE_DETAIL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-records-page.ui");
  gtk_widget_class_bind_template_child_private (widget_class, CtRecordsPage, flap);
  gtk_widget_class_bind_template_child_private (widget_class, CtRecordsPage, list);
  gtk_widget_class_bind_template_child_private (widget_class, CtRecordsPage, detail);
  gtk_widget_class_bind_template_child_private (widget_class, CtRecordsPage, create);
  gtk_widget_class_bind_template_callback (widget_class, current_cb);
  gtk_widget_class_bind_template_callback (widget_class, activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_cb);
  gtk_widget_class_bind_template_callback (widget_class, create_cb);
  gtk_widget_class_bind_template_callback (widget_class, import_cb);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i], NULL, pane_action);
}

static void
ct_records_page_init (CtRecordsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  private_of (self)->reading = g_cancellable_new ();
}
