#include "ct-server-password.h"
#include "ct-address.h"

#include <string.h>

void
ct_server_password_free (char *password)
{
  if (password)
    explicit_bzero (password, strlen (password));
  g_free (password);
}

/**
 * ct_server_password_save:
 * @name: of the secret
 * @address: of the server, without a password
 * @password: any; the store takes visible ASCII alone, so it is kept escaped
 *
 * Errors: %CT_ERROR_NOT_FOUND where there is no keyring
 */
gboolean
ct_server_password_save (CtSecretStore *secrets, CtSecretPlace place, const char *name, const char *address,
                         const char *password, GCancellable *cancellable, GError **error)
{
  g_autofree char *origin = ct_address_origin (address, error);
  char *escaped = origin ? g_uri_escape_string (password, NULL, FALSE) : NULL;
  g_autoptr (CtSecret) secret = escaped ? ct_secret_new (origin, escaped, error) : NULL;

  ct_server_password_free (escaped);
  return secret && ct_secret_store_save (secrets, place, name, secret, cancellable, error);
}

/**
 * ct_server_password_find:
 *
 * Returns: (transfer full) (nullable): for ct_server_password_free(); %NULL where none is kept, or it cannot be reached
 */
char *
ct_server_password_find (CtSecretStore *secrets, const char *name, const char *address,
                         GCancellable *cancellable)
{
  g_autofree char *origin = ct_address_origin (address, NULL);
  g_autoptr (CtSecret) secret =
      origin ? ct_secret_store_find (secrets, name, origin, cancellable, NULL) : NULL;
  const char *value = secret ? ct_secret_value (secret, origin, NULL) : NULL;

  return value ? g_uri_unescape_string (value, NULL) : NULL;
}
