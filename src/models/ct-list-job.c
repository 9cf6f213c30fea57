#include "ct-list-job.h"
#include "ct-record.h"

#include <malloc.h>

/* Beyond so many separate changes a list is told to start over. */
#define MOST_SPLICES 128

/* Sorting so many rows leaves holes in the heap that are worth giving back. */
#define LARGE_ORDER 100000

CtListJob *
ct_list_job_new (CtListQuery *query, guint generation)
{
  CtListJob *self = g_new0 (CtListJob, 1);

  self->query = ct_list_query_ref (query);
  self->generation = generation;
  self->wanted = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->numbers = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->records = g_ptr_array_new_with_free_func ((GDestroyNotify) ct_record_unref);
  return self;
}

void
ct_list_job_free (gpointer data)
{
  CtListJob *self = data;

  ct_list_query_unref (self->query);
  ct_ids_unref (self->before);
  ct_ids_unref (self->ids);
  g_array_unref (self->wanted);
  g_clear_pointer (&self->splices, g_array_unref);
  g_array_unref (self->numbers);
  g_ptr_array_unref (self->records);
  g_free (self);
}

static gboolean
read_order (CtListJob *self, CtDb *db, GError **error)
{
  self->ids = ct_list_query_ids (self->query, db, self->most, error);
  if (!self->ids)
    return FALSE;
  if (self->before)
    self->splices = ct_list_diff (self->before, self->ids, MOST_SPLICES);
  for (guint i = 0; self->most && i < self->ids->length; i++) {
    gint64 n = ct_ids_get (self->ids, i);

    g_array_append_val (self->wanted, n);
  }
  return TRUE;
}

/* A CtStoreFunc; @data is the job. */
gboolean
ct_list_job_run (CtDb *db, gpointer data, GError **error)
{
  CtListJob *self = data;
  gint64 began = g_get_monotonic_time ();

  if (!ct_db_begin_read (db, error) || (self->order && !read_order (self, db, error)))
    return FALSE;
  if (self->wanted->len &&
      !ct_list_query_load (self->query, db, (const gint64 *) (gpointer) self->wanted->data, self->wanted->len,
                           self->numbers, self->records, error))
    return FALSE;
  ct_db_rollback (db);
  if (self->ids && self->ids->length > LARGE_ORDER)
    malloc_trim (0);
  self->microseconds = g_get_monotonic_time () - began;
  return TRUE;
}
