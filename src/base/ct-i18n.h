#pragma once

#include <glib.h>
#include <glib/gi18n-lib.h>

G_BEGIN_DECLS

void ct_i18n_init (void);

G_END_DECLS
