#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

typedef struct _CtAuthority CtAuthority;
typedef struct _CtAuthorityClass CtAuthorityClass;

/* What a command did, as the authority takes it into its log. */
typedef struct {
  CtId command_id;
  const char *name;
  const char *actor;
  const char *actor_role;
  CtId device_id;
  gint64 device_seq;
  CtHash intent_sha256;
  gint64 occurred_at;
  gint64 received_at;
  const char *object_type;
  CtId object_id;
  gint64 object_rev;
  const CtId *parent_ev_id;  /* (nullable) */
  const char *outbox_key;    /* (nullable) */
  const char *const *fields; /* names of the disclosures, ended by NULL */
  const char *const *values; /* their texts */
  GPtrArray *objects;        /* (element-type CtId): further objects whose story this belongs to */
  gpointer rows;             /* (nullable): a CtRowCommitter with every row written */
} CtEffect;

/* Who acknowledges a command, gives numbers, and orders the audit log; the one difference between a standalone and a
 * connected workspace. All calls run inside the command's transaction. */
struct _CtAuthorityClass {
  const char *name;
  char *(*number) (CtAuthority *self, CtDb *db, const char *series, int digits, gint64 now, GError **error);
  gboolean (*acknowledge) (CtAuthority *self, CtDb *db, const CtEffect *effect, gint64 *event,
                           GError **error);
  gboolean (*may_send) (CtAuthority *self);
  void (*free) (CtAuthority *self);
  gboolean settles; /* at once: no change has to be offered to it later */
};

struct _CtAuthority {
  const CtAuthorityClass *klass;
};

CtAuthority *ct_authority_standalone_new (void);
char *ct_authority_number (CtAuthority *self, CtDb *db, const char *series, int digits, gint64 now,
                           GError **error);
gboolean ct_authority_acknowledge (CtAuthority *self, CtDb *db, const CtEffect *effect, gint64 *event,
                                   GError **error);
gboolean ct_authority_may_send (CtAuthority *self);
gboolean ct_authority_settles (CtAuthority *self);
void ct_authority_free (CtAuthority *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtAuthority, ct_authority_free)

G_END_DECLS
