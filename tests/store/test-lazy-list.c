#include "ct-test.h"
#include "ct-lazy-list.h"
#include "ct-list-diff.h"
#include "ct-own-time.h"

static const char *const columns[] = { "e.number", "e.score", "e.id", "d.legal_name", NULL };
static const char *const tables[] = { "exceptions", "distributors", NULL };
static const CtListSource source = { "exceptions e LEFT JOIN distributors d ON d.id = e.distributor_id",
                                     "e.n", columns, tables };
enum { NUMBER, SCORE, ID, NAME };

typedef struct {
  char *folder;
  CtStore *store;
  CtLazyList *list;
  GPtrArray *told; /* (element-type utf8): "position -removed +added" */
  guint largest_exchange;
} Fixture;

static void
items_changed_cb (GListModel *model, guint position, guint removed, guint added, Fixture *f)
{
  g_ptr_array_add (f->told, g_strdup_printf ("%u -%u +%u", position, removed, added));
  f->largest_exchange = MAX (f->largest_exchange, MIN (removed, added));
}

static gboolean
write_cb (CtDb *db, gpointer data, GError **error)
{
  return ct_db_begin (db, error) && ct_db_exec (db, data, error) && ct_db_commit (db, error);
}

static void
write_sql (Fixture *f, const char *script)
{
  g_autoptr (GError) error = NULL;

  ct_store_write (f->store, write_cb, (gpointer) script, &error);
  g_assert_no_error (error);
}

static void
add_exceptions (Fixture *f, int first, int last)
{
  g_autofree char *script = g_strdup_printf (
      "WITH RECURSIVE i(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM i WHERE i < %d) "
      "INSERT INTO exceptions(id, n, created_at, updated_at, number, rule, blocker, subject_type, "
      "subject_id, subject, "
      "distributor_id, score, severity, owner, opened_at) SELECT "
      "uuid(printf('00000000-0000-7000-8000-%%012x', i)), i, 0, 0, "
      "printf('EXC-%%07d', i), 'rule', 'order_stuck', 'distributor', "
      "uuid(printf('00000000-0000-7000-8000-%%012x', i)), 'subject', "
      "uuid(printf('00000000-0000-7000-8000-%%012x', 1)), i %% 101, 'low', iif(i %% 3, 'sales', 'legal'), i "
      "FROM i",
      first, last);

  write_sql (f, script);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  f->folder = ct_test_folder ();
  ct_db_close (ct_test_replica (f->folder));
  path = g_build_filename (f->folder, "replica.db", NULL);
  f->store = ct_store_open (path, CT_DB_READ_WRITE, &error);
  g_assert_no_error (error);
  write_sql (
      f, "INSERT INTO distributors(id, n, created_at, updated_at, number, legal_name, onboarding_since_at, "
         "currency) VALUES(uuid(printf('00000000-0000-7000-8000-%012x', 1)), 1, 0, 0, 'DIST-1', 'Nordwind', "
         "0, 'EUR')");
  add_exceptions (f, 1, GPOINTER_TO_INT (data));
  f->list = ct_lazy_list_new (f->store, &source);
  f->told = g_ptr_array_new_with_free_func (g_free);
  g_signal_connect (f->list, "items-changed", G_CALLBACK (items_changed_cb), f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_signal_handlers_disconnect_by_data (f->list, f);
  g_clear_pointer (&f->told, g_ptr_array_unref);
  ct_store_close (f->store);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (f->list);
  g_assert_finalize_object (f->store);
  ct_test_remove (f->folder);
  g_free (f->folder);
}

static void
wait_complete (Fixture *f)
{
  while (!ct_lazy_list_is_complete (f->list) && ct_lazy_list_get_state (f->list) != CT_LIST_FAILED)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (ct_lazy_list_get_problem (f->list), ==, NULL);
}

static void
wait_told (Fixture *f)
{
  while (f->told->len == 0)
    g_main_context_iteration (NULL, TRUE);
}

static CtRow *
load_row (Fixture *f, guint position)
{
  CtRow *row = g_list_model_get_item (G_LIST_MODEL (f->list), position);

  while (!ct_row_is_loaded (row))
    g_main_context_iteration (NULL, TRUE);
  return row;
}

static char *
told (Fixture *f)
{
  g_ptr_array_add (f->told, NULL);
  return g_strjoinv (", ", (char **) f->told->pdata);
}

/* Items by the model's own account, which every listener must be able to follow from the signals. */
static void
test_rows (Fixture *f, gconstpointer data)
{
  g_autoptr (CtRow) first = NULL, last = NULL, again = NULL;
  g_autofree char *changes = NULL;
  CtId id;
  guint position = 0;

  ct_lazy_list_set_query (f->list, NULL, "e.n", NULL);
  g_assert_cmpint (ct_lazy_list_get_state (f->list), ==, CT_LIST_LOADING);
  wait_complete (f);
  changes = told (f);
  g_assert_cmpstr (changes, ==, "0 -0 +256, 256 -0 +4744");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->list)), ==, 5000);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (f->list), 5000));

  first = g_list_model_get_item (G_LIST_MODEL (f->list), 0);
  g_assert_true (ct_row_is_loaded (first)); /* came with the first rows */
  g_assert_cmpstr (ct_row_text (first, NUMBER), ==, "EXC-0000001");
  g_assert_cmpstr (ct_row_text (first, NAME), ==, "Nordwind");
  g_assert_cmpint (ct_row_int (first, NAME), ==, CT_NULL_INT);
  g_assert_cmpint (ct_row_int (first, SCORE), ==, 1);
  g_assert_true (ct_row_id (first, ID, &id));
  g_assert_cmpint (id.bytes[15], ==, 1);

  last = g_list_model_get_item (G_LIST_MODEL (f->list), 4999);
  g_assert_false (ct_row_is_loaded (last));
  g_assert_cmpstr (ct_row_text (last, NUMBER), ==, "");
  again = load_row (f, 4999);
  g_assert_true (again == last);
  g_assert_cmpstr (ct_row_text (last, NUMBER), ==, "EXC-0005000");
  g_assert_true (ct_lazy_list_find (f->list, 4321, &position));
  g_assert_cmpuint (position, ==, 4320);
  g_assert_false (ct_lazy_list_find (f->list, 5001, &position));
}

static void
test_sort_and_filter (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *where, *order, *values;
    guint n;
    const char *first, *last;
  } cases[] = {
    { NULL, "e.score DESC, e.n", NULL, 5000, "EXC-0000100", "EXC-0004949" },
    { "e.owner = (?1->>'$.owner')", "e.n", "{\"owner\": \"legal\"}", 1666, "EXC-0000003", "EXC-0004998" },
    { "e.owner = (?1->>'$.owner')", "e.n", "{\"owner\": \"x' OR 1 --\"}", 0, NULL, NULL },
    { "e.n IN (SELECT value FROM json_each(?1, '$.n'))", "e.n DESC", "{\"n\": [7, 9]}", 2, "EXC-0000009",
      "EXC-0000007" },
    { NULL, "e.number DESC", NULL, 5000, "EXC-0005000", "EXC-0000001" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    ct_lazy_list_set_query (f->list, cases[i].where, cases[i].order, cases[i].values);
    wait_complete (f);
    g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->list)), ==, cases[i].n);
    if (cases[i].n) {
      g_autoptr (CtRow) first = load_row (f, 0), last = load_row (f, cases[i].n - 1);

      g_assert_cmpstr (ct_row_text (first, NUMBER), ==, cases[i].first);
      g_assert_cmpstr (ct_row_text (last, NUMBER), ==, cases[i].last);
    }
  }
  g_assert_cmpuint (f->largest_exchange, <=, 256);
}

static void
test_bad_query (Fixture *f, gconstpointer data)
{
  ct_lazy_list_set_query (f->list, "no such column", NULL, NULL);
  while (ct_lazy_list_get_state (f->list) == CT_LIST_LOADING)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (ct_lazy_list_get_state (f->list), ==, CT_LIST_FAILED);
  g_assert_nonnull (ct_lazy_list_get_problem (f->list));
  ct_lazy_list_set_query (f->list, NULL, NULL, NULL);
  wait_complete (f);
}

/* Only the answer to the last of several questions counts. */
static void
test_stale_answers (Fixture *f, gconstpointer data)
{
  ct_lazy_list_set_query (f->list, NULL, "e.n", NULL);
  ct_lazy_list_set_query (f->list, NULL, "e.number DESC", NULL);
  ct_lazy_list_set_query (f->list, "e.n <= 3", "e.n DESC", NULL);
  wait_complete (f);
  for (int i = 0; i < 50; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->list)), ==, 3);
  g_assert_cmpint (ct_lazy_list_get_n_at (f->list, 0), ==, 3);
  g_assert_cmpint (ct_lazy_list_get_n_at (f->list, 3), ==, -1);
}

static void
count_cb (CtRow *row, gpointer data)
{
  ++*(guint *) data;
}

static void
test_refresh (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *sql, *changes;
  } cases[] = {
    { "DELETE FROM exceptions WHERE n = 10", "9 -1 +0" },
    { "DELETE FROM exceptions WHERE n BETWEEN 2000 AND 2010 OR n = 5000", "1998 -11 +0, 4987 -1 +0" },
    { "UPDATE exceptions SET opened_at = 0 WHERE n = 4000", "0 -0 +1, 3988 -1 +0" },
    { "UPDATE exceptions SET opened_at = 9999 WHERE n = 1", "1 -1 +0, 4986 -0 +1" },
  };
  g_autoptr (CtRow) row = NULL;
  guint calls = 0;

  ct_lazy_list_set_query (f->list, NULL, "e.opened_at, e.n", NULL);
  wait_complete (f);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *changes = NULL;

    g_ptr_array_set_size (f->told, 0);
    write_sql (f, cases[i].sql);
    wait_told (f);
    changes = told (f);
    g_assert_cmpstr (changes, ==, cases[i].changes);
    g_assert_cmpint (ct_lazy_list_get_n_at (f->list, 1), ==, i < 2 ? 2 : i == 2 ? 1 : 2);
  }
  row = load_row (f, 1);
  ct_row_watch (row, count_cb, &calls);
  g_ptr_array_set_size (f->told, 0);
  write_sql (f, "UPDATE exceptions SET score = 77 WHERE n = 2");
  while (calls == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (ct_row_int (row, SCORE), ==, 77);
  g_assert_cmpuint (f->told->len, ==, 0); /* the order is the same */
  ct_row_unwatch (row, count_cb, &calls);
}

/* A list that its first rows complete follows the data as well. */
static void
test_refresh_short (Fixture *f, gconstpointer data)
{
  g_autofree char *changes = NULL;

  ct_lazy_list_set_query (f->list, "e.n <= 20", "e.n", NULL);
  wait_complete (f);
  g_ptr_array_set_size (f->told, 0);
  write_sql (f, "DELETE FROM exceptions WHERE n = 10");
  wait_told (f);
  changes = told (f);
  g_assert_cmpstr (changes, ==, "9 -1 +0");
  g_assert_cmpint (ct_lazy_list_get_state (f->list), ==, CT_LIST_READY);
}

static void
done_cb (CtLazyList *list, gpointer data)
{
  *(gboolean *) data = TRUE;
}

/* Rows that are prepared have their values when they are made; a second time nothing is read. */
static void
test_prepare (Fixture *f, gconstpointer data)
{
  gboolean done = FALSE;
  g_autoptr (CtRow) row = NULL;

  ct_lazy_list_set_query (f->list, NULL, "e.n", NULL);
  wait_complete (f);
  while (!ct_lazy_list_is_settled (f->list))
    g_main_context_iteration (NULL, TRUE);
  ct_lazy_list_prepare (f->list, 900, 50, done_cb, &done);
  g_assert_false (done);
  g_assert_false (ct_lazy_list_is_settled (f->list));
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  row = g_list_model_get_item (G_LIST_MODEL (f->list), 925);
  g_assert_true (ct_row_is_loaded (row));
  g_assert_true (ct_lazy_list_is_settled (f->list));
  done = FALSE;
  ct_lazy_list_prepare (f->list, 900, 50, done_cb, &done);
  g_assert_true (done);
  done = FALSE;
  ct_lazy_list_prepare (f->list, 4000000, 50, done_cb, &done);
  g_assert_true (done);
}

static void
test_paused (Fixture *f, gconstpointer data)
{
  ct_lazy_list_set_query (f->list, NULL, NULL, NULL);
  wait_complete (f);
  ct_lazy_list_set_paused (f->list, TRUE);
  g_ptr_array_set_size (f->told, 0);
  add_exceptions (f, 6001, 6003);
  for (int i = 0; i < 300; i++) {
    g_main_context_iteration (NULL, FALSE);
    g_usleep (1000);
  }
  g_assert_cmpuint (f->told->len, ==, 0);
  ct_lazy_list_set_paused (f->list, FALSE);
  wait_told (f);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->list)), ==, 5003);
}

/* Pages that were scrolled past are not read; those that are looked at are. */
static void
test_scrolling (Fixture *f, gconstpointer data)
{
  g_autoptr (CtRow) stays = NULL;

  ct_lazy_list_set_query (f->list, NULL, "e.n", NULL);
  wait_complete (f);
  for (guint i = 300; i < 4900; i += 7)
    g_object_unref (g_list_model_get_item (G_LIST_MODEL (f->list), i));
  stays = load_row (f, 4950);
  g_assert_cmpstr (ct_row_text (stays, NUMBER), ==, "EXC-0004951");
}

static CtIds *
ids_of (const char *letters)
{
  CtIds *ids = ct_ids_new ();

  for (; *letters; letters++)
    ct_ids_add (ids, *letters);
  ct_ids_seal (ids);
  return ids;
}

static void
test_diff (void)
{
  static const struct {
    const char *before, *after, *steps;
  } cases[] = {
    { "", "", "" },
    { "abc", "abc", "" },
    { "", "abc", "0-0+3 " },
    { "abc", "", "0-3+0 " },
    { "abcde", "eabcd", "0-0+1 5-1+0 " },
    { "abcde", "bcdea", "0-1+0 4-0+1 " },
    { "abcde", "abXde", "2-1+1 " },
    { "abcdef", "bdf", "0-1+0 1-1+0 2-1+0 " },
    { "abcd", "dcba", "0-1+2 3-2+1 " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (CtIds) before = ids_of (cases[i].before), after = ids_of (cases[i].after);
    g_autoptr (GArray) splices = ct_list_diff (before, after, 100);
    g_autoptr (GString) text = g_string_new (NULL);

    for (guint j = 0; j < splices->len; j++) {
      CtSplice *splice = &g_array_index (splices, CtSplice, j);

      g_string_append_printf (text, "%u-%u+%u ", splice->position, splice->removed, splice->added);
    }
    g_assert_cmpstr (text->str, ==, cases[i].steps);
  }
}

/* Whatever the orders are, the steps lead from the one to the other. */
static void
test_diff_random (void)
{
  for (int round = 0; round < 2000; round++) {
    g_autoptr (CtIds) before = ct_ids_new (), after = ct_ids_new ();
    g_autoptr (GArray) splices = NULL, rows = g_array_new (FALSE, FALSE, sizeof (gint64));
    guint8 order[2][40];

    for (int side = 0; side < 2; side++) {
      for (int i = 0; i < 40; i++)
        order[side][i] = (guint8) i;
      for (int swaps = g_test_rand_int_range (0, 12); swaps > 0; swaps--) {
        int a = g_test_rand_int_range (0, 40), b = g_test_rand_int_range (0, 40);
        guint8 kept = order[side][a];

        order[side][a] = order[side][b];
        order[side][b] = kept;
      }
      for (int i = g_test_rand_int_range (0, 12); i < 40 - g_test_rand_int_range (0, 3); i++)
        ct_ids_add (side ? after : before, order[side][i] + (round % 2 ? G_GINT64_CONSTANT (1) << 40 : 0));
    }
    splices = ct_list_diff (before, after, G_MAXUINT);
    for (guint i = 0; i < before->length; i++) {
      gint64 n = ct_ids_get (before, i);

      g_array_append_val (rows, n);
    }
    for (guint i = 0; i < splices->len; i++) {
      CtSplice *splice = &g_array_index (splices, CtSplice, i);

      g_array_remove_range (rows, splice->position, splice->removed);
      for (guint j = splice->position; j < splice->position + splice->added; j++) {
        gint64 n = ct_ids_get (after, j);

        g_array_insert_val (rows, j, n);
      }
    }
    g_assert_cmpuint (rows->len, ==, after->length);
    for (guint i = 0; i < rows->len; i++)
      g_assert_cmpint (g_array_index (rows, gint64, i), ==, ct_ids_get (after, i));
  }
}

static void
test_diff_gives_up (void)
{
  g_autoptr (CtIds) before = ids_of ("abcdefghij"), after = ids_of ("bdfhj");

  g_assert_null (ct_list_diff (before, after, 3));
}

static void
test_own_time (void)
{
  gint64 began = g_get_monotonic_time ();

  ct_own_time_start ();
  {
    CT_OWN_TIME;
    {
      CT_FOREIGN_TIME;
      g_usleep (50000);
    }
  }
  /* what is not ours does not count */
  g_assert_cmpint (ct_own_time_longest (NULL), <=, g_get_monotonic_time () - began - 50000);
  {
    CT_OWN_TIME;
    g_usleep (2000);
  }
  g_assert_cmpint (ct_own_time_longest (NULL), >=, 2000);
  ct_own_time_on = FALSE;
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } cases[] = {
    { "/lazy-list/rows", test_rows },           { "/lazy-list/sort-and-filter", test_sort_and_filter },
    { "/lazy-list/bad-query", test_bad_query }, { "/lazy-list/stale-answers", test_stale_answers },
    { "/lazy-list/refresh", test_refresh },     { "/lazy-list/refresh-short", test_refresh_short },
    { "/lazy-list/prepare", test_prepare },     { "/lazy-list/paused", test_paused },
    { "/lazy-list/scrolling", test_scrolling },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add (cases[i].path, Fixture, GINT_TO_POINTER (5000), set_up, cases[i].run, tear_down);
  g_test_add_func ("/list-diff/steps", test_diff);
  g_test_add_func ("/list-diff/random", test_diff_random);
  g_test_add_func ("/list-diff/gives-up", test_diff_gives_up);
  g_test_add_func ("/own-time/foreign-time-is-left-out", test_own_time);
  return g_test_run ();
}
