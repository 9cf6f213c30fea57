#include "ct-hash.h"

#include <sodium.h>
#include <string.h>

G_STATIC_ASSERT (sizeof (crypto_hash_sha256_state) <= sizeof (CtHasher));
G_STATIC_ASSERT (CT_HASH_SIZE == crypto_hash_sha256_BYTES);

static crypto_hash_sha256_state *
state_of (CtHasher *self)
{
  return (crypto_hash_sha256_state *) (gpointer) self->opaque;
}

void
ct_hasher_init (CtHasher *self)
{
  crypto_hash_sha256_init (state_of (self));
}

void
ct_hasher_update (CtHasher *self, gconstpointer data, gsize length)
{
  if (length > 0)
    crypto_hash_sha256_update (state_of (self), data, length);
}

CtHash
ct_hasher_finish (CtHasher *self)
{
  CtHash hash;

  crypto_hash_sha256_final (state_of (self), hash.bytes);
  return hash;
}

/**
 * ct_hash:
 * @data: (array length=length): bytes
 * @length: how many
 *
 * Returns: the SHA-256 of @data
 */
CtHash
ct_hash (gconstpointer data, gsize length)
{
  CtHash hash;

  crypto_hash_sha256 (hash.bytes, length > 0 ? data : (gconstpointer) "", length);
  return hash;
}

gboolean
ct_hash_equal (const CtHash *a, const CtHash *b)
{
  return memcmp (a, b, sizeof *a) == 0;
}

/**
 * ct_hash_to_hex:
 *
 * Returns: (transfer full): 64 lower-case hexadecimal digits
 */
char *
ct_hash_to_hex (const CtHash *self)
{
  char *hex = g_malloc (2 * CT_HASH_SIZE + 1);

  return sodium_bin2hex (hex, 2 * CT_HASH_SIZE + 1, self->bytes, CT_HASH_SIZE);
}

/**
 * ct_hash_from_hex:
 * @hex: (nullable): 64 hexadecimal digits, nothing else
 * @hash: (out): set only on success
 *
 * Returns: whether @hex is a SHA-256 value
 */
gboolean
ct_hash_from_hex (const char *hex, CtHash *hash)
{
  CtHash parsed;
  gsize length;

  if (!hex || strlen (hex) != 2 * CT_HASH_SIZE)
    return FALSE;
  if (sodium_hex2bin (parsed.bytes, CT_HASH_SIZE, hex, 2 * CT_HASH_SIZE, NULL, &length, NULL) != 0 ||
      length != CT_HASH_SIZE)
    return FALSE;
  *hash = parsed;
  return TRUE;
}

/* Fills @buffer from the system's secure source. */
void
ct_random_bytes (gpointer buffer, gsize length)
{
  randombytes_buf (buffer, length);
}
