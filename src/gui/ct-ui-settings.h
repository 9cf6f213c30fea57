#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

GSettings *ct_ui_settings (void);
GSettings *ct_ui_settings_for_list (const char *name);

G_END_DECLS
