/* How long the verification of a log takes, beside the bare hashing of its leaves with the same SHA-256. */
#include "ct-test.h"
#include "ct-log-export.h"
#include "ct-log-sign.h"
#include "ct-log-verify.h"

#include <stdio.h>

#define N_LEAVES 1000000

static void
die (GError *error)
{
  if (error)
    g_error ("%s", error->message);
}

static void
fill (CtDb *db, const CtSigner *signer, const CtVerifier *verifier)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *note = NULL;

  ct_db_begin (db, &error);
  die (error);
  ct_log_create (db, verifier, &error);
  die (error);
  for (guint i = 0; i < N_LEAVES; i++) {
    CtDisclosure change = {
      "changes", "[{\"table\":\"orders\",\"op\":\"update\",\"columns\":{\"status\":[\"open\",\"blocked\"]}}]"
    };
    CtId object = ct_id_new (i);
    g_autoptr (CtRowCommitter) rows = ct_row_committer_new ();
    CtEvent event = { .ev_id = object,
                      .action = "order.edit",
                      .actor = "anna",
                      .actor_role = "sales",
                      .object_type = "order",
                      .object_id = object,
                      .object_rev = 2,
                      .occurred_at = 1780000000000 + i,
                      .received_at = 1780000000000 + i,
                      .device_id = object,
                      .device_seq = i + 1,
                      .disclosures = &change,
                      .n_disclosures = 1 };
    gint64 index;

    ct_row_committer_add_image (rows, "orders", &object, change.value, 64);
    ct_log_append (db, &event, rows, &index, &error);
    die (error);
  }
  ct_log_sign (db, signer, 1, &note, &error);
  die (error);
  ct_db_commit (db, &error);
  die (error);
}

/* Only the hashing is timed, not how the leaves come from the file. */
static double
time_hashing (CtDb *db)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtStmt) stmt = ct_db_query (db, &error, "SELECT leaf FROM audit_logs ORDER BY n", "");
  g_autoptr (GByteArray) leaves = g_byte_array_new ();
  gint64 spent = 0;
  guint8 kept = 0;

  die (error);
  for (gboolean more = TRUE; more;) {
    const guint8 *p, *end, *leaf;
    gsize length;
    gint64 start;

    g_byte_array_set_size (leaves, 0);
    while (leaves->len < 4000000 && (more = ct_stmt_next (stmt))) {
      leaf = ct_stmt_blob (stmt, 0, &length);
      ct_bundle_append (leaves, leaf, length);
    }
    p = leaves->data;
    end = p + leaves->len;
    start = g_get_monotonic_time ();
    while (p < end && ct_bundle_next (&p, end, &leaf, &length, NULL))
      kept ^= ct_merkle_leaf (leaf, length).bytes[0];
    spent += g_get_monotonic_time () - start;
  }
  g_printerr ("hashed (%u)\n", kept);
  return (double) spent / 1e6;
}

static double
time_workspace (CtDb *db)
{
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  CtLogVerifyOptions options = { 0 };
  gint64 start = g_get_monotonic_time ();

  ct_log_verify (db, &options, &report, &error);
  die (error);
  return (double) (g_get_monotonic_time () - start) / 1e6;
}

static double
time_directory (CtDb *db, const char *directory, const CtVerifier *verifier)
{
  g_auto (CtLogExport) written = { 0 };
  g_auto (CtTilesReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  gint64 start;

  ct_log_export (db, directory, verifier, NULL, NULL, NULL, &written, &error);
  die (error);
  start = g_get_monotonic_time ();
  ct_log_export_verify (directory, NULL, NULL, NULL, NULL, &report, &error);
  die (error);
  return (double) (g_get_monotonic_time () - start) / 1e6;
}

static void
tell (const char *what, double seconds, double baseline)
{
  /* g_print() would turn the sign into what the locale has */
  printf ("{\"figure\": \"verification of a 1,000,000-leaf %s ÷ hashing its leaves\", \"target\": 3, "
          "\"relation\": \"<=\", "
          "\"result\": %.2f, \"unit\": \"ratio\", \"detail\": \"%.2f s ÷ %.2f s\"}\n",
          what, seconds / baseline, seconds, baseline);
}

int
main (void)
{
  g_autofree char *folder = ct_test_folder ();
  g_autofree char *directory = g_build_filename (folder, "export", NULL);
  g_autoptr (CtSigner) signer = ct_signer_generate ("tower.bench/log", NULL);
  const CtVerifier *verifier = ct_signer_verifier (signer);
  CtDb *db = ct_test_replica (folder);
  double baseline;

  fill (db, signer, verifier);
  baseline = time_hashing (db);
  tell ("log", time_workspace (db), baseline);
  tell ("export", time_directory (db, directory, verifier), baseline);
  ct_db_close (db);
  ct_test_remove (folder);
  return 0;
}
