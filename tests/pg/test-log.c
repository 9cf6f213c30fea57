/* The server's log as its clients see it: what each may read of it, and that whoever owns the database cannot change it
 * unnoticed. */
#include "pg-log-client.h"
#include "ct-config.h"

#include <string.h>

static char *policy; /* schema/policy.json */

/* The hashes of all leaves are everybody's, and what they say for those alone who see the rows. */
static void
test_scopes (void)
{
  g_autoptr (LogClient) robot = NULL, anna = NULL, north = NULL;
  g_autofree char *here = NULL, *there = NULL, *one = NULL, *other = NULL;
  g_autoptr (CtSession) root = NULL;

  pg_server_create (log_server, "scopes", policy);
  root = pg_server_login (log_server, "scopes", "postgres");
  robot = log_client_new_sequencer ("scopes");
  anna = log_client_new ("scopes", "anna");
  north = log_client_new ("scopes", "north");
  here = log_client_add (anna, "Nordwind", "north");
  there = log_client_add (anna, "Geheimer Suedhandel", "south");
  log_client_sync (anna);
  g_assert_cmpint (log_client_number (anna, "SELECT count(*) FROM sync_outcomes WHERE place IS NULL"), ==, 2);
  g_assert_true (log_client_sync (robot).signed_here);
  g_assert_false (log_client_sync (robot).signed_here);
  g_assert_true (log_client_sync (anna).covers_rows);
  g_assert_cmpint (log_client_number (anna, "SELECT count(*) FROM sync_outcomes WHERE place IS NULL"), ==, 0);
  log_client_sync (north);
  log_client_verify (robot, 0);
  log_client_verify (anna, 0);
  log_client_verify (north, 4);
  g_assert_cmpint (
      log_client_number (north, "SELECT count(*) FROM audit_disclosures WHERE value LIKE '%Nordwind%'"), ==,
      1);
  g_assert_cmpint (
      log_client_number (north, "SELECT count(*) FROM audit_disclosures WHERE value LIKE '%Geheim%'"), ==, 0);
  one = sync_replica_text (anna->station->replica,
                           "SELECT hex(root) FROM audit_checkpoints ORDER BY size DESC");
  other = sync_replica_text (north->station->replica,
                             "SELECT hex(root) FROM audit_checkpoints ORDER BY size DESC");
  g_assert_cmpstr (one, ==, other);

  /* a row that comes to a region comes with its story from there on, and with its commitment */
  sync_replica_run (anna->station->replica, "distributor.edit", "{\"id\":\"%s\",\"region\":\"north\"}",
                    there);
  log_client_sync (anna);
  log_client_sync (robot);
  log_client_sync (north);
  log_client_verify (north, 4);
  sync_replica_run (anna->station->replica, "distributor.edit", "{\"id\":\"%s\",\"region\":\"south\"}",
                    there);
  log_client_sync (anna);
  log_client_sync (robot);
  log_client_sync (north);
  log_client_verify (north, 4);

  /* what is granted later is filled in, what is revoked is gone from the file */
  pg_number (
      root,
      "WITH g AS (INSERT INTO sync.grants SELECT 'north', id FROM sync.scopes WHERE name = 'region:south'"
      " RETURNING 1) SELECT count(*) FROM g");
  log_client_sync (north);
  log_client_verify (north, 3);
  g_assert_cmpint (
      log_client_number (north, "SELECT count(*) FROM audit_disclosures WHERE value LIKE '%Geheim%'"), ==, 1);
  g_assert_true (pg_station_in_files (north->station, "Geheimer"));
  pg_number (root,
             "WITH g AS (DELETE FROM sync.grants g USING sync.scopes s WHERE s.id = g.scope AND s.name ="
             " 'region:south' AND g.grantee = 'north' RETURNING 1) SELECT count(*) FROM g");
  log_client_sync (north);
  log_client_verify (north, 4);
  g_assert_cmpint (
      log_client_number (north, "SELECT count(*) FROM audit_disclosures WHERE value LIKE '%Geheim%'"), ==, 0);
  g_assert_false (pg_station_in_files (north->station, "Geheimer"));
  g_assert_true (pg_station_in_files (north->station, "Nordwind"));
}

static void
grant_south (CtSession *root, gboolean granted)
{
  g_free (pg_text (
      root, granted ? "WITH g AS (INSERT INTO sync.grants SELECT 'north', id FROM sync.scopes WHERE name = "
                      "'region:south' RETURNING 1) SELECT count(*) FROM g"
                    : "WITH g AS (DELETE FROM sync.grants g USING sync.scopes s WHERE s.id = g.scope AND "
                      "s.name = 'region:south' AND g.grantee = 'north' RETURNING 1) SELECT count(*) FROM g"));
}

/* How many leaves the client has that commit to the row, as far as it is told. */
static gint64
commitments (LogClient *self, const CtId *row)
{
  g_autofree char *id = ct_id_to_string (row);
  g_auto (GStrv) parts = g_strsplit (id, "-", -1);
  g_autofree char *hex = g_strjoinv ("", parts);
  g_autofree char *sql =
      g_strdup_printf ("SELECT (SELECT count(*) FROM audit_rows WHERE instr(entries, x'%1$s') > 0) + "
                       "(SELECT count(*) FROM audit_objects WHERE object_id = x'%1$s')",
                       hex);
  return log_client_number (self, sql);
}

/* One leaf of many rows, as an import makes it: each reader is told of those rows alone that they see, and can hold what they
 * are told against the leaf all the same. */
static void
test_rows_of_several (void)
{
  g_autoptr (LogClient) robot = NULL, north = NULL, newcomer = NULL;
  g_autoptr (PgDevice) anna = NULL;
  g_autoptr (CtVerdict) verdict = NULL;
  g_autoptr (CtSession) root = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *one = NULL, *other = NULL, *changes = NULL;
  CtId ids[2] = { ct_id_new (1), ct_id_new (2) };
  CtLogSyncReport report;

  pg_server_create (log_server, "several", policy);
  root = pg_server_login (log_server, "several", "postgres");
  robot = log_client_new_sequencer ("several");
  north = log_client_new ("several", "north");
  anna = pg_device_new (log_server, "several", "anna");
  one = ct_id_to_string (&ids[0]);
  other = ct_id_to_string (&ids[1]);
  changes = g_strdup_printf (
      "[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"insert\",\"columns\":{\"legal_name\":[null,"
      "\"Nordwind\"],\"region\":[null,\"north\"],\"currency\":[null,\"EUR\"]}},"
      "{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"insert\",\"columns\":{\"legal_name\":[null,"
      "\"Suedwind\"],\"region\":[null,\"south\"],\"currency\":[null,\"EUR\"]}}]",
      one, other);
  verdict = pg_device_push_ok (anna, "import.chunk", changes);
  g_assert_cmpstr (verdict->reason, ==, NULL);
  log_client_sync (robot);
  log_client_sync (north);
  log_client_verify (robot, 0);
  log_client_verify (north, 3);
  g_assert_cmpint (commitments (robot, &ids[1]), ==, 2);
  g_assert_cmpint (commitments (north, &ids[0]), ==, 1);
  g_assert_cmpint (commitments (north, &ids[1]), ==, 0);

  grant_south (root, TRUE);
  log_client_sync (north);
  log_client_verify (north, 3);
  g_assert_cmpint (commitments (north, &ids[1]), ==, 2);
  grant_south (root, FALSE);
  log_client_sync (north);
  log_client_verify (north, 3);
  g_assert_cmpint (commitments (north, &ids[1]), ==, 0);

  /* from who sees all nothing is hidden: who owns the database took it away */
  ct_session_script (root, "UPDATE audit.rows SET parts[2].readers = '{}' WHERE parts IS NOT NULL", NULL,
                     &error);
  g_assert_no_error (error);
  newcomer = log_client_new ("several", "ben");
  pg_station_sync (newcomer->station);
  g_assert_false (log_client_try_follow (newcomer, FALSE, &report, &error));
  log_assert_found (error, "was taken away");
  g_clear_error (&error);

  /* what is hidden is as bound as the rest */
  ct_session_script (root, "UPDATE audit.rows SET parts[2].hash = sha256('x') WHERE parts IS NOT NULL", NULL,
                     &error);
  g_assert_no_error (error);
  g_assert_false (log_client_try_follow (north, TRUE, &report, &error));
  log_assert_found (error, "row commitments were edited");
}

/* (transfer full): a statement that stores a head of the whole log as @signature says it is signed */
static char *
store_head (CtSession *root, const char *signature)
{
  g_autofree char *note =
      pg_text (root, "SELECT o.name || E'\n' || h.size || E'\n' || encode(sha256('x'), 'base64') || E'\n\n' "
                     "FROM audit.origin o, audit.head h");
  g_autofree char *size = pg_text (root, "SELECT size FROM audit.head");

  return g_strdup_printf ("SELECT api.checkpoint(%s, encode(sha256('x'), 'hex'), '%s%s')", size, note,
                          signature);
}

static void
assert_stores (CtSession *session, const char *head, const char *state)
{
  ct_session_run (session, NULL, NULL, head, "");
  g_assert_cmpstr (ct_session_last_state (session), ==, state);
}

/* A head is stored by who holds the sequence alone, and looks signed; one that nobody signed stops readers until the sequencer
 * has put its own in that place. */
static void
test_forged_head (void)
{
  g_autoptr (LogClient) robot = NULL, anna = NULL;
  g_autoptr (CtSession) root = NULL, bot = NULL;
  g_autofree char *unsigned_head = NULL, *other_key = NULL, *bad = NULL, *text = NULL;
  g_autoptr (GError) error = NULL;
  CtLogSyncReport report;

  pg_server_create (log_server, "heads", policy);
  root = pg_server_login (log_server, "heads", "postgres");
  robot = log_client_new_sequencer ("heads");
  anna = log_client_new ("heads", "anna");
  pg_server_let_in (root, "bot", "agent");
  bot = pg_server_login (log_server, "heads", "bot");
  g_free (log_client_add (anna, "Nordwind", "north"));
  log_client_sync (anna);
  log_client_sync (robot);
  log_client_sync (anna);

  text = pg_text (root, "SELECT '— ' || split_part(vkey, '+', 1) || ' ' || replace(encode(decode(split_part("
                        "vkey, '+', 2), 'hex') || sha256('x') || sha256('y'), 'base64'), E'\n', '') || E'\n' "
                        "FROM audit.origin");
  bad = store_head (root, text);
  unsigned_head = store_head (root, "");
  other_key = store_head (root, "— control-tower/test AAAA\n");
  assert_stores (bot, bad, "CT101");
  g_assert_cmpstr (pg_text (bot, "SELECT api.take_work('sequence', 'bot', 300)"), ==, NULL);
  assert_stores (robot->station->session, unsigned_head, "CT004");
  assert_stores (robot->station->session, other_key, "CT004");
  g_assert_false (log_client_follow (robot).signed_here);

  assert_stores (robot->station->session, bad, "");
  g_assert_false (log_client_try_follow (anna, FALSE, &report, &error));
  log_assert_found (error, "newest checkpoint");
  g_assert_true (log_client_follow (robot).signed_here);
  log_client_follow (anna);
  log_client_verify (anna, 0);
}

/* What the owner of the database does, and what an unprivileged client says of it. Leaf 0 says who there is, 1 and 2 which devices,
 * 3 to 6 are anna's four commands, she knows them all; a fifth of hers waits for the server's answer to reach her. */
typedef enum {
  AGAIN = 1 << 0,  /* found when she reads the whole log again */
  STATE = 1 << 1,  /* found when she holds her rows against the log */
  SIGNED = 1 << 2, /* the service goes on signing meanwhile, unsuspecting */
  NEW = 1 << 3,    /* who joins later finds it as well, with the key alone */
  FORGED = 1 << 4, /* $NOTE is a head of what the log has become, signed with a key of the owner's */
} Finding;

static const struct {
  const char *what;
  const char *sql;
  Finding finding;
  const char *says;
} tamperings[] = {
  { "edits a leaf",
    "UPDATE audit.leaves SET leaf = replace(leaf, '\"actor\":\"anna\"', '\"actor\":\"mary\"') WHERE ev_id = "
    "$LEAF1",
    AGAIN | NEW, "was edited" },
  { "edits a leaf and its hash",
    "UPDATE audit.leaves SET leaf = replace(leaf, '\"actor\":\"anna\"', '\"actor\":\"mary\"') WHERE ev_id = "
    "$LEAF1;"
    "UPDATE audit.leaves SET leaf_sha256 = sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')) WHERE ev_id = "
    "$LEAF1;"
    "UPDATE audit.log g SET leaf_sha256 = l.leaf_sha256 FROM audit.leaves l WHERE l.ev_id = g.ev_id",
    AGAIN, "is not the one that stood in this place" },
  { "edits a leaf before others join",
    "UPDATE audit.leaves SET leaf = replace(leaf, '\"actor\":\"anna\"', '\"actor\":\"mary\"') WHERE ev_id = "
    "$LEAF1;"
    "UPDATE audit.leaves SET leaf_sha256 = sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')) WHERE ev_id = "
    "$LEAF1;"
    "UPDATE audit.log g SET leaf_sha256 = l.leaf_sha256 FROM audit.leaves l WHERE l.ev_id = g.ev_id",
    NEW, "are not those that its checkpoint" },
  { "deletes a leaf", "DELETE FROM audit.log WHERE place = 1", AGAIN | NEW, "is missing" },
  { "deletes what a leaf says",
    "DELETE FROM audit.disclosures WHERE ev_id = $LEAF1; DELETE FROM audit.rows WHERE ev_id = $LEAF1;"
    "DELETE FROM audit.leaves WHERE ev_id = $LEAF1",
    AGAIN | NEW, "only its hash is left" },
  { "hides what a leaf says", "UPDATE audit.leaves SET scopes = '{}', told = '{}', owner = 'ben'",
    AGAIN | NEW, "only its hash is left" },
  { "closes the gap after a deletion",
    "DELETE FROM audit.log WHERE place = 1; UPDATE audit.log SET place = place - 1 WHERE place > 1; UPDATE "
    "audit.head SET size = size - 1",
    AGAIN, "is not the one that stood in this place" },
  { "swaps two leaves",
    "UPDATE audit.log SET place = 1000 WHERE place = 1; UPDATE audit.log SET place = 1 WHERE place = 2;"
    "UPDATE audit.log SET place = 2 WHERE place = 1000",
    AGAIN, "is not the one that stood in this place" },
  { "swaps two leaves before others join",
    "UPDATE audit.log SET place = 1000 WHERE place = 1; UPDATE audit.log SET place = 1 WHERE place = 2;"
    "UPDATE audit.log SET place = 2 WHERE place = 1000",
    NEW, "are not those that its checkpoint" },
  { "inserts a leaf",
    "UPDATE audit.log SET place = -place - 1000 WHERE place > 0; UPDATE audit.log SET place = -place - 999 "
    "WHERE place < 0;"
    "INSERT INTO audit.log SELECT 1, gen_random_uuid(), sha256('x'), number FROM audit.log WHERE place = 0; "
    "UPDATE audit.head SET size = size + 1",
    AGAIN | NEW, "Leaf 1" },
  { "uses a place again",
    "UPDATE audit.log g SET ev_id = l.ev_id, leaf_sha256 = l.leaf_sha256 FROM audit.leaves l WHERE g.place = "
    "1 AND l.ev_id = $NEWEST",
    AGAIN, "is not the one that stood in this place" },
  { "cuts the log off",
    "DELETE FROM audit.log WHERE place >= 2; DELETE FROM audit.checkpoints WHERE size > 2; UPDATE audit.head "
    "SET size = 2",
    0, "was rolled back: it had 7 signed leaves, now none" },
  { "takes the leaves back and leaves the head",
    "DELETE FROM audit.log WHERE place >= 2; UPDATE audit.head SET size = 2", NEW, "was truncated" },
  { "rolls the checkpoint back", "DELETE FROM audit.checkpoints WHERE size > 0", 0, "was rolled back" },
  { "edits the checkpoint", "UPDATE audit.checkpoints SET note = replace(note, E'\\n7\\n', E'\\n8\\n')", NEW,
    "newest checkpoint" },
  { "signs a head with a key of their own", "UPDATE audit.checkpoints SET note = $NOTE", FORGED | NEW,
    "newest checkpoint" },
  { "names a key of their own",
    "UPDATE audit.checkpoints SET note = $NOTE; UPDATE audit.origin SET vkey = $VKEY", FORGED,
    "another key" },
  { "renames the log", "UPDATE audit.origin SET name = 'control-tower/other'", 0, "is another one" },
  { "forks the log and signs it with the right key", "UPDATE audit.checkpoints SET note = $FORK", 0,
    "was forked" },
  { "changes a business row", "UPDATE app.distributors SET credit_limit_minor = 100000000", SIGNED | STATE,
    "was edited behind" },
  { "adds a business row",
    "INSERT INTO app.distributors (id, legal_name, currency) VALUES (gen_random_uuid(), 'Phantom', 'EUR')",
    SIGNED | STATE, "is in no leaf" },
  { "deletes a business row", "DELETE FROM app.distributors WHERE legal_name = 'One'", SIGNED | STATE,
    "was deleted behind" },
  { "changes what was asked",
    "UPDATE audit.leaves SET leaf = regexp_replace(leaf, '\"intent_sha256\":\"....', "
    "'\"intent_sha256\":\"0000') WHERE ev_id = $NEWEST;"
    "UPDATE audit.leaves SET leaf_sha256 = sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')) WHERE ev_id = "
    "$NEWEST",
    SIGNED, "the leaf of another intent" },
  { "drops the leaf of what was done",
    "DELETE FROM audit.disclosures WHERE ev_id = $NEWEST; DELETE FROM audit.rows WHERE ev_id = $NEWEST;"
    "DELETE FROM audit.leaves WHERE ev_id = $NEWEST",
    SIGNED, "its log does not have the leaf" },
  { "answers with another leaf",
    "UPDATE sync.outcomes SET answer = answer || jsonb_build_object('leaf', $LEAF1::text) WHERE n = 6",
    SIGNED, "the leaf of another intent" },
  { "changes an outcome",
    "UPDATE sync.outcomes SET answer = answer || '{\"outcome\": \"rejected\", \"code\": \"refused\", "
    "\"reason\": \"no\", \"theirs\": []}' WHERE n = 6",
    SIGNED, "says another outcome" },
  { "forges a disclosure", "UPDATE audit.disclosures SET value = replace(value, 'Two', 'Ten')", AGAIN | NEW,
    "was forged" },
  { "deletes a disclosure", "DELETE FROM audit.disclosures WHERE ev_id = $LEAF1", AGAIN, "was deleted" },
  { "adds a disclosure",
    "INSERT INTO audit.disclosures VALUES ($LEAF1, 'comment', substr(sha256('x'), 1, 16), 'yes, I did')",
    AGAIN | NEW, "was forged" },
  { "edits the row entries",
    "UPDATE audit.rows SET entries = set_byte(entries, 40, get_byte(entries, 40) # 1)", AGAIN | NEW,
    "row commitments were edited" },
  { "changes the rows' salt", "UPDATE audit.rows SET salt = sha256(salt)", AGAIN,
    "row commitments were edited" },
};

static char *
text_of (CtSession *session, const char *sql)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAnswer) answer = ct_session_query (session, NULL, &error, sql, "");

  g_assert_no_error (error);
  return g_strdup_printf ("'%s'", ct_answer_text (answer, 0, 0));
}

static char *
sign_note (const char *origin, guint64 size, const CtSigner *with)
{
  CtHash root = ct_hash ("another history", 15);
  g_autofree char *note = ct_checkpoint_sign (origin, size, &root, with, NULL);

  return g_strdup_printf ("'%s'", note);
}

/* Puts in what the statement names, and runs it past all triggers but those that feed the clients. */
static void
tamper (CtSession *root, const char *sql, const CtSigner *own)
{
  g_autofree char *leaf =
      text_of (root, "SELECT g.ev_id FROM audit.log g JOIN audit.leaves l USING (ev_id)"
                     " WHERE l.leaf::jsonb ->> 'actor' = 'anna' ORDER BY g.place LIMIT 1");
  g_autofree char *newest = text_of (root, "SELECT ev_id FROM audit.leaves ORDER BY position DESC LIMIT 1");
  g_autofree char *origin = text_of (root, "SELECT name FROM audit.origin");
  g_autofree char *plain = g_strndup (origin + 1, strlen (origin) - 2);
  g_autofree char *vkey = ct_verifier_to_string (ct_signer_verifier (own));
  g_autofree char *quoted = g_strdup_printf ("'%s'", vkey);
  g_autofree char *note = sign_note (plain, 7, own), *fork = sign_note (plain, 7, log_signer);
  const struct {
    const char *name, *value;
  } words[] = {
    { "$LEAF1", leaf }, { "$NEWEST", newest }, { "$NOTE", note }, { "$VKEY", quoted }, { "$FORK", fork }
  };
  g_autoptr (GString) script =
      g_string_new ("DO $$ DECLARE t record; BEGIN FOR t IN SELECT tgrelid::regclass AS r FROM pg_trigger "
                    "WHERE tgname IN ('immutable',"
                    " 'never_emptied') AND tgparentid = 0 LOOP EXECUTE format('ALTER TABLE %s DISABLE "
                    "TRIGGER USER', t.r); END LOOP; END $$;"
                    "ALTER TABLE audit.log DROP CONSTRAINT log_place_check; CREATE TABLE audit.log_below "
                    "PARTITION OF audit.log FOR VALUES FROM (-100000) TO (0);");
  g_autoptr (GError) error = NULL;

  g_string_append (script, sql);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    g_string_replace (script, words[i].name, words[i].value, 0);
  ct_session_script (root, script->str, NULL, &error);
  g_assert_no_error (error);
}

/* Who knew the log before. */
static void
found_by_witness (LogClient *anna, LogClient *robot, Finding finding, const char *says)
{
  g_auto (CtLogReport) verified = { 0 };
  g_autoptr (GError) error = NULL;
  CtLogSyncReport report;
  gint64 leaves = log_client_number (anna, "SELECT count(*) FROM audit_logs");

  if (finding & SIGNED)
    log_client_sync (robot);
  pg_station_pull (anna->station);
  if (finding & STATE) {
    log_client_follow (anna);
    g_assert_false (log_client_try_verify (anna, TRUE, &verified, &error));
    log_assert_found (error, says);
    return;
  }
  g_assert_false (log_client_try_follow (anna, (finding & AGAIN) != 0, &report, &error));
  log_assert_found (error, says);
  g_assert_cmpint (log_client_number (anna, "SELECT count(*) FROM sync_log WHERE trouble IS NOT NULL"), ==,
                   1);
  if (finding & SIGNED)
    return;
  /* what she had is as good as it was */
  g_assert_cmpint (log_client_number (anna, "SELECT count(*) FROM audit_logs"), ==, leaves);
  g_clear_error (&error);
  g_assert_true (log_client_try_verify (anna, FALSE, &verified, &error));
}

/* Who joins with nothing but the key. */
static void
found_by_newcomer (const char *database)
{
  g_autoptr (LogClient) ben = log_client_new (database, "ben");
  g_autoptr (GError) error = NULL;
  CtLogSyncReport report;

  pg_station_pull (ben->station);
  g_assert_false (log_client_try_follow (ben, FALSE, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_test_message ("newcomer: %s", error->message);
}

static PgStation *
copy_station (PgStation *self, const char *database, const char *login)
{
  PgStation *copy = g_new0 (PgStation, 1);

  copy->replica = sync_replica_copy (self->replica);
  copy->session = pg_server_login (log_server, database, login);
  return copy;
}

static LogClient *
copy_client (LogClient *self, const char *database, const char *login)
{
  LogClient *copy = g_new0 (LogClient, 1);

  copy->station = copy_station (self->station, database, login);
  copy->signer = self->signer;
  copy->last = g_strdup (self->last);
  return copy;
}

static void
test_tampering (void)
{
  g_autoptr (LogClient) robot = NULL, anna = NULL;
  g_autoptr (CtSigner) own = ct_signer_generate ("control-tower/test", NULL);
  g_autoptr (CtSession) postgres = pg_server_login (log_server, "postgres", "postgres");
  static const char *const names[] = { "One", "Two", "Three", "Four" };

  pg_server_create (log_server, "base", policy);
  robot = log_client_new_sequencer ("base");
  anna = log_client_new ("base", "anna");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_free (log_client_add (anna, names[i], "south"));
  log_client_sync (anna);
  log_client_sync (robot);
  log_client_sync (anna);
  log_client_verify (anna, 0);
  /* settled, but she has not heard of it */
  g_free (log_client_add (anna, "Five", "south"));
  {
    g_autoptr (GError) error = NULL;
    CtSyncReport report = { 0 };
    gboolean more;

    g_assert_true (
        ct_sync_push (anna->station->replica->db, anna->station->session, NULL, &report, &more, &error));
  }
  g_clear_pointer (&anna->station->session, ct_session_close);
  g_clear_pointer (&robot->station->session, ct_session_close);
  for (guint i = 0; i < G_N_ELEMENTS (tamperings); i++) {
    g_autofree char *database = g_strdup_printf ("tampered_%u", i);
    g_autofree char *create = g_strdup_printf ("CREATE DATABASE %s TEMPLATE base", database);
    g_autoptr (GError) error = NULL;
    g_autoptr (CtSession) root = NULL;
    g_autoptr (LogClient) witness = NULL, service = NULL;

    g_test_message ("the owner %s", tamperings[i].what);
    ct_session_run (postgres, NULL, &error, create, "");
    g_assert_no_error (error);
    root = pg_server_login (log_server, database, "postgres");
    tamper (root, tamperings[i].sql, own);
    witness = copy_client (anna, database, "anna");
    service = copy_client (robot, database, "robot");
    if (!(tamperings[i].finding & NEW) || tamperings[i].finding & AGAIN)
      found_by_witness (witness, service, tamperings[i].finding, tamperings[i].says);
    if (tamperings[i].finding & NEW)
      found_by_newcomer (database);
  }
}

/* The leaf of a command that lets a post out names the approval and the approved bytes, whatever else the command wrote. */
static void
test_approval_leaf (void)
{
  g_autoptr (CtSession) root = NULL;
  g_autofree char *object = NULL;
  g_autoptr (GError) error = NULL;

  pg_server_create (log_server, "approval", policy);
  root = pg_server_login (log_server, "approval", "postgres");
  ct_session_script (root,
                     "SET session_replication_role = replica;"
                     "INSERT INTO app.approvals (id, rev, created_at, updated_at, number, task_id, "
                     "output_id, owner, channel, destination,"
                     " wire, payload_sha256, context, context_sha256, expires_at, scopes) VALUES "
                     "('00000000-0000-0000-0000-00000000000a', 2, 0, 0,"
                     " 'A', gen_random_uuid(), gen_random_uuid(), 'sales', 'slack', '#ops', 'x', "
                     "sha256('x'), '[]', sha256('[]'), 0, '{1}');"
                     "INSERT INTO app.outbox (id, rev, created_at, updated_at, number, approval_id, task_id, "
                     "channel, destination, wire,"
                     " payload_sha256, approver, ready_at, scopes) VALUES "
                     "('00000000-0000-0000-0000-00000000000b', 1, 0, 0, 'P',"
                     " '00000000-0000-0000-0000-00000000000a', gen_random_uuid(), 'slack', '#ops', 'x', "
                     "sha256('x'), 'anna', 0, '{1}')",
                     NULL, &error);
  g_assert_no_error (error);
  object = pg_text (
      root,
      "SELECT sync.object_of('[[\"follow_up_tasks\", \"00000000-0000-0000-0000-00000000000c\", \"update\"],"
      " [\"outbox\", \"00000000-0000-0000-0000-00000000000b\", \"insert\"]]', gen_random_uuid())");
  g_assert_nonnull (strstr (object, "\"object_id\": \"00000000-0000-0000-0000-00000000000a\""));
  g_assert_nonnull (strstr (object, "\"object_type\": \"approval\""));
  g_assert_nonnull (strstr (object, "\"outbox_key\": \"2d711642"));
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int status;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  log_signer = ct_signer_generate ("control-tower/test", NULL);
  log_server = pg_server_start ();
  g_test_add_func ("/log/scopes", test_scopes);
  g_test_add_func ("/log/rows-of-several", test_rows_of_several);
  g_test_add_func ("/log/forged-head", test_forged_head);
  g_test_add_func ("/log/approval-leaf", test_approval_leaf);
  g_test_add_func ("/log/tampering", test_tampering);
  status = g_test_run ();
  pg_server_stop (log_server);
  ct_signer_free (log_signer);
  g_free (policy);
  return status;
}
