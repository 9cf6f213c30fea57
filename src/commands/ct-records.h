#pragma once

#include "ct-command.h"

G_BEGIN_DECLS

/* A field of a record kind; its argument has the column's name. Types as in #CtArg, lower case; 'j' is a JSON list
 * kept as text. */
typedef struct {
  const char *column;
  char type;
  gboolean required;  /* when a record is made */
  const char *refers; /* (nullable): the table whose row must exist and not be archived */
} CtField;

/* A kind of record that people create, edit, archive and restore: distributor, order, … */
typedef struct {
  const char *name; /* "distributor": commands are NAME.create, NAME.edit, … */
  const char *table;
  const char *series; /* (nullable): of its number */
  int digits;
  const char *since_state, *since_column; /* (nullable): when the first changes, the second becomes now */
  const char *parent_column;              /* (nullable): the record whose story includes this one's */
  const CtField *fields;                  /* ended by a NULL column */
} CtRecordKind;

extern const CtRecordKind ct_record_kinds[];

const CtRecordKind *ct_record_kind (const char *name);
const CtField *ct_record_field (const CtRecordKind *kind, const char *column);

G_END_DECLS
