#include "ct-approval-text.h"

#include <string.h>

/* Longer texts are compared by lines, so that the table stays small. */
#define MOST_WORDS 1200

/* Letters that hide, join, or turn the direction of others: what is read is not what is sent. */
static gboolean
is_hidden (gunichar c)
{
  if (c == '\n' || c == '\t')
    return FALSE;
  if (c == 0x00AD || c == 0x034F || c == 0x115F || c == 0x1160 || c == 0x3164 || c == 0xFFA0)
    return TRUE;
  switch (g_unichar_type (c)) {
  case G_UNICODE_CONTROL:
  case G_UNICODE_FORMAT:
  case G_UNICODE_PRIVATE_USE:
  case G_UNICODE_UNASSIGNED:
  case G_UNICODE_LINE_SEPARATOR:
  case G_UNICODE_PARAGRAPH_SEPARATOR:
    return TRUE;
  case G_UNICODE_SPACE_SEPARATOR:
    return c != ' ' && c != 0x00A0 && c != 0x202F;
  default:
    return FALSE;
  }
}

/* Whether byte @at lies in a finding, and how grave the gravest is: 0 none, 1 warning, 2 error. */
static int
finding_at (JsonArray *findings, gsize at)
{
  int worst = 0;

  for (guint i = 0; findings && i < json_array_get_length (findings); i++) {
    JsonNode *node = json_array_get_element (findings, i);
    JsonObject *finding = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    gint64 offset = finding ? ct_json_int (finding, "offset", -1) : -1;
    gint64 length = finding ? ct_json_int (finding, "length", 0) : 0;

    if (offset >= 0 && length > 0 && (gint64) at >= offset && (gint64) at - offset < length)
      worst = MAX (worst, g_strcmp0 (ct_json_string (finding, "severity", ""), "error") == 0 ? 2 : 1);
  }
  return worst;
}

static void
append_letter (GString *out, const char *start, const char *end)
{
  g_autofree char *escaped = g_markup_escape_text (start, end - start);

  g_string_append (out, escaped);
}

/**
 * ct_approval_text_markup:
 * @text: valid UTF-8
 * @findings: (nullable): of the guardrails, with offsets into @text
 * @n_hidden: (out): letters that hide or turn direction
 *
 * Returns: (transfer full): Pango markup: hidden letters by their code points, findings underlined
 */
char *
ct_approval_text_markup (const char *text, JsonArray *findings, guint *n_hidden)
{
  static const char *const opens[] = { "", "<span underline=\"single\" weight=\"bold\">",
                                       "<span underline=\"error\" weight=\"bold\">" };
  g_autoptr (GString) out = g_string_new (NULL);
  int inside = 0;

  *n_hidden = 0;
  for (const char *cursor = text; *cursor; cursor = g_utf8_next_char (cursor)) {
    gunichar c = g_utf8_get_char (cursor);
    int finding = finding_at (findings, cursor - text);

    if (finding != inside) {
      g_string_append (out, inside ? "</span>" : "");
      g_string_append (out, opens[finding]);
      inside = finding;
    }
    if (is_hidden (c)) {
      g_string_append_printf (
          out, "<span background=\"#c01c28\" foreground=\"#ffffff\" size=\"smaller\">[U+%04X]</span>", c);
      (*n_hidden)++;
    } else {
      append_letter (out, cursor, g_utf8_next_char (cursor));
    }
  }
  g_string_append (out, inside ? "</span>" : "");
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* Words with the space behind them, or lines; (transfer full) (element-type utf8). */
static GPtrArray *
split (const char *text, gboolean by_lines)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_free);
  const char *start = text;

  for (const char *cursor = text; *cursor; cursor++) {
    gboolean ends = by_lines ? *cursor == '\n' : g_ascii_isspace (*cursor) && !g_ascii_isspace (cursor[1]);

    if (ends) {
      g_ptr_array_add (parts, g_strndup (start, cursor + 1 - start));
      start = cursor + 1;
    }
  }
  if (*start)
    g_ptr_array_add (parts, g_strdup (start));
  return parts;
}

static void
append_part (GString *out, char kind, const char *part)
{
  g_autofree char *escaped = g_markup_escape_text (part, -1);

  if (kind == '-')
    g_string_append_printf (out, "<span strikethrough=\"true\" foreground=\"#c01c28\">%s</span>", escaped);
  else if (kind == '+')
    g_string_append_printf (out, "<span underline=\"single\" weight=\"bold\">%s</span>", escaped);
  else
    g_string_append (out, escaped);
}

/* Longest common subsequence: lengths[i][j] is that of the rest from i and j on. */
static guint16 *
compare (GPtrArray *a, GPtrArray *b)
{
  gsize width = b->len + 1;
  guint16 *lengths = g_new0 (guint16, (a->len + 1) * width);

  for (int i = (int) a->len - 1; i >= 0; i--)
    for (int j = (int) b->len - 1; j >= 0; j--)
      lengths[i * width + j] = strcmp (a->pdata[i], b->pdata[j]) == 0
                                   ? lengths[(i + 1) * width + j + 1] + 1
                                   : MAX (lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
  return lengths;
}

static char *
merge (GPtrArray *a, GPtrArray *b)
{
  g_autofree guint16 *lengths = compare (a, b);
  g_autoptr (GString) out = g_string_new (NULL);
  gsize width = b->len + 1;
  guint i = 0, j = 0;

  while (i < a->len || j < b->len)
    if (i < a->len && j < b->len && strcmp (a->pdata[i], b->pdata[j]) == 0) {
      append_part (out, ' ', a->pdata[i++]);
      j++;
    } else if (j == b->len || (i < a->len && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      append_part (out, '-', a->pdata[i++]);
    } else {
      append_part (out, '+', b->pdata[j++]);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* What a person made of a draft: what went is struck through, what came is underlined; Pango markup, (transfer full). */
char *
ct_approval_text_diff (const char *before, const char *after)
{
  g_autoptr (GPtrArray) a = split (before, FALSE);
  g_autoptr (GPtrArray) b = split (after, FALSE);

  if (a->len <= MOST_WORDS && b->len <= MOST_WORDS)
    return merge (a, b);
  g_ptr_array_unref (a);
  g_ptr_array_unref (b);
  a = split (before, TRUE);
  b = split (after, TRUE);
  g_ptr_array_set_size (a, MIN (a->len, MOST_WORDS));
  g_ptr_array_set_size (b, MIN (b->len, MOST_WORDS));
  return merge (a, b);
}
