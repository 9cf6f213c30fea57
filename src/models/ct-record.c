#include "ct-record.h"

#include <string.h>

typedef struct {
  char type; /* as ct_stmt_type() says */
  guint32 length;
  gint64 value; /* the integer, or where in the block text or blob begin */
} Cell;

struct _CtRecord {
  gatomicrefcount refs;
  guint32 size;
  guint32 n_cells;
  Cell cells[]; /* behind them the bytes of texts and blobs, each ended by a zero */
};

/* Longer texts are for the detail page, not for a cell. */
#define LONGEST 4096

static gconstpointer
bytes_of (CtStmt *stmt, int column, gsize *length)
{
  gconstpointer bytes = ct_stmt_blob (stmt, column, length);

  *length = MIN (*length, LONGEST);
  return bytes;
}

/* (transfer full): the columns from @first_column on of the statement's current row */
CtRecord *
ct_record_read (CtStmt *stmt, int first_column)
{
  guint n = (guint) (ct_stmt_n_columns (stmt) - first_column);
  gsize size = sizeof (CtRecord) + n * sizeof (Cell), length;
  CtRecord *self;
  char *next;

  for (guint i = 0; i < n; i++) {
    char type = ct_stmt_type (stmt, first_column + (int) i);

    if (type == 't' || type == 'b') {
      bytes_of (stmt, first_column + (int) i, &length);
      size += length + 1;
    }
  }
  self = g_malloc0 (size);
  g_atomic_ref_count_init (&self->refs);
  self->size = (guint32) size;
  self->n_cells = n;
  next = (char *) &self->cells[n];
  for (guint i = 0; i < n; i++) {
    Cell *cell = &self->cells[i];
    int column = first_column + (int) i;
    gconstpointer bytes;

    cell->type = ct_stmt_type (stmt, column);
    if (cell->type == 'i' || cell->type == 'd') {
      cell->type = 'i';
      cell->value = ct_stmt_int (stmt, column);
    } else if (cell->type != 'n') {
      bytes = bytes_of (stmt, column, &length);
      if (length)
        memcpy (next, bytes, length);
      cell->length = (guint32) length;
      cell->value = next - (char *) self;
      next += length + 1;
    }
  }
  return self;
}

CtRecord *
ct_record_ref (CtRecord *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
ct_record_unref (CtRecord *self)
{
  if (self && g_atomic_ref_count_dec (&self->refs))
    g_free (self);
}

gboolean
ct_record_equal (const CtRecord *a, const CtRecord *b)
{
  return a == b || (a && b && a->size == b->size && a->n_cells == b->n_cells &&
                    memcmp (a->cells, b->cells, a->size - sizeof (CtRecord)) == 0);
}

static const Cell *
cell_at (const CtRecord *self, guint column)
{
  g_assert (column < self->n_cells);
  return &self->cells[column];
}

gboolean
ct_record_is_null (const CtRecord *self, guint column)
{
  return cell_at (self, column)->type == 'n';
}

/* (transfer none): "" where the column holds no text */
const char *
ct_record_text (const CtRecord *self, guint column)
{
  const Cell *cell = cell_at (self, column);

  return cell->type == 't' ? (const char *) self + cell->value : "";
}

/* %CT_NULL_INT where the column holds no number. */
gint64
ct_record_int (const CtRecord *self, guint column)
{
  const Cell *cell = cell_at (self, column);

  return cell->type == 'i' ? cell->value : CT_NULL_INT;
}

/* Whether the column holds a UUID; @id is set only then. */
gboolean
ct_record_id (const CtRecord *self, guint column, CtId *id)
{
  const Cell *cell = cell_at (self, column);

  if (cell->type != 'b' || cell->length != CT_ID_SIZE)
    return FALSE;
  memcpy (id->bytes, (const char *) self + cell->value, CT_ID_SIZE);
  return TRUE;
}
