#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* Small questions before a command: one of several, or a line of text. Nothing happens where the answer is no. */
typedef void (*CtAskFunc) (const char *answer, gpointer data);

typedef struct {
  const char *heading, *body; /* body: (nullable) */
  const char *button;         /* "_Assign" */
  CtAskFunc func;
  gpointer data;
  GDestroyNotify destroy; /* (nullable): of data, after the answer or without one */
} CtAsk;

void ct_ask_choice (gpointer widget, const CtAsk *ask, const char *const *values, const char *const *labels,
                    const char *const *details);
void ct_ask_text (gpointer widget, const CtAsk *ask, const char *label, gboolean required);

G_END_DECLS
