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
} CtBacklogState;

gboolean ct_backlog_read (CtDb *db, CtBacklogState *state, GError **error);
void ct_backlog_state_clear (CtBacklogState *self);
gboolean ct_backlog_begin (CtDb *db, const char *server, gint64 acknowledged, GError **error);
gboolean ct_backlog_end (CtDb *db, GError **error);
gboolean ct_backlog_device (CtDb *db, CtId *device, GError **error);
gboolean ct_backlog_hash (CtDb *db, gint64 seq, CtHash *sha256, gboolean *known, GError **error);
gboolean ct_backlog_next (CtDb *db, gint64 after, CtPushOffer *offer, GError **error);
gboolean ct_backlog_note_touches (CtDb *db, gint64 seq, GError **error);
gboolean ct_backlog_waiting (CtDb *db, gint64 *commands, gint64 *oldest_at, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtBacklogState, ct_backlog_state_clear)
GArray *ct_backlog_numbers (CtDb *db, const char *sql, gint64 argument, GError **error);

G_END_DECLS
