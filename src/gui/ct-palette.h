#pragma once

#include "ct-window.h"

G_BEGIN_DECLS

#define CT_TYPE_PALETTE (ct_palette_get_type ())
G_DECLARE_FINAL_TYPE (CtPalette, ct_palette, CT, PALETTE, AdwWindow)

void ct_palette_open (CtWindow *window);

G_END_DECLS
