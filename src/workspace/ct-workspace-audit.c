/* Signing, verification and export of a workspace's log, with the last checkpoint kept beside the replica: a log that
 * was cut off or rolled back together with its checkpoints does not contain it any more. */
#include "ct-workspace-audit.h"
#include "ct-log-sign.h"
#include "ct-workspace-private.h"

/* The last checkpoint signed here, (transfer full); %NULL before the first. */
static char *
remembered_note (CtWorkspace *self)
{
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self), CT_LAST_CHECKPOINT, NULL);
  char *note = NULL;

  return g_file_get_contents (path, &note, NULL, NULL) ? note : NULL;
}

/* Keeps a newly signed checkpoint outside the replica. */
static gboolean
remember (CtWorkspace *self, const char *note, GError **error)
{
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self), CT_LAST_CHECKPOINT, NULL);

  return g_file_set_contents_full (path, note, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
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
  remembered = remembered_note (self->workspace);
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
 * nothing any more.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where the log does not continue what was signed before; nothing is signed then
 */
gboolean
ct_workspace_sign (CtWorkspace *self, GError **error)
{
  g_autoptr (CtSigner) signer = ct_workspace_get_log_signer (self, error);
  Signing signing = { self, signer, NULL };
  g_autofree char *note = NULL;
  gboolean ok = signer && ct_store_write (ct_workspace_get_store (self), sign_cb, &signing, error);

  note = signing.note;
  return ok && remember (self, note, error);
}

typedef struct {
  CtLogVerifyOptions options;
  CtLogReport *report;
} Verification;

static gboolean
verify_cb (CtDb *db, gpointer data, GError **error)
{
  Verification *self = data;
  gint64 joined = 0;

  /* since it joined one, also after it left it */
  if ((self->options.flags & CT_LOG_VERIFY_STATE) &&
      !ct_db_read_int (db, &joined, error,
                       "SELECT EXISTS (SELECT 1 FROM workspace WHERE key = 'server_login')", ""))
    return FALSE;
  if (joined)
    return ct_fail (
        error, CT_ERROR_REFUSED,
        _ ("What this workspace had from its server stands in the server's log: its rows cannot be "
           "held against the log here"));
  return ct_log_verify (db, &self->options, self->report, error);
}

/**
 * ct_workspace_verify:
 * @vkey: (nullable): the key to trust; the workspace's own where none is named
 * @state: also holds every business row against its last commitment
 * @report: (out): set only on success
 *
 * Verifies the whole log; blocks.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT that says what does not agree, and where
 */
gboolean
ct_workspace_verify (CtWorkspace *self, const char *vkey, gboolean state, CtAuditProgress progress,
                     gpointer data, GCancellable *cancellable, CtLogReport *report, GError **error)
{
  g_autofree char *note = remembered_note (self), *own = NULL;
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
  };

  if (!vkey && signer) /* not the one that the replica names: whoever edits it could name another */
    verification.options.vkey = own = ct_verifier_to_string (ct_signer_verifier (signer));
  return ct_store_read (ct_workspace_get_store (self), verify_cb, &verification, error);
}

typedef struct {
  const char *directory;
  CtSigner *signer; /* (owned) */
  CtAuditProgress progress;
  gpointer data;
  GCancellable *cancellable;
  CtLogExport *export;
} Exporting;

static gboolean
export_cb (CtDb *db, gpointer data, GError **error)
{
  Exporting *self = data;

  return ct_log_export (db, self->directory, ct_signer_verifier (self->signer), self->progress, self->data,
                        self->cancellable, self->export, error);
}

/**
 * ct_workspace_export_log:
 * @directory: see ct_log_export()
 * @export: (out): set only on success
 *
 * Writes the whole log to a directory; blocks. An export is an event too: recorded and signed first, so that the export
 * holds it.
 *
 * Returns: %FALSE with %CT_ERROR_REFUSED where the actor may not, and nothing is written
 */
gboolean
ct_workspace_export_log (CtWorkspace *self, const char *directory, CtAuditProgress progress, gpointer data,
                         GCancellable *cancellable, CtLogExport *export, GError **error)
{
  g_autoptr (CtSigner) signer = ct_workspace_get_log_signer (self, error);
  Exporting exporting = { directory, signer, progress, data, cancellable, export };
  g_auto (CtOutcome) outcome = { 0 };

  return signer && ct_workspace_execute (self, "audit.export", NULL, &outcome, error) &&
         ct_workspace_sign (self, error) &&
         ct_store_read (ct_workspace_get_store (self), export_cb, &exporting, error);
}
