/* Results on standard output: one JSON document, or aligned text. */
#include "ct-cli-print.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A table's widths come from its first rows, so that a million rows need no memory. */
#define ROWS_MEASURED 500
#define CELL_MOST     60
#define HASH_DIGITS   12

const CtColumn ct_cli_note_columns[] = { { N_ ("When"), "writtenAt", CT_COLUMN_TIME, NULL },
                                         { N_ ("Who"), "author", CT_COLUMN_TEXT, NULL },
                                         { N_ ("Text"), "text", CT_COLUMN_TEXT, NULL },
                                         { NULL, NULL, CT_COLUMN_TEXT, NULL } };

struct _CtRowPrinter {
  CtCli *cli;
  const CtColumn *columns;
  guint n_columns;
  GPtrArray *waiting; /* (owned) (nullable) (element-type GStrv): until the widths are known */
  guint *widths;      /* (owned) */
  guint n_rows;
};

static guint
text_width (const char *text)
{
  guint width = 0;

  for (; *text; text = g_utf8_next_char (text)) {
    gunichar c = g_utf8_get_char (text);

    width += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
  }
  return width;
}

/* Foreign texts must not steer the terminal; (transfer full) */
char *
ct_cli_printable (const char *text)
{
  GString *out = g_string_new (NULL);

  for (; *text; text = g_utf8_next_char (text)) {
    gunichar c = g_utf8_get_char (text);

    if (c == '\n' || c == '\t')
      g_string_append_c (out, ' ');
    else if (g_unichar_iscntrl (c) || g_unichar_type (c) == G_UNICODE_FORMAT)
      g_string_append (out, "\xef\xbf\xbd");
    else
      g_string_append_unichar (out, c);
  }
  return g_string_free (out, FALSE);
}

static char *
list_text (JsonNode *node)
{
  g_autoptr (GString) out = g_string_new (NULL);
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; array && i < json_array_get_length (array); i++) {
    JsonNode *item = json_array_get_element (array, i);

    if (JSON_NODE_HOLDS_VALUE (item) && json_node_get_value_type (item) == G_TYPE_STRING)
      g_string_append_printf (out, "%s%s", out->len ? ", " : "", json_node_get_string (item));
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static char *
time_text (CtCli *cli, const char *text)
{
  g_autoptr (GDateTime) moment = NULL, local = NULL;
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  gint64 ms;

  if (!ct_time_parse (text, &ms))
    return g_strdup (text);
  moment = g_date_time_new_from_unix_utc (ms / 1000);
  local =
      moment ? g_date_time_to_timezone (moment, cli->workspace ? ct_workspace_get_zone (cli->workspace) : utc)
             : NULL;
  return local ? g_date_time_format (local, "%Y-%m-%d %H:%M") : g_strdup (text);
}

static char *
plain_text (JsonNode *node)
{
  GType type;

  if (!JSON_NODE_HOLDS_VALUE (node))
    return JSON_NODE_HOLDS_NULL (node) ? g_strdup ("") : ct_json_canonical (node, NULL);
  type = json_node_get_value_type (node);
  if (type == G_TYPE_STRING)
    return g_strdup (json_node_get_string (node));
  if (type == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (node) ? _ ("yes") : _ ("no"));
  return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
}

/* (transfer full): what a column shows of an object */
static char *
cell (CtCli *cli, const CtColumn *column, JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, column->key);
  g_autofree char *text = NULL;

  if (column->kind == CT_COLUMN_FACT && json_object_has_member (object, "text"))
    node = json_object_get_member (object, "text");
  if (!node || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("");
  if (column->kind == CT_COLUMN_MONEY && JSON_NODE_HOLDS_VALUE (node))
    return ct_money_format (json_node_get_int (node), ct_json_string (object, "currency", "EUR"));
  if (column->kind == CT_COLUMN_QUANTITY && JSON_NODE_HOLDS_VALUE (node)) {
    gint64 milli = json_node_get_int (node);

    return milli % 1000 ? ct_decimal_format (milli, 3) : ct_decimal_format (milli / 1000, 0);
  }
  text = column->kind == CT_COLUMN_LIST ? list_text (node) : plain_text (node);
  if (!text)
    return g_strdup ("");
  if (column->kind == CT_COLUMN_TIME)
    return time_text (cli, text);
  if (column->kind == CT_COLUMN_HASH)
    return g_strndup (text, HASH_DIGITS);
  return ct_cli_printable (text);
}

static gboolean
is_right (const CtColumn *column)
{
  return column->kind == CT_COLUMN_NUMBER || column->kind == CT_COLUMN_MONEY ||
         column->kind == CT_COLUMN_QUANTITY;
}

static void
put_cell (const char *text, guint width, gboolean right, gboolean last)
{
  guint has = text_width (text), space = width > has ? width - has : 0;

  if (right)
    printf ("%*s", (int) space, "");
  fputs (text, stdout);
  if (!right && !last)
    printf ("%*s", (int) space, "");
  fputs (last ? "\n" : "  ", stdout);
}

static void
put_row (CtRowPrinter *self, char **cells)
{
  for (guint i = 0; i < self->n_columns; i++)
    put_cell (cells[i], self->widths[i], is_right (&self->columns[i]), i + 1 == self->n_columns);
}

/* On a terminal what is longer than a column may be is cut, except in the last column; what another program reads is whole. */
static char *
fit (char *text, gboolean last)
{
  char *cut;

  if (last || !isatty (STDOUT_FILENO) || text_width (text) <= CELL_MOST)
    return text;
  cut = ct_text_snippet (text, CELL_MOST - 1);
  g_free (text);
  return cut;
}

static char **
make_cells (CtRowPrinter *self, JsonObject *row)
{
  char **cells = g_new0 (char *, self->n_columns + 1);

  for (guint i = 0; i < self->n_columns; i++)
    cells[i] = fit (cell (self->cli, &self->columns[i], row), i + 1 == self->n_columns);
  return cells;
}

static void
flush_waiting (CtRowPrinter *self)
{
  g_auto (GStrv) head = g_new0 (char *, self->n_columns + 1);

  if (!self->waiting)
    return;
  for (guint i = 0; i < self->n_columns; i++) {
    head[i] = g_strdup (_ (self->columns[i].label));
    self->widths[i] = text_width (head[i]);
    for (guint row = 0; row < self->waiting->len; row++)
      self->widths[i] = MAX (self->widths[i], text_width (((char **) self->waiting->pdata[row])[i]));
  }
  if (self->waiting->len > 0)
    put_row (self, head);
  for (guint row = 0; row < self->waiting->len; row++)
    put_row (self, self->waiting->pdata[row]);
  g_clear_pointer (&self->waiting, g_ptr_array_unref);
}

CtRowPrinter *
ct_row_printer_new (CtCli *cli, const CtColumn *columns)
{
  CtRowPrinter *self = g_new0 (CtRowPrinter, 1);

  self->cli = cli;
  self->columns = columns;
  while (columns && columns[self->n_columns].label)
    self->n_columns++;
  self->waiting = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  self->widths = g_new0 (guint, self->n_columns + 1);
  cli->printed = TRUE;
  return self;
}

static void
put_json (JsonObject *row, gboolean first)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), row);
  g_autofree char *text = json_to_string (node, FALSE);

  printf ("%s%s", first ? "[\n" : ",\n", text);
}

/* @row: not taken */
void
ct_row_printer_add (CtRowPrinter *self, JsonObject *row)
{
  gboolean first = self->n_rows++ == 0;

  if (self->cli->json) {
    put_json (row, first);
    return;
  }
  if (self->waiting) {
    g_ptr_array_add (self->waiting, make_cells (self, row));
    if (self->waiting->len >= ROWS_MEASURED)
      flush_waiting (self);
  } else {
    g_auto (GStrv) cells = make_cells (self, row);

    put_row (self, cells);
  }
}

/* Ends the document and frees the printer. */
void
ct_row_printer_finish (CtRowPrinter *self)
{
  if (self->cli->json)
    puts (self->n_rows ? "\n]" : "[]");
  else
    flush_waiting (self);
  /* what was refused is there all the same */
  if (self->n_rows == 0 && self->cli->worst == CT_EXIT_DONE && !self->cli->json &&
      self->columns == self->cli->verb->columns)
    ct_cli_say (self->cli, _ ("There are none"));
  g_clear_pointer (&self->waiting, g_ptr_array_unref);
  g_free (self->widths);
  g_free (self);
}

void
ct_cli_print_table (CtCli *cli, const CtColumn *columns, JsonArray *array)
{
  CtRowPrinter *printer = ct_row_printer_new (cli, columns);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *node = json_array_get_element (array, i);

    /* what failed is on standard error already */
    if (JSON_NODE_HOLDS_OBJECT (node) && !ct_json_object (json_node_get_object (node), "error"))
      ct_row_printer_add (printer, json_node_get_object (node));
  }
  ct_row_printer_finish (printer);
}

/* A text as it is, line by line. */
static void
put_block (const char *label, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  printf ("\n%s\n", label);
  for (guint i = 0; lines[i]; i++) {
    g_autofree char *line = ct_cli_printable (lines[i]);

    printf ("  %s\n", line);
  }
}

/* What stands below the fields. */
static gboolean
is_below (const CtColumn *column)
{
  return column->kind == CT_COLUMN_TABLE || column->kind == CT_COLUMN_BLOCK;
}

/* (transfer full) (nullable): a member's rows; one that is an object is its own only row */
static JsonArray *
rows_of (JsonObject *object, const char *key)
{
  JsonArray *rows = ct_json_array (object, key);
  JsonObject *only = rows ? NULL : ct_json_object (object, key);

  if (only) {
    rows = json_array_new ();
    json_array_add_object_element (rows, json_object_ref (only));
    return rows;
  }
  return rows ? json_array_ref (rows) : NULL;
}

/* A record, one line a field; empty fields are left out. */
void
ct_cli_print_fields (CtCli *cli, const CtColumn *columns, JsonObject *object)
{
  guint width = 0;

  for (const CtColumn *column = columns; column->label; column++)
    if (!is_below (column))
      width = MAX (width, text_width (_ (column->label)));
  for (const CtColumn *column = columns; column->label; column++) {
    g_autoptr (JsonArray) rows = column->kind == CT_COLUMN_TABLE ? rows_of (object, column->key) : NULL;
    g_autofree char *text = is_below (column) ? NULL : cell (cli, column, object);
    const char *block = ct_json_string (object, column->key, "");

    if (column->kind == CT_COLUMN_BLOCK && *block) {
      put_block (_ (column->label), block);
    } else if (text && *text) {
      put_cell (_ (column->label), width, FALSE, FALSE);
      puts (text);
    } else if (rows && json_array_get_length (rows) > 0) {
      printf ("\n%s\n", _ (column->label));
      ct_cli_print_table (cli, column->columns, rows);
    }
  }
}

/* A result without columns of its own: its members as they are. */
static void
print_members (JsonObject *object, int indent)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &node)) {
    if (JSON_NODE_HOLDS_OBJECT (node)) {
      printf ("%*s%s\n", indent, "", name);
      print_members (json_node_get_object (node), indent + 2);
    } else {
      g_autofree char *raw = plain_text (node);
      g_autofree char *text = ct_cli_printable (raw ? raw : "");

      printf ("%*s%-*s  %s\n", indent, "", MAX (20 - indent, 1), name, text);
    }
  }
}

static void
print_object (CtCli *cli, JsonObject *object)
{
  if (ct_json_object (object, "error"))
    return;
  if (cli->verb->columns)
    ct_cli_print_fields (cli, cli->verb->columns, object);
  else
    print_members (object, 0);
}

static void
print_text (CtCli *cli, JsonNode *result)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (result) ? json_node_get_array (result) : NULL;

  if (cli->verb->print)
    cli->verb->print (cli, result);
  else if (JSON_NODE_HOLDS_OBJECT (result))
    print_object (cli, json_node_get_object (result));
  else if (array && cli->verb->columns && !(cli->verb->flags & CT_VERB_SHOWS))
    ct_cli_print_table (cli, cli->verb->columns, array);
  for (guint i = 0; array && !cli->verb->print && i < json_array_get_length (array); i++) {
    if (!(cli->verb->flags & CT_VERB_SHOWS) && cli->verb->columns)
      break;
    if (i > 0)
      puts ("");
    print_object (cli, json_array_get_object_element (array, i));
  }
}

void
ct_cli_print_result (CtCli *cli, JsonNode *result)
{
  g_autofree char *text = NULL;

  if (!cli->json) {
    print_text (cli, result);
    return;
  }
  text = ct_json_pretty (result);
  puts (text);
}

void
ct_list_query_init (CtListQuery *self, const char *select)
{
  self->sql = g_string_new (select);
  self->values = g_ptr_array_new_with_free_func (g_free);
}

void
ct_list_query_clear (CtListQuery *self)
{
  if (self->sql)
    g_string_free (self->sql, TRUE);
  g_clear_pointer (&self->values, g_ptr_array_unref);
}

/* @condition: with one ?, or none where @text is %NULL */
void
ct_list_query_where (CtListQuery *self, const char *condition, const char *text)
{
  g_string_append_printf (self->sql, " %s %s", self->has_where ? "AND" : "WHERE", condition);
  self->has_where = TRUE;
  if (text)
    g_ptr_array_add (self->values, g_strdup (text));
}

/* @condition: compares with uuid(?) */
void
ct_list_query_where_id (CtListQuery *self, const char *condition, const CtId *id)
{
  g_autofree char *text = ct_id_to_string (id);

  ct_list_query_where (self, condition, text);
}

static JsonNode *
list_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  CtListQuery *query = data;
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, query->sql->str, "");
  CtRowPrinter *printer;
  gboolean ok = TRUE;

  for (guint i = 0; stmt && i < query->values->len; i++)
    if (!ct_stmt_bind_at (stmt, error, (int) i + 1, "s", query->values->pdata[i]))
      return NULL;
  if (!stmt)
    return NULL;
  printer = ct_row_printer_new (cli, cli->verb->columns);
  while (ok && ct_stmt_next (stmt)) {
    JsonObject *row = ct_rows_object (stmt);

    ok = !query->complete || query->complete (cli, db, row, error);
    if (ok)
      ct_row_printer_add (printer, row);
    json_object_unref (row);
  }
  ok = ok && ct_stmt_finish (stmt, error);
  ct_row_printer_finish (printer);
  if (!ok)
    cli->worst = CT_EXIT_FAILED;
  return NULL;
}

/* Prints the rows as they come; returns NULL. */
JsonNode *
ct_cli_list (CtCli *cli, CtListQuery *query, const char *order, GError **error)
{
  gint64 limit = -1;

  if (!ct_cli_option_int (cli, "limit", &limit, error))
    return NULL;
  g_string_append_printf (query->sql, " ORDER BY %s LIMIT %" G_GINT64_FORMAT, order, limit);
  return ct_cli_read (cli, list_cb, query, error);
}
