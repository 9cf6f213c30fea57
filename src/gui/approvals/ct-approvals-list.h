#pragma once

#include "list/ct-list-def.h"

G_BEGIN_DECLS

/* Columns of the list's source. */
enum {
  CT_APPROVAL_ID,
  CT_APPROVAL_NUMBER,
  CT_APPROVAL_DEADLINE,
  CT_APPROVAL_SUBJECT,
  CT_APPROVAL_DISTRIBUTOR,
  CT_APPROVAL_DESTINATION,
  CT_APPROVAL_AGENT,
  CT_APPROVAL_CONFIDENCE,
  CT_APPROVAL_AMOUNT,
  CT_APPROVAL_CURRENCY,
  CT_APPROVAL_OWNER,
  CT_APPROVAL_STATE,
  CT_APPROVAL_CREATED,
  CT_APPROVAL_TASK,
  CT_APPROVAL_FINDINGS,
};

extern const CtListDef ct_approvals_list;

const char *ct_approval_state_label (const char *state);
const char *ct_post_state_label (const char *state);

G_END_DECLS
