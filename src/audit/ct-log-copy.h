#pragma once

#include "ct-log-sign.h"

G_BEGIN_DECLS

/* A redactable text beside a leaf, with the salt under which the leaf commits to it. */
typedef struct {
  const char *field;
  const char *value;
  gconstpointer salt;
  gsize salt_length;
} CtSaltedText;

/* A leaf of somebody else's log as far as we are shown it. */
typedef struct {
  gint64 n;
  CtHash hash;
  const char *leaf; /* (nullable): hidden from us */
  gconstpointer salt, entries;
  gsize salt_length, entries_length; /* 0 where it commits to no rows */
  gboolean told;                     /* what it discloses is all here; else it is kept from us */
  const CtSaltedText *texts;
  guint n_texts;
} CtShownLeaf;

gboolean ct_log_copy_begin (CtDb *db, const char *origin, const char *vkey, GError **error);
gboolean ct_log_copy_take (CtDb *db, const CtShownLeaf *shown, GError **error);
gboolean ct_log_copy_extend (CtDb *db, const CtVerifier *verifier, const char *note, gint64 now,
                             GError **error);
gboolean ct_log_copy_cut (CtDb *db, guint64 kept, GError **error);
gboolean ct_log_copy_drop_unsigned (CtDb *db, GError **error);

G_END_DECLS
