#pragma once

#include "ct-workspace.h"

G_BEGIN_DECLS

/* The last checkpoint of a server's log, in the keyring as well: who puts back an older copy of the workspace, together with one
 * of the server, does not reach it there. Calls block (D-Bus) and never ask to unlock anything; belongs to the thread of its
 * link. */
typedef struct _CtKeptCheckpoint CtKeptCheckpoint;

CtKeptCheckpoint *ct_kept_checkpoint_new (CtWorkspace *workspace);
void ct_kept_checkpoint_free (CtKeptCheckpoint *self);
void ct_kept_checkpoint_ask_again (CtKeptCheckpoint *self);
void ct_kept_checkpoint_ask (CtKeptCheckpoint *self, CtDb *db, GCancellable *cancellable);
const char *ct_kept_checkpoint_note (CtKeptCheckpoint *self);
void ct_kept_checkpoint_keep (CtKeptCheckpoint *self, CtDb *db, const char *note, GCancellable *cancellable);
void ct_kept_checkpoint_forget (CtWorkspace *workspace, GCancellable *cancellable);

G_END_DECLS
