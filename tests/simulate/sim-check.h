#pragma once

#include "sim-client.h"

G_BEGIN_DECLS

gboolean sim_check_client (SimClient *self);
gboolean sim_check_converged (SimClient *self);
gboolean sim_check_scope (SimClient *self);
gboolean sim_check_accepted (SimClient *self);
gboolean sim_check_server (SimWorld *world);

G_END_DECLS
