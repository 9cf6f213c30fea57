#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

JsonObject *ct_rows_object (CtStmt *stmt);
JsonArray *ct_rows_array (CtDb *db, GError **error, const char *sql, const char *format, ...);
JsonObject *ct_rows_one (CtDb *db, GError **error, const char *sql, const char *format, ...);

G_END_DECLS
