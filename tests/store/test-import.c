#define CT_TEST_COMMANDS
#include "import-fixture.h"

static char *
northwind (void)
{
  char *path = g_build_filename (g_getenv ("CT_SOURCE_ROOT"), "..", "shared", "data", "northwind", NULL);

  if (!g_file_test (path, G_FILE_TEST_IS_DIR)) {
    g_test_skip ("no shared data here");
    g_clear_pointer (&path, g_free);
  }
  return path;
}

static void
test_northwind (Fixture *f, gconstpointer data)
{
  g_autofree char *path = northwind ();
  CtImportOptions options = options_of (f);

  if (!path)
    return;
  options.dry_run = TRUE;
  import_counts (f, "northwind", path, &options, "3153 3153 0 0 0");
  expect (f, "SELECT count(*) FROM orders", "0/");
  expect (f, "SELECT count(*) FROM audit_logs", "1/");
  options.dry_run = FALSE;
  import_counts (f, "northwind", path, &options, "3153 3153 0 0 0");
  expect (
      f,
      "SELECT (SELECT count(*) FROM distributors), (SELECT count(*) FROM contacts), (SELECT count(*) FROM "
      "products), (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines), (SELECT count(*) FROM "
      "shipments)",
      "91|91|77|830|2155|830/");
  expect (
      f,
      "SELECT o.number, o.status, o.ordered_on, o.required_on, o.total_minor, o.currency, d.legal_name, "
      "s.carrier, s.shipped_at, s.freight_minor, o.external_ref FROM orders o JOIN distributors d ON d.id = "
      "o.distributor_id JOIN shipments s ON s.order_id = o.id WHERE o.external_ref IN ('10248', '11077')",
      "10248|shipped|1996-07-04|1996-08-01|44000|USD|Vins et alcools Chevalier|Federal "
      "Shipping|837460800000|"
      "3238|10248/11077|confirmed|1998-05-06|1998-06-03|125572|USD|Rattlesnake Canyon Grocery|United "
      "Package|-|853|11077/");
  expect (
      f,
      "SELECT count(*) FROM orders o WHERE total_minor <> (SELECT sum(total_minor) FROM order_lines WHERE "
      "order_id = o.id)",
      "0/");
  expect (f, "SELECT count(*) FROM orders WHERE status = 'confirmed'", "21/");
  expect (
      f,
      "SELECT min(position), max(position) FROM order_lines WHERE order_id = (SELECT id FROM orders WHERE "
      "number = '11077')",
      "1|25/");
  import_counts (f, "northwind", path, &options, "3153 0 0 3153 0");
  expect (f, "SELECT max(rev) FROM distributors", "1/");
  expect_committed (f);
}

/* Rewrites a file of commas: another delimiter, other line breaks, another encoding. */
static void
rewrite (const char *from, const char *to, char delimiter, const char *line_break, const char *codeset,
         const char *bom)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtCsvReader) reader = ct_csv_reader_open (from, NULL, &error);
  const char *const *header = ct_csv_reader_get_header (reader);
  g_autoptr (GString) text = g_string_new (bom);
  g_autofree char *bytes = NULL;
  gsize length;
  CtCsvRow row;

  g_assert_no_error (error);
  for (guint i = 0; header[i]; i++)
    g_string_append_printf (text, "%s%.*s", header[i], header[i + 1] != NULL, &delimiter);
  g_string_append (text, line_break);
  while (ct_csv_reader_next (reader, &row, &error)) {
    for (guint i = 0; i < row.n_fields; i++) {
      gboolean quote = strchr (row.fields[i].text, delimiter) || strchr (row.fields[i].text, '"');
      g_autoptr (GString) field = g_string_new (row.fields[i].text);

      g_string_replace (field, "\"", "\"\"", 0);
      g_string_append_printf (text, "%s%s%s%.*s", quote ? "\"" : "", field->str, quote ? "\"" : "",
                              i + 1 < row.n_fields, &delimiter);
    }
    g_string_append (text, line_break);
  }
  g_assert_no_error (error);
  bytes = g_convert (text->str, (gssize) text->len, codeset, "UTF-8", NULL, &length, &error);
  g_assert_no_error (error);
  g_file_set_contents (to, bytes, (gssize) length, &error);
  g_assert_no_error (error);
}

/* The same book in the forms in which people send it holds the same records. */
static void
test_forms (Fixture *f, gconstpointer data)
{
  static const struct {
    char delimiter;
    const char *line_break, *codeset, *bom;
  } forms[] = {
    { ';', "\r\n", "UTF-8", "\xef\xbb\xbf" },
    { '\t', "\n", "UTF-16LE", "\xef\xbb\xbf" },
    { ',', "\r\n", "UTF-16BE", "" },
    { ';', "\r", "WINDOWS-1252", "" },
    { '\t', "\r\n", "UTF-8", "" },
  };
  static const char *const names[] = { "customers.csv", "orders.csv", "order_details.csv", "products.csv",
                                       "shippers.csv" };
  g_autofree char *path = northwind ();
  CtImportOptions options = options_of (f);

  if (!path)
    return;
  import_counts (f, "northwind", path, &options, "3153 3153 0 0 0");
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autofree char *folder = g_strdup_printf ("%s/form-%u", f->folder, i);

    g_mkdir (folder, 0700);
    for (guint k = 0; k < G_N_ELEMENTS (names); k++) {
      g_autofree char *from = g_build_filename (path, names[k], NULL);
      g_autofree char *to = g_build_filename (folder, names[k], NULL);

      rewrite (from, to, forms[i].delimiter, forms[i].line_break, forms[i].codeset, forms[i].bom);
    }
    g_test_message ("%s", forms[i].codeset);
    import_counts (f, "northwind", folder, &options, "3153 0 0 3153 0");
  }
}

/* A file whose every row holds five records: profiles are data. */
static void
test_scms (Fixture *f, gconstpointer data)
{
  g_autofree char *root = northwind ();
  g_autofree char *path = root ? g_build_filename (root, "..", "scms", NULL) : NULL;
  CtImportOptions options = options_of (f);

  if (!root)
    return;
  import_counts (f, "scms", path, &options, "10324 10324 0 0 0");
  expect (
      f,
      "SELECT (SELECT count(*) FROM distributors), (SELECT count(*) FROM products), (SELECT count(*) FROM "
      "orders), (SELECT count(*) FROM order_lines), (SELECT count(*) FROM shipments)",
      "142|184|7030|10324|7030/");
  expect (
      f,
      "SELECT count(*) FROM orders o WHERE total_minor <> (SELECT sum(total_minor) FROM order_lines WHERE "
      "order_id = o.id)",
      "0/");
  expect (f,
          "SELECT o.required_on, s.delivered_at, s.carrier, d.country FROM orders o JOIN shipments s ON "
          "s.order_id = "
          "o.id JOIN distributors d ON d.id = o.distributor_id WHERE o.number = 'SCMS-4/ASN-8'",
          "2006-06-02|1149192000000|Air|Côte d'Ivoire/");
  import_counts (f, "scms", path, &options, "10324 0 0 10324 0");
  expect_committed (f);
}

static const char small_customers[] =
    "customer_id,company_name,contact_name,contact_title,address,city,region,postal_code,country,phone,fax\n"
    "A,Alpha,Ann,Owner,1 Road,Town,,1,Chile,1,\n"
    "B,,Bob,Owner,2 Road,Town,,2,Chile,2,\n"
    "C,Gamma,,Owner,3 Road,Town,,3,Chile,3,\n";
static const char small_orders[] =
    "order_id,customer_id,employee_id,order_date,required_date,shipped_date,ship_via,freight,ship_name,ship_"
    "address,"
    "ship_city,ship_region,ship_postal_code,ship_country\n"
    "1,A,5,1996-07-04,1996-08-01,1996-07-16,3,32.38,N,\"S, 1\",Reims,,51100,France\n"
    "2,A,5,1996-07-04,1996-08-01,1996-13-16,9,32x,N,S,Reims,,51100,France\n"
    "3,B,5,1996-07-04,1996-08-01,,3,32.38,N,S,Reims,,51100,France\n"
    "4,A,5,1996-07-04\n"
    "5,C,5,1996-07-04,1996-08-01,,1,1,N,\"broken\"x,Reims,,51100,France\n"
    "6,C,5,1996-07-05,1996-08-01,,1,1,N,S,Reims,,51100,France\n";
static const char small_lines[] = "order_id,product_id,unit_price,quantity,discount\n"
                                  "1,11,14,12,0\n"
                                  "1,12,9.8,10,0.15\n"
                                  "2,11,14,12,0\n"
                                  "6,11,14,0,0\n"
                                  "6,12,1,1,0\n"
                                  "99,11,14,1,0\n";
static const char small_products[] = "product_id,product_name,quantity_per_unit,unit_price,units_in_stock\n"
                                     "11,Queso,1 kg,21,22\n12,Chai,1,1,1\n";

/* The report runs nothing in a spreadsheet, and reads back as what was refused. */
static void
test_report_guards_formulas (Fixture *f, gconstpointer data)
{
  g_autofree char *products = write_file (
      f, "in/products.csv",
      "product_id,product_name,quantity_per_unit,unit_price,units_in_stock\n11,=cmd(),'=x,2x,22\n");
  g_autofree char *folder = g_build_filename (f->folder, "in", NULL);
  g_autofree char *report = g_build_filename (f->folder, "refused.csv", NULL);
  CtImportOptions options = options_of (f);
  g_autoptr (JsonObject) first = NULL, second = NULL;
  g_autofree char *text = NULL, *fixed = NULL;
  g_auto (GStrv) parts = NULL;

  options.errors_path = report;
  first = run (f, "northwind", folder, &options);
  g_assert_true (g_file_get_contents (report, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "\"'=cmd()\",\"''=x\",2x"));
  parts = g_strsplit (text, ",2x,22", -1);
  fixed = g_strjoinv (",2,22", parts);
  g_assert_true (g_file_set_contents (report, fixed, -1, NULL));
  options.errors_path = NULL;
  second = run (f, "northwind", report, &options);
  expect (f, "SELECT name, unit FROM products", "=cmd()|'=x/");
}

/* A line whose total does not fit is refused, and no other. */
static void
test_line_too_large (Fixture *f, gconstpointer data)
{
  g_autofree char *customers = write_file (f, "in/customers.csv", small_customers);
  g_autofree char *orders = write_file (f, "in/orders.csv", small_orders);
  g_autofree char *lines = write_file (f, "in/order_details.csv",
                                       "order_id,product_id,unit_price,quantity,discount\n1,11,14,12,0\n"
                                       "1,12,90000000000000,9000000,0\n1,12,92000000000000000,1,0\n");
  g_autofree char *products = write_file (f, "in/products.csv", small_products);
  g_autofree char *folder = g_build_filename (f->folder, "in", NULL);
  CtImportOptions options = options_of (f);
  g_autoptr (JsonObject) result = run (f, "northwind", folder, &options);
  JsonArray *errors = ct_json_array (result, "errors");
  guint refused = 0;

  for (guint i = 0; i < json_array_get_length (errors); i++) {
    JsonObject *error = json_array_get_object_element (errors, i);
    gint64 line = ct_json_int (error, "line", 0);

    g_test_message ("%s: %s", ct_json_string (error, "file", ""), ct_json_string (error, "reason", ""));
    refused +=
        strcmp (ct_json_string (error, "file", ""), "order_details.csv") == 0 && (line == 3 || line == 4);
  }
  g_assert_cmpuint (refused, ==, 2);
  expect (f, "SELECT external_ref, total_minor FROM orders WHERE external_ref = '1'", "1|16800/");
}

/* One bad row stops no other; the report, corrected, brings what was missing; nothing is imported twice. */
static void
test_errors_and_report (Fixture *f, gconstpointer data)
{
  g_autofree char *customers = write_file (f, "in/customers.csv", small_customers);
  g_autofree char *orders = write_file (f, "in/orders.csv", small_orders);
  g_autofree char *lines = write_file (f, "in/order_details.csv", small_lines);
  g_autofree char *products = write_file (f, "in/products.csv", small_products);
  g_autofree char *folder = g_build_filename (f->folder, "in", NULL);
  g_autofree char *report = g_build_filename (f->folder, "refused.csv", NULL);
  CtImportOptions options = options_of (f);
  g_autoptr (JsonObject) result = NULL;
  g_autofree char *found = NULL, *text = NULL, *second = NULL;
  JsonArray *errors;

  options.errors_path = report;
  result = run (f, "northwind", folder, &options);
  found = counts (result);
  g_assert_cmpstr (found, ==, "17 9 0 0 8");
  errors = ct_json_array (result, "errors");
  {
    static const char *const wanted[] = {
      "customers.csv 3 2 company_name", "orders.csv 3 6 shipped_date",    "orders.csv 3 7 ship_via",
      "orders.csv 3 8 freight",         "orders.csv 4 2 customer_id",     "orders.csv 5 0 ",
      "orders.csv 6 10 ship_address",   "order_details.csv 4 1 order_id", "order_details.csv 5 4 quantity",
      "order_details.csv 7 1 order_id",
    };

    for (guint i = 0; i < json_array_get_length (errors); i++) {
      JsonObject *error = json_array_get_object_element (errors, i);
      g_autofree char *place = g_strdup_printf (
          "%s %d %d %s", ct_json_string (error, "file", ""), (int) ct_json_int (error, "line", 0),
          (int) ct_json_int (error, "column", -1), ct_json_string (error, "field", "?"));

      g_test_message ("%s: %s (%s)", place, ct_json_string (error, "reason", ""),
                      ct_json_string (error, "value", ""));
      g_assert_cmpuint (i, <, G_N_ELEMENTS (wanted));
      g_assert_cmpstr (place, ==, wanted[i]);
    }
  }
  expect (f, "SELECT external_ref, total_minor FROM orders ORDER BY external_ref", "1|25130/6|100/");
  g_assert_true (g_file_get_contents (report, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "The order \"\"2\"\" was refused (orders.csv, line 3)"));
  g_assert_nonnull (strstr (text, "The distributor \"\"B\"\" was refused (customers.csv, line 3)"));
  /* a person corrects the report */
  {
    static const char *const corrections[][2] = {
      { ",B,,Bob,", ",B,Beta,Bob," },
      { "1996-13-16,9,32x,", "1996-07-16,3,32.5," },
      { "\"\"\"broken\"\"x\"", "whole" },
      { ",,0,0\n", ",,3,0\n" },
    };
    g_autoptr (GString) corrected = g_string_new (text);

    for (guint i = 0; i < G_N_ELEMENTS (corrections); i++)
      g_string_replace (corrected, corrections[i][0], corrections[i][1], 0);
    g_file_set_contents (report, corrected->str, -1, NULL);
    g_test_message ("%s", corrected->str);
  }
  second = g_build_filename (f->folder, "refused-2.csv", NULL);
  options.errors_path = second;
  import_counts (f, "northwind", report, &options, "8 7 0 0 1");
  expect (f, "SELECT external_ref, total_minor FROM orders ORDER BY external_ref",
          "1|25130/2|16800/3|0/4|0/5|0/6|4300/");
  expect (f, "SELECT destination FROM shipments WHERE external_ref = '1'", "N, S, 1, Reims, 51100, France/");
  import_counts (f, "northwind", report, &options, "8 0 0 7 1");
  options.errors_path = NULL;
  import_counts (f, "northwind", folder, &options, "17 0 0 11 6");
  expect_committed (f);
}

/* A later record of a row that is refused takes the earlier ones with it, however many rows there are. */
static void
test_half_a_row (Fixture *f, gconstpointer data)
{
  g_autofree char *customers = write_file (f, "in/customers.csv", small_customers);
  g_autofree char *folder = g_build_filename (f->folder, "in", NULL);
  g_autoptr (GString) text = g_string_new (small_orders);
  g_autofree char *path = NULL;
  CtImportOptions options = options_of (f);
  char *end = strchr (text->str, '\n');

  g_string_truncate (text, (gsize) (end - text->str) + 1);
  for (int i = 100; i < 140; i++)
    g_string_append_printf (text, "%d,A,5,1996-07-04,1996-08-01,,1,1,N,S,Reims,,51100,France\n", i);
  path = write_file (f, "orders.csv", text->str);
  import_counts (f, "northwind", folder, &options, "3 2 0 0 1");
  /* shipments whose numbers are taken by others */
  import_counts (f, "northwind", path, &options, "40 40 0 0 0");
  {
    g_autofree char *canonical = write_file (f, "shipments.csv",
                                             "number,order,external_ref,source\nSHP-NW-200,100,x,y\n"
                                             "SHP-NW-203,101,z,y\n");

    import_counts (f, "canonical", canonical, &options, "2 2 0 0 0");
  }
  g_string_truncate (text, (gsize) (strchr (text->str, '\n') - text->str) + 1);
  for (int i = 198; i < 210; i++)
    g_string_append_printf (text, "%d,A,5,1996-07-04,1996-08-01,,1,1,N,S,Reims,,51100,France\n", i);
  g_free (write_file (f, "orders.csv", text->str));
  import_counts (f, "northwind", path, &options, "12 10 0 0 2");
  expect (
      f,
      "SELECT group_concat(external_ref) FROM orders WHERE external_ref BETWEEN '198' AND '204' ORDER BY n",
      "198,199,201,202,204/");
  expect (f, "SELECT count(*) FROM shipments s WHERE NOT EXISTS (SELECT 1 FROM orders WHERE id = s.order_id)",
          "0/");
  expect_committed (f);
}

/* What a refused row had changed already holds what it held, revision and all. */
static void
test_half_an_update (Fixture *f, gconstpointer data)
{
  g_autofree char *profile = write_file (
      f, "own.json",
      "{\"name\":\"own\",\"files\":[{\"file\":\"d.csv\",\"records\":[{\"kind\":\"distributor\",\"key\":["
      "\"d\"],"
      "\"fields\":{\"legal_name\":\"d\",\"currency\":{\"value\":\"EUR\"}}}]},{\"file\":\"o.csv\",\"records\":"
      "["
      "{\"kind\":\"order\",\"key\":[\"o\"],\"fields\":{\"number\":\"o\",\"distributor\":\"d\",\"currency\":"
      "{\"value\":\"EUR\"},\"ordered_on\":\"on\",\"notes\":\"note\",\"status\":\"status\"}},"
      "{\"kind\":\"shipment\",\"key\":[\"o\"],\"fields\":{\"number\":\"s\",\"order\":\"o\"}}]}]}");
  g_autofree char *distributors = write_file (f, "in/d.csv", "d\nA\n");
  g_autofree char *orders =
      write_file (f, "in/o.csv", "o,d,on,note,status,s\n1,A,2026-01-01,,draft,S1\n2,A,,x,draft,S2\n");
  g_autofree char *folder = g_build_filename (f->folder, "in", NULL);
  static const char question[] =
      "SELECT number, rev, updated_at, ordered_on, notes, status, status_since_at FROM orders "
      "ORDER BY number";
  CtImportOptions options = options_of (f);
  g_autofree char *before = NULL;

  import_counts (f, profile, folder, &options, "3 3 0 0 0");
  before = ask (f, question);
  g_free (
      write_file (f, "in/o.csv",
                  "o,d,on,note,status,s\n1,A,2026-02-02,new,confirmed,S2\n2,A,2026-02-02,,confirmed,S1\n"));
  options.now += 1000;
  import_counts (f, profile, folder, &options, "3 0 0 1 2");
  expect (f, question, before);
  expect_committed (f);
}

static void
test_changes (Fixture *f, gconstpointer data)
{
  static const char head[] = "number,legal_name,currency,onboarding_state,credit_limit\n";
  g_autofree char *path = NULL;
  CtImportOptions options = options_of (f);
  g_autofree char *first = g_strconcat (head, "D-1,Alpha,EUR,documents,10.50\n,Beta,JPY,active,500\n", NULL);
  g_autofree char *second = g_strconcat (head, "D-1,Alpha,EUR,active,10.50\n", NULL);

  path = write_file (f, "distributors.csv", first);
  import_counts (f, "canonical", path, &options, "2 2 0 0 0");
  expect (f, "SELECT number, credit_limit_minor, onboarding_since_at FROM distributors ORDER BY n",
          "D-1|1050|883612800000/DIST-1998-0001|500|883612800000/");
  g_free (write_file (f, "distributors.csv", second));
  options.now += 1000;
  import_counts (f, "canonical", path, &options, "1 0 1 0 0");
  import_counts (f, "canonical", path, &options, "1 0 0 1 0");
  expect (
      f, "SELECT rev, onboarding_state, onboarding_since_at, language FROM distributors WHERE number = 'D-1'",
      "2|active|883612801000|en/");
  expect_committed (f);
}

/* Numbers that a file brings are not given again. */
static void
test_number_series (Fixture *f, gconstpointer data)
{
  g_autofree char *path =
      write_file (f, "distributors.csv", "number,legal_name,currency\nDIST-1998-0041,Alpha,EUR\n,Beta,EUR\n");
  CtImportOptions options = options_of (f);

  import_counts (f, "canonical", path, &options, "2 2 0 0 0");
  g_free (write_file (f, "distributors.csv", "number,legal_name,currency\n,Gamma,EUR\n"));
  import_counts (f, "canonical", path, &options, "1 1 0 0 0");
  expect (f, "SELECT number FROM distributors WHERE legal_name = 'Gamma'", "DIST-1998-0042/");
  expect_committed (f);
}

/* Two files of the same text. */
static void
assert_same_file (const char *a, const char *b, const char *name)
{
  g_autofree char *left = g_build_filename (a, name, NULL), *right = g_build_filename (b, name, NULL);
  g_autofree char *wanted = NULL, *found = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (left, &wanted, NULL, &error);
  g_assert_no_error (error);
  g_file_get_contents (right, &found, NULL, &error);
  g_assert_no_error (error);
  g_test_message ("%s: %zu bytes", name, strlen (wanted));
  g_assert_cmpstr (found, ==, wanted);
}

static char *
export_all (Fixture *f, const char *name)
{
  CtExportOptions options = { f->store, f->commander, "admin", 883612800000 };
  char *folder = g_build_filename (f->folder, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) counts = ct_export_run (folder, &options, &error);

  g_assert_no_error (error);
  g_assert_cmpint (ct_json_int (counts, "distributors.csv", 0), >, 0);
  return folder;
}

static const char *const awkward[][2] = {
  { "distributors.csv", "number,legal_name,currency,credit_limit,language,notes,archived,channel_preferences,"
                        "value_band,source,external_ref\n"
                        "D-1,\"A, \"\"B\"\"\n& C\",EUR,10.5,\"\",\" spaces "
                        "\",2026-06-04T09:00:00.250Z,\"[\"\"slack\"\"]\",A,erp,77\n"
                        "D-2,=1+1,JPY,500,ru,Ünï,,[],B,,\n"
                        "D-3,Dinar,KWD,1.234,en,,,[],C,,\"\"\n" },
  { "contacts.csv", "distributor,name,email,phone,role,archived\nD-1,Ann,a@x.example,,Boss,\n"
                    "D-1,Ann,,+1,,2026-06-04T09:00:00Z\n" },
  { "products.csv", "sku,name,unit,currency,list_price,stock\nX,Thing,kg,EUR,9.99,12.125\nY,Other,,,,\n" },
  { "orders.csv",
    "number,distributor,status,status_since,ordered_on,required_on,currency,total,lane_origin,notes\n"
    "ORD-2026-1047,D-1,shipped,2026-05-01T10:00:00Z,2026-05-01,2026-06-01,EUR,123.45,Hamburg,\n"
    "ORD-2026-1048,D-2,draft,,,,JPY,7,,note\n" },
  { "order_lines.csv", "order,position,product,sku,quantity,currency,unit_price,discount,total\n"
                       "ORD-2026-1047,1,X,X,2.5,EUR,10.01,0.15,21.27\nORD-2026-1047,3,,Z,1,EUR,1,,1\n"
                       "ORD-2026-1048,1,Y,Y,7,JPY,1,0,7\n" },
  { "invoices.csv", "number,order,distributor,state,currency,amount,paid,issued_on,due_on,paid_on\n"
                    "INV-2026-0311,ORD-2026-1047,D-1,part_paid,EUR,123.45,1,2026-05-01,2026-05-31,\n" },
  { "shipments.csv",
    "number,order,carrier,tracking_number,state,promised,eta,shipped,delivered,pickup_attempts,"
    "proof_of_delivery,currency,freight,destination\n"
    "SHP-1,ORD-2026-1047,DHL,T1,delivered,2026-05-20,2026-05-21T12:00:00Z,2026-05-02T08:30:00Z,"
    "2026-05-22T08:30:00Z,2,yes,EUR,12.30,Zaragoza\n" },
  { "shipment_events.csv", "shipment,kind,happened,eta,place,note\n"
                           "SHP-1,eta_changed,2026-05-03T00:00:00Z,2026-05-21T12:00:00Z,Hub,late\n" },
  { "documents.csv", "distributor,order,kind,state,expires_on,reason\nD-1,,contract,verified,2027-01-01,\n"
                     "D-1,ORD-2026-1047,import licence,rejected,,unreadable\n" },
};

/* Our own files, read into an empty workspace, make the same records: exported again they are the same files. */
static void
test_round_trip (Fixture *f, gconstpointer data)
{
  g_autofree char *from = g_build_filename (f->folder, "awkward", NULL);
  g_autofree char *first = NULL, *second = NULL;
  CtImportOptions options = options_of (f);
  Fixture other = { 0 };
  gint64 rows = 0;

  for (guint i = 0; i < G_N_ELEMENTS (awkward); i++) {
    g_autofree char *name = g_build_filename ("awkward", awkward[i][0], NULL);

    g_free (write_file (f, name, awkward[i][1]));
  }
  import_counts (f, "canonical", from, &options, "17 17 0 0 0");
  first = export_all (f, "first");
  import_counts (f, "canonical", first, &options, "17 0 0 17 0");
  set_up (&other, NULL);
  {
    g_autofree char *orders = northwind ();
    CtImportOptions there = options_of (&other);

    if (orders)
      import_counts (f, "northwind", orders, &options, "3153 3153 0 0 0");
    rows = orders ? 17 + 3153 + 91 + 830 : 17;
    g_free (first);
    first = export_all (f, "first");
    {
      g_autofree char *wanted = g_strdup_printf ("%d %d 0 0 0", (int) rows, (int) rows);

      import_counts (&other, "canonical", first, &there, wanted);
    }
    expect_committed (&other);
  }
  second = export_all (&other, "second");
  for (guint i = 0; i < G_N_ELEMENTS (awkward); i++)
    assert_same_file (first, second, awkward[i][0]);
  expect (&other, "SELECT last FROM number_series WHERE series = 'ORD'", "1048/");
  expect (&other, "SELECT count(*) FROM audit_logs WHERE action = 'data.export'", "1/");
  tear_down (&other, NULL);
}

/* A corrected file may add to a record what was not known of it, and moves it to no other order or distributor: by hand nobody
 * can. */
static void
test_parents_stay (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *name, *text, *counts, *error;
  } files[] = {
    { "invoices.csv",
      "number,order,distributor,currency,amount,due_on\n"
      "INV-2026-0311,ORD-2026-1048,D-1,EUR,123.45,2026-05-31\n",
      "1 0 0 0 1", "2:2 order=ORD-2026-1048 This invoice belongs to the order \"ORD-2026-1047\"" },
    { "invoices.csv",
      "number,order,distributor,currency,amount,due_on\n"
      "INV-2026-0311,ORD-2026-1047,D-2,EUR,99,2026-05-31\n",
      "1 0 0 0 1", "2:3 distributor=D-2 This invoice belongs to the distributor \"D-1\"" },
    { "shipments.csv",
      "order,number,carrier\nORD-2026-1047,SHP-1,UPS\nORD-2026-1048,SHP-1,DPD\nORD-2026-1048,SHP-2,DPD\n",
      "3 1 1 0 1", "3:1 order=ORD-2026-1048 This shipment belongs to the order \"ORD-2026-1047\"" },
    { "order_lines.csv",
      "order,position,product,sku,quantity,currency,unit_price\nORD-2026-1047,3,X,Z,1,EUR,1\n", "1 0 1 0 0",
      NULL },
  };
  g_autofree char *from = g_build_filename (f->folder, "awkward", NULL);
  CtImportOptions options = options_of (f);

  for (guint i = 0; i < G_N_ELEMENTS (awkward); i++) {
    g_autofree char *name = g_build_filename ("awkward", awkward[i][0], NULL);

    g_free (write_file (f, name, awkward[i][1]));
  }
  import_counts (f, "canonical", from, &options, "17 17 0 0 0");
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = write_file (f, files[i].name, files[i].text), *found = NULL, *said = NULL;
    g_autoptr (JsonObject) result = run (f, "canonical", path, &options);
    JsonArray *errors = ct_json_array (result, "errors");
    JsonObject *error = files[i].error ? json_array_get_object_element (errors, 0) : NULL;

    found = counts (result);
    g_assert_cmpstr (found, ==, files[i].counts);
    if (!error)
      continue;
    said = g_strdup_printf ("%d:%d %s=%s %s", (int) ct_json_int (error, "line", 0),
                            (int) ct_json_int (error, "column", 0), ct_json_string (error, "field", ""),
                            ct_json_string (error, "value", ""), ct_json_string (error, "reason", ""));
    g_test_message ("%s", said);
    g_assert_true (g_str_has_prefix (said, files[i].error));
  }
  expect (f,
          "SELECT o.number, i.rev FROM invoices i JOIN orders o ON o.id = i.order_id UNION ALL "
          "SELECT o.number, s.carrier FROM shipments s JOIN orders o ON o.id = s.order_id ORDER BY 1, 2",
          "ORD-2026-1047|1/ORD-2026-1047|UPS/ORD-2026-1048|DPD/");
  expect_committed (f);
}

static void
stop_cb (guint64 done, guint64 total, gint64 rows, gpointer data)
{
  g_assert_cmpuint (done, <=, total);
  g_cancellable_cancel (data);
}

/* Whole chunks stay, and the result says how many. */
static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new ("number,legal_name,currency\n");
  g_autofree char *path = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (JsonObject) result = NULL;
  CtImportOptions options = options_of (f);

  for (int i = 0; i < 32000; i++)
    g_string_append_printf (text, "D-%05d,Name,EUR\n", i);
  path = write_file (f, "distributors.csv", text->str);
  options.cancellable = cancellable;
  options.progress = stop_cb;
  options.progress_data = cancellable;
  result = run (f, "canonical", path, &options);
  g_assert_true (ct_json_bool (result, "cancelled", FALSE));
  g_assert_cmpint (ct_json_int (result, "chunks", 0), ==, 1);
  expect (f, "SELECT count(*) FROM distributors", "10000/");
  options.cancellable = NULL;
  options.progress = NULL;
  import_counts (f, "canonical", path, &options, "32000 22000 0 10000 0");
}

static void
test_refusals (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_file (f, "distributors.csv", "number,currency\nD-1,EUR\n");
  g_autofree char *odd = write_file (f, "odd.csv", "a,b\n1,2\n");
  CtImportOptions options = options_of (f);
  g_autoptr (GError) error = NULL;
  g_autoptr (CtImport) import = ct_import_new ("canonical", path, NULL, &error);

  g_assert_no_error (error);
  g_assert_null (ct_import_run (import, &options, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "legal_name"));
  g_clear_error (&error);
  g_assert_null (ct_import_new ("canonical", odd, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (ct_import_new ("no-such", odd, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (ct_import_new ("canonical", "/no/such/path", NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_clear_pointer (&import, ct_import_free);
  g_free (write_file (f, "distributors.csv", "number,legal_name,currency\nD-1,A,EUR\n"));
  import = ct_import_new ("canonical", path, NULL, &error);
  g_assert_no_error (error);
  options.actor = "nobody";
  g_assert_null (ct_import_run (import, &options, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
}

static void
test_preview (Fixture *f, gconstpointer data)
{
  g_autofree char *orders = write_file (f, "in/orders.csv", small_orders);
  g_autofree char *other = write_file (f, "in/readme.txt", "x");
  g_autofree char *folder = g_build_filename (f->folder, "in", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (CtImport) import = ct_import_new ("northwind", folder, NULL, &error);
  g_autoptr (JsonObject) preview = NULL;
  JsonObject *file;

  g_assert_no_error (error);
  preview = ct_import_preview (import, 2, f->zone, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (ct_json_array (preview, "unknown")), ==, 1);
  file = json_array_get_object_element (ct_json_array (preview, "files"), 0);
  g_assert_cmpstr (ct_json_string (file, "encoding", ""), ==, "UTF-8");
  g_assert_cmpstr (ct_json_string (file, "delimiter", ""), ==, ",");
  g_assert_cmpuint (json_array_get_length (ct_json_array (file, "rows")), ==, 2);
  g_assert_cmpuint (json_array_get_length (ct_json_array (file, "header")), ==, 14);
  g_assert_cmpuint (json_array_get_length (ct_json_array (file, "mapping")), >, 10);
  g_assert_null (ct_json_string (file, "problem", NULL));
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
count_cb (guint64 done, guint64 total, gint64 rows, gpointer data)
{
  g_assert_true (g_main_context_is_owner (g_main_context_default ()));
  *(gint64 *) data = rows;
}

static void
test_async (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_file (f, "distributors.csv", "number,legal_name,currency\nD-1,A,EUR\n");
  g_autoptr (GError) error = NULL;
  g_autoptr (CtImport) import = ct_import_new ("canonical", path, NULL, &error);
  CtImportOptions options = options_of (f);
  g_autoptr (GAsyncResult) done = NULL;
  g_autoptr (JsonObject) result = NULL;
  gint64 rows = 0;

  options.progress = count_cb;
  options.progress_data = &rows;
  g_main_context_acquire (NULL);
  ct_import_run_async (import, &options, done_cb, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  g_main_context_release (NULL);
  result = ct_import_run_finish (done, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ct_json_int (result, "created", 0), ==, 1);
  g_assert_cmpint (rows, ==, 1);
}

#define TEST(name, func) g_test_add ("/import/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("northwind", test_northwind);
  TEST ("forms", test_forms);
  TEST ("scms", test_scms);
  TEST ("report-formulas", test_report_guards_formulas);
  TEST ("line-too-large", test_line_too_large);
  TEST ("errors-and-report", test_errors_and_report);
  TEST ("half-a-row", test_half_a_row);
  TEST ("half-an-update", test_half_an_update);
  TEST ("changes", test_changes);
  TEST ("number-series", test_number_series);
  TEST ("round-trip", test_round_trip);
  TEST ("parents-stay", test_parents_stay);
  TEST ("cancel", test_cancel);
  TEST ("refusals", test_refusals);
  TEST ("preview", test_preview);
  TEST ("async", test_async);
  return g_test_run ();
}
