#pragma once

#include "ct-approvals.h"

G_BEGIN_DECLS

/* A revision of a draft to be written, by an agent or by a person who edits. */
typedef struct {
  const CtTaskRow *task;
  const char *kind; /* as in ai_outputs */
  const char *channel, *destination;
  const char *language, *subject, *text;
  const char *provider, *model, *prompt_version;
  const char *author; /* the agent, or the person */
  const char *rationale;
  gint64 confidence;
  JsonArray *facts;      /* (nullable): [{"type", "id", "field"}…] that it cites */
  const CtId *based_on;  /* (nullable) */
  const char *edited_by; /* (nullable): the person who wrote it */
  const char *policy;    /* of approval, JSON */
  gint64 expires_at, deadline_at;
} CtDraftRow;

/* What became of it. */
typedef struct {
  CtId output;
  CtId approval;    /* nil where the text cannot be sent at all */
  gboolean blocked; /* a guardrail's error stands against it */
  char *problem;    /* (owned) (nullable): why it cannot be sent */
} CtDraftOutcome;

gboolean ct_draft_row_write (CtCommand *command, const CtDraftRow *self, guint index, CtDraftOutcome *outcome,
                             GError **error);
gboolean ct_draft_row_check (CtDb *db, const char *channel, const char *subject, const char *text,
                             GPtrArray **findings, GError **error);
char *ct_draft_row_channel_kind (CtDb *db, const char *channel, GError **error);
const char *ct_draft_row_action (const char *kind);
void ct_draft_outcome_clear (CtDraftOutcome *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtDraftOutcome, ct_draft_outcome_clear)

G_END_DECLS
