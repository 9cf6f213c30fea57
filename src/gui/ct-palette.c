/* Ctrl+K: every action and record by a few letters of its name. */
#include "ct-palette.h"
#include "ct-format.h"

/* Records are looked for from so many letters on. */
#define LEAST_LETTERS 2

/* What a row of the palette does: one of the two. */
typedef struct {
  char *action;                /* (owned): of the window or the application */
  GVariant *target;            /* (owned) (nullable) */
  const CtPageAction *on_page; /* (nullable): for the page's chosen rows, by its key */
} Deed;

struct _CtPalette {
  AdwWindow parent_instance;
  GtkSearchEntry *entry;
  GtkListBox *list;
  CtWindow *window; /* (unowned): this is transient for it */
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (CtPalette, ct_palette, ADW_TYPE_WINDOW)

static void
deed_free (gpointer data)
{
  Deed *deed = data;

  g_free (deed->action);
  g_clear_pointer (&deed->target, g_variant_unref);
  g_free (deed);
}

static void
add_row (CtPalette *self, const char *icon, const char *title, const char *more, const char *keys, Deed *deed)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *name = gtk_label_new (title);
  GtkWidget *detail = gtk_label_new (more);
  g_autofree char *label = more ? g_strdup_printf ("%s, %s", title, more) : g_strdup (title);

  gtk_label_set_ellipsize (GTK_LABEL (detail), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (detail), 0);
  gtk_widget_set_hexpand (detail, TRUE);
  gtk_widget_add_css_class (detail, "dim-label");
  gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name (icon));
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), detail);
  if (keys) {
    GtkWidget *shortcut = gtk_label_new (keys);

    gtk_widget_add_css_class (shortcut, "dim-label");
    gtk_widget_add_css_class (shortcut, "monospace");
    gtk_box_append (GTK_BOX (box), shortcut);
  }
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_object_set_data_full (G_OBJECT (row), "deed", deed, deed_free);
  gtk_list_box_append (self->list, row);
  if (!gtk_list_box_get_selected_row (self->list))
    gtk_list_box_select_row (self->list, GTK_LIST_BOX_ROW (row));
}

static gboolean
matches (const char *title, const char *text)
{
  return g_str_match_string (text, title, TRUE);
}

static void
add_action (CtPalette *self, const char *text, const char *icon, const char *title, const char *keys,
            const char *action, GVariant *target)
{
  g_autoptr (GVariant) held = target ? g_variant_ref_sink (target) : NULL;
  Deed *deed;

  if (*text && !matches (title, text))
    return;
  deed = g_new0 (Deed, 1);
  deed->action = g_strdup (action);
  deed->target = g_steal_pointer (&held);
  add_row (self, icon, title, NULL, keys, deed);
}

static void
add_pages (CtPalette *self, const char *text)
{
  for (const CtPageDef *def = ct_pages; def->name; def++) {
    g_autofree char *title = g_strdup_printf (_ ("Go to %s"), _ (def->title));
    g_autofree char *keys = g_strdup_printf ("g %c", (int) def->key);

    if (ct_page_is_there (def, ct_window_get_workspace (self->window)))
      add_action (self, text, def->icon, title, keys, "win.go", g_variant_new_string (def->name));
  }
}

/* What can be done with the rows chosen on the page in front. */
static void
add_page_actions (CtPalette *self, const char *text)
{
  CtPage *page = ct_window_get_page (self->window);

  for (const CtPageDef *def = ct_pages; page && def->name; def++)
    for (const CtPageAction *action = def->actions; action && action->name; action++) {
      g_autofree char *keys = action->key ? g_strdup_printf ("%c", (int) action->key) : NULL;
      Deed *deed;

      if (def->type () != G_OBJECT_TYPE (page) || !action->key ||
          (action->command && !ct_workspace_may (ct_page_get_workspace (page), action->command)) ||
          (*text && !matches (_ (action->title), text)))
        continue;
      deed = g_new0 (Deed, 1);
      deed->on_page = action;
      add_row (self, action->icon ? action->icon : def->icon, _ (action->title), NULL, keys, deed);
    }
}

static void
add_window_actions (CtPalette *self, const char *text)
{
  static const struct {
    const char *icon, *title, *keys, *action, *target;
  } actions[] = {
    { "edit-undo-symbolic", N_ ("Undo the last command"), "Ctrl+Z", "win.undo", NULL },
    { "system-search-symbolic", N_ ("Search in the list"), "Ctrl+F", "win.search", NULL },
    { "emblem-synchronizing-symbolic", N_ ("Sync now"), NULL, "win.sync-now", NULL },
    { "preferences-system-symbolic", N_ ("Preferences and channels"), "Ctrl+,", "win.preferences", NULL },
    { "preferences-desktop-keyboard-shortcuts-symbolic", N_ ("Keyboard shortcuts"), "?", "win.shortcuts",
      NULL },
    { "weather-clear-symbolic", N_ ("Light style"), NULL, "app.style", "light" },
    { "weather-clear-night-symbolic", N_ ("Dark style"), NULL, "app.style", "dark" },
    { "computer-symbolic", N_ ("Style of the system"), NULL, "app.style", "system" },
    { "process-stop-symbolic", N_ ("Stop all sending"), NULL, "win.stop-sending", NULL },
    { "media-playback-start-symbolic", N_ ("Resume sending"), NULL, "win.resume-sending", NULL },
    { "help-about-symbolic", N_ ("About Control Tower"), NULL, "app.about", NULL },
    { "application-exit-symbolic", N_ ("Quit"), "Ctrl+Q", "app.quit", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    add_action (self, text, actions[i].icon, _ (actions[i].title), actions[i].keys, actions[i].action,
                actions[i].target ? g_variant_new_string (actions[i].target) : NULL);
}

/* --- records -------------------------------------------------------------------------------------------------- */

typedef struct {
  const CtRecordSearch *search;
  CtId id;
  char *number, *name; /* (owned) */
} Found;

typedef struct {
  CtPalette *palette; /* (owned) */
  char *pattern;      /* (owned) */
  GArray *found;      /* (owned) (element-type Found) */
} SearchJob;

static void
found_clear (gpointer data)
{
  Found *found = data;

  g_free (found->number);
  g_free (found->name);
}

static void
search_job_free (gpointer data)
{
  SearchJob *job = data;

  g_object_unref (job->palette);
  g_free (job->pattern);
  g_array_unref (job->found);
  g_free (job);
}

static gboolean
search_one (CtDb *db, SearchJob *job, const CtRecordSearch *search, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, search->sql, "s", job->pattern);

  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    Found found = { .search = search };

    if (!ct_stmt_id (stmt, 0, &found.id))
      continue;
    found.number = g_strdup (ct_stmt_text (stmt, 1));
    found.name = g_strdup (ct_stmt_text (stmt, 2));
    g_array_append_val (job->found, found);
  }
  return ct_stmt_finish (stmt, error);
}

static gboolean
search_job_run (CtDb *db, gpointer data, GError **error)
{
  for (const CtRecordSearch *search = ct_record_searches; search->kind; search++)
    if (ct_page_of_record (search->kind) && !search_one (db, data, search, error))
      return FALSE;
  return TRUE;
}

static void
searched_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  SearchJob *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;

  if (!ct_store_job_finish (CT_STORE (source), result, &error)) {
    if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      g_warning ("searching for records: %s", error->message);
    return;
  }
  if (g_strcmp0 (job->pattern, g_object_get_data (G_OBJECT (job->palette), "pattern")) != 0)
    return;
  for (guint i = 0; i < job->found->len; i++) {
    Found *found = &g_array_index (job->found, Found, i);
    g_autofree char *id = ct_id_to_string (&found->id);
    Deed *deed = g_new0 (Deed, 1);

    deed->action = g_strdup ("win.record");
    deed->target = g_variant_ref_sink (g_variant_new ("(ss)", found->search->kind, id));
    add_row (job->palette, found->search->icon, found->number, found->name, NULL, deed);
  }
}

static void
search_records (CtPalette *self, const char *text)
{
  SearchJob *job;

  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_object_set_data (G_OBJECT (self), "pattern", NULL);
  if (g_utf8_strlen (text, -1) < LEAST_LETTERS)
    return;
  job = g_new0 (SearchJob, 1);
  job->palette = g_object_ref (self);
  job->pattern = ct_format_like (text);
  job->found = g_array_new (FALSE, FALSE, sizeof (Found));
  g_array_set_clear_func (job->found, found_clear);
  g_object_set_data_full (G_OBJECT (self), "pattern", g_strdup (job->pattern), g_free);
  ct_store_read_async (ct_workspace_get_store (ct_window_get_workspace (self->window)), search_job_run, job,
                       search_job_free, self->cancellable, searched_cb, NULL);
}

/* --- widget --------------------------------------------------------------------------------------------------- */

static void
fill (CtPalette *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->entry));
  GtkWidget *row;

  while ((row = GTK_WIDGET (gtk_list_box_get_row_at_index (self->list, 0))))
    gtk_list_box_remove (self->list, row);
  add_page_actions (self, text);
  add_pages (self, text);
  add_window_actions (self, text);
  search_records (self, text);
}

static void
search_changed_cb (GtkSearchEntry *entry, CtPalette *self)
{
  fill (self);
}

static void
run_row (CtPalette *self, GtkListBoxRow *row)
{
  Deed *deed = row ? g_object_get_data (G_OBJECT (row), "deed") : NULL;
  g_autofree char *action = deed ? g_strdup (deed->action) : NULL;
  g_autoptr (GVariant) target = deed && deed->target ? g_variant_ref (deed->target) : NULL;
  const CtPageAction *on_page = deed ? deed->on_page : NULL;
  CtWindow *window = self->window;

  if (!deed)
    return;
  gtk_window_close (GTK_WINDOW (self));
  if (on_page)
    ct_page_key (ct_window_get_page (window), on_page->key, 0);
  else
    gtk_widget_activate_action_variant (GTK_WIDGET (window), action, target);
}

static void
row_activated_cb (GtkListBox *list, GtkListBoxRow *row, CtPalette *self)
{
  run_row (self, row);
}

static void
entry_activated_cb (GtkSearchEntry *entry, CtPalette *self)
{
  run_row (self, gtk_list_box_get_selected_row (self->list));
}

/* Up and down move through the rows while the text keeps the keyboard. */
static gboolean
key_cb (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType state, CtPalette *self)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (self->list);
  int index = row ? gtk_list_box_row_get_index (row) : -1;

  if (key == GDK_KEY_Escape) {
    gtk_window_close (GTK_WINDOW (self));
    return TRUE;
  }
  if (key != GDK_KEY_Down && key != GDK_KEY_Up)
    return FALSE;
  row = gtk_list_box_get_row_at_index (self->list, index + (key == GDK_KEY_Down ? 1 : -1));
  if (row) {
    gtk_list_box_select_row (self->list, row);
    gtk_widget_grab_focus (GTK_WIDGET (row));
    gtk_widget_grab_focus (GTK_WIDGET (self->entry));
  }
  return TRUE;
}

static void
ct_palette_dispose (GObject *object)
{
  CtPalette *self = CT_PALETTE (object);

  g_cancellable_cancel (self->cancellable);
  gtk_widget_dispose_template (GTK_WIDGET (self), CT_TYPE_PALETTE);
  G_OBJECT_CLASS (ct_palette_parent_class)->dispose (object);
}

static void
ct_palette_finalize (GObject *object)
{
  g_clear_object (&CT_PALETTE (object)->cancellable);
  G_OBJECT_CLASS (ct_palette_parent_class)->finalize (object);
}

static void
ct_palette_class_init (CtPaletteClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_palette_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_palette_finalize;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/controltower/ControlTower/ct-palette.ui");
  gtk_widget_class_bind_template_child (widget_class, CtPalette, entry);
  gtk_widget_class_bind_template_child (widget_class, CtPalette, list);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, entry_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, row_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, key_cb);
}

static void
ct_palette_init (CtPalette *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

void
ct_palette_open (CtWindow *window)
{
  CtPalette *self = g_object_new (CT_TYPE_PALETTE, "transient-for", window, NULL);

  self->window = window;
  fill (self);
  gtk_window_present (GTK_WINDOW (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
}
