#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* A command as it was accepted on this device, chained to the one before. */
typedef struct {
  gint64 seq; /* the device's counter, from 1 */
  CtId command_id;
  const char *name;
  const char *args; /* canonical JSON */
  const char *actor;
  CtId device_id;
  gint64 occurred_at;
  CtHash previous; /* of the intent before; zeroes for the first */
  CtHash args_sha256;
  CtHash sha256;
} CtIntent;

gboolean ct_intent_append (CtDb *db, CtIntent *intent, GError **error);
void ct_intent_args_preimage (GByteArray *bytes, const CtId *command_id, const char *args);
CtHash ct_intent_args_hash (const CtId *command_id, const char *args);
char *ct_intent_text (const CtIntent *intent);
CtHash ct_intent_hash (const CtIntent *intent);

G_END_DECLS
