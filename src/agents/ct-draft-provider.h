#pragma once

#include "ct-draft-context.h"

G_BEGIN_DECLS

/* One message that a provider proposes. */
typedef struct {
  char *kind; /* as in ai_outputs: "channel_post", "email", … */
  char *channel, *destination;
  char *language;
  char *subject; /* (nullable) */
  char *text;
  char *rationale;
  int confidence;   /* 0 to 100 */
  GPtrArray *cited; /* (owned) (element-type utf8): keys of CtDraftFact it relies on */
} CtDraft;

/* A next step that a provider proposes; a person takes it up, or not. */
typedef struct {
  char *action; /* "recommend_escalation" */
  char *text;
} CtDraftAction;

typedef struct {
  GPtrArray *drafts;  /* (owned) (element-type CtDraft) */
  GPtrArray *actions; /* (owned) (element-type CtDraftAction) */
} CtDraftResult;

/* Who writes. draft() may block for as long as it likes and belongs on a worker thread; it runs outside of every
 * transaction. Whatever it answers is checked: it is not believed. */
typedef struct _CtDraftProvider CtDraftProvider;
typedef struct {
  const char *name;           /* "template" */
  const char *prompt_version; /* of the templates or prompts it was written against */
  const char *(*model) (CtDraftProvider *self);
  gboolean (*draft) (CtDraftProvider *self, const CtDraftContext *context, GCancellable *cancellable,
                     CtDraftResult *result, GError **error);
  void (*free) (CtDraftProvider *self);
} CtDraftProviderClass;

struct _CtDraftProvider {
  const CtDraftProviderClass *klass;
};

const char *ct_draft_provider_name (CtDraftProvider *self);
const char *ct_draft_provider_model (CtDraftProvider *self);
const char *ct_draft_provider_prompt_version (CtDraftProvider *self);
gboolean ct_draft_provider_draft (CtDraftProvider *self, const CtDraftContext *context,
                                  GCancellable *cancellable, CtDraftResult *result, GError **error);
void ct_draft_provider_free (CtDraftProvider *self);

CtDraft *ct_draft_new (const char *kind, const CtDraftChannel *channel, const char *language);
void ct_draft_free (CtDraft *self);
void ct_draft_result_add (CtDraftResult *self, CtDraft *draft);
void ct_draft_result_propose (CtDraftResult *self, const char *action, const char *text);
void ct_draft_result_clear (CtDraftResult *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtDraft, ct_draft_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtDraftProvider, ct_draft_provider_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtDraftResult, ct_draft_result_clear)

G_END_DECLS
