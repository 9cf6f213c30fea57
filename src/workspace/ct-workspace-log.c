/* Which log a workspace has: its own, or a copy of its server's. The one that makes way is kept as a directory. */
#include "ct-workspace-log.h"
#include "ct-log-export.h"
#include "ct-workspace-audit.h"
#include "ct-workspace-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

/* Former logs, each a tlog-tiles directory named after its origin. */
#define FORMER_LOGS "logs"
/* A signed head that contradicts the log: whoever holds it can prove that. */
#define CONTRADICTION "contradicting-checkpoint"

static char *
last_checkpoint_path (CtWorkspace *self)
{
  return g_build_filename (ct_workspace_get_folder (self), CT_LAST_CHECKPOINT, NULL);
}

/* (transfer full) (nullable): the last checkpoint seen here; none before the first */
char *
ct_workspace_recall_checkpoint (CtWorkspace *self)
{
  g_autofree char *path = last_checkpoint_path (self);
  char *note = NULL;

  return g_file_get_contents (path, &note, NULL, NULL) ? note : NULL;
}

/* Keeps a checkpoint outside the replica. */
gboolean
ct_workspace_remember_checkpoint (CtWorkspace *self, const char *note, GError **error)
{
  g_autofree char *path = last_checkpoint_path (self);
  g_autofree char *known = ct_workspace_recall_checkpoint (self);

  return g_strcmp0 (known, note) == 0 ||
         g_file_set_contents_full (path, note, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

/* (transfer full): the folder of a log's copy */
static char *
folder_of_log (CtWorkspace *self, const char *origin)
{
  g_autofree char *name = g_strdelimit (g_strdup (origin), "/\\", '-');

  return g_build_filename (ct_workspace_get_folder (self), FORMER_LOGS, name, NULL);
}

/* A copy of the log as it is, up to its newest checkpoint, and with it the checkpoint that was last seen. */
static gboolean
keep_log (CtWorkspace *self, CtDb *db, GError **error)
{
  g_autofree char *origin =
      ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'log_origin'", "");
  g_autoptr (GError) none = NULL;
  g_autofree char *vkey =
      ct_db_read_text (db, &none, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
  g_autofree char *note = vkey ? ct_log_checkpoint (db, NULL) : NULL;
  g_autofree char *folder = origin ? folder_of_log (self, origin) : NULL;
  g_autofree char *from = last_checkpoint_path (self);
  g_autofree char *to = folder ? g_build_filename (folder, CT_LAST_CHECKPOINT, NULL) : NULL;
  g_autoptr (CtVerifier) verifier = NULL;
  g_auto (CtLogExport) export = { 0 };

  if (!origin)
    return FALSE;
  if (!note) /* nobody has signed it: there is nothing that it could prove */
    return TRUE;
  verifier = ct_verifier_parse (vkey, error);
  if (!verifier || !ct_log_export (db, folder, verifier, NULL, NULL, NULL, &export, error))
    return FALSE;
  if (g_rename (from, to) == 0 || errno == ENOENT)
    return TRUE;
  return ct_fail (error, CT_ERROR_FAILED, _ ("Cannot write %s: %s"), to, g_strerror (errno));
}

/* What following has at hand. */
typedef struct {
  CtWorkspace *workspace;
  CtDb *db;
  CtKeptCheckpoint *kept;
} Follower;

static GStrv
recall_cb (gpointer data)
{
  const Follower *self = data;
  g_autoptr (GStrvBuilder) notes = g_strv_builder_new ();
  g_autofree char *here = ct_workspace_recall_checkpoint (self->workspace);
  const char *kept = ct_kept_checkpoint_note (self->kept);

  if (here)
    g_strv_builder_add (notes, here);
  if (kept)
    g_strv_builder_add (notes, kept);
  return g_strv_builder_end (notes);
}

static gboolean
remember_cb (const char *note, gpointer data, GError **error)
{
  return ct_workspace_remember_checkpoint (((Follower *) data)->workspace, note, error);
}

static gboolean
keep_former_cb (gpointer data, GError **error)
{
  Follower *self = data;

  return ct_workspace_sign (self->workspace, error) && keep_log (self->workspace, self->db, error);
}

static gboolean
keep_lost_cb (gpointer data, GError **error)
{
  Follower *self = data;

  return keep_log (self->workspace, self->db, error);
}

static gboolean
keep_proof_cb (const char *note, gpointer data, GError **error)
{
  g_autofree char *path =
      g_build_filename (ct_workspace_get_folder (((Follower *) data)->workspace), CONTRADICTION, NULL);

  return g_file_set_contents_full (path, note, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static gboolean
read_vkey_cb (CtDb *db, gpointer data, GError **error)
{
  *(char **) data = ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
  return *(char **) data != NULL;
}

/* Whether the log that this workspace follows is signed with the key that it has itself. */
gboolean
ct_workspace_signs_log (CtWorkspace *self)
{
  g_autoptr (CtSigner) signer = ct_workspace_get_log_signer (self, NULL);
  g_autofree char *own = signer ? ct_verifier_to_string (ct_signer_verifier (signer)) : NULL;
  g_autofree char *vkey = NULL;

  return own && ct_store_read (ct_workspace_get_store (self), read_vkey_cb, &vkey, NULL) &&
         g_str_equal (own, vkey);
}

/**
 * ct_workspace_follow_log:
 * @db: a writable connection of the calling thread
 * @kept: what the keyring has, asked for with the first call
 * @sequences: this is the team's service, and signs the log where it has the key
 * @again: reads all leaves again
 *
 * See ct_log_sync().
 */
gboolean
ct_workspace_follow_log (CtWorkspace *self, CtDb *db, CtSession *session, CtKeptCheckpoint *kept,
                         gboolean sequences, gboolean again, GCancellable *cancellable,
                         CtLogSyncReport *report, GError **error)
{
  g_autoptr (CtSigner) signer = sequences ? ct_workspace_get_log_signer (self, NULL) : NULL;
  Follower follower = { self, db, kept };
  g_autofree char *newest = NULL;
  CtLogSyncOptions options = { .signer = signer,
                               .recall = recall_cb,
                               .remember = remember_cb,
                               .keep_former = keep_former_cb,
                               .keep_lost = keep_lost_cb,
                               .keep_proof = keep_proof_cb,
                               .data = &follower,
                               .again = again };

  ct_kept_checkpoint_ask (kept, db, cancellable);
  if (!ct_log_sync (db, session, &options, ct_time_now (), cancellable, report, error))
    return FALSE;
  newest = ct_workspace_recall_checkpoint (self);
  if (newest)
    ct_kept_checkpoint_keep (kept, db, newest, cancellable);
  return TRUE;
}

/* The new log commits to a table's rows as they are: from here on it speaks of them. */
static gboolean
commit_to_table (CtDb *db, const char *table, CtRowCommitter *rows, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM \"%s\" ORDER BY id", table);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "");
  int id_column = -1;
  CtId id;

  for (int i = 0; stmt && i < ct_stmt_n_columns (stmt); i++)
    if (g_str_equal (ct_stmt_name (stmt, i), "id"))
      id_column = i;
  while (stmt && ct_stmt_next (stmt))
    if (!ct_stmt_id (stmt, id_column, &id) || !ct_row_committer_add (rows, table, &id, stmt, error))
      return FALSE;
  return stmt && ct_stmt_finish (stmt, error);
}

/* Says what came before, and which rows there are. */
static gboolean
append_beginning (CtWorkspace *self, CtDb *db, const char *former, GError **error)
{
  const char *const *tables = ct_db_business_tables (db, error);
  g_autofree char *id =
      ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'workspace_id'", "");
  CtDisclosure disclosure = { "former_checkpoint", former };
  gint64 now = ct_workspace_now (self), index;
  CtEvent event = { .action = "log.begin",
                    .actor = ct_workspace_get_actor (self),
                    .actor_role = "",
                    .object_type = "workspace",
                    .occurred_at = now,
                    .received_at = now,
                    .disclosures = &disclosure,
                    .n_disclosures = former ? 1 : 0 };

  if (!tables || !id || !ct_id_parse (id, &event.object_id))
    return FALSE;
  for (guint i = 0; tables[i]; i++) {
    g_autoptr (CtRowCommitter) rows = ct_row_committer_new ();

    event.ev_id = ct_id_new (now);
    if (!commit_to_table (db, tables[i], rows, error) ||
        ((i == 0 || !ct_row_committer_is_empty (rows)) && !ct_log_append (db, &event, rows, &index, error)))
      return FALSE;
    event.n_disclosures = 0;
  }
  return TRUE;
}

/**
 * ct_workspace_own_log:
 * @db: inside the transaction in which the workspace leaves its server
 *
 * Keeps the copy of the server's log as a directory, and begins a log of its own, under a new origin, whose first leaf names
 * the last checkpoint of that one. Where the workspace never followed the server's log, its own goes on.
 */
gboolean
ct_workspace_own_log (CtWorkspace *self, CtDb *db, GError **error)
{
  gint64 followed = 0;
  CtId log = ct_id_new (ct_time_now ());
  g_autofree char *text = ct_id_to_string (&log);
  g_autofree char *origin = g_strconcat ("control-tower/", text, NULL);
  g_autofree char *former = ct_log_checkpoint (db, NULL), *vkey = NULL;
  g_autoptr (CtSigner) signer = NULL;

  if (!ct_db_read_int (db, &followed, error, "SELECT EXISTS (SELECT 1 FROM sync_log)", ""))
    return FALSE;
  if (!followed)
    return TRUE;
  signer = ct_workspace_get_log_signer (self, error);
  if (!signer)
    return FALSE;
  vkey = ct_verifier_to_string (ct_signer_verifier (signer));
  return keep_log (self, db, error) && ct_log_copy_begin (db, origin, vkey, error) &&
         ct_db_run (db, error, "DELETE FROM sync_log", "") &&
         ct_db_run (db, error, "DELETE FROM workspace WHERE key = 'log_vkey_expected'", "") &&
         ct_db_run (db, error,
                    "UPDATE workspace SET value = (SELECT coalesce(max(seq), 0) FROM intents) WHERE key = "
                    "'log_began_after'",
                    "") &&
         append_beginning (self, db, former, error);
}

/**
 * ct_workspace_continue_log:
 * @session: an administrator's, with the server
 *
 * Proposes that the server's log goes on after a restore, where this workspace has its key; see ct_log_sync_continue(). The
 * service puts it into effect.
 */
gboolean
ct_workspace_continue_log (CtWorkspace *self, CtSession *session, gint64 kept, CtLogContinuation *made,
                           gint64 *lost, gboolean *served, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self), "replica.db", NULL);
  g_autoptr (CtSigner) signer = ct_workspace_get_log_signer (self, error);
  g_autoptr (CtDb) db = signer ? ct_db_open (path, CT_DB_READ_ONLY, error) : NULL;

  return db && ct_log_sync_continue (db, session, signer, kept, made, lost, served, cancellable, error);
}

typedef struct {
  const char *vkey;
} Expectation;

static gboolean
expect_cb (CtDb *db, gpointer data, GError **error)
{
  const Expectation *self = data;
  g_autoptr (GError) none = NULL;
  g_autofree char *pinned = NULL;
  gint64 followed = 0;

  if (!ct_db_read_int (db, &followed, error, "SELECT EXISTS (SELECT 1 FROM sync_log)", ""))
    return FALSE;
  pinned = ct_db_read_text (db, &none, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
  if (followed && pinned && !g_str_equal (pinned, self->vkey))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("Another key is pinned for the log of this server: %s"),
                    pinned);
  return ct_db_run (db, error,
                    "INSERT INTO workspace VALUES('log_vkey_expected', ?) ON CONFLICT DO UPDATE SET value = "
                    "excluded.value",
                    "s", self->vkey);
}

/**
 * ct_workspace_expect_log_key:
 * @vkey: what the administrator said signs the server's log
 *
 * Pins it before the server is asked: a server that names another one is not believed.
 */
gboolean
ct_workspace_expect_log_key (CtWorkspace *self, const char *vkey, GError **error)
{
  Expectation expectation = { vkey };

  return ct_store_write (ct_workspace_get_store (self), expect_cb, &expectation, error);
}

/**
 * ct_workspace_describe_log:
 *
 * Returns: (transfer full): {"origin", "vkey", "server": whether it is a copy of a server's, "leaves", "signed", "hidden",
 *   "unproved": own commands that the server settled and whose leaf no checkpoint covers, "trouble", "keyring": why the last
 *   checkpoint of a server's is not in the keyring as well}
 */
JsonObject *
ct_workspace_describe_log (CtDb *db, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error,
                   "SELECT (SELECT value FROM workspace WHERE key = 'log_origin'), "
                   "(SELECT value FROM workspace WHERE key = "
                   "'log_vkey'), EXISTS (SELECT 1 FROM sync_log), (SELECT count(*) "
                   "FROM audit_hidden), (SELECT count(*) FROM "
                   "sync_outcomes o WHERE o.place IS NULL AND o.seq > (SELECT "
                   "CAST(value AS INTEGER) FROM workspace WHERE key = "
                   "'log_began_after')), (SELECT trouble FROM sync_log), (SELECT nullif(value, '') "
                   "FROM workspace, sync_log WHERE key = 'checkpoint_keyring')",
                   "");
  guint64 leaves = 0, covered = 0;
  JsonObject *log;

  if (!stmt || !ct_log_size (db, &leaves, &covered, error) || !ct_stmt_next (stmt))
    return NULL;
  log = ct_json_build ("SSbiiiiSS", "origin", ct_stmt_is_null (stmt, 0) ? NULL : ct_stmt_text (stmt, 0),
                       "vkey", ct_stmt_is_null (stmt, 1) ? NULL : ct_stmt_text (stmt, 1), "server",
                       ct_stmt_int (stmt, 2) != 0, "leaves", (gint64) leaves, "signed", (gint64) covered,
                       "hidden", ct_stmt_int (stmt, 3), "unproved", ct_stmt_int (stmt, 4), "trouble",
                       ct_stmt_is_null (stmt, 5) ? NULL : ct_stmt_text (stmt, 5), "keyring",
                       ct_stmt_is_null (stmt, 6) ? NULL : ct_stmt_text (stmt, 6));
  return log;
}
