#pragma once

#include "ct-draft-provider.h"

G_BEGIN_DECLS

CtDraftProvider *ct_template_drafter_new (GPtrArray *templates);
CtDraftProvider *ct_template_drafter_load (CtDb *db, GError **error);

G_END_DECLS
