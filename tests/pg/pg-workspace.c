/* Real workspaces at a server of the test's own. */
#include "pg-workspace.h"
#include "ct-workspace-connect.h"
#include "ct-workspace-device.h"

static void
enrol (PgServer *server, const char *database, const char *login, JsonObject *device)
{
  g_autoptr (CtSession) ada = pg_server_login (server, database, "ada");
  g_autoptr (GError) error = NULL;
  CtHash last;
  CtId id;

  g_assert_true (ct_id_parse (ct_json_string (device, "id", NULL), &id));
  g_assert_true (ct_hash_from_hex (ct_json_string (device, "lastSha256", NULL), &last));
  ct_push_enrol (ada, &id, login, "a test's", NULL, ct_json_int (device, "commands", 0), &last, NULL, NULL,
                 &error);
  g_assert_no_error (error);
}

static gboolean
describe_cb (CtDb *db, gpointer data, GError **error)
{
  *(JsonObject **) data = ct_workspace_describe_device (db, error);
  return *(JsonObject **) data != NULL;
}

/* (transfer full): made in @folder, enrolled for @login, joined, open; nothing is loaded yet */
CtWorkspace *
pg_workspace_join (PgServer *server, const char *database, const char *login, const char *folder)
{
  CtWorkspaceOptions options = { .environment = "demo" };
  g_autofree char *address = pg_server_address (server, database, login);
  g_autoptr (JsonObject) device = NULL;
  g_autoptr (GError) error = NULL;
  CtWorkspace *workspace;

  ct_workspace_create (folder, &options, &error);
  g_assert_no_error (error);
  workspace = ct_workspace_open (folder, &error);
  g_assert_no_error (error);
  g_assert_true (ct_store_read (ct_workspace_get_store (workspace), describe_cb, &device, &error));
  enrol (server, database, login, device);
  ct_workspace_connect (workspace, address, NULL, FALSE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  ct_workspace_close (workspace);
  g_object_unref (workspace);
  workspace = ct_workspace_open (folder, &error);
  g_assert_no_error (error);
  return workspace;
}
