#pragma once

#include "ct-chunk.h"
#include "ct-csv-reader.h"

G_BEGIN_DECLS

/* A file's entry of a profile, bound to the columns of one file. */
typedef struct _CtMapping CtMapping;

/* What is wrong with a field of a row. */
typedef struct {
  guint column; /* from 1; 0: the row as a whole */
  char *name;   /* (owned): of the column */
  char *value;  /* (owned): the beginning of what stands there */
  char *reason; /* (owned): for people */
} CtFieldError;

CtMapping *ct_mapping_new (CtProfile *profile, CtProfileFile *file, const char *const *header,
                           GHashTable *lookups, GTimeZone *zone, GError **error);
void ct_mapping_free (CtMapping *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtMapping, ct_mapping_free)

JsonArray *ct_mapping_layouts (CtMapping *self);
JsonArray *ct_mapping_describe (CtMapping *self);
gboolean ct_mapping_convert (CtMapping *self, const CtCsvRow *row, guint32 index, GByteArray *chunk,
                             GPtrArray *errors);
guint ct_mapping_locate (CtMapping *self, const char *kind, const char *field, const char **name);
void ct_mapping_names (CtMapping *self, const CtCsvRow *row, GPtrArray *names);
void ct_field_error_free (gpointer self);
CtFieldError *ct_field_error_new (guint column, const char *name, const char *value, const char *reason);

G_END_DECLS
