#include "ct-overview-page.h"
#include "ct-format.h"
#include "ct-post-row.h"
#include "ct-rows.h"
#include "ct-sending.h"
#include "ct-sync-words.h"
#include "ct-vocabulary.h"
#include "ct-workspace-connect.h"

#define REFRESH_PAUSE_MS 500
#define TREND_DAYS       14

/* A number and the list behind it. */
typedef struct {
  const char *title; /* N_ () */
  const char *sql;   /* of one number; ?1 is now, ?2 the actor */
  const char *page, *view;
  const char *style; /* (nullable): where it is not zero */
  const char *help;  /* (nullable): N_ () */
} Tile;

static const char sla[] =
    N_ ("SLA: the time by which a follow-up has to be answered, by the policies of the workspace");

#define TASKS                                                                                                \
  "follow_up_tasks t JOIN exceptions e ON e.id = t.exception_id WHERE e.state = 'open' AND t.status <> "     \
  "'resolved' AND "

static const Tile tiles[] = {
  { N_ ("SLA missed now"), "SELECT count(DISTINCT e.n) FROM " TASKS "t.sla_due_at < ?1 AND ?2 <> ''",
    "exceptions", "{\"filters\": {\"state\": [\"open\"], \"work\": [\"overdue\"]}}", "ct-critical", sla },
  { N_ ("SLA due within an hour"),
    "SELECT count(DISTINCT e.n) FROM " TASKS "t.sla_due_at BETWEEN ?1 AND ?1 + 3600000 AND ?2 <> ''",
    "exceptions", "{\"filters\": {\"state\": [\"open\"], \"work\": [\"hour\"]}}", "ct-high", sla },
  { N_ ("Approvals waiting"),
    "SELECT count(*) FROM approvals WHERE state = 'pending' AND ?1 > 0 AND ?2 <> ''", "approvals",
    "{\"filters\": {\"state\": [\"pending\"]}, \"sort\": \"deadline\"}", "ct-high", NULL },
  { N_ ("New exceptions in 24 hours"),
    "SELECT count(*) FROM exceptions WHERE state = 'open' AND opened_at > ?1 - 86400000 AND ?2 <> ''",
    "exceptions", "{\"filters\": {\"state\": [\"open\"], \"work\": [\"new\"]}}", NULL, NULL },
  { N_ ("Nobody follows up"),
    "SELECT count(*) FROM exceptions e WHERE state = 'open' AND ?1 > 0 AND ?2 <> '' AND NOT EXISTS (SELECT 1 "
    "FROM "
    "follow_up_tasks t WHERE t.exception_id = e.id)",
    "exceptions",
    "{\"filters\": {\"state\": [\"open\"], \"work\": [\"nobody\"]}, \"sort\": \"score\", \"descending\": "
    "true}",
    NULL, NULL },
  { N_ ("Posts that failed"),
    "SELECT count(*) FROM outbox WHERE state IN ('failed', 'unknown') AND ?1 > 0 AND ?2 <> ''", "approvals",
    "{\"filters\": {\"state\": [\"approved\"]}, \"sort\": \"age\", \"descending\": true}", "ct-critical",
    NULL },
};

struct _CtOverviewPage {
  CtPage parent_instance;
  GtkWidget *body; /* (unowned) */
  GCancellable *cancellable;
  guint refresh_source;
  double trend[TREND_DAYS];
};

G_DEFINE_FINAL_TYPE (CtOverviewPage, ct_overview_page, CT_TYPE_PAGE)

typedef struct {
  CtOverviewPage *page; /* (owned) */
  char *actor;          /* (owned) */
  gint64 now;
  gint64 counts[G_N_ELEMENTS (tiles)];
  JsonArray *values, *severities, *owners, *trend; /* (owned) (nullable) */
  gint64 checkpoint_at, n_leaves, n_signed, n_channels;
  JsonObject *sync; /* (owned) (nullable) */
  gboolean stopped;
  const char *sending;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->page);
  g_free (job->actor);
  g_clear_pointer (&job->values, json_array_unref);
  g_clear_pointer (&job->severities, json_array_unref);
  g_clear_pointer (&job->owners, json_array_unref);
  g_clear_pointer (&job->trend, json_array_unref);
  g_clear_pointer (&job->sync, json_object_unref);
  g_free (job);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Job *job = data;

  for (guint i = 0; i < G_N_ELEMENTS (tiles); i++)
    if (!ct_db_read_int (db, &job->counts[i], error, tiles[i].sql, "is", job->now, job->actor))
      return FALSE;
  job->stopped = ct_post_row_is_stopped (db);
  job->sending = ct_sending_state (db);
  job->values =
      ct_rows_array (db, error,
                     "SELECT currency, sum(value_at_risk_minor) value FROM exceptions WHERE state = 'open' "
                     "GROUP BY currency HAVING value > 0 ORDER BY value DESC",
                     "");
  job->severities = ct_rows_array (db, error,
                                   "SELECT severity key, count(*) n FROM exceptions WHERE state = 'open' "
                                   "GROUP BY 1 ORDER BY max(score) DESC",
                                   "");
  job->owners = ct_rows_array (
      db, error,
      "SELECT owner key, count(*) n FROM exceptions WHERE state = 'open' GROUP BY 1 ORDER BY 2 DESC", "");
  job->trend = ct_rows_array (
      db, error,
      "SELECT (?1 - opened_at) / 86400000 day, count(*) n FROM exceptions WHERE opened_at > ?1 - "
      "14 * 86400000 AND opened_at <= ?1 GROUP BY 1",
      "i", job->now);
  job->sync = ct_workspace_sync_status (db, error);
  return job->sync && job->values && job->severities && job->owners && job->trend &&
         ct_db_read_int (db, &job->n_leaves, error, "SELECT count(*) FROM audit_logs", "") &&
         ct_db_read_int (db, &job->n_signed, error, "SELECT coalesce(max(size), 0) FROM audit_checkpoints",
                         "") &&
         ct_db_read_int (db, &job->checkpoint_at, error,
                         "SELECT coalesce(max(signed_at), 0) FROM audit_checkpoints", "") &&
         ct_db_read_int (db, &job->n_channels, error,
                         "SELECT count(*) FROM channels WHERE archived_at IS NULL", "");
}

static GtkWidget *
make_label (const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  if (style)
    gtk_widget_add_css_class (label, style);
  return label;
}

/* A number that opens its list. */
static GtkWidget *
make_tile (const char *number, const char *title, const char *style, const char *page, const char *view)
{
  GtkWidget *button = gtk_button_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 4);
  g_autofree char *name = g_strdup_printf ("%s: %s", title, number);
  GtkWidget *value = make_label (number, "title-1");

  if (style)
    gtk_widget_add_css_class (value, style);
  gtk_box_append (GTK_BOX (box), value);
  gtk_box_append (GTK_BOX (box), make_label (title, NULL));
  gtk_widget_set_size_request (box, 180, -1);
  gtk_button_set_child (GTK_BUTTON (button), box);
  gtk_widget_add_css_class (button, "ct-tile");
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.show");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "(ss)", page, view);
  return button;
}

static GtkWidget *
add_row (CtOverviewPage *self, const char *title)
{
  GtkWidget *flow = gtk_flow_box_new ();

  if (title)
    gtk_box_append (GTK_BOX (self->body), make_label (title, "title-4"));
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (flow), GTK_SELECTION_NONE);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (flow), 6);
  gtk_flow_box_set_column_spacing (GTK_FLOW_BOX (flow), 12);
  gtk_flow_box_set_row_spacing (GTK_FLOW_BOX (flow), 12);
  gtk_box_append (GTK_BOX (self->body), flow);
  return flow;
}

static void
add_tile (GtkWidget *flow, GtkWidget *tile)
{
  gtk_flow_box_insert (GTK_FLOW_BOX (flow), tile, -1);
  gtk_widget_set_focusable (gtk_widget_get_parent (tile), FALSE);
}

static void
show_groups (CtOverviewPage *self, JsonArray *rows, const char *title, const char *key,
             const char *(*label) (const char *value))
{
  GtkWidget *flow = json_array_get_length (rows) ? add_row (self, title) : NULL;

  for (guint i = 0; i < json_array_get_length (rows); i++) {
    JsonObject *row = json_array_get_object_element (rows, i);
    const char *value = ct_json_string (row, "key", "");
    g_autofree char *number = ct_format_count (ct_json_int (row, "n", 0));
    g_autofree char *view =
        g_strdup_printf ("{\"filters\": {\"state\": [\"open\"], \"%s\": [\"%s\"]}, \"sort\": \"score\", "
                         "\"descending\": true}",
                         key, value);

    add_tile (flow, make_tile (number, label (value), NULL, "exceptions", view));
  }
}

static const char *
severity_label (const char *name)
{
  CtSeverity severity;

  return ct_severity_parse (name, &severity) ? ct_severity_label (severity) : name;
}

static void
draw_cb (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer data)
{
  CtOverviewPage *self = data;
  GtkStyleContext *style = gtk_widget_get_style_context (GTK_WIDGET (area));
  double most = 1, step = (double) width / TREND_DAYS;
  GdkRGBA color;

  gtk_style_context_get_color (style, &color);
  gdk_cairo_set_source_rgba (cr, &color);
  for (guint i = 0; i < TREND_DAYS; i++)
    most = MAX (most, self->trend[i]);
  for (guint i = 0; i < TREND_DAYS; i++)
    cairo_rectangle (cr, i * step + 1, height - 2 - (height - 4) * self->trend[i] / most, step - 2,
                     (height - 4) * self->trend[i] / most + 2);
  cairo_fill (cr);
}

static void
show_trend (CtOverviewPage *self, JsonArray *rows)
{
  GtkWidget *area = gtk_drawing_area_new ();
  g_autoptr (GString) name = g_string_new (_ ("New exceptions each day, oldest first:"));

  for (guint i = 0; i < TREND_DAYS; i++)
    self->trend[i] = 0;
  for (guint i = 0; i < json_array_get_length (rows); i++) {
    JsonObject *row = json_array_get_object_element (rows, i);
    gint64 day = ct_json_int (row, "day", 0);

    if (day >= 0 && day < TREND_DAYS)
      self->trend[TREND_DAYS - 1 - day] = (double) ct_json_int (row, "n", 0);
  }
  for (guint i = 0; i < TREND_DAYS; i++)
    g_string_append_printf (name, " %d", (int) self->trend[i]);
  gtk_box_append (GTK_BOX (self->body), make_label (_ ("New exceptions, the last 14 days"), "title-4"));
  gtk_drawing_area_set_content_height (GTK_DRAWING_AREA (area), 56);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (area), draw_cb, self, NULL);
  gtk_widget_set_tooltip_text (area, name->str);
  gtk_widget_add_css_class (area, "ct-trend");
  gtk_accessible_update_property (GTK_ACCESSIBLE (area), GTK_ACCESSIBLE_PROPERTY_LABEL, name->str, -1);
  gtk_box_append (GTK_BOX (self->body), area);
}

static void
stop_cb (GtkButton *button, CtOverviewPage *self)
{
  ct_sending_switch (GTK_WIDGET (self), ct_page_get_workspace (CT_PAGE (self)), TRUE, NULL);
}

static void
resume_cb (GtkButton *button, CtOverviewPage *self)
{
  ct_sending_switch (GTK_WIDGET (self), ct_page_get_workspace (CT_PAGE (self)), FALSE, NULL);
}

/* (transfer full): "Server: in sync"; "" where there is none */
static char *
describe_sync (Job *job)
{
  g_auto (CtSyncWords) words = { 0 };

  if (!ct_json_string (job->sync, "server", NULL))
    return g_strdup ("");
  ct_sync_words (job->sync, ct_time_now (), &words);
  return g_strdup_printf ("\n%s: %s", _ ("Server"), words.label);
}

static void
show_health (CtOverviewPage *self, Job *job)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *button =
      gtk_button_new_with_label (job->stopped ? _ ("Resume sending") : _ ("Stop all sending"));
  g_autofree char *when =
      job->checkpoint_at ? ct_format_time (job->checkpoint_at, job->now,
                                           ct_workspace_get_zone (ct_page_get_workspace (CT_PAGE (self))))
                         : g_strdup ("—");
  g_autofree char *leaves = ct_format_count (job->n_leaves), *proven = ct_format_count (job->n_signed);
  g_autofree char *audit = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "Audit: %s of %s entry proven, last checkpoint %s",
                   "Audit: %s of %s entries proven, last checkpoint %s", (gulong) (job->n_leaves)),
      proven, leaves, when);
  g_autofree char *channels =
      g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d channel", "%d channels", (gulong) job->n_channels),
                       (int) job->n_channels);
  g_autofree char *sync = describe_sync (job);
  g_autofree char *text =
      g_strdup_printf ("%s\n%s: %s%s", audit, channels, ct_sending_words (job->sending), sync);
  GtkWidget *label = make_label (text, job->stopped ? "ct-critical" : NULL);

  gtk_box_append (GTK_BOX (self->body), make_label (_ ("Health"), "title-4"));
  gtk_widget_set_hexpand (label, TRUE);
  gtk_box_append (GTK_BOX (box), label);
  if (!job->stopped)
    gtk_widget_add_css_class (button, "destructive-action");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  g_signal_connect (button, "clicked", job->stopped ? G_CALLBACK (resume_cb) : G_CALLBACK (stop_cb), self);
  gtk_box_append (GTK_BOX (box), button);
  gtk_box_append (GTK_BOX (self->body), box);
}

static void
show (CtOverviewPage *self, Job *job)
{
  GtkWidget *flow, *child;

  while ((child = gtk_widget_get_first_child (self->body)))
    gtk_box_remove (GTK_BOX (self->body), child);
  flow = add_row (self, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tiles); i++) {
    g_autofree char *number = ct_format_count (job->counts[i]);

    GtkWidget *tile = make_tile (number, _ (tiles[i].title), job->counts[i] ? tiles[i].style : NULL,
                                 tiles[i].page, tiles[i].view);

    gtk_widget_set_tooltip_text (tile, tiles[i].help ? _ (tiles[i].help) : NULL);
    add_tile (flow, tile);
  }
  if (json_array_get_length (job->values))
    flow = add_row (self, _ ("Value at risk"));
  for (guint i = 0; i < json_array_get_length (job->values); i++) {
    JsonObject *row = json_array_get_object_element (job->values, i);
    const char *currency = ct_json_string (row, "currency", "EUR");
    g_autofree char *money = ct_format_money (ct_json_int (row, "value", 0), currency);

    add_tile (flow, make_tile (
                        money, _ ("Open exceptions"), NULL, "exceptions",
                        "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"value\", \"descending\": true}"));
  }
  show_groups (self, job->severities, _ ("Open by severity"), "severity", severity_label);
  show_groups (self, job->owners, _ ("Open by owner"), "owner", ct_role_label);
  show_trend (self, job->trend);
  show_health (self, job);
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
  if (ok)
    show (job->page, job);
  else
    ct_page_problem (job->page, _ ("The overview cannot be read"), error);
}

static gboolean
refresh_cb (gpointer data)
{
  CtOverviewPage *self = data;
  CtWorkspace *workspace = ct_page_get_workspace (CT_PAGE (self));
  Job *job;

  self->refresh_source = 0;
  if (!ct_page_is_shown (CT_PAGE (self)))
    return G_SOURCE_REMOVE;
  job = g_new0 (Job, 1);
  job->page = g_object_ref (self);
  job->actor = g_strdup (ct_workspace_get_actor (workspace));
  job->now = ct_workspace_now (workspace);
  ct_store_read_async (ct_workspace_get_store (workspace), read_cb, job, job_free, self->cancellable,
                       read_done_cb, g_object_ref (self->cancellable));
  return G_SOURCE_REMOVE;
}

static void
changed_cb (CtStore *store, const char *const *tables, CtOverviewPage *self)
{
  if (!self->refresh_source)
    self->refresh_source = g_timeout_add (REFRESH_PAUSE_MS, refresh_cb, self);
}

static void
ct_overview_page_workspace_set (CtPage *page)
{
  g_signal_connect_object (ct_workspace_get_store (ct_page_get_workspace (page)), "changed",
                           G_CALLBACK (changed_cb), page, 0);
}

static void
ct_overview_page_shown (CtPage *page, gboolean shown)
{
  CtOverviewPage *self = CT_OVERVIEW_PAGE (page);

  if (shown && !self->refresh_source)
    self->refresh_source = g_timeout_add (1, refresh_cb, self);
}

static void
ct_overview_page_dispose (GObject *object)
{
  CtOverviewPage *self = CT_OVERVIEW_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->refresh_source, g_source_remove);
  G_OBJECT_CLASS (ct_overview_page_parent_class)->dispose (object);
}

static void
ct_overview_page_finalize (GObject *object)
{
  g_clear_object (&CT_OVERVIEW_PAGE (object)->cancellable);
  G_OBJECT_CLASS (ct_overview_page_parent_class)->finalize (object);
}

static void
ct_overview_page_class_init (CtOverviewPageClass *klass)
{
  CtPageClass *page_class = CT_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_overview_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_overview_page_finalize;
  page_class->workspace_set = ct_overview_page_workspace_set;
  page_class->shown = ct_overview_page_shown;
}

static void
ct_overview_page_init (CtOverviewPage *self)
{
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  self->cancellable = g_cancellable_new ();
  self->body = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_add_css_class (self->body, "ct-overview");
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), self->body);
  adw_bin_set_child (ADW_BIN (self), scrolled);
}
