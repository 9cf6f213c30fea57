/* Verification of a workspace's log, with the last checkpoint kept beside the replica: a log that was cut off or rolled
 * back together with its checkpoints does not contain it any more. */
#include "ct-workspace-audit.h"

#define LAST_CHECKPOINT "last-checkpoint"

/* Keeps a newly signed checkpoint outside the replica. */
gboolean
ct_workspace_remember (CtWorkspace *self, const char *note, GError **error)
{
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self), LAST_CHECKPOINT, NULL);

  return g_file_set_contents_full (path, note, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

typedef struct {
  CtLogVerifyOptions options;
  CtLogReport *report;
} Verification;

static gboolean
verify_cb (CtDb *db, gpointer data, GError **error)
{
  Verification *self = data;

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
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self), LAST_CHECKPOINT, NULL);
  g_autofree char *note = NULL, *own = NULL;
  g_autoptr (CtSigner) signer = ct_workspace_get_log_signer (self, NULL);
  const char *remembered[] = { NULL, NULL };
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
  if (g_file_get_contents (path, &note, NULL, NULL))
    remembered[0] = note;
  return ct_store_read (ct_workspace_get_store (self), verify_cb, &verification, error);
}
