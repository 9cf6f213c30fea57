/* Everything of net/ in one include. */
#pragma once

#include "ct-base.h"

#include "ct-http.h"
#include "ct-origin.h"
#include "ct-rate-budget.h"
#include "ct-redact.h"
#include "ct-secret.h"
#include "ct-secret-store.h"
