#include "ct-secret.h"

#include "ct-base.h"
#include "ct-origin.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

struct _CtSecret {
  gatomicrefcount refs;
  char *origin; /* (owned) */
  char *value;  /* (owned): guarded memory, wiped when freed */
};

/* A credential travels in a header or an address: anything but visible ASCII is an attempt at something else. */
static gboolean
check_value (const char *value, gsize length, GError **error)
{
  if (length == 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("The token is empty"));
  if (length > CT_SECRET_MAX)
    return ct_fail (error, CT_ERROR_INVALID, _ ("The token is longer than %d bytes"), CT_SECRET_MAX);
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isgraph (value[i]))
      return ct_fail (
          error, CT_ERROR_INVALID,
          "The token has a blank, a line break or another character that no token has, at byte %zu", i + 1);
  return TRUE;
}

static CtSecret *
new_of_bytes (const char *base_url, const char *value, gsize length, GError **error)
{
  g_autofree char *origin = NULL;
  CtSecret *self;

  if (!ct_origin_parse (base_url, &origin, NULL, error) || !check_value (value, length, error))
    return NULL;
  if (sodium_init () < 0)
    g_error ("libsodium found no source of randomness");
  self = g_new0 (CtSecret, 1);
  g_atomic_ref_count_init (&self->refs);
  self->origin = g_steal_pointer (&origin);
  self->value = sodium_malloc (length + 1);
  if (!self->value)
    g_error ("Out of memory for a token");
  memcpy (self->value, value, length);
  self->value[length] = '\0';
  sodium_mprotect_readonly (self->value);
  return self;
}

/**
 * ct_secret_new:
 * @base_url: where it may be sent; only scheme, host and port count
 * @value: the token: visible ASCII, at most %CT_SECRET_MAX bytes
 *
 * Returns: (transfer full): the secret, or %NULL with %CT_ERROR_INVALID
 */
CtSecret *
ct_secret_new (const char *base_url, const char *value, GError **error)
{
  g_return_val_if_fail (base_url && value, NULL);

  return new_of_bytes (base_url, value, strnlen (value, CT_SECRET_MAX + 1), error);
}

/* Reads at most @size bytes; a pipe is as good as a file. */
static gssize
read_bounded (int fd, char *buffer, gsize size)
{
  gsize got = 0;

  while (got < size) {
    gssize n = read (fd, buffer + got, size - got);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    if (n == 0)
      break;
    got += (gsize) n;
  }
  return (gssize) got;
}

static CtSecret *
new_of_buffer (const char *base_url, const char *path, char *buffer, gsize length, GError **error)
{
  char *start = buffer;

  if (length > CT_SECRET_MAX) {
    ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is longer than the %d bytes a token may have"), path,
             CT_SECRET_MAX);
    return NULL;
  }
  while (length > 0 && g_ascii_isspace (start[length - 1]))
    length--;
  for (; length > 0 && g_ascii_isspace (*start); length--)
    start++;
  return new_of_bytes (base_url, start, length, error);
}

/**
 * ct_secret_new_from_file:
 * @path: a file (or pipe) that holds a token and nothing else; white space around it is left out
 *
 * Returns: (transfer full): the secret, or %NULL with %CT_ERROR_NOT_FOUND or %CT_ERROR_INVALID
 */
CtSecret *
ct_secret_new_from_file (const char *base_url, const char *path, GError **error)
{
  char buffer[CT_SECRET_MAX + 1];
  CtSecret *self = NULL;
  gssize length;
  int fd;

  g_return_val_if_fail (base_url && path, NULL);

  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("The token file “%s” cannot be opened: %s"), path,
             g_strerror (errno));
    return NULL;
  }
  length = read_bounded (fd, buffer, sizeof buffer);
  if (length < 0)
    ct_fail (error, CT_ERROR_INVALID, _ ("The token file “%s” cannot be read: %s"), path, g_strerror (errno));
  else
    self = new_of_buffer (base_url, path, buffer, (gsize) length, error);
  sodium_memzero (buffer, sizeof buffer);
  close (fd);
  return self;
}

CtSecret *
ct_secret_ref (CtSecret *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
ct_secret_unref (CtSecret *self)
{
  if (!self || !g_atomic_ref_count_dec (&self->refs))
    return;
  sodium_free (self->value);
  g_free (self->origin);
  g_free (self);
}

const char *
ct_secret_origin (const CtSecret *self)
{
  return self->origin;
}

/**
 * ct_secret_value:
 * @origin: where the value is about to go; an origin or any address under it
 *
 * Returns: (transfer none): the value, or %NULL with %CT_ERROR_REFUSED where @origin is not the secret's own
 */
const char *
ct_secret_value (const CtSecret *self, const char *origin, GError **error)
{
  g_autofree char *asked = NULL;

  g_return_val_if_fail (self && origin, NULL);

  if (!ct_origin_parse (origin, &asked, NULL, error))
    return NULL;
  if (strcmp (asked, self->origin) != 0) {
    ct_fail (error, CT_ERROR_REFUSED, _ ("The token was stored for %s and is not sent to %s"), self->origin,
             asked);
    return NULL;
  }
  return self->value;
}
