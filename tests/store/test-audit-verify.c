/* The sequencer, the proofs, and every kind of tampering with a real replica file, through plain SQL. */
#include "ct-test.h"
#include "ct-intent.h"
#include "ct-log-sign.h"
#include "ct-log-verify.h"

#include <string.h>

#define ORIGIN   "tower.test/log"
#define N_LEAVES 302
#define N_SIGNED 300

typedef struct {
  char *folder;     /* (owned) */
  CtDb *db;         /* (owned) */
  CtSigner *signer; /* (owned) */
  char *note;       /* (owned): the newest checkpoint */
  CtId device;
  CtId events[N_LEAVES];
} Fixture;

static void
add_rows (CtDb *db, CtRowCommitter *rows, guint seed, const CtId *id)
{
  g_autofree char *number = g_strdup_printf ("DIST-%u", seed);
  g_autoptr (GError) error = NULL;
  g_autoptr (CtStmt) row = NULL;

  ct_db_run (
      db, &error,
      "INSERT INTO distributors(id, n, created_at, updated_at, number, legal_name, onboarding_since_at, "
      "currency) VALUES(?, next_n(), 0, 0, ?, ?, 0, 'EUR')",
      "kss", id, number, "Kofi & Söhne");
  g_assert_no_error (error);
  row = ct_db_query (db, &error, "SELECT * FROM distributors WHERE id = ?", "k", id);
  g_assert_true (ct_stmt_next (row));
  ct_row_committer_add (rows, "distributors", id, row, &error);
}

/* The row made two events ago is edited, the one of four events ago deleted. */
static void
change_rows (CtDb *db, CtRowCommitter *rows, const CtId *ids, guint seed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtStmt) row = NULL;

  if (seed % 5 == 4) {
    ct_db_run (db, &error, "DELETE FROM distributors WHERE id = ?", "k", &ids[seed - 4]);
    g_assert_no_error (error);
    ct_row_committer_add_deleted (rows, "distributors", &ids[seed - 4]);
  } else if (seed % 5 == 3) {
    ct_db_run (db, &error, "UPDATE distributors SET legal_name = 'Edited', rev = rev + 1 WHERE id = ?", "k",
               &ids[seed - 2]);
    g_assert_no_error (error);
    if (ct_db_changes (db) == 0)
      return;
    row = ct_db_query (db, &error, "SELECT * FROM distributors WHERE id = ?", "k", &ids[seed - 2]);
    g_assert_true (ct_stmt_next (row));
    ct_row_committer_add (rows, "distributors", &ids[seed - 2], row, &error);
  }
}

static void
append (Fixture *f, guint seed)
{
  static const CtDisclosure disclosures[] = { { "comment", "please" }, { "changes", "[]" } };
  g_autoptr (CtRowCommitter) rows = ct_row_committer_new ();
  g_autoptr (GError) error = NULL;
  CtIntent intent = { .command_id = f->events[seed],
                      .device_id = f->device,
                      .occurred_at = 5,
                      .actor = "anna",
                      .name = "distributor.create",
                      .args = "{\"a\":1}" };
  CtEvent event = { .ev_id = f->events[seed],
                    .action = "distributor.create",
                    .actor = "anna",
                    .actor_role = "sales",
                    .object_type = "distributor",
                    .object_id = f->events[seed],
                    .object_rev = 1,
                    .occurred_at = 5,
                    .received_at = 6,
                    .device_id = f->device,
                    .disclosures = disclosures,
                    .n_disclosures = seed % 3 == 1 ? 0 : 2 };
  gint64 index;

  g_assert_true (ct_db_begin (f->db, &error));
  if (seed % 7 != 6) {
    add_rows (f->db, rows, seed, &f->events[seed]);
    change_rows (f->db, rows, f->events, seed);
  }
  ct_intent_append (f->db, &intent, &error);
  g_assert_no_error (error);
  event.intent_sha256 = intent.sha256;
  event.device_seq = intent.seq;
  ct_log_append (f->db, &event, rows, &index, &error);
  g_assert_no_error (error);
  g_assert_cmpint (index, ==, seed);
  g_assert_true (ct_db_commit (f->db, &error));
}

static void
sign (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&f->note, g_free);
  ct_log_sign (f->db, f->signer, 7, &f->note, &error);
  g_assert_no_error (error);
}

static void
set_up_empty (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *device = NULL;

  f->folder = ct_test_folder ();
  f->db = ct_test_replica (f->folder);
  f->signer = ct_signer_generate (ORIGIN, NULL);
  f->device = ct_id_new (1);
  device = ct_id_to_string (&f->device);
  for (guint i = 0; i < N_LEAVES; i++)
    f->events[i] = ct_id_new (i);
  g_assert_true (ct_db_begin (f->db, &error));
  ct_log_create (f->db, ct_signer_verifier (f->signer), &error);
  g_assert_no_error (error);
  ct_db_run (f->db, &error, "INSERT INTO workspace VALUES('device_id', ?)", "s", device);
  g_assert_no_error (error);
  g_assert_true (ct_db_commit (f->db, &error));
}

static void
set_up (Fixture *f, gconstpointer data)
{
  set_up_empty (f, data);
  for (guint i = 0; i < N_LEAVES; i++) {
    append (f, i);
    if (i == 0 || i == 9 || i == 255 || i + 2 == N_SIGNED || i + 1 == N_SIGNED)
      sign (f);
  }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ct_db_close (f->db);
  ct_test_remove (f->folder);
  g_free (f->folder);
  g_free (f->note);
  ct_signer_free (f->signer);
}

static gboolean
verify (Fixture *f, CtDb *db, const char *remembered, CtLogReport *report, GError **error)
{
  g_autofree char *vkey = ct_verifier_to_string (ct_signer_verifier (f->signer));
  const char *notes[] = { remembered, NULL };
  CtLogVerifyOptions options = { .vkey = vkey,
                                 .remembered = notes,
                                 .flags = CT_LOG_VERIFY_STATE | CT_LOG_VERIFY_ALL_INTENTS };

  return ct_log_verify (db, &options, report, error);
}

static void
test_good (Fixture *f, gconstpointer data)
{
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  g_auto (CtCheckpoint) checkpoint = { 0 };
  gint64 n_rows = -1;

  verify (f, f->db, f->note, &report, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (report.origin, ==, ORIGIN);
  g_assert_cmpuint (report.n_leaves, ==, N_LEAVES);
  g_assert_cmpuint (report.n_signed, ==, N_SIGNED);
  g_assert_cmpuint (report.n_checkpoints, ==, 5);
  g_assert_cmpuint (report.n_intents, ==, N_LEAVES);
  g_assert_cmpuint (report.n_redacted, ==, 0);
  g_assert_cmpuint (report.n_disclosures, >, N_LEAVES);
  ct_db_read_int (f->db, &n_rows, NULL, "SELECT count(*) FROM distributors", "");
  g_assert_cmpuint (report.n_rows, ==, n_rows);
  g_assert_true (ct_checkpoint_open (f->note, -1, ct_signer_verifier (f->signer), &checkpoint, &error));
  g_assert_true (ct_hash_equal (&checkpoint.root, &report.root));
  g_assert_false (ct_db_in_transaction (f->db));
}

/* The workspace names its own key where the caller has none. */
static void
test_own_key (Fixture *f, gconstpointer data)
{
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  CtLogVerifyOptions options = { 0 };

  ct_log_verify (f->db, &options, &report, &error);
  g_assert_no_error (error);
  g_assert_nonnull (report.vkey);
}

/* What somebody with an SQL shell might do. @NOTES stands for "the newest checkpoint is known outside". */
static const struct {
  const char *what;
  const char *sql;
  const char *message;
} tamperings[] = {
  { "edit",
    "UPDATE audit_logs SET leaf = CAST(replace(CAST(leaf AS TEXT), 'anna', 'eve2') AS BLOB) WHERE n = 5",
    "Leaf 5 was edited" },
  { "edit with its hash",
    "UPDATE audit_logs SET leaf = CAST(replace(CAST(leaf AS TEXT), 'anna', 'eve2') AS BLOB) WHERE n = 5;"
    "UPDATE audit_logs SET leaf_sha256 = sha256(CAST(x'00' || leaf AS BLOB)), actor = 'eve2' WHERE n = 5",
    "Leaf 5 is not the one that was signed in this place" },
  { "edit with its hash and tile",
    "UPDATE audit_logs SET leaf = CAST(replace(CAST(leaf AS TEXT), 'anna', 'eve2') AS BLOB) WHERE n = 5;"
    "UPDATE audit_logs SET leaf_sha256 = sha256(CAST(x'00' || leaf AS BLOB)), actor = 'eve2' WHERE n = 5;"
    "UPDATE audit_tiles SET hashes = CAST(substr(hashes, 1, 160) || (SELECT leaf_sha256 FROM audit_logs "
    "WHERE n = 5) "
    "|| substr(hashes, 193) AS BLOB) WHERE level = 0 AND idx = 0",
    "The first 10 leaves are not those that their checkpoint signs" },
  { "edit the unsigned tail", "UPDATE audit_logs SET leaf = CAST('{}' AS BLOB) WHERE n = 301",
    "Leaf 301 was edited" },
  { "a leaf that is none",
    "UPDATE audit_logs SET leaf = CAST('{}' AS BLOB) WHERE n = 301;"
    "UPDATE audit_logs SET leaf_sha256 = sha256(CAST(x'00' || leaf AS BLOB)) WHERE n = 301",
    "Leaf 301: not a canonical leaf: “action” is missing or malformed" },
  { "delete", "DELETE FROM audit_logs WHERE n = 7", "Leaf 7 is missing: it was deleted" },
  { "delete the first", "DELETE FROM audit_logs WHERE n = 0", "Leaf 0 is missing: it was deleted" },
  { "delete and close the gap",
    "DELETE FROM audit_logs WHERE n = 7; UPDATE audit_logs SET n = -n WHERE n > 7; UPDATE audit_logs SET n = "
    "-n - 1 "
    "WHERE n < 0",
    "Leaf 7 stands in another's place: it was signed as leaf 8" },
  { "reorder",
    "UPDATE audit_logs SET n = -1 WHERE n = 3; UPDATE audit_logs SET n = 3 WHERE n = 4; UPDATE audit_logs "
    "SET n = 4 "
    "WHERE n = -1",
    "Leaf 3 stands in another's place: it was signed as leaf 4, the log was reordered" },
  { "truncate", "DELETE FROM audit_logs WHERE n >= 290",
    "The log was truncated: a checkpoint signs 300 leaves" },
  { "truncate with all that shows it",
    "DELETE FROM audit_logs WHERE n >= 256; DELETE FROM audit_checkpoints WHERE size > 256;"
    "DELETE FROM audit_tiles WHERE level = 0 AND idx = 1; DELETE FROM audit_disclosures WHERE n >= 256;"
    "DELETE FROM audit_rows WHERE n >= 256; DELETE FROM changesets; DELETE FROM intents WHERE seq > 256",
    "The log was truncated: the remembered checkpoint signs 300 leaves, there are 256" },
  { "delete the unsigned tail",
    "DELETE FROM audit_logs WHERE n = 301; DELETE FROM audit_disclosures WHERE n = 301; DELETE FROM "
    "audit_rows WHERE "
    "n = 301",
    "Intent 302 has no leaf" },
  { "edit a checkpoint", "UPDATE audit_checkpoints SET note = replace(note, '10', '11') WHERE size = 10",
    "The checkpoint of 10 leaves: The note is not valid: the signature" },
  { "sign a checkpoint with another key",
    "UPDATE audit_checkpoints SET note = replace(note, '— tower.test/log ', '— eve.test/log ') WHERE size = "
    "10",
    "The checkpoint of 10 leaves: The note is not valid: it has no signature of the key" },
  { "put one checkpoint in the place of another",
    "UPDATE audit_checkpoints SET note = (SELECT note FROM audit_checkpoints WHERE size = 10) WHERE size = "
    "256",
    "The checkpoint of 256 leaves was replaced" },
  { "replace a checkpoint's root", "UPDATE audit_checkpoints SET root = zeroblob(32) WHERE size = 256",
    "The checkpoint of 256 leaves was replaced" },
  { "delete the newest checkpoint", "DELETE FROM audit_checkpoints WHERE size = 300",
    "a checkpoint was removed" },
  { "a checkpoint of the future",
    "INSERT INTO audit_checkpoints SELECT 900, root, note, 0 FROM audit_checkpoints WHERE size = 300",
    "truncated: a checkpoint signs 900 leaves" },
  { "a negative checkpoint", "UPDATE audit_checkpoints SET size = -1 WHERE size = 10",
    "checkpoint of -1 leaves" },
  { "edit a tile",
    "UPDATE audit_tiles SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE level = 0 AND "
    "idx = 1",
    "Leaf 256 is not the one that was signed in this place" },
  { "edit an upper tile", "UPDATE audit_tiles SET hashes = zeroblob(32) WHERE level = 1",
    "tile/1/000.p/1 and tile/0/000 contradict each other (leaves 0 to 255)" },
  { "delete a tile", "DELETE FROM audit_tiles WHERE level = 0 AND idx = 0", "tile 0/0 has 0 bytes" },
  { "add a tile", "INSERT INTO audit_tiles VALUES(3, 0, zeroblob(32))",
    "Tile 3/0 is not one of a log of 300 leaves" },
  { "widen a tile",
    "UPDATE audit_tiles SET hashes = CAST(hashes || zeroblob(32) AS BLOB) WHERE level = 0 AND idx = 1",
    "Tile 0/1 is not one of a log of 300 leaves" },
  { "edit a column", "UPDATE audit_logs SET actor = 'eve' WHERE n = 12",
    "Leaf 12: the column actor was edited" },
  { "edit a column's end", "UPDATE audit_logs SET actor = 'anna' || char(0) || 'x' WHERE n = 12",
    "Leaf 12: the column actor was edited" },
  { "edit an action", "UPDATE audit_logs SET action = 'x' WHERE n = 12", "the column action was edited" },
  { "edit an object", "UPDATE audit_logs SET object_id = zeroblob(16) WHERE n = 12",
    "the column object_id was edited" },
  { "edit a type", "UPDATE audit_logs SET object_type = 'x' WHERE n = 12",
    "the column object_type was edited" },
  { "edit an event", "UPDATE audit_logs SET ev_id = zeroblob(16) WHERE n = 12",
    "the column ev_id was edited" },
  { "edit a time", "UPDATE audit_logs SET received_at = 1 WHERE n = 12",
    "the column received_at was edited" },
  { "edit a disclosure", "UPDATE audit_disclosures SET value = 'never' WHERE n = 2 AND field = 'comment'",
    "Leaf 2: the disclosure “comment” was edited" },
  { "lengthen a disclosure", "UPDATE audit_disclosures SET value = value || char(0) || 'x' WHERE n = 2",
    "Leaf 2: the disclosure “changes” was edited" },
  { "edit a salt", "UPDATE audit_disclosures SET salt = zeroblob(16) WHERE n = 2 AND field = 'comment'",
    "Leaf 2: the disclosure “comment” was edited" },
  { "delete a disclosure", "DELETE FROM audit_disclosures WHERE n = 2 AND field = 'changes'",
    "Leaf 2: the disclosure “changes” is missing, and no leaf says that it was redacted" },
  { "add a disclosure", "INSERT INTO audit_disclosures VALUES(1, 'comment', x'00', 'yes')",
    "Leaf 1 does not commit to its disclosure “comment”" },
  { "a disclosure of nothing", "INSERT INTO audit_disclosures VALUES(999, 'comment', x'00', 'yes')",
    "There are disclosures of leaf 999" },
  { "edit row commitments", "UPDATE audit_rows SET entries = x'00' WHERE n = 5",
    "Leaf 5: its row commitments were edited" },
  { "delete row commitments", "DELETE FROM audit_rows WHERE n = 5",
    "Leaf 5: its row commitments are missing" },
  { "add row commitments", "INSERT INTO audit_rows VALUES(6, zeroblob(32), x'00')",
    "Leaf 6 has row commitments that it does not name" },
  { "edit a row salt", "UPDATE audit_rows SET salt = zeroblob(32) WHERE n = 301",
    "is not what leaf 301 committed to" },
  { "edit an intent", "UPDATE intents SET actor = 'eve' WHERE seq = 20", "Intent 20 was edited" },
  { "edit an intent's arguments", "UPDATE intents SET args = '{}' WHERE seq = 20",
    "Intent 20: its arguments were edited" },
  { "delete an intent's arguments", "UPDATE intents SET args = NULL WHERE seq = 20",
    "Intent 20: its arguments are missing, and no leaf says" },
  { "delete an intent", "DELETE FROM intents WHERE seq = 20", "intent 20, which it names, is missing" },
  { "delete the last intent", "DELETE FROM intents WHERE seq = 302",
    "intent 302, which it names, is missing" },
  { "break the chain", "UPDATE intents SET previous_sha256 = zeroblob(32) WHERE seq = 20",
    "Intent 20 does not continue the one before it" },
  { "edit a business row", "UPDATE distributors SET legal_name = 'Eve Ltd' WHERE number = 'DIST-12'",
    "Row distributors DIST-12 (" },
  { "edit a row to NULL", "UPDATE distributors SET currency = 'USD' WHERE number = 'DIST-17'",
    "it was edited behind the program's back" },
  { "delete a business row", "DELETE FROM distributors WHERE number = 'DIST-12'",
    "which leaf 12 committed to, is gone: it was deleted behind the program's back" },
  { "add a business row",
    "INSERT INTO distributors(id, n, created_at, updated_at, number, legal_name, onboarding_since_at, "
    "currency) "
    "VALUES(randomblob(16), next_n(), 0, 0, 'EVE', 'Eve', 0, 'EUR')",
    "Row distributors EVE (" },
  { "another log", "UPDATE workspace SET value = 'eve.test/log' WHERE key = 'log_origin'",
    "is of another log" },
};

/* A copy of the replica, without the triggers that hold off mistakes. */
static CtDb *
open_copy (Fixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL);
  g_autoptr (GError) error = NULL;
  CtDb *copy;

  ct_db_run (f->db, &error, "VACUUM INTO ?", "s", path);
  g_assert_no_error (error);
  copy = ct_db_open (path, 0, &error);
  g_assert_no_error (error);
  ct_db_exec (
      copy,
      "PRAGMA foreign_keys = OFF; DROP TRIGGER audit_logs_no_update; DROP TRIGGER audit_logs_no_delete;"
      "DROP TRIGGER intents_immutable",
      &error);
  g_assert_no_error (error);
  return copy;
}

static void
test_tampering (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (tamperings); i++) {
    g_autofree char *name = g_strdup_printf ("copy-%u.db", i);
    g_autoptr (CtDb) copy = open_copy (f, name);
    g_auto (CtLogReport) report = { 0 };
    g_autoptr (GError) error = NULL;

    ct_db_exec (copy, tamperings[i].sql, &error);
    g_assert_no_error (error);
    g_assert_false (verify (f, copy, f->note, &report, &error));
    g_test_message ("%s: %s", tamperings[i].what, error->message);
    g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, tamperings[i].message));
    g_assert_null (report.origin);
  }
}

/* An untouched copy verifies: else the test above would prove nothing. */
static void
test_copy (Fixture *f, gconstpointer data)
{
  g_autoptr (CtDb) copy = open_copy (f, "copy.db");
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;

  verify (f, copy, f->note, &report, &error);
  g_assert_no_error (error);
}

static void
test_rollback (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtDb) old = NULL;
  g_auto (CtLogReport) report = { 0 };
  const CtVerifier *verifier = ct_signer_verifier (f->signer);
  g_autofree char *before = NULL;

  for (guint i = 0; i < 5; i++)
    append (f, i);
  sign (f);
  before = g_strdup (f->note);
  old = open_copy (f, "old.db");
  for (guint i = 5; i < 8; i++)
    append (f, i);
  sign (f);
  /* an old copy is good in itself, but not to somebody who has seen more */
  verify (f, old, before, &report, &error);
  g_assert_no_error (error);
  ct_log_report_clear (&report);
  g_assert_true (ct_log_check_remembered (f->db, verifier, before, &error));
  g_assert_true (ct_log_check_remembered (f->db, verifier, f->note, &error));
  g_assert_false (verify (f, old, f->note, &report, &error));
  g_assert_nonnull (strstr (error->message, "The log was truncated: the remembered checkpoint signs 8"));
  g_clear_error (&error);
  g_assert_false (ct_log_check_remembered (old, verifier, f->note, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "rolled back: 8 leaves were signed, now there are 5"));
}

/* Two histories from one copy: the same size, other leaves. */
static void
test_fork (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_auto (CtLogReport) report = { 0 };
  const CtVerifier *verifier = ct_signer_verifier (f->signer);
  Fixture other = *f;
  g_autofree char *note = NULL;

  for (guint i = 0; i < 5; i++)
    append (f, i);
  sign (f);
  other.db = open_copy (f, "fork.db");
  other.note = NULL;
  append (f, 5);
  sign (f);
  append (&other, 5);
  sign (&other);
  note = other.note;
  g_assert_false (verify (f, f->db, note, &report, &error));
  g_assert_nonnull (
      strstr (error->message, "The first 6 leaves are not those that the remembered checkpoint signs"));
  g_clear_error (&error);
  g_assert_false (ct_log_check_remembered (f->db, verifier, note, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_clear_error (&error);
  append (f, 6);
  sign (f);
  g_assert_false (ct_log_check_remembered (f->db, verifier, note, &error));
  g_assert_nonnull (strstr (error->message, "does not continue the one remembered"));
  ct_db_close (other.db);
}

static void
redact (Fixture *f, guint seed, const char *field)
{
  CtDisclosure disclosure = { CT_LOG_REDACTED, field };
  CtEvent event = { .ev_id = ct_id_new (1),
                    .action = CT_LOG_REDACT,
                    .actor = "root",
                    .actor_role = "admin",
                    .object_type = "distributor",
                    .object_id = f->events[seed],
                    .parent_ev_id = &f->events[seed],
                    .disclosures = &disclosure,
                    .n_disclosures = 1 };
  g_autoptr (GError) error = NULL;
  gint64 index;

  g_assert_true (ct_db_begin (f->db, &error));
  ct_log_redact (f->db, &f->events[seed], field, &error);
  g_assert_no_error (error);
  ct_log_append (f->db, &event, NULL, &index, &error);
  g_assert_no_error (error);
  g_assert_true (ct_db_commit (f->db, &error));
}

static void
test_redaction (Fixture *f, gconstpointer data)
{
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *old = g_strdup (f->note);

  redact (f, 2, "comment");
  redact (f, 19, CT_LOG_INTENT_ARGS);
  sign (f);
  verify (f, f->db, old, &report, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report.n_redacted, ==, 2);
  g_assert_cmpuint (report.n_signed, ==, N_LEAVES + 2);
  ct_log_report_clear (&report);
  /* a redaction covers what it names and nothing else */
  ct_db_exec (f->db, "DELETE FROM audit_disclosures WHERE n = 2 AND field = 'changes'", &error);
  g_assert_false (verify (f, f->db, f->note, &report, &error));
  g_assert_nonnull (strstr (error->message, "Leaf 2: the disclosure “changes” is missing"));
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  CtHash nothing = ct_hash ("", 0);

  verify (f, f->db, NULL, &report, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report.n_leaves + report.n_checkpoints, ==, 0);
  ct_log_report_clear (&report);
  sign (f);
  verify (f, f->db, f->note, &report, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report.n_checkpoints, ==, 1);
  g_assert_true (ct_hash_equal (&report.root, &nothing));
  append (f, 0);
  sign (f);
}

static void
test_sign (Fixture *f, gconstpointer data)
{
  g_autoptr (CtSigner) stranger = ct_signer_generate (ORIGIN, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *note = NULL, *again = NULL;
  guint64 n_leaves, n_signed;
  gint64 n = 0;

  append (f, 0);
  g_assert_false (ct_log_check_included (f->db, ct_signer_verifier (f->signer), &f->events[0], &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_true (ct_log_size (f->db, &n_leaves, &n_signed, &error));
  g_assert_true (n_leaves == 1 && n_signed == 0);
  sign (f);
  note = g_strdup (f->note);
  sign (f);
  g_assert_cmpstr (note, ==, f->note);
  again = ct_log_checkpoint (f->db, &error);
  g_assert_cmpstr (note, ==, again);
  ct_db_read_int (f->db, &n, &error, "SELECT count(*) FROM audit_checkpoints", "");
  g_assert_cmpint (n, ==, 1);
  /* inside the caller's transaction it neither begins nor commits */
  append (f, 1);
  g_assert_true (ct_db_begin (f->db, &error));
  sign (f);
  g_assert_true (ct_db_in_transaction (f->db));
  ct_db_rollback (f->db);
  g_assert_true (ct_log_size (f->db, &n_leaves, &n_signed, &error));
  g_assert_true (n_leaves == 2 && n_signed == 1);
  g_assert_false (ct_log_sign (f->db, stranger, 1, &again, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
}

/* The sequencer signs nothing that contradicts what it signed. */
static void
test_sign_refuses (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *sql;
    const char *message;
  } cases[] = {
    { "DELETE FROM audit_logs WHERE n >= 299", "truncated" },
    { "DELETE FROM audit_logs WHERE n = 300", "Leaf 300 is missing" },
    { "UPDATE audit_logs SET leaf = x'00' WHERE n = 301", "Leaf 301 does not have the hash" },
    { "UPDATE audit_tiles SET hashes = zeroblob(32) WHERE level = 1", "no longer has the root" },
    { "UPDATE audit_tiles SET hashes = x'00'", "instead of at least" },
    { "UPDATE audit_checkpoints SET size = 299 WHERE size = 298; DELETE FROM audit_checkpoints WHERE size = "
      "300;"
      "UPDATE audit_checkpoints SET note = (SELECT note FROM audit_checkpoints WHERE size = 10) WHERE size = "
      "299",
      "another size" },
    { "UPDATE audit_checkpoints SET note = 'x'", "The newest checkpoint: " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *name = g_strdup_printf ("copy-%u.db", i), *note = NULL;
    g_autoptr (CtDb) copy = open_copy (f, name);
    g_autoptr (GError) error = NULL;

    ct_db_exec (copy, cases[i].sql, &error);
    g_assert_no_error (error);
    g_assert_false (ct_log_sign (copy, f->signer, 1, &note, &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, cases[i].message));
    g_assert_null (note);
    g_assert_false (ct_db_in_transaction (copy));
  }
}

static CtHash
leaf_hash (Fixture *f, gint64 n)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (f->db, NULL, "SELECT leaf_sha256 FROM audit_logs WHERE n = ?", "i", n);
  CtHash hash;

  g_assert_true (ct_stmt_next (stmt) && ct_stmt_hash (stmt, 0, &hash));
  return hash;
}

static void
test_proofs (Fixture *f, gconstpointer data)
{
  const CtVerifier *verifier = ct_signer_verifier (f->signer);
  g_auto (CtCheckpoint) newest = { 0 };
  g_autoptr (CtStmt) stmt = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ct_checkpoint_open (f->note, -1, verifier, &newest, &error));
  for (guint i = 0; i < N_SIGNED; i++) {
    CtHash hash = leaf_hash (f, i);
    CtProof proof;

    g_assert_true (ct_log_inclusion (f->db, i, N_SIGNED, &proof, &error));
    ct_merkle_verify_inclusion (&hash, i, N_SIGNED, &proof, &newest.root, &error);
    g_assert_no_error (error);
    g_assert_true (ct_log_check_included (f->db, verifier, &f->events[i], &error));
  }
  g_assert_false (ct_log_check_included (f->db, verifier, &f->events[N_SIGNED], &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_false (ct_log_check_included (f->db, verifier, &f->device, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  stmt = ct_db_query (f->db, &error, "SELECT note FROM audit_checkpoints", "");
  while (ct_stmt_next (stmt)) {
    g_auto (CtCheckpoint) old = { 0 };
    CtProof proof;

    g_assert_true (ct_checkpoint_open (ct_stmt_text (stmt, 0), -1, verifier, &old, &error));
    g_assert_true (ct_log_consistency (f->db, old.size, N_SIGNED, &proof, &error));
    ct_merkle_verify_consistency (old.size, &old.root, N_SIGNED, &newest.root, &proof, &error);
    g_assert_no_error (error);
    g_assert_true (ct_log_check_remembered (f->db, verifier, ct_stmt_text (stmt, 0), &error));
  }
}

/* The leaf is changed after it was signed: the sender must not believe it. */
static void
test_not_included (Fixture *f, gconstpointer data)
{
  g_autoptr (CtDb) copy = open_copy (f, "copy.db");
  g_autoptr (GError) error = NULL;

  ct_db_exec (copy, "UPDATE audit_logs SET leaf = x'7b7d' WHERE n = 9", &error);
  g_assert_false (ct_log_check_included (copy, ct_signer_verifier (f->signer), &f->events[9], &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
}

static void
stop_cb (guint64 done, guint64 total, gpointer data)
{
  g_cancellable_cancel (data);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  CtLogVerifyOptions options = { .progress = stop_cb,
                                 .progress_data = cancellable,
                                 .cancellable = cancellable };

  /* the log is short: the first look at the cancellable comes before the first report of progress */
  g_assert_true (ct_log_verify (f->db, &options, &report, &error));
  ct_log_report_clear (&report);
  g_assert_false (ct_log_verify (f->db, &options, &report, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (ct_db_in_transaction (f->db));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define FULL(path, func)  g_test_add (path, Fixture, NULL, set_up, func, tear_down)
#define EMPTY(path, func) g_test_add (path, Fixture, NULL, set_up_empty, func, tear_down)
  FULL ("/audit-verify/good", test_good);
  FULL ("/audit-verify/own-key", test_own_key);
  FULL ("/audit-verify/copy", test_copy);
  FULL ("/audit-verify/tampering", test_tampering);
  EMPTY ("/audit-verify/rollback", test_rollback);
  EMPTY ("/audit-verify/fork", test_fork);
  FULL ("/audit-verify/redaction", test_redaction);
  EMPTY ("/audit-verify/empty", test_empty);
  EMPTY ("/audit-verify/sign", test_sign);
  FULL ("/audit-verify/sign-refuses", test_sign_refuses);
  FULL ("/audit-verify/proofs", test_proofs);
  FULL ("/audit-verify/not-included", test_not_included);
  FULL ("/audit-verify/cancel", test_cancel);
  return g_test_run ();
}
