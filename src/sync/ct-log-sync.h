#pragma once

#include "ct-backlog.h"
#include "ct-log-continuation.h"
#include "ct-log-copy.h"
#include "ct-log-feed.h"

G_BEGIN_DECLS

/* What the workspace does for its log outside of the replica. */
typedef struct {
  const CtSigner
      *signer; /* (nullable): where the workspace has the key of the server's log, it is its sequencer */
  GStrv (*recall) (
      gpointer data); /* (transfer full) (nullable): the last checkpoints seen, wherever they are kept */
  gboolean (*remember) (const char *note, gpointer data, GError **error);
  gboolean (*keep_former) (gpointer data,
                           GError **error); /* a copy of the log that the server's is to replace */
  gboolean (*keep_lost) (gpointer data, GError **error); /* (nullable): the log with what the server lost */
  gboolean (*keep_proof) (const char *note, gpointer data,
                          GError **error); /* a signed note that contradicts the log */
  gpointer data;
  gboolean again; /* read all leaves again, and hold them against what they were */
} CtLogSyncOptions;

/* How the log stands afterwards. */
typedef struct {
  guint read;           /* leaves that came */
  gint64 size;          /* of the newest checkpoint */
  gboolean covers_rows; /* rows can be held against it: it has every change up to where they stand */
  gboolean signed_here; /* a new checkpoint was signed and published */
} CtLogSyncReport;

gboolean ct_log_sync (CtDb *db, CtSession *session, const CtLogSyncOptions *options, gint64 now,
                      GCancellable *cancellable, CtLogSyncReport *report, GError **error);

gboolean ct_log_sync_continue (CtDb *db, CtSession *session, const CtSigner *signer, gint64 kept,
                               CtLogContinuation *made, gint64 *lost, gboolean *served,
                               GCancellable *cancellable, GError **error);
gboolean ct_log_sync_take_continuation (CtDb *db, CtSession *session, const CtSigner *signer, gboolean *taken,
                                        GCancellable *cancellable, GError **error);

G_END_DECLS
