#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* The one switch for all sending, wherever it stands. */
typedef void (*CtSendingFunc) (GtkWidget *widget);

void ct_sending_switch (GtkWidget *widget, CtWorkspace *workspace, gboolean stop, CtSendingFunc failed);

G_END_DECLS
