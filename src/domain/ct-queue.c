#include "ct-queue.h"

#include "ct-base.h"

#include <stddef.h>

/* One table for the comparison and for the SQL: the keys of each order, the most important first. */
typedef struct {
  gsize value;  /* in CtQueueItem */
  gsize column; /* in CtQueueColumns */
  gboolean descending;
  gboolean nullable;
} Key;

#define KEY(member, ...)                                                                                     \
  {                                                                                                          \
    offsetof (CtQueueItem, member), offsetof (CtQueueColumns, member), __VA_ARGS__                           \
  }

static const Key due = KEY (due_at, FALSE, TRUE);
static const Key priority = KEY (priority, TRUE, FALSE);
static const Key age = KEY (created_at, FALSE, FALSE);
static const Key spare = KEY (spare_capacity, TRUE, FALSE);
static const Key n = KEY (n, FALSE, FALSE);

static const struct {
  const char *name;
  const char *label;
  const Key *keys[6];
} orders[] = {
  [CT_QUEUE_URGENCY] = { "urgency", N_ ("Most urgent first"), { &due, &priority, &age, &n } },
  [CT_QUEUE_FIFO] = { "fifo", N_ ("First in, first out"), { &age, &n } },
  [CT_QUEUE_BALANCED] = { "balanced",
                          N_ ("Balanced by spare capacity"),
                          { &spare, &due, &priority, &age, &n } },
};

static const char *const lane_names[] = { "overdue", "under_an_hour", "today", "later" };
static const char *const lane_labels[] = { N_ ("Overdue"), N_ ("Under an hour"), N_ ("Today"), N_ ("Later") };

const char *
ct_queue_order_name (CtQueueOrder order)
{
  g_return_val_if_fail (order < G_N_ELEMENTS (orders), NULL);
  return orders[order].name;
}

const char *
ct_queue_order_label (CtQueueOrder order)
{
  g_return_val_if_fail (order < G_N_ELEMENTS (orders), NULL);
  return _ (orders[order].label);
}

gboolean
ct_queue_order_parse (const char *name, CtQueueOrder *order)
{
  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    if (g_strcmp0 (orders[i].name, name) == 0) {
      *order = (CtQueueOrder) i;
      return TRUE;
    }
  return FALSE;
}

/* Negative where @a comes first. */
int
ct_queue_compare (CtQueueOrder order, const CtQueueItem *a, const CtQueueItem *b)
{
  g_return_val_if_fail (order < G_N_ELEMENTS (orders), 0);
  for (const Key *const *key = orders[order].keys; *key; key++) {
    gint64 x = G_STRUCT_MEMBER (gint64, a, (*key)->value);
    gint64 y = G_STRUCT_MEMBER (gint64, b, (*key)->value);

    if (x != y)
      return (x < y) == (*key)->descending ? 1 : -1;
  }
  return 0;
}

/**
 * ct_queue_order_by:
 * @columns: SQL written by the program, never foreign text
 *
 * Returns: (transfer full): what follows ORDER BY, the same order as ct_queue_compare()'s
 */
char *
ct_queue_order_by (CtQueueOrder order, const CtQueueColumns *columns)
{
  GString *out = g_string_new (NULL);

  g_return_val_if_fail (order < G_N_ELEMENTS (orders), g_string_free (out, FALSE));
  for (const Key *const *key = orders[order].keys; *key; key++) {
    const char *column = G_STRUCT_MEMBER (const char *, columns, (*key)->column);

    g_string_append_printf (out, "%s%s%s%s", out->len ? ", " : "", column, (*key)->descending ? " DESC" : "",
                            (*key)->nullable ? " NULLS LAST" : "");
  }
  return g_string_free (out, FALSE);
}

/* "overdue" and so on */
const char *
ct_lane_name (CtLane lane)
{
  g_return_val_if_fail (lane < CT_N_LANES, NULL);
  return lane_names[lane];
}

const char *
ct_lane_label (CtLane lane)
{
  g_return_val_if_fail (lane < CT_N_LANES, NULL);
  return _ (lane_labels[lane]);
}

/**
 * ct_lane_bounds:
 * @zone: the workspace's, for the end of today
 * @bounds: (out): where each lane ends and the next begins: what is due before bounds[0] is overdue
 */
void
ct_lane_bounds (gint64 now, GTimeZone *zone, gint64 bounds[CT_N_LANES - 1])
{
  char tomorrow[CT_DATE_SIZE];

  ct_date_from_days (ct_time_to_days (now, zone) + 1, tomorrow);
  bounds[CT_LANE_OVERDUE] = now;
  bounds[CT_LANE_UNDER_AN_HOUR] = now + CT_MS_HOUR;
  bounds[CT_LANE_TODAY] = MAX (ct_date_to_time (tomorrow, zone), bounds[CT_LANE_UNDER_AN_HOUR]);
}

CtLane
ct_lane_of (gint64 due_at, const gint64 bounds[CT_N_LANES - 1])
{
  guint lane = 0;

  while (lane < CT_LANE_LATER && due_at >= bounds[lane])
    lane++;
  return (CtLane) lane;
}
