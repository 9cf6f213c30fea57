#include "ct-guardrail.h"

#include "ct-base.h"
#include "ct-fields.h"
#include "ct-guardrail-private.h"
#include "ct-text-fold.h"

#include <string.h>

#define MOST_RULES    5000
#define MOST_PATTERN  500
#define MOST_TEXT     40000
#define MOST_FINDINGS 200
#define MOST_PER_RULE 20
/* Read by the pattern engine before the pattern itself, which may lower but never raise them: a pattern that
 * would backtrack without end gives up instead. */
#define PATTERN_LIMITS "(*LIMIT_MATCH=20000)(*LIMIT_DEPTH=2000)(*LIMIT_HEAP=8192)"

typedef struct {
  char *id;
  char *channel;
  char *category;
  char *message;
  CtFindingSeverity severity;
  CtTextFold phrase; /* where there is no pattern */
  GRegex *pattern;   /* (owned) (nullable) */
} Rule;

struct _CtGuardrails {
  GPtrArray *rules; /* (owned): Rule */
};

static const char *const severity_names[] = { "warning", "error", NULL };
static const char *const kind_names[] = { "phrase", "pattern", NULL };

/* Findings */

void
ct_finding_free (CtFinding *self)
{
  g_free (self->rule);
  g_free (self->category);
  g_free (self->message);
  g_free (self);
}

const char *
ct_finding_severity_name (CtFindingSeverity severity)
{
  g_return_val_if_fail (severity <= CT_FINDING_ERROR, NULL);
  return severity_names[severity];
}

/* Whether any of them forbids sending. */
gboolean
ct_findings_block (GPtrArray *findings)
{
  for (guint i = 0; i < findings->len; i++)
    if (((const CtFinding *) findings->pdata[i])->severity == CT_FINDING_ERROR)
      return TRUE;
  return FALSE;
}

/* (transfer full): a list of {rule, category, severity, message, offset, length}, as ai_outputs.findings holds it */
JsonArray *
ct_findings_to_json (GPtrArray *findings)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < findings->len; i++) {
    const CtFinding *finding = findings->pdata[i];

    json_array_add_object_element (
        array, ct_json_build ("ssssii", "rule", finding->rule, "category", finding->category, "severity",
                              severity_names[finding->severity], "message", finding->message, "offset",
                              (gint64) finding->offset, "length", (gint64) finding->length));
  }
  return array;
}

/* Adds a finding unless there are enough; (internal). */
void
ct_guardrail_report (GPtrArray *findings, const char *rule, const char *category, CtFindingSeverity severity,
                     const char *message, gsize offset, gsize length)
{
  CtFinding *finding;

  if (findings->len >= MOST_FINDINGS)
    return;
  finding = g_new0 (CtFinding, 1);
  finding->rule = g_strdup (rule);
  finding->category = g_strdup (category);
  finding->message = g_strdup (message);
  finding->severity = severity;
  finding->offset = offset;
  finding->length = length;
  g_ptr_array_add (findings, finding);
}

/* Rules */

static void
rule_free (gpointer data)
{
  Rule *self = data;

  g_free (self->id);
  g_free (self->channel);
  g_free (self->category);
  g_free (self->message);
  ct_text_fold_clear (&self->phrase);
  g_clear_pointer (&self->pattern, g_regex_unref);
  g_free (self);
}

/* (transfer full) */
CtGuardrails *
ct_guardrails_new (void)
{
  CtGuardrails *self = g_new0 (CtGuardrails, 1);

  self->rules = g_ptr_array_new_with_free_func (rule_free);
  return self;
}

void
ct_guardrails_free (CtGuardrails *self)
{
  g_ptr_array_unref (self->rules);
  g_free (self);
}

guint
ct_guardrails_size (const CtGuardrails *self)
{
  return self->rules->len;
}

/* \C would cut characters in two; callouts and leading verbs have no place in a phrase list. */
static GRegex *
compile_pattern (const char *text, GError **error)
{
  g_autofree char *bounded = g_strconcat (PATTERN_LIMITS, text, NULL);

  if (strstr (text, "\\C") || strstr (text, "(*") || strstr (text, "(?C")) {
    ct_fail (error, CT_ERROR_INVALID, "\\C, (*…) and (?C…) are not allowed");
    return NULL;
  }
  return g_regex_new (bounded, G_REGEX_CASELESS | G_REGEX_MULTILINE, G_REGEX_MATCH_NOTEMPTY, error);
}

static void
read_matcher (Rule *rule, CtFields *fields, gboolean is_pattern)
{
  const char *text = ct_fields_text (fields, "text", MOST_PATTERN);
  g_autoptr (GError) problem = NULL;

  if (!is_pattern) {
    ct_text_fold_init (&rule->phrase, text);
    g_strchomp (rule->phrase.text);
    rule->phrase.length = strlen (rule->phrase.text);
    if (rule->phrase.length == 0)
      ct_fields_complain (fields, "text", "nothing of it is visible");
    return;
  }
  rule->pattern = compile_pattern (text, &problem);
  if (!rule->pattern)
    ct_fields_complain (fields, "text", "no valid pattern: %s", problem->message);
}

/**
 * ct_guardrails_add:
 * @row: {"id", "kind": "phrase" or "pattern", "text", "channel"?: a channel's kind or "*", "severity",
 *   "category", "message"}
 * @where: names the row in messages
 *
 * Phrases are found as whole words, whatever their case, accents' form, spacing and quotes; patterns are regular
 * expressions without regard to case, bounded in size and effort.
 *
 * Returns: %FALSE with %CT_ERROR_INVALID
 */
gboolean
ct_guardrails_add (CtGuardrails *self, JsonObject *row, const char *where, GError **error)
{
  Rule *rule = g_new0 (Rule, 1);
  CtFields fields;

  ct_fields_init (&fields, row, where);
  rule->id = g_strdup (ct_fields_text (&fields, "id", 64));
  rule->channel = g_strdup (ct_fields_text_or (&fields, "channel", 64, "*"));
  rule->severity = (CtFindingSeverity) ct_fields_choice (&fields, "severity", severity_names, -1);
  rule->category = g_strdup (ct_fields_text (&fields, "category", 64));
  rule->message = g_strdup (ct_fields_text (&fields, "message", 500));
  read_matcher (rule, &fields, ct_fields_choice (&fields, "kind", kind_names, -1) == 1);
  if (self->rules->len >= MOST_RULES)
    ct_fields_complain (&fields, "id", "more than the %d guardrails allowed", MOST_RULES);
  if (!ct_fields_finish (&fields, error)) {
    rule_free (rule);
    return FALSE;
  }
  g_ptr_array_add (self->rules, rule);
  return TRUE;
}

/* (transfer full): from a list of rows; %NULL with %CT_ERROR_INVALID */
CtGuardrails *
ct_guardrails_parse_all (JsonNode *root, const char *where, GError **error)
{
  g_autoptr (CtGuardrails) self = ct_guardrails_new ();
  JsonArray *rows = JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;

  if (!rows) {
    ct_fail (error, CT_ERROR_INVALID, "%s: must be a list of objects", where);
    return NULL;
  }
  for (guint i = 0; i < json_array_get_length (rows); i++) {
    g_autofree char *place = g_strdup_printf ("%s[%u]", where, i);
    JsonNode *row = json_array_get_element (rows, i);

    if (!JSON_NODE_HOLDS_OBJECT (row)) {
      ct_fail (error, CT_ERROR_INVALID, "%s: must be an object", place);
      return NULL;
    }
    if (!ct_guardrails_add (self, json_node_get_object (row), place, error))
      return NULL;
  }
  return g_steal_pointer (&self);
}

/* Checking */

static void
find_phrase (const Rule *rule, const CtTextFold *folded, GPtrArray *findings)
{
  gsize from = 0, at;

  for (guint count = 0; count < MOST_PER_RULE && ct_text_fold_find (folded, &rule->phrase, from, &at);
       count++) {
    gsize offset = folded->source[at];

    from = at + rule->phrase.length;
    ct_guardrail_report (findings, rule->id, rule->category, rule->severity, rule->message, offset,
                         folded->source[from] - offset);
  }
}

/* What cannot be checked to the end is not let through. */
static void
find_pattern (const Rule *rule, const char *text, GPtrArray *findings)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GMatchInfo) match = NULL;
  int start, end;

  g_regex_match_full (rule->pattern, text, -1, 0, 0, &match, &problem);
  for (guint count = 0; !problem && count < MOST_PER_RULE && g_match_info_matches (match); count++) {
    if (g_match_info_fetch_pos (match, 0, &start, &end))
      ct_guardrail_report (findings, rule->id, rule->category, rule->severity, rule->message, (gsize) start,
                           (gsize) (end - start));
    g_match_info_next (match, &problem);
  }
  if (problem)
    ct_guardrail_report (
        findings, rule->id, "unchecked", CT_FINDING_ERROR,
        _ ("This guardrail's pattern takes too much effort on this text; simplify the pattern"), 0,
        strlen (text));
}

static gboolean
applies (const Rule *rule, const char *channel)
{
  return strcmp (rule->channel, "*") == 0 || strcmp (rule->channel, channel) == 0;
}

static int
compare_findings (gconstpointer a, gconstpointer b)
{
  const CtFinding *x = *(const CtFinding *const *) a, *y = *(const CtFinding *const *) b;

  if (x->offset != y->offset)
    return x->offset < y->offset ? -1 : 1;
  return x->severity != y->severity ? (int) y->severity - (int) x->severity : strcmp (x->rule, y->rule);
}

/**
 * ct_guardrails_check:
 * @channel: the kind of channel the text goes to: "slack", "email", …
 * @text: what would be sent; foreign bytes
 * @limits: (nullable): %NULL takes those of the channel
 *
 * Runs the built-in checks and every guardrail whose scope holds the channel.
 *
 * Returns: (transfer full) (element-type CtFinding): in the order of the text; empty: nothing found
 */
GPtrArray *
ct_guardrails_check (const CtGuardrails *self, const char *channel, const char *text,
                     const CtTextLimits *limits)
{
  GPtrArray *findings = g_ptr_array_new_with_free_func ((GDestroyNotify) ct_finding_free);
  CtTextLimits standard = ct_guardrails_limits (channel);
  g_auto (CtTextFold) folded = { 0 };

  if (strlen (text) > MOST_TEXT || !g_utf8_validate (text, -1, NULL)) {
    ct_guardrail_report (findings, "unreadable", "format", CT_FINDING_ERROR,
                         _ ("The text is not valid UTF-8, or longer than can be checked"), 0, strlen (text));
    return findings;
  }
  ct_guardrail_check_built_in (text, limits ? limits : &standard, findings);
  ct_text_fold_init (&folded, text);
  for (guint i = 0; i < self->rules->len; i++) {
    const Rule *rule = self->rules->pdata[i];

    if (applies (rule, channel)) {
      if (rule->pattern)
        find_pattern (rule, text, findings);
      else
        find_phrase (rule, &folded, findings);
    }
  }
  g_ptr_array_sort (findings, compare_findings);
  return findings;
}
