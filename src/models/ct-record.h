#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* The values of one row as read, in one block of memory; immutable, shared between threads. */
typedef struct _CtRecord CtRecord;

CtRecord *ct_record_read (CtStmt *stmt, int first_column);
CtRecord *ct_record_ref (CtRecord *self);
void ct_record_unref (CtRecord *self);
gboolean ct_record_equal (const CtRecord *a, const CtRecord *b);

gboolean ct_record_is_null (const CtRecord *self, guint column);
const char *ct_record_text (const CtRecord *self, guint column);
gint64 ct_record_int (const CtRecord *self, guint column);
gboolean ct_record_id (const CtRecord *self, guint column, CtId *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtRecord, ct_record_unref)

G_END_DECLS
