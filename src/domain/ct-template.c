#include "ct-template.h"

#include "ct-base.h"
#include "ct-fields.h"
#include "ct-vocabulary.h"

#include <string.h>

#define MOST_TEMPLATES 2000
#define MOST_TEXT      8000
/* A line that begins with this is left out where one of its placeholders has no value. */
#define OPTIONAL "? "

static const char *const kinds[] = { "email", "internal_update", "channel_post",
                                     "reply", "digest",          "escalation_summary",
                                     NULL };

static const char *const placeholders[] = {
  "orderNumber",  "distributor", "contactName",    "daysLate", "amount",     "nextAction", "evidence",
  "owner",        "slaDue",      "blocker",        "severity", "score",      "subject",    "exceptionNumber",
  "taskNumber",   "agent",       "escalation",     "dueOn",    "requiredOn", "promisedOn", "invoiceNumber",
  "documentKind", "carrier",     "trackingNumber", "product",  NULL,
};

typedef struct {
  CtTemplateLookup lookup;
  gpointer data;
  gboolean missing;
} Expansion;

/* (array zero-terminated=1): the kinds of drafts */
const char *const *
ct_template_kinds (void)
{
  return kinds;
}

/* (array zero-terminated=1): the names that a template may use */
const char *const *
ct_template_placeholders (void)
{
  return placeholders;
}

static void
check_placeholders (CtFields *fields, const char *member, const char *text)
{
  for (const char *open = text ? strchr (text, '{') : NULL; open; open = strchr (open + 1, '{')) {
    gsize length = strcspn (open + 1, "{}\n");
    g_autofree char *name = g_strndup (open + 1, length);

    if (open[length + 1] != '}' || ct_text_index (placeholders, name) < 0)
      ct_fields_complain (fields, member, "“{%s}” is no placeholder", name);
  }
}

/**
 * ct_template_parse:
 * @object: {"name", "kind", "blocker"?: a class or "*", "language", "subject"?, "text"}
 * @where: names the object in messages
 *
 * Returns: (transfer full): the template, or %NULL with %CT_ERROR_INVALID
 */
CtTemplate *
ct_template_parse (JsonObject *object, const char *where, GError **error)
{
  g_autoptr (CtTemplate) self = g_new0 (CtTemplate, 1);
  CtFields fields;

  ct_fields_init (&fields, object, where);
  self->name = g_strdup (ct_fields_text (&fields, "name", 128));
  self->kind = g_strdup (kinds[ct_fields_choice (&fields, "kind", kinds, -1)]);
  self->blocker = g_strdup (ct_fields_text_or (&fields, "blocker", 64, "*"));
  self->language = g_strdup (ct_fields_text (&fields, "language", 16));
  self->subject = g_strdup (ct_fields_text_or (&fields, "subject", 300, NULL));
  self->text = g_strdup (ct_fields_text (&fields, "text", MOST_TEXT));
  if (strcmp (self->blocker, "*") != 0 && !ct_blocker_is_known (self->blocker))
    ct_fields_complain (&fields, "blocker", "“%s” is no blocker class", self->blocker);
  check_placeholders (&fields, "subject", self->subject);
  check_placeholders (&fields, "text", self->text);
  return ct_fields_finish (&fields, error) ? g_steal_pointer (&self) : NULL;
}

static gpointer
parse_cb (JsonObject *object, const char *where, GError **error)
{
  return ct_template_parse (object, where, error);
}

/* (transfer full) (element-type CtTemplate): %NULL with %CT_ERROR_INVALID */
GPtrArray *
ct_template_parse_all (JsonNode *root, const char *where, GError **error)
{
  return ct_fields_parse_list (root, where, MOST_TEMPLATES, parse_cb, (GDestroyNotify) ct_template_free,
                               error);
}

void
ct_template_free (CtTemplate *self)
{
  g_free (self->name);
  g_free (self->kind);
  g_free (self->blocker);
  g_free (self->language);
  g_free (self->subject);
  g_free (self->text);
  g_free (self);
}

static const CtTemplate *
find_exact (GPtrArray *templates, const char *kind, const char *blocker, const char *language)
{
  for (guint i = 0; i < templates->len; i++) {
    const CtTemplate *template = templates->pdata[i];

    if (strcmp (template->kind, kind) == 0 && strcmp (template->blocker, blocker) == 0 &&
        strcmp (template->language, language) == 0)
      return template;
  }
  return NULL;
}

/**
 * ct_template_find:
 * @language: "ru", or with a country, "ru-RU"
 *
 * The reader's language weighs more than the closeness to the blocker; English is the last resort.
 *
 * Returns: (nullable): the template to write from
 */
const CtTemplate *
ct_template_find (GPtrArray *templates, const char *kind, const char *blocker, const char *language)
{
  g_autofree char *plain = g_strndup (language, strcspn (language, "-_."));
  const char *const languages[] = { plain, "en" };

  for (guint i = 0; i < G_N_ELEMENTS (languages); i++) {
    const CtTemplate *found = find_exact (templates, kind, blocker, languages[i]);

    if (!found)
      found = find_exact (templates, kind, "*", languages[i]);
    if (found)
      return found;
  }
  return NULL;
}

static const char *
lookup_cb (const char *name, gpointer data)
{
  Expansion *expansion = data;
  const char *value = expansion->lookup (name, expansion->data);

  if (!ct_text_is_blank (value))
    return value;
  expansion->missing = TRUE;
  return NULL;
}

static gboolean
is_blank_line (const char *line)
{
  return line[0] == 0;
}

/**
 * ct_template_expand:
 * @text: a template's text or subject
 * @lookup: gives values; they are inserted as they are and never expanded again
 *
 * Lines that begin with "? " are left out where a placeholder of theirs has no value; elsewhere it stays as it is,
 * and the guardrails find it. Of blank lines that meet, one stays.
 *
 * Returns: (transfer full): the draft
 */
char *
ct_template_expand (const char *text, CtTemplateLookup lookup, gpointer data)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *out = g_string_new (NULL);
  gboolean blank = TRUE;

  for (char **line = lines; *line; line++) {
    gboolean optional = g_str_has_prefix (*line, OPTIONAL);
    Expansion expansion = { lookup, data, FALSE };
    g_autofree char *expanded =
        ct_text_expand (optional ? *line + strlen (OPTIONAL) : *line, lookup_cb, &expansion);

    if ((optional && expansion.missing) || (blank && is_blank_line (expanded)))
      continue;
    blank = is_blank_line (expanded);
    g_string_append_printf (out, "%s\n", expanded);
  }
  return g_strchomp (g_string_free (out, FALSE));
}
