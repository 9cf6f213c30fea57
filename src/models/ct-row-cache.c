#include "ct-row-cache.h"

typedef struct {
  gint64 n;
  CtRecord *record; /* (owned) */
  GList link;       /* in the order of use, the least recent first */
} Entry;

struct _CtRowCache {
  GHashTable *entries; /* (owned) (element-type gint64 Entry): the key is the entry's own n */
  GQueue order;
  guint most;
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  ct_record_unref (entry->record);
  g_free (entry);
}

CtRowCache *
ct_row_cache_new (guint most)
{
  CtRowCache *self = g_new0 (CtRowCache, 1);

  self->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, entry_free);
  self->most = most;
  g_queue_init (&self->order);
  return self;
}

void
ct_row_cache_free (CtRowCache *self)
{
  g_hash_table_unref (self->entries);
  g_free (self);
}

void
ct_row_cache_clear (CtRowCache *self)
{
  g_queue_init (&self->order); /* the links are part of the entries */
  g_hash_table_remove_all (self->entries);
}

/* (transfer none) (nullable) */
CtRecord *
ct_row_cache_get (CtRowCache *self, gint64 n)
{
  Entry *entry = g_hash_table_lookup (self->entries, &n);

  if (!entry)
    return NULL;
  g_queue_unlink (&self->order, &entry->link);
  g_queue_push_tail_link (&self->order, &entry->link);
  return entry->record;
}

static void
drop (CtRowCache *self, Entry *entry)
{
  g_queue_unlink (&self->order, &entry->link);
  g_hash_table_remove (self->entries, &entry->n);
}

void
ct_row_cache_put (CtRowCache *self, gint64 n, CtRecord *record)
{
  Entry *entry = g_hash_table_lookup (self->entries, &n);

  if (entry)
    drop (self, entry);
  else if (self->order.length >= self->most)
    drop (self, self->order.head->data);
  entry = g_new0 (Entry, 1);
  entry->n = n;
  entry->record = ct_record_ref (record);
  entry->link.data = entry;
  g_queue_push_tail_link (&self->order, &entry->link);
  g_hash_table_insert (self->entries, &entry->n, entry);
}
