/* The list the Exceptions page is measured against: a bare GtkColumnView with as many columns, its cells GtkInscription,
 * over an array in memory. Whoever writes the simplest list that GTK offers, writes this. */
#pragma once

#include <gtk/gtk.h>

typedef struct {
  guint32 n;
  int score;
  gint64 value, opened;
  const char *texts[6]; /* severity, distributor, blocker, owner, agent, country */
} BareRow;

#define BARE_TYPE_ITEM (bare_item_get_type ())
G_DECLARE_FINAL_TYPE (BareItem, bare_item, BARE, ITEM, GObject)
struct _BareItem {
  GObject parent_instance;
  const BareRow *row;
};
G_DEFINE_FINAL_TYPE (BareItem, bare_item, G_TYPE_OBJECT)
static void
bare_item_class_init (BareItemClass *klass)
{
}
static void
bare_item_init (BareItem *self)
{
}

#define BARE_TYPE_LIST (bare_list_get_type ())
G_DECLARE_FINAL_TYPE (BareList, bare_list, BARE, LIST, GObject)
struct _BareList {
  GObject parent_instance;
  BareRow *rows;
  guint32 *shown; /* indexes into rows */
  guint n_rows, n_shown;
};

static GType
bare_list_item_type (GListModel *model)
{
  return BARE_TYPE_ITEM;
}

static guint
bare_list_n_items (GListModel *model)
{
  return BARE_LIST (model)->n_shown;
}

static gpointer
bare_list_item (GListModel *model, guint position)
{
  BareList *self = BARE_LIST (model);
  BareItem *item;

  if (position >= self->n_shown)
    return NULL;
  item = g_object_new (BARE_TYPE_ITEM, NULL);
  item->row = &self->rows[self->shown[position]];
  return item;
}

static void
bare_list_iface (GListModelInterface *iface)
{
  iface->get_item_type = bare_list_item_type;
  iface->get_n_items = bare_list_n_items;
  iface->get_item = bare_list_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (BareList, bare_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, bare_list_iface))
static void
bare_list_finalize (GObject *object)
{
  g_free (BARE_LIST (object)->rows);
  g_free (BARE_LIST (object)->shown);
  G_OBJECT_CLASS (bare_list_parent_class)->finalize (object);
}
static void
bare_list_class_init (BareListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = bare_list_finalize;
}
static void
bare_list_init (BareList *self)
{
}

/* @n rows with the values that gui-workspace.h gives its exceptions. */
static BareList *
bare_list_new (guint n)
{
  static const char *const names[] = { "Nordwind Handels GmbH", "Atlas Trading Ltd", "Société Lumière",
                                       "Fjord Import AS",       "Vostok Trade",      "Casa Verde SA",
                                       "Blue Harbor Inc.",      "Pannonia Kft." };
  static const char *const blockers[] = { "Invoice overdue",    "Pickup failed",         "Document missing",
                                          "Onboarding stalled", "Credit limit exceeded", "Order stuck",
                                          "ETA drift" };
  static const char *const owners[] = { "Accounting", "Logistics", "Legal",    "Partner Success",
                                        "Accounting", "Sales",     "Logistics" };
  BareList *self = g_object_new (BARE_TYPE_LIST, NULL);

  self->rows = g_new (BareRow, n);
  self->shown = g_new (guint32, n);
  self->n_rows = self->n_shown = n;
  for (guint64 i = 0; i < n; i++) {
    int score = (int) (i * 7919 % 100), kind = (int) (i * 104729 % 7);

    self->rows[i] = (BareRow){
      .n = (guint32) i,
      .score = score,
      .value = (gint64) (i * 7907 % 9000000),
      .opened = -(gint64) (i * 2654435 % 40 * 7200000 + i % 3600000),
      .texts = { score >= 85   ? "▲ Critical"
                 : score >= 65 ? "▲ High"
                 : score >= 40 ? "● Medium"
                               : "○ Low",
                 names[i * 15485863 % 24 % 8], blockers[kind], owners[kind], owners[kind], "DE" },
    };
    self->shown[i] = (guint32) i;
  }
  return self;
}

typedef int (*BareCompare) (const BareRow *a, const BareRow *b);

static int
bare_compare (gconstpointer a, gconstpointer b, gpointer data)
{
  gpointer *context = data;
  BareList *self = context[0];
  const BareRow *x = &self->rows[*(const guint32 *) a], *y = &self->rows[*(const guint32 *) b];
  int order = ((BareCompare) context[1]) (x, y);

  return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* Shows the rows whose text @column is @text (all with NULL) in the order of @compare. */
static void
bare_list_show (BareList *self, guint column, const char *text, BareCompare compare)
{
  gpointer context[] = { self, compare };
  guint before = self->n_shown;

  self->n_shown = 0;
  g_list_model_items_changed (G_LIST_MODEL (self), 0, before, 0);
  for (guint32 i = 0; i < self->n_rows; i++)
    if (!text || strcmp (self->rows[i].texts[column], text) == 0)
      self->shown[self->n_shown++] = i;
  g_qsort_with_data (self->shown, (int) self->n_shown, sizeof *self->shown, bare_compare, context);
  g_list_model_items_changed (G_LIST_MODEL (self), 0, 0, self->n_shown);
}

/* --- its view ------------------------------------------------------------------------------------------------- */

typedef enum { BARE_TEXT, BARE_NUMBER, BARE_SUBJECT, BARE_SCORE, BARE_VALUE, BARE_DUE, BARE_AGE } BareKind;

/* The columns the Exceptions page shows at first, and their widths. */
static const struct {
  const char *title;
  BareKind kind;
  guint text;
  int width;
  gboolean expand, right;
} bare_columns[] = {
  { "Severity", BARE_TEXT, 0, 94, FALSE, FALSE },
  { "Number", BARE_NUMBER, 0, 134, FALSE, FALSE },
  { "Subject", BARE_SUBJECT, 0, 134, TRUE, FALSE },
  { "Distributor", BARE_TEXT, 1, 150, TRUE, FALSE },
  { "Blocker", BARE_TEXT, 2, 146, FALSE, FALSE },
  { "Score", BARE_SCORE, 0, 64, FALSE, TRUE },
  { "Value at risk", BARE_VALUE, 0, 118, FALSE, TRUE },
  { "Owner", BARE_TEXT, 3, 104, FALSE, FALSE },
  { "Agent", BARE_TEXT, 4, 100, FALSE, FALSE },
  { "SLA due", BARE_DUE, 0, 118, FALSE, FALSE },
  { "Age", BARE_AGE, 0, 76, FALSE, TRUE },
};

static void
bare_setup_cb (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  guint column = GPOINTER_TO_UINT (data);
  GtkWidget *cell = gtk_inscription_new (NULL);

  gtk_inscription_set_text_overflow (GTK_INSCRIPTION (cell), GTK_INSCRIPTION_OVERFLOW_ELLIPSIZE_END);
  gtk_inscription_set_xalign (GTK_INSCRIPTION (cell), bare_columns[column].right ? 1 : 0);
  gtk_widget_set_valign (cell, GTK_ALIGN_CENTER);
  gtk_list_item_set_child (item, cell);
}

static void
bare_bind_cb (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  guint column = GPOINTER_TO_UINT (data);
  const BareRow *row = BARE_ITEM (gtk_list_item_get_item (item))->row;
  GtkInscription *cell = GTK_INSCRIPTION (gtk_list_item_get_child (item));
  char text[64];

  switch (bare_columns[column].kind) {
  case BARE_TEXT:
    gtk_inscription_set_text (cell, row->texts[bare_columns[column].text]);
    return;
  case BARE_NUMBER:
    g_snprintf (text, sizeof text, "EXC-2026-%04u", row->n);
    break;
  case BARE_SUBJECT:
    g_snprintf (text, sizeof text, "ORD-2026-%04u", row->n + 1000);
    break;
  case BARE_SCORE:
    g_snprintf (text, sizeof text, "%d", row->score);
    break;
  case BARE_VALUE:
    g_snprintf (text, sizeof text, "%.2f EUR", (double) row->value / 100);
    break;
  case BARE_AGE:
    g_snprintf (text, sizeof text, "%d h", (int) (-row->opened / 3600000));
    break;
  case BARE_DUE:
  default:
    text[0] = '\0';
  }
  gtk_inscription_set_text (cell, text);
}

/* (transfer full) */
static GtkColumnView *
bare_view_new (BareList *list)
{
  GtkColumnView *view = GTK_COLUMN_VIEW (gtk_column_view_new (
      GTK_SELECTION_MODEL (gtk_single_selection_new (g_object_ref (G_LIST_MODEL (list))))));

  for (guint i = 0; i < G_N_ELEMENTS (bare_columns); i++) {
    GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
    g_autoptr (GtkColumnViewColumn) column = NULL;

    g_signal_connect (factory, "setup", G_CALLBACK (bare_setup_cb), GUINT_TO_POINTER (i));
    g_signal_connect (factory, "bind", G_CALLBACK (bare_bind_cb), GUINT_TO_POINTER (i));
    column = gtk_column_view_column_new (bare_columns[i].title, factory);
    gtk_column_view_column_set_fixed_width (column, bare_columns[i].width);
    gtk_column_view_column_set_expand (column, bare_columns[i].expand);
    gtk_column_view_column_set_resizable (column, TRUE);
    gtk_column_view_append_column (view, column);
  }
  return view;
}
