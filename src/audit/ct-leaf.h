#pragma once

#include "ct-hash.h"
#include "ct-id.h"

G_BEGIN_DECLS

#define CT_LEAF_MOST             65535
#define CT_LEAF_MOST_COMMITMENTS 16
#define CT_LEAF_MOST_FIELD       64

/* A text of the leaf: plain for ct_leaf_build(), as it stands between the quotation marks after ct_leaf_scan(). */
typedef struct {
  const char *text; /* (unowned) (nullable) */
  gsize length;
} CtLeafText;

typedef struct {
  CtLeafText field;
  CtHash hash;
} CtCommitment;

typedef enum {
  CT_LEAF_OUTBOX_KEY = 1 << 0,
  CT_LEAF_PARENT = 1 << 1,
  CT_LEAF_ROWS = 1 << 2,
} CtLeafParts;

/* One event as the log keeps it; the members that not every leaf has are named in @parts. */
typedef struct {
  CtLeafParts parts;
  CtLeafText action, actor, actor_role, log_origin, object_type, outbox_key;
  CtId device_id, ev_id, object_id, parent_ev_id;
  CtHash intent_sha256, row_commitment;
  gint64 device_seq, object_rev, occurred_at, received_at, v;
  guint n_commitments; /* sorted by field */
  CtCommitment commitments[CT_LEAF_MOST_COMMITMENTS];
} CtLeaf;

gboolean ct_leaf_build (const CtLeaf *self, GString *json, GError **error);
gboolean ct_leaf_scan (CtLeaf *self, const char *json, gsize length, GError **error);
gboolean ct_leaf_text_equal (const CtLeafText *scanned, const char *plain, gsize length);
const CtCommitment *ct_leaf_commitment (const CtLeaf *self, const char *field);

G_END_DECLS
