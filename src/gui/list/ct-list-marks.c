#include "ct-list-marks.h"

struct _CtListMarks {
  GHashTable *numbers; /* (owned) (element-type gint64): marked, or left out of all */
  CtIds *all;          /* (owned) (nullable): the rows when all were marked */
};

CtListMarks *
ct_list_marks_new (void)
{
  CtListMarks *self = g_new0 (CtListMarks, 1);

  self->numbers = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  return self;
}

void
ct_list_marks_free (CtListMarks *self)
{
  g_hash_table_unref (self->numbers);
  g_clear_pointer (&self->all, ct_ids_unref);
  g_free (self);
}

gboolean
ct_list_marks_has (CtListMarks *self, gint64 n)
{
  return g_hash_table_contains (self->numbers, &n) != (self->all != NULL);
}

void
ct_list_marks_set (CtListMarks *self, gint64 n, gboolean marked)
{
  if (marked != (self->all != NULL))
    g_hash_table_add (self->numbers, g_memdup2 (&n, sizeof n));
  else
    g_hash_table_remove (self->numbers, &n);
}

/* Marks the rows of @ids: those that the list has now. */
void
ct_list_marks_all (CtListMarks *self, CtIds *ids)
{
  ct_list_marks_clear (self);
  self->all = ct_ids_ref (ids);
}

void
ct_list_marks_clear (CtListMarks *self)
{
  g_hash_table_remove_all (self->numbers);
  g_clear_pointer (&self->all, ct_ids_unref);
}

guint
ct_list_marks_count (CtListMarks *self)
{
  guint listed = g_hash_table_size (self->numbers);

  return self->all ? self->all->length - MIN (listed, self->all->length) : listed;
}

/* (transfer full) (element-type gint64): all numbers marked */
GArray *
ct_list_marks_numbers (CtListMarks *self)
{
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (gint64));
  GHashTableIter iter;
  gpointer key;

  for (guint i = 0; self->all && i < self->all->length; i++) {
    gint64 n = ct_ids_get (self->all, i);

    if (!g_hash_table_contains (self->numbers, &n))
      g_array_append_val (numbers, n);
  }
  g_hash_table_iter_init (&iter, self->numbers);
  while (!self->all && g_hash_table_iter_next (&iter, &key, NULL))
    g_array_append_vals (numbers, key, 1);
  return numbers;
}
