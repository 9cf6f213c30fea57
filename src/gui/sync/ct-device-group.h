#pragma once

#include "ct-json.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* A device as its administrator has to know it, to be copied or saved. */
GtkWidget *ct_device_group_new (JsonObject *device);

G_END_DECLS
