#include "ct-http-private.h"

#include "ct-base.h"
#include "ct-origin.h"

#include <sodium.h>
#include <string.h>

#define PLACEHOLDER "{secret}"
#define PATH_MOST   4096

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };

static gboolean
check_path (const char *path, GError **error)
{
  if (*path != '/')
    return ct_fail (error, CT_ERROR_INVALID, _ ("A request's path begins with “/”, not “%s”"), path);
  if (strlen (path) > PATH_MOST)
    return ct_fail (error, CT_ERROR_INVALID, _ ("A request's path is longer than %d bytes"), PATH_MOST);
  for (const char *p = path; *p; p++)
    if (!g_ascii_isgraph (*p) || strchr ("?#\\", *p))
      return ct_fail (error, CT_ERROR_INVALID,
                      _ ("A request's path has a character to be encoded, at byte %zu"),
                      (gsize) (p - path) + 1);
  return TRUE;
}

/**
 * ct_http_request_new:
 * @method: GET, POST, PUT, PATCH or DELETE
 * @base_url: as for ct_origin_parse(); what stands after its host goes before @path
 * @path: encoded, begins with "/"; may hold "{secret}" once, see %CT_HTTP_PATH
 *
 * Returns: (transfer full): the request, or %NULL with %CT_ERROR_INVALID
 */
CtHttpRequest *
ct_http_request_new (const char *method, const char *base_url, const char *path, GError **error)
{
  g_autofree char *origin = NULL;
  g_autofree char *prefix = NULL;
  CtHttpRequest *self;

  g_return_val_if_fail (method && base_url && path, NULL);

  if (ct_text_index (methods, method) < 0) {
    ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is not a method that is sent"), method);
    return NULL;
  }
  if (!ct_origin_parse (base_url, &origin, &prefix, error) || !check_path (path, error))
    return NULL;
  self = g_new0 (CtHttpRequest, 1);
  g_atomic_ref_count_init (&self->refs);
  self->method = g_strdup (method);
  self->origin = g_steal_pointer (&origin);
  self->path = g_strconcat (prefix, path, NULL);
  self->query = g_string_new (NULL);
  self->headers = g_ptr_array_new_with_free_func (g_free);
  self->timeout_ms = CT_HTTP_TIMEOUT_MS;
  self->body_max = CT_HTTP_BODY_MAX;
  return self;
}

CtHttpRequest *
ct_http_request_ref (CtHttpRequest *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
ct_http_request_unref (CtHttpRequest *self)
{
  if (!self || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->method);
  g_free (self->origin);
  g_free (self->path);
  g_string_free (self->query, TRUE);
  g_ptr_array_unref (self->headers);
  g_free (self->content_type);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_pointer (&self->secret, ct_secret_unref);
  g_free (self->secret_name);
  g_free (self);
}

/* Encodes both; a parameter may be repeated. */
void
ct_http_request_add_query (CtHttpRequest *self, const char *name, const char *value)
{
  g_autofree char *left = NULL;
  g_autofree char *right = NULL;

  g_return_if_fail (self && name && value);

  left = g_uri_escape_string (name, NULL, FALSE);
  right = g_uri_escape_string (value, NULL, FALSE);
  g_string_append_printf (self->query, "%s%s=%s", self->query->len ? "&" : "", left, right);
}

static gboolean
check_header (const char *name, const char *value, GError **error)
{
  gboolean good = *name != '\0';

  for (const char *p = name; *p; p++)
    good &= g_ascii_isalnum (*p) || strchr ("-_", *p) != NULL;
  for (const char *p = value; *p; p++)
    good &= *p == '\t' || g_ascii_isprint (*p);
  return good || ct_fail (error, CT_ERROR_INVALID,
                          _ ("The header “%s” has characters that a header cannot have"), name);
}

/**
 * ct_http_request_set_header:
 *
 * Not for credentials: they go through ct_http_request_set_secret().
 *
 * Returns: whether it is well formed; otherwise %CT_ERROR_INVALID
 */
gboolean
ct_http_request_set_header (CtHttpRequest *self, const char *name, const char *value, GError **error)
{
  g_return_val_if_fail (self && name && value, FALSE);

  if (!check_header (name, value, error))
    return FALSE;
  g_ptr_array_add (self->headers, g_strdup (name));
  g_ptr_array_add (self->headers, g_strdup (value));
  return TRUE;
}

void
ct_http_request_set_body (CtHttpRequest *self, const char *content_type, GBytes *body)
{
  g_return_if_fail (self && content_type && body);

  g_bytes_ref (body);
  g_clear_pointer (&self->body, g_bytes_unref);
  self->body = body;
  g_free (self->content_type);
  self->content_type = g_strdup (content_type);
}

/**
 * ct_http_request_set_secret:
 * @secret: what authenticates the request
 * @placement: where it goes
 * @name: (nullable): the header or query parameter, for %CT_HTTP_HEADER and %CT_HTTP_QUERY
 *
 * Returns: whether @secret may be sent there: %CT_ERROR_REFUSED where it was stored for another origin
 */
gboolean
ct_http_request_set_secret (CtHttpRequest *self, CtSecret *secret, CtHttpPlacement placement,
                            const char *name, GError **error)
{
  const char *found = strstr (self->path, PLACEHOLDER);

  g_return_val_if_fail (self && secret, FALSE);
  g_return_val_if_fail (name || (placement != CT_HTTP_HEADER && placement != CT_HTTP_QUERY), FALSE);

  if (!ct_secret_value (secret, self->origin, error))
    return FALSE;
  if (placement == CT_HTTP_HEADER && !check_header (name, "", error))
    return FALSE;
  if (placement == CT_HTTP_PATH && (!found || strstr (found + 1, PLACEHOLDER)))
    return ct_fail (error, CT_ERROR_INVALID, _ ("The path has no single “%s” for the token"), PLACEHOLDER);
  ct_secret_ref (secret);
  g_clear_pointer (&self->secret, ct_secret_unref);
  self->secret = secret;
  self->placement = placement;
  g_free (self->secret_name);
  self->secret_name = g_strdup (name);
  return TRUE;
}

/* The time of the whole exchange, from resolving the name to the answer's last byte. */
void
ct_http_request_set_timeout (CtHttpRequest *self, gint64 ms)
{
  g_return_if_fail (self && ms > 0);

  self->timeout_ms = ms;
}

void
ct_http_request_set_body_max (CtHttpRequest *self, gsize bytes)
{
  g_return_if_fail (self);

  self->body_max = bytes;
}

const char *
ct_http_request_origin (const CtHttpRequest *self)
{
  return self->origin;
}

/**
 * ct_http_request_describe:
 *
 * Returns: (transfer full): method, origin and path, for a message or a log: no credential, no query
 */
char *
ct_http_request_describe (const CtHttpRequest *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_strdup_printf ("%s %s%s", self->method, self->origin, self->path);
}

static void
wipe_free (char *text)
{
  if (text)
    sodium_memzero (text, strlen (text));
  g_free (text);
}

/* The address as it goes out; @value is the credential or NULL. */
static char *
build_address (const CtHttpRequest *self, const char *value)
{
  GString *address = g_string_new (self->origin);
  const char *hole = value && self->placement == CT_HTTP_PATH ? strstr (self->path, PLACEHOLDER) : NULL;
  char mark = '?';

  if (hole) {
    g_string_append_len (address, self->path, hole - self->path);
    g_string_append_uri_escaped (address, value, ":", FALSE);
    g_string_append (address, hole + strlen (PLACEHOLDER));
  } else {
    g_string_append (address, self->path);
  }
  if (self->query->len) {
    g_string_append_printf (address, "%c%s", mark, self->query->str);
    mark = '&';
  }
  if (value && self->placement == CT_HTTP_QUERY) {
    g_string_append_printf (address, "%c%s=", mark, self->secret_name);
    g_string_append_uri_escaped (address, value, NULL, FALSE);
  }
  return g_string_free (address, FALSE);
}

static void
set_secret_header (const CtHttpRequest *self, SoupMessageHeaders *headers, const char *value)
{
  gboolean bearer = self->placement == CT_HTTP_BEARER;
  char *line = g_strconcat (bearer ? "Bearer " : "", value, NULL);

  soup_message_headers_replace (headers, bearer ? "Authorization" : self->secret_name, line);
  wipe_free (line);
}

/**
 * ct_http_request_to_message:
 *
 * Returns: (transfer full): what libsoup sends: on a connection of its own, no redirect followed
 */
SoupMessage *
ct_http_request_to_message (const CtHttpRequest *self, GError **error)
{
  const char *value = NULL;
  SoupMessage *message;
  char *address;

  if (self->secret && !(value = ct_secret_value (self->secret, self->origin, error)))
    return NULL;
  address = build_address (self, value);
  message = soup_message_new (self->method, address);
  wipe_free (address);
  if (!message) {
    ct_fail (error, CT_ERROR_INVALID, _ ("The address %s%s cannot be sent to"), self->origin, self->path);
    return NULL;
  }
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_NEW_CONNECTION);
  for (guint i = 0; i + 1 < self->headers->len; i += 2)
    soup_message_headers_replace (soup_message_get_request_headers (message), self->headers->pdata[i],
                                  self->headers->pdata[i + 1]);
  if (value && (self->placement == CT_HTTP_BEARER || self->placement == CT_HTTP_HEADER))
    set_secret_header (self, soup_message_get_request_headers (message), value);
  if (self->body)
    soup_message_set_request_body_from_bytes (message, self->content_type, self->body);
  return message;
}
