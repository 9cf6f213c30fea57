/* Whose signatures the service believes: whatever the database says, those of devices that a person trusted here, and of
 * those that these vouch for. */
#include "ct-test-folder.h"
#include "ct-enrolment-seal.h"
#include "ct-workspace-device.h"
#include "ct-workspace-trust.h"
#include "pg-device.h"

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#define DB "trust"

static PgServer *server;

typedef struct {
  char *folder;
  CtWorkspace *workspace;
} Place;

static void
place_make (Place *self)
{
  g_autoptr (GError) error = NULL;
  CtWorkspaceOptions options = { .environment = "demo" };

  self->folder = ct_test_folder ();
  ct_workspace_create (self->folder, &options, &error);
  g_assert_no_error (error);
  self->workspace = ct_workspace_open (self->folder, &error);
  g_assert_no_error (error);
}

static void
place_clear (Place *self)
{
  if (!self->workspace)
    return;
  g_assert_finalize_object (self->workspace);
  ct_test_remove (self->folder);
  g_free (self->folder);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

static gboolean
describe_cb (CtDb *db, gpointer data, GError **error)
{
  *(JsonObject **) data = ct_workspace_describe_device (db, error);
  return *(JsonObject **) data != NULL;
}

static JsonObject *
describe (const Place *place)
{
  g_autoptr (GError) error = NULL;
  JsonObject *device = NULL;

  ct_store_read (ct_workspace_get_store (place->workspace), describe_cb, &device, &error);
  g_assert_no_error (error);
  return device;
}

/* Enrols a new device of @owner as somebody would, vouched for by @by (nullable) as @vouched. */
static CtId
enrol (CtSession *root, const char *owner, const Place *by, const char *vouched)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *signature = NULL;
  CtId id = ct_id_new (ct_time_now ());
  CtPushVoucher voucher = { 0 };
  CtHash key, none = { { 0 } };

  randombytes_buf (key.bytes, sizeof key.bytes);
  if (by)
    voucher.signature = signature =
        ct_workspace_vouch (by->workspace, root, &id, &key, vouched, &voucher.signer, NULL, &error);
  g_assert_no_error (error);
  ct_push_enrol (root, &id, owner, owner, key.bytes, 0, &none, by ? &voucher : NULL, NULL, &error);
  g_assert_no_error (error);
  return id;
}

typedef struct {
  CtId id;
  char *state; /* (owned) */
} Question;

static gboolean
state_cb (CtDb *db, gpointer data, GError **error)
{
  Question *self = data;

  self->state =
      ct_db_read_text (db, error,
                       "SELECT CASE WHEN revoked_at IS NOT NULL THEN 'revoked' ELSE coalesce(distrust, "
                       "'trusted ' || owner) END FROM devices WHERE id = ?",
                       "k", &self->id);
  return self->state != NULL;
}

static void
assert_device (const Place *place, const CtId *id, const char *expected)
{
  Question question = { *id, NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *state = NULL;

  ct_store_read (ct_workspace_get_store (place->workspace), state_cb, &question, &error);
  g_assert_no_error (error);
  state = question.state;
  if (!strstr (state, expected))
    g_error ("%s, not %s", state, expected);
}

static void
refresh (const Place *place, CtHash *seen)
{
  g_autoptr (CtSession) robo = pg_server_login (server, DB, "robo");
  g_autoptr (GError) error = NULL;

  ct_workspace_refresh_devices (place->workspace, robo, seen, NULL, &error);
  g_assert_no_error (error);
}

static void
change (CtSession *root, const CtId *id, const char *set)
{
  g_autofree char *text = ct_id_to_string (id);
  g_autofree char *sql = g_strdup_printf ("UPDATE sync.devices SET %s WHERE id = '%s'", set, text);
  g_autoptr (GError) error = NULL;

  ct_session_script (root, sql, NULL, &error);
  g_assert_no_error (error);
}

static void
test_judged (void)
{
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_auto (Place) admin = { 0 }, stranger = { 0 }, service = { 0 };
  g_autoptr (JsonObject) ada = NULL, own = NULL, pin = NULL;
  g_autoptr (GError) error = NULL;
  CtId anna, ben, other_owner, other_key, unsigned_one, by_stranger, revoked, self_made;
  CtHash seen = { { 0 } };

  place_make (&admin);
  place_make (&stranger);
  place_make (&service);
  ada = describe (&admin);
  own = describe (&stranger);
  anna = enrol (root, "anna", &admin, "anna");
  ben = enrol (root, "ben", &admin, "ben");
  refresh (&service, &seen);
  assert_device (&service, &anna, "device trust FILE");

  pin = ct_workspace_trust (service.workspace, ada, &error);
  g_assert_no_error (error);
  other_owner = enrol (root, "ben", &admin, "anna");
  other_key = enrol (root, "anna", &admin, "anna");
  change (root, &other_key, "public_key = sha256('forged')");
  unsigned_one = enrol (root, "anna", NULL, NULL);
  by_stranger = enrol (root, "anna", &stranger, "anna");
  self_made = enrol (root, "anna", &stranger, "anna");
  change (root, &self_made,
          "signer = (SELECT signer FROM sync.devices WHERE owner = 'ben' AND signer IS NOT NULL LIMIT 1)");
  revoked = enrol (root, "anna", &admin, "anna");
  refresh (&service, &seen);
  assert_device (&service, &anna, "trusted anna");
  assert_device (&service, &ben, "trusted ben");
  assert_device (&service, &other_owner, "not signed for this server by an administrator");
  assert_device (&service, &other_key, "not signed for this server by an administrator");
  assert_device (&service, &unsigned_one, "nobody vouches");
  assert_device (&service, &by_stranger, "not signed for this server by an administrator");
  assert_device (&service, &self_made, "not signed for this server by an administrator");
  assert_device (&service, &revoked, "trusted anna");

  /* a revocation stays, whatever the database says of it later, and so does what is not listed any more */
  change (root, &revoked, "revoked_at = 1");
  refresh (&service, &seen);
  change (root, &revoked, "revoked_at = NULL");
  ct_session_script (root, "DELETE FROM sync.devices WHERE owner = 'ben'", NULL, &error);
  g_assert_no_error (error);
  refresh (&service, &seen);
  assert_device (&service, &revoked, "revoked");
  assert_device (&service, &ben, "no longer knows");
  assert_device (&service, &anna, "trusted anna");

  g_assert_true (ct_workspace_distrust (service.workspace, ct_json_string (ada, "id", ""), &error));
  g_assert_false (ct_workspace_distrust (service.workspace, ct_json_string (ada, "id", ""), NULL));
  json_object_unref (ct_workspace_trust (service.workspace, own, &error));
  refresh (&service, &seen);
  assert_device (&service, &anna, "not signed for this server by an administrator");
  assert_device (&service, &by_stranger, "trusted anna");
}

static gboolean
follow_cb (CtDb *db, gpointer data, GError **error)
{
  return ct_db_run (db, error, "UPDATE workspace SET value = ? WHERE key = 'log_origin'", "s", data) &&
         ct_db_run (db, error,
                    "INSERT INTO sync_log(one, epoch, seen, upto, scopes, whole, tables) "
                    "VALUES(1, zeroblob(16), -1, 0, '', 0, '')",
                    "");
}

/* An enrolment that was signed for one server counts for nothing at another, whoever copies it there; and who is connected
 * does not take the word of a database for which server it is. */
static void
test_other_server (void)
{
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres"), elsewhere = NULL;
  g_auto (Place) admin = { 0 }, service = { 0 };
  g_autoptr (JsonObject) ada = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *copy = NULL, *row = NULL, *id = NULL;
  CtHash seen = { { 0 } }, key = { { 0 } };
  CtId there, here, signer;

  pg_server_create (server, "trust_elsewhere", NULL);
  elsewhere = pg_server_login (server, "trust_elsewhere", "postgres");
  place_make (&admin);
  place_make (&service);
  ada = describe (&admin);
  json_object_unref (ct_workspace_trust (service.workspace, ada, &error));
  here = enrol (root, "anna", &admin, "anna");
  there = enrol (elsewhere, "anna", &admin, "anna");
  id = ct_id_to_string (&there);
  row = pg_text (elsewhere,
                 "SELECT format('INSERT INTO sync.devices SELECT * FROM jsonb_populate_record("
                 "NULL::sync.devices, %L)', to_jsonb(d)) FROM sync.devices d WHERE signer IS NOT NULL");
  g_assert_nonnull (strstr (row, id));
  ct_session_script (root, row, NULL, &error);
  g_assert_no_error (error);
  refresh (&service, &seen);
  assert_device (&service, &here, "trusted anna");
  assert_device (&service, &there, "not signed for this server");

  copy = pg_text (elsewhere, "SELECT name FROM audit.origin");
  ct_store_write (ct_workspace_get_store (service.workspace), follow_cb, copy, &error);
  g_assert_no_error (error);
  g_assert_false (ct_workspace_refresh_devices (service.workspace, root, &seen, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_null (ct_workspace_vouch (service.workspace, root, &here, &key, "anna", &signer, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
}

/* The list of trusted devices is a file that nobody else may have touched. */
static void
test_file (void)
{
  g_auto (Place) place = { 0 };
  g_autoptr (JsonObject) own = NULL, nonsense = ct_json_build ("s", "id", "x");
  g_autoptr (JsonArray) listed = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  struct stat info;

  place_make (&place);
  path = g_build_filename (place.folder, "keys/trusted-devices.json", NULL);
  own = describe (&place);
  json_object_unref (ct_workspace_trust (place.workspace, own, &error));
  json_object_unref (ct_workspace_trust (place.workspace, own, &error));
  listed = ct_workspace_trusted (place.workspace, &error);
  g_assert_cmpint (json_array_get_length (listed), ==, 1);
  g_assert_cmpint (stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  g_assert_null (ct_workspace_trust (place.workspace, nonsense, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  g_assert_null (ct_workspace_trusted (place.workspace, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  g_assert_true (g_file_set_contents_full (path, "[{", -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  g_assert_null (ct_workspace_trusted (place.workspace, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
}

/* A stored format. */
static void
test_statement (void)
{
  CtEnrolmentSeal seal = { .owner = "anna", .server = "control-tower/x", .key = { 1, 2 } };
  g_autofree char *statement = NULL;

  g_assert_true (ct_id_parse ("018bcfe5-6800-7000-8000-000000000001", &seal.device));
  statement = ct_enrolment_seal_statement (&seal);
  g_assert_cmpstr (statement, ==,
                   "{\"device\":\"018bcfe5-6800-7000-8000-000000000001\",\"owner\":\"anna\",\"public_key\":"
                   "\"0102000000000000000000000000000000000000000000000000000000000000\",\"purpose\":"
                   "\"ct-enrolment-v1\",\"server\":\"control-tower/x\"}");
}

int
main (int argc, char **argv)
{
  g_autoptr (CtSession) root = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  server = pg_server_start ();
  pg_server_create (server, DB, NULL);
  root = pg_server_login (server, DB, "postgres");
  pg_server_let_in (root, "robo", "agent");
  g_test_add_func ("/pg/trust/judged", test_judged);
  g_test_add_func ("/pg/trust/other-server", test_other_server);
  g_test_add_func ("/pg/trust/file", test_file);
  g_test_add_func ("/pg/trust/statement", test_statement);
  result = g_test_run ();
  g_clear_pointer (&root, ct_session_close);
  pg_server_stop (server);
  return result;
}
