#pragma once

#include "sim-world.h"

G_BEGIN_DECLS

gboolean sim_story (SimWorld *world);

G_END_DECLS
