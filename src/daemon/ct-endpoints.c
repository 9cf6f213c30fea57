/* GET /health, /metrics and the team's measures. */
#include "ct-endpoints.h"
#include "ct-workspace-health.h"
#include "ct-workspace-insight.h"

#include <string.h>

/* Of a token's file. */
#define TOKEN_LEAST 16
#define TOKEN_MOST  512

#define DAYS_DEFAULT 30
#define DAYS_MOST    3660

struct _CtEndpoints {
  CtWorkspace *workspace;   /* (unowned) */
  CtHttpListener *listener; /* (owned) */
  gint rounds, problems;    /* atomic: counted by the workers' thread */
};

/* Takes @object. */
static gboolean
give (CtHttpAnswer *answer, JsonObject *object, GError **error)
{
  g_autoptr (JsonNode) node = object ? json_node_init_object (json_node_alloc (), object) : NULL;

  if (!node)
    return FALSE;
  json_object_unref (object);
  answer->text = json_to_string (node, FALSE);
  return TRUE;
}

/* 503 where somebody must look: for load balancers and for those who watch the status alone */
static gboolean
health (CtEndpoints *self, GHashTable *query, CtHttpAnswer *answer, GError **error)
{
  JsonObject *object = ct_workspace_health (self->workspace, FALSE, NULL, error);

  if (object && !ct_json_bool (object, "ok", FALSE))
    answer->status = 503;
  return give (answer, object, error);
}

static gboolean
metrics (CtEndpoints *self, GHashTable *query, CtHttpAnswer *answer, GError **error)
{
  g_autofree char *gauges = ct_workspace_gauges (self->workspace, error);

  if (!gauges)
    return FALSE;
  answer->type = "text/plain; version=0.0.4; charset=utf-8";
  answer->text =
      g_strdup_printf ("%s"
                       "# HELP control_tower_rounds_total Rounds of work since the start\n"
                       "# TYPE control_tower_rounds_total counter\n"
                       "control_tower_rounds_total %d\n"
                       "# HELP control_tower_problems_total What went wrong in them\n"
                       "# TYPE control_tower_problems_total counter\n"
                       "control_tower_problems_total %d\n",
                       gauges, g_atomic_int_get (&self->rounds), g_atomic_int_get (&self->problems));
  return TRUE;
}

static gboolean
measures (CtEndpoints *self, GHashTable *query, CtHttpAnswer *answer, GError **error)
{
  const char *days = query ? g_hash_table_lookup (query, "days") : NULL;
  gint64 wanted = DAYS_DEFAULT;

  if (days && !g_ascii_string_to_signed (days, 10, 1, DAYS_MOST, &wanted, NULL)) {
    answer->status = 400;
    answer->text = g_strdup ("{\"error\":\"days is a number from 1 to 3660\"}");
    return TRUE;
  }
  return give (answer, ct_workspace_measures (self->workspace, wanted, error), error);
}

static gboolean
alerts (CtEndpoints *self, GHashTable *query, CtHttpAnswer *answer, GError **error)
{
  return give (answer, ct_workspace_alerts (self->workspace, error), error);
}

static const struct {
  const char *path;
  gboolean (*ask) (CtEndpoints *self, GHashTable *query, CtHttpAnswer *answer, GError **error);
} endpoints[] = {
  { "/health", health },
  { "/metrics", metrics },
  { "/v1/interactions/quality-metrics", measures },
  { "/v1/interactions/ops-alerts", alerts },
};

static gboolean
answer_cb (const char *path, GHashTable *query, CtHttpAnswer *answer, gpointer data, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++)
    if (g_str_equal (path, endpoints[i].path))
      return endpoints[i].ask (data, query, answer, error);
  return TRUE;
}

/* (transfer full) (nullable): the token, without the line's end */
static char *
read_token (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  g_strchomp (text);
  if (strlen (text) >= TOKEN_LEAST && length <= TOKEN_MOST)
    return g_steal_pointer (&text);
  ct_fail (error, CT_ERROR_INVALID, _ ("%s: a token has %d to %d characters"), path, TOKEN_LEAST, TOKEN_MOST);
  return NULL;
}

/**
 * ct_endpoints_new:
 * @address: see ct_http_listener_new()
 * @token_file: (nullable): holds what every question must carry
 *
 * Returns: (transfer full): answers on the default main context from now on
 */
CtEndpoints *
ct_endpoints_new (CtWorkspace *workspace, const char *address, const char *token_file, GError **error)
{
  CtEndpoints *self;
  char *token = token_file ? read_token (token_file, error) : NULL;

  if (token_file && !token)
    return NULL;
  self = g_new0 (CtEndpoints, 1);
  self->workspace = workspace;
  self->listener = ct_http_listener_new (address, token, answer_cb, self, error);
  if (token)
    explicit_bzero (token, strlen (token));
  g_free (token);
  if (self->listener)
    return self;
  g_free (self);
  return NULL;
}

void
ct_endpoints_free (CtEndpoints *self)
{
  if (!self)
    return;
  ct_http_listener_free (self->listener);
  g_free (self);
}

guint
ct_endpoints_port (CtEndpoints *self)
{
  return ct_http_listener_port (self->listener);
}

/* Counts a round; on any thread. */
void
ct_endpoints_count (CtEndpoints *self, guint problems)
{
  g_atomic_int_inc (&self->rounds);
  g_atomic_int_add (&self->problems, (gint) problems);
}
