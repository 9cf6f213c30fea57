/* The questions of a day on a server of five million interactions against the same on one of fifty thousand, under a
 * person's login. What grows is the number of accounts: each has 25,000 interactions of two years, as they came in. The
 * server has memory for what is asked about, see schema/central/README.md, and each question is asked before it is timed:
 * what counts is whether more rows make more work, not how fast a disk is. */
#include "ct-bench.h"
#include "pg-server.h"

#define SMALL  50000
#define LARGE  5000000
#define ROUNDS 30

/* psql runs the same as "anna", who sees all. $1: an account, $2: one of its rows, $3: one of its buyers */
static const struct {
  const char *what, *sql;
} questions[] = {
  { "an account's open interactions, first 64",
    "SELECT * FROM api.interactions WHERE seller_id = $1::text::uuid AND state = 'open' AND $2 <> $3"
    " ORDER BY received_at LIMIT 64" },
  { "one interaction by its key", "SELECT * FROM api.interactions WHERE id = $2::text::uuid AND $1 <> $3" },
  { "a buyer's history", "SELECT * FROM api.interactions WHERE customer_id = $3::text::uuid AND $1 <> $2 "
                         "ORDER BY received_at DESC "
                         "LIMIT 50" },
  { "an account's week by state",
    "SELECT state, count(*) FROM api.interactions WHERE seller_id = $1::text::uuid AND $2 <> $3"
    " AND received_at >= 1780488000000 - 7 * 86400000::bigint GROUP BY 1" },
  { "what changed since the last pull", "SELECT c.ids FROM api.head(NULL, NULL, NULL) h,"
                                        " LATERAL api.changed(h.number - 1, h.number, h.scopes, "
                                        "'{interactions}') c WHERE $1 <> $2 AND $2 <> $3" },
};

/* Rows as many commands would have left them, feed included, with the triggers off: what is measured reads them. The first
 * thousand numbers are for what the server wrote when it was made. */
static const char accounts[] =
    "SET session_replication_role = replica;"
    "CREATE FUNCTION pg_temp.key(kind text, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS"
    "  $$ SELECT md5(kind || i)::uuid $$;"
    "INSERT INTO sync.scopes (name) SELECT 'seller:' || i FROM generate_series(1, %1$d) i;"
    "INSERT INTO app.sellers SELECT pg_temp.key('s', i), 1, 0, 0, i::text, 'market', '{}', NULL,"
    "  ARRAY(SELECT id FROM sync.scopes WHERE name IN ('all', 'seller:' || i)) FROM generate_series(1, %1$d) "
    "i;"
    "INSERT INTO app.customers SELECT pg_temp.key('c', i), 1, 0, 0, s.id, i::text, 'Buyer ' || i, 0, s.scopes"
    "  FROM generate_series(0, %1$d * 2500 - 1) i JOIN app.sellers s ON s.name = (1 + i %% %1$d)::text;"
    "INSERT INTO sync.txn (tid, xid, number, nonce, at) OVERRIDING SYSTEM VALUE"
    "  SELECT 1000 + i, '3', 1000 + i, gen_random_uuid(), now() FROM generate_series(0, %1$d * 250 - 1) i";

/* From %2$d on, as many as travel in one statement: a hundred in each transaction. */
static const char rows_of[] =
    "WITH made AS (INSERT INTO app.interactions"
    "  SELECT pg_temp.key('i', i), 1, 0, 0, 'INT-' || i, s.id, 'market',"
    "    (ARRAY['review', 'question', 'chat'])[1 + i %% 3], i::text,"
    "    pg_temp.key('c', i %% %1$d + %1$d * (i / %1$d / 10)), NULL, NULL, 0, NULL, 1 + i %% 5,"
    "    repeat('What the buyer wrote. ', 12), '', NULL,"
    "    CASE WHEN i / %1$d %% 50 = 0 THEN 'open' ELSE 'answered' END, NULL, NULL,"
    "    1780488000000 - (24999 - i / %1$d) * 2522880::bigint, NULL, s.scopes"
    "  FROM generate_series(%2$d, %2$d + 50000 - 1) i JOIN app.sellers s ON s.name = (1 + i %% %1$d)::text"
    "  RETURNING id, substr(number, 5)::bigint AS i, scopes)"
    " INSERT INTO sync.entry SELECT unnest(scopes), 72, id, 1, false, 1000 + i / 100 FROM made";

static CtSession *
make (PgServer *server, const char *database, int rows)
{
  int sellers = rows / 25000;
  g_autofree char *script = g_strdup_printf (accounts, sellers);
  g_autoptr (CtSession) root = NULL;
  double start = bench_seconds ();
  GError *error = NULL;

  pg_server_create (server, database, NULL);
  root = pg_server_login (server, database, "postgres");
  ct_session_script (root, script, NULL, &error);
  bench_check (error);
  for (int row = 0; row < rows; row += 50000) {
    g_autofree char *part = g_strdup_printf (rows_of, sellers, row);

    ct_session_run (root, NULL, &error, part, "");
    bench_check (error);
  }
  ct_session_script (root,
                     "SET session_replication_role = origin;"
                     "SELECT setval('sync.commit_number', (SELECT max(number) FROM sync.txn))",
                     NULL, &error);
  bench_check (error);
  /* what autovacuum leaves behind in time */
  for (const char *const *table = (const char *const[]){ "app.interactions", "sync.entry", "sync.txn", NULL };
       *table; table++) {
    g_autofree char *vacuum = g_strconcat ("VACUUM ANALYZE ", *table, NULL);

    ct_session_run (root, NULL, &error, vacuum, "");
    bench_check (error);
  }
  fprintf (stderr, "  %s: %d interactions in %.0f s\n", database, rows, bench_seconds () - start);
  return pg_server_login (server, database, "anna");
}

/* Another account, row and buyer in each round: nobody asks the same again. Milliseconds. */
static double
ask (CtSession *session, const char *sql, int rows)
{
  double times[ROUNDS];

  for (int round = 0; round < ROUNDS; round++) {
    int i = (int) ((gint64) round * 7919 * 13 % rows);
    g_autofree char *keys =
        g_strdup_printf ("SELECT md5('s' || %d)::uuid, md5('i' || %d)::uuid, md5('c' || %d)::uuid",
                         1 + i % (rows / 25000), i, i % (rows / 10));
    GError *error = NULL;
    g_autoptr (CtAnswer) key = ct_session_query (session, NULL, &error, keys, "");
    g_autoptr (CtAnswer) answer = NULL;
    double start;

    bench_check (error);
    for (int turn = 0; turn < 2; turn++) {
      g_clear_pointer (&answer, ct_answer_free);
      start = bench_seconds ();
      answer = ct_session_query (session, NULL, &error, sql, "sss", ct_answer_text (key, 0, 0),
                                 ct_answer_text (key, 0, 1), ct_answer_text (key, 0, 2));
      bench_check (error);
      times[round] = (bench_seconds () - start) * 1000;
    }
    g_assert_cmpint (ct_answer_rows (answer), >, 0);
  }
  return bench_median (times, ROUNDS);
}

int
main (void)
{
  g_autoptr (PgServer) server = (g_setenv ("CT_PG_BUFFERS", "4GB", TRUE), pg_server_start ());
  g_autoptr (CtSession) small = make (server, "small", SMALL);
  g_autoptr (CtSession) large = make (server, "large", LARGE);

  for (guint i = 0; i < G_N_ELEMENTS (questions); i++) {
    double few = ask (small, questions[i].sql, SMALL), many = ask (large, questions[i].sql, LARGE);
    g_autofree char *figure = g_strdup_printf ("5,000,000 interactions ÷ 50,000: %s", questions[i].what);
    g_autofree char *detail = g_strdup_printf ("%.2f ms ÷ %.2f ms", many, few);

    bench_print (figure, 2, "<=", many / few, "ratio", detail);
  }
  return 0;
}
