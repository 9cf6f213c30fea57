/* import.chunk: up to 10,000 rows of a file, written by one command with one leaf that commits to every row. The typed
 * values come as the command's attachment (ct-chunk.h); the arguments say what stands in it. */
#include "ct-import-chunk.h"
#include "ct-effect.h"
#include "ct-upsert.h"

#include <string.h>

#define MOST_LAYOUTS 16

/* What one kind of record looks like in the chunk. */
typedef struct {
  const CtKind *kind;
  gboolean keyed, once, totals;
  guint n_fields;
  int fields[CT_KIND_MAX_FIELDS + 1];     /* of the kind, or CT_BINDING_ID */
  const char *by[CT_KIND_MAX_FIELDS + 1]; /* (unowned) (nullable) */
  CtUpsert *upsert;                       /* (owned) */
  gint64 counts[3];                       /* by CtUpsertOutcome */
} Layout;

/* Why a row was not taken; field is NULL where the record as a whole is meant. */
typedef struct {
  const char *kind, *field;
  const char *link, *by, *key; /* (nullable): what could not be found */
  char *reason;                /* (owned) (nullable) */
} Refusal;

typedef struct {
  CtCommand *command;
  const char *source;
  Layout layouts[MOST_LAYOUTS];
  guint n_layouts;
  guint n_rows;
  GString *
      outcomes; /* (owned): a letter per row: c one of its records is new, u changed, s the same, r refused, . never met */
  JsonArray *refused;  /* (owned) */
  CtUpsertLog *log;    /* (owned) */
  GStringChunk *texts; /* (owned): keys of links */
  GHashTable *links;   /* (owned): "kind\nby\ntext" to CtId */
  GArray *row_links;   /* (owned) (element-type RowLink): made by the row at hand, not in links yet */
  GHashTable *touched; /* (owned): ids of orders whose lines changed */
  CtId line_order;     /* whose next free position is known */
  gint64 line_position;
  GString *scratch; /* (owned) */
} Import;

typedef struct {
  const char *key; /* in texts */
  CtId id;
} RowLink;

static void
refusal_clear (Refusal *self)
{
  g_free (self->reason);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Refusal, refusal_clear)

static void
import_clear (Import *self)
{
  for (guint i = 0; i < self->n_layouts; i++)
    g_clear_pointer (&self->layouts[i].upsert, ct_upsert_free);
  g_string_free (self->outcomes, TRUE);
  g_clear_pointer (&self->refused, json_array_unref);
  ct_upsert_log_free (self->log);
  g_string_chunk_free (self->texts);
  g_hash_table_unref (self->links);
  g_array_unref (self->row_links);
  g_hash_table_unref (self->touched);
  g_string_free (self->scratch, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Import, import_clear)

static guint
hash_id (gconstpointer id)
{
  guint32 value;

  memcpy (&value, (const guint8 *) id + 8, sizeof value);
  return value;
}

static gboolean
equal_ids (gconstpointer a, gconstpointer b)
{
  return ct_id_equal (a, b);
}

static gboolean
read_fields (Layout *layout, JsonObject *object, GError **error)
{
  JsonArray *fields = ct_json_array (object, "fields");
  JsonObject *by = ct_json_object (object, "by");

  for (guint i = 0; fields && i < json_array_get_length (fields); i++) {
    JsonNode *node = json_array_get_element (fields, i);
    const char *name = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
    int field = g_strcmp0 (name, "id") == 0 ? CT_BINDING_ID : ct_kind_field_index (layout->kind, name);

    if (i > CT_KIND_MAX_FIELDS || (field < 0 && g_strcmp0 (name, "id") != 0))
      return ct_fail (error, CT_ERROR_INVALID, _ ("A record of kind \"%s\" has no field \"%s\""),
                      layout->kind->name, name ? name : "");
    layout->fields[layout->n_fields] = field;
    layout->by[layout->n_fields++] = ct_json_string (by, name, NULL);
  }
  return TRUE;
}

/**
 * ct_import_chunk_may:
 * @roles: (element-type utf8): who imports
 * @once: whether records that are there stay as they are
 *
 * Returns: whether records of the kind may be imported by somebody with these roles: who may not make and edit one by
 *   hand may not import a file of them
 */
gboolean
ct_import_chunk_may (CtPolicy *policy, const CtKind *kind, gboolean once, GPtrArray *roles)
{
  return ct_policy_may_write (policy, "import.chunk", kind->table, 'i', roles) &&
         (once || ct_policy_may_write (policy, "import.chunk", kind->table, 'u', roles));
}

static gboolean
read_layout (Import *self, JsonNode *node, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  Layout *layout = &self->layouts[self->n_layouts];

  layout->kind = ct_kind_find (ct_json_string (object, "kind", NULL));
  if (!layout->kind)
    return ct_fail (error, CT_ERROR_INVALID, _ ("\"%s\" is no kind of record"),
                    ct_json_string (object, "kind", ""));
  layout->keyed = ct_json_bool (object, "keyed", FALSE);
  layout->once = ct_json_bool (object, "once", FALSE);
  layout->totals = ct_json_bool (object, "totals", FALSE);
  if (!ct_import_chunk_may (self->command->policy, layout->kind, layout->once, self->command->roles))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("\"%s\" may not import %s; ask an administrator for the role"), self->command->actor,
                    layout->kind->table);
  layout->upsert = ct_upsert_new (self->command, layout->kind, self->log);
  self->n_layouts++;
  return read_fields (layout, object, error);
}

static gboolean
check_attachment (CtCommand *command, GError **error)
{
  CtHash named, found;
  gconstpointer data;
  gsize length;

  if (!command->attachment)
    return ct_fail (error, CT_ERROR_INVALID, _ ("The rows of the import are not at hand"));
  data = g_bytes_get_data (command->attachment, &length);
  found = ct_hash (data, length);
  if (!ct_hash_from_hex (ct_arg_text (command, "sha256"), &named) || !ct_hash_equal (&named, &found))
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("The rows of the import are not those that the command names"));
  return TRUE;
}

static gboolean
read_args (Import *self, GError **error)
{
  CtCommand *command = self->command;
  JsonArray *records = ct_json_array (command->args, "records");
  gint64 rows = ct_arg_int (command, "rows", 0);

  if (rows < 1 || rows > CT_IMPORT_CHUNK_ROWS)
    return ct_fail (error, CT_ERROR_INVALID, _ ("An import command takes 1 to %d rows"),
                    CT_IMPORT_CHUNK_ROWS);
  if (json_array_get_length (records) > MOST_LAYOUTS)
    return ct_fail (error, CT_ERROR_INVALID, _ ("A row holds at most %d records"), MOST_LAYOUTS);
  self->n_rows = (guint) rows;
  self->source = ct_arg_text (command, "source");
  for (guint i = 0; i < json_array_get_length (records); i++)
    if (!read_layout (self, json_array_get_element (records, i), error))
      return FALSE;
  return check_attachment (command, error);
}

/* The name of a linked record in the caches: its kind, by what it is named, and the text. Valid until the next. */
static const char *
link_name (Import *self, const char *kind, const char *by, const CtValue *text)
{
  g_string_assign (self->scratch, kind);
  g_string_append_c (self->scratch, '\n');
  g_string_append (self->scratch, by ? by : "");
  g_string_append_c (self->scratch, '\n');
  g_string_append_len (self->scratch, text->data, (gssize) text->length);
  return self->scratch->str;
}

static const CtId *
cached_link (Import *self, const char *name)
{
  for (guint i = self->row_links->len; i > 0; i--) {
    RowLink *link = &g_array_index (self->row_links, RowLink, i - 1);

    if (strcmp (link->key, name) == 0)
      return &link->id;
  }
  return g_hash_table_lookup (self->links, name);
}

static void
remember_link (Import *self, const char *name, const CtId *id)
{
  g_hash_table_insert (self->links, g_string_chunk_insert (self->texts, name), g_memdup2 (id, sizeof *id));
}

static gboolean
query_link (Import *self, const CtKind *kind, const char *by, const CtValue *text, CtId *id, gboolean *found,
            GError **error)
{
  g_autofree char *sql = NULL;
  g_autoptr (CtStmt) stmt = NULL;

  if (!by) {
    sql = g_strdup_printf ("SELECT id FROM %s WHERE external_ref = ? AND source = ?", kind->table);
    stmt = ct_db_query (self->command->db, error, sql, "ts", text->data, text->length, self->source);
  } else if (strcmp (by, "id") == 0) {
    CtId named;

    *found = FALSE;
    if (!ct_id_parse (text->data, &named))
      return TRUE;
    sql = g_strdup_printf ("SELECT id FROM %s WHERE id = ?", kind->table);
    stmt = ct_db_query (self->command->db, error, sql, "b", &named, sizeof named);
  } else {
    sql = g_strdup_printf ("SELECT id FROM %s WHERE %s = ?", kind->table, kind->key[0]);
    stmt = ct_db_query (self->command->db, error, sql, "t", text->data, text->length);
  }
  if (!stmt)
    return FALSE;
  *found = ct_stmt_next (stmt) && ct_stmt_id (stmt, 0, id);
  return *found || ct_stmt_finish (stmt, error);
}

/* Turns the text of a link into the id of the record it names. */
static gboolean
resolve (Import *self, const char *kind_name, const char *by, CtValue *value, CtId *id, gboolean *found,
         GError **error)
{
  const CtKind *kind = ct_kind_find (kind_name);
  const char *name = link_name (self, kind_name, by, value);
  const CtId *known = cached_link (self, name);

  if (known) {
    *id = *known;
    *found = TRUE;
  } else {
    if (by && strcmp (by, "id") != 0 && strcmp (by, kind->key[0]) != 0)
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s: a link goes by \"id\" or \"%s\""), kind_name,
                      kind->key[0]);
    if (!query_link (self, kind, by, value, id, found, error))
      return FALSE;
    if (*found)
      remember_link (self, name, id);
  }
  *value = (CtValue){ .type = 'b', .data = id, .length = sizeof *id };
  return TRUE;
}

/* Takes the chunk's values into the kind's fields. @ids keeps the ids of links. */
static gboolean
take_values (Import *self, Layout *layout, const CtChunkRecord *chunk, CtUpsertRecord *record, CtId *ids,
             CtId *own, Refusal *refusal, GError **error)
{
  for (guint i = 0; i < layout->n_fields; i++) {
    const CtChunkValue *from = &chunk->values[i];
    CtValue value = {
      .type = from->type, .integer = from->integer, .data = from->text, .length = from->length
    };
    int field = layout->fields[i];
    const CtKindField *kind_field = field >= 0 ? &layout->kind->fields[field] : NULL;
    gboolean found = TRUE;

    if (!kind_field) {
      if (value.type == 't' && ct_id_parse (value.data, own))
        record->given_id = own;
      continue;
    }
    if (kind_field->type == CT_FIELD_LINK && value.type == 't') {
      if (!resolve (self, kind_field->link, layout->by[i], &value, &ids[field], &found, error))
        return FALSE;
      if (!found) {
        refusal->field = kind_field->name;
        refusal->link = kind_field->link;
        refusal->by = layout->by[i];
        refusal->key = from->text;
        refusal->reason = g_strdup_printf (_ ("There is no %s \"%s\""), kind_field->link, from->text);
        return FALSE;
      }
    }
    record->values[field] = value;
  }
  return TRUE;
}

/* What an order line has that follows from the rest of it. */
static gboolean
derive_line (Import *self, const Layout *layout, CtUpsertRecord *record, Refusal *refusal, GError **error)
{
  const CtKind *kind = layout->kind;
  CtValue *total = &record->values[ct_kind_field_index (kind, "total")];
  CtValue *position = &record->values[ct_kind_field_index (kind, "position")];
  const CtValue *quantity = &record->values[ct_kind_field_index (kind, "quantity")];
  const CtValue *price = &record->values[ct_kind_field_index (kind, "unit_price")];
  const CtValue *discount = &record->values[ct_kind_field_index (kind, "discount")];
  const CtValue *order = &record->values[0];

  if (total->type != 'i' && quantity->type == 'i' && price->type == 'i') {
    total->type = 'i';
    if (!ct_line_total (quantity->integer, price->integer, discount->type == 'i' ? discount->integer : 0,
                        &total->integer)) {
      refusal->reason = g_strdup (_ ("The line's total is too large"));
      return FALSE;
    }
  }
  if (position->type == 'i' || order->type != 'b')
    return TRUE;
  if (!ct_id_equal (order->data, &self->line_order)) {
    if (!ct_db_read_int (self->command->db, &self->line_position, error,
                         "SELECT coalesce(max(position), 0) + 1 FROM order_lines WHERE order_id = ?", "b",
                         order->data, order->length))
      return FALSE;
    self->line_order = *(const CtId *) order->data;
  }
  return TRUE;
}

/* The position of a new line; only a line that is not there yet takes one, so it stays silent for the others. */
static CtUpsertOutcome
write_line (Import *self, Layout *layout, CtUpsertRecord *record, char **reason, GError **error)
{
  CtValue *position = &record->values[ct_kind_field_index (layout->kind, "position")];
  CtId order = { { 0 } };
  gboolean free_position = position->type != 'i';
  CtUpsertOutcome outcome;

  if (record->values[0].type == 'b')
    order = *(const CtId *) record->values[0].data;
  record->next_position = free_position ? self->line_position : 0;
  outcome = ct_upsert_write (layout->upsert, record, reason, error);
  if (outcome == CT_UPSERT_CREATED && free_position)
    self->line_position++;
  if (outcome == CT_UPSERT_CREATED && !free_position)
    self->line_order = (CtId){ { 0 } };
  if (layout->totals && (outcome == CT_UPSERT_CREATED || outcome == CT_UPSERT_CHANGED) &&
      !g_hash_table_contains (self->touched, &order))
    g_hash_table_add (self->touched, g_memdup2 (&order, sizeof order));
  return outcome;
}

/* Later rows and later records of this row may name the record by its reference or by its key. */
static void
offer_link (Import *self, const Layout *layout, const CtValue *reference, const CtValue *key, const CtId *id)
{
  const CtValue *values[] = { reference, key };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    RowLink link = { .id = *id };

    if (values[i]->type != 't')
      continue;
    link.key = g_string_chunk_insert (
        self->texts, link_name (self, layout->kind->name, i == 0 ? NULL : layout->kind->key[0], values[i]));
    g_array_append_val (self->row_links, link);
  }
}

/* Which field of the file is to blame, and what it says. */
static void
name_fault (const Layout *layout, const CtChunkRecord *chunk, int fault, Refusal *refusal)
{
  refusal->field = fault >= 0 ? layout->kind->fields[fault].name : NULL;
  for (guint i = 0; fault >= 0 && i < layout->n_fields; i++)
    if (layout->fields[i] == fault && chunk->values[i].type == 't')
      refusal->key = chunk->values[i].text;
}

static CtUpsertOutcome
write_record (Import *self, const CtChunkRecord *chunk, Refusal *refusal, GError **error)
{
  Layout *layout = &self->layouts[chunk->layout];
  gboolean line = strcmp (layout->kind->name, "order_line") == 0;
  int reference_field = ct_kind_field_index (layout->kind, "external_ref");
  int source_field = ct_kind_field_index (layout->kind, "source");
  CtUpsertRecord record = { .keyed = layout->keyed, .once = layout->once };
  CtValue reference, key;
  CtUpsertOutcome outcome;
  CtId ids[CT_KIND_MAX_FIELDS], own;

  refusal->kind = layout->kind->name;
  if (!take_values (self, layout, chunk, &record, ids, &own, refusal, error))
    return CT_UPSERT_REFUSED;
  if (layout->keyed)
    record.values[source_field] =
        (CtValue){ .type = 't', .data = self->source, .length = strlen (self->source) };
  if (line && !derive_line (self, layout, &record, refusal, error))
    return CT_UPSERT_REFUSED;
  reference = layout->keyed ? record.values[reference_field] : (CtValue){ 0 };
  key = record.values[ct_kind_field_index (layout->kind, layout->kind->key[0])];
  outcome = line ? write_line (self, layout, &record, &refusal->reason, error)
                 : ct_upsert_write (layout->upsert, &record, &refusal->reason, error);
  if (outcome == CT_UPSERT_REFUSED)
    name_fault (layout, chunk, record.fault, refusal);
  else if (!line)
    offer_link (self, layout, &reference, &key, &record.id);
  return outcome;
}

static void
add_refusal (Import *self, guint32 row, const Refusal *refusal)
{
  json_array_add_object_element (self->refused,
                                 ct_json_build ("issssss", "row", (gint64) row, "kind", refusal->kind,
                                                "field", refusal->field, "link", refusal->link, "by",
                                                refusal->by, "key", refusal->key, "reason", refusal->reason));
}

/* The records of one row, read ahead. */
typedef struct {
  CtChunkRecord records[MOST_LAYOUTS];
  guint n;
} Row;

static void
keep_links (Import *self)
{
  for (guint i = 0; i < self->row_links->len; i++) {
    RowLink *link = &g_array_index (self->row_links, RowLink, i);

    g_hash_table_insert (self->links, (gpointer) link->key, g_memdup2 (&link->id, sizeof link->id));
  }
}

/* The row is not taken: neither are those of its records that were written already. */
static gboolean
refuse_row (Import *self, guint32 row, const Refusal *refusal, GError **error)
{
  add_refusal (self, row, refusal);
  self->outcomes->str[row] = 'r';
  self->line_order = (CtId){ { 0 } };
  return ct_upsert_log_undo_row (self->log, self->command, error);
}

static gboolean
write_row (Import *self, const Row *row, GError **error)
{
  CtUpsertOutcome outcomes[MOST_LAYOUTS];
  char letter = 's';

  g_array_set_size (self->row_links, 0);
  ct_upsert_log_begin_row (self->log, row->n > 1);
  for (guint i = 0; i < row->n; i++) {
    g_auto (Refusal) refusal = { 0 };
    GError *problem = NULL;

    outcomes[i] = write_record (self, &row->records[i], &refusal, &problem);
    if (problem) {
      g_propagate_error (error, problem);
      return FALSE;
    }
    if (outcomes[i] == CT_UPSERT_REFUSED)
      return refuse_row (self, row->records[i].row, &refusal, error);
    if (outcomes[i] == CT_UPSERT_CREATED)
      letter = 'c';
    else if (outcomes[i] == CT_UPSERT_CHANGED && letter == 's')
      letter = 'u';
  }
  self->outcomes->str[row->records[0].row] = letter;
  keep_links (self);
  for (guint i = 0; i < row->n; i++)
    self->layouts[row->records[i].layout].counts[outcomes[i]]++;
  return TRUE;
}

static gboolean
take_into_row (Import *self, Row *row, const CtChunkRecord *record, GError **error)
{
  if (record->row >= self->n_rows || row->n == MOST_LAYOUTS)
    return ct_fail (error, CT_ERROR_INVALID, "The bytes of the import are not a chunk");
  row->records[row->n++] = *record;
  return TRUE;
}

static gboolean
write_rows (Import *self, GError **error)
{
  g_autofree Row *row = g_new (Row, 1);
  guint n_values[MOST_LAYOUTS];
  CtChunkReader reader;
  CtChunkRecord record;
  GError *problem = NULL;
  gconstpointer data;
  gsize length;

  for (guint i = 0; i < self->n_layouts; i++)
    n_values[i] = self->layouts[i].n_fields;
  data = g_bytes_get_data (self->command->attachment, &length);
  ct_chunk_reader_init (&reader, data, length, n_values, self->n_layouts);
  row->n = 0;
  while (ct_chunk_reader_next (&reader, &record, &problem) && !problem) {
    if (row->n > 0 && row->records[0].row != record.row) {
      if (!write_row (self, row, error))
        return FALSE;
      row->n = 0;
    }
    if (!take_into_row (self, row, &record, error))
      return FALSE;
  }
  if (problem) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  return row->n == 0 || write_row (self, row, error);
}

/* An order whose lines carry its total: the sum of them, as they stand now. */
static gboolean
update_totals (Import *self, GError **error)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->touched);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    gint64 total = 0;

    if (!ct_db_read_int (self->command->db, &total, error,
                         "SELECT coalesce(sum(total_minor), 0) FROM order_lines WHERE order_id = ?", "k",
                         key) ||
        !ct_db_run (self->command->db, error,
                    "UPDATE orders SET total_minor = ?2, rev = rev + 1, updated_at = ?3 "
                    "WHERE id = ?1 AND total_minor <> ?2",
                    "kii", key, total, self->command->now))
      return FALSE;
    if (ct_db_changes (self->command->db) > 0)
      ct_upsert_log_updated (self->log, "orders", key);
  }
  return TRUE;
}

static JsonObject *
report_counts (Import *self)
{
  JsonObject *kinds = json_object_new ();

  for (guint i = 0; i < self->n_layouts; i++) {
    const Layout *layout = &self->layouts[i];

    json_object_set_object_member (kinds, layout->kind->name,
                                   ct_json_build ("iii", "created", layout->counts[CT_UPSERT_CREATED],
                                                  "changed", layout->counts[CT_UPSERT_CHANGED], "unchanged",
                                                  layout->counts[CT_UPSERT_UNCHANGED]));
  }
  return kinds;
}

static gboolean
import_chunk_run (CtCommand *command, GError **error)
{
  g_auto (Import) self = {
    .command = command,
    .refused = json_array_new (),
    .log = ct_upsert_log_new (&command->id),
    .texts = g_string_chunk_new (64 * 1024),
    .outcomes = g_string_new (NULL),
    .scratch = g_string_new (NULL),
    .links = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free),
    .row_links = g_array_new (FALSE, FALSE, sizeof (RowLink)),
    .touched = g_hash_table_new_full (hash_id, equal_ids, g_free, NULL),
  };
  JsonObject *kinds;
  g_autofree char *summary = NULL;

  /* every row is committed to here, from what was bound; where the command is settled at once a changeset of thousands
   * of rows would be of no further use */
  ct_recorder_pause (command->recorder, ct_authority_settles (command->authority));
  if (!read_args (&self, error))
    return FALSE;
  g_string_set_size (self.outcomes, self.n_rows);
  memset (self.outcomes->str, '.', self.n_rows);
  if (!write_rows (&self, error) || !update_totals (&self, error) ||
      !ct_upsert_log_commit (self.log, command, error))
    return FALSE;
  command->idle = self.log->rows->len == 0;
  kinds = report_counts (&self);
  summary = ct_json_canonical_object (kinds, error);
  json_object_set_object_member (command->result, "records", kinds);
  json_object_set_string_member (command->result, "outcomes", self.outcomes->str);
  json_object_set_array_member (command->result, "refused", g_steal_pointer (&self.refused));
  if (!summary)
    return FALSE;
  ct_command_disclose (command, "file", ct_arg_text (command, "file"));
  ct_command_disclose (command, "records", summary);
  return TRUE;
}

/* Makes the commands of this folder known. */
void
ct_import_chunk_register (void)
{
  static const CtArg args[] = { { "source", 's', 100 }, { "profile", 's', 100 }, { "file", 's', 1000 },
                                { "rows", 'i', 0 },     { "sha256", 's', 64 },   { "records", 'a', 0 },
                                { NULL, 0, 0 } };
  static const CtCommandDef defs[] = {
    { "import.chunk", "import", import_chunk_run, CT_COMMAND_BULK, args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
