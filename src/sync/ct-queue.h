#pragma once

#include "ct-db.h"
#include "ct-pull.h"

G_BEGIN_DECLS

/* Where a replica stands: see schema/replica/006-sync.sql */
typedef struct {
  CtCursor cursor;
  char *scopes; /* (owned) */
  gint64 acknowledged;
  gint64 pulled_at; /* CT_NULL_INT: never */
} CtQueueState;

/* A command as it is pushed. */
typedef struct {
  gint64 seq;
  char *intent;  /* (owned) */
  char *changes; /* (owned) (nullable): NULL where it lies in the tray and is withdrawn */
} CtQueueItem;

gboolean ct_queue_read (CtDb *db, CtQueueState *state, GError **error);
void ct_queue_state_clear (CtQueueState *self);
gboolean ct_queue_begin (CtDb *db, gint64 acknowledged, GError **error);
gboolean ct_queue_device (CtDb *db, CtId *device, GError **error);
gboolean ct_queue_hash (CtDb *db, gint64 seq, CtHash *sha256, gboolean *known, GError **error);
gboolean ct_queue_next (CtDb *db, gint64 after, CtQueueItem *item, GError **error);
void ct_queue_item_clear (CtQueueItem *self);
gboolean ct_queue_note_touches (CtDb *db, gint64 seq, GError **error);
gboolean ct_queue_waiting (CtDb *db, gint64 *commands, gint64 *oldest_at, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtQueueState, ct_queue_state_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtQueueItem, ct_queue_item_clear)

G_END_DECLS
