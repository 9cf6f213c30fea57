#include "ct-workers.h"
#include "ct-link.h"
#include "ct-log-sign.h"
#include "ct-service.h"
#include "ct-workspace-agents.h"
#include "ct-workspace-audit.h"
#include "ct-workspace-delivery.h"
#include "ct-workspace-work.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_NAME "workers.lock"

/* How often a round looks whether there is something to do; that is one small question to the replica. */
#define TICK_MS 1000

/* Rules that wait for a moment are evaluated this often where nothing has changed. */
#define DETECT_EVERY_MS (60 * CT_MS_SECOND)

/* A post of unknown fate is looked for at its provider so often, and for so long. */
#define LOOK_EVERY_MS (60 * CT_MS_SECOND)
#define LOOK_FOR_MS   (24 * CT_MS_HOUR)

/* Rows leave retention windows at midnight, and new windows are opened now and then. */
#define RETAIN_EVERY_MS (60 * CT_MS_SECOND)

struct _CtWorkers {
  CtWorkspace *workspace;                     /* (owned) */
  char *program;                              /* (owned) */
  int lock;                                   /* -1: not held */
  gint64 detected_at, looked_at, retained_at; /* by the steady clock, ms */
  CtLink *link;                               /* (owned) (nullable): to the server of a connected workspace */
  CtService *service;                         /* (owned) (nullable): with the link */
  GCancellable *cancellable;                  /* (owned) */
  GThread *thread;                            /* (owned) (nullable) */
  CtWorkersFunc told;
  gpointer told_data;
  GMutex mutex;
  int wake;        /* eventfd: somebody wants the thread to look */
  gint stopping;   /* atomic */
  gint hurry;      /* atomic */
  gint64 begun_at; /* under the mutex: when the last round began, by the steady clock */
  gint hosting;    /* atomic */
};

CtWorkers *
ct_workers_new (CtWorkspace *workspace, const char *program)
{
  CtWorkers *self = g_new0 (CtWorkers, 1);

  self->workspace = g_object_ref (workspace);
  self->program = g_strdup (program);
  self->lock = -1;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->mutex);
  self->wake = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  g_assert (self->wake >= 0);
  return self;
}

void
ct_workers_free (CtWorkers *self)
{
  if (!self)
    return;
  ct_workers_stop (self);
  g_clear_pointer (&self->service, ct_service_free);
  g_clear_pointer (&self->link, ct_link_free);
  g_object_unref (self->cancellable);
  g_object_unref (self->workspace);
  g_free (self->program);
  g_mutex_clear (&self->mutex);
  close (self->wake);
  g_free (self);
}

/* Who holds the lock stands in the file, for health and for messages; the lock itself is flock()'s. */
static void
write_holder (CtWorkers *self)
{
  g_autofree char *since = ct_time_format (ct_time_now ());
  g_autoptr (JsonObject) holder =
      ct_json_build ("sisss", "program", self->program, "pid", (gint64) getpid (), "host", g_get_host_name (),
                     "login", g_get_user_name (), "since", since);
  g_autofree char *text = ct_json_canonical_object (holder, NULL);

  if (ftruncate (self->lock, 0) != 0 || pwrite (self->lock, text, strlen (text), 0) < 0)
    g_warning ("%s: %s", LOCK_NAME, g_strerror (errno));
}

/* The lock file's text; a file that another process made too large is none of ours. */
static JsonObject *
read_holder (int fd)
{
  char text[1024];
  ssize_t length = pread (fd, text, sizeof text, 0);
  g_autoptr (JsonNode) node = length > 0 ? ct_json_parse (text, length, sizeof text, NULL) : NULL;

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_object_ref (json_node_get_object (node)) : NULL;
}

/**
 * ct_workers_take:
 *
 * Takes the workers' lock of the workspace, without waiting.
 *
 * Returns: %FALSE with %CT_ERROR_BUSY where another process hosts the workers
 */
gboolean
ct_workers_take (CtWorkers *self, GError **error)
{
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self->workspace), LOCK_NAME, NULL);
  int fd;

  if (self->lock >= 0)
    return TRUE;
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return ct_fail (error, CT_ERROR_FAILED, _ ("Cannot open %s: %s"), path, g_strerror (errno));
  if (flock (fd, LOCK_EX | LOCK_NB) != 0) {
    g_autoptr (JsonObject) holder = read_holder (fd);

    close (fd);
    return ct_fail (error, CT_ERROR_BUSY, _ ("%s (process %d) already does this workspace's work"),
                    ct_json_string (holder, "program", _ ("Another program")),
                    (int) ct_json_int (holder, "pid", 0));
  }
  self->lock = fd;
  write_holder (self);
  g_atomic_int_set (&self->hosting, TRUE);
  return TRUE;
}

gboolean
ct_workers_is_hosting (CtWorkers *self)
{
  return g_atomic_int_get (&self->hosting);
}

/**
 * ct_workers_holder:
 * @folder: of a workspace
 *
 * Returns: (transfer full) (nullable): who hosts its workers: {"program", "pid", "host", "login", "since"}; %NULL: nobody
 */
JsonObject *
ct_workers_holder (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, LOCK_NAME, NULL);
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  JsonObject *holder = NULL;

  if (fd < 0)
    return NULL;
  /* a shared lock, so that two who ask do not take each other for a host */
  if (flock (fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    holder = read_holder (fd);
    if (!holder)
      holder = json_object_new ();
  }
  close (fd);
  return holder;
}

/* What waits to be done. */
typedef struct {
  gint64 now;
  gint64 dirty;
  gint64 scheduler_at;
  gint64 outbox_at;
  gint64 unknown; /* a post whose fate is not known yet, and that is young enough to be found */
  guint64 leaves, covered;
} Waiting;

static gboolean
read_waiting_cb (CtDb *db, gpointer data, GError **error)
{
  Waiting *self = data;

  return ct_db_read_int (db, &self->dirty, error, "SELECT EXISTS (SELECT 1 FROM dirty)", "") &&
         ct_db_read_int (db, &self->unknown, error,
                         "SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 'unknown' AND updated_at > ?)",
                         "i", self->now - LOOK_FOR_MS) &&
         ct_scheduler_next_at (db, &self->scheduler_at, error) &&
         ct_log_size (db, &self->leaves, &self->covered, error);
}

/* One part of a round; a part that fails does not stop the others. */
typedef gboolean (*Part) (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error);

static gboolean
detect (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) counts = ct_workspace_detect (self->workspace, FALSE, NULL, NULL, cancellable, error);
  JsonObject *object;

  if (!counts)
    return FALSE;
  self->detected_at = g_get_monotonic_time () / 1000;
  object = ct_detect_counts_to_json (counts);
  json_object_remove_member (object, "rules");
  json_object_set_object_member (report, "detection", object);
  return TRUE;
}

static gboolean
schedule (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  g_auto (CtSchedulerReport) pass = { 0 };

  if (!ct_workspace_run_scheduler (self->workspace, cancellable, &pass, error))
    return FALSE;
  json_object_set_object_member (report, "scheduler", ct_scheduler_report_to_json (&pass));
  return TRUE;
}

static gboolean
deliver (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  g_auto (CtOutboxReport) round = { 0 };

  if (self->service && !ct_service_refresh (self->service, error))
    return FALSE;
  if (!ct_workspace_deliver (self->workspace, cancellable, &round, error))
    return FALSE;
  json_object_set_object_member (
      report, "delivery",
      ct_json_build ("biiiii", "stopped", round.stopped, "sent", (gint64) round.n_sent, "failed",
                     (gint64) round.n_failed, "unknown", (gint64) round.n_unknown, "waiting",
                     (gint64) round.n_waiting, "retracted", (gint64) round.n_retracted));
  return TRUE;
}

static gboolean
sign (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  if (!ct_workspace_sign (self->workspace, error))
    return FALSE;
  json_object_set_boolean_member (report, "signed", TRUE);
  return TRUE;
}

static gboolean
run_part (CtWorkers *self, Part part, JsonObject *report, JsonArray *problems, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  if (!g_cancellable_is_cancelled (cancellable) && part (self, report, cancellable, &error))
    return TRUE;
  if (error && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    json_array_add_string_element (problems, error->message);
  return FALSE;
}

/* A round with the server; how it went stands in the workspace's status as well. */
static gboolean
sync_up (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  CtSyncReport round;

  if (!ct_link_round (self->link, cancellable, &round, error))
    return FALSE;
  json_object_set_object_member (report, "sync", ct_link_report_to_json (&round));
  return TRUE;
}

/* The service's part for the log: every instance follows it, so that each can prove what it sends; the one that has the
 * key gives new leaves their places and a signed head, one at a time. */
static gboolean
follow_log (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  gboolean sequences = ct_workspace_signs_log (self->workspace);
  CtLogSyncReport done;

  if (sequences) {
    g_autoptr (GError) problem = NULL;

    sequences = ct_service_takes (self->service, "sequence", &problem);
    if (problem) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  }
  if (!ct_link_follow_log (self->link, sequences, FALSE, cancellable, &done, error))
    return FALSE;
  if (done.signed_here)
    json_object_set_boolean_member (report, "signed", TRUE);
  return TRUE;
}

static gboolean
connect_up (CtWorkers *self, GError **error)
{
  if (!self->link)
    self->link = ct_link_new (self->workspace, TRUE, error);
  if (self->link && !self->service)
    self->service = ct_service_new (self->workspace, self->link);
  return self->service != NULL;
}

static gboolean
begin (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  return ct_service_begin (self->service, report, cancellable, error);
}

/* Work that concerns all records is one instance's at a time. */
static gboolean
may (CtWorkers *self, const char *kind, JsonArray *problems)
{
  g_autoptr (GError) error = NULL;
  gboolean mine = !self->service || ct_service_takes (self->service, kind, &error);

  if (error && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    json_array_add_string_element (problems, error->message);
  return mine;
}

/* What leaves somebody's scopes by time; at once again where there was more than is done in one go. */
static gboolean
retain (CtWorkers *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  gboolean finished = FALSE;
  gint64 rows = 0;

  if (!ct_service_retain (self->service, &rows, &finished, error))
    return FALSE;
  if (!finished)
    self->retained_at = 0;
  if (rows > 0)
    json_object_set_int_member (report, "retained", rows);
  return TRUE;
}

/* Connected: keeps up with the server. Whether there is more to do here: the team's service finds, schedules and sends. */
static gboolean
keep_up (CtWorkers *self, gboolean everything, JsonObject *report, JsonArray *problems,
         GCancellable *cancellable)
{
  if (everything || ct_link_is_due (self->link))
    run_part (self, sync_up, report, problems, cancellable);
  if (ct_link_is_service (self->link) && ct_link_get_session (self->link))
    run_part (self, follow_log, report, problems, cancellable);
  return run_part (self, begin, report, problems, cancellable);
}

static gboolean
is_due (gint64 at, gint64 now)
{
  return at != CT_NULL_INT && at > 0 && at <= now;
}

/**
 * ct_workers_round:
 * @everything: whether or not something waits
 *
 * One round of all workers, on the caller's thread: rules, agents, the outbox, a checkpoint; each only where there is
 * something for it to do. In a connected workspace: a round with its server, and the others where this is the team's
 * service.
 *
 * Returns: (transfer full): {"detection", "scheduler", "delivery", "signed", "sync", "discarded", "retained",
 *   "problems"}, with what ran; %NULL where the workspace cannot be read
 */
JsonObject *
ct_workers_round (CtWorkers *self, gboolean everything, GCancellable *cancellable, GError **error)
{
  gint64 now = ct_workspace_now (self->workspace), steady = g_get_monotonic_time () / 1000;
  g_autoptr (JsonObject) report = json_object_new ();
  Waiting waiting = { .now = now };
  JsonArray *problems = json_array_new ();
  gboolean connected = ct_workspace_is_connected (self->workspace);

  json_object_set_array_member (report, "problems", problems);
  if (connected && !connect_up (self, error))
    return NULL;
  if (connected && !keep_up (self, everything, report, problems, cancellable))
    return g_steal_pointer (&report);
  waiting.outbox_at = ct_workspace_next_delivery (self->workspace, error);
  if (waiting.outbox_at < 0 ||
      !ct_store_read (ct_workspace_get_store (self->workspace), read_waiting_cb, &waiting, error))
    return NULL;
  if ((everything || waiting.dirty || steady - self->detected_at >= DETECT_EVERY_MS) &&
      may (self, "detect", problems))
    run_part (self, detect, report, problems, cancellable);
  if ((everything || is_due (waiting.scheduler_at, now)) && may (self, "schedule", problems))
    run_part (self, schedule, report, problems, cancellable);
  if (connected && (everything || self->retained_at == 0 || steady - self->retained_at >= RETAIN_EVERY_MS)) {
    self->retained_at = steady;
    run_part (self, retain, report, problems, cancellable);
  }
  if (everything || is_due (waiting.outbox_at, now) ||
      (waiting.unknown && steady - self->looked_at >= LOOK_EVERY_MS)) {
    self->looked_at = steady;
    run_part (self, deliver, report, problems, cancellable);
  }
  if (!connected && (everything || waiting.leaves > waiting.covered))
    run_part (self, sign, report, problems, cancellable);
  return g_steal_pointer (&report);
}

static void
tell (CtWorkers *self, JsonObject *report)
{
  gboolean quiet =
      json_object_get_size (report) == 1 && /* nothing but the list of problems, and that is empty */
      json_array_get_length (ct_json_array (report, "problems")) == 0;

  if (self->told && !quiet)
    self->told (report, self->told_data);
}

static void
wake (CtWorkers *self)
{
  guint64 one = 1;

  if (write (self->wake, &one, sizeof one) < 0 && errno != EAGAIN)
    g_warning ("eventfd: %s", g_strerror (errno));
}

/* FALSE once the workers are to stop. Looks again after a moment, and at once where somebody wakes it; with a server also
 * when there is something to bring there or to get from it. */
static gboolean
wait_tick (CtWorkers *self)
{
  GPollFD polled = { .fd = self->wake, .events = G_IO_IN };
  guint64 woken;

  if (self->link && self->lock >= 0 && ct_workspace_is_connected (self->workspace))
    ct_link_wait (self->link, self->wake, TICK_MS);
  else
    g_poll (&polled, 1, TICK_MS);
  if (read (self->wake, &woken, sizeof woken) < 0 && errno != EAGAIN)
    g_warning ("eventfd: %s", g_strerror (errno));
  return !g_atomic_int_get (&self->stopping);
}

static void
note_beginning (CtWorkers *self)
{
  g_mutex_lock (&self->mutex);
  self->begun_at = g_get_monotonic_time () / 1000;
  g_mutex_unlock (&self->mutex);
}

/* How long ago a round began, ms; for who watches whether the workers' thread hangs. */
gint64
ct_workers_silence (CtWorkers *self)
{
  gint64 begun_at;

  g_mutex_lock (&self->mutex);
  begun_at = self->begun_at;
  g_mutex_unlock (&self->mutex);
  return g_get_monotonic_time () / 1000 - begun_at;
}

static gpointer
workers_thread (gpointer data)
{
  CtWorkers *self = data;

  do {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonObject) report = NULL;

    note_beginning (self);
    if (!ct_workers_take (self, NULL)) /* another process hosts them: wait until it ends */
      continue;
    report = ct_workers_round (self, g_atomic_int_compare_and_exchange (&self->hurry, TRUE, FALSE),
                               self->cancellable, &error);
    if (report)
      tell (self, report);
    else
      g_warning ("%s", error->message);
  } while (wait_tick (self));
  return NULL;
}

/**
 * ct_workers_start:
 * @told: (nullable): called on the workers' thread
 *
 * Hosts the workers on a thread of their own, as soon as no other process does.
 */
void
ct_workers_start (CtWorkers *self, CtWorkersFunc told, gpointer data)
{
  g_return_if_fail (!self->thread);
  self->told = told;
  self->told_data = data;
  g_atomic_int_set (&self->stopping, FALSE);
  note_beginning (self);
  ct_store_set_alarm (ct_workspace_get_store (self->workspace), self->wake);
  self->thread = g_thread_new ("ct-workers", workers_thread, self);
}

/**
 * ct_workers_hurry:
 *
 * Has the next round begin now, and do everything whether or not it is due. Does not wait.
 *
 * Returns: %FALSE where another process hosts the workers
 */
gboolean
ct_workers_hurry (CtWorkers *self)
{
  if (!ct_workers_is_hosting (self))
    return FALSE;
  g_atomic_int_set (&self->hurry, TRUE);
  wake (self);
  return TRUE;
}

/* Ends the round under way between two of its steps, waits for it, and gives the lock back. */
void
ct_workers_stop (CtWorkers *self)
{
  g_atomic_int_set (&self->stopping, TRUE);
  wake (self);
  g_cancellable_cancel (self->cancellable);
  ct_store_set_alarm (ct_workspace_get_store (self->workspace), -1);
  g_clear_pointer (&self->thread, g_thread_join);
  g_atomic_int_set (&self->hosting, FALSE);
  if (self->lock >= 0)
    close (self->lock);
  self->lock = -1;
}
