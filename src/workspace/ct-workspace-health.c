/* How a workspace is: for towerctl health, towerd and the header of the window. */
#include "ct-workspace-health.h"
#include "ct-checkpoint.h"
#include "ct-log-sign.h"
#include "ct-migrate.h"
#include "ct-post-row.h"
#include "ct-rows.h"
#include "ct-workers.h"
#include "ct-workspace-connect.h"
#include "ct-workspace-insight.h"
#include "ct-workspace-log.h"

#include <string.h>

typedef struct {
  CtWorkspace *workspace; /* (unowned) */
  gboolean integrity;
  GCancellable *cancellable;
  JsonObject *health; /* (owned) */
} Reading;

#define COUNTS                                                                                               \
  "SELECT (SELECT count(*) FROM exceptions WHERE state = 'open') AS openExceptions, "                        \
  "(SELECT count(*) FROM follow_up_tasks WHERE status <> 'resolved') AS openTasks, "                         \
  "(SELECT count(*) FROM approvals WHERE state = 'pending') AS pendingApprovals, "                           \
  "(SELECT count(*) FROM outbox WHERE state IN ('ready', 'leased', 'sending')) AS waitingPosts, "            \
  "(SELECT count(*) FROM outbox WHERE state = 'ready' AND problem <> '') AS heldPosts, "                     \
  "(SELECT count(*) FROM outbox WHERE state = 'unknown') AS unknownPosts, "                                  \
  "(SELECT count(*) FROM outbox WHERE state = 'failed') AS failedPosts, "                                    \
  "(SELECT count(*) FROM dirty) AS toBeEvaluated, "                                                          \
  "(SELECT count(*) FROM attention WHERE settled_at IS NULL) + (SELECT count(*) FROM outbox "                \
  "WHERE state = 'unknown' OR (state = 'ready' AND problem <> '')) AS needsAttention"

#define CHANNELS                                                                                             \
  "SELECT c.name, c.kind, c.base_url AS baseUrl, "                                                           \
  "(SELECT json_group_array(d.destination) FROM channel_destinations d WHERE d.channel_id = c.id "           \
  "AND d.archived_at IS NULL) AS destinationsJson, "                                                         \
  "(SELECT max(p.sent_at) FROM outbox p WHERE p.channel = c.name) AS lastSentAt "                            \
  "FROM channels c WHERE c.archived_at IS NULL ORDER BY c.name"

static gboolean
add_workspace (Reading *self, CtDb *db, GError **error)
{
  g_autofree char *id =
      ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'workspace_id'", "");
  g_autofree char *device =
      id ? ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'device_id'", "") : NULL;
  g_autofree char *now = ct_time_format (ct_workspace_now (self->workspace));
  gint64 schema = 0;

  if (!device || !ct_db_read_int (db, &schema, error, "PRAGMA user_version", ""))
    return FALSE;
  json_object_set_string_member (self->health, "workspaceId", id);
  json_object_set_string_member (self->health, "deviceId", device);
  json_object_set_string_member (self->health, "folder", ct_workspace_get_folder (self->workspace));
  json_object_set_string_member (self->health, "environment", ct_workspace_get_environment (self->workspace));
  json_object_set_string_member (self->health, "mode",
                                 ct_workspace_is_connected (self->workspace) ? "connected" : "standalone");
  json_object_set_boolean_member (self->health, "trial", ct_workspace_is_trial (self->workspace));
  json_object_set_string_member (self->health, "actor", ct_workspace_get_actor (self->workspace));
  json_object_set_string_member (self->health, "timeZone",
                                 g_time_zone_get_identifier (ct_workspace_get_zone (self->workspace)));
  json_object_set_string_member (self->health, "now", now);
  json_object_set_int_member (self->health, "schemaVersion", schema);
  json_object_set_int_member (self->health, "newestSchemaVersion", ct_migrate_newest (NULL));
  return TRUE;
}

/* Of a server's log: what does not hold, and whether the last checkpoint is in the keyring as well. */
static gboolean
add_log_trouble (JsonObject *log, CtDb *db, GError **error)
{
  static const char *const members[] = { "trouble", "keyring", "unproved" };
  g_autoptr (JsonObject) described = ct_workspace_describe_log (db, error);

  if (described && ct_json_bool (described, "server", FALSE))
    for (guint i = 0; i < G_N_ELEMENTS (members); i++)
      json_object_set_member (log, members[i],
                              json_node_copy (json_object_get_member (described, members[i])));
  return described != NULL;
}

static gboolean
add_log (Reading *self, CtDb *db, GError **error)
{
  JsonObject *log = json_object_new ();
  g_autoptr (GError) none = NULL;
  g_autofree char *note = ct_log_checkpoint (db, &none);
  g_auto (CtCheckpoint) checkpoint = { 0 };
  const char *body = note ? strstr (note, "\n\n") : NULL;
  guint64 leaves = 0, covered = 0;

  json_object_set_object_member (self->health, "log", log);
  if (!ct_log_size (db, &leaves, &covered, error))
    return FALSE;
  json_object_set_int_member (log, "events", (gint64) leaves);
  json_object_set_int_member (log, "unsigned", (gint64) (leaves - MIN (covered, leaves)));
  if (body) {
    g_autofree char *text = g_strndup (note, (gsize) (body - note) + 1);
    g_autofree char *root = NULL;

    if (!ct_checkpoint_parse (text, &checkpoint, error))
      return FALSE;
    root = ct_hash_to_hex (&checkpoint.root);
    json_object_set_string_member (log, "origin", checkpoint.origin);
    json_object_set_int_member (log, "size", (gint64) checkpoint.size);
    json_object_set_string_member (log, "root", root);
  }
  return add_log_trouble (log, db, error);
}

/* How it stands with the server: in a few members, for who watches over many workspaces. */
static gboolean
add_sync (Reading *self, CtDb *db, GError **error)
{
  g_autoptr (JsonObject) status = ct_workspace_sync_status (db, error);

  if (!status)
    return FALSE;
  json_object_set_object_member (self->health, "sync",
                                 ct_json_build ("ssSiiSS", "mode", ct_json_string (status, "mode", ""),
                                                "state", ct_json_string (status, "state", ""), "lastSuccess",
                                                ct_json_string (status, "lastSuccess", NULL), "pending",
                                                ct_json_int (status, "pending", 0), "tray",
                                                ct_json_int (status, "inTray", 0), "lastError",
                                                ct_json_string (status, "lastError", NULL), "nextRetry",
                                                ct_json_string (status, "nextRetry", NULL)));
  return TRUE;
}

static gboolean
add_integrity (Reading *self, CtDb *db, GError **error)
{
  g_autofree char *answer = NULL;

  if (!self->integrity)
    return TRUE;
  ct_db_set_cancellable (db, self->cancellable);
  answer = ct_db_read_text (db, error, "PRAGMA quick_check(1)", "");
  if (answer)
    json_object_set_string_member (self->health, "integrity", answer);
  return answer != NULL;
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Reading *self = data;
  JsonObject *counts;
  JsonArray *channels;
  const char *sending = ct_sending_state (db);
  JsonObject *holder = ct_workers_holder (ct_workspace_get_folder (self->workspace));

  if (holder)
    json_object_set_object_member (self->health, "workers", holder);
  else
    json_object_set_null_member (self->health, "workers");
  if (!add_workspace (self, db, error) || !add_log (self, db, error))
    return FALSE;
  counts = ct_rows_one (db, error, COUNTS, "");
  if (!counts)
    return FALSE;
  json_object_set_object_member (self->health, "counts", counts);
  channels = ct_rows_array (db, error, CHANNELS, "");
  if (!channels)
    return FALSE;
  json_object_set_array_member (self->health, "channels", channels);
  json_object_set_boolean_member (self->health, "sendingStopped", ct_sending_is_stopped (sending));
  json_object_set_string_member (self->health, "sending", sending);
  return add_sync (self, db, error) && add_integrity (self, db, error);
}

/**
 * ct_workspace_health:
 * @integrity: read the whole file as well (PRAGMA quick_check): "integrity" is then "ok", or what is wrong
 *
 * Blocks. Returns: (transfer full): "workspaceId", "schemaVersion", "counts", "log", "workers", "channels", "sync", …;
 *   "alerts": what somebody should see to, as ct_workspace_alerts() has it;
 *   "ok" is whether nothing is wrong with the file
 */
JsonObject *
ct_workspace_health (CtWorkspace *self, gboolean integrity, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonObject) health = json_object_new ();
  Reading reading = { self, integrity, cancellable, health };
  g_autoptr (JsonObject) alerts = NULL;

  json_object_set_boolean_member (health, "ok", TRUE);
  if (!ct_store_read (ct_workspace_get_store (self), read_cb, &reading, error) ||
      !(alerts = ct_workspace_alerts (self, error)))
    return NULL;
  json_object_set_array_member (health, "alerts", json_array_ref (ct_json_array (alerts, "alerts")));
  json_object_set_boolean_member (health, "ok",
                                  g_str_equal (ct_json_string (health, "integrity", "ok"), "ok"));
  return g_steal_pointer (&health);
}
