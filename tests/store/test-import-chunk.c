/* The command that an import gives: bytes that are none, and people who may not write what they bring. */
#define CT_TEST_COMMANDS
#include "import-fixture.h"

typedef struct {
  Fixture *f;
  const char *actor;
  JsonObject *args;
  GBytes *bytes;
} Bare;

static gboolean
bare_cb (CtDb *db, gpointer data, GError **error)
{
  Bare *bare = data;
  g_auto (CtOutcome) outcome = { 0 };
  CtRequest request = {
    .name = "import.chunk", .args = bare->args, .actor = bare->actor, .now = 5, .attachment = bare->bytes
  };

  return ct_commander_execute (bare->f->commander, db, &request, &outcome, error);
}

static gboolean
run_bare_as (Fixture *f, const char *actor, const char *records, GByteArray *chunk, gint64 rows,
             gboolean wrong_hash, GError **error)
{
  g_autoptr (JsonNode) layouts = ct_json_parse (records, -1, 10000, NULL);
  CtHash hash = ct_hash (chunk->data, wrong_hash ? 1 : chunk->len);
  g_autofree char *hex = ct_hash_to_hex (&hash);
  g_autoptr (GBytes) bytes = g_bytes_new (chunk->data, chunk->len);
  g_autoptr (JsonObject) args = ct_json_build ("sssisn", "source", "s", "profile", "p", "file", "f", "rows",
                                               rows, "sha256", hex, "records", json_node_copy (layouts));
  Bare bare = { f, actor, args, bytes };

  return ct_store_write (f->store, bare_cb, &bare, error);
}

static gboolean
run_bare (Fixture *f, const char *records, GByteArray *chunk, gint64 rows, gboolean wrong_hash,
          GError **error)
{
  return run_bare_as (f, "admin", records, chunk, rows, wrong_hash, error);
}

/* The command's bytes come from outside: any of them are a chunk, or are refused; nothing else happens. */
static void
test_hostile_chunks (Fixture *f, gconstpointer data)
{
  static const char records[] =
      "[{\"kind\":\"distributor\",\"keyed\":true,\"fields\":[\"external_ref\",\"number\",\"legal_name\","
      "\"currency\"]},"
      "{\"kind\":\"contact\",\"keyed\":false,\"fields\":[\"id\",\"distributor\",\"name\"],\"by\":{"
      "\"distributor\":"
      "\"number\"}},{\"kind\":\"order_line\",\"totals\":true,\"fields\":[\"order\",\"quantity\"]}]";
  static const char *const layouts[] = { "[{\"kind\":\"none\"}]", "[3]",
                                         "[{\"kind\":\"contact\",\"fields\":[\"bogus\"]}]",
                                         "[{\"kind\":\"contact\",\"fields\":[3]}]" };
  g_autoptr (GRand) rand = g_rand_new_with_seed (20261121);
  g_autoptr (GError) error = NULL;

  for (guint round = 0; round < 1200; round++) {
    g_autoptr (GByteArray) chunk = g_byte_array_new ();
    g_autofree char *number = g_strdup_printf ("D-%u", round);

    ct_chunk_append_record (chunk, 0, 0);
    ct_chunk_append_text (chunk, number, strlen (number));
    ct_chunk_append_text (chunk, number, strlen (number));
    ct_chunk_append_text (chunk, "Name", 4);
    ct_chunk_append_text (chunk, "EUR", 3);
    ct_chunk_append_record (chunk, 1, 0);
    ct_chunk_append_nothing (chunk);
    ct_chunk_append_text (chunk, number, strlen (number));
    ct_chunk_append_text (chunk, "Ann", 3);
    ct_chunk_append_record (chunk, 2, 1);
    ct_chunk_append_text (chunk, number, strlen (number));
    ct_chunk_append_integer (chunk, 5);
    for (int edits = round == 0 ? 0 : g_rand_int_range (rand, 1, 5); edits > 0; edits--)
      chunk->data[g_rand_int_range (rand, 0, (gint32) chunk->len)] =
          (guint8) (g_rand_boolean (rand) ? "nit\0\1\2"[g_rand_int_range (rand, 0, 6)]
                                          : g_rand_int_range (rand, 0, 128));
    g_clear_error (&error);
    run_bare (f, records, chunk, 2, FALSE, &error);
    if (round == 0)
      g_assert_no_error (error);
    g_assert_true (!error || g_error_matches (error, CT_ERROR, CT_ERROR_INVALID));
    if (round == 1) {
      g_clear_error (&error);
      g_assert_false (run_bare (f, records, chunk, 2, TRUE, &error));
      g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
      for (guint i = 0; i < G_N_ELEMENTS (layouts); i++) {
        g_clear_error (&error);
        g_assert_false (run_bare (f, layouts[i], chunk, 2, FALSE, &error));
        g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
      }
      g_clear_error (&error);
      g_assert_false (run_bare (f, records, chunk, CT_IMPORT_CHUNK_ROWS + 1, FALSE, &error));
      g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    }
  }
  expect (f, "SELECT count(*) FROM distributors WHERE number = 'D-0'", "1/");
  expect (f, "SELECT count(*) FROM order_lines", "0/");
  expect_committed (f);
}

static gboolean
add_seller_cb (CtDb *db, gpointer data, GError **error)
{
  g_auto (CtOutcome) outcome = { 0 };

  return ct_test_execute (((Fixture *) data)->commander, db, "admin", 2000, "person.put",
                          "{\"login\":\"sela\",\"roles\":[\"sales\"]}", &outcome, error) != NULL;
}

/* An import writes what who imports could write by hand: tables are named before anything is written, steps row by row. */
static void
test_roles (Fixture *f, gconstpointer data)
{
  static const char invoices[] =
      "[{\"kind\":\"invoice\",\"keyed\":true,\"fields\":[\"external_ref\",\"number\"]}]";
  g_autofree char *path = write_file (
      f, "in/distributors.csv", "number,legal_name,currency,onboarding_state\nDIST-0001,A,EUR,active\n");
  g_autofree char *later =
      write_file (f, "in/invoices.csv",
                  "number,order,distributor,currency,amount\nINV-2026-0001,ORD-2026-0001,DIST-0001,EUR,1\n");
  g_autofree char *folder = g_build_filename (f->folder, "in", NULL);
  g_autoptr (CtImport) import = NULL;
  g_autoptr (GByteArray) chunk = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  CtImportOptions options = options_of (f);

  ct_store_write (f->store, add_seller_cb, f, &error);
  g_assert_no_error (error);
  import = ct_import_new ("canonical", folder, NULL, &error);
  g_assert_no_error (error);
  options.actor = "sela";
  for (int dry = 0; dry < 2; dry++) {
    options.dry_run = dry;
    g_assert_null (ct_import_run (import, &options, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
    g_assert_nonnull (strstr (error->message, "may not import invoices (invoices.csv);"));
    g_clear_error (&error);
  }
  expect (f, "SELECT count(*), (SELECT count(*) FROM intents WHERE name = 'import.chunk') FROM distributors",
          "0|0/");
  options.dry_run = FALSE;
  import_counts (f, "canonical", path, &options, "1 1 0 0 0");
  g_free (write_file (f, "in/distributors.csv",
                      "number,legal_name,currency,onboarding_state\nDIST-0001,B,EUR,documents\n"));
  import_counts (f, "canonical", path, &options, "1 0 0 0 1");
  expect (f, "SELECT legal_name, onboarding_state FROM distributors", "A|active/");
  /* a command that comes past all that is refused by itself */
  ct_chunk_append_record (chunk, 0, 0);
  ct_chunk_append_text (chunk, "1", 1);
  ct_chunk_append_text (chunk, "1", 1);
  g_assert_false (run_bare_as (f, "sela", invoices, chunk, 1, FALSE, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "may not import invoices"));
  expect_committed (f);
}

#define TEST(name, func) g_test_add ("/import-chunk/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("hostile", test_hostile_chunks);
  TEST ("roles", test_roles);
  return g_test_run ();
}
