#pragma once

#include "ct-hash.h"
#include "ct-id.h"

G_BEGIN_DECLS

#define CT_SEAL_NONCE_SIZE     16
#define CT_SEAL_PUBLIC_SIZE    32
#define CT_SEAL_SECRET_SIZE    64
#define CT_SEAL_SIGNATURE_SIZE 64

/* What an approver's device signs: which bytes go where, on what grounds, until when, once. */
typedef struct {
  CtId approval;
  CtHash payload; /* SHA-256 of the wire bytes */
  CtHash context; /* SHA-256 of the cited facts and the last inbound message */
  const char *channel;
  const char *destination;
  const char *approver; /* login */
  gint64 expires_at;
  guint8 nonce[CT_SEAL_NONCE_SIZE];
} CtApprovalSeal;

char *ct_approval_seal_statement (const CtApprovalSeal *self);
gboolean ct_approval_seal_sign (const CtApprovalSeal *self, const guint8 secret[CT_SEAL_SECRET_SIZE],
                                guint8 signature[CT_SEAL_SIGNATURE_SIZE], GError **error);
gboolean ct_approval_seal_verify (const CtApprovalSeal *self, const guint8 public[CT_SEAL_PUBLIC_SIZE],
                                  const guint8 signature[CT_SEAL_SIGNATURE_SIZE], GError **error);

G_END_DECLS
