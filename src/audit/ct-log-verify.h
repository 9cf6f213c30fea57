#pragma once

#include <gio/gio.h>

#include "ct-log.h"
#include "ct-tiles.h"

G_BEGIN_DECLS

typedef enum {
  CT_LOG_VERIFY_STATE = 1 << 0,       /* every business row is what the log last committed to */
  CT_LOG_VERIFY_ALL_INTENTS = 1 << 1, /* every command has its leaf: a workspace that waits for no server */
} CtLogVerifyFlags;

typedef struct {
  const char *vkey;              /* (nullable): the key to trust; else the one the workspace names */
  const char *const *remembered; /* (nullable): checkpoints kept outside the replica, ended by NULL */
  CtLogVerifyFlags flags;
  CtAuditProgress progress; /* (nullable) */
  gpointer progress_data;
  GCancellable *cancellable; /* (nullable) */
} CtLogVerifyOptions;

typedef struct {
  char *origin; /* (owned) */
  char *vkey;   /* (owned): the key that signed */
  guint64 n_leaves;
  guint64 n_signed; /* of them under a checkpoint; the rest waits for the next one */
  CtHash root;      /* of the newest checkpoint */
  guint64 n_checkpoints;
  guint64 n_intents;
  guint64 n_disclosures;
  guint64 n_redacted;
  guint64 n_rows;     /* checked, with CT_LOG_VERIFY_STATE */
  guint64 n_gone;     /* and committed to, but no longer among those that we may see */
  guint64 n_pending;  /* and left out: our own commands changed them, and the server has not settled those */
  guint64 n_hidden;   /* leaves of a server's log of which we have the hash alone */
  guint64 n_withheld; /* and leaves whose disclosures are kept from us */
} CtLogReport;

void ct_log_report_clear (CtLogReport *self);
gboolean ct_log_verify (CtDb *db, const CtLogVerifyOptions *options, CtLogReport *report, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtLogReport, ct_log_report_clear)

G_END_DECLS
