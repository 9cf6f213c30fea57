/* What a person does about messages that were approved: take them back, have them looked for. Carried out by whoever sends,
 * in a team by its service: the window only asks. */
#include "ct-approvals-page.h"
#include "ct-ask.h"
#include "ct-batch.h"
#include "ct-rows.h"

#define POSTS(state)                                                                                         \
  "SELECT a.n, iif(p.state = '" state "', p.id, NULL), a.number FROM approvals a LEFT JOIN outbox p ON "     \
  "p.approval_id = a.id WHERE a.n IN (SELECT value FROM json_each(?1))"

static const CtBatchKind retract_kind = { "post.retracting",
                                          POSTS ("sent"),
                                          "post",
                                          N_ ("its message was not sent"),
                                          N_ ("The message of %s is to be taken back"),
                                          N_ ("%s messages are to be taken back"),
                                          FALSE };
static const CtBatchKind look_kind = { "post.look",
                                       POSTS ("unknown"),
                                       "post",
                                       N_ ("it is known what became of its message"),
                                       N_ ("The message of %s is looked for"),
                                       N_ ("%s messages are looked for"),
                                       FALSE };
static const CtBatchKind call_back_kind = {
  "approval.unsend",
  "SELECT a.n, iif(p.state IN ('ready', 'leased'), a.id, NULL), a.number FROM approvals a LEFT JOIN outbox p "
  "ON p.approval_id = a.id WHERE a.n IN (SELECT value FROM json_each(?1))",
  "approval",
  N_ ("its message does not wait to be sent"),
  N_ ("The message of %s is called back: it waits for approval again"),
  N_ ("%s messages are called back: they wait for approval again"),
  FALSE
};

typedef struct {
  CtPage *page;    /* (owned) */
  GArray *numbers; /* (owned) (element-type gint64) */
  gint64 n_waiting, n_sent;
} Retracting;

static void
retracting_free (gpointer data)
{
  Retracting *self = data;

  g_object_unref (self->page);
  g_array_unref (self->numbers);
  g_free (self);
}

static gboolean
done_cb (gpointer page)
{
  ct_list_page_done (CT_LIST_PAGE (page));
  return G_SOURCE_REMOVE;
}

static void
answered_cb (const char *answer, gpointer data)
{
  Retracting *self = data;
  g_autoptr (JsonObject) args = NULL;

  if (!answer || !*answer)
    return;
  args = ct_json_build ("s", "comment", answer);
  ct_batch_run (self->page, &retract_kind, self->numbers, args, done_cb, self->page);
}

static gboolean
count_cb (CtDb *db, gpointer data, GError **error)
{
  Retracting *self = data;

  for (guint i = 0; i < self->numbers->len; i++) {
    gint64 n = g_array_index (self->numbers, gint64, i), waiting = 0, sent = 0;

    if (!ct_db_read_int (
            db, &waiting, error,
            "SELECT count(*) FROM outbox p JOIN approvals a ON a.id = p.approval_id WHERE a.n = ? AND "
            "p.state IN ('ready', 'leased')",
            "i", n) ||
        !ct_db_read_int (
            db, &sent, error,
            "SELECT count(*) FROM outbox p JOIN approvals a ON a.id = p.approval_id WHERE a.n = ? AND "
            "p.state = 'sent'",
            "i", n))
      return FALSE;
    self->n_waiting += waiting;
    self->n_sent += sent;
  }
  return TRUE;
}

/* What waits is stopped without a question, for that can be approved again; what was sent needs a reason. */
static void
counted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Retracting *self = data;
  CtAsk ask = {
    _ ("Take the message back"),
    _ ("It is deleted where it was sent to, or replaced by a line that says so. Whoever has read it has "
       "read it."),
    _ ("_Take Back"),
    answered_cb,
    self,
    retracting_free
  };
  g_autoptr (JsonObject) none = json_object_new ();
  g_autoptr (GError) error = NULL;

  if (ct_store_job_finish (CT_STORE (source), result, &error) && self->n_sent > 0) {
    ct_ask_text (self->page, &ask, _ ("Why"), TRUE);
    return;
  }
  if (error)
    ct_page_problem (self->page, _ ("The message cannot be taken back"), error);
  else if (self->n_waiting > 0)
    ct_batch_run (self->page, &call_back_kind, self->numbers, none, done_cb, self->page);
  else
    ct_page_toast (self->page, FALSE, _ ("Nothing of this was sent"));
  retracting_free (self);
}

/* Takes the messages of these approvals back. */
void
ct_approvals_posts_retract (CtPage *page, GArray *numbers)
{
  Retracting *self = g_new0 (Retracting, 1);

  self->page = g_object_ref (page);
  self->numbers = g_array_ref (numbers);
  ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), count_cb, self, NULL, NULL,
                       counted_cb, self);
}

/* Has the messages of unknown fate looked for now. */
void
ct_approvals_posts_look (CtPage *page, GArray *numbers)
{
  g_autoptr (JsonObject) none = json_object_new ();

  ct_batch_run (page, &look_kind, numbers, none, done_cb, page);
}

static void
clicked_cb (GtkWidget *button, gpointer data)
{
  const CtPageAction *action = g_object_get_data (G_OBJECT (button), "action");
  gint64 *n = g_object_get_data (G_OBJECT (button), "n");
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_array_append_val (numbers, *n);
  action->run (CT_PAGE (gtk_widget_get_ancestor (button, CT_TYPE_PAGE)), numbers);
}

/**
 * ct_approvals_posts_make_button:
 * @n: of the approval
 * @post_state: (nullable): of its post
 *
 * Returns: (transfer floating) (nullable): what can be done about the message now; %NULL: nothing
 */
GtkWidget *
ct_approvals_posts_make_button (CtWorkspace *workspace, gint64 n, const char *post_state)
{
  static const char *const retractable[] = { "ready", "leased", "sent", NULL };
  const char *name = !post_state                                    ? NULL
                     : ct_text_index (retractable, post_state) >= 0 ? "retract"
                     : g_str_equal (post_state, "unknown")          ? "look"
                                                                    : NULL;
  const CtPageAction *action = ct_approvals_page_actions;
  g_autofree char *tip = NULL;
  GtkWidget *button;

  while (name && !g_str_equal (action->name, name))
    action++;
  if (!name)
    return NULL;
  button = gtk_button_new_with_label (_ (action->title));
  gtk_widget_set_halign (button, GTK_ALIGN_START);
  tip = g_strdup_printf (_ ("Key: %c"), (int) action->key);
  ct_page_gate (button, workspace, action->command, tip);
  g_object_set_data (G_OBJECT (button), "action", (gpointer) action);
  g_object_set_data_full (G_OBJECT (button), "n", g_memdup2 (&n, sizeof n), g_free);
  g_signal_connect (button, "clicked", G_CALLBACK (clicked_cb), NULL);
  return button;
}
