#pragma once

#include "ct-session.h"

G_BEGIN_DECLS

/* A column of a table of the server, as it comes. */
typedef struct {
  char *name; /* (owned) */
  char type;  /* of its values: i integer, d float, t text, b blob */
  char *sql;  /* (owned): what is asked for */
} CtCopyColumn;

/* Rows on their way, in the order of their ids. */
typedef struct _CtCopy CtCopy;

/* Several rows as the server sent them. */
typedef struct {
  GByteArray *bytes; /* (owned) */
  guint rows;        /* 0: there are no more */
  gsize at;          /* where the next row to read begins */
} CtCopyPiece;

/* One value; @data is of the piece. */
typedef struct {
  char type; /* as of the column, n for NULL */
  gint64 integer;
  double real;
  gconstpointer data;
  gsize length;
} CtCopyValue;

GHashTable *ct_copy_columns (CtSession *session, GCancellable *cancellable, GError **error);
CtCopy *ct_copy_open (CtSession *session, const char *table, GPtrArray *columns, const CtId *after,
                      GCancellable *cancellable, GError **error);
CtCopyPiece *ct_copy_read (CtCopy *self, gsize most_bytes, GCancellable *cancellable, GError **error);
void ct_copy_free (CtCopy *self);
gboolean ct_copy_piece_next (CtCopyPiece *self, GPtrArray *columns, CtCopyValue *values, GError **error);
void ct_copy_piece_free (CtCopyPiece *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtCopy, ct_copy_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtCopyPiece, ct_copy_piece_free)

G_END_DECLS
