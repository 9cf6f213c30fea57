#pragma once

#include "ct-record.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define CT_TYPE_ROW (ct_row_get_type ())
G_DECLARE_FINAL_TYPE (CtRow, ct_row, CT, ROW, GObject)

/* Called when the row's values arrive or change. */
typedef void (*CtRowFunc) (CtRow *row, gpointer data);

gint64 ct_row_get_n (CtRow *self);
gboolean ct_row_is_loaded (CtRow *self);
const char *ct_row_text (CtRow *self, guint column);
gint64 ct_row_int (CtRow *self, guint column);
gboolean ct_row_id (CtRow *self, guint column, CtId *id);

void ct_row_watch (CtRow *self, CtRowFunc func, gpointer data);
void ct_row_unwatch (CtRow *self, CtRowFunc func, gpointer data);

/* For the model that hands rows out: @live holds the rows in use by their number. */
CtRow *ct_row_new (gint64 n, GHashTable *live);
void ct_row_set_record (CtRow *self, CtRecord *record);

G_END_DECLS
