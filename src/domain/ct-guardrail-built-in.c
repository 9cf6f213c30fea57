#include "ct-guardrail-private.h"

#include "ct-base.h"
#include "ct-number.h"
#include "ct-text-fold.h"

#include <string.h>

#define MOST_PLACEHOLDER 80

/* What each provider takes (INTEGRATIONS.md), and DOMAIN.md's 20 to 300 for public answers. */
static const struct {
  const char *channel;
  CtTextLimits limits;
} channel_limits[] = {
  { "slack", { 1, 4000 } },    { "telegram", { 1, 4096 } }, { "whatsapp", { 1, 4096 } },
  { "teams", { 1, 20000 } },   { "email", { 1, 20000 } },   { "review", { 20, 300 } },
  { "question", { 20, 300 } }, { "chat", { 1, 1000 } },
};

/* The limits of a kind of channel; 1 to 4000 characters for one that is not listed. */
CtTextLimits
ct_guardrails_limits (const char *channel)
{
  for (guint i = 0; i < G_N_ELEMENTS (channel_limits); i++)
    if (strcmp (channel_limits[i].channel, channel) == 0)
      return channel_limits[i].limits;
  return (CtTextLimits){ 1, 4000 };
}

static gboolean
is_pictograph (gunichar c)
{
  return g_unichar_type (c) == G_UNICODE_OTHER_SYMBOL || (c >= 0x1f3fb && c <= 0x1f3ff) || c == 0xfe0f;
}

/* Emoji are written with joiners and selectors: those between and after pictographs are seen, as part of them. */
static gboolean
belongs_to_emoji (gunichar before, gunichar c, gunichar after)
{
  if (c == 0x200d)
    return is_pictograph (before) && is_pictograph (after);
  return c == 0xfe0f &&
         (is_pictograph (before) || g_unichar_isdigit (before) || before == '#' || before == '*');
}

static void
check_characters (const char *text, GPtrArray *findings)
{
  gunichar before = 0;

  for (const char *at = text; *at;) {
    const char *next = g_utf8_next_char (at);
    gunichar c = g_utf8_get_char (at);

    if (ct_text_char_is_bidirectional (c))
      ct_guardrail_report (
          findings, "bidirectional-character", "deception", CT_FINDING_ERROR,
          _ ("A character here changes the direction of the text and can make it read differently"),
          (gsize) (at - text), (gsize) (next - at));
    else if (ct_text_char_is_invisible (c) && !belongs_to_emoji (before, c, g_utf8_get_char (next)))
      ct_guardrail_report (findings, "invisible-character", "deception", CT_FINDING_ERROR,
                           _ ("There is a character here that cannot be seen"), (gsize) (at - text),
                           (gsize) (next - at));
    before = c;
    at = next;
  }
}

static void
check_length (const char *text, const CtTextLimits *limits, GPtrArray *findings)
{
  glong length = g_utf8_strlen (text, -1);
  gsize bytes = strlen (text);

  if (limits->most && length > (glong) limits->most) {
    gsize allowed = (gsize) (g_utf8_offset_to_pointer (text, limits->most) - text);
    g_autofree char *message =
        g_strdup_printf (_ ("The text has %ld characters; this channel takes %u"), length, limits->most);

    ct_guardrail_report (findings, "too-long", "format", CT_FINDING_ERROR, message, allowed, bytes - allowed);
  }
  if (ct_text_is_blank (text) || length < (glong) limits->least) {
    g_autofree char *message = g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "The text has %ld character; at least %u are needed",
                     "The text has %ld characters; at least %u are needed", (gulong) (length)),
        length, MAX (limits->least, 1));

    ct_guardrail_report (findings, "too-short", "format", CT_FINDING_ERROR, message, 0, bytes);
  }
}

/* "{amount}" that nobody filled in. */
static void
check_placeholders (const char *text, GPtrArray *findings)
{
  for (const char *open = strchr (text, '{'); open; open = strchr (open + 1, '{')) {
    gsize length = strcspn (open + 1, "{}\n");

    if (open[length + 1] == '}' && length > 0 && length <= MOST_PLACEHOLDER)
      ct_guardrail_report (findings, "unresolved-placeholder", "format", CT_FINDING_ERROR,
                           _ ("A placeholder was not filled in"), (gsize) (open - text), length + 2);
  }
}

/* DESIGN.md, section 5: no draft may quote a number that the authority has not given. */
static void
check_numbers (const char *text, GPtrArray *findings)
{
  const char *at = text;
  gsize length;

  while ((at = ct_number_find_provisional (at, &length))) {
    ct_guardrail_report (findings, "provisional-number", "format", CT_FINDING_ERROR,
                         _ ("This number is provisional and will change; wait until it has been given"),
                         (gsize) (at - text), length);
    at += length;
  }
}

/* The checks that no configuration turns off; (internal). */
void
ct_guardrail_check_built_in (const char *text, const CtTextLimits *limits, GPtrArray *findings)
{
  check_characters (text, findings);
  check_length (text, limits, findings);
  check_placeholders (text, findings);
  check_numbers (text, findings);
}
