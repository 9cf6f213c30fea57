#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

/**
 * CtFieldType:
 * @CT_FIELD_TEXT: text
 * @CT_FIELD_INTEGER: a whole number
 * @CT_FIELD_DECIMAL: a number, kept as an integer with so many decimal places
 * @CT_FIELD_MONEY: an amount, kept in minor units of the record's currency
 * @CT_FIELD_DATE: a day, kept as "YYYY-MM-DD"
 * @CT_FIELD_TIME: an instant, kept as milliseconds since 1970 UTC
 * @CT_FIELD_BOOLEAN: kept as 0 or 1
 * @CT_FIELD_CHOICE: one of a list of texts
 * @CT_FIELD_CURRENCY: an ISO 4217 code
 * @CT_FIELD_LINK: another record, named by its key
 * @CT_FIELD_JSON: a JSON document
 *
 * What a field of a record holds.
 */
typedef enum {
  CT_FIELD_TEXT,
  CT_FIELD_INTEGER,
  CT_FIELD_DECIMAL,
  CT_FIELD_MONEY,
  CT_FIELD_DATE,
  CT_FIELD_TIME,
  CT_FIELD_BOOLEAN,
  CT_FIELD_CHOICE,
  CT_FIELD_CURRENCY,
  CT_FIELD_LINK,
  CT_FIELD_JSON,
} CtFieldType;

/* How a field is filled when nothing says what it holds. */
typedef enum {
  CT_FIELD_REQUIRED,  /* the record is refused */
  CT_FIELD_NULLABLE,  /* NULL */
  CT_FIELD_DEFAULTED, /* its default, 0 or an empty text */
  CT_FIELD_NOW,       /* the time of the import */
} CtFieldAbsence;

/**
 * CtKindField:
 * @name: as profiles and our own files call it
 * @column: of the table
 * @fallback: (nullable): what a defaulted field holds
 * @digits: decimal places of a decimal
 * @link: (nullable): the kind of record it names
 * @least: the smallest integer allowed
 * @most: the largest integer allowed; 0: no bounds
 * @choices: (nullable): what a choice may be, ended by NULL
 *
 * One field of a record, beyond those every record has.
 */
typedef struct {
  const char *name;
  const char *column;
  CtFieldType type;
  CtFieldAbsence absence;
  const char *fallback;
  int digits;
  const char *link;
  gint64 least, most;
  const char *const *choices;
} CtKindField;

#define CT_KIND_MAX_FIELDS 32

/**
 * CtKind:
 * @name: as profiles call it: "order_line"
 * @table: where its rows are
 * @file: our own file of it
 * @key: its natural key: names of fields, ended by NULL
 * @series: (nullable): the series of its human numbers: "ORD"
 * @series_digits: and their digits
 * @external_unique: whether the table holds (source, external_ref) unique
 *
 * A kind of record that files can hold. Parents stand before children in the table of kinds.
 */
typedef struct {
  const char *name;
  const char *table;
  const char *file;
  const char *key[4];
  const char *series;
  int series_digits;
  gboolean external_unique;
  CtKindField fields[CT_KIND_MAX_FIELDS];
} CtKind;

const CtKind *ct_kind_find (const char *name);
const CtKind *ct_kind_nth (guint i);
guint ct_kind_n_fields (const CtKind *self);
int ct_kind_field_index (const CtKind *self, const char *name);

G_END_DECLS
