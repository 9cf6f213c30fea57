#pragma once

#include "ct-approval-seal.h"

G_BEGIN_DECLS

/* What an administrator's device signs: that a device, known by its key, is a login's at one server. */
typedef struct {
  CtId device;
  const char *owner;  /* login */
  const char *server; /* the origin of its log */
  guint8 key[CT_SEAL_PUBLIC_SIZE];
} CtEnrolmentSeal;

char *ct_enrolment_seal_statement (const CtEnrolmentSeal *self);
void ct_enrolment_seal_sign (const CtEnrolmentSeal *self, const guint8 secret[CT_SEAL_SECRET_SIZE],
                             guint8 signature[CT_SEAL_SIGNATURE_SIZE]);
gboolean ct_enrolment_seal_verify (const CtEnrolmentSeal *self, const guint8 public[CT_SEAL_PUBLIC_SIZE],
                                   const guint8 signature[CT_SEAL_SIGNATURE_SIZE]);

G_END_DECLS
