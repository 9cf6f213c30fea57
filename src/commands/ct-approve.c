/* The approver's side of approval.approve: the signature, made where the device's key is. */
#include "ct-approve.h"
#include "ct-approval-context.h"
#include "ct-approvals.h"

#include <string.h>

static JsonObject *
sign (const CtApprove *self, const CtApprovalRow *row, const CtHash *payload, GError **error)
{
  CtApprovalSeal seal = {
    .approval = row->id,
    .payload = *payload,
    .context = row->context_sha256,
    .channel = row->channel,
    .destination = row->destination,
    .approver = self->actor,
    .expires_at = row->expires_at,
  };
  g_autofree char *id = ct_id_to_string (&row->id), *device = ct_id_to_string (&self->device);
  g_autofree char *payload_hex = ct_hash_to_hex (payload),
                  *context_hex = ct_hash_to_hex (&row->context_sha256);
  g_autofree char *nonce = NULL, *signature_text = NULL;
  guint8 signature[CT_SEAL_SIGNATURE_SIZE];

  ct_random_bytes (seal.nonce, sizeof seal.nonce);
  if (!ct_approval_seal_sign (&seal, self->secret, signature, error))
    return NULL;
  nonce = g_base64_encode (seal.nonce, sizeof seal.nonce);
  signature_text = g_base64_encode (signature, sizeof signature);
  return ct_json_build ("sssssss", "approval", id, "payload_sha256", payload_hex, "context_sha256",
                        context_hex, "nonce", nonce, "device_id", device, "signature", signature_text,
                        "comment", self->comment);
}

static gboolean
void_changed (CtDb *db, CtCommander *commander, const char *actor, gint64 now, const CtApprovalRow *row,
              const char *what, GError **error)
{
  g_autofree char *id = ct_id_to_string (&row->id);
  g_autofree char *reason = g_strdup_printf (_ ("what it relied on has changed: %s"), what);
  g_autofree char *short_reason = ct_text_snippet (reason, 450);
  g_autoptr (JsonObject) args = ct_json_build ("ss", "approval", id, "reason", short_reason);
  CtRequest request = { "approval.void", args, actor, now, 0, NULL };
  g_auto (CtOutcome) outcome = { 0 };

  return ct_commander_execute (commander, db, &request, &outcome, error);
}

/* What has changed since it was asked for, or NULL; (transfer full). */
static gboolean
find_change (CtDb *db, const CtApprovalRow *row, char **what, GError **error)
{
  g_autofree char *now = ct_approval_context_renew (db, &row->task_id, row->context, error);
  g_autoptr (JsonArray) changes = NULL;

  *what = NULL;
  if (!now)
    return FALSE;
  if (strcmp (now, row->context) == 0)
    return TRUE;
  changes = ct_approval_context_changes (db, row->context, now, error);
  if (!changes)
    return FALSE;
  *what = ct_approval_context_describe (changes);
  return TRUE;
}

/**
 * ct_approve_void_if_changed:
 * @db: outside a transaction
 * @voided: (out): whether it was pending, stood on facts that are no longer so, and is void now
 */
gboolean
ct_approve_void_if_changed (CtDb *db, CtCommander *commander, const char *actor, gint64 now,
                            const CtId *approval, gboolean *voided, GError **error)
{
  g_auto (CtApprovalRow) row = { 0 };
  g_autofree char *what = NULL;

  if (!ct_approval_row_load (db, approval, &row, error))
    return FALSE;
  *voided = FALSE;
  if (strcmp (row.state, "pending") != 0)
    return TRUE;
  if (!find_change (db, &row, &what, error) ||
      (what && !void_changed (db, commander, actor, now, &row, what, error)))
    return FALSE;
  *voided = what != NULL;
  return TRUE;
}

/**
 * ct_approve:
 * @db: a writable connection outside a transaction
 * @payload: (nullable): the hash of what the approver has seen; %NULL takes what is there
 * @outcome: (out): "post" is the number of the post that goes out once the undo window is over
 *
 * Signs and executes approval.approve. Where the facts have changed it voids the approval, says what changed, and
 * approves nothing.
 *
 * Errors: %CT_ERROR_CONFLICT (other bytes, changed facts, already decided), %CT_ERROR_REFUSED (policy, guardrail,
 * expiry), %CT_ERROR_NOT_FOUND
 */
gboolean
ct_approve (CtDb *db, const CtApprove *self, const CtId *approval, const CtHash *payload, CtOutcome *outcome,
            GError **error)
{
  g_auto (CtApprovalRow) row = { 0 };
  g_autoptr (JsonObject) args = NULL;
  g_autofree char *what = NULL;
  CtRequest request = { "approval.approve", NULL, self->actor, self->now, 0, NULL };

  if (!ct_approval_row_load (db, approval, &row, error) || !ct_approval_row_check_pending (&row, error))
    return FALSE;
  if (payload && !ct_hash_equal (payload, &row.payload_sha256))
    return ct_fail (error, CT_ERROR_CONFLICT,
                    _ ("%s does not send what you named: its bytes have another hash"), row.number);
  if (!find_change (db, &row, &what, error))
    return FALSE;
  if (what) {
    return void_changed (db, self->commander, self->actor, self->now, &row, what, error) &&
           ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is void: what it relied on has changed: %s"), row.number,
                    what);
  }
  args = sign (self, &row, &row.payload_sha256, error);
  request.args = args;
  return args && ct_commander_execute (self->commander, db, &request, outcome, error);
}
