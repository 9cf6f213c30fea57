#pragma once

#include "ct-checkpoint.h"
#include "ct-hash-queue.h"
#include "ct-log-continuation.h"
#include "ct-log-state.h"
#include "ct-log-verify.h"
#include "ct-merkle.h"
#include "ct-tile-stack.h"

G_BEGIN_DECLS

#define LEAF G_GINT64_FORMAT

/* A table read in the order of its first column, beside the leaves. */
typedef struct {
  CtStmt *stmt; /* (owned) (nullable) */
  gboolean there;
  gint64 key; /* of the row it stands at, while there is one */
} CtLogCursor;

/* One verification on its way through the log. */
typedef struct {
  CtDb *db;
  const CtLogVerifyOptions *options;
  CtVerifier *verifier;   /* (owned) */
  CtLogReport report;     /* (owned) */
  char *origins;          /* (owned): what the log is and was called, see ct_log_origins() */
  CtCheckpoint *recalled; /* (owned) (array): checkpoints kept outside */
  guint n_recalled;
  GHashTable *redacted;       /* (owned) (element-type GBytes): UUID of the event and name of the field */
  CtLogState *state;          /* (owned) (nullable) */
  CtHashQueue *hashes;        /* (owned) */
  CtId device;                /* whose intents are here */
  CtHash intent;              /* the hash of the intent last read */
  gint64 intent_seq;          /* its number */
  CtMerkleRange full;         /* of the leaves in full tiles */
  CtMerkleRange part;         /* of those in the unfinished tile */
  CtTileStack stack;          /* what the level 0 tiles demand of those above */
  CtHash tile[CT_TILE_WIDTH]; /* the level 0 tile as it is stored */
  CtLogCursor checkpoints, disclosures, withheld, rows, intents;
} CtLogAudit;

/* What the queue of hashes checks. */
typedef enum {
  CT_LOG_HASH_LEAF,
  CT_LOG_HASH_DISCLOSURE,
  CT_LOG_HASH_ROWS,
  CT_LOG_HASH_INTENT,
  CT_LOG_HASH_ARGS
} CtLogHashKind;

/* The columns of a leaf's row, as the verifier reads them. */
enum { N, LEAF_BYTES, LEAF_HASH, EV_ID, ACTION, ACTOR, OBJECT_TYPE, OBJECT_ID, RECEIVED_AT };

gboolean ct_log_cursor_next (CtLogCursor *self, GError **error);
gboolean ct_log_cursor_open (CtLogCursor *self, CtDb *db, const char *sql, GError **error);
GBytes *ct_log_redaction_key (const CtId *ev_id, const char *field, gsize length);
gboolean ct_log_audit_leaf (CtLogAudit *self, CtStmt *stmt, gint64 n, const CtLeaf *leaf, GError **error);
gboolean ct_log_audit_hidden (CtLogAudit *self, gint64 n, GError **error);
gboolean ct_log_audit_rest (CtLogAudit *self, GError **error);
char *ct_log_audit_explain (guint kind, gint64 number, const guint8 *bytes, gsize length);

G_END_DECLS
