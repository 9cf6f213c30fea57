#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

/* A connection to the replica; belongs to one thread at a time. */
typedef struct _CtDb CtDb;
/* A statement with its values bound, borrowed from the connection's cache until freed. */
typedef struct _CtStmt CtStmt;

typedef enum {
  CT_DB_READ_WRITE = 0,
  CT_DB_READ_ONLY = 1 << 0,
  CT_DB_CREATE = 1 << 1,
} CtDbFlags;

/* Binds as SQL NULL where a 'z' value is expected; reads as NULL too. */
#define CT_NULL_INT G_MININT64

/* Values to bind, one letter each:
 *   s  const char *        text, or NULL            t  const char *, gsize   text of that length
 *   i  gint64              integer                  z  gint64                integer, CT_NULL_INT is NULL
 *   k  const CtId *        UUID, or NULL            h  const CtHash *        SHA-256, or NULL
 *   b  gconstpointer, gsize  blob                   n  (nothing)             NULL
 *   d  double               floating point
 * Text and blobs must live until the statement is freed. */

CtDb *ct_db_open (const char *path, CtDbFlags flags, GError **error);
void ct_db_close (CtDb *self);
const char *ct_db_get_path (CtDb *self);
void ct_db_set_zone (CtDb *self, GTimeZone *zone);
GTimeZone *ct_db_get_zone (CtDb *self);
void ct_db_set_cancellable (CtDb *self, GCancellable *cancellable);
gboolean ct_db_check_cancelled (CtDb *self, GError **error);

gboolean ct_db_exec (CtDb *self, const char *script, GError **error);
CtStmt *ct_db_query (CtDb *self, GError **error, const char *sql, const char *format, ...);
CtStmt *ct_db_query_va (CtDb *self, GError **error, const char *sql, const char *format, va_list args);
gboolean ct_db_run (CtDb *self, GError **error, const char *sql, const char *format, ...);
gboolean ct_db_read_int (CtDb *self, gint64 *value, GError **error, const char *sql, const char *format, ...);
char *ct_db_read_text (CtDb *self, GError **error, const char *sql, const char *format, ...);
gboolean ct_db_read_id (CtDb *self, CtId *id, GError **error, const char *sql, const char *format, ...);
gint64 ct_db_changes (CtDb *self);

/* Transactions: the writer's begin takes the write lock at once and checks the schema's version. */
gboolean ct_db_begin (CtDb *self, GError **error);
gboolean ct_db_begin_read (CtDb *self, GError **error);
gboolean ct_db_commit (CtDb *self, GError **error);
void ct_db_rollback (CtDb *self);
void ct_db_set_replicating (CtDb *self, gboolean replicating);
gboolean ct_db_in_transaction (CtDb *self);
gboolean ct_db_savepoint (CtDb *self, GError **error);
gboolean ct_db_release (CtDb *self, GError **error);
gboolean ct_db_rollback_to (CtDb *self, GError **error);
gboolean ct_db_defer_foreign_keys (CtDb *self, gboolean defer, GError **error);
gboolean ct_db_foreign_keys_hold (CtDb *self);

/* Tables written by the last committed transaction of this connection; (transfer full) (nullable). */
void ct_db_note_changed (CtDb *self, const char *table);
GStrv ct_db_take_changed_tables (CtDb *self);
gint64 ct_db_data_version (CtDb *self);
gint64 ct_db_schema_version (CtDb *self);
const char *const *ct_db_business_tables (CtDb *self, GError **error);
const char *const *ct_db_column_names (CtDb *self, const char *table, GError **error);

/* Statements: while (ct_stmt_next (stmt)) ...; if (!ct_stmt_finish (stmt, error)) return FALSE; */
gboolean ct_stmt_next (CtStmt *self);
gboolean ct_stmt_finish (CtStmt *self, GError **error);
void ct_stmt_free (CtStmt *self);
gboolean ct_stmt_rebind (CtStmt *self, GError **error, const char *format, ...);
gboolean ct_stmt_bind_at (CtStmt *self, GError **error, int first, const char *format, ...);
int ct_stmt_n_columns (CtStmt *self);
const char *ct_stmt_name (CtStmt *self, int column);
const int *ct_stmt_sorted_columns (CtStmt *self, int *n_columns);
char ct_stmt_type (CtStmt *self, int column); /* i, d, t, b, or n for NULL */
gboolean ct_stmt_is_null (CtStmt *self, int column);
gint64 ct_stmt_int (CtStmt *self, int column);
gint64 ct_stmt_int_or (CtStmt *self, int column, gint64 fallback);
double ct_stmt_double (CtStmt *self, int column);
const char *ct_stmt_text (CtStmt *self, int column);
gconstpointer ct_stmt_blob (CtStmt *self, int column, gsize *length);
gboolean ct_stmt_id (CtStmt *self, int column, CtId *id);
gboolean ct_stmt_hash (CtStmt *self, int column, CtHash *hash);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtDb, ct_db_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtStmt, ct_stmt_free)

G_END_DECLS
