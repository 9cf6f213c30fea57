#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

gboolean ct_address_check (const char *conninfo, GError **error);
char *ct_address_user (const char *address);
char *ct_address_origin (const char *address, GError **error);
char *ct_address_complete (const char *address, const char *password, GError **error);

G_END_DECLS
