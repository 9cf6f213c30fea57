#include "ct-draft-provider.h"

const char *
ct_draft_provider_name (CtDraftProvider *self)
{
  return self->klass->name;
}

const char *
ct_draft_provider_model (CtDraftProvider *self)
{
  return self->klass->model ? self->klass->model (self) : "";
}

const char *
ct_draft_provider_prompt_version (CtDraftProvider *self)
{
  return self->klass->prompt_version;
}

/**
 * ct_draft_provider_draft:
 * @result: (out): clear with ct_draft_result_clear(); set only on success
 *
 * Blocks; belongs on a worker thread.
 */
gboolean
ct_draft_provider_draft (CtDraftProvider *self, const CtDraftContext *context, GCancellable *cancellable,
                         CtDraftResult *result, GError **error)
{
  g_auto (CtDraftResult) written = { 0 };

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  written.drafts = g_ptr_array_new_with_free_func ((GDestroyNotify) ct_draft_free);
  if (!self->klass->draft (self, context, cancellable, &written, error))
    return FALSE;
  *result = written;
  written = (CtDraftResult){ 0 };
  return TRUE;
}

void
ct_draft_provider_free (CtDraftProvider *self)
{
  if (self)
    self->klass->free (self);
}

/* (transfer full) */
CtDraft *
ct_draft_new (const char *kind, const CtDraftChannel *channel, const char *language)
{
  CtDraft *self = g_new0 (CtDraft, 1);

  self->kind = g_strdup (kind);
  self->channel = g_strdup (channel->name);
  self->destination = g_strdup (channel->destination);
  self->language = g_strdup (language);
  self->cited = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
ct_draft_free (CtDraft *self)
{
  if (!self)
    return;
  g_free (self->kind);
  g_free (self->channel);
  g_free (self->destination);
  g_free (self->language);
  g_free (self->subject);
  g_free (self->text);
  g_free (self->rationale);
  g_ptr_array_unref (self->cited);
  g_free (self);
}

static void
action_free (gpointer data)
{
  CtDraftAction *self = data;

  g_free (self->action);
  g_free (self->text);
  g_free (self);
}

/* Takes @draft. */
void
ct_draft_result_add (CtDraftResult *self, CtDraft *draft)
{
  if (!self->drafts)
    self->drafts = g_ptr_array_new_with_free_func ((GDestroyNotify) ct_draft_free);
  g_ptr_array_add (self->drafts, draft);
}

void
ct_draft_result_propose (CtDraftResult *self, const char *action, const char *text)
{
  CtDraftAction *item = g_new0 (CtDraftAction, 1);

  item->action = g_strdup (action);
  item->text = g_strdup (text);
  if (!self->actions)
    self->actions = g_ptr_array_new_with_free_func (action_free);
  g_ptr_array_add (self->actions, item);
}

void
ct_draft_result_clear (CtDraftResult *self)
{
  g_clear_pointer (&self->drafts, g_ptr_array_unref);
  g_clear_pointer (&self->actions, g_ptr_array_unref);
}
