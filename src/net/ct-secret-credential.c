/* Secrets that the service manager hands to a service: systemd's $CREDENTIALS_DIRECTORY, a file each, named as the secret
 * with dashes for blanks. */
#include "ct-secret-private.h"

#include "ct-base.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* An origin, a blank, a token. */
#define MOST (2 * CT_SECRET_MAX)

void
ct_secret_credential_free (char *text)
{
  if (text)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

static int
open_file (const char *name)
{
  const char *folder = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *file = g_strdelimit (g_strdup (name), " ", '-');
  g_autofree char *path = folder ? g_build_filename (folder, file, NULL) : NULL;

  return path && *file != '.' && !strchr (file, '/') ? open (path, O_RDONLY | O_CLOEXEC) : -1;
}

/**
 * ct_secret_credential_read:
 * @name: of the secret
 *
 * Returns: (transfer full) (nullable): the credential's text without white space at its ends, for
 *   ct_secret_credential_free(); %NULL where there is none
 */
char *
ct_secret_credential_read (const char *name)
{
  int fd = open_file (name);
  char *text;
  ssize_t length;

  if (fd < 0)
    return NULL;
  text = g_malloc0 (MOST + 1);
  length = read (fd, text, MOST + 1);
  close (fd);
  if (length > 0 && length <= MOST && strlen (text) == (gsize) length)
    return g_strstrip (text);
  g_message ("the credential %s is empty, too long, or no text", name);
  explicit_bzero (text, MOST + 1);
  g_free (text);
  return NULL;
}

/* The token of a credential that says "ORIGIN TOKEN"; %CT_ERROR_NOT_FOUND where there is none for that origin. */
CtSecret *
ct_secret_credential_find (const char *name, const char *origin, GError **error)
{
  char *text = ct_secret_credential_read (name);
  char *blank = text ? strpbrk (text, " \t\r\n") : NULL;
  g_autoptr (CtSecret) secret = NULL;

  if (blank) {
    *blank = '\0';
    secret = ct_secret_new (text, g_strchug (blank + 1), NULL);
    *blank = ' ';
  }
  if (text && !secret)
    g_message ("the credential %s is not an address, a blank and a token", name);
  ct_secret_credential_free (text);
  if (secret && strcmp (ct_secret_origin (secret), origin) == 0)
    return g_steal_pointer (&secret);
  ct_fail (error, CT_ERROR_NOT_FOUND, _ ("No token is stored for “%s” at %s"), name, origin);
  return NULL;
}
