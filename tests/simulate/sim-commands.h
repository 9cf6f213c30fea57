#pragma once

#include "sim-client.h"

G_BEGIN_DECLS

gboolean sim_command (SimClient *self);

G_END_DECLS
