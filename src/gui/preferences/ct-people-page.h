#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

AdwPreferencesPage *ct_people_page_new (CtWorkspace *workspace);

G_END_DECLS
