#pragma once

#include "ct-kind.h"

G_BEGIN_DECLS

/* A binding's place in a record: a field of its kind, or one of these. */
#define CT_BINDING_ID       -1 /* the record's own UUID */
#define CT_BINDING_CURRENCY -2 /* of the amounts, where the kind does not keep one */

/**
 * CtBinding:
 * @field: which field of the kind it fills, or one of the CT_BINDING_ values
 * @columns: (nullable): the columns it reads; %NULL for a constant
 * @first: take the first column that is not empty, instead of all of them
 * @join: (nullable): between the columns' texts
 * @value: (nullable): the constant
 * @prefix: (nullable): put before the text
 * @map: (nullable): texts of the file to texts of ours
 * @otherwise: (nullable): what a text becomes that the map does not have
 * @keep: a text that the map does not have stays as it is
 * @lookup: (nullable): the lookup that translates the text
 * @present: (nullable): what it becomes where the column is not empty
 * @absent: (nullable): what it becomes where it is
 * @fallback: (nullable): what an empty text becomes
 * @empties: (nullable): texts that mean nothing; "See *" is every text that begins with "See "
 * @formats: (nullable): of its dates, else the profile's
 * @by: (nullable): which field of the linked record the text names; %NULL: its reference in the source
 * @required: whether it may not be empty
 * @optional: whether the file may lack its columns; the field is then left as it is
 *
 * How one field is filled from a row. There are no expressions: what a file needs is said by these properties or is
 * not said.
 */
typedef struct {
  int field;
  char **columns;
  gboolean first;
  char *join;
  char *value;
  char *prefix;
  GHashTable *map;
  char *otherwise;
  gboolean keep;
  char *lookup;
  char *present, *absent;
  char *fallback;
  char **empties;
  char **formats;
  char *by;
  gboolean required, optional;
} CtBinding;

/**
 * CtProfileRecord:
 * @kind: what it is
 * @key: (nullable): the columns whose texts, joined by '/', are the record's reference in the source
 * @when: (nullable): a column; where it is empty the row holds no such record
 * @once: made by the first row that names it, and never changed by a row
 * @totals: lines: whether the order's total is the sum of its lines
 * @bindings: (element-type CtBinding)
 *
 * A record that each row of a file holds.
 */
typedef struct {
  const CtKind *kind;
  char **key;
  char *when;
  gboolean once;
  gboolean totals;
  GPtrArray *bindings;
} CtProfileRecord;

/**
 * CtProfileFile:
 * @pattern: of the file's name; '*' and '?' stand for any text and any character
 * @records: (element-type CtProfileRecord)
 * @lookup: (nullable): the file only fills this lookup
 * @lookup_key: (nullable): its column of keys
 * @lookup_value: (nullable): its column of values
 *
 * One file of a profile, parents before children.
 */
typedef struct {
  char *pattern;
  GPtrArray *records;
  char *lookup;
  char *lookup_key;
  char *lookup_value;
} CtProfileFile;

/**
 * CtProfile:
 * @source: what its records' references are unique in
 * @formats: of dates, as ct_date_parse() reads them
 * @decimal: the decimal sign of its numbers, or 0 where the profile does not say
 * @files: (element-type CtProfileFile)
 *
 * How files of one origin become records: data, from seeds/profiles.
 */
typedef struct {
  char *name;
  char *title;
  char *source;
  char **formats;
  char decimal;
  GPtrArray *files;
} CtProfile;

CtProfile *ct_profile_parse (const char *json, gssize length, GError **error);
CtProfile *ct_profile_load (const char *name_or_path, GError **error);
void ct_profile_free (CtProfile *self);
CtProfileFile *ct_profile_file_for (CtProfile *self, const char *file_name);
JsonArray *ct_profile_list (GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtProfile, ct_profile_free)

G_END_DECLS
