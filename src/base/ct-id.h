#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CT_ID_SIZE 16

/* A UUID as 16 bytes, the primary key of every business row. */
typedef struct {
  guint8 bytes[CT_ID_SIZE];
} CtId;

CtId ct_id_new (gint64 now_ms);
CtId ct_id_derive (const CtId *parent, const char *label, guint64 index);
CtId ct_id_number (const CtId *series, guint32 index);
char *ct_id_to_string (const CtId *self);
gboolean ct_id_parse (const char *text, CtId *id);
gboolean ct_id_equal (const CtId *a, const CtId *b);
guint ct_id_hash (gconstpointer id);
gboolean ct_id_is_nil (const CtId *self);

G_END_DECLS
