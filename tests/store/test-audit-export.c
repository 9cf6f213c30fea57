/* Exports and offline proofs: written from a replica, verified without one, by our code and by a second opinion. */
#include "ct-test.h"
#include "ct-config.h"
#include "ct-log-export.h"
#include "ct-log-proof.h"
#include "ct-log-sign.h"

#include <string.h>

#define N_LEAVES 600

typedef struct {
  char *folder;     /* (owned) */
  char *export;     /* (owned): directory of the export */
  CtDb *db;         /* (owned) */
  CtSigner *signer; /* (owned) */
  char *vkey;       /* (owned) */
} Fixture;

static void
append (Fixture *f, guint n)
{
  static const CtDisclosure disclosures[] = { { "comment", "Zusage „bis Freitag“\n\"ok\"\x01" },
                                              { "b", "" } };
  CtEvent event = { .ev_id = ct_id_new (n),
                    .action = "order.edit",
                    .actor = "anna",
                    .actor_role = "sales",
                    .object_type = "order",
                    .object_id = ct_id_new (n),
                    .disclosures = disclosures,
                    .n_disclosures = n % 3 };
  g_autoptr (GError) error = NULL;
  gint64 index;

  ct_log_append (f->db, &event, NULL, &index, &error);
  g_assert_no_error (error);
}

static void
append_and_sign (Fixture *f, guint from, guint to)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *note = NULL;

  g_assert_true (ct_db_begin (f->db, &error));
  for (guint i = from; i < to; i++)
    append (f, i);
  ct_log_sign (f->db, f->signer, 1, &note, &error);
  g_assert_no_error (error);
  g_assert_true (ct_db_commit (f->db, &error));
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = ct_test_folder ();
  f->export = g_build_filename (f->folder, "export", NULL);
  f->db = ct_test_replica (f->folder);
  f->signer = ct_signer_generate ("tower.test/log", NULL);
  f->vkey = ct_verifier_to_string (ct_signer_verifier (f->signer));
  ct_log_create (f->db, ct_signer_verifier (f->signer), &error);
  g_assert_no_error (error);
  append_and_sign (f, 0, N_LEAVES);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ct_db_close (f->db);
  ct_test_remove (f->folder);
  ct_signer_free (f->signer);
  g_free (f->folder);
  g_free (f->export);
  g_free (f->vkey);
}

static void
export_log (Fixture *f, guint64 size)
{
  g_auto (CtLogExport) written = { 0 };
  g_autoptr (GError) error = NULL;

  ct_log_export (f->db, f->export, ct_signer_verifier (f->signer), NULL, NULL, NULL, &written, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (written.checkpoint.size, ==, size);
  g_assert_cmpuint (written.n_disclosures, ==, size);
  g_assert_false (ct_db_in_transaction (f->db));
}

static gboolean
verify (Fixture *f, CtTilesReport *report, GError **error)
{
  return ct_log_export_verify (f->export, f->vkey, NULL, NULL, NULL, report, error);
}

static void
test_export (Fixture *f, gconstpointer data)
{
  g_auto (CtTilesReport) report = { 0 };
  g_autoptr (GError) error = NULL;

  export_log (f, N_LEAVES);
  verify (f, &report, &error);
  g_assert_no_error (error);
  g_assert_true (report.has_entries && report.has_disclosures && !report.key_is_from_log);
  g_assert_cmpuint (report.n_disclosures, ==, N_LEAVES);
  ct_tiles_report_clear (&report);
  ct_log_export_verify (f->export, NULL, NULL, NULL, NULL, &report, &error);
  g_assert_no_error (error);
  g_assert_true (report.key_is_from_log);
}

static void
test_again (Fixture *f, gconstpointer data)
{
  g_autofree char *checkpoint = g_build_filename (f->export, "checkpoint", NULL), *note = NULL;
  g_auto (CtTilesReport) report = { 0 };
  g_auto (CtLogExport) written = { 0 };
  g_autoptr (CtSigner) stranger = ct_signer_generate ("tower.test/log", NULL);
  g_autoptr (GError) error = NULL;
  CtHash root = ct_hash ("x", 1);

  export_log (f, N_LEAVES);
  append_and_sign (f, N_LEAVES, N_LEAVES + 300);
  export_log (f, N_LEAVES + 300);
  g_assert_true (verify (f, &report, &error));
  /* an older state does not replace a newer one */
  note = ct_checkpoint_sign ("tower.test/log", 10000, &root, f->signer, &error);
  g_assert_true (g_file_set_contents (checkpoint, note, -1, &error));
  g_assert_false (
      ct_log_export (f->db, f->export, ct_signer_verifier (f->signer), NULL, NULL, NULL, &written, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  g_clear_error (&error);
  /* nor does another history that the same key has signed, be it as long or longer */
  for (guint64 size = N_LEAVES; size <= N_LEAVES + 300; size += 300) {
    g_free (note);
    note = ct_checkpoint_sign ("tower.test/log", size, &root, f->signer, &error);
    g_assert_true (g_file_set_contents (checkpoint, note, -1, &error));
    g_assert_false (
        ct_log_export (f->db, f->export, ct_signer_verifier (f->signer), NULL, NULL, NULL, &written, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
    g_clear_error (&error);
  }
  g_assert_false (
      ct_log_export (f->db, f->folder, ct_signer_verifier (stranger), NULL, NULL, NULL, &written, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
}

/* A directory without its leaves still has a tree, but nothing that disclosures could be held against. */
static void
test_no_entries (Fixture *f, gconstpointer data)
{
  g_autofree char *entries = g_build_filename (f->export, "tile", "entries", NULL);
  g_autofree char *disclosures = g_build_filename (f->export, "disclosures.jsonl", NULL);
  g_auto (CtTilesReport) report = { 0 };
  g_autoptr (GError) error = NULL;

  export_log (f, N_LEAVES);
  ct_test_remove (entries);
  g_assert_false (verify (f, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "tile/entries"));
  g_clear_error (&error);
  g_assert_cmpint (g_unlink (disclosures), ==, 0);
  verify (f, &report, &error);
  g_assert_no_error (error);
  g_assert_false (report.has_entries || report.has_disclosures);
}

static void
test_unsigned_edit (Fixture *f, gconstpointer data)
{
  g_auto (CtLogExport) written = { 0 };
  g_autoptr (GError) error = NULL;

  ct_db_exec (f->db, "DROP TRIGGER audit_logs_no_update; UPDATE audit_logs SET leaf = x'7b7d' WHERE n = 9",
              &error);
  g_assert_no_error (error);
  g_assert_false (
      ct_log_export (f->db, f->export, ct_signer_verifier (f->signer), NULL, NULL, NULL, &written, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
}

static const struct {
  const char *file, *find, *replace, *message;
} damages[] = {
  { "disclosures.jsonl", "bis Freitag", "bis Montag!", "commits to another “comment”" },
  { "disclosures.jsonl", "\"field\":\"b\"", "\"field\":\"c\"", "commits to another “c”" },
  { "disclosures.jsonl", "\"index\":1,", "\"index\":2,", "leaf 2 commits to another" },
  { "disclosures.jsonl", "\"index\":4,", "\"index\":1,", "line 4 is out of order" },
  { "disclosures.jsonl", "\"index\":599,", "\"index\":999,", "the log has no leaf 999" },
  { "disclosures.jsonl", "{\"field\"", "{ \"field\"", "line 1 is not a disclosure" },
  { "tile/entries/000", "order.edit", "order.exit", "Leaf 0: the entry in tile/entries/000" },
};

static void
test_damage (Fixture *f, gconstpointer data)
{
  export_log (f, N_LEAVES);
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++) {
    g_autofree char *path = g_build_filename (f->export, damages[i].file, NULL), *before = NULL,
                    *bytes = NULL;
    g_auto (CtTilesReport) report = { 0 };
    g_autoptr (GError) error = NULL;
    gsize length, found = strlen (damages[i].find), made = strlen (damages[i].replace);
    char *at;

    g_assert_true (g_file_get_contents (path, &before, &length, NULL));
    at = memmem (before, length, damages[i].find, found);
    g_assert_nonnull (at);
    bytes = g_malloc (length + made);
    memcpy (bytes, before, (gsize) (at - before));
    memcpy (bytes + (at - before), damages[i].replace, made);
    memcpy (bytes + (at - before) + made, at + found, length - (gsize) (at - before) - found);
    g_assert_true (g_file_set_contents (path, bytes, (gssize) (length - found + made), NULL));
    g_assert_false (verify (f, &report, &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, damages[i].message));
    g_assert_true (g_file_set_contents (path, before, (gssize) length, NULL));
  }
}

/* The verifier that shares no code with us must come to the same root, and find the same damage. */
static void
test_second_opinion (Fixture *f, gconstpointer data)
{
  g_autofree char *script = g_build_filename (CT_SOURCE_ROOT, "src", "audit", "verify-log.py", NULL);
  g_autofree char *python = g_find_program_in_path ("python3"), *entries = NULL, *bytes = NULL,
                  *output = NULL;
  const char *argv[] = { python, script, f->export, f->vkey, NULL };
  g_auto (CtTilesReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *root = NULL;
  gsize length;
  int status;

  if (!python) {
    g_test_skip ("no python3");
    return;
  }
  export_log (f, N_LEAVES);
  g_assert_true (verify (f, &report, &error));
  root = ct_hash_to_hex (&report.checkpoint.root);
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, 0, NULL, NULL, &output, NULL, &status, &error));
  g_assert_cmpint (status, ==, 0);
  g_assert_nonnull (strstr (output, root));
  g_assert_nonnull (strstr (output, "600 leaves"));
  g_assert_nonnull (strstr (output, "600 disclosures"));
  entries = g_build_filename (f->export, "tile", "entries", "001", NULL);
  g_assert_true (g_file_get_contents (entries, &bytes, &length, NULL));
  bytes[20] ^= 1;
  g_assert_true (g_file_set_contents (entries, bytes, (gssize) length, NULL));
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL,
                               &status, &error));
  g_assert_cmpint (status, !=, 0);
}

static void
test_proof (Fixture *f, gconstpointer data)
{
  const CtVerifier *verifier = ct_signer_verifier (f->signer);
  g_autoptr (CtSigner) stranger = ct_signer_generate ("tower.test/log", NULL);
  g_autoptr (GError) error = NULL;

  for (gint64 n = 0; n < N_LEAVES; n += 37) {
    g_autofree char *text = ct_log_proof (f->db, n, &error);
    g_autofree char *leaf = NULL;
    g_auto (CtLogProof) proof = { 0 };

    g_assert_no_error (error);
    ct_log_proof_open (text, -1, verifier, &proof, &error);
    g_assert_no_error (error);
    leaf = ct_db_read_text (f->db, &error, "SELECT CAST(leaf AS TEXT) FROM audit_logs WHERE n = ?", "i", n);
    g_assert_cmpstr (proof.leaf, ==, leaf);
    g_assert_cmpuint (proof.index, ==, n);
    g_assert_cmpuint (proof.checkpoint.size, ==, N_LEAVES);
    g_assert_false (ct_log_proof_open (text, -1, ct_signer_verifier (stranger), &proof, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
    g_clear_error (&error);
  }
  g_assert_null (ct_log_proof (f->db, N_LEAVES, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  append (f, N_LEAVES);
  g_assert_null (ct_log_proof (f->db, N_LEAVES, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
}

/* Whatever is done to a proof, it never shows another leaf or another place. */
static void
test_proof_fuzz (Fixture *f, gconstpointer data)
{
  g_autofree char *text = ct_log_proof (f->db, 333, NULL);
  g_autoptr (GRand) random = g_rand_new_with_seed (9);
  gsize length = strlen (text);
  g_auto (CtLogProof) good = { 0 };
  guint n_refused = 0;

  g_assert_true (ct_log_proof_open (text, -1, ct_signer_verifier (f->signer), &good, NULL));
  for (int i = 0; i < 4000; i++) {
    gsize size =
        g_rand_int_range (random, 0, 4) ? length : (gsize) g_rand_int_range (random, 0, (gint32) length);
    g_autofree char *bytes = g_memdup2 (text, MAX (size, 1));
    g_auto (CtLogProof) proof = { 0 };

    for (int edits = g_rand_int_range (random, 1, 4); edits > 0 && size > 0; edits--)
      bytes[g_rand_int_range (random, 0, (gint32) size)] = (char) g_rand_int_range (random, 0, 256);
    if (!ct_log_proof_open (bytes, (gssize) size, ct_signer_verifier (f->signer), &proof, NULL))
      n_refused++;
    else
      g_assert_true (g_str_equal (proof.leaf, good.leaf) && proof.index == 333);
  }
  g_assert_cmpuint (n_refused, >, 3900);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/audit-export/export", test_export);
  ADD ("/audit-export/again", test_again);
  ADD ("/audit-export/no-entries", test_no_entries);
  ADD ("/audit-export/unsigned-edit", test_unsigned_edit);
  ADD ("/audit-export/damage", test_damage);
  ADD ("/audit-export/second-opinion", test_second_opinion);
  ADD ("/audit-export/proof", test_proof);
  ADD ("/audit-export/proof-fuzz", test_proof_fuzz);
  return g_test_run ();
}
