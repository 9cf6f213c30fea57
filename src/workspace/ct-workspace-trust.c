#include "ct-workspace-trust.h"
#include "ct-enrolment-seal.h"
#include "ct-log-continuation.h"
#include "ct-log-feed.h"
#include "ct-workspace-private.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define PINS      "keys/trusted-devices.json"
#define MOST_PINS (64 * 1024)

/* The file */

static gboolean
is_device (JsonObject *device, CtId *id, CtHash *key)
{
  return device && ct_id_parse (ct_json_string (device, "id", ""), id) &&
         ct_hash_from_hex (ct_json_string (device, "publicKey", ""), key);
}

static gboolean
are_devices (JsonNode *node)
{
  JsonArray *pins = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  gboolean valid = pins != NULL;

  for (guint i = 0; valid && i < json_array_get_length (pins); i++) {
    JsonNode *pin = json_array_get_element (pins, i);
    CtHash key;
    CtId id;

    valid = JSON_NODE_HOLDS_OBJECT (pin) && is_device (json_node_get_object (pin), &id, &key);
  }
  return valid;
}

/* (transfer full): objects {"id", "publicKey", "label"}; empty where there is no file yet */
JsonArray *
ct_workspace_trusted (CtWorkspace *self, GError **error)
{
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self), PINS, NULL);
  g_autofree char *text = g_malloc (MOST_PINS);
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) node = NULL;
  int fd = ct_keys_open (path, &problem);
  ssize_t length;

  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    return json_array_new ();
  if (fd < 0) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  length = read (fd, text, MOST_PINS);
  close (fd);
  node = length > 0 && length < MOST_PINS ? ct_json_parse (text, length, MOST_PINS, NULL) : NULL;
  if (are_devices (node))
    return json_array_ref (json_node_get_array (node));
  ct_fail (error, CT_ERROR_CORRUPT,
           _ ("%s is damaged: remove it and trust your administrators' devices anew"), path);
  return NULL;
}

static gboolean
write_pins (CtWorkspace *self, JsonArray *pins, GError **error)
{
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self), PINS, NULL);
  g_autoptr (JsonNode) node = ct_json_wrap_array (json_array_ref (pins));
  g_autofree char *text = json_to_string (node, FALSE);

  if (strlen (text) >= MOST_PINS)
    return ct_fail (error, CT_ERROR_INVALID, _ ("Too many devices are trusted already"));
  return g_file_set_contents_full (path, text, -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
}

static gboolean
remove_pin (JsonArray *pins, const char *id)
{
  for (guint i = 0; i < json_array_get_length (pins); i++)
    if (g_str_equal (ct_json_string (json_array_get_object_element (pins, i), "id", ""), id)) {
      json_array_remove_element (pins, i);
      return TRUE;
    }
  return FALSE;
}

/**
 * ct_workspace_trust:
 * @device: what "towerctl device show" says of an administrator's workspace
 *
 * Believes that device from now on, and whom it vouches for.
 *
 * Returns: (transfer full): {"id", "publicKey", "label"}
 */
JsonObject *
ct_workspace_trust (CtWorkspace *self, JsonObject *device, GError **error)
{
  g_autoptr (JsonArray) pins = ct_workspace_trusted (self, error);
  g_autofree char *text = NULL, *key = NULL;
  JsonObject *pin;
  CtHash public_key;
  CtId id;

  if (!pins)
    return NULL;
  if (!is_device (device, &id, &public_key)) {
    ct_fail (error, CT_ERROR_INVALID,
             _ ("This does not describe a device: it needs what towerctl device show --json prints"));
    return NULL;
  }
  text = ct_id_to_string (&id);
  key = ct_hash_to_hex (&public_key);
  remove_pin (pins, text);
  pin = ct_json_build ("sss", "id", text, "publicKey", key, "label", ct_json_string (device, "label", ""));
  json_array_add_object_element (pins, json_object_ref (pin));
  if (write_pins (self, pins, error))
    return pin;
  json_object_unref (pin);
  return NULL;
}

/* No longer believes a device, nor whom it vouched for. */
gboolean
ct_workspace_distrust (CtWorkspace *self, const char *device, GError **error)
{
  g_autoptr (JsonArray) pins = ct_workspace_trusted (self, error);

  if (!pins)
    return FALSE;
  if (!remove_pin (pins, device))
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("The device %s is not among those trusted here"), device);
  return write_pins (self, pins, error);
}

static gboolean
read_followed_cb (CtDb *db, gpointer data, GError **error)
{
  g_autoptr (GError) none = NULL;

  *(char **) data = ct_db_read_text (
      db, &none, "SELECT value FROM workspace WHERE key = 'log_origin' AND EXISTS (SELECT 1 FROM sync_log)",
      "");
  if (*(char **) data) { /* what it was called first stands last */
    g_autofree char *origins = ct_log_origins (db, &none);
    const char *last = origins ? strrchr (origins, '\n') : NULL;

    g_free (*(char **) data);
    *(char **) data = g_strdup (last ? last + 1 : origins);
  }
  return TRUE;
}

/* (transfer full) (nullable): by what enrolments name the server: the first origin of its log. Which one it is, a workspace that is
 * connected knows itself; what the server says of it would be what its database says. */
static char *
name_server (CtWorkspace *self, CtSession *session, GCancellable *cancellable, GError **error)
{
  g_auto (CtLogHead) head = { 0 };
  g_autofree char *followed = NULL;

  if (!ct_store_read (ct_workspace_get_store (self), read_followed_cb, &followed, error) ||
      !ct_log_feed_head (session, 0, &head, cancellable, error))
    return NULL;
  if (!followed || g_str_equal (followed, head.first))
    return g_steal_pointer (&head.first);
  ct_fail (error, CT_ERROR_CONFLICT,
           _ ("This workspace belongs to another server: its log is “%s”, that of the server “%s”"), followed,
           head.first);
  return NULL;
}

/**
 * ct_workspace_vouch:
 * @session: with the server where the device is to be enrolled; nowhere else does the signature count
 * @signer: (out): the device of this workspace
 *
 * Signs with this workspace's key that a device is its owner's.
 *
 * Returns: (transfer full): the signature in hexadecimal digits, or %NULL: %CT_ERROR_CONFLICT where this workspace belongs to
 *   another server
 */
char *
ct_workspace_vouch (CtWorkspace *self, CtSession *session, const CtId *device, const CtHash *public_key,
                    const char *owner, CtId *signer, GCancellable *cancellable, GError **error)
{
  g_autofree char *at = name_server (self, session, cancellable, error);
  CtEnrolmentSeal seal = { .device = *device, .owner = owner, .server = at };
  guint8 secret[CT_DEVICE_SECRET_SIZE], signature[CT_SEAL_SIGNATURE_SIZE];
  char *hex;

  if (!at || !ct_workspace_get_device (self, signer, secret, error))
    return NULL;
  hex = g_malloc (2 * CT_SEAL_SIGNATURE_SIZE + 1);
  memcpy (seal.key, public_key->bytes, sizeof seal.key);
  ct_enrolment_seal_sign (&seal, secret, signature);
  sodium_memzero (secret, sizeof secret);
  return sodium_bin2hex (hex, 2 * CT_SEAL_SIGNATURE_SIZE + 1, signature, sizeof signature);
}

/* What the server says of devices, and what of it is believed */

typedef struct {
  CtId id;
  CtHash key;
  const char *owner, *label;
  gint64 revoked_at; /* CT_NULL_INT: not */
  char *distrust;    /* (owned) (nullable) */
} Device;

typedef struct {
  CtAnswer *answer;   /* (unowned) */
  JsonArray *pins;    /* (unowned) */
  const char *server; /* (unowned) */
} Refresh;

static gboolean
find_pin (JsonArray *pins, const char *id, CtHash *key)
{
  for (guint i = 0; id && i < json_array_get_length (pins); i++) {
    JsonObject *pin = json_array_get_object_element (pins, i);

    if (g_str_equal (ct_json_string (pin, "id", ""), id))
      return ct_hash_from_hex (ct_json_string (pin, "publicKey", ""), key);
  }
  return FALSE;
}

static gboolean
is_vouched_for (const Device *device, const CtHash *signer, const char *signature, const char *server)
{
  CtEnrolmentSeal seal = { .device = device->id, .owner = device->owner, .server = server };
  guint8 bytes[CT_SEAL_SIGNATURE_SIZE];
  gsize length = 0;

  memcpy (seal.key, device->key.bytes, sizeof seal.key);
  return signature &&
         sodium_hex2bin (bytes, sizeof bytes, signature, strlen (signature), NULL, &length, NULL) == 0 &&
         length == sizeof bytes && ct_enrolment_seal_verify (&seal, signer->bytes, bytes);
}

/* (transfer full) (nullable): why its signatures do not count, and what to do about it */
static char *
judge (const Refresh *self, const Device *device, const char *id, const char *signature, const char *signer)
{
  CtHash key;

  if (json_array_get_length (self->pins) == 0)
    return g_strdup (
        _ ("the service trusts no administrator's device yet: towerctl -w DIR device trust FILE, "
           "where FILE holds what device show --json prints at the administrator's"));
  if (find_pin (self->pins, id, &key))
    return ct_hash_equal (&key, &device->key)
               ? NULL
               : g_strdup_printf (_ ("the server names another key for the trusted device %s"), id);
  if (!signature || !signer)
    return g_strdup_printf (_ ("nobody vouches for %s's device %s: an administrator whom the service trusts "
                               "enrols it again (towerctl -w DIR server enrol-device URL %s FILE)"),
                            device->owner, id, device->owner);
  if (find_pin (self->pins, signer, &key) && is_vouched_for (device, &key, signature, self->server))
    return NULL;
  return g_strdup_printf (
      _ ("the enrolment of %s's device %s is not signed for this server by an administrator "
         "whom the service trusts: have it enrolled again by one, or trust the device %s"),
      device->owner, id, signer);
}

static gboolean
read_device (Refresh *self, int row, Device *device)
{
  const char *id = ct_answer_text (self->answer, row, 0), *key = ct_answer_text (self->answer, row, 3);

  if (!ct_answer_id (self->answer, row, 0, &device->id) || !key || !ct_hash_from_hex (key, &device->key))
    return FALSE;
  device->owner = ct_answer_text (self->answer, row, 1);
  device->label = ct_answer_text (self->answer, row, 2);
  device->revoked_at =
      ct_answer_text (self->answer, row, 6) ? ct_answer_int (self->answer, row, 6) : CT_NULL_INT;
  device->distrust =
      judge (self, device, id, ct_answer_text (self->answer, row, 4), ct_answer_text (self->answer, row, 5));
  return TRUE;
}

/* A revocation once seen stays; and of our own key nobody else knows better. */
static gboolean
write_device (CtDb *db, const Device *device, GError **error)
{
  return ct_db_run (
      db, error,
      "INSERT INTO devices(id, label, public_key, enrolled_by, enrolled_at, revoked_at, owner, distrust) "
      "VALUES(?1, ?2, ?3, '', 0, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET owner = excluded.owner, "
      "distrust = excluded.distrust, revoked_at = coalesce(revoked_at, excluded.revoked_at), "
      "public_key = CASE uuid_text(id) WHEN (SELECT value FROM workspace WHERE key = 'device_id') "
      "THEN public_key ELSE excluded.public_key END",
      "ksbzss", &device->id, device->label, device->key.bytes, sizeof device->key.bytes, device->revoked_at,
      device->owner, device->distrust);
}

static gboolean
write_all (CtDb *db, Refresh *self, GError **error)
{
  gboolean ok = ct_db_run (db, error, "UPDATE devices SET distrust = ?", "s",
                           _ ("the server no longer knows the device"));

  for (int row = 0; ok && row < ct_answer_rows (self->answer); row++) {
    Device device = { 0 };

    ok = !read_device (self, row, &device) || write_device (db, &device, error);
    g_free (device.distrust);
  }
  return ok;
}

static gboolean
write_all_cb (CtDb *db, gpointer data, GError **error)
{
  if (!ct_db_begin (db, error))
    return FALSE;
  if (write_all (db, data, error))
    return ct_db_commit (db, error);
  ct_db_rollback (db);
  return FALSE;
}

/* Of all that is judged. */
static CtHash
fingerprint (const Refresh *self)
{
  g_autoptr (JsonNode) pins = ct_json_wrap_array (json_array_ref (self->pins));
  g_autofree char *text = json_to_string (pins, FALSE);
  g_autoptr (GString) all = g_string_new (text);

  for (int row = 0; row < ct_answer_rows (self->answer); row++)
    for (int column = 0; column < 7; column++) {
      const char *value = ct_answer_text (self->answer, row, column);

      g_string_append_c (all, '\0');
      g_string_append (all, value ? value : "\1");
    }
  return ct_hash (all->str, all->len);
}

/**
 * ct_workspace_refresh_devices:
 * @seen: (inout): what was written last, zeros at first
 *
 * Asks the server which devices there are, and writes down whose signatures count: those of devices trusted here, and of
 * those that these vouch for.
 */
gboolean
ct_workspace_refresh_devices (CtWorkspace *self, CtSession *session, CtHash *seen, GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (JsonArray) pins = ct_workspace_trusted (self, error);
  g_autofree char *server = pins ? name_server (self, session, cancellable, error) : NULL;
  g_autoptr (CtAnswer) answer =
      server
          ? ct_session_query (
                session, cancellable, error,
                "SELECT id, owner, label, public_key, signature, signer, revoked_at FROM api.devices()", "")
          : NULL;
  Refresh refresh = { answer, pins, server };
  CtHash now;

  if (!answer)
    return FALSE;
  now = fingerprint (&refresh);
  if (ct_hash_equal (&now, seen))
    return TRUE;
  if (!ct_store_write (ct_workspace_get_store (self), write_all_cb, &refresh, error))
    return FALSE;
  *seen = now;
  return TRUE;
}
