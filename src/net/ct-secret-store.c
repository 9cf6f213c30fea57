#include "ct-secret-private.h"

#include "ct-base.h"
#include "ct-origin.h"

struct _CtSecretStore {
  char *dir;          /* (owned) */
  char *workspace_id; /* (owned): two workspaces of one person keep their tokens apart */
};

/**
 * ct_secret_store_new:
 * @workspace_dir: the workspace's directory
 * @workspace_id: what tells it from other workspaces in the same keyring
 */
CtSecretStore *
ct_secret_store_new (const char *workspace_dir, const char *workspace_id)
{
  CtSecretStore *self;

  g_return_val_if_fail (workspace_dir && workspace_id, NULL);

  self = g_new0 (CtSecretStore, 1);
  self->dir = g_strdup (workspace_dir);
  self->workspace_id = g_strdup (workspace_id);
  return self;
}

void
ct_secret_store_free (CtSecretStore *self)
{
  if (!self)
    return;
  g_free (self->dir);
  g_free (self->workspace_id);
  g_free (self);
}

/* A name goes into a line of the file and a keyring attribute. */
static gboolean
check_name (const char *name, GError **error)
{
  gsize n = 0;

  for (const char *p = name; *p; p++, n++)
    if (g_ascii_iscntrl (*p) || n >= 200)
      return ct_fail (error, CT_ERROR_INVALID,
                      _ ("A token's name has at most 200 bytes and no control characters"));
  return n > 0 || ct_fail (error, CT_ERROR_INVALID, _ ("A token needs a name"));
}

/**
 * ct_secret_store_keyring_is_open:
 *
 * Whether there is a keyring that can be used without asking anybody for its password.
 *
 * Returns: else %CT_ERROR_NOT_FOUND, and why not
 */
gboolean
ct_secret_store_keyring_is_open (GCancellable *cancellable, GError **error)
{
  return ct_secret_keyring_is_open (cancellable, error);
}

/**
 * ct_secret_store_save:
 * @place: where; a token moved to the keyring leaves the plain file
 * @name: what it is for: the channel's name
 * @secret: the token; one token each (name, origin), an earlier one is replaced
 *
 * Returns: whether it is stored; %CT_ERROR_NOT_FOUND where no keyring service answers, %CT_ERROR_REFUSED where
 * the plain file is open to others
 */
gboolean
ct_secret_store_save (CtSecretStore *self, CtSecretPlace place, const char *name, CtSecret *secret,
                      GCancellable *cancellable, GError **error)
{
  gboolean cleared = FALSE;

  g_return_val_if_fail (self && name && secret, FALSE);

  if (!check_name (name, error))
    return FALSE;
  if (place == CT_SECRET_PLAIN_FILE)
    return ct_secret_file_save (self->dir, name, secret, error);
  return ct_secret_keyring_save (self->workspace_id, name, secret, cancellable, error) &&
         ct_secret_file_clear (self->dir, name, ct_secret_origin (secret), &cleared, error);
}

/**
 * ct_secret_store_find:
 * @base_url: where it is going to be sent; a token stored for another origin is not found
 *
 * Returns: (transfer full): the token, or %NULL with %CT_ERROR_NOT_FOUND, or %CT_ERROR_REFUSED where the plain
 * file is open to others
 */
CtSecret *
ct_secret_store_find (CtSecretStore *self, const char *name, const char *base_url, GCancellable *cancellable,
                      GError **error)
{
  g_autofree char *origin = NULL;
  g_autoptr (GError) problem = NULL;
  CtSecret *secret;

  g_return_val_if_fail (self && name && base_url, NULL);

  if (!check_name (name, error) || !ct_origin_parse (base_url, &origin, NULL, error))
    return NULL;
  secret = ct_secret_credential_find (name, origin, NULL);
  if (!secret)
    secret = ct_secret_file_find (self->dir, name, origin, &problem);
  if (secret)
    return secret;
  if (!g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  return ct_secret_keyring_find (self->workspace_id, name, origin, cancellable, error);
}

/**
 * ct_secret_store_where:
 * @place: (out): set only on success
 *
 * Finds out whether and where a token is stored, without reading it from the keyring or asking to unlock that.
 *
 * Returns: whether one is stored; else %CT_ERROR_NOT_FOUND, or %CT_ERROR_REFUSED where the plain file is open to others
 */
gboolean
ct_secret_store_where (CtSecretStore *self, const char *name, const char *base_url, CtSecretPlace *place,
                       GCancellable *cancellable, GError **error)
{
  g_autofree char *origin = NULL;
  g_autoptr (CtSecret) given = NULL;
  g_autoptr (CtSecret) in_file = NULL;
  g_autoptr (GError) problem = NULL;

  g_return_val_if_fail (self && name && base_url && place, FALSE);

  if (!check_name (name, error) || !ct_origin_parse (base_url, &origin, NULL, error))
    return FALSE;
  given = ct_secret_credential_find (name, origin, NULL);
  if (given) {
    *place = CT_SECRET_CREDENTIAL;
    return TRUE;
  }
  in_file = ct_secret_file_find (self->dir, name, origin, &problem);
  if (!in_file && !g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (!in_file && !ct_secret_keyring_has (self->workspace_id, name, origin, cancellable, error))
    return FALSE;
  *place = in_file ? CT_SECRET_PLAIN_FILE : CT_SECRET_KEYRING;
  return TRUE;
}

/**
 * ct_secret_store_clear:
 * @base_url: (nullable): %NULL for every origin that it was ever stored for
 *
 * Forgets a token wherever it is stored.
 *
 * Returns: whether it is gone; %CT_ERROR_NOT_FOUND where there was none
 */
gboolean
ct_secret_store_clear (CtSecretStore *self, const char *name, const char *base_url, GCancellable *cancellable,
                       GError **error)
{
  g_autofree char *origin = NULL;
  g_autoptr (GError) problem = NULL;
  gboolean in_file = FALSE, in_keyring = FALSE;

  g_return_val_if_fail (self && name, FALSE);

  if (!check_name (name, error) || (base_url && !ct_origin_parse (base_url, &origin, NULL, error)) ||
      !ct_secret_file_clear (self->dir, name, origin, &in_file, error))
    return FALSE;
  /* with no keyring service there is nothing in a keyring that the program could have stored */
  if (!ct_secret_keyring_clear (self->workspace_id, name, origin, &in_keyring, cancellable, &problem) &&
      !g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (in_file || in_keyring)
    return TRUE;
  return origin ? ct_fail (error, CT_ERROR_NOT_FOUND, _ ("No token is stored for “%s” at %s"), name, origin)
                : ct_fail (error, CT_ERROR_NOT_FOUND, _ ("No token is stored for “%s”"), name);
}
