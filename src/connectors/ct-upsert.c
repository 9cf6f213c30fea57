#include "ct-upsert.h"
#include "ct-policy.h"

#include <string.h>

/* The columns every record has beside its kind's fields, as an image lists them. */
enum {
  IMAGE_ID = -1,
  IMAGE_REV = -2,
  IMAGE_CREATED = -3,
  IMAGE_UPDATED = -4,
};

/* Columns of a row that is looked for: id, rev, updated_at, then the kind's fields. */
#define FIRST_FIELD 3

struct _CtUpsert {
  CtCommand *command; /* (unowned) */
  const CtKind *kind;
  CtUpsertLog *log; /* (unowned) */
  guint n_fields;
  int source, external_ref, number; /* fields; -1: none */
  int state, since;                 /* fields: when the first changes, so does the second; -1: none */
  struct {
    const char *name;
    int field;                     /* or one of the IMAGE_ values */
  } image[CT_KIND_MAX_FIELDS + 4]; /* columns by name */
  char *insert_sql;                /* (owned) */
  CtStmt *insert;                  /* (owned) (nullable) */
  GHashTable *finders;             /* (owned): SQL to CtStmt */
  gboolean expect_new;             /* the last record was: try to insert first */
};

static int
compare_columns (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
order_image (CtUpsert *self)
{
  static const struct {
    const char *name;
    int field;
  } common[] = {
    { "id", IMAGE_ID }, { "rev", IMAGE_REV }, { "created_at", IMAGE_CREATED }, { "updated_at", IMAGE_UPDATED }
  };

  for (guint i = 0; i < self->n_fields; i++) {
    self->image[i].name = self->kind->fields[i].column;
    self->image[i].field = (int) i;
  }
  for (guint i = 0; i < G_N_ELEMENTS (common); i++) {
    self->image[self->n_fields + i].name = common[i].name;
    self->image[self->n_fields + i].field = common[i].field;
  }
  qsort (self->image, self->n_fields + G_N_ELEMENTS (common), sizeof self->image[0], compare_columns);
}

static char *
make_insert (CtUpsert *self)
{
  GString *sql = g_string_new (NULL);

  g_string_append_printf (sql, "INSERT INTO %s(id,n,created_at,updated_at", self->kind->table);
  for (guint i = 0; i < self->n_fields; i++)
    g_string_append_printf (sql, ",%s", self->kind->fields[i].column);
  g_string_append (sql, ") VALUES(?1,next_n(),?2,?2");
  for (guint i = 0; i < self->n_fields; i++)
    g_string_append_printf (sql, ",?%u", i + 3);
  g_string_append (sql, ") ON CONFLICT DO NOTHING");
  return g_string_free (sql, FALSE);
}

/* @command and @log must outlive it. */
CtUpsert *
ct_upsert_new (CtCommand *command, const CtKind *kind, CtUpsertLog *log)
{
  CtUpsert *self = g_new0 (CtUpsert, 1);

  self->command = command;
  self->kind = kind;
  self->log = log;
  self->n_fields = ct_kind_n_fields (kind);
  self->source = ct_kind_field_index (kind, "source");
  self->external_ref = ct_kind_field_index (kind, "external_ref");
  self->number = kind->series ? ct_kind_field_index (kind, "number") : -1;
  self->since = ct_kind_field_index (kind, "status_since");
  self->state = ct_kind_field_index (kind, "status");
  if (self->since < 0) {
    self->since = ct_kind_field_index (kind, "onboarding_since");
    self->state = ct_kind_field_index (kind, "onboarding_state");
  }
  self->insert_sql = make_insert (self);
  self->finders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) ct_stmt_free);
  self->expect_new = TRUE;
  order_image (self);
  return self;
}

void
ct_upsert_free (CtUpsert *self)
{
  g_clear_pointer (&self->insert, ct_stmt_free);
  g_hash_table_unref (self->finders);
  g_free (self->insert_sql);
  g_free (self);
}

/* Where the file says nothing of a field that keeps what it has. */
static gboolean
is_silent (CtUpsert *self, guint field, const CtValue *value)
{
  return value->type == 0 || (value->type == 'n' && ((int) field == self->number ||
                                                     self->kind->fields[field].absence == CT_FIELD_NOW));
}

static CtValue
text_value (const char *text)
{
  return (CtValue){ .type = 't', .data = text, .length = strlen (text) };
}

/* What a field holds that the file leaves empty; type 0 where it must not. */
static CtValue
default_value (CtUpsert *self, guint i)
{
  const CtKindField *field = &self->kind->fields[i];

  switch (field->absence) {
  case CT_FIELD_NOW:
    return (CtValue){ .type = 'i', .integer = self->command->now };
  case CT_FIELD_NULLABLE:
    return (CtValue){ .type = 'n' };
  case CT_FIELD_DEFAULTED:
    if (field->type == CT_FIELD_TEXT || field->type == CT_FIELD_CHOICE || field->type == CT_FIELD_JSON)
      return text_value (field->fallback);
    return (CtValue){ .type = 'i', .integer = g_ascii_strtoll (field->fallback, NULL, 10) };
  case CT_FIELD_REQUIRED:
  default:
    return (CtValue){ 0 };
  }
}

/* Binds a value to the parameter @at. */
gboolean
ct_upsert_bind (CtStmt *stmt, int at, const CtValue *value, GError **error)
{
  switch (value->type) {
  case 'i':
    return ct_stmt_bind_at (stmt, error, at, "i", value->integer);
  case 't':
    return ct_stmt_bind_at (stmt, error, at, "t", value->data, value->length);
  case 'b':
    return ct_stmt_bind_at (stmt, error, at, "b", value->data, value->length);
  default:
    return ct_stmt_bind_at (stmt, error, at, "n");
  }
}

/* A statement of this kind, ready for its values; kept until the chunk is done. */
static CtStmt *
finder (CtUpsert *self, const char *condition, GError **error)
{
  CtStmt *stmt = g_hash_table_lookup (self->finders, condition);
  g_autoptr (GString) sql = NULL;

  if (stmt)
    return ct_stmt_rebind (stmt, error, "") ? stmt : NULL;
  sql = g_string_new ("SELECT id,rev,updated_at");
  for (guint i = 0; i < self->n_fields; i++)
    g_string_append_printf (sql, ",%s", self->kind->fields[i].column);
  g_string_append_printf (sql, " FROM %s WHERE %s", self->kind->table, condition);
  stmt = ct_db_query (self->command->db, error, sql->str, "");
  if (stmt)
    g_hash_table_insert (self->finders, g_strdup (condition), stmt);
  return stmt;
}

/* Steps @stmt to the row found. */
static gboolean
is_found (CtUpsert *self, CtStmt *stmt, CtUpsertRecord *record, gboolean *found, GError **error)
{
  *found = ct_stmt_next (stmt) && ct_stmt_id (stmt, 0, &record->id);
  return *found || ct_stmt_finish (stmt, error);
}

static CtStmt *
find_by_reference (CtUpsert *self, CtUpsertRecord *record, gboolean *found, GError **error)
{
  gboolean unique = self->kind->external_unique;
  CtStmt *stmt = finder (
      self, unique ? "source=?1 AND external_ref=?2" : "source=?1 AND external_ref=?2 AND order_id=?3",
      error);

  if (!stmt || !ct_upsert_bind (stmt, 1, &record->values[self->source], error) ||
      !ct_upsert_bind (stmt, 2, &record->values[self->external_ref], error) ||
      (!unique && !ct_upsert_bind (stmt, 3, &record->values[0], error)))
    return NULL;
  return is_found (self, stmt, record, found, error) ? stmt : NULL;
}

static CtStmt *
find_by_key (CtUpsert *self, CtUpsertRecord *record, gboolean *found, GError **error)
{
  g_autoptr (GString) condition = g_string_new (NULL);
  const CtKind *kind = self->kind;
  CtStmt *stmt;

  for (guint i = 0; kind->key[i]; i++)
    g_string_append_printf (condition, "%s%s IS ?%u", i ? " AND " : "",
                            kind->fields[ct_kind_field_index (kind, kind->key[i])].column, i + 1);
  stmt = finder (self, condition->str, error);
  for (guint i = 0; stmt && kind->key[i]; i++)
    if (!ct_upsert_bind (stmt, (int) i + 1, &record->values[ct_kind_field_index (kind, kind->key[i])], error))
      return NULL;
  return stmt && is_found (self, stmt, record, found, error) ? stmt : NULL;
}

/* The row that the record means: by its id, its reference in the source, or its natural key. */
static CtStmt *
find (CtUpsert *self, CtUpsertRecord *record, gboolean *found, GError **error)
{
  CtStmt *stmt;

  if (record->given_id) {
    stmt = finder (self, "id=?1", error);
    if (!stmt || !ct_stmt_bind_at (stmt, error, 1, "k", record->given_id) ||
        !is_found (self, stmt, record, found, error))
      return NULL;
    if (*found)
      return stmt;
  }
  return record->keyed ? find_by_reference (self, record, found, error)
                       : find_by_key (self, record, found, error);
}

static gboolean
holds (CtStmt *row, int column, const CtValue *value)
{
  gconstpointer data;
  gsize length;

  switch (value->type) {
  case 'i':
    return ct_stmt_int (row, column) == value->integer;
  case 't':
  case 'b':
    data = ct_stmt_blob (row, column, &length);
    return !ct_stmt_is_null (row, column) && length == value->length &&
           (length == 0 || memcmp (data, value->data, length) == 0);
  default:
    return ct_stmt_is_null (row, column);
  }
}

/* Sets what the file says and the row does not hold; the rest of @record's values become silent. */
static guint
keep_differences (CtUpsert *self, CtUpsertRecord *record, CtStmt *row)
{
  gboolean says_since =
      self->since >= 0 && !is_silent (self, (guint) self->since, &record->values[self->since]);
  guint differences = 0;

  for (guint i = 0; i < self->n_fields; i++) {
    CtValue *value = &record->values[i];

    if (is_silent (self, i, value))
      value->type = 0;
    else if (value->type == 'n')
      *value = default_value (self, i);
    if (value->type != 0 && holds (row, (int) i + FIRST_FIELD, value))
      value->type = 0;
    differences += value->type != 0;
  }
  if (self->state >= 0 && record->values[self->state].type != 0 && !says_since) {
    record->values[self->since] = (CtValue){ .type = 'i', .integer = self->command->now };
    differences++;
  }
  return differences;
}

/* How people know the record that the row belongs to; (transfer full): empty where it is not to be seen here. */
static gboolean
read_parent (CtUpsert *self, const CtKindField *field, const CtValue *id, char **name, GError **error)
{
  const CtKind *kind = ct_kind_find (field->link);
  g_autofree char *sql = g_strdup_printf ("SELECT %s FROM %s WHERE id = ?", kind->key[0], kind->table);
  g_autoptr (CtStmt) stmt = ct_db_query (self->command->db, error, sql, "b", id->data, id->length);

  if (!stmt)
    return FALSE;
  *name = g_strdup (ct_stmt_next (stmt) ? ct_stmt_text (stmt, 0) : "");
  return ct_stmt_finish (stmt, error);
}

/* Why one field must not become what the file says, for people. */
static void
explain (CtUpsert *self, const CtKindField *field, const CtValue *before, const GError *problem,
         char **reason, GError **error)
{
  g_autofree char *parent = NULL;

  if (!field->link || before->type != 'b') {
    *reason = g_strdup (problem->message);
    return;
  }
  if (!read_parent (self, field, before, &parent, error))
    return;
  *reason =
      g_strdup_printf (_ ("This %s belongs to the %s \"%s\", and no import moves it to another: correct the "
                          "row, or give it a key of its own for a new %s"),
                       self->kind->name, field->link, parent, self->kind->name);
}

/* Whether the import may change the row @record differs from so: it changes no field and takes no step that an edit of the
 * record could not. */
static gboolean
check_allowed (CtUpsert *self, CtUpsertRecord *record, CtStmt *row, char **reason, GError **error)
{
  for (guint i = 0; i < self->n_fields; i++) {
    const CtKindField *field = &self->kind->fields[i];
    const char *column = field->column;
    CtValue before = { .type = ct_stmt_type (row, (int) i + FIRST_FIELD) };
    CtChange change = { .table = self->kind->table,
                        .operation = 'u',
                        .id = record->id,
                        .n_columns = 1,
                        .columns = &column,
                        .before = &before,
                        .after = &record->values[i] };
    g_autoptr (GError) problem = NULL;

    if (record->values[i].type == 0)
      continue;
    if (before.type == 't' || before.type == 'b')
      before.data = ct_stmt_blob (row, (int) i + FIRST_FIELD, &before.length);
    if (ct_policy_check_change (self->command->policy, self->command->def->name, self->command->roles,
                                &change, &problem))
      continue;
    record->fault = (int) i;
    explain (self, field, &before, problem, reason, error);
    return FALSE;
  }
  return TRUE;
}

static CtValue
copy_column (CtStmt *row, int column, GPtrArray *texts)
{
  CtValue value = { .type = ct_stmt_type (row, column) };

  if (value.type == 'i')
    value.integer = ct_stmt_int (row, column);
  else if (value.type != 'n') {
    gconstpointer data = ct_stmt_blob (row, column, &value.length);

    value.data = value.length > 0 ? g_memdup2 (data, value.length) : g_strdup ("");
    g_ptr_array_add (texts, (gpointer) value.data);
  }
  return value;
}

/* Keeps what the fields about to change hold, for a row whose later records may be refused. */
static void
keep_undo (CtUpsert *self, const CtUpsertRecord *record, CtStmt *row)
{
  CtUpsertUndo *undo = g_new0 (CtUpsertUndo, 1);
  g_autoptr (GString) sql = g_string_new (NULL);
  CtValue value;

  undo->id = record->id;
  undo->values = g_array_new (FALSE, FALSE, sizeof (CtValue));
  undo->texts = g_ptr_array_new_with_free_func (g_free);
  g_string_append_printf (sql, "UPDATE %s SET rev=?2,updated_at=?3", self->kind->table);
  for (int i = 1; i < FIRST_FIELD; i++) {
    value = copy_column (row, i, undo->texts);
    g_array_append_val (undo->values, value);
  }
  for (guint i = 0; i < self->n_fields; i++) {
    if (record->values[i].type == 0)
      continue;
    value = copy_column (row, (int) i + FIRST_FIELD, undo->texts);
    g_array_append_val (undo->values, value);
    g_string_append_printf (sql, ",%s=?%u", self->kind->fields[i].column, undo->values->len + 1);
  }
  g_string_append (sql, " WHERE id=?1");
  undo->sql = g_string_free (g_steal_pointer (&sql), FALSE);
  ct_upsert_log_take_undo (self->log, undo);
}

static CtUpsertOutcome
refuse (char **reason, GError *problem)
{
  gboolean unique = g_str_has_prefix (problem->message, "UNIQUE constraint failed");
  const char *column = unique ? strrchr (problem->message, '.') : NULL;

  *reason = column ? g_strdup_printf (_ ("Another record has this \"%s\" already"), column + 1)
                   : g_strdup (problem->message);
  return CT_UPSERT_REFUSED;
}

/* A constraint that a row breaks is the row's fault; anything else stops the import. */
static gboolean
is_row_fault (const GError *problem)
{
  return g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT) ||
         g_error_matches (problem, CT_ERROR, CT_ERROR_INVALID);
}

static CtUpsertOutcome
update (CtUpsert *self, CtUpsertRecord *record, char **reason, GError **error)
{
  g_autoptr (GString) sql = g_string_new (NULL);
  g_autoptr (GError) problem = NULL;
  g_autoptr (CtStmt) stmt = NULL;
  int at = 3;

  g_string_append_printf (sql, "UPDATE %s SET rev=rev+1,updated_at=?2", self->kind->table);
  for (guint i = 0; i < self->n_fields; i++)
    if (record->values[i].type != 0)
      g_string_append_printf (sql, ",%s=?%d", self->kind->fields[i].column, at++);
  g_string_append (sql, " WHERE id=?1");
  stmt = ct_db_query (self->command->db, error, sql->str, "ki", &record->id, self->command->now);
  at = 3;
  for (guint i = 0; stmt && i < self->n_fields; i++)
    if (record->values[i].type != 0 && !ct_upsert_bind (stmt, at++, &record->values[i], error))
      return CT_UPSERT_REFUSED;
  if (!stmt)
    return CT_UPSERT_REFUSED;
  if (!ct_stmt_finish (stmt, &problem)) {
    if (self->log->guarded)
      ct_upsert_log_drop_undo (self->log);
    if (is_row_fault (problem))
      return refuse (reason, problem);
    g_propagate_error (error, g_steal_pointer (&problem));
    return CT_UPSERT_REFUSED;
  }
  ct_upsert_log_updated (self->log, self->kind->table, &record->id);
  return CT_UPSERT_CHANGED;
}

/* Fills what a new record needs and the file does not say. */
static gboolean
complete (CtUpsert *self, CtUpsertRecord *record, char **number, char **reason, GError **error)
{
  for (guint i = 0; i < self->n_fields; i++) {
    CtValue *value = &record->values[i];

    if (value->type != 0 && value->type != 'n')
      continue;
    if ((int) i == self->number) {
      *number = ct_authority_number (self->command->authority, self->command->db, self->kind->series,
                                     self->kind->series_digits, self->command->now, error);
      if (!*number)
        return FALSE;
      *value = text_value (*number);
      continue;
    }
    *value = default_value (self, i);
    if (value->type == 0 && record->next_position > 0 && strcmp (self->kind->fields[i].name, "position") == 0)
      *value = (CtValue){ .type = 'i', .integer = record->next_position };
    if (value->type == 0) {
      *reason = g_strdup_printf (_ ("\"%s\" is missing"), self->kind->fields[i].name);
      return FALSE;
    }
  }
  return TRUE;
}

static void
append_image (GByteArray *image, const char *name, const CtValue *value)
{
  guint32 length;
  char digits[24];
  gconstpointer data = value->data;
  gsize size = value->length;

  if (value->type == 'n')
    return;
  if (value->type == 'i') {
    size = (gsize) g_snprintf (digits, sizeof digits, "%" G_GINT64_FORMAT, value->integer);
    data = digits;
  }
  length = GUINT32_TO_BE ((guint32) size);
  g_byte_array_append (image, (const guint8 *) name, (guint) strlen (name) + 1);
  g_byte_array_append (image, (const guint8 *) &value->type, 1);
  g_byte_array_append (image, (const guint8 *) &length, sizeof length);
  g_byte_array_append (image, data, (guint) size);
}

/* The new row's image, from what was bound: reading every row back would cost as much as writing it. */
static void
log_inserted (CtUpsert *self, const CtUpsertRecord *record)
{
  const CtValue now = { .type = 'i', .integer = self->command->now }, rev = { .type = 'i', .integer = 1 };
  const CtValue id = { .type = 'b', .data = &record->id, .length = sizeof record->id };
  CtWrittenRow row = { .table = self->kind->table, .id = record->id, .offset = self->log->images->len };

  for (guint i = 0; i < self->n_fields + 4; i++) {
    int field = self->image[i].field;
    const CtValue *value = field >= 0           ? &record->values[field]
                           : field == IMAGE_ID  ? &id
                           : field == IMAGE_REV ? &rev
                                                : &now;

    append_image (self->log->images, self->image[i].name, value);
  }
  row.length = self->log->images->len - row.offset;
  g_array_append_val (self->log->rows, row);
}

/* A number that a file brings must not be given again. */
static void
note_number (CtUpsert *self, const CtValue *number)
{
  const char *text = number->data, *dash = number->type == 't' ? strrchr (text, '-') : NULL;
  gsize series = strlen (self->kind->series);
  gint64 value, *highest;

  if (!dash || strncmp (text, self->kind->series, series) != 0 || text[series] != '-' ||
      dash != text + series + 5 || strspn (text + series + 1, "0123456789") != 4 || !dash[1] ||
      strspn (dash + 1, "0123456789") != strlen (dash + 1) || strlen (dash + 1) > 9)
    return;
  value = g_ascii_strtoll (dash + 1, NULL, 10);
  {
    g_autofree char *key = g_strndup (text, (gsize) (dash - text));

    highest = g_hash_table_lookup (self->log->numbers, key);
    if (highest)
      *highest = MAX (*highest, value);
    else
      g_hash_table_insert (self->log->numbers, g_steal_pointer (&key), g_memdup2 (&value, sizeof value));
  }
}

/* CT_UPSERT_UNCHANGED where a row with the same key is in the way. */
static CtUpsertOutcome
insert (CtUpsert *self, CtUpsertRecord *record, char **reason, GError **error)
{
  g_autofree char *number = NULL;
  g_autoptr (GError) problem = NULL;

  if (!complete (self, record, &number, reason, error))
    return CT_UPSERT_REFUSED;
  record->id = record->given_id ? *record->given_id : ct_id_number (&self->log->series, self->log->next_id);
  if (!self->insert)
    self->insert = ct_db_query (self->command->db, error, self->insert_sql, "");
  if (!self->insert || !ct_stmt_rebind (self->insert, error, "ki", &record->id, self->command->now))
    return CT_UPSERT_REFUSED;
  for (guint i = 0; i < self->n_fields; i++)
    if (!ct_upsert_bind (self->insert, (int) i + 3, &record->values[i], error))
      return CT_UPSERT_REFUSED;
  if (!ct_stmt_finish (self->insert, &problem)) {
    if (is_row_fault (problem))
      return refuse (reason, problem);
    g_propagate_error (error, g_steal_pointer (&problem));
    return CT_UPSERT_REFUSED;
  }
  if (ct_db_changes (self->command->db) == 0)
    return CT_UPSERT_UNCHANGED;
  self->log->next_id++;
  if (self->number >= 0 && !number)
    note_number (self, &record->values[self->number]);
  log_inserted (self, record);
  return CT_UPSERT_CREATED;
}

/* Whether the record may be written before anybody has looked for it: a unique index stands behind its key. */
static gboolean
may_insert_first (CtUpsert *self, const CtUpsertRecord *record)
{
  return self->expect_new && record->keyed && self->kind->external_unique && !record->given_id &&
         (self->number < 0 || record->values[self->number].type == 't');
}

/**
 * ct_upsert_write:
 * @record: its values are used up; its id is set but where it is refused, there its fault
 * @reason: (out): why a record is refused, for people
 *
 * A repeated record changes nothing: only what differs is written, and a revision is counted only then.
 *
 * Returns: what became of the record; %CT_UPSERT_REFUSED with @error set where the database fails
 */
CtUpsertOutcome
ct_upsert_write (CtUpsert *self, CtUpsertRecord *record, char **reason, GError **error)
{
  CtUpsertOutcome outcome;
  CtStmt *row;
  gboolean found;

  record->fault = -1;
  if (may_insert_first (self, record)) {
    CtUpsertRecord copy = *record;

    outcome = insert (self, &copy, reason, error);
    if (outcome != CT_UPSERT_UNCHANGED) {
      record->id = copy.id;
      return outcome;
    }
  }
  row = find (self, record, &found, error);
  if (!row)
    return CT_UPSERT_REFUSED;
  self->expect_new = !found;
  if (found) {
    guint differences = record->once ? 0 : keep_differences (self, record, row);
    gboolean allowed = differences == 0 || check_allowed (self, record, row, reason, error);

    if (allowed && differences > 0 && self->log->guarded)
      keep_undo (self, record, row);
    if (!ct_stmt_finish (row, allowed ? error : NULL) || !allowed)
      return CT_UPSERT_REFUSED;
    return differences > 0 ? update (self, record, reason, error) : CT_UPSERT_UNCHANGED;
  }
  outcome = insert (self, record, reason, error);
  if (outcome != CT_UPSERT_UNCHANGED)
    return outcome;
  *reason = g_strdup_printf (_ ("Another record has this \"%s\" already"), self->kind->key[0]);
  return CT_UPSERT_REFUSED;
}
