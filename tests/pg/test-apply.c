/* What api.apply makes of commands, whatever the client says. */
#include "pg-device.h"
#include "ct-greeting.h"
#include "ct-leaf.h"
#include "ct-log.h"

#include <string.h>

#define DB "apply"

static PgServer *server;

static char *
change (const CtId *id, const char *operation, const char *columns)
{
  g_autofree char *text = ct_id_to_string (id);

  return g_strdup_printf ("[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"%s\",\"columns\":{%s}}]", text,
                          operation, columns);
}

static CtVerdict *
push (PgDevice *device, const char *command, const CtId *id, const char *operation, const char *columns)
{
  g_autofree char *changes = change (id, operation, columns);

  return pg_device_push_ok (device, command, changes);
}

static void
applies (PgDevice *device, const CtId *id, const char *columns)
{
  g_autoptr (CtVerdict) verdict = push (device, "d.edit", id, "update", columns);

  g_assert_cmpstr (verdict->reason, ==, NULL);
  g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
}

static char *
column_of (CtSession *session, const CtId *id, const char *expression)
{
  g_autofree char *text = ct_id_to_string (id);
  g_autofree char *sql =
      g_strdup_printf ("SELECT %s FROM api.distributors WHERE id = '%s'", expression, text);

  return pg_text (session, sql);
}

/* Number, revision and times are the server's; a client that sends them is not asked. */
static void
test_stamps (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");
  CtId id = ct_id_new (ct_time_now ());
  g_autoptr (CtVerdict) verdict = push (device, "d.edit", &id, "insert",
                                        "\"legal_name\":[null,\"A\"],\"currency\":[null,\"EUR\"],\"number\":["
                                        "null,\"DIST-1\"],\"rev\":[null,99],"
                                        "\"created_at\":[null,1],\"updated_at\":[null,1],\"onboarding_since_"
                                        "at\":[null,1],\"scopes\":[null,\"{7}\"]");
  g_autofree char *row = NULL, *later = NULL;

  g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
  row = column_of (
      device->session, &id,
      "(number LIKE 'DIST-20__-____') || ' ' || rev || ' ' ||"
      " (created_at > 1700000000000 AND updated_at = created_at AND onboarding_since_at = created_at)");
  g_assert_cmpstr (row, ==, "true 1 true");
  applies (device, &id, "\"onboarding_state\":[\"prospect\",\"documents\"],\"archived_at\":[null,5]");
  later = column_of (device->session, &id,
                     "rev || ' ' || (updated_at >= created_at AND onboarding_since_at = updated_at"
                     " AND archived_at = updated_at)");
  g_assert_cmpstr (later, ==, "2 true");
  /* of a stamp only counts whether it is set: the client has its own clock's */
  applies (device, &id, "\"archived_at\":[5,null]");
}

static void
test_compare_and_set (void)
{
  g_autoptr (PgDevice) anna = pg_device_new (server, DB, "anna"), ben = pg_device_new (server, DB, "ben");
  CtId id = pg_device_add (anna, "Nordwind", "south");
  g_autofree char *merged = NULL, *side_by_side = NULL;
  g_autoptr (CtVerdict) conflict = NULL, gone = NULL;
  g_autoptr (JsonNode) node = NULL;

  applies (anna, &id, "\"city\":[\"\",\"Riga\"]");
  applies (ben, &id, "\"legal_name\":[\"Nordwind\",\"Nordwind AG\"]");
  merged = column_of (anna->session, &id, "legal_name || ' ' || city || ' ' || rev");
  g_assert_cmpstr (merged, ==, "Nordwind AG Riga 3");

  conflict = push (ben, "d.edit", &id, "update", "\"city\":[\"\",\"Tartu\"],\"notes\":[\"\",\"half\"]");
  g_assert_cmpint (conflict->kind, ==, CT_PUSH_REJECTED);
  g_assert_cmpstr (conflict->code, ==, "conflict");
  g_assert_cmpuint (json_array_get_length (conflict->theirs), ==, 1);
  node = ct_json_wrap_object (json_object_ref (json_array_get_object_element (conflict->theirs, 0)));
  json_object_remove_member (json_node_get_object (node), "id");
  side_by_side = ct_json_canonical (node, NULL);
  g_assert_cmpstr (side_by_side, ==,
                   "{\"base\":\"\",\"column\":\"city\",\"mine\":\"Tartu\",\"table\":\"distributors\","
                   "\"theirs\":\"Riga\"}");
  /* all or nothing */
  g_clear_pointer (&merged, g_free);
  merged = column_of (anna->session, &id, "city || notes || rev");
  g_assert_cmpstr (merged, ==, "Riga3");

  gone = push (anna, "d.delete", &id, "delete", "\"city\":[\"Riga\",null]");
  g_assert_cmpint (gone->kind, ==, CT_PUSH_APPLIED);
  g_clear_pointer (&gone, ct_verdict_free);
  gone = push (ben, "d.edit", &id, "update", "\"city\":[\"Riga\",\"Oslo\"]");
  g_assert_cmpstr (gone->code, ==, "conflict");
  g_assert_true (ct_json_bool (json_array_get_object_element (gone->theirs, 0), "gone", FALSE));
  g_clear_pointer (&gone, ct_verdict_free);
  /* deleted and made again under the same key */
  gone = push (ben, "d.edit", &id, "insert", "\"legal_name\":[null,\"Again\"],\"currency\":[null,\"EUR\"]");
  g_assert_cmpint (gone->kind, ==, CT_PUSH_APPLIED);
}

/* Role × command, columns, transitions, row conditions: each refusal is stored, none writes. */
static void
test_policy (void)
{
  static const struct {
    const char *login, *command, *operation, *columns, *code;
  } cases[] = {
    { "vera", "d.edit", "update", "\"city\":[\"\",\"x\"]", "refused" },
    { "ada", "d.delete", "delete", "", "refused" },
    { "anna", "no.such", "update", "\"city\":[\"\",\"x\"]", "refused" },
    { "anna", "d.look", "update", "\"city\":[\"\",\"x\"]", "refused" },
    { "anna", "d.delete", "update", "\"city\":[\"\",\"x\"]", "refused" },
    { "anna", "d.edit", "delete", "", "refused" },
    { "anna", "d.edit", "update", "\"street\":[\"\",\"x\"]", "refused" },
    { "anna", "d.edit", "update", "\"onboarding_state\":[\"prospect\",\"active\"]", "refused" },
    { "anna", "d.mine", "update", "\"city\":[\"\",\"x\"]", "refused" },
    { "anna", "d.edit", "update", "\"no_such\":[\"\",\"x\"]", "invalid" },
    { "anna", "d.edit", "update", "\"city\":[\"\",7]", "invalid" },
    { "anna", "d.edit", "update", "\"city\":\"x\"", "invalid" },
    { "anna", "d.edit", "update", "\"credit_limit_minor\":[null,\"7\"]", "invalid" },
    { "anna", "d.edit", "update", "\"credit_limit_minor\":[null,1.5]", "invalid" },
    { "anna", "d.edit", "update", "\"credit_limit_minor\":[null,99999999999999999999]", "invalid" },
    { "anna", "d.edit", "update", "\"credit_limit_minor\":[null,-1]", "invalid" },
    { "anna", "d.edit", "update", "\"legal_name\":[\"Nordwind\",\"\"]", "invalid" },
    { "anna", "d.edit", "update", "\"legal_name\":[\"Nordwind\",null]", "invalid" },
    { "anna", "d.edit", "update", "\"value_band\":[\"C\",\"Z\"]", "invalid" },
    { "anna", "d.edit", "replace", "", "invalid" },
    { "anna", "d.edit", "insert", "\"currency\":[null,\"EUR\"],\"legal_name\":[null,\"same key\"]",
      "conflict" },
    { "north", "d.edit", "update", "\"city\":[\"\",\"x\"]", "conflict" },
    { "north", "d.delete", "delete", "", "conflict" },
  };
  g_autoptr (PgDevice) owner = pg_device_new (server, DB, "anna");
  CtId id = pg_device_add (owner, "Nordwind", "south");
  g_autofree char *before = column_of (owner->session, &id, "row_to_json(distributors)"), *after = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (PgDevice) device = pg_device_new (server, DB, cases[i].login);
    g_autoptr (CtVerdict) verdict =
        push (device, cases[i].command, &id, cases[i].operation, cases[i].columns);

    g_test_message ("%s %s %s: %s", cases[i].login, cases[i].command, cases[i].columns, verdict->reason);
    g_assert_cmpint (verdict->kind, ==, CT_PUSH_REJECTED);
    g_assert_cmpstr (verdict->code, ==, cases[i].code);
  }
  after = column_of (owner->session, &id, "row_to_json(distributors)");
  g_assert_cmpstr (before, ==, after);
}

/* The rows of another region are not there: not to read, not to change, not to be told of, not to move to. */
static void
test_scopes (void)
{
  g_autoptr (PgDevice) anna = pg_device_new (server, DB, "anna"), north = pg_device_new (server, DB, "north");
  CtId south = pg_device_add (anna, "Secret of the south", "south"),
       own = pg_device_add (north, "Ours", "north");
  CtId outside = ct_id_new (ct_time_now ());
  g_autofree char *text = ct_id_to_string (&south), *sql = NULL, *theirs = NULL;
  g_autoptr (CtVerdict) verdict = NULL;
  g_autoptr (JsonNode) node = NULL;

  sql = g_strdup_printf (
      "SELECT (SELECT count(*) FROM api.distributors WHERE id = '%s') + (SELECT count(*) FROM"
      " app.distributors WHERE id = '%s')",
      text, text);
  g_assert_cmpint (pg_number (north->session, sql), ==, 0);
  g_assert_cmpint (pg_number (anna->session, sql), ==, 2);
  verdict = push (north, "d.edit", &south, "update", "\"city\":[\"\",\"x\"]");
  node = ct_json_wrap_array (json_array_ref (verdict->theirs));
  theirs = ct_json_canonical (node, NULL);
  g_assert_nonnull (strstr (theirs, "\"gone\":true"));
  g_assert_null (strstr (theirs, "Secret"));
  g_clear_pointer (&verdict, ct_verdict_free);
  verdict = push (north, "d.edit", &outside, "insert",
                  "\"legal_name\":[null,\"A\"],\"currency\":[null,\"EUR\"],\"region\":[null,\"south\"]");
  g_assert_cmpstr (verdict->code, ==, "refused");
  g_clear_pointer (&verdict, ct_verdict_free);
  verdict = push (north, "d.edit", &own, "update", "\"region\":[\"north\",\"south\"]");
  g_assert_cmpstr (verdict->code, ==, "refused");
}

/* A repeat gets the first answer, also where the changes were computed anew; another intent is a fork. */
static void
test_repeat_and_fork (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  CtId id = pg_device_add (device, "Nordwind", "south");
  g_autoptr (CtVerdict) first = push (device, "d.edit", &id, "update", "\"city\":[\"\",\"Riga\"]");
  g_autoptr (CtVerdict) again = NULL, rejected = NULL, forked = NULL;
  g_autofree char *other = change (&id, "update", "\"city\":[\"\",\"Oslo\"]"), *city = NULL, *copied = NULL;
  gint64 leaves = pg_number (root, "SELECT count(*) FROM audit.leaves");

  again = ct_push (device->session, &device->id, device->n, device->intent, other, NULL, NULL);
  g_assert_cmpint (again->kind, ==, CT_PUSH_APPLIED);
  g_assert_true (ct_id_equal (&again->leaf, &first->leaf));
  city = column_of (device->session, &id, "city");
  g_assert_cmpstr (city, ==, "Riga");
  rejected = push (device, "d.edit", &id, "update", "\"city\":[\"\",\"Oslo\"]");
  g_assert_cmpint (rejected->kind, ==, CT_PUSH_REJECTED);
  g_clear_pointer (&again, ct_verdict_free);
  again = ct_push (device->session, &device->id, device->n, device->intent, "[]", NULL, NULL);
  g_assert_cmpint (again->kind, ==, CT_PUSH_REJECTED);
  g_assert_true (ct_id_equal (&again->leaf, &rejected->leaf));
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM audit.leaves"), ==, leaves + 1);

  /* a copy of the workspace made its own command 3 */
  device->n--;
  copied = pg_device_intent (device, "d.edit");
  device->n++;
  forked = ct_push (device->session, &device->id, device->n, copied, "[]", NULL, NULL);
  g_assert_cmpint (forked->kind, ==, CT_PUSH_FORKED);
  g_clear_pointer (&forked, ct_verdict_free);
  /* or goes on from a command 3 of its own */
  device->last = ct_hash (copied, strlen (copied));
  forked = pg_device_push (device, "d.edit", "[]", NULL);
  g_assert_cmpint (forked->kind, ==, CT_PUSH_FORKED);
}

/* A fork goes on as a device of its own, from the last command that both share. */
static void
test_fork_goes_on (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");
  g_autoptr (PgDevice) thief = pg_device_new (server, DB, "ben");
  CtId id = pg_device_add (device, "Nordwind", "south"), new_device = ct_id_new (ct_time_now ());
  CtHash shared = device->last, wrong = ct_hash ("x", 1);
  g_autoptr (CtVerdict) verdict = NULL;
  g_autoptr (GError) error = NULL;

  applies (device, &id, "\"city\":[\"\",\"Riga\"]");
  g_assert_false (ct_push_fork (device->session, &device->id, 1, &wrong, &new_device, NULL, &error));
  g_clear_error (&error);
  g_assert_false (ct_push_fork (thief->session, &device->id, 1, &shared, &new_device, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  g_assert_true (ct_push_fork (device->session, &device->id, 1, &shared, &new_device, NULL, &error));
  g_assert_no_error (error);
  /* its queue was made as the old device: the intents stay as they are */
  {
    g_autofree char *intent = NULL;
    CtId old = device->id;

    device->n = 1;
    device->last = shared;
    intent = pg_device_intent (device, "d.edit");
    device->id = new_device;
    verdict = ct_push (device->session, &device->id, 2, intent, "[]", NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
    g_assert_false (ct_id_equal (&old, &new_device));
  }
}

static CtId
fork_off (PgDevice *device)
{
  CtId fork = ct_id_new (ct_time_now ());
  g_autoptr (GError) error = NULL;

  ct_push_fork (device->session, &device->id, device->n, &device->last, &fork, NULL, &error);
  g_assert_no_error (error);
  return fork;
}

static void
assert_no_fork (PgDevice *device, const char *why)
{
  CtId fork = ct_id_new (ct_time_now ());
  g_autoptr (GError) error = NULL;

  ct_push_fork (device->session, &device->id, device->n, &device->last, &fork, NULL, &error);
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, why));
}

static void
change_device (CtSession *root, const CtId *device, const char *set)
{
  g_autofree char *id = ct_id_to_string (device);
  g_autofree char *sql = g_strdup_printf ("UPDATE sync.devices SET %s WHERE id = '%s'", set, id);

  g_assert_true (ct_session_run (root, NULL, NULL, sql, ""));
}

static gint64
standing (const PgDevice *device)
{
  g_auto (CtGreeting) greeting = { 0 };

  g_assert_true (ct_greeting_ask (device->session, &device->id, &greeting, NULL, NULL));
  return greeting.standing;
}

/* Who revokes a device need not know of its copies: what has no key of its own goes with it, forks of forks as well. */
static void
test_revoked_fork (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autoptr (CtVerdict) verdict = NULL;
  g_autoptr (GError) error = NULL;
  CtId old = device->id;

  pg_device_add (device, "Nordwind", "south");
  device->id = fork_off (device);
  device->id = fork_off (device);
  pg_device_add (device, "Ostwind", "south");

  change_device (root, &old, "revoked_at = 1");
  g_assert_null (pg_device_push (device, "d.edit", "[]", &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "an administrator enrols this one"));
  g_assert_cmpint (standing (device), ==, -1);
  assert_no_fork (device, "not enrolled");

  change_device (root, &device->id, "public_key = sha256('own')");
  g_assert_cmpint (standing (device), ==, device->n);
  verdict = pg_device_push_ok (device, "d.edit", "[]");
  fork_off (device);
}

/* Nobody makes more of them than an administrator can oversee. */
static void
test_many_forks (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "vera");
  g_autoptr (PgDevice) other = pg_device_new (server, DB, "ben");
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");

  for (int i = 0; i < 25; i++) {
    fork_off (device);
    device->id = fork_off (device);
  }
  assert_no_fork (device, "server revoke-device");
  fork_off (other);
  change_device (root, &device->id, "public_key = sha256('own')");
  fork_off (device);
}

/* Calls that are no commands: nothing of them is stored. */
static void
test_malformed (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna"), other = pg_device_new (server, DB, "ben");
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autofree char *intent = pg_device_intent (device, "d.edit"),
                  *foreign = pg_device_intent (other, "d.edit");
  g_autofree char *long_text = g_strnfill (300000, ' ');
  g_autofree char *long_intent = g_strconcat (intent, long_text, NULL);
  g_autofree char *gap = NULL, *revoke = NULL, *id = ct_id_to_string (&device->id);
  struct {
    const char *intent, *changes;
    gint64 n;
    const CtId *device;
    const char *state;
  } cases[] = {
    { "{}", "[]", 1, &device->id, "CT004" },        { "no json", "[]", 1, &device->id, "CT004" },
    { "[]", "[]", 1, &device->id, "CT004" },        { intent, "{}", 1, &device->id, "CT004" },
    { long_intent, "[]", 1, &device->id, "CT004" }, { foreign, "[]", 1, &device->id, "CT004" },
    { intent, "[]", 2, &device->id, "CT003" },      { intent, "[]", -1, &device->id, "CT004" },
    { foreign, "[]", 1, &other->id, "CT002" },
  };
  gint64 before = pg_number (root, "SELECT count(*) FROM sync.outcomes");

  device->n = 1;
  gap = pg_device_intent (device, "d.edit");
  cases[6].intent = gap;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("case %u", i);
    g_assert_null (ct_push (device->session, cases[i].device, cases[i].n, cases[i].intent, cases[i].changes,
                            NULL, &error));
    g_assert_cmpstr (ct_session_last_state (device->session), ==, cases[i].state);
  }
  revoke = g_strdup_printf ("UPDATE sync.devices SET revoked_at = 1 WHERE id = '%s'", id);
  g_assert_true (ct_session_run (root, NULL, NULL, revoke, ""));
  g_assert_null (ct_push (device->session, &device->id, 1, intent, "[]", NULL, NULL));
  g_assert_cmpstr (ct_session_last_state (device->session), ==, "CT002");
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM sync.outcomes"), ==, before);
}

/* A command that the device withdrew keeps the chain whole, and leaves a leaf. */
static void
test_withdrawn (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");
  g_autoptr (CtVerdict) verdict = pg_device_push_ok (device, "d.edit", NULL);

  g_assert_cmpint (verdict->kind, ==, CT_PUSH_REJECTED);
  g_assert_cmpstr (verdict->code, ==, "withdrawn");
  g_assert_false (ct_id_is_nil (&verdict->leaf));
  pg_device_add (device, "After it", "south");
}

/* Lock timeouts and deadlocks are raised again: nothing is stored, and the repeat is the first. */
static void
test_transient (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres"),
                        holder = pg_server_login (server, DB, "postgres");
  CtId id = pg_device_add (device, "Nordwind", "south");
  g_autofree char *text = ct_id_to_string (&id), *hold = NULL, *outcomes = NULL, *changes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (CtVerdict) verdict = NULL;

  hold = g_strdup_printf ("BEGIN; SELECT FROM app.distributors WHERE id = '%s' FOR UPDATE", text);
  outcomes = g_strdup ("SELECT count(*) FROM sync.outcomes");
  changes = change (&id, "update", "\"city\":[\"\",\"Riga\"]");
  g_assert_true (ct_session_run (
      root, NULL, NULL,
      "ALTER FUNCTION api.apply(uuid, bigint, text, jsonb, bigint[]) SET lock_timeout = '100ms'", ""));
  g_assert_true (ct_session_script (holder, hold, NULL, NULL));
  gint64 before = pg_number (root, outcomes);
  g_assert_null (pg_device_push (device, "d.edit", changes, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
  g_assert_cmpstr (ct_session_last_state (device->session), ==, "55P03");
  g_assert_cmpint (pg_number (root, outcomes), ==, before);
  /* the gate at commit as well */
  g_assert_true (
      ct_session_script (holder, "ROLLBACK; BEGIN; LOCK TABLE sync.gate IN EXCLUSIVE MODE", NULL, NULL));
  g_assert_true (
      ct_session_run (root, NULL, NULL, "ALTER FUNCTION sync.stamp() SET lock_timeout = '100ms'", ""));
  g_clear_error (&error);
  g_assert_null (pg_device_push (device, "d.edit", changes, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
  g_assert_true (ct_session_script (holder, "ROLLBACK", NULL, NULL));
  verdict = pg_device_push_ok (device, "d.edit", changes);
  g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
  g_assert_true (ct_session_script (
      root,
      "ALTER FUNCTION api.apply(uuid, bigint, text, jsonb, bigint[]) SET lock_timeout = '5s';"
      "ALTER FUNCTION sync.stamp() SET lock_timeout = '5s'",
      NULL, NULL));
}

/* The line is cut after the commit: the client does not know, asks again, and hears what was stored. */
static void
test_lost_answer (void)
{
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");
  g_autoptr (PgProxy) proxy = pg_proxy_start (server);
  g_autofree char *address = pg_proxy_address (proxy, DB, "anna"), *rev = NULL, *changes = NULL,
                  *intent = NULL;
  CtId id = pg_device_add (device, "Nordwind", "south");
  g_autoptr (CtSession) line = NULL;
  g_autoptr (CtVerdict) verdict = NULL;
  g_autoptr (GError) error = NULL;

  changes = change (&id, "update", "\"city\":[\"\",\"Riga\"]");
  intent = pg_device_intent (device, "d.edit");
  line = ct_session_open (address, NULL, &error);
  g_assert_no_error (error);
  pg_proxy_swallow_answers (proxy, "api.apply");
  g_assert_null (ct_push (line, &device->id, 2, intent, changes, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
  rev = column_of (device->session, &id, "city || rev");
  g_assert_cmpstr (rev, ==, "Riga2");
  verdict = ct_push (device->session, &device->id, 2, intent, changes, NULL, NULL);
  g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
  g_clear_pointer (&rev, g_free);
  rev = column_of (device->session, &id, "city || rev");
  g_assert_cmpstr (rev, ==, "Riga2");
}

/* One leaf for each command that was settled, in canonical form, hashed as the log hashes. */
static void
test_leaves (void)
{
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autoptr (CtAnswer) leaves = NULL;
  g_autoptr (GError) error = NULL;
  guint applied = 0, rejected = 0;

  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM audit.leaves"), >, 0);
  g_assert_cmpint (pg_number (root,
                              "SELECT count(*) FROM sync.outcomes o FULL JOIN audit.leaves l"
                              " ON l.ev_id = (o.answer ->> 'leaf')::uuid WHERE l.ev_id IS NULL OR o.n IS NULL"
                              " AND l.leaf::jsonb ->> 'action' NOT IN ('server.people', 'device.enrol')"),
                   ==, 0);
  g_assert_cmpint (
      pg_number (root,
                 "SELECT count(*) FROM audit.leaves l JOIN sync.txn t USING (tid) WHERE t.number IS NULL"),
      ==, 0);
  leaves =
      ct_session_query (root, NULL, &error,
                        "SELECT l.leaf, encode(l.leaf_sha256, 'hex'), o.answer ->> 'outcome', d.field,"
                        " encode(d.salt, 'hex'), d.value, encode(coalesce(r.entries, audit.shown(r.parts, "
                        "ARRAY(SELECT id FROM sync.scopes))), 'hex') FROM audit.leaves l"
                        " JOIN sync.outcomes o ON l.ev_id = (o.answer ->> 'leaf')::uuid"
                        " LEFT JOIN audit.disclosures d USING (ev_id) LEFT JOIN audit.rows r USING (ev_id)",
                        "");
  g_assert_no_error (error);
  for (int i = 0; i < ct_answer_rows (leaves); i++) {
    const char *text = ct_answer_text (leaves, i, 0), *field = ct_answer_text (leaves, i, 3);
    gboolean was_applied = g_str_equal (ct_answer_text (leaves, i, 2), "applied");
    CtHash hash = ct_log_leaf_hash (text, strlen (text));
    g_autofree char *hex = ct_hash_to_hex (&hash);
    CtLeaf leaf;

    g_assert_true (ct_leaf_scan (&leaf, text, strlen (text), &error));
    g_assert_no_error (error);
    g_assert_cmpstr (hex, ==, ct_answer_text (leaves, i, 1));
    *(was_applied ? &applied : &rejected) += 1;
    g_assert_cmpint ((leaf.parts & CT_LEAF_ROWS) != 0, ==, ct_answer_text (leaves, i, 6) != NULL);
    if (field) {
      guint8 salt[CT_LOG_SALT_SIZE];
      const char *digits = ct_answer_text (leaves, i, 4);
      const CtCommitment *commitment = ct_leaf_commitment (&leaf, field);

      for (guint b = 0; b < sizeof salt; b++)
        salt[b] =
            (guint8) (g_ascii_xdigit_value (digits[2 * b]) << 4 | g_ascii_xdigit_value (digits[2 * b + 1]));
      hash = ct_log_disclosure_hash (field, salt, sizeof salt, ct_answer_text (leaves, i, 5));
      g_assert_nonnull (commitment);
      g_assert_true (ct_hash_equal (&hash, &commitment->hash));
      g_assert_cmpstr (field, ==, was_applied ? "changes" : "reason");
    }
  }
  g_assert_cmpuint (applied, >, 10);
  g_assert_cmpuint (rejected, >, 10);
}

/* A further table is data: a table, its scopes, one call. Parents and children come in any order. */
static void
test_second_table (void)
{
  static const char script[] =
      "SET ROLE tower_owner;"
      "CREATE TABLE app.memos (id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL,"
      "  updated_at bigint NOT NULL, distributor_id uuid NOT NULL REFERENCES app.distributors DEFERRABLE "
      "INITIALLY DEFERRED,"
      "  text text NOT NULL, digest bytea, weight double precision, scopes integer[] NOT NULL);"
      "CREATE FUNCTION app.memos_scopes(m app.memos) RETURNS text[] LANGUAGE sql STABLE SET search_path = "
      "pg_catalog, pg_temp"
      "  AS $$ SELECT ARRAY['all'] $$;"
      "SELECT sync.register(9000::smallint, 'memos', 'memo', NULL, '{}'); RESET ROLE";
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");
  CtId parent = ct_id_new (ct_time_now ()), child = ct_id_new (ct_time_now ());
  g_autofree char *p = ct_id_to_string (&parent), *c = ct_id_to_string (&child), *hex = NULL, *row = NULL;
  g_autofree char *add = NULL, *drop = NULL, *both = NULL;
  g_auto (GStrv) parts = g_strsplit (p, "-", -1);
  g_autoptr (CtVerdict) verdict = NULL;
  g_autoptr (GError) error = NULL;

  ct_session_script (root, script, NULL, &error);
  g_assert_no_error (error);
  hex = g_strjoinv ("", parts);
  add = g_strdup_printf (
      "[{\"table\":\"memos\",\"id\":\"%s\",\"op\":\"insert\",\"columns\":{\"distributor_id\":[null,\"%s\"],"
      "\"text\":[null,\"hello\"],\"digest\":[null,\"00ff\"],\"weight\":[null,0.1]}},"
      "{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"insert\",\"columns\":{\"legal_name\":[null,\"P\"],"
      "\"currency\":[null,\"EUR\"]}}]",
      c, hex, p);
  drop = g_strdup_printf ("[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"delete\",\"columns\":{}}]", p);
  both = g_strdup_printf (
      "[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"delete\",\"columns\":{}},"
      "{\"table\":\"memos\",\"id\":\"%s\",\"op\":\"delete\",\"columns\":{\"distributor_id\":[\"%s\",null],"
      "\"text\":[\"hello\",null],\"digest\":[\"00ff\",null],\"weight\":[0.1,null]}}]",
      p, c, hex);
  verdict = pg_device_push_ok (device, "m.edit", add);
  g_assert_cmpstr (verdict->reason, ==, NULL);
  row = pg_text (device->session, "SELECT text || rev || encode(digest, 'hex') || weight FROM api.memos");
  g_assert_cmpstr (row, ==, "hello100ff0.1");
  g_clear_pointer (&verdict, ct_verdict_free);
  verdict = pg_device_push_ok (device, "m.edit", drop);
  g_assert_cmpstr (verdict->code, ==, "invalid");
  g_clear_pointer (&verdict, ct_verdict_free);
  verdict = pg_device_push_ok (device, "m.edit", both);
  g_assert_cmpstr (verdict->reason, ==, NULL);
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM sync.entry WHERE tbl = 9000 AND gone"), ==, 1);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  server = pg_server_start ();
  pg_server_create (server, DB, NULL);
  g_test_add_func ("/pg/apply/stamps", test_stamps);
  g_test_add_func ("/pg/apply/compare-and-set", test_compare_and_set);
  g_test_add_func ("/pg/apply/policy", test_policy);
  g_test_add_func ("/pg/apply/scopes", test_scopes);
  g_test_add_func ("/pg/apply/repeat-and-fork", test_repeat_and_fork);
  g_test_add_func ("/pg/apply/fork-goes-on", test_fork_goes_on);
  g_test_add_func ("/pg/apply/revoked-fork", test_revoked_fork);
  g_test_add_func ("/pg/apply/many-forks", test_many_forks);
  g_test_add_func ("/pg/apply/malformed", test_malformed);
  g_test_add_func ("/pg/apply/withdrawn", test_withdrawn);
  g_test_add_func ("/pg/apply/transient", test_transient);
  g_test_add_func ("/pg/apply/lost-answer", test_lost_answer);
  g_test_add_func ("/pg/apply/second-table", test_second_table);
  g_test_add_func ("/pg/apply/leaves", test_leaves);
  result = g_test_run ();
  pg_server_stop (server);
  return result;
}
