#pragma once

#include "ct-detect.h"
#include "ct-rule.h"

G_BEGIN_DECLS

/* One rule in one run. temp.hits holds the subjects for which it holds now; temp.candidates those that were looked at,
 * where not all were. */
typedef struct {
  CtCommand *command;
  CtRule *rule;
  CtRuleTime time;
  gboolean full;
  CtDetectCount count;
} CtDetection;

gboolean ct_detection_apply (CtDetection *self, GError **error);

G_END_DECLS
