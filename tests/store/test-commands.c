#define CT_TEST_COMMANDS
#include "ct-test.h"
#include "ct-intent.h"
#include "ct-rows.h"
#include "ct-undo.h"

#include <string.h>

typedef struct {
  char *folder;
  CtDb *db;
  CtCommander *commander;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = ct_test_folder ();
  f->db = ct_test_replica (f->folder);
  f->commander = ct_test_commander (f->db);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ct_commander_free (f->commander);
  ct_db_close (f->db);
  ct_test_remove (f->folder);
  g_free (f->folder);
}

/* Runs a command that must succeed; the id of the record it made, or "". */
static char *
run (Fixture *f, const char *actor, const char *name, const char *json)
{
  g_autoptr (GError) error = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  JsonObject *result = ct_test_execute (f->commander, f->db, actor, 2000, name, json, &outcome, &error);

  g_assert_no_error (error);
  return g_strdup (ct_json_string (result, "id", ""));
}

static void
fails (Fixture *f, const char *actor, const char *name, const char *json, CtErrorCode code)
{
  g_autoptr (GError) error = NULL;
  g_auto (CtOutcome) outcome = { 0 };

  g_assert_null (ct_test_execute (f->commander, f->db, actor, 2000, name, json, &outcome, &error));
  g_assert_error (error, CT_ERROR, (int) code);
}

static gint64
count (Fixture *f, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 value = -1;

  ct_db_read_int (f->db, &value, &error, sql, "");
  g_assert_no_error (error);
  return value;
}

static void
test_life_of_a_record (Fixture *f, gconstpointer data)
{
  g_autofree char *id =
      run (f, "admin", "distributor.create", "{\"legal_name\":\"Nordwind GmbH\",\"currency\":\"EUR\"}");
  g_autofree char *edit =
      g_strdup_printf ("{\"id\":\"%s\",\"legal_name\":\"Nordwind AG\",\"expected_rev\":1}", id);
  g_autofree char *only = g_strdup_printf ("{\"id\":\"%s\"}", id);

  g_assert_cmpint (count (f, "SELECT count(*) FROM distributors WHERE number = 'DIST-1970-0001'"), ==, 1);
  g_free (run (f, "admin", "distributor.edit", edit));
  fails (f, "admin", "distributor.edit", edit, CT_ERROR_CONFLICT);
  g_free (run (f, "admin", "distributor.archive", only));
  fails (f, "admin", "distributor.archive", only, CT_ERROR_CONFLICT);
  fails (f, "admin", "distributor.edit", edit, CT_ERROR_CONFLICT);
  g_free (run (f, "admin", "distributor.restore", only));
  g_assert_cmpint (
      count (f, "SELECT count(*) FROM distributors WHERE legal_name = 'Nordwind AG' AND archived_at IS NULL"),
      ==, 1);
  /* every command has an intent, a leaf, and row commitments */
  g_assert_cmpint (count (f, "SELECT count(*) FROM intents"), ==, 5);
  g_assert_cmpint (count (f, "SELECT count(*) FROM audit_logs"), ==, 5);
  g_assert_cmpint (count (f, "SELECT count(*) FROM audit_rows"), ==, 5);
}

static void
test_order_lines_and_total (Fixture *f, gconstpointer data)
{
  g_autofree char *distributor =
      run (f, "admin", "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"EUR\"}");
  g_autofree char *json = g_strdup_printf (
      "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"lines\":["
      "{\"sku\":\"X\",\"quantity_milli\":35000,\"unit_price_minor\":4240,\"discount_bp\":1500},"
      "{\"sku\":\"Y\",\"quantity_milli\":1000,\"unit_price_minor\":100}]}",
      distributor);
  g_autofree char *order = run (f, "admin", "order.create", json);
  g_autofree char *wrong = g_strdup_printf ("{\"id\":\"%s\",\"total_minor\":126241}", order);
  g_autofree char *right = g_strdup_printf ("{\"id\":\"%s\",\"total_minor\":126240}", order);
  g_autofree char *bare = g_strdup_printf ("{\"id\":\"%s\",\"total_minor\":7,\"lines\":[]}", order);
  g_autofree char *jump = g_strdup_printf ("{\"id\":\"%s\",\"status\":\"closed\"}", order);
  g_autofree char *back = g_strdup_printf ("{\"id\":\"%s\",\"status\":\"draft\"}", order);

  g_assert_cmpint (count (f, "SELECT total_minor FROM orders"), ==, 126140 + 100);
  fails (f, "admin", "order.edit", wrong, CT_ERROR_INVALID);
  g_free (run (f, "admin", "order.edit", right));
  g_free (run (f, "admin", "order.edit", bare));
  g_free (run (f, "admin", "order.edit", wrong));
  g_assert_cmpint (count (f, "SELECT total_minor FROM orders"), ==, 126241);
  g_free (run (f, "admin", "order.edit", jump));
  fails (f, "admin", "order.edit", back, CT_ERROR_REFUSED);
}

/* No line and no sum of lines leaves what 64 bits, and JSON, carry. */
static void
test_order_lines_too_large (Fixture *f, gconstpointer data)
{
  static const char *const lines[] = {
    "{\"sku\":\"X\",\"quantity_milli\":9000000000000000,\"unit_price_minor\":9000000000000}",
    "{\"sku\":\"X\",\"quantity_milli\":1000000000000,\"unit_price_minor\":90000000000}",
    "{\"sku\":\"X\",\"quantity_milli\":1000,\"unit_price_minor\":9223372036854775807}",
    "{\"sku\":\"X\",\"quantity_milli\":1000,\"unit_price_minor\":9007199254740991},"
    "{\"sku\":\"Y\",\"quantity_milli\":1000,\"unit_price_minor\":1}",
  };
  g_autofree char *distributor =
      run (f, "admin", "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"EUR\"}");

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree char *json = g_strdup_printf (
        "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"lines\":[%s]}", distributor, lines[i]);

    fails (f, "admin", "order.create", json, CT_ERROR_INVALID);
  }
  fails (f, "admin", "distributor.create",
         "{\"legal_name\":\"B\",\"currency\":\"EUR\",\"credit_limit_minor\":-9223372036854775808}",
         CT_ERROR_INVALID);
}

static void
test_arguments (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *name, *json;
    CtErrorCode code;
  } cases[] = {
    { "distributor.create", "{}", CT_ERROR_INVALID },
    { "distributor.create", "{\"legal_name\":\" \",\"currency\":\"EUR\"}", CT_ERROR_INVALID },
    { "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"euro\"}", CT_ERROR_INVALID },
    { "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"EUR\",\"number\":\"DIST-1\"}",
      CT_ERROR_INVALID },
    { "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"EUR\",\"value_band\":\"Z\"}",
      CT_ERROR_INVALID },
    { "distributor.edit", "{\"id\":\"00000000-0000-7000-8000-000000000000\",\"legal_name\":\"B\"}",
      CT_ERROR_NOT_FOUND },
    { "order.create", "{\"distributor_id\":\"00000000-0000-7000-8000-000000000000\",\"currency\":\"EUR\"}",
      CT_ERROR_NOT_FOUND },
    { "no.such", "{}", CT_ERROR_INVALID },
    { "setting.set", "{\"key\":\"time_zone\",\"value\":\"Mars\"}", CT_ERROR_INVALID },
    { "workspace.init", "{\"login\":\"x\",\"roles\":[\"admin\"]}", CT_ERROR_CONFLICT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    fails (f, "admin", cases[i].name, cases[i].json, cases[i].code);
  /* what failed left nothing behind */
  g_assert_cmpint (count (f, "SELECT count(*) FROM audit_logs"), ==, 1);
  g_assert_cmpint (count (f, "SELECT count(*) FROM number_series"), ==, 0);
}

/* A leaf with broken UTF-8 could not be read again, nor an export of it verified. */
static void
test_arguments_are_utf8 (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "setting.set", "distributor.create" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    for (int nested = 0; nested < 2; nested++) {
      g_autoptr (GError) error = NULL;
      g_auto (CtOutcome) outcome = { 0 };
      g_autoptr (JsonObject) args =
          i == 0 ? ct_json_build ("ss", "key", "time_zone", "value", "Europe/\xc3")
                 : ct_json_build ("ss", "legal_name", nested ? "A" : "A \xc3", "currency", "EUR");
      CtRequest request = { .name = names[i], .actor = "admin", .now = 2000, .args = args };

      if (nested) {
        JsonArray *list = json_array_new ();

        json_array_add_string_element (list, "mail \xe2\x82");
        json_object_set_array_member (args, "channel_preferences", list);
      }
      g_assert_false (ct_commander_execute (f->commander, f->db, &request, &outcome, &error));
      g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_nonnull (strstr (error->message, "UTF-8"));
    }
}

/* Every role × command: the commander lets exactly those run that the file names. */
static void
test_policy_matrix (Fixture *f, gconstpointer data)
{
  static const char *const roles[] = { "viewer",  "sales", "accounting", "logistics", "legal",
                                       "partner", "admin", "agent",      NULL };
  g_autofree char *path = ct_data_path ("schema/policy.json");
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GList) commands = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  root = ct_json_parse (text, -1, 1 << 20, NULL);
  commands = json_object_get_members (json_node_get_object (root));
  for (guint r = 0; roles[r]; r++) {
    g_autofree char *person = g_strdup_printf ("{\"login\":\"%s\",\"roles\":[\"%s\"]}", roles[r], roles[r]);

    g_free (run (f, "admin", "person.put", person));
  }
  for (GList *l = commands; l; l = l->next) {
    JsonArray *listed = ct_json_array (ct_json_object (json_node_get_object (root), l->data), "roles");

    for (guint r = 0; roles[r]; r++) {
      g_autoptr (GError) error = NULL;
      g_auto (CtOutcome) outcome = { 0 };
      gboolean may = FALSE;

      for (guint i = 0; i < json_array_get_length (listed); i++)
        may |= strcmp (json_array_get_string_element (listed, i), roles[r]) == 0;
      ct_test_execute (f->commander, f->db, roles[r], 2000, l->data, "{\"no such argument\":1}", &outcome,
                       &error);
      g_clear_error (&error);
      {
        g_autoptr (GPtrArray) own = ct_commander_roles (f->db, roles[r], &error);

        g_assert_no_error (error);
        g_assert_cmpint (ct_commander_allows (f->commander, l->data, own), ==, may);
      }
    }
  }
  fails (f, "viewer", "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"EUR\"}", CT_ERROR_REFUSED);
  fails (f, "nobody", "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"EUR\"}", CT_ERROR_REFUSED);
  fails (f, "sales", "setting.set", "{\"key\":\"a\",\"value\":\"b\"}", CT_ERROR_REFUSED);
}

/* What the policy lets be taken back is what the commands say of themselves: on a server nothing else is undone. */
static void
test_policy_undoes (Fixture *f, gconstpointer data)
{
  g_autofree char *path = ct_data_path ("schema/policy.json");
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GList) commands = NULL;
  guint undoable = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  root = ct_json_parse (text, -1, 1 << 20, NULL);
  commands = json_object_get_members (json_node_get_object (root));
  for (GList *l = commands; l; l = l->next) {
    const CtCommandDef *def = ct_command_find (l->data);
    gboolean may = ct_json_bool (ct_json_object (json_node_get_object (root), l->data), "undo", FALSE);

    g_test_message ("%s", (const char *) l->data);
    g_assert_cmpint (may, ==, def && (def->flags & CT_COMMAND_UNDOABLE));
    undoable += may;
  }
  g_assert_cmpint (undoable, >, 40);
}

/* A policy that takes a command's roles from one that is none, or has a row condition of its own, is none. */
static void
test_policy_acts_as (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *one;
    gboolean ok;
  } cases[] = { { "a.edit", TRUE }, { "a.owned", FALSE }, { "a.none", FALSE } };
  g_autofree char *path = g_build_filename (f->folder, "policy.json", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strdup_printf (
        "{\"a.edit\":{\"roles\":[\"sales\"]},\"a.owned\":{\"roles\":[\"sales\"],\"where\":\"service_works\"},"
        "\"a.many\":{\"roles\":[\"sales\"],\"writes\":{\"orders\":{\"as\":{\"insert\":\"%s\"},\"insert\":"
        "true}}}}",
        cases[i].one);
    g_autoptr (GError) error = NULL;
    g_autoptr (CtPolicy) policy = NULL;

    g_assert_true (g_file_set_contents (path, text, -1, NULL));
    policy = ct_policy_load (path, &error);
    g_assert_cmpint (policy != NULL, ==, cases[i].ok);
    if (!cases[i].ok)
      g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
}

static void
undo_last (Fixture *f, const char *actor)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = ct_undo_last (f->db, actor, NULL, &error);
  g_autofree char *json = NULL;

  g_assert_no_error (error);
  json = g_strdup_printf ("{\"command\":\"%s\"}", id);
  g_free (run (f, actor, "command.undo", json));
}

static void
test_undo (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = run (f, "admin", "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"EUR\"}");
  g_autofree char *first = g_strdup_printf ("{\"id\":\"%s\",\"legal_name\":\"B\"}", id);
  g_autofree char *second = g_strdup_printf ("{\"id\":\"%s\",\"legal_name\":\"C\"}", id);
  g_autofree char *last = NULL;

  g_free (run (f, "admin", "distributor.edit", first));
  g_free (run (f, "admin", "distributor.edit", second));
  undo_last (f, "admin");
  g_assert_cmpint (count (f, "SELECT count(*) FROM distributors WHERE legal_name = 'B'"), ==, 1);
  undo_last (f, "admin");
  undo_last (f, "admin");
  g_assert_cmpint (count (f, "SELECT count(*) FROM distributors"), ==, 0);
  /* workspace.init is the last that is left, and cannot be undone */
  last = ct_undo_last (f->db, "admin", NULL, &error);
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
}

static void
test_undo_meets_a_later_change (Fixture *f, gconstpointer data)
{
  g_autofree char *id = run (f, "admin", "distributor.create", "{\"legal_name\":\"A\",\"currency\":\"EUR\"}");
  g_autofree char *mine = g_strdup_printf ("{\"id\":\"%s\",\"legal_name\":\"B\"}", id);
  g_autofree char *theirs = g_strdup_printf ("{\"id\":\"%s\",\"legal_name\":\"C\"}", id);
  g_autofree char *command = NULL, *json = NULL;

  g_free (run (f, "admin", "person.put", "{\"login\":\"eva\",\"roles\":[\"sales\"]}"));
  g_free (run (f, "eva", "distributor.edit", mine));
  command = ct_undo_last (f->db, "eva", NULL, NULL);
  g_free (run (f, "admin", "distributor.edit", theirs));
  json = g_strdup_printf ("{\"command\":\"%s\"}", command);
  fails (f, "admin", "command.undo", json, CT_ERROR_REFUSED);
  fails (f, "eva", "command.undo", json, CT_ERROR_CONFLICT);
  g_assert_cmpint (count (f, "SELECT count(*) FROM distributors WHERE legal_name = 'C'"), ==, 1);
}

/* Taking a command back is doing it: who may no longer do it may not undo it either. */
static void
test_undo_asks_the_policy (Fixture *f, gconstpointer data)
{
  g_autofree char *command = NULL, *json = NULL;

  g_free (run (f, "admin", "person.put", "{\"login\":\"eva\",\"roles\":[\"admin\"]}"));
  g_free (run (f, "eva", "setting.set", "{\"key\":\"time_zone\",\"value\":\"Europe/Berlin\"}"));
  g_free (run (f, "admin", "person.put", "{\"login\":\"eva\",\"roles\":[\"sales\"]}"));
  command = ct_undo_last (f->db, "eva", NULL, NULL);
  json = g_strdup_printf ("{\"command\":\"%s\"}", command);
  fails (f, "eva", "command.undo", json, CT_ERROR_REFUSED);
  g_assert_cmpint (count (f, "SELECT count(*) FROM settings WHERE value = 'Europe/Berlin'"), ==, 1);
  g_free (run (f, "admin", "person.put", "{\"login\":\"eva\",\"roles\":[\"admin\"]}"));
  g_free (run (f, "eva", "command.undo", json));
  g_assert_cmpint (count (f, "SELECT count(*) FROM settings WHERE value = 'Europe/Berlin'"), ==, 0);
}

static void
test_intent_chain (Fixture *f, gconstpointer data)
{
  g_autoptr (CtStmt) stmt = NULL;
  CtHash previous = { { 0 } };
  gint64 seq = 0;

  for (int i = 0; i < 5; i++)
    g_free (run (f, "admin", "distributor.create",
                 "{\"legal_name\":\"A \\\"quoted\\\" \\\\ name\",\"currency\":\"EUR\"}"));
  stmt = ct_db_query (f->db, NULL,
                      "SELECT seq, command_id, name, args, actor, device_id, occurred_at, previous_sha256, "
                      "sha256 FROM intents "
                      "ORDER BY seq",
                      "");
  while (ct_stmt_next (stmt)) {
    CtIntent intent = { .name = ct_stmt_text (stmt, 2),
                        .args = ct_stmt_text (stmt, 3),
                        .actor = ct_stmt_text (stmt, 4) };
    CtHash stored;

    intent.seq = ct_stmt_int (stmt, 0);
    intent.occurred_at = ct_stmt_int (stmt, 6);
    g_assert_true (ct_stmt_id (stmt, 1, &intent.command_id) && ct_stmt_id (stmt, 5, &intent.device_id));
    g_assert_true (ct_stmt_hash (stmt, 7, &intent.previous) && ct_stmt_hash (stmt, 8, &stored));
    intent.args_sha256 = ct_intent_args_hash (&intent.command_id, intent.args);
    seq++;
    g_assert_cmpint (intent.seq, ==, seq);
    g_assert_true (ct_hash_equal (&intent.previous, &previous));
    previous = ct_intent_hash (&intent);
    g_assert_true (ct_hash_equal (&previous, &stored));
  }
  g_assert_cmpint (seq, ==, 6);
}

/* The leaf is built by hand: it must be the canonical form of what it says. */
static void
test_leaf_is_canonical (Fixture *f, gconstpointer data)
{
  g_autoptr (CtStmt) stmt = NULL;
  int leaves = 0;

  g_free (run (f, "admin", "distributor.create", "{\"legal_name\":\"Ä\",\"currency\":\"EUR\"}"));
  stmt = ct_db_query (f->db, NULL, "SELECT leaf FROM audit_logs", "");
  while (ct_stmt_next (stmt)) {
    g_autoptr (GError) error = NULL;
    gsize length;
    const char *leaf = ct_stmt_blob (stmt, 0, &length);
    g_autoptr (JsonNode) node = ct_json_parse (leaf, (gssize) length, 65535, &error);
    g_autofree char *canonical = ct_json_canonical (node, &error);

    g_assert_no_error (error);
    g_assert_cmpmem (leaf, length, canonical, strlen (canonical));
    leaves++;
  }
  g_assert_cmpint (leaves, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/commands/record", test_life_of_a_record);
  ADD ("/commands/order-lines", test_order_lines_and_total);
  ADD ("/commands/order-lines-too-large", test_order_lines_too_large);
  ADD ("/commands/arguments", test_arguments);
  ADD ("/commands/arguments-utf8", test_arguments_are_utf8);
  ADD ("/commands/policy-matrix", test_policy_matrix);
  ADD ("/commands/policy-undoes", test_policy_undoes);
  ADD ("/commands/policy-acts-as", test_policy_acts_as);
  ADD ("/commands/undo", test_undo);
  ADD ("/commands/undo-conflict", test_undo_meets_a_later_change);
  ADD ("/commands/undo-policy", test_undo_asks_the_policy);
  ADD ("/commands/intent-chain", test_intent_chain);
  ADD ("/commands/leaf", test_leaf_is_canonical);
  return g_test_run ();
}
