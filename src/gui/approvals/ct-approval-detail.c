#include "ct-approval-detail.h"
#include "ct-approval-context.h"
#include "ct-approval-text.h"
#include "ct-approvals-list.h"
#include "ct-approvals-page.h"
#include "ct-format.h"
#include "ct-pages.h"
#include "ct-post-row.h"
#include "ct-rows.h"
#include "ct-story.h"
#include "ct-vocabulary.h"
#include "ct-wire.h"

#include <string.h>

#define MOST_EVENTS 15

/* --- reading -------------------------------------------------------------------------------------------------- */

#define VIEW_SQL                                                                                             \
  "SELECT uuid_text(a.id) id, a.number, a.owner, a.channel || ':' || a.destination destination, "            \
  "hex(a.payload_sha256) payload, a.amount_minor, a.currency, a.state, a.expires_at, a.deadline_at, "        \
  "a.created_at, a.edited_by, a.decided_by, a.decided_role, a.decided_at, a.comment, a.void_reason, "        \
  "a.delegated_to, a.context, uuid_text(a.task_id) task_id, t.number task, t.assigned_agent, o.subject, "    \
  "o.text, o.confidence, o.rationale, o.facts, o.findings, o.provider, o.model, o.author, e.number "         \
  "exception, uuid_text(e.id) exception_id, e.subject about, p.state post_state, uuid_text(p.id) post_id, "  \
  "p.number post, "                                                                                          \
  "p.external_message_id message_id, p.problem, p.retract_asked_at, p.retract_comment, p.look_asked_at, "    \
  "(WITH RECURSIVE up(id, based_on, text, provider) AS ("                                                    \
  "SELECT id, based_on, text, provider FROM ai_outputs WHERE id = a.output_id UNION ALL SELECT x.id, "       \
  "x.based_on, x.text, x.provider FROM ai_outputs x JOIN up ON x.id = up.based_on WHERE up.provider = "      \
  "'person') SELECT text FROM up WHERE provider <> 'person' LIMIT 1) draft FROM approvals a "                \
  "JOIN follow_up_tasks t ON t.id = a.task_id JOIN ai_outputs o ON o.id = a.output_id "                      \
  "LEFT JOIN exceptions e ON e.id = t.exception_id LEFT JOIN outbox p ON p.approval_id = a.id WHERE a.n = ?"

void
ct_approval_view_clear (CtApprovalView *self)
{
  g_clear_pointer (&self->row, json_object_unref);
  g_clear_pointer (&self->changes, json_array_unref);
  g_clear_pointer (&self->message, g_free);
  g_clear_pointer (&self->diff, g_free);
  g_clear_pointer (&self->problem, g_free);
}

static JsonArray *
parse_array (JsonObject *row, const char *name)
{
  g_autoptr (JsonNode) node = ct_json_parse (ct_json_string (row, name, "[]"), -1, 1 << 20, NULL);

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_dup_array (node) : json_array_new ();
}

/* The message out of the very bytes that were hashed and would be sent. */
static gboolean
read_message (CtDb *db, CtApprovalView *self, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, "SELECT wire FROM approvals WHERE n = ?", "i", self->n);
  g_autoptr (JsonArray) findings = parse_array (self->row, "findings");
  g_auto (CtWireMessage) message = { 0 };
  g_autofree char *kind = NULL;
  g_autoptr (GBytes) wire = NULL;
  g_autoptr (GError) unreadable = NULL;
  gconstpointer bytes;
  gsize length = 0;

  if (!stmt || !ct_stmt_next (stmt))
    return stmt && ct_stmt_finish (stmt, error);
  bytes = ct_stmt_blob (stmt, 0, &length);
  wire = g_bytes_new (bytes, length);
  if (length == 0 || !ct_wire_parse (wire, &kind, &message, &unreadable)) {
    self->problem =
        g_strdup (unreadable ? unreadable->message : _ ("No message could be made of this draft"));
    return TRUE;
  }
  self->mentions = message.mentions;
  self->message = ct_approval_text_markup (
      message.text, strcmp (message.text, ct_json_string (self->row, "text", "")) == 0 ? findings : NULL,
      &self->n_hidden);
  if (ct_json_string (self->row, "edited_by", NULL) && ct_json_string (self->row, "draft", NULL))
    self->diff = ct_approval_text_diff (ct_json_string (self->row, "draft", ""), message.text);
  return TRUE;
}

static gboolean
read_changes (CtDb *db, CtApprovalView *self, GError **error)
{
  const char *context = ct_json_string (self->row, "context", "");
  g_autofree char *now = NULL;
  CtId task;

  if (strcmp (ct_json_string (self->row, "state", ""), "pending") != 0 ||
      !ct_id_parse (ct_json_string (self->row, "task_id", ""), &task))
    return TRUE;
  now = ct_approval_context_renew (db, &task, context, error);
  if (!now)
    return FALSE;
  if (strcmp (now, context) != 0)
    self->changes = ct_approval_context_changes (db, context, now, error);
  return strcmp (now, context) == 0 || self->changes;
}

/* On a store's thread. @self: (out): clear with ct_approval_view_clear(), also after a failure */
gboolean
ct_approval_view_read (CtDb *db, gint64 n, CtApprovalView *self, GError **error)
{
  memset (self, 0, sizeof *self);
  self->n = n;
  self->row = ct_rows_one (db, error, VIEW_SQL, "i", n);
  return self->row && read_message (db, self, error) && read_changes (db, self, error);
}

/* --- showing -------------------------------------------------------------------------------------------------- */

static GtkWidget *
make_text (const char *markup, const char *name)
{
  GtkWidget *label = gtk_label_new (NULL);
  g_autofree char *plain = NULL;
  g_autofree char *full = NULL;

  gtk_label_set_markup (GTK_LABEL (label), markup);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_can_focus (label, FALSE);
  gtk_widget_add_css_class (label, "ct-message");
  plain = g_strdup (gtk_label_get_text (GTK_LABEL (label)));
  full = g_strdup_printf ("%s: %s", name, plain);
  gtk_accessible_update_property (GTK_ACCESSIBLE (label), GTK_ACCESSIBLE_PROPERTY_LABEL, full, -1);
  return label;
}

/* The message as it goes out, with what hides in it; (transfer floating). */
GtkWidget *
ct_approval_view_make_message (const CtApprovalView *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  if (self->problem) {
    GtkWidget *label = gtk_label_new (self->problem);

    gtk_label_set_wrap (GTK_LABEL (label), TRUE);
    gtk_label_set_xalign (GTK_LABEL (label), 0);
    gtk_widget_add_css_class (label, "ct-critical");
    gtk_box_append (GTK_BOX (box), label);
    return box;
  }
  if (self->n_hidden || self->mentions) {
    g_autofree char *hidden =
        self->n_hidden
            ? g_strdup_printf (
                  g_dngettext (
                      GETTEXT_PACKAGE,
                      "⚠ %u letter hides or turns the direction of the text; it is shown by its number",
                      "⚠ %u letters hide or turn the direction of the text; they are shown by "
                      "their numbers",
                      self->n_hidden),
                  self->n_hidden)
            : NULL;
    g_autofree char *text =
        g_strconcat (hidden ? hidden : "", hidden && self->mentions ? "\n" : "",
                     self->mentions ? _ ("⚠ It calls everybody in the channel") : "", NULL);
    GtkWidget *label = gtk_label_new (text);

    gtk_label_set_wrap (GTK_LABEL (label), TRUE);
    gtk_label_set_xalign (GTK_LABEL (label), 0);
    gtk_widget_add_css_class (label, "ct-critical");
    gtk_box_append (GTK_BOX (box), label);
  }
  gtk_box_append (GTK_BOX (box), make_text (self->message, _ ("Message")));
  return box;
}

typedef struct {
  CtDetail *detail;       /* (owned) */
  CtWorkspace *workspace; /* (owned) */
  CtApprovalView view;
  gint64 n;
  CtStory *story;     /* (owned) (nullable) */
  gint64 waits_until; /* 0 where the post waits for nothing but its undo window */
  gboolean stopped;   /* all sending */
  char *counterparty; /* (owned) (nullable): after whose last post it waits */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->detail);
  g_object_unref (job->workspace);
  ct_approval_view_clear (&job->view);
  g_clear_pointer (&job->story, ct_story_free);
  g_free (job->counterparty);
  g_free (job);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Job *job = data;
  CtId post;

  if (!ct_approval_view_read (db, job->n, &job->view, error))
    return FALSE;
  job->stopped = ct_post_row_is_stopped (db);
  if (ct_id_parse (ct_json_string (job->view.row, "post_id", ""), &post) &&
      !ct_post_row_waits (db, &post, ct_workspace_now (job->workspace), &job->waits_until, &job->counterparty,
                          error))
    return FALSE;
  job->story =
      ct_story_read (db, MOST_EVENTS, error,
                     "SELECT id FROM approvals WHERE n = ?1 UNION ALL SELECT output_id FROM approvals "
                     "WHERE n = ?1 UNION ALL SELECT p.id FROM outbox p JOIN approvals a ON a.id = "
                     "p.approval_id WHERE a.n = ?1",
                     job->n);
  return job->story != NULL;
}

static char *
value_text (JsonNode *node, const char *field, const char *currency)
{
  const char *text;

  if (!node || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("—");
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64) {
    gint64 value = json_node_get_int (node);

    if (g_str_has_suffix (field, "_minor"))
      return ct_format_money (value, currency);
    if (g_str_has_suffix (field, "_at")) {
      g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();

      return ct_format_full_time (value, utc);
    }
    return ct_format_count (value);
  }
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING) {
    text = json_node_get_string (node);
    return ct_date_valid (text) ? ct_format_date (text) : g_strdup (text);
  }
  return ct_json_canonical (node, NULL);
}

/* "due_on" becomes "Due on" */
static char *
field_label (const char *field)
{
  char *label = g_str_has_suffix (field, "_minor") ? g_strndup (field, strlen (field) - 6) : g_strdup (field);

  g_strdelimit (label, "_", ' ');
  label[0] = g_ascii_toupper (label[0]);
  return label;
}

static void
show_changes (Job *job)
{
  const char *reason = ct_json_string (job->view.row, "void_reason", NULL);
  const char *currency = ct_json_string (job->view.row, "currency", "EUR");

  if (reason || job->view.changes)
    ct_detail_add_section (job->detail, _ ("What has changed"));
  ct_detail_add_text (job->detail, reason, "ct-warning");
  if (!job->view.changes)
    return;
  ct_detail_add_text (
      job->detail,
      _ ("The facts are no longer those the draft relies on. It cannot be approved; ask for changes."),
      "ct-warning");
  for (guint i = 0; i < json_array_get_length (job->view.changes); i++) {
    JsonObject *change = json_array_get_object_element (job->view.changes, i);
    const char *field = ct_json_string (change, "field", "");
    g_autofree char *label = field_label (field);
    g_autofree char *before = value_text (json_object_get_member (change, "before"), field, currency);
    g_autofree char *after = value_text (json_object_get_member (change, "after"), field, currency);
    g_autofree char *text = g_strdup_printf ("%s → %s", before, after);

    ct_detail_add_fact (job->detail, label, text, ct_json_string (change, "label", NULL), NULL);
  }
}

static void
show_findings (Job *job)
{
  g_autoptr (JsonArray) findings = parse_array (job->view.row, "findings");

  if (json_array_get_length (findings) == 0)
    return;
  ct_detail_add_section (job->detail, _ ("Findings"));
  for (guint i = 0; i < json_array_get_length (findings); i++) {
    JsonObject *finding = json_array_get_object_element (findings, i);
    gboolean blocks = g_strcmp0 (ct_json_string (finding, "severity", ""), "error") == 0;

    ct_detail_add_fact (job->detail, ct_json_string (finding, "message", ""),
                        blocks ? _ ("⛔ blocks sending") : _ ("⚠ warning"),
                        ct_json_string (finding, "rule", NULL), blocks ? "ct-critical" : "ct-high");
  }
}

static void
show_facts (Job *job)
{
  g_autoptr (JsonArray) facts = parse_array (job->view.row, "facts");
  const char *currency = ct_json_string (job->view.row, "currency", "EUR");
  g_autoptr (GHashTable) linked = g_hash_table_new (g_str_hash, g_str_equal);

  if (json_array_get_length (facts) == 0)
    return;
  ct_detail_add_section (job->detail, _ ("Facts it relies on"));
  for (guint i = 0; i < json_array_get_length (facts); i++) {
    JsonObject *fact = json_array_get_object_element (facts, i);
    const char *field = ct_json_string (fact, "field", ""), *id_text = ct_json_string (fact, "id", "");
    const char *type = ct_json_string (fact, "type", "");
    g_autofree char *label = field_label (field);
    g_autofree char *value = value_text (json_object_get_member (fact, "value"), field, currency);
    CtId id;

    if (ct_page_of_record (type) && ct_id_parse (id_text, &id) &&
        g_hash_table_add (linked, (gpointer) id_text))
      ct_detail_add_link (job->detail, _ ("Record"), ct_json_string (fact, "label", type), type, &id);
    ct_detail_add_fact (job->detail, label, value, ct_json_string (fact, "label", NULL), NULL);
  }
}

static void
add_time (Job *job, const char *label, const char *member, gboolean due)
{
  static const char *const styles[] = { NULL, NULL, NULL, "ct-high", "ct-critical" };
  GTimeZone *zone = ct_workspace_get_zone (job->workspace);
  gint64 at = ct_json_int (job->view.row, member, 0), now = ct_workspace_now (job->workspace);
  g_autofree char *text = NULL, *full = NULL;

  if (!at)
    return;
  text = due ? ct_format_due (at, now) : ct_format_time (at, now, zone);
  full = ct_format_full_time (at, zone);
  ct_detail_add_fact (job->detail, label, text, full,
                      due ? styles[ct_format_due_class (at, now, zone)] : NULL);
}

/* Which request waits for whoever sends, and, but in @brief, who that is; NULL: none. */
static const char *
asked (Job *job, gboolean brief)
{
  const char *state = ct_json_string (job->view.row, "post_state", "");
  gboolean here = brief || !ct_workspace_is_connected (job->workspace);

  if (strcmp (state, "sent") == 0 && ct_json_int (job->view.row, "retract_asked_at", 0))
    return here ? _ ("Retraction asked") : _ ("Retraction asked, the service carries it out");
  if (strcmp (state, "unknown") == 0 && ct_json_int (job->view.row, "look_asked_at", 0))
    return here ? _ ("It is looked for") : _ ("Asked for, the service looks for it");
  return NULL;
}

/* An approved post that waits until sending is resumed, or for another one's quiet period, says so. */
static void
show_wait (Job *job)
{
  GTimeZone *zone = ct_workspace_get_zone (job->workspace);
  g_autofree char *until = NULL, *why = NULL;

  if (job->stopped && strcmp (ct_json_string (job->view.row, "post_state", ""), "ready") == 0)
    ct_detail_add_fact (job->detail, _ ("Waits for"), _ ("all sending is stopped"), NULL, "ct-critical");
  if (!job->waits_until)
    return;
  until = ct_format_time (job->waits_until, ct_workspace_now (job->workspace), zone);
  why = g_strdup_printf (_ ("quiet period after the last post to %s"), job->counterparty);
  ct_detail_add_fact (job->detail, _ ("Waits until"), until, why, NULL);
}

/* What somebody asked of the message, and what stands in its way or came of it. */
static void
show_asked (Job *job)
{
  const char *state = ct_json_string (job->view.row, "post_state", "");
  const char *problem = ct_json_string (job->view.row, "problem", NULL), *waits = asked (job, FALSE);

  ct_detail_add_fact (job->detail, _ ("Request"), waits,
                      ct_json_string (job->view.row, "retract_comment", NULL), "ct-high");
  if (strcmp (state, "retracted") == 0)
    ct_detail_add_fact (job->detail, _ ("Taken back because"), problem, NULL, NULL);
  else if (strcmp (state, "sent") == 0)
    ct_detail_add_fact (job->detail, waits ? _ ("Last try") : _ ("Could not be taken back"), problem, NULL,
                        "ct-critical");
  else
    ct_detail_add_fact (job->detail, _ ("Problem"), problem, NULL, "ct-critical");
}

/* How far the message of an approval is, and what can be done about it. */
static void
show_post (Job *job)
{
  JsonObject *row = job->view.row;
  const char *state = ct_json_string (row, "post_state", NULL);
  GtkWidget *button;

  if (!state)
    return;
  ct_detail_add_section (job->detail, _ ("What became of it"));
  ct_detail_add_fact (job->detail, _ ("Post"), ct_json_string (row, "post", NULL),
                      ct_post_state_label (state), NULL);
  show_wait (job);
  ct_detail_add_fact (job->detail, _ ("Message ID"), ct_json_string (row, "message_id", NULL), NULL, NULL);
  show_asked (job);
  button = asked (job, FALSE) ? NULL : ct_approvals_posts_make_button (job->workspace, job->n, state);
  if (button)
    ct_detail_add_widget (job->detail, button);
}

static void
show_decision (Job *job)
{
  JsonObject *row = job->view.row;
  g_autofree char *hash = g_ascii_strdown (ct_json_string (row, "payload", ""), -1);
  g_autofree char *agent = ct_agent_label (ct_json_string (row, "assigned_agent", ""));
  g_autofree char *confidence = g_strdup_printf ("%d %%", (int) ct_json_int (row, "confidence", 0));
  gint64 amount = ct_json_int (row, "amount_minor", 0);
  g_autofree char *money = amount ? ct_format_money (amount, ct_json_string (row, "currency", "EUR")) : NULL;
  gboolean pending = strcmp (ct_json_string (row, "state", ""), "pending") == 0;
  CtId id;

  ct_detail_add_section (job->detail, _ ("Decision"));
  add_time (job, _ ("Deadline"), "deadline_at", pending);
  add_time (job, _ ("Rejected by itself"), "expires_at", pending);
  ct_detail_add_fact (job->detail, _ ("Owner"), ct_role_label (ct_json_string (row, "owner", "")), NULL,
                      NULL);
  ct_detail_add_fact (job->detail, _ ("Delegated to"), ct_json_string (row, "delegated_to", NULL), NULL,
                      NULL);
  ct_detail_add_fact (job->detail, _ ("Amount"), money, NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Agent"), agent, ct_json_string (row, "model", NULL), NULL);
  ct_detail_add_fact (job->detail, _ ("Confidence"), confidence, ct_json_string (row, "rationale", NULL),
                      NULL);
  ct_detail_add_fact (job->detail, _ ("Edited by"), ct_json_string (row, "edited_by", NULL), NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Decided by"), ct_json_string (row, "decided_by", NULL),
                      ct_json_string (row, "comment", NULL), NULL);
  add_time (job, _ ("Decided"), "decided_at", FALSE);
  if (ct_id_parse (ct_json_string (row, "exception_id", ""), &id))
    ct_detail_add_link (job->detail, _ ("Exception"), ct_json_string (row, "exception", NULL), "exception",
                        &id);
  if (*hash) {
    g_autofree char *text = g_strdup_printf (_ ("SHA-256 of what is sent: %s"), hash);

    ct_detail_add_text (job->detail, text, "ct-hash");
  }
}

static void
show_badges (Job *job)
{
  const char *state = ct_json_string (job->view.row, "state", "");
  gboolean stale = strcmp (state, "voided") == 0 || job->view.changes;

  ct_detail_add_badge (job->detail, ct_approval_state_label (state), stale ? "ct-high" : NULL);
  if (job->view.changes)
    ct_detail_add_badge (job->detail, _ ("⚠ facts have changed"), "ct-high");
  if (ct_json_string (job->view.row, "edited_by", NULL))
    ct_detail_add_badge (job->detail, _ ("✎ edited"), NULL);
  if (ct_json_string (job->view.row, "post_state", NULL))
    ct_detail_add_badge (job->detail,
                         ct_post_state_label (ct_json_string (job->view.row, "post_state", NULL)), NULL);
  if (asked (job, TRUE))
    ct_detail_add_badge (job->detail, asked (job, TRUE), "ct-high");
  if (job->waits_until) {
    g_autofree char *until = ct_format_time (job->waits_until, ct_workspace_now (job->workspace),
                                             ct_workspace_get_zone (job->workspace));
    g_autofree char *text = g_strdup_printf (_ ("waits until %s"), until);

    ct_detail_add_badge (job->detail, text, "ct-high");
  }
}

static void
show (Job *job)
{
  JsonObject *row = job->view.row;

  ct_detail_begin (job->detail, ct_json_string (row, "number", ""), ct_json_string (row, "destination", ""));
  show_badges (job);
  ct_detail_add_text (job->detail, ct_json_string (row, "about", NULL), "dim-label");
  show_post (job);
  ct_detail_add_section (job->detail, _ ("Exactly this goes out"));
  ct_detail_add_widget (job->detail, ct_approval_view_make_message (&job->view));
  if (job->view.diff) {
    ct_detail_add_section (job->detail, _ ("Against the agent's draft"));
    ct_detail_add_widget (job->detail, make_text (job->view.diff, _ ("Changes to the draft")));
  }
  show_findings (job);
  show_changes (job);
  show_decision (job);
  show_facts (job);
  ct_detail_add_section (job->detail, _ ("Timeline"));
  ct_story_show (job->story, job->detail, job->workspace);
  ct_detail_end (job->detail);
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = ct_store_job_data (result);
  g_autoptr (GCancellable) cancellable = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);

  if (g_cancellable_is_cancelled (cancellable))
    return;
  if (ok) {
    show (job);
    return;
  }
  ct_detail_begin (job->detail, "", _ ("This approval cannot be shown"));
  ct_detail_add_text (job->detail, error->message, NULL);
  ct_detail_end (job->detail);
}

/* Reads one approval off the main thread and shows it in the pane. */
void
ct_approval_detail_show (CtDetail *detail, CtWorkspace *workspace, gint64 n, GCancellable *cancellable)
{
  Job *job = g_new0 (Job, 1);

  job->detail = g_object_ref (detail);
  job->workspace = g_object_ref (workspace);
  job->n = n;
  ct_store_read_async (ct_workspace_get_store (workspace), read_cb, job, job_free, cancellable, read_done_cb,
                       g_object_ref (cancellable));
}
