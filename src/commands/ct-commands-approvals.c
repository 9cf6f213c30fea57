/* The decisions of people: nothing leaves without one that is bound to the very bytes and signed. */
#include "ct-commands.h"
#include "ct-approval-context.h"
#include "ct-approval-seal.h"
#include "ct-approvals.h"
#include "ct-commander.h"
#include "ct-draft-row.h"
#include "ct-effect.h"
#include "ct-open-upload.h"
#include "ct-post-row.h"
#include "ct-rows.h"
#include "ct-wire.h"

#include <string.h>

/* Who may decide */

/* An approver with all roles and the delegations given to them. */
typedef struct {
  CtApprover approver;
  GPtrArray *texts;    /* (owned) */
  GPtrArray *strvs;    /* (owned): vectors of roles */
  GArray *delegations; /* (owned) (element-type CtDelegation) */
} Person;

static void
person_clear (Person *self)
{
  g_clear_pointer (&self->texts, g_ptr_array_unref);
  g_clear_pointer (&self->strvs, g_ptr_array_unref);
  g_clear_pointer (&self->delegations, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Person, person_clear)

static const char *const *
keep_roles (Person *self, GPtrArray *roles)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; roles && i < roles->len; i++)
    g_ptr_array_add (names, g_strdup (roles->pdata[i]));
  g_ptr_array_add (names, NULL);
  g_ptr_array_add (self->strvs, names);
  return (const char *const *) names->pdata;
}

/* Whether an amount is more than a person may approve, where a limit is set: in their currency, or nothing. */
static gboolean
is_above_limit (CtDb *db, const CtApprovalRow *approval, const char *login, gboolean *above, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error,
                                         "SELECT approval_limit_minor, approval_currency FROM people WHERE "
                                         "login = ? AND approval_limit_minor IS NOT NULL",
                                         "s", login);

  *above = FALSE;
  if (stmt && ct_stmt_next (stmt))
    *above = g_strcmp0 (ct_stmt_text (stmt, 1), approval->currency) == 0
                 ? ct_money_size (approval->amount_minor) > (guint64) MAX (ct_stmt_int (stmt, 0), 0)
                 : approval->amount_minor != 0;
  return stmt && ct_stmt_finish (stmt, error);
}

static gboolean
add_delegation (Person *self, CtDb *db, const CtApprovalRow *approval, const char *login, gint64 starts_at,
                gint64 ends_at, GError **error)
{
  g_autoptr (GPtrArray) roles = ct_commander_roles (db, login, NULL); /* nobody any more: no roles */
  CtDelegation delegation = { .starts_at = starts_at, .ends_at = ends_at };

  g_ptr_array_add (self->texts, g_strdup (login));
  delegation.person = self->texts->pdata[self->texts->len - 1];
  delegation.roles = keep_roles (self, roles);
  if (!is_above_limit (db, approval, delegation.person, &delegation.above_limit, error))
    return FALSE;
  g_array_append_val (self->delegations, delegation);
  return TRUE;
}

static gboolean
read_person (CtCommand *command, const CtApprovalRow *approval, Person *self, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;

  self->texts = g_ptr_array_new_with_free_func (g_free);
  self->strvs = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  self->delegations = g_array_new (FALSE, TRUE, sizeof (CtDelegation));
  if (g_strcmp0 (approval->delegated_to, command->actor) == 0 && approval->delegated_by &&
      !add_delegation (self, command->db, approval, approval->delegated_by, 0, approval->expires_at, error))
    return FALSE;
  stmt = ct_db_query (
      command->db, error,
      "SELECT p.login, d.starts_at, d.ends_at FROM delegations d JOIN people p ON p.id = d.person_id "
      "JOIN people me ON me.id = d.delegate_id WHERE me.login = ? AND p.archived_at IS NULL ORDER BY "
      "p.login, d.id",
      "s", command->actor);
  while (stmt && ct_stmt_next (stmt))
    if (!add_delegation (self, command->db, approval, ct_stmt_text (stmt, 0), ct_stmt_int (stmt, 1),
                         ct_stmt_int (stmt, 2), error))
      return FALSE;
  if (!stmt || !ct_stmt_finish (stmt, error) ||
      !is_above_limit (command->db, approval, command->actor, &self->approver.above_limit, error))
    return FALSE;
  self->approver.person = command->actor;
  self->approver.roles = keep_roles (self, command->roles);
  self->approver.delegations = (const CtDelegation *) (gpointer) self->delegations->data;
  self->approver.n_delegations = self->delegations->len;
  return TRUE;
}

/* (transfer full) */
static CtApprovalPolicy *
read_policy (const CtApprovalRow *approval, GError **error)
{
  g_autoptr (JsonNode) node = ct_json_parse (approval->policy, -1, 1 << 16, error);

  return node ? ct_approval_policy_parse (json_node_get_object (node), approval->number, error) : NULL;
}

/* Whose own limit is too low is told both sums; of one stood in for, the limit is nothing to be told. */
static void
name_sums (CtCommand *command, const CtApprovalRow *approval, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      command->db, NULL, "SELECT approval_limit_minor, approval_currency FROM people WHERE login = ?", "s",
      command->actor);
  g_autofree char *sum = NULL, *limit = NULL;

  if (!error || !approval->currency || !stmt || !ct_stmt_next (stmt) || !ct_stmt_text (stmt, 1))
    return;
  sum = ct_money_format (approval->amount_minor, approval->currency);
  limit = ct_money_format (ct_stmt_int (stmt, 0), ct_stmt_text (stmt, 1));
  g_clear_error (error);
  ct_fail (error, CT_ERROR_REFUSED,
           _ ("This is above what you may approve: %s; your limit is %s. Ask somebody with a higher limit"),
           sum, limit);
}

static gboolean
check_policy (CtCommand *command, const CtApprovalRow *approval, char **role, GError **error)
{
  g_autoptr (CtApprovalPolicy) policy = read_policy (approval, error);
  g_auto (Person) person = { 0 };
  CtApprovalRequest request = {
    .owner = approval->owner,
    .last_editor = approval->edited_by,
    .has_amount = TRUE,
    .amount_minor = approval->amount_minor,
    .currency = approval->currency,
    .requested_at = approval->created_at,
    .expires_at = approval->expires_at,
  };
  CtApprovalVerdict verdict;

  if (!policy || !read_person (command, approval, &person, error))
    return FALSE;
  if (!ct_approval_policy_check (policy, &request, &person.approver, command->now, &verdict, error)) {
    if (verdict.reason == CT_APPROVAL_REFUSED_LIMIT && person.approver.above_limit)
      name_sums (command, approval, error);
    return FALSE;
  }
  *role = g_strdup (verdict.role);
  return TRUE;
}

/* approval.approve */

static gboolean
check_bytes (CtCommand *command, const CtApprovalRow *approval, GError **error)
{
  CtHash named, ground;

  if (!ct_hash_from_hex (ct_arg_text (command, "payload_sha256"), &named) ||
      !ct_hash_from_hex (ct_arg_text (command, "context_sha256"), &ground))
    return ct_fail (error, CT_ERROR_INVALID, _ ("A hash must be 64 hexadecimal digits"));
  if (!ct_hash_equal (&named, &approval->payload_sha256))
    return ct_fail (error, CT_ERROR_CONFLICT,
                    _ ("%s does not send what you named: its bytes have another hash"), approval->number);
  if (!ct_hash_equal (&ground, &approval->context_sha256))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s stands on other facts than you named"),
                    approval->number);
  return TRUE;
}

static gboolean
check_context (CtCommand *command, const CtApprovalRow *approval, GError **error)
{
  g_autofree char *now =
      ct_approval_context_renew (command->db, &approval->task_id, approval->context, error);
  g_autoptr (JsonArray) changes = NULL;
  g_autofree char *text = NULL;

  if (!now)
    return FALSE;
  if (strcmp (now, approval->context) == 0)
    return TRUE;
  changes = ct_approval_context_changes (command->db, approval->context, now, error);
  if (!changes)
    return FALSE;
  text = ct_approval_context_describe (changes);
  return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s: what it relies on has changed: %s"), approval->number,
                  text);
}

/* The guardrails as they are today, not as they were when it was drafted. */
static gboolean
check_guardrails (CtCommand *command, const CtApprovalRow *approval, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      command->db, error, "SELECT subject, text FROM ai_outputs WHERE id = ?", "k", &approval->output_id);
  g_autoptr (GPtrArray) findings = NULL;

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_CORRUPT, "%s has no draft", approval->number);
  if (!ct_draft_row_check (command->db, approval->channel, ct_stmt_text (stmt, 0), ct_stmt_text (stmt, 1),
                           &findings, error))
    return FALSE;
  for (guint i = 0; i < findings->len; i++) {
    const CtFinding *finding = findings->pdata[i];

    if (finding->severity == CT_FINDING_ERROR)
      return ct_fail (error, CT_ERROR_REFUSED, _ ("%s cannot be approved as it is: %s"), approval->number,
                      finding->message);
  }
  return TRUE;
}

/* What was set aside or closed meanwhile is not sent; what waits beside another post of the task is. */
static gboolean
check_task (const CtTaskRow *task, GError **error)
{
  switch (task->status) {
  case CT_TASK_WAITING_FOR_HUMAN_APPROVAL:
  case CT_TASK_DRAFTING:
  case CT_TASK_APPROVED:
  case CT_TASK_POSTED:
  case CT_TASK_AWAITING_REPLY:
    return TRUE;
  default:
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is %s; take it up again first"), task->number,
                    ct_task_state_label (task->status));
  }
}

static gboolean
decode (const char *text, guint8 *bytes, gsize size)
{
  gsize length = 0;
  g_autofree guchar *decoded = g_base64_decode (text, &length);

  if (length != size)
    return FALSE;
  memcpy (bytes, decoded, size);
  return TRUE;
}

/* The device must be enrolled, and must have signed exactly this. */
static gboolean
check_signature (CtCommand *command, const CtApprovalRow *approval, CtApprovalSeal *seal, CtId *device,
                 guint8 signature[CT_SEAL_SIGNATURE_SIZE], GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;
  const guint8 *public;
  gsize length = 0;

  *seal = (CtApprovalSeal){
    .approval = approval->id,
    .payload = approval->payload_sha256,
    .context = approval->context_sha256,
    .channel = approval->channel,
    .destination = approval->destination,
    .approver = command->actor,
    .expires_at = approval->expires_at,
  };
  ct_arg_id (command, "device_id", device);
  if (!decode (ct_arg_text (command, "nonce"), seal->nonce, CT_SEAL_NONCE_SIZE) ||
      !decode (ct_arg_text (command, "signature"), signature, CT_SEAL_SIGNATURE_SIZE))
    return ct_fail (error, CT_ERROR_INVALID, _ ("The nonce or the signature has the wrong length"));
  stmt =
      ct_db_query (command->db, error,
                   "SELECT public_key FROM devices WHERE id = ? AND revoked_at IS NULL AND enrolled_at <= ?",
                   "ki", device, command->now);
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_REFUSED, _ ("This device is not enrolled, or its key was revoked"));
  public = ct_stmt_blob (stmt, 0, &length);
  return length == CT_SEAL_PUBLIC_SIZE && ct_approval_seal_verify (seal, public, signature, error);
}

static gboolean
check_all (CtCommand *command, const CtApprovalRow *approval, const CtTaskRow *task, char **role,
           GError **error)
{
  return ct_approval_row_check_pending (approval, error) && check_bytes (command, approval, error) &&
         check_task (task, error) && check_policy (command, approval, role, error) &&
         check_context (command, approval, error) && check_guardrails (command, approval, error);
}

static gboolean
approve_run (CtCommand *command, GError **error)
{
  g_auto (CtApprovalRow) approval = { 0 };
  g_auto (CtTaskRow) task = { 0 };
  g_autofree char *role = NULL, *text = NULL;
  guint8 signature[CT_SEAL_SIGNATURE_SIZE];
  CtApprovalSeal seal;
  CtId device, post;

  if (!ct_open_upload_check (command->db, error) || !ct_approval_row_of (command, &approval, error) ||
      !ct_task_row_load (command->db, &approval.task_id, &task, error) ||
      !check_all (command, &approval, &task, &role, error) ||
      !check_signature (command, &approval, &seal, &device, signature, error))
    return FALSE;
  if (!ct_effect_update (command, error, "approvals", &approval.id,
                         "state,decided_by,decided_role,decided_at,comment,nonce,device_id,signature",
                         "sssisbkb", "approved", command->actor, role, command->now,
                         ct_arg_has (command, "comment") ? ct_arg_text (command, "comment") : "", seal.nonce,
                         sizeof seal.nonce, &device, signature, sizeof signature) ||
      !ct_post_row_enqueue (command, &approval.id, &post, error))
    return FALSE;
  if (task.status == CT_TASK_WAITING_FOR_HUMAN_APPROVAL &&
      !ct_task_row_move (command, &task, CT_TASK_APPROVED, error))
    return FALSE;
  text = ct_id_to_string (&post);
  json_object_set_string_member (command->result, "post_id", text);
  ct_command_touches (command, &task.id);
  return ct_task_row_finish (command, &task, error) &&
         ct_effect_object (command, "approvals", &approval.id, error);
}

/* approval.edit */

/* (transfer full): what the approval of the other text is held to: by what holds today */
static char *
policy_of_edit (CtCommand *command, const CtApprovalRow *approval, GError **error)
{
  g_autoptr (CtApprovalPolicy) policy = read_policy (approval, error);
  g_autoptr (JsonObject) json = NULL;

  if (!policy || !ct_approvals_tighten (command->db, &approval->task_id, policy, error))
    return NULL;
  json = ct_approval_policy_to_json (policy);
  return ct_json_canonical_object (json, error);
}

/* {approval, text, subject?}: another text needs other bytes, other findings, and an approval of its own. */
static gboolean
edit_run (CtCommand *command, GError **error)
{
  g_auto (CtApprovalRow) approval = { 0 };
  g_auto (CtTaskRow) task = { 0 };
  g_auto (CtDraftOutcome) outcome = { 0 };
  g_autoptr (JsonObject) output = NULL;
  g_autofree char *id = NULL, *policy = NULL;
  CtDraftRow draft;

  if (!ct_approval_row_of (command, &approval, error) || !ct_approval_row_check_pending (&approval, error) ||
      !ct_task_row_load (command->db, &approval.task_id, &task, error) || !check_task (&task, error))
    return FALSE;
  output = ct_rows_one (
      command->db, error,
      "SELECT kind, language, subject, confidence, facts AS factsJson FROM ai_outputs WHERE id = ?", "k",
      &approval.output_id);
  if (!output || !(policy = policy_of_edit (command, &approval, error)))
    return FALSE;
  draft = (CtDraftRow){
    .task = &task,
    .kind = ct_json_string (output, "kind", NULL),
    .channel = approval.channel,
    .destination = approval.destination,
    .language = ct_json_string (output, "language", "en"),
    .subject = ct_arg_has (command, "subject") ? ct_arg_text (command, "subject")
                                               : ct_json_string (output, "subject", ""),
    .text = ct_arg_text (command, "text"),
    .provider = "person",
    .model = "",
    .prompt_version = "",
    .author = command->actor,
    .confidence = 100,
    .facts = ct_json_array (output, "facts"),
    .based_on = &approval.output_id,
    .edited_by = command->actor,
    .policy = policy,
    .expires_at = approval.expires_at,
    .deadline_at = approval.deadline_at,
  };
  if (command->now >= approval.expires_at)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("%s: the time for this approval is over"), approval.number);
  if (!ct_draft_row_write (command, &draft, 0, &outcome, error))
    return FALSE;
  if (outcome.problem)
    return ct_fail (error, CT_ERROR_INVALID, "%s", outcome.problem);
  id = ct_id_to_string (&outcome.approval);
  json_object_set_string_member (command->result, "id", id);
  json_object_set_boolean_member (command->result, "blocked", outcome.blocked);
  ct_command_touches (command, &approval.id);
  return ct_task_row_finish (command, &task, error) &&
         ct_effect_object (command, "approvals", &outcome.approval, error);
}

/* approval.reject, approval.ask, approval.expire */

/* Whether the actor could have approved: only they may say no as well. Amounts and own edits bind yes alone. */
static gboolean
decide (CtCommand *command, const CtApprovalRow *approval, const char *state, const char *comment,
        GError **error)
{
  return ct_effect_update (command, error, "approvals", &approval->id,
                           "state,decided_by,decided_role,decided_at,comment", "sssis", state, command->actor,
                           command->role, command->now, comment);
}

static gboolean
finish (CtCommand *command, const CtApprovalRow *approval, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  ct_command_touches (command, &approval->task_id);
  return ct_task_row_load (command->db, &approval->task_id, &task, error) &&
         ct_task_row_finish (command, &task, error) &&
         ct_effect_object (command, "approvals", &approval->id, error);
}

/* When the agent looks at a task again after its draft came to nothing. */
static gboolean
next_round (CtCommand *command, const CtApprovalRow *approval, gint64 *at, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  if (!ct_task_row_load (command->db, &approval->task_id, &task, error))
    return FALSE;
  *at = command->now + MAX (task.cadence, CT_MS_MINUTE);
  return TRUE;
}

static gboolean
reject_run (CtCommand *command, GError **error)
{
  g_auto (CtApprovalRow) approval = { 0 };
  const char *comment = ct_arg_text (command, "comment");
  gint64 at = 0;

  if (ct_text_is_blank (comment))
    return ct_fail (error, CT_ERROR_INVALID, _ ("A rejection needs a comment"));
  return ct_approval_row_of (command, &approval, error) && ct_approval_row_check_pending (&approval, error) &&
         decide (command, &approval, "rejected", comment, error) &&
         next_round (command, &approval, &at, error) &&
         ct_approvals_settle_task (command, &approval.task_id, at, error) &&
         finish (command, &approval, error);
}

/* The agent drafts again with the comment, at once. */
static gboolean
ask_run (CtCommand *command, GError **error)
{
  g_auto (CtApprovalRow) approval = { 0 };
  g_auto (CtTaskRow) task = { 0 };
  const char *comment = ct_arg_text (command, "comment");

  if (ct_text_is_blank (comment))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Say what should change"));
  if (!ct_approval_row_of (command, &approval, error) || !ct_approval_row_check_pending (&approval, error) ||
      !ct_task_row_load (command->db, &approval.task_id, &task, error) || !check_task (&task, error) ||
      !decide (command, &approval, "changes_requested", comment, error))
    return FALSE;
  if (task.status == CT_TASK_WAITING_FOR_HUMAN_APPROVAL &&
      !ct_task_row_move (command, &task, CT_TASK_DRAFTING, error))
    return FALSE;
  return ct_task_row_check_next (command, &task, command->now, error) && finish (command, &approval, error);
}

/* Time decides: what nobody approved counts as rejected. */
static gboolean
expire_run (CtCommand *command, GError **error)
{
  g_auto (CtApprovalRow) approval = { 0 };

  if (!ct_approval_row_of (command, &approval, error) || !ct_approval_row_check_pending (&approval, error))
    return FALSE;
  if (command->now < approval.expires_at)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s has not expired yet"), approval.number);
  return decide (command, &approval, "expired", "", error) &&
         ct_approvals_settle_task (command, &approval.task_id, command->now, error) &&
         finish (command, &approval, error);
}

/* approval.void, approval.unsend, approval.delegate */

static gboolean
void_run (CtCommand *command, GError **error)
{
  g_auto (CtApprovalRow) approval = { 0 };
  const char *reason = ct_arg_text (command, "reason");

  if (ct_text_is_blank (reason))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Voiding an approval needs a reason"));
  return ct_approval_row_of (command, &approval, error) && ct_approval_row_check_pending (&approval, error) &&
         ct_approvals_void_one (command, &approval.id, reason, error) &&
         ct_approvals_settle_task (command, &approval.task_id, command->now, error) &&
         finish (command, &approval, error);
}

/* The same message under the new approval's key; (transfer full). */
static GBytes *
rekey (GBytes *wire, const char *key, GError **error)
{
  g_auto (CtWireMessage) message = { 0 };
  g_autofree char *kind = NULL;

  if (!ct_wire_parse (wire, &kind, &message, error))
    return NULL;
  g_free (message.key);
  message.key = g_strdup (key);
  return ct_wire_build (kind, &message, error);
}

/* The same message waits for a decision again. */
static gboolean
ask_anew (CtCommand *command, const CtApprovalRow *old, GError **error)
{
  CtId id = ct_approvals_id (&command->id, 0);
  g_autofree char *text = ct_id_to_string (&id);
  g_autofree char *number =
      ct_authority_number (command->authority, command->db, "APPROVAL", 4, command->now, error);
  g_autoptr (GBytes) wire = number ? rekey (old->wire, text, error) : NULL;
  gsize length;
  gconstpointer bytes;
  CtHash payload;

  if (!wire)
    return FALSE;
  bytes = g_bytes_get_data (wire, &length);
  payload = ct_hash (bytes, length);
  json_object_set_string_member (command->result, "id", text);
  return ct_effect_insert (command, error, "approvals", &id,
                           "number,task_id,output_id,owner,channel,destination,wire,payload_sha256,context,"
                           "context_sha256,amount_minor,currency,policy,expires_at,deadline_at,edited_by",
                           "skksssbhshissizs", number, &old->task_id, &old->output_id, old->owner,
                           old->channel, old->destination, bytes, length, &payload, old->context,
                           &old->context_sha256, old->amount_minor, old->currency, old->policy,
                           old->expires_at, old->deadline_at, old->edited_by);
}

/* Within the undo window, and as long as nobody has begun to send. */
static gboolean
unsend_run (CtCommand *command, GError **error)
{
  g_auto (CtApprovalRow) approval = { 0 };
  g_auto (CtTaskRow) task = { 0 };
  g_autofree char *post = NULL;

  if (!ct_approval_row_of (command, &approval, error))
    return FALSE;
  if (strcmp (approval.state, "approved") != 0)
    return ct_fail (error, CT_ERROR_CONFLICT,
                    _ ("%s is not approved, nothing is to be called back: it is %s"), approval.number,
                    approval.state);
  post = ct_db_read_text (command->db, error,
                          "SELECT ifnull((SELECT state FROM outbox WHERE approval_id = ?), 'gone')", "k",
                          &approval.id);
  if (!post)
    return FALSE;
  if (strcmp (post, "ready") != 0 && strcmp (post, "leased") != 0)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s can no longer be called back: its message is %s"),
                    approval.number, post);
  if (!ct_approvals_void_one (command, &approval.id, "called back before it was sent", error) ||
      !ask_anew (command, &approval, error) ||
      !ct_task_row_load (command->db, &approval.task_id, &task, error))
    return FALSE;
  if (task.status == CT_TASK_APPROVED &&
      !ct_task_row_move (command, &task, CT_TASK_WAITING_FOR_HUMAN_APPROVAL, error))
    return FALSE;
  return finish (command, &approval, error);
}

/* To another team, or to a person who then decides in the place of whoever asked. */
static gboolean
delegate_run (CtCommand *command, GError **error)
{
  g_auto (CtApprovalRow) approval = { 0 };
  const char *to = ct_arg_text (command, "to");
  g_autoptr (GPtrArray) roles = NULL;
  gboolean can = FALSE;

  if (!ct_approval_row_of (command, &approval, error) || !ct_approval_row_check_pending (&approval, error))
    return FALSE;
  if (ct_role_is_team (to))
    return ct_effect_update (command, error, "approvals", &approval.id, "owner", "s", to) &&
           finish (command, &approval, error);
  roles = ct_commander_roles (command->db, to, error);
  if (!roles)
    return FALSE;
  for (guint i = 0; i < roles->len; i++)
    can |= ct_role_is_team (roles->pdata[i]);
  if (!can || strcmp (to, command->actor) == 0)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("“%s” cannot decide in your place"), to);
  return ct_effect_update (command, error, "approvals", &approval.id, "delegated_to,delegated_by", "ss", to,
                           command->actor) &&
         finish (command, &approval, error);
}

void
ct_commands_approvals_register (void)
{
  static const CtArg approve_args[] = {
    { "approval", 'k', 0 },        { "payload_sha256", 's', 64 },
    { "context_sha256", 's', 64 }, { "nonce", 's', 64 },
    { "device_id", 'k', 0 },       { "signature", 's', 128 },
    { "comment", 'S', 2000 },      { NULL, 0, 0 },
  };
  static const CtArg edit_args[] = {
    { "approval", 'k', 0 }, { "text", 's', 40000 }, { "subject", 'S', 300 }, { NULL, 0, 0 }
  };
  static const CtArg comment_args[] = { { "approval", 'k', 0 }, { "comment", 's', 2000 }, { NULL, 0, 0 } };
  static const CtArg reason_args[] = { { "approval", 'k', 0 }, { "reason", 's', 2000 }, { NULL, 0, 0 } };
  static const CtArg to_args[] = { { "approval", 'k', 0 }, { "to", 's', 100 }, { NULL, 0, 0 } };
  static const CtArg approval_args[] = { { "approval", 'k', 0 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = {
    { "approval.approve", "approval", approve_run, CT_COMMAND_SIGNED, approve_args },
    { "approval.edit", "approval", edit_run, 0, edit_args },
    { "approval.reject", "approval", reject_run, 0, comment_args },
    { "approval.ask", "approval", ask_run, 0, comment_args },
    { "approval.expire", "approval", expire_run, 0, approval_args },
    { "approval.void", "approval", void_run, 0, reason_args },
    { "approval.unsend", "approval", unsend_run, 0, approval_args },
    { "approval.delegate", "approval", delegate_run, 0, to_args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
