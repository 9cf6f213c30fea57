#include "ct-approval-detail.h"
#include "ct-approvals-page.h"
#include "ct-ask.h"
#include "ct-batch.h"
#include "ct-format.h"
#include "ct-post-row.h"
#include "ct-vocabulary.h"
#include "ct-workspace-agents.h"

#include <string.h>

/* So many messages are read and decided at once; more is not read by anybody. */
#define MOST_AT_ONCE 50

#define PENDING_IDS                                                                                          \
  "SELECT n, iif(state = 'pending', id, NULL), number FROM approvals WHERE n IN (SELECT value FROM "         \
  "json_each(?1))"

static const char decided[] = N_ ("it is already decided");

static const CtBatchKind ask_kind = { "approval.ask",
                                      PENDING_IDS,
                                      "approval",
                                      decided,
                                      N_ ("The agent drafts %s again"),
                                      N_ ("%s messages are drafted again"),
                                      FALSE };
static const CtBatchKind reject_kind = {
  "approval.reject", PENDING_IDS, "approval", decided, N_ ("%s is rejected"), N_ ("%s are rejected"), FALSE
};
static const CtBatchKind delegate_kind = {
  "approval.delegate",     PENDING_IDS, "approval", decided, N_ ("%s is delegated"),
  N_ ("%s are delegated"), FALSE
};

/* What a person is deciding; the views are what they have been shown. */
typedef struct {
  CtPage *page;               /* (owned) */
  GArray *numbers;            /* (owned) (element-type gint64) */
  GArray *views;              /* (owned) (element-type CtApprovalView) */
  const CtBatchKind *kind;    /* (nullable) */
  const char *argument;       /* of the command, for the answer */
  GPtrArray *values, *labels; /* (owned) (element-type utf8) */
  gint64 undo_ms;
  gboolean stopped; /* all sending: nothing goes out until it is resumed */
  guint next, n_done;
  GArray *approved;      /* (owned) (element-type CtId) */
  GPtrArray *problems;   /* (owned) (element-type utf8) */
  GtkTextBuffer *buffer; /* (owned) (nullable): of an edit */
} Deciding;

static void
view_clear (gpointer data)
{
  ct_approval_view_clear (data);
}

static Deciding *
deciding_new (CtPage *page, GArray *numbers)
{
  Deciding *self = g_new0 (Deciding, 1);

  self->page = g_object_ref (page);
  self->numbers = g_array_ref (numbers);
  self->views = g_array_new (FALSE, TRUE, sizeof (CtApprovalView));
  g_array_set_clear_func (self->views, view_clear);
  self->values = g_ptr_array_new_with_free_func (g_free);
  self->labels = g_ptr_array_new_with_free_func (g_free);
  self->problems = g_ptr_array_new_with_free_func (g_free);
  self->approved = g_array_new (FALSE, FALSE, sizeof (CtId));
  return self;
}

static void
deciding_free (gpointer data)
{
  Deciding *self = data;

  g_object_unref (self->page);
  g_array_unref (self->numbers);
  g_array_unref (self->views);
  g_array_unref (self->approved);
  g_ptr_array_unref (self->values);
  g_ptr_array_unref (self->labels);
  g_ptr_array_unref (self->problems);
  g_clear_object (&self->buffer);
  g_free (self);
}

static gboolean
done_cb (gpointer data)
{
  ct_list_page_done (CT_LIST_PAGE (data));
  return G_SOURCE_REMOVE;
}

/* --- with an answer ------------------------------------------------------------------------------------------- */

static void
answered_cb (const char *answer, gpointer data)
{
  Deciding *self = data;
  g_autoptr (JsonObject) args = json_object_new ();

  if (!answer || !*answer)
    return;
  json_object_set_string_member (args, self->argument, answer);
  ct_batch_run (self->page, self->kind, self->numbers, args, done_cb, self->page);
}

static void
ask_for_words (CtPage *page, GArray *numbers, const CtBatchKind *kind, const char *heading, const char *body,
               const char *button, const char *label)
{
  Deciding *self = deciding_new (page, numbers);
  CtAsk ask = { heading, body, button, answered_cb, self, deciding_free };

  self->kind = kind;
  self->argument = "comment";
  ct_ask_text (page, &ask, label, TRUE);
}

static void
ask_for_changes (CtPage *page, GArray *numbers)
{
  ask_for_words (page, numbers, &ask_kind, _ ("Ask for changes"),
                 _ ("The agent drafts again with your words before it."), _ ("_Ask"),
                 _ ("What should change"));
}

static void
reject (CtPage *page, GArray *numbers)
{
  ask_for_words (page, numbers, &reject_kind, _ ("Reject the message"), _ ("It will not go out."),
                 _ ("_Reject"), _ ("Why"));
}

/* --- delegate ------------------------------------------------------------------------------------------------- */

static gboolean
read_people_cb (CtDb *db, gpointer data, GError **error)
{
  Deciding *self = data;
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT DISTINCT p.login, iif(p.name = '', p.login, p.name) FROM people p JOIN person_roles r ON "
      "r.person_id = p.id WHERE p.archived_at IS NULL AND p.login <> ? AND r.role NOT IN ('viewer', 'agent', "
      "'admin') ORDER BY 2",
      "s", ct_workspace_get_actor (ct_page_get_workspace (self->page)));

  while (stmt && ct_stmt_next (stmt)) {
    g_ptr_array_add (self->values, g_strdup (ct_stmt_text (stmt, 0)));
    g_ptr_array_add (self->labels, g_strdup (ct_stmt_text (stmt, 1)));
  }
  return stmt && ct_stmt_finish (stmt, error);
}

static void
people_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Deciding *self = data;
  CtAsk ask = { _ ("Delegate the decision"),
                _ ("They decide in your place."),
                _ ("_Delegate"),
                answered_cb,
                self,
                deciding_free };
  g_autoptr (GError) error = NULL;

  if (!ct_store_job_finish (CT_STORE (source), result, &error)) {
    ct_page_problem (self->page, _ ("The people cannot be read"), error);
    deciding_free (self);
    return;
  }
  for (const char *const *role = ct_role_names (); *role; role++)
    if (ct_role_is_team (*role)) {
      g_ptr_array_add (self->values, g_strdup (*role));
      g_ptr_array_add (self->labels, g_strdup (ct_role_label (*role)));
    }
  g_ptr_array_add (self->values, NULL);
  g_ptr_array_add (self->labels, NULL);
  ct_ask_choice (self->page, &ask, (const char *const *) self->values->pdata,
                 (const char *const *) self->labels->pdata, NULL);
}

static void
delegate (CtPage *page, GArray *numbers)
{
  Deciding *self = deciding_new (page, numbers);

  self->kind = &delegate_kind;
  self->argument = "to";
  ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), read_people_cb, self, NULL,
                       NULL, people_read_cb, self);
}

/* --- approve -------------------------------------------------------------------------------------------------- */

static void approve_next (Deciding *self);

static gboolean
read_views_cb (CtDb *db, gpointer data, GError **error)
{
  Deciding *self = data;

  self->undo_ms = ct_post_row_undo_window (db);
  self->stopped = ct_post_row_is_stopped (db);
  for (guint i = 0; i < MIN (self->numbers->len, MOST_AT_ONCE); i++) {
    g_auto (CtApprovalView) view = { 0 };

    if (!ct_approval_view_read (db, g_array_index (self->numbers, gint64, i), &view, error))
      return FALSE;
    g_array_append_val (self->views, view);
    memset (&view, 0, sizeof view);
  }
  return TRUE;
}

typedef struct {
  CtPage *page;     /* (owned) */
  GArray *approved; /* (owned) (element-type CtId) */
} CallBack;

static void
call_back_free (gpointer data, GClosure *closure)
{
  CallBack *self = data;

  g_object_unref (self->page);
  g_array_unref (self->approved);
  g_free (self);
}

static void
called_back_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtPage) page = data;
  g_autoptr (GError) error = NULL;

  if (ct_workspace_execute_finish (CT_WORKSPACE (source), result, NULL, &error))
    ct_page_toast (
        page, FALSE,
        ct_workspace_is_connected (CT_WORKSPACE (source))
            ? _ ("Called back: it is stopped as soon as the server has this, unless it goes out meanwhile")
            : _ ("Called back: nothing was sent, and it waits for approval again"));
  else if (gtk_widget_get_root (GTK_WIDGET (page)))
    ct_page_problem (page, _ ("This can no longer be called back"), error);
}

static void
call_back_cb (AdwToast *toast, CallBack *self)
{
  for (guint i = 0; i < self->approved->len; i++) {
    g_autofree char *id = ct_id_to_string (&g_array_index (self->approved, CtId, i));
    g_autoptr (JsonObject) args = ct_json_build ("s", "approval", id);

    ct_workspace_execute_async (ct_page_get_workspace (self->page), "approval.unsend", args, NULL,
                                called_back_cb, g_object_ref (self->page));
  }
}

/* Says that it is about to go out, with a way back for as long as there is one. */
static void
offer_undo (Deciding *self)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self->page), ADW_TYPE_TOAST_OVERLAY);
  guint seconds = (guint) ((self->undo_ms + CT_MS_SECOND - 1) / CT_MS_SECOND);
  g_autofree char *text =
      self->stopped ? g_strdup (_ ("Approved: it waits until sending is resumed"))
      : self->n_done == 1
          ? g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "Approved: it goes out in %u second",
                                          "Approved: it goes out in %u seconds", seconds),
                             seconds)
          : g_strdup_printf (_ ("%u approved: they go out in %u s"), self->n_done, seconds);
  AdwToast *toast = adw_toast_new (text);
  CallBack *back;

  if (!overlay || seconds == 0) {
    g_object_unref (toast);
    ct_page_toast (self->page, FALSE, _ ("Approved"));
    return;
  }
  back = g_new0 (CallBack, 1);
  back->page = g_object_ref (self->page);
  back->approved = g_array_ref (self->approved);
  adw_toast_set_button_label (toast, _ ("_Undo"));
  adw_toast_set_timeout (toast, seconds);
  adw_toast_set_priority (toast, ADW_TOAST_PRIORITY_HIGH);
  g_signal_connect_data (toast, "button-clicked", G_CALLBACK (call_back_cb), back, call_back_free, 0);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
}

static void
report (Deciding *self)
{
  if (!gtk_widget_get_root (GTK_WIDGET (self->page)))
    return;
  if (self->problems->len) {
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GError) error = NULL;

    for (guint i = 0; i < self->problems->len; i++)
      g_string_append_printf (text, "%s%s", i ? "\n\n" : "", (const char *) self->problems->pdata[i]);
    error = g_error_new_literal (CT_ERROR, CT_ERROR_REFUSED, text->str);
    ct_page_problem (self->page, self->n_done ? _ ("Some were not approved") : _ ("Not approved"), error);
  }
  if (self->n_done) {
    ct_list_page_done (CT_LIST_PAGE (self->page));
    offer_undo (self);
  }
}

static void
approved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Deciding *self = data;
  CtApprovalView *view = &g_array_index (self->views, CtApprovalView, self->next);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) outcome = ct_workspace_approve_finish (CT_WORKSPACE (source), result, &error);

  if (outcome)
    self->n_done++;
  else
    g_ptr_array_add (self->problems,
                     g_strdup_printf ("%s: %s", ct_json_string (view->row, "number", ""), error->message));
  self->next++;
  approve_next (self);
}

/* Approves what was shown, byte for byte, one after the other. */
static void
approve_next (Deciding *self)
{
  CtApprovalView *view;
  CtHash payload;
  CtId id;

  if (self->next >= self->views->len) {
    report (self);
    deciding_free (self);
    return;
  }
  view = &g_array_index (self->views, CtApprovalView, self->next);
  if (ct_id_parse (ct_json_string (view->row, "id", ""), &id) &&
      ct_hash_from_hex (ct_json_string (view->row, "payload", ""), &payload)) {
    g_array_append_val (self->approved, id);
    ct_workspace_approve_async (ct_page_get_workspace (self->page), &id, &payload, NULL, approved_cb, self);
    return;
  }
  self->next++;
  approve_next (self);
}

static void
confirmed_cb (AdwMessageDialog *dialog, const char *response, Deciding *self)
{
  if (strcmp (response, "yes") == 0)
    approve_next (self);
  else
    deciding_free (self);
}

static gboolean
confirm_key_cb (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType state,
                AdwMessageDialog *dialog)
{
  if ((key != GDK_KEY_Return && key != GDK_KEY_KP_Enter) || !(state & GDK_CONTROL_MASK) ||
      !adw_message_dialog_get_response_enabled (dialog, "yes"))
    return FALSE;
  g_object_ref (dialog);
  adw_message_dialog_response (dialog, "yes");
  gtk_window_destroy (GTK_WINDOW (dialog)); /* a response by hand leaves it open */
  g_object_unref (dialog);
  return TRUE;
}

static void
confirm_with_control_enter (AdwMessageDialog *dialog)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (confirm_key_cb), dialog);
  gtk_widget_add_controller (GTK_WIDGET (dialog), keys);
}

static GtkWidget *
make_body (const CtApprovalView *view)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  g_autofree char *text = g_strdup_printf ("%s → %s", ct_json_string (view->row, "number", ""),
                                           ct_json_string (view->row, "destination", ""));
  GtkWidget *heading = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (heading), 0);
  gtk_label_set_wrap (GTK_LABEL (heading), TRUE);
  gtk_widget_add_css_class (heading, "heading");
  gtk_box_append (GTK_BOX (box), heading);
  if (view->changes) {
    GtkWidget *warning = gtk_label_new (_ ("⚠ The facts it relies on have changed; it will be void"));

    gtk_label_set_xalign (GTK_LABEL (warning), 0);
    gtk_label_set_wrap (GTK_LABEL (warning), TRUE);
    gtk_widget_add_css_class (warning, "ct-high");
    gtk_box_append (GTK_BOX (box), warning);
  }
  gtk_box_append (GTK_BOX (box), ct_approval_view_make_message (view));
  return box;
}

static GtkWidget *
make_bodies (Deciding *self)
{
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 18);

  for (guint i = 0; i < self->views->len; i++)
    gtk_box_append (GTK_BOX (box), make_body (&g_array_index (self->views, CtApprovalView, i)));
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scrolled), 420);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), box);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (scrolled), 260);
  gtk_widget_set_size_request (scrolled, 440, -1);
  return scrolled;
}

/* Those that nobody has decided yet. */
static void
keep_pending (Deciding *self)
{
  for (guint i = self->views->len; i-- > 0;) {
    CtApprovalView *view = &g_array_index (self->views, CtApprovalView, i);

    if (strcmp (ct_json_string (view->row, "state", ""), "pending") != 0)
      g_array_remove_index (self->views, i);
  }
}

static void
confirm (Deciding *self)
{
  guint n = self->views->len;
  g_autofree char *heading =
      g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "Approve %u message?", "Approve %u messages?", n), n);
  AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG (adw_message_dialog_new (
      GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self->page))), heading,
      self->numbers->len > MOST_AT_ONCE ? _ ("These are the first 50; the others stay.") : NULL));

  adw_message_dialog_add_responses (dialog, "no", _ ("_Cancel"), "yes", _ ("_Approve"), NULL);
  adw_message_dialog_set_response_appearance (dialog, "yes", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (dialog, "yes");
  adw_message_dialog_set_close_response (dialog, "no");
  adw_message_dialog_set_extra_child (dialog, make_bodies (self));
  g_signal_connect (dialog, "response", G_CALLBACK (confirmed_cb), self);
  confirm_with_control_enter (dialog);
  gtk_window_present (GTK_WINDOW (dialog));
}

static gboolean
views_arrived (GObject *source, GAsyncResult *result, Deciding *self)
{
  g_autoptr (GError) error = NULL;

  if (!ct_store_job_finish (CT_STORE (source), result, &error)) {
    ct_page_problem (self->page, _ ("The messages cannot be read"), error);
    return FALSE;
  }
  keep_pending (self);
  if (self->views->len > 0)
    return gtk_widget_get_root (GTK_WIDGET (self->page)) != NULL;
  ct_page_toast (self->page, FALSE, _ ("That is already decided"));
  return FALSE;
}

static void
approve_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  if (views_arrived (source, result, data))
    confirm (data);
  else
    deciding_free (data);
}

static void
read_views (CtPage *page, GArray *numbers, GAsyncReadyCallback callback)
{
  Deciding *self = deciding_new (page, numbers);

  ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), read_views_cb, self, NULL, NULL,
                       callback, self);
}

static void
approve (CtPage *page, GArray *numbers)
{
  read_views (page, numbers, approve_read_cb);
}

/* --- edit and approve ----------------------------------------------------------------------------------------- */

static void
edited_approved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Deciding *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) outcome = ct_workspace_approve_finish (CT_WORKSPACE (source), result, &error);

  if (outcome) {
    self->n_done = 1;
  } else {
    g_ptr_array_add (self->problems, g_strdup (error->message));
    ct_page_toast (self->page, FALSE, _ ("Your text is kept and waits for approval"));
  }
  report (self);
  deciding_free (self);
}

static void
edited_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Deciding *self = data;
  g_auto (CtOutcome) outcome = { 0 };
  g_autoptr (GError) error = NULL;
  CtId id;

  if (!ct_workspace_execute_finish (CT_WORKSPACE (source), result, &outcome, &error)) {
    if (gtk_widget_get_root (GTK_WIDGET (self->page)))
      ct_page_problem (self->page, _ ("The message was not changed"), error);
  } else if (!ct_id_parse (ct_json_string (outcome.result, "id", ""), &id) ||
             ct_json_bool (outcome.result, "blocked", FALSE)) {
    ct_page_toast (self->page, FALSE, _ ("Your text is kept, but a finding blocks it"));
  } else {
    g_array_append_val (self->approved, id);
    ct_workspace_approve_async (CT_WORKSPACE (source), &id, NULL, NULL, edited_approved_cb, self);
    return;
  }
  deciding_free (self);
}

static void
edit_confirmed_cb (AdwMessageDialog *dialog, const char *response, Deciding *self)
{
  CtApprovalView *view = &g_array_index (self->views, CtApprovalView, 0);
  GtkTextIter start, end;
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) args = NULL;

  if (strcmp (response, "yes") != 0) {
    deciding_free (self);
    return;
  }
  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  text = gtk_text_buffer_get_text (self->buffer, &start, &end, TRUE);
  if (strcmp (text, ct_json_string (view->row, "text", "")) == 0) {
    approve_next (self); /* nothing was changed */
    return;
  }
  args = ct_json_build ("ss", "approval", ct_json_string (view->row, "id", ""), "text", text);
  ct_workspace_execute_async (ct_page_get_workspace (self->page), "approval.edit", args, NULL, edited_cb,
                              self);
}

static void
edit_changed_cb (GtkTextBuffer *buffer, AdwMessageDialog *dialog)
{
  GtkTextIter start, end;
  g_autofree char *text = NULL;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  text = gtk_text_buffer_get_text (buffer, &start, &end, TRUE);
  adw_message_dialog_set_response_enabled (dialog, "yes", !ct_text_is_blank (text));
}

static GtkWidget *
make_editor (Deciding *self, const char *text)
{
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  GtkWidget *view = gtk_text_view_new ();

  self->buffer = g_object_ref (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)));
  gtk_text_buffer_set_text (self->buffer, text, -1);
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (view), FALSE);
  gtk_text_view_set_left_margin (GTK_TEXT_VIEW (view), 12);
  gtk_text_view_set_right_margin (GTK_TEXT_VIEW (view), 12);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (view), 12);
  gtk_text_view_set_bottom_margin (GTK_TEXT_VIEW (view), 12);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Message"), -1);
  gtk_widget_add_css_class (scrolled, "ct-editor");
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  gtk_widget_set_size_request (scrolled, 480, 280);
  return scrolled;
}

static void
edit_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Deciding *self = data;
  AdwMessageDialog *dialog;
  CtApprovalView *view;
  GtkWidget *editor;

  if (!views_arrived (source, result, self)) {
    deciding_free (self);
    return;
  }
  view = &g_array_index (self->views, CtApprovalView, 0);
  dialog = ADW_MESSAGE_DIALOG (
      adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self->page))),
                              _ ("Edit and approve"), ct_json_string (view->row, "destination", "")));
  adw_message_dialog_add_responses (dialog, "no", _ ("_Cancel"), "yes", _ ("_Approve"), NULL);
  adw_message_dialog_set_response_appearance (dialog, "yes", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_close_response (dialog, "no");
  editor = make_editor (self, ct_json_string (view->row, "text", ""));
  adw_message_dialog_set_extra_child (dialog, editor);
  g_signal_connect_object (self->buffer, "changed", G_CALLBACK (edit_changed_cb), dialog, 0);
  g_signal_connect (dialog, "response", G_CALLBACK (edit_confirmed_cb), self);
  confirm_with_control_enter (dialog);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (editor)));
}

static void
edit (CtPage *page, GArray *numbers)
{
  g_autoptr (GArray) first = g_array_new (FALSE, FALSE, sizeof (gint64));

  if (numbers->len == 0)
    return;
  g_array_append_vals (first, numbers->data, 1);
  read_views (page, first, edit_read_cb);
}

const CtPageAction ct_approvals_page_actions[] = {
  { "approve", N_ ("Approve…"), "object-select-symbolic", 'a', "approval.approve", approve },
  { "edit", N_ ("Edit and approve…"), "document-edit-symbolic", 'e', "approval.edit", edit },
  { "ask", N_ ("Ask for changes…"), "mail-reply-sender-symbolic", 'c', "approval.ask", ask_for_changes },
  { "reject", N_ ("Reject…"), "process-stop-symbolic", 'r', "approval.reject", reject },
  { "delegate", N_ ("Delegate…"), "system-users-symbolic", 'd', "approval.delegate", delegate },
  { "retract", N_ ("Take back…"), "edit-undo-symbolic", 't', "post.retracting", ct_approvals_posts_retract,
    TRUE },
  { "look", N_ ("Look for it now"), "system-search-symbolic", 'l', "post.look", ct_approvals_posts_look,
    TRUE },
  { NULL, NULL, NULL, 0, NULL, NULL },
};
