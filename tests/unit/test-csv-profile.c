#include "ct-base.h"
#include "ct-mapping.h"
#include "ct-migrate.h"

#include <string.h>

/* A profile of one file with one record, around the given fields. */
static char *
profile_with (const char *kind, const char *key, const char *fields)
{
  return g_strdup_printf ("{\"name\":\"t\",\"date_formats\":[\"%%d.%%m.%%Y\",\"%%Y-%%m-%%d\"],\"files\":["
                          "{\"file\":\"l.csv\",\"lookup\":\"l\",\"key\":\"k\",\"value\":\"v\"},"
                          "{\"file\":\"f.csv\",\"records\":[{\"kind\":\"%s\",%s\"fields\":{%s}}]}]}",
                          kind, key, fields);
}

static CtProfile *
parse (const char *json)
{
  g_autoptr (GError) error = NULL;
  CtProfile *profile = ct_profile_parse (json, -1, &error);

  g_assert_no_error (error);
  return profile;
}

/* The shipped profiles load, name what they map, and are found by name. */
static void
test_shipped (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonArray) list = ct_profile_list (&error);

  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (list), >=, 3);
  for (guint i = 0; i < json_array_get_length (list); i++) {
    const char *name = ct_json_string (json_array_get_object_element (list, i), "name", "");
    g_autoptr (CtProfile) profile = ct_profile_load (name, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (profile->name, ==, name);
  }
  g_assert_null (ct_profile_load ("no-such-profile", &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
}

/* The canonical profile maps every field of every kind: what export writes, import reads. */
static void
test_canonical_is_complete (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtProfile) profile = ct_profile_load ("canonical", &error);
  const CtKind *kind;

  g_assert_no_error (error);
  for (guint i = 0; (kind = ct_kind_nth (i)); i++) {
    CtProfileFile *file = ct_profile_file_for (profile, kind->file);
    CtProfileRecord *record = file->records->pdata[0];
    g_autoptr (GHashTable) bound = g_hash_table_new (NULL, NULL);

    g_assert_true (record->kind == kind);
    for (guint k = 0; k < record->bindings->len; k++)
      g_hash_table_add (bound, GINT_TO_POINTER (((CtBinding *) record->bindings->pdata[k])->field));
    for (guint k = 0; k < ct_kind_n_fields (kind); k++)
      g_assert_true (g_hash_table_contains (bound, GINT_TO_POINTER (k)));
  }
}

static void
test_file_names (void)
{
  g_autoptr (CtProfile) profile = parse ("{\"name\":\"t\",\"files\":[{\"file\":\"orders*.csv\",\"records\":[]"
                                         "},{\"file\":\"x?.csv\",\"records\":[]}]}");

  g_assert_true (ct_profile_file_for (profile, "Orders-2026.CSV") == profile->files->pdata[0]);
  g_assert_true (ct_profile_file_for (profile, "x1.csv") == profile->files->pdata[1]);
  g_assert_null (ct_profile_file_for (profile, "x12.csv"));
}

/* What is wrong with a profile is named. */
static void
test_refused (void)
{
  static const struct {
    const char *json, *names;
  } cases[] = {
    { "", "JSON" },
    { "[]", "object" },
    { "{}", "name" },
    { "{\"name\":\"t\"}", "files" },
    { "{\"name\":\"t\",\"files\":[3]}", "files" },
    { "{\"name\":\"t\",\"decimal\":\";\",\"files\":[]}", "decimal" },
    { "{\"name\":\"t\",\"fiels\":[]}", "fiels" },
    { "{\"name\":\"t\",\"files\":[{\"records\":[]}]}", "files[0]" },
    { "{\"name\":\"t\",\"files\":[{\"file\":\"a\"}]}", "records" },
    { "{\"name\":\"t\",\"files\":[{\"file\":\"a\",\"records\":[{\"kind\":\"bogus\"}]}]}", "bogus" },
    { "{\"name\":\"t\",\"files\":[{\"file\":\"a\",\"records\":[{\"kind\":\"product\"}]}]}", "fields" },
    { "{\"name\":\"t\",\"files\":[{\"file\":\"a\",\"lookup\":\"l\"}]}", "lookup" },
  };
  static const struct {
    const char *kind, *key, *fields, *names;
  } records[] = {
    { "product", "", "\"sku\":\"a\"", "name" },
    { "product", "", "\"sku\":\"a\",\"name\":\"b\",\"colour\":\"c\"", "colour" },
    { "product", "", "\"sku\":\"a\",\"name\":{\"colunm\":\"b\"}", "colunm" },
    { "product", "", "\"sku\":\"a\",\"name\":{}", "columns" },
    { "product", "", "\"sku\":\"a\",\"name\":{\"column\":\"b\",\"value\":\"c\"}", "columns" },
    { "product", "", "\"sku\":\"a\",\"name\":7", "name" },
    { "product", "", "\"sku\":\"a\",\"name\":{\"column\":\"b\",\"present\":\"x\"}", "absent" },
    { "product", "", "\"sku\":\"a\",\"name\":{\"column\":\"b\",\"lookup\":\"none\"}", "none" },
    { "product", "", "\"sku\":\"a\",\"name\":{\"column\":\"b\",\"map\":{\"x\":1}}", "map" },
    { "product", "", "\"sku\":\"a\",\"name\":\"b\",\"list_price\":\"c\"", "currency" },
    { "order", "",
      "\"number\":\"a\",\"distributor\":{\"column\":\"b\",\"by\":\"legal_name\"},\"currency\":\"c\"", "by" },
    { "contact", "", "\"name\":\"a\",\"distributor\":\"b\",\"email\":{\"column\":\"c\",\"by\":\"id\"}",
      "by" },
    { "order_line", "",
      "\"order\":\"a\",\"sku\":\"b\",\"quantity\":\"c\",\"currency\":\"d\",\"unit_price\":\"e\"", "key" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases) + G_N_ELEMENTS (records); i++) {
    gboolean record = i >= G_N_ELEMENTS (cases);
    guint at = record ? i - (guint) G_N_ELEMENTS (cases) : i;
    g_autofree char *json = record ? profile_with (records[at].kind, records[at].key, records[at].fields)
                                   : g_strdup (cases[at].json);
    g_autoptr (GError) error = NULL;

    g_assert_null (ct_profile_parse (json, -1, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, record ? records[at].names : cases[at].names));
  }
}

/* The values of a chunk as text. */
static char *
dump_chunk (const GByteArray *chunk, guint n_values)
{
  GString *out = g_string_new (NULL);
  CtChunkReader reader;
  CtChunkRecord record;
  g_autoptr (GError) error = NULL;

  ct_chunk_reader_init (&reader, chunk->data, chunk->len, &n_values, 1);
  while (ct_chunk_reader_next (&reader, &record, &error)) {
    g_assert_no_error (error);
    for (guint i = 0; i < record.n_values; i++) {
      const CtChunkValue *value = &record.values[i];

      if (value->type == 'i')
        g_string_append_printf (out, "%s%" G_GINT64_FORMAT, i ? "|" : "", value->integer);
      else
        g_string_append_printf (out, "%s%s", i ? "|" : "", value->type == 't' ? value->text : "-");
    }
  }
  return g_string_free (out, FALSE);
}

/* Converts one row of a file; its values, or "COLUMN reason; …" */
static char *
convert (CtProfile *profile, const char *csv)
{
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data (csv, -1, NULL);
  CtCsvFormat format = { .delimiter = ';' };
  g_autoptr (GTimeZone) zone = g_time_zone_new_identifier ("Europe/Moscow");
  g_autoptr (GHashTable) lookups = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) lookup = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (ct_field_error_free);
  g_autoptr (GByteArray) chunk = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (CtCsvReader) reader = ct_csv_reader_new (stream, &format, &error);
  g_autoptr (CtMapping) mapping = NULL;
  g_autoptr (JsonArray) layouts = NULL;
  GString *out;
  CtCsvRow row;

  g_hash_table_insert (lookup, (gpointer) "1", (gpointer) "One");
  g_hash_table_insert (lookups, (gpointer) "l", lookup);
  mapping = ct_mapping_new (profile, ct_profile_file_for (profile, "f.csv"),
                            ct_csv_reader_get_header (reader), lookups, zone, &error);
  g_assert_no_error (error);
  layouts = ct_mapping_layouts (mapping);
  g_assert_true (ct_csv_reader_next (reader, &row, &error));
  if (ct_mapping_convert (mapping, &row, 0, chunk, errors))
    return dump_chunk (
        chunk, json_array_get_length (ct_json_array (json_array_get_object_element (layouts, 0), "fields")));
  g_assert_cmpuint (chunk->len, ==, 0);
  out = g_string_new (NULL);
  for (guint i = 0; i < errors->len; i++) {
    const CtFieldError *problem = errors->pdata[i];

    g_string_append_printf (out, "!%u%s", problem->column, problem->name);
    g_assert_cmpuint (strlen (problem->reason), >, 0);
  }
  return g_string_free (out, FALSE);
}

static void
test_values (void)
{
  static const char product[] =
      "\"sku\":\"s\",\"name\":\"n\",\"currency\":{\"column\":\"c\",\"optional\":true},";
  static const struct {
    const char *fields, *row, *values; /* of a product: the currency, then sku, name and the rest */
  } cases[] = {
    { "\"list_price\":\"x\"", "A;B;EUR;9,8", "EUR|A|B|980" },
    { "\"list_price\":\"x\"", "A;B;EUR; 1 234.565 ", "EUR|A|B|123457" },
    { "\"list_price\":\"x\"", "A;B;JPY;1 000", "JPY|A|B|1000" },
    { "\"list_price\":\"x\"", "A;B;KWD;-1.2345", "KWD|A|B|-1235" },
    { "\"list_price\":\"x\"", "A;B;EUR;", "EUR|A|B|-" },
    { "\"list_price\":\"x\"", "A;B;EUR;1,284", "!4x" }, /* the profile does not say what a comma is */
    { "\"list_price\":\"x\"", "A;B;euro;1", "!3c" },
    { "\"list_price\":\"x\"", "A;B;EUR;1e5", "!4x" },
    { "\"list_price\":\"x\"", "A;;EUR;99999999999999999999", "!2n!4x" },
    { "\"stock\":\"x\"", "A;B;;12.5", "-|A|B|12500" },
    { "\"unit\":\"x\"", "A;B;;\"\"", "-|A|B|" },
    { "\"unit\":\"x\"", "A;B;; x ", "-|A|B| x " },
    { "\"unit\":{\"value\":\"kg\"}", "A;B;;", "-|A|B|kg" },
    { "\"unit\":{\"column\":\"x\",\"prefix\":\"p-\"}", "A;B;;1", "-|A|B|p-1" },
    { "\"unit\":{\"column\":\"x\",\"prefix\":\"p-\"}", "A;B;;", "-|A|B|-" },
    { "\"unit\":{\"column\":\"x\",\"default\":\"box\"}", "A;B;;", "-|A|B|box" },
    { "\"unit\":{\"column\":\"x\",\"required\":true}", "A;B;;", "!4x" },
    { "\"unit\":{\"column\":\"x\",\"map\":{\"1\":\"one\"}}", "A;B;;1", "-|A|B|one" },
    { "\"unit\":{\"column\":\"x\",\"map\":{\"1\":\"one\"}}", "A;B;;2", "!4x" },
    { "\"unit\":{\"column\":\"x\",\"map\":{\"1\":\"one\"},\"otherwise\":\"many\"}", "A;B;;2", "-|A|B|many" },
    { "\"unit\":{\"column\":\"x\",\"map\":{\"1\":\"one\"},\"keep\":true}", "A;B;;2", "-|A|B|2" },
    { "\"unit\":{\"column\":\"x\",\"lookup\":\"l\"}", "A;B;;1", "-|A|B|One" },
    { "\"unit\":{\"column\":\"x\",\"lookup\":\"l\"}", "A;B;;2", "!4x" },
    { "\"unit\":{\"column\":\"x\",\"present\":\"y\",\"absent\":\"n\"}", "A;B;;2", "-|A|B|y" },
    { "\"unit\":{\"column\":\"x\",\"present\":\"y\",\"absent\":\"n\"}", "A;B;;", "-|A|B|n" },
    { "\"unit\":{\"columns\":[\"s\",\"x\",\"n\"],\"join\":\", \"}", "A;B;;", "-|A|B|A, B" },
    { "\"unit\":{\"first\":[\"x\",\"n\"]}", "A;B;;", "-|A|B|B" },
    { "\"unit\":{\"column\":\"x\",\"empty\":[\"N/A\",\"See *\"]}", "A;B;;See 12", "-|A|B|-" },
    { "\"unit\":{\"column\":\"none\",\"optional\":true}", "A;B;;", "-|A|B" },
    { "\"archived\":\"x\"", "A;B;;04.06.2026", "-|A|B|1780520400000" },
    { "\"archived\":\"x\"", "A;B;;2026-06-04", "-|A|B|1780520400000" },
    { "\"archived\":\"x\"", "A;B;;2026-06-04T09:00:00Z", "-|A|B|1780563600000" },
    { "\"archived\":\"x\"", "A;B;;31.06.2026", "!4x" },
    { "\"id\":\"x\"", "A;B;;0190b5a2-7c1e-7000-8000-000000000001",
      "-|A|B|0190b5a2-7c1e-7000-8000-000000000001" },
    { "\"id\":\"x\"", "A;B;;17", "!4x" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *fields = g_strconcat (product, cases[i].fields, NULL);
    g_autofree char *json = profile_with ("product", "", fields);
    g_autoptr (CtProfile) profile = parse (json);
    g_autofree char *csv = g_strdup_printf ("s;n;c;x\n%s\n", cases[i].row);
    g_autofree char *found = convert (profile, csv);

    g_test_message ("%s <- %s", cases[i].fields, cases[i].row);
    g_assert_cmpstr (found, ==, cases[i].values);
  }
}

/* The profile says which sign is the decimal one; the other one separates thousands. */
static void
test_decimal_sign (void)
{
  static const struct {
    const char *sign, *number, *values;
  } cases[] = {
    { ".", "1,284", "EUR|A|B|128400" },
    { ",", "1,284", "EUR|A|B|128" },
    { ",", "1.284,50", "EUR|A|B|128450" },
    { ",", "1 284,50", "EUR|A|B|128450" },
    { ".", "12,84", "!4x" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *json = g_strdup_printf (
        "{\"name\":\"t\",\"decimal\":\"%s\",\"files\":[{\"file\":\"f.csv\",\"records\":[{\"kind\":"
        "\"product\","
        "\"fields\":{\"sku\":\"s\",\"name\":\"n\",\"currency\":\"c\",\"list_price\":\"x\"}}]}]}",
        cases[i].sign);
    g_autoptr (CtProfile) profile = parse (json);
    g_autofree char *csv = g_strdup_printf ("s;n;c;x\nA;B;EUR;%s\n", cases[i].number);
    g_autofree char *found = convert (profile, csv);

    g_assert_cmpstr (found, ==, cases[i].values);
  }
}

static void
test_types (void)
{
  static const char shipment[] = "\"number\":\"a\",\"order\":{\"column\":\"b\",\"by\":\"number\"},";
  static const struct {
    const char *fields, *row, *values;
  } cases[] = {
    { "\"state\":\"x\"", "S;O;booked", "S|O|booked" },
    { "\"state\":\"x\"", "S;O;lost", "!3x" },
    { "\"pickup_attempts\":\"x\"", "S;O;2", "S|O|2" },
    { "\"pickup_attempts\":\"x\"", "S;O;2.0", "S|O|2" },
    { "\"pickup_attempts\":\"x\"", "S;O;2.5", "!3x" },
    { "\"pickup_attempts\":\"x\"", "S;O;-1", "!3x" },
    { "\"proof_of_delivery\":\"x\"", "S;O;YES", "S|O|1" },
    { "\"proof_of_delivery\":\"x\"", "S;O;0", "S|O|0" },
    { "\"proof_of_delivery\":\"x\"", "S;O;maybe", "!3x" },
    { "\"carrier\":\"x\"", "S;;DHL", "!2b" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *fields = g_strconcat (shipment, cases[i].fields, NULL);
    g_autofree char *json = profile_with ("shipment", "", fields);
    g_autoptr (CtProfile) profile = parse (json);
    g_autofree char *csv = g_strdup_printf ("a;b;x\n%s\n", cases[i].row);
    g_autofree char *found = convert (profile, csv);

    g_assert_cmpstr (found, ==, cases[i].values);
  }
  {
    g_autofree char *json =
        profile_with ("product", "\"key\":[\"a\",\"b\"],", "\"sku\":\"a\",\"name\":\"b\"");
    g_autoptr (CtProfile) profile = parse (json);
    g_autofree char *found = convert (profile, "a;b\n1;2\n"), *empty = convert (profile, "a;b\n;2\n");

    g_assert_cmpstr (found, ==, "1/2|1|2");
    g_assert_cmpstr (empty, ==, "!1a");
  }
}

static void
test_columns (void)
{
  g_autofree char *json = profile_with ("product", "", "\"sku\":\"s\",\"name\":\"n\"");
  g_autoptr (CtProfile) profile = parse (json);
  static const char *const missing[] = { "s", "x", NULL }, *const twice[] = { "s", "n", "n", NULL };
  const char *const *headers[] = { missing, twice };
  g_autoptr (GTimeZone) zone = g_time_zone_new_utc ();

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (
        ct_mapping_new (profile, ct_profile_file_for (profile, "f.csv"), headers[i], NULL, zone, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, "\"n\""));
  }
}

/* Mutations of the shipped profiles, the same ones in every run: they load, or are refused with a reason. */
static void
test_profile_mutations (void)
{
  static const char *const names[] = { "northwind", "canonical", "scms" };
  static const char spice[] = "{}[]\",:0x\\ \n\0\xff";
  g_autoptr (GRand) rand = g_rand_new_with_seed (20261121);

  for (guint round = 0; round < 600; round++) {
    g_autofree char *relative =
        g_strdup_printf ("seeds/profiles/%s.json", names[round % G_N_ELEMENTS (names)]);
    g_autofree char *path = ct_data_path (relative);
    g_autofree char *text = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (CtProfile) profile = NULL;
    gsize length;

    g_assert_true (g_file_get_contents (path, &text, &length, NULL));
    for (int edits = g_rand_int_range (rand, 1, 6); edits > 0; edits--) {
      gsize at = (gsize) g_rand_int_range (rand, 0, (gint32) length);

      text[at] = g_rand_boolean (rand) ? spice[g_rand_int_range (rand, 0, (gint32) sizeof spice)]
                                       : text[g_rand_int_range (rand, 0, (gint32) length)];
    }
    profile = ct_profile_parse (text, (gssize) length, &error);
    g_assert_true ((profile == NULL) == (error != NULL));
  }
}

/* A chunk is bytes that somebody sent: whatever they are, reading ends within them. */
static void
test_chunk_mutations (void)
{
  static const guint n_values[] = { 3, 1 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (20261121);
  guint refused = 0;

  for (guint round = 0; round < 5000; round++) {
    g_autoptr (GByteArray) chunk = g_byte_array_new ();
    g_autoptr (GError) error = NULL;
    g_autofree guint8 *exact = NULL;
    CtChunkReader reader;
    CtChunkRecord record;

    for (guint i = 0; i < 4; i++) {
      ct_chunk_append_record (chunk, 0, i);
      ct_chunk_append_text (chunk, "value", 5);
      ct_chunk_append_nothing (chunk);
      ct_chunk_append_integer (chunk, i);
      ct_chunk_append_record (chunk, 1, i);
      ct_chunk_append_text (chunk, "", 0);
    }
    if (round > 0)
      for (int edits = g_rand_int_range (rand, 1, 4); edits > 0; edits--)
        chunk->data[g_rand_int_range (rand, 0, (gint32) chunk->len)] =
            (guint8) g_rand_int_range (rand, 0, 256);
    if (round % 3 == 1)
      g_byte_array_set_size (chunk, (guint) g_rand_int_range (rand, 0, (gint32) chunk->len));
    exact = g_memdup2 (chunk->data, chunk->len);
    ct_chunk_reader_init (&reader, exact, chunk->len, n_values, G_N_ELEMENTS (n_values));
    while (ct_chunk_reader_next (&reader, &record, &error))
      for (guint i = 0; i < record.n_values; i++)
        g_assert_true (record.values[i].type != 't' ||
                       strlen (record.values[i].text) == record.values[i].length);
    g_assert_true (round > 0 || !error);
    refused += error != NULL;
  }
  g_assert_cmpuint (refused, >, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/shipped", test_shipped);
  g_test_add_func ("/profile/canonical-is-complete", test_canonical_is_complete);
  g_test_add_func ("/profile/file-names", test_file_names);
  g_test_add_func ("/profile/refused", test_refused);
  g_test_add_func ("/profile/mutations", test_profile_mutations);
  g_test_add_func ("/mapping/values", test_values);
  g_test_add_func ("/mapping/decimal-sign", test_decimal_sign);
  g_test_add_func ("/mapping/types", test_types);
  g_test_add_func ("/mapping/columns", test_columns);
  g_test_add_func ("/chunk/mutations", test_chunk_mutations);
  return g_test_run ();
}
