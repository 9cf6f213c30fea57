/* The team's measures, alerts and gauges, as the programs hand them on. */
#include "ct-workspace-insight.h"
#include "ct-gauges.h"
#include "ct-measures.h"
#include "ct-workspace-connect.h"

/* How old the last success with the server may be. */
#define SYNC_LATE_MS     (5 * CT_MS_MINUTE)
#define SYNC_TOO_LATE_MS (15 * CT_MS_MINUTE)

typedef struct {
  gint64 now, from;
  JsonObject *object; /* (owned) (nullable) */
  JsonArray *array;   /* (owned) (nullable) */
} Reading;

static gboolean
measures_cb (CtDb *db, gpointer data, GError **error)
{
  Reading *self = data;

  self->object = ct_measures_read (db, self->from, self->now, error);
  return self->object != NULL;
}

/**
 * ct_workspace_measures:
 * @days: the period that ends now
 *
 * Blocks. Returns: (transfer full): see ct_measures_read()
 */
JsonObject *
ct_workspace_measures (CtWorkspace *self, gint64 days, GError **error)
{
  gint64 now = ct_workspace_now (self);
  Reading reading = { .now = now, .from = now - days * CT_MS_DAY };

  return ct_store_read (ct_workspace_get_store (self), measures_cb, &reading, error) ? reading.object : NULL;
}

static gboolean
alerts_cb (CtDb *db, gpointer data, GError **error)
{
  Reading *self = data;

  self->array = ct_measures_alerts (db, self->now, error);
  self->object = self->array ? ct_workspace_sync_status (db, error) : NULL;
  return self->object != NULL;
}

/* Where the server was never reached, it has been late since ever. */
static void
add_sync_age (JsonArray *alerts, JsonObject *status, gint64 now)
{
  const char *last = ct_json_string (status, "lastSuccess", NULL);
  gint64 at = 0, age;

  if (!g_str_equal (ct_json_string (status, "mode", ""), "connected"))
    return;
  if (last && !ct_time_parse (last, &at))
    return;
  age = now - at;
  if (age > SYNC_LATE_MS)
    json_array_add_object_element (
        alerts, ct_json_build (
                    "ssSSs", "alert", "sync-age", "severity", age > SYNC_TOO_LATE_MS ? "critical" : "warning",
                    "since", last, "detail", ct_json_string (status, "lastError", NULL), "advice",
                    _ ("Work goes on and is kept; see whether the server and the way to it are there")));
}

/**
 * ct_workspace_alerts:
 *
 * Blocks. Returns: (transfer full): {"alerts": see ct_measures_alerts(), with "sync-age"}
 */
JsonObject *
ct_workspace_alerts (CtWorkspace *self, GError **error)
{
  Reading reading = { .now = ct_workspace_now (self) };
  JsonObject *alerts = NULL;

  if (ct_store_read (ct_workspace_get_store (self), alerts_cb, &reading, error)) {
    add_sync_age (reading.array, reading.object, reading.now);
    alerts = ct_json_build ("a", "alerts", g_steal_pointer (&reading.array));
  }
  g_clear_pointer (&reading.array, json_array_unref);
  g_clear_pointer (&reading.object, json_object_unref);
  return alerts;
}

static gboolean
gauges_cb (CtDb *db, gpointer data, GError **error)
{
  return ct_gauges_append (db, data, error);
}

/* (transfer full): Prometheus's text form. Blocks. */
char *
ct_workspace_gauges (CtWorkspace *self, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  return ct_store_read (ct_workspace_get_store (self), gauges_cb, text, error)
             ? g_string_free (g_steal_pointer (&text), FALSE)
             : NULL;
}
