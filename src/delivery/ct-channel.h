#pragma once

#include "ct-net.h"
#include "ct-wire.h"

G_BEGIN_DECLS

/* What became of one attempt to send. */
typedef enum {
  CT_SEND_SENT,        /* accepted, with the provider's message ID */
  CT_SEND_UNCONFIRMED, /* accepted, but the provider gave no ID */
  CT_SEND_RETRY,       /* surely not carried out; may be tried again, not before retry_at */
  CT_SEND_FAILED,      /* surely not carried out; trying again would not help */
  CT_SEND_UNKNOWN,     /* may or may not have been carried out: read back, or ask a person */
} CtSendOutcome;

typedef struct {
  CtSendOutcome outcome;
  char *external_id; /* (owned) (nullable) */
  gint64 retry_at;   /* for CT_SEND_RETRY: 0 where the provider named no time */
  char *detail;      /* (owned) (nullable): what happened and what to do, for a person */
} CtSendResult;

/* How a channel's provider is reached; all of it the caller's. */
typedef struct {
  CtHttpClient *http;
  const char *base_url;
  CtSecret *secret;  /* (nullable) */
  gint64 timeout_ms; /* 0: CT_HTTP_TIMEOUT_MS */
  gint64 now;
  GCancellable *cancellable; /* (nullable) */
} CtChannelLink;

/* One kind of channel, one file each. Every call blocks and belongs on a worker thread. */
typedef struct {
  const char *kind;
  const char *base_url; /* the provider's own; a channel may name another */
  guint burst;          /* sends that may follow each other to one destination … */
  gint64 interval_ms;   /* … and one more each so many milliseconds */

  /* Authenticates and nothing else: (transfer full): as whom. */
  char *(*test) (const CtChannelLink *link, GError **error);
  /* Sends the approved bytes once. */
  void (*send) (const CtChannelLink *link, const CtWire *wire, CtSendResult *result);
  /* (nullable): whether a message with this key is there; *external_id stays NULL where it is not. */
  gboolean (*read_back) (const CtChannelLink *link, const CtWireMessage *message, gint64 since_ms,
                         char **external_id, GError **error);
  /* (nullable): takes a sent message back. */
  gboolean (*retract) (const CtChannelLink *link, const char *external_id, GError **error);
} CtChannelClass;

extern const CtChannelClass ct_channel_slack;

const CtChannelClass *ct_channel_class (const char *kind);
const char *ct_send_outcome_name (CtSendOutcome outcome);
void ct_send_result_clear (CtSendResult *self);
void ct_send_result_set (CtSendResult *self, CtSendOutcome outcome, const char *detail);
void ct_send_result_set_error (CtSendResult *self, const GError *error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtSendResult, ct_send_result_clear)

G_END_DECLS
