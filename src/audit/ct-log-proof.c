/* Offline proofs in the text form of C2SP tlog-proof: header, the leaf as extra data, index, hashes, checkpoint. */
#include "ct-log-proof.h"
#include "ct-base64.h"
#include "ct-log-sign.h"

#include <string.h>

#define HEADER "c2sp.org/tlog-proof@v1\n"

static char *
read_leaf (CtDb *db, gint64 index, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, "SELECT leaf FROM audit_logs WHERE n = ?", "i", index);
  gconstpointer leaf;
  gsize length;

  if (!stmt)
    return NULL;
  if (!ct_stmt_next (stmt)) {
    if (ct_stmt_finish (stmt, error))
      ct_fail (error, CT_ERROR_NOT_FOUND, "The audit log has no leaf %" G_GINT64_FORMAT, index);
    return NULL;
  }
  leaf = ct_stmt_blob (stmt, 0, &length);
  return ct_base64_encode (leaf, length);
}

/**
 * ct_log_proof:
 * @index: of a leaf
 *
 * Returns: (transfer full): the proof that the newest checkpoint includes the leaf, as C2SP tlog-proof text whose extra
 *   data is the leaf; %NULL with %CT_ERROR_BUSY where it waits to be signed
 */
char *
ct_log_proof (CtDb *db, gint64 index, GError **error)
{
  g_autofree char *leaf = read_leaf (db, index, error);
  g_autofree char *note = NULL;
  g_autoptr (GString) text = g_string_new (HEADER);
  guint64 n_leaves, n_signed;
  CtProof proof;

  if (!leaf || !ct_log_size (db, &n_leaves, &n_signed, error))
    return NULL;
  if ((guint64) index >= n_signed) {
    ct_fail (error, CT_ERROR_BUSY, "Leaf %" G_GINT64_FORMAT " is not signed yet", index);
    return NULL;
  }
  note = ct_log_checkpoint (db, error);
  if (!note || !ct_log_inclusion (db, (guint64) index, n_signed, &proof, error))
    return NULL;
  g_string_append_printf (text, "extra %s\nindex %" G_GINT64_FORMAT "\n", leaf, index);
  for (guint i = 0; i < proof.n_hashes; i++) {
    g_autofree char *hash = ct_base64_encode (proof.hashes[i].bytes, CT_HASH_SIZE);

    g_string_append_printf (text, "%s\n", hash);
  }
  g_string_append_c (text, '\n');
  g_string_append (text, note);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
ct_log_proof_clear (CtLogProof *self)
{
  ct_checkpoint_clear (&self->checkpoint);
  g_clear_pointer (&self->leaf, g_free);
}

/* Cuts the next line out of the text. */
static gboolean
take_line (const char **at, const char *end, const char **line, gsize *length)
{
  const char *stop = *at < end ? memchr (*at, '\n', (gsize) (end - *at)) : NULL;

  if (!stop)
    return FALSE;
  *line = *at;
  *length = (gsize) (stop - *at);
  *at = stop + 1;
  return TRUE;
}

static gboolean
take_leaf (const char *line, gsize length, CtLogProof *proof)
{
  gsize lead = strlen ("extra "), n_bytes;

  if (length < lead || memcmp (line, "extra ", lead) != 0 || proof->leaf)
    return FALSE;
  proof->leaf = g_malloc (length + 1);
  if (!ct_base64_decode (line + lead, length - lead, (guint8 *) proof->leaf, length, &n_bytes))
    return FALSE;
  proof->leaf[n_bytes] = '\0';
  proof->leaf_length = n_bytes;
  return TRUE;
}

static gboolean
take_index (const char *line, gsize length, CtLogProof *proof)
{
  g_autofree char *text = g_strndup (line, length);
  const char *digits = text + strlen ("index ");

  return g_str_has_prefix (text, "index ") && strspn (digits, "0123456789") == strlen (digits) &&
         (digits[0] != '0' || !digits[1]) && strlen (digits) == length - strlen ("index ") &&
         g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT64, &proof->index, NULL);
}

static gboolean
take_hashes (const char **at, const char *end, CtProof *path)
{
  const char *line;
  gsize length, n_bytes;

  for (path->n_hashes = 0; take_line (at, end, &line, &length); path->n_hashes++) {
    if (length == 0)
      return TRUE;
    if (path->n_hashes == CT_PROOF_MOST ||
        !ct_base64_decode (line, length, path->hashes[path->n_hashes].bytes, CT_HASH_SIZE, &n_bytes) ||
        n_bytes != CT_HASH_SIZE)
      return FALSE;
  }
  return FALSE;
}

/**
 * ct_log_proof_open:
 * @text: foreign bytes, as ct_log_proof() writes them
 * @length: how many, or -1 for a string
 * @verifier: the log's key
 * @proof: (out): what was proved, set only on success; clear it with ct_log_proof_clear()
 *
 * Verifies a proof without the log: that the key signed the checkpoint, and that it includes the leaf.
 *
 * Returns: %FALSE with %CT_ERROR_INVALID where the text is malformed, %CT_ERROR_CORRUPT where it proves nothing
 */
gboolean
ct_log_proof_open (const char *text, gssize length, const CtVerifier *verifier, CtLogProof *proof,
                   GError **error)
{
  gsize size = length < 0 ? strlen (text) : (gsize) length, lead = strlen (HEADER), line_length;
  const char *at = text + lead, *end = text + size, *line;
  g_auto (CtLogProof) found = { 0 };
  CtProof path;
  CtHash hash;

  if (size > CT_LOG_PROOF_MOST_BYTES || size < lead || memcmp (text, HEADER, lead) != 0)
    return ct_fail (error, CT_ERROR_INVALID, "Not a proof: it must begin with c2sp.org/tlog-proof@v1");
  if (!take_line (&at, end, &line, &line_length) || !take_leaf (line, line_length, &found))
    return ct_fail (error, CT_ERROR_INVALID, "Not a proof of ours: line 2 must hold the leaf as extra data");
  if (!take_line (&at, end, &line, &line_length) || !take_index (line, line_length, &found))
    return ct_fail (error, CT_ERROR_INVALID, "Not a proof: line 3 must hold the index");
  if (!take_hashes (&at, end, &path))
    return ct_fail (error, CT_ERROR_INVALID,
                    "Not a proof: its hashes must be base64 and end with an empty line");
  if (!ct_checkpoint_open (at, end - at, verifier, &found.checkpoint, error))
    return FALSE;
  hash = ct_merkle_leaf (found.leaf, found.leaf_length);
  if (!ct_merkle_verify_inclusion (&hash, found.index, found.checkpoint.size, &path, &found.checkpoint.root,
                                   error))
    return FALSE;
  *proof = found;
  found = (CtLogProof){ 0 };
  return TRUE;
}
