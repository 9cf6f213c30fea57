/* The window of shortcuts, made from the tables that give the keys their meaning. */
#include "ct-shortcuts.h"
#include "ct-window.h"

typedef struct {
  const char *keys; /* as gtk_accelerator_parse() takes them */
  const char *title;
} Shortcut;

static const Shortcut general[] = {
  { "<Control>k", N_ ("Find an action or record") },
  { "<Control>f", N_ ("Search in the list") },
  { "<Control>z", N_ ("Undo the last command") },
  { "<Control>comma", N_ ("Preferences") },
  { "question", N_ ("Keyboard shortcuts") },
  { "F10", N_ ("Main menu") },
  { "<Control>w", N_ ("Close the window") },
  { "<Control>q", N_ ("Quit") },
  { NULL, NULL },
};

static const Shortcut lists[] = {
  { "j", N_ ("Next row") },
  { "k", N_ ("Previous row") },
  { "x", N_ ("Mark the row") },
  { "<Control>a", N_ ("Mark all rows") },
  { "Return", N_ ("Open the row") },
  { "Escape", N_ ("Clear the marks, then close the details") },
  { NULL, NULL },
};

static void
add_property (GString *ui, const char *name, const char *value)
{
  g_autofree char *escaped = g_markup_escape_text (value, -1);

  g_string_append_printf (ui, "<property name='%s'>%s</property>", name, escaped);
}

static void
add_shortcut (GString *ui, const char *keys, const char *title)
{
  g_string_append (ui, "<child><object class='GtkShortcutsShortcut'>");
  add_property (ui, "accelerator", keys);
  add_property (ui, "title", title);
  g_string_append (ui, "</object></child>");
}

static void
begin_group (GString *ui, const char *title)
{
  g_string_append (ui, "<child><object class='GtkShortcutsGroup'>");
  add_property (ui, "title", title);
}

static void
end_group (GString *ui)
{
  g_string_append (ui, "</object></child>");
}

static void
add_group (GString *ui, const char *title, const Shortcut *shortcuts)
{
  begin_group (ui, title);
  for (; shortcuts->keys; shortcuts++)
    add_shortcut (ui, shortcuts->keys, _ (shortcuts->title));
  end_group (ui);
}

static void
add_pages (GString *ui, CtWorkspace *workspace)
{
  begin_group (ui, _ ("Pages"));
  for (const CtPageDef *def = ct_pages; def->name; def++) {
    g_autofree char *keys = g_strdup_printf ("g+%c", (int) def->key);

    if (!workspace || ct_page_is_there (def, workspace))
      add_shortcut (ui, keys, _ (def->title));
  }
  end_group (ui);
}

static void
add_actions (GString *ui, const CtPageDef *def)
{
  gboolean begun = FALSE;

  for (const CtPageAction *action = def->actions; action && action->name; action++) {
    g_autofree char *keys = g_strdup_printf ("%c", (int) action->key);

    if (!action->key)
      continue;
    if (!begun)
      begin_group (ui, _ (def->title));
    begun = TRUE;
    add_shortcut (ui, keys, _ (action->title));
  }
  if (begun)
    end_group (ui);
}

/* GTK 4.8 fills a shortcuts window from a builder alone, so the tables become one. */
void
ct_shortcuts_open (GtkWindow *window)
{
  CtWorkspace *workspace = ct_window_get_workspace (CT_WINDOW (window));
  g_autoptr (GString) ui = g_string_new ("<interface><object class='GtkShortcutsWindow' id='shortcuts'>"
                                         "<property name='modal'>1</property><child>"
                                         "<object class='GtkShortcutsSection'>"
                                         "<property name='section-name'>shortcuts</property>"
                                         "<property name='max-height'>14</property>");
  g_autoptr (GtkBuilder) builder = NULL;
  GtkWindow *shortcuts;

  add_group (ui, _ ("Everywhere"), general);
  add_pages (ui, workspace);
  add_group (ui, _ ("Lists"), lists);
  for (const CtPageDef *def = ct_pages; def->name; def++)
    if (!workspace || ct_page_is_there (def, workspace))
      add_actions (ui, def);
  g_string_append (ui, "</object></child></object></interface>");
  builder = gtk_builder_new_from_string (ui->str, (gssize) ui->len);
  shortcuts = GTK_WINDOW (gtk_builder_get_object (builder, "shortcuts"));
  gtk_window_set_transient_for (shortcuts, window);
  gtk_window_present (shortcuts);
}
