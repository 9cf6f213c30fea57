/* What must be so for a post to go out. The sender asks before it takes the time that a keyring or a provider's limit
 * needs; the step to "sending" asks once more, in the transaction that begins the send. */
#include "ct-post-proof.h"
#include "ct-approval-context.h"
#include "ct-approval-seal.h"
#include "ct-configuration.h"
#include "ct-task-row.h"
#include "ct-wire.h"

#include <string.h>

/* The approval as stored, and what its device signed. */
typedef struct {
  CtApprovalSeal seal;
  CtId device;
  guint8 signature[CT_SEAL_SIGNATURE_SIZE];
  char *state, *channel, *destination, *approver, *context;
} Approval;

static void
approval_clear (Approval *self)
{
  g_free (self->state);
  g_free (self->channel);
  g_free (self->destination);
  g_free (self->approver);
  g_free (self->context);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Approval, approval_clear)

static gboolean
take_blob (CtStmt *stmt, int column, gpointer buffer, gsize size)
{
  gsize length;
  gconstpointer data = ct_stmt_blob (stmt, column, &length);

  if (!data || length != size)
    return FALSE;
  memcpy (buffer, data, size);
  return TRUE;
}

static gboolean
load_approval (CtDb *db, const CtPostRow *post, Approval *self, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT state, channel, destination, decided_by, payload_sha256, context_sha256, expires_at, nonce, "
      "device_id, signature, context FROM approvals WHERE id = ?",
      "k", &post->approval_id);

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_REFUSED, _ ("%s has no approval"), post->number);
  self->state = g_strdup (ct_stmt_text (stmt, 0));
  self->seal.approval = post->approval_id;
  self->seal.channel = self->channel = g_strdup (ct_stmt_text (stmt, 1));
  self->seal.destination = self->destination = g_strdup (ct_stmt_text (stmt, 2));
  self->seal.approver = self->approver = g_strdup (ct_stmt_text (stmt, 3));
  self->seal.expires_at = ct_stmt_int (stmt, 6);
  self->context = g_strdup (ct_stmt_text (stmt, 10));
  return (ct_stmt_hash (stmt, 4, &self->seal.payload) && ct_stmt_hash (stmt, 5, &self->seal.context) &&
          take_blob (stmt, 7, self->seal.nonce, sizeof self->seal.nonce) &&
          ct_stmt_id (stmt, 8, &self->device) &&
          take_blob (stmt, 9, self->signature, sizeof self->signature)) ||
         ct_fail (error, CT_ERROR_REFUSED, _ ("The approval of %s is not signed"), post->number);
}

/* Bytes, hash, channel, destination, approver, time: what is about to go out is what was approved. */
static gboolean
check_approval (const CtPostRow *post, const Approval *approval, gint64 now, GError **error)
{
  gsize length;
  gconstpointer wire = g_bytes_get_data (post->wire, &length);
  CtHash payload = ct_hash (wire, length);

  if (strcmp (approval->state, "approved") != 0)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The approval of %s does not stand any more: it is %s"),
                    post->number, approval->state);
  if (approval->seal.expires_at <= now)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The approval of %s has expired: ask again"), post->number);
  if (!ct_hash_equal (&payload, &post->payload_sha256) || !ct_hash_equal (&payload, &approval->seal.payload))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The bytes of %s are not those that were approved"),
                    post->number);
  if (g_strcmp0 (approval->channel, post->channel) != 0 ||
      g_strcmp0 (approval->destination, post->destination) != 0 ||
      g_strcmp0 (approval->approver, post->approver) != 0)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("Channel, destination or approver of %s are not those of its approval"), post->number);
  return TRUE;
}

/* The facts that the draft cites and the last message that came in are what the approver signed. */
static gboolean
check_context (CtDb *db, const CtPostRow *post, const Approval *approval, GError **error)
{
  CtHash context = ct_hash (approval->context, strlen (approval->context));
  g_autofree char *now = NULL;
  g_autofree char *what = NULL;
  g_autoptr (JsonArray) changes = NULL;

  if (!ct_hash_equal (&context, &approval->seal.context))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The facts of %s are not those that were approved"),
                    post->number);
  now = ct_approval_context_renew (db, &post->task_id, approval->context, error);
  if (!now)
    return FALSE;
  if (strcmp (now, approval->context) == 0)
    return TRUE;
  changes = ct_approval_context_changes (db, approval->context, now, error);
  if (!changes)
    return FALSE;
  what = ct_approval_context_describe (changes);
  return ct_fail (error, CT_ERROR_CONFLICT, _ ("what it relied on has changed: %s"), what);
}

static gboolean
check_signature (CtDb *db, const CtPostRow *post, const Approval *approval, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT public_key, revoked_at, owner, distrust FROM devices WHERE id = ?", "k",
                   &approval->device);
  guint8 public[CT_SEAL_PUBLIC_SIZE];

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt) || !take_blob (stmt, 0, public, sizeof public))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_REFUSED,
                    _ ("The approval of %s is signed by a device that is not enrolled"), post->number);
  if (!ct_stmt_is_null (stmt, 1))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The approval of %s is signed by a device that was revoked"),
                    post->number);
  /* what an administrator can mend holds the post; it may go out then */
  if (!ct_stmt_is_null (stmt, 3))
    return ct_fail (error, CT_ERROR_BUSY, _ ("The signature under the approval of %s does not count: %s"),
                    post->number, ct_stmt_text (stmt, 3));
  if (!ct_stmt_is_null (stmt, 2) && g_strcmp0 (ct_stmt_text (stmt, 2), approval->approver) != 0)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The approval of %s by %s is signed by a device of %s"),
                    post->number, approval->approver, ct_stmt_text (stmt, 2));
  return ct_approval_seal_verify (&approval->seal, public, approval->signature, error);
}

/* The bytes say the same destination, and are a message of the channel's kind with the approval's key. */
static gboolean
check_wire (CtDb *db, const CtPostRow *post, CtWireMessage *message, char **kind, GError **error)
{
  g_autofree char *key = ct_id_to_string (&post->approval_id);
  g_autofree char *expected = ct_db_read_text (
      db, error,
      "SELECT c.kind FROM channels c JOIN channel_destinations d ON d.channel_id = c.id "
      "WHERE c.name = ? AND d.destination = ? AND c.archived_at IS NULL AND d.archived_at IS NULL",
      "ss", post->channel, post->destination);

  if (!expected) {
    g_clear_error (error);
    return ct_fail (error, CT_ERROR_REFUSED, _ ("%s:%s is not a registered destination any more"),
                    post->channel, post->destination);
  }
  if (!ct_wire_parse (post->wire, kind, message, error))
    return FALSE;
  if (strcmp (*kind, expected) != 0 || strcmp (message->destination, post->destination) != 0)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The bytes of %s go to %s, not to %s"), post->number,
                    message->destination, post->destination);
  return strcmp (message->key, key) == 0 ||
         ct_fail (error, CT_ERROR_REFUSED, _ ("The bytes of %s carry the key of another approval"),
                  post->number);
}

/* Phrases may have been added since the draft was checked. */
static gboolean
check_guardrails (CtDb *db, const CtPostRow *post, const char *kind, const char *text, GError **error)
{
  g_autoptr (CtGuardrails) guardrails = ct_configuration_guardrails (db, error);
  g_autoptr (GPtrArray) findings = guardrails ? ct_guardrails_check (guardrails, kind, text, NULL) : NULL;

  if (!findings)
    return FALSE;
  for (guint i = 0; ct_findings_block (findings) && i < findings->len; i++) {
    const CtFinding *finding = findings->pdata[i];

    if (finding->severity == CT_FINDING_ERROR)
      return ct_fail (error, CT_ERROR_REFUSED, _ ("A guardrail (%s) does not let %s out: %s"), finding->rule,
                      post->number, finding->message);
  }
  return TRUE;
}

/* Nothing goes out for a task that was set aside or closed: %CT_ERROR_CONFLICT. */
gboolean
ct_post_proof_check_task (CtDb *db, const CtPostRow *post, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  return ct_task_row_load (db, &post->task_id, &task, error) &&
         (ct_task_state_may_send (task.status) ||
          ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is %s; take it up again first"), task.number,
                   ct_task_state_label (task.status)));
}

/**
 * ct_post_proof_check:
 *
 * Holds a post against its approval, the device that signed it, its destination, its task, the facts behind it and the
 * guardrails, as they are now.
 *
 * Errors: %CT_ERROR_CONFLICT where the facts have changed or the task was set aside, so that the approval is void;
 * %CT_ERROR_BUSY where nobody vouches for the approver's device yet;
 * anything else means that the post must not go out
 */
gboolean
ct_post_proof_check (CtDb *db, const CtPostRow *post, gint64 now, GError **error)
{
  g_auto (Approval) approval = { 0 };
  g_auto (CtWireMessage) message = { 0 };
  g_autofree char *kind = NULL;

  return load_approval (db, post, &approval, error) && check_approval (post, &approval, now, error) &&
         check_signature (db, post, &approval, error) && check_wire (db, post, &message, &kind, error) &&
         ct_post_proof_check_task (db, post, error) && check_context (db, post, &approval, error) &&
         check_guardrails (db, post, kind, message.text, error);
}
