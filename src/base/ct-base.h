/* Everything of base/ in one include. */
#pragma once

#include <glib.h>
#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "ct-error.h"
#include "ct-hash.h"
#include "ct-i18n.h"
#include "ct-id.h"
#include "ct-json.h"
#include "ct-money.h"
#include "ct-text.h"
#include "ct-time.h"
