#include "ct-vocabulary.h"

#include "ct-base.h"

#include <string.h>

/* Names and labels stand beside each other; the names alone, ending with NULL, serve ct_text_index(). */

static const char *const severity_names[] = { "low", "medium", "high", "critical", NULL };
static const char *const severity_labels[] = { N_ ("Low"), N_ ("Medium"), N_ ("High"), N_ ("Critical") };

static const char *const blocker_names[] = {
  "invoice_overdue",
  "invoice_disputed",
  "credit_limit_exceeded",
  "payment_short",
  "document_missing",
  "document_expiring",
  "document_rejected",
  "onboarding_stalled",
  "contract_unsigned",
  "order_stuck",
  "required_date_at_risk",
  "required_date_passed",
  "stock_short",
  "shipment_not_booked",
  "pickup_failed",
  "eta_drift",
  "delivered_late",
  "proof_of_delivery_missing",
  "price_mismatch",
  "duplicate_order",
  "interaction_unanswered",
  "repeated_complaint",
  NULL,
};
static const char *const blocker_labels[] = {
  N_ ("Invoice overdue"),
  N_ ("Invoice disputed"),
  N_ ("Credit limit exceeded"),
  N_ ("Payment short"),
  N_ ("Document missing"),
  N_ ("Document expiring"),
  N_ ("Document rejected"),
  N_ ("Onboarding stalled"),
  N_ ("Contract unsigned"),
  N_ ("Order stuck"),
  N_ ("Required date at risk"),
  N_ ("Required date passed"),
  N_ ("Stock short"),
  N_ ("Shipment not booked"),
  N_ ("Pickup failed"),
  N_ ("ETA drift"),
  N_ ("Delivered late"),
  N_ ("Proof of delivery missing"),
  N_ ("Price mismatch"),
  N_ ("Duplicate order"),
  N_ ("Interaction unanswered"),
  N_ ("Repeated complaint on a product"),
};
G_STATIC_ASSERT (G_N_ELEMENTS (blocker_names) == G_N_ELEMENTS (blocker_labels) + 1);

/* The teams come first: a team owns exceptions and tasks, the rest does not. */
#define N_TEAMS 6
static const char *const role_names[] = { "sales", "accounting", "logistics", "legal", "partner",
                                          "admin", "viewer",     "agent",     NULL };
static const char *const role_labels[] = { N_ ("Sales Ops"), N_ ("Accounting"),      N_ ("Logistics"),
                                           N_ ("Legal"),     N_ ("Partner Success"), N_ ("Administrators"),
                                           N_ ("Viewers"),   N_ ("Agents") };
G_STATIC_ASSERT (G_N_ELEMENTS (role_names) == G_N_ELEMENTS (role_labels) + 1);

static const char *const action_names[] = {
  "draft_email",
  "draft_internal_update",
  "draft_channel_post",
  "draft_reply",
  "draft_escalation_summary",
  "draft_digest",
  "recommend_escalation",
  "recommend_next_action",
  "request_document",
  "propose_payment_plan",
  "propose_carrier_rebooking",
  "propose_delivery_date",
  "schedule_next_check",
  "send_without_approval",
  "release_shipment",
  "modify_invoice",
  "modify_order",
  "modify_credit_limit",
  "modify_contract",
  "cancel_order",
  "grant_discount",
  "issue_refund",
  "give_legal_advice",
  "admit_liability",
  "change_distributor_state",
  "book_carrier",
  NULL,
};
static const char *const action_labels[] = {
  N_ ("Draft an e-mail"),
  N_ ("Draft an internal update"),
  N_ ("Draft a channel post"),
  N_ ("Draft a reply"),
  N_ ("Draft an escalation summary"),
  N_ ("Draft a digest"),
  N_ ("Recommend escalation"),
  N_ ("Recommend the next action"),
  N_ ("Ask for a document"),
  N_ ("Propose a payment plan"),
  N_ ("Propose another carrier booking"),
  N_ ("Propose a delivery date"),
  N_ ("Schedule the next check"),
  N_ ("Send without approval"),
  N_ ("Release a shipment"),
  N_ ("Change an invoice"),
  N_ ("Change an order"),
  N_ ("Change a credit limit"),
  N_ ("Change a contract"),
  N_ ("Cancel an order"),
  N_ ("Grant a discount"),
  N_ ("Issue a refund"),
  N_ ("Give legal advice"),
  N_ ("Admit liability"),
  N_ ("Change a distributor's state"),
  N_ ("Book a carrier"),
};
G_STATIC_ASSERT (G_N_ELEMENTS (action_names) == G_N_ELEMENTS (action_labels) + 1);

/* States of records, as columns and rules have them; a name means the same in all of them. */
static const char *const state_names[] = {
  "prospect",   "documents", "contract",  "active",    "suspended", "draft",     "confirmed",
  "allocated",  "invoiced",  "shipped",   "delivered", "closed",    "cancelled", "issued",
  "part_paid",  "paid",      "disputed",  "void",      "planned",   "booked",    "pickup_failed",
  "in_transit", "missing",   "submitted", "verified",  "rejected",  "expired",   NULL
};
static const char *const state_labels[] = {
  N_ ("Prospect"),      N_ ("Collecting documents"),
  N_ ("Contract"),      N_ ("Active"),
  N_ ("Suspended"),     N_ ("Draft"),
  N_ ("Confirmed"),     N_ ("Allocated"),
  N_ ("Invoiced"),      N_ ("Shipped"),
  N_ ("Delivered"),     N_ ("Closed"),
  N_ ("Cancelled"),     N_ ("Issued"),
  N_ ("Partly paid"),   N_ ("Paid"),
  N_ ("Disputed"),      N_ ("Void"),
  N_ ("Planned"),       N_ ("Booked"),
  N_ ("Pickup failed"), N_ ("In transit"),
  N_ ("Missing"),       N_ ("Submitted"),
  N_ ("Verified"),      N_ ("Rejected"),
  N_ ("Expired"),
};

G_STATIC_ASSERT (G_N_ELEMENTS (state_names) == G_N_ELEMENTS (state_labels) + 1);

/* The translated label of a name, or the name itself where a configuration brought one of its own. */
static const char *
label_of (const char *const *names, const char *const *labels, const char *name)
{
  int index = ct_text_index (names, name);

  return index < 0 ? name : _ (labels[index]);
}

/* (array zero-terminated=1): by #CtSeverity */
const char *const *
ct_severity_names (void)
{
  return severity_names;
}

/* Critical from 85, high from 65, medium from 40. */
CtSeverity
ct_severity_of_score (int score)
{
  return score >= 85   ? CT_SEVERITY_CRITICAL
         : score >= 65 ? CT_SEVERITY_HIGH
         : score >= 40 ? CT_SEVERITY_MEDIUM
                       : CT_SEVERITY_LOW;
}

const char *
ct_severity_name (CtSeverity severity)
{
  g_return_val_if_fail (severity <= CT_SEVERITY_CRITICAL, NULL);
  return severity_names[severity];
}

const char *
ct_severity_label (CtSeverity severity)
{
  g_return_val_if_fail (severity <= CT_SEVERITY_CRITICAL, NULL);
  return _ (severity_labels[severity]);
}

gboolean
ct_severity_parse (const char *name, CtSeverity *severity)
{
  int index = ct_text_index (severity_names, name);

  if (index >= 0)
    *severity = (CtSeverity) index;
  return index >= 0;
}

/* (array zero-terminated=1): the shipped blocker classes, "invoice_overdue" and so on */
const char *const *
ct_blocker_names (void)
{
  return blocker_names;
}

gboolean
ct_blocker_is_known (const char *blocker)
{
  return ct_text_index (blocker_names, blocker) >= 0;
}

/* The translated label; @blocker itself where it is not a shipped one. */
const char *
ct_blocker_label (const char *blocker)
{
  return label_of (blocker_names, blocker_labels, blocker);
}

/* The class a shipped rule raises: "invoice-overdue" gives "invoice_overdue"; (transfer full). */
char *
ct_blocker_of_rule (const char *rule)
{
  return g_strdelimit (g_strdup (rule), "-", '_');
}

/* (array zero-terminated=1): teams first, then viewer and agent */
const char *const *
ct_role_names (void)
{
  return role_names;
}

const char *
ct_role_label (const char *role)
{
  return label_of (role_names, role_labels, role);
}

gboolean
ct_role_is_known (const char *role)
{
  return ct_text_index (role_names, role) >= 0;
}

/* Whether the role is a team that owns work and approves it; viewers and agents never do. */
gboolean
ct_role_is_team (const char *role)
{
  int index = ct_text_index (role_names, role);

  return index >= 0 && index < N_TEAMS;
}

/* (array zero-terminated=1): what an agent profile may allow or block */
const char *const *
ct_action_names (void)
{
  return action_names;
}

const char *
ct_action_label (const char *action)
{
  return label_of (action_names, action_labels, action);
}

gboolean
ct_action_is_known (const char *action)
{
  return ct_text_index (action_names, action) >= 0;
}

/* "Partly paid" for "part_paid"; what is not known stays as it is. */
const char *
ct_state_label (const char *state)
{
  return label_of (state_names, state_labels, state);
}
