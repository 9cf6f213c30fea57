#include "ct-checkpoint.h"
#include "ct-base64.h"
#include "ct-error.h"

#include <string.h>

void
ct_checkpoint_clear (CtCheckpoint *self)
{
  g_clear_pointer (&self->origin, g_free);
}

/**
 * ct_checkpoint_format:
 *
 * Returns: (transfer full): the text that is signed: origin, size, base64 of the root, a line each
 */
char *
ct_checkpoint_format (const CtCheckpoint *self)
{
  g_autofree char *root = ct_base64_encode (self->root.bytes, CT_HASH_SIZE);

  return g_strdup_printf ("%s\n%" G_GUINT64_FORMAT "\n%s\n", self->origin, self->size, root);
}

/* A decimal without sign, space or leading zero, at most 2^63 - 1. */
static gboolean
parse_size (const char *text, guint64 *size)
{
  gsize length = strlen (text);

  if (length == 0 || length > 19 || strspn (text, "0123456789") != length || (text[0] == '0' && length > 1))
    return FALSE;
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, size, NULL);
}

static gboolean
check_extensions (char **lines, GError **error)
{
  for (; *lines; lines++)
    if (!**lines)
      return ct_fail (error, CT_ERROR_INVALID, "Not a checkpoint: it has an empty line");
  return TRUE;
}

/**
 * ct_checkpoint_parse:
 * @text: of a note whose signature has been checked
 * @checkpoint: (out): set only on success
 *
 * Extension lines are allowed and left out.
 */
gboolean
ct_checkpoint_parse (const char *text, CtCheckpoint *checkpoint, GError **error)
{
  gsize length = strlen (text);
  g_auto (GStrv) lines = NULL;
  g_autofree char *body = NULL;
  CtCheckpoint parsed = { 0 };
  gsize n_bytes;

  if (length == 0 || text[length - 1] != '\n')
    return ct_fail (error, CT_ERROR_INVALID, "Not a checkpoint: it does not end with a line break");
  body = g_strndup (text, length - 1);
  lines = g_strsplit (body, "\n", -1);
  if (g_strv_length (lines) < 3 || !*lines[0])
    return ct_fail (error, CT_ERROR_INVALID, "Not a checkpoint: it needs the lines origin, size, root");
  if (!parse_size (lines[1], &parsed.size))
    return ct_fail (error, CT_ERROR_INVALID, "Not a checkpoint: line 2 is not a size");
  if (!ct_base64_decode (lines[2], strlen (lines[2]), parsed.root.bytes, CT_HASH_SIZE, &n_bytes) ||
      n_bytes != CT_HASH_SIZE)
    return ct_fail (error, CT_ERROR_INVALID, "Not a checkpoint: line 3 is not base64 of 32 bytes");
  if (!check_extensions (lines + 3, error))
    return FALSE;
  parsed.origin = g_strdup (lines[0]);
  *checkpoint = parsed;
  return TRUE;
}

/**
 * ct_checkpoint_sign:
 *
 * Returns: (transfer full): the signed note, or %NULL with %CT_ERROR_INVALID
 */
char *
ct_checkpoint_sign (const char *origin, guint64 size, const CtHash *root, const CtSigner *signer,
                    GError **error)
{
  CtCheckpoint checkpoint = { .origin = (char *) origin, .size = size, .root = *root };
  g_autofree char *text = ct_checkpoint_format (&checkpoint);

  return ct_note_sign (text, signer, error);
}

/**
 * ct_checkpoint_open:
 * @note: foreign bytes
 * @length: how many, or -1 for a string
 * @verifier: the log's key
 * @checkpoint: (out): set only on success; clear it with ct_checkpoint_clear()
 *
 * The key's name may differ from the origin: the specification only recommends that they match.
 */
gboolean
ct_checkpoint_open (const char *note, gssize length, const CtVerifier *verifier, CtCheckpoint *checkpoint,
                    GError **error)
{
  g_autofree char *text = ct_note_open (note, length, verifier, error);

  return text && ct_checkpoint_parse (text, checkpoint, error);
}
