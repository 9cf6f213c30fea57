#pragma once

#include "ct-session.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* Whose signatures this workspace believes: the devices of administrators that a person named here, kept outside of any
 * database, and those that they vouched for. */
JsonObject *ct_workspace_trust (CtWorkspace *self, JsonObject *device, GError **error);
JsonArray *ct_workspace_trusted (CtWorkspace *self, GError **error);
gboolean ct_workspace_distrust (CtWorkspace *self, const char *device, GError **error);

char *ct_workspace_vouch (CtWorkspace *self, CtSession *session, const CtId *device, const CtHash *public_key,
                          const char *owner, CtId *signer, GCancellable *cancellable, GError **error);

gboolean ct_workspace_refresh_devices (CtWorkspace *self, CtSession *session, CtHash *seen,
                                       GCancellable *cancellable, GError **error);

G_END_DECLS
