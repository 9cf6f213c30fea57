#include "ct-workspace-attention.h"
#include "ct-column-kind.h"
#include "ct-command.h"
#include "ct-format.h"
#include "ct-rows.h"
#include "ct-tray.h"
#include "ct-vocabulary.h"
#include "ct-workspace-find.h"
#include "ct-workspace-timeline.h"

#include <string.h>

/* Why a command lies in the tray, by the code that it was put there with, for people. */
const char *
ct_attention_reason (const char *code)
{
  static const struct {
    const char *code, *words;
  } reasons[] = {
    { "conflict", N_ ("Somebody changed the same meanwhile") },
    { "refused", N_ ("You may not do this") },
    { "invalid", N_ ("The server cannot take it as it is") },
    { "stale", N_ ("It does not fit what is there now") },
    { "depends", N_ ("It builds on another change that waits here") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (g_strcmp0 (reasons[i].code, code) == 0)
      return _ (reasons[i].words);
  return _ ("It could not be applied");
}

/* --- values in words ------------------------------------------------------------------------------------------ */

/* What the values of one row are read with. */
typedef struct {
  CtDb *db;
  GTimeZone *zone; /* (unowned) */
  char *currency;  /* (owned) (nullable): of its amounts */
} Reader;

/* An id as the server writes it, or as bytes in hexadecimal digits. */
static gboolean
parse_id (const char *text, CtId *id)
{
  if (ct_id_parse (text, id))
    return TRUE;
  if (strlen (text) != 2 * CT_ID_SIZE || strspn (text, "0123456789abcdef") != 2 * CT_ID_SIZE)
    return FALSE;
  for (guint i = 0; i < CT_ID_SIZE; i++)
    id->bytes[i] =
        (guint8) (g_ascii_xdigit_value (text[2 * i]) << 4 | g_ascii_xdigit_value (text[2 * i + 1]));
  return TRUE;
}

/* distributor_id holds a distributor: what people call it */
static char *
say_text (Reader *self, const char *column, const char *text)
{
  gint64 at;
  CtId id;

  if (g_str_has_suffix (column, "_id") && parse_id (text, &id)) {
    g_autofree char *type = g_strndup (column, strlen (column) - strlen ("_id"));

    return ct_workspace_label (self->db, type, &id);
  }
  if (ct_time_parse (text, &at))
    return ct_format_full_time (at, self->zone);
  if (ct_date_valid (text))
    return ct_format_date (text);
  return g_strdup (ct_state_label (text));
}

static char *
say_integer (Reader *self, const char *column, gint64 value)
{
  if (g_str_has_suffix (column, "_at") || g_str_has_suffix (column, "_until"))
    return ct_format_full_time (value, self->zone);
  if (g_str_has_suffix (column, "_minor") && self->currency)
    return ct_format_money (value, self->currency);
  return g_strdup_printf ("%" G_GINT64_FORMAT, value);
}

/* (transfer full): "—" for none */
static char *
say_value (Reader *self, const char *column, JsonNode *node)
{
  if (!node || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("—");
  if (!JSON_NODE_HOLDS_VALUE (node))
    return ct_json_canonical (node, NULL);
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return say_integer (self, column, json_node_get_int (node));
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return *json_node_get_string (node) ? say_text (self, column, json_node_get_string (node))
                                        : g_strdup ("—");
  if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (node) ? _ ("yes") : _ ("no"));
  return ct_json_canonical (node, NULL);
}

/* (transfer full) (nullable): of the row's amounts */
static char *
find_currency (CtDb *db, const char *table, const CtId *id)
{
  g_autofree char *sql = NULL;
  gint64 has = 0;

  if (!ct_workspace_type_of_table (table) ||
      !ct_db_read_int (db, &has, NULL, "SELECT count(*) FROM pragma_table_info(?) WHERE name = 'currency'",
                       "s", table) ||
      !has)
    return NULL;
  sql = g_strdup_printf ("SELECT currency FROM %s WHERE id = ?", table);
  return ct_db_read_text (db, NULL, sql, "k", id);
}

/* --- what is compared ----------------------------------------------------------------------------------------- */

static gboolean
is_signed (const CtCommandDef *def)
{
  return def && (def->flags & CT_COMMAND_SIGNED);
}

/* What a person decides on; hashes, signatures and the bytes under them are for programs. */
static gboolean
is_told (JsonObject *given)
{
  static const char *const marks[] = { "nonce", "signature", "wire", "context", "device_id", NULL };
  const char *table = ct_json_string (given, "table", ""), *column = ct_json_string (given, "column", NULL);

  return !column || (ct_column_kind (table, column) != 'd' && !g_str_has_suffix (column, "_since_at") &&
                     !g_str_has_suffix (column, "_sha256") && ct_text_index (marks, column) < 0);
}

static JsonObject *
describe_column (Reader *self, JsonObject *given, const char *record)
{
  static const char *const sides[] = { "base", "mine", "theirs" };
  const char *column = ct_json_string (given, "column", "");
  JsonObject *told = ct_json_build ("ssssb", "table", ct_json_string (given, "table", ""), "id",
                                    ct_json_string (given, "id", ""), "record", record, "column", column,
                                    "gone", ct_json_bool (given, "gone", FALSE));

  json_object_set_string_member (told, "label", ct_timeline_column_label (column));
  for (guint i = 0; i < G_N_ELEMENTS (sides) && *column; i++) {
    JsonNode *value = json_object_get_member (given, sides[i]);
    g_autofree char *text = say_value (self, column, value), *name = g_strconcat (sides[i], "Text", NULL);

    json_object_set_member (told, sides[i], value ? json_node_copy (value) : json_node_new (JSON_NODE_NULL));
    json_object_set_string_member (told, name, text);
  }
  return told;
}

/* (transfer full): what the server has is told beside what was given here */
static JsonArray *
describe_columns (CtDb *db, GTimeZone *zone, JsonArray *given)
{
  JsonArray *told = json_array_new ();

  for (guint i = 0; given && i < json_array_get_length (given); i++) {
    JsonNode *node = json_array_get_element (given, i);
    JsonObject *one = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *table = one ? ct_json_string (one, "table", "") : "";
    const char *type = ct_workspace_type_of_table (table);
    Reader reader = { db, zone, NULL };
    g_autofree char *record = NULL;
    CtId id;

    if (!one || !is_told (one))
      continue;
    if (ct_id_parse (ct_json_string (one, "id", ""), &id)) {
      reader.currency = find_currency (db, table, &id);
      record = ct_workspace_label (db, type ? type : "", &id);
    }
    json_array_add_object_element (told, describe_column (&reader, one, record));
    g_free (reader.currency);
  }
  return told;
}

/* --- what can be edited --------------------------------------------------------------------------------------- */

/* Texts, numbers, dates, times, currencies: what fits into an entry. */
static gboolean
is_field (const CtArg *arg, JsonObject *args)
{
  return strchr ("sidtm", g_ascii_tolower (arg->type)) && strcmp (arg->name, "expected_rev") != 0 &&
         json_object_has_member (args, arg->name);
}

static char *
text_of (JsonObject *args, const CtArg *arg, const char *currency)
{
  JsonNode *node = json_object_get_member (args, arg->name);

  if (JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("");
  if (g_ascii_tolower (arg->type) != 'i')
    return g_strdup (json_node_get_string (node));
  if (g_str_has_suffix (arg->name, "_minor"))
    return ct_decimal_format (json_node_get_int (node), ct_currency_digits (currency));
  return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
}

/* Of a signature nothing is a person's to read but the word that went with it. */
static JsonArray *
describe_fields (const CtCommandDef *def, JsonObject *args, const char *currency)
{
  JsonArray *fields = json_array_new ();

  for (const CtArg *arg = def ? def->args : NULL; arg && arg->name; arg++) {
    char type[] = { arg->type, 0 };
    g_autofree char *text = NULL;

    if (!is_field (arg, args) || (is_signed (def) && strcmp (arg->name, "comment") != 0))
      continue;
    text = text_of (args, arg, currency);
    json_array_add_object_element (fields, ct_json_build ("ssss", "name", arg->name, "label",
                                                          ct_timeline_column_label (arg->name), "type", type,
                                                          "value", text));
  }
  return fields;
}

static JsonNode *
parse_value (char type, const char *name, const char *text, const char *currency, gboolean was_null)
{
  gint64 value;

  if (ct_text_is_blank (text) && (g_ascii_isupper (type) && (was_null || !strchr ("S", type))))
    return json_node_new (JSON_NODE_NULL);
  if (g_ascii_tolower (type) != 'i')
    return json_node_init_string (json_node_alloc (), text);
  if (!ct_decimal_parse (text, g_str_has_suffix (name, "_minor") ? ct_currency_digits (currency) : 0, &value))
    return NULL;
  return json_node_init_int (json_node_alloc (), value);
}

/* FALSE: what is wrong with what a person wrote for a number */
static gboolean
no_number (const char *name, const char *label, const char *text, const char *currency, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gint64 value;

  if (g_str_has_suffix (name, "_minor") && !ct_amount_parse (text, currency, &value, &problem))
    return ct_fail (error, CT_ERROR_INVALID, "%s: %s", label, problem->message);
  return ct_fail (error, CT_ERROR_INVALID, _ ("%s: “%s” is not a number"), label, text);
}

/**
 * ct_attention_edit:
 * @item: as ct_attention_describe() gives it; its "args" are changed
 * @name: of one of its fields
 * @text: as a person writes it
 *
 * Returns: %FALSE with %CT_ERROR_INVALID where there is no such field or the text is none of its values, %CT_ERROR_REFUSED where
 *   the command is signed
 */
gboolean
ct_attention_edit (JsonObject *item, const char *name, const char *text, GError **error)
{
  JsonObject *args = ct_json_object (item, "args");
  JsonArray *fields = ct_json_array (item, "fields");

  if (ct_json_bool (item, "signed", FALSE))
    return ct_fail (
        error, CT_ERROR_REFUSED,
        _ ("An approval is signed for the message as you saw it and cannot be edited: decide on %s "
           "anew (towerctl approvals show %s), then discard this one"),
        ct_json_string (item, "object", ""), ct_json_string (item, "object", ""));
  for (guint i = 0; i < json_array_get_length (fields); i++) {
    JsonObject *field = json_array_get_object_element (fields, i);
    JsonNode *value;

    if (strcmp (ct_json_string (field, "name", ""), name) != 0)
      continue;
    value = parse_value (*ct_json_string (field, "type", "s"), name, text,
                         ct_json_string (item, "currency", "EUR"),
                         JSON_NODE_HOLDS_NULL (json_object_get_member (args, name)));
    if (!value)
      return no_number (name, ct_json_string (field, "label", name), text,
                        ct_json_string (item, "currency", "EUR"), error);
    json_object_set_member (args, name, value);
    return TRUE;
  }
  return ct_fail (error, CT_ERROR_INVALID, _ ("This command has no value called “%s”"), name);
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

/* The record that it is about: the first one compared, else the one it names. */
static void
describe_object (CtDb *db, JsonObject *item, const CtCommandDef *def, JsonObject *args, JsonArray *columns)
{
  JsonObject *first =
      json_array_get_length (columns) && !is_signed (def) ? json_array_get_object_element (columns, 0) : NULL;
  const char *type = first ? ct_workspace_type_of_table (ct_json_string (first, "table", "")) : NULL;
  const char *text = first ? ct_json_string (first, "id", "") : "";
  g_autofree char *label = NULL, *currency = NULL;
  CtId id;

  if (!type && def) {
    type = def->object_type;
    text = ct_json_string (args, "id", ct_json_string (args, type, ""));
  }
  json_object_set_string_member (item, "objectType", type ? type : "");
  if (!type || !ct_id_parse (text, &id))
    return;
  label = ct_workspace_label (db, type, &id);
  json_object_set_string_member (item, "objectId", text);
  json_object_set_string_member (item, "object", label);
  currency = find_currency (db, ct_workspace_table_of_type (type), &id);
  json_object_set_string_member (item, "currency",
                                 ct_json_string (args, "currency", currency ? currency : "EUR"));
}

static JsonObject *
read_object (JsonObject *item, const char *member)
{
  g_autoptr (JsonNode) node = ct_json_parse (ct_json_string (item, member, "{}"), -1, 64 << 20, NULL);

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_object_ref (json_node_get_object (node))
                                               : json_object_new ();
}

/**
 * ct_attention_describe:
 * @seq: a command that waits or waited in the tray
 *
 * Returns: (transfer full): "seq", "name", "summary", "actor", "occurredAt", "sinceAt", "settledAt", "choice", "code",
 *   "reason": in words, "detail": what was said, "objectType", "objectId", "object", "currency", "args", "columns":
 *   [{"table", "id", "record", "column", "label", "base", "mine", "theirs", each also in words as "baseText" …, "gone"}],
 *   "fields": what can be edited: [{"name", "label", "type", "value"}], "signed": it cannot be edited, its object is to be
 *   decided on anew, and "given" says in place of "fields" what was said with it; %NULL with %CT_ERROR_NOT_FOUND
 */
JsonObject *
ct_attention_describe (CtDb *db, gint64 seq, GTimeZone *zone, GError **error)
{
  g_autoptr (JsonObject) item = ct_rows_one (
      db, error,
      "SELECT a.seq, i.name, i.actor, i.occurred_at AS occurredAt, a.since AS sinceAt, a.settled_at AS "
      "settledAt, a.choice, a.reason AS detail, a.theirs AS given, i.args FROM attention a "
      "JOIN intents i ON i.seq = a.seq WHERE a.seq = ?",
      "i", seq);
  g_autoptr (JsonObject) given = NULL, args = NULL;
  const CtCommandDef *def;
  JsonArray *columns;
  const char *code;

  if (!item)
    return NULL;
  given = read_object (item, "given");
  args = read_object (item, "args");
  json_object_remove_member (item, "given");
  json_object_remove_member (args, "expected_rev");
  code = ct_json_string (given, "code", "");
  def = ct_command_find (ct_json_string (item, "name", ""));
  columns = describe_columns (db, zone, ct_json_array (given, "columns"));
  json_object_set_string_member (item, "summary", ct_timeline_sentence (ct_json_string (item, "name", "")));
  json_object_set_string_member (item, "code", code);
  json_object_set_string_member (item, "reason", ct_attention_reason (code));
  describe_object (db, item, def, args, columns);
  json_object_set_array_member (item, "columns", columns);
  json_object_set_boolean_member (item, "signed", is_signed (def));
  json_object_set_array_member (item, is_signed (def) ? "given" : "fields",
                                describe_fields (def, args, ct_json_string (item, "currency", "EUR")));
  if (is_signed (def))
    json_object_set_array_member (item, "fields", json_array_new ());
  json_object_set_object_member (item, "args", g_steal_pointer (&args));
  return g_steal_pointer (&item);
}

/* --- settling ------------------------------------------------------------------------------------------------- */

typedef struct {
  CtWorkspace *workspace; /* (owned) */
  GArray *seqs;           /* (owned) (element-type gint64) */
  char *choice;           /* (owned) */
  JsonObject *args;       /* (owned) (nullable) */
  guint settled;
} Settling;

static void
settling_free (gpointer data)
{
  Settling *self = data;

  g_object_unref (self->workspace);
  g_array_unref (self->seqs);
  g_free (self->choice);
  g_clear_pointer (&self->args, json_object_unref);
  g_free (self);
}

static Settling *
settling_new (CtWorkspace *workspace, GArray *seqs, const char *choice, JsonObject *args)
{
  Settling *self = g_new0 (Settling, 1);

  self->workspace = g_object_ref (workspace);
  self->seqs = g_array_ref (seqs);
  self->choice = g_strdup (choice);
  self->args = args ? json_object_ref (args) : NULL;
  return self;
}

/* In their order, for later ones may build on earlier ones; what fails stays and ends it. */
static gboolean
settle_cb (CtDb *db, gpointer data, GError **error)
{
  Settling *self = data;

  for (; self->settled < self->seqs->len; self->settled++) {
    gint64 seq = g_array_index (self->seqs, gint64, self->settled);
    gboolean done = strcmp (self->choice, CT_ATTENTION_BACK) == 0
                        ? ct_tray_take_back (db, seq, error)
                        : ct_tray_settle (db, ct_workspace_get_commander (self->workspace), seq, self->choice,
                                          self->args, ct_workspace_get_actor (self->workspace),
                                          ct_workspace_now (self->workspace), error);

    if (!done)
      return FALSE;
  }
  return TRUE;
}

/**
 * ct_workspace_settle:
 * @choice: theirs, mine, edit (with @args), discard; %CT_ATTENTION_BACK takes theirs and discard back
 *
 * Carries a decision out; see ct_tray_settle().
 */
gboolean
ct_workspace_settle (CtWorkspace *self, gint64 seq, const char *choice, JsonObject *args, GError **error)
{
  g_autoptr (GArray) seqs = g_array_new (FALSE, FALSE, sizeof (gint64));
  Settling *settling;
  gboolean done;

  g_array_append_val (seqs, seq);
  settling = settling_new (self, seqs, choice, args);
  done = ct_store_write (ct_workspace_get_store (self), settle_cb, settling, error);
  settling_free (settling);
  return done;
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (ct_store_job_finish (CT_STORE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
ct_workspace_settle_async (CtWorkspace *self, GArray *seqs, const char *choice, JsonObject *args,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Settling *settling = settling_new (self, seqs, choice, args);

  g_task_set_source_tag (task, ct_workspace_settle_async);
  g_task_set_task_data (task, settling, settling_free);
  ct_store_write_async (ct_workspace_get_store (self), settle_cb, settling, NULL, NULL, settled_cb, task);
}

/* How many were settled, also where @error says why the next one was not. */
guint
ct_workspace_settle_finish (CtWorkspace *self, GAsyncResult *result, GError **error)
{
  Settling *settling = g_task_get_task_data (G_TASK (result));

  g_task_propagate_boolean (G_TASK (result), error);
  return settling->settled;
}
