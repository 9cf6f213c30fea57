#pragma once

#include "ct-channel.h"
#include "ct-commander.h"
#include "ct-note.h"
#include "ct-store.h"

G_BEGIN_DECLS

/* Sends what was approved: leases, proves, sends and settles posts. Blocks; one at a time uses it, on a worker thread or
 * a command line. Two senders on one workspace take turns by leases. */
typedef struct _CtOutbox CtOutbox;

/* All unowned; they outlive the outbox. */
typedef struct {
  CtStore *store;
  CtCommander *commander;
  CtSecretStore *secrets;
  CtHttpClient *http;
  const CtVerifier
      *log; /* (nullable): whose checkpoints prove an approval; else the key pinned in the replica */
  gboolean (*sign) (gpointer data,
                    GError **error); /* (nullable): the log, before a round; its sequencer's way */
  gpointer sign_data;
  CtSettleFunc settle; /* (nullable): after each step, where another authority than the replica confirms it */
  gpointer settle_data;
  const char *actor;               /* login under which the steps are recorded */
  const char *holder;              /* names this sender in a lease */
  gboolean loopback_only;          /* a demo workspace: nothing leaves this machine */
  gint64 timeout_ms;               /* of one request; 0: CT_HTTP_TIMEOUT_MS */
  gint64 (*clock) (gpointer data); /* the authority's time, ms */
  gpointer clock_data;
} CtOutboxOptions;

/* What became of a post in one round, or what it waits for. */
typedef struct {
  CtId id;
  char *number, *channel, *destination, *state;
  char *detail;      /* (nullable): why, and what to do */
  char *external_id; /* (nullable) */
  gint64 ready_at;   /* for one that waits: not before */
  gboolean held;     /* for one that waits: its channel cannot be used until somebody mends that */
} CtOutboxEntry;

typedef struct {
  gboolean stopped; /* all sending is stopped */
  guint n_sent, n_failed, n_unknown, n_waiting;
  guint n_held;       /* of those that wait */
  guint n_retracted;  /* taken back at the provider, because somebody asked */
  GPtrArray *entries; /* (owned) (element-type CtOutboxEntry): what moved, then what waits */
} CtOutboxReport;

CtOutbox *ct_outbox_new (const CtOutboxOptions *options);
void ct_outbox_free (CtOutbox *self);
gboolean ct_outbox_run (CtOutbox *self, GCancellable *cancellable, CtOutboxReport *report, GError **error);
gint64 ct_outbox_next (CtStore *store, GError **error);
void ct_outbox_report_clear (CtOutboxReport *self);

/* Around single posts and channels. */
char *ct_outbox_test (CtOutbox *self, const char *channel, GCancellable *cancellable, GError **error);
gboolean ct_outbox_read_back (CtOutbox *self, const CtId *post, GCancellable *cancellable, gboolean *found,
                              GError **error);
gboolean ct_outbox_retract (CtOutbox *self, const CtId *post, const char *comment, GCancellable *cancellable,
                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtOutbox, ct_outbox_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtOutboxReport, ct_outbox_report_clear)

G_END_DECLS
