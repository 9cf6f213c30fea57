#pragma once

#include "ct-mapping.h"

G_BEGIN_DECLS

/* The longest text a field of a record takes. */
#define MOST_TEXT    (64 * 1024)
#define MOST_COLUMNS 8

/* A binding and where its columns are in the file at hand; -1: an optional column the file does not have. */
typedef struct {
  const CtBinding *binding;      /* (unowned) */
  const CtKindField *kind_field; /* (unowned) (nullable) */
  CtFieldType type;
  int columns[MOST_COLUMNS];
  guint n_columns;
  GHashTable *lookup; /* (unowned) (nullable) */
} BoundField;

typedef struct {
  const CtProfileRecord *record; /* (unowned) */
  BoundField *fields;            /* (owned) */
  guint n_fields;
  int key[MOST_COLUMNS];
  guint n_key;
  int when; /* -1: always */
} BoundRecord;

struct _CtMapping {
  CtProfile *profile;   /* (unowned) */
  char **header;        /* (owned) */
  BoundRecord *records; /* (owned) */
  guint n_records;
  GTimeZone *zone;       /* (owned) */
  GHashTable *midnights; /* (owned): day since 1970 to the instant it begins */
  GString *scratch;      /* (owned): texts put together */
  GString *scratch_two;  /* (owned): and with a prefix */
  const CtCsvRow *row;   /* (unowned): being converted */
  GPtrArray *errors;     /* (unowned): of it */
  char currency[4];      /* of the record being converted */
  int currency_digits;
};

/* A text on its way from the columns to the record; NULL is nothing. */
typedef struct {
  const char *text;
  gsize length;
} Text;

const char *ct_mapping_field_name (const BoundField *field);
gboolean ct_mapping_refuse (CtMapping *self, const BoundField *field, const char *text, const char *reason);
gboolean ct_mapping_append (CtMapping *self, const BoundField *field, Text text, GByteArray *chunk);

G_END_DECLS
