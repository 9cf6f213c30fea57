#include "pg-server.h"
#include "ct-config.h"

/* An order book, 1,000,000 rows of 200,000 orders: see fill.sql. @notes: how many bytes a distributor's have */
void
pg_server_fill (PgServer *self, const char *database, guint orders, guint notes)
{
  g_autoptr (CtSession) session = pg_server_login (self, database, "postgres");
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "tests", "pg", "fill.sql", NULL), *script = NULL;
  g_autofree char *sizes = g_strdup_printf ("SET fill.orders = %u; SET fill.notes = %u", orders, notes);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_get_contents (path, &script, NULL, NULL));
  ct_session_set_patience (session, 1800 * 1000);
  ct_session_script (session, sizes, NULL, &error);
  g_assert_no_error (error);
  ct_session_script (session, script, NULL, &error);
  g_assert_no_error (error);
}
