/* Where a server is, and whether a password may travel there. */
#include "ct-address.h"

#include <libpq-fe.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PQconninfoOption, PQconninfoFree)

/* (nullable) */
static const char *
value_of (const PQconninfoOption *options, const char *keyword)
{
  for (const PQconninfoOption *o = options; o && o->keyword; o++)
    if (g_str_equal (o->keyword, keyword))
      return o->val && *o->val ? o->val : NULL;
  return NULL;
}

/* (nullable): as the address says, else as the environment does (PGHOST and the like) */
static const char *
effective (const PQconninfoOption *given, const PQconninfoOption *defaults, const char *keyword)
{
  const char *value = value_of (given, keyword);

  return value ? value : value_of (defaults, keyword);
}

/* (transfer full) (nullable) */
static PQconninfoOption *
parse (const char *address, GError **error)
{
  char *problem = NULL;
  PQconninfoOption *options = PQconninfoParse (address, &problem);

  /* libpq's text may repeat the string, and that may hold a password */
  PQfreemem (problem);
  if (!options)
    ct_fail (error, CT_ERROR_INVALID, _ ("The server's address is not a libpq connection string"));
  return options;
}

/* Of several hosts each one counts: libpq tries them in turn. */
static gboolean
are_local (const char *hosts)
{
  g_auto (GStrv) list = g_strsplit (hosts, ",", -1);

  for (char **host = list; *host; host++)
    if (**host != '/' && **host != '@' && !g_str_equal (*host, "localhost") &&
        !g_str_equal (*host, "127.0.0.1") && !g_str_equal (*host, "::1"))
      return FALSE;
  return TRUE;
}

/* (transfer full) (nullable): the host if it is another machine; what the address leaves open the environment says */
static char *
other_machine (const PQconninfoOption *given)
{
  g_autoptr (PQconninfoOption) defaults = PQconndefaults ();
  const char *hosts = effective (given, defaults, "hostaddr");

  if (!hosts)
    hosts = effective (given, defaults, "host");
  return hosts && !are_local (hosts) ? g_strdup (hosts) : NULL;
}

/**
 * ct_address_check:
 * @conninfo: a libpq connection string or URI
 *
 * Passwords and rows may travel only over the machine itself or a verified TLS connection.
 */
gboolean
ct_address_check (const char *conninfo, GError **error)
{
  g_autoptr (PQconninfoOption) options = parse (conninfo, error);
  g_autoptr (PQconninfoOption) defaults = PQconndefaults ();
  g_autofree char *host = NULL;

  if (!options)
    return FALSE;
  if (value_of (options, "service") || value_of (defaults, "service"))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("A service file may lead anywhere: name the server itself, and unset PGSERVICE"));
  host = other_machine (options);
  if (!host || g_strcmp0 (value_of (options, "sslmode"), "verify-full") == 0)
    return TRUE;
  return ct_fail (error, CT_ERROR_REFUSED,
                  _ ("The server %s is not this machine: its address needs sslmode=verify-full"), host);
}

/* Whom the address signs in as; (transfer full) (nullable) */
char *
ct_address_user (const char *address)
{
  g_autoptr (PQconninfoOption) options = parse (address, NULL);
  g_autoptr (PQconninfoOption) defaults = PQconndefaults ();

  return options ? g_strdup (effective (options, defaults, "user")) : NULL;
}

/**
 * ct_address_origin:
 * @address: a libpq connection string or URI
 *
 * What a password for this server is bound to, in the form that tokens have: another machine is reached by TLS alone.
 *
 * Returns: (transfer full): scheme, host and port; %NULL with %CT_ERROR_INVALID where several hosts are named
 */
char *
ct_address_origin (const char *address, GError **error)
{
  g_autoptr (PQconninfoOption) options = parse (address, error);
  g_autoptr (PQconninfoOption) defaults = PQconndefaults ();
  g_autofree char *remote = options ? other_machine (options) : NULL;
  const char *host = remote ? remote : "localhost";
  const char *port = options ? effective (options, defaults, "port") : NULL;

  if (!options)
    return NULL;
  if (strchr (host, ',') || (port && strchr (port, ','))) {
    ct_fail (error, CT_ERROR_INVALID, _ ("A password is kept for one server: name one host and one port"));
    return NULL;
  }
  return g_strdup_printf (strchr (host, ':') ? "%s://[%s]:%s" : "%s://%s:%s", remote ? "https" : "http", host,
                          port ? port : "5432");
}

static void
append (GString *out, const char *keyword, const char *value)
{
  g_string_append_printf (out, "%s%s='", out->len ? " " : "", keyword);
  for (; *value; value++) {
    if (*value == '\'' || *value == '\\')
      g_string_append_c (out, '\\');
    g_string_append_c (out, *value);
  }
  g_string_append_c (out, '\'');
}

/**
 * ct_address_complete:
 * @address: what a person typed: everybody on the machine can read a command line, so it may hold no password
 * @password: (nullable): from elsewhere
 *
 * Returns: (transfer full): what libpq connects with: TLS is verified unless the server is this machine
 */
char *
ct_address_complete (const char *address, const char *password, GError **error)
{
  static const char *const secrets[] = { "password", "sslpassword" };
  g_autoptr (PQconninfoOption) options = parse (address, error);
  g_autofree char *host = options ? other_machine (options) : NULL;
  g_autoptr (GString) out = g_string_new (NULL);

  if (!options)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++) {
    if (value_of (options, secrets[i])) {
      ct_fail (error, CT_ERROR_INVALID,
               _ ("A password in the server's address can be read by everybody on this machine: leave it out "
                  "and use --password-file or libpq's ~/.pgpass"));
      return NULL;
    }
  }
  for (PQconninfoOption *o = options; o->keyword; o++)
    if (o->val)
      append (out, o->keyword, o->val);
  if (host && !value_of (options, "sslmode"))
    append (out, "sslmode", "verify-full");
  if (password)
    append (out, "password", password);
  return g_string_free (g_steal_pointer (&out), FALSE);
}
