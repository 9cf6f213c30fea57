#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * CtCsvEncoding:
 * @CT_CSV_AUTO: found from the bytes
 *
 * What bytes a text file is written in. Names, as people and profiles write them: ct_csv_encoding_name().
 */
typedef enum {
  CT_CSV_AUTO,
  CT_CSV_UTF_8,
  CT_CSV_UTF_16LE,
  CT_CSV_UTF_16BE,
  CT_CSV_WINDOWS_1251,
  CT_CSV_WINDOWS_1252,
} CtCsvEncoding;

const char *ct_csv_encoding_name (CtCsvEncoding encoding);
gboolean ct_csv_encoding_parse (const char *name, CtCsvEncoding *encoding);
CtCsvEncoding ct_csv_encoding_detect (const guint8 *bytes, gsize length, gsize *bom_length);

G_END_DECLS
