#pragma once

#include "ct-base.h"
#include "ct-workspace.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* A page of the window: what stands beside the sidebar. A page keeps itself up to date with the workspace and reaches
 * the window by actions alone:
 *
 *   win.go (s)           another page, by name
 *   win.show (ss)        a page with a view: "exceptions", '{"filters": {"severity": ["critical"]}}'
 *   win.record (ss)      a record where it is at home: "order", its UUID
 *   win.toast (s)        a line at the bottom; win.toast-undo offers to take the last command back */
#define CT_TYPE_PAGE (ct_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (CtPage, ct_page, CT, PAGE, AdwBin)

struct _CtPageClass {
  AdwBinClass parent_class;

  void (*workspace_set) (CtPage *self);               /* once, before anything else */
  void (*shown) (CtPage *self, gboolean shown);       /* comes to the front or leaves it */
  void (*search) (CtPage *self);                      /* Ctrl+F */
  void (*show_view) (CtPage *self, JsonObject *view); /* filters, sort, search, as a saved view has them */
  void (*show_record) (CtPage *self, const CtId *id); /* brings one record up */
  gboolean (*key) (CtPage *self, guint key, GdkModifierType state); /* a key that no widget wanted */
};

/* A thing to do on a page: a button, a key, an entry of the palette and of the shortcuts window in one row. */
typedef struct {
  const char *name;                            /* "assign-agent" */
  const char *title;                           /* N_ ("Assign agent…") */
  const char *icon;                            /* (nullable) */
  guint key;                                   /* 'a'; 0: none */
  const char *command;                         /* (nullable): needs the right to run it */
  void (*run) (CtPage *page, GArray *numbers); /* numbers: (element-type gint64): n of the rows it is for */
  gboolean apart;                              /* the pane offers it by itself, where it makes sense */
} CtPageAction;

void ct_page_set_workspace (CtPage *self, CtWorkspace *workspace);
CtWorkspace *ct_page_get_workspace (CtPage *self);
void ct_page_set_shown (CtPage *self, gboolean shown);
gboolean ct_page_is_shown (CtPage *self);
void ct_page_set_subtitle (CtPage *self, const char *subtitle);
const char *ct_page_get_subtitle (CtPage *self);
void ct_page_search (CtPage *self);
void ct_page_show_view (CtPage *self, JsonObject *view);
void ct_page_show_record (CtPage *self, const CtId *id);
gboolean ct_page_key (CtPage *self, guint key, GdkModifierType state);

void ct_page_toast (gpointer widget, gboolean undo, const char *format, ...) G_GNUC_PRINTF (3, 4);
void ct_page_gate (GtkWidget *control, CtWorkspace *workspace, const char *command, const char *tooltip);
void ct_page_problem (gpointer widget, const char *what, const GError *error);

G_END_DECLS
