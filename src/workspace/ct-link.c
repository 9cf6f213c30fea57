/* Rounds with the server, one after the other: when the next one is due, and what of the last one people must know. */
#include "ct-link.h"
#include "ct-address.h"
#include "ct-authority-central.h"
#include "ct-fork.h"
#include "ct-keep.h"
#include "ct-server-password.h"
#include "ct-workspace-delivery.h"
#include "ct-workspace-device.h"

#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* How long it waits: after a round, after a failure that passes (doubled with each), at most. */
#define POLL_MS     (15 * CT_MS_SECOND)
#define RETRY_MS    (2 * CT_MS_SECOND)
#define PATIENCE_MS (300 * CT_MS_SECOND)

/* A hint that brought nothing makes the next one wait, twice as long each time: whoever has a login can make hints up. */
#define HINT_MS 50

/* Of several who push at the same moment the server lets one announce it; after this the others' may be said. */
#define ANNOUNCE_MS 25

/* How long after the last write to the replica a commit is looked for. */
#define NAP_MOST_MS 4000

struct _CtLink {
  CtWorkspace *workspace; /* (owned) */
  CtDb *db;               /* (owned) */
  CtCommander *commander; /* (owned) */
  CtSession *session;     /* (owned) (nullable) */
  gboolean goes_on;       /* somebody calls again when a round is due */
  guint failures;         /* in a row */
  gboolean held;          /* the last one because the server, which was there, had no time for it */
  gint64 due_at;          /* by the steady clock, milliseconds */
  gint64 seen;            /* the last command that a round has seen */
  gboolean service;       /* whether we are the team's service there */
  CtFirstLoadFunc told;   /* (nullable): how far a first load is */
  gpointer told_data;
  gint64 tidy_at;         /* by the steady clock, milliseconds */
  gint64 number;          /* where the replica stands in the feed */
  gint64 hinted;          /* where the server says that it stands */
  gint64 hint_gap;        /* milliseconds that a hint has to wait */
  gint64 hint_at;         /* and since when */
  gint64 announce_at;     /* when what was pushed is announced once more; 0: it is not */
  CtKeptCheckpoint *kept; /* (owned) */
  int watch;              /* inotify of the workspace's folder, -1: none */
  gint64 nap;             /* milliseconds until the next look at what was written there; 0: nothing was */
};

/* Every commit to the replica, whichever process makes it, writes to the log beside it. */
static int
watch_folder (const char *folder)
{
  int fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);

  if (fd >= 0 && inotify_add_watch (fd, folder, IN_MODIFY) >= 0)
    return fd;
  if (fd >= 0)
    close (fd);
  return -1; /* out of watches: then new commands are found when somebody looks */
}

/**
 * ct_link_new:
 * @goes_on: whether the caller will try again when it is due; else no next attempt is announced
 *
 * Returns: (transfer full): the line of a connected workspace, not yet dialled
 */
CtLink *
ct_link_new (CtWorkspace *workspace, gboolean goes_on, GError **error)
{
  g_autoptr (CtLink) self = g_new0 (CtLink, 1);
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (workspace), "replica.db", NULL);

  self->workspace = g_object_ref (workspace);
  self->goes_on = goes_on;
  self->kept = ct_kept_checkpoint_new (workspace);
  self->watch = watch_folder (ct_workspace_get_folder (workspace));
  self->db = ct_db_open (path, CT_DB_READ_WRITE, error);
  if (!self->db)
    return NULL;
  ct_db_set_zone (self->db, ct_workspace_get_zone (workspace));
  self->commander = ct_commander_new (ct_authority_central_new (), error);
  return self->commander ? g_steal_pointer (&self) : NULL;
}

void
ct_link_free (CtLink *self)
{
  if (!self)
    return;
  g_clear_pointer (&self->session, ct_session_close);
  g_clear_pointer (&self->commander, ct_commander_free);
  g_clear_pointer (&self->db, ct_db_close);
  ct_kept_checkpoint_free (self->kept);
  if (self->watch >= 0)
    close (self->watch);
  g_object_unref (self->workspace);
  g_free (self);
}

/* (transfer full) (nullable): the password kept for this server; without one libpq looks for its own ways to sign in */
static char *
find_password (CtWorkspace *workspace, const char *address, GCancellable *cancellable)
{
  char *given = ct_secret_credential_read (CT_LINK_SECRET);
  g_autoptr (CtSecretStore) secrets = given ? NULL : ct_workspace_secrets_new (workspace, NULL);

  return secrets ? ct_server_password_find (secrets, CT_LINK_SECRET, address, cancellable) : given;
}

/**
 * ct_link_dial:
 * @password: (nullable): else the one that is kept
 *
 * Returns: (transfer full): a session
 */
CtSession *
ct_link_dial (CtWorkspace *workspace, const char *address, const char *password, GCancellable *cancellable,
              GError **error)
{
  char *known = password ? g_strdup (password) : find_password (workspace, address, cancellable);
  char *conninfo = ct_address_complete (address, known, error);
  CtSession *session = conninfo ? ct_session_open (conninfo, cancellable, error) : NULL;

  ct_server_password_free (known);
  ct_server_password_free (conninfo);
  return session;
}

/* Whether this workspace has had rows from its server. */
static gboolean
was_served (CtDb *db)
{
  gint64 served = 0;

  return ct_db_read_int (db, &served, NULL, "SELECT pulled_at IS NOT NULL FROM sync_state", "") && served;
}

static gboolean
is_revoked (CtSession *session, const char *device, GCancellable *cancellable)
{
  g_autoptr (CtAnswer) answer = ct_session_query (
      session, cancellable, NULL,
      "SELECT 1 FROM api.devices() WHERE id = $1::uuid AND revoked_at IS NOT NULL", "s", device);

  return answer && ct_answer_rows (answer) > 0;
}

/* Why the server takes nothing from this device, and what to do about it. */
static gboolean
refuse_device (CtDb *db, CtSession *session, const char *address, const char *login,
               GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonObject) device = ct_workspace_describe_device (db, error);
  const char *id = device ? ct_json_string (device, "id", "") : NULL;
  g_autofree char *why = NULL;

  if (!device)
    return FALSE;
  if (is_revoked (session, id, cancellable))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("The device of this workspace (%s) was revoked at the server, and stays so: join from "
                       "a new workspace. What has not reached the server is still here"),
                    id);
  if (was_served (db))
    why = g_strdup_printf (
        _ ("The server no longer knows the device of this workspace. Where it was restored from a backup "
           "that "
           "is older than the device, nothing is lost: once an administrator has added %s and enrolled the "
           "device again, the server gets from here what it lost"),
        login);
  else
    why = g_strdup_printf (_ ("The device of this workspace is not enrolled for %s at the server"), login);
  return ct_fail (error, CT_ERROR_REFUSED,
                  _ ("%s. Device %s, public key %s. An administrator enrols it with:\n"
                     "  towerctl server enrol-device \"%s\" %s FILE\n"
                     "where FILE holds what “towerctl device show --json” prints here, and signs in as "
                     "administrator in place of the user in that address"),
                  why, id, ct_json_string (device, "publicKey", ""), address, login);
}

/**
 * ct_link_greet:
 * @greeting: (out): free with ct_greeting_clear()
 *
 * Whether the server serves this version of the replica, and takes commands from this device.
 *
 * Returns: %FALSE with %CT_ERROR_REFUSED and what to do about it, or %CT_ERROR_NOT_FOUND where it is no server of ours
 */
gboolean
ct_link_greet (CtDb *db, CtSession *session, const char *address, CtGreeting *greeting,
               GCancellable *cancellable, GError **error)
{
  gboolean known;
  CtId device;

  if (!ct_backlog_device (db, &device, error) ||
      !ct_greeting_ask (session, &device, greeting, cancellable, error) ||
      !ct_sync_check_window (db, greeting->oldest, greeting->newest, error))
    return FALSE;
  known = greeting->standing >= 0;
  return (known || ct_fork_reclaim (db, session, &known, cancellable, error)) &&
         (known || refuse_device (db, session, address, greeting->login, cancellable, error));
}

/* Who wants to know how far a first load is; called on the thread of ct_link_round(). */
void
ct_link_set_progress (CtLink *self, CtFirstLoadFunc told, gpointer data)
{
  self->told = told;
  self->told_data = data;
}

/* Once a day, and after a first load. What changes under its hands is compared another time. */
static gboolean
check_now_and_then (CtLink *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  CtSelfCheckReport report;
  gint64 now = ct_time_now ();
  gboolean due = FALSE;

  if (!ct_self_check_is_due (self->db, now, &due, error))
    return FALSE;
  if (!due || ct_self_check (self->db, self->commander, self->session, now, cancellable, &report, &problem) ||
      g_error_matches (problem, CT_ERROR, CT_ERROR_BUSY))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* What was settled long ago; looked at now and then, a piece at a time. */
static gboolean
tidy_now_and_then (CtLink *self, GError **error)
{
  gint64 steady = g_get_monotonic_time () / 1000;
  gboolean more = FALSE;

  if (steady < self->tidy_at)
    return TRUE;
  if (!ct_keep_tidy (self->db, ct_time_now (), &more, error))
    return FALSE;
  self->tidy_at = more ? steady : steady + CT_MS_HOUR;
  return TRUE;
}

/**
 * ct_link_check:
 * @report: (out): what was found
 *
 * Compares the replica with the server and mends it, after a round of which the session is left.
 */
gboolean
ct_link_check (CtLink *self, GCancellable *cancellable, CtSelfCheckReport *report, GError **error)
{
  if (!self->session)
    return ct_fail (error, CT_ERROR_NETWORK, _ ("There is no connection to the server"));
  return ct_self_check (self->db, self->commander, self->session, ct_time_now (), cancellable, report, error);
}

/* A round proper, after a first load where there was none. */
static gboolean
load_and_sync (CtLink *self, GCancellable *cancellable, CtSyncReport *report, GError **error)
{
  gint64 loaded = 0;
  gboolean done =
      ct_first_load (self->db, self->session, self->told, self->told_data, &loaded, cancellable, error) &&
      ct_sync_round (self->db, self->commander, self->session, ct_time_now (), cancellable, report, error);

  report->pulled.rows += (guint) loaded;
  return done && check_now_and_then (self, cancellable, error) && tidy_now_and_then (self, error);
}

/* Why a server that has served us lets us in no longer. A database that is missing comes back when its restore is done:
 * that is as good as a server that cannot be reached. */
static gboolean
explain_refusal (const GError *problem, GError **error)
{
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    return ct_fail (error, CT_ERROR_NETWORK,
                    _ ("%s. It was there before: where the server is being restored from a backup, the next "
                       "tries will find it. Nothing that is here is lost"),
                    problem->message);
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED))
    return ct_fail (
        error, CT_ERROR_REFUSED,
        _ ("%s. It worked before: where your password has changed, “towerctl connect” takes the new "
           "one; where an administrator has removed you, they alone let you in again; where the server was "
           "restored from a backup that is older than your login, an "
           "administrator adds it again. Nothing that is here is lost"),
        problem->message);
  g_propagate_error (error, g_error_copy (problem));
  return FALSE;
}

/* A session whose device and schema the server has accepted. Hints are welcome, not needed. */
static gboolean
dial (CtLink *self, const char *address, GCancellable *cancellable, GError **error)
{
  g_auto (CtGreeting) greeting = { 0 };
  g_autoptr (GError) problem = NULL;

  self->session = ct_link_dial (self->workspace, address, NULL, cancellable, &problem);
  if (problem && was_served (self->db))
    return explain_refusal (problem, error);
  if (problem)
    g_propagate_error (error, g_steal_pointer (&problem));
  if (!self->session || !ct_link_greet (self->db, self->session, address, &greeting, cancellable, error))
    return FALSE;
  self->service = greeting.service;
  ct_kept_checkpoint_ask_again (self->kept);
  return !self->goes_on || (ct_session_listen (self->session, cancellable, error) &&
                            ct_session_run (self->session, cancellable, error, "SELECT api.sweep()", ""));
}

static gboolean
be_ready (CtLink *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *address =
      ct_db_read_text (self->db, error, "SELECT value FROM workspace WHERE key = 'server'", "");

  return address && (self->session || dial (self, address, cancellable, error));
}

/* Of what nobody had been told when we came upon it, we tell. */
static gboolean
pass_on (CtLink *self, gint64 before, GCancellable *cancellable, GError **error)
{
  return self->number <= before || !ct_session_hear (self->session, &self->hinted) ||
         self->hinted >= self->number ||
         ct_session_run (self->session, cancellable, error, "SELECT api.announce()", "");
}

static gboolean
attempt (CtLink *self, GCancellable *cancellable, CtSyncReport *report, GError **error)
{
  gint64 before = self->number;
  CtLogSyncReport log;

  return be_ready (self, cancellable, error) && load_and_sync (self, cancellable, report, error) &&
         ct_db_read_int (self->db, &self->number, error, "SELECT number FROM sync_state", "") &&
         (report->pushed > 0 || pass_on (self, before, cancellable, error)) &&
         (self->service /* its workers follow the log every second */ ||
          ct_link_follow_log (self, FALSE, FALSE, cancellable, &log, error));
}

/**
 * ct_link_follow_log:
 * @sequences: this is the one instance that sequences and signs the log now
 * @again: reads all leaves again
 *
 * Brings the copy of the server's log up to date over the session of the last round; see ct_workspace_follow_log().
 */
gboolean
ct_link_follow_log (CtLink *self, gboolean sequences, gboolean again, GCancellable *cancellable,
                    CtLogSyncReport *report, GError **error)
{
  return ct_workspace_follow_log (self->workspace, self->db, self->session, self->kept, sequences, again,
                                  cancellable, report, error);
}

/* So often, and so long between, the server is asked whether its log has come to where our rows stand. */
#define AUDIT_TRIES    20
#define AUDIT_PAUSE_US (500 * 1000)

/**
 * ct_link_audit:
 * @again: reads all leaves again, so that whatever was changed in the server's log is found
 *
 * Follows the server's log until it has come to where the rows stand, for a few seconds at most: the service signs it every
 * second. Neither pushes nor pulls.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where the log is not what it was
 */
gboolean
ct_link_audit (CtLink *self, gboolean again, GCancellable *cancellable, GError **error)
{
  if (!be_ready (self, cancellable, error))
    return FALSE;
  for (guint i = 0; i < AUDIT_TRIES; i++) {
    CtLogSyncReport report;

    if (i > 0)
      g_usleep (AUDIT_PAUSE_US);
    if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
        !ct_link_follow_log (self, FALSE, again && i == 0, cancellable, &report, error))
      return FALSE;
    if (report.covers_rows || report.size == 0)
      return TRUE;
  }
  return TRUE;
}

/* (nullable): while the last round was a success */
CtSession *
ct_link_get_session (CtLink *self)
{
  return self->failures == 0 ? self->session : NULL;
}

/* Whether this login does the team's work, as the server said in the last round. */
gboolean
ct_link_is_service (CtLink *self)
{
  return self->service;
}

/* What time will mend by itself; the rest a person must. */
static gboolean
passes (const GError *problem)
{
  return g_error_matches (problem, CT_ERROR, CT_ERROR_BUSY) ||
         g_error_matches (problem, CT_ERROR, CT_ERROR_NETWORK) ||
         g_error_matches (problem, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
}

/* Of all who lost the server at the same moment no two come back at the same one. */
static gint64
with_jitter (gint64 wait)
{
  return (gint64) ((double) wait * g_random_double_range (0.5, 1));
}

/* @reached: the server let us in: what a person mends there is found as soon as anything else that is new */
static gint64
wait_after (CtLink *self, const GError *problem, gboolean reached)
{
  if (!problem || (reached && !passes (problem)))
    return with_jitter (POLL_MS * 2);
  if (!passes (problem))
    return with_jitter (PATIENCE_MS);
  return with_jitter (MIN (RETRY_MS << MIN (self->failures, 10), PATIENCE_MS));
}

/* For everybody who asks how the workspace stands, also in another process. */
static gboolean
note (CtLink *self, const GError *problem, gint64 wait, GError **error)
{
  gint64 now = ct_time_now ();
  g_autofree char *at = NULL, *retry = NULL, *text = NULL;
  g_autoptr (JsonObject) trouble = NULL;

  if (!problem)
    return ct_db_run (self->db, error, "DELETE FROM workspace WHERE key = 'sync_trouble'", "");
  at = ct_time_format (now);
  retry = self->goes_on ? ct_time_format (now + wait) : NULL;
  trouble = ct_json_build ("bbsSs", "passes", passes (problem), "busy", self->held, "lastError",
                           problem->message, "nextRetry", retry, "lastErrorAt", at);
  text = ct_json_canonical_object (trouble, error);
  return text && ct_db_run (self->db, error,
                            "INSERT INTO workspace SELECT 'sync_trouble', ?1 WHERE EXISTS"
                            " (SELECT 1 FROM workspace WHERE key = 'server')"
                            " ON CONFLICT DO UPDATE SET value = excluded.value",
                            "s", text);
}

static gint64
steady_now (void)
{
  return g_get_monotonic_time () / 1000;
}

/* Whether it is time for a round: because time has passed, the server has something, or there is something to offer. */
gboolean
ct_link_is_due (CtLink *self)
{
  gint64 newest = 0;

  if (steady_now () >= self->due_at)
    return TRUE;
  if (self->failures > 0)
    return FALSE;
  if (self->hinted > self->number && steady_now () >= self->hint_at + self->hint_gap)
    return TRUE;
  return ct_db_read_int (self->db, &newest, NULL, "SELECT coalesce(max(seq), 0) FROM intents", "") &&
         newest > self->seen;
}

/* Reads what has come over the line; one that was closed is dialled again, not by all at the same moment. */
static void
hear (CtLink *self)
{
  if (!self->session || ct_session_hear (self->session, &self->hinted))
    return;
  g_clear_pointer (&self->session, ct_session_close);
  self->due_at = MIN (self->due_at, steady_now () + with_jitter (RETRY_MS));
}

/* Somebody writes to the replica. The last write comes before the commit can be seen, by the time a disk takes: so it is
 * looked at again a few times, at ever longer intervals. */
static void
notice_writing (CtLink *self, gboolean again)
{
  char events[4096];

  while (again && read (self->watch, events, sizeof events) > 0)
    ;
  self->nap = again ? 1 : 2 * self->nap;
  if (self->nap > NAP_MOST_MS)
    self->nap = 0;
}

/* Where it fails the next round finds out why. */
static void
announce_again (CtLink *self)
{
  self->announce_at = 0;
  if (self->session && !ct_session_run (self->session, NULL, NULL, "SELECT api.announce()", ""))
    g_clear_pointer (&self->session, ct_session_close);
}

/**
 * ct_link_wait:
 * @wake: a descriptor that ends the wait when it becomes readable
 * @most: milliseconds
 *
 * Waits until a round is due: the server hints that there is something, a command is given here or in another process,
 * the time has come.
 */
void
ct_link_wait (CtLink *self, int wake, gint64 most)
{
  gint64 until = steady_now () + most;

  while (!ct_link_is_due (self) && steady_now () < until) {
    GPollFD polled[3] = { { .fd = wake, .events = G_IO_IN },
                          { .fd = self->session ? ct_session_socket (self->session) : -1, .events = G_IO_IN },
                          { .fd = self->watch, .events = G_IO_IN } };
    gint64 end = MIN (until, self->due_at);

    if (self->hinted > self->number)
      end = MIN (end, self->hint_at + self->hint_gap);
    if (self->nap)
      end = MIN (end, steady_now () + self->nap);
    if (self->announce_at)
      end = MIN (end, self->announce_at);
    g_poll (polled, 3, (int) CLAMP (end - steady_now (), 1, G_MAXINT));
    if (polled[0].revents)
      return;
    if (polled[1].revents)
      hear (self);
    if (self->announce_at && steady_now () >= self->announce_at)
      announce_again (self);
    if (polled[2].revents || self->nap)
      notice_writing (self, polled[2].revents != 0);
  }
}

/* A round has answered the hints before it; one that was made up makes the next one wait. */
static void
answer_hints (CtLink *self, gint64 hinted)
{
  self->hint_gap = self->number >= hinted ? 0 : CLAMP (2 * self->hint_gap, HINT_MS, POLL_MS);
  self->hint_at = steady_now ();
  if (self->hinted == hinted)
    self->hinted = 0;
}

/**
 * ct_link_round:
 * @report: (out): what was done, also before an error
 *
 * Pushes and pulls, dialling where there is no session, and notes how it went for ct_workspace_sync_status().
 */
gboolean
ct_link_round (CtLink *self, GCancellable *cancellable, CtSyncReport *report, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gint64 hinted = self->hinted, wait;
  gboolean known, reached = FALSE;

  memset (report, 0, sizeof *report);
  known = ct_db_read_int (self->db, &self->seen, &problem, "SELECT coalesce(max(seq), 0) FROM intents", "");
  if (!known || !attempt (self, cancellable, report, &problem)) {
    reached = self->session != NULL;
    self->held = reached && g_error_matches (problem, CT_ERROR, CT_ERROR_BUSY);
    g_clear_pointer (&self->session, ct_session_close);
  }
  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  wait = wait_after (self, problem, reached);
  self->due_at = steady_now () + wait;
  self->failures = problem ? self->failures + 1 : 0;
  self->announce_at = report->pushed > 0 ? steady_now () + ANNOUNCE_MS : self->announce_at;
  answer_hints (self, hinted);
  hear (self);
  if (report->pulled.rows + report->pulled.gone + report->pulled.settled + report->pulled.parked > 0)
    ct_store_look (ct_workspace_get_store (self->workspace));
  if (!note (self, problem, wait, problem ? NULL : error))
    return FALSE;
  if (!problem)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* (transfer full) */
JsonObject *
ct_link_report_to_json (const CtSyncReport *report)
{
  const CtRebaseReport *pulled = &report->pulled;

  return ct_json_build ("iiiiiibbi", "pushed", (gint64) report->pushed, "settled", (gint64) pulled->settled,
                        "rejected", (gint64) pulled->rejected, "parked", (gint64) pulled->parked, "rows",
                        (gint64) pulled->rows, "gone", (gint64) pulled->gone, "forked", report->forked,
                        "rebuilt", report->rebuilt, "copiesRemoved", (gint64) report->copies_removed);
}
