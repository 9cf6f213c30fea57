/* NAME.create, NAME.edit, NAME.archive, NAME.restore for every kind of ct-records.c, and order lines. */
#include "ct-commands.h"
#include "ct-effect.h"
#include "ct-records.h"

#include <string.h>

/* The values of one INSERT or UPDATE, collected as SQL text and bound by hand. */
typedef struct {
  GString *columns;  /* "a,b" */
  GPtrArray *values; /* (element-type JsonNode) (nullable elements) */
  GString *types;
} Assignments;

static void
assignments_clear (Assignments *self)
{
  g_string_free (self->columns, TRUE);
  g_string_free (self->types, TRUE);
  g_ptr_array_unref (self->values);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Assignments, assignments_clear)

static void
assign (Assignments *self, const char *column, char type, JsonNode *value)
{
  g_string_append_printf (self->columns, "%s%s", self->columns->len ? "," : "", column);
  g_string_append_c (self->types, type);
  g_ptr_array_add (self->values, value ? json_node_ref (value) : json_node_init_null (json_node_alloc ()));
}

static void
assign_int (Assignments *self, const char *column, gint64 value)
{
  g_autoptr (JsonNode) node = json_node_init_int (json_node_alloc (), value);

  assign (self, column, 'i', node);
}

static void
assign_text (Assignments *self, const char *column, const char *value)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), value);

  assign (self, column, 's', node);
}

static gboolean
bind_one (CtStmt *stmt, int at, char type, JsonNode *node, GPtrArray *keep, GError **error)
{
  CtId *id;
  gint64 ms;

  if (JSON_NODE_HOLDS_NULL (node))
    return ct_stmt_bind_at (stmt, error, at, "n");
  switch (type) {
  case 'i':
    return ct_stmt_bind_at (stmt, error, at, "i", json_node_get_int (node));
  case 'b':
    return ct_stmt_bind_at (stmt, error, at, "i", (gint64) json_node_get_boolean (node));
  case 't':
    ct_time_parse (json_node_get_string (node), &ms);
    return ct_stmt_bind_at (stmt, error, at, "i", ms);
  case 'k':
    id = g_new0 (CtId, 1);
    g_ptr_array_add (keep, id);
    ct_id_parse (json_node_get_string (node), id);
    return ct_stmt_bind_at (stmt, error, at, "k", id);
  case 'j':
    g_ptr_array_add (keep, ct_json_canonical (node, NULL));
    return ct_stmt_bind_at (stmt, error, at, "s", keep->pdata[keep->len - 1]);
  default:
    return ct_stmt_bind_at (stmt, error, at, "s", json_node_get_string (node));
  }
}

static gboolean
run (CtCommand *command, const char *sql, const CtId *id, Assignments *assignments, GError **error)
{
  g_autoptr (GPtrArray) keep = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (CtStmt) stmt = ct_db_query (command->db, error, sql, "ki", id, command->now);

  if (!stmt)
    return FALSE;
  for (guint i = 0; i < assignments->values->len; i++)
    if (!bind_one (stmt, (int) i + 3, assignments->types->str[i], assignments->values->pdata[i], keep, error))
      return FALSE;
  return ct_stmt_finish (stmt, error);
}

static gboolean
insert (CtCommand *command, const char *table, const CtId *id, Assignments *assignments, GError **error)
{
  g_autoptr (GString) sql = g_string_new (NULL);

  g_string_append_printf (sql, "INSERT INTO %s(id,n,created_at,updated_at,%s) VALUES(?1,next_n(),?2,?2",
                          table, assignments->columns->str);
  for (guint i = 0; i < assignments->values->len; i++)
    g_string_append_printf (sql, ",?%u", i + 3);
  g_string_append_c (sql, ')');
  return run (command, sql->str, id, assignments, error);
}

static gboolean
update (CtCommand *command, const char *table, const CtId *id, Assignments *assignments, GError **error)
{
  g_autoptr (GString) sql = g_string_new (NULL);
  g_auto (GStrv) columns = g_strsplit (assignments->columns->str, ",", -1);

  g_string_append_printf (sql, "UPDATE %s SET rev=rev+1,updated_at=?2", table);
  for (guint i = 0; columns[i]; i++)
    g_string_append_printf (sql, ",%s=?%u", columns[i], i + 3);
  g_string_append (sql, " WHERE id=?1");
  if (!run (command, sql->str, id, assignments, error))
    return FALSE;
  return ct_db_changes (command->db) > 0 ||
         ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such record"));
}

static gboolean
check_reference (CtCommand *command, const CtField *field, const char *text, GError **error)
{
  g_autofree char *sql = NULL;
  gint64 archived = CT_NULL_INT;
  CtId id;

  if (!field->refers || !ct_id_parse (text, &id))
    return TRUE;
  sql = g_strdup_printf ("SELECT archived_at FROM %s WHERE id = ?", field->refers);
  if (!ct_db_read_int (command->db, &archived, error, sql, "k", &id)) {
    g_prefix_error (error, "%s: ", field->column);
    return FALSE;
  }
  if (archived != CT_NULL_INT)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("%s: that record is archived; restore it first"),
                    field->column);
  ct_command_touches (command, &id);
  return TRUE;
}

static gboolean
check_text (const CtField *field, JsonNode *node, gboolean creating, GError **error)
{
  if (field->required && creating && (!node || JSON_NODE_HOLDS_NULL (node)))
    return ct_fail (error, CT_ERROR_INVALID, _ ("\"%s\" is missing"), field->column);
  if (field->required && node &&
      (JSON_NODE_HOLDS_NULL (node) || (field->type == 's' && ct_text_is_blank (json_node_get_string (node)))))
    return ct_fail (error, CT_ERROR_INVALID, _ ("\"%s\" must not be empty"), field->column);
  return TRUE;
}

/* Takes the given fields over; an edit sends only those that change. */
static gboolean
collect (CtCommand *command, const CtRecordKind *kind, gboolean creating, Assignments *assignments,
         GError **error)
{
  for (const CtField *field = kind->fields; field->column; field++) {
    JsonNode *node = json_object_get_member (command->args, field->column);

    if (!check_text (field, node, creating, error))
      return FALSE;
    if (!node || (creating && JSON_NODE_HOLDS_NULL (node)))
      continue;
    if (field->type == 'k' && JSON_NODE_HOLDS_VALUE (node) &&
        !check_reference (command, field, json_node_get_string (node), error))
      return FALSE;
    assign (assignments, field->column, field->type, node);
    if (!creating && kind->since_state && strcmp (field->column, kind->since_state) == 0)
      assign_int (assignments, kind->since_column, command->now);
  }
  return TRUE;
}

static const CtRecordKind *
kind_of (CtCommand *command)
{
  return ct_record_kind (command->def->object_type);
}

/* An invoice's distributor is its order's. */
static gboolean
add_derived (CtCommand *command, const CtRecordKind *kind, Assignments *assignments, GError **error)
{
  g_autofree char *distributor = NULL;
  g_autoptr (JsonNode) node = NULL;
  CtId order;

  if (strcmp (kind->name, "invoice") != 0)
    return TRUE;
  ct_arg_id (command, "order_id", &order);
  distributor = ct_db_read_text (command->db, error,
                                 "SELECT uuid_text(distributor_id) FROM orders WHERE id = ?", "k", &order);
  if (!distributor)
    return FALSE;
  node = json_node_init_string (json_node_alloc (), distributor);
  assign (assignments, "distributor_id", 'k', node);
  return TRUE;
}

static gboolean
is_within (JsonObject *line, const char *name, gint64 least, gint64 most)
{
  gint64 value = ct_json_int (line, name, -1);

  return value >= least && value <= most;
}

static gboolean
check_line (JsonNode *node, guint i, GError **error)
{
  JsonObject *line = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  if (!line || ct_text_is_blank (ct_json_string (line, "sku", NULL)) ||
      !is_within (line, "quantity_milli", 1, CT_QUANTITY_MOST) ||
      !is_within (line, "unit_price_minor", 0, CT_AMOUNT_MOST) || ct_json_int (line, "discount_bp", 0) < 0 ||
      ct_json_int (line, "discount_bp", 0) > 10000)
    return ct_fail (
        error, CT_ERROR_INVALID,
        _ ("Line %u needs a sku, a quantity over 0 and up to a billion, a price, and a discount of 0 to "
           "100 %%"),
        i + 1);
  return TRUE;
}

/* Replaces an order's lines and recomputes its total. */
static gboolean
write_lines (CtCommand *command, const CtId *order, GError **error)
{
  JsonArray *lines = ct_json_array (command->args, "lines");
  gint64 total = 0;

  if (!lines)
    return TRUE;
  if (json_array_get_length (lines) > 1000)
    return ct_fail (error, CT_ERROR_INVALID, _ ("An order takes at most 1000 lines"));
  if (!ct_db_run (command->db, error, "DELETE FROM order_lines WHERE order_id = ?", "k", order))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (lines); i++) {
    JsonNode *node = json_array_get_element (lines, i);
    CtId id = ct_effect_new_id (command, "order_lines", i);
    gint64 quantity, price, discount, sum;
    JsonObject *line;

    if (!check_line (node, i, error))
      return FALSE;
    line = json_node_get_object (node);
    quantity = ct_json_int (line, "quantity_milli", 0);
    price = ct_json_int (line, "unit_price_minor", 0);
    discount = ct_json_int (line, "discount_bp", 0);
    if (!ct_line_total (quantity, price, discount, &sum) || (total += sum) > CT_AMOUNT_MOST)
      return ct_fail (error, CT_ERROR_INVALID, _ ("Line %u is more than an order can come to"), i + 1);
    if (!ct_effect_insert (command, error, "order_lines", &id,
                           "order_id,position,sku,quantity_milli,unit_price_minor,discount_bp,total_minor",
                           "kisiiii", order, (gint64) i + 1, ct_json_string (line, "sku", ""), quantity,
                           price, discount, sum))
      return FALSE;
  }
  return ct_db_run (command->db, error, "UPDATE orders SET total_minor = ? WHERE id = ?", "ik", total, order);
}

/* Where an order has lines nobody says what they come to. */
static gboolean
check_total (CtCommand *command, const CtId *order, GError **error)
{
  gint64 agrees = 0;

  if (strcmp (command->def->object_type, "order") != 0 || !ct_arg_has (command, "total_minor"))
    return TRUE;
  return ct_db_read_int (command->db, &agrees, error,
                         "SELECT o.total_minor = coalesce((SELECT sum(l.total_minor) FROM order_lines l "
                         "WHERE l.order_id = o.id), o.total_minor) FROM orders o WHERE o.id = ?",
                         "k", order) &&
         (agrees ||
          ct_fail (error, CT_ERROR_INVALID,
                   _ ("The total of an order that has lines is what they come to; change the lines")));
}

static gboolean
create_run (CtCommand *command, GError **error)
{
  const CtRecordKind *kind = kind_of (command);
  g_auto (Assignments)
      assignments = { g_string_new (NULL), g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref),
                      g_string_new (NULL) };
  CtId id = ct_effect_new_id (command, kind->table, 0);
  g_autofree char *text = ct_id_to_string (&id);

  if (!collect (command, kind, TRUE, &assignments, error) ||
      !add_derived (command, kind, &assignments, error))
    return FALSE;
  if (kind->series) {
    g_autofree char *number = ct_authority_number (command->authority, command->db, kind->series,
                                                   kind->digits, command->now, error);

    if (!number)
      return FALSE;
    assign_text (&assignments, "number", number);
    json_object_set_string_member (command->result, "number", number);
  }
  if (kind->since_column)
    assign_int (&assignments, kind->since_column, command->now);
  json_object_set_string_member (command->result, "id", text);
  return insert (command, kind->table, &id, &assignments, error) && write_lines (command, &id, error) &&
         ct_effect_object (command, kind->table, &id, error);
}

/* The record an edit, archive or restore is about, and that it is in the state the verb expects. */
static gboolean
find (CtCommand *command, const CtRecordKind *kind, gboolean archived, CtId *id, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("SELECT archived_at FROM %s WHERE id = ?", kind->table);
  gint64 at = CT_NULL_INT;

  if (!ct_arg_id (command, "id", id))
    return ct_fail (error, CT_ERROR_INVALID, _ ("\"id\" must be a UUID"));
  if (!ct_db_read_int (command->db, &at, error, sql, "k", id))
    return FALSE;
  if ((at != CT_NULL_INT) != archived)
    return ct_fail (error, CT_ERROR_CONFLICT,
                    archived ? _ ("This record is not archived")
                             : _ ("This record is archived; restore it first"));
  return TRUE;
}

static gboolean
check_expected_revision (CtCommand *command, const CtRecordKind *kind, const CtId *id, GError **error)
{
  gint64 expected = ct_arg_int (command, "expected_rev", 0);
  g_autofree char *sql = g_strdup_printf ("SELECT rev FROM %s WHERE id = ?", kind->table);
  gint64 rev = 0;

  /* run again on what others have changed, it is held against them column by column */
  if (expected == 0 || command->again)
    return TRUE;
  if (!ct_db_read_int (command->db, &rev, error, sql, "k", id))
    return FALSE;
  return rev == expected ||
         ct_fail (error, CT_ERROR_CONFLICT,
                  _ ("Somebody has changed this record since you opened it; look at it again"));
}

static gboolean
edit_run (CtCommand *command, GError **error)
{
  const CtRecordKind *kind = kind_of (command);
  g_auto (Assignments)
      assignments = { g_string_new (NULL), g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref),
                      g_string_new (NULL) };
  CtId id;

  if (!find (command, kind, FALSE, &id, error) || !check_expected_revision (command, kind, &id, error) ||
      !collect (command, kind, FALSE, &assignments, error))
    return FALSE;
  if (assignments.values->len == 0 && !ct_arg_has (command, "lines"))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Nothing to change was named"));
  return (assignments.values->len == 0 || update (command, kind->table, &id, &assignments, error)) &&
         write_lines (command, &id, error) && check_total (command, &id, error) &&
         ct_effect_object (command, kind->table, &id, error);
}

static gboolean
archive_run (CtCommand *command, GError **error)
{
  const CtRecordKind *kind = kind_of (command);
  CtId id;

  return find (command, kind, FALSE, &id, error) &&
         ct_effect_update (command, error, kind->table, &id, "archived_at", "i", command->now) &&
         ct_effect_object (command, kind->table, &id, error);
}

static gboolean
restore_run (CtCommand *command, GError **error)
{
  const CtRecordKind *kind = kind_of (command);
  CtId id;

  return find (command, kind, TRUE, &id, error) &&
         ct_effect_update (command, error, kind->table, &id, "archived_at", "n") &&
         ct_effect_object (command, kind->table, &id, error);
}

static gboolean
note_run (CtCommand *command, GError **error)
{
  CtId id = ct_effect_new_id (command, "task_notes", 0), subject;

  ct_arg_id (command, "subject", &subject);
  if (ct_text_is_blank (ct_arg_text (command, "text")))
    return ct_fail (error, CT_ERROR_INVALID, _ ("A note needs a text"));
  ct_command_touches (command, &subject);
  return ct_effect_insert (command, error, "task_notes", &id, "subject_type,subject_id,author,text", "skss",
                           ct_arg_text (command, "subject_type"), &subject, command->actor,
                           ct_arg_text (command, "text")) &&
         ct_effect_object (command, "task_notes", &id, error);
}

/* The arguments of NAME.create and NAME.edit follow from the kind's fields. */
static CtArg *
args_of (const CtRecordKind *kind, gboolean creating)
{
  GArray *args = g_array_new (TRUE, TRUE, sizeof (CtArg));

  for (const CtField *field = kind->fields; field->column; field++) {
    CtArg arg = { field->column, g_ascii_toupper (field->type == 'j' ? 'a' : field->type), 0 };

    g_array_append_val (args, arg);
  }
  if (strcmp (kind->name, "order") == 0) {
    CtArg lines = { "lines", 'A', 0 };

    g_array_append_val (args, lines);
  }
  if (!creating) {
    CtArg id = { "id", 'k', 0 }, rev = { "expected_rev", 'I', 0 };

    g_array_append_val (args, id);
    g_array_append_val (args, rev);
  }
  return (CtArg *) (gpointer) g_array_free (args, FALSE);
}

static void
register_kind (const CtRecordKind *kind)
{
  static const CtArg id_args[] = { { "id", 'k', 0 }, { NULL, 0, 0 } };
  static const struct {
    const char *verb;
    CtCommandFunc run;
  } verbs[] = {
    { "create", create_run }, { "edit", edit_run }, { "archive", archive_run }, { "restore", restore_run }
  };

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    CtCommandDef *def = g_new0 (CtCommandDef, 1); /* lives as long as the program */

    def->name = g_strdup_printf ("%s.%s", kind->name, verbs[i].verb);
    def->object_type = kind->name;
    def->run = verbs[i].run;
    def->flags = CT_COMMAND_UNDOABLE;
    def->args = i < 2 ? args_of (kind, i == 0) : id_args;
    ct_command_register (def, 1);
  }
}

void
ct_commands_records_register (void)
{
  static const CtArg note_args[] = {
    { "subject_type", 's', 40 }, { "subject", 'k', 0 }, { "text", 's', 20000 }, { NULL, 0, 0 }
  };
  static const CtCommandDef note[] = { { "note.add", "note", note_run, CT_COMMAND_UNDOABLE, note_args } };
  static gsize once = 0;

  if (!g_once_init_enter (&once))
    return;
  for (const CtRecordKind *kind = ct_record_kinds; kind->name; kind++)
    register_kind (kind);
  ct_command_register (note, G_N_ELEMENTS (note));
  g_once_init_leave (&once, 1);
}
