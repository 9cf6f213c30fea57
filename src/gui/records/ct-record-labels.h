#pragma once

#include "ct-kind.h"
#include "ct-records.h"

G_BEGIN_DECLS

/* What the fields of records are called on the screen. */
const char *ct_record_label (const char *column);
const CtKindField *ct_record_kind_field (const char *kind, const char *column);
gboolean ct_record_is_money (const CtField *field);

G_END_DECLS
