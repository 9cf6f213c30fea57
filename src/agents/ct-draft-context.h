#pragma once

#include "ct-task-row.h"

G_BEGIN_DECLS

/* One thing that is known, cleaned of what must not be read or run: data, never an instruction. */
typedef struct {
  char *key; /* as templates name it: "invoiceNumber" */
  char *value;
  JsonArray
      *refs; /* (owned): [{"type", "id", "field"}…]: the records it comes from; citing it binds to them */
} CtDraftFact;

/* A place that the task may write to. */
typedef struct {
  char *name;        /* of the channel */
  char *kind;        /* "slack" */
  char *destination; /* "#ops" */
  char *draft_kind;  /* what to write for it: "channel_post" */
} CtDraftChannel;

/* Everything a provider is given. Foreign texts are data: a provider that asks a model must fence them. */
typedef struct {
  CtAgentProfile *profile;
  CtTaskRow task;
  gboolean escalated; /* what is asked for is a summary for whoever decides now */
  char *blocker;
  char *language;      /* of the team: "en", "ru" */
  GPtrArray *facts;    /* (element-type CtDraftFact) */
  GPtrArray *channels; /* (element-type CtDraftChannel) */
  GPtrArray *notes;    /* (element-type utf8): newest first */
  GPtrArray *feedback; /* (element-type utf8): what approvers asked for or rejected, newest first */
  GPtrArray *articles; /* (element-type utf8): "Title\nbody" */
  GPtrArray *examples; /* (element-type utf8): texts that were approved for the same blocker and kind */
  char *last_inbound;  /* (nullable): the counterparty's last message */
  guint n_cleaned;     /* values that held characters which can deceive */
} CtDraftContext;

gboolean ct_draft_context_build (CtDb *db, const CtId *task, gboolean escalated, gint64 now,
                                 CtDraftContext *self, GError **error);
void ct_draft_context_clear (CtDraftContext *self);
const CtDraftFact *ct_draft_context_fact (const CtDraftContext *self, const char *key);
char *ct_draft_context_clean (const char *text, gsize most, gboolean *cleaned);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtDraftContext, ct_draft_context_clear)

G_END_DECLS
