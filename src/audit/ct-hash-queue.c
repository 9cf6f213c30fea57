#include "ct-hash-queue.h"
#include "ct-error.h"

#define N_BATCHES    8
#define BATCH_BYTES  (128 * 1024)
#define BATCH_JOBS   1024
#define MOST_WORKERS 3

typedef struct {
  guint kind;
  gint64 number;
  gsize end; /* of its bytes in the batch; they begin where the job before it ended */
  CtHash expected;
} Job;

typedef struct {
  guint64 order;
  GByteArray *bytes; /* (owned) */
  GArray *jobs;      /* (owned) (element-type Job) */
} Batch;

struct _CtHashQueue {
  CtHashExplain explain;
  GAsyncQueue *full;  /* (owned) (element-type Batch): to be checked; &stop ends a worker */
  GAsyncQueue *empty; /* (owned) (element-type Batch): to be filled */
  GThread *workers[MOST_WORKERS];
  guint n_workers;
  Batch *filling; /* (owned) (nullable) */
  Batch batches[N_BATCHES];
  guint64 n_given;
  int failed;         /* (atomic) */
  GMutex lock;        /* guards what follows */
  guint64 fail_order; /* of the batch with the first failure */
  char *problem;      /* (owned) (nullable) */
};

static Batch stop;

static void
note_failure (CtHashQueue *self, const Batch *batch, const Job *job, gsize start)
{
  g_mutex_lock (&self->lock);
  if (!self->problem || batch->order < self->fail_order) {
    g_free (self->problem);
    self->problem = self->explain (job->kind, job->number, batch->bytes->data + start, job->end - start);
    self->fail_order = batch->order;
  }
  g_mutex_unlock (&self->lock);
  g_atomic_int_set (&self->failed, TRUE);
}

/* Checks a batch up to its first failure and empties it. */
static void
check_batch (CtHashQueue *self, Batch *batch)
{
  gsize start = 0;

  for (guint i = 0; i < batch->jobs->len; i++) {
    const Job *job = &g_array_index (batch->jobs, Job, i);
    CtHash hash = ct_hash (batch->bytes->data + start, job->end - start);

    if (!ct_hash_equal (&hash, &job->expected)) {
      note_failure (self, batch, job, start);
      break;
    }
    start = job->end;
  }
  g_byte_array_set_size (batch->bytes, 0);
  g_array_set_size (batch->jobs, 0);
}

static gpointer
work (gpointer data)
{
  CtHashQueue *self = data;
  Batch *batch;

  while ((batch = g_async_queue_pop (self->full)) != &stop) {
    check_batch (self, batch);
    g_async_queue_push (self->empty, batch);
  }
  return NULL;
}

/**
 * ct_hash_queue_new:
 *
 * Returns: (transfer full): a queue with a worker for each processor beyond the caller's
 */
CtHashQueue *
ct_hash_queue_new (CtHashExplain explain)
{
  CtHashQueue *self = g_new0 (CtHashQueue, 1);
  guint n_workers = CLAMP (g_get_num_processors (), 1, MOST_WORKERS + 1) - 1;

  self->explain = explain;
  self->full = g_async_queue_new ();
  self->empty = g_async_queue_new ();
  g_mutex_init (&self->lock);
  for (guint i = 0; i < N_BATCHES; i++) {
    self->batches[i].bytes = g_byte_array_sized_new (BATCH_BYTES + BATCH_BYTES / 4);
    self->batches[i].jobs = g_array_new (FALSE, FALSE, sizeof (Job));
    g_async_queue_push (self->empty, &self->batches[i]);
  }
  for (guint i = 0; i < n_workers; i++) {
    GThread *worker = g_thread_try_new ("hashes", work, self, NULL);

    if (worker)
      self->workers[self->n_workers++] = worker;
  }
  return self;
}

void
ct_hash_queue_free (CtHashQueue *self)
{
  if (!self)
    return;
  for (guint i = 0; i < self->n_workers; i++)
    g_async_queue_push_front (self->full, &stop);
  for (guint i = 0; i < self->n_workers; i++)
    g_thread_join (self->workers[i]);
  for (guint i = 0; i < N_BATCHES; i++) {
    g_byte_array_unref (self->batches[i].bytes);
    g_array_unref (self->batches[i].jobs);
  }
  g_async_queue_unref (self->full);
  g_async_queue_unref (self->empty);
  g_mutex_clear (&self->lock);
  g_free (self->problem);
  g_free (self);
}

/* An empty batch; where the workers lag behind, this thread checks one itself. */
static Batch *
take_empty (CtHashQueue *self)
{
  Batch *batch = g_async_queue_try_pop (self->empty);

  if (batch)
    return batch;
  batch = g_async_queue_try_pop (self->full);
  if (!batch)
    return g_async_queue_pop (self->empty);
  check_batch (self, batch);
  return batch;
}

/**
 * ct_hash_queue_begin:
 *
 * Returns: (transfer none): append the bytes of the next check here, then call ct_hash_queue_end()
 */
GByteArray *
ct_hash_queue_begin (CtHashQueue *self)
{
  if (!self->filling) {
    self->filling = take_empty (self);
    self->filling->order = self->n_given++;
  }
  return self->filling->bytes;
}

static void
give (CtHashQueue *self)
{
  if (self->filling)
    g_async_queue_push (self->full, g_steal_pointer (&self->filling));
}

/**
 * ct_hash_queue_end:
 * @kind: @number: what the bytes are, for the message
 * @expected: the hash that the bytes since ct_hash_queue_begin() must have
 *
 * Returns: %FALSE once a check is known to have failed: go to ct_hash_queue_finish()
 */
gboolean
ct_hash_queue_end (CtHashQueue *self, guint kind, gint64 number, const CtHash *expected)
{
  Job job = { .kind = kind, .number = number, .end = self->filling->bytes->len, .expected = *expected };

  g_array_append_val (self->filling->jobs, job);
  if (self->filling->bytes->len >= BATCH_BYTES || self->filling->jobs->len >= BATCH_JOBS)
    give (self);
  return !g_atomic_int_get (&self->failed);
}

/**
 * ct_hash_queue_finish:
 *
 * Waits for all checks.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT and the explanation of the first that failed
 */
gboolean
ct_hash_queue_finish (CtHashQueue *self, GError **error)
{
  Batch *batch;

  give (self);
  while ((batch = g_async_queue_try_pop (self->full))) {
    check_batch (self, batch);
    g_async_queue_push (self->empty, batch);
  }
  /* what is in nobody's hands now is all there is */
  for (guint i = 0; i < N_BATCHES; i++)
    g_async_queue_pop (self->empty);
  for (guint i = 0; i < N_BATCHES; i++)
    g_async_queue_push (self->empty, &self->batches[i]);
  return !self->problem || ct_fail (error, CT_ERROR_CORRUPT, "%s", self->problem);
}
