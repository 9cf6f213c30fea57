#include "ct-base64.h"

#include <sodium.h>

/**
 * ct_base64_decode:
 * @text: (array length=length): RFC 4648 section 4, padded, in its only canonical form, without white space
 * @most: room in @bytes
 *
 * g_base64_decode() skips what it does not know, which would give one signature many spellings.
 *
 * Returns: whether @text is valid and fits
 */
gboolean
ct_base64_decode (const char *text, gsize length, guint8 *bytes, gsize most, gsize *n_bytes)
{
  /* libsodium 1.0.18 takes some bytes above 0x7f for letters of the alphabet */
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isprint (text[i]))
      return FALSE;
  return sodium_base642bin (bytes, most, text, length, NULL, n_bytes, NULL, sodium_base64_VARIANT_ORIGINAL) ==
         0;
}

/* (transfer full) */
char *
ct_base64_encode (gconstpointer bytes, gsize n_bytes)
{
  return g_base64_encode (bytes, n_bytes);
}
