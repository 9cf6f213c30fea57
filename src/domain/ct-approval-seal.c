#include "ct-approval-seal.h"

#include "ct-base.h"

#include <sodium.h>
#include <string.h>

/* Names the use, so that no other signature of the same key can be taken for an approval. */
#define PURPOSE "control-tower/approval"

G_STATIC_ASSERT (CT_SEAL_PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES);
G_STATIC_ASSERT (CT_SEAL_SECRET_SIZE == crypto_sign_SECRETKEYBYTES);
G_STATIC_ASSERT (CT_SEAL_SIGNATURE_SIZE == crypto_sign_BYTES);

/**
 * ct_approval_seal_statement:
 *
 * A stored format: canonical JSON of all members.
 *
 * Returns: (transfer full): the text that is signed
 */
char *
ct_approval_seal_statement (const CtApprovalSeal *self)
{
  g_autofree char *approval = ct_id_to_string (&self->approval);
  g_autofree char *payload = ct_hash_to_hex (&self->payload);
  g_autofree char *context = ct_hash_to_hex (&self->context);
  char nonce[2 * CT_SEAL_NONCE_SIZE + 1];
  g_autoptr (JsonObject) object = NULL;

  sodium_bin2hex (nonce, sizeof nonce, self->nonce, CT_SEAL_NONCE_SIZE);
  object = ct_json_build ("ssssssissi", "approval", approval, "approver", self->approver, "channel",
                          self->channel, "context_sha256", context, "destination", self->destination, "nonce",
                          nonce, "expires_at", self->expires_at, "payload_sha256", payload, "purpose",
                          PURPOSE, "v", (gint64) 1);
  return ct_json_canonical_object (object, NULL);
}

/**
 * ct_approval_seal_sign:
 * @secret: the device's key
 *
 * Returns: whether it is signed; %CT_ERROR_INVALID where a member is missing
 */
gboolean
ct_approval_seal_sign (const CtApprovalSeal *self, const guint8 secret[CT_SEAL_SECRET_SIZE],
                       guint8 signature[CT_SEAL_SIGNATURE_SIZE], GError **error)
{
  g_autofree char *statement = NULL;

  if (!self->channel || !self->destination || !self->approver || self->expires_at <= 0)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("An approval needs a channel, a destination, an approver and an end"));
  statement = ct_approval_seal_statement (self);
  crypto_sign_detached (signature, NULL, (const guint8 *) statement, strlen (statement), secret);
  return TRUE;
}

/**
 * ct_approval_seal_verify:
 * @public: of the device that is said to have signed
 *
 * Returns: whether that device signed exactly this; otherwise %CT_ERROR_REFUSED
 */
gboolean
ct_approval_seal_verify (const CtApprovalSeal *self, const guint8 public[CT_SEAL_PUBLIC_SIZE],
                         const guint8 signature[CT_SEAL_SIGNATURE_SIZE], GError **error)
{
  g_autofree char *statement =
      self->channel && self->destination && self->approver ? ct_approval_seal_statement (self) : NULL;

  return (statement && crypto_sign_verify_detached (signature, (const guint8 *) statement, strlen (statement),
                                                    public) == 0) ||
         ct_fail (error, CT_ERROR_REFUSED,
                  _ ("The approval's signature is not of this device or not of this message"));
}
