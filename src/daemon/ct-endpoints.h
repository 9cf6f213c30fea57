#pragma once

#include "ct-http-listener.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* What the service tells machines that ask. */
typedef struct _CtEndpoints CtEndpoints;

CtEndpoints *ct_endpoints_new (CtWorkspace *workspace, const char *address, const char *token_file,
                               GError **error);
void ct_endpoints_free (CtEndpoints *self);
guint ct_endpoints_port (CtEndpoints *self);
void ct_endpoints_count (CtEndpoints *self, guint problems);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtEndpoints, ct_endpoints_free)

G_END_DECLS
