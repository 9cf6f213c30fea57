#include "ct-http-private.h"

#include "ct-base.h"

#include <string.h>

/* No provider parks a client for longer; a larger number is an error or an attack. */
#define RETRY_MOST_MS CT_MS_DAY

struct _CtHttpResponse {
  guint status;
  GHashTable *headers; /* (owned): name in lower case → value; repeated ones joined by ", " */
  GBytes *body;        /* (owned) */
};

static void
copy_header (const char *name, const char *value, gpointer headers)
{
  char *lower = g_ascii_strdown (name, -1);
  const char *before = g_hash_table_lookup (headers, lower);

  g_hash_table_insert (headers, lower, before ? g_strconcat (before, ", ", value, NULL) : g_strdup (value));
}

CtHttpResponse *
ct_http_response_new (guint status, SoupMessageHeaders *headers, GBytes *body)
{
  CtHttpResponse *self = g_new0 (CtHttpResponse, 1);

  self->status = status;
  self->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  soup_message_headers_foreach (headers, copy_header, self->headers);
  self->body = g_bytes_ref (body);
  return self;
}

void
ct_http_response_free (CtHttpResponse *self)
{
  if (!self)
    return;
  g_hash_table_unref (self->headers);
  g_bytes_unref (self->body);
  g_free (self);
}

guint
ct_http_response_status (const CtHttpResponse *self)
{
  return self->status;
}

/**
 * ct_http_response_header:
 * @name: in any case
 *
 * Returns: (transfer none) (nullable): the value
 */
const char *
ct_http_response_header (const CtHttpResponse *self, const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  return g_hash_table_lookup (self->headers, lower);
}

/* (transfer none): all of it, at most what the request allowed */
GBytes *
ct_http_response_body (const CtHttpResponse *self)
{
  return self->body;
}

static gboolean
parse_seconds (const char *text, gint64 *ms)
{
  gint64 seconds = 0;

  if (!g_ascii_isdigit (*text))
    return FALSE;
  for (; g_ascii_isdigit (*text); text++)
    seconds = MIN (seconds * 10 + (*text - '0'), RETRY_MOST_MS / CT_MS_SECOND);
  /* some providers write a fraction: a started second counts */
  if (*text == '.' && strspn (text + 1, "0123456789") == strlen (text + 1))
    seconds++;
  else if (*text)
    return FALSE;
  *ms = seconds * CT_MS_SECOND;
  return TRUE;
}

/**
 * ct_http_response_retry_at:
 * @now_ms: when the answer arrived
 *
 * Reads Retry-After, seconds or a date (RFC 9110, 10.2.3), at most a day ahead.
 *
 * Returns: the instant before which nothing more should be sent, or 0 where the answer names none
 */
gint64
ct_http_response_retry_at (const CtHttpResponse *self, gint64 now_ms)
{
  const char *text = ct_http_response_header (self, "retry-after");
  g_autoptr (GDateTime) date = NULL;
  gint64 ms;

  if (!text)
    return 0;
  if (parse_seconds (text, &ms))
    return now_ms + ms;
  date = soup_date_time_new_from_http_string (text);
  if (!date)
    return 0;
  return CLAMP (g_date_time_to_unix (date) * CT_MS_SECOND, now_ms, now_ms + RETRY_MOST_MS);
}
