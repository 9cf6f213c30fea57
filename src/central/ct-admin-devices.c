/* Devices: which workspace a login may push commands from, and whose signatures under approvals count. */
#include "ct-admin.h"

#include <string.h>

/* Logins belong to all databases of a PostgreSQL: one that another database lets in is a stranger here. */
static gboolean
check_owner (CtSession *session, const char *owner, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) found =
      ct_session_query (session, cancellable, error,
                        "SELECT FROM pg_roles r WHERE r.rolname = $1 AND r.rolcanlogin"
                        " AND pg_has_role(r.oid, 'tower_viewer', 'MEMBER')"
                        " AND has_database_privilege(r.oid, current_database(), 'CONNECT')",
                        "s", owner);

  return found && (ct_answer_rows (found) > 0 ||
                   ct_fail (error, CT_ERROR_NOT_FOUND,
                            _ ("There is no user “%s” here; server add-user adds it"), owner));
}

/* (transfer full) (nullable): the administrator whose device vouches for this one, or the device where the server does not know it
 * as an administrator's */
static char *
find_voucher (CtSession *session, const CtId *device, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) found = ct_session_query (session, cancellable, error,
                                                 "SELECT coalesce(api.voucher(d.signer), d.signer::text) "
                                                 "FROM api.devices() d WHERE d.id = $1::text::uuid",
                                                 "k", device);

  return found && ct_answer_rows (found) > 0 ? g_strdup (ct_answer_text (found, 0, 0)) : NULL;
}

static gboolean
fail_enrol (CtSession *session, const CtId *device, const char *owner, const CtPushVoucher *voucher,
            GCancellable *cancellable, GError *problem, GError **error)
{
  g_autofree char *id = ct_id_to_string (device), *signer = NULL, *before = NULL;

  if (strcmp (ct_session_last_state (session), "23505") == 0)
    return ct_fail (
        error, CT_ERROR_CONFLICT,
        _ ("The device %s is enrolled already, or was revoked; a revoked one stays so, and its person "
           "joins from a new workspace"),
        id);
  if (!voucher || strcmp (ct_session_last_state (session), "CT102") != 0) {
    g_propagate_error (error, g_error_copy (problem));
    return FALSE;
  }
  signer = ct_id_to_string (&voucher->signer);
  before = find_voucher (session, device, cancellable, NULL);
  return ct_fail (
      error, CT_ERROR_REFUSED,
      _ ("%s vouches for %s's device %s, and stays the one who does: the workspace that would sign now is "
         "the device %s, which this server does not know as an administrator's. Name an administrator's "
         "workspace with -w DIR, or have it enrolled first"),
      before ? before : "?", owner, id, signer);
}

/**
 * ct_admin_enrol:
 * @owner: the login that the device belongs to
 * @voucher: (nullable): who vouches for that
 *
 * Lets @owner push commands from a device, and counts its signatures; a device that is known gets the key that it lacks, or
 * somebody who vouches for it.
 *
 * Returns: (transfer full): the device; in "vouchedBy" the administrator whose device vouches for it, or that device's ID where the
 *   server does not know it as an administrator's. %NULL: %CT_ERROR_CONFLICT where it is enrolled already, %CT_ERROR_REFUSED where
 *   an administrator's device vouches for it and @voucher is none
 */
JsonObject *
ct_admin_enrol (CtSession *session, const CtAdminDevice *device, const char *owner,
                const CtPushVoucher *voucher, GCancellable *cancellable, GError **error)
{
  g_autofree char *id = ct_id_to_string (&device->id), *key = ct_hash_to_hex (&device->public_key);
  g_autofree char *signer = NULL, *by = NULL;
  g_autoptr (GError) problem = NULL;

  if (!check_owner (session, owner, cancellable, error))
    return NULL;
  if (!ct_push_enrol (session, &device->id, owner, device->label, device->public_key.bytes, device->commands,
                      &device->last, voucher, cancellable, &problem)) {
    fail_enrol (session, &device->id, owner, voucher, cancellable, problem, error);
    return NULL;
  }
  if (voucher) {
    signer = ct_id_to_string (&voucher->signer);
    by = find_voucher (session, &device->id, cancellable, error);
    if (!by)
      return NULL;
  }
  return ct_json_build ("sssisbss", "id", id, "owner", owner, "label", device->label, "commands",
                        device->commands, "publicKey", key, "signed", voucher != NULL, "signer", signer,
                        "vouchedBy", by);
}

/**
 * ct_admin_revoke:
 *
 * From now on nothing comes from this device, and its signatures no longer count for what has not been sent.
 */
JsonObject *
ct_admin_revoke (CtSession *session, const CtId *device, GCancellable *cancellable, GError **error)
{
  g_autofree char *id = ct_id_to_string (device);
  g_autoptr (CtAnswer) row = ct_session_query (
      session, cancellable, error, "SELECT owner, revoked_at FROM api.revoke($1::text::uuid)", "k", device);
  g_autofree char *at = NULL;

  if (!row)
    return NULL;
  if (ct_answer_rows (row) == 0) {
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no device %s"), id);
    return NULL;
  }
  at = ct_time_format (ct_answer_int (row, 0, 1));
  return ct_json_build ("sss", "id", id, "owner", ct_answer_text (row, 0, 0), "revokedAt", at);
}

/**
 * ct_admin_set_log_key:
 * @vkey: the verifier key of whoever sequences the log
 *
 * States whose signatures the log has; clients pin it when they first see it.
 *
 * Returns: (transfer full): the log, or %NULL: %CT_ERROR_CONFLICT where it is signed with another key already
 */
JsonObject *
ct_admin_set_log_key (CtSession *session, const char *vkey, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) row = NULL;

  if (!ct_session_run (session, cancellable, error, "SELECT api.set_log_key($1)", "s", vkey))
    return NULL;
  row = ct_session_query (session, cancellable, error, "SELECT origin, vkey FROM api.log_head(0)", "");
  return row ? ct_json_build ("ss", "origin", ct_answer_text (row, 0, 0), "vkey", ct_answer_text (row, 0, 1))
             : NULL;
}
