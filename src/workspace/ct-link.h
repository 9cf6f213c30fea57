#pragma once

#include "ct-first-load.h"
#include "ct-greeting.h"
#include "ct-self-check.h"
#include "ct-workspace-log.h"

G_BEGIN_DECLS

/* What the password of the server is called among the workspace's secrets. */
#define CT_LINK_SECRET "central server"

/* The line between a connected workspace and its server: a connection to the replica and a session of its own. Belongs to
 * one thread, never the main one. */
typedef struct _CtLink CtLink;

CtLink *ct_link_new (CtWorkspace *workspace, gboolean goes_on, GError **error);
void ct_link_free (CtLink *self);
void ct_link_set_progress (CtLink *self, CtFirstLoadFunc told, gpointer data);
gboolean ct_link_is_due (CtLink *self);
CtSession *ct_link_get_session (CtLink *self);
gboolean ct_link_is_service (CtLink *self);
void ct_link_wait (CtLink *self, int wake, gint64 most);
gboolean ct_link_round (CtLink *self, GCancellable *cancellable, CtSyncReport *report, GError **error);
gboolean ct_link_audit (CtLink *self, gboolean again, GCancellable *cancellable, GError **error);
gboolean ct_link_follow_log (CtLink *self, gboolean sequences, gboolean again, GCancellable *cancellable,
                             CtLogSyncReport *report, GError **error);
gboolean ct_link_check (CtLink *self, GCancellable *cancellable, CtSelfCheckReport *report, GError **error);
JsonObject *ct_link_report_to_json (const CtSyncReport *report);

/* For who begins: an address, a password (nullable), and what is asked first. */
CtSession *ct_link_dial (CtWorkspace *workspace, const char *address, const char *password,
                         GCancellable *cancellable, GError **error);
gboolean ct_link_greet (CtDb *db, CtSession *session, const char *address, CtGreeting *greeting,
                        GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtLink, ct_link_free)

G_END_DECLS
