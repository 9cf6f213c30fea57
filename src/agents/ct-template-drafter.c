/* The built-in drafter: the workspace's templates, filled with facts. No network, no key, the same answer every time. */
#include "ct-template-drafter.h"
#include "ct-configuration.h"

#include <string.h>

typedef struct {
  CtDraftProvider parent;
  GPtrArray *templates; /* (owned) (element-type CtTemplate) */
} Drafter;

/* Looks values up while a template is expanded, and notes which were used. */
typedef struct {
  const CtDraftContext *context;
  GPtrArray *cited; /* (unowned) */
  guint n_missing;
} Lookup;

static const char *
lookup_cb (const char *name, gpointer data)
{
  Lookup *self = data;
  const CtDraftFact *fact = ct_draft_context_fact (self->context, name);

  if (!fact) {
    self->n_missing++;
    return NULL;
  }
  if (!g_ptr_array_find_with_equal_func (self->cited, name, g_str_equal, NULL))
    g_ptr_array_add (self->cited, g_strdup (name));
  return fact->value;
}

/* An internal update is worded like a channel post where no template of its own is there. */
static const CtTemplate *
find_template (Drafter *self, const CtDraftContext *context, const char *kind)
{
  const char *blocker = context->blocker ? context->blocker : "*";
  const char *kinds[] = { kind, strcmp (kind, "escalation_summary") == 0 ? NULL : "channel_post" };
  const CtTemplate *found = NULL;

  for (guint i = 0; !found && i < G_N_ELEMENTS (kinds); i++)
    found = kinds[i] ? ct_template_find (self->templates, kinds[i], blocker, context->language) : NULL;
  return found;
}

/* Why it reads as it does, for the approver; also what this drafter could not do. */
static char *
explain (const CtDraftContext *context, const CtTemplate *template)
{
  g_autoptr (GString) out = g_string_new (NULL);

  g_string_append_printf (out, _ ("Written from the template “%s”."), template->name);
  if (context->n_cleaned > 0)
    g_string_append_printf (out, " %s",
                            _ ("Some values held characters that can deceive; they were taken out."));
  if (context->feedback->len > 0)
    g_string_append_printf (out,
                            _ (" Asked for before: “%s”; a template cannot follow that, so edit the text."),
                            (char *) context->feedback->pdata[0]);
  if (context->articles->len > 0) {
    const char *article = context->articles->pdata[0];
    g_autofree char *title = g_strndup (article, strcspn (article, "\n"));

    g_string_append_printf (out, _ (" See also the article “%s”."), title);
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static gboolean
write_one (Drafter *self, const CtDraftContext *context, const CtDraftChannel *channel, CtDraftResult *result,
           GError **error)
{
  const CtTemplate *template = find_template (self, context, channel->draft_kind);
  g_autoptr (CtDraft) draft = NULL;
  Lookup lookup = { context, NULL, 0 };

  if (!template)
    return ct_fail (error, CT_ERROR_NOT_FOUND,
                    _ ("There is no template for “%s”; an administrator can add one"), channel->draft_kind);
  draft = ct_draft_new (channel->draft_kind, channel, template->language);
  lookup.cited = draft->cited;
  draft->text = ct_template_expand (template->text, lookup_cb, &lookup);
  if (template->subject)
    draft->subject = ct_template_expand (template->subject, lookup_cb, &lookup);
  draft->rationale = explain (context, template);
  draft->confidence = MAX (20, 90 - 10 * (int) MIN (lookup.n_missing, 7));
  ct_draft_result_add (result, g_steal_pointer (&draft));
  return TRUE;
}

static gboolean
drafter_draft (CtDraftProvider *provider, const CtDraftContext *context, GCancellable *cancellable,
               CtDraftResult *result, GError **error)
{
  Drafter *self = (Drafter *) provider;
  const CtDraftFact *action = ct_draft_context_fact (context, "nextAction");

  for (guint i = 0; i < context->channels->len; i++)
    if (!write_one (self, context, context->channels->pdata[i], result, error))
      return FALSE;
  if (context->escalated && ct_agent_profile_allows (context->profile, "recommend_escalation"))
    ct_draft_result_propose (result, "recommend_escalation", context->task.escalation_rule);
  else if (action && ct_agent_profile_allows (context->profile, "recommend_next_action"))
    ct_draft_result_propose (result, "recommend_next_action", action->value);
  return TRUE;
}

static void
drafter_free (CtDraftProvider *provider)
{
  Drafter *self = (Drafter *) provider;

  g_ptr_array_unref (self->templates);
  g_free (self);
}

/**
 * ct_template_drafter_new:
 * @templates: (transfer full) (element-type CtTemplate)
 *
 * Returns: (transfer full)
 */
CtDraftProvider *
ct_template_drafter_new (GPtrArray *templates)
{
  static const CtDraftProviderClass klass = { "template", "1", NULL, drafter_draft, drafter_free };
  Drafter *self = g_new0 (Drafter, 1);

  self->parent.klass = &klass;
  self->templates = templates;
  return &self->parent;
}

/* (transfer full): with the workspace's templates as they are now */
CtDraftProvider *
ct_template_drafter_load (CtDb *db, GError **error)
{
  GPtrArray *templates = ct_configuration_templates (db, error);

  return templates ? ct_template_drafter_new (templates) : NULL;
}
