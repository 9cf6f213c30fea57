/* A log as a directory that needs no database: C2SP tlog-tiles, the key in log.vkey, and the disclosures as lines of
 * canonical JSON {"field":…,"index":…,"salt":…,"value":…} in the order of their leaves. */
#include "ct-log-export.h"
#include "ct-canonical.h"
#include "ct-log-sign.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#define DISCLOSURES "disclosures.jsonl"
/* No disclosure is larger; what is, was not written by us. */
#define MOST_LINE (8 * 1024 * 1024)

void
ct_log_export_clear (CtLogExport *self)
{
  ct_checkpoint_clear (&self->checkpoint);
  g_clear_pointer (&self->vkey, g_free);
}

/* A former export of this log may be continued, but neither by an older state nor by another history. */
static gboolean
check_former (CtDb *db, const char *directory, const CtVerifier *verifier, const CtCheckpoint *newest,
              GError **error)
{
  g_autofree char *path = g_build_filename (directory, "checkpoint", NULL);
  g_auto (CtCheckpoint) former = { 0 };
  g_autofree char *note = NULL;
  g_autoptr (GError) cause = NULL;
  CtProof proof = { 0 };
  gsize length;

  if (!g_file_get_contents (path, &note, &length, NULL) ||
      !ct_checkpoint_open (note, (gssize) length, verifier, &former, NULL))
    return TRUE;
  if (former.size > newest->size)
    return ct_fail (error, CT_ERROR_CONFLICT,
                    "“%s” holds a newer state of this log, with %" G_GUINT64_FORMAT
                    " leaves: choose an empty directory, and find out why the workspace has fewer",
                    directory, former.size);
  if (former.size > 0 && former.size < newest->size &&
      !ct_log_consistency (db, former.size, newest->size, &proof, error))
    return FALSE;
  return ct_merkle_verify_consistency (former.size, &former.root, newest->size, &newest->root, &proof,
                                       &cause) ||
         ct_fail (error, CT_ERROR_CONFLICT,
                  "“%s” holds another history of this log (%s): choose an empty directory, keep this one, "
                  "and find out "
                  "which of them is true",
                  directory, cause->message);
}

static gboolean
write_entries (CtDb *db, guint64 size, CtTilesWriter *writer, guint64 *n_hidden, CtAuditProgress progress,
               gpointer progress_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT leaf, leaf_sha256 FROM audit_leaves WHERE n < ? ORDER BY n", "i", (gint64) size);

  if (!stmt)
    return FALSE;
  for (guint64 n = 0; ct_stmt_next (stmt); n++) {
    gsize length;
    gconstpointer leaf = ct_stmt_blob (stmt, 0, &length);
    CtHash hash;

    if (n % 4096 == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    if (n % 4096 == 0 && progress)
      progress (n, size, progress_data);
    if (!leaf && ct_stmt_hash (stmt, 1, &hash)) {
      ++*n_hidden;
      if (!ct_tiles_writer_add_hidden (writer, &hash, error))
        return FALSE;
    } else if (!ct_tiles_writer_add (writer, leaf, length, error)) {
      return FALSE;
    }
  }
  if (progress)
    progress (size, size, progress_data);
  return ct_stmt_finish (stmt, error);
}

static gboolean
write_lines (CtDb *db, guint64 size, FILE *file, guint64 *n_lines, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT n, field, salt, value FROM audit_disclosures WHERE n < ? ORDER BY n, field", "i",
      (gint64) size);
  g_autoptr (GString) line = g_string_new (NULL);

  if (!stmt)
    return FALSE;
  for (*n_lines = 0; ct_stmt_next (stmt); (*n_lines)++) {
    gsize salt_length, length;
    const guint8 *salt = ct_stmt_blob (stmt, 2, &salt_length);
    const char *field = ct_stmt_text (stmt, 1), *value = ct_stmt_blob (stmt, 3, &length);

    if (salt_length != CT_LOG_SALT_SIZE)
      return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" G_GINT64_FORMAT ": the salt of “%s” was edited",
                      ct_stmt_int (stmt, 0), field);
    g_string_assign (line, "{\"field\":");
    ct_canonical_append_text (line, field, strlen (field));
    g_string_append (line, ",\"index\":");
    ct_canonical_append_int (line, ct_stmt_int (stmt, 0));
    g_string_append (line, ",\"salt\":");
    ct_canonical_append_hex (line, salt, salt_length);
    g_string_append (line, ",\"value\":");
    ct_canonical_append_text (line, value ? value : "", length);
    g_string_append (line, "}\n");
    fwrite (line->str, 1, line->len, file);
  }
  return ct_stmt_finish (stmt, error);
}

/* Written beside and renamed: a reader sees the former lines or all of the new ones. */
static gboolean
write_disclosures (CtDb *db, const char *directory, guint64 size, guint64 *n_lines, GError **error)
{
  g_autofree char *path = g_build_filename (directory, DISCLOSURES, NULL);
  g_autofree char *draft = g_strconcat (path, ".part", NULL);
  int fd = g_open (draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  FILE *file = fd < 0 ? NULL : fdopen (fd, "w");
  gboolean done;

  if (!file)
    return ct_fail (error, CT_ERROR_FAILED, "Cannot write “%s”: %s", draft, g_strerror (errno));
  done = write_lines (db, size, file, n_lines, error);
  if (fflush (file) != 0 || ferror (file))
    done = done && ct_fail (error, CT_ERROR_FAILED, "Cannot write “%s”: %s", draft, g_strerror (errno));
  fclose (file);
  if (done && g_rename (draft, path) != 0)
    done = ct_fail (error, CT_ERROR_FAILED, "Cannot write “%s”: %s", path, g_strerror (errno));
  if (!done)
    g_unlink (draft);
  return done;
}

static gboolean
write_key (const char *directory, const CtVerifier *verifier, GError **error)
{
  g_autofree char *path = g_build_filename (directory, "log.vkey", NULL);
  g_autofree char *vkey = ct_verifier_to_string (verifier);
  g_autofree char *line = g_strconcat (vkey, "\n", NULL);

  return g_file_set_contents_full (path, line, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static gboolean
check_head (CtTilesWriter *writer, const CtCheckpoint *checkpoint, GError **error)
{
  guint64 size;
  CtHash root = ct_tiles_writer_head (writer, &size);

  return (size == checkpoint->size && ct_hash_equal (&root, &checkpoint->root)) ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "The leaves are not those that the newest checkpoint signs: nothing was exported, run "
                  "“audit verify”");
}

static gboolean
export_all (CtDb *db, const char *directory, const CtVerifier *verifier, CtAuditProgress progress,
            gpointer progress_data, GCancellable *cancellable, CtLogExport *export, GError **error)
{
  g_autofree char *note = ct_log_checkpoint (db, error);
  g_autoptr (CtTilesWriter) writer = NULL;

  if (!note || !ct_checkpoint_open (note, -1, verifier, &export->checkpoint, error) ||
      !check_former (db, directory, verifier, &export->checkpoint, error))
    return FALSE;
  writer = ct_tiles_writer_new (directory, export->checkpoint.origin, error);
  return writer &&
         write_entries (db, export->checkpoint.size, writer, &export->n_hidden, progress, progress_data,
                        cancellable, error) &&
         check_head (writer, &export->checkpoint, error) &&
         write_disclosures (db, directory, export->checkpoint.size, &export->n_disclosures, error) &&
         write_key (directory, verifier, error) && ct_tiles_writer_finish (writer, note, error);
}

/**
 * ct_log_export:
 * @directory: created where missing; may hold a former export of the same log
 * @verifier: the log's key
 * @progress: (nullable): told every few thousand leaves
 * @export: (out): what was written, set only on success; clear it with ct_log_export_clear()
 *
 * Writes the log up to its newest checkpoint; sign first. Redacted disclosures are not there, also not in an old file.
 */
gboolean
ct_log_export (CtDb *db, const char *directory, const CtVerifier *verifier, CtAuditProgress progress,
               gpointer progress_data, GCancellable *cancellable, CtLogExport *export, GError **error)
{
  g_auto (CtLogExport) written = { 0 };
  gboolean own = !ct_db_in_transaction (db), done;

  if (own && !ct_db_begin_read (db, error))
    return FALSE;
  done = export_all (db, directory, verifier, progress, progress_data, cancellable, &written, error);
  if (own)
    ct_db_rollback (db);
  if (done) {
    written.vkey = ct_verifier_to_string (verifier);
    *export = written;
    written = (CtLogExport){ 0 };
  }
  return done;
}

/* The lines of disclosures, read beside the entries. */
typedef struct {
  FILE *file; /* (owned) (nullable) */
  char *line; /* (owned): room for MOST_LINE */
  guint64 number;
  guint64 n_checked;
  gint64 index; /* of the leaf that the current line belongs to; G_MAXINT64 behind the last */
  const char *field, *value;
  gsize field_length, value_length;
  guint8 salt[CT_LOG_SALT_SIZE];
} Lines;

static void
lines_clear (Lines *self)
{
  if (self->file)
    fclose (self->file);
  g_free (self->line);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Lines, lines_clear)

static gboolean
parse_line (Lines *self)
{
  CtCanonical at = { self->line, self->line + strlen (self->line) };

  return ct_canonical_take_literal (&at, "{\"field\":") &&
         ct_canonical_take_text (&at, &self->field, &self->field_length) &&
         ct_canonical_take_literal (&at, ",\"index\":") && ct_canonical_take_int (&at, &self->index) &&
         ct_canonical_take_literal (&at, ",\"salt\":") &&
         ct_canonical_take_hex (&at, self->salt, sizeof self->salt) &&
         ct_canonical_take_literal (&at, ",\"value\":") &&
         ct_canonical_take_text (&at, &self->value, &self->value_length) &&
         ct_canonical_take_literal (&at, "}\n") && at.at == at.end;
}

static gboolean
lines_next (Lines *self, GError **error)
{
  gint64 former = self->index;

  self->number++;
  if (!fgets (self->line, MOST_LINE, self->file)) {
    self->index = G_MAXINT64;
    return !ferror (self->file) || ct_fail (error, CT_ERROR_FAILED, "Cannot read " DISCLOSURES);
  }
  if (!parse_line (self))
    return ct_fail (error, CT_ERROR_CORRUPT, DISCLOSURES " line %" G_GUINT64_FORMAT " is not a disclosure",
                    self->number);
  return self->index >= former ||
         ct_fail (error, CT_ERROR_CORRUPT, DISCLOSURES " line %" G_GUINT64_FORMAT " is out of order",
                  self->number);
}

static gboolean
check_line (Lines *self, const CtLeaf *leaf, GError **error)
{
  g_autofree char *field = ct_canonical_unescape (self->field, self->field_length);
  g_autofree char *value = ct_canonical_unescape (self->value, self->value_length);
  const CtCommitment *commitment = ct_leaf_commitment (leaf, field);
  CtHash hash = ct_log_disclosure_hash (field, self->salt, sizeof self->salt, value);

  if (!commitment || !ct_hash_equal (&commitment->hash, &hash))
    return ct_fail (error, CT_ERROR_CORRUPT,
                    DISCLOSURES " line %" G_GUINT64_FORMAT ": leaf %" G_GINT64_FORMAT
                                " commits to another “%s”",
                    self->number, self->index, field);
  self->n_checked++;
  return lines_next (self, error);
}

/* A #CtEntryVisitor: the lines of this leaf must be what it commits to. */
static gboolean
check_lines (guint64 index, const guint8 *entry, gsize length, gpointer data, GError **error)
{
  Lines *self = data;
  CtLeaf leaf;

  if (self->index != (gint64) index)
    return TRUE;
  if (!ct_leaf_scan (&leaf, (const char *) entry, length, error)) {
    g_prefix_error (error, "Leaf %" G_GUINT64_FORMAT ": ", index);
    return FALSE;
  }
  while (self->index == (gint64) index)
    if (!check_line (self, &leaf, error))
      return FALSE;
  return TRUE;
}

static gboolean
lines_open (Lines *self, const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, DISCLOSURES, NULL);

  self->index = G_MAXINT64;
  self->file = g_file_test (path, G_FILE_TEST_IS_REGULAR) ? g_fopen (path, "re") : NULL;
  if (!self->file)
    return TRUE;
  self->line = g_malloc (MOST_LINE);
  self->index = -1;
  return lines_next (self, error);
}

/**
 * ct_log_export_verify:
 *
 * ct_tiles_verify(), and where the directory has disclosures, each of them against its leaf. Disclosures may be missing:
 * redacted, or kept back; but where there are some, their leaves must be there.
 */
gboolean
ct_log_export_verify (const char *directory, const char *vkey, CtAuditProgress progress,
                      gpointer progress_data, GCancellable *cancellable, CtTilesReport *report,
                      GError **error)
{
  g_auto (Lines) lines = { 0 };
  g_auto (CtTilesReport) found = { 0 };

  if (!lines_open (&lines, directory, error) ||
      !ct_tiles_verify (directory, vkey, lines.file ? check_lines : NULL, &lines, progress, progress_data,
                        cancellable, &found, error))
    return FALSE;
  if (lines.file && !found.has_entries && found.checkpoint.size > 0)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    DISCLOSURES
                    " cannot be checked: tile/entries, with the leaves it belongs to, is missing");
  if (found.has_entries && lines.index != G_MAXINT64)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    DISCLOSURES " line %" G_GUINT64_FORMAT ": the log has no leaf %" G_GINT64_FORMAT,
                    lines.number, lines.index);
  found.has_disclosures = found.has_entries && lines.file;
  found.n_disclosures = lines.n_checked;
  *report = found;
  found = (CtTilesReport){ 0 };
  return TRUE;
}
