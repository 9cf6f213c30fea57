/* Everything of domain/ in one include. */
#pragma once

#include "ct-base.h"

#include "ct-agent-profile.h"
#include "ct-approval-policy.h"
#include "ct-calendar.h"
#include "ct-exception-state.h"
#include "ct-fields.h"
#include "ct-guardrail.h"
#include "ct-match.h"
#include "ct-number.h"
#include "ct-party.h"
#include "ct-queue.h"
#include "ct-routing.h"
#include "ct-scoring.h"
#include "ct-sla.h"
#include "ct-sla-policy.h"
#include "ct-task-state.h"
#include "ct-template.h"
#include "ct-text-fold.h"
#include "ct-vocabulary.h"
#include "ct-wire.h"
