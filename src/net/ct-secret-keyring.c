#include "ct-secret-private.h"

#include "ct-base.h"

#include <libsecret/secret.h>

/* These names are a stored format: changing one loses every stored token. */
static const SecretSchema *
schema (void)
{
  static const SecretSchema channel = {
    "org.controltower.ControlTower.Channel",
    SECRET_SCHEMA_NONE,
    { { "workspace", SECRET_SCHEMA_ATTRIBUTE_STRING },
      { "origin", SECRET_SCHEMA_ATTRIBUTE_STRING },
      { "name", SECRET_SCHEMA_ATTRIBUTE_STRING },
      { NULL, 0 } },
  };

  return &channel;
}

static gboolean
fail_keyring (GError **error, const GError *problem)
{
  return ct_fail (
      error, CT_ERROR_NOT_FOUND,
      "The keyring cannot be used (%s): unlock it, log in to a desktop session that has one, or ask "
      "for the token to be kept as plain text in the workspace",
      problem->message);
}

gboolean
ct_secret_keyring_is_open (GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (SecretService) service = secret_service_get_sync (SECRET_SERVICE_NONE, cancellable, &problem);
  g_autoptr (SecretCollection) collection =
      service ? secret_collection_for_alias_sync (service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE,
                                                  cancellable, &problem)
              : NULL;

  if (!service || problem)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("there is no keyring: %s"), problem->message);
  if (!collection || secret_collection_get_locked (collection))
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("the keyring is locked"));
  return TRUE;
}

gboolean
ct_secret_keyring_save (const char *workspace_id, const char *name, CtSecret *secret,
                        GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  const char *origin = ct_secret_origin (secret);
  const char *value = ct_secret_value (secret, origin, error);
  g_autofree char *label = g_strdup_printf ("Control Tower: %s (%s)", name, origin);

  if (!value)
    return FALSE;
  return secret_password_store_sync (schema (), SECRET_COLLECTION_DEFAULT, label, value, cancellable,
                                     &problem, "workspace", workspace_id, "origin", origin, "name", name,
                                     NULL) ||
         fail_keyring (error, problem);
}

static gboolean
fail_absent (GError **error, const char *name, const char *origin)
{
  return ct_fail (error, CT_ERROR_NOT_FOUND,
                  _ ("No token is stored for “%s” at %s: add the channel again with its token"), name,
                  origin);
}

CtSecret *
ct_secret_keyring_find (const char *workspace_id, const char *name, const char *origin,
                        GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  CtSecret *secret = NULL;
  char *value = secret_password_lookup_sync (schema (), cancellable, &problem, "workspace", workspace_id,
                                             "origin", origin, "name", name, NULL);

  if (problem)
    fail_keyring (error, problem);
  else if (!value)
    fail_absent (error, name, origin);
  else
    secret = ct_secret_new (origin, value, error);
  secret_password_free (value);
  return secret;
}

/* Looks without unlocking: a list of channels is no reason to ask for a password. */
gboolean
ct_secret_keyring_has (const char *workspace_id, const char *name, const char *origin,
                       GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autolist (GObject) items =
      secret_password_search_sync (schema (), SECRET_SEARCH_NONE, cancellable, &problem, "workspace",
                                   workspace_id, "origin", origin, "name", name, NULL);

  if (problem)
    return fail_keyring (error, problem);
  return items || fail_absent (error, name, origin);
}

gboolean
ct_secret_keyring_clear (const char *workspace_id, const char *name, const char *origin, gboolean *cleared,
                         GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;

  *cleared = secret_password_clear_sync (schema (), cancellable, &problem, "workspace", workspace_id, "name",
                                         name, origin ? "origin" : NULL, origin, NULL);
  return !problem || fail_keyring (error, problem);
}
