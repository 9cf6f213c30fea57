/* A list of any length over the replica.
 *
 *   set_query ──▶ first rows with values ─┐            positions ──▶ CtIds, one number a row
 *            └──▶ the whole order ────────┴─▶ items    numbers   ──▶ CtRow at once, its values later
 *   "changed" ──▶ order, difference, live rows ──▶ small splices
 *
 * Everything that grows with the number of rows happens on the store's readers; the main thread swaps pointers. */
#include "ct-lazy-list.h"
#include "ct-list-job.h"
#include "ct-list-order.h"
#include "ct-own-time.h"
#include "ct-row-cache.h"

/* Rows are read by the page. */
#define PAGE           64
#define MOST_CACHED    4096
#define MOST_VISITS    2
#define LEAST_PAUSE_MS 100

struct _CtLazyList {
  GObject parent_instance;
  CtStore *store;             /* (owned) */
  const CtListSource *source; /* (unowned): static */
  CtListQuery *query;         /* (owned) (nullable) */
  GCancellable *ordering;     /* (owned): of the query's visits */
  GCancellable *completing;   /* (owned): of the visit for the whole order */
  GCancellable *loading;      /* (owned): of the pages' visits */
  guint generation;           /* of the query: older orders are stale */
  guint epoch;                /* of the data: older rows are stale */

  CtListOrder order;

  CtIds *held; /* (owned) (nullable): the whole order, come before the first rows */
  CtListState state;
  char *problem; /* (owned) (nullable) */
  gboolean complete;

  GHashTable *live;  /* (owned) (element-type gint64 CtRow): unowned */
  CtRowCache *cache; /* (owned) */
  GQueue requests;   /* (element-type GArray): numbers to load, the newest first */
  GHashTable *asked; /* (owned) (element-type gint64): numbers in requests or on their way */
  guint visits;
  guint load_source;

  gboolean paused, dirty, refreshing;
  guint refresh_source;
  gint64 refreshed_at;
  gint64 refresh_cost;
};

enum { PROP_0, PROP_STATE, PROP_COMPLETE, N_PROPS };
static GParamSpec *props[N_PROPS];

static void list_model_init (GListModelInterface *iface);
static void schedule_load (CtLazyList *self);
static void schedule_refresh (CtLazyList *self);

G_DEFINE_FINAL_TYPE_WITH_CODE (CtLazyList, ct_lazy_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* --- values --------------------------------------------------------------------------------------------------- */

static void
take_records (CtLazyList *self, CtListJob *job)
{
  for (guint i = 0; i < job->numbers->len; i++) {
    gint64 n = g_array_index (job->numbers, gint64, i);
    CtRow *row = g_hash_table_lookup (self->live, &n);

    ct_row_cache_put (self->cache, n, job->records->pdata[i]);
    if (row)
      ct_row_set_record (row, job->records->pdata[i]);
  }
}

static void
ask_for (CtLazyList *self, GArray *request, gint64 n)
{
  if (g_hash_table_contains (self->asked, &n))
    return;
  g_array_append_val (request, n);
  g_hash_table_add (self->asked, g_memdup2 (&n, sizeof n));
}

static void
forget_request (CtLazyList *self, GArray *request)
{
  for (guint i = 0; i < request->len; i++)
    g_hash_table_remove (self->asked, &g_array_index (request, gint64, i));
}

static void
push_request (CtLazyList *self, GArray *request)
{
  if (request->len)
    g_queue_push_head (&self->requests, request);
  else
    g_array_unref (request);
  schedule_load (self);
}

/* Asks for the page around a position. */
static void
ask_for_page (CtLazyList *self, guint position)
{
  GArray *request = g_array_sized_new (FALSE, FALSE, sizeof (gint64), PAGE);
  guint start = position - position % PAGE, end = MIN (start + PAGE, ct_list_order_count (&self->order));

  for (guint i = start; i < end; i++) {
    gint64 n = ct_list_order_at (&self->order, i);
    CtRow *row = g_hash_table_lookup (self->live, &n);

    if (!(row && ct_row_is_loaded (row)) && !ct_row_cache_get (self->cache, n))
      ask_for (self, request, n);
  }
  push_request (self, request);
}

/* Rows in use whose page was dropped or has become stale. */
static void
ask_for_missing (CtLazyList *self)
{
  GArray *request = g_array_new (FALSE, FALSE, sizeof (gint64));
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init (&iter, self->live);
  while (g_hash_table_iter_next (&iter, NULL, &row))
    if (!ct_row_is_loaded (row))
      ask_for (self, request, ct_row_get_n (row));
  push_request (self, request);
}

/* Whether any row of it is still waited for: while a person scrolls, pages pass by. */
static gboolean
is_needed (CtLazyList *self, GArray *request)
{
  for (guint i = 0; i < request->len; i++) {
    CtRow *row = g_hash_table_lookup (self->live, &g_array_index (request, gint64, i));

    if (row && !ct_row_is_loaded (row))
      return TRUE;
  }
  return FALSE;
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtLazyList) self = data;
  CtListJob *job = ct_store_job_data (result);
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, NULL);
  CT_OWN_TIME;

  self->visits--;
  forget_request (self, job->wanted);
  if (g_cancellable_is_cancelled (self->loading))
    return;
  if (ok && job->generation == self->epoch)
    take_records (self, job);
  else if (ok)
    ask_for_missing (self);
  schedule_load (self);
}

static gboolean
load_cb (gpointer data)
{
  CtLazyList *self = data;
  CT_OWN_TIME;

  self->load_source = 0;
  while (self->visits < MOST_VISITS && self->requests.length) {
    GArray *request = g_queue_pop_head (&self->requests);

    if (is_needed (self, request)) {
      CtListJob *job = ct_list_job_new (self->query, self->epoch);

      g_array_unref (job->wanted);
      job->wanted = g_steal_pointer (&request);
      self->visits++;
      ct_store_read_async (self->store, ct_list_job_run, job, ct_list_job_free, self->loading, loaded_cb,
                           g_object_ref (self));
      continue;
    }
    forget_request (self, request);
    g_array_unref (request);
  }
  return G_SOURCE_REMOVE;
}

/* A visit for rows that are wanted before anybody shows them. */
typedef struct {
  CtLazyList *list; /* (owned) */
  CtLazyListFunc done;
  gpointer data;
} Prepared;

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Prepared *prepared = data;
  CtLazyList *self = prepared->list;
  CtListJob *job = ct_store_job_data (result);
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, NULL);
  CT_OWN_TIME;

  self->visits--;
  if (!g_cancellable_is_cancelled (self->loading)) {
    if (ok && job->generation == self->epoch)
      take_records (self, job);
    prepared->done (self, prepared->data);
    schedule_load (self);
  }
  g_object_unref (self);
  g_free (prepared);
}

/**
 * ct_lazy_list_prepare:
 * @position: the first of the rows
 * @n_rows: how many there are; those beyond the end don't count
 * @done: (scope async): called once, at once where nothing is missing; not called when the list goes away before
 *
 * Reads the values of rows that are about to come into sight, so that they are shown at once instead of a frame later.
 */
void
ct_lazy_list_prepare (CtLazyList *self, guint position, guint n_rows, CtLazyListFunc done, gpointer data)
{
  guint end = MIN (position + MIN (n_rows, MOST_CACHED / 2), ct_list_order_count (&self->order));
  CtListJob *job = NULL;
  Prepared *prepared;

  for (guint i = position; i < end; i++) {
    gint64 n = ct_list_order_at (&self->order, i);

    if (ct_row_cache_get (self->cache, n))
      continue;
    if (!job)
      job = ct_list_job_new (self->query, self->epoch);
    g_array_append_val (job->wanted, n);
  }
  if (!job) {
    done (self, data);
    return;
  }
  prepared = g_new (Prepared, 1);
  *prepared = (Prepared){ g_object_ref (self), done, data };
  self->visits++;
  ct_store_read_async (self->store, ct_list_job_run, job, ct_list_job_free, self->loading, prepared_cb,
                       prepared);
}

/* Once this turn of the main loop has asked for all it needs. */
static void
schedule_load (CtLazyList *self)
{
  if (!self->load_source && self->requests.length)
    self->load_source = g_idle_add_full (G_PRIORITY_DEFAULT, load_cb, self, NULL);
}

/* --- the query ------------------------------------------------------------------------------------------------ */

static void
set_state (CtLazyList *self, CtListState state, gboolean complete)
{
  gboolean changed = self->state != state, completed = self->complete != complete;

  self->state = state;
  self->complete = complete;
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
  if (completed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COMPLETE]);
  if (complete && self->dirty)
    schedule_refresh (self);
}

static gboolean
is_stale (CtLazyList *self, CtListJob *job)
{
  return job->generation != self->generation || g_cancellable_is_cancelled (self->loading);
}

static void
fail (CtLazyList *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* a later visit has taken its place */
  g_cancellable_cancel (self->ordering);
  g_cancellable_cancel (self->completing);
  g_free (self->problem);
  self->problem = g_strdup (error->message);
  set_state (self, CT_LIST_FAILED, FALSE);
}

static void
take_whole_order (CtLazyList *self, CtIds *ids)
{
  if (ct_ids_starts_with (ids, self->order.ids))
    ct_list_order_extend (&self->order, ids);
  else
    ct_list_order_replace_all (&self->order, ids); /* a commit came between the two readers */
  set_state (self, CT_LIST_READY, TRUE);
}

static void
first_rows_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtLazyList) self = data;
  CtListJob *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;
  g_autoptr (CtIds) held = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);
  CT_OWN_TIME;

  if (is_stale (self, job) || self->state == CT_LIST_FAILED)
    return;
  if (!ok) {
    fail (self, error);
    return;
  }
  take_records (self, job);
  ct_list_order_replace_all (&self->order, job->ids);
  held = g_steal_pointer (&self->held);
  if (job->ids->length < CT_LIST_FIRST) {
    g_cancellable_cancel (self->completing);
    set_state (self, CT_LIST_READY, TRUE);
  } else if (held) {
    take_whole_order (self, held);
  } else {
    set_state (self, CT_LIST_READY, FALSE);
  }
}

static void
whole_order_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtLazyList) self = data;
  CtListJob *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);
  CT_OWN_TIME;

  if (is_stale (self, job) || self->complete || self->state == CT_LIST_FAILED)
    return;
  if (!ok)
    fail (self, error);
  else if (self->state == CT_LIST_LOADING)
    self->held = ct_ids_ref (job->ids);
  else
    take_whole_order (self, job->ids);
}

static void
renew (GCancellable **cancellable)
{
  g_cancellable_cancel (*cancellable);
  g_object_unref (*cancellable);
  *cancellable = g_cancellable_new ();
}

/* Asks again for everything: of a new query, or after a failure. */
static void
start (CtLazyList *self)
{
  CtListJob *first, *whole;

  renew (&self->ordering);
  renew (&self->completing);
  g_clear_pointer (&self->held, ct_ids_unref);
  g_clear_pointer (&self->problem, g_free);
  self->generation++;
  self->dirty = FALSE;
  set_state (self, CT_LIST_LOADING, FALSE);

  first = ct_list_job_new (self->query, self->generation);
  first->order = TRUE;
  first->most = CT_LIST_FIRST;
  ct_store_read_async (self->store, ct_list_job_run, first, ct_list_job_free, self->ordering, first_rows_cb,
                       g_object_ref (self));
  whole = ct_list_job_new (self->query, self->generation);
  whole->order = TRUE;
  ct_store_read_async (self->store, ct_list_job_run, whole, ct_list_job_free, self->completing,
                       whole_order_cb, g_object_ref (self));
}

/* --- changes of the data -------------------------------------------------------------------------------------- */

static void
refreshed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtLazyList) self = data;
  CtListJob *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);
  CT_OWN_TIME;

  self->refreshing = FALSE;
  self->refreshed_at = g_get_monotonic_time ();
  self->refresh_cost = job->microseconds;
  if (is_stale (self, job))
    return;
  if (!ok) {
    fail (self, error);
    return;
  }
  self->epoch++;
  ct_row_cache_clear (self->cache);
  take_records (self, job);
  if (job->splices)
    ct_list_order_apply_splices (&self->order, job->ids, job->splices);
  else
    ct_list_order_replace_all (&self->order, job->ids);
  ask_for_missing (self);
  if (self->dirty)
    schedule_refresh (self);
}

static gboolean
refresh_cb (gpointer data)
{
  CtLazyList *self = data;
  CtListJob *job;
  GHashTableIter iter;
  gpointer row;
  CT_OWN_TIME;

  self->refresh_source = 0;
  if (self->refreshing || self->paused || !self->query)
    return G_SOURCE_REMOVE;
  if (self->state == CT_LIST_FAILED) {
    start (self);
    return G_SOURCE_REMOVE;
  }
  if (!self->complete)
    return G_SOURCE_REMOVE;
  self->dirty = FALSE;
  self->refreshing = TRUE;
  job = ct_list_job_new (self->query, self->generation);
  job->order = TRUE;
  job->before = ct_ids_ref (self->order.ids);
  g_hash_table_iter_init (&iter, self->live);
  while (g_hash_table_iter_next (&iter, NULL, &row)) {
    gint64 n = ct_row_get_n (row);

    g_array_append_val (job->wanted, n);
  }
  ct_store_read_async (self->store, ct_list_job_run, job, ct_list_job_free, self->ordering, refreshed_cb,
                       g_object_ref (self));
  return G_SOURCE_REMOVE;
}

/* Not more often than half of the time goes into it: an import commits many times a second. */
static void
schedule_refresh (CtLazyList *self)
{
  gint64 due = self->refreshed_at + MAX (LEAST_PAUSE_MS * 1000, self->refresh_cost) - g_get_monotonic_time ();

  self->dirty = TRUE;
  if (self->refresh_source || self->refreshing || self->paused || !self->query)
    return;
  self->refresh_source = g_timeout_add ((guint) (MAX (due, 0) / 1000), refresh_cb, self);
}

static void
changed_cb (CtStore *store, const char *const *tables, CtLazyList *self)
{
  gboolean concerns = !tables;
  CT_OWN_TIME;

  for (guint i = 0; !concerns && self->source->tables[i]; i++)
    concerns = g_strv_contains (tables, self->source->tables[i]);
  if (concerns)
    schedule_refresh (self);
}

/* --- GListModel ----------------------------------------------------------------------------------------------- */

static GType
get_item_type (GListModel *model)
{
  return CT_TYPE_ROW;
}

static guint
get_n_items (GListModel *model)
{
  return ct_list_order_count (&CT_LAZY_LIST (model)->order);
}

static gpointer
get_item (GListModel *model, guint position)
{
  CtLazyList *self = CT_LAZY_LIST (model);
  CtRecord *record;
  CtRow *row;
  gint64 n;
  CT_OWN_TIME;

  if (position >= ct_list_order_count (&self->order))
    return NULL;
  n = ct_list_order_at (&self->order, position);
  row = g_hash_table_lookup (self->live, &n);
  if (row)
    return g_object_ref (row);
  row = ct_row_new (n, self->live);
  record = ct_row_cache_get (self->cache, n);
  if (record)
    ct_row_set_record (row, record);
  else
    ask_for_page (self, position);
  return row;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

/* --- object --------------------------------------------------------------------------------------------------- */

static void
ct_lazy_list_dispose (GObject *object)
{
  CtLazyList *self = CT_LAZY_LIST (object);

  g_cancellable_cancel (self->ordering);
  g_cancellable_cancel (self->completing);
  g_cancellable_cancel (self->loading);
  g_clear_handle_id (&self->load_source, g_source_remove);
  g_clear_handle_id (&self->refresh_source, g_source_remove);
  if (self->store)
    g_signal_handlers_disconnect_by_data (self->store, self);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (ct_lazy_list_parent_class)->dispose (object);
}

static void
ct_lazy_list_finalize (GObject *object)
{
  CtLazyList *self = CT_LAZY_LIST (object);

  g_clear_object (&self->ordering);
  g_clear_object (&self->completing);
  g_clear_object (&self->loading);
  g_clear_pointer (&self->query, ct_list_query_unref);
  ct_list_order_clear (&self->order);
  g_clear_pointer (&self->held, ct_ids_unref);
  g_clear_pointer (&self->problem, g_free);
  g_clear_pointer (&self->live, g_hash_table_unref);
  g_clear_pointer (&self->cache, ct_row_cache_free);
  g_queue_clear_full (&self->requests, (GDestroyNotify) g_array_unref);
  g_clear_pointer (&self->asked, g_hash_table_unref);
  G_OBJECT_CLASS (ct_lazy_list_parent_class)->finalize (object);
}

static void
ct_lazy_list_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  CtLazyList *self = CT_LAZY_LIST (object);

  switch (id) {
  case PROP_STATE:
    g_value_set_int (value, (int) self->state);
    break;
  case PROP_COMPLETE:
    g_value_set_boolean (value, self->complete);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
ct_lazy_list_class_init (CtLazyListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->dispose = ct_lazy_list_dispose;
  object_class->finalize = ct_lazy_list_finalize;
  object_class->get_property = ct_lazy_list_get_property;
  /* a CtListState */
  props[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, 0, CT_LIST_FAILED, CT_LIST_LOADING, flags);
  props[PROP_COMPLETE] = g_param_spec_boolean ("complete", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
ct_lazy_list_init (CtLazyList *self)
{
  self->ordering = g_cancellable_new ();
  self->completing = g_cancellable_new ();
  self->loading = g_cancellable_new ();
  ct_list_order_init (&self->order, G_LIST_MODEL (self));
  self->live = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->cache = ct_row_cache_new (MOST_CACHED);
  self->asked = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_queue_init (&self->requests);
}

/**
 * ct_lazy_list_new:
 * @source: (transfer none): lives as long as the list
 *
 * A #GListModel of #CtRow. It is empty until the first ct_lazy_list_set_query().
 */
CtLazyList *
ct_lazy_list_new (CtStore *store, const CtListSource *source)
{
  CtLazyList *self = g_object_new (CT_TYPE_LAZY_LIST, NULL);

  self->store = g_object_ref (store);
  self->source = source;
  g_signal_connect_object (store, "changed", G_CALLBACK (changed_cb), self, 0);
  return self;
}

/**
 * ct_lazy_list_set_query:
 * @where: (nullable): a condition, see ct_list_query_new()
 * @order: (nullable): ORDER BY terms, unique by their end
 * @values: (nullable): a JSON object with the condition's values
 *
 * Sorts and filters anew. What is shown stays until the first rows of the answer are there.
 */
void
ct_lazy_list_set_query (CtLazyList *self, const char *where, const char *order, const char *values)
{
  CtListQuery *query = ct_list_query_new (self->source, where, order, values);
  CT_OWN_TIME;

  if (self->query && self->state != CT_LIST_FAILED && ct_list_query_equal (self->query, query)) {
    ct_list_query_unref (query);
    return;
  }
  g_clear_pointer (&self->query, ct_list_query_unref);
  self->query = query;
  start (self);
}

/* A list that nobody looks at does not follow the data; it catches up when it is shown again. */
void
ct_lazy_list_set_paused (CtLazyList *self, gboolean paused)
{
  self->paused = paused;
  if (!paused && self->dirty)
    schedule_refresh (self);
}

/* Reads the data again, as after a change. */
void
ct_lazy_list_refresh (CtLazyList *self)
{
  schedule_refresh (self);
}

CtListState
ct_lazy_list_get_state (CtLazyList *self)
{
  return self->state;
}

/* (nullable) (transfer none): why the list could not be read */
const char *
ct_lazy_list_get_problem (CtLazyList *self)
{
  return self->problem;
}

/* Whether the number of rows is the true one, not just that of the first rows. */
gboolean
ct_lazy_list_is_complete (CtLazyList *self)
{
  return self->complete;
}

/* Whether nothing is on its way: the order is whole and follows the data, every row in use has its values. */
gboolean
ct_lazy_list_is_settled (CtLazyList *self)
{
  return self->complete && !self->refreshing && (!self->dirty || self->paused) && self->visits == 0 &&
         self->requests.length == 0;
}

/* The number of the row at a position, without making the row; -1 beyond the end. */
gint64
ct_lazy_list_get_n_at (CtLazyList *self, guint position)
{
  return position < ct_list_order_count (&self->order) ? ct_list_order_at (&self->order, position) : -1;
}

/* Where row @n stands now. */
gboolean
ct_lazy_list_find (CtLazyList *self, gint64 n, guint *position)
{
  return ct_ids_find (self->order.ids, n, position);
}

/* (transfer full): the rows in their order now: what "all of them" means to a bulk action */
CtIds *
ct_lazy_list_dup_ids (CtLazyList *self)
{
  return ct_ids_ref (self->order.ids);
}
