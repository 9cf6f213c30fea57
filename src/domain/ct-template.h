#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* What the built-in drafter writes from: a text with placeholders for one kind of draft, blocker and language. */
typedef struct {
  char *name;
  char *kind;     /* "channel_post", "email", "escalation_summary", … as in ai_outputs */
  char *blocker;  /* "*": every class that has none of its own */
  char *language; /* "en", "ru" */
  char *subject;  /* (nullable): of an e-mail */
  char *text;
} CtTemplate;

/* Gives a placeholder's value; NULL or "" where there is none. */
typedef const char *(*CtTemplateLookup) (const char *name, gpointer data);

const char *const *ct_template_kinds (void);
const char *const *ct_template_placeholders (void);

CtTemplate *ct_template_parse (JsonObject *object, const char *where, GError **error);
GPtrArray *ct_template_parse_all (JsonNode *root, const char *where, GError **error);
void ct_template_free (CtTemplate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtTemplate, ct_template_free)

const CtTemplate *ct_template_find (GPtrArray *templates, const char *kind, const char *blocker,
                                    const char *language);
char *ct_template_expand (const char *text, CtTemplateLookup lookup, gpointer data);

G_END_DECLS
