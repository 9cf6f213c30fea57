/* What a login shall see, as an administrator types it: --scope region:west --until region:west=2026-12-31T18:00:00Z */
#include "ct-cli-grants.h"
#include "ct-time.h"

#include <string.h>

/* Names of sellers may hold an equals sign, what comes after the last one may not. */
static const char *
value_of (const char *text, gsize *scope_length)
{
  const char *sign = strrchr (text, '=');

  *scope_length = sign ? (gsize) (sign - text) : 0;
  return sign ? sign + 1 : text;
}

static gboolean
set_until (CtAdminGrant *grant, const char *text, const char *value, GError **error)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  char next[CT_DATE_SIZE];
  gint64 span;

  if (ct_date_valid (value)) {
    ct_date_from_days (ct_date_to_days (value) + 1, next);
    grant->until = ct_date_to_time (next, utc);
  } else if (ct_duration_parse (value, &span)) {
    grant->until = ct_time_now () + span;
  } else if (!ct_time_parse (value, &grant->until)) {
    return ct_cli_usage (error,
                         _ ("--%s: “%s” is not [SCOPE=]TIME, as 2026-06-04T09:00:00Z, 2026-06-04 as the last "
                            "day, or 30d from now"),
                         "until", text);
  }
  return TRUE;
}

static gboolean
set_days (CtAdminGrant *grant, const char *text, const char *value, GError **error)
{
  return g_ascii_string_to_signed (value, 10, 1, CT_ADMIN_MOST_DAYS, &grant->days, NULL) ||
         ct_cli_usage (error, _ ("--%s: “%s” is not [SCOPE=]DAYS, from 1 to %d"), "days", text,
                       CT_ADMIN_MOST_DAYS);
}

static const struct {
  const char *option;
  gboolean (*set) (CtAdminGrant *grant, const char *text, const char *value, GError **error);
} limits[] = { { "until", set_until }, { "days", set_days } };

/* "SCOPE=VALUE" is said of one scope, "VALUE" of all that are named. */
static gboolean
limit (GArray *grants, guint kind, const char *text, GError **error)
{
  gboolean found = FALSE;
  gsize length;
  const char *value = value_of (text, &length);

  for (guint i = 0; i < grants->len; i++) {
    CtAdminGrant *grant = &g_array_index (grants, CtAdminGrant, i);

    if (length > 0 && (strlen (grant->scope) != length || strncmp (grant->scope, text, length) != 0))
      continue;
    found = TRUE;
    if (!limits[kind].set (grant, text, value, error))
      return FALSE;
  }
  return found ||
         ct_cli_usage (error, _ ("--%s: “%s” is of no scope that --scope names"), limits[kind].option, text);
}

/**
 * ct_cli_grants:
 * @grants: (out) (transfer full) (nullable): of #CtAdminGrant, whose texts are the command line's; %NULL where there is
 *   no --scope
 *
 * Returns: %FALSE with %CT_ERROR_INVALID where what was typed cannot be understood
 */
gboolean
ct_cli_grants (CtCli *cli, GArray **grants, GError **error)
{
  GPtrArray *scopes = ct_cli_options (cli, "scope");
  g_autoptr (GArray) made = g_array_new (FALSE, TRUE, sizeof (CtAdminGrant));

  *grants = NULL;
  for (guint i = 0; scopes && i < scopes->len; i++) {
    CtAdminGrant grant = { .scope = scopes->pdata[i] };

    g_array_append_val (made, grant);
  }
  for (guint kind = 0; kind < G_N_ELEMENTS (limits); kind++) {
    GPtrArray *texts = ct_cli_options (cli, limits[kind].option);

    for (guint i = 0; texts && i < texts->len; i++)
      if (!limit (made, kind, texts->pdata[i], error))
        return FALSE;
  }
  if (made->len > 0)
    *grants = g_steal_pointer (&made);
  return TRUE;
}
