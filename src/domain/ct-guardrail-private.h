#pragma once

#include "ct-guardrail.h"

G_BEGIN_DECLS

/* Shared by the halves of ct-guardrail only. */
void ct_guardrail_report (GPtrArray *findings, const char *rule, const char *category,
                          CtFindingSeverity severity, const char *message, gsize offset, gsize length);
void ct_guardrail_check_built_in (const char *text, const CtTextLimits *limits, GPtrArray *findings);

G_END_DECLS
