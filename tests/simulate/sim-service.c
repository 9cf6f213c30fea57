/* The team's service as towerd has it, a workspace with its workers, each round in a process of its own as it were; and a
 * provider that counts. What it hands out stands under an approval, and no approval is used twice. */
#include "sim-service.h"
#include "pg-workspace.h"
#include "ct-admin.h"
#include "ct-test-folder.h"
#include "ct-workers.h"
#include "ct-workspace-delivery.h"
#include "ct-workspace-trust.h"

#include <string.h>

#define LOGIN "robot"

struct _SimService {
  SimWorld *world; /* (unowned) */
  char *folder;    /* (owned) */
  guint seen;      /* messages of the provider's that were looked at */
  GHashTable *out; /* (owned) (element-type utf8): approvals of which a message went out */
};

static CtWorkspace *
open_at (const char *folder)
{
  g_autoptr (GError) error = NULL;
  CtWorkspace *workspace = ct_workspace_open (folder, &error);

  g_assert_no_error (error);
  return workspace;
}

static void
close_workspace (CtWorkspace *workspace)
{
  ct_workspace_close (workspace);
  g_object_unref (workspace);
}

/* The server's log is signed with the key that the service's workspace has. */
static void
give_log_key (PgServer *server, CtWorkspace *workspace)
{
  g_autoptr (CtSession) root = pg_server_login (server, SIM_TEMPLATE, "postgres");
  g_autoptr (GError) error = NULL;
  g_autoptr (CtSigner) signer = ct_workspace_get_log_signer (workspace, &error);
  g_autofree char *vkey = NULL;

  g_assert_no_error (error);
  vkey = ct_verifier_to_string (ct_signer_verifier (signer));
  ct_session_run (root, NULL, &error, "UPDATE audit.origin SET vkey = $1", "s", vkey);
  g_assert_no_error (error);
}

/* One round; what went wrong is said, for the next one tries again. */
static void
round_of (CtWorkspace *workspace, SimWorld *world)
{
  g_autoptr (CtWorkers) workers = ct_workers_new (workspace, "simulation");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) report = ct_workers_round (workers, TRUE, NULL, &error);
  JsonArray *problems = ct_json_array (report, "problems");

  g_assert_no_error (error);
  if (world) {
    JsonObject *delivery = ct_json_object (report, "delivery");

    sim_world_say (world, "%s: %d drafted, %d sent, %d failed, %d of unknown fate, %d waiting", LOGIN,
                   (int) ct_json_int (ct_json_object (report, "scheduler"), "drafted", 0),
                   (int) ct_json_int (delivery, "sent", 0), (int) ct_json_int (delivery, "failed", 0),
                   (int) ct_json_int (delivery, "unknown", 0), (int) ct_json_int (delivery, "waiting", 0));
  }
  for (guint i = 0; world && i < json_array_get_length (problems); i++)
    sim_world_say (world, "%s: %s", LOGIN, json_array_get_string_element (problems, i));
}

/* (transfer full): the folder of the workspace that every seed's service begins with; it has joined the template */
char *
sim_service_prepare (PgServer *server, SlackProcess *provider)
{
  char *folder = ct_test_folder ();
  g_autoptr (CtSession) root = pg_server_login (server, SIM_TEMPLATE, "postgres");
  g_autoptr (CtSecret) token = ct_secret_new (slack_process_url (provider), SLACK_TOKEN, NULL);
  g_autoptr (GError) error = NULL;
  CtWorkspace *workspace;

  pg_server_let_in (root, LOGIN, "agent");
  ct_session_script (root,
                     "SELECT sync.note_people();"
                     "INSERT INTO sync.grants SELECT '" LOGIN "', (sync.scope_ids(ARRAY['all']))[1]",
                     NULL, &error);
  g_assert_no_error (error);
  workspace = pg_workspace_join (server, SIM_TEMPLATE, LOGIN, folder);
  give_log_key (server, workspace);
  ct_workspace_store_token (workspace, "slack", token, TRUE, NULL, &error);
  g_assert_no_error (error);
  round_of (workspace, NULL);
  close_workspace (workspace);
  return folder;
}

static void
copy_folder (const char *from, const char *to)
{
  const char *argv[] = { "cp", "-aT", from, to, NULL };
  g_autoptr (GError) error = NULL;
  int status = 1;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
}

SimService *
sim_service_new (SimWorld *world)
{
  SimService *self = g_new0 (SimService, 1);
  g_autofree char *path = NULL;
  g_autofree char *address = pg_server_address (world->stage->server, world->database, LOGIN);
  g_autoptr (GError) error = NULL;
  g_autoptr (CtDb) db = NULL;

  self->world = world;
  self->folder = ct_test_folder ();
  self->out = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->seen = slack_process_count (world->stage->provider, "\"ts\"");
  copy_folder (world->stage->service, self->folder);
  path = g_build_filename (self->folder, "replica.db", NULL);
  db = ct_db_open (path, CT_DB_READ_WRITE, &error);
  g_assert_no_error (error);
  g_assert_true (ct_db_run (db, NULL, "UPDATE workspace SET value = ? WHERE key = 'server'", "s", address));
  return self;
}

void
sim_service_free (SimService *self)
{
  ct_test_remove (self->folder);
  g_free (self->folder);
  g_hash_table_unref (self->out);
  g_free (self);
}

/* What a person does once at the service: its signatures count from then on, and those of devices that it vouches for. */
void
sim_service_trust (SimService *self, const CtId *device, const guint8 public_key[32])
{
  CtWorkspace *workspace = open_at (self->folder);
  g_autofree char *id = ct_id_to_string (device), *key = NULL;
  g_autoptr (JsonObject) description = NULL, pin = NULL;
  g_autoptr (GError) error = NULL;
  CtHash hash;

  memcpy (hash.bytes, public_key, sizeof hash.bytes);
  key = ct_hash_to_hex (&hash);
  description = ct_json_build ("sss", "id", id, "publicKey", key, "label", "an administrator's");
  pin = ct_workspace_trust (workspace, description, &error);
  g_assert_no_error (error);
  close_workspace (workspace);
}

/* At this moment nobody else does anything: the approval must stand, of just these bytes, by somebody who could give it, and
 * the log has it. */
static gboolean
check_message (SimService *self, JsonObject *message)
{
  JsonObject *payload = ct_json_object (ct_json_object (message, "metadata"), "event_payload");
  const char *key = ct_json_string (payload, "key", "");
  g_autofree char *sql = NULL;
  CtId id;

  sim_world_say (self->world, "%s: a message went out for approval %s", LOGIN, key);
  sim_world_count (self->world, "posts");
  if (!ct_id_parse (key, &id))
    return sim_world_fail (self->world, "a message went out that names no approval");
  if (!g_hash_table_add (self->out, g_strdup (key)))
    return sim_world_fail (self->world, "the post of approval %s went out twice", key);
  sql = g_strdup_printf (
      "SELECT count(*) FROM app.approvals a JOIN app.outbox p ON p.approval_id = a.id WHERE a.id = '%s' AND "
      "a.state = 'approved' AND num_nulls(a.signature, a.nonce, a.device_id, a.decided_by) = 0"
      " AND p.wire = a.wire AND sha256(a.wire) = a.payload_sha256 AND a.decided_role IN (a.owner, 'admin')"
      " AND NOT (a.policy::jsonb ->> 'kind' = 'four_eyes' AND coalesce(a.edited_by = a.decided_by, false))"
      " AND EXISTS (SELECT FROM audit.leaves l WHERE l.leaf::jsonb ->> 'action' = 'approval.approve'"
      " AND l.leaf::jsonb ->> 'object_id' = a.id::text AND l.leaf::jsonb ->> 'actor' = a.decided_by"
      " AND l.leaf::jsonb ->> 'outbox_key' = encode(a.payload_sha256, 'hex'))",
      key);
  return sim_world_number (self->world, sql) == 1 ||
         sim_world_fail (self->world, "a message went out for %s, which is not approved", key);
}

static gboolean
check_messages (SimService *self)
{
  g_autofree char *text = slack_process_messages (self->world->stage->provider);
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 1 << 26, NULL);
  JsonArray *messages = ct_json_array (json_node_get_object (node), "messages");

  for (; self->seen < json_array_get_length (messages); self->seen++)
    if (!check_message (self, json_array_get_object_element (messages, self->seen)))
      return FALSE;
  return TRUE;
}

/* A round, with a provider that now and then fails before or after it has taken a message. */
gboolean
sim_service_work (SimService *self)
{
  static const char *const faults[] = { "", "", "", "", "drop-after:1", "drop-after:1", "drop:1", "500:1" };
  const char *fault = sim_random_of (&self->world->random, faults);
  CtWorkspace *workspace = open_at (self->folder);

  if (*fault)
    sim_world_say (self->world, "%s: at the provider: %s", LOGIN, fault);
  slack_process_fail (self->world->stage->provider, fault);
  round_of (workspace, self->world);
  close_workspace (workspace);
  return check_messages (self);
}
