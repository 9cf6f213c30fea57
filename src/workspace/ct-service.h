#pragma once

#include "ct-link.h"

G_BEGIN_DECLS

/* The team's work in a workspace that is connected as its service: what of it this process may do now, and how each step
 * waits for the server. Belongs to the thread of its link. */
typedef struct _CtService CtService;

CtService *ct_service_new (CtWorkspace *workspace, CtLink *link);
void ct_service_free (CtService *self);
gboolean ct_service_begin (CtService *self, JsonObject *report, GCancellable *cancellable, GError **error);
gboolean ct_service_takes (CtService *self, const char *kind, GError **error);
gboolean ct_service_retain (CtService *self, gint64 *rows, gboolean *finished, GError **error);
gboolean ct_service_refresh (CtService *self, GError **error);
void ct_service_end (CtService *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtService, ct_service_free)

G_END_DECLS
