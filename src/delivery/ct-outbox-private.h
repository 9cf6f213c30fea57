/* The parts of the outbox worker. */
#pragma once

#include "ct-outbox.h"
#include "ct-post-row.h"

G_BEGIN_DECLS

struct _CtOutbox {
  CtOutboxOptions options;
  char *actor, *holder; /* (owned) */
  CtRateBudget *budget;
  GHashTable
      *tried; /* post, or what is tried with it → when to try again, in ms of the machine's steady clock */
};

/* A channel as it stands in the workspace, with what is needed to reach it. */
typedef struct {
  char *name, *base_url;
  const CtChannelClass *klass;
  CtSecret *secret; /* (owned) (nullable) */
  char *origin;     /* (owned) */
} CtOutboxRoute;

void ct_outbox_route_clear (CtOutboxRoute *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtOutboxRoute, ct_outbox_route_clear)

gboolean ct_outbox_route (CtOutbox *self, const char *channel, GCancellable *cancellable,
                          CtOutboxRoute *route, GError **error);
CtChannelLink ct_outbox_link (CtOutbox *self, const CtOutboxRoute *route, GCancellable *cancellable);

gint64 ct_outbox_now (CtOutbox *self);
gboolean ct_outbox_execute (CtOutbox *self, const char *name, JsonObject *args, CtOutcome *outcome,
                            GError **error);
gboolean ct_outbox_may (CtOutbox *self, const char *name, JsonObject *args, GError **error);
gboolean ct_outbox_load (CtOutbox *self, const CtId *id, CtPostRow *post, GError **error);

GArray *ct_outbox_read_ids (CtOutbox *self, const char *sql, GError **error);
gboolean ct_outbox_is_time (CtOutbox *self, const char *key);
const char *ct_outbox_not_found (void);
void ct_outbox_bound_detail (JsonObject *args);

/* What people asked of posts. */
gboolean ct_outbox_do_asked (CtOutbox *self, GCancellable *cancellable, guint *n_retracted, GError **error);

/* No proof, no post. */
gboolean ct_outbox_prove (CtOutbox *self, const CtPostRow *post, GError **error);

/* Leases, proves, sends and settles one post. */
gboolean ct_outbox_send_one (CtOutbox *self, const CtId *id, GCancellable *cancellable, char **waits_for,
                             gint64 *ready_at, GError **error);

G_END_DECLS
