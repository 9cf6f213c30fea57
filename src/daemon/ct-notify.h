#pragma once

#include <glib.h>

G_BEGIN_DECLS

void ct_notify (const char *state);
guint ct_notify_watchdog_ms (void);

G_END_DECLS
