/* The four decisions on a command that waits. */
#include "ct-attention-form.h"
#include "ct-format.h"
#include "ct-workspace-attention.h"

typedef struct {
  CtListPage *page; /* (owned) */
  GArray *seqs;     /* (owned) (element-type gint64) */
  gboolean acts;    /* a command was given, which can be undone */
} Decision;

static void
decision_free (Decision *self)
{
  g_object_unref (self->page);
  g_array_unref (self->seqs);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Decision, decision_free)

/* What nothing was done about can wait again. */
static void
offer_back (Decision *self, guint settled)
{
  g_autofree char *count = ct_format_count (settled);
  g_autofree char *text = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%s change is dropped", "%s changes are dropped", settled), count);
  GVariant *seqs =
      g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, self->seqs->data, settled, sizeof (gint64));

  gtk_widget_activate_action (GTK_WIDGET (self->page), "win.toast-back", "(s@ax)", text, seqs);
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Decision) self = data;
  g_autoptr (GError) error = NULL;
  guint settled = ct_workspace_settle_finish (CT_WORKSPACE (source), result, &error);

  if (!gtk_widget_get_root (GTK_WIDGET (self->page)))
    return;
  if (settled && self->acts)
    ct_page_toast (self->page, settled == 1, _ ("Your change is given again, on the state as it now is"));
  else if (settled)
    offer_back (self, settled);
  if (error)
    ct_page_problem (self->page, _ ("This change still waits"), error);
  ct_list_page_done (self->page);
}

static void
decide (CtPage *page, GArray *numbers, const char *choice, gboolean acts)
{
  Decision *decision = g_new0 (Decision, 1);

  decision->page = g_object_ref (CT_LIST_PAGE (page));
  decision->seqs = g_array_copy (numbers);
  decision->acts = acts;
  ct_workspace_settle_async (ct_page_get_workspace (page), decision->seqs, choice, NULL, settled_cb,
                             decision);
}

static void
put_back_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GtkWidget) window = data;
  g_autoptr (GError) error = NULL;

  ct_workspace_settle_finish (CT_WORKSPACE (source), result, &error);
  if (error)
    ct_page_problem (window, _ ("This cannot be undone"), error);
}

/* What was dropped waits again. @seqs: "ax" */
void
ct_attention_put_back (GtkWidget *window, CtWorkspace *workspace, GVariant *seqs)
{
  g_autoptr (GArray) back = g_array_new (FALSE, FALSE, sizeof (gint64));
  gsize n;
  const gint64 *numbers = g_variant_get_fixed_array (seqs, &n, sizeof (gint64));

  g_array_append_vals (back, numbers, (guint) n);
  ct_workspace_settle_async (workspace, back, CT_ATTENTION_BACK, NULL, put_back_cb, g_object_ref (window));
}

static void
theirs (CtPage *page, GArray *numbers)
{
  decide (page, numbers, "theirs", FALSE);
}

static void
mine (CtPage *page, GArray *numbers)
{
  decide (page, numbers, "mine", TRUE);
}

static void
discard (CtPage *page, GArray *numbers)
{
  decide (page, numbers, "discard", FALSE);
}

static void
edit (CtPage *page, GArray *numbers)
{
  ct_attention_form_open (CT_LIST_PAGE (page), g_array_index (numbers, gint64, 0));
}

const CtPageAction ct_attention_page_actions[] = {
  { "theirs", N_ ("Keep theirs"), "emblem-ok-symbolic", 't', NULL, theirs },
  { "mine", N_ ("Use mine"), "edit-redo-symbolic", 'm', NULL, mine },
  { "edit", N_ ("Edit…"), "document-edit-symbolic", 'e', NULL, edit },
  { "discard", N_ ("Discard"), "user-trash-symbolic", 'd', NULL, discard },
  { NULL, NULL, NULL, 0, NULL, NULL },
};
