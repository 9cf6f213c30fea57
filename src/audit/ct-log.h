#pragma once

#include "ct-leaf.h"
#include "ct-note.h"
#include "ct-row-committer.h"

G_BEGIN_DECLS

#define CT_LOG_MOST_DISCLOSURES CT_LEAF_MOST_COMMITMENTS
#define CT_LOG_SALT_SIZE        16

/* The leaf that says what was redacted has this action, the event as parent_ev_id, and a disclosure "redacted" whose
 * value is the name of the field. The field "intent.args" stands for the arguments of the event's command. */
#define CT_LOG_REDACT      "audit.redact"
#define CT_LOG_REDACTED    "redacted"
#define CT_LOG_INTENT_ARGS "intent.args"

/* A redactable text beside a leaf; the leaf commits to it with a salt. */
typedef struct {
  const char *field; /* ASCII letters, digits, _ . : - */
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
  CtHash intent_sha256; /* zeroes where no command stands behind it */
  CtId device_id;
  gint64 device_seq;
  const CtId *parent_ev_id; /* (nullable) */
  const char *outbox_key;   /* (nullable) */
  const CtDisclosure *disclosures;
  guint n_disclosures;
} CtEvent;

gboolean ct_log_create (CtDb *db, const CtVerifier *verifier, GError **error);
gboolean ct_log_append (CtDb *db, const CtEvent *event, CtRowCommitter *rows, gint64 *index, GError **error);
gboolean ct_log_find (CtDb *db, const CtId *ev_id, gint64 *index, GError **error);
gboolean ct_log_redact (CtDb *db, const CtId *ev_id, const char *field, GError **error);
gboolean ct_log_purge (CtDb *db, GError **error);
CtHash ct_log_leaf_hash (gconstpointer leaf, gsize length);
void ct_log_disclosure_preimage (GByteArray *bytes, const char *field, gconstpointer salt, gsize salt_length,
                                 const char *value);
CtHash ct_log_disclosure_hash (const char *field, gconstpointer salt, gsize salt_length, const char *value);

G_END_DECLS
