#include "ct-window.h"
#include "ct-keyboard.h"
#include "ct-palette.h"
#include "ct-sending.h"
#include "ct-shortcuts.h"
#include "ct-sidebar.h"
#include "ct-stack.h"
#include "ct-ui-settings.h"
#include "ct-workers.h"
#include "ct-workspace-timeline.h"
#include "attention/ct-attention-page.h"
#include "firstrun/ct-first-run.h"
#include "firstrun/ct-import-dialog.h"
#include "preferences/ct-preferences.h"
#include "sync/ct-connect-dialog.h"
#include "sync/ct-sync-status.h"

/* How long g waits for the letter of a page. */
#define PREFIX_MS 1500

struct _CtWindow {
  AdwApplicationWindow parent_instance;
  AdwToastOverlay *toasts;
  GtkStack *stack;
  AdwStatusPage *problem;
  AdwLeaflet *leaflet;
  CtSidebar *sidebar;
  AdwWindowTitle *title;
  GtkLabel *environment;
  CtSyncStatus *status;
  GtkStack *pages;
  GtkWidget *back;

  CtWorkspace *workspace; /* (owned) (nullable) */
  CtWorkers *workers;     /* (owned) (nullable): what the workspace does by itself */
  char *told;             /* (owned) (nullable): the workers' problem last said; theirs alone */
  GCancellable *cancellable;
  CtPage *page; /* (unowned) (nullable): in front */
  gint64 prefix_until;
  gboolean undoing;
  char *import_next;      /* (owned) (nullable): the files for which the workspace was just made */
  gboolean joining;       /* the workspace was just made to join a server */
  gboolean asking;        /* whether the workspace has to be opened anew */
  gboolean closing;       /* hidden, waits for the workers */
  GCancellable *changing; /* (owned) (nullable): of the change under way */
};

G_DEFINE_FINAL_TYPE (CtWindow, ct_window, ADW_TYPE_APPLICATION_WINDOW)

/* --- pages ---------------------------------------------------------------------------------------------------- */

static void
subtitle_cb (CtWindow *self)
{
  if (self->page)
    adw_window_title_set_subtitle (self->title, ct_page_get_subtitle (self->page));
}

static void
bring_up (CtWindow *self, CtPage *page, const CtPageDef *def)
{
  if (self->page)
    ct_page_set_shown (self->page, FALSE);
  self->page = page;
  gtk_stack_set_visible_child (self->pages, GTK_WIDGET (page));
  /* else the page's first entry takes the focus, and keys such as j are typed into it */
  gtk_window_set_focus (GTK_WINDOW (self), NULL);
  adw_window_title_set_title (self->title, _ (def->title));
  subtitle_cb (self);
  ct_sidebar_show_page (self->sidebar, def->name);
  ct_page_set_shown (page, TRUE);
  if (ct_ui_settings ())
    g_settings_set_string (ct_ui_settings (), "page", def->name);
}

/**
 * ct_window_go:
 * @name: of a page
 *
 * Brings a page up, making it at its first time.
 *
 * Returns: (transfer none) (nullable): the page
 */
CtPage *
ct_window_go (CtWindow *self, const char *name)
{
  const CtPageDef *def = ct_page_find (name);
  GtkWidget *page;

  if (!def || !self->workspace || !ct_page_is_there (def, self->workspace))
    return NULL;
  page = gtk_stack_get_child_by_name (self->pages, name);
  if (!page) {
    page = g_object_new (def->type (), NULL);
    gtk_stack_add_named (self->pages, page, name);
    ct_page_set_workspace (CT_PAGE (page), self->workspace);
    g_signal_connect_object (page, "notify::subtitle", G_CALLBACK (subtitle_cb), self, G_CONNECT_SWAPPED);
  }
  if (self->page != CT_PAGE (page))
    bring_up (self, CT_PAGE (page), def);
  adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_FORWARD);
  return CT_PAGE (page);
}

static void
go_cb (CtSidebar *sidebar, const char *name, CtWindow *self)
{
  ct_window_go (self, name);
}

static void
back_cb (GtkButton *button, CtWindow *self)
{
  adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_BACK);
}

/* --- the workspace -------------------------------------------------------------------------------------------- */

static void
show_environment (CtWindow *self)
{
  static const struct {
    const char *name, *label, *style;
  } kinds[] = {
    { "demo", N_ ("Demo"), "ct-demo" },
    { "staging", N_ ("Staging"), "ct-staging" },
    { "production", N_ ("Production"), "ct-production" },
  };
  const char *name = ct_workspace_get_environment (self->workspace);

  gtk_label_set_text (self->environment, name);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kinds[i].name, name) == 0) {
      gtk_label_set_text (self->environment, _ (kinds[i].label));
      gtk_widget_add_css_class (GTK_WIDGET (self->environment), kinds[i].style);
    }
}

static void watch (CtWindow *self);

static void
show_workspace (CtWindow *self, const char *first)
{
  watch (self);
  ct_sidebar_set_workspace (self->sidebar, self->workspace);
  show_environment (self);
  ct_sync_status_set_workspace (self->status, self->workspace);
  gtk_stack_set_visible_child_name (self->stack, "main");
  if (!ct_window_go (self, first))
    ct_window_go (self, ct_pages[0].name);
}

/* The page that was in front last; (transfer full) (nullable) */
static char *
remembered_page (void)
{
  return ct_ui_settings () ? g_settings_get_string (ct_ui_settings (), "page") : NULL;
}

typedef struct {
  CtWindow *window; /* (owned) */
  char *problem;    /* (owned) */
} Told;

static void
told_free (gpointer data)
{
  Told *told = data;

  g_object_unref (told->window);
  g_free (told->problem);
  g_free (told);
}

static gboolean
show_told_cb (gpointer data)
{
  Told *told = data;

  /* how it stands with the server is said in the header */
  if (told->window->workspace && !ct_workspace_is_connected (told->window->workspace) &&
      gtk_widget_get_mapped (GTK_WIDGET (told->window)))
    ct_page_toast (told->window, FALSE, "%s", told->problem);
  return G_SOURCE_REMOVE;
}

/* On the workers' thread: what they could not do is said where the person is, once for as long as it stays so. */
static void
told_cb (JsonObject *report, gpointer data)
{
  CtWindow *self = data;
  JsonArray *problems = ct_json_array (report, "problems");
  const char *problem =
      problems && json_array_get_length (problems) > 0 ? json_array_get_string_element (problems, 0) : NULL;
  Told *told;

  if (g_strcmp0 (problem, self->told) == 0)
    return;
  g_free (self->told);
  self->told = g_strdup (problem);
  if (!problem)
    return;
  told = g_new0 (Told, 1);
  told->window = g_object_ref (self);
  told->problem = g_strdup (problem);
  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, show_told_cb, told, told_free);
}

/* A workspace held at a time for a trial does nothing by itself. */
static void
start_workers (CtWindow *self, gint64 held_at)
{
  if (held_at)
    return;
  self->workers = ct_workers_new (self->workspace, "control-tower");
  ct_workers_start (self->workers, told_cb, self);
}

static void
show_problem (CtWindow *self, const GError *error)
{
  adw_status_page_set_description (self->problem, error->message);
  gtk_stack_set_visible_child_name (self->stack, "problem");
}

typedef struct {
  char *folder;
  gint64 now;
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  g_free (opening->folder);
  g_free (opening);
}

static void
open_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Opening *opening = data;
  GError *error = NULL;
  g_autoptr (CtWorkspace) workspace = ct_workspace_open (opening->folder, &error);

  if (workspace && (!opening->now || ct_workspace_set_now (workspace, opening->now, &error)))
    g_task_return_pointer (task, g_steal_pointer (&workspace), g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  CtWindow *self = CT_WINDOW (source);
  g_autoptr (GError) error = NULL;
  CtWorkspace *workspace = g_task_propagate_pointer (G_TASK (result), &error);
  g_autofree char *page = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!workspace) {
    show_problem (self, error);
    return;
  }
  self->workspace = workspace;
  page = remembered_page ();
  start_workers (self, ((Opening *) g_task_get_task_data (G_TASK (result)))->now);
  show_workspace (self, page);
  if (self->import_next && ct_window_go (self, "orders"))
    ct_import_dialog_open (self, workspace, self->import_next);
  if (self->joining)
    ct_connect_dialog_open (self, NULL, NULL);
}

static void
first_run_ready_cb (CtFirstRun *first_run, const char *files, gboolean join, CtWindow *self)
{
  self->import_next = g_strdup (files);
  self->joining = join;
  ct_window_open_folder (self, ct_first_run_get_folder (first_run), 0);
}

/* Asks where there is no workspace yet. */
static void
show_first_run (CtWindow *self, const char *folder)
{
  GtkWidget *first_run = ct_first_run_new (folder);

  g_signal_connect (first_run, "ready", G_CALLBACK (first_run_ready_cb), self);
  gtk_stack_add_named (self->stack, first_run, "first-run");
  gtk_stack_set_visible_child_name (self->stack, "first-run");
}

/* Opens a workspace off the main thread: a large one may have to be upgraded. @now 0 is the clock. A folder without one
 * leads to the first run. */
void
ct_window_open_folder (CtWindow *self, const char *folder, gint64 now)
{
  g_autoptr (GTask) task = NULL;
  Opening *opening;

  g_return_if_fail (!self->workspace);
  if (!ct_workspace_exists (folder)) {
    show_first_run (self, folder);
    return;
  }
  task = g_task_new (self, self->cancellable, opened_cb, NULL);
  opening = g_new0 (Opening, 1);
  opening->folder = g_strdup (folder);
  opening->now = now;
  g_task_set_source_tag (task, ct_window_open_folder);
  g_task_set_task_data (task, opening, opening_free);
  gtk_stack_set_visible_child_name (self->stack, "opening");
  g_task_run_in_thread (task, open_thread);
}

/* --- changing the workspace ----------------------------------------------------------------------------------- */

/* All pages go and come anew: they know only the workspace that they were made with. */
static void
take_over (CtWindow *self, CtWorkspace *opened)
{
  const CtPageDef *def = ct_pages;
  g_autofree char *page = NULL;
  GtkWidget *child;

  for (; def->name && self->page && def->type () != G_OBJECT_TYPE (self->page); def++)
    ;
  page = g_strdup (def->name);
  self->page = NULL;
  ct_keyboard_leave (GTK_WIDGET (self->pages));
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->pages))))
    gtk_stack_remove (self->pages, child);
  g_signal_handlers_disconnect_by_data (ct_workspace_get_store (self->workspace), self);
  g_set_object (&self->workspace, opened);
  show_workspace (self, page);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  CtWindow *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (CtWorkspace) opened = ct_reopen_finish (result, &error);

  g_clear_object (&self->changing);
  if (opened && !self->closing)
    take_over (self, opened);
  if (self->closing)
    gtk_window_destroy (GTK_WINDOW (self));
  else
    start_workers (self, 0);
  if (opened)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
ct_window_change_async (CtWindow *self, CtReopenFunc func, gpointer data, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, ct_window_change_async);
  if (self->changing || !self->workspace) {
    g_task_return_new_error (task, CT_ERROR, CT_ERROR_BUSY, "%s",
                             _ ("The workspace is being changed already; try again in a moment"));
    g_object_unref (task);
    return;
  }
  self->changing = cancellable ? g_object_ref (cancellable) : g_cancellable_new ();
  ct_reopen_async (self->workspace, g_steal_pointer (&self->workers), func, data, self->changing, changed_cb,
                   task);
}

/* %FALSE where it failed, and the workspace is as it was */
gboolean
ct_window_change_finish (CtWindow *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* @data: whether it was connected before */
static void
changed_elsewhere_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  CtWindow *self = CT_WINDOW (source);

  if (ct_window_change_finish (self, result, NULL))
    ct_page_toast (self, FALSE, "%s", ct_reopen_reason (self->workspace, GPOINTER_TO_INT (data)));
}

static void
needed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtWindow) self = data;
  gboolean needed = ct_reopen_needed_finish (result);

  self->asking = FALSE;
  if (needed && self->workers && !self->changing && !ct_reopen_has_dialog (GTK_WINDOW (self)) &&
      source == G_OBJECT (ct_workspace_get_store (self->workspace)))
    ct_window_change_async (self, NULL, NULL, NULL, changed_elsewhere_cb,
                            GINT_TO_POINTER (ct_workspace_is_connected (self->workspace)));
}

/* Asked at each commit of another connection, and so again where a dialog was in the way. */
static void
store_changed_cb (CtStore *store, const char *const *tables, CtWindow *self)
{
  static const char *const concerned[] = { "workspace", "people", "person_roles" };
  gboolean ask = !tables;

  for (guint i = 0; i < G_N_ELEMENTS (concerned) && !ask; i++)
    ask = g_strv_contains (tables, concerned[i]);
  if (!ask || self->asking || self->changing)
    return;
  self->asking = TRUE;
  ct_reopen_needed_async (self->workspace, NULL, needed_cb, g_object_ref (self));
}

static void
watch (CtWindow *self)
{
  CtStore *store = ct_workspace_get_store (self->workspace);

  ct_store_watch (store);
  g_signal_connect_object (store, "changed", G_CALLBACK (store_changed_cb), self, 0);
}

/* --- actions -------------------------------------------------------------------------------------------------- */

static void
go_action (GtkWidget *widget, const char *name, GVariant *value)
{
  ct_window_go (CT_WINDOW (widget), g_variant_get_string (value, NULL));
}

static void
show_action (GtkWidget *widget, const char *name, GVariant *value)
{
  const char *page_name, *view;
  g_autoptr (JsonNode) node = NULL;
  CtPage *page;

  g_variant_get (value, "(&s&s)", &page_name, &view);
  page = ct_window_go (CT_WINDOW (widget), page_name);
  node = ct_json_parse (view, -1, 1 << 16, NULL);
  if (page && node && JSON_NODE_HOLDS_OBJECT (node))
    ct_page_show_view (page, json_node_get_object (node));
}

static void
record_action (GtkWidget *widget, const char *name, GVariant *value)
{
  const char *kind, *text;
  const CtPageDef *def;
  CtPage *page;
  CtId id;

  g_variant_get (value, "(&s&s)", &kind, &text);
  def = ct_page_of_record (kind);
  page = def && ct_id_parse (text, &id) ? ct_window_go (CT_WINDOW (widget), def->name) : NULL;
  if (page)
    ct_page_show_record (page, &id);
}

static void
toast_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtWindow *self = CT_WINDOW (widget);
  AdwToast *toast = adw_toast_new (g_variant_get_string (value, NULL));

  if (g_strcmp0 (name, "win.toast-undo") == 0) {
    adw_toast_set_button_label (toast, _ ("_Undo"));
    adw_toast_set_action_name (toast, "win.undo");
    adw_toast_set_timeout (toast, 8);
  }
  adw_toast_overlay_add_toast (self->toasts, toast);
}

/* What was dropped from the tray, with a way to put it back. */
static void
toast_back_action (GtkWidget *widget, const char *name, GVariant *value)
{
  AdwToast *toast;
  const char *text;
  g_autoptr (GVariant) seqs = NULL;

  g_variant_get (value, "(&s@ax)", &text, &seqs);
  toast = adw_toast_new (text);
  adw_toast_set_button_label (toast, _ ("_Undo"));
  adw_toast_set_action_name (toast, "win.attention-back");
  adw_toast_set_action_target_value (toast, seqs);
  adw_toast_set_priority (toast,
                          ADW_TOAST_PRIORITY_HIGH); /* another one's Undo would take something else back */
  adw_toast_set_timeout (toast, 8);
  adw_toast_overlay_add_toast (CT_WINDOW (widget)->toasts, toast);
}

static void
attention_back_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtWindow *self = CT_WINDOW (widget);

  if (self->workspace)
    ct_attention_put_back (widget, self->workspace, value);
}

static void
undone_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtWindow) self = data;
  g_autoptr (GError) error = NULL;
  g_auto (CtOutcome) outcome = { 0 };

  self->undoing = FALSE;
  if (ct_workspace_execute_finish (CT_WORKSPACE (source), result, &outcome, &error))
    ct_page_toast (self, FALSE, _ ("Undone: %s"),
                   ct_timeline_sentence (ct_json_string (outcome.result, "name", "")));
  else if (g_error_matches (error, CT_ERROR, CT_ERROR_NOT_FOUND))
    ct_page_toast (self, FALSE, _ ("There is nothing to undo"));
  else
    ct_page_problem (self, _ ("This cannot be undone"), error);
}

static void
undo_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtWindow *self = CT_WINDOW (widget);

  if (!self->workspace || self->undoing)
    return;
  self->undoing = TRUE;
  ct_workspace_undo_async (self->workspace, self->cancellable, undone_cb, g_object_ref (self));
}

static void
sending_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtWindow *self = CT_WINDOW (widget);

  if (self->workspace)
    ct_sending_switch (widget, self->workspace, g_strcmp0 (name, "win.stop-sending") == 0, NULL);
}

/* Not waiting for the next round; where another program keeps up with the server, it is asked there. */
static void
sync_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtWindow *self = CT_WINDOW (widget);

  if (!self->workers)
    return;
  if (!ct_workers_hurry (self->workers))
    ct_page_toast (self, FALSE, _ ("Another program keeps this workspace in sync"));
}

static void
search_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtWindow *self = CT_WINDOW (widget);

  if (self->page)
    ct_page_search (self->page);
}

static void
palette_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtWindow *self = CT_WINDOW (widget);

  if (self->workspace)
    ct_palette_open (self);
}

static void
preferences_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtWindow *self = CT_WINDOW (widget);

  if (self->workspace)
    ct_preferences_open (self);
}

static void
shortcuts_action (GtkWidget *widget, const char *name, GVariant *value)
{
  ct_shortcuts_open (GTK_WINDOW (widget));
}

static void
close_action (GtkWidget *widget, const char *name, GVariant *value)
{
  gtk_window_close (GTK_WINDOW (widget));
}

/* --- keys ----------------------------------------------------------------------------------------------------- */

static gboolean
go_by_key (CtWindow *self, guint key)
{
  for (const CtPageDef *def = ct_pages; def->name; def++)
    if (def->key == key) {
      ct_window_go (self, def->name);
      return TRUE;
    }
  return FALSE;
}

/* Keys that no widget wanted: g and a letter go to a page, the rest is the page's. */
static gboolean
key_cb (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType state, CtWindow *self)
{
  gint64 now = g_get_monotonic_time ();
  gboolean follows = now < self->prefix_until;

  if (!self->workspace || state & (GDK_ALT_MASK | GDK_SUPER_MASK | GDK_META_MASK))
    return FALSE;
  self->prefix_until = 0;
  if (!(state & GDK_CONTROL_MASK)) {
    if (follows && go_by_key (self, key))
      return TRUE;
    if (key == GDK_KEY_question) {
      ct_shortcuts_open (GTK_WINDOW (self));
      return TRUE;
    }
    if (key == GDK_KEY_g) {
      self->prefix_until = now + PREFIX_MS * 1000;
      return TRUE;
    }
  }
  return self->page && ct_page_key (self->page, key, state);
}

/* --- object --------------------------------------------------------------------------------------------------- */

static void
stop_thread (GTask *task, gpointer source, gpointer workers, GCancellable *cancellable)
{
  ct_workers_stop (workers);
  g_task_return_boolean (task, TRUE);
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  gtk_window_destroy (GTK_WINDOW (source));
}

/* The window goes at once; the workers may need a moment to end what they are at, and the main thread does not wait for
 * them. */
static void
stop_workers (CtWindow *self)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, stopped_cb, NULL);

  g_task_set_source_tag (task, stop_workers);
  g_task_set_task_data (task, g_steal_pointer (&self->workers), (GDestroyNotify) ct_workers_free);
  g_task_run_in_thread (task, stop_thread);
  self->closing = TRUE;
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

static gboolean
ct_window_close_request (GtkWindow *window)
{
  CtWindow *self = CT_WINDOW (window);

  if (self->closing)
    return TRUE;
  ct_ui_settings_keep (window);
  g_cancellable_cancel (self->cancellable);
  if (self->changing) {
    g_cancellable_cancel (self->changing);
    self->closing = TRUE;
    gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
    return TRUE;
  }
  if (!self->workers)
    return GTK_WINDOW_CLASS (ct_window_parent_class)->close_request (window);
  stop_workers (self);
  return TRUE;
}

static void
ct_window_dispose (GObject *object)
{
  CtWindow *self = CT_WINDOW (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_pointer (&self->workers, ct_workers_free);
  self->page = NULL;
  gtk_widget_dispose_template (GTK_WIDGET (self), CT_TYPE_WINDOW);
  G_OBJECT_CLASS (ct_window_parent_class)->dispose (object);
}

static void
ct_window_finalize (GObject *object)
{
  CtWindow *self = CT_WINDOW (object);

  g_free (self->import_next);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->workspace);
  g_free (self->told);
  G_OBJECT_CLASS (ct_window_parent_class)->finalize (object);
}

static void
install_actions (GtkWidgetClass *widget_class)
{
  static const struct {
    const char *name, *type;
    GtkWidgetActionActivateFunc run;
  } actions[] = {
    { "win.go", "s", go_action },
    { "win.show", "(ss)", show_action },
    { "win.record", "(ss)", record_action },
    { "win.toast", "s", toast_action },
    { "win.toast-undo", "s", toast_action },
    { "win.toast-back", "(sax)", toast_back_action },
    { "win.attention-back", "ax", attention_back_action },
    { "win.undo", NULL, undo_action },
    { "win.search", NULL, search_action },
    { "win.stop-sending", NULL, sending_action },
    { "win.resume-sending", NULL, sending_action },
    { "win.sync-now", NULL, sync_action },
    { "win.palette", NULL, palette_action },
    { "win.preferences", NULL, preferences_action },
    { "win.shortcuts", NULL, shortcuts_action },
    { "win.close", NULL, close_action },
  };

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i].name, actions[i].type, actions[i].run);
}

static void
ct_window_class_init (CtWindowClass *klass)
{
  static const struct {
    const char *name;
    gssize offset;
  } children[] = {
#define CHILD(name) { #name, G_STRUCT_OFFSET (CtWindow, name) }
    CHILD (toasts), CHILD (stack), CHILD (problem),     CHILD (leaflet), CHILD (sidebar),
    CHILD (title),  CHILD (pages), CHILD (environment), CHILD (status),  CHILD (back),
#undef CHILD
  };
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_window_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_window_finalize;
  GTK_WINDOW_CLASS (klass)->close_request = ct_window_close_request;
  g_type_ensure (CT_TYPE_SIDEBAR);
  g_type_ensure (CT_TYPE_SYNC_STATUS);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/controltower/ControlTower/ct-window.ui");
  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    gtk_widget_class_bind_template_child_full (widget_class, children[i].name, FALSE, children[i].offset);
  gtk_widget_class_bind_template_callback (widget_class, go_cb);
  gtk_widget_class_bind_template_callback (widget_class, back_cb);
  gtk_widget_class_bind_template_callback (widget_class, key_cb);
  install_actions (widget_class);
}

static void
ct_window_init (CtWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  ct_stack_hide_others (self->stack);
  ct_stack_hide_others (self->pages);
  ct_ui_settings_restore (GTK_WINDOW (self));
}

CtWindow *
ct_window_new (GtkApplication *application)
{
  return g_object_new (CT_TYPE_WINDOW, "application", application, NULL);
}

/* (transfer none) (nullable): NULL until one is open */
CtWorkspace *
ct_window_get_workspace (CtWindow *self)
{
  return self->workspace;
}

/* (transfer none) (nullable): the page in front */
CtPage *
ct_window_get_page (CtWindow *self)
{
  return self->page;
}
