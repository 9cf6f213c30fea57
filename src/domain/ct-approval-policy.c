#include "ct-approval-policy.h"

#include "ct-base.h"
#include "ct-fields.h"
#include "ct-vocabulary.h"

#include <string.h>

/* Of a task that several agents had, those of all of them. */
#define MOST_THRESHOLDS 100
#define LONGEST_EXPIRY  (90 * CT_MS_DAY)

static const char *const kind_names[] = { "one_approver", "four_eyes", NULL };

static const char *const reasons[] = {
  [CT_APPROVAL_ALLOWED] = N_ ("Allowed"),
  [CT_APPROVAL_REFUSED_EXPIRED] = N_ ("The time for this approval is over; it counts as rejected"),
  [CT_APPROVAL_REFUSED_NO_TEAM] = N_ ("Only members of a team, or who stands in for one, can approve"),
  [CT_APPROVAL_REFUSED_OWNER] = N_ ("This is another team's work; one of its members must approve it"),
  [CT_APPROVAL_REFUSED_AMOUNT] = N_ ("An amount of this size must be approved by another role"),
  [CT_APPROVAL_REFUSED_OWN_EDIT] =
      N_ ("You made the last edit; four eyes are needed, so another person must approve"),
  [CT_APPROVAL_REFUSED_LIMIT] = N_ ("This is above what you may approve; ask somebody with a higher limit"),
};

const char *
ct_approval_kind_name (CtApprovalKind kind)
{
  g_return_val_if_fail (kind <= CT_APPROVAL_FOUR_EYES, NULL);
  return kind_names[kind];
}

/* A sentence for people, translated. */
const char *
ct_approval_reason_text (CtApprovalReason reason)
{
  g_return_val_if_fail (reason < G_N_ELEMENTS (reasons), NULL);
  return _ (reasons[reason]);
}

/* Parsing */

static void
threshold_free (gpointer data)
{
  CtApprovalThreshold *self = data;

  g_free (self->currency);
  g_strfreev (self->roles);
  g_free (self);
}

static gpointer
threshold_parse (JsonObject *object, const char *where, GError **error)
{
  CtApprovalThreshold *self = g_new0 (CtApprovalThreshold, 1);
  CtFields fields;

  ct_fields_init (&fields, object, where);
  self->amount_minor = ct_fields_int (&fields, "amountMinor", 1, G_MAXINT64, 0);
  self->currency = g_strdup (ct_fields_text (&fields, "currency", 3));
  self->kind = (CtApprovalKind) ct_fields_choice (&fields, "kind", kind_names, CT_APPROVAL_FOUR_EYES);
  self->roles = ct_fields_strings (&fields, "roles", 10);
  if (self->amount_minor == 0)
    ct_fields_complain (&fields, "amountMinor", "an amount in minor units is required");
  if (!ct_currency_valid (self->currency))
    ct_fields_complain (&fields, "currency", "must be three capital letters (ISO 4217)");
  for (char **role = self->roles; *role; role++)
    if (!ct_role_is_team (*role))
      ct_fields_complain (&fields, "roles", "“%s” is no team", *role);
  if (ct_fields_finish (&fields, error))
    return self;
  threshold_free (self);
  return NULL;
}

/**
 * ct_approval_policy_parse:
 * @object: {"kind": "one_approver" or "four_eyes", "expiry"?: duration, "thresholds"?: [{"amountMinor", "currency",
 *   "kind"?, "roles"?}]}
 * @where: names the object in messages
 *
 * Returns: (transfer full): the policy, or %NULL with %CT_ERROR_INVALID
 */
CtApprovalPolicy *
ct_approval_policy_parse (JsonObject *object, const char *where, GError **error)
{
  g_autoptr (CtApprovalPolicy) self = g_new0 (CtApprovalPolicy, 1);
  g_autofree char *place = g_strconcat (where, ", “thresholds”", NULL);
  JsonArray *thresholds;
  CtFields fields;

  ct_fields_init (&fields, object, where);
  self->kind = (CtApprovalKind) ct_fields_choice (&fields, "kind", kind_names, -1);
  self->expiry = ct_fields_duration (&fields, "expiry", LONGEST_EXPIRY, CT_MS_DAY);
  thresholds = ct_fields_array (&fields, "thresholds", MOST_THRESHOLDS);
  if (self->expiry < CT_MS_MINUTE)
    ct_fields_complain (&fields, "expiry", "must be at least a minute");
  if (!ct_fields_finish (&fields, error))
    return NULL;
  if (thresholds) {
    g_autoptr (JsonNode) node = ct_json_wrap_array (json_array_ref (thresholds));

    self->thresholds =
        ct_fields_parse_list (node, place, MOST_THRESHOLDS, threshold_parse, threshold_free, error);
  } else {
    self->thresholds = g_ptr_array_new_with_free_func (threshold_free);
  }
  return self->thresholds ? g_steal_pointer (&self) : NULL;
}

static JsonObject *
threshold_to_json (const CtApprovalThreshold *self)
{
  JsonArray *roles = json_array_new ();

  for (char **role = self->roles; *role; role++)
    json_array_add_string_element (roles, *role);
  return ct_json_build ("issa", "amountMinor", self->amount_minor, "currency", self->currency, "kind",
                        kind_names[self->kind], "roles", roles);
}

/* (transfer full): what ct_approval_policy_parse() reads, to be kept with the approval that it governs */
JsonObject *
ct_approval_policy_to_json (const CtApprovalPolicy *self)
{
  g_autofree char *expiry = g_strdup_printf ("%" G_GINT64_FORMAT "s", self->expiry / CT_MS_SECOND);
  JsonArray *thresholds = json_array_new ();

  for (guint i = 0; i < self->thresholds->len; i++)
    json_array_add_object_element (thresholds, threshold_to_json (self->thresholds->pdata[i]));
  return ct_json_build ("ssa", "kind", kind_names[self->kind], "expiry", expiry, "thresholds", thresholds);
}

void
ct_approval_policy_free (CtApprovalPolicy *self)
{
  g_clear_pointer (&self->thresholds, g_ptr_array_unref);
  g_free (self);
}

static gboolean
is_same_threshold (gconstpointer a, gconstpointer b)
{
  const CtApprovalThreshold *x = a, *y = b;

  return x->amount_minor == y->amount_minor && strcmp (x->currency, y->currency) == 0 && x->kind == y->kind &&
         g_strv_equal ((const char *const *) x->roles, (const char *const *) y->roles);
}

/**
 * ct_approval_policy_tighten:
 * @other: another policy that holds as well
 *
 * Makes a policy as strict as @other where it is laxer: four eyes where either asks for it, and the thresholds of both.
 * How long an approval waits stays.
 */
void
ct_approval_policy_tighten (CtApprovalPolicy *self, const CtApprovalPolicy *other)
{
  self->kind = MAX (self->kind, other->kind);
  for (guint i = 0; i < other->thresholds->len; i++) {
    const CtApprovalThreshold *threshold = other->thresholds->pdata[i];
    CtApprovalThreshold *copy;

    if (g_ptr_array_find_with_equal_func (self->thresholds, threshold, is_same_threshold, NULL))
      continue;
    copy = g_memdup2 (threshold, sizeof *threshold);
    copy->currency = g_strdup (threshold->currency);
    copy->roles = g_strdupv (threshold->roles);
    g_ptr_array_add (self->thresholds, copy);
  }
}

/* Judging */

/* The earlier of the policy's expiry and the task's effective deadline (%G_MAXINT64: none). A deadline that has
 * passed already does not expire the approval at once: late is better than never. */
gint64
ct_approval_policy_expires_at (const CtApprovalPolicy *self, gint64 requested_at, gint64 deadline)
{
  gint64 expiry = requested_at + self->expiry;

  return deadline > requested_at ? MIN (expiry, deadline) : expiry;
}

/* Whether the default, rejection, has come into effect. */
gboolean
ct_approval_policy_is_expired (const CtApprovalPolicy *self, const CtApprovalRequest *request, gint64 now)
{
  gint64 at = request->expires_at ? request->expires_at : request->requested_at + self->expiry;

  return now >= at;
}

/* An amount in another currency, or in none, counts as above: the caller converts it, or it is taken seriously. */
static gboolean
is_reached (const CtApprovalThreshold *threshold, const CtApprovalRequest *request)
{
  if (!request->has_amount)
    return FALSE;
  if (g_strcmp0 (threshold->currency, request->currency) != 0)
    return request->amount_minor != 0;
  return ct_money_size (request->amount_minor) >= (guint64) threshold->amount_minor;
}

static CtApprovalKind
applying_kind (const CtApprovalPolicy *self, const CtApprovalRequest *request)
{
  CtApprovalKind kind = self->kind;

  for (guint i = 0; i < self->thresholds->len; i++) {
    const CtApprovalThreshold *threshold = self->thresholds->pdata[i];

    if (is_reached (threshold, request))
      kind = MAX (kind, threshold->kind);
  }
  return kind;
}

static gboolean
amount_admits (const CtApprovalPolicy *self, const CtApprovalRequest *request, const char *role)
{
  for (guint i = 0; i < self->thresholds->len; i++) {
    const CtApprovalThreshold *threshold = self->thresholds->pdata[i];

    if (threshold->roles[0] && is_reached (threshold, request) &&
        !g_strv_contains ((const char *const *) threshold->roles, role))
      return FALSE;
  }
  return TRUE;
}

/* How far one role of one person (the approver or who is stood in for) gets; the latest reason is the closest. */
static CtApprovalReason
judge_role (const CtApprovalPolicy *self, const CtApprovalRequest *request, const char *person,
            const char *role, CtApprovalKind kind, gboolean above_limit)
{
  if (!ct_role_is_team (role))
    return CT_APPROVAL_REFUSED_NO_TEAM;
  if (strcmp (role, "admin") != 0 && g_strcmp0 (role, request->owner) != 0)
    return CT_APPROVAL_REFUSED_OWNER;
  if (!amount_admits (self, request, role))
    return CT_APPROVAL_REFUSED_AMOUNT;
  if (kind == CT_APPROVAL_FOUR_EYES && g_strcmp0 (person, request->last_editor) == 0)
    return CT_APPROVAL_REFUSED_OWN_EDIT;
  return above_limit ? CT_APPROVAL_REFUSED_LIMIT : CT_APPROVAL_ALLOWED;
}

static void
judge_roles (const CtApprovalPolicy *self, const CtApprovalRequest *request, const char *person,
             const char *const *roles, const char *on_behalf, gboolean above_limit,
             CtApprovalVerdict *verdict)
{
  for (; roles && *roles && verdict->reason != CT_APPROVAL_ALLOWED; roles++) {
    CtApprovalReason reason = judge_role (self, request, person, *roles, verdict->kind, above_limit);

    if (reason != CT_APPROVAL_ALLOWED && reason <= verdict->reason)
      continue;
    verdict->reason = reason;
    if (reason == CT_APPROVAL_ALLOWED) {
      verdict->role = *roles;
      verdict->on_behalf = on_behalf;
    }
  }
}

/**
 * ct_approval_policy_judge:
 * @request: what is to be approved, with the last edit's author
 * @approver: the person, in all roles and with the delegations given to them
 *
 * Own roles come first, then those of the people stood in for. Where four eyes are needed, neither the approver nor
 * the one stood in for may have made the last edit, and the amount must be within the limits of both. An agent or a viewer
 * never approves.
 *
 * Returns: the verdict; its strings belong to the arguments
 */
CtApprovalVerdict
ct_approval_policy_judge (const CtApprovalPolicy *self, const CtApprovalRequest *request,
                          const CtApprover *approver, gint64 now)
{
  CtApprovalVerdict verdict = { CT_APPROVAL_REFUSED_NO_TEAM, applying_kind (self, request), NULL, NULL };
  gboolean own_edit =
      verdict.kind == CT_APPROVAL_FOUR_EYES && g_strcmp0 (approver->person, request->last_editor) == 0;

  if (ct_approval_policy_is_expired (self, request, now)) {
    verdict.reason = CT_APPROVAL_REFUSED_EXPIRED;
    return verdict;
  }
  judge_roles (self, request, approver->person, approver->roles, NULL, approver->above_limit, &verdict);
  for (gsize i = 0; i < approver->n_delegations && !own_edit; i++) {
    const CtDelegation *delegation = &approver->delegations[i];

    if (now >= delegation->starts_at && now < delegation->ends_at)
      judge_roles (self, request, delegation->person, delegation->roles, delegation->person,
                   approver->above_limit || delegation->above_limit, &verdict);
  }
  return verdict;
}

/**
 * ct_approval_policy_check:
 * @verdict: (out) (optional): set in any case
 *
 * Returns: whether @approver may approve @request; %CT_ERROR_REFUSED with the reason otherwise
 */
gboolean
ct_approval_policy_check (const CtApprovalPolicy *self, const CtApprovalRequest *request,
                          const CtApprover *approver, gint64 now, CtApprovalVerdict *verdict, GError **error)
{
  CtApprovalVerdict judged = ct_approval_policy_judge (self, request, approver, now);

  if (verdict)
    *verdict = judged;
  if (judged.reason == CT_APPROVAL_ALLOWED)
    return TRUE;
  return ct_fail (error, CT_ERROR_REFUSED, "%s", ct_approval_reason_text (judged.reason));
}
