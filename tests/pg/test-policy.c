/* Every role × command × table × operation of schema/policy.json for the tables that the server has: the server lets
 * exactly that happen which the check in C lets happen. */
#include "pg-device.h"
#include "ct-config.h"
#include "ct-policy.h"

#include <string.h>

#define DB "policy"

static PgServer *server;
static CtPolicy *policy;
static JsonObject *file; /* schema/policy.json */

static const char *const roles[] = { "viewer", "sales",   "accounting", "logistics",
                                     "legal",  "partner", "admin",      "agent" };

#define HASH     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DOCUMENT "\"name\":[null,\"UNIQUE\"],\"body\":[null,\"{}\"]"

/* A row of each table: what a change that adds one must name. */
static const struct {
  const char *table;
  const char
      *columns; /* UUID:TABLE: a row that is there, FRESH:TABLE: one made for it, UNIQUE, NUMBER, HEX: given
                        * once, ROLE: who asks, HASH: any */
} makes[] = {
  { "distributors", "\"legal_name\":[null,\"A\"],\"currency\":[null,\"EUR\"]" },
  { "products", "\"sku\":[null,\"UNIQUE\"],\"name\":[null,\"A\"]" },
  { "orders", "\"distributor_id\":[null,\"UUID:distributors\"],\"currency\":[null,\"EUR\"]" },
  { "order_lines", "\"order_id\":[null,\"UUID:orders\"],\"position\":[null,NUMBER],\"sku\":[null,\"A\"],"
                   "\"quantity_milli\":[null,1],\"unit_price_minor\":[null,0],\"total_minor\":[null,0]" },
  { "contacts", "\"distributor_id\":[null,\"UUID:distributors\"],\"name\":[null,\"A\"]" },
  { "invoices", "\"order_id\":[null,\"UUID:orders\"],\"distributor_id\":[null,\"UUID:distributors\"],"
                "\"amount_minor\":[null,100],\"currency\":[null,\"EUR\"]" },
  { "shipments", "\"order_id\":[null,\"UUID:orders\"]" },
  { "shipment_events",
    "\"shipment_id\":[null,\"UUID:shipments\"],\"kind\":[null,\"A\"],\"happened_at\":[null,1]" },
  { "documents", "\"distributor_id\":[null,\"UUID:distributors\"],\"kind\":[null,\"A\"]" },
  { "task_notes", "\"subject_type\":[null,\"task\"],\"subject_id\":[null,\"UUID:follow_up_tasks\"],"
                  "\"text\":[null,\"A\"]" },
  { "calendars", DOCUMENT },
  { "sla_policies", DOCUMENT ",\"position\":[null,1]" },
  { "rules", DOCUMENT },
  { "agent_profiles", DOCUMENT },
  { "routes", DOCUMENT ",\"position\":[null,1]" },
  { "templates", DOCUMENT ",\"kind\":[null,\"A\"]" },
  { "guardrails", DOCUMENT ",\"severity\":[null,\"warning\"]" },
  { "experiments", DOCUMENT },
  { "settings", "\"key\":[null,\"UNIQUE\"],\"value\":[null,\"A\"]" },
  { "channels", "\"name\":[null,\"UNIQUE\"],\"kind\":[null,\"slack\"],\"base_url\":[null,\"A\"]" },
  { "channel_destinations", "\"channel_id\":[null,\"UUID:channels\"],\"destination\":[null,\"UNIQUE\"]" },
  { "exceptions",
    "\"rule\":[null,\"UNIQUE\"],\"blocker\":[null,\"A\"],\"subject_type\":[null,\"order\"],"
    "\"subject_id\":[null,\"UUID:orders\"],\"subject\":[null,\"A\"],\"order_id\":[null,"
    "\"UUID:orders\"],\"score\":[null,1],\"severity\":[null,\"low\"],\"owner\":[null,\"ROLE\"]" },
  { "exception_episodes",
    "\"exception_id\":[null,\"UUID:exceptions\"],\"episode\":[null,NUMBER],\"opened_at\":[null,"
    "1],\"ended_at\":[null,2],\"ended_as\":[null,\"closed\"],\"score\":[null,1],"
    "\"evidence\":[null,\"[]\"]" },
  { "follow_up_tasks", "\"exception_id\":[null,\"UUID:exceptions\"],\"order_id\":[null,\"UUID:orders\"],"
                       "\"assigned_agent\":[null,\"A\"],\"human_owner\":[null,\"ROLE\"],\"status\":[null,"
                       "\"scheduled\"]" },
  { "task_channels",
    "\"task_id\":[null,\"UUID:follow_up_tasks\"],\"position\":[null,1],\"channel\":[null,\"A\"],"
    "\"destination\":[null,\"UNIQUE\"]" },
  { "sellers", "\"name\":[null,\"UNIQUE\"],\"marketplace\":[null,\"A\"]" },
  { "customers", "\"seller_id\":[null,\"UUID:sellers\"],\"external_ref\":[null,\"UNIQUE\"]" },
  { "interactions",
    "\"seller_id\":[null,\"UUID:sellers\"],\"marketplace\":[null,\"A\"],\"kind\":[null,\"chat\"],"
    "\"external_ref\":[null,\"UNIQUE\"],\"text\":[null,\"A\"],\"received_at\":[null,1]" },
  { "sla_events",
    "\"subject_type\":[null,\"task\"],\"subject_id\":[null,\"UUID:follow_up_tasks\"],\"target\":[null,"
    "\"resolution\"],\"instance\":[null,1],\"event\":[null,\"STEP\"]" },
  { "people", "\"login\":[null,\"UNIQUE\"]" },
  { "person_roles", "\"person_id\":[null,\"FRESH:people\"],\"role\":[null,\"sales\"]" },
  { "absences", "\"person_id\":[null,\"UUID:people\"],\"starts_at\":[null,1],\"ends_at\":[null,9000000]" },
  { "delegations", "\"person_id\":[null,\"UUID:people\"],\"delegate_id\":[null,\"FRESH:people\"],"
                   "\"starts_at\":[null,1],\"ends_at\":[null,9000000]" },
  { "articles", "\"title\":[null,\"A\"],\"body\":[null,\"A\"]" },
  { "exchange_rates", "\"base\":[null,\"EUR\"],\"quote\":[null,\"USD\"],\"rate_millionths\":[null,1],"
                      "\"dated_on\":[null,\"2026-01-01\"]" },
  { "ai_outputs", "\"task_id\":[null,\"UUID:follow_up_tasks\"],\"revision\":[null,NUMBER],\"kind\":[null,"
                  "\"channel_post\"],\"text\":[null,\"A\"],\"provider\":[null,\"A\"],\"model\":[null,\"A\"],"
                  "\"prompt_version\":[null,\"A\"],\"confidence\":[null,1],\"author\":[null,\"A\"]" },
  { "proposed_actions", "\"task_id\":[null,\"UUID:follow_up_tasks\"],\"action\":[null,\"A\"]" },
  { "approvals",
    "\"task_id\":[null,\"UUID:follow_up_tasks\"],\"output_id\":[null,\"UUID:ai_outputs\"],\"owner\":"
    "[null,\"ROLE\"],\"channel\":[null,\"A\"],\"destination\":[null,\"A\"],\"wire\":[null,\"00\"],"
    "\"payload_sha256\":[null,\"HASH\"],\"context\":[null,\"{}\"],\"context_sha256\":[null,\"HASH\"],"
    "\"expires_at\":[null,1],\"nonce\":[null,\"HEX\"],\"signature\":[null,\"HASHHASH\"],"
    "\"decided_by\":[null,\"A\"]" },
  { "outbox", "\"approval_id\":[null,\"FRESH:approvals\"],\"task_id\":[null,\"UUID:follow_up_tasks\"],"
              "\"channel\":[null,\"A\"],\"destination\":[null,\"A\"],\"wire\":[null,\"00\"],"
              "\"payload_sha256\":[null,\"HASH\"],\"approver\":[null,\"A\"],\"ready_at\":[null,1]" },
  { "delivery_attempts",
    "\"post_id\":[null,\"UUID:outbox\"],\"attempt\":[null,NUMBER],\"outcome\":[null,\"A\"]" },
  { "replies", "\"task_id\":[null,\"UUID:follow_up_tasks\"],\"channel\":[null,\"A\"],"
               "\"external_message_id\":[null,\"UNIQUE\"],\"text\":[null,\"A\"],\"received_at\":[null,1]" },
};

/* What columns hold that take no other text. */
static const struct {
  const char *column, *value;
} special[] = {
  { "currency", "\"USD\"" },
  { "value_band", "\"A\"" },
  { "channel_preferences", "\"[1]\"" },
  { "quantity_milli", "5000" },
  { "discount_bp", "5000" },
  { "unit_price_minor", "1" }, /* of next to nothing, so that lines come to nothing whatever is changed */
  { "total_minor", "0" },
  { "proof_of_delivery", "1" },
  { "exceptions.severity", "\"high\"" },
  { "score", "50" },
  { "evidence", "\"[1]\"" },
  { "body", "\"[1]\"" },
  { "severity", "\"error\"" },
  { "enabled", "0" },
  { "approval_currency", "\"USD\"" },
  { "signature", "\"" HASH HASH "\"" },
};

static CtId
nth_id (guint i)
{
  CtId id = { { 1, 2, 3, 4, 5, 6, 0x40, 8, 0x80 } };

  memcpy (id.bytes + 12, &i, sizeof i);
  return id;
}

static char *
id_text (guint i)
{
  CtId id = nth_id (i);

  return ct_id_to_string (&id);
}

static int
make_of (const char *table)
{
  for (guint i = 0; i < G_N_ELEMENTS (makes); i++)
    if (g_str_equal (makes[i].table, table))
      return (int) i;
  return -1;
}

static guint made;       /* rows so far */
static const char *team; /* that owns what is made */
static CtSession *owner; /* makes what is there, past the policy */
static const char *step; /* what the command may write into the ledger of clocks */

static void put_row (CtSession *root, int make, const char *id, const char *column, const char *state);

/* Each FRESH:TABLE becomes a row of that table, made for this one. */
static void
replace_fresh (GString *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (makes); i++) {
    g_autofree char *mark = g_strdup_printf ("\"FRESH:%s\"", makes[i].table), *id = NULL, *value = NULL;
    CtId key = ct_id_new (ct_time_now ());

    if (!strstr (text->str, mark))
      continue;
    id = ct_id_to_string (&key);
    put_row (owner, (int) i, id, NULL, NULL);
    value = g_strdup_printf ("\"%s\"", id);
    g_string_replace (text, mark, value, 0);
  }
}

/* The columns of a new row, its parents being the first rows of their tables; @guarded: (nullable): a state to begin in */
static char *
insert_columns (int make, const char *column, const char *state)
{
  g_autoptr (GString) text = g_string_new (makes[make].columns);
  g_autofree char *number = g_strdup_printf ("%u", ++made), *hex = g_strdup_printf ("%032x", made);

  replace_fresh (text);
  for (guint i = 0; i < G_N_ELEMENTS (makes); i++) {
    g_autofree char *mark = g_strdup_printf ("UUID:%s", makes[i].table), *parent = id_text (i);

    g_string_replace (text, mark, parent, 0);
  }
  g_string_replace (text, "NUMBER", number, 0);
  g_string_replace (text, "UNIQUE", number, 0);
  g_string_replace (text, "HEX", hex, 0);
  g_string_replace (text, "HASH", HASH, 0);
  g_string_replace (text, "ROLE", team, 0);
  g_string_replace (text, "STEP", step, 0);
  if (column)
    g_string_append_printf (text, ",\"%s\":[null,\"%s\"]", column, state);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
change_text (const char *table, const char *id, const char *operation, const char *columns)
{
  return g_strdup_printf ("[{\"table\":\"%s\",\"id\":\"%s\",\"op\":\"%s\",\"columns\":{%s}}]", table, id,
                          operation, columns);
}

/* A row that stands there for one change: made by the owner, past the policy. */
static void
put_row (CtSession *root, int make, const char *text, const char *column, const char *state)
{
  g_autofree char *columns = insert_columns (make, column, state);
  g_autofree char *change = change_text (makes[make].table, text, "insert", columns);
  g_autofree char *sql = g_strdup_printf (
      "DELETE FROM app.%1$s WHERE id = '%2$s';"
      "SELECT sync.carry_out(t, (c ->> 'id')::uuid, 'insert', sync.change_columns(t.id, c -> 'columns'))"
      " FROM jsonb_array_elements('%3$s') c JOIN sync.tables t ON t.name = '%1$s'",
      makes[make].table, text, change);
  g_autoptr (GError) error = NULL;

  ct_session_script (root, sql, NULL, &error);
  g_assert_no_error (error);
}

/* One cell: who, what, on which table. */
typedef struct {
  CtSession *root;
  PgDevice *device;
  GPtrArray *roles; /* (unowned): the one */
  gboolean may;     /* it may run the command */
  gboolean first; /* the first that may write the table so: columns and steps are the same for all of them */
  const char *command;
  int make;
} Cell;

static guint cells, allowed;

/* Updates that the policy refuses whoever asks, for sync.refusal() itself: to ask api.apply for each of the thousands of
 * steps that no command takes would take minutes, and it asks nobody else. */
static GString *refused_later;

static void
refuse_later (const Cell *cell, const char *id, const char *columns)
{
  g_string_append_printf (
      refused_later, "%s{\"command\":\"%s\",\"table\":\"%s\",\"id\":\"%s\",\"columns\":{%s}}",
      refused_later->len > 1 ? "," : "", cell->command, makes[cell->make].table, id, columns);
  cells++;
}

static void
refuse_all (CtSession *root)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAnswer) answer = NULL;

  g_string_append_c (refused_later, ']');
  answer = ct_session_query (
      root, NULL, &error,
      "SELECT e FROM jsonb_array_elements($1::text::jsonb) e WHERE sync.refusal(e ->> 'command',"
      " e ->> 'table', (e ->> 'id')::uuid, 'update', e -> 'columns') IS NULL",
      "s", refused_later->str);
  g_assert_no_error (error);
  for (int i = 0; i < ct_answer_rows (answer); i++)
    g_error ("C refuses, SQL allows: %s", ct_answer_text (answer, i, 0));
  g_string_assign (refused_later, "[");
}

/* What the check in C says of the same change. */
static gboolean
c_allows (const Cell *cell, char operation, const char *column, const char *before, const char *after)
{
  const char *columns[] = { column ? column : "source" };
  CtValue from = { .type = before ? 't' : 'n', .data = before, .length = before ? strlen (before) : 0 };
  CtValue to = { .type = after ? 't' : 'n', .data = after, .length = after ? strlen (after) : 0 };
  CtChange change = { .table = makes[cell->make].table,
                      .operation = operation,
                      .n_columns = column ? 1 : 0,
                      .columns = columns,
                      .before = &from,
                      .after = &to };

  return cell->may && ct_policy_check_change (policy, cell->command, cell->roles, &change, NULL);
}

/* The steps of a column that the command lists, or the one that it acts as. */
static JsonArray *
steps_of (const Cell *cell, JsonObject *rule, const char *column)
{
  const char *as = ct_json_string (rule ? ct_json_object (rule, "as") : NULL, "update", NULL);
  JsonObject *one = as ? ct_json_object (ct_json_object (file, as), "writes") : NULL;

  one = one ? ct_json_object (one, makes[cell->make].table) : NULL;
  return rule && ct_json_array (rule, column) ? ct_json_array (rule, column)
         : one                                ? ct_json_array (one, column)
                                              : NULL;
}

/* (transfer full): the key of a row to change; it is there only where the change should be carried out */
static char *
row_for (const Cell *cell, gboolean needed, const char *column, const char *state)
{
  char *row = id_text (100 + (guint) cell->make);

  if (needed)
    put_row (cell->root, cell->make, row, column, state);
  return row;
}

static void
try (const Cell *cell, const char *change, gboolean expected)
{
  g_autoptr (CtVerdict) verdict = pg_device_push_ok (cell->device, cell->command, change);

  cells++;
  allowed += expected ? 1 : 0;
  if (expected ? verdict->kind != CT_PUSH_APPLIED : g_strcmp0 (verdict->code, "refused") != 0)
    g_error ("%s as %s %s: %s, where C %s it", cell->command, team, change, verdict->reason,
             expected ? "allows" : "refuses");
}

static void
try_insert (const Cell *cell, const char *column, const char *state)
{
  CtId key = ct_id_new (ct_time_now ());
  g_autofree char *id = ct_id_to_string (&key), *columns = insert_columns (cell->make, column, state);
  g_autofree char *change = change_text (makes[cell->make].table, id, "insert", columns);

  try (cell, change, c_allows (cell, 'i', column, NULL, state));
}

static void
try_delete (const Cell *cell)
{
  gboolean expected = c_allows (cell, 'd', NULL, NULL, NULL);
  g_autofree char *id = row_for (cell, expected, NULL, NULL);
  g_autofree char *change = change_text (makes[cell->make].table, id, "delete", "");

  try (cell, change, expected);
}

static char *
new_value (const char *table, const char *column, const char *type)
{
  g_autofree char *name = g_strconcat (table, ".", column, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (special); i++)
    if (g_str_equal (special[i].column, name) || g_str_equal (special[i].column, column))
      return g_strdup (special[i].value);
  if (g_str_equal (type, "bigint"))
    return g_strdup_printf ("%u", 1000 + ++made);
  if (g_str_equal (type, "bytea"))
    return g_strdup ("\"" HASH "\"");
  if (g_str_equal (type, "date"))
    return g_strdup ("\"2026-03-01\"");
  return g_strdup_printf ("\"%u\"", ++made);
}

/* One column of one row, with the value that it has now as the old one. */
static void
try_update (const Cell *cell, const char *column, const char *type)
{
  gboolean expected = c_allows (cell, 'u', column, "a", "b");
  g_autofree char *id = row_for (cell, expected, NULL, NULL), *sql = NULL, *now = NULL;
  g_autofree char *value = new_value (makes[cell->make].table, column, type), *columns = NULL, *change = NULL;

  sql =
      g_strdup_printf ("SELECT replace(coalesce((SELECT to_jsonb(r) -> '%s' FROM app.%s r WHERE id = '%s'), "
                       "'null')::text, '\\\\x', '')",
                       column, makes[cell->make].table, id);
  now = expected ? pg_text (cell->root, sql) : g_strdup ("null");
  columns = g_strdup_printf ("\"%s\":[%s,%s]", column, now, g_str_equal (type, "uuid") ? now : value);
  if (!expected && cell->first) {
    refuse_later (cell, id, columns);
    return;
  }
  change = change_text (makes[cell->make].table, id, "update", columns);
  try (cell, change, expected);
}

static void
try_step (const Cell *cell, const char *column, const char *from, const char *to)
{
  gboolean expected = c_allows (cell, 'u', column, from, to);
  g_autofree char *id = row_for (cell, expected, column, from), *columns = NULL, *change = NULL;

  columns = g_strdup_printf ("\"%s\":[\"%s\",\"%s\"]", column, from, to);
  if (!expected && cell->may) {
    refuse_later (cell, id, columns);
    return;
  }
  change = change_text (makes[cell->make].table, id, "update", columns);
  try (cell, change, expected);
}

/* The states that a column may have: those of its check. */
static GPtrArray *
states_of (CtSession *root, const char *table, const char *column)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT m[1] FROM pg_constraint c, regexp_matches(pg_get_constraintdef(c.oid), "
                       "'''([a-z_]+)''::text', 'g') m"
                       " WHERE c.conrelid = 'app.%s'::regclass AND c.contype = 'c' AND "
                       "pg_get_constraintdef(c.oid) LIKE '%%(%s = ANY%%'",
                       table, column);
  g_autoptr (CtAnswer) answer = ct_session_query (root, NULL, NULL, sql, "");
  GPtrArray *states = g_ptr_array_new_with_free_func (g_free);

  for (int i = 0; i < ct_answer_rows (answer); i++)
    g_ptr_array_add (states, g_strdup (ct_answer_text (answer, i, 0)));
  g_assert_cmpuint (states->len, >, 1);
  return states;
}

static void
try_states (const Cell *cell, const char *column, gboolean inserts)
{
  g_autoptr (GPtrArray) states = states_of (cell->root, makes[cell->make].table, column);

  for (guint from = 0; from < states->len; from++) {
    for (guint to = 0; to < states->len; to++)
      if (from != to)
        try_step (cell, column, states->pdata[from], states->pdata[to]);
    if (inserts)
      try_insert (cell, column, states->pdata[from]);
  }
}

/* All columns that a command gives, one by one; those with listed steps from each state to each. */
static void
try_columns (const Cell *cell, JsonObject *rule, CtAnswer *columns)
{
  gboolean inserts = ct_json_bool (rule, "insert", FALSE);

  for (int i = 0; i < ct_answer_rows (columns); i++) {
    const char *column = ct_answer_text (columns, i, 1);

    if (!g_str_equal (ct_answer_text (columns, i, 0), makes[cell->make].table))
      continue;
    if (steps_of (cell, rule, column)) {
      if (cell->first)
        try_states (cell, column, inserts);
    } else if (!g_str_has_suffix (column, "status") && !g_str_has_suffix (column, "state")) {
      try_update (cell, column, ct_answer_text (columns, i, 2));
    }
  }
}

/* What the policy says of columns it says for every role that may: for the others one of them will do. */
static void
try_first_column (const Cell *cell, JsonObject *rule, CtAnswer *columns)
{
  JsonArray *may = ct_json_array (rule, "update");
  const char *column = may ? json_array_get_string_element (may, json_array_get_length (may) - 1) : NULL;

  for (int i = 0; column && i < ct_answer_rows (columns); i++)
    if (g_str_equal (ct_answer_text (columns, i, 0), makes[cell->make].table) &&
        g_str_equal (ct_answer_text (columns, i, 1), column) && !steps_of (cell, rule, column))
      try_update (cell, column, ct_answer_text (columns, i, 2));
}

/* Whether this is the first role of all that may write the table by the command. */
static gboolean
is_first (const Cell *cell, GHashTable *walked)
{
  const char *table = makes[cell->make].table;

  return cell->may &&
         (ct_policy_may_write (policy, cell->command, table, 'i', cell->roles) ||
          ct_policy_may_write (policy, cell->command, table, 'u', cell->roles) ||
          ct_policy_may_write (policy, cell->command, table, 'd', cell->roles)) &&
         g_hash_table_add (walked, g_strconcat (cell->command, " ", table, NULL));
}

/* The first event that a command may write into the ledger, where it writes there. */
static const char *
first_step (JsonObject *rule)
{
  JsonArray *events = rule ? ct_json_array (rule, "event") : NULL;

  return events ? json_array_get_string_element (json_array_get_array_element (events, 0), 1) : "breach";
}

/* The tables that it writes, and one that it does not. */
static void
walk_command (Cell *cell, JsonObject *writes, CtAnswer *columns, GHashTable *walked)
{
  guint others = 0, refused = 0;

  for (guint m = 0; m < G_N_ELEMENTS (makes); m++) {
    JsonObject *rule = writes ? ct_json_object (writes, makes[m].table) : NULL;

    /* of tables that it does not write one will do; so it will where the role may not run it at all */
    if (rule ? !cell->may && refused++ : others++)
      continue;
    cell->make = (int) m;
    step = first_step (rule);
    cell->first = is_first (cell, walked);
    try_insert (cell, NULL, NULL);
    try_delete (cell);
    if (rule && cell->first)
      try_columns (cell, rule, columns);
    else if (rule && cell->may)
      try_first_column (cell, rule, columns);
    else
      try_update (cell, "created_at", "bigint");
  }
}

/* Row conditions that hold for all rows of the walk; those that don't have tests of their own. */
static gboolean
holds (const char *where, const char *role)
{
  static const char *const always[] = { "task_is_mine_or_my_teams", "exception_is_my_teams",
                                        "approval_is_my_teams", "post_is_my_teams", NULL };

  return !where || g_strv_contains (always, where) ||
         (g_str_equal (where, "service_works") && g_str_equal (role, "agent")) ||
         (g_str_equal (where, "absence_is_mine") && g_str_equal (role, "admin"));
}

static void
walk_role (CtSession *root, const char *role, CtAnswer *columns, GHashTable *walked)
{
  g_autofree char *login = g_strdup_printf ("walker_%s", role);
  g_autofree char *sql =
      g_strdup_printf ("INSERT INTO sync.grants SELECT '%1$s', (sync.scope_ids(ARRAY['all']))[1];"
                       "UPDATE app.exceptions SET owner = '%2$s';"
                       "UPDATE app.follow_up_tasks SET human_owner = '%2$s';"
                       "UPDATE app.approvals SET owner = '%2$s'",
                       login, role);
  g_autoptr (GPtrArray) own = g_ptr_array_new ();
  g_autoptr (PgDevice) device = NULL;
  g_autoptr (GList) commands = json_object_get_members (file);
  g_autoptr (GError) error = NULL;

  pg_server_let_in (root, login, role);
  ct_session_script (root, sql, NULL, &error);
  g_assert_no_error (error);
  team = role;
  device = pg_device_new (server, DB, login);
  g_ptr_array_add (own, (gpointer) role);
  for (GList *l = commands; l; l = l->next) {
    JsonObject *rule = json_object_get_object_member (file, l->data);
    Cell cell = { root, device, own, ct_policy_role_for (policy, l->data, own) != NULL, FALSE, l->data, 0 };

    if (!holds (ct_json_string (rule, "where", NULL), role))
      continue;
    walk_command (&cell, ct_json_object (rule, "writes"), columns, walked);
    refuse_all (root);
  }
}

/* The task that changes try to write has an approval, as tasks do that a decision touches. */
static void
add_approval_of_task (CtSession *root)
{
  int task = make_of ("follow_up_tasks");
  g_autofree char *row = id_text (100 + (guint) task), *approval = id_text (200), *sql = NULL;

  put_row (root, task, row, NULL, NULL);
  put_row (root, make_of ("approvals"), approval, NULL, NULL);
  sql = g_strdup_printf ("UPDATE app.approvals SET task_id = '%s' WHERE id = '%s'", row, approval);
  g_assert_true (ct_session_run (root, NULL, NULL, sql, ""));
}

static void
test_walk (void)
{
  g_autoptr (GHashTable) walked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAnswer) columns = ct_session_query (
      root, NULL, &error,
      "SELECT t.name, c.name, c.type FROM sync.columns c JOIN sync.tables t ON t.id = c.tbl"
      " WHERE c.kind IN ('data', 'parent', 'subject', 'derived', 'stamp') ORDER BY t.id, c.name",
      "");

  g_assert_no_error (error);
  /* what holds of approvals, posts, roles and clocks whatever the policy says has tests of its own: approvals.py, forged.py */
  ct_session_script (root,
                     "ALTER TABLE app.approvals DISABLE TRIGGER then_decide, DISABLE TRIGGER kept;"
                     "ALTER TABLE app.outbox DISABLE TRIGGER then_send, DISABLE TRIGGER kept;"
                     "ALTER TABLE app.channels DISABLE TRIGGER kept;"
                     "ALTER TABLE app.person_roles DISABLE TRIGGER backed;"
                     "ALTER TABLE app.sla_events DISABLE TRIGGER sla_events_check",
                     NULL, &error);
  g_assert_no_error (error);
  team = "sales";
  step = "breach";
  refused_later = g_string_new ("[");
  owner = root;
  for (guint m = 0; m < G_N_ELEMENTS (makes); m++) {
    g_autofree char *id = id_text (m);

    put_row (root, (int) m, id, NULL, NULL);
  }
  add_approval_of_task (root);
  for (guint r = 0; r < G_N_ELEMENTS (roles); r++)
    walk_role (root, roles[r], columns, walked);
  g_string_free (refused_later, TRUE);
  g_test_message ("%u cells, %u allowed", cells, allowed);
  g_assert_cmpuint (cells, >, 1000);
  g_assert_cmpuint (allowed, >, 100);
}

/* Row conditions that ask what is written: the columns as the server would get them, and whether they pass. */
static void
test_stop_only (void)
{
  static const struct {
    const char *key, *value;
    gboolean may;
  } cases[] = {
    { "delivery.stopped", "false", FALSE },
    { "time_zone", "true", FALSE },
    { "delivery.stopped", "true", TRUE },
  };
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autoptr (PgDevice) anna = pg_device_new (server, DB, "anna");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    CtId key = ct_id_new (ct_time_now ());
    g_autofree char *id = ct_id_to_string (&key), *change = NULL, *sql = NULL, *again = NULL;
    g_autofree char *columns =
        g_strdup_printf ("\"key\":[null,\"%s\"],\"value\":[null,\"%s\"]", cases[i].key, cases[i].value);
    g_autoptr (CtVerdict) verdict = NULL, update = NULL;

    change = change_text ("settings", id, "insert", columns);
    verdict = pg_device_push_ok (anna, "delivery.stop", change);
    g_assert_cmpstr (verdict->code, ==, cases[i].may ? NULL : "refused");
    sql = g_strdup_printf (
        "INSERT INTO app.settings (id, key, value) VALUES ('%s', '%s', 'x') ON CONFLICT (id) DO"
        " UPDATE SET value = 'x'",
        id, cases[i].key);
    g_assert_true (ct_session_run (root, NULL, NULL, sql, ""));
    g_clear_pointer (&columns, g_free);
    columns = g_strdup_printf ("\"value\":[\"x\",\"%s\"]", cases[i].value);
    again = change_text ("settings", id, "update", columns);
    update = pg_device_push_ok (anna, "delivery.stop", again);
    g_assert_cmpstr (update->code, ==, cases[i].may ? NULL : "refused");
    g_clear_pointer (&sql, g_free);
    sql = g_strdup_printf ("DELETE FROM app.settings WHERE id = '%s'", id);
    g_assert_true (ct_session_run (root, NULL, NULL, sql, ""));
  }
}

/* What a record belongs to an import leaves as it is, as the command does that edits one such record. */
static void
test_import_moves_nothing (void)
{
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAnswer) moves = ct_session_query (
      root, NULL, &error,
      "SELECT w.key || '.' || c.name, one.writes -> w.key -> 'update' ? c.name AND one.writes ? w.key"
      " FROM sync.policy p, jsonb_each(p.writes) w, sync.policy one, sync.tables t, sync.columns c"
      " WHERE p.command = 'import.chunk' AND one.command = w.value -> 'as' ->> 'update' AND t.name = w.key"
      " AND c.tbl = t.id AND c.kind = 'parent' AND w.value -> 'update' ? c.name",
      "");

  g_assert_no_error (error);
  g_assert_cmpint (ct_answer_rows (moves), >, 0);
  for (int i = 0; i < ct_answer_rows (moves); i++) {
    g_test_message ("%s", ct_answer_text (moves, i, 0));
    g_assert_cmpstr (ct_answer_text (moves, i, 1), ==, "t");
  }
}

/* No table of the server is left out of the walk. */
static void
test_complete (void)
{
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autoptr (CtAnswer) tables = ct_session_query (root, NULL, NULL, "SELECT name FROM sync.tables", "");

  for (int i = 0; i < ct_answer_rows (tables); i++) {
    g_test_message ("%s", ct_answer_text (tables, i, 0));
    g_assert_cmpint (make_of (ct_answer_text (tables, i, 0)), >=, 0);
  }
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  policy = ct_policy_load (path, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  node = ct_json_parse (text, -1, 4 << 20, NULL);
  file = json_node_get_object (node);
  server = pg_server_start ();
  pg_server_create (server, DB, text);
  g_test_add_func ("/pg/policy/complete", test_complete);
  g_test_add_func ("/pg/policy/import-moves-nothing", test_import_moves_nothing);
  g_test_add_func ("/pg/policy/walk", test_walk);
  g_test_add_func ("/pg/policy/stop-only", test_stop_only);
  result = g_test_run ();
  pg_server_stop (server);
  ct_policy_free (policy);
  return result;
}
