#include "ct-redact.h"

#define HIDDEN "[redacted]"

/* What a credential looks like in an address, a header or an error text. The first group is kept. */
static const char *const patterns[] = {
  "((?:proxy-)?authorization\\s*[:=]\\s*)[^\\r\\n]+",
  "((?:x-api-key|api-key|x-telegram-bot-api-secret-token|cookie|set-cookie)\\s*[:=]\\s*)[^\\r\\n]+",
  "(\\bbearer\\s+)[^\\s\"',;]+",
  "(/bot)[0-9]+:[A-Za-z0-9_-]+",
  "([?&;](?:sig|signature|token|access_token|api_?key|key|secret|password)=)[^&#\\s\"']*",
  "(\"(?:token|access_token|api_?key|secret|password)\"\\s*:\\s*\")(?:[^\"\\\\]|\\\\.)*",
  "(\\bxox[a-z]-|\\bxapp-)[A-Za-z0-9-]+",
  "(/services/)T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]+",
};

static GRegex *const *
compiled (void)
{
  static gsize once;
  static GRegex *table[G_N_ELEMENTS (patterns)];

  if (g_once_init_enter (&once)) {
    for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
      table[i] = g_regex_new (patterns[i], G_REGEX_CASELESS | G_REGEX_OPTIMIZE | G_REGEX_RAW, 0, NULL);
    g_once_init_leave (&once, 1);
  }
  return table;
}

/**
 * ct_redact:
 * @text: anything that is about to be logged or shown: an address, a header, an error's text
 *
 * The second line of defence: requests are described from their templates, which hold no credential; this hides
 * what a server or a library echoes.
 *
 * Returns: (transfer full): @text with every known form of a credential replaced
 */
char *
ct_redact (const char *text)
{
  GRegex *const *table = compiled ();
  char *out = g_strdup (text ? text : "");

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++) {
    char *next = g_regex_replace (table[i], out, -1, 0, "\\1" HIDDEN, 0, NULL);

    if (!next)
      continue;
    g_free (out);
    out = next;
  }
  return out;
}
