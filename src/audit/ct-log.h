#pragma once

#include "ct-row-committer.h"

G_BEGIN_DECLS

#define CT_LEAF_MOST            65535
#define CT_LOG_MOST_DISCLOSURES 16

/* A redactable text beside a leaf; the leaf commits to it with a salt. */
typedef struct {
  const char *field;
  const char *value;
} CtDisclosure;

typedef struct {
  CtId ev_id;
  const char *action;
  const char *actor;
  const char *actor_role;
  const char *object_type;
  CtId object_id;
  gint64 object_rev;
  gint64 occurred_at;
  gint64 received_at;
  CtHash intent_sha256;
  CtId device_id;
  gint64 device_seq;
  const CtId *parent_ev_id; /* (nullable) */
  const char *outbox_key;   /* (nullable) */
  const CtDisclosure *disclosures;
  guint n_disclosures;
} CtEvent;

gboolean ct_log_append (CtDb *db, const CtEvent *event, CtRowCommitter *rows, gint64 *index, GError **error);
CtHash ct_log_leaf_hash (gconstpointer leaf, gsize length);
CtHash ct_log_disclosure_hash (const char *field, gconstpointer salt, gsize salt_length, const char *value);

G_END_DECLS
