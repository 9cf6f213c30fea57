#pragma once

#include "ct-window.h"

G_BEGIN_DECLS

void ct_preferences_open (CtWindow *window);

G_END_DECLS
