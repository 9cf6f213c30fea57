#include "ct-test.h"
#include "ct-workspace-audit.h"
#include "ct-workspace-work.h"

#include <string.h>

#include <sys/stat.h>

static void
test_create_and_open (void)
{
  g_autofree char *folder = ct_test_folder ();
  g_autofree char *key = g_build_filename (folder, "keys/device.key", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) args = ct_json_build ("ss", "legal_name", "Nordwind GmbH", "currency", "EUR");
  CtWorkspaceOptions options = { .trial = TRUE, .environment = "demo" };
  guint8 secret[CT_DEVICE_SECRET_SIZE];
  CtWorkspace *workspace;
  struct stat info;
  CtId device;

  g_assert_true (ct_workspace_create (folder, &options, &error));
  g_assert_no_error (error);
  g_assert_false (ct_workspace_create (folder, &options, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  g_clear_error (&error);
  workspace = ct_workspace_open (folder, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ct_workspace_get_environment (workspace), ==, "demo");
  g_assert_true (ct_workspace_may (workspace, "distributor.create"));
  {
    g_auto (CtOutcome) outcome = { 0 };

    g_assert_true (ct_workspace_execute (workspace, "distributor.create", args, &outcome, &error));
  }
  g_assert_true (ct_workspace_get_device (workspace, &device, secret, &error));
  g_assert_cmpint (stat (key, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  g_chmod (key, 0644);
  g_assert_false (ct_workspace_get_device (workspace, &device, secret, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_finalize_object (workspace);
  ct_test_remove (folder);
}

static void
test_trial_only (void)
{
  g_autofree char *folder = ct_test_folder ();
  g_autoptr (GError) error = NULL;
  CtWorkspaceOptions options = { .environment = "production" };
  g_autoptr (CtWorkspace) workspace = NULL;

  g_assert_true (ct_workspace_create (folder, &options, &error));
  workspace = ct_workspace_open (folder, &error);
  g_assert_false (ct_workspace_set_now (workspace, 1000, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  g_assert_false (ct_workspace_set_actor (workspace, "somebody else", &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  g_assert_null (ct_workspace_open ("/nonexistent", &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  ct_workspace_close (workspace);
  ct_test_remove (folder);
}

/* A folder whose replica.db was lost still has the only keys to its log: no attempt to make a workspace may touch them. */
static void
test_keys_survive (void)
{
  static const char *const left[] = { "keys/device.key", "keys/log.key", "last-checkpoint",
                                      "replica.db-wal" };

  for (guint i = 0; i < G_N_ELEMENTS (left); i++)
    for (int demo = 0; demo < 2; demo++) {
      g_autofree char *folder = ct_test_folder ();
      g_autofree char *keys = g_build_filename (folder, "keys", NULL);
      g_autofree char *path = g_build_filename (folder, left[i], NULL);
      g_autofree char *replica = g_build_filename (folder, "replica.db", NULL);
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;
      CtWorkspaceOptions options = { .environment = "demo" };

      g_assert_cmpint (g_mkdir (keys, 0700), ==, 0);
      g_assert_true (g_file_set_contents (path, "precious", -1, NULL));
      g_assert_false (demo ? ct_workspace_create_demo (folder, &options, &error)
                           : ct_workspace_create (folder, &options, &error));
      g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
      g_assert_nonnull (strstr (error->message, left[i]));
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, "precious");
      g_assert_false (g_file_test (replica, G_FILE_TEST_EXISTS));
      ct_test_remove (folder);
    }
}

static gboolean
count_exports_cb (CtDb *db, gpointer data, GError **error)
{
  return ct_db_read_int (db, data, error, "SELECT count(*) FROM audit_logs WHERE action = 'audit.export'",
                         "");
}

/* An export is asked of the policy, recorded, and under its own checkpoint; it is as private as the workspace. */
static void
test_export_log (void)
{
  g_autofree char *folder = ct_test_folder ();
  g_autofree char *directory = g_build_filename (folder, "export", NULL);
  g_autoptr (GError) error = NULL;
  g_auto (CtLogExport) export = { 0 };
  g_auto (CtTilesReport) report = { 0 };
  g_auto (CtLogReport) verified = { 0 };
  CtWorkspaceOptions options = { .trial = TRUE, .login = "anna", .environment = "demo" };
  CtWorkspace *workspace;
  gint64 n_exports = 0;

  umask (022);
  g_assert_true (ct_workspace_create (folder, &options, &error));
  workspace = ct_workspace_open (folder, &error);
  g_assert_true (ct_workspace_set_actor (workspace, "nobody", &error));
  g_assert_false (ct_workspace_export_log (workspace, directory, NULL, NULL, NULL, &export, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
  g_assert_true (ct_workspace_set_actor (workspace, "anna", &error));
  ct_workspace_export_log (workspace, directory, NULL, NULL, NULL, &export, &error);
  g_assert_no_error (error);
  g_assert_true (ct_store_read (ct_workspace_get_store (workspace), count_exports_cb, &n_exports, &error));
  g_assert_cmpint (n_exports, ==, 1);
  g_assert_true (ct_log_export_verify (directory, export.vkey, NULL, NULL, NULL, &report, &error));
  g_assert_true (ct_workspace_verify (workspace, export.vkey, TRUE, NULL, NULL, NULL, &verified, &error));
  g_assert_cmpuint (verified.n_leaves, ==, export.checkpoint.size);
  ct_test_private (folder);
  g_assert_finalize_object (workspace);
  ct_test_remove (folder);
}

static void
cancel_cb (const char *rule, guint done, guint total, gpointer data)
{
  if (done == total / 2)
    g_cancellable_cancel (data);
}

static gboolean
count_leaves_cb (CtDb *db, gpointer data, GError **error)
{
  return ct_db_read_int (db, data, error, "SELECT count(*) FROM audit_logs", "");
}

/* Who closes the program does not wait for all the rules. */
static void
test_detection_cancelled (void)
{
  g_autofree char *folder = ct_test_folder ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) counts = NULL;
  g_autoptr (GError) error = NULL;
  CtWorkspaceOptions options = { .environment = "demo" };
  CtWorkspace *workspace;
  CtStore *store;
  gint64 before = 0, after = 0;

  g_assert_true (ct_workspace_create (folder, &options, &error));
  workspace = ct_workspace_open (folder, &error);
  store = ct_workspace_get_store (workspace);
  g_assert_true (ct_store_read (store, count_leaves_cb, &before, &error));
  g_assert_null (ct_workspace_detect (workspace, TRUE, cancel_cb, cancellable, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (ct_store_read (store, count_leaves_cb, &after, &error));
  g_assert_cmpint (before, ==, after);
  /* the connection is no worse for it */
  counts = ct_workspace_detect (workspace, TRUE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_finalize_object (workspace);
  ct_test_remove (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/workspace/create-and-open", test_create_and_open);
  g_test_add_func ("/workspace/trial-only", test_trial_only);
  g_test_add_func ("/workspace/keys-survive", test_keys_survive);
  g_test_add_func ("/workspace/export-log", test_export_log);
  g_test_add_func ("/workspace/detection-cancelled", test_detection_cancelled);
  return g_test_run ();
}
