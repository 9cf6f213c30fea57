#include "ct-service.h"
#include "ct-tray.h"
#include "ct-work-lease.h"
#include "ct-workspace-trust.h"

#include <string.h>

/* After so many seconds another instance has the work of one that died. */
#define LEASE_SECONDS 30

/* What leaves scopes by time, or comes to windows that are new, is written in so many transactions at a time. */
#define RETAIN_CHUNKS 20

/* So often a step is offered that something else of this workspace came between. */
#define TRIES 3

static const char *const kinds[] = { "detect", "schedule", "sequence", "retain" };

struct _CtService {
  CtWorkspace *workspace; /* (unowned) */
  CtLink *link;           /* (unowned) */
  CtWorkLease *leases[G_N_ELEMENTS (kinds)];
  GCancellable *cancellable; /* (unowned) (nullable): of the round under way */
  CtHash devices;            /* of what was last written of them */
};

/**
 * ct_service_new:
 * @workspace, @link: outlive it
 */
CtService *
ct_service_new (CtWorkspace *workspace, CtLink *link)
{
  CtService *self = g_new0 (CtService, 1);

  self->workspace = workspace;
  self->link = link;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    self->leases[i] = ct_work_lease_new (kinds[i], LEASE_SECONDS);
  return self;
}

/* Gives back what it holds: the next instance has it at once. */
void
ct_service_free (CtService *self)
{
  if (!self)
    return;
  ct_service_end (self);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    ct_work_lease_release (self->leases[i], ct_link_get_session (self->link));
    ct_work_lease_free (self->leases[i]);
  }
  g_free (self);
}

/* The tray. Nobody sits at a service's: what it could not do the next round finds to be done, or somebody else did it. */

typedef struct {
  CtService *service;
  guint left;
} Clearing;

/* What happened outside is told once more: a state that others wrote meanwhile does not make it untrue. */
static gboolean
is_told_again (JsonObject *command)
{
  g_autoptr (JsonNode) theirs = ct_json_parse (ct_json_string (command, "theirs", ""), -1, 16 << 20, NULL);
  JsonObject *why = theirs && JSON_NODE_HOLDS_OBJECT (theirs) ? json_node_get_object (theirs) : NULL;
  static const char *const overtaken[] = { "conflict", "stale", "depends", NULL };

  return g_str_equal (ct_json_string (command, "name", ""), "post.sent") &&
         ct_text_index (overtaken, ct_json_string (why, "code", "")) >= 0;
}

static gboolean
clear_one (Clearing *self, CtDb *db, JsonObject *command, GError **error)
{
  CtWorkspace *workspace = self->service->workspace;
  CtCommander *commander = ct_workspace_get_commander (workspace);
  const char *actor = ct_workspace_get_actor (workspace);
  gint64 seq = ct_json_int (command, "seq", 0), now = ct_workspace_now (workspace);

  self->left++;
  return (is_told_again (command) && ct_tray_settle (db, commander, seq, "mine", NULL, actor, now, NULL)) ||
         ct_tray_settle (db, commander, seq, "discard", NULL, actor, now, error);
}

static gboolean
clear_tray_cb (CtDb *db, gpointer data, GError **error)
{
  g_autoptr (JsonArray) waiting = ct_tray_list (db, error);
  gboolean ok = waiting != NULL;

  for (guint i = 0; ok && i < json_array_get_length (waiting); i++)
    ok = clear_one (data, db, json_array_get_object_element (waiting, i), error);
  return ok;
}

static gboolean
is_tray_empty_cb (CtDb *db, gpointer data, GError **error)
{
  gint64 waiting = 0;

  *(gboolean *) data = FALSE;
  if (!ct_db_read_int (db, &waiting, error,
                       "SELECT EXISTS (SELECT 1 FROM attention WHERE settled_at IS NULL)", ""))
    return FALSE;
  *(gboolean *) data = !waiting;
  return TRUE;
}

static gboolean
clear_tray (CtService *self, guint *left, GError **error)
{
  CtStore *store = ct_workspace_get_store (self->workspace);
  Clearing clearing = { self, 0 };
  gboolean empty, ok;

  if (!ct_store_read (store, is_tray_empty_cb, &empty, error))
    return FALSE;
  ok = empty || ct_store_write (store, clear_tray_cb, &clearing, error);
  *left = clearing.left;
  return ok;
}

/* Settling */

typedef struct {
  gint64 seq;
  gboolean applied, rejected;
  char *reason; /* (owned) (nullable) */
} Answer;

static void
answer_clear (Answer *self)
{
  g_free (self->reason);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

static gboolean
read_answer_cb (CtDb *db, gpointer data, GError **error)
{
  Answer *self = data;
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error,
                   "SELECT o.outcome = 'applied', coalesce(a.reason, o.reason), a.seq IS NOT NULL FROM "
                   "(SELECT ?1 AS seq) x LEFT JOIN sync_outcomes o ON o.seq = x.seq "
                   "LEFT JOIN attention a ON a.seq = x.seq WHERE o.seq IS NOT NULL OR a.seq IS NOT NULL",
                   "i", self->seq);

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt)) {
    self->applied = ct_stmt_int (stmt, 0) != 0;
    self->rejected = !self->applied;
    self->reason = g_strdup (ct_stmt_text (stmt, 1));
  }
  return ct_stmt_finish (stmt, error);
}

/* A round with the server, unless the last one told that it cannot be reached. */
static gboolean
ask_server (CtService *self, GError **error)
{
  for (int tries = TRIES;; tries--) {
    g_autoptr (GError) problem = NULL;
    CtSyncReport round;

    if (!ct_link_get_session (self->link) && tries == TRIES)
      return ct_fail (error, CT_ERROR_NETWORK,
                      _ ("The server cannot be reached; nothing goes out until it can"));
    if (ct_link_round (self->link, self->cancellable, &round, &problem))
      return TRUE;
    if (tries <= 1 || !g_error_matches (problem, CT_ERROR, CT_ERROR_BUSY))
      return ct_fail (error, CT_ERROR_NETWORK, _ ("The server did not confirm it: %s"), problem->message);
  }
}

/* A CtSettleFunc: pushes and pulls until the server's answer to a command is part of the replica. */
static gboolean
settle_cb (gpointer data, gint64 seq, GError **error)
{
  CtService *self = data;
  g_auto (Answer) answer = { .seq = seq };
  guint left = 0;

  if (!ask_server (self, error) ||
      !ct_store_read (ct_workspace_get_store (self->workspace), read_answer_cb, &answer, error))
    return FALSE;
  if (answer.applied)
    return TRUE;
  if (!answer.rejected)
    return ct_fail (error, CT_ERROR_NETWORK, _ ("The server has not answered yet"));
  if (!clear_tray (self, &left, error))
    return FALSE;
  return ct_fail (error, CT_ERROR_CONFLICT, _ ("The server did not accept it: %s"),
                  answer.reason ? answer.reason : "");
}

/* Rounds */

/**
 * ct_service_begin:
 * @report: gets "discarded", where commands were left because the server did not accept them
 *
 * Begins a round of the team's work, after one with the server.
 *
 * Returns: %FALSE where this login is not the service, or (without @error as well) the server cannot be reached: then
 *   nothing is to be done here
 */
gboolean
ct_service_begin (CtService *self, JsonObject *report, GCancellable *cancellable, GError **error)
{
  guint left = 0;

  if (!ct_link_is_service (self->link) || !ct_link_get_session (self->link)) {
    ct_service_end (self);
    return FALSE;
  }
  self->cancellable = cancellable;
  ct_workspace_set_service (self->workspace, settle_cb, self);
  if (!clear_tray (self, &left, error))
    return FALSE;
  if (left > 0)
    json_object_set_int_member (report, "discarded", left);
  return TRUE;
}

/* So small a difference is the line's, not the clocks'. */
#define SAME_TIME_MS CT_MS_SECOND

/* Posts are due and expire by the server's clock. */
static gboolean
read_clock (CtService *self, CtSession *session, GError **error)
{
  gint64 before = ct_time_now (), ahead;
  g_autoptr (CtAnswer) answer = ct_session_query (
      session, self->cancellable, error, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", "");

  if (!answer)
    return FALSE;
  ahead = ct_answer_int (answer, 0, 0) - (before + ct_time_now ()) / 2;
  ct_workspace_set_ahead (self->workspace, ABS (ahead) < SAME_TIME_MS ? 0 : ahead);
  return TRUE;
}

/**
 * ct_service_refresh:
 *
 * What must be fresh before anything is sent: whose signatures count, and what time it is.
 */
gboolean
ct_service_refresh (CtService *self, GError **error)
{
  CtSession *session = ct_link_get_session (self->link);

  return session ? read_clock (self, session, error) &&
                       ct_workspace_refresh_devices (self->workspace, session, &self->devices,
                                                     self->cancellable, error)
                 : ct_fail (error, CT_ERROR_NETWORK,
                            _ ("The server cannot be reached; nothing goes out until it can"));
}

/* No thread does the team's work here from now on. */
void
ct_service_end (CtService *self)
{
  ct_workspace_set_service (self->workspace, NULL, NULL);
  self->cancellable = NULL;
}

/**
 * ct_service_takes:
 * @kind: "detect", "schedule", "sequence", "retain"
 *
 * Whether this instance is to do that work now. What another one did with it until now is in the replica when it is
 * handed over.
 *
 * Returns: %FALSE, without @error where another instance has it
 */
gboolean
ct_service_takes (CtService *self, const char *kind, GError **error)
{
  CtWorkLease *lease = NULL;
  gboolean held = FALSE;
  gint64 before;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i], kind))
      lease = self->leases[i];
  g_return_val_if_fail (lease, FALSE);
  before = ct_work_lease_fence (lease);
  if (!ct_link_get_session (self->link) ||
      !ct_work_lease_hold (lease, ct_link_get_session (self->link), &held, self->cancellable, error))
    return FALSE;
  return held && (ct_work_lease_fence (lease) == before || ask_server (self, error));
}

/**
 * ct_service_retain:
 * @rows: (out): how many were looked at
 * @finished: (out): nothing is left to do now
 *
 * Some of the work on retention windows (023-retention.sql), while it is this instance's.
 */
gboolean
ct_service_retain (CtService *self, gint64 *rows, gboolean *finished, GError **error)
{
  gint64 done = 1;

  *rows = 0;
  for (guint i = 0; i < RETAIN_CHUNKS && done > 0; i++) {
    g_autoptr (GError) problem = NULL;
    g_autoptr (CtAnswer) answer = NULL;
    gboolean mine = ct_service_takes (self, "retain", &problem);

    if (problem) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    if (!mine) { /* another instance does it */
      done = 0;
      break;
    }
    answer = ct_session_query (ct_link_get_session (self->link), self->cancellable, error,
                               "SELECT api.retain()", "");
    if (!answer)
      return FALSE;
    done = ct_answer_int (answer, 0, 0);
    *rows += done;
  }
  *finished = done == 0;
  return TRUE;
}
