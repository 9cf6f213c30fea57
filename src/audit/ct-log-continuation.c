#include "ct-log-continuation.h"
#include "ct-log-copy.h"

#include <string.h>

/* The extension line of the checkpoint. */
#define CONTINUES "continues "

void
ct_log_continuation_clear (CtLogContinuation *self)
{
  ct_checkpoint_clear (&self->start);
  g_clear_pointer (&self->former, g_free);
}

/**
 * ct_log_continuation_sign:
 * @signer: the log's key, which stays the same
 *
 * Returns: (transfer full): the signed note
 */
char *
ct_log_continuation_sign (const CtLogContinuation *self, const CtSigner *signer, GError **error)
{
  g_autofree char *start = ct_checkpoint_format (&self->start);
  g_autofree char *text = g_strconcat (start, CONTINUES, self->former, "\n", NULL);

  return ct_note_sign (text, signer, error);
}

/**
 * ct_log_continuation_open:
 * @note: foreign bytes
 * @verifier: the pinned key
 * @self: (out): set only on success; clear it with ct_log_continuation_clear()
 */
gboolean
ct_log_continuation_open (const char *note, const CtVerifier *verifier, CtLogContinuation *self,
                          GError **error)
{
  g_autofree char *text = ct_note_open (note, -1, verifier, error);
  g_auto (GStrv) lines = text ? g_strsplit (text, "\n", -1) : NULL;
  CtLogContinuation read = { 0 };

  if (!lines)
    return FALSE;
  if (g_strv_length (lines) != 5 || !g_str_has_prefix (lines[3], CONTINUES) || *lines[4])
    return ct_fail (error, CT_ERROR_INVALID, "Not a continuation: it needs the line “" CONTINUES "ORIGIN”");
  if (!ct_checkpoint_parse (text, &read.start, error))
    return FALSE;
  read.former = g_strdup (lines[3] + strlen (CONTINUES));
  *self = read;
  return TRUE;
}

static gboolean
check_root (CtDb *db, const CtLogContinuation *self, guint64 n_signed, GError **error)
{
  CtHash root;

  if (self->start.size > n_signed) /* we know less of it: what comes is held against the next checkpoint */
    return TRUE;
  return ct_log_root (db, self->start.size, &root, error) &&
         (ct_hash_equal (&root, &self->start.root) ||
          ct_fail (
              error, CT_ERROR_CORRUPT,
              g_dngettext (
                  GETTEXT_PACKAGE,
                  "The server's log is said to go on from %d leaf that is not the one which stood there",
                  "The server's log is said to go on from %d leaves that are not those which stood there",
                  (gulong) (self->start.size)),
              (int) self->start.size));
}

/* An origin ends with a UUID; but for a log's first one it is of version 7, and so tells when it was made. */
static gboolean
tells_time (const char *origin)
{
  gsize length = strlen (origin);

  return length > 36 && origin[length - 36 + 14] == '7';
}

/**
 * ct_log_continuation_is_new:
 * @origins: of the log, see ct_log_origins()
 *
 * Whether the log has not been there yet: what was signed once, before a later restore, must not take it back there.
 */
gboolean
ct_log_continuation_is_new (const CtLogContinuation *self, const char *origins)
{
  gsize length = strcspn (origins, "\n");
  g_autofree char *present = g_strndup (origins, length);
  CtLeafText next = { self->start.origin, strlen (self->start.origin) };

  return !ct_log_origins_have (origins, &next) && tells_time (self->start.origin) &&
         (!tells_time (present) || strcmp (self->start.origin, present) > 0);
}

/* Leaves of the log may name this origin, too: it had it before those that are known. */
gboolean
ct_log_continuation_note (CtDb *db, const char *former, GError **error)
{
  return ct_db_run (db, error,
                    "INSERT INTO workspace VALUES('log_former', ?)"
                    " ON CONFLICT DO UPDATE SET value = value || char(10) || excluded.value",
                    "s", former);
}

/**
 * ct_log_continuation_take:
 * @db: inside a transaction; the log as it was must have been exported
 * @self: opened with the pinned key
 *
 * Has the copy of the log go on under its new origin: the leaves that the server lost go, those before them stay what they
 * were. The tree is built again with the next checkpoint, over leaves that we hold ourselves: that it continues them is proved
 * by its root.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where it does not continue this log
 */
gboolean
ct_log_continuation_take (CtDb *db, const CtLogContinuation *self, GError **error)
{
  guint64 n_leaves, n_signed, kept;

  if (!ct_log_size (db, &n_leaves, &n_signed, error) || !check_root (db, self, n_signed, error))
    return FALSE;
  kept = MIN (self->start.size, n_signed);
  return ct_db_run (db, error, "DELETE FROM audit_tiles", "") &&
         ct_db_run (db, error, "DELETE FROM audit_checkpoints", "") && ct_log_copy_cut (db, kept, error) &&
         ct_db_run (db, error, "UPDATE sync_outcomes SET place = NULL WHERE place >= ?", "i",
                    (gint64) kept) &&
         ct_db_run (db, error, "UPDATE sync_log SET seen = -1, upto = 0", "") &&
         ct_db_run (db, error,
                    "INSERT INTO workspace SELECT 'log_former', value FROM workspace WHERE key = 'log_origin'"
                    " ON CONFLICT DO UPDATE SET value = excluded.value || char(10) || value",
                    "") &&
         ct_db_run (db, error, "UPDATE workspace SET value = ? WHERE key = 'log_origin'", "s",
                    self->start.origin);
}

/**
 * ct_log_origins:
 *
 * Returns: (transfer full): the log's origin and those that it had before, a line each, the present one first
 */
char *
ct_log_origins (CtDb *db, GError **error)
{
  return ct_db_read_text (db, error,
                          "SELECT group_concat(value, char(10)) FROM (SELECT value FROM workspace"
                          " WHERE key IN ('log_origin', 'log_former') ORDER BY key DESC)",
                          "");
}

/* Whether a leaf is of the log that has, and had, these origins. */
gboolean
ct_log_origins_have (const char *origins, const CtLeafText *origin)
{
  for (gsize length; *origins; origins += length + (origins[length] == '\n')) {
    length = strcspn (origins, "\n");
    if (ct_leaf_text_equal (origin, origins, length))
      return TRUE;
  }
  return FALSE;
}
