#pragma once

#include "ct-workspace.h"

G_BEGIN_DECLS

/* The workers of a workspace: detection, scheduler, delivery, sequencer. One process hosts them, whoever holds the lock
 * of the file workers.lock; another one that waits takes over when the first one ends. */
typedef struct _CtWorkers CtWorkers;

/* Told after each round that did something, on the workers' thread: see ct_workers_round(). */
typedef void (*CtWorkersFunc) (JsonObject *report, gpointer data);

CtWorkers *ct_workers_new (CtWorkspace *workspace, const char *program);
void ct_workers_free (CtWorkers *self);
gboolean ct_workers_take (CtWorkers *self, GError **error);
gboolean ct_workers_is_hosting (CtWorkers *self);
JsonObject *ct_workers_round (CtWorkers *self, gboolean everything, GCancellable *cancellable,
                              GError **error);
void ct_workers_start (CtWorkers *self, CtWorkersFunc told, gpointer data);
gboolean ct_workers_hurry (CtWorkers *self);
void ct_workers_stop (CtWorkers *self);
gint64 ct_workers_silence (CtWorkers *self);
JsonObject *ct_workers_holder (const char *folder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtWorkers, ct_workers_free)

G_END_DECLS
