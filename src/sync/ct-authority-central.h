#pragma once

#include "ct-authority.h"

G_BEGIN_DECLS

CtAuthority *ct_authority_central_new (void);

G_END_DECLS
