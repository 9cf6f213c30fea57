#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* A record as a person names it. */
typedef struct {
  const char *type;  /* "order"; static */
  const char *table; /* static */
  CtId id;
  char *label; /* (owned): its number, or its UUID where it has none */
} CtFound;

gboolean ct_workspace_find (CtDb *db, const char *type, const char *text, CtFound *found, GError **error);
char *ct_workspace_label (CtDb *db, const char *type, const CtId *id);
const char *ct_workspace_type_of_table (const char *table);
const char *ct_workspace_table_of_type (const char *type);
void ct_found_clear (CtFound *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtFound, ct_found_clear)

G_END_DECLS
