#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The ordered `n` of a list's rows: four bytes a row, eight where a number needs them. Built by one thread, then
 * immutable and shared. */
typedef struct {
  gatomicrefcount refs;
  guint length;
  guint room;
  gboolean wide;
  union {
    gpointer data; /* (owned) */
    guint32 *narrow;
    gint64 *broad;
  };
} CtIds;

CtIds *ct_ids_new (void);
void ct_ids_add (CtIds *self, gint64 n);
void ct_ids_seal (CtIds *self);
CtIds *ct_ids_ref (CtIds *self);
void ct_ids_unref (CtIds *self);
gboolean ct_ids_starts_with (const CtIds *self, const CtIds *start);
gboolean ct_ids_find (const CtIds *self, gint64 n, guint *position);

static inline gint64
ct_ids_get (const CtIds *self, guint position)
{
  return self->wide ? self->broad[position] : (gint64) self->narrow[position];
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtIds, ct_ids_unref)

G_END_DECLS
