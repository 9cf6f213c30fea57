#pragma once

#include "ct-window.h"

G_BEGIN_DECLS

/* The page of the preferences where a workspace joins its team's server and leaves it. */
AdwPreferencesPage *ct_server_page_new (CtWindow *window);

G_END_DECLS
