#include "ct-page.h"

typedef struct {
  CtWorkspace *workspace; /* (owned) */
  char *subtitle;         /* (owned) (nullable) */
  gboolean shown;
} CtPagePrivate;

enum { PROP_0, PROP_SUBTITLE, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_TYPE_WITH_PRIVATE (CtPage, ct_page, ADW_TYPE_BIN)

static void
ct_page_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SUBTITLE)
    g_value_set_string (value, ct_page_get_subtitle (CT_PAGE (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

/* An AdwBin puts its child away itself: a page must not call gtk_widget_dispose_template() before. */
static void
ct_page_dispose (GObject *object)
{
  adw_bin_set_child (ADW_BIN (object), NULL);
  G_OBJECT_CLASS (ct_page_parent_class)->dispose (object);
}

static void
ct_page_finalize (GObject *object)
{
  CtPagePrivate *priv = ct_page_get_instance_private (CT_PAGE (object));

  g_clear_object (&priv->workspace);
  g_clear_pointer (&priv->subtitle, g_free);
  G_OBJECT_CLASS (ct_page_parent_class)->finalize (object);
}

static void
ct_page_class_init (CtPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ct_page_get_property;
  object_class->dispose = ct_page_dispose;
  object_class->finalize = ct_page_finalize;
  props[PROP_SUBTITLE] =
      g_param_spec_string ("subtitle", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
ct_page_init (CtPage *self)
{
}

void
ct_page_set_workspace (CtPage *self, CtWorkspace *workspace)
{
  CtPagePrivate *priv = ct_page_get_instance_private (self);

  g_return_if_fail (!priv->workspace);
  priv->workspace = g_object_ref (workspace);
  if (CT_PAGE_GET_CLASS (self)->workspace_set)
    CT_PAGE_GET_CLASS (self)->workspace_set (self);
}

/* (transfer none) */
CtWorkspace *
ct_page_get_workspace (CtPage *self)
{
  CtPagePrivate *priv = ct_page_get_instance_private (self);

  return priv->workspace;
}

void
ct_page_set_shown (CtPage *self, gboolean shown)
{
  CtPagePrivate *priv = ct_page_get_instance_private (self);

  if (priv->shown == shown)
    return;
  priv->shown = shown;
  if (CT_PAGE_GET_CLASS (self)->shown)
    CT_PAGE_GET_CLASS (self)->shown (self, shown);
}

gboolean
ct_page_is_shown (CtPage *self)
{
  CtPagePrivate *priv = ct_page_get_instance_private (self);

  return priv->shown;
}

/* What stands below the page's title: "1,204 open". */
void
ct_page_set_subtitle (CtPage *self, const char *subtitle)
{
  CtPagePrivate *priv = ct_page_get_instance_private (self);

  if (g_strcmp0 (priv->subtitle, subtitle) == 0)
    return;
  g_free (priv->subtitle);
  priv->subtitle = g_strdup (subtitle);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SUBTITLE]);
}

const char *
ct_page_get_subtitle (CtPage *self)
{
  CtPagePrivate *priv = ct_page_get_instance_private (self);

  return priv->subtitle;
}

void
ct_page_search (CtPage *self)
{
  if (CT_PAGE_GET_CLASS (self)->search)
    CT_PAGE_GET_CLASS (self)->search (self);
}

void
ct_page_show_view (CtPage *self, JsonObject *view)
{
  if (CT_PAGE_GET_CLASS (self)->show_view)
    CT_PAGE_GET_CLASS (self)->show_view (self, view);
}

void
ct_page_show_record (CtPage *self, const CtId *id)
{
  if (CT_PAGE_GET_CLASS (self)->show_record)
    CT_PAGE_GET_CLASS (self)->show_record (self, id);
}

gboolean
ct_page_key (CtPage *self, guint key, GdkModifierType state)
{
  return CT_PAGE_GET_CLASS (self)->key && CT_PAGE_GET_CLASS (self)->key (self, key, state);
}

/**
 * ct_page_toast:
 * @widget: any widget of the window
 * @undo: whether to offer to take back the command just executed
 *
 * Says what has happened.
 */
void
ct_page_toast (gpointer widget, gboolean undo, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  gtk_widget_activate_action (widget, undo ? "win.toast-undo" : "win.toast", "s", text);
}

/**
 * ct_page_gate:
 * @command: (nullable): whose right the control needs
 * @tooltip: (nullable): for those who may
 *
 * Opens a control to those whose roles allow its command; to others it stays closed and says why.
 */
void
ct_page_gate (GtkWidget *control, CtWorkspace *workspace, const char *command, const char *tooltip)
{
  gboolean may = !command || ct_workspace_may (workspace, command);
  const char *why = _ ("Your roles do not allow this");

  gtk_widget_set_sensitive (control, may);
  gtk_widget_set_tooltip_text (control, may ? tooltip : why);
  if (!may)
    gtk_accessible_update_property (GTK_ACCESSIBLE (control), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, why, -1);
}

/* Says what could not be done and why; a cancelled operation is no problem. */
void
ct_page_problem (gpointer widget, const char *what, const GError *error)
{
  GtkWidget *dialog;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  dialog = adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (widget)), what, error->message);
  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  gtk_window_present (GTK_WINDOW (dialog));
}
