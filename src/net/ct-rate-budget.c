#include "ct-rate-budget.h"

/* Beyond so many buckets those that hold nothing back are forgotten. */
#define BUCKETS_KEPT 1024

/* The bucket as one number (GCRA): when it would be full again. Nothing ticks, nothing is refilled. */
typedef struct {
  guint burst;        /* sends that may follow each other at once; 0: no limit was set */
  gint64 interval_ms; /* one more send each */
  gint64 full_at;
  gint64 parked_until;
} Bucket;

struct _CtRateBudget {
  GMutex mutex;
  GHashTable *buckets; /* (owned) "origin\nkey" → Bucket; the key "" is the whole origin */
};

CtRateBudget *
ct_rate_budget_new (void)
{
  CtRateBudget *self = g_new0 (CtRateBudget, 1);

  g_mutex_init (&self->mutex);
  self->buckets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
ct_rate_budget_free (CtRateBudget *self)
{
  if (!self)
    return;
  g_hash_table_unref (self->buckets);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static Bucket *
lookup (CtRateBudget *self, const char *origin, const char *key, gboolean create)
{
  g_autofree char *name = g_strconcat (origin, "\n", key ? key : "", NULL);
  Bucket *bucket = g_hash_table_lookup (self->buckets, name);

  if (!bucket && create) {
    bucket = g_new0 (Bucket, 1);
    g_hash_table_insert (self->buckets, g_steal_pointer (&name), bucket);
  }
  return bucket;
}

/* When this bucket lets the next one through; a clock that was set back must not lock it for longer than it holds. */
static gint64
bucket_next (Bucket *bucket, gint64 now_ms)
{
  gint64 next = now_ms;

  if (!bucket)
    return now_ms;
  if (bucket->burst > 0) {
    bucket->full_at = MIN (bucket->full_at, now_ms + bucket->burst * bucket->interval_ms);
    next = MAX (next, bucket->full_at - (gint64) (bucket->burst - 1) * bucket->interval_ms);
  }
  return MAX (next, bucket->parked_until);
}

static void
bucket_take (Bucket *bucket, gint64 now_ms)
{
  if (bucket && bucket->burst > 0)
    bucket->full_at = MAX (bucket->full_at, now_ms) + bucket->interval_ms;
}

static gboolean
is_idle (gpointer key, gpointer value, gpointer now_ms)
{
  const Bucket *bucket = value;
  gint64 now = *(gint64 *) now_ms;

  return bucket->burst == 0 && bucket->parked_until <= now;
}

/**
 * ct_rate_budget_limit:
 * @key: (nullable): what the provider counts by (a chat, a phone number); %NULL for the whole origin
 * @burst: sends that may follow each other at once
 * @interval_ms: one more send each so many milliseconds
 */
void
ct_rate_budget_limit (CtRateBudget *self, const char *origin, const char *key, guint burst,
                      gint64 interval_ms)
{
  Bucket *bucket;

  g_return_if_fail (self && origin && interval_ms >= 0);

  g_mutex_lock (&self->mutex);
  bucket = lookup (self, origin, key, TRUE);
  bucket->burst = burst;
  bucket->interval_ms = interval_ms;
  g_mutex_unlock (&self->mutex);
}

static gint64
next_locked (CtRateBudget *self, const char *origin, const char *key, gint64 now_ms)
{
  gint64 whole = bucket_next (lookup (self, origin, NULL, FALSE), now_ms);

  return key && *key ? MAX (whole, bucket_next (lookup (self, origin, key, FALSE), now_ms)) : whole;
}

/**
 * ct_rate_budget_next:
 *
 * Returns: the instant of the earliest permitted send; @now_ms where that is now
 */
gint64
ct_rate_budget_next (CtRateBudget *self, const char *origin, const char *key, gint64 now_ms)
{
  gint64 next;

  g_return_val_if_fail (self && origin, now_ms);

  g_mutex_lock (&self->mutex);
  next = next_locked (self, origin, key, now_ms);
  g_mutex_unlock (&self->mutex);
  return next;
}

/**
 * ct_rate_budget_take:
 * @next_ms: (out) (optional): where %FALSE is returned, when to ask again
 *
 * Returns: whether one send may happen now; it is then counted, against the key and against the whole origin
 */
gboolean
ct_rate_budget_take (CtRateBudget *self, const char *origin, const char *key, gint64 now_ms, gint64 *next_ms)
{
  gint64 next;

  g_return_val_if_fail (self && origin, FALSE);

  g_mutex_lock (&self->mutex);
  next = next_locked (self, origin, key, now_ms);
  if (next <= now_ms) {
    bucket_take (lookup (self, origin, NULL, FALSE), now_ms);
    if (key && *key)
      bucket_take (lookup (self, origin, key, FALSE), now_ms);
  }
  g_mutex_unlock (&self->mutex);
  if (next <= now_ms)
    return TRUE;
  if (next_ms)
    *next_ms = next;
  return FALSE;
}

/**
 * ct_rate_budget_park:
 * @key: (nullable): %NULL parks the whole origin
 * @until_ms: what a provider's Retry-After asks for; a shorter request never shortens a longer one
 */
void
ct_rate_budget_park (CtRateBudget *self, const char *origin, const char *key, gint64 now_ms, gint64 until_ms)
{
  Bucket *bucket;

  g_return_if_fail (self && origin);

  g_mutex_lock (&self->mutex);
  if (g_hash_table_size (self->buckets) > BUCKETS_KEPT)
    g_hash_table_foreach_remove (self->buckets, is_idle, &now_ms);
  bucket = lookup (self, origin, key, TRUE);
  bucket->parked_until = MAX (bucket->parked_until, until_ms);
  g_mutex_unlock (&self->mutex);
}
