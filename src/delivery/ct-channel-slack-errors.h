/* What Slack's error codes mean for a post. */
#pragma once

#include "ct-channel.h"

G_BEGIN_DECLS

typedef struct {
  const char *code;
  CtSendOutcome outcome;
  const char *advice; /* untranslated */
} SlackError;

const SlackError *slack_error_find (const char *code);

G_END_DECLS
