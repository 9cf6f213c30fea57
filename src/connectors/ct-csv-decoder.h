#pragma once

#include "ct-csv-encoding.h"

G_BEGIN_DECLS

/* Bytes of any encoding in, UTF-8 out. */
typedef struct _CtCsvDecoder CtCsvDecoder;

CtCsvDecoder *ct_csv_decoder_new (GInputStream *stream, CtCsvEncoding encoding, GError **error);
void ct_csv_decoder_free (CtCsvDecoder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtCsvDecoder, ct_csv_decoder_free)

gssize ct_csv_decoder_read (CtCsvDecoder *self, char *out, gsize room, GError **error);
CtCsvEncoding ct_csv_decoder_get_encoding (CtCsvDecoder *self);
gboolean ct_csv_decoder_get_dirty (CtCsvDecoder *self);
guint64 ct_csv_decoder_get_position (CtCsvDecoder *self);

G_END_DECLS
