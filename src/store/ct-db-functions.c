/* SQL functions that schema, rules and handlers use. */
#include "ct-db-private.h"

#include <string.h>

/* sha256(x): of a blob or of a text's UTF-8. */
static void
sha256_func (sqlite3_context *context, int n, sqlite3_value **values)
{
  gconstpointer data = sqlite3_value_type (values[0]) == SQLITE_BLOB
                           ? sqlite3_value_blob (values[0])
                           : (gconstpointer) sqlite3_value_text (values[0]);
  CtHash hash;

  if (sqlite3_value_type (values[0]) == SQLITE_NULL)
    return;
  hash = ct_hash (data, (gsize) sqlite3_value_bytes (values[0]));
  sqlite3_result_blob (context, hash.bytes, CT_HASH_SIZE, SQLITE_TRANSIENT);
}

/* uuid('text') -> blob; an error where it is none. */
static void
uuid_func (sqlite3_context *context, int n, sqlite3_value **values)
{
  CtId id;

  if (sqlite3_value_type (values[0]) == SQLITE_NULL)
    return;
  if (ct_id_parse ((const char *) sqlite3_value_text (values[0]), &id))
    sqlite3_result_blob (context, id.bytes, CT_ID_SIZE, SQLITE_TRANSIENT);
  else
    sqlite3_result_error (context, "not a UUID", -1);
}

/* uuid_text(blob) -> text */
static void
uuid_text_func (sqlite3_context *context, int n, sqlite3_value **values)
{
  CtId id;

  if (sqlite3_value_bytes (values[0]) != CT_ID_SIZE)
    return;
  memcpy (id.bytes, sqlite3_value_blob (values[0]), CT_ID_SIZE);
  sqlite3_result_text (context, ct_id_to_string (&id), 36, g_free);
}

/* local_date(ms) -> the day of an instant in the workspace's zone, 'YYYY-MM-DD'. */
static void
local_date_func (sqlite3_context *context, int n, sqlite3_value **values)
{
  CtDb *db = sqlite3_user_data (context);
  char date[CT_DATE_SIZE];

  if (sqlite3_value_type (values[0]) == SQLITE_NULL)
    return;
  ct_time_to_date (sqlite3_value_int64 (values[0]), db->zone, date);
  sqlite3_result_text (context, date, CT_DATE_SIZE - 1, SQLITE_TRANSIENT);
}

/* day_start(date) -> the instant at which a day begins in the workspace's zone. */
static void
day_start_func (sqlite3_context *context, int n, sqlite3_value **values)
{
  CtDb *db = sqlite3_user_data (context);
  const char *date = (const char *) sqlite3_value_text (values[0]);

  if (date && ct_date_valid (date))
    sqlite3_result_int64 (context, ct_date_to_time (date, db->zone));
}

/* next_n(): the next local row number; read once a transaction, written back at its end. */
static void
next_n_func (sqlite3_context *context, int n, sqlite3_value **values)
{
  CtDb *db = sqlite3_user_data (context);

  if (db->next_n == 0 && !ct_db_read_int (db, &db->next_n, NULL, "SELECT next FROM row_counter", "")) {
    sqlite3_result_error (context, "next_n: no row counter", -1);
    return;
  }
  sqlite3_result_int64 (context, db->next_n++);
}

/* replicating(): whether what is written comes from the authority, so that it may already be decided or sent. */
static void
replicating_func (sqlite3_context *context, int n, sqlite3_value **values)
{
  CtDb *db = sqlite3_user_data (context);

  sqlite3_result_int (context, db->replicating);
}

gboolean
ct_db_add_functions (CtDb *self, GError **error)
{
  static const struct {
    const char *name;
    int arguments;
    int flags;
    void (*run) (sqlite3_context *, int, sqlite3_value **);
  } functions[] = {
    { "sha256", 1, SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, sha256_func },
    { "uuid", 1, SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, uuid_func },
    { "uuid_text", 1, SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, uuid_text_func },
    { "local_date", 1, SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, local_date_func },
    { "day_start", 1, SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, day_start_func },
    { "next_n", 0, SQLITE_DIRECTONLY, next_n_func },
    { "replicating", 0, SQLITE_INNOCUOUS, replicating_func },
  };

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++) {
    int result =
        sqlite3_create_function (self->handle, functions[i].name, functions[i].arguments,
                                 SQLITE_UTF8 | functions[i].flags, self, functions[i].run, NULL, NULL);

    if (result != SQLITE_OK)
      return ct_db_fail (self, result, error);
  }
  return TRUE;
}
