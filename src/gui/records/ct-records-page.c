#include "ct-records-page.h"
#include "ct-ask.h"
#include "ct-batch.h"
#include "ct-record-form.h"
#include "firstrun/ct-import-dialog.h"

typedef struct {
  GtkWidget *create, *import;
} CtRecordsPagePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CtRecordsPage, ct_records_page, CT_TYPE_LIST_PAGE)

static const CtRecordsDef *
def_of (gpointer self)
{
  return CT_RECORDS_PAGE_GET_CLASS (self)->def;
}

/* --- acts ----------------------------------------------------------------------------------------------------- */

static gboolean
done_cb (gpointer data)
{
  ct_list_page_done (data);
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
ct_records_page_activated (CtListPage *self)
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
  gint64 n = ct_list_view_get_current (ct_list_page_get_list (CT_LIST_PAGE (widget)));

  if (n < 0)
    return;
  g_array_append_val (numbers, n);
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    if (g_strcmp0 (acts[i].name, name) == 0)
      acts[i].run (CT_PAGE (widget), numbers);
}

/* --- page ----------------------------------------------------------------------------------------------------- */

static void
ct_records_page_show_row (CtListPage *page, CtDetail *detail, gint64 n, GCancellable *cancellable)
{
  ct_record_detail_show (def_of (page)->detail, detail, CT_PAGE (page), n, cancellable);
}

static void
ct_records_page_workspace_set (CtPage *page)
{
  CtRecordsPagePrivate *priv = ct_records_page_get_instance_private (CT_RECORDS_PAGE (page));
  const CtRecordsDef *def = def_of (page);
  g_autofree char *command = g_strdup_printf ("%s.create", def->detail->kind);

  gtk_button_set_label (GTK_BUTTON (priv->create), _ (def->new_label));
  ct_page_gate (priv->create, ct_page_get_workspace (page), command, _ ("Make a new record (Ctrl+N)"));
  ct_page_gate (priv->import, ct_page_get_workspace (page), "import.chunk",
                _ ("Read orders, distributors and what belongs to them from files"));
  CT_PAGE_CLASS (ct_records_page_parent_class)->workspace_set (page);
}

static gboolean
ct_records_page_key (CtPage *page, guint key, GdkModifierType state)
{
  if (key == GDK_KEY_n && state & GDK_CONTROL_MASK) {
    create (page);
    return TRUE;
  }
  return CT_PAGE_CLASS (ct_records_page_parent_class)->key (page, key, state);
}

static void
ct_records_page_class_init (CtRecordsPageClass *klass)
{
  static const char *const actions[] = { "records.edit", "records.archive", "records.restore",
                                         "records.note" };

  CT_PAGE_CLASS (klass)->workspace_set = ct_records_page_workspace_set;
  CT_PAGE_CLASS (klass)->key = ct_records_page_key;
  CT_LIST_PAGE_CLASS (klass)->show_row = ct_records_page_show_row;
  CT_LIST_PAGE_CLASS (klass)->activated = ct_records_page_activated;
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), actions[i], NULL, pane_action);
}

static void
ct_records_page_init (CtRecordsPage *self)
{
  CtRecordsPagePrivate *priv = ct_records_page_get_instance_private (self);
  CtListPage *page = CT_LIST_PAGE (self);

  priv->create = ct_list_page_add_tool (page, "", NULL, G_CALLBACK (create_cb));
  gtk_widget_add_css_class (priv->create, "suggested-action");
  priv->import = ct_list_page_add_tool (page, _ ("_Import CSV…"), NULL, G_CALLBACK (import_cb));
}
