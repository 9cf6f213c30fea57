#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum {
  CT_APPROVAL_ONE_APPROVER,
  CT_APPROVAL_FOUR_EYES,
} CtApprovalKind;

/* From @amount_minor on, @kind applies instead, and only @roles may approve. */
typedef struct {
  gint64 amount_minor;
  char *currency;
  CtApprovalKind kind;
  char **roles; /* (owned): empty: whoever may approve below it */
} CtApprovalThreshold;

typedef struct {
  CtApprovalKind kind;
  gint64 expiry;         /* ms; an approval not given by then is a rejection */
  GPtrArray *thresholds; /* (owned): CtApprovalThreshold */
} CtApprovalPolicy;

/* What is to be approved. */
typedef struct {
  const char *owner;       /* the team whose work it is */
  const char *last_editor; /* (nullable): the person who wrote the last revision; NULL: an agent did */
  gboolean has_amount;
  gint64 amount_minor;
  const char *currency; /* (nullable) */
  gint64 requested_at;
  gint64 expires_at; /* 0: requested_at and the policy's expiry */
} CtApprovalRequest;

/* @person lets the approver act in their place, [starts_at, ends_at). */
typedef struct {
  const char *person;
  const char *const *roles;
  gint64 starts_at;
  gint64 ends_at;
  gboolean above_limit; /* the request is more than they may approve themselves */
} CtDelegation;

typedef struct {
  const char *person;
  const char *const *roles;
  const CtDelegation *delegations; /* (array length=n_delegations): given to this person */
  gsize n_delegations;
  gboolean above_limit; /* the request is more than this person may approve, for whomever */
} CtApprover;

typedef enum {
  CT_APPROVAL_ALLOWED,
  CT_APPROVAL_REFUSED_EXPIRED,
  CT_APPROVAL_REFUSED_NO_TEAM,  /* neither a team's member nor a stand-in of one */
  CT_APPROVAL_REFUSED_OWNER,    /* another team's work */
  CT_APPROVAL_REFUSED_AMOUNT,   /* the amount asks for another role */
  CT_APPROVAL_REFUSED_OWN_EDIT, /* four eyes: wrote the last revision */
  CT_APPROVAL_REFUSED_LIMIT,    /* above the limit of the approver, or of who is stood in for */
} CtApprovalReason;

typedef struct {
  CtApprovalReason reason;
  CtApprovalKind kind;   /* what applied, with the amount regarded */
  const char *role;      /* (unowned) (nullable): in which the approver acts */
  const char *on_behalf; /* (unowned) (nullable): whose stand-in the approver is */
} CtApprovalVerdict;

const char *ct_approval_kind_name (CtApprovalKind kind);
const char *ct_approval_reason_text (CtApprovalReason reason);

CtApprovalPolicy *ct_approval_policy_parse (JsonObject *object, const char *where, GError **error);
JsonObject *ct_approval_policy_to_json (const CtApprovalPolicy *self);
void ct_approval_policy_tighten (CtApprovalPolicy *self, const CtApprovalPolicy *other);
void ct_approval_policy_free (CtApprovalPolicy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtApprovalPolicy, ct_approval_policy_free)

gint64 ct_approval_policy_expires_at (const CtApprovalPolicy *self, gint64 requested_at, gint64 deadline);
gboolean ct_approval_policy_is_expired (const CtApprovalPolicy *self, const CtApprovalRequest *request,
                                        gint64 now);
CtApprovalVerdict ct_approval_policy_judge (const CtApprovalPolicy *self, const CtApprovalRequest *request,
                                            const CtApprover *approver, gint64 now);
gboolean ct_approval_policy_check (const CtApprovalPolicy *self, const CtApprovalRequest *request,
                                   const CtApprover *approver, gint64 now, CtApprovalVerdict *verdict,
                                   GError **error);

G_END_DECLS
