/* towerctl distributor, order: create, edit, show, list, archive, restore */
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-records.h"
#include "ct-rows.h"
#include "ct-workspace-find.h"

#include <string.h>

#define DISTRIBUTOR                                                                                          \
  "SELECT d.id, d.number, d.legal_name AS legalName, d.country, d.region, d.city, d.street, "                \
  "d.postal_code AS postalCode, d.value_band AS valueBand, d.onboarding_state AS onboardingState, "          \
  "d.onboarding_since_at AS onboardingSinceAt, d.credit_limit_minor AS creditLimitMinor, d.currency, "       \
  "d.language, d.channel_preferences AS channelPreferencesJson, d.source, d.external_ref AS externalRef, "   \
  "d.notes, d.archived_at AS archivedAt, d.rev, d.created_at AS createdAt, d.updated_at AS updatedAt "       \
  "FROM distributors d"

#define ORDER                                                                                                \
  "SELECT o.id, o.number, d.number AS distributor, d.legal_name AS distributorName, o.status, "              \
  "o.status_since_at AS statusSinceAt, o.ordered_on AS orderedOn, o.required_on AS requiredOn, "             \
  "o.total_minor AS totalMinor, o.currency, o.lane_origin AS laneOrigin, "                                   \
  "o.lane_destination AS laneDestination, o.source, o.external_ref AS externalRef, o.notes, "                \
  "o.archived_at AS archivedAt, o.rev, o.created_at AS createdAt, o.updated_at AS updatedAt "                \
  "FROM orders o JOIN distributors d ON d.id = o.distributor_id"

/* What show adds below a record: a member and the question behind it. */
typedef struct {
  const char *member;
  const char *sql;
} Part;

static const Part distributor_parts[] = {
  { "contacts",
    "SELECT id, name, email, phone, role FROM contacts WHERE distributor_id = ? AND archived_at IS NULL "
    "ORDER BY name" },
  { "documents",
    "SELECT id, kind, state, expires_on AS expiresOn, reason FROM documents WHERE distributor_id = ? AND "
    "archived_at IS NULL ORDER BY kind, n" },
  { "exceptions",
    "SELECT number, rule, subject, score, severity, state FROM exceptions WHERE distributor_id = ? "
    "AND state = 'open' ORDER BY score DESC, number" },
  { "tasks", "SELECT number, status, assigned_agent AS agent, human_owner AS owner, sla_due_at AS dueAt "
             "FROM follow_up_tasks WHERE distributor_id = ? AND status <> 'resolved' ORDER BY number" },
  { "peopleNotes", CT_CLI_NOTES_SQL },
  { NULL, NULL },
};

static const Part order_parts[] = {
  { "lines",
    "SELECT l.position, l.sku, l.quantity_milli AS quantityMilli, l.unit_price_minor AS unitPriceMinor, "
    "l.discount_bp AS discountBp, l.total_minor AS totalMinor, o.currency FROM order_lines l "
    "JOIN orders o ON o.id = l.order_id WHERE l.order_id = ? ORDER BY l.position" },
  { "invoices",
    "SELECT id, number, state, amount_minor AS amountMinor, paid_minor AS paidMinor, currency, "
    "issued_on AS issuedOn, due_on AS dueOn, paid_on AS paidOn FROM invoices WHERE order_id = ? AND "
    "archived_at IS NULL ORDER BY number" },
  { "shipments",
    "SELECT id, number, carrier, tracking_number AS trackingNumber, state, promised_at AS promisedAt, "
    "eta_at AS etaAt, shipped_at AS shippedAt, delivered_at AS deliveredAt, "
    "pickup_attempts AS pickupAttempts, proof_of_delivery AS \"proofOfDelivery?\" FROM shipments "
    "WHERE order_id = ? AND archived_at IS NULL ORDER BY number" },
  { "documents",
    "SELECT id, kind, state, expires_on AS expiresOn, reason FROM documents WHERE order_id = ? AND "
    "archived_at IS NULL ORDER BY kind, n" },
  { "exceptions", "SELECT number, rule, subject, score, severity, state FROM exceptions WHERE order_id = ? "
                  "ORDER BY state DESC, score DESC, number" },
  { "tasks", "SELECT number, status, assigned_agent AS agent, human_owner AS owner, sla_due_at AS dueAt "
             "FROM follow_up_tasks WHERE order_id = ? ORDER BY number" },
  { "peopleNotes", CT_CLI_NOTES_SQL },
  { NULL, NULL },
};

/* What the verbs of one kind need to know. */
typedef struct {
  const char *name; /* "order": of the commands, of ct_records and of the verbs' first word */
  const char *select, *alias;
  const char *search; /* condition with one ? */
  const Part *parts;
} Kind;

static const Kind kinds[] = {
  { "distributor", DISTRIBUTOR, "d",
    "d.n IN (SELECT rowid FROM distributors_fts WHERE distributors_fts MATCH ?)", distributor_parts },
  { "order", ORDER, "o", "? IN (o.number, o.external_ref, d.number)", order_parts },
};

static const Kind *
kind_of (CtCli *cli)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (cli->verb->name, kinds[i].name))
      return &kinds[i];
  g_assert_not_reached ();
}

typedef struct {
  const Kind *kind;
  const char *id;
  CtFound found;
  char *currency; /* (owned) (nullable): of the record, or of an order's distributor */
} Lookup;

static JsonNode *
find_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  Lookup *self = data;
  g_autofree char *sql = NULL;

  if (!ct_workspace_find (db, self->kind->name, self->id, &self->found, error))
    return NULL;
  sql = g_strdup_printf ("SELECT currency FROM %s WHERE id = ?", self->found.table);
  self->currency = ct_db_read_text (db, error, sql, "k", &self->found.id);
  return NULL;
}

static void
lookup_clear (Lookup *self)
{
  ct_found_clear (&self->found);
  g_free (self->currency);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Lookup, lookup_clear)

static gboolean
look_up (CtCli *cli, const Kind *kind, const char *id, Lookup *lookup, GError **error)
{
  g_autoptr (GError) problem = NULL;

  lookup->kind = kind;
  lookup->id = id;
  ct_cli_read (cli, find_cb, lookup, &problem);
  if (!problem)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* An option as the command's argument: "--credit-limit 100.00" is credit_limit_minor 10000. */
static const CtField *
field_of (const CtRecordKind *record, const char *option)
{
  static const char *const endings[] = { "", "_minor", "_id", NULL };
  g_autofree char *plain =
      g_strdelimit (g_strdup (strcmp (option, "name") == 0 ? "legal_name" : option), "-", '_');

  for (guint i = 0; endings[i]; i++) {
    g_autofree char *column = g_strconcat (plain, endings[i], NULL);
    const CtField *field = ct_record_field (record, column);

    if (field)
      return field;
  }
  return NULL;
}

static gboolean
set_money (JsonObject *args, const CtField *field, const char *option, const char *text, const char *currency,
           GError **error)
{
  g_autoptr (GError) problem = NULL;
  gint64 minor;

  if (!*text) {
    json_object_set_null_member (args, field->column);
    return TRUE;
  }
  if (!ct_amount_parse (text, currency, &minor, &problem))
    return ct_cli_usage (error, "--%s: %s", option, problem->message);
  json_object_set_int_member (args, field->column, minor);
  return TRUE;
}

static void
set_list (JsonObject *args, const CtField *field, GPtrArray *values)
{
  JsonArray *list = json_array_new ();

  for (guint i = 0; i < values->len; i++)
    if (*(const char *) values->pdata[i])
      json_array_add_string_element (list, values->pdata[i]);
  json_object_set_array_member (args, field->column, list);
}

/* One given option into @args. */
static gboolean
take_option (CtCli *cli, const CtRecordKind *record, const char *option, const char *currency,
             JsonObject *args, GError **error)
{
  const CtField *field = field_of (record, option);
  const char *text = ct_cli_option (cli, option);

  if (!field || !text || field->type == 'k')
    return TRUE;
  if (g_str_has_suffix (field->column, "_minor"))
    return set_money (args, field, option, text, currency, error);
  if (field->type == 'j')
    set_list (args, field, ct_cli_options (cli, option));
  else if (field->type == 'd' && !*text)
    json_object_set_null_member (args, field->column);
  else
    json_object_set_string_member (args, field->column, text);
  return TRUE;
}

static gboolean
parse_line (const char *text, const char *currency, JsonArray *lines, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", -1);
  guint n = g_strv_length (parts);
  gint64 quantity, price, discount = 0;
  g_autoptr (GError) problem = NULL;

  if (n < 3 || n > 4 || !*parts[0] || !ct_decimal_parse (parts[1], 3, &quantity) ||
      (n == 4 && !ct_decimal_parse (parts[3], 2, &discount)))
    return ct_cli_usage (error,
                         _ ("--line: “%s” is not SKU:QUANTITY:PRICE[:DISCOUNT-PERCENT], with at most three "
                            "digits after the decimal point of a quantity and two of a discount"),
                         text);
  if (!ct_amount_parse (parts[2], currency, &price, &problem))
    return ct_cli_usage (error, "--line %s: %s", text, problem->message);
  json_array_add_object_element (lines, ct_json_build ("siii", "sku", parts[0], "quantity_milli", quantity,
                                                       "unit_price_minor", price, "discount_bp", discount));
  return TRUE;
}

static gboolean
take_lines (CtCli *cli, const char *currency, JsonObject *args, GError **error)
{
  GPtrArray *given = ct_cli_options (cli, "line");
  JsonArray *lines;

  if (!given)
    return TRUE;
  lines = json_array_new ();
  json_object_set_array_member (args, "lines", lines);
  for (guint i = 0; i < given->len; i++)
    if (!parse_line (given->pdata[i], currency, lines, error))
      return FALSE;
  return TRUE;
}

/* The order's distributor, and with it the currency where none is named. */
static gboolean
take_distributor (CtCli *cli, JsonObject *args, char **currency, GError **error)
{
  const char *name = ct_cli_option (cli, "distributor");
  g_auto (Lookup) lookup = { 0 };
  g_autofree char *id = NULL;

  if (!name)
    return TRUE;
  if (!look_up (cli, &kinds[0], name, &lookup, error))
    return FALSE;
  id = ct_id_to_string (&lookup.found.id);
  json_object_set_string_member (args, "distributor_id", id);
  if (!*currency)
    *currency = g_strdup (lookup.currency);
  return TRUE;
}

static gboolean
take_options (CtCli *cli, const Kind *kind, const char *own_currency, gboolean creating, JsonObject *args,
              GError **error)
{
  const CtRecordKind *record = ct_record_kind (kind->name);
  const char *named = ct_cli_option (cli, "currency");
  g_autofree char *currency = g_strdup (named ? named : own_currency);

  if (!take_distributor (cli, args, &currency, error))
    return FALSE;
  if (!currency)
    currency = g_strdup ("EUR");
  for (const CtCliOption *option = cli->verb->options; option && option->name; option++)
    if (!take_option (cli, record, option->name, currency, args, error))
      return FALSE;
  if (creating)
    json_object_set_string_member (args, "currency", currency);
  return take_lines (cli, currency, args, error);
}

static JsonNode *
show_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  Lookup *self = data;
  g_autofree char *sql = g_strdup_printf ("%s WHERE %s.id = ?", self->kind->select, self->kind->alias);
  g_autoptr (JsonObject) object = NULL;

  if (!ct_workspace_find (db, self->kind->name, self->id, &self->found, error) ||
      !(object = ct_rows_one (db, error, sql, "k", &self->found.id)))
    return NULL;
  for (const Part *part = self->kind->parts; part->member; part++) {
    JsonArray *rows = ct_rows_array (db, error, part->sql, "k", &self->found.id);

    if (!rows)
      return NULL;
    json_object_set_array_member (object, part->member, rows);
  }
  return ct_json_wrap_object (g_steal_pointer (&object));
}

static JsonNode *
show_each (CtCli *cli, const char *id, GError **error)
{
  g_auto (Lookup) lookup = { .kind = kind_of (cli), .id = id };

  return ct_cli_read (cli, show_cb, &lookup, error);
}

static JsonNode *
show_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, FALSE, show_each);
}

static JsonNode *
create_run (CtCli *cli, GError **error)
{
  const Kind *kind = kind_of (cli);
  g_autoptr (JsonObject) args = json_object_new ();
  g_autofree char *command = g_strdup_printf ("%s.create", kind->name);
  g_auto (CtOutcome) outcome = { 0 };

  if (strcmp (kind->name, "order") == 0 && !ct_cli_has (cli, "distributor")) {
    ct_cli_usage (error, _ ("--%s is missing"), "distributor");
    return NULL;
  }
  if (!take_options (cli, kind, NULL, TRUE, args, error) ||
      !ct_cli_execute (cli, command, args, &outcome, error))
    return NULL;
  return show_each (cli, ct_json_string (outcome.result, "id", ""), error);
}

static JsonNode *
change (CtCli *cli, const char *verb, const char *id, GError **error)
{
  const Kind *kind = kind_of (cli);
  g_auto (Lookup) lookup = { 0 };
  g_autofree char *command = g_strdup_printf ("%s.%s", kind->name, verb);
  g_autofree char *uuid = NULL;
  g_autoptr (JsonObject) args = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  gint64 rev = 0;

  if (!look_up (cli, kind, id, &lookup, error))
    return NULL;
  uuid = ct_id_to_string (&lookup.found.id);
  args = ct_json_build ("s", "id", uuid);
  if (strcmp (verb, "edit") == 0) {
    if (!take_options (cli, kind, lookup.currency, FALSE, args, error) ||
        !ct_cli_option_int (cli, "rev", &rev, error))
      return NULL;
    if (rev > 0)
      json_object_set_int_member (args, "expected_rev", rev);
  }
  return ct_cli_execute (cli, command, args, &outcome, error) ? show_each (cli, uuid, error) : NULL;
}

static JsonNode *
edit_each (CtCli *cli, const char *id, GError **error)
{
  return change (cli, "edit", id, error);
}

static JsonNode *
archive_each (CtCli *cli, const char *id, GError **error)
{
  return change (cli, "archive", id, error);
}

static JsonNode *
restore_each (CtCli *cli, const char *id, GError **error)
{
  return change (cli, "restore", id, error);
}

static JsonNode *
note_each (CtCli *cli, const char *id, GError **error)
{
  const Kind *kind = kind_of (cli);
  g_autofree char *uuid = ct_cli_find (cli, kind->name, id, error);
  g_autoptr (JsonObject) args = uuid ? ct_json_build ("sss", "subject_type", kind->name, "subject", uuid,
                                                      "text", ct_cli_option (cli, "text"))
                                     : NULL;
  g_auto (CtOutcome) outcome = { 0 };

  return args && ct_cli_execute (cli, "note.add", args, &outcome, error) ? show_each (cli, uuid, error)
                                                                         : NULL;
}

static JsonNode *
note_run (CtCli *cli, GError **error)
{
  if (ct_cli_has (cli, "text"))
    return ct_cli_each (cli, FALSE, note_each);
  ct_cli_usage (error, _ ("--%s is missing"), "text");
  return NULL;
}

static JsonNode *
edit_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, FALSE, edit_each);
}

static JsonNode *
archive_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, FALSE, archive_each);
}

static JsonNode *
restore_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, FALSE, restore_each);
}

/* A search by words: the beginning of each, all of them. */
static char *
search_text (const Kind *kind, const char *text)
{
  g_autoptr (GString) query = g_string_new (NULL);
  g_auto (GStrv) words = g_strsplit_set (text, " \t\n", -1);

  if (kind->parts != distributor_parts)
    return g_strdup (text);
  for (guint i = 0; words[i]; i++) {
    g_auto (GStrv) quoted = g_strsplit (words[i], "\"", -1);
    g_autofree char *word = g_strjoinv ("\"\"", quoted);

    if (*word)
      g_string_append_printf (query, "\"%s\"* ", word);
  }
  return g_string_free (g_steal_pointer (&query), FALSE);
}

static JsonNode *
list_run (CtCli *cli, GError **error)
{
  static const struct {
    const char *option;
    const char *condition;
  } filters[] = {
    { "status", "o.status = ?" },
    { "country", "d.country = ?" },
    { "onboarding-state", "d.onboarding_state = ?" },
  };
  const Kind *kind = kind_of (cli);
  const char *search = ct_cli_option (cli, "search");
  g_autofree char *shown = g_strdup_printf ("%s.archived_at IS %s", kind->alias,
                                            ct_cli_has (cli, "archived") ? "NOT NULL" : "NULL");
  g_autofree char *order = g_strdup_printf ("%s.number", kind->alias);
  g_auto (CtListQuery) query = { 0 };

  ct_list_query_init (&query, kind->select);
  if (!ct_cli_has (cli, "all"))
    ct_list_query_where (&query, shown, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    if (ct_cli_has (cli, filters[i].option))
      ct_list_query_where (&query, filters[i].condition, ct_cli_option (cli, filters[i].option));
  if (ct_cli_has (cli, "distributor")) {
    g_auto (Lookup) lookup = { 0 };

    if (!look_up (cli, &kinds[0], ct_cli_option (cli, "distributor"), &lookup, error))
      return NULL;
    ct_list_query_where_id (&query, "o.distributor_id = uuid(?)", &lookup.found.id);
  }
  if (search && !ct_text_is_blank (search)) {
    g_autofree char *text = search_text (kind, search);

    ct_list_query_where (&query, kind->search, text);
  }
  return ct_cli_list (cli, &query, order, error);
}

#define DISTRIBUTOR_OPTIONS                                                                                  \
  { "legal-name", "NAME", N_ ("Legal name") }, { "name", "NAME", NULL },                                     \
      { "country", "CC", N_ ("Country") }, { "region", "TEXT", N_ ("Region") },                              \
      { "city", "TEXT", N_ ("City") }, { "street", "TEXT", N_ ("Street") },                                  \
      { "postal-code", "TEXT", N_ ("Postal code") }, { "value-band", "A|B|C", N_ ("Value band") },           \
      { "onboarding-state", "STATE", N_ ("prospect, documents, contract, active, suspended") },              \
      { "credit-limit", "AMOUNT", N_ ("Credit limit; an empty text removes it") },                           \
      { "currency", "CUR", N_ ("Currency, as in EUR") }, { "language", "LL", N_ ("Language of messages") },  \
      { "channel-preferences", "CHANNEL", N_ ("A preferred channel; may be repeated") },                     \
      { "external-ref", "REF", N_ ("What another system calls it") },                                        \
  {                                                                                                          \
    "notes", "TEXT", N_ ("Notes")                                                                            \
  }

#define ORDER_OPTIONS                                                                                        \
  { "distributor", "ID", N_ ("Whose order it is") },                                                         \
      { "status", "STATUS",                                                                                  \
        N_ ("draft, confirmed, allocated, invoiced, shipped, delivered, closed, cancelled") },               \
      { "ordered-on", "DATE", N_ ("Date of the order") }, { "required-on", "DATE", N_ ("Required date") },   \
      { "total", "AMOUNT", N_ ("Total; follows from the lines where there are some") },                      \
      { "currency", "CUR", N_ ("Currency; default: the distributor's") },                                    \
      { "lane-origin", "TEXT", N_ ("From where") }, { "lane-destination", "TEXT", N_ ("To where") },         \
      { "line", "SKU:QTY:PRICE[:%]", N_ ("A line; may be repeated; an edit replaces all lines") },           \
      { "external-ref", "REF", N_ ("What another system calls it") },                                        \
  {                                                                                                          \
    "notes", "TEXT", N_ ("Notes")                                                                            \
  }

#define END_OPTIONS                                                                                          \
  {                                                                                                          \
    NULL, NULL, NULL                                                                                         \
  }
#define REV_OPTION                                                                                           \
  {                                                                                                          \
    "rev", "N", N_ ("Only if the record still has this revision")                                            \
  }
#define LIST_OPTIONS                                                                                         \
  { "search", "TEXT", N_ ("Only what this finds") }, { "archived", NULL, N_ ("Only archived records") },     \
      { "all", NULL, N_ ("Archived records as well") },                                                      \
  {                                                                                                          \
    "limit", "N", N_ ("At most so many")                                                                     \
  }

static const CtCliOption distributor_create_options[] = { DISTRIBUTOR_OPTIONS, END_OPTIONS };
static const CtCliOption distributor_edit_options[] = { DISTRIBUTOR_OPTIONS, REV_OPTION, END_OPTIONS };
static const CtCliOption distributor_list_options[] = {
  { "country", "CC", N_ ("Country") },
  { "onboarding-state", "STATE", N_ ("prospect, documents, contract, active, suspended") },
  LIST_OPTIONS,
  END_OPTIONS
};
static const CtCliOption note_options[] = { { "text", "TEXT", N_ ("The note; required") }, END_OPTIONS };
static const CtCliOption order_create_options[] = { ORDER_OPTIONS, END_OPTIONS };
static const CtCliOption order_edit_options[] = { ORDER_OPTIONS, REV_OPTION, END_OPTIONS };
static const CtCliOption order_list_options[] = { { "status", "STATUS", N_ ("Status") },
                                                  { "distributor", "ID", N_ ("Whose order it is") },
                                                  LIST_OPTIONS,
                                                  END_OPTIONS };

#define END                                                                                                  \
  {                                                                                                          \
    NULL, NULL, CT_COLUMN_TEXT, NULL                                                                         \
  }

static const CtColumn distributor_columns[] = {
  { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },
  { N_ ("Name"), "legalName", CT_COLUMN_TEXT, NULL },
  { N_ ("Country"), "country", CT_COLUMN_TEXT, NULL },
  { N_ ("Band"), "valueBand", CT_COLUMN_TEXT, NULL },
  { N_ ("Onboarding"), "onboardingState", CT_COLUMN_TEXT, NULL },
  { N_ ("Credit limit"), "creditLimitMinor", CT_COLUMN_MONEY, NULL },
  { N_ ("Reference"), "externalRef", CT_COLUMN_TEXT, NULL },
  { N_ ("Archived"), "archivedAt", CT_COLUMN_TIME, NULL },
  END
};
static const CtColumn order_columns[] = { { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Distributor"), "distributorName", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Status"), "status", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Ordered"), "orderedOn", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Required"), "requiredOn", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Total"), "totalMinor", CT_COLUMN_MONEY, NULL },
                                          { N_ ("Reference"), "externalRef", CT_COLUMN_TEXT, NULL },
                                          { N_ ("Archived"), "archivedAt", CT_COLUMN_TIME, NULL },
                                          END };
static const CtColumn exception_columns[] = {
  { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },   { N_ ("Rule"), "rule", CT_COLUMN_TEXT, NULL },
  { N_ ("Subject"), "subject", CT_COLUMN_TEXT, NULL }, { N_ ("Score"), "score", CT_COLUMN_NUMBER, NULL },
  { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },     END
};
static const CtColumn task_columns[] = {
  { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL }, { N_ ("Status"), "status", CT_COLUMN_TEXT, NULL },
  { N_ ("Team"), "owner", CT_COLUMN_TEXT, NULL },    { N_ ("Agent"), "agent", CT_COLUMN_TEXT, NULL },
  { N_ ("Due"), "dueAt", CT_COLUMN_TIME, NULL },     END
};
static const CtColumn contact_columns[] = { { N_ ("Name"), "name", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Role"), "role", CT_COLUMN_TEXT, NULL },
                                            { N_ ("E-mail"), "email", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Phone"), "phone", CT_COLUMN_TEXT, NULL },
                                            END };
static const CtColumn document_columns[] = { { N_ ("Document"), "kind", CT_COLUMN_TEXT, NULL },
                                             { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Expires"), "expiresOn", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Reason"), "reason", CT_COLUMN_TEXT, NULL },
                                             END };
static const CtColumn line_columns[] = { { N_ ("Position"), "position", CT_COLUMN_NUMBER, NULL },
                                         { N_ ("SKU"), "sku", CT_COLUMN_TEXT, NULL },
                                         { N_ ("Quantity"), "quantityMilli", CT_COLUMN_QUANTITY, NULL },
                                         { N_ ("Price"), "unitPriceMinor", CT_COLUMN_MONEY, NULL },
                                         { N_ ("Total"), "totalMinor", CT_COLUMN_MONEY, NULL },
                                         END };
static const CtColumn invoice_columns[] = { { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },
                                            { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Amount"), "amountMinor", CT_COLUMN_MONEY, NULL },
                                            { N_ ("Paid"), "paidMinor", CT_COLUMN_MONEY, NULL },
                                            { N_ ("Due"), "dueOn", CT_COLUMN_TEXT, NULL },
                                            END };
static const CtColumn shipment_columns[] = { { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },
                                             { N_ ("Carrier"), "carrier", CT_COLUMN_TEXT, NULL },
                                             { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                             { N_ ("ETA"), "etaAt", CT_COLUMN_TIME, NULL },
                                             { N_ ("Shipped"), "shippedAt", CT_COLUMN_TIME, NULL },
                                             { N_ ("Delivered"), "deliveredAt", CT_COLUMN_TIME, NULL },
                                             END };
static const CtColumn distributor_fields[] = {
  { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },
  { N_ ("Name"), "legalName", CT_COLUMN_TEXT, NULL },
  { N_ ("Country"), "country", CT_COLUMN_TEXT, NULL },
  { N_ ("Region"), "region", CT_COLUMN_TEXT, NULL },
  { N_ ("City"), "city", CT_COLUMN_TEXT, NULL },
  { N_ ("Street"), "street", CT_COLUMN_TEXT, NULL },
  { N_ ("Postal code"), "postalCode", CT_COLUMN_TEXT, NULL },
  { N_ ("Value band"), "valueBand", CT_COLUMN_TEXT, NULL },
  { N_ ("Onboarding"), "onboardingState", CT_COLUMN_TEXT, NULL },
  { N_ ("Credit limit"), "creditLimitMinor", CT_COLUMN_MONEY, NULL },
  { N_ ("Currency"), "currency", CT_COLUMN_TEXT, NULL },
  { N_ ("Language"), "language", CT_COLUMN_TEXT, NULL },
  { N_ ("Channels"), "channelPreferences", CT_COLUMN_LIST, NULL },
  { N_ ("Reference"), "externalRef", CT_COLUMN_TEXT, NULL },
  { N_ ("Notes"), "notes", CT_COLUMN_TEXT, NULL },
  { N_ ("Archived"), "archivedAt", CT_COLUMN_TIME, NULL },
  { N_ ("Contacts"), "contacts", CT_COLUMN_TABLE, contact_columns },
  { N_ ("Documents"), "documents", CT_COLUMN_TABLE, document_columns },
  { N_ ("Exceptions"), "exceptions", CT_COLUMN_TABLE, exception_columns },
  { N_ ("Tasks"), "tasks", CT_COLUMN_TABLE, task_columns },
  { N_ ("Notes of people"), "peopleNotes", CT_COLUMN_TABLE, ct_cli_note_columns },
  END
};
static const CtColumn order_fields[] = {
  { N_ ("Number"), "number", CT_COLUMN_TEXT, NULL },
  { N_ ("Distributor"), "distributor", CT_COLUMN_TEXT, NULL },
  { N_ ("Name"), "distributorName", CT_COLUMN_TEXT, NULL },
  { N_ ("Status"), "status", CT_COLUMN_TEXT, NULL },
  { N_ ("Ordered"), "orderedOn", CT_COLUMN_TEXT, NULL },
  { N_ ("Required"), "requiredOn", CT_COLUMN_TEXT, NULL },
  { N_ ("Total"), "totalMinor", CT_COLUMN_MONEY, NULL },
  { N_ ("From"), "laneOrigin", CT_COLUMN_TEXT, NULL },
  { N_ ("To"), "laneDestination", CT_COLUMN_TEXT, NULL },
  { N_ ("Reference"), "externalRef", CT_COLUMN_TEXT, NULL },
  { N_ ("Notes"), "notes", CT_COLUMN_TEXT, NULL },
  { N_ ("Archived"), "archivedAt", CT_COLUMN_TIME, NULL },
  { N_ ("Lines"), "lines", CT_COLUMN_TABLE, line_columns },
  { N_ ("Invoices"), "invoices", CT_COLUMN_TABLE, invoice_columns },
  { N_ ("Shipments"), "shipments", CT_COLUMN_TABLE, shipment_columns },
  { N_ ("Documents"), "documents", CT_COLUMN_TABLE, document_columns },
  { N_ ("Exceptions"), "exceptions", CT_COLUMN_TABLE, exception_columns },
  { N_ ("Tasks"), "tasks", CT_COLUMN_TABLE, task_columns },
  { N_ ("Notes of people"), "peopleNotes", CT_COLUMN_TABLE, ct_cli_note_columns },
  END
};

const CtVerb ct_verbs_records[] = {
  { "distributor create", "", 0, 0, N_ ("Add a distributor"), distributor_create_options, create_run,
    distributor_fields, 0, NULL },
  { "distributor edit", "ID…", 1, CT_ANY, N_ ("Change a distributor"), distributor_edit_options, edit_run,
    distributor_fields, CT_VERB_SHOWS, NULL },
  { "distributor show", "ID…", 1, CT_ANY, N_ ("Show a distributor"), NULL, show_run, distributor_fields,
    CT_VERB_SHOWS, NULL },
  { "distributor list", "", 0, 0, N_ ("List distributors"), distributor_list_options, list_run,
    distributor_columns, 0, NULL },
  { "distributor archive", "ID…", 1, CT_ANY, N_ ("Archive a distributor"), NULL, archive_run,
    distributor_columns, CT_VERB_SHOWS, NULL },
  { "distributor restore", "ID…", 1, CT_ANY, N_ ("Restore an archived distributor"), NULL, restore_run,
    distributor_columns, CT_VERB_SHOWS, NULL },
  { "distributor note", "ID…", 1, CT_ANY, N_ ("Add a note to distributors"), note_options, note_run,
    distributor_columns, 0, NULL },
  { "order create", "", 0, 0, N_ ("Add an order"), order_create_options, create_run, order_fields, 0, NULL },
  { "order edit", "ID…", 1, CT_ANY, N_ ("Change an order"), order_edit_options, edit_run, order_fields,
    CT_VERB_SHOWS, NULL },
  { "order show", "ID…", 1, CT_ANY, N_ ("Show an order"), NULL, show_run, order_fields, CT_VERB_SHOWS, NULL },
  { "order list", "", 0, 0, N_ ("List orders"), order_list_options, list_run, order_columns, 0, NULL },
  { "order archive", "ID…", 1, CT_ANY, N_ ("Archive an order"), NULL, archive_run, order_columns,
    CT_VERB_SHOWS, NULL },
  { "order restore", "ID…", 1, CT_ANY, N_ ("Restore an archived order"), NULL, restore_run, order_columns,
    CT_VERB_SHOWS, NULL },
  { "order note", "ID…", 1, CT_ANY, N_ ("Add a note to orders"), note_options, note_run, order_columns, 0,
    NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
