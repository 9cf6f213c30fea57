#pragma once

#include "ct-session.h"

G_BEGIN_DECLS

/* A kind of work of the service that only one instance does at a time, leased from the server by its clock. Belongs to
 * the thread of the session that it is used with. */
typedef struct _CtWorkLease CtWorkLease;

CtWorkLease *ct_work_lease_new (const char *kind, int seconds);
void ct_work_lease_free (CtWorkLease *self);
gboolean ct_work_lease_hold (CtWorkLease *self, CtSession *session, gboolean *held, GCancellable *cancellable,
                             GError **error);
gboolean ct_work_lease_is_held (CtWorkLease *self);
gint64 ct_work_lease_fence (CtWorkLease *self);
void ct_work_lease_release (CtWorkLease *self, CtSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtWorkLease, ct_work_lease_free)

G_END_DECLS
