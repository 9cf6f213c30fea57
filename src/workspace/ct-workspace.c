#include "ct-workspace-private.h"
#include "ct-authority-central.h"
#include "ct-commands.h"
#include "ct-detect.h"
#include "ct-export.h"
#include "ct-import-chunk.h"
#include "ct-migrate.h"
#include "ct-undo.h"
#include "ct-workspace-timeline.h"

#include <string.h>

struct _CtWorkspace {
  GObject parent_instance;
  char *folder;           /* (owned) */
  CtStore *store;         /* (owned) */
  CtCommander *commander; /* (owned) */
  char *actor;            /* (owned) */
  char *environment;      /* (owned) */
  GTimeZone *zone;        /* (owned) */
  GPtrArray *roles;       /* (owned) (nullable): the actor's, as last read */
  gboolean trial;
  gboolean connected;
  gint64 now;          /* 0: the clock */
  gint64 ahead;        /* atomic: by how much the authority's clock is ahead of this machine's */
  GThread *service;    /* (nullable): which does the team's work in a connected workspace */
  CtSettleFunc settle; /* its way to wait for the server */
  gpointer settle_data;
};

G_DEFINE_FINAL_TYPE (CtWorkspace, ct_workspace, G_TYPE_OBJECT)

/* The folder used where none is named: ~/.local/share/control-tower/workspace; (transfer full). */
char *
ct_workspace_default_folder (void)
{
  const char *named = g_getenv ("CONTROL_TOWER_WORKSPACE");

  return named ? g_strdup (named)
               : g_build_filename (g_get_user_data_dir (), "control-tower", "workspace", NULL);
}

gboolean
ct_workspace_exists (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "replica.db", NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

void
ct_workspace_register_commands (void)
{
  ct_commands_register ();
  ct_detect_register ();
  ct_import_chunk_register ();
  ct_export_register ();
}

static char *
read_key (CtDb *db, const char *key, const char *fallback)
{
  char *value = ct_db_read_text (db, NULL, "SELECT value FROM workspace WHERE key = ?", "s", key);

  return value ? value : g_strdup (fallback);
}

static gboolean
read_roles_cb (CtDb *db, gpointer data, GError **error)
{
  CtWorkspace *self = data;

  g_clear_pointer (&self->roles, g_ptr_array_unref);
  self->roles = ct_commander_roles (db, self->actor, NULL);
  return TRUE;
}

static gboolean
read_device_cb (CtDb *db, gpointer data, GError **error)
{
  g_autofree char *text =
      ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'device_id'", "");

  if (!text)
    return FALSE;
  return ct_id_parse (text, data) ||
         ct_fail (error, CT_ERROR_CORRUPT, _ ("The workspace has no valid device id"));
}

static gboolean
read_identity_cb (CtDb *db, gpointer data, GError **error)
{
  CtWorkspace *self = data;
  g_autofree char *trial = read_key (db, "trial", "0");
  g_autofree char *first = read_key (db, "first_login", "");
  g_autofree char *login = read_key (db, "server_login", "");
  g_autofree char *zone =
      ct_db_read_text (db, NULL, "SELECT value FROM settings WHERE key = 'time_zone'", "");
  gint64 people = 0;

  if (!zone)
    zone = read_key (db, "time_zone", "UTC");
  self->trial = strcmp (trial, "1") == 0;
  self->environment = read_key (db, "environment", "production");
  self->zone = g_time_zone_new_identifier (zone);
  if (!self->zone)
    self->zone = g_time_zone_new_utc ();
  /* the server knows its people by their logins there */
  self->actor = *login ? g_steal_pointer (&login) : g_strdup (g_get_user_name ());
  if (!ct_db_read_int (db, &people, error, "SELECT count(*) FROM people", ""))
    return FALSE;
  if (people == 0) { /* being made: its first person is about to be */
    g_free (self->actor);
    self->actor = g_steal_pointer (&first);
  }
  return read_roles_cb (db, self, error);
}

/* Who acknowledges: the replica itself, or the server that it is connected to. */
static gboolean
open_commander (CtWorkspace *self, CtDb *db, GError **error)
{
  gint64 connected = 0;

  if (!ct_db_read_int (db, &connected, error, "SELECT EXISTS (SELECT 1 FROM workspace WHERE key = 'server')",
                       ""))
    return FALSE;
  self->connected = connected != 0;
  self->commander = ct_commander_new (
      self->connected ? ct_authority_central_new () : ct_authority_standalone_new (), error);
  return self->commander != NULL;
}

/**
 * ct_workspace_open:
 * @folder: of the workspace
 *
 * Opens a workspace, upgrading its schema where this program is newer.
 *
 * Returns: (transfer full): the workspace; %NULL with %CT_ERROR_NOT_FOUND where there is none
 */
CtWorkspace *
ct_workspace_open (const char *folder, GError **error)
{
  g_autoptr (CtWorkspace) self = g_object_new (CT_TYPE_WORKSPACE, NULL);
  g_autofree char *path = g_build_filename (folder, "replica.db", NULL);
  g_autoptr (CtDb) db = NULL;

  ct_workspace_register_commands ();
  if (!ct_workspace_exists (folder)) {
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no workspace in %s; make one with: towerctl -w %s init"),
             folder, folder);
    return NULL;
  }
  self->folder = g_strdup (folder);
  db = ct_db_open (path, CT_DB_READ_WRITE, error);
  if (!db || !ct_migrate (db, 0, error) || !open_commander (self, db, error))
    return NULL;
  g_clear_pointer (&db, ct_db_close);
  self->store = ct_store_open (path, CT_DB_READ_WRITE, error);
  if (!self->store || !ct_store_read (self->store, read_identity_cb, self, error))
    return NULL;
  ct_store_set_zone (self->store, self->zone);
  return g_steal_pointer (&self);
}

/* Waits for the work under way; afterwards every call fails. */
void
ct_workspace_close (CtWorkspace *self)
{
  if (self->store)
    ct_store_close (self->store);
}

const char *
ct_workspace_get_folder (CtWorkspace *self)
{
  return self->folder;
}

CtStore *
ct_workspace_get_store (CtWorkspace *self)
{
  return self->store;
}

CtCommander *
ct_workspace_get_commander (CtWorkspace *self)
{
  return self->commander;
}

const char *
ct_workspace_get_actor (CtWorkspace *self)
{
  return self->actor;
}

const char *
ct_workspace_get_environment (CtWorkspace *self)
{
  return self->environment;
}

gboolean
ct_workspace_is_trial (CtWorkspace *self)
{
  return self->trial;
}

/* Whether a server acknowledges its commands, as it was when it was opened. */
gboolean
ct_workspace_is_connected (CtWorkspace *self)
{
  return self->connected;
}

GTimeZone *
ct_workspace_get_zone (CtWorkspace *self)
{
  return self->zone;
}

/* The key that signs this workspace's checkpoints; (transfer full). */
CtSigner *
ct_workspace_get_log_signer (CtWorkspace *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, CT_KEY_LOG, NULL);

  return ct_signer_load (path, error);
}

/* The authority's time: the clock, or what a trial has set. */
gint64
ct_workspace_now (CtWorkspace *self)
{
  return self->now ? self->now : ct_time_now () + __atomic_load_n (&self->ahead, __ATOMIC_RELAXED);
}

/* By how much the server's clock is ahead of this machine's. */
void
ct_workspace_set_ahead (CtWorkspace *self, gint64 ahead)
{
  __atomic_store_n (&self->ahead, ahead, __ATOMIC_RELAXED);
}

/**
 * ct_workspace_set_service:
 * @settle: (nullable): how it waits for the server's answer; %NULL: there is none any more
 *
 * The calling thread does the team's work in this connected workspace from now on, and no other one does.
 */
void
ct_workspace_set_service (CtWorkspace *self, CtSettleFunc settle, gpointer data)
{
  self->settle = settle;
  self->settle_data = data;
  __atomic_store_n (&self->service, settle ? g_thread_self () : NULL, __ATOMIC_RELEASE);
}

static gboolean
is_service (CtWorkspace *self)
{
  return __atomic_load_n (&self->service, __ATOMIC_ACQUIRE) == g_thread_self ();
}

/* (nullable): how the calling thread waits for the authority; NULL where the replica is it */
CtSettleFunc
ct_workspace_get_settle (CtWorkspace *self, gpointer *data)
{
  gboolean service = is_service (self);

  *data = service ? self->settle_data : NULL;
  return service ? self->settle : NULL;
}

/* Whether agents, rules and the outbox work here; on the desktops of a team they do not. */
gboolean
ct_workspace_check_works (CtWorkspace *self, GError **error)
{
  return !self->connected || is_service (self) ||
         ct_fail (error, CT_ERROR_REFUSED,
                  _ ("This workspace is connected to a server: the team's service (towerd) does this there"));
}

gboolean
ct_workspace_set_actor (CtWorkspace *self, const char *login, GError **error)
{
  if (strcmp (login, self->actor) == 0)
    return TRUE;
  if (!self->trial || self->connected)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("Acting as somebody else is allowed only in a workspace made with init --trial"));
  g_free (self->actor);
  self->actor = g_strdup (login);
  return ct_store_read (self->store, read_roles_cb, self, error);
}

gboolean
ct_workspace_set_now (CtWorkspace *self, gint64 now, GError **error)
{
  if (!self->trial || self->connected)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("Setting the time is allowed only in a workspace made with init --trial"));
  self->now = now;
  return TRUE;
}

/* Whether the actor's roles let them run the command at all; for buttons. */
gboolean
ct_workspace_may (CtWorkspace *self, const char *command)
{
  return self->roles && ct_commander_allows (self->commander, command, self->roles);
}

static gboolean
same_names (GPtrArray *a, GPtrArray *b)
{
  guint n = a ? a->len : 0;

  if (n != (b ? b->len : 0))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!g_ptr_array_find_with_equal_func (a, b->pdata[i], g_str_equal, NULL))
      return FALSE;
  return TRUE;
}

/**
 * ct_workspace_is_stale:
 * @db: a connection to the replica, for programs that stay open
 * @stale: (out): whether it joined or left a server, or its person got other roles, since it was opened: open it anew
 */
gboolean
ct_workspace_is_stale (CtWorkspace *self, CtDb *db, gboolean *stale, GError **error)
{
  g_autoptr (GPtrArray) roles = ct_commander_roles (db, self->actor, NULL);
  gint64 connected = 0;

  if (!ct_db_read_int (db, &connected, error, "SELECT EXISTS (SELECT 1 FROM workspace WHERE key = 'server')",
                       ""))
    return FALSE;
  *stale = (connected != 0) != self->connected || !same_names (roles, self->roles);
  return TRUE;
}

gboolean
ct_workspace_get_device (CtWorkspace *self, CtId *device, guint8 secret[CT_DEVICE_SECRET_SIZE],
                         GError **error)
{
  return ct_store_read (self->store, read_device_cb, device, error) &&
         ct_keys_load_device (self->folder, secret, error);
}

typedef struct {
  CtWorkspace *workspace; /* (owned) */
  char *name;             /* (owned) */
  JsonObject *args;       /* (owned) (nullable) */
  char *actor;            /* (owned) */
  gint64 now;
  gboolean undo_last;
  CtOutcome outcome;
} Execution;

static void
execution_free (gpointer data)
{
  Execution *self = data;

  g_object_unref (self->workspace);
  g_free (self->name);
  g_free (self->actor);
  g_clear_pointer (&self->args, json_object_unref);
  ct_outcome_clear (&self->outcome);
  g_free (self);
}

static Execution *
execution_new (CtWorkspace *workspace, const char *name, JsonObject *args)
{
  Execution *self = g_new0 (Execution, 1);

  self->workspace = g_object_ref (workspace);
  self->name = g_strdup (name);
  self->args = args ? json_object_ref (args) : NULL;
  self->actor = g_strdup (workspace->actor);
  self->now = ct_workspace_now (workspace);
  return self;
}

static gboolean
execute_cb (CtDb *db, gpointer data, GError **error)
{
  Execution *self = data;
  CtRequest request = { self->name, self->args, self->actor, self->now, 0, NULL };

  if (self->undo_last) {
    g_autofree char *command = ct_undo_last (db, self->actor, ct_timeline_sentence, error);

    if (!command)
      return FALSE;
    self->args = ct_json_build ("s", "command", command);
    request.args = self->args;
  }
  return ct_commander_execute (self->workspace->commander, db, &request, &self->outcome, error);
}

static void
move_outcome (Execution *execution, CtOutcome *outcome)
{
  *outcome = execution->outcome;
  execution->outcome.result = NULL;
}

/**
 * ct_workspace_execute:
 * @name: of the command
 * @args: (nullable): its arguments
 * @outcome: (out): set only on success
 *
 * Executes one command and waits; for command lines and workers, never for the main thread of a desktop program.
 */
gboolean
ct_workspace_execute (CtWorkspace *self, const char *name, JsonObject *args, CtOutcome *outcome,
                      GError **error)
{
  Execution *execution = execution_new (self, name, args);
  gboolean ok = ct_store_write (self->store, execute_cb, execution, error);

  if (ok)
    move_outcome (execution, outcome);
  execution_free (execution);
  return ok;
}

static void
executed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (ct_store_job_finish (CT_STORE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
push (CtWorkspace *self, Execution *execution, GCancellable *cancellable, GAsyncReadyCallback callback,
      gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_task_data (task, execution, execution_free);
  g_task_set_check_cancellable (task, FALSE);
  ct_store_write_async (self->store, execute_cb, execution, NULL, cancellable, executed_cb, task);
}

void
ct_workspace_execute_async (CtWorkspace *self, const char *name, JsonObject *args, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  push (self, execution_new (self, name, args), cancellable, callback, user_data);
}

/* @outcome: (out) (optional): set only on success */
gboolean
ct_workspace_execute_finish (CtWorkspace *self, GAsyncResult *result, CtOutcome *outcome, GError **error)
{
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  if (outcome)
    move_outcome (g_task_get_task_data (G_TASK (result)), outcome);
  return TRUE;
}

/* Takes the actor's last command back and waits; @outcome: (out): set only on success */
gboolean
ct_workspace_undo (CtWorkspace *self, CtOutcome *outcome, GError **error)
{
  Execution *execution = execution_new (self, "command.undo", NULL);
  gboolean ok;

  execution->undo_last = TRUE;
  ok = ct_store_write (self->store, execute_cb, execution, error);
  if (ok)
    move_outcome (execution, outcome);
  execution_free (execution);
  return ok;
}

/* Takes the actor's last command back; ends with ct_workspace_execute_finish(). */
void
ct_workspace_undo_async (CtWorkspace *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  Execution *execution = execution_new (self, "command.undo", NULL);

  execution->undo_last = TRUE;
  push (self, execution, cancellable, callback, user_data);
}

static void
ct_workspace_finalize (GObject *object)
{
  CtWorkspace *self = CT_WORKSPACE (object);

  ct_workspace_close (self);
  g_clear_object (&self->store);
  g_clear_pointer (&self->commander, ct_commander_free);
  g_clear_pointer (&self->roles, g_ptr_array_unref);
  g_clear_pointer (&self->zone, g_time_zone_unref);
  g_free (self->folder);
  g_free (self->actor);
  g_free (self->environment);
  G_OBJECT_CLASS (ct_workspace_parent_class)->finalize (object);
}

static void
ct_workspace_class_init (CtWorkspaceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ct_workspace_finalize;
}

static void
ct_workspace_init (CtWorkspace *self)
{
}
