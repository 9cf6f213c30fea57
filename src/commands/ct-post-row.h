#pragma once

#include "ct-command.h"

G_BEGIN_DECLS

/* How long one sender may hold a post: far longer than a request takes. */
#define CT_POST_LEASE_MS (2 * CT_MS_MINUTE)

/* Settings that delivery obeys, with what holds where they are not set. Durations as in ct_duration_parse(). */
#define CT_SETTING_STOPPED      "delivery.stopped"
#define CT_SETTING_UNDO_WINDOW  "delivery.undo_window"
#define CT_SETTING_QUIET_PERIOD "delivery.quiet_period"
#define CT_UNDO_WINDOW_MS       (15 * CT_MS_SECOND)
#define CT_QUIET_PERIOD_MS      (15 * CT_MS_MINUTE)

/* A row of the outbox. */
typedef struct {
  CtId id, approval_id, task_id;
  CtId distributor_id; /* nil where there is none */
  char *number, *channel, *destination, *approver;
  GBytes *wire;
  CtHash payload_sha256;
  char *state;
  gint64 ready_at, leased_until, sent_at; /* the last two %CT_NULL_INT where there is none */
  gint64 fence, attempts;
  char *external_id;       /* (nullable) */
  gint64 retract_asked_at; /* %CT_NULL_INT where nobody wants it back */
  char *retract_comment;   /* (nullable): why */
  gint64 look_asked_at;    /* %CT_NULL_INT where nobody waits for an answer */
} CtPostRow;

gboolean ct_post_row_load (CtDb *db, const CtId *id, CtPostRow *self, GError **error);
gboolean ct_post_row_of (CtCommand *command, CtPostRow *self, GError **error);
gboolean ct_post_row_find (CtDb *db, const char *number_or_id, CtId *id, GError **error);
void ct_post_row_clear (CtPostRow *self);
gboolean ct_post_row_finish (CtCommand *command, const CtPostRow *self, GError **error);
gboolean ct_post_row_check_state (const CtPostRow *self, const char *const *states, GError **error);
gboolean ct_post_row_check_fence (CtCommand *command, const CtPostRow *self, GError **error);
gboolean ct_post_row_enqueue (CtCommand *command, const CtId *approval, CtId *post, GError **error);

gboolean ct_post_row_is_stopped (CtDb *db);
const char *ct_sending_state (CtDb *db);
gboolean ct_sending_is_stopped (const char *state);
const char *ct_sending_words (const char *state);
gint64 ct_post_row_undo_window (CtDb *db);
gboolean ct_post_row_quiet_until (CtDb *db, const CtId *post, gint64 now, gint64 *until, GError **error);
gboolean ct_post_row_waits (CtDb *db, const CtId *post, gint64 now, gint64 *until, char **counterparty,
                            GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtPostRow, ct_post_row_clear)

G_END_DECLS
