#pragma once

#include "ct-page.h"
#include "ct-workspace-channels.h"

G_BEGIN_DECLS

/* A window that adds a channel, or gives one that is there a new token and more destinations. Emits "saved" with its
 * name and whether the token went to the plain-text file for want of a keyring. */
GtkWidget *ct_channel_form_open (GtkWindow *parent, CtWorkspace *workspace, JsonArray *channels,
                                 JsonObject *channel);

G_END_DECLS
