#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

void ct_preferences_open (GtkWindow *window, CtWorkspace *workspace);

G_END_DECLS
