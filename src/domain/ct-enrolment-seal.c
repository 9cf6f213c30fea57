#include "ct-enrolment-seal.h"

#include "ct-base.h"

#include <sodium.h>
#include <string.h>

/* Names the use, so that no other signature of the same key can be taken for an enrolment. */
#define PURPOSE "ct-enrolment-v1"

/**
 * ct_enrolment_seal_statement:
 *
 * A stored format: canonical JSON of all members.
 *
 * Returns: (transfer full): the text that is signed
 */
char *
ct_enrolment_seal_statement (const CtEnrolmentSeal *self)
{
  g_autofree char *device = ct_id_to_string (&self->device);
  char key[2 * CT_SEAL_PUBLIC_SIZE + 1];
  g_autoptr (JsonObject) object = NULL;

  sodium_bin2hex (key, sizeof key, self->key, CT_SEAL_PUBLIC_SIZE);
  object = ct_json_build ("sssss", "device", device, "owner", self->owner, "public_key", key, "purpose",
                          PURPOSE, "server", self->server);
  return ct_json_canonical_object (object, NULL);
}

/* @secret: the key of an administrator's device */
void
ct_enrolment_seal_sign (const CtEnrolmentSeal *self, const guint8 secret[CT_SEAL_SECRET_SIZE],
                        guint8 signature[CT_SEAL_SIGNATURE_SIZE])
{
  g_autofree char *statement = ct_enrolment_seal_statement (self);

  crypto_sign_detached (signature, NULL, (const guint8 *) statement, strlen (statement), secret);
}

/* Whether the device with that public key signed exactly this. */
gboolean
ct_enrolment_seal_verify (const CtEnrolmentSeal *self, const guint8 public[CT_SEAL_PUBLIC_SIZE],
                          const guint8 signature[CT_SEAL_SIGNATURE_SIZE])
{
  g_autofree char *statement = ct_enrolment_seal_statement (self);

  return statement &&
         crypto_sign_verify_detached (signature, (const guint8 *) statement, strlen (statement), public) == 0;
}
