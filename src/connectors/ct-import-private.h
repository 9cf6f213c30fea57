#pragma once

#include "ct-import.h"
#include "ct-csv-writer.h"
#include "ct-mapping.h"

G_BEGIN_DECLS

/* One file to read, or the rows of one file within a report of refused rows. */
typedef struct {
  char *path;          /* (owned) */
  char *name;          /* (owned): of the file, or the one that the report names */
  CtProfileFile *file; /* (unowned) */
  int name_column;     /* of a report: the column that names the file; -1: every row is meant */
} CtImportInput;

struct _CtImport {
  CtProfile *profile; /* (owned) */
  CtCsvFormat format;
  GPtrArray *inputs;  /* (owned) (element-type CtImportInput): in the profile's order */
  GPtrArray *unknown; /* (owned) (element-type utf8): files that the profile has no entry for */
};

GHashTable *ct_import_read_lookups (CtImport *self, GError **error);
gboolean ct_import_take_row (const CtImportInput *input, CtCsvRow *row);

/* The file of refused rows: each as it was, behind what is wrong with it. */
typedef struct _CtImportReport CtImportReport;

CtImportReport *ct_import_report_new (CtImport *import, const char *path, GError **error);
void ct_import_report_free (CtImportReport *self);
gboolean ct_import_report_add (CtImportReport *self, const CtImportInput *input, const char *const *header,
                               const CtCsvRow *row, GPtrArray *errors, GError **error);
gboolean ct_import_report_close (CtImportReport *self, GError **error);
gboolean ct_import_report_is_column (const char *name);

/* The column of a report that names the file a row came from. */
#define CT_IMPORT_REPORT_FILE "error_file"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtImportReport, ct_import_report_free)

G_END_DECLS
