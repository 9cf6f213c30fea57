#pragma once

#include "list/ct-list-def.h"

G_BEGIN_DECLS

enum {
  CT_ATTENTION_ID,
  CT_ATTENTION_COMMAND,
  CT_ATTENTION_OBJECT,
  CT_ATTENTION_CODE,
  CT_ATTENTION_DETAIL,
  CT_ATTENTION_SINCE,
  CT_ATTENTION_CHOICE,
  CT_ATTENTION_WHEN,
};

extern const CtListDef ct_attention_list;

G_END_DECLS
