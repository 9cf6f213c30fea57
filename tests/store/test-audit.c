/* Leaves, disclosures, row commitments and intents as they are written into a replica. */
#include "ct-test.h"
#include "ct-canonical.h"
#include "ct-intent.h"
#include "ct-log.h"

#include <string.h>

typedef struct {
  char *folder; /* (owned) */
  CtDb *db;     /* (owned) */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (CtSigner) signer = ct_signer_generate ("tower.test/log", NULL);
  g_autoptr (GError) error = NULL;

  f->folder = ct_test_folder ();
  f->db = ct_test_replica (f->folder);
  g_assert_true (ct_db_begin (f->db, &error));
  ct_log_create (f->db, ct_signer_verifier (signer), &error);
  g_assert_no_error (error);
  g_assert_true (ct_db_commit (f->db, &error));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ct_db_close (f->db);
  ct_test_remove (f->folder);
  g_free (f->folder);
}

static CtEvent
make_event (guint seed)
{
  CtEvent event = {
    .ev_id = ct_id_new (1000 + seed),
    .action = "order.edit",
    .actor = "anna",
    .actor_role = "sales",
    .object_type = "order",
    .object_id = ct_id_new (seed),
    .object_rev = 3,
    .occurred_at = 1780000000000,
    .received_at = 1780000000001,
    .intent_sha256 = ct_hash (&seed, sizeof seed),
    .device_id = ct_id_new (7),
    .device_seq = 1 + seed,
  };

  return event;
}

static char *
read_leaf (CtDb *db, gint64 index)
{
  g_autoptr (GError) error = NULL;
  char *leaf =
      ct_db_read_text (db, &error, "SELECT CAST(leaf AS TEXT) FROM audit_logs WHERE n = ?", "i", index);

  g_assert_no_error (error);
  return leaf;
}

static gint64
append (CtDb *db, const CtEvent *event, CtRowCommitter *rows)
{
  g_autoptr (GError) error = NULL;
  gint64 index = -1;

  g_assert_true (ct_db_begin (db, &error));
  ct_log_append (db, event, rows, &index, &error);
  g_assert_no_error (error);
  g_assert_true (ct_db_commit (db, &error));
  return index;
}

/* The leaf is built by hand; the JSON library must agree that it is the canonical form. */
static void
assert_canonical (const char *leaf)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = ct_json_parse (leaf, -1, CT_LEAF_MOST, &error);
  g_autofree char *canonical = NULL;
  CtLeaf scanned;

  g_assert_no_error (error);
  canonical = ct_json_canonical (node, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (leaf, ==, canonical);
  ct_leaf_scan (&scanned, leaf, strlen (leaf), &error);
  g_assert_no_error (error);
}

static void
test_append (Fixture *f, gconstpointer data)
{
  static const CtDisclosure disclosures[] = { { "comment", "Kindly “pay”\n" }, { "cause", "" } };
  CtEvent event = make_event (0);
  CtId parent = ct_id_new (5);
  g_autoptr (CtRowCommitter) rows = ct_row_committer_new ();
  g_autofree char *plain = NULL, *full = NULL, *odd = NULL;
  gint64 index;

  g_assert_cmpint (append (f->db, &event, rows), ==, 0);
  plain = read_leaf (f->db, 0);
  assert_canonical (plain);
  g_assert_null (strstr (plain, "row_commitment"));
  g_assert_nonnull (strstr (plain, "\"commit\":{}"));

  event = make_event (1);
  event.parent_ev_id = &parent;
  event.outbox_key = "slack:1";
  event.disclosures = disclosures;
  event.n_disclosures = G_N_ELEMENTS (disclosures);
  ct_row_committer_add_image (rows, "orders", &parent, "x", 1);
  index = append (f->db, &event, rows);
  g_assert_cmpint (index, ==, 1);
  full = read_leaf (f->db, 1);
  assert_canonical (full);
  g_assert_nonnull (strstr (full, "\"row_commitment\":\""));
  g_assert_nonnull (strstr (full, "\"outbox_key\":\"slack:1\""));
  /* what may have to be redacted is nowhere in the leaf */
  g_assert_null (strstr (full, "Kindly"));

  event = make_event (2);
  event.actor = "a\"b\\c\x01\x1f\b\f\n\r\t\x7f<é𝄞>";
  event.object_rev = -CT_CANONICAL_MOST_INT;
  append (f->db, &event, NULL);
  odd = read_leaf (f->db, 2);
  assert_canonical (odd);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  static const CtDisclosure twice[] = { { "a", "1" }, { "a", "2" } };
  static const CtDisclosure named[] = { { "a b", "1" } };
  static const CtDisclosure unnamed[] = { { "", "1" } };
  g_autofree char *large = g_strnfill (CT_LEAF_MOST, 'x');
  struct {
    const char *actor;
    gint64 device_seq;
    const CtDisclosure *disclosures;
    guint n_disclosures;
  } cases[] = {
    { "\xff", 1, NULL, 0 },  { large, 1, NULL, 0 },   { "anna", CT_CANONICAL_MOST_INT + 1, NULL, 0 },
    { "anna", 1, twice, 2 }, { "anna", 1, named, 1 }, { "anna", 1, unnamed, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    CtEvent event = make_event (i);
    g_autoptr (GError) error = NULL;
    gint64 index = -1;

    event.actor = cases[i].actor;
    event.device_seq = cases[i].device_seq;
    event.disclosures = cases[i].disclosures;
    event.n_disclosures = cases[i].n_disclosures;
    g_assert_false (ct_log_append (f->db, &event, NULL, &index, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_assert_cmpint (index, ==, -1);
  }
}

static void
test_no_log (void)
{
  g_autofree char *folder = ct_test_folder ();
  g_autoptr (CtDb) db = ct_test_replica (folder);
  g_autoptr (GError) error = NULL;
  CtEvent event = make_event (0);
  gint64 index;

  g_assert_false (ct_log_append (db, &event, NULL, &index, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  ct_test_remove (folder);
}

/* Everything that a leaf must not be: one more space, another order, upper-case digits … */
static void
test_scan_refuses (void)
{
  static const struct {
    const char *find, *replace;
  } edits[] = {
    { "{\"action", "{ \"action" },
    { "\"action\":\"order.edit\",", "" },
    { "\"actor\":\"anna\",\"actor_role\":\"sales\"", "\"actor_role\":\"sales\",\"actor\":\"anna\"" },
    { "\"anna\"", "\"ann\\u0061\"" },
    { "\"anna\"", "\"ann\\/a\"" },
    { "\"anna\"", "\"ann\\u000a\"" },
    { "\"anna\"", "\"ann\\u001F\"" },
    { "\"anna\"", "\"ann\n\"" },
    { "\"anna\"", "\"\xc3(\"" },
    { "\"anna\"", "null" },
    { "\"object_rev\":3", "\"object_rev\":03" },
    { "\"object_rev\":3", "\"object_rev\":-0" },
    { "\"object_rev\":3", "\"object_rev\":3.0" },
    { "\"object_rev\":3", "\"object_rev\":9007199254740992" },
    { "\"v\":1}", "\"v\":1,\"w\":1}" },
    { "\"v\":1}", "\"v\":1} " },
    { "\"v\":1}", "\"v\":1" },
    { "\"commit\":{}", "\"commit\":{\"b\":\"\"}" },
    { "\"commit\":{}",
      "\"commit\":{\"b\":\"0000000000000000000000000000000000000000000000000000000000000000\","
      "\"a\":\"0000000000000000000000000000000000000000000000000000000000000000\"}" },
    { "\"commit\":{}",
      "\"commit\":{\"b\":\"000000000000000000000000000000000000000000000000000000000000000A\"}" },
  };
  CtLeaf leaf = { .action = { "order.edit", 10 },
                  .actor = { "anna", 4 },
                  .actor_role = { "sales", 5 },
                  .log_origin = { "o", 1 },
                  .object_type = { "order", 5 },
                  .object_rev = 3,
                  .v = 1 };
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  CtLeaf scanned;

  ct_leaf_build (&leaf, json, &error);
  g_assert_no_error (error);
  g_assert_true (ct_leaf_scan (&scanned, json->str, json->len, &error));
  for (guint i = 0; i < G_N_ELEMENTS (edits); i++) {
    g_autoptr (GString) copy = g_string_new (json->str);
    g_autofree char *exact = NULL;

    g_assert_cmpint (g_string_replace (copy, edits[i].find, edits[i].replace, 1), ==, 1);
    exact = g_memdup2 (copy->str, copy->len);
    g_test_message ("edit %u", i);
    g_assert_false (ct_leaf_scan (&scanned, exact, copy->len, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_clear_error (&error);
  }
}

static void
test_scan_fuzz (void)
{
  CtLeaf leaf = { .action = { "order.edit", 10 },
                  .actor = { "\"\n\x02", 3 },
                  .actor_role = { "é", 2 },
                  .log_origin = { "o", 1 },
                  .object_type = { "order", 5 },
                  .object_rev = -12,
                  .v = 1,
                  .n_commitments = 2,
                  .commitments = { { { "a", 1 } }, { { "b", 1 } } } };
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (GRand) random = g_rand_new_with_seed (8785);

  g_assert_true (ct_leaf_build (&leaf, json, NULL));
  for (int i = 0; i < 20000; i++) {
    gsize length = json->len;
    g_autofree char *bytes = g_memdup2 (json->str, length);
    g_autoptr (JsonNode) node = NULL;
    g_autofree char *canonical = NULL;
    CtLeaf scanned;

    for (int edits = g_rand_int_range (random, 1, 3); edits > 0; edits--)
      bytes[g_rand_int_range (random, 0, (gint32) length)] = (char) g_rand_int_range (random, 0x20, 0x80);
    if (g_rand_int_range (random, 0, 8) == 0)
      length = (gsize) g_rand_int_range (random, 0, (gint32) length);
    if (!ct_leaf_scan (&scanned, bytes, length, NULL))
      continue;
    /* what scans is canonical, whatever was done to it */
    node = ct_json_parse (bytes, (gssize) length, CT_LEAF_MOST, NULL);
    g_assert_nonnull (node);
    canonical = ct_json_canonical (node, NULL);
    g_assert_cmpmem (canonical, strlen (canonical), bytes, length);
  }
}

static void
test_text_equal (void)
{
  CtLeafText plain = { "anna", 4 }, escaped = { "a\\\"\\u0001", 9 };

  g_assert_true (ct_leaf_text_equal (&plain, "anna", 4));
  g_assert_false (ct_leaf_text_equal (&plain, "anne", 4));
  g_assert_false (ct_leaf_text_equal (&plain, "ann", 3));
  g_assert_false (ct_leaf_text_equal (&plain, NULL, 0));
  g_assert_true (ct_leaf_text_equal (&escaped, "a\"\x01", 3));
  g_assert_false (ct_leaf_text_equal (&escaped, "a\\\"\\u0001", 9));
}

static void
test_disclosures (Fixture *f, gconstpointer data)
{
  static const CtDisclosure disclosures[] = { { "b", "two" }, { "a", "one" } };
  CtEvent event = make_event (0);
  g_autoptr (CtStmt) stmt = NULL;
  g_autofree char *text = NULL;
  CtLeaf leaf;
  int n = 0;

  event.disclosures = disclosures;
  event.n_disclosures = 2;
  append (f->db, &event, NULL);
  text = read_leaf (f->db, 0);
  g_assert_true (ct_leaf_scan (&leaf, text, strlen (text), NULL));
  g_assert_cmpuint (leaf.n_commitments, ==, 2);
  stmt = ct_db_query (f->db, NULL, "SELECT field, salt, value FROM audit_disclosures ORDER BY field", "");
  for (; ct_stmt_next (stmt); n++) {
    const CtCommitment *commitment = ct_leaf_commitment (&leaf, ct_stmt_text (stmt, 0));
    gsize length;
    gconstpointer salt = ct_stmt_blob (stmt, 1, &length);
    CtHash hash = ct_log_disclosure_hash (ct_stmt_text (stmt, 0), salt, length, ct_stmt_text (stmt, 2));

    g_assert_cmpuint (length, >=, 16);
    g_assert_true (ct_hash_equal (&commitment->hash, &hash));
  }
  g_assert_cmpint (n, ==, 2);
}

static void
assert_gone (Fixture *f, const char *text)
{
  static const char *const names[] = { "replica.db", "replica.db-wal" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (f->folder, names[i], NULL);
    g_autofree char *bytes = NULL;
    gsize length;

    if (g_file_get_contents (path, &bytes, &length, NULL))
      g_assert_null (memmem (bytes, length, text, strlen (text)));
  }
}

static void
test_redact (Fixture *f, gconstpointer data)
{
  static const CtDisclosure disclosures[] = { { "comment", "zebra-7153" } };
  static const struct {
    guint event;
    const char *field;
    int code; /* 0: redacted */
  } steps[] = {
    { 0, "other", CT_ERROR_NOT_FOUND },
    { 1, "comment", CT_ERROR_NOT_FOUND },
    { 0, "comment", 0 },
    { 0, "comment", CT_ERROR_NOT_FOUND },
    { 0, CT_LOG_INTENT_ARGS, 0 },
    { 0, CT_LOG_INTENT_ARGS, CT_ERROR_NOT_FOUND },
  };
  CtEvent events[] = { make_event (0), make_event (1) };
  CtIntent intent = { .command_id = ct_id_new (1),
                      .device_id = events[0].device_id,
                      .occurred_at = 1,
                      .name = "order.edit",
                      .args = "{\"a\":\"giraffe-99\"}",
                      .actor = "anna" };
  g_autofree char *before = NULL, *after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ct_intent_append (f->db, &intent, &error));
  g_assert_true (
      ct_db_run (f->db, &error, "INSERT INTO changesets VALUES(1, 0, CAST('giraffe-99' AS BLOB))", ""));
  events[0].intent_sha256 = intent.sha256;
  events[0].disclosures = disclosures;
  events[0].n_disclosures = 1;
  append (f->db, &events[0], NULL);
  before = read_leaf (f->db, 0);
  g_assert_true (ct_db_begin (f->db, &error));
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    gboolean done = ct_log_redact (f->db, &events[steps[i].event].ev_id, steps[i].field, &error);

    g_assert_true (done == (steps[i].code == 0));
    if (!done)
      g_assert_error (error, CT_ERROR, steps[i].code);
    g_clear_error (&error);
  }
  g_assert_true (ct_db_commit (f->db, &error));
  ct_log_purge (f->db, &error);
  g_assert_no_error (error);
  after = read_leaf (f->db, 0);
  g_assert_cmpstr (before, ==, after);
  /* the bytes themselves are gone from the file and from its log */
  assert_gone (f, "zebra-7153");
  assert_gone (f, "giraffe-99");
}

/* The image of a row: sorted by name, without n and without NULL. */
static void
test_row_image (Fixture *f, gconstpointer data)
{
  static const char expected[] = "a\0i\0\0\0\2-7"
                                 "b\0b\0\0\0\2\0\1"
                                 "c\0t\0\0\0\3x\0y"
                                 "d\0d\0\0\0\10\x3f\xf0\0\0\0\0\0\0";
  g_autoptr (GByteArray) image = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  for (int again = 0; again < 2; again++) {
    g_autoptr (CtStmt) stmt = ct_db_query (
        f->db, &error,
        "SELECT 5 AS n, 'x' || char(0) || 'y' AS c, NULL AS bb, -7 AS a, x'0001' AS b, 1.0 AS d", "");

    g_assert_true (ct_stmt_next (stmt));
    g_byte_array_set_size (image, 0);
    ct_row_image_append (image, stmt);
    g_assert_cmpmem (image->data, image->len, expected, sizeof expected - 1);
  }
}

static void
test_row_entries (Fixture *f, gconstpointer data)
{
  g_autoptr (CtRowCommitter) rows = ct_row_committer_new ();
  CtId a = ct_id_new (1), b = ct_id_new (2);
  CtEvent event = make_event (0);
  CtRowEntry entry = { 0 };
  g_autoptr (CtStmt) stmt = NULL;
  const guint8 *p, *end;
  gsize length, salt_length;
  gconstpointer salt;
  CtHash hash;

  ct_row_committer_add_image (rows, "orders", &a, "image", 5);
  ct_row_committer_add_deleted (rows, "orders", &b);
  ct_row_committer_add_deleted (rows, "invoices", &a);
  append (f->db, &event, rows);
  stmt = ct_db_query (f->db, NULL, "SELECT salt, entries FROM audit_rows WHERE n = 0", "");
  g_assert_true (ct_stmt_next (stmt));
  salt = ct_stmt_blob (stmt, 0, &salt_length);
  g_assert_cmpuint (salt_length, ==, CT_ROW_SALT_SIZE);
  p = ct_stmt_blob (stmt, 1, &length);
  end = p + length;
  hash = ct_row_entries_hash (p, length);
  g_assert_true (ct_row_entry_next (&p, end, &entry));
  g_assert_cmpstr (entry.table, ==, "orders");
  g_assert_true (entry.operation == 'p' && ct_id_equal (&entry.id, &a));
  {
    CtHash row = ct_row_hash (salt, salt_length, "orders", &a, "image", 5),
           committed = ct_row_committer_finish (rows);

    g_assert_true (ct_hash_equal (&row, &entry.hash));
    g_assert_true (ct_hash_equal (&hash, &committed));
  }
  g_assert_true (ct_row_entry_next (&p, end, &entry));
  g_assert_true (g_str_equal (entry.table, "orders") && entry.operation == 'd' &&
                 ct_id_equal (&entry.id, &b));
  g_assert_true (ct_row_entry_next (&p, end, &entry));
  g_assert_true (g_str_equal (entry.table, "invoices") && entry.operation == 'd');
  g_assert_true (p == end);
}

static CtHash
hash_parts (const GByteArray *parts, CtHash hashes[2])
{
  g_autoptr (GByteArray) all = g_byte_array_new ();

  g_byte_array_append (all, (const guint8 *) "ct-rows-v2", sizeof "ct-rows-v2");
  hashes[0] = ct_hash (parts->data, parts->len);
  g_byte_array_append (all, hashes[0].bytes, sizeof hashes[0].bytes);
  g_byte_array_append (all, hashes[1].bytes, sizeof hashes[1].bytes);
  return ct_hash (all->data, all->len);
}

/* Rows with salts of their own: what is hidden of a leaf changes nothing of what it commits to. */
static void
test_row_parts (void)
{
  g_autoptr (GByteArray) shown = g_byte_array_new (), part = g_byte_array_new ();
  CtHash salt = ct_hash ("salt", 4), row = ct_hash ("row", 3), hashes[2] = { [1] = ct_hash ("hidden", 6) };
  CtHash expected, told;
  CtRowEntry entry = { 0 };
  CtId id = ct_id_new (1);
  const guint8 *p;

  g_byte_array_append (part, (const guint8 *) "ct-row-part-v1\0P", 16);
  g_byte_array_append (part, salt.bytes, sizeof salt.bytes);
  g_byte_array_append (part, (const guint8 *) "orders", sizeof "orders");
  g_byte_array_append (part, id.bytes, sizeof id.bytes);
  g_byte_array_append (part, row.bytes, sizeof row.bytes);
  expected = hash_parts (part, hashes);

  g_byte_array_append (shown, (const guint8 *) "t\6ordersP", 9);
  g_byte_array_append (shown, id.bytes, sizeof id.bytes);
  g_byte_array_append (shown, salt.bytes, sizeof salt.bytes);
  g_byte_array_append (shown, row.bytes, sizeof row.bytes);
  g_byte_array_append (shown, (const guint8 *) "h", 1);
  g_byte_array_append (shown, hashes[1].bytes, sizeof hashes[1].bytes);
  told = ct_row_entries_hash (shown->data, shown->len);
  g_assert_true (ct_hash_equal (&told, &expected));
  g_assert_true (ct_row_entries_fit (shown->data, shown->len, 0));
  g_assert_false (ct_row_entries_fit (shown->data, shown->len, CT_ROW_SALT_SIZE));

  p = shown->data;
  g_assert_true (ct_row_entry_next (&p, shown->data + shown->len, &entry));
  g_assert_true (entry.parted && entry.operation == 'p' && ct_id_equal (&entry.id, &id));
  g_assert_cmpmem (entry.salt, sizeof entry.salt, salt.bytes, sizeof salt.bytes);
  g_assert_true (ct_row_entry_next (&p, shown->data + shown->len, &entry));
  g_assert_true (entry.parted && entry.operation == 'h' && p == shown->data + shown->len);

  /* whatever is behind it counts */
  g_byte_array_append (shown, (const guint8 *) "p", 1);
  told = ct_row_entries_hash (shown->data, shown->len);
  g_assert_false (ct_hash_equal (&told, &expected));
}

static void
test_row_entries_fuzz (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);

  for (int i = 0; i < 20000; i++) {
    static const char letters[] = { 't', 'p', 'd', 'P', 'D', 'h', 0, 1, 3, 70, 'x' };
    gsize size = (gsize) g_rand_int_range (random, 0, 160);
    g_autofree guint8 *bytes = g_malloc (MAX (size, 1));
    const guint8 *p = bytes;
    CtRowEntry entry = { 0 };

    for (gsize j = 0; j < size; j++)
      bytes[j] = (guint8) letters[g_rand_int_range (random, 0, sizeof letters)];
    while (p < bytes + size && ct_row_entry_next (&p, bytes + size, &entry)) {
      g_assert_true (p <= bytes + size);
      g_assert_cmpuint (strlen (entry.table), <, sizeof entry.table);
      g_assert_true (entry.operation == 'h' || entry.table[0]);
    }
  }
}

static void
test_intents (Fixture *f, gconstpointer data)
{
  CtHash previous = { { 0 } };
  g_autoptr (GError) error = NULL;

  for (int i = 1; i <= 3; i++) {
    CtIntent intent = { .command_id = ct_id_new (i),
                        .device_id = ct_id_new (9),
                        .occurred_at = i,
                        .name = "order.edit",
                        .args = "{}",
                        .actor = "an\"na" };
    CtHash args, hash, expected;
    g_autofree char *command = ct_id_to_string (&intent.command_id),
                    *device = ct_id_to_string (&intent.device_id);
    g_autofree char *args_hex = NULL, *previous_hex = ct_hash_to_hex (&previous), *canonical = NULL;
    g_autoptr (JsonObject) object = NULL;

    ct_intent_append (f->db, &intent, &error);
    g_assert_no_error (error);
    g_assert_cmpint (intent.seq, ==, i);
    args = ct_intent_args_hash (&intent.command_id, "{}");
    args_hex = ct_hash_to_hex (&args);
    object = ct_json_build ("ssssisisi", "actor", "an\"na", "args_sha256", args_hex, "command_id", command,
                            "device_id", device, "device_seq", (gint64) i, "name", "order.edit",
                            "occurred_at", (gint64) i, "previous_sha256", previous_hex, "v", (gint64) 1);
    canonical = ct_json_canonical_object (object, &error);
    expected = ct_hash (canonical, strlen (canonical));
    hash = ct_intent_hash (&intent);
    g_assert_true (ct_hash_equal (&hash, &expected));
    g_assert_true (ct_hash_equal (&hash, &intent.sha256));
    previous = hash;
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/audit/append", test_append);
  ADD ("/audit/refused", test_refused);
  g_test_add_func ("/audit/no-log", test_no_log);
  g_test_add_func ("/audit/scan-refuses", test_scan_refuses);
  g_test_add_func ("/audit/scan-fuzz", test_scan_fuzz);
  g_test_add_func ("/audit/text-equal", test_text_equal);
  ADD ("/audit/disclosures", test_disclosures);
  ADD ("/audit/redact", test_redact);
  ADD ("/audit/row-image", test_row_image);
  ADD ("/audit/row-entries", test_row_entries);
  g_test_add_func ("/audit/row-parts", test_row_parts);
  g_test_add_func ("/audit/row-entries-fuzz", test_row_entries_fuzz);
  ADD ("/audit/intents", test_intents);
  return g_test_run ();
}
