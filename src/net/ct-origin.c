#include "ct-origin.h"

#include "ct-base.h"

#include <string.h>

static gboolean
is_loopback_host (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address)
    return g_inet_address_get_is_loopback (address);
  /* GLib resolves this one name to loopback whatever the resolver says (RFC 6761, 6.3) */
  return g_ascii_strcasecmp (host, "localhost") == 0;
}

static gboolean
check_uri (GUri *uri, const char *base_url, GError **error)
{
  const char *scheme = g_uri_get_scheme (uri);
  const char *host = g_uri_get_host (uri);

  if (!host || !*host)
    return ct_fail (error, CT_ERROR_INVALID, _ ("The address “%s” names no host"), base_url);
  for (const char *p = host; *p; p++)
    if (!g_ascii_isgraph (*p) || strchr ("/\\@?#%", *p))
      return ct_fail (error, CT_ERROR_INVALID,
                      _ ("The host of the address “%s” has characters that a host name does not have"),
                      base_url);
  if (g_uri_get_userinfo (uri))
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("An address must not hold a user name or password: store the token by itself"));
  if (g_uri_get_query (uri) || g_uri_get_fragment (uri))
    return ct_fail (error, CT_ERROR_INVALID, _ ("An address ends before any “?” or “#”"));
  if (strcmp (scheme, "https") == 0)
    return TRUE;
  if (strcmp (scheme, "http") == 0 && is_loopback_host (host))
    return TRUE;
  return ct_fail (error, CT_ERROR_INVALID,
                  _ ("The address “%s” must begin with https:// (http:// only for this machine itself)"),
                  base_url);
}

static char *
format_origin (GUri *uri)
{
  const char *scheme = g_uri_get_scheme (uri);
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
  gboolean v6 = strchr (host, ':') != NULL;
  int port = g_uri_get_port (uri), usual = strcmp (scheme, "https") == 0 ? 443 : 80;

  if (port <= 0 || port == usual)
    return g_strdup_printf (v6 ? "%s://[%s]" : "%s://%s", scheme, host);
  return g_strdup_printf (v6 ? "%s://[%s]:%d" : "%s://%s:%d", scheme, host, port);
}

/**
 * ct_origin_parse:
 * @base_url: what a person gave: `https://slack.com`, `http://127.0.0.1:8080/slack/`
 * @origin: (out) (optional): scheme, host and port in one normal form, without a usual port
 * @prefix: (out) (optional): the path before every request's own, without a closing slash; often empty
 *
 * What a secret is bound to. HTTPS is required of every host but this machine itself.
 *
 * Returns: whether the address may be used; otherwise %CT_ERROR_INVALID
 */
gboolean
ct_origin_parse (const char *base_url, char **origin, char **prefix, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GError) problem = NULL;

  g_return_val_if_fail (base_url != NULL, FALSE);

  uri = g_uri_parse (base_url, G_URI_FLAGS_ENCODED, &problem);
  if (!uri)
    return ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is not an address: %s"), base_url, problem->message);
  if (!check_uri (uri, base_url, error))
    return FALSE;
  if (origin)
    *origin = format_origin (uri);
  if (prefix) {
    char *path = g_strdup (g_uri_get_path (uri));

    for (gsize n = strlen (path); n > 0 && path[n - 1] == '/'; n--)
      path[n - 1] = '\0';
    *prefix = path;
  }
  return TRUE;
}

/**
 * ct_origin_is_loopback:
 *
 * Returns: whether what is sent to @origin (or any address under it) stays on this machine
 */
gboolean
ct_origin_is_loopback (const char *origin)
{
  g_autoptr (GUri) uri = origin ? g_uri_parse (origin, G_URI_FLAGS_ENCODED, NULL) : NULL;

  return uri && g_uri_get_host (uri) && is_loopback_host (g_uri_get_host (uri));
}
