/* Signing, verification and export of a workspace's log, with the last checkpoint kept beside the replica: a log that
 * was cut off or rolled back together with its checkpoints does not contain it any more. */
#include "ct-workspace-audit.h"
#include "ct-log-sign.h"
#include "ct-workspace-log.h"
#include "ct-workspace-private.h"

/* Whether the workspace has a copy of its server's log, which the server's service signs. */
static gboolean
follows_cb (CtDb *db, gpointer data, GError **error)
{
  return ct_db_read_int (db, data, error, "SELECT EXISTS (SELECT 1 FROM sync_log)", "");
}

typedef struct {
  CtWorkspace *workspace;
  CtSigner *signer;
  char *note; /* (owned) (nullable) */
} Signing;

static gboolean
sign_cb (CtDb *db, gpointer data, GError **error)
{
  Signing *self = data;
  /* read under the writer's lock: what another process signed before us is remembered by then, or not yet in the way */
  g_autofree char *remembered = NULL;

  if (!ct_db_begin (db, error))
    return FALSE;
  remembered = ct_workspace_recall_checkpoint (self->workspace);
  if (!ct_log_sign (db, self->signer, ct_workspace_now (self->workspace), &self->note, error) ||
      (remembered && !ct_log_check_remembered (db, ct_signer_verifier (self->signer), remembered, error))) {
    ct_db_rollback (db);
    return FALSE;
  }
  return ct_db_commit (db, error);
}

/**
 * ct_workspace_sign:
 *
 * Takes new audit leaves into the tree, signs a checkpoint over them and remembers it outside the replica; nothing
 * happens where there are none. The only way in which a workspace's log is signed: a key that signs two histories proves
 * nothing any more. The copy of a server's log is not ours to sign.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where the log does not continue what was signed before; nothing is signed then
 */
gboolean
ct_workspace_sign (CtWorkspace *self, GError **error)
{
  g_autoptr (CtSigner) signer = NULL;
  Signing signing = { self, NULL, NULL };
  g_autofree char *note = NULL;
  gint64 follows = 0;
  gboolean ok;

  if (!ct_store_read (ct_workspace_get_store (self), follows_cb, &follows, error))
    return FALSE;
  if (follows)
    return TRUE;
  signing.signer = signer = ct_workspace_get_log_signer (self, error);
  ok = signer && ct_store_write (ct_workspace_get_store (self), sign_cb, &signing, error);
  note = signing.note;
  return ok && ct_workspace_remember_checkpoint (self, note, error);
}

typedef struct {
  CtLogVerifyOptions options;
  CtLogReport *report;
  gboolean connected, key_given;
} Verification;

static gboolean
verify_cb (CtDb *db, gpointer data, GError **error)
{
  Verification *self = data;
  g_autoptr (JsonObject) log = ct_workspace_describe_log (db, error);
  const char *trouble = log ? ct_json_string (log, "trouble", NULL) : NULL;

  if (!log)
    return FALSE;
  if (trouble)
    return ct_fail (error, CT_ERROR_CORRUPT, "%s", trouble);
  if (!ct_json_bool (log, "server", FALSE) && self->connected && (self->options.flags & CT_LOG_VERIFY_STATE))
    return ct_fail (
        error, CT_ERROR_BUSY,
        _ ("What this workspace has from its server stands in the server's log, which it has not read yet: "
           "towerctl sync --once"));
  if (ct_json_bool (log, "server", FALSE) && !self->key_given) /* the one that was pinned, not ours */
    self->options.vkey = NULL;
  return ct_log_verify (db, &self->options, self->report, error);
}

/**
 * ct_workspace_verify:
 * @vkey: (nullable): the key to trust; the workspace's own where none is named
 * @state: also holds every business row against its last commitment
 * @report: (out): set only on success
 *
 * Verifies the whole log; blocks. In a connected workspace that is the copy of the server's, and @state holds the rows that
 * are the server's against it.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT that says what does not agree, and where
 */
gboolean
ct_workspace_verify (CtWorkspace *self, const char *vkey, gboolean state, CtAuditProgress progress,
                     gpointer data, GCancellable *cancellable, CtLogReport *report, GError **error)
{
  g_autofree char *note = ct_workspace_recall_checkpoint (self), *own = NULL;
  g_autoptr (CtSigner) signer = ct_workspace_get_log_signer (self, NULL);
  const char *remembered[] = { note, NULL };
  Verification verification = {
    .options = { .vkey = vkey,
                 .remembered = remembered,
                 .flags = CT_LOG_VERIFY_ALL_INTENTS | (state ? CT_LOG_VERIFY_STATE : 0),
                 .progress = progress,
                 .progress_data = data,
                 .cancellable = cancellable },
    .report = report,
    .connected = ct_workspace_is_connected (self),
    .key_given = vkey != NULL,
  };

  if (!vkey && signer) /* not the one that the replica names: whoever edits it could name another */
    verification.options.vkey = own = ct_verifier_to_string (ct_signer_verifier (signer));
  return ct_store_read (ct_workspace_get_store (self), verify_cb, &verification, error);
}

typedef struct {
  const char *directory;
  CtAuditProgress progress;
  gpointer data;
  GCancellable *cancellable;
  CtLogExport *export;
} Exporting;

static gboolean
export_cb (CtDb *db, gpointer data, GError **error)
{
  Exporting *self = data;
  g_autoptr (JsonObject) log = ct_workspace_describe_log (db, error);
  const char *vkey = log ? ct_json_string (log, "vkey", NULL) : NULL;
  g_autoptr (CtVerifier) verifier = vkey ? ct_verifier_parse (vkey, error) : NULL;

  if (log && !vkey)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("Nobody signs the log of this workspace yet"));
  return verifier && ct_log_export (db, self->directory, verifier, self->progress, self->data,
                                    self->cancellable, self->export, error);
}

/**
 * ct_workspace_export_log:
 * @directory: see ct_log_export()
 * @export: (out): set only on success
 *
 * Writes the whole log to a directory; blocks. An export is an event too: recorded and signed first, so that the export
 * holds it; in a connected workspace the server's service signs, and the export ends with what it has signed so far.
 *
 * Returns: %FALSE with %CT_ERROR_REFUSED where the actor may not, and nothing is written
 */
gboolean
ct_workspace_export_log (CtWorkspace *self, const char *directory, CtAuditProgress progress, gpointer data,
                         GCancellable *cancellable, CtLogExport *export, GError **error)
{
  Exporting exporting = { directory, progress, data, cancellable, export };
  g_auto (CtOutcome) outcome = { 0 };

  return ct_workspace_execute (self, "audit.export", NULL, &outcome, error) &&
         ct_workspace_sign (self, error) &&
         ct_store_read (ct_workspace_get_store (self), export_cb, &exporting, error);
}
