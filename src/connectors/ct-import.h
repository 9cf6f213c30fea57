#pragma once

#include "ct-commander.h"
#include "ct-csv-reader.h"
#include "ct-profile.h"
#include "ct-store.h"

G_BEGIN_DECLS

/*
 * Files on their way into the replica.
 *
 *   CtImport *import = ct_import_new ("northwind", "/home/me/northwind", NULL, &error);
 *   preview = ct_import_preview (import, 20, zone, &error);          shows what would be read
 *   result = ct_import_run (import, &options, &error);               reads it, chunk by chunk
 */
typedef struct _CtImport CtImport;

/* Told after each chunk, on the importing thread: bytes read of all bytes, and rows so far. */
typedef void (*CtImportProgress) (guint64 done, guint64 total, gint64 rows, gpointer data);

/**
 * CtImportOptions:
 * @store: whose writer thread runs the chunks
 * @commander: executes them
 * @actor: the login that imports
 * @now: the time of the import
 * @zone: in which dates without a time of day begin
 * @dry_run: do everything in one transaction and roll it back
 * @errors_path: (nullable): where the rows that were refused are written, to be corrected and imported again
 * @progress: (nullable): told after each chunk
 * @progress_data: for @progress
 * @cancellable: (nullable): stops between two chunks
 */
typedef struct {
  CtStore *store;
  CtCommander *commander;
  const char *actor;
  gint64 now;
  GTimeZone *zone;
  gboolean dry_run;
  const char *errors_path;
  CtImportProgress progress;
  gpointer progress_data;
  GCancellable *cancellable;
} CtImportOptions;

CtImport *ct_import_new (const char *profile, const char *path, const CtCsvFormat *format, GError **error);
void ct_import_free (CtImport *self);
CtProfile *ct_import_get_profile (CtImport *self);
JsonObject *ct_import_preview (CtImport *self, guint n_rows, GTimeZone *zone, GError **error);
JsonObject *ct_import_run (CtImport *self, const CtImportOptions *options, GError **error);
void ct_import_run_async (CtImport *self, const CtImportOptions *options, GAsyncReadyCallback callback,
                          gpointer user_data);
JsonObject *ct_import_run_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtImport, ct_import_free)

G_END_DECLS
