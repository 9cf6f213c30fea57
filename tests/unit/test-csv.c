#include "ct-base.h"
#include "ct-csv-reader.h"
#include "ct-csv-writer.h"

#include <glib/gstdio.h>
#include <string.h>

/* The rows as text: "LINE:a|b" and, for a refused row, "LINE!COLUMN:a|b"; rows end with '/'. */
static char *
dump (const void *bytes, gsize length, const CtCsvFormat *format)
{
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data (bytes, (gssize) length, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (CtCsvReader) reader = ct_csv_reader_new (stream, format, &error);
  GString *out = g_string_new (NULL);
  CtCsvRow row;

  if (!reader) {
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    return g_string_free (g_string_assign (out, "refused"), FALSE);
  }
  while (ct_csv_reader_next (reader, &row, &error)) {
    g_string_append_printf (out, "%d", (int) row.line);
    if (row.problem)
      g_string_append_printf (out, "!%u", row.problem_column);
    for (guint i = 0; i < row.n_fields; i++) {
      g_assert_cmpuint (strlen (row.fields[i].text), ==, row.fields[i].length);
      g_string_append_printf (out, "%c%s", i ? '|' : ':', row.fields[i].text);
    }
    g_string_append_c (out, '/');
  }
  g_assert_no_error (error);
  g_assert_true (g_utf8_validate (out->str, -1, NULL));
  return g_string_free (out, FALSE);
}

static const struct {
  const char *name, *text, *rows;
} grammar[] = {
  { "plain", "a,b\n1,2\n3,4\n", "2:1|2/3:3|4/" },
  { "no-last-break", "a,b\n1,2", "2:1|2/" },
  { "crlf", "a,b\r\n1,2\r\n\r\n3,4\r\n", "2:1|2/4:3|4/" },
  { "cr", "a,b\r1,2\r\"x\ry\",4\r5,6", "2:1|2/3:x\ry|4/5:5|6/" },
  { "mixed-breaks", "a,b\n1,2\r\n3,4\r5,6\n", "2:1|2/3:3|4/4:5|6/" },
  { "quotes", "a,b\n\"1,5\",\"say \"\"hi\"\"\"\n\"\",\"\"\"\"\n", "2:1,5|say \"hi\"/3:|\"/" },
  { "quoted-breaks", "a,b\n\"x\ny\r\nz\",2\n3,4\n", "2:x\ny\r\nz|2/5:3|4/" },
  { "quote-inside", "a,b\n5\" pipe,2\n", "2:5\" pipe|2/" },
  { "space-after-quote", "a,b\n\"1\" ,2\n", "2:1|2/" },
  { "empty-fields", "a,b,c\n,,x\n1,,\n", "2:||x/3:1||/" },
  { "blank-rows", "a,b\n\n,\n1,2\n", "4:1|2/" },
  { "one-column", "a\n1\n\"\"\n2\n", "2:1/3:/4:2/" },
  { "short-row", "a,b\n1\n2,3\n", "2!0:1/3:2|3/" },
  { "long-row", "a,b\n1,2,3\n2,3\n", "2!0:1|2|3/3:2|3/" },
  { "empty-tail", "a,b,,\n1,2,,\n3,4,\n5,6\n", "2:1|2/3:3|4/4:5|6/" },
  { "text-behind-quote", "a,b\n1,\"x\"y\n2,3\n", "2!2:1|\"x\"y/3:2|3/" },
  { "open-quote-at-end", "a,b\n1,\"x\n2,3\n4,5\n", "2!2:1|\"x/3:2|3/4:4|5/" },
  { "open-quote-before-quote", "a,b\n1,\"x\n2,3\n4,\"q\"\n", "2!2:1|\"x/3:2|3/4:4|q/" },
  { "open-quote-closed-later", "a,b,c\n1,\"x,2\n2,3,4\n4,5,6\"\n7,8,9\n",
    "2!0:1|\"x|2/3:2|3|4/4:4|5|6\"/5:7|8|9/" },
  { "bad-after-good-break", "a,b\n\"x\ny\",\"z\"w\n2,3\n", "2!2:\"x\ny\"|\"z\"w/4:2|3/" },
  { "header-only", "a;b;c", "" },
  { "nothing", "", "refused" },
  { "blank", "\n\n", "refused" },
  { "bad-header", "a,\"b\n", "refused" },
};

static void
test_grammar (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (grammar); i++) {
    g_autofree char *rows = dump (grammar[i].text, strlen (grammar[i].text), NULL);

    g_test_message ("%s", grammar[i].name);
    g_assert_cmpstr (rows, ==, grammar[i].rows);
  }
}

static const struct {
  const char *text;
  char delimiter;
} delimiters[] = {
  { "a,b\n1,2\n", ',' },
  { "a;b\n1,5;2,5\n3,5;1\n", ';' },
  { "a\tb\n1,2;3\t4\n", '\t' },
  { "\"x,y,z\";b\n\"1,2,3\";4\n", ';' },
  { "\"x;y;z\",b\n\"1;2\n;3\",4\n", ',' },
  { "name,note\nx,a;b;c\ny,d;e;f\n", ',' },
  { "only\n1\n", ',' },
  { "a;b;c", ';' },
};

static void
test_delimiters (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (delimiters); i++) {
    g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data (delimiters[i].text, -1, NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (CtCsvReader) reader = ct_csv_reader_new (stream, NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpint (ct_csv_reader_get_format (reader).delimiter, ==, delimiters[i].delimiter);
  }
  {
    CtCsvFormat format = { .delimiter = '|' };
    g_autofree char *rows = dump ("a|b\n1|2,3\n", 10, &format);

    g_assert_cmpstr (rows, ==, "2:1|2,3/");
  }
}

static const char western[] = "name,city\nLuis,München\nAndré,Curaçao\nSøren,Århus\n";
static const char russian[] = "имя;город\nАнна;Москва\nИ;Орёл № 5\n\"Пётр; Павел\";Тверь\n";

static const struct {
  const char *label, *text, *codeset, *bom;
  gsize bom_length;
  CtCsvEncoding encoding;
} encodings[] = {
  { "utf-8", russian, "UTF-8", "", 0, CT_CSV_UTF_8 },
  { "utf-8-bom", russian, "UTF-8", "\xef\xbb\xbf", 3, CT_CSV_UTF_8 },
  { "utf-16le-bom", russian, "UTF-16LE", "\xff\xfe", 2, CT_CSV_UTF_16LE },
  { "utf-16be-bom", western, "UTF-16BE", "\xfe\xff", 2, CT_CSV_UTF_16BE },
  { "utf-16le", western, "UTF-16LE", "", 0, CT_CSV_UTF_16LE },
  { "utf-16be", western, "UTF-16BE", "", 0, CT_CSV_UTF_16BE },
  { "utf-16le-cyrillic", russian, "UTF-16LE", "", 0, CT_CSV_UTF_16LE },
  { "utf-16be-cyrillic", russian, "UTF-16BE", "", 0, CT_CSV_UTF_16BE },
  { "windows-1251", russian, "windows-1251", "", 0, CT_CSV_WINDOWS_1251 },
  { "windows-1252", western, "windows-1252", "", 0, CT_CSV_WINDOWS_1252 },
};

static GByteArray *
encode (const char *text, const char *codeset, const char *bom, gsize bom_length)
{
  g_autoptr (GError) error = NULL;
  gsize length;
  g_autofree char *bytes = g_convert (text, -1, codeset, "UTF-8", NULL, &length, &error);
  GByteArray *out = g_byte_array_new ();

  g_assert_no_error (error);
  g_byte_array_append (out, (const guint8 *) bom, (guint) bom_length);
  g_byte_array_append (out, (const guint8 *) bytes, (guint) length);
  return out;
}

static void
test_encodings (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (encodings); i++) {
    g_autoptr (GByteArray) bytes =
        encode (encodings[i].text, encodings[i].codeset, encodings[i].bom, encodings[i].bom_length);
    g_autofree char *wanted = dump (encodings[i].text, strlen (encodings[i].text), NULL);
    g_autofree char *found = dump (bytes->data, bytes->len, NULL);
    CtCsvFormat given = { .encoding = encodings[i].encoding };
    g_autofree char *told = dump (bytes->data, bytes->len, &given);
    CtCsvEncoding parsed = CT_CSV_AUTO;

    g_test_message ("%s", encodings[i].label);
    g_assert_cmpint (ct_csv_encoding_detect (bytes->data, bytes->len, NULL), ==, encodings[i].encoding);
    g_assert_cmpstr (found, ==, wanted);
    g_assert_cmpstr (told, ==, wanted);
    g_assert_true (ct_csv_encoding_parse (ct_csv_encoding_name (encodings[i].encoding), &parsed));
    g_assert_cmpint (parsed, ==, encodings[i].encoding);
  }
  {
    CtCsvEncoding parsed = CT_CSV_AUTO;

    g_assert_true (ct_csv_encoding_parse ("CP1251", &parsed) && parsed == CT_CSV_WINDOWS_1251);
    g_assert_false (ct_csv_encoding_parse ("latin-9", &parsed));
    g_assert_false (ct_csv_encoding_parse (NULL, &parsed));
  }
}

/* What stands beyond the first look at a file: ASCII for long, and then a code page after all. */
static void
test_late_code_page (void)
{
  g_autoptr (GString) text = g_string_new ("name,city\n");
  g_autoptr (GByteArray) bytes = NULL;
  g_autofree char *rows = NULL, *wanted = NULL;

  for (guint i = 0; i < 200000; i++)
    g_string_append (text, "a,b\n");
  g_string_append (text, "Анна,Москва\nИван,Тверь\n");
  wanted = dump (text->str, text->len, NULL);
  bytes = encode (text->str, "windows-1251", "", 0);
  rows = dump (bytes->data, bytes->len, NULL);
  g_assert_cmpstr (rows, ==, wanted);
}

static void
test_hostile_bytes (void)
{
  static const struct {
    const char *bytes;
    gsize length;
    CtCsvFormat format;
    const char *rows;
  } cases[] = {
    { "a,b\n1,\0\n2,3\n", 12, { 0 }, "2!2:1|?/3:2|3/" },
    { "a,b\n\xc3\xa9,1\n\xff\xfe,2\n3,4\n", 18, { .encoding = CT_CSV_UTF_8 }, "2:é|1/3!1:??|2/4:3|4/" },
    { "a,b\n\xc3\xa9,\xc3", 8, { .encoding = CT_CSV_UTF_8 }, "2!2:é|?/" },
    { "a,b\n\x81,1\n2,3\n", 12, { .encoding = CT_CSV_WINDOWS_1252 }, "2!1:?|1/3:2|3/" },
    { "\xff\xfe"
      "a\0\n\0\x00\xd8\n\0"
      "b\0\n\0"
      "c",
      15,
      { 0 },
      "2!1:?/3:b/4!1:?/" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *rows = dump (cases[i].bytes, cases[i].length, &cases[i].format);

    g_assert_cmpstr (rows, ==, cases[i].rows);
  }
}

static char *
repeated (const char *text, gsize times)
{
  GString *out = g_string_new (NULL);

  for (gsize i = 0; i < times; i++)
    g_string_append (out, text);
  return g_string_free (out, FALSE);
}

/* Fields, rows and quotes beyond the bounds cost their own row and no other. */
static void
test_bounds (void)
{
  static const struct {
    const char *before, *piece;
    gsize times;
    const char *after, *begins, *ends;
  } cases[] = {
    { "a,b\n1,", "xxxxxxxx", CT_CSV_MAX_FIELD / 8, "\n2,3\n", "2:1|xxx", "/3:2|3/" },
    { "a,b\n1,", "xxxxxxxx", CT_CSV_MAX_FIELD / 8 + 1, "\n2,3\n", "2!2:1|/", "/3:2|3/" },
    { "a,b\n1,", "xxxxxxxx", CT_CSV_MAX_ROW, "\n2,3\n", "2!0/", "/3:2|3/" },
    { "a,b\n1,\"x\n", "4,5678\n", CT_CSV_MAX_ROW / 4, "2,3\n", "2!0:1|\"x/3:4|5678/", ":2|3/" },
    { "a,b\n", ",", CT_CSV_MAX_COLUMNS + 5, "\n2,3\n", "2!0:|", "/3:2|3/" },
    { "a", ",a", CT_CSV_MAX_COLUMNS, "\n2,3\n", "refused", "refused" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *middle = repeated (cases[i].piece, cases[i].times);
    g_autofree char *text = g_strconcat (cases[i].before, middle, cases[i].after, NULL);
    CtCsvFormat format = { .encoding = CT_CSV_UTF_8, .delimiter = ',' };
    g_autofree char *rows = NULL;

    rows = dump (text, strlen (text), &format);
    g_test_message ("case %u: %.40s", i, rows);
    g_assert_true (g_str_has_prefix (rows, cases[i].begins));
    g_assert_true (g_str_has_suffix (rows, cases[i].ends));
  }
}

/* The same rows wherever the ends of the reader's buffer fall. */
static void
test_buffer_ends (void)
{
  for (guint padding = 0; padding < 40; padding++) {
    g_autoptr (GString) text = g_string_new ("a,b\n");
    g_autoptr (GString) wanted = g_string_new (NULL);
    g_autofree char *rows = NULL;
    guint line = 2;

    for (guint i = 0; i < padding; i++)
      g_string_append_c (text, '\n');
    line += padding;
    while (text->len < 700 * 1024) {
      g_string_append (text, "\"é \"\"q\"\"\r\nz\" ,1\r\n2,\"\"\r\n");
      g_string_append_printf (wanted, "%u:é \"q\"\r\nz|1/%u:2|/", line, line + 2);
      line += 3;
    }
    rows = dump (text->str, text->len, NULL);
    g_assert_cmpstr (rows, ==, wanted->str);
  }
}

static void
test_writer (void)
{
  static const char *const fields[] = { "plain", "with,comma", "with \"quote\"", "line\r\nbreak", " space",
                                        "=1+1",  "",           "Ünïcode",        "tab\t",         NULL };
  static const char *const header[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", NULL };
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autoptr (CtCsvWriter) writer = ct_csv_writer_new (stream, CT_CSV_WRITER_PLAIN);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GInputStream) back = NULL;
  g_autoptr (CtCsvReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  CtCsvRow row;

  g_assert_true (ct_csv_writer_row (writer, header, &error));
  for (guint i = 0; i < 3000; i++)
    g_assert_true (ct_csv_writer_row (writer, fields, &error));
  for (guint i = 0; i < 9; i++)
    ct_csv_writer_text (writer, i == 0 ? "" : NULL, -1);
  g_assert_true (ct_csv_writer_end_row (writer, &error));
  g_assert_true (ct_csv_writer_close (writer, &error));
  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (stream));
  back = g_memory_input_stream_new_from_bytes (bytes);
  reader = ct_csv_reader_new (back, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3000; i++) {
    g_assert_true (ct_csv_reader_next (reader, &row, &error));
    g_assert_null (row.problem);
    for (guint k = 0; k < row.n_fields; k++)
      g_assert_cmpstr (row.fields[k].text, ==, fields[k]);
    g_assert_true (row.fields[6].quoted);
  }
  g_assert_true (ct_csv_reader_next (reader, &row, &error));
  g_assert_true (row.fields[0].quoted && !row.fields[1].quoted);
  g_assert_false (ct_csv_reader_next (reader, &row, &error));
  g_assert_no_error (error);
}

static void
test_writer_options (void)
{
  static const char *const fields[] = { "=1+1", "-5", "@x", "plain", "'=x", "'x", NULL };
  static const char *const back[] = { "'=1+1", "'-5", "'@x", "plain", "''=x", "'x" };
  static const char *const nothing[] = { NULL };
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autoptr (CtCsvWriter) writer = ct_csv_writer_new (stream, CT_CSV_WRITER_GUARD_FORMULAS);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ct_csv_writer_row (writer, fields, &error));
  g_assert_true (ct_csv_writer_row (writer, nothing, &error));
  g_assert_true (ct_csv_writer_close (writer, &error));
  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (stream));
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                   "\"'=1+1\",\"'-5\",\"'@x\",plain,\"''=x\",'x\n\"\"\n", 39);
  for (guint i = 0; i < G_N_ELEMENTS (back); i++)
    g_assert_cmpstr (ct_csv_without_guard (back[i]), ==, fields[i]);
}

/* A file appears at its path whole, or not at all. */
static void
test_writer_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = g_dir_make_tmp ("ct-csv-XXXXXX", &error);
  g_autofree char *path = g_build_filename (dir, "out.csv", NULL);
  static const char *const fields[] = { "a", NULL };
  g_autofree char *text = NULL;

  for (guint finish = 0; finish < 2; finish++) {
    g_autoptr (CtCsvWriter) writer = ct_csv_writer_create (path, CT_CSV_WRITER_PLAIN, &error);

    g_assert_no_error (error);
    g_assert_true (ct_csv_writer_row (writer, fields, &error));
    if (finish)
      g_assert_true (ct_csv_writer_close (writer, &error));
    g_clear_pointer (&writer, ct_csv_writer_free);
    g_assert_cmpint (g_file_test (path, G_FILE_TEST_EXISTS), ==, (int) finish);
  }
  g_assert_true (g_file_get_contents (path, &text, NULL, &error));
  g_assert_cmpstr (text, ==, "a\n");
  g_remove (path);
  g_rmdir (dir);
}

/* Every real file reads as it is, line by line. */
static void
test_real_files (void)
{
  static const struct {
    const char *path;
    guint columns, rows;
  } files[] = {
    { "northwind/orders.csv", 14, 830 },
    { "northwind/order_details.csv", 5, 2155 },
    { "northwind/customers.csv", 11, 91 },
    { "northwind/employees.csv", 18, 9 },
    { "scms/SCMS_Delivery_History_Dataset.csv", 33, 10324 },
  };
  g_autofree char *data = g_build_filename (g_getenv ("CT_SOURCE_ROOT"), "..", "shared", "data", NULL);

  if (!g_file_test (data, G_FILE_TEST_IS_DIR)) {
    g_test_skip ("no shared data here");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = g_build_filename (data, files[i].path, NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (CtCsvReader) reader = ct_csv_reader_open (path, NULL, &error);
    guint rows = 0;
    CtCsvRow row;

    g_assert_no_error (error);
    g_assert_cmpuint (g_strv_length ((char **) ct_csv_reader_get_header (reader)), ==, files[i].columns);
    for (; ct_csv_reader_next (reader, &row, &error); rows++)
      g_assert_null (row.problem);
    g_assert_no_error (error);
    g_assert_cmpuint (rows, ==, files[i].rows);
  }
}

/* Mutations of good files, the same ones in every run: whatever the bytes, reading ends and hands out UTF-8. */
static void
test_mutations (void)
{
  static const char spice[] = "\"\",;\t\r\n\0\xff\xfe\xc3\xd0 ";
  g_autoptr (GRand) rand = g_rand_new_with_seed (20261121);

  for (guint round = 0; round < 4000; round++) {
    guint seed = round % G_N_ELEMENTS (encodings);
    g_autoptr (GByteArray) bytes = encode (encodings[seed].text, encodings[seed].codeset, encodings[seed].bom,
                                           encodings[seed].bom_length);
    CtCsvFormat format = { .encoding = (CtCsvEncoding) g_rand_int_range (rand, 0, 6) };
    g_autofree char *rows = NULL;

    for (int edits = g_rand_int_range (rand, 1, 12); edits > 0; edits--) {
      guint at = (guint) g_rand_int_range (rand, 0, (gint32) bytes->len);

      bytes->data[at] = (guint8) spice[g_rand_int_range (rand, 0, (gint32) sizeof spice)];
    }
    g_byte_array_set_size (bytes, (guint) g_rand_int_range (rand, 0, (gint32) bytes->len + 1));
    rows = dump (bytes->data, bytes->len, round % 2 ? &format : NULL);
    g_assert_nonnull (rows);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/csv/grammar", test_grammar);
  g_test_add_func ("/csv/delimiters", test_delimiters);
  g_test_add_func ("/csv/encodings", test_encodings);
  g_test_add_func ("/csv/late-code-page", test_late_code_page);
  g_test_add_func ("/csv/hostile-bytes", test_hostile_bytes);
  g_test_add_func ("/csv/bounds", test_bounds);
  g_test_add_func ("/csv/buffer-ends", test_buffer_ends);
  g_test_add_func ("/csv/writer", test_writer);
  g_test_add_func ("/csv/writer-options", test_writer_options);
  g_test_add_func ("/csv/writer-file", test_writer_file);
  g_test_add_func ("/csv/real-files", test_real_files);
  g_test_add_func ("/csv/mutations", test_mutations);
  return g_test_run ();
}
