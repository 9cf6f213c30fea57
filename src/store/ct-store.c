#include "ct-store.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#define N_READERS   2
#define READER_NICE 5

/* A queue of jobs served by threads that each have a connection. */
typedef struct {
  GAsyncQueue *jobs; /* (owned) (element-type Job) */
  GThread *threads[N_READERS];
  CtDb *dbs[N_READERS]; /* (owned) */
  guint n_threads;
} Lane;

struct _CtStore {
  GObject parent_instance;
  Lane writer;
  Lane readers;
  GMainContext *context; /* (owned): where "changed" is emitted */
  GMutex mutex;
  GTimeZone *zone; /* (owned) (nullable), guarded by mutex */
  guint poll_source;
  gint64 data_version; /* of the poll; -1 at first */
  gboolean polling;
  gboolean closed;
  gint alarm; /* (atomic): an eventfd that is told of each commit; -1: none */
};

typedef struct {
  CtStore *store; /* (unowned) */
  CtStoreFunc func;
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
  GTask *task;            /* (owned) (nullable): NULL for a call that waits */
  GCancellable *cancellable;
  /* for a call that waits */
  GMutex mutex;
  GCond cond;
  gboolean done;
  gboolean ok;
  GError *error;
} Job;

typedef struct {
  Lane *lane;
  CtStore *store;
  CtDb *db;
  gboolean writes;
} ThreadArgs;

enum { SIGNAL_CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (CtStore, ct_store, G_TYPE_OBJECT)

typedef struct {
  CtStore *store; /* (owned) */
  GStrv tables;   /* (owned) (nullable) */
} ChangedNote;

static gboolean
emit_changed_cb (gpointer data)
{
  ChangedNote *note = data;

  if (!note->store->closed)
    g_signal_emit (note->store, signals[SIGNAL_CHANGED], 0, note->tables);
  return G_SOURCE_REMOVE;
}

static void
changed_note_free (gpointer data)
{
  ChangedNote *note = data;

  g_strfreev (note->tables);
  g_object_unref (note->store);
  g_free (note);
}

/* Tells the store's own main context which tables changed; @tables NULL means any. */
static void
tell_changed (CtStore *self, GStrv tables)
{
  ChangedNote *note = g_new0 (ChangedNote, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  note->store = g_object_ref (self);
  note->tables = tables;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, emit_changed_cb, note, changed_note_free);
  g_source_attach (source, self->context);
}

static void
sound_alarm (CtStore *self)
{
  int fd = g_atomic_int_get (&self->alarm);
  guint64 one = 1;

  if (fd >= 0 && write (fd, &one, sizeof one) < 0)
    g_debug ("eventfd: %s", g_strerror (errno)); /* full: it is sounding already */
}

static void
take_zone (CtStore *self, CtDb *db)
{
  g_mutex_lock (&self->mutex);
  if (self->zone)
    ct_db_set_zone (db, self->zone);
  g_mutex_unlock (&self->mutex);
}

static void
job_free (Job *job)
{
  g_clear_object (&job->task);
  g_clear_object (&job->cancellable);
  g_free (job);
}

static void
run_job (ThreadArgs *args, Job *job)
{
  GError *error = NULL;
  gboolean ok;

  take_zone (args->store, args->db);
  ct_db_set_cancellable (args->db, job->cancellable);
  ok = !g_cancellable_set_error_if_cancelled (job->cancellable, &error) &&
       job->func (args->db, job->data, &error);
  ct_db_set_cancellable (args->db, NULL);
  if (ct_db_in_transaction (args->db))
    ct_db_rollback (args->db); /* a job that forgot to end its transaction has not committed */
  if (args->writes) {
    GStrv tables = ct_db_take_changed_tables (args->db);

    if (tables) {
      sound_alarm (args->store);
      tell_changed (args->store, tables);
    }
  }
  if (job->task) {
    if (ok)
      g_task_return_boolean (job->task, TRUE);
    else
      g_task_return_error (job->task, error);
    job_free (job);
    return;
  }
  g_mutex_lock (&job->mutex);
  job->ok = ok;
  job->error = error;
  job->done = TRUE;
  g_cond_signal (&job->cond);
  g_mutex_unlock (&job->mutex);
}

static Job stop_job;

/* Sorting a million rows gives way to the thread that draws them, also on a machine with one core. On Linux a thread has
 * a nice value of its own; where that is refused, nothing is lost. */
static void
yield_to_others (void)
{
  pid_t thread = gettid ();

  setpriority (PRIO_PROCESS, (id_t) thread, getpriority (PRIO_PROCESS, (id_t) thread) + READER_NICE);
}

static gpointer
lane_thread (gpointer data)
{
  ThreadArgs *args = data;
  Job *job;

  if (!args->writes)
    yield_to_others ();
  while ((job = g_async_queue_pop (args->lane->jobs)) != &stop_job)
    run_job (args, job);
  g_free (args);
  return NULL;
}

static gboolean
open_lane (CtStore *self, Lane *lane, guint n, const char *path, CtDbFlags flags, GError **error)
{
  lane->jobs = g_async_queue_new ();
  for (guint i = 0; i < n; i++) {
    ThreadArgs *args;

    lane->dbs[i] = ct_db_open (path, flags, error);
    if (!lane->dbs[i])
      return FALSE;
    args = g_new0 (ThreadArgs, 1);
    args->lane = lane;
    args->store = self;
    args->db = lane->dbs[i];
    args->writes = !(flags & CT_DB_READ_ONLY);
    lane->threads[i] = g_thread_new (args->writes ? "ct-writer" : "ct-reader", lane_thread, args);
    lane->n_threads++;
  }
  return TRUE;
}

static void
close_lane (Lane *lane)
{
  for (guint i = 0; i < lane->n_threads; i++)
    g_async_queue_push (lane->jobs, &stop_job);
  for (guint i = 0; i < lane->n_threads; i++)
    g_thread_join (lane->threads[i]);
  for (guint i = 0; i < N_READERS; i++)
    g_clear_pointer (&lane->dbs[i], ct_db_close);
  lane->n_threads = 0;
  g_clear_pointer (&lane->jobs, g_async_queue_unref);
}

static gboolean
read_version_cb (CtDb *db, gpointer data, GError **error)
{
  *(gint64 *) data = ct_db_data_version (db);
  return TRUE;
}

static void
version_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  CtStore *self = CT_STORE (source);
  gint64 version = *(gint64 *) ct_store_job_data (result);

  self->polling = FALSE;
  if (!ct_store_job_finish (self, result, NULL))
    return;
  if (self->data_version >= 0 && version != self->data_version)
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0, NULL);
  self->data_version = version;
}

/* The writer's connection sees other processes' commits; its own do not count. */
static gboolean
poll_cb (gpointer data)
{
  CtStore *self = data;

  if (!self->polling && !self->closed) {
    self->polling = TRUE;
    ct_store_write_async (self, read_version_cb, g_new0 (gint64, 1), g_free, NULL, version_read_cb, NULL);
  }
  return G_SOURCE_CONTINUE;
}

/**
 * ct_store_open:
 * @path: the replica's file, with its schema up to date
 *
 * Opens the writer and the readers. #CtStore::changed is emitted in the main context that is the thread's default now:
 * with the names of the tables that a commit here wrote, or %NULL where another process has written.
 *
 * Returns: (transfer full): the store
 */
CtStore *
ct_store_open (const char *path, CtDbFlags flags, GError **error)
{
  g_autoptr (CtStore) self = g_object_new (CT_TYPE_STORE, NULL);

  self->context = g_main_context_ref_thread_default ();
  self->alarm = -1;
  if (!open_lane (self, &self->writer, 1, path, flags, error) ||
      !open_lane (self, &self->readers, N_READERS, path, CT_DB_READ_ONLY, error)) {
    ct_store_close (self);
    return NULL;
  }
  return g_steal_pointer (&self);
}

/* Waits for the jobs under way and closes the connections; the object may live on. */
void
ct_store_close (CtStore *self)
{
  if (self->closed)
    return;
  self->closed = TRUE;
  g_clear_handle_id (&self->poll_source, g_source_remove);
  if (self->writer.jobs)
    close_lane (&self->writer);
  if (self->readers.jobs)
    close_lane (&self->readers);
}

/* Starts to look once a second whether another process has written; for programs that stay open. */
void
ct_store_watch (CtStore *self)
{
  if (!self->poll_source)
    self->poll_source = g_timeout_add (1000, poll_cb, self);
}

static gboolean
look_cb (gpointer data)
{
  CtStore *self = data;

  if (self->poll_source)
    poll_cb (self);
  return G_SOURCE_REMOVE;
}

/* Has a store that watches look now: another connection of this process has written. From any thread. */
void
ct_store_look (CtStore *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, look_cb, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
}

/* @fd: an eventfd that becomes readable with each commit of the writer, for threads without a main context; -1: none */
void
ct_store_set_alarm (CtStore *self, int fd)
{
  g_atomic_int_set (&self->alarm, fd);
}

/* The zone in which all connections turn instants into dates, from their next job on. */
void
ct_store_set_zone (CtStore *self, GTimeZone *zone)
{
  g_mutex_lock (&self->mutex);
  g_clear_pointer (&self->zone, g_time_zone_unref);
  self->zone = g_time_zone_ref (zone);
  g_mutex_unlock (&self->mutex);
}

static gboolean
run_and_wait (CtStore *self, Lane *lane, CtStoreFunc func, gpointer data, GError **error)
{
  Job job = { .store = self, .func = func, .data = data };

  if (self->closed)
    return ct_fail (error, CT_ERROR_FAILED, "The workspace is closed");
  g_mutex_init (&job.mutex);
  g_cond_init (&job.cond);
  g_async_queue_push (lane->jobs, &job);
  g_mutex_lock (&job.mutex);
  while (!job.done)
    g_cond_wait (&job.cond, &job.mutex);
  g_mutex_unlock (&job.mutex);
  g_mutex_clear (&job.mutex);
  g_cond_clear (&job.cond);
  if (!job.ok)
    g_propagate_error (error, job.error);
  return job.ok;
}

gboolean
ct_store_write (CtStore *self, CtStoreFunc func, gpointer data, GError **error)
{
  return run_and_wait (self, &self->writer, func, data, error);
}

gboolean
ct_store_read (CtStore *self, CtStoreFunc func, gpointer data, GError **error)
{
  return run_and_wait (self, &self->readers, func, data, error);
}

typedef struct {
  gpointer data;
  GDestroyNotify destroy;
} JobData;

static void
job_data_free (gpointer data)
{
  JobData *self = data;

  if (self->destroy)
    self->destroy (self->data);
  g_free (self);
}

static void
push_task (CtStore *self, Lane *lane, CtStoreFunc func, gpointer data, GDestroyNotify destroy,
           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  JobData *held = g_new0 (JobData, 1);
  Job *job;

  held->data = data;
  held->destroy = destroy;
  g_task_set_task_data (task, held, job_data_free);
  g_task_set_check_cancellable (task, FALSE);
  if (self->closed) {
    g_task_return_new_error (task, CT_ERROR, CT_ERROR_FAILED, "The workspace is closed");
    g_object_unref (task);
    return;
  }
  job = g_new0 (Job, 1);
  job->store = self;
  job->func = func;
  job->data = data;
  job->task = task;
  job->cancellable = cancellable ? g_object_ref (cancellable) : NULL;
  g_async_queue_push (lane->jobs, job);
}

/**
 * ct_store_write_async:
 * @func: runs on the writer thread, in the order of the calls
 * @data: for @func; freed with @destroy after the callback
 * @cancellable: (nullable): interrupts a running statement too
 */
void
ct_store_write_async (CtStore *self, CtStoreFunc func, gpointer data, GDestroyNotify destroy,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  push_task (self, &self->writer, func, data, destroy, cancellable, callback, user_data);
}

void
ct_store_read_async (CtStore *self, CtStoreFunc func, gpointer data, GDestroyNotify destroy,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  push_task (self, &self->readers, func, data, destroy, cancellable, callback, user_data);
}

gboolean
ct_store_job_finish (CtStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* (transfer none): the @data that the job ran with */
gpointer
ct_store_job_data (GAsyncResult *result)
{
  JobData *held = g_task_get_task_data (G_TASK (result));

  return held->data;
}

static void
ct_store_finalize (GObject *object)
{
  CtStore *self = CT_STORE (object);

  ct_store_close (self);
  g_clear_pointer (&self->zone, g_time_zone_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (ct_store_parent_class)->finalize (object);
}

static void
ct_store_class_init (CtStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ct_store_finalize;
  /**
   * CtStore::changed:
   * @tables: (nullable): names of the tables written; %NULL: any
   */
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", CT_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_STRV);
}

static void
ct_store_init (CtStore *self)
{
  g_mutex_init (&self->mutex);
  self->data_version = -1;
}
