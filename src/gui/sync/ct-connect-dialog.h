#pragma once

#include "ct-window.h"

G_BEGIN_DECLS

/* Joins the window's workspace to a server, or gives a connected one another password. @address: (nullable): of the server; a
 * connected one's stays. @above: the window that opens it; it is closed when the workspace has changed. */
void ct_connect_dialog_open (CtWindow *window, GtkWindow *above, const char *address);

G_END_DECLS
